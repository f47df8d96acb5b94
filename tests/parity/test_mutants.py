"""The gate is tested: each mistake in generated code is caught, and the right module is named."""

from __future__ import annotations

import re

import pytest

from tests.parity.crate import Crate
from tests.parity.mutants import MUTANTS


def check(crate: Crate, name: str) -> None:
    """Alone, only the wrong module and what holds it fail; in the whole, it is the first."""
    mutant = MUTANTS[name]

    isolated = crate.run(name, "isolated")
    assert not isolated.passed, isolated.output
    assert isolated.culprit == mutant.culprit, isolated.output
    assert {generic(label) for label in isolated.failed} <= holders(generic(mutant.culprit))

    cumulative = crate.run(name, "cumulative")
    assert cumulative.passed == mutant.only_isolated, cumulative.output
    assert cumulative.culprit == ("" if mutant.only_isolated else mutant.culprit)


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mistake_is_caught_and_its_module_named(crate: Crate, name: str) -> None:
    check(crate, name)


def generic(label: str) -> str:
    """The label for all layers of a stack: some mistakes are in each."""
    return re.sub(r"\.\d+", ".N", label)


def holders(label: str) -> set[str]:
    """The module itself and every module around it."""
    parts = label.split(".")
    return {"(root)", *(".".join(parts[: k + 1]) for k in range(len(parts)))}
