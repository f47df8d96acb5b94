"""The statements of a forward: bindings, branches and loops, as data.

In a draft expressions are over graph values, and `names` are values; once names are chosen they
are over locals, and `names` are identifiers. It must not know text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, is_dataclass, replace
from functools import cache
from typing import Any, TypeAlias, TypeVar

from pycandle.graph.dim import symbols
from pycandle.ops.expr import Expr, RelationOf, SizeOf, field_names, is_expr, walk

Part = TypeVar("Part")


@dataclass(frozen=True, slots=True)
class Hint:
    """How a result may be called."""

    targets: tuple[str, ...] = ()  # the names that the Python statement assigns
    fallback: str = ""  # a name where Python gives none

    def named(self, targets: tuple[str, ...]) -> Hint:
        """The hint with other names of Python's."""
        return Hint(targets, self.fallback)


@dataclass(frozen=True, slots=True)
class Let:
    """Binds one value, or the several values of one call."""

    names: tuple[str, ...]
    expr: Expr
    hint: Hint = Hint()
    array: bool = False  # the several values come as an array
    functions: tuple[str, ...] = ()  # those of Python's that it is in, below `forward`
    mutable: tuple[str, ...] = ()  # the names that a loop after it gives other values
    # The values that its names hold, once names are chosen; two that differ in them are equal.
    values: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class ForEach:
    """Carries a value through the modules of a list, or a list of all that they gave."""

    path: str
    variable: str  # the loop's own module; empty in a draft, where it is Field(path)
    names: tuple[str, ...]  # what the loop ends with, and the lists of what else modules gave
    carried: str  # what an iteration reads
    start: Expr
    expr: Expr
    hint: Hint = Hint()
    grows: bool = False  # what is carried is a list, and what an iteration gives its next item
    moves: bool = False  # it starts from a local that nothing else reads any more
    items: tuple[str, ...] = ()  # what an iteration reads of each source, a list
    sources: tuple[Expr, ...] = ()
    given: tuple[str, ...] = ()  # what a module gives, if that is more than what is carried
    place: int = 0  # of what is carried in that
    continues: tuple[str, ...] = ()  # what it carries that is a local before it

    @property
    def pushed(self) -> tuple[tuple[str, str], ...]:
        """The lists, each with what an iteration adds to it."""
        rest = (name for k, name in enumerate(self.given) if k != self.place)
        return tuple(zip(self.names[1:], rest, strict=True))


@dataclass(frozen=True, slots=True)
class Read:
    """Reads a symbol from a tensor: the size of an axis, or the number that the tensor holds."""

    symbol: str
    tensor: Expr
    axis: int | None
    range: tuple[int, int | None] | None  # what to check of it; None where that is done already
    relations: tuple[RelationOf, ...] = ()


@dataclass(frozen=True, slots=True)
class Scope:
    """Statements in braces, and what they give."""

    statements: tuple[Statement, ...]
    results: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class If:
    """One of two scopes, by a condition."""

    names: tuple[str, ...]
    condition: Expr
    then: Scope
    otherwise: Scope
    hint: Hint = Hint()
    moves: frozenset[str] = frozenset()  # locals from around it that nothing after it reads
    mutable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class While:
    """A body that is run again on its own results as long as a condition holds."""

    names: tuple[str, ...]
    carried: tuple[str, ...]  # what an iteration reads; the same as `names` once those are chosen
    starts: tuple[Expr, ...]
    condition: Scope
    body: Scope
    hint: Hint = Hint()
    continues: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class For:
    """A body that is run on every index of the first axis of some tensors, or so many times.

    Its first results are carried to the next run, the others are stacked.
    """

    names: tuple[str, ...]
    carried: tuple[str, ...]
    starts: tuple[Expr, ...]
    items: tuple[str, ...]  # what an iteration reads of each source
    sources: tuple[Expr, ...]
    index: str  # in a draft the symbol that the body reads as its index, if it does
    count: Expr
    body: Scope
    hint: Hint = Hint()
    axis: int = 0  # of the stacks
    continues: tuple[str, ...] = ()


Statement: TypeAlias = "Let | ForEach | Read | If | While | For"


def map_exprs(part: Part, change: Callable[[Expr], Expr]) -> Part:
    """A statement, scope or tuple of them with each outermost expression changed."""
    return _map(part, change)


def exprs(part: Any) -> Iterator[Expr]:
    """Every outermost expression of a statement, a scope or a tuple of them, in order."""
    if is_expr(part):
        yield part
    elif isinstance(part, tuple):
        for item in part:  # type: ignore[reportUnknownVariableType]
            yield from exprs(item)
    elif _is_statement(part):
        for name in field_names(part):
            yield from exprs(getattr(part, name))


def walk_all(part: Any) -> Iterator[Expr]:
    """Every expression of a statement, a scope or a tuple of them, and everything in each."""
    for expr in exprs(part):
        yield from walk(expr)


def once(statement: Statement) -> Iterator[Expr]:
    """The expressions that are evaluated exactly once where the statement stands."""
    match statement:
        case Let(expr=expr):
            yield expr
        case ForEach(start=start):
            yield start
        case Read(tensor=tensor):
            yield tensor
        case If(condition=condition):
            yield condition
        case While(starts=starts) | For(starts=starts):
            yield from starts


def missing(part: Any) -> set[str]:
    """The symbols that it takes from around it: those that no `Read` in it tells."""
    if is_expr(part):
        found: set[str] = set()
        for inner in walk(part):
            if isinstance(inner, SizeOf):
                found |= symbols(inner.size)
            elif isinstance(inner, RelationOf):
                found |= inner.guard.symbols
        return found
    if isinstance(part, tuple):
        return set[str]().union(*map(missing, part))  # type: ignore[reportUnknownArgumentType]
    if not _is_statement(part):
        return set()
    found = set[str]().union(*(missing(getattr(part, name)) for name in field_names(part)))
    told = {s.symbol for s in part.statements if isinstance(s, Read)} if isinstance(
        part, Scope) else {part.symbol} if isinstance(part, Read) else set[str]()  # fmt: skip
    return found - told


def _map(part: Any, change: Callable[[Expr], Expr]) -> Any:
    if is_expr(part):
        return change(part)
    if isinstance(part, tuple):
        return tuple(_map(item, change) for item in part)  # type: ignore[reportUnknownVariableType]
    if _is_statement(part):
        return replace(
            part, **{name: _map(getattr(part, name), change) for name in field_names(part)}
        )
    return part


def _is_statement(part: object) -> bool:
    return _is_statement_kind(type(part))


@cache
def _is_statement_kind(kind: type) -> bool:
    return is_dataclass(kind) and kind.__module__ == __name__
