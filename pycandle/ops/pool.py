"""Pools over the last one, two or three axes."""

from __future__ import annotations

from pycandle.graph import Size, TensorType
from pycandle.ops.conv import axes, each
from pycandle.ops.expr import Call, Expr, Maybe, flag
from pycandle.ops.table import NARROW, Operand, decline, number, op

Sizes = tuple[Size, ...]


@op("aten.max_pool1d.default", also=NARROW)
def max_pool1d(
    x: Operand, kernel_size: Sizes, stride: Sizes = (), padding: Sizes = (0,),
    dilation: Sizes = (1,), ceil_mode: bool = False,
) -> Expr:  # fmt: skip
    """The largest element of each window of the last axis."""
    return _max_pool("max_pool1d", 1, x, kernel_size, stride, padding, dilation, ceil_mode)


@op("aten.max_pool1d_with_indices.default", also=NARROW)
def max_pool1d_with_indices(
    x: Operand, kernel_size: Sizes, stride: Sizes = (), padding: Sizes = (0,),
    dilation: Sizes = (1,), ceil_mode: bool = False,
) -> Expr:  # fmt: skip
    """The largest element of each window of the last axis, and its place."""
    name = "max_pool1d_with_indices"
    return _max_pool(name, 1, x, kernel_size, stride, padding, dilation, ceil_mode)


@op("aten.max_pool2d.default", also=NARROW)
def max_pool2d(
    x: Operand, kernel_size: Sizes, stride: Sizes = (), padding: Sizes = (0,),
    dilation: Sizes = (1,), ceil_mode: bool = False,
) -> Expr:  # fmt: skip
    """The largest element of each window of the last two axes."""
    return _max_pool("max_pool2d", 2, x, kernel_size, stride, padding, dilation, ceil_mode)


@op("aten.max_pool2d_with_indices.default", also=NARROW)
def max_pool2d_with_indices(
    x: Operand, kernel_size: Sizes, stride: Sizes = (), padding: Sizes = (0,),
    dilation: Sizes = (1,), ceil_mode: bool = False,
) -> Expr:  # fmt: skip
    """The largest element of each window of the last two axes, and its place in them."""
    name = "max_pool2d_with_indices"
    return _max_pool(name, 2, x, kernel_size, stride, padding, dilation, ceil_mode)


@op("aten.max_pool3d.default", also=NARROW)
def max_pool3d(
    x: Operand, kernel_size: Sizes, stride: Sizes = (), padding: Sizes = (0,),
    dilation: Sizes = (1,), ceil_mode: bool = False,
) -> Expr:  # fmt: skip
    """The largest element of each window of the last three axes."""
    return _max_pool("max_pool3d", 3, x, kernel_size, stride, padding, dilation, ceil_mode)


@op("aten.max_pool3d_with_indices.default", also=NARROW)
def max_pool3d_with_indices(
    x: Operand, kernel_size: Sizes, stride: Sizes = (), padding: Sizes = (0,),
    dilation: Sizes = (1,), ceil_mode: bool = False,
) -> Expr:  # fmt: skip
    """The largest element of each window of the last three axes, and its place in them."""
    name = "max_pool3d_with_indices"
    return _max_pool(name, 3, x, kernel_size, stride, padding, dilation, ceil_mode)


@op("aten.avg_pool1d.default")
def avg_pool1d(
    x: Operand, kernel_size: Sizes, stride: Sizes = (), padding: Sizes = (0,),
    ceil_mode: bool = False, count_include_pad: bool = True,
) -> Expr:  # fmt: skip
    """The mean of each window of the last axis."""
    return _avg_pool(1, x, kernel_size, stride, padding, ceil_mode, count_include_pad)


@op("aten.avg_pool2d.default")
def avg_pool2d(
    x: Operand, kernel_size: Sizes, stride: Sizes = (), padding: Sizes = (0,),
    ceil_mode: bool = False, count_include_pad: bool = True, divisor_override: int | None = None,
) -> Expr:  # fmt: skip
    """The sum of each window of the last two axes, by its size or by a given divisor."""
    divisor = None if divisor_override is None else number(divisor_override, "i64", "divisor")
    window = (kernel_size, stride, padding, ceil_mode, count_include_pad)
    return _avg_pool(2, x, *window, Maybe(divisor))


@op("aten.avg_pool3d.default")
def avg_pool3d(
    x: Operand, kernel_size: Sizes, stride: Sizes = (), padding: Sizes = (0,),
    ceil_mode: bool = False, count_include_pad: bool = True, divisor_override: int | None = None,
) -> Expr:  # fmt: skip
    """The sum of each window of the last three axes, by its size or by a given divisor."""
    divisor = None if divisor_override is None else number(divisor_override, "i64", "divisor")
    window = (kernel_size, stride, padding, ceil_mode, count_include_pad)
    return _avg_pool(3, x, *window, Maybe(divisor))


@op("aten.adaptive_avg_pool1d.default")
def adaptive_avg_pool1d(x: Operand, output_size: Sizes, *, out: TensorType) -> Expr:
    """The mean of each of the given number of windows that cover the last axis."""
    return _adaptive("adaptive_avg_pool1d", 1, x, out)


@op("aten.adaptive_avg_pool2d.default", "aten._adaptive_avg_pool2d.default")
def adaptive_avg_pool2d(x: Operand, output_size: Sizes, *, out: TensorType) -> Expr:
    """The mean of each of the given number of windows that cover the last two axes."""
    return _adaptive("adaptive_avg_pool2d", 2, x, out)


@op("aten.adaptive_avg_pool3d.default", "aten._adaptive_avg_pool3d.default")
def adaptive_avg_pool3d(x: Operand, output_size: Sizes, *, out: TensorType) -> Expr:
    """The mean of each of the given number of windows that cover the last three axes."""
    return _adaptive("adaptive_avg_pool3d", 3, x, out)


@op("aten.adaptive_max_pool1d.default")
def adaptive_max_pool1d(x: Operand, output_size: Sizes, *, out: tuple[TensorType, ...]) -> Expr:
    """The largest element of each window that covers the last axis, and its place."""
    return _adaptive("adaptive_max_pool1d", 1, x, out[0])


@op("aten.adaptive_max_pool2d.default")
def adaptive_max_pool2d(x: Operand, output_size: Sizes, *, out: tuple[TensorType, ...]) -> Expr:
    """The largest element of each window that covers the last two axes, and its place in them."""
    return _adaptive("adaptive_max_pool2d", 2, x, out[0])


@op("aten.adaptive_max_pool3d.default")
def adaptive_max_pool3d(x: Operand, output_size: Sizes, *, out: tuple[TensorType, ...]) -> Expr:
    """The largest element of each window that covers the last three axes, and its place in them."""
    return _adaptive("adaptive_max_pool3d", 3, x, out[0])


@op("aten.max_unpool2d.default")
def max_unpool2d(x: Operand, indices: Operand, output_size: Sizes, *, out: TensorType) -> Expr:
    """Elements at the places that a max pool of two axes took them from, among zeros."""
    sizes = axes(out.shape[-2:], "output_size")
    return Call("ops::max_unpool2d", (x.expr, indices.expr, sizes))


@op("aten.max_unpool3d.default")
def max_unpool3d(
    x: Operand, indices: Operand, output_size: Sizes, stride: Sizes, padding: Sizes,
    *, out: TensorType,
) -> Expr:  # fmt: skip
    """Elements at the places that a max pool of three axes took them from, among zeros."""
    sizes = axes(out.shape[-3:], "output_size")
    return Call("ops::max_unpool3d", (x.expr, indices.expr, sizes))


def _max_pool(
    name: str, rank: int, x: Operand, kernel_size: Sizes, stride: Sizes, padding: Sizes,
    dilation: Sizes, ceil_mode: bool,
) -> Expr:  # fmt: skip
    decline(x.dtype == "bool", f"{name} of bool", "convert it to float32")
    window = (
        axes(each(kernel_size, rank), "kernel_size"),
        axes(each(stride or kernel_size, rank), "stride"),
        axes(each(padding, rank), "padding"),
        axes(each(dilation, rank), "dilation"),
    )
    return Call(f"ops::{name}", (x.expr, *window, flag(ceil_mode)))


def _avg_pool(
    rank: int, x: Operand, kernel_size: Sizes, stride: Sizes, padding: Sizes, ceil_mode: bool,
    count_include_pad: bool, *divisor: Expr,
) -> Expr:  # fmt: skip
    decline(x.dtype == "bool", f"avg_pool{rank}d of bool", "convert it to float32")
    window = (
        axes(each(kernel_size, rank), "kernel_size"),
        axes(each(stride or kernel_size, rank), "stride"),
        axes(each(padding, rank), "padding"),
    )
    flags = (flag(ceil_mode), flag(count_include_pad))
    return Call(f"ops::avg_pool{rank}d", (x.expr, *window, *flags, *divisor))


def _adaptive(name: str, rank: int, x: Operand, out: TensorType) -> Expr:
    decline(not x.type.is_float, f"{name} of {x.dtype}", "convert it to float32")
    return Call(f"ops::{name}", (x.expr, axes(out.shape[-rank:], "output_size")))
