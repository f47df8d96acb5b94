"""Prints expressions and structs as Rust. The only place that knows Rust's syntax.

Layout is plain: rustfmt has the last word where a file is checked in.
"""

from __future__ import annotations

import math
import struct
import sys
from collections.abc import Sequence

from pycandle.emit.fields import ListField, ModuleField, OptionalField, StructField
from pycandle.emit.names import identifier, string_literal
from pycandle.graph import Guard
from pycandle.graph.dim import Dim, Monomial, Opaque, Size, symbols, terms_of
from pycandle.ops.expr import (
    SIGNS,
    Array,
    Call,
    Closure,
    Config,
    Constant,
    DeviceOf,
    Element,
    Exists,
    Expr,
    Field,
    Fused,
    Held,
    LengthOf,
    Local,
    Maybe,
    Method,
    Number,
    Operator,
    Present,
    Product,
    Raw,
    Record,
    RelationOf,
    SizeOf,
    Slice,
    Span,
    Text,
    Then,
    Times,
    Tuple,
    Var,
    is_default,
    is_tensor,
    rewrite,
    walk,
)


class FieldNames:
    """The identifier of each field of one struct, by the field's path; lists are indexed."""

    def __init__(self, fields: tuple[StructField, ...], taken: tuple[str, ...]) -> None:
        self.names: dict[str, str] = {}
        self.items: dict[str, str] = {}  # how forward reads each item of a list
        used = {*taken, "checker", "device"}
        for field in fields:
            name = identifier(_readable(field), used)
            used.add(name)
            self.names[field.path] = name
            for k, item in enumerate(field.items if isinstance(field, ListField) else ()):
                self.items[item.path] = f"self.{name}[{k}]"

    def __getitem__(self, path: str) -> str:
        return self.names[path]

    def place(self, path: str) -> str:
        """How forward reads the field: `self.layer[3]`."""
        return self.items.get(path) or f"self.{self.names[path]}"


def _readable(field: StructField) -> str:
    """A path made of numbers alone says nothing: what it is stands before it."""
    field = field.field if isinstance(field, OptionalField) else field
    if field.path[:1].isdigit() and isinstance(field, ModuleField):
        return f"{field.stem or field.type.rpartition('::')[2]}_{field.path}"
    return field.path


def value(expr: Expr, names: FieldNames) -> str:
    """The expression as a value: owned where a call makes it, a place where it is stored."""
    match expr:
        case Local(name=name):
            return name
        case Field(path=path):
            return names.place(path)
        case Call(path=path, args=args):
            if path.startswith("ops::"):
                args = tuple(map(_plain, args))
            return f"{path}({_arguments(args, names)})?"
        case Method(receiver=receiver, name=name, args=args):
            return f"{value(receiver, names)}.{name}({_arguments(args, names)})?"
        case Then(layer=layer, step=step, name=name):
            return f"{value(layer, names)}.{name}({argument(step, names)})"
        case Operator(sign=sign, keeps=True):
            return value(Call(_FUNCTIONS[sign], (expr.left, expr.right)), names)
        case Operator(sign=sign, left=left, right=right):
            return f"({_operand(left, names)} {sign} {_operand(right, names)})?"
        case Number():
            return number(expr)
        case Config():
            return expr.text
        case Constant(name=name, own=own):
            return f"Self::{name}" if own else name
        case Product(factors=factors):
            return " * ".join(value(factor, names) for factor in factors)
        case SizeOf(size=size_, kind=kind):
            return size_text(size_) if kind == "usize" else _converted(size_, kind)
        case Times(size=size_, factor=factor):
            return f"{value(size_, names)} * {value(factor, names)}"
        case RelationOf(guard=guard):
            return relation_text(guard)
        case Raw(text=text):
            return text
        case Text(value=text):
            return string_literal(text)
        case Tuple(items=(only,)):
            return argument(only, names)
        case Tuple(items=items):
            return f"({', '.join(argument(item, names) for item in items)})"
        case Slice(items=items):
            return f"&[{', '.join(argument(item, names) for item in items)}]"
        case Array(items=items):
            return f"[{', '.join(argument(item, names) for item in items)}]"
        case Span(start=start, end=end):
            return f"{argument(start, names)}..{argument(end, names)}"
        case Maybe(item=item):
            return "None" if item is None else f"Some({argument(item, names)})"
        case Held(item=item):
            return "None" if item is None else f"Some({value(item, names)})"
        case Present(fields=fields, names=locals_):
            left = [f"Some({name})" for name in locals_]
            right = [f"&{value(field, names)}" for field in fields]
            return f"let {together(left)} = {together(right)}"
        case Exists(field=field):
            return f"{value(field, names)}.is_some()"
        case LengthOf(modules=modules):
            return f"{value(modules, names)}.len()"
        case DeviceOf(tensor=tensor):
            return "&self.device" if tensor is None else f"{value(tensor, names)}.device()"
        case Record():
            return _record(expr, names)
        case Closure():
            return _closure(expr, names)
        case Fused():
            return _fused(expr, names)
        case Element():
            raise AssertionError("an element stands outside of its formula")
        case Var(name=name):
            raise AssertionError(f"%{name} was not bound to a local")


_FUNCTIONS = {sign: f"ops::{name}" for name, sign in SIGNS.items()}


def together(items: Sequence[str]) -> str:
    """The one item, or a tuple of them all."""
    return items[0] if len(items) == 1 else f"({', '.join(items)})"


def _plain(expr: Expr) -> Expr:
    """An argument whose integers have no suffix: the runtime's functions tell their type."""

    def change(part: Expr) -> Expr | None:
        match part:
            case Number(value=amount, kind="i64") if -(2**31) <= amount < 2**31:
                return Raw(str(amount))
            case Call() | Method() | Operator():
                return part
            case _:
                return None

    return rewrite(expr, change)


def argument(expr: Expr, names: FieldNames) -> str:
    """The expression as an argument: tensors are borrowed."""
    text = value(expr, names)
    if isinstance(expr, (SizeOf, Config)):
        return _bare(text)
    if not is_tensor(expr) or (isinstance(expr, Local) and expr.borrowed):
        return text
    return f"&{text}"


def number(literal: Number) -> str:
    """A constant of its Rust type; not-a-number, infinities and extremes have names."""
    kind = literal.kind
    if kind == "bool":
        return "true" if literal.value else "false"
    if kind not in ("f64", "f32"):
        return f"{literal.value}" if kind == "usize" else f"{literal.value}{kind}"
    amount = float(literal.value) if kind == "f64" else _single(literal.value)
    if math.isnan(amount):
        return f"{kind}::NAN"
    sign = "-" if amount < 0 else ""
    if math.isinf(amount):
        return f"{kind}::{'NEG_' if sign else ''}INFINITY"
    if abs(amount) == _LARGEST[kind]:
        return f"{kind}::{'MIN' if sign else 'MAX'}"
    if name := _CONSTANTS[kind].get(abs(amount)):
        return f"{sign}std::{kind}::consts::{name}"
    return _decimal(amount) if kind == "f64" else f"{_decimal(_shortest(amount))}f32"


def _decimal(amount: float) -> str:
    """The shortest decimal that is this float64, its exponent as Rust prints it: `1e-5`."""
    digits, mark, exponent = repr(amount).partition("e")
    return f"{digits}e{int(exponent)}" if mark else digits


_LARGEST = {"f64": sys.float_info.max, "f32": (2.0 - 2.0**-23) * 2.0**127}


# Numbers that Rust has a name for, and clippy wants it.
_NAMED = {
    "PI": math.pi, "TAU": math.tau, "E": math.e, "LN_2": math.log(2), "LN_10": math.log(10),
    "LOG2_E": math.log2(math.e), "LOG10_E": math.log10(math.e), "LOG10_2": math.log10(2),
    "LOG2_10": math.log2(10), "SQRT_2": math.sqrt(2), "FRAC_1_SQRT_2": math.sqrt(0.5),
    "FRAC_2_SQRT_PI": 2 / math.sqrt(math.pi), "FRAC_1_PI": 1 / math.pi, "FRAC_2_PI": 2 / math.pi,
    **{f"FRAC_PI_{k}": math.pi / k for k in (2, 4, 8)},
}  # fmt: skip


def _single(amount: float) -> float:
    """The float32 nearest to the number, infinity past the largest one."""
    try:
        return struct.unpack("f", struct.pack("f", amount))[0]
    except OverflowError:
        return math.copysign(math.inf, amount)


_CONSTANTS = {
    "f64": {value: name for name, value in _NAMED.items()},
    "f32": {_single(value): name for name, value in _NAMED.items()},
}


def _shortest(single: float) -> float:
    """The shortest decimal that is this float32 once it is rounded."""
    for digits in range(1, 10):
        decimal = float(f"{single:.{digits}g}")
        # Rust rounds the decimal itself, not its double: the doubles beside it must agree.
        near = (math.nextafter(decimal, -math.inf), decimal, math.nextafter(decimal, math.inf))
        if all(_single(double) == single for double in near):
            return decimal
    return single


def size_text(size: Size) -> str:
    """A size as `usize` arithmetic: what is added first, so that nothing goes below zero."""
    if isinstance(size, int):
        return str(size)
    terms = sorted(terms_of(size), key=lambda term: term[1] < 0)
    text = ""
    for monomial, factor in terms:
        parts = [_atom(atom) for atom in monomial]
        if abs(factor) != 1 or not parts:
            parts.append(str(abs(factor)))
        piece = " * ".join(parts)
        text = f"{text} {'-' if factor < 0 else '+'} {piece}" if text else piece
    return text


def _converted(size: Size, kind: str) -> str:
    """A size in another type; differences are taken in `i64`, where they may be negative."""
    terms = terms_of(size)
    if all(factor > 0 for _, factor in terms):
        return f"{_grouped(size_text(size))} as {kind}"
    parts = (tuple(t for t in terms if t[1] > 0), tuple((m, -f) for m, f in terms if f < 0))
    added, taken = (_signed(Dim(part)) if part else "" for part in parts)
    text = f"{added} - {taken}" if added else f"-({taken})"
    return text if kind == "i64" else f"({text}) as {kind}"


def _signed(size: Dim) -> str:
    match size.terms:
        case (((), number),):
            return str(number)
        case _:
            return f"{_grouped(size_text(size))} as i64"


def relation_text(guard: Guard) -> str:
    """A relation of sizes as a condition on `usize`."""
    match terms_of(guard.left):
        case (((Opaque(function="mod", left=left, right=right),), 1),) if guard.right == 0:
            if guard.sign in ("==", "!=", ">"):
                holds = f"{_grouped(size_text(left))}.is_multiple_of({_bare(size_text(right))})"
                return holds if guard.sign == "==" else f"!{holds}"
        case _:
            pass
    left, right = guard.left, guard.right
    if any(factor < 0 for side in (left, right) for _, factor in terms_of(side)):
        # Nothing is subtracted: below zero there is no `usize`.
        terms = terms_of(left - right)
        left = sum((_term(m, f) for m, f in terms if f > 0), 0)
        right = sum((_term(m, -f) for m, f in terms if f < 0), 0)
    return f"{size_text(left)} {guard.sign} {size_text(right)}"


def _term(monomial: Monomial, factor: int) -> Size:
    return Dim(((monomial, factor),)) if monomial else factor


def _record(record: Record, names: FieldNames) -> str:
    given = [
        (name, argument(item, names))
        for name, item, default in record.fields
        if not is_default(item, default)
    ]
    parts = [name if name == text else f"{name}: {text}" for name, text in given]
    if not parts:
        return f"{record.path}::default()"
    if not record.whole or len(parts) < len(record.fields):
        parts.append("..Default::default()")
    return f"{record.path} {{ {', '.join(parts)} }}"


def _closure(closure: Closure, names: FieldNames) -> str:
    """What it reads of the function around it are numbers, which it takes a copy of."""
    read = {part.name for part in walk(closure.body) if isinstance(part, Config)}
    parameter = Local(identifier(closure.parameter, read), True)
    known = Local(closure.parameter, True)
    body = rewrite(closure.body, lambda part: parameter if part == known else None)
    text = _bare(value(body, names).removesuffix("?"))
    return f"{'move ' if read else ''}|{parameter.name}| {text}"


def _fused(fused: Fused, names: FieldNames) -> str:
    one = "," if len(fused.tensors) == 1 else ""
    # The sizes that a formula reads keep their names in it.
    taken = {identifier(name) for part in walk(fused.body) if isinstance(part, SizeOf)
             for name in symbols(part.size)}  # fmt: skip
    elements: list[str] = []
    for tensor in fused.tensors:
        elements.append(identifier(_called(tensor), {*taken, *elements}))
    body = _formula(fused.body, elements, names)
    given = _arguments(fused.tensors, names)
    return f"ops::fused(({given}{one}), |({', '.join(elements)}{one})| {body})?"


# What only says where the elements of a tensor lie, which keeps its name.
_VIEWS = frozenset((
    "broadcast_as", "flatten", "narrow", "permute", "reshape", "squeeze", "t", "to_dtype",
    "transpose", "unsqueeze",
))  # fmt: skip


def _called(tensor: Expr) -> str:
    """What a formula calls a tensor that it takes."""
    match tensor:
        case Local(name=name):
            return name
        case Field(path=path):
            return next((p for p in reversed(path.split(".")) if not p.isdigit()), "x")
        case Method(receiver=receiver, name=name):
            return _called(receiver) if name in _VIEWS else name
        case Call(path=path):
            return path.rpartition("::")[2]
        case _:
            return "x"


# How strongly the operators of Rust bind.
_STRENGTH = {"+": 1, "-": 1, "*": 2, "/": 2}


def _formula(part: Expr, elements: list[str], names: FieldNames, least: int = 0) -> str:
    """A part of a formula, in brackets if it binds less strongly than asked for."""
    match part:
        case Element(index=index):
            return elements[index]
        case Operator(sign=sign, left=left, right=right):
            strength = _STRENGTH[sign]
            first = _formula(left, elements, names, strength)
            # What is subtracted or divided by, and what is computed first, keeps its brackets.
            text = f"{first} {sign} {_formula(right, elements, names, strength + 1)}"
            return f"({text})" if strength < least else text
        case Call(path="ops::neg", args=(inner,)):
            # Rust takes `--x` for a mistake.
            twice = isinstance(inner, Call) and inner.path == "ops::neg"
            text = f"-{_formula(inner, elements, names, 4 if twice else 3)}"
            return f"({text})" if least > 3 else text
        case Call(path=path, args=(inner, *numbers)):
            method = path.removeprefix("ops::")
            given = _arguments(tuple(numbers), names)
            return f"{_formula(inner, elements, names, 4)}.{method}({given})"
        case SizeOf():
            return f"({value(part, names)})"
        case _:
            return value(part, names)


def _atom(atom: str | Opaque) -> str:
    if isinstance(atom, str):
        return identifier(atom)
    if atom.function == "max" and 0 in (atom.left, atom.right):
        return _at_least_zero(atom.right if atom.left == 0 else atom.left)
    left, right = _bare(size_text(atom.left)), _bare(size_text(atom.right))
    if atom.function in ("max", "min"):
        # A literal has no type that a method could be looked up in.
        first, second = (right, left) if isinstance(atom.left, int) else (left, right)
        return f"{_grouped(first)}.{atom.function}({second})"
    up = atom.left - atom.right + 1
    whole = isinstance(up, Dim) and all(factor > 0 for _, factor in terms_of(up))
    if atom.function == "floordiv" and whole:
        return f"{_grouped(_bare(size_text(up)))}.div_ceil({right})"
    left, right = _grouped(left), _grouped(right)
    return f"({left} {'/' if atom.function == 'floordiv' else '%'} {right})"


def _bare(text: str) -> str:
    """Without the brackets around all of it, where there are such."""
    if not text.startswith("("):
        return text
    depth = 0
    for place, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if depth == 0 and place < len(text) - 1:
            return text
    return text[1:-1]


def _at_least_zero(size: Size) -> str:
    """`max(0, size)`, where what is subtracted may be more than what is there."""
    left: Size = sum((_term(m, f) for m, f in terms_of(size) if f > 0), 0)
    right: Size = sum((_term(m, -f) for m, f in terms_of(size) if f < 0), 0)
    text = _grouped(size_text(left))
    return text if right == 0 else f"{text}.saturating_sub({size_text(right)})"


def _grouped(text: str) -> str:
    return f"({text})" if " " in text else text


def _arguments(args: tuple[Expr, ...], names: FieldNames) -> str:
    return ", ".join(argument(arg, names) for arg in args)


def _operand(expr: Expr, names: FieldNames) -> str:
    """An operand: stored tensors are borrowed, fresh ones are taken."""
    if isinstance(expr, (Field, Local)):
        return argument(expr, names)
    text = value(expr, names)
    return f"({text})" if isinstance(expr, SizeOf) and expr.kind != "usize" else text
