"""No false alarm: the same code with other weights and inputs, again and again, always matches."""

from __future__ import annotations

import pytest

from tests.parity.crate import Crate
from tests.parity.numbers import SEEDED, Numbers, read_numbers, summary
from tests.parity.recording import record_seeds

SEEDS = range(100, 110)


def check(crate: Crate, name: str) -> None:
    """Every module call matches for every seed; prints how near the worst came to its limit."""
    found: dict[str, list[Numbers]] = {"isolated": [], "cumulative": []}
    for seed in record_seeds(name, crate.path / "seeds", SEEDS):
        for mode, numbers in found.items():
            run = crate.run(f"seeded_{name}", mode)
            assert run.passed, f"seed {seed}\n{run.output}"
            assert 0 < run.compared == run.expected
            assert ", 0 failed, 0 uninformative, " in run.output
            numbers += read_numbers(run.output)
    for mode, numbers in found.items():
        assert numbers
        print(f"{name}, {mode}: {summary(numbers)}")


@pytest.mark.parametrize("name", SEEDED)
def test_ten_seeds_raise_no_alarm(crate: Crate, name: str) -> None:
    check(crate, name)
