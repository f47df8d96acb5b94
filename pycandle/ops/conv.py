"""Convolutions and transposed convolutions, each also as the layer that PyTorch's module is."""

from __future__ import annotations

from pycandle.graph import Size
from pycandle.ops.expr import Array, Call, Expr, Maybe, Number, Record, Tuple, size
from pycandle.ops.table import Decline, Layer, Operand, decline, number, op

Sizes = tuple[Size, ...]
Pairs = tuple[tuple[Size, Size], ...]


def _conv_layer(
    x: Operand, weight: Operand, bias: Operand | None = None, stride: Sizes = (1,),
    padding: Sizes | str = (0,), dilation: Sizes = (1,), groups: int = 1,
) -> Layer | None:  # fmt: skip
    rank = weight.rank - 2
    outputs, inputs, *kernel = weight.shape
    strides, dilations = each(stride, rank), each(dilation, rank)
    config = _conv_config(strides, _pairs(weight, padding, dilations), dilations, groups)
    args = (
        size(inputs * groups, label="in_channels"),
        size(outputs, label="out_channels"),
        axes(tuple(kernel), "kernel_size"),
        config,
    )
    name = f"nn::conv{rank}d" if bias else f"nn::conv{rank}d_no_bias"
    return Layer(f"nn::Conv{rank}d", name, args, parameters(weight=weight, bias=bias), x)


@op(
    *(f"aten.conv{rank}d.{overload}" for rank in (1, 2, 3) for overload in ("default", "padding")),
    layer=_conv_layer,
)
def conv(
    x: Operand, weight: Operand, bias: Operand | None = None, stride: Sizes = (1,),
    padding: Sizes | str = (0,), dilation: Sizes = (1,), groups: int = 1,
) -> Expr:  # fmt: skip
    """Cross-correlation over the last one, two or three axes."""
    rank = weight.rank - 2
    _decline_dtypes(x, weight, bias)
    strides, dilations = each(stride, rank), each(dilation, rank)
    sizes = (
        axes(strides, "stride"),
        _padding(_pairs(weight, padding, dilations)),
        axes(dilations, "dilation"),
        number(groups, "usize", "groups"),
    )
    return Call(f"ops::conv{rank}d", (x.expr, weight.expr, maybe(bias), *sizes))


def _conv_transpose_layer(
    x: Operand, weight: Operand, bias: Operand | None = None, stride: Sizes = (1,),
    padding: Sizes = (0,), output_padding: Sizes = (0,), groups: int = 1, dilation: Sizes = (1,),
) -> Layer | None:  # fmt: skip
    rank = weight.rank - 2
    inputs, outputs, *kernel = weight.shape
    given = stride, padding, output_padding, dilation
    sizes = tuple(each(one, rank) for one in given)
    config = _conv_transpose_config(*sizes, groups=groups)
    args = (
        size(inputs, label="in_channels"),
        size(outputs * groups, label="out_channels"),
        axes(tuple(kernel), "kernel_size"),
        config,
    )
    name = f"nn::conv_transpose{rank}d" if bias else f"nn::conv_transpose{rank}d_no_bias"
    return Layer(f"nn::ConvTranspose{rank}d", name, args, parameters(weight=weight, bias=bias), x)


@op(
    "aten.conv_transpose1d.default",
    "aten.conv_transpose2d.input",
    "aten.conv_transpose3d.input",
    layer=_conv_transpose_layer,
)
def conv_transpose(
    x: Operand, weight: Operand, bias: Operand | None = None, stride: Sizes = (1,),
    padding: Sizes = (0,), output_padding: Sizes = (0,), groups: int = 1, dilation: Sizes = (1,),
) -> Expr:  # fmt: skip
    """The gradient of a convolution by its input, also called deconvolution."""
    rank = weight.rank - 2
    _decline_dtypes(x, weight, bias)
    sizes = (
        axes(each(stride, rank), "stride"),
        axes(each(padding, rank), "padding"),
        axes(each(output_padding, rank), "output_padding"),
        number(groups, "usize", "groups"),
        axes(each(dilation, rank), "dilation"),
    )
    return Call(f"ops::conv_transpose{rank}d", (x.expr, weight.expr, maybe(bias), *sizes))


def _convolution_layer(
    x: Operand, weight: Operand, bias: Operand | None, stride: Sizes, padding: Sizes,
    dilation: Sizes, transposed: bool, output_padding: Sizes, groups: int, *flags: bool,
) -> Layer | None:  # fmt: skip
    if transposed:
        last = (output_padding, groups, dilation)
        return _conv_transpose_layer(x, weight, bias, stride, padding, *last)
    return _conv_layer(x, weight, bias, stride, padding, dilation, groups)


@op(
    "aten.convolution.default",
    "aten._convolution.default",
    "aten._convolution.deprecated",
    layer=_convolution_layer,
)
def convolution(
    x: Operand, weight: Operand, bias: Operand | None, stride: Sizes, padding: Sizes,
    dilation: Sizes, transposed: bool, output_padding: Sizes, groups: int, *flags: bool,
) -> Expr:  # fmt: skip
    """Every convolution, as PyTorch's decompositions write it; flags are about the backend."""
    if transposed:
        last = (output_padding, groups, dilation)
        return conv_transpose(x, weight, bias, stride, padding, *last)
    return conv(x, weight, bias, stride, padding, dilation, groups)


@op("aten._convolution_mode.default", layer=_conv_layer)
def convolution_mode(
    x: Operand, weight: Operand, bias: Operand | None, stride: Sizes, padding: str,
    dilation: Sizes, groups: int,
) -> Expr:  # fmt: skip
    """A convolution with its padding in words."""
    return conv(x, weight, bias, stride, padding, dilation, groups)


def axes(sizes: tuple[Size, ...], label: str) -> Expr:
    """One size for all axes if they agree, else one for each."""
    items = tuple(size(each, label=label) for each in sizes)
    return items[0] if len(set(items)) == 1 else Tuple(items)


def each(sizes: tuple[Size, ...], rank: int) -> tuple[Size, ...]:
    """A size for each axis; a lone one is that of all."""
    return tuple(sizes) * rank if len(sizes) == 1 else tuple(sizes)


def maybe(operand: Operand | None) -> Maybe:
    """An optional tensor as Rust's `Option`."""
    return Maybe(operand.expr if operand else None)


def parameters(**named: Operand | None) -> dict[str, Operand]:
    """The parameters that are there, by the layer's field."""
    return {name: operand for name, operand in named.items() if operand is not None}


def _conv_config(stride: Sizes, padding: Pairs, dilation: Sizes, groups: int) -> Record:
    """Candle's own configuration where it can say it all, else the runtime's."""
    rank = len(stride)
    sides = tuple(dict.fromkeys(side for pair in padding for side in pair))
    last = ("groups", number(groups, "usize", "groups"), 1)
    if rank < 3 and len(sides) == len(set(stride)) == len(set(dilation)) == 1:
        plain = (("padding", sides, 0), ("stride", stride, 1), ("dilation", dilation, 1))
        fields = tuple((name, _numbers(sizes, name)[0], one) for name, sizes, one in plain)
        return Record(f"Conv{rank}dConfig", (*fields, last))
    fields = (
        ("padding", _both_sides(padding), ((0, 0),) * rank),
        ("stride", Array(_numbers(stride, "stride")), (1,) * rank),
        ("dilation", Array(_numbers(dilation, "dilation")), (1,) * rank),
        last,
    )
    return Record("nn::ConvConfig", fields, whole=True)


def _conv_transpose_config(
    stride: Sizes, padding: Sizes, output_padding: Sizes, dilation: Sizes, groups: int
) -> Record:
    rank = len(stride)
    given = (
        ("padding", padding, 0),
        ("output_padding", output_padding, 0),
        ("stride", stride, 1),
        ("dilation", dilation, 1),
    )
    last = ("groups", number(groups, "usize", "groups"), 1)
    alike = all(len(set(sizes)) == 1 for _, sizes, _ in given)
    # Candle's two-dimensional one has no groups.
    if alike and (rank == 1 or (rank == 2 and groups == 1)):
        plain = tuple((name, _numbers(sizes, name)[0], one) for name, sizes, one in given)
        fields = (*plain, last) if rank == 1 else plain
        return Record(f"ConvTranspose{rank}dConfig", fields, whole=True)
    fields = ((name, Array(_numbers(sizes, name)), (one,) * rank) for name, sizes, one in given)
    return Record("nn::ConvTransposeConfig", (*fields, last), whole=True)


def _both_sides(padding: Pairs) -> Array:
    return Array(tuple(Tuple(_numbers(pair, "padding")) for pair in padding))


def _padding(pairs: Pairs) -> Expr:
    """Zeros on both sides of all axes, of each, or on each side of each."""
    if all(before == after for before, after in pairs):
        return axes(tuple(before for before, _ in pairs), "padding")
    return _both_sides(pairs)


def _pairs(weight: Operand, padding: Sizes | str, dilation: Sizes) -> Pairs:
    """How many zeros stand before and after each axis."""
    rank = weight.rank - 2
    if not isinstance(padding, str):
        return tuple((side, side) for side in each(padding, rank))
    if padding == "valid":
        return ((0, 0),) * rank
    decline(padding != "same", f"padding={padding!r}", "use 'same', 'valid' or numbers")
    # An odd number of zeros has its last one at the end.
    sizes = zip(weight.shape[2:], dilation, strict=True)
    reach = [_constant(step) * (_constant(kernel) - 1) for kernel, step in sizes]
    return tuple((zeros // 2, zeros - zeros // 2) for zeros in reach)


def _constant(value: Size) -> int:
    if not isinstance(value, int):
        raise Decline(f"a convolution with a size of {value}", "use a constant")
    return value


def _numbers(sizes: tuple[Size, ...], label: str) -> tuple[Number, ...]:
    return tuple(number(each, "usize", label) for each in sizes)


def _decline_dtypes(x: Operand, weight: Operand, bias: Operand | None) -> None:
    others = [operand.dtype for operand in (weight, bias) if operand is not None]
    decline(
        x.dtype == "bool" or any(dtype != x.dtype for dtype in others),
        f"a convolution of {x.dtype} by {' and '.join(dict.fromkeys(others))}",
        "convert them to one dtype",
    )
