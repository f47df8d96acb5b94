"""Tensors made from nothing but sizes and constants."""

from __future__ import annotations

import math

from pycandle.graph import Arg, Dim, Size, TensorType
from pycandle.ops.expr import Call, DeviceOf, Expr, Method, Number, Raw, Slice, shape, size
from pycandle.ops.table import NARROW, Decline, Operand, decline, number, op

# How Candle spells a dtype: PyTorch's bool is Candle's u8 with values 0 and 1.
CANDLE_DTYPES = {
    "f64": "DType::F64",
    "f32": "DType::F32",
    "f16": "DType::F16",
    "bf16": "DType::BF16",
    "i64": "DType::I64",
    "i32": "DType::I32",
    "i16": "DType::I16",
    "u8": "DType::U8",
    "bool": "DType::U8",
}
# The Rust type of a dtype's elements, where there are literals of it.
_LITERALS = {"f64": "f64", "f32": "f32", "i64": "i64", "i32": "i32", "i16": "i16", "u8": "u8",
             "bool": "u8"}  # fmt: skip
# How many values a narrow integer has; PyTorch's numbers wrap around in it.
_WIDTHS = {"i32": 2**32, "i16": 2**16, "u8": 2**8}


def candle_dtype(name: str) -> Raw:
    """The dtype in Candle. Declines what Candle lacks."""
    if name not in CANDLE_DTYPES:
        raise Decline(f"dtype {name}, which Candle cannot compute with", "use i64 or f32")
    return Raw(CANDLE_DTYPES[name])


@op("aten.arange.default", "aten.arange.start", "aten.arange.start_step", also=NARROW)
def arange(*numbers: Arg, dtype: str | None = None, out: TensorType) -> Expr:
    """Evenly spaced numbers from start (0) to end, end excluded, by step (1)."""
    numbers = tuple(int(n) if isinstance(n, bool) else n for n in numbers)
    start, end = (0, numbers[0]) if len(numbers) == 1 else numbers[:2]
    step = numbers[2] if len(numbers) > 2 else 1
    if not all(isinstance(n, (int, float, Dim)) for n in (start, end, step)):
        raise Decline("arange between values that depend on the data", "use sizes or constants")
    if not out.is_float:
        return in_dtype(_integers(start, end, step, out), "i64", out.dtype)
    ends = (_real(start), _real(end), _real(step))
    return Call("ops::arange", (*ends, candle_dtype(out.dtype), DeviceOf()))


def _integers(start: Arg, end: Arg, step: Arg, out: TensorType) -> Expr:
    start, end, step = (
        int(n) if isinstance(n, float) and n.is_integer() else n for n in (start, end, step)
    )
    if not all(isinstance(n, (int, Dim)) for n in (start, end, step)):
        # PyTorch counts them as floats, and then truncates start and step.
        first, by = _truncated(start), _truncated(step)
        start, step, end = first, by, first + by * out.shape[0]
        decline(by == 0, "arange of integers by a fraction", "make it of floats and convert it")
    ends = tuple(size(n, "i64") for n in (start, end) if isinstance(n, (int, Dim)))
    if step == 1:
        return Call("Tensor::arange", (*ends, DeviceOf()))
    return Call("ops::arange_i64", (*ends, size(step, "i64"), DeviceOf()))  # type: ignore[reportArgumentType]


def _truncated(value: Arg) -> int:
    if not isinstance(value, (int, float)):
        raise Decline("arange of integers between a size and a fraction", "use integers")
    return int(value)


def _real(value: Arg) -> Expr:
    return size(value, "f64") if isinstance(value, Dim) else number(value)


@op("aten.linspace.default", also=NARROW)
def linspace(
    start: float, end: float, steps: Size, *, dtype: str | None = None, out: TensorType
) -> Expr:
    """So many evenly spaced numbers, with both ends."""
    ends = (number(start), number(end), size(steps))
    return Call("ops::linspace", (*ends, candle_dtype(out.dtype), DeviceOf()))


@op("aten.logspace.default", also=NARROW)
def logspace(
    start: float, end: float, steps: Size, base: float = 10.0, *, dtype: str | None = None,
    out: TensorType,
) -> Expr:  # fmt: skip
    """Powers of a base, with evenly spaced exponents."""
    ends = (number(start), number(end), size(steps), number(base))
    return Call("ops::logspace", (*ends, candle_dtype(out.dtype), DeviceOf()))


@op("aten.eye.default", "aten.eye.m", also=NARROW)
def eye(n: Size, m: Size | None = None, *, dtype: str | None = None, out: TensorType) -> Expr:
    """Ones on the diagonal of a matrix."""
    sizes = (size(out.shape[0]), size(out.shape[1]))
    return Call("ops::eye", (*sizes, candle_dtype(out.dtype), DeviceOf()))


@op("aten.tril_indices.default", also=NARROW)
def tril_indices(
    row: Size, col: Size, offset: Size = 0, *, dtype: str | None = None, out: TensorType
) -> Expr:
    """The places on and below a diagonal."""
    indices = Call("ops::tril_indices", (size(row), size(col), size(offset, "i64"), DeviceOf()))
    return in_dtype(indices, "i64", out.dtype)


@op("aten.triu_indices.default", also=NARROW)
def triu_indices(
    row: Size, col: Size, offset: Size = 0, *, dtype: str | None = None, out: TensorType
) -> Expr:
    """The places on and above a diagonal."""
    indices = Call("ops::triu_indices", (size(row), size(col), size(offset, "i64"), DeviceOf()))
    return in_dtype(indices, "i64", out.dtype)


@op("aten.full.default", also=NARROW)
def full(sizes: Arg, fill_value: Arg, *, dtype: str | None = None, out: TensorType) -> Expr:
    """A tensor of one value."""
    return constant(fill_value, out)


@op("aten.full_like.default", "aten.fill.Scalar", also=NARROW)
def full_like(x: Operand, fill_value: Arg, *, dtype: str | None = None, out: TensorType) -> Expr:
    """A tensor of one value, shaped as another."""
    return constant(fill_value, out)


@op("aten.new_full.default", also=NARROW)
def new_full(
    x: Operand, sizes: Arg, fill_value: Arg, *, dtype: str | None = None, out: TensorType
) -> Expr:
    """A tensor of one value, of another's dtype."""
    return constant(fill_value, out)


@op("aten.scalar_tensor.default", also=NARROW)
def scalar_tensor(value: Arg, *, dtype: str | None = None, out: TensorType) -> Expr:
    """A number as a tensor without axes."""
    return constant(value, out)


@op("aten.ones.default", "aten.new_ones.default", "aten.ones_like.default", also=NARROW)
def ones(*args: Arg | Operand, dtype: str | None = None, out: TensorType) -> Expr:
    """A tensor of ones."""
    return Call("Tensor::ones", (shape(out.shape), candle_dtype(out.dtype), DeviceOf()))


@op(
    "aten.zeros.default",
    "aten.new_zeros.default",
    "aten.zeros_like.default",
    "aten.zero.default",
    # What is in an empty tensor is not defined, and zeros are as good as anything.
    "aten.empty.memory_format",
    "aten.empty_like.default",
    "aten.empty_permuted.default",
    "aten.empty_strided.default",
    "aten.new_empty.default",
    "aten.new_empty_strided.default",
    also=NARROW,
)
def zeros(*args: Arg | Operand, dtype: str | None = None, out: TensorType) -> Expr:
    """A tensor of zeros."""
    return Call("Tensor::zeros", (shape(out.shape), candle_dtype(out.dtype), DeviceOf()))


@op("rt.literal", also=NARROW)
def literal(
    data: tuple[int | float, ...], sizes: Arg, dtype: str | None = None, *, out: TensorType
) -> Expr:
    """A small table of numbers that no checkpoint holds."""
    if not data:
        return Call("Tensor::zeros", (shape(out.shape), candle_dtype(out.dtype), DeviceOf()))
    kind = _LITERALS.get(out.dtype, "f32")
    items = tuple(Number(int(n) if isinstance(n, bool) else n, kind) for n in data)
    table: Expr = Call("Tensor::new", (Slice(items), DeviceOf()))
    if out.rank != 1:
        table = Method(table, "reshape", (shape(out.shape),))
    return in_dtype(table, kind, out.dtype)


def constant(value: Arg, out: TensorType) -> Expr:
    """A tensor of one value, rounded or truncated to its dtype as in PyTorch."""
    if isinstance(value, Dim):
        decline(out.dtype not in ("i64", "f64"), f"a size as {out.dtype}", "convert it")
        return Call("Tensor::full", (size(value, out.dtype), shape(out.shape), DeviceOf()))
    if not isinstance(value, (bool, int, float)):
        raise Decline("a fill value that depends on the data", "use torch.where")
    if value in (0, 1) and math.copysign(1, value) > 0:
        made = "Tensor::ones" if value else "Tensor::zeros"
        return Call(made, (shape(out.shape), candle_dtype(out.dtype), DeviceOf()))
    if out.dtype in ("f16", "bf16"):
        sizes = Slice(tuple(size(s) for s in out.shape))
        number = Number(float(value), "f64")
        return Call("ops::full", (sizes, number, candle_dtype(out.dtype), DeviceOf()))
    filling = Number(element(value, out.dtype), _LITERALS[out.dtype])
    return Call("Tensor::full", (filling, shape(out.shape), DeviceOf()))


def in_dtype(made: Expr, kind: str, dtype: str) -> Expr:
    """A new tensor with elements of one Rust type, in its dtype."""
    if _LITERALS.get(dtype) == kind:
        return made
    return Method(made, "to_dtype", (candle_dtype(dtype),))


def element(value: bool | int | float, dtype: str) -> int | float:
    """A number as a tensor of that dtype holds it: truncated, and wrapped around."""
    if dtype == "bool":
        return int(bool(value))
    if dtype in ("f32", "f64"):
        return float(value)
    decline(not math.isfinite(value), f"{value} as {dtype}", "use a finite number")
    whole, width = int(value), _WIDTHS.get(dtype)
    if width is None:
        return whole
    low = 0 if dtype == "u8" else -width // 2
    return (whole - low) % width + low
