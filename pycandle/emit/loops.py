"""Rolls calls of a list's modules into one loop: each fed by the one before, or by all before.

It declines (leaves the statements) where anything but what is carried differs between calls, or
where a value in the middle is read elsewhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from pycandle.emit.caches import whole
from pycandle.emit.statements import ForEach, Hint, Let, Statement, map_exprs, walk_all
from pycandle.ops.expr import Expr, Field, Method, Slice, Var, is_tensor, rewrite

_Lists = Mapping[str, Sequence[str]]


def roll(
    statements: tuple[Statement, ...],
    lists: _Lists,
    results: tuple[Expr, ...],
    caches: Iterable[tuple[str, ...]] = (),
) -> tuple[Statement, ...]:
    """The statements with loops; `lists` has the paths of each list's modules by its own.

    `caches` are the values of which each module may take or give one.
    """
    uses = Counter(e.name for e in walk_all((statements, results)) if isinstance(e, Var))
    caches = frozenset(caches)
    rolled: list[Statement] = []
    place = 0
    while place < len(statements):
        path, calls = _calls_at(statements, place, lists)
        loop = _carrying(path, calls, uses) if calls else None
        if loop is None and calls and caches:
            loop = _with_caches(path, calls, uses, caches)
        before = rolled[-1] if rolled else None
        if loop and isinstance(before, Let) and _only_starts(loop, before, uses):
            loop = replace(loop, start=before.expr)
            rolled.pop()
        if loop is None and calls:
            after = statements[place + len(calls) :]
            grown = _growing(path, calls, uses, after, results)
            if grown is not None:
                loop, after = grown
                statements = (*statements[: place + len(calls)], *after)
        rolled.append(loop or statements[place])
        place += len(calls) if loop else 1
    return tuple(rolled)


def _calls_at(
    statements: tuple[Statement, ...], place: int, lists: _Lists
) -> tuple[str, list[Let]]:
    """A list and the statements from a place on that call its modules in order, if any begin."""
    for path, items in lists.items():
        run = [s for s in statements[place : place + len(items)] if isinstance(s, Let)]
        if len(items) > 1 and [_called(let) for let in run] == [*items]:
            return path, run
    return "", []


def _called(statement: Let) -> str:
    """The path of the module that a statement calls for its values."""
    match statement:
        case Let(names=(_, *_), expr=Method(receiver=Field(path=path))):
            return path
        case _:
            return ""


def _args(call: Let) -> tuple[Expr, ...]:
    assert isinstance(call.expr, Method)
    return call.expr.args


def _carrying(path: str, calls: list[Let], uses: Mapping[str, int]) -> ForEach | None:
    """The calls as a loop, where each is fed by the one before alone."""
    first, last = calls[0], calls[-1]
    fed = [k for k, arg in enumerate(_args(calls[1])) if arg == Var(first.names[0])]
    if len(fed) != 1 or len(first.names) != 1:
        return None
    (position,) = fed
    for before, call in pairwise(calls):
        carried = _args(call)[position : position + 1]
        if uses[before.names[0]] != 1 or carried != (Var(before.names[0]),):
            return None
        if _general(call, position) != _general(first, position):
            return None
    carried = f"{last.names[0]}@{path}"
    return _loop(calls, path, position, last.names[0], carried, _args(first)[position])


def _loop(
    calls: list[Let], path: str, position: int, name: str, carried: str, start: Expr
) -> ForEach:
    first, last = calls[0], calls[-1]
    assert isinstance(first.expr, Method)
    args = list(first.expr.args)
    args[position] = Var(carried)
    call = Method(Field(path), first.expr.name, tuple(args))
    hint = Hint(last.hint.targets, path.rpartition(".")[2])
    return ForEach(path, "", (name,), carried, start, call, hint)


def _with_caches(
    path: str, calls: list[Let], uses: Mapping[str, int], caches: frozenset[tuple[str, ...]]
) -> ForEach | None:
    """The calls as a loop, where each is fed by the one before, and takes and gives an item of
    each list.
    """
    first, last = calls[0], calls[-1]
    columns = list(zip(*(call.names for call in calls), strict=False))
    rows = list(zip(*map(_args, calls), strict=False))
    fed = [
        (place, position)
        for place, names in enumerate(columns)
        for position, args in enumerate(rows)
        if args[1:] == tuple(map(Var, names[:-1]))
    ]
    alike = {(len(call.names), len(_args(call)), _method(call)) for call in calls}
    if len(fed) != 1 or len(alike) != 1:
        return None
    ((place, position),) = fed
    lists = [names for k, names in enumerate(columns) if k != place]
    once = all(uses[name] == 1 for names in lists for name in names)
    if not once or any(uses[name] != 1 for name in columns[place][:-1]) or {*lists} - caches:
        return None
    args = list(_args(first))
    sources: list[Expr] = []
    items: list[str] = []
    for k, row in enumerate(rows):
        values = tuple(arg.name for arg in row if isinstance(arg, Var))
        if k == position or len({*row}) == 1:
            continue
        if len(values) != len(row) or values not in caches:
            return None
        items.append(f"{whole(values)}@item")
        sources.append(Var(whole(values)))
        args[k] = Var(items[-1])
    carried = f"{last.names[place]}@{path}"
    start, args[position] = args[position], Var(carried)
    names = (last.names[place], *map(whole, lists))
    hint = Hint(last.hint.targets[place : place + 1], path.rpartition(".")[2])
    call = Method(Field(path), _method(first), tuple(args))
    given = first.names if lists else ()
    return ForEach(path, "", names, carried, start, call, hint, items=tuple(items),
                   sources=tuple(sources), given=given, place=place)  # fmt: skip


def _method(call: Let) -> str:
    assert isinstance(call.expr, Method)
    return call.expr.name


def _growing(
    path: str,
    calls: list[Let],
    uses: Mapping[str, int],
    after: tuple[Statement, ...],
    results: tuple[Expr, ...],
) -> tuple[ForEach, tuple[Statement, ...]] | None:
    """The calls as a loop, where each is fed by a list of what those before gave, and the
    statements after it, which read that list.
    """
    first = calls[0]
    fed = [k for k, arg in enumerate(_args(first)) if isinstance(arg, Slice)]
    if len(fed) != 1 or len(first.names) != 1:
        return None
    (position,) = fed
    start = _args(first)[position]
    assert isinstance(start, Slice)
    whole = (*start.items, *(Var(call.names[0]) for call in calls))
    for k, call in enumerate(calls):
        fits = _args(call)[position : position + 1] == (Slice(whole[: len(start.items) + k]),)
        if not fits or _general(call, position) != _general(first, position):
            return None
    name = f"{calls[-1].names[0]}@{path}"
    reads = 0

    def change(expr: Expr) -> Expr | None:
        nonlocal reads
        reads += expr == Slice(whole)
        return Var(name) if expr == Slice(whole) else None

    after = map_exprs(after, lambda expr: rewrite(expr, change))
    # What is made within is read by the calls after it, and else in the whole list alone.
    inside = [len(calls) - 1 - k for k in range(len(calls))]
    made = [call.names[0] for call in calls]
    if any(uses[m] != count + reads for m, count in zip(made, inside, strict=True)) or not reads:
        return None
    if not all(map(is_tensor, start.items)) or {*made} & _read(results):
        return None
    loop = _loop(calls, path, position, name, f"{name}#", start)
    targets = tuple(t if t.endswith("s") else f"{t}s" for t in loop.hint.targets)
    return replace(loop, hint=loop.hint.named(targets), grows=True), after


def _read(results: tuple[Expr, ...]) -> set[str]:
    return {expr.name for expr in walk_all(results) if isinstance(expr, Var)}


def _only_starts(loop: ForEach, before: Let, uses: Mapping[str, int]) -> bool:
    """Whether the loop alone reads what the statement before it makes."""
    if len(before.names) != 1:
        return False
    return loop.start == Var(before.names[0]) and uses[before.names[0]] == 1


def _general(statement: Let, position: int) -> Expr:
    """The call without its module and its carried argument."""
    assert isinstance(statement.expr, Method)
    args = list(statement.expr.args)
    args[position] = Var("")
    return Method(Field(""), statement.expr.name, tuple(args))
