"""Gives the model's numbers the names that its own code has for them, as constants of Rust.

A name that stands for one number in all structs is a constant of the module; one that structs
disagree on is each struct's own. A product of such numbers is written as one. A number that a name
does not tell from others stays a number. It must not know text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TypeAlias

from pycandle.emit.fields import with_exprs
from pycandle.emit.names import identifier
from pycandle.emit.plans import rewritten
from pycandle.emit.structs import Struct
from pycandle.graph.spelling import factors, spells
from pycandle.ops.expr import (
    Constant,
    Expr,
    Number,
    Numbers,
    Product,
    Record,
    is_default,
    rewrite,
)

Constants: TypeAlias = Mapping[str, Number]


def with_constants(structs: Iterable[Struct]) -> tuple[list[Struct], Constants]:
    """The structs with constants in the place of named numbers, and those that they share."""
    structs = list(structs)
    held = [_constants(struct) for struct in structs]
    shared: dict[str, set[Number]] = {}
    for constants in held:
        for name, number in constants.items():
            shared.setdefault(name, set()).add(number)
    agreed = {name: numbers.pop() for name, numbers in shared.items() if len(numbers) == 1}
    done: list[Struct] = []
    for struct, constants in zip(structs, held, strict=True):
        own = {name: number for name, number in constants.items() if name not in agreed}
        known = {n: Constant(n, number, n in own) for n, number in constants.items()}
        done.append(replace(_mapped(struct, _naming(known)), constants=tuple(own.items())))
    return done, agreed


def _constants(struct: Struct) -> Constants:
    """The numbers of a struct that one name each tells from all others in it, by that name."""
    found: dict[str, set[Number]] = {}

    def collect(number: Number) -> Expr:
        for name, value in _product(number) or ((number.name, number.value),):
            if name:
                found.setdefault(_constant_name(name), set()).add(Number(value, number.kind))
        return number

    _mapped(struct, collect)
    return {name: numbers.pop() for name, numbers in found.items() if len(numbers) == 1}


def _product(number: Number) -> tuple[tuple[str, int], ...]:
    return factors(number.name) if spells(number.name, number.value) else ()


def _constant_name(name: str) -> str:
    return identifier(name).upper()


def _naming(known: Mapping[str, Constant]) -> Callable[[Number], Expr]:
    def change(number: Number) -> Expr:
        product = _product(number)
        if not product:
            return known.get(_constant_name(number.name), number) if number.name else number
        parts = tuple(
            known.get(_constant_name(name)) if name else Number(value, number.kind)
            for name, value in product
        )
        told = tuple(part for part in parts if part is not None)
        return Product(told) if len(told) == len(parts) else number

    return change


def _mapped(struct: Struct, change: Callable[[Number], Expr]) -> Struct:
    """The struct with each of its numbers changed, but for those that are left to a default."""

    def visit(expr: Expr) -> Expr | None:
        match expr:
            case Number():
                return change(expr)
            case Record(fields=fields):
                changed = tuple(_given(fields, visit))
                return replace(expr, fields=changed)
            case _:
                return None

    computed = struct.computed
    if computed is not None:
        parameters = tuple(with_exprs(field, visit) for field in computed.parameters)
        computed = replace(computed, parameters=parameters, body=rewritten(computed.body, visit))
    return replace(
        struct,
        fields=tuple(with_exprs(field, visit) for field in struct.fields),
        forwards=tuple(
            replace(forward, body=rewritten(forward.body, visit)) for forward in struct.forwards
        ),
        computed=computed,
    )


def _given(
    fields: Iterable[tuple[str, Expr, Numbers]], visit: Callable[[Expr], Expr | None]
) -> Iterator[tuple[str, Expr, Numbers]]:
    for name, item, default in fields:
        yield name, item if is_default(item, default) else rewrite(item, visit), default
