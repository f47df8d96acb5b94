"""Tensors made from nothing but sizes and constants."""

from __future__ import annotations

from pycandle.graph import Arg, Dim, TensorType
from pycandle.ops.expr import Call, DeviceOf, Expr, Method, Number, Raw, Slice, shape, size
from pycandle.ops.table import Decline, Operand, decline, op

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


def candle_dtype(name: str) -> Raw:
    """The dtype in Candle. Declines what Candle lacks."""
    if name not in CANDLE_DTYPES:
        raise Decline(f"dtype {name}, which Candle cannot compute with", "use i64 or f32")
    return Raw(CANDLE_DTYPES[name])


@op("aten.arange.default", "aten.arange.start", "aten.arange.start_step")
def arange(*numbers: Arg, dtype: str | None = None, out: TensorType) -> Expr:
    """Evenly spaced integers from start (0) to end, end excluded, by step (1)."""
    decline(out.dtype != "i64", f"arange of {out.dtype}", "make it of int64 and convert it")
    if not all(isinstance(n, (int, Dim)) for n in numbers):
        raise Decline("arange of floats", "make it of int64 and convert it")
    sizes = [size(n, "i64") for n in numbers if isinstance(n, (int, Dim))]
    start = sizes[0] if len(sizes) > 1 else Number(0, "i64")
    end = sizes[1] if len(sizes) > 1 else sizes[0]
    if len(sizes) < 3 or numbers[2] == 1:
        return Call("Tensor::arange", (start, end, DeviceOf()))
    return Call("Tensor::arange_step", (start, end, sizes[2], DeviceOf()))


@op("aten.full.default")
def full(sizes: Arg, value: Arg, dtype: str | None = None, *, out: TensorType) -> Expr:
    """A tensor of one value."""
    return _filled(value, out)


@op("aten.full_like.default", "aten.new_full.default")
def full_like(x: Operand, *rest: Arg, dtype: str | None = None, out: TensorType) -> Expr:
    """A tensor of one value, shaped as another or as said."""
    return _filled(rest[-1], out)


@op("aten.ones.default", "aten.new_ones.default", "aten.ones_like.default")
def ones(*args: Arg | Operand, dtype: str | None = None, out: TensorType) -> Expr:
    """A tensor of ones."""
    return Call("Tensor::ones", (shape(out.shape), candle_dtype(out.dtype), DeviceOf()))


@op("aten.zeros.default", "aten.new_zeros.default", "aten.zeros_like.default")
def zeros(*args: Arg | Operand, dtype: str | None = None, out: TensorType) -> Expr:
    """A tensor of zeros."""
    return Call("Tensor::zeros", (shape(out.shape), candle_dtype(out.dtype), DeviceOf()))


@op("rt.literal")
def literal(
    data: tuple[int | float, ...], sizes: Arg, dtype: str | None = None, *, out: TensorType
) -> Expr:
    """A small table of numbers that no checkpoint holds."""
    kinds = {"f64": "f64", "f32": "f32", "i64": "i64", "u8": "u8", "bool": "u8"}
    decline(out.dtype not in kinds, f"a table of {out.dtype}", "store it as float32 or int64")
    kind = kinds[out.dtype]
    items = tuple(Number(int(n) if isinstance(n, bool) else n, kind) for n in data)
    return Method(Call("Tensor::new", (Slice(items), DeviceOf())), "reshape", (shape(out.shape),))


def _filled(value: Arg, out: TensorType) -> Expr:
    if isinstance(value, Dim):
        decline(out.dtype != "i64", f"a size as {out.dtype}", "convert it")
        number = size(value, "i64")
    elif isinstance(value, (bool, int, float)):
        kind = {"f64": "f64", "i64": "i64", "bool": "u8", "u8": "u8", "f32": "f32"}.get(out.dtype)
        if kind is None:
            raise Decline(f"a constant tensor of {out.dtype}", "make it of float32 and convert it")
        number = Number(float(value) if out.is_float else int(value), kind)
    else:
        raise Decline("a fill value that depends on the data", "use torch.where")
    return Call("Tensor::full", (number, shape(out.shape), DeviceOf()))
