"""What statements read from around them and what they bind, once names are chosen.

It must not know text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from pycandle.emit.statements import For, ForEach, If, Let, Read, Scope, Statement, While, map_exprs
from pycandle.graph.dim import symbol, symbols
from pycandle.ops.expr import (
    Config,
    DeviceOf,
    Expr,
    Field,
    Local,
    Present,
    Raw,
    RelationOf,
    SizeOf,
    is_expr,
    rewrite,
    walk,
)


def reads(part: Any) -> dict[str, Expr]:
    """The names that it reads from around it, in order, each with what it is read as.

    That is a local, a size, or a device where nothing but the device of a tensor is read.
    """
    found: dict[str, Expr] = {}
    for name, expr in _reads(part, frozenset()):
        if not isinstance(found.get(name), (Local, SizeOf)):
            found[name] = expr
    return found


def binds(statement: Statement) -> tuple[str, ...]:
    """The names that a statement binds for those after it."""
    if isinstance(statement, Read):
        return (statement.symbol,)
    return tuple(name for name in statement.names if name != "_")


def opened(condition: Expr) -> tuple[str, ...]:
    """The locals that optional fields are where the condition holds."""
    return condition.names if isinstance(condition, Present) else ()


def vectors(part: Any) -> set[str]:
    """The names that hold something other than a tensor within a loop."""
    match part:
        case tuple():
            return set[str]().union(*map(vectors, part))  # type: ignore[reportUnknownArgumentType]
        case Scope(statements=statements):
            return vectors(statements)
        case ForEach():
            return {part.variable, *part.names[1:]}
        case If():
            return {*opened(part.condition)} | vectors((part.then, part.otherwise))
        case While():
            return vectors((part.condition, part.body))
        case For():
            return {*part.names[len(part.carried) :], part.index} | vectors(part.body)
        case _:
            return set()


def borrowed(part: Any, names: frozenset[str]) -> Any:
    """The part where these names from around it are references."""
    if is_expr(part):
        return rewrite(part, lambda e: _reference(e, names))
    match part:
        case tuple():
            return tuple(borrowed(item, names) for item in part)  # type: ignore[reportUnknownVariableType]
        case Scope(statements=statements, results=results):
            done, names = in_order(statements, names)
            return Scope(done, borrowed(results, names))
        case ForEach():
            inner = names - {part.variable, *part.names, *part.items}
            start, sources = borrowed((part.start, part.sources), names)
            return replace(part, start=start, sources=sources, expr=borrowed(part.expr, inner))
        case If():
            condition, otherwise = borrowed((part.condition, part.otherwise), names)
            then = borrowed(part.then, names - {*opened(part.condition)})
            return If(part.names, condition, then, otherwise)
        case While():
            scopes = borrowed((part.condition, part.body), names - {*part.carried})
            return While(part.names, part.carried, borrowed(part.starts, names), *scopes)
        case For():
            body = borrowed(part.body, names - {*part.names, *part.items, part.index})
            return For(part.names, part.carried, borrowed(part.starts, names), part.items,
                       borrowed(part.sources, names), part.index, part.count, body,
                       axis=part.axis)  # fmt: skip
        case _:
            return map_exprs(part, lambda e: borrowed(e, names))


def in_order(
    statements: tuple[Statement, ...], names: frozenset[str]
) -> tuple[tuple[Statement, ...], frozenset[str]]:
    """The statements where these names are references until one binds them, and what is left."""
    done: list[Statement] = []
    for statement in statements:
        done.append(borrowed(statement, names))
        names = names - {*binds(statement)}
    return tuple(done), names


def moving(statements: tuple[Statement, ...], results: tuple[Expr, ...]) -> tuple[Statement, ...]:
    """The statements of a function, where loops and branches take what nothing after them reads."""
    made: set[str] = set()
    done: list[Statement] = []
    for place, statement in enumerate(statements):
        if isinstance(statement, ForEach) and isinstance(statement.start, Local):
            name = statement.start.name
            after = Scope(statements[place + 1 :], results)
            later = name in binds(statement) or name not in reads(after)
            inside = name != statement.carried and name in reads(statement.expr)
            moves = name in made and not statement.start.borrowed and later and not inside
            statement = replace(statement, moves=moves)
        elif isinstance(statement, If):
            after = reads(Scope(statements[place + 1 :], results))
            spent = made - ({*after} - {*binds(statement)})
            statement = replace(statement, moves=frozenset(spent))
        done.append(statement)
        made |= {*binds(statement)}
    return _continuing(done)


def _continuing(statements: list[Statement]) -> tuple[Statement, ...]:
    """The statements, where a loop carries on a local of the same name that they made before."""
    makers: dict[str, int] = {}
    done: list[Statement] = []
    for place, statement in enumerate(statements):
        if isinstance(statement, (ForEach, While, For)):
            changes = {*changed(statement)}
            continues = [
                name
                for name, start in _starts(statement)
                if start == Local(name) and name in makers
                and (name not in changes or _make_mutable(done, makers[name], name))
            ]  # fmt: skip
            statement = replace(statement, continues=tuple(continues))
        done.append(statement)
        makers |= dict.fromkeys(binds(statement), place)
    return tuple(done)


def _starts(loop: ForEach | While | For) -> Iterator[tuple[str, Expr]]:
    """What a loop carries, each with what it begins as, if nothing reads that afterwards."""
    if not isinstance(loop, ForEach):
        yield from zip(loop.carried, loop.starts, strict=True)
    elif loop.moves:
        yield loop.names[0], loop.start


def _make_mutable(statements: list[Statement], place: int, name: str) -> bool:
    """Makes what binds the name one that can be changed, if it can be such."""
    match statements[place]:
        case Let() | If() as maker:
            if name not in maker.mutable:
                statements[place] = replace(maker, mutable=(*maker.mutable, name))
            return True
        case ForEach(names=names, grows=False):
            return name == names[0]  # which is mutable already
        case _:
            return False


def changed(loop: ForEach | While | For) -> tuple[str, ...]:
    """The carried names that an iteration gives another value."""
    if isinstance(loop, ForEach):
        return loop.names[:1]
    pairs = zip(loop.carried, loop.body.results, strict=False)
    return tuple(name for name, result in pairs if result != Local(name))


def uses_self(part: Any) -> bool:
    """Whether it reads a field of its struct, or calls what does."""
    if is_expr(part):
        return any(
            isinstance(e, (Field, Config))
            or e == Raw("self")
            or (isinstance(e, DeviceOf) and e.tensor is None)
            for e in walk(part)
        )
    match part:
        case ForEach():
            return True
        case tuple():
            return any(map(uses_self, part))  # type: ignore[reportUnknownArgumentType]
        case Scope(statements=statements, results=results):
            return uses_self((statements, results))
        case _:
            return uses_self(_parts(part))


def _parts(statement: Statement) -> tuple[Any, ...]:
    match statement:
        case Let(expr=expr):
            return (expr,)
        case Read(tensor=tensor, relations=relations):
            return (tensor, relations)
        case ForEach(start=start, sources=sources, expr=expr):
            return (start, sources, expr)
        case If():
            return (statement.condition, statement.then, statement.otherwise)
        case While():
            return (statement.starts, statement.condition, statement.body)
        case For():
            return (statement.starts, statement.sources, statement.count, statement.body)


def _reads(part: Any, known: frozenset[str]) -> Iterator[tuple[str, Expr]]:
    if is_expr(part):
        yield from ((name, expr) for name, expr in _names(part) if name not in known)
        return
    match part:
        case tuple():
            for item in part:  # type: ignore[reportUnknownVariableType]
                yield from _reads(item, known)
        case Scope(statements=statements, results=results):
            for statement in statements:
                yield from _reads(statement, known)
                known = known | {*binds(statement)}
            yield from _reads(results, known)
        case ForEach():
            yield from _reads((part.start, part.sources), known)
            yield from _reads(part.expr, known | {part.variable, *part.names, *part.items})
        case If():
            yield from _reads(part.condition, known)
            yield from _reads(part.then, known | {*opened(part.condition)})
            yield from _reads(part.otherwise, known)
        case Read():
            yield from _reads(part.tensor, known)
            yield from _reads(part.relations, known | {part.symbol})
        case While():
            yield from _reads(part.starts, known)
            yield from _reads((part.condition, part.body), known | {*part.carried})
        case For():
            yield from _reads((part.starts, part.sources, part.count), known)
            yield from _reads(part.body, known | {*part.names, *part.items, part.index})
        case _:
            yield from _reads(_parts(part), known)


def _names(expr: Expr) -> Iterator[tuple[str, Expr]]:
    if isinstance(expr, DeviceOf) and isinstance(expr.tensor, Local):
        yield expr.tensor.name, expr
        return
    match expr:
        case Local(name=name):
            yield name, expr
        case SizeOf(size=size):
            yield from ((name, SizeOf(symbol(name))) for name in sorted(symbols(size)))
        case RelationOf(guard=guard):
            yield from ((name, SizeOf(symbol(name))) for name in sorted(guard.symbols))
        case _:
            for part in _inner(expr):
                yield from _names(part)


def _inner(expr: Expr) -> Iterator[Expr]:
    """What stands directly in an expression."""
    direct: list[Expr] = []
    rewrite(expr, lambda e: None if e is expr else direct.append(e) or e)
    yield from direct


def _reference(expr: Expr, names: frozenset[str]) -> Expr | None:
    return Local(expr.name, True) if isinstance(expr, Local) and expr.name in names else None
