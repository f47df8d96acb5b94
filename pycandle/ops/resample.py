"""Resampling of images: interpolation, sampling at a grid, and windows as columns."""

from __future__ import annotations

from pycandle.graph import Size, TensorType
from pycandle.ops.create import candle_dtype
from pycandle.ops.expr import Call, Expr, Maybe, Method, Number, Raw, Slice, flag, size
from pycandle.ops.table import NARROW, Operand, decline, number, op

Sizes = tuple[Size, ...]
# One factor an argument, or all of them in a tuple, as the overloads `vec` take them.
Factor = float | None | tuple[float, ...]


def _overloads(*names: str) -> tuple[str, ...]:
    return tuple(f"aten.{name}.{overload}" for name in names for overload in ("default", "vec"))


def _interpolate(name: str, x: Operand, out: TensorType, *args: Expr) -> Expr:
    sizes = Slice(tuple(size(s) for s in out.shape[2:]))
    return Call(f"ops::{name}", (x.expr, sizes, *args))


def _scales(
    x: Operand, out: TensorType, positional: tuple[Factor, ...], named: dict[str, Factor]
) -> Maybe:
    """The factors that coordinates are computed from, where the sizes do not tell the same."""
    axes = tuple(zip(x.shape[2:], out.shape[2:], strict=True))
    first, *_ = (*positional, named.pop("scale_factors", None), None)
    if isinstance(first, tuple):
        factors = first
    else:
        names = ("scales",) if len(axes) == 1 else ("scales_d", "scales_h", "scales_w")
        rest = names[-len(axes) :][len(positional) :]
        factors = (*positional, *(named.get(name) for name in rest))
    numbers = tuple(f if isinstance(f, (int, float)) and f > 0 else 0.0 for f in factors)
    told = (f == 0.0 or _told(*axis, f) for axis, f in zip(axes, numbers, strict=False))
    if all(told):
        return Maybe(None)
    return Maybe(Slice(tuple(Number(float(f), "f64", "scale") for f in numbers)))


def _told(before: Size, after: Size, factor: float) -> bool:
    """Whether the quotient of the sizes is the factor's inverse, in every precision."""
    return factor == int(factor) < 2**20 and after == before * int(factor)


def _nearest(
    name: str, x: Operand, out: TensorType, scales: tuple[Factor, ...], named: dict[str, Factor]
) -> Expr:
    kinds = ("f64", "f32", "f16", "bf16", "u8")
    decline(x.dtype not in kinds, f"interpolation of {x.dtype}", "convert it to float32")
    return _interpolate(name, x, out, _scales(x, out, scales, named))


@op(*_overloads("upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d"), also=NARROW)
def upsample_nearest(
    x: Operand, output_size: Sizes | None, *scales: Factor, out: TensorType, **named: Factor
) -> Expr:
    """The sample at or before each place."""
    return _nearest("upsample_nearest", x, out, scales, named)


@op(
    *_overloads(
        "_upsample_nearest_exact1d", "_upsample_nearest_exact2d", "_upsample_nearest_exact3d"
    ),
    also=NARROW,
)
def upsample_nearest_exact(
    x: Operand, output_size: Sizes | None, *scales: Factor, out: TensorType, **named: Factor
) -> Expr:
    """The sample nearest to each place."""
    return _nearest("upsample_nearest_exact", x, out, scales, named)


def _weighted(
    name: str, x: Operand, out: TensorType, align_corners: bool, scales: tuple[Factor, ...],
    named: dict[str, Factor],
) -> Expr:  # fmt: skip
    decline(not x.type.is_float, f"interpolation of {x.dtype}", "convert it to float32")
    given = Maybe(None) if align_corners else _scales(x, out, scales, named)
    return _interpolate(name, x, out, flag(align_corners), given)


@op(*_overloads("upsample_linear1d", "upsample_bilinear2d", "upsample_trilinear3d"))
def upsample_linear(
    x: Operand, output_size: Sizes | None, align_corners: bool, *scales: Factor, out: TensorType,
    **named: Factor,
) -> Expr:  # fmt: skip
    """Linear between samples, along each axis."""
    return _weighted("upsample_linear", x, out, align_corners, scales, named)


@op(*_overloads("upsample_bicubic2d"))
def upsample_bicubic2d(
    x: Operand, output_size: Sizes | None, align_corners: bool, *scales: Factor, out: TensorType,
    **named: Factor,
) -> Expr:  # fmt: skip
    """Cubic convolution of images."""
    return _weighted("upsample_bicubic2d", x, out, align_corners, scales, named)


def _antialiased(
    name: str, x: Operand, out: TensorType, align_corners: bool, scales: tuple[Factor, ...],
    named: dict[str, Factor],
) -> Expr:  # fmt: skip
    decline(
        out.shape[3] == 1 and out.shape[2] not in (1, x.shape[2]),
        "antialiasing to an image of one column, of which PyTorch reads the first row only",
        "transpose the image before and after",
    )
    return _weighted(name, x, out, align_corners, scales, named)


@op(*_overloads("_upsample_bilinear2d_aa"))
def upsample_bilinear2d_aa(
    x: Operand, output_size: Sizes | None, align_corners: bool, *scales: Factor, out: TensorType,
    **named: Factor,
) -> Expr:  # fmt: skip
    """A triangle as wide as the coarser samples are apart."""
    return _antialiased("upsample_bilinear2d_aa", x, out, align_corners, scales, named)


@op(*_overloads("_upsample_bicubic2d_aa"))
def upsample_bicubic2d_aa(
    x: Operand, output_size: Sizes | None, align_corners: bool, *scales: Factor, out: TensorType,
    **named: Factor,
) -> Expr:  # fmt: skip
    """Cubic convolution as wide as the coarser samples are apart."""
    return _antialiased("upsample_bicubic2d_aa", x, out, align_corners, scales, named)


@op(*_overloads("_upsample_lanczos2d_aa"))
def upsample_lanczos2d_aa(
    x: Operand, output_size: Sizes | None, align_corners: bool, *scales: Factor, out: TensorType,
    **named: Factor,
) -> Expr:  # fmt: skip
    """Lanczos's window as wide as the coarser samples are apart."""
    return _antialiased("upsample_lanczos2d_aa", x, out, align_corners, scales, named)


_INTERPOLATIONS = ("Bilinear", "Nearest", "Bicubic")
_PADDINGS = ("Zeros", "Border", "Reflection")


@op("aten.grid_sampler.default", "aten.grid_sampler_2d.default", "aten.grid_sampler_3d.default")
def grid_sampler(
    x: Operand, grid: Operand, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Expr:
    """Samples of an image or a volume at given places."""
    decline(not x.type.is_float, f"grid_sample of {x.dtype}", "convert it to float32")
    decline(x.dtype != grid.dtype, f"grid_sample of {x.dtype} at {grid.dtype}")
    decline(interpolation_mode not in range(3), f"interpolation mode {interpolation_mode}")
    decline(padding_mode not in range(3), f"padding mode {padding_mode}")
    interpolation = Raw(f"ops::GridInterpolation::{_INTERPOLATIONS[interpolation_mode]}")
    padding = Raw(f"ops::GridPadding::{_PADDINGS[padding_mode]}")
    args = (x.expr, grid.expr, interpolation, padding, flag(align_corners))
    return Call("ops::grid_sampler", args)


@op("aten.affine_grid_generator.default")
def affine_grid_generator(theta: Operand, sizes: Sizes, align_corners: bool) -> Expr:
    """The places that an affine map takes an image or a volume to."""
    decline(not theta.type.is_float, f"affine_grid of {theta.dtype}", "convert it to float32")
    items = Slice(tuple(size(s) for s in sizes))
    return Call("ops::affine_grid_generator", (theta.expr, items, flag(align_corners)))


def _pair(sizes: Sizes, name: str) -> Slice:
    """A number for each of the two axes of an image."""
    return Slice(tuple(number(s, "usize", name) for s in sizes))


@op("aten.im2col.default", also=NARROW)
def im2col(x: Operand, kernel_size: Sizes, dilation: Sizes, padding: Sizes, stride: Sizes) -> Expr:
    """Every window of an image as a column."""
    pairs = (
        _pair(kernel_size, "kernel_size"),
        _pair(dilation, "dilation"),
        _pair(padding, "padding"),
        _pair(stride, "stride"),
    )
    return Call("ops::im2col", (x.expr, *pairs))


@op("aten.col2im.default")
def col2im(
    x: Operand, output_size: Sizes, kernel_size: Sizes, dilation: Sizes, padding: Sizes,
    stride: Sizes,
) -> Expr:  # fmt: skip
    """Columns added up to the image whose windows they are."""
    decline(x.dtype == "i64", "fold of i64", "convert it to float32")
    pairs = (
        Slice(tuple(size(s) for s in output_size)),
        _pair(kernel_size, "kernel_size"),
        _pair(dilation, "dilation"),
        _pair(padding, "padding"),
        _pair(stride, "stride"),
    )
    if x.dtype != "bool":
        return Call("ops::col2im", (x.expr, *pairs))
    counted = Method(x.expr, "to_dtype", (candle_dtype("f32"),))
    return Call("ops::to_bool", (Call("ops::col2im", (counted, *pairs)),))
