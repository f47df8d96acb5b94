"""Ops with weights: embeddings, normalisations, convolutions, pools.

Each has a functional form, and where PyTorch has a module for it, the form of a runtime layer.
"""

from __future__ import annotations

from pycandle.graph import Size
from pycandle.ops.expr import Call, Expr, Maybe, Number, Record, Tuple, flag, size
from pycandle.ops.table import Decline, Layer, Operand, decline, number, op

Sizes = tuple[int, ...]


def _embedding_layer(
    weight: Operand, indices: Operand, padding_idx: int = -1,
    scale_grad_by_freq: bool = False, sparse: bool = False,
) -> Layer:  # fmt: skip
    rows, width = weight.shape
    args = (size(rows, label="in_size"), size(width, label="out_size"))
    return Layer("nn::Embedding", "nn::embedding", args, _parameters(weight=weight), indices)


@op("aten.embedding.default", layer=_embedding_layer)
def embedding(
    weight: Operand, indices: Operand, padding_idx: int = -1,
    scale_grad_by_freq: bool = False, sparse: bool = False,
) -> Expr:  # fmt: skip
    """Rows of a table; padding matters to gradients only."""
    return Call("ops::embedding", (weight.expr, indices.expr))


def _layer_norm_layer(
    x: Operand, normalized_shape: Sizes, weight: Operand | None = None,
    bias: Operand | None = None, eps: float = 1e-5, cudnn_enable: bool = True,
) -> Layer | None:  # fmt: skip
    sizes = tuple(Number(s, "usize", "size") for s in normalized_shape)
    args = (Tuple(sizes), number(eps, label="eps"))
    if weight is None:
        return None
    name = "nn::layer_norm" if bias else "nn::layer_norm_no_bias"
    return Layer("nn::LayerNorm", name, args, _parameters(weight=weight, bias=bias), x)


@op("aten.layer_norm.default", layer=_layer_norm_layer)
def layer_norm(
    x: Operand, normalized_shape: Sizes, weight: Operand | None = None,
    bias: Operand | None = None, eps: float = 1e-5, cudnn_enable: bool = True,
) -> Expr:  # fmt: skip
    """Zero mean and unit variance over the last axes, then scale and shift."""
    rank = Number(len(normalized_shape), "usize")
    args = (x.expr, rank, _maybe(weight), _maybe(bias), number(eps, label="eps"))
    return Call("ops::layer_norm", args)


@op("aten.rms_norm.default")
def rms_norm(
    x: Operand, normalized_shape: Sizes, weight: Operand | None = None, eps: float | None = None
) -> Expr:
    """Divided by the root of the mean square over the last axes, then scaled."""
    # PyTorch's default is the machine epsilon of the dtype that it computes in.
    epsilons = {"f64": 2.0**-52, "f32": 2.0**-23}
    decline(
        eps is None and x.dtype not in epsilons, f"rms_norm of {x.dtype} without eps", "give eps"
    )
    given = number(eps if eps is not None else epsilons[x.dtype], label="eps")
    rank = Number(len(normalized_shape), "usize")
    return Call("ops::rms_norm", (x.expr, rank, _maybe(weight), given))


def _conv1d_layer(
    x: Operand, weight: Operand, bias: Operand | None = None, stride: Sizes = (1,),
    padding: Sizes | str = (0,), dilation: Sizes = (1,), groups: int = 1,
) -> Layer | None:  # fmt: skip
    if x.rank != 3:
        return None
    outputs, inputs, kernel = weight.shape
    fields = _conv1d_numbers(weight, stride, padding, dilation, groups)
    defaults = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}
    config = Record("Conv1dConfig", tuple((n, fields[n], defaults[n]) for n in defaults))
    args = (
        size(inputs * groups, label="in_channels"),
        size(outputs, label="out_channels"),
        size(kernel, label="kernel_size"),
        config,
    )
    name = "nn::conv1d" if bias else "nn::conv1d_no_bias"
    return Layer("nn::Conv1d", name, args, _parameters(weight=weight, bias=bias), x)


@op("aten.conv1d.default", "aten.conv1d.padding", layer=_conv1d_layer)
def conv1d(
    x: Operand, weight: Operand, bias: Operand | None = None, stride: Sizes = (1,),
    padding: Sizes | str = (0,), dilation: Sizes = (1,), groups: int = 1,
) -> Expr:  # fmt: skip
    """Cross-correlation over one axis, of (batch, channels, length)."""
    decline(x.rank != 3, "conv1d of an input without a batch axis", "add one with unsqueeze(0)")
    numbers = _conv1d_numbers(weight, stride, padding, dilation, groups)
    return Call("ops::conv1d", (x.expr, weight.expr, _maybe(bias), *numbers.values()))


@op("aten.max_pool1d.default")
def max_pool1d(
    x: Operand, kernel_size: Sizes, stride: Sizes = (), padding: Sizes = (0,),
    dilation: Sizes = (1,), ceil_mode: bool = False,
) -> Expr:  # fmt: skip
    """The largest element of each window."""
    window = (_first(kernel_size), _first(stride or kernel_size), _first(padding), _first(dilation))
    return Call("ops::max_pool1d", (x.expr, *window, flag(ceil_mode)))


@op("aten.avg_pool1d.default")
def avg_pool1d(
    x: Operand, kernel_size: Sizes, stride: Sizes = (), padding: Sizes = (0,),
    ceil_mode: bool = False, count_include_pad: bool = True,
) -> Expr:  # fmt: skip
    """The mean of each window."""
    window = (_first(kernel_size), _first(stride or kernel_size), _first(padding))
    return Call("ops::avg_pool1d", (x.expr, *window, flag(ceil_mode), flag(count_include_pad)))


@op("aten.adaptive_avg_pool1d.default")
def adaptive_avg_pool1d(x: Operand, output_size: Sizes) -> Expr:
    """The mean of each of `output_size` windows that cover the last axis."""
    return Call("ops::adaptive_avg_pool1d", (x.expr, _first(output_size)))


def _conv1d_numbers(
    weight: Operand, stride: Sizes, padding: Sizes | str, dilation: Sizes, groups: int
) -> dict[str, Number]:
    if isinstance(padding, str):
        kernel = weight.shape[2]
        total = dilation[0] * (kernel - 1) if padding == "same" and isinstance(kernel, int) else 0
        if total % 2:
            raise Decline("padding='same' of an even kernel", "pad with torch.nn.functional.pad")
        padding = (total // 2,)
    return {
        "padding": _first(padding, "padding"),
        "stride": _first(stride, "stride"),
        "dilation": _first(dilation, "dilation"),
        "groups": Number(groups, "usize", "groups"),
    }


def _first(sizes: tuple[Size, ...], label: str = "") -> Number:
    """The one size of a 1-d window. Declines a symbolic one."""
    return number(sizes[0], "usize", label or "size")


def _maybe(operand: Operand | None) -> Maybe:
    return Maybe(operand.expr if operand else None)


def _parameters(**named: Operand | None) -> dict[str, Operand]:
    return {name: operand for name, operand in named.items() if operand is not None}
