"""Attention."""

from __future__ import annotations

from pycandle.ops.expr import Call, Expr, Maybe, flag
from pycandle.ops.table import Operand, decline, number, op


@op("aten.scaled_dot_product_attention.default")
def scaled_dot_product_attention(
    query: Operand,
    key: Operand,
    value: Operand,
    attn_mask: Operand | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Expr:
    """Softmax of the scaled products of queries and keys, times the values."""
    decline(dropout_p != 0.0, "attention with dropout", "call model.eval() before recording")
    decline(enable_gqa, "attention with enable_gqa", "repeat the keys and values of each group")
    mask = Maybe(attn_mask.expr if attn_mask else None)
    factor = Maybe(None if scale is None else number(scale, label="scale"))
    args = (query.expr, key.expr, value.expr, mask, flag(is_causal), factor)
    return Call("ops::scaled_dot_product_attention", args)
