"""Normalisation by mean and variance, each also as the layer that PyTorch's module is."""

from __future__ import annotations

from pycandle.ops.conv import maybe, parameters
from pycandle.ops.expr import Call, Expr, Number, Tuple, flag, size
from pycandle.ops.table import Layer, Operand, decline, number, op

Sizes = tuple[int, ...]
Given = Operand | None

# PyTorch's default is the machine epsilon of the dtype that it computes in.
_EPSILON = {"f64": 2.0**-52, "f32": 2.0**-23, "f16": 2.0**-23, "bf16": 2.0**-23}


def _batch_norm_layer(
    x: Operand, weight: Given, bias: Given, running_mean: Given, running_var: Given,
    training: bool, momentum: float, eps: float, cudnn_enabled: bool,
) -> Layer | None:  # fmt: skip
    if running_mean is None or training or (weight is None) != (bias is None):
        return None
    (channels,) = running_mean.shape
    args = (size(channels, label="num_features"), number(eps, label="eps"))
    given = parameters(weight=weight, bias=bias, running_mean=running_mean, running_var=running_var)
    name = "nn::batch_norm" if weight else "nn::batch_norm_no_affine"
    return Layer("nn::BatchNorm", name, args, given, x)


@op("aten.batch_norm.default", layer=_batch_norm_layer)
def batch_norm(
    x: Operand, weight: Given, bias: Given, running_mean: Given, running_var: Given,
    training: bool, momentum: float, eps: float, cudnn_enabled: bool,
) -> Expr:  # fmt: skip
    """Each channel by running statistics, or by the batch's own, then scaled and shifted."""
    return _batch_norm("batch_norm", x, weight, bias, running_mean, running_var, training, eps)


@op("aten._native_batch_norm_legit_no_training.default")
def native_batch_norm_no_training(
    x: Operand, weight: Given, bias: Given, running_mean: Operand, running_var: Operand,
    momentum: float, eps: float,
) -> Expr:  # fmt: skip
    """`batch_norm` by running statistics, and two empty tensors."""
    statistics = (running_mean, running_var, False)
    return _batch_norm("native_batch_norm", x, weight, bias, *statistics, eps)


@op("aten._native_batch_norm_legit.no_stats")
def native_batch_norm_no_stats(
    x: Operand, weight: Given, bias: Given, training: bool, momentum: float, eps: float
) -> Expr:
    """`batch_norm` by the batch's own statistics, and those."""
    return _batch_norm("native_batch_norm", x, weight, bias, None, None, training, eps)


@op("aten.native_batch_norm.default", "aten._native_batch_norm_legit.default")
def native_batch_norm(
    x: Operand, weight: Given, bias: Given, running_mean: Given, running_var: Given,
    training: bool, momentum: float, eps: float,
) -> Expr:  # fmt: skip
    """`batch_norm`, and the statistics of the batch, if those are used."""
    statistics = (running_mean, running_var, training)
    return _batch_norm("native_batch_norm", x, weight, bias, *statistics, eps)


def _batch_norm(
    name: str, x: Operand, weight: Given, bias: Given, running_mean: Given, running_var: Given,
    training: bool, eps: float,
) -> Expr:  # fmt: skip
    _decline_update(training, running_mean)
    statistics = (maybe(running_mean), maybe(running_var), flag(training))
    args = (x.expr, maybe(weight), maybe(bias), *statistics, number(eps, label="eps"))
    return Call(f"ops::{name}", args)


def _decline_update(from_input: bool, running_mean: Given) -> None:
    decline(
        from_input and running_mean is not None,
        "a normalisation that updates its running statistics",
        "call eval() on the module, or build it with track_running_stats=False",
    )


def _instance_norm_layer(
    x: Operand, weight: Given, bias: Given, running_mean: Given, running_var: Given,
    use_input_stats: bool, momentum: float, eps: float, cudnn_enabled: bool,
) -> Layer | None:  # fmt: skip
    if weight is None or bias is None or running_mean is not None:
        return None
    args = (size(weight.shape[0], label="num_features"), number(eps, label="eps"))
    given = parameters(weight=weight, bias=bias)
    return Layer("nn::InstanceNorm", "nn::instance_norm", args, given, x)


@op("aten.instance_norm.default", layer=_instance_norm_layer)
def instance_norm(
    x: Operand, weight: Given, bias: Given, running_mean: Given, running_var: Given,
    use_input_stats: bool, momentum: float, eps: float, cudnn_enabled: bool,
) -> Expr:  # fmt: skip
    """Each channel by its own statistics, or by running ones, then scaled and shifted."""
    _decline_update(use_input_stats, running_mean)
    statistics = (maybe(running_mean), maybe(running_var), flag(use_input_stats))
    args = (x.expr, maybe(weight), maybe(bias), *statistics, number(eps, label="eps"))
    return Call("ops::instance_norm", args)


def _group_norm_layer(
    x: Operand, num_groups: int, weight: Given = None, bias: Given = None, eps: float = 1e-5,
    cudnn_enabled: bool = True,
) -> Layer | None:  # fmt: skip
    if weight is None or bias is None:
        return None
    args = (
        number(num_groups, "usize", "num_groups"),
        size(weight.shape[0], label="num_channels"),
        number(eps, label="eps"),
    )
    given = parameters(weight=weight, bias=bias)
    return Layer("nn::GroupNorm", "nn::group_norm", args, given, x)


@op("aten.group_norm.default", layer=_group_norm_layer)
def group_norm(
    x: Operand, num_groups: int, weight: Given = None, bias: Given = None, eps: float = 1e-5,
    cudnn_enabled: bool = True,
) -> Expr:  # fmt: skip
    """Each group of channels by its own statistics, then each channel scaled and shifted."""
    groups = number(num_groups, "usize", "num_groups")
    args = (x.expr, groups, maybe(weight), maybe(bias), number(eps, label="eps"))
    return Call("ops::group_norm", args)


@op("aten.native_group_norm.default")
def native_group_norm(
    x: Operand, weight: Given, bias: Given, batch: object, channels: object, size: object,
    group: int, eps: float,
) -> Expr:  # fmt: skip
    """`group_norm`, and the statistics of each group."""
    groups = number(group, "usize", "num_groups")
    args = (x.expr, groups, maybe(weight), maybe(bias), number(eps, label="eps"))
    return Call("ops::native_group_norm", args)


def _layer_norm_layer(
    x: Operand, normalized_shape: Sizes, weight: Given = None, bias: Given = None,
    eps: float = 1e-5, cudnn_enable: bool = True,
) -> Layer | None:  # fmt: skip
    if weight is None:
        return None
    args = (_sizes(weight), number(eps, label="eps"))
    name = "nn::layer_norm" if bias else "nn::layer_norm_no_bias"
    return Layer("nn::LayerNorm", name, args, parameters(weight=weight, bias=bias), x)


@op("aten.layer_norm.default", layer=_layer_norm_layer)
def layer_norm(
    x: Operand, normalized_shape: Sizes, weight: Given = None, bias: Given = None,
    eps: float = 1e-5, cudnn_enable: bool = True,
) -> Expr:  # fmt: skip
    """Zero mean and unit variance over the last axes, then scale and shift."""
    rank = Number(len(normalized_shape), "usize")
    args = (x.expr, rank, maybe(weight), maybe(bias), number(eps, label="eps"))
    return Call("ops::layer_norm", args)


@op("aten.native_layer_norm.default")
def native_layer_norm(
    x: Operand, normalized_shape: Sizes, weight: Given, bias: Given, eps: float
) -> Expr:
    """`layer_norm`, and the statistics of each row."""
    rank = Number(len(normalized_shape), "usize")
    args = (x.expr, rank, maybe(weight), maybe(bias), number(eps, label="eps"))
    return Call("ops::native_layer_norm", args)


def _rms_norm_layer(
    x: Operand, normalized_shape: Sizes, weight: Given = None, eps: float | None = None
) -> Layer | None:
    if weight is None:
        return None
    args = (_sizes(weight), _epsilon(x, eps))
    return Layer("nn::RMSNorm", "nn::rms_norm", args, parameters(weight=weight), x)


@op("aten.rms_norm.default", layer=_rms_norm_layer)
def rms_norm(
    x: Operand, normalized_shape: Sizes, weight: Given = None, eps: float | None = None
) -> Expr:
    """Divided by the root of the mean square over the last axes, then scaled."""
    rank = Number(len(normalized_shape), "usize")
    return Call("ops::rms_norm", (x.expr, rank, maybe(weight), _epsilon(x, eps)))


@op("aten._fused_rms_norm.default")
def fused_rms_norm(x: Operand, normalized_shape: Sizes, weight: Given, eps: float | None) -> Expr:
    """`rms_norm`, and what each row was multiplied by."""
    rank = Number(len(normalized_shape), "usize")
    return Call("ops::fused_rms_norm", (x.expr, rank, maybe(weight), _epsilon(x, eps)))


def _epsilon(x: Operand, eps: float | None) -> Number:
    decline(x.dtype not in _EPSILON, f"rms_norm of {x.dtype}", "convert it to float32")
    return number(eps if eps is not None else _EPSILON[x.dtype], label="eps")


def _sizes(weight: Operand) -> Tuple:
    """The shape of the parameters, as a layer's constructor takes it."""
    label = "dim" if weight.rank == 1 else "size"
    return Tuple(tuple(size(s, label=label) for s in weight.shape))
