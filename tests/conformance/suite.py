"""The whole suite as one function: gather calls, solve them, compile them, run them, judge them.

How many calls of each kind is the caller's choice; which ops there are is the table's, PyTorch's
list of core ops', and that of the ops that real models use.
"""

from __future__ import annotations

import json
import tomllib
import warnings
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch

from pycandle.ops import entries
from tests.conformance.case import Case, Solved, overload, solve
from tests.conformance.crate import Outcome, emit, run
from tests.conformance.differences import differences
from tests.conformance.harvest import DTYPES, harvest
from tests.conformance.probe import survived
from tests.conformance.samples import SAMPLES, sampled
from tests.conformance.variants import variants

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Depth:
    """How much of everything."""

    dtypes: tuple[torch.dtype, ...]
    samples: int  # of each entry of PyTorch's database and dtype
    most: int  # different calls of an overload and dtype
    variants: int  # of each overload


SLICE = Depth(DTYPES[:1], 3, 3, 4)
FULL = Depth(DTYPES, 30, 24, 40)


@dataclass(frozen=True)
class Row:
    """A case and what became of it: an outcome, or the reasons why it is declined."""

    case: Case
    outcome: Outcome | None
    declined: tuple[str, ...] = ()
    exception: str = ""  # the reason why a failure is accepted


@dataclass(frozen=True)
class Known:
    """A line of the file of exceptions: failures that are accepted, and why."""

    op: str
    reason: str
    dtypes: str = ""  # exactly these, as a case prints them
    contains: str = ""  # somewhere in the case as it prints

    def covers(self, case: Case) -> bool:
        """Whether the line is about this case."""
        same = case.op == self.op and self.dtypes in ("", case.dtypes)
        return same and self.contains in str(case)


def conform(wanted: Collection[str], depth: Depth, crate: str) -> list[Row]:
    """Every case of the wanted overloads, run."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rows: list[Row] = []
        ready: list[tuple[Solved, str]] = []
        for case in gather(wanted, depth):
            solved = solve(case)
            if isinstance(solved, str):
                assert case.origin in ("OpInfo", "Hypothesis"), f"{case.origin}: {case}: {solved}"
                continue
            body = emit(solved.graph)
            if isinstance(body, str):
                ready.append((solved, body))
            elif isinstance(body, Outcome):
                rows.append(_judged(case, body))
            else:
                rows.append(Row(case, None, body))
    outcomes = run(ready, crate)
    done = zip(ready, outcomes, strict=True)
    return [*rows, *(_judged(solved.case, outcome) for (solved, _), outcome in done)]


def gather(wanted: Collection[str], depth: Depth) -> Iterator[Case]:
    """The named differences, the samples, PyTorch's own, and variants of all of them."""
    named = [case for case in differences().values() if case.op in wanted]
    yield from named
    found = harvest(wanted, depth.dtypes, depth.samples, depth.most)
    for op in sorted(wanted):
        known = [*sampled(op), *found.get(op, [])]
        yield from known
        # What PyTorch refuses is found out only when it runs, hence more than are asked for.
        seeds = [*known, *(case for case in named if case.op == op)]
        if seeds:
            yield from survived(variants(seeds, depth.variants))


@cache
def wanted_ops() -> tuple[str, ...]:
    """Every overload that the suite is about."""
    table = {name for name in entries() if name.startswith("aten.")}
    return tuple(sorted(table | set(core_ops()) | set(model_ops()) | set(SAMPLES)))


@cache
def core_ops() -> tuple[str, ...]:
    """The overloads that PyTorch tags as core."""
    found: set[str] = set()
    for schema in torch._C._jit_get_all_schemas():
        if schema.name.startswith("aten::"):
            name = f"aten.{schema.name[6:]}.{schema.overload_name or 'default'}"
            try:
                op = overload(name)
            except AttributeError:
                continue
            if torch.Tag.core in op.tags:
                found.add(name)
    return tuple(sorted(found))


@cache
def model_ops() -> dict[str, int]:
    """The overloads that real models use, each with the number of models."""
    path = HERE / "model_ops.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


@cache
def exceptions() -> tuple[Known, ...]:
    """The accepted failures."""
    text = (HERE / "exceptions.toml").read_text(encoding="utf-8")
    return tuple(Known(**entry) for entry in tomllib.loads(text).get("exception", []))


def stale(rows: Sequence[Row]) -> list[Known]:
    """Exceptions that no failure needs any more."""
    failed = [row.case for row in rows if row.outcome and not row.outcome.passed]
    return [known for known in exceptions() if not any(known.covers(case) for case in failed)]


def _judged(case: Case, outcome: Outcome) -> Row:
    if outcome.passed:
        return Row(case, outcome)
    covered = [known.reason for known in exceptions() if known.covers(case)]
    return Row(case, outcome, exception=covered[0] if covered else "")
