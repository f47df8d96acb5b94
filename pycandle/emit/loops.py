"""Rolls calls of a list's modules, each fed by the one before, into one loop.

It declines (leaves the statements) where anything but the carried value differs between calls, or
where a value in the middle is read elsewhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from pycandle.emit.statements import ForEach, Hint, Let, Statement, walk_all
from pycandle.ops.expr import Expr, Field, Method, Var


def roll(
    statements: tuple[Statement, ...], lists: Mapping[str, int], results: tuple[Expr, ...]
) -> tuple[Statement, ...]:
    """The statements with loops; `lists` gives the length of each list of modules by its path."""
    uses = Counter(e.name for e in walk_all((statements, results)) if isinstance(e, Var))
    rolled: list[Statement] = []
    place = 0
    while place < len(statements):
        loop, length = _loop_at(statements, place, lists, uses)
        before = rolled[-1] if rolled else None
        if loop and isinstance(before, Let) and _only_starts(loop, before, uses):
            loop = replace(loop, start=before.expr)
            rolled.pop()
        rolled.append(loop or statements[place])
        place += length
    return tuple(rolled)


def _loop_at(
    statements: tuple[Statement, ...],
    place: int,
    lists: Mapping[str, int],
    uses: Mapping[str, int],
) -> tuple[ForEach | None, int]:
    first = statements[place]
    path, index = _element(first)
    length = lists.get(path, 0)
    run = statements[place : place + length]
    if index != 0 or length < 2 or len(run) < length or not isinstance(first, Let):
        return None, 1
    second = run[1]
    assert isinstance(first.expr, Method) and len(first.names) == 1
    position = _carried_position(first, second)
    if position is None:
        return None, 1
    for k in range(1, length):
        before, current = run[k - 1], run[k]
        if not isinstance(before, Let) or not isinstance(current, Let):
            return None, 1
        if _element(current) != (path, k) or uses[before.names[0]] != 1:
            return None, 1
        if _general(current, position) != _general(first, position):
            return None, 1
        assert isinstance(current.expr, Method)
        if current.expr.args[position] != Var(before.names[0]):
            return None, 1
    last = run[-1]
    assert isinstance(last, Let)
    carried = f"{last.names[0]}@{path}"
    args = list(first.expr.args)
    start, args[position] = args[position], Var(carried)
    loop = ForEach(
        path,
        "",
        (last.names[0],),
        carried,
        start,
        Method(Field(path), first.expr.name, tuple(args)),
        Hint(last.hint.targets, path.rpartition(".")[2]),
    )
    return loop, length


def _only_starts(loop: ForEach, before: Let, uses: Mapping[str, int]) -> bool:
    """Whether the loop alone reads what the statement before it makes."""
    return loop.start == Var(before.names[0]) and uses[before.names[0]] == 1


def _element(statement: Statement) -> tuple[str, int | None]:
    """The list and index of the module that a statement calls, if it is one of a list's."""
    if not isinstance(statement, Let) or len(statement.names) != 1:
        return "", None
    expr = statement.expr
    if not isinstance(expr, Method) or not isinstance(expr.receiver, Field):
        return "", None
    path, _, index = expr.receiver.path.rpartition(".")
    return (path, int(index)) if path and index.isdigit() else ("", None)


def _carried_position(first: Let, second: Statement) -> int | None:
    """Which argument of the second call is the first one's result."""
    if not isinstance(second, Let) or not isinstance(second.expr, Method):
        return None
    places = [k for k, arg in enumerate(second.expr.args) if arg == Var(first.names[0])]
    return places[0] if len(places) == 1 else None


def _general(statement: Let, position: int) -> Expr:
    """The call without its module's index and its carried argument."""
    assert isinstance(statement.expr, Method) and isinstance(statement.expr.receiver, Field)
    path = statement.expr.receiver.path.rpartition(".")[0]
    args = list(statement.expr.args)
    args[position] = Var("")
    return Method(Field(path), statement.expr.name, tuple(args))
