"""Weights that are stored as a direction and a length."""

from __future__ import annotations

from pycandle.graph import TensorType
from pycandle.ops.expr import Call, Expr, Maybe, Number
from pycandle.ops.table import Operand, decline, number, op


@op("aten._weight_norm.default")
def weight_norm(v: Operand, g: Operand, dim: int = 0) -> Expr:
    """The direction of `v` with the length of `g`; -1 means the norm of the whole of `v`."""
    _one_float(v, g)
    return Call("ops::weight_norm", (v.expr, g.expr, _axis(v, dim)))


@op("aten._weight_norm_interface.default")
def weight_norm_interface(
    v: Operand, g: Operand, dim: int = 0, *, out: tuple[TensorType, ...]
) -> Expr:
    """The weight, and the norms that `v` is divided by."""
    _one_float(v, g)
    decline(out[1].dtype == v.dtype and v.dtype in ("f16", "bf16"), f"weight norms in {v.dtype}")
    return Call("ops::weight_norm_interface", (v.expr, g.expr, _axis(v, dim)))


@op("aten.norm_except_dim.default")
def norm_except_dim(v: Operand, pow: int = 2, dim: int = 0) -> Expr:  # noqa: A002 (ATen's name)
    """The norm over all axes but one; -1 means over all."""
    decline(not v.type.is_float, f"norm_except_dim of {v.dtype}", "convert it to float32")
    decline(pow < 1, f"norm_except_dim with pow={pow}")
    return Call("ops::norm_except_dim", (v.expr, number(pow, "i64"), _axis(v, dim)))


def _axis(v: Operand, dim: int) -> Maybe:
    return Maybe(None if dim == -1 else Number(v.axis(dim), "usize"))


def _one_float(v: Operand, g: Operand) -> None:
    differ = v.dtype != g.dtype or not v.type.is_float
    decline(differ, f"weight norm of {v.dtype} and {g.dtype}", "use one float dtype")
