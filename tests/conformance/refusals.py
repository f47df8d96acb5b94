"""Calls that PyTorch refuses for the values of its tensors: Rust must refuse them too.

Their shapes are right, so that no compiler can see it; what a call would give comes from PyTorch's
meta device, which computes shapes and no values.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from tests.conformance.case import Case, Solved, as_graph, overload

_X = torch.arange(12.0).reshape(3, 4)
_FAR = torch.tensor([0, 3])
_LOW = torch.tensor([-4, 0])


def refusals() -> dict[str, Case]:
    """Every such call by name."""
    far, low = _FAR.reshape(2, 1), torch.tensor([[0, -1, 1, 0]])
    rows = torch.ones(2, 4)
    found = {
        "gather beyond the axis": ("gather.default", _X, 0, far.expand(2, 4)),
        "gather with a negative index": ("gather.default", _X, 0, low),
        "index_select beyond the axis": ("index_select.default", _X, 0, _FAR),
        "index beyond the axis": ("index.Tensor", _X, [_FAR]),
        "index before the axis": ("index.Tensor", _X, [_LOW]),
        "index_put beyond the axis": ("index_put.default", _X, [_FAR], rows),
        "index_add beyond the axis": ("index_add.default", _X, 0, _FAR, rows),
        "index_copy beyond the axis": ("index_copy.default", _X, 0, _FAR, rows),
        "index_fill beyond the axis": ("index_fill.int_Scalar", _X, 0, _FAR, 1.0),
        "scatter beyond the axis": ("scatter.src", _X, 0, far.expand(2, 4), rows),
        "scatter_add beyond the axis": ("scatter_add.default", _X, 0, far.expand(2, 4), rows),
        "take beyond the elements": ("take.default", _X, torch.tensor([12])),
        "embedding beyond the table": ("embedding.default", _X, _FAR),
        "embedding with a negative index": ("embedding.default", _X, _LOW),
        "one_hot beyond the classes": ("one_hot.default", _FAR, 3),
        "nll_loss with a class that is not there": (
            "nll_loss.default", _X[:2], torch.tensor([0, 4])),
        "integers divided by zero": ("floor_divide.default", _FAR, torch.tensor([0, 1])),
        "the remainder of integers by zero": ("remainder.Tensor", _FAR, torch.tensor([0, 1])),
        "repeats that are negative": (
            "repeat_interleave.self_Tensor", _X[:, 0], torch.tensor([1, -1, 2]), 0,
            {"output_size": 2}),
    }  # fmt: skip
    return {name: _case(name, *call) for name, call in found.items()}


def unsolved(case: Case) -> Solved:
    """The case with results of the right types and no values. Fails if PyTorch takes the call."""
    try:
        result = overload(case.op)(*case.args, **case.kwargs)
    except (IndexError, RuntimeError):
        result = None
    assert result is None, f"PyTorch takes {case.origin}"
    meta = pytree.tree_map_only(Tensor, lambda x: x.to("meta"), (case.args, dict(case.kwargs)))
    result = overload(case.op)(*meta[0], **meta[1])
    results = (torch.zeros(result.shape, dtype=result.dtype),)
    graph, inputs = as_graph(case, results)
    return Solved(case, graph, inputs, results, results)


def _case(name: str, op: str, *args: object) -> Case:
    kwargs = args[-1] if isinstance(args[-1], dict) else {}
    return Case(f"aten.{op}", args[:-1] if kwargs else args, kwargs, name)
