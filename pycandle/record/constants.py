"""States tensors that no checkpoint holds (non-persistent buffers, lifted constants) as nodes.

A position table is an `arange`, a mask of ones a `full`: said in closed form they need no data.
Small tables without one become literals; the others are data, and go into a file of their own.
It must not know where a constant is used.
"""

# PyTorch annotates only part of what it exports, and keeps some of it private.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false, reportPrivateUsage=false

from __future__ import annotations

from collections.abc import Callable

import torch

from pycandle.errors import Finding, RecordError
from pycandle.graph import Arg, DType, Node, Ref, TensorType, Value
from pycandle.record.values import DTYPES

# A table of this many numbers still reads as a table.
_MOST_LITERALS = 64


def constant_nodes(
    name: str, path: str, tensor: torch.Tensor, fresh: Callable[[str], str]
) -> list[Node]:
    """Nodes of which the last gives `%name`, equal to the tensor; none if it is to be data.

    Raises `RecordError` for a dtype that graphs have not.
    """
    if tensor.dtype not in DTYPES:
        raise RecordError(Finding(f"dtype {tensor.dtype} is not supported", path, "convert it"))
    dtype = DTYPES[tensor.dtype]
    shape = tuple(tensor.shape)
    out = Value(name, TensorType(dtype, shape))
    if tensor.is_complex():
        pairs = torch.view_as_real(tensor.resolve_conj())
        parts = constant_nodes(fresh(f"{name}_parts"), path, pairs, fresh)
        if not parts:
            return []
        whole = Node("aten.view_as_complex.default", (Ref(parts[-1].out.name),), (), (out,))
        return [*parts, whole]
    first = tensor.flatten()[:1]
    # Zero and minus zero are equal, and not the same.
    if tensor.numel() and bool(((tensor == first) & (tensor.signbit() == first.signbit())).all()):
        fill = tensor.flatten()[0].item()
        return [_node("aten.full.default", (shape, fill), out, dtype)]
    if (axis := _arange_axis(tensor)) is not None:
        return _arange(tensor, axis, out, fresh)
    if (limits := _band_limits(tensor)) is not None:
        return _band(limits, out, fresh)
    if tensor.numel() > _MOST_LITERALS:
        return []
    flat = tuple(tensor.flatten().tolist())
    return [_node("rt.literal", (flat, shape), out, dtype)]


def _arange_axis(tensor: torch.Tensor) -> int | None:
    """The one axis along which an integer tensor counts up evenly, if it does."""
    if tensor.is_floating_point() or tensor.dtype is torch.bool:
        return None
    varying = [a for a in range(tensor.ndim) if tensor.shape[a] > 1]
    for axis in varying:
        line = tensor.movedim(axis, -1).reshape(-1, tensor.shape[axis])
        steps = line.diff(dim=-1)
        if bool((steps == steps[0, 0]).all()) and bool((line == line[0]).all()) and steps[0, 0]:
            return axis
    return None


def _arange(tensor: torch.Tensor, axis: int, out: Value, fresh: Callable[[str], str]) -> list[Node]:
    line = tensor.movedim(axis, -1).reshape(-1, tensor.shape[axis])[0].tolist()
    step = line[1] - line[0]
    dtype, length = out.type.dtype, len(line)
    thin = tuple(length if a == axis else 1 for a in range(tensor.ndim))
    nodes = [
        _node(
            "aten.arange.start_step",
            (line[0], line[0] + step * length, step),
            Value(fresh(f"{out.name}_arange"), TensorType(dtype, (length,))),
            dtype,
        )
    ]
    if thin != (length,):
        view = Value(fresh(f"{out.name}_view"), TensorType(dtype, thin))
        nodes.append(Node("aten.view.default", (Ref(nodes[-1].out.name), thin), (), (view,)))
    if out.type.shape != thin:
        nodes.append(
            Node("aten.expand.default", (Ref(nodes[-1].out.name), out.type.shape), (), (out,))
        )
    last = nodes.pop()
    return [*nodes, Node(last.op, last.args, last.kwargs, (out,))]


def _band_limits(tensor: torch.Tensor) -> tuple[int | None, int | None] | None:
    """The first and last diagonal that a mask over its last two axes holds, if those are all it
    holds; None for one at the mask's corner.
    """
    if tensor.dtype is not torch.bool or tensor.ndim < 2 or tensor.shape[:-2].numel() != 1:
        return None
    mask = tensor.reshape(tensor.shape[-2:])
    rows, columns = mask.shape
    diagonals = torch.arange(columns) - torch.arange(rows)[:, None]
    held = diagonals[mask]
    first, last = int(held.min()), int(held.max())
    if not torch.equal(mask, (diagonals >= first) & (diagonals <= last)):
        return None
    return (None if first == 1 - rows else first), (None if last == columns - 1 else last)


def _band(
    limits: tuple[int | None, int | None], out: Value, fresh: Callable[[str], str]
) -> list[Node]:
    """Comparisons of a column's index with a row's, as masks are written by hand."""
    rows, columns = (size for size in out.type.shape[-2:] if isinstance(size, int))
    nodes: list[Node] = []

    def add(op: str, args: tuple[Arg, ...], dtype: str, *shape: int) -> Ref:
        value = Value(fresh(f"{out.name}_{op.split('.')[1]}"), TensorType(dtype, shape))
        kwargs = (("dtype", DType(dtype)),) if "arange" in op else ()
        nodes.append(Node(op, args, kwargs, (value,)))
        return Ref(value.name)

    column = add("aten.arange.default", (columns,), "i64", columns)
    line = add("aten.arange.default", (rows,), "i64", rows)
    row = add("aten.view.default", (line, (rows, 1)), "i64", rows, 1)
    parts: list[Ref] = []
    for limit, op in zip(limits, ("aten.ge.Tensor", "aten.le.Tensor"), strict=True):
        if limit is not None:
            border = add("aten.add.Scalar", (row, limit), "i64", rows, 1) if limit else row
            parts.append(add(op, (column, border), "bool", rows, columns))
    mask = parts[0]
    if len(parts) > 1:
        mask = add("aten.logical_and.default", tuple(parts), "bool", rows, columns)
    if len(out.type.shape) > 2:
        mask = add("aten.view.default", (mask, out.type.shape), "bool")
    last = nodes.pop()
    return [*nodes, Node(last.op, last.args, last.kwargs, (out,))]


def _node(op: str, args: tuple[Arg, ...], out: Value, dtype: str) -> Node:
    return Node(op, args, (("dtype", DType(dtype)),), (out,))
