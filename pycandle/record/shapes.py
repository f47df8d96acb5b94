"""Keeps sizes open that PyTorch fixes only to find the shape that an op gives.

It finds a recurrent network's by tracing step after step, which makes the number of steps a
constant of the program, although the op itself stays whole in it. It asks of a reshape whether it
can be a view, which takes for granted that sizes are not one. It must not know the graph, nor what
the ops compute.
"""

# PyTorch annotates only part of what it exports, and keeps some of it private.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportPrivateUsage=false

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch._decomp import decomposition_table

_KEYS = (torch._C.DispatchKey.Autograd, torch._C.DispatchKey.CompositeImplicitAutograd)


@contextmanager
def whole_sequences() -> Generator[None]:
    """Within it, the shapes of recurrent networks are told, not traced."""
    with _told(_SEQUENCES):
        yield


@contextmanager
def any_layout() -> Generator[None]:
    """Within it, a reshape asks nothing of layouts; only for tracing, since it never is a view."""
    with _told({torch.ops.aten.reshape.default: _reshaped}):
        yield


@contextmanager
def _told(functions: Mapping[Any, Any]) -> Generator[None]:
    """Within it, these functions tell the shapes that ops give."""
    before = {op: (dict(op.py_kernels), decomposition_table.get(op)) for op in functions}
    try:
        for op, shapes in functions.items():
            _replace(op, {**op.py_kernels, **dict.fromkeys(_KEYS, shapes)}, shapes)
        yield
    finally:
        for op, (kernels, decomposition) in before.items():
            _replace(op, kernels, decomposition)


def _replace(op: Any, kernels: dict[Any, Any], decomposition: Any) -> None:
    op.py_kernels.clear()
    op.py_kernels.update(kernels)
    op._dispatch_cache.clear()
    decomposition_table.pop(op, None)
    if decomposition is not None:
        decomposition_table[op] = decomposition


def _shapes(op: Any) -> Callable[..., tuple[Tensor, ...]]:
    """Tensors as the op gives them, of which only shape, dtype and layout count."""
    names = [argument.name for argument in op._schema.arguments]

    def outputs(*args: Any, **kwargs: Any) -> tuple[Tensor, ...]:
        given = dict(zip(names, args, strict=False)) | kwargs
        hx = given["hx"]
        states = [hx] if isinstance(hx, Tensor) else hx
        width = states[0].shape[2] * (2 if given["bidirectional"] else 1)
        return _output(args[0], width, given), *map(torch.empty_like, states)

    return outputs


def _output(x: Tensor, width: Any, given: dict[str, Any]) -> Tensor:
    """The output of every step, in memory with the steps first."""
    if "batch_sizes" in given:
        return x.new_empty((x.shape[0], width))
    if not given["batch_first"]:
        return x.new_empty((x.shape[0], x.shape[1], width))
    return x.new_empty((x.shape[1], x.shape[0], width)).transpose(0, 1)


def _reshaped(x: Tensor, shape: Sequence[Any]) -> Tensor:
    sizes = list(shape)
    free = [k for k, size in enumerate(sizes) if isinstance(size, int) and size == -1]
    if free:
        rest = math.prod(sizes[: free[0]] + sizes[free[0] + 1 :])
        sizes[free[0]] = x.numel() // rest
    torch._check(x.numel() == math.prod(sizes))
    return x.new_empty(sizes)


_SEQUENCES: dict[Any, Any] = {
    op: _shapes(op)
    for packet in (torch.ops.aten.lstm, torch.ops.aten.gru,
                   torch.ops.aten.rnn_tanh, torch.ops.aten.rnn_relu)
    for op in (packet.input, packet.data)
}  # fmt: skip
