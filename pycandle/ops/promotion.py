"""Operands as the runtime takes them: tensors, and Python numbers of their result's kind.

The runtime promotes dtypes as PyTorch does, but for what it cannot see: Candle stores bool as u8,
and PyTorch's default dtype may be another than float32. Such tensors are converted here.
"""

from __future__ import annotations

from pycandle.graph import Dim
from pycandle.ops.create import candle_dtype
from pycandle.ops.expr import Expr, Method, size
from pycandle.ops.table import Operand, number

Scalar = int | float | bool | Dim

FLOATS = frozenset({"f64", "f32", "f16", "bf16"})


def operands(dtype: str, *given: Operand | Scalar, label: str = "number") -> tuple[Expr, ...]:
    """What an operator whose operands meet in `dtype` takes; `label` says what a number is."""
    tensors = [x for x in given if isinstance(x, Operand)]
    unusual = dtype in FLOATS - {"f32"} and not any(x.type.is_float for x in tensors)
    return tuple(
        _tensor(x, dtype, unusual) if isinstance(x, Operand) else scalar(x, dtype, label)
        for x in given
    )


def scalar(value: Scalar, dtype: str, label: str = "number") -> Expr:
    """A number that meets tensors in `dtype`: an i64 among integers, else an f64."""
    kind = "f64" if dtype in FLOATS or isinstance(value, float) else "i64"
    if isinstance(value, Dim):
        return size(value, kind)
    return number(int(value) if isinstance(value, bool) else value, kind, label)


def common(x: Operand, other: Operand | Scalar) -> str:
    """The dtype in which two operands meet, so far as bools and numbers depend on it."""
    if isinstance(other, Operand):
        return x.dtype if other.dtype == "bool" or x.type.is_float else other.dtype
    if isinstance(other, float) and not x.type.is_float:
        return "f32"
    return "i64" if x.dtype == "bool" and not isinstance(other, bool) else x.dtype


def _tensor(x: Operand, dtype: str, unusual: bool) -> Expr:
    same = candle_dtype(x.dtype) == candle_dtype(dtype)
    if same or not (unusual or x.dtype == "bool"):
        return x.expr
    return Method(x.expr, "to_dtype", (candle_dtype(dtype),))
