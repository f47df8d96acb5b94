"""Every op against PyTorch: a slice of the suite by default, all of it with `--full`."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from pycandle.ops import entries
from tests.conformance.case import Solved
from tests.conformance.crate import emit, run
from tests.conformance.differences import differences
from tests.conformance.page import PAGE, declines, page
from tests.conformance.refusals import refusals, unsolved
from tests.conformance.suite import (
    FULL,
    SLICE,
    Row,
    compiled,
    conform,
    core_ops,
    gather,
    model_ops,
    stale,
    wanted_ops,
)

DECLINED = Path(__file__).with_name("declined.txt")

# Mistakes in what is emitted: each must be caught by a case of its op.
MUTANTS = {
    "aten.softmax.int": (r"softmax\((\w+), 1\)", r"softmax(\1, 0)"),
    "aten.gelu.default": (r"ops::gelu\(", "ops::gelu_tanh("),
    "aten.relu.default": (r"ops::relu\(", "ops::abs("),
    "aten.sub.Tensor": (r"(\w+) - (\w+)\)", r"\2 - \1)"),
    "aten.tril.default": (r"ops::tril\(", "ops::triu("),
    "aten.amax.default": (r"ops::amax\(", "ops::amin("),
    "aten.cumsum.default": (r"ops::cumsum\((\w+)", r"ops::cumprod(\1"),
}


@pytest.fixture(scope="module")
def rows(full: bool) -> list[Row]:
    """The cases of this run, with what became of them."""
    return conform(wanted_ops(), FULL if full else SLICE, "conformance")


def test_every_case_agrees_with_pytorch_or_declines(rows: list[Row]):
    bad = [row for row in rows if row.outcome and not row.outcome.passed and not row.exception]

    assert [f"{row.case}: {row.outcome}" for row in bad] == []
    assert sum(row.outcome is not None for row in rows) > len(entries())


def test_every_known_difference_of_candle_passes(rows: list[Row]):
    passed = {row.case.origin for row in rows if row.outcome and row.outcome.passed}

    assert set(differences()) - passed == set()


def test_every_op_that_matters_is_lowered_or_declines(rows: list[Row], full: bool):
    seen = {row.case.op for row in rows}
    silent = set(entries()) & (set(core_ops()) | set(model_ops())) - seen

    assert not full or silent == set()


def test_declines_say_what_they_have_said(rows: list[Row], full: bool, bless: bool):
    said = declines(rows)
    if bless and full:
        DECLINED.write_text("".join(f"{line}\n" for line in said), encoding="utf-8")
    known = DECLINED.read_text(encoding="utf-8").splitlines()

    assert set(said) - set(known) == set()
    assert not full or said == known


def test_the_page_lists_every_op(rows: list[Row], full: bool, bless: bool):
    if bless and full:
        PAGE.write_text(page(rows), encoding="utf-8")
    text = PAGE.read_text(encoding="utf-8")
    listed = {name.removeprefix("aten.") for name in re.findall(r"`([\w.]+)`", text)}

    assert listed >= {name.removeprefix("aten.") for name in wanted_ops()}
    assert not full or text == page(rows)


def test_no_exception_is_stale(rows: list[Row], full: bool):
    assert not full or stale(rows) == []


def test_what_pytorch_refuses_for_its_values_is_refused():
    cases = [unsolved(case) for case in refusals().values()]
    bodies = [(solved, emit(solved.graph)) for solved in cases]
    emitted = [(solved, body) for solved, body in bodies if isinstance(body, str)]
    outcomes = run(emitted, "conformance_refusals")
    named = zip((solved.case.origin for solved, _ in emitted), outcomes, strict=True)

    assert len(emitted) > len(bodies) - 3
    assert [f"{name}: {outcome}" for name, outcome in named if outcome.status != "refused"] == []


def test_mistakes_are_caught():
    caught: dict[str, bool] = dict.fromkeys(MUTANTS, False)
    changed: list[tuple[Solved, str]] = []
    for cases in gather(tuple(MUTANTS), replace(SLICE, samples=12, most=6)):
        for solved, body in compiled(cases):
            if isinstance(solved, Solved) and isinstance(body, str):
                wrong = re.sub(*MUTANTS[solved.case.op], body)
                changed += [(solved, wrong)] if wrong != body else []
    for (solved, _), outcome in zip(changed, run(changed, "conformance_mutants"), strict=True):
        caught[solved.case.op] |= not outcome.passed

    assert [op for op, found in caught.items() if not found] == []
