"""Logic of anything, and bits of integers; on booleans the two are one."""

from __future__ import annotations

from pycandle.graph import TensorType
from pycandle.ops.expr import Call, Expr
from pycandle.ops.promotion import Scalar, operands
from pycandle.ops.table import NARROW, Operand, decline, op


def _logical(name: str, x: Operand, other: Operand) -> Expr:
    return Call(f"ops::logical_{name}", (x.expr, other.expr))


def _bitwise(name: str, x: Operand | Scalar, other: Operand | Scalar, out: TensorType) -> Expr:
    if out.dtype == "bool" and isinstance(x, Operand) and isinstance(other, Operand):
        return _logical(name, x, other)
    return Call(f"ops::bitwise_{name}", operands(out.dtype, x, other, label="bits"))


@op("aten.logical_and.default", also=NARROW)
def logical_and(x: Operand, other: Operand) -> Expr:
    """Where both are true."""
    return _logical("and", x, other)


@op("aten.logical_or.default", also=NARROW)
def logical_or(x: Operand, other: Operand) -> Expr:
    """Where either is true."""
    return _logical("or", x, other)


@op("aten.logical_xor.default", also=NARROW)
def logical_xor(x: Operand, other: Operand) -> Expr:
    """Where one is true, not both."""
    return _logical("xor", x, other)


@op("aten.logical_not.default", also=NARROW)
def logical_not(x: Operand) -> Expr:
    """Where an element is zero or false."""
    return Call("ops::logical_not", (x.expr,))


@op(
    "aten.__and__.Tensor", "aten.__and__.Scalar", "aten.bitwise_and.Tensor",
    "aten.bitwise_and.Scalar", "aten.bitwise_and.Scalar_Tensor",
    also=NARROW,
)  # fmt: skip
def bitwise_and(x: Operand | Scalar, other: Operand | Scalar, *, out: TensorType) -> Expr:
    """Conjunction of bits."""
    return _bitwise("and", x, other, out)


@op(
    "aten.__or__.Tensor", "aten.__or__.Scalar", "aten.bitwise_or.Tensor",
    "aten.bitwise_or.Scalar", "aten.bitwise_or.Scalar_Tensor",
    also=NARROW,
)  # fmt: skip
def bitwise_or(x: Operand | Scalar, other: Operand | Scalar, *, out: TensorType) -> Expr:
    """Disjunction of bits."""
    return _bitwise("or", x, other, out)


@op(
    "aten.__xor__.Tensor", "aten.__xor__.Scalar", "aten.bitwise_xor.Tensor",
    "aten.bitwise_xor.Scalar", "aten.bitwise_xor.Scalar_Tensor",
    also=NARROW,
)  # fmt: skip
def bitwise_xor(x: Operand | Scalar, other: Operand | Scalar, *, out: TensorType) -> Expr:
    """Where bits differ."""
    return _bitwise("xor", x, other, out)


@op("aten.bitwise_not.default", also=NARROW)
def bitwise_not(x: Operand) -> Expr:
    """Every bit turned; of booleans, negation."""
    decline(x.type.is_float, f"bitwise_not of {x.dtype}")
    return Call("ops::logical_not" if x.dtype == "bool" else "ops::bitwise_not", (x.expr,))


def _shift(name: str, x: Operand | Scalar, other: Operand | Scalar, out: TensorType) -> Expr:
    decline(out.is_float or out.dtype == "bool", f"a shift of {out.dtype}", "use integers")
    return Call(f"ops::bitwise_{name}_shift", operands(out.dtype, x, other, label="bits"))


@op(
    "aten.__lshift__.Tensor", "aten.__lshift__.Scalar", "aten.bitwise_left_shift.Tensor",
    "aten.bitwise_left_shift.Tensor_Scalar", "aten.bitwise_left_shift.Scalar_Tensor",
    also=NARROW,
)  # fmt: skip
def bitwise_left_shift(x: Operand | Scalar, other: Operand | Scalar, *, out: TensorType) -> Expr:
    """Bits moved up."""
    return _shift("left", x, other, out)


@op(
    "aten.__rshift__.Tensor", "aten.__rshift__.Scalar", "aten.bitwise_right_shift.Tensor",
    "aten.bitwise_right_shift.Tensor_Scalar", "aten.bitwise_right_shift.Scalar_Tensor",
    also=NARROW,
)  # fmt: skip
def bitwise_right_shift(x: Operand | Scalar, other: Operand | Scalar, *, out: TensorType) -> Expr:
    """Bits moved down; the sign stays."""
    return _shift("right", x, other, out)
