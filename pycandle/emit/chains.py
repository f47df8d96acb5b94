"""What a fused call is made of: a layer, and steps that a kernel does with what it has computed.

A batch norm, a sum with a tensor of the same shape, and an activation, in this order. It must not
know statements, nor what else reads a result.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeGuard

from pycandle.emit.fields import OptionalField, StructField, modules_of
from pycandle.ops.expr import (
    Call,
    Expr,
    Field,
    Local,
    Method,
    Operator,
    Present,
    Raw,
    Then,
    is_tensor,
)

_LAYERS = ("nn::Conv1d", "nn::Conv2d", "nn::Conv3d", "nn::Linear")
# The functions of one tensor that kernels apply to what they have just computed.
ACTIVATIONS = frozenset(
    f"ops::{name}"
    for name in (
        "relu", "relu6", "hardsigmoid", "hardswish", "sigmoid", "silu", "tanh", "gelu", "gelu_tanh",
    )
)  # fmt: skip
# What each step is, by the order in which a kernel does them.
NORM, SUM, ACTIVATION = "a batch norm", "a sum", "an activation"
ORDER = ("", NORM, SUM, ACTIVATION)


def kinds_of(fields: Iterable[StructField]) -> dict[Expr, str]:
    """The modules of a struct that can be part of a fused call, each with what it is there."""
    found: dict[Expr, str] = {}
    for given in fields:
        for module in modules_of(given):
            if module.type in _LAYERS and not isinstance(given, OptionalField):
                found[Field(module.path)] = "a layer"
            elif module.type == "nn::BatchNorm":
                found[Field(module.path)] = NORM
            elif module.type == "nn::Func" and _function(module.args) in ACTIVATIONS:
                found[Field(module.path)] = ACTIVATION
    return found


def _function(args: tuple[Expr, ...]) -> str:
    match args:
        case (Raw(text=text),):
            return text
        case _:
            return ""


def steps_of(expr: Expr, kinds: Mapping[Expr, str]) -> Iterator[tuple[Expr, Expr, str]]:
    """What a step takes that may be a layer's result, and the step with its name."""
    match expr:
        case Method(receiver=step, name="forward", args=(given,)):
            if kinds.get(step) in (NORM, ACTIVATION):
                yield given, step, "then"
        case Call(path=path, args=(given,)):
            if path in ACTIVATIONS:
                yield given, Raw(path), "then"
        case Operator(sign="+", left=left, right=right):
            if is_tensor(right):
                yield left, right, "add"
                yield right, left, "add"
        case (
            Method(receiver=left, name="broadcast_add", args=(right,))
            | Call(path="ops::add", args=(left, right))
        ):
            yield left, right, "broadcast_add"
            yield right, left, "broadcast_add"
        case _:
            pass


def is_layer(expr: Expr, kinds: Mapping[Expr, str]) -> TypeGuard[Method]:
    """Whether it calls a layer, perhaps with steps after it."""
    match expr:
        case Method(receiver=receiver, name="forward", args=(_,)):
            return kinds.get(_innermost(receiver)) == "a layer"
        case _:
            return False


def _innermost(receiver: Expr) -> Expr:
    return _innermost(receiver.layer) if isinstance(receiver, Then) else receiver


def last_of(receiver: Expr, kinds: Mapping[Expr, str]) -> str:
    """What the last step of a call is."""
    match receiver:
        case Then(name="add"):
            return SUM
        case Then(step=step):
            return kinds.get(step, ACTIVATION)
        case _:
            return ""


def opened_kinds(condition: Expr, kinds: Mapping[Expr, str]) -> dict[Expr, str]:
    """What the locals are that optional modules have in a branch."""
    if not isinstance(condition, Present):
        return {}
    pairs = zip(condition.fields, condition.names, strict=True)
    return {Local(name, True): kinds[module] for module, name in pairs if module in kinds}


def parts_of(receiver: Expr) -> Iterator[Expr]:
    """The layer of a call and its steps."""
    if isinstance(receiver, Then):
        yield from parts_of(receiver.layer)
        yield named(receiver.step, receiver.name)
    else:
        yield receiver


def named(step: Expr, name: str) -> Expr:
    """A step as a part of a call."""
    return step if name == "then" else Raw("add")
