"""Softmax along one axis, and its logarithm."""

from __future__ import annotations

from pycandle.graph import TensorType
from pycandle.ops.expr import Call, Expr
from pycandle.ops.reduce import axis, floating
from pycandle.ops.table import NARROW, Operand, op


@op(
    "aten.softmax.int",
    "aten._softmax.default",
    "aten.special_softmax.default",
    also=NARROW,
)
def softmax(x: Operand, dim: int, dtype: str | bool | None = None, *, out: TensorType) -> Expr:
    """Exponentials along one axis, divided by their sum."""
    return Call("ops::softmax", (floating(x, "softmax", out), axis(x, dim)))


@op(
    "aten.log_softmax.int",
    "aten._log_softmax.default",
    "aten.special_log_softmax.default",
    also=NARROW,
)
def log_softmax(x: Operand, dim: int, dtype: str | bool | None = None, *, out: TensorType) -> Expr:
    """Logarithm of softmax."""
    return Call("ops::log_softmax", (floating(x, "log_softmax", out), axis(x, dim)))
