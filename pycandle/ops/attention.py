"""Attention."""

from __future__ import annotations

import math

from pycandle.graph import Size, TensorType
from pycandle.ops.create import candle_dtype
from pycandle.ops.expr import Call, DeviceOf, Expr, Maybe, Method, Number, flag, size
from pycandle.ops.table import Operand, decline, number, op


@op("aten.scaled_dot_product_attention.default")
def scaled_dot_product_attention(
    query: Operand, key: Operand, value: Operand, attn_mask: Operand | None = None,
    dropout_p: float = 0.0, is_causal: bool = False, *, scale: float | None = None,
    enable_gqa: bool = False,
) -> Expr:  # fmt: skip
    """Softmax of the scaled products of queries and keys, times the values."""
    args = _arguments(query, key, value, attn_mask, dropout_p, is_causal, scale)
    return Call("ops::scaled_dot_product_attention", args)


@op("aten._scaled_dot_product_attention_math.default")
def scaled_dot_product_attention_math(
    query: Operand, key: Operand, value: Operand, attn_mask: Operand | None = None,
    dropout_p: float = 0.0, is_causal: bool = False, dropout_mask: Operand | None = None, *,
    scale: float | None = None, enable_gqa: bool = False,
) -> Expr:  # fmt: skip
    """Attention and its weights."""
    decline(dropout_mask is not None, "attention with dropout", "leave dropout_mask out")
    _decline_bool(attn_mask)
    args = _arguments(query, key, value, attn_mask, dropout_p, is_causal, scale)
    return Call("ops::scaled_dot_product_attention_math", args)


@op("aten._scaled_dot_product_flash_attention_for_cpu.default")
def scaled_dot_product_attention_logsumexp(
    query: Operand, key: Operand, value: Operand, dropout_p: float = 0.0,
    is_causal: bool = False, *, attn_mask: Operand | None = None, scale: float | None = None,
) -> Expr:  # fmt: skip
    """Attention and the logarithm of the sum of each row's exponentials."""
    _decline_bool(attn_mask)
    args = _arguments(query, key, value, attn_mask, dropout_p, is_causal, scale)
    return Call("ops::scaled_dot_product_attention_logsumexp", args)


@op("rt.causal_mask")
def causal_mask(queries: Size, keys: Size) -> Expr:
    """Which keys each query sees: those up to its own, which are the last."""
    return Call("ops::causal_mask", (size(queries), size(keys), DeviceOf()))


@op("rt.sliding_window_mask")
def sliding_window_mask(queries: Size, keys: Size, window: int) -> Expr:
    """Which keys each query sees: so many up to its own, which are the last."""
    sizes = (size(queries), size(keys), number(window, "usize"))
    return Call("ops::sliding_window_mask", (*sizes, DeviceOf()))


@op("aten._safe_softmax.default")
def safe_softmax(x: Operand, dim: int, dtype: str | None = None, *, out: TensorType) -> Expr:
    """Softmax along one axis, in which a row of only -inf gives zeros."""
    decline(not out.is_float, f"softmax of {x.dtype}", "convert it to float32")
    source = (
        x.expr if x.dtype == out.dtype else Method(x.expr, "to_dtype", (candle_dtype(out.dtype),))
    )
    return Call("ops::safe_softmax", (source, Number(x.axis(dim), "usize")))


def _arguments(
    query: Operand, key: Operand, value: Operand, attn_mask: Operand | None,
    dropout_p: float, is_causal: bool, scale: float | None,
) -> tuple[Expr, ...]:  # fmt: skip
    decline(
        dropout_p != 0.0,
        f"attention with dropout_p={dropout_p}, which draws random numbers",
        "pass dropout_p=0.0, or `self.dropout if self.training else 0.0`",
    )
    dtypes = dict.fromkeys(operand.dtype for operand in (query, key, value))
    known = len(dtypes) == 1 and query.type.is_float
    decline(not known, f"attention of {' and '.join(dtypes)}", "convert them to one float dtype")
    decline(is_causal and attn_mask is not None, "attention with both attn_mask and is_causal",
            "put the causal part into the mask")  # fmt: skip
    mask = Maybe(attn_mask.expr if attn_mask else None)
    default = scale is None or _is_default(scale, query)
    factor = Maybe(None if default else number(scale, label="scale"))
    return (query.expr, key.expr, value.expr, mask, flag(is_causal), factor)


def _is_default(scale: float, query: Operand) -> bool:
    """Whether a scale is one by the root of the head's width, as far as its dtype can tell."""
    width = query.shape[-1]
    if query.dtype == "f64" or not isinstance(width, int) or width < 1:
        return False
    return math.isclose(scale, 1 / math.sqrt(width), rel_tol=1e-15)


def _decline_bool(mask: Operand | None) -> None:
    decline(
        mask is not None and mask.dtype == "bool",
        "a bool mask of this form of attention, which adds it as numbers",
        "call torch.nn.functional.scaled_dot_product_attention",
    )
