"""Which loops over a size are scans: only the statement decides, so no tensor is needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from pycandle.record.scans import with_scans


def _stacked(x: Any, y: Any, state: Any) -> Any:
    rows = []
    for t in range(x.shape[1]):
        state = x[:, t] * state
        row = state.to(x.dtype) + y[t, :, 0]
        rows.append(row)
    return torch.stack(rows, dim=1), state


def _written(x: Any, state: Any) -> Any:
    out = torch.zeros_like(x)
    for t in range(x.shape[1]):
        state = state + torch.exp(x[:, t])
        out[:, t] = state
    return out


def _same_names(x: Any, state: Any) -> Any:
    rows = []
    for t in range(x.shape[1]):
        row = state + x[:, t]
        state = row * 2
        rows.append(row)
    row = torch.stack(rows)
    for t in range(x.shape[1]):
        state = state + x[:, t] * row
    return state


def _by_place(x: Any, state: Any) -> Any:
    for t in range(x.shape[1]):
        state = state + x[:, t] * t
    return state


def _branching(x: Any, state: Any) -> Any:
    for t in range(x.shape[1]):
        if t > 3:
            state = state + x[:, t]
    return state


def _neighbours(x: Any, state: Any) -> Any:
    for t in range(x.shape[1]):
        state = state + x[:, t - 1]
    return state


def _in_place(x: Any, state: Any) -> Any:
    for t in range(x.shape[1]):
        state += x[:, t]
    return state


def _by_method_in_place(x: Any, state: Any) -> Any:
    for t in range(x.shape[1]):
        state = state.add_(x[:, t])
    return state


def _last_row(x: Any, state: Any) -> Any:
    row = x[:, 0]
    for t in range(x.shape[1]):
        row = x[:, t] * 2
        state = state + row
    return state, row


def _listed(x: Any, state: Any) -> Any:
    rows = []
    for t in range(x.shape[1]):
        state = state + x[:, t]
        rows.append(state)
    return torch.stack(rows), len(rows)


def _read_as_written(x: Any, state: Any) -> Any:
    for t in range(x.shape[1]):
        state = state + x[:, t]
        x[:, t] = state
    return x


def _by_module(self: Any, x: Any, state: Any) -> Any:
    for t in range(x.shape[1]):
        state = self.cell(state) + x[:, t]
    return state


def _twice(x: Any, state: Any) -> Any:
    for _ in range(2):
        for t in range(x.shape[1]):
            state = state + x[:, t]
    return state


def _of_steps(x: Any, state: Any) -> Any:
    for t in range(1, x.shape[1]):
        state = state + x[:, t]
    return state


def _last_place(x: Any, state: Any) -> Any:
    t = 0
    for t in range(x.shape[1]):
        state = state + x[:, t]
    return state, t


@pytest.mark.parametrize("function", [_stacked, _written, _same_names])
def test_scans(function: Callable[..., Any]) -> None:
    check(function, True)


@pytest.mark.parametrize(
    "function",
    [_by_place, _branching, _neighbours, _in_place, _by_method_in_place, _last_row, _listed,
     _read_as_written, _by_module, _twice, _of_steps, _last_place],
)  # fmt: skip
def test_others_stay_python(function: Callable[..., Any]) -> None:
    check(function, False)


def check(function: Any, scans: bool) -> None:
    """The function has other code with a scan in it, or none."""
    code = with_scans(function)
    assert (code is not None) == scans
    assert code is None or "pycandle_loops_step" in {
        *code.co_varnames, *code.co_cellvars,
    }  # fmt: skip
