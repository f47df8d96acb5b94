"""The search for modules that must stay in float32, on errors that are known."""

import math

import pytest

from pycandle.precision.search import search

TREE = [f"layers.{block}.{part}" for block in range(20) for part in ("attn", "norm", "mlp.up")]


def check(harm: dict[str, float], expected: set[str], most: int, modules: list[str] = TREE):
    """Errors add up as independent ones do; 1 is allowed, and `most` sets may be tried."""
    tried: list[frozenset[str]] = []

    def error_of(low: frozenset[str]) -> float:
        tried.append(low)
        return math.hypot(*(harm.get(module, 0.0) for module in low))

    def passes(low: frozenset[str]) -> bool:
        return error_of(low) <= 1

    found = search(modules, error_of, passes, dict.fromkeys(modules, 0.0), 1.0)

    assert set(found.modules) == expected
    assert passes(frozenset(modules) - expected)
    assert len(tried) <= most
    for module in expected if found.minimal else ():
        assert not passes(frozenset(modules) - expected | {module})
    assert found.minimal


def test_one_is_found_in_few_steps():
    check({"layers.7.norm": 5.0}, {"layers.7.norm"}, 30)
    check({"layers.7.norm": math.inf}, {"layers.7.norm"}, 30)


def test_several_are_found_in_few_steps():
    harm = {"layers.0.attn": 2.0, "layers.19.mlp.up": math.inf, "layers.11.norm": 1.5}
    check(harm, set(harm), 60)


def test_those_that_harm_most_stay():
    small = dict.fromkeys(TREE[::2], 0.1)
    check({**small, "layers.0.norm": 0.6, "layers.3.norm": 0.8}, {"layers.3.norm"}, 120)


def test_two_thousand_modules_are_no_more_work():
    modules = [f"blocks.{block}.{part}" for block in range(200) for part in range(10)]
    harm = {"blocks.17.3": math.inf, "blocks.180.9": 3.0}
    check(harm, set(harm), 70, modules)


@pytest.mark.parametrize("modules", [["whole"], ["", "part"], ["part", "part.part"]])
def test_few_modules(modules: list[str]):
    check({modules[-1]: 2.0}, {modules[-1]}, 10, modules)


def test_what_is_cut_short_says_so():
    modules = [f"{block}.{part}" for block in range(100) for part in range(20)]
    tried: list[frozenset[str]] = []

    def error_of(low: frozenset[str]) -> float:
        tried.append(low)
        return len(low) / 100

    alone = dict.fromkeys(modules, 0.01)
    found = search(modules, error_of, lambda low: error_of(low) <= 1, alone, 1.0)

    assert len(modules) - len(found.modules) <= 100 and not found.minimal
    assert len(tried) < 500
