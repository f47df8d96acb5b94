"""Cases from PyTorch's own database of ops (OpInfo), by ATen overload.

Every sample of the database runs under two dispatch modes: one sees calls as `torch.export` does,
before composite ops fall apart, the other sees the core ops that they fall into. No table maps the
database's names to overloads.
"""

from __future__ import annotations

import itertools
import json
import time
import warnings
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch._C import DispatchKey
from torch._dispatch.python import enable_python_dispatcher
from torch._subclasses.schema_check_mode import SchemaCheckMode
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from pycandle.output import write_if_changed
from tests.conformance.case import Case
from tests.parity.crate import TARGET

FLOATS = (torch.float32, torch.float64, torch.float16, torch.bfloat16)
DTYPES = (torch.float32, torch.int64, torch.bool, *FLOATS[1:], torch.complex64, torch.int32)
# Which entries call what is found out once, so that a run for one op takes seconds.
_MAKERS = TARGET / f"opinfo-{torch.__version__.partition('+')[0]}.json"
# No entry of the database may hold up the others.
_SECONDS = 2.0


def harvest(
    wanted: Collection[str], dtypes: tuple[torch.dtype, ...], samples: int, most: int
) -> dict[str, list[Case]]:
    """At most `most` different calls of each wanted overload and dtype.

    `samples` is how many of each database entry's samples run for each dtype: of the rarer dtypes
    a third, since their samples differ in nothing else.
    """
    found: dict[str, dict[str, Case]] = {op: {} for op in wanted}
    counts: dict[tuple[str, torch.dtype], int] = {}

    def keep(op: str, args: Any, kwargs: Any) -> None:
        calls = found.get(op)
        if calls is None or counts.get((op, dtype), 0) >= most:
            return
        args, kwargs = pytree.tree_map_only(torch.Tensor, _own, (args, kwargs))
        case = Case(op, args, kwargs, "OpInfo")
        if calls.setdefault(case.signature, case) is case:
            counts[op, dtype] = counts.get((op, dtype), 0) + 1

    with _quiet():
        makers = _makers()
        for entry in _entries():
            if found.keys().isdisjoint(makers[entry.formatted_name]):
                continue
            for dtype in dtypes:
                common = dtype in (torch.float32, torch.int64, torch.bool)
                _run_entry(entry, dtype, samples if common else -(-samples // 3), keep)
    return {op: list(calls.values()) for op, calls in found.items()}


def _makers() -> dict[str, list[str]]:
    """The overloads that each entry of the database calls, found out once."""
    if _MAKERS.exists():
        return json.loads(_MAKERS.read_text(encoding="utf-8"))
    makers: dict[str, list[str]] = {}
    for entry in _entries():
        seen: set[str] = set()
        for dtype in (torch.float32, torch.int64):
            _run_entry(entry, dtype, 6, lambda op, args, kwargs: seen.add(op))  # noqa: B023
        makers[entry.formatted_name] = sorted(seen)
    _MAKERS.parent.mkdir(parents=True, exist_ok=True)
    write_if_changed(_MAKERS, json.dumps(makers).encode())
    return makers


def _entries() -> list[Any]:
    from torch.testing._internal.common_methods_invocations import op_db

    return op_db


@contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _run_entry(
    entry: Any, dtype: torch.dtype, samples: int, keep: Callable[[str, Any, Any], None]
) -> None:
    if dtype not in entry.dtypes:
        return
    torch.manual_seed(0)
    start = time.monotonic()
    for sample in itertools.islice(_samples(entry, dtype), samples):
        before = _Watch(DispatchKey.PreDispatch, keep)
        with _Watch(None, keep), enable_python_dispatcher(), before:
            try:
                entry(sample.input, *sample.args, **sample.kwargs)
            except Exception:  # The database has samples that need what a CPU does not have.
                continue
        if time.monotonic() - start > _SECONDS:
            return


def _samples(entry: Any, dtype: torch.dtype) -> Iterator[Any]:
    try:
        yield from entry.sample_inputs("cpu", dtype, requires_grad=False)
    except Exception:  # As above.
        return


class _Watch(SchemaCheckMode):
    """Tells of every call of a functional overload, at one stage of the dispatch.

    PyTorch lets few classes watch before dispatch; this one's base is among them.
    """

    def __init__(self, key: Any, keep: Callable[[str, Any, Any], None]) -> None:
        TorchDispatchMode.__init__(self, key)  # pyright: ignore[reportCallIssue]
        self.keep = keep

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        schema = func._schema
        if not schema.is_mutable and torch.Tag.nondeterministic_seeded not in func.tags:
            self.keep(str(func), args, kwargs or {})
        return func(*args, **(kwargs or {}))


def _own(tensor: torch.Tensor) -> torch.Tensor:
    """The tensor as a plain one, detached from whatever made it."""
    return tensor.detach()
