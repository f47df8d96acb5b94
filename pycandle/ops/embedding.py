"""Rows of tables by index, also as the layer that PyTorch's module is."""

from __future__ import annotations

from pycandle.ops.expr import Call, Expr, size
from pycandle.ops.table import NARROW, Layer, Operand, op


def _embedding_layer(
    weight: Operand, indices: Operand, padding_idx: int = -1,
    scale_grad_by_freq: bool = False, sparse: bool = False,
) -> Layer:  # fmt: skip
    rows, width = weight.shape
    args = (size(rows, label="num_embeddings"), size(width, label="embedding_dim"))
    return Layer("nn::Embedding", "nn::embedding", args, {"weight": weight}, indices)


@op("aten.embedding.default", layer=_embedding_layer, also=NARROW)
def embedding(
    weight: Operand, indices: Operand, padding_idx: int = -1,
    scale_grad_by_freq: bool = False, sparse: bool = False,
) -> Expr:  # fmt: skip
    """Rows of a table; padding matters to gradients only."""
    return Call("ops::embedding", (weight.expr, indices.expr))
