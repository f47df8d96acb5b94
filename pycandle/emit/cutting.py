"""Cuts a function that is too long into private ones, where the fewest values cross the cut.

The last resort, after modules have become structs and equal statements loops. It must not know
text, only its height.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from pycandle.emit.names import identifier
from pycandle.emit.printing import MOST_ARGUMENTS, MOST_RESULTS
from pycandle.emit.scopes import binds, in_order, opened, reads, uses_self, vectors
from pycandle.emit.statements import (
    For,
    ForEach,
    If,
    Let,
    Read,
    Scope,
    Statement,
    While,
    map_exprs,
    walk_all,
)
from pycandle.graph.dim import symbol
from pycandle.ops.expr import Array, Call, DeviceOf, Expr, Local, Method, Raw, SizeOf, rewrite

# Lines of a function, as they are foretold: some less than the 150 that none may have.
LONGEST = 115
_PIECE = 85  # what is cut out at most
_LEAST = 15  # what a cut should spare
# Beside `self`; beyond that arguments and results come as arrays.
MOST_GIVEN, _RESULTS = MOST_ARGUMENTS - 1, MOST_RESULTS

Height: TypeAlias = Callable[[Statement], int]


@dataclass(frozen=True, slots=True)
class Piece:
    """A private function of a struct: some statements of one that was too long."""

    name: str
    tensors: tuple[str, ...]
    sizes: tuple[str, ...]
    packed: bool  # its arguments are an array of tensors, and one of sizes
    on_self: bool
    statements: tuple[Statement, ...]
    results: tuple[Expr, ...]

    @property
    def array(self) -> bool:
        """Whether its results come as an array."""
        return len(self.results) > _RESULTS


@dataclass(frozen=True, slots=True)
class _Span:
    """Statements that could be cut out, and what would cross the cut."""

    start: int
    end: int
    given: tuple[Expr, ...]  # locals and sizes
    made: tuple[str, ...]
    spares: int

    @property
    def rank(self) -> tuple[bool, float, int]:
        """Low for what spares many lines for few values."""
        crossing = len(self.given) + len(self.made) + 1
        plain = len(self.given) <= MOST_GIVEN and len(self.made) <= _RESULTS
        return not plain, crossing / self.spares, self.start


def cut(
    statements: tuple[Statement, ...],
    results: tuple[Expr, ...],
    rest: int,
    height: Height,
    taken: set[str],
    lists: frozenset[str] = frozenset(),
) -> tuple[tuple[Statement, ...], list[Piece]]:
    """The statements, with calls where they are too long, and the pieces that these call.

    `rest` is the lines of the function beside its statements. No piece has a name in `taken`,
    which learns theirs. `lists` are the arguments that are lists of tensors, which no piece takes
    or gives.
    """
    loops = [each for each in statements if isinstance(each, ForEach)]
    grown = {name for each in loops for name in each.names[0 if each.grows else 1 :]}
    modules = {n for each in statements if isinstance(each, If) for n in opened(each.condition)}
    cutter = _Cutter(height, taken, lists | grown | modules)
    shorter = cutter.shorten(statements, results, LONGEST - rest)
    return shorter, list(_as_called(shorter, {piece.name: piece for piece in cutter.pieces}))


class _Cutter:
    """The pieces that were cut out so far."""

    def __init__(self, height: Height, taken: set[str], lists: frozenset[str]) -> None:
        self.height = height
        self.taken = taken
        self.lists = lists
        self.sizes: set[str] = set()  # what pieces give that is no tensor
        self.pieces: list[Piece] = []

    def shorten(
        self, statements: tuple[Statement, ...], results: tuple[Expr, ...], longest: int
    ) -> tuple[Statement, ...]:
        """Cuts pieces out until the statements are within the lines that they may have."""
        total = self._total(statements)
        if total > longest:
            statements = tuple(map(self._inside, statements))
            total = self._total(statements)
        while total > longest:
            shorter = statements
            chosen = self._chosen(statements, results, total - longest)
            for span in sorted(chosen, key=lambda span: -span.start):
                call = self._cut_out(statements[span.start : span.end], span)
                shorter = (*shorter[: span.start], call, *shorter[span.end :])
            if self._total(shorter) >= total:
                break
            statements, total = shorter, self._total(shorter)
        return statements

    def _total(self, statements: tuple[Statement, ...]) -> int:
        return sum(map(self.height, statements))

    def _inside(self, statement: Statement) -> Statement:
        """A branch or a loop that would fill a function alone, with pieces of its own."""
        if self.height(statement) <= _PIECE:
            return statement
        match statement:
            case If(then=then, otherwise=other):
                half = _PIECE // 2
                return replace(
                    statement, then=self._scope(then, half), otherwise=self._scope(other, half)
                )
            case While() | For():
                return replace(statement, body=self._scope(statement.body, _PIECE - 10))
            case _:
                return statement

    def _scope(self, scope: Scope, longest: int) -> Scope:
        return Scope(self.shorten(scope.statements, scope.results, longest), scope.results)

    def _chosen(
        self, statements: tuple[Statement, ...], results: tuple[Expr, ...], surplus: int
    ) -> list[_Span]:
        """The best spans that do not overlap, until enough is spared."""
        chosen: list[_Span] = []
        spans = list(self._spans(statements, results))
        worth = [span for span in spans if span.spares >= _LEAST] or spans
        for span in sorted(worth, key=lambda span: span.rank):
            if surplus <= 0:
                break
            if all(span.end <= other.start or other.end <= span.start for other in chosen):
                chosen.append(span)
                surplus -= span.spares
        return chosen

    def _spans(
        self, statements: tuple[Statement, ...], results: tuple[Expr, ...]
    ) -> Iterator[_Span]:
        heights = [self.height(statement) for statement in statements]
        needed = [reads(statement) for statement in statements]
        self.sizes.update(s.symbol for s in statements if isinstance(s, Read))
        bound = [binds(statement) for statement in statements]
        last = _last_reads(needed, bound, reads(results))
        for start in range(len(statements)):
            given: dict[str, Expr] = {}
            until: dict[str, int] = {}
            lines = 0
            for place in range(start, len(statements)):
                lines += heights[place]
                if lines > _PIECE or _is_check(statements[start]) != _is_check(statements[place]):
                    break
                for name, expr in needed[place].items():
                    if name not in until and not isinstance(given.get(name), (Local, SizeOf)):
                        given[name] = expr
                for name in bound[place]:
                    until.pop(name, None)
                    until[name] = last[place, name]
                made = tuple(name for name, end in until.items() if end > place)
                alone = place == start and _is_own_call(statements[place])
                if alone or self.lists.intersection((*given, *made)):
                    continue
                read = _without_devices(given, statements[start : place + 1])
                spares = lines - _call_height(read, made)
                if spares > 0 and (len(made) <= _RESULTS or not self.sizes.intersection(made)):
                    yield _Span(start, place + 1, read, made, spares)

    def _cut_out(self, statements: tuple[Statement, ...], span: _Span) -> Statement:
        """Makes the statements a piece; gives its call."""
        locals_ = tuple(expr for expr in span.given if isinstance(expr, Local))
        sizes = tuple(expr for expr in span.given if isinstance(expr, SizeOf))
        results = tuple(
            SizeOf(symbol(name)) if name in self.sizes else Local(name) for name in span.made
        )
        name = identifier(f"compute_{span.made[-1]}" if span.made else "check_sizes", self.taken)
        self.taken.add(name)
        tensors = tuple(local.name for local in locals_)
        statements = _on_device(statements, locals_)
        done, _ = in_order(statements, frozenset(tensors))
        packed = len(span.given) > MOST_GIVEN
        on_self = uses_self(done)
        self.pieces.append(Piece(name, tensors, _names(sizes), packed, on_self, done, results))
        return call_of(name, span.given, span.made, on_self)


def call_of(name: str, given: tuple[Expr, ...], made: tuple[str, ...], on_self: bool) -> Let:
    """The statement that calls a piece."""
    args = given
    if len(given) > MOST_GIVEN:
        kinds = (tuple(e for e in given if isinstance(e, kind)) for kind in (Local, SizeOf))
        args = tuple(Array(items) for items in kinds if items)
    call = Method(Raw("self"), name, args) if on_self else Call(f"Self::{name}", args)
    return Let(made, call, array=len(made) > _RESULTS)


def _as_called(part: Any, pieces: dict[str, Piece]) -> Iterator[Piece]:
    """The pieces in the order of their calls, each before those that it calls itself."""
    for expr in walk_all(part):
        called = expr.name if isinstance(expr, Method) else expr.path.removeprefix("Self::") if (
            isinstance(expr, Call)) else ""  # fmt: skip
        piece = pieces.pop(called, None)
        if piece is not None:
            yield piece
            yield from _as_called(piece.statements, pieces)


def _names(sizes: tuple[SizeOf, ...]) -> tuple[str, ...]:
    return tuple(name for expr in sizes for name in reads(expr))


def _is_check(statement: Statement) -> bool:
    """Whether it computes nothing that has a name."""
    return isinstance(statement, Let) and not statement.names


def _is_own_call(statement: Statement) -> bool:
    """Whether it only calls another function of the struct, as a piece is."""
    match statement:
        case Let(expr=Call(path=path)):
            return path.startswith("Self::")
        case Let(expr=Method(receiver=receiver)):
            return receiver == Raw("self")
        case _:
            return False


def _call_height(given: tuple[Expr, ...], made: tuple[str, ...]) -> int:
    """About the lines of a call, without printing it."""
    widths = [len(expr.name) if isinstance(expr, Local) else 8 for expr in given]
    short = len(given) > MOST_GIVEN and max(widths) < 9
    return _spread(widths, short) + _spread([len(name) for name in made], False) + 1


def _spread(widths: list[int], short: bool) -> int:
    """The lines of a list that has too little space on one."""
    if sum(widths) + 3 * len(widths) <= 40:
        return 0
    return 1 + (sum(widths) // 50 if short else len(widths))


def _last_reads(
    needed: Sequence[dict[str, Expr]], bound: Sequence[tuple[str, ...]], results: dict[str, Expr]
) -> dict[tuple[int, str], int]:
    """For each name that a statement binds, the last statement that reads what it bound."""
    open_reads = dict.fromkeys(results, len(needed))
    last: dict[tuple[int, str], int] = {}
    for place in reversed(range(len(needed))):
        for name in bound[place]:
            last[place, name] = open_reads.pop(name, -1)
        for name in needed[place]:
            open_reads.setdefault(name, place)
    return last


def _without_devices(given: dict[str, Expr], statements: tuple[Statement, ...]) -> tuple[Expr, ...]:
    """What a piece is given: a tensor for its device only if no other tensor tells it."""
    tensors = [expr for expr in given.values() if isinstance(expr, Local)]
    devices = [expr.tensor for expr in given.values() if isinstance(expr, DeviceOf)]
    if devices and _lasting(tensors, statements) is None:
        tensors += [tensor for tensor in devices if isinstance(tensor, Local)]
    sizes = [given[name] for name in sorted(given) if isinstance(given[name], SizeOf)]
    return (*tensors, *sizes)


def _lasting(tensors: Sequence[Local], statements: tuple[Statement, ...]) -> Local | None:
    """The first of the tensors whose name is one of a tensor throughout."""
    other = vectors(statements)
    return next((tensor for tensor in tensors if tensor.name not in other), None)


def _on_device(
    statements: tuple[Statement, ...], given: tuple[Local, ...]
) -> tuple[Statement, ...]:
    """The statements with the device of a tensor that a piece is given, in place of others'."""
    tensor = _lasting(given, statements)
    names = {local.name for local in given}

    def change(expr: Expr) -> Expr | None:
        if tensor is None or not isinstance(expr, DeviceOf) or not isinstance(expr.tensor, Local):
            return None
        return expr if expr.tensor.name in names else DeviceOf(tensor)

    return map_exprs(statements, lambda expr: rewrite(expr, change))
