"""The whole suite as one function: gather calls, solve them, compile them, run them, judge them.

How many calls of each kind is the caller's choice; which ops there are is the table's, PyTorch's
list of core ops', and that of the ops that real models use.
"""

from __future__ import annotations

import json
import tomllib
import warnings
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Any

import torch

from pycandle.ops import entries
from tests.conformance.apart import apart
from tests.conformance.case import Case, Solved, agreed, finite, overload, settled, solve
from tests.conformance.crate import Outcome, emit, run
from tests.conformance.differences import differences
from tests.conformance.harvest import DTYPES, harvest
from tests.conformance.samples import AGREED, FINITE, MATRICES, SAMPLES, UNDEFINED, sampled
from tests.conformance.variants import variants

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Depth:
    """How much of everything."""

    dtypes: tuple[torch.dtype, ...]
    samples: int  # of each entry of PyTorch's database and dtype
    most: int  # different calls of an overload and dtype
    variants: int  # of each overload


# Every case of the slice is one of the full run's, so that what that run found holds for it.
SLICE = Depth(DTYPES[:1], 3, 3, 0)
FULL = Depth(DTYPES, 12, 6, 8)


@dataclass(frozen=True)
class Row:
    """A case and what became of it: an outcome, or the reasons why it is declined."""

    case: Case
    outcome: Outcome | None
    declined: tuple[str, ...] = ()
    exception: str = ""  # the reason why a failure is accepted


def conform(wanted: Collection[str], depth: Depth, crate: str, candle: str = "") -> list[Row]:
    """Every case of the wanted overloads, run in a crate of this name."""
    rows: list[Row] = []
    ready: list[tuple[Solved, str]] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for cases in gather(wanted, depth):
            for case, (solved, body) in zip(cases, compiled(cases), strict=True):
                if isinstance(solved, str):
                    found = case.origin in ("OpInfo", "Hypothesis")
                    assert found, f"{case.origin}: {case}: {solved}"
                elif isinstance(body, str):
                    ready.append((solved, body))
                elif isinstance(body, Outcome):
                    rows.append(_judged(case, body))
                else:
                    rows.append(Row(case, None, body))
        outcomes = run(ready, crate, candle)
    done = zip(ready, outcomes, strict=True)
    return [*rows, *(_judged(solved.case, outcome) for (solved, _), outcome in done)]


def compiled(cases: Sequence[Case]) -> list[Any]:
    """For each case PyTorch's results and the Rust body, or why there is none."""
    return [result or ("PyTorch crashes", "") for result in apart(_compiled, cases)]


def _compiled(case: Case) -> tuple[Solved | str, str | tuple[str, ...] | Outcome]:
    solved = solve(case)
    if isinstance(solved, str):
        return solved, ""
    found = case.origin == "Hypothesis"
    if found and _is_one_of(MATRICES, case) and any(0 in x.stride() for x in case.tensors):
        return "the matrix has equal columns, and rounding decides whether it is singular", ""
    if case.op not in UNDEFINED and not finite(solved):
        if found and _is_one_of(FINITE, case):
            return "a library decides what becomes of NaN and infinities", ""
        if found and _is_one_of(AGREED, case) and not agreed(solved):
            return "PyTorch's own NaN and infinities depend on the dtype", ""
        if not settled(solved):
            return "PyTorch's own NaN and infinities depend on the layout", ""
    return solved, emit(solved.graph)


def _is_one_of(patterns: Iterable[str], case: Case) -> bool:
    return any(fnmatch(case.op, pattern) for pattern in patterns)


def gather(wanted: Collection[str], depth: Depth) -> Iterator[list[Case]]:
    """For each op the named differences, the samples, PyTorch's own, and variants of them all."""
    near = {name for op in wanted if op in entries() for name in entries()[op].names}
    found = harvest(near | set(wanted), depth.dtypes, depth.samples, depth.most)
    for op in sorted(wanted):
        named = [case for case in differences().values() if case.op == op]
        known = [*named, *sampled(op), *found.get(op, [])]
        if not known and op in entries():
            known = adopted(op, found, depth.most)
        if known:
            yield [*known, *(variants(known, depth.variants) if depth.variants else ())]


def adopted(op: str, found: Mapping[str, list[Case]], most: int) -> list[Case]:
    """Calls of the other overloads of the op's entry, as far as PyTorch takes them for this one.

    Aliases take them as they are, overloads with numbers one tensor as a number, and some only the
    first of the arguments.
    """
    names = [name for name in entries()[op].names if name != op]
    siblings = [case for name in names for case in [*sampled(name), *found.get(name, [])]]
    tried = [Case(op, args, case.kwargs, "Hypothesis") for case in siblings for args in _ways(case)]
    tried = tried[: 40 * most]
    kept: dict[str, Case] = {}
    for case, taken in zip(tried, apart(_is_taken, tried), strict=True):
        if taken and len(kept) < 3 * most:
            kept.setdefault(case.signature, case)
    return list(kept.values())


def _is_taken(case: Case) -> bool:
    # PyTorch makes tensors of numbers where it wants tensors, and a recording has none of that.
    wanted = zip(case.args, overload(case.op)._schema.arguments, strict=False)
    numbers = [arg for arg, argument in wanted if str(argument.type) == "Tensor"]
    return all(isinstance(arg, torch.Tensor) for arg in numbers) and isinstance(solve(case), Solved)


def _ways(case: Case) -> Iterator[tuple[Any, ...]]:
    yield case.args
    for place, arg in enumerate(case.args):
        if isinstance(arg, torch.Tensor) and arg.numel():
            number = arg.flatten()[0].item()
            yield (*case.args[:place], number, *case.args[place + 1 :])
    for count in range(len(case.args) - 1, 0, -1):
        yield case.args[:count]


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
def exceptions() -> Mapping[str, str]:
    """Why the failure of a case is accepted, by the case as it prints."""
    entries = tomllib.loads((HERE / "exceptions.toml").read_text(encoding="utf-8"))["exceptions"]
    return {entry["case"]: entry["reason"] for entry in entries}


def stale(rows: Sequence[Row]) -> list[str]:
    """Exceptions that no failure needs any more."""
    failed = {str(row.case) for row in rows if row.outcome and not row.outcome.passed}
    return sorted(exceptions().keys() - failed)


def _judged(case: Case, outcome: Outcome) -> Row:
    accepted = "" if outcome.passed else exceptions().get(str(case), "")
    return Row(case, outcome, exception=accepted)
