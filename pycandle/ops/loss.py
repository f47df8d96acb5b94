"""Losses that an export keeps whole."""

from __future__ import annotations

from pycandle.graph import Size, TensorType
from pycandle.ops.expr import Call, Expr, Maybe, Raw, Slice, flag, size
from pycandle.ops.reduce import converted, floating, named
from pycandle.ops.table import NARROW, Decline, Operand, decline, number, op


def _reduction(code: int) -> Raw:
    """PyTorch's code of a reduction."""
    names = ("None", "Mean", "Sum")
    if code not in (0, 1, 2):
        raise Decline(f"reduction {code}", "use 'none', 'mean' or 'sum'")
    return named(f"Reduction::{names[code]}")


def _inputs(name: str, out: TensorType, x: Operand, *others: Operand) -> tuple[Expr, ...]:
    """The tensors, floating ones in the dtype of the result. Declines a result of integers."""
    same = [converted(y, out.dtype) if y.type.is_float else y.expr for y in others]
    return (floating(x, name, out), *same)


def _maybe(operand: Operand | None) -> Maybe:
    return Maybe(None if operand is None else operand.expr)


@op("aten.mse_loss.default")
def mse_loss(x: Operand, target: Operand, reduction: int = 1, *, out: TensorType) -> Expr:
    """Squared differences."""
    return Call("ops::mse_loss", (*_inputs("mse_loss", out, x, target), _reduction(reduction)))


@op("aten.l1_loss.default")
def l1_loss(x: Operand, target: Operand, reduction: int = 1, *, out: TensorType) -> Expr:
    """Absolute differences."""
    return Call("ops::l1_loss", (*_inputs("l1_loss", out, x, target), _reduction(reduction)))


@op("aten.smooth_l1_loss.default")
def smooth_l1_loss(
    x: Operand, target: Operand, reduction: int = 1, beta: float = 1, *, out: TensorType
) -> Expr:
    """Squared differences below beta, absolute ones above."""
    args = (_reduction(reduction), number(float(beta), label="beta"))
    return Call("ops::smooth_l1_loss", (*_inputs("smooth_l1_loss", out, x, target), *args))


@op("aten.huber_loss.default")
def huber_loss(
    x: Operand, target: Operand, reduction: int = 1, delta: float = 1, *, out: TensorType
) -> Expr:
    """Squared differences up to delta, absolute ones above."""
    args = (_reduction(reduction), number(float(delta), label="delta"))
    return Call("ops::huber_loss", (*_inputs("huber_loss", out, x, target), *args))


@op("aten.binary_cross_entropy.default")
def binary_cross_entropy(
    x: Operand,
    target: Operand,
    weight: Operand | None = None,
    reduction: int = 1,
    *,
    out: TensorType,
) -> Expr:
    """Cross-entropy of probabilities of two classes."""
    inputs = _inputs("binary_cross_entropy", out, x, target)
    return Call("ops::binary_cross_entropy", (*inputs, _maybe(weight), _reduction(reduction)))


@op("aten.binary_cross_entropy_with_logits.default")
def binary_cross_entropy_with_logits(
    x: Operand,
    target: Operand,
    weight: Operand | None = None,
    pos_weight: Operand | None = None,
    reduction: int = 1,
    *,
    out: TensorType,
) -> Expr:
    """Cross-entropy of logits of two classes."""
    inputs = _inputs("binary_cross_entropy_with_logits", out, x, target)
    args = (_maybe(weight), _maybe(pos_weight), _reduction(reduction))
    return Call("ops::binary_cross_entropy_with_logits", (*inputs, *args))


@op("aten.kl_div.default")
def kl_div(
    x: Operand, target: Operand, reduction: int = 1, *, log_target: bool = False, out: TensorType
) -> Expr:
    """Divergence of a target from log-probabilities."""
    args = (_reduction(reduction), flag(log_target))
    return Call("ops::kl_div", (*_inputs("kl_div", out, x, target), *args))


@op("aten.poisson_nll_loss.default", also=NARROW)
def poisson_nll_loss(
    x: Operand,
    target: Operand,
    log_input: bool,
    full: bool,
    eps: float,
    reduction: int,
    *,
    out: TensorType,
) -> Expr:
    """Negative log-likelihood of counts."""
    args = (flag(log_input), flag(full), number(eps, label="eps"), _reduction(reduction))
    return Call("ops::poisson_nll_loss", (*_inputs("poisson_nll_loss", out, x, target), *args))


@op("aten.soft_margin_loss.default")
def soft_margin_loss(x: Operand, target: Operand, reduction: int = 1, *, out: TensorType) -> Expr:
    """Logistic loss of two classes."""
    inputs = _inputs("soft_margin_loss", out, x, target)
    return Call("ops::soft_margin_loss", (*inputs, _reduction(reduction)))


@op("aten.margin_ranking_loss.default")
def margin_ranking_loss(
    x: Operand,
    other: Operand,
    target: Operand,
    margin: float = 0,
    reduction: int = 1,
    *,
    out: TensorType,
) -> Expr:
    """How far one score fails to be above another."""
    inputs = _inputs("margin_ranking_loss", out, x, other, target)
    args = (number(float(margin), label="margin"), _reduction(reduction))
    return Call("ops::margin_ranking_loss", (*inputs, *args))


@op("aten.hinge_embedding_loss.default")
def hinge_embedding_loss(
    x: Operand, target: Operand, margin: float = 1, reduction: int = 1, *, out: TensorType
) -> Expr:
    """A distance where things are alike, what it lacks to the margin where they are not."""
    inputs = _inputs("hinge_embedding_loss", out, x, target)
    args = (number(float(margin), label="margin"), _reduction(reduction))
    return Call("ops::hinge_embedding_loss", (*inputs, *args))


@op("aten.cosine_embedding_loss.default", also=NARROW)
def cosine_embedding_loss(
    x: Operand,
    other: Operand,
    target: Operand,
    margin: float = 0,
    reduction: int = 1,
    *,
    out: TensorType,
) -> Expr:
    """An angle where vectors are alike, what it lacks to the margin where they are not."""
    inputs = _inputs("cosine_embedding_loss", out, x, other, target)
    args = (number(float(margin), label="margin"), _reduction(reduction))
    return Call("ops::cosine_embedding_loss", (*inputs, *args))


@op("aten.triplet_margin_loss.default", also=NARROW)
def triplet_margin_loss(
    anchor: Operand,
    positive: Operand,
    negative: Operand,
    margin: float = 1,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    reduction: int = 1,
    *,
    out: TensorType,
) -> Expr:
    """How much farther than the margin the positive example is than the negative one."""
    inputs = _inputs("triplet_margin_loss", out, anchor, positive, negative)
    numbers = (number(float(margin)), number(float(p)), number(eps))
    args = (*numbers, flag(swap), _reduction(reduction))
    return Call("ops::triplet_margin_loss", (*inputs, *args))


@op("aten.nll_loss.default", "aten.nll_loss2d.default", "aten.nll_loss_nd.default")
def nll_loss(
    x: Operand,
    target: Operand,
    weight: Operand | None = None,
    reduction: int = 1,
    ignore_index: Size = -100,
    *,
    out: TensorType,
) -> Expr:
    """Minus the log-probability of each target class."""
    args = (_maybe(weight), _reduction(reduction), size(ignore_index, "i64"))
    return Call("ops::nll_loss", (*_inputs("nll_loss", out, x, target), *args))


@op("aten.nll_loss_forward.default", "aten.nll_loss2d_forward.default")
def nll_loss_forward(
    x: Operand,
    target: Operand,
    weight: Operand | None,
    reduction: int,
    ignore_index: Size,
    *,
    out: tuple[TensorType, ...],
) -> Expr:
    """Minus the log-probability of each target class, and the weights' sum."""
    args = (_maybe(weight), _reduction(reduction), size(ignore_index, "i64"))
    return Call("ops::nll_loss_forward", (*_inputs("nll_loss", out[0], x, target), *args))


@op("aten.cross_entropy_loss.default")
def cross_entropy_loss(
    x: Operand,
    target: Operand,
    weight: Operand | None = None,
    reduction: int = 1,
    ignore_index: Size = -100,
    label_smoothing: float = 0,
    *,
    out: TensorType,
) -> Expr:
    """Minus the logarithm of the target class's softmax; a floating target has probabilities."""
    args = (
        _maybe(weight),
        _reduction(reduction),
        size(ignore_index, "i64"),
        number(float(label_smoothing), label="label_smoothing"),
    )
    return Call("ops::cross_entropy_loss", (*_inputs("cross_entropy", out, x, target), *args))


@op("aten.multi_margin_loss.default")
def multi_margin_loss(
    x: Operand,
    target: Operand,
    p: float = 1,
    margin: float = 1,
    weight: Operand | None = None,
    reduction: int = 1,
    *,
    out: TensorType,
) -> Expr:
    """How far other classes come within the margin of the target's score."""
    numbers = (number(float(p), label="p"), number(float(margin), label="margin"))
    args = (*numbers, _maybe(weight), _reduction(reduction))
    return Call("ops::multi_margin_loss", (*_inputs("multi_margin_loss", out, x, target), *args))


@op("aten.multilabel_margin_loss.default")
def multilabel_margin_loss(
    x: Operand, target: Operand, reduction: int = 1, *, out: TensorType
) -> Expr:
    """How far other classes come within one of the targets' scores."""
    inputs = _inputs("multilabel_margin_loss", out, x, target)
    return Call("ops::multilabel_margin_loss", (*inputs, _reduction(reduction)))


@op("aten.ctc_loss.IntList", also=NARROW)
def ctc_loss(
    log_probs: Operand,
    targets: Operand,
    input_lengths: tuple[Size, ...],
    target_lengths: tuple[Size, ...],
    blank: int = 0,
    reduction: int = 1,
    zero_infinity: bool = False,
    *,
    out: TensorType,
) -> Expr:
    """Minus the log-probability of target sequences, over all alignments."""
    decline(targets.type.is_float, f"ctc_loss with targets of {targets.dtype}", "use int64")
    inputs = _inputs("ctc_loss", out, log_probs, targets)
    lengths = [Slice(tuple(size(n, "i64") for n in ns)) for ns in (input_lengths, target_lengths)]
    args = (number(blank, "usize"), _reduction(reduction), flag(zero_infinity))
    return Call("ops::ctc_loss", (*inputs, *lengths, *args))


@op("aten.ctc_loss.Tensor", also=NARROW)
def ctc_loss_tensor(
    log_probs: Operand,
    targets: Operand,
    input_lengths: Operand,
    target_lengths: Operand,
    blank: int = 0,
    reduction: int = 1,
    zero_infinity: bool = False,
    *,
    out: TensorType,
) -> Expr:
    """Minus the log-probability of target sequences, over all alignments."""
    decline(targets.type.is_float, f"ctc_loss with targets of {targets.dtype}", "use int64")
    inputs = _inputs("ctc_loss", out, log_probs, targets, input_lengths, target_lengths)
    args = (number(blank, "usize"), _reduction(reduction), flag(zero_infinity))
    return Call("ops::ctc_loss_tensor", (*inputs, *args))
