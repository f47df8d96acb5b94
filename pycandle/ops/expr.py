"""Expressions: what an op lowers to, as data.

A path, arguments, nothing else: no control flow and no text. The Rust emitter prints them; another
emitter can write the same calls as a portable program. They know no graph and no op.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cache
from typing import Any, TypeAlias, cast

from pycandle.graph import Guard, Size


@dataclass(frozen=True, slots=True)
class Var:
    """A value of the graph, by name."""

    name: str


@dataclass(frozen=True, slots=True)
class Local:
    """A local of a function; `borrowed` if it holds a reference."""

    name: str
    borrowed: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the struct: a parameter or a submodule, by its path in the module."""

    path: str


@dataclass(frozen=True, slots=True)
class Number:
    """A constant. Instances of one struct that differ in it take it as configuration."""

    value: int | float
    kind: str  # the Rust type: "usize", "i64", "f64"
    label: str = ""  # what it is, for naming configuration: "eps"
    name: str = ""  # how the model's own code spells it: "layer_norm_eps", "3 * embed_dim=48"
    free: bool = False  # nothing reads it, so that any number will do


def any_number(kind: str) -> Number:
    """What is given where a number of this Rust type is asked for and nothing reads it."""
    value = False if kind == "bool" else 0.0 if kind.startswith("f") else 0
    return Number(value, kind, free=True)


@dataclass(frozen=True, slots=True)
class Constant:
    """A constant under a name of its own: `HEAD_DIM`, or `Self::HEAD_DIM` if it is the struct's."""

    name: str
    number: Number
    own: bool = False


@dataclass(frozen=True, slots=True)
class Product:
    """A number that the model's own code makes of others: `3 * EMBED_DIM`."""

    factors: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Config:
    """A number that differs between instances of a struct, by the name of its configuration; or
    so many times a power of that number, less a constant.
    """

    name: str
    factor: int = 1
    power: int = 1
    minus: int = 0
    holder: str = "self."  # what stands before the name where it is read

    @property
    def is_whole(self) -> bool:
        """Whether it is that number itself."""
        return self.factor == self.power == 1 and self.minus == 0

    @property
    def text(self) -> str:
        """How it is read, as an operand."""
        factors = [f"{self.holder}{self.name}"] * self.power
        text = " * ".join([*factors, str(self.factor)] if self.factor > 1 else factors)
        return f"({text} - {self.minus})" if self.minus else text


@dataclass(frozen=True, slots=True)
class SizeOf:
    """A symbolic size, as arithmetic on `usize`; with a kind, converted to it."""

    size: Size
    kind: str = "usize"


@dataclass(frozen=True, slots=True)
class Times:
    """A symbolic size so many times, where that number is configuration."""

    size: SizeOf
    factor: Expr


@dataclass(frozen=True, slots=True)
class RelationOf:
    """A relation of symbolic sizes, as a condition."""

    guard: Guard


@dataclass(frozen=True, slots=True)
class Raw:
    """A fixed piece of Rust from the op table itself (`true`, `DType::I64`); never from a model."""

    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """A string of the model's, printed as an escaped literal."""

    value: str


@dataclass(frozen=True, slots=True)
class Tuple:
    """A Rust tuple; a single item stands alone, as Candle's shapes do."""

    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Slice:
    """`&[a, b]`; tensors in it are borrowed."""

    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Array:
    """`[a, b]`."""

    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Span:
    """`a..b`."""

    start: Expr
    end: Expr


@dataclass(frozen=True, slots=True)
class Maybe:
    """`Some(x)`, with a tensor borrowed, or `None`."""

    item: Expr | None


@dataclass(frozen=True, slots=True)
class Held:
    """`Some(x)` with the tensor itself, or `None`: what a module has that others lack."""

    item: Expr | None


@dataclass(frozen=True, slots=True)
class Present:
    """Whether the module has these fields, which others lack; they are then these locals."""

    fields: tuple[Field, ...]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Exists:
    """Whether the module has a field that others lack."""

    field: Field


@dataclass(frozen=True, slots=True)
class LengthOf:
    """How many modules a list of them holds."""

    modules: Field


@dataclass(frozen=True, slots=True)
class DeviceOf:
    """The device of a tensor; without one, of the module that the expression stands in."""

    tensor: Expr | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A fallible function that gives a tensor: `ops::softmax(&x, 1)?`."""

    path: str
    args: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Method:
    """A fallible method that gives a tensor: `x.reshape((2, 3))?`."""

    receiver: Expr
    name: str
    args: tuple[Expr, ...] = ()


@dataclass(frozen=True, slots=True)
class Then:
    """A layer and one step more, which its `forward` computes together: `conv.then(&bn)`."""

    layer: Expr
    step: Expr  # a module, or a function of one tensor; a tensor where it is added
    name: str = "then"  # or "add"


# The operators of two tensors, by the names of the functions that do the same.
SIGNS = {"add": "+", "sub": "-", "mul": "*", "div": "/"}


@dataclass(frozen=True, slots=True)
class Operator:
    """A fallible operator of two tensors of one shape, or of one and a number: `(&a + &b)?`."""

    sign: str
    left: Expr
    right: Expr
    keeps: bool = False  # it keeps the order of elements in memory: `ops::add(&a, &b)?`


@dataclass(frozen=True, slots=True)
class Record:
    """A Rust struct literal, `Conv1dConfig { padding: 1, ..Default::default() }`.

    Each field has its default, a number or a tuple of them, and is printed where it differs.
    """

    path: str
    fields: tuple[tuple[str, Expr, Numbers], ...]
    whole: bool = False  # the struct has no other fields


@dataclass(frozen=True, slots=True)
class Closure:
    """A function of one tensor, which it is lent: `|x| ops::leaky_relu(x, 0.1)`."""

    parameter: str
    body: Call | Method | Operator


@dataclass(frozen=True, slots=True)
class Element:
    """An element of one of the tensors that a formula takes."""

    index: int


@dataclass(frozen=True, slots=True)
class Fused:
    """A formula of the elements of tensors: `ops::fused((&a, &b), |(a, b)| a * b.tanh())?`."""

    tensors: tuple[Expr, ...]
    body: Expr  # operators and calls of functions, of `Element`s and numbers


Numbers: TypeAlias = "int | tuple[Numbers, ...]"

Expr: TypeAlias = (
    Var
    | Local
    | Field
    | Number
    | Config
    | Constant
    | Product
    | SizeOf
    | Times
    | RelationOf
    | Raw
    | Text
    | Tuple
    | Slice
    | Array
    | Span
    | Maybe
    | Held
    | Present
    | Exists
    | LengthOf
    | DeviceOf
    | Call
    | Method
    | Then
    | Operator
    | Record
    | Closure
    | Element
    | Fused
)


def as_function(expr: Expr) -> Expr:
    """`a.broadcast_add(&b)?` as `ops::add(&a, &b)?`, which has a kernel for all strides; any other
    expression as it is.
    """
    match expr:
        case Method(receiver=left, name=method, args=(right,)) if method.startswith("broadcast_"):
            name = method.removeprefix("broadcast_")
            return Call(f"ops::{name}", (left, right)) if name in SIGNS else expr
        case _:
            return expr


def rewrite(expr: Expr, change: Callable[[Expr], Expr | None]) -> Expr:
    """The expression with parts replaced: `change` gives a replacement, or None to look inside."""
    replacement = change(expr)
    if replacement is not None:
        return replacement
    parts = {name: getattr(expr, name) for name in field_names(expr)}
    done = {name: _rewrite_part(part, change) for name, part in parts.items()}
    changed = {name: part for name, part in done.items() if part is not parts[name]}
    return replace(expr, **changed) if changed else expr


def walk(expr: Expr) -> Iterator[Expr]:
    """The expression and everything in it, outermost first."""
    yield expr
    for name in field_names(expr):
        yield from _walk_part(getattr(expr, name))


def _rewrite_part(part: Any, change: Callable[[Expr], Expr | None]) -> Any:
    if isinstance(part, tuple):
        items = cast("tuple[Any, ...]", part)
        done = tuple(_rewrite_part(item, change) for item in items)
        return items if all(map(operator.is_, done, items)) else done
    return rewrite(part, change) if is_expr(part) else part


def _walk_part(part: Any) -> Iterator[Expr]:
    if isinstance(part, tuple):
        for item in part:  # type: ignore[reportUnknownVariableType]
            yield from _walk_part(item)
    elif is_expr(part):
        yield from walk(part)


def is_expr(part: object) -> bool:
    """Whether something is an expression."""
    return _is_expr_kind(type(part))


@cache
def _field_names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def field_names(part: object) -> tuple[str, ...]:
    """The names of the fields of a dataclass's instance."""
    return _field_names(type(part))


@cache
def _is_expr_kind(kind: type) -> bool:
    return is_dataclass(kind) and kind.__module__ == __name__


def is_tensor(expr: Expr) -> bool:
    """Whether the expression gives a tensor, which arguments borrow."""
    return isinstance(expr, (Var, Local, Field, Call, Method, Operator, Fused))


def size(value: Size, kind: str = "usize", label: str = "size") -> Expr:
    """A size as an expression: a number, or arithmetic on symbols."""
    # Python's True is the number 1.
    return Number(int(value), kind, label) if isinstance(value, int) else SizeOf(value, kind)


def shape(sizes: tuple[Size, ...]) -> Expr:
    """A shape as Candle takes it: a tuple, or a slice beyond six axes."""
    items = tuple(size(s) for s in sizes)
    return Tuple(items) if len(items) <= 6 else Slice(items)


def flag(value: bool) -> Raw:
    """A boolean constant."""
    return Raw("true" if value else "false")


def is_default(item: Expr, default: Numbers) -> bool:
    """Whether a field of a `Record` is left to its default."""
    if isinstance(item, (Array, Tuple)) and isinstance(default, tuple):
        return all(map(is_default, item.items, default))
    return isinstance(item, Number) and item.value == default
