"""Finds which statements of one forward another lacks, where the two are otherwise equal.

What is lacking is a run of statements that makes one value out of another of the same kind, so that
who lacks them goes on with the one that it has. Names are chosen by then, and differ; so may
constants. It must not know structs, nor text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from pycandle.emit.names import identifier
from pycandle.emit.naming import Body
from pycandle.emit.plans import blank, with_constant
from pycandle.emit.scopes import binds, reads
from pycandle.emit.statements import ForEach, Let, Scope, Statement, map_exprs
from pycandle.ops.expr import (
    Expr,
    Field,
    Local,
    Method,
    Number,
    Operator,
    SizeOf,
    field_names,
    is_expr,
    is_tensor,
    rewrite,
    walk,
)

# Beyond that many, two forwards are two.
_MOST_PARTS = 4
# How often the search may turn back: it is exponential in what looks alike.
_MOST_STEPS = 2000

# What each local of the one is in the other: several where that lacks what makes one of the next.
_Names: TypeAlias = Mapping[str, tuple[Local, ...]]


@dataclass(frozen=True, slots=True, order=True)
class Part:
    """Statements that some lack: they make `result`, and without them that is `instead`.

    In `load` nothing stands instead: the result is a field that is lacking, too.
    """

    start: int
    end: int
    result: str
    instead: str = ""
    borrowed: bool = False  # whether `instead` holds a reference


def lacking(own: Body, whole: Body) -> frozenset[Part] | None:
    """What `own` lacks of `whole`; None where they differ otherwise."""
    kinds = [[kind for _, kind in body.arguments] for body in (own, whole)]
    if kinds[0] != kinds[1] or len(own.results) != len(whole.results):
        return None
    pairs = zip(own.arguments, whole.arguments, strict=True)
    names = {mine: (Local(name, True),) for (mine, _), (name, _) in pairs}
    known = {name: (dict(axes), rank) for name, axes, rank in whole.dims}
    for name, axes, rank in own.dims:
        others = known.get(names[name][0].name, ({}, rank))
        if others[1] != rank or not dict(axes).items() <= others[0].items():
            return None
    parts = _Search(own, whole).parts(0, 0, names)
    return None if parts is None else frozenset(_combined(sorted(parts), whole))


def _combined(parts: list[Part], whole: Body) -> Iterator[Part]:
    """The parts, where two that follow one another are one."""
    while parts:
        first, *parts = parts
        while parts and (both := _both(first, parts[0], whole)):
            first, *parts = both, *parts[1:]
        yield first


def _both(first: Part, second: Part, whole: Body) -> Part | None:
    if first.end != second.start or second.instead != first.result:
        return None
    after = Scope(whole.statements[second.end :], whole.results)
    if first.result != second.result and first.result in reads(after):
        return None
    return Part(first.start, second.end, second.result, first.instead, first.borrowed)


def lacking_in_load(own: Body, whole: Body, extra: set[str]) -> frozenset[Part] | None:
    """The same of what `load` computes, where `own` has no field for these results of `whole`."""
    pairs = zip(own.arguments, whole.arguments, strict=True)
    names = {mine: (Local(name),) for (mine, _), (name, _) in pairs}
    return _Search(own, whole, extra).parts(0, 0, names)


class _Search:
    """Walks two bodies side by side."""

    def __init__(self, own: Body, whole: Body, extra: set[str] | None = None) -> None:
        self.own, self.whole, self.extra = own, whole, extra
        self.results = own.results, whole.results
        if extra is not None:
            kept = (r for r in whole.results if not (isinstance(r, Local) and r.name in extra))
            self.results = own.results, tuple(kept)
        self.steps = 0

    def parts(self, mine: int, place: int, names: _Names, found: int = 0) -> frozenset[Part] | None:
        """What is lacking from these places on, by what the locals before them are."""
        self.steps += 1
        own, whole = self.own.statements, self.whole.statements
        if self.steps > _MOST_STEPS:
            return None
        if mine == len(own) and place == len(whole):
            return frozenset() if same(*self.results, names) else None
        if mine < len(own) and place < len(whole):
            after = _matched(own[mine], whole[place], names)
            if after is not None:
                rest = self.parts(mine + 1, place + 1, after, found)
                if rest is not None:
                    return rest
        if found == _MOST_PARTS:
            return None
        for part, after in self._skips(mine, place, names):
            rest = self.parts(mine, part.end, after, found + 1)
            if rest is not None:
                return rest | {part}
        return None

    def _skips(self, mine: int, place: int, names: _Names) -> Iterator[tuple[Part, _Names]]:
        """The runs of statements from a place on that may be lacking, shorter ones first."""
        rest = Scope(self.own.statements[mine : mine + 1], self.own.results)
        needed = [name for name in reads(rest) if name in names]
        for end in range(place + 1, len(self.whole.statements) + 1):
            statements = self.whole.statements[place:end]
            bound = [name for statement in statements for name in binds(statement)]
            last = binds(statements[-1])
            if len(last) != 1 or not isinstance(statements[-1], (Let, ForEach)):
                continue
            (result,) = last
            after = Scope(self.whole.statements[end:], self.whole.results)
            if ({*bound} - {result}) & {*reads(after)}:
                continue
            if self.extra is not None:
                if result in self.extra and not _reads_again(after, result, self.whole.results):
                    yield Part(place, end, result), _rebound(names, result)
                continue
            for name in needed:
                for local in names[name]:
                    kept = () if local.name == result else (local,)
                    changed = {**_rebound(names, result), name: (Local(result), *kept)}
                    yield Part(place, end, result, local.name, local.borrowed), changed


def _reads_again(after: Scope, name: str, results: tuple[Expr, ...]) -> bool:
    """Whether a statement reads it, or several results are it."""
    # What binds the name again hides it from the results, too.
    hidden = any(name in binds(statement) for statement in after.statements)
    again = name in reads(Scope(after.statements, ()))
    return hidden or again or results.count(Local(name)) != 1


def _matched(own: Statement, whole: Statement, names: _Names) -> _Names | None:
    """What the locals are after two statements that do the same, if they do."""
    match own, whole:
        case Let(), Let():
            fits = len(own.names) == len(whole.names) and own.array == whole.array
            fits = fits and same(own.expr, whole.expr, names)
        case ForEach(), ForEach():
            fits = (own.path, own.grows) == (whole.path, whole.grows)
            fits = fits and same(own.start, whole.start, names)
            inner = _bound(names, (own.variable, own.carried), (whole.variable, whole.carried))
            fits = fits and same(own.expr, whole.expr, inner)
            fits = fits and len(own.names) == len(whole.names)
        case _:
            mine = map_exprs(own, _blank)
            fits = mine == map_exprs(whole, _blank) and all(
                name in [local.name for local in names.get(name, (Local(name),))]
                for name in reads(own)
            )
    fits = fits and len(binds(own)) == len(binds(whole))
    return _bound(names, binds(own), binds(whole)) if fits else None


def _bound(names: _Names, own: Sequence[str], whole: Sequence[str]) -> _Names:
    """What the locals are once two statements have bound these names to the same."""
    for name in whole:
        names = _rebound(names, name)
    return {**names, **{mine: (Local(name),) for mine, name in zip(own, whole, strict=True)}}


def _rebound(names: _Names, name: str) -> _Names:
    """What the locals are once this name is another's."""
    return {
        mine: tuple(local for local in held if local.name != name) for mine, held in names.items()
    }


def apart(body: Body) -> Iterator[tuple[int, Body]]:
    """The body with one sum or product apart from the call in it, and where that begins.

    So a residual that others lack is a statement of its own.
    """
    for place, statement in enumerate(body.statements):
        if not isinstance(statement, Let) or not isinstance(statement.expr, Operator):
            continue
        sides = {"left": statement.expr.left, "right": statement.expr.right}
        made = [side for side, expr in sides.items() if not isinstance(expr, Local)]
        if len(made) != 1 or not is_tensor(inner := sides[made[0]]) or isinstance(inner, Field):
            continue
        kept = sides["left" if made == ["right"] else "right"]
        if _numbers(inner) and _numbers(kept):
            continue
        name = _name(inner, statement, kept, body)
        outer = replace(statement.expr, **{made[0]: Local(name)})
        pair = Let((name,), inner), replace(statement, expr=outer)
        changed = (*body.statements[:place], *pair, *body.statements[place + 1 :])
        yield place, replace(body, statements=changed)


def _name(inner: Expr, statement: Let, kept: Expr, body: Body) -> str:
    """A name for what stands apart: that of the whole, if the rest does not need it."""
    (name,) = statement.names
    if name not in reads(kept):
        return name
    called = inner.receiver if isinstance(inner, Method) else None
    stem = called.path.rpartition(".")[2] if isinstance(called, Field) else "inner"
    taken = {*reads(Scope(body.statements, body.results)), *(name for name, _ in body.arguments)}
    taken |= {bound for each in body.statements for bound in binds(each)}
    return identifier(stem, taken)


def _numbers(expr: Expr) -> bool:
    return any(isinstance(part, (Number, SizeOf)) for part in walk(expr))


def same(own: Any, whole: Any, names: _Names) -> bool:
    """Whether two expressions are equal up to constants and the names of locals."""
    if type(own) is not type(whole):
        return False
    match own:
        case tuple():
            return len(own) == len(whole) and all(  # type: ignore[reportUnknownArgumentType]
                same(a, b, names)
                for a, b in zip(own, whole, strict=True)  # type: ignore[reportUnknownArgumentType]
            )
        case Local(name=name):
            return whole.name in [local.name for local in names.get(name, ())]
        case Number() | SizeOf():
            return _blank(own) == _blank(whole)
        case _ if is_expr(own):
            return all(
                same(getattr(own, name), getattr(whole, name), names) for name in field_names(own)
            )
        case _:
            return own == whole


def _blank(expr: Expr) -> Expr:
    """The expression without its constants."""
    return rewrite(expr, lambda part: with_constant(part, blank))
