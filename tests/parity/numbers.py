"""Parity tests that print every number of every comparison, not only what a report shows."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from tests.parity.crate import Edit

SEEDED = ("mlp", "conv_net", "gpt2", "bert")

# The generated tests, run by the functions below.
EDITS = (
    Edit("_parity", "parity::isolated(&SPEC", "crate::numbers::isolated(&SPEC"),
    Edit("_parity", "parity::cumulative(&SPEC", "crate::numbers::cumulative(&SPEC"),
)

SUPPORT = """\
#[cfg(test)]
pub mod numbers {
    use candle_core::{Result, Tensor};
    use candle_nn::VarBuilder;
    use pycandle_runtime::PyChecker;
    use pycandle_runtime::parity::{self, Inputs, Isolated, Spec};
    use pycandle_runtime::report::{Outcome, Report};

    type Load<M> = fn(VarBuilder, Option<PyChecker>) -> Result<M>;
    type Forward<M> = fn(&M, &Inputs) -> Result<Vec<Tensor>>;

    pub fn isolated<M: Isolated>(spec: &Spec, load: Load<M>) -> Result<()> {
        conclude(&parity::run_isolated(spec, load)?)
    }

    pub fn cumulative<M>(spec: &Spec, load: Load<M>, forward: Forward<M>) -> Result<()> {
        conclude(&parity::run_cumulative(spec, load, forward)?)
    }

    fn conclude(report: &Report) -> Result<()> {
        print!("{report}");
        for row in &report.rows {
            if let Outcome::Compared(verdict) = &row.outcome {
                println!(
                    "numbers {:e} {:e} {:e} {:e} {:e} {}",
                    verdict.error,
                    verdict.limit,
                    verdict.max_error,
                    verdict.max_limit,
                    verdict.max_abs,
                    row.path
                );
            }
        }
        report.verdict()
    }
}
"""


@dataclass(frozen=True, slots=True)
class Numbers:
    """How near a comparison came to its limits: 1 is the limit."""

    error: float  # RMS error against float64, over its limit
    max_error: float  # largest error against float64, over its limit
    difference: float  # largest difference from PyTorch's float32 output
    path: str


def read_numbers(output: str) -> list[Numbers]:
    """Every comparison that a test printed."""
    found: list[Numbers] = []
    for line in re.findall(r"^numbers (.+)$", output, re.MULTILINE):
        error, limit, max_error, max_limit, difference, *path = line.split(" ")
        found.append(
            Numbers(
                _part(float(error), float(limit)),
                _part(float(max_error), float(max_limit)),
                float(difference),
                " ".join(path),
            )
        )
    return found


def summary(found: Iterable[Numbers]) -> str:
    """The nearest that any comparison came to each limit, and where."""
    found = list(found)
    error = max(found, key=lambda n: n.error)
    largest = max(found, key=lambda n: n.max_error)
    difference = max(found, key=lambda n: n.difference)
    return (
        f"{len(found)} comparisons; RMS error at most {error.error:.2f} of its limit"
        f" ({error.path or 'root'}), largest error at most {largest.max_error:.2f} of its limit"
        f" ({largest.path or 'root'}), difference from PyTorch at most {difference.difference:.1e}"
        f" ({difference.path or 'root'})"
    )


def _part(error: float, limit: float) -> float:
    return error / limit if limit else 0.0
