"""Linear maps and embeddings, each also as the layer that PyTorch's module is."""

from __future__ import annotations

from pycandle.ops.expr import Call, Expr, Maybe, size
from pycandle.ops.table import Layer, Operand, decline, op


def _linear_layer(x: Operand, weight: Operand, bias: Operand | None = None) -> Layer:
    outputs, inputs = weight.shape
    name = "nn::linear" if bias else "nn::linear_no_bias"
    args = (size(inputs, label="in_dim"), size(outputs, label="out_dim"))
    return Layer("nn::Linear", name, args, _parameters(weight=weight, bias=bias), x)


@op("aten.linear.default", layer=_linear_layer)
def linear(x: Operand, weight: Operand, bias: Operand | None = None) -> Expr:
    """`x @ weight.T + bias`, with a weight of shape (out, in)."""
    return Call("ops::linear", (x.expr, weight.expr, _maybe(bias)))


@op("aten.addmm.default")
def addmm(bias: Operand, x: Operand, weight: Operand, *, beta: float = 1, alpha: float = 1) -> Expr:
    """`bias + x @ weight`, of matrices."""
    decline(beta != 1 or alpha != 1, "addmm with alpha or beta", "multiply the operands")
    return Call("ops::addmm", (bias.expr, x.expr, weight.expr))


@op("aten.matmul.default", "aten.mm.default", "aten.bmm.default")
def matmul(x: Operand, other: Operand) -> Expr:
    """Matrix product, batched and broadcast."""
    decline(x.dtype != other.dtype or not x.type.is_float, f"matmul of {x.dtype} and {other.dtype}")
    return Call("ops::matmul", (x.expr, other.expr))


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


def _maybe(operand: Operand | None) -> Maybe:
    return Maybe(operand.expr if operand else None)


def _parameters(**named: Operand | None) -> dict[str, Operand]:
    return {name: operand for name, operand in named.items() if operand is not None}
