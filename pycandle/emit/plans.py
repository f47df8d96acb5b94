"""A module as it is before it is merged with its equals: fields, forwards, and their constants.

It must not know the graph, nor text.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

from pycandle.emit.body import Interface
from pycandle.emit.fields import ParameterField, StructField, with_exprs
from pycandle.emit.naming import Body
from pycandle.emit.statements import map_exprs
from pycandle.graph import Dim
from pycandle.graph.dim import terms_of
from pycandle.ops.expr import Config, Expr, Number, SizeOf, Times, rewrite


@dataclass(frozen=True, slots=True)
class Computed:
    """What `load` computes from parameters: the body's results, by the paths of their fields."""

    parameters: tuple[ParameterField, ...]  # the body's arguments
    body: Body
    paths: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The locals that it takes and binds."""
        lets = (name for s in self.body.statements for name in getattr(s, "names", ()))
        return (*(name for name, _ in self.body.arguments), *lets)


@dataclass(frozen=True)
class Plan:
    """A module's struct before it is merged with its equals."""

    regions: tuple[int, ...]  # every call of the module
    forms: tuple[int, ...]  # which of the bodies each call is
    fields: tuple[StructField, ...]
    bodies: tuple[Body, ...]
    interfaces: tuple[Interface, ...]
    reads_weights: bool
    computed: Computed | None
    # The constants, where what it is made of is another module's, as for parts that it lacks.
    given: tuple[Number, ...] | None = None

    @cached_property
    def numbers(self) -> tuple[Number, ...]:
        """Every constant in it, always in the same order."""
        if self.given is not None:
            return self.given
        found: list[Number] = []

        def collect(number: Number) -> Expr:
            found.append(number)
            return number

        mapped(self, collect)
        return tuple(found)


def mapped(
    plan: Plan, change: Callable[[Number], Expr]
) -> tuple[tuple[StructField, ...], tuple[Body, ...], Computed | None]:
    """What the plan's struct is made of with each constant changed, always in the same order."""

    def visit(expr: Expr) -> Expr | None:
        return with_constant(expr, change)

    fields = tuple(with_exprs(field, visit) for field in plan.fields)
    bodies = tuple(rewritten(body, visit) for body in plan.bodies)
    if plan.computed is None:
        return fields, bodies, None
    taken = (with_exprs(field, visit) for field in plan.computed.parameters)
    parameters = tuple(field for field in taken if isinstance(field, ParameterField))
    body = rewritten(plan.computed.body, visit)
    return fields, bodies, replace(plan.computed, parameters=parameters, body=body)


def constant_of(expr: Expr) -> Number | None:
    """The constant that an expression is, or how often it is a symbolic size."""
    match expr:
        case Number():
            return expr
        case SizeOf(size=Dim(terms=((_, factor),)), kind="usize") if factor > 0:
            return Number(factor, "usize")
        case _:
            return None


def with_constant(expr: Expr, change: Callable[[Number], Expr]) -> Expr | None:
    """The expression with its constant changed; None if it is none itself."""
    constant = constant_of(expr)
    if constant is None:
        return None
    changed = change(constant)
    if not isinstance(expr, SizeOf):
        return changed
    if changed == constant:
        return expr
    ((monomial, _),) = terms_of(expr.size)
    return Times(SizeOf(Dim(((monomial, 1),))), changed)


def rewritten(body: Body, change: Callable[[Expr], Expr | None]) -> Body:
    """The body with parts of its expressions replaced, as `rewrite` does."""
    statements, results = map_exprs(
        (body.statements, body.results), lambda expr: rewrite(expr, change)
    )
    return replace(body, statements=statements, results=results)


def blank(number: Number) -> Number:
    """What two constants have in common that may be one constant of a struct."""
    return Number(0, number.kind, number.label)


def configured(
    plan: Plan, places: list[Config | Number]
) -> tuple[tuple[StructField, ...], tuple[Body, ...], Computed | None]:
    """What the plan's struct is made of with each constant as configuration, or as the number that
    all modules of it have which read it.
    """
    remaining = iter(places)

    def change(number: Number) -> Expr:
        found = next(remaining)
        return found if isinstance(found, Config) or number.free else number

    return mapped(plan, change)
