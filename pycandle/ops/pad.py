"""Padding: constant, mirrored, repeated, round the end. Negative widths crop."""

from __future__ import annotations

from pycandle.graph import Size, TensorType
from pycandle.ops.create import constant
from pycandle.ops.expr import Call, Expr, Slice, size
from pycandle.ops.table import NARROW, Operand, decline, op

Widths = tuple[Size, ...]

# `_pad_enum` names them by number.
_MODES = ("reflect", "replicate", "circular", "constant")


@op("aten.pad.default", also=NARROW)
def padded(x: Operand, pad: Widths, mode: str = "constant", value: float | None = None) -> Expr:
    """Padded before and after the last axis, then the one before it, and so on."""
    if mode == "constant":
        return constant_pad_nd(x, pad, value if value is not None else 0)
    decline(mode not in _MODES, f"pad with mode={mode!r}", f"use one of {', '.join(_MODES)}")
    names = {"reflect": "reflection_pad", "replicate": "replication_pad"}
    return _padded(names.get(mode, "pad_circular"), x, pad)


@op("aten._pad_enum.default", also=NARROW)
def pad_enum(x: Operand, pad: Widths, mode: int, value: float | None = None) -> Expr:
    """The same, with the mode as a number."""
    return padded(x, pad, _MODES[mode], value)


@op("aten.constant_pad_nd.default", also=NARROW)
def constant_pad_nd(x: Operand, pad: Widths, value: float = 0) -> Expr:
    """Padded with a constant."""
    if all(width == 0 for width in pad):
        return x.expr
    filling = constant(value, TensorType(x.dtype, ()))
    return Call("ops::constant_pad_nd", (x.expr, _widths(pad), filling))


@op("aten.reflection_pad1d.default", "aten.reflection_pad2d.default",
    "aten.reflection_pad3d.default", also=NARROW)  # fmt: skip
def reflection_pad(x: Operand, padding: Widths) -> Expr:
    """Mirrored at the first and the last element."""
    return _padded("reflection_pad", x, padding)


@op("aten.replication_pad1d.default", "aten.replication_pad2d.default",
    "aten.replication_pad3d.default", also=NARROW)  # fmt: skip
def replication_pad(x: Operand, padding: Widths) -> Expr:
    """The first and the last element repeated."""
    return _padded("replication_pad", x, padding)


@op("aten._pad_circular.default", also=NARROW)
def pad_circular(x: Operand, pad: Widths) -> Expr:
    """Round the end to the start."""
    return _padded("pad_circular", x, pad)


def _padded(name: str, x: Operand, pad: Widths) -> Expr:
    return Call(f"ops::{name}", (x.expr, _widths(pad)))


def _widths(pad: Widths) -> Slice:
    return Slice(tuple(size(width, "i64") for width in pad))
