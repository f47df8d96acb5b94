"""Runs a graph's nodes with PyTorch's own kernels, in their own precision or in float64.

This is how goldens of every value are made, and how a recording is held against the model it was
made from. It must not know any lowering to Rust.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch

from pycandle.errors import Finding, RecordError
from pycandle.graph import Arg, DType, Node, Ref
from pycandle.graph.dim import Dim, substitute
from pycandle.record.importer import DTYPES

_TORCH = {name: dtype for dtype, name in DTYPES.items()}
# What each dtype is computed in for a reference, and where there is no such kernel.
_WIDE = {
    **dict.fromkeys((torch.float64, torch.float32, torch.float16, torch.bfloat16), torch.float64),
    torch.complex64: torch.complex128,
}
_NARROW = {torch.float64: torch.float32, torch.complex128: torch.complex64}

Environment = dict[str, torch.Tensor]


def evaluate(
    nodes: Iterable[Node], known: Mapping[str, torch.Tensor], sizes: Mapping[str, int], wide: bool
) -> Environment:
    """Every value of the nodes by name, the known ones included; `wide` computes in float64.

    In float64 every floating dtype is replaced, also where an op names one. An op without a
    float64 kernel runs in float32, and only that op.
    """
    env: Environment = {name: widen(t) if wide else t for name, t in known.items()}
    before = torch.get_default_dtype()
    if wide:
        torch.set_default_dtype(torch.float64)
    try:
        with torch.no_grad():
            for node in nodes:
                _run(node, env, sizes, wide)
    finally:
        torch.set_default_dtype(before)
    return env


def widen(tensor: torch.Tensor) -> torch.Tensor:
    """The tensor in float64 or complex128 if it is not of integers or booleans."""
    return tensor.to(_WIDE.get(tensor.dtype, tensor.dtype))


def _run(node: Node, env: Environment, sizes: Mapping[str, int], wide: bool) -> None:
    if any(name not in env for name in node.inputs):
        raise RecordError(Finding(f"{node.op} reads a value that was not computed", node.source))
    args = [_value(arg, env, sizes, wide) for arg in node.args]
    kwargs = {name: _value(arg, env, sizes, wide) for name, arg in node.kwargs}
    try:
        result = _call(node.op, args, kwargs)
    except RuntimeError as error:
        if not wide or "not implemented" not in str(error):
            raise
        narrow = [_narrow(arg) for arg in args]
        result = _call(node.op, narrow, {name: _narrow(arg) for name, arg in kwargs.items()})
    results = [result] if isinstance(result, torch.Tensor) else list(result)
    for out, tensor in zip(node.outs, results, strict=True):
        env[out.name] = widen(tensor) if wide else tensor


def _call(op: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    if op == "rt.literal":
        return torch.tensor(args[0], **kwargs).reshape(args[1])
    namespace, name, overload = op.split(".")
    return getattr(getattr(getattr(torch.ops, namespace), name), overload)(*args, **kwargs)


def _value(arg: Arg, env: Environment, sizes: Mapping[str, int], wide: bool) -> Any:
    match arg:
        case Ref(name=name):
            return env[name]
        case Dim():
            return substitute(arg, sizes)
        case DType():
            dtype = _TORCH[str(arg)]
            return _WIDE.get(dtype, dtype) if wide else dtype
        case tuple():
            return [_value(item, env, sizes, wide) for item in arg]
        case _:
            return arg


def _narrow(arg: Any) -> Any:
    return arg.to(_NARROW.get(arg.dtype, arg.dtype)) if isinstance(arg, torch.Tensor) else arg
