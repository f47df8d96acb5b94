"""Finds the argument of a forward that Python hands over as a list of tensors.

It is one where the forward reads its items together alone: joined, or handed on. Modules that
differ in its length are then equal. It must not know text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

from pycandle.emit.statements import Statement, map_exprs, walk_all
from pycandle.ops.expr import Call, Expr, Field, Method, Slice, Var, rewrite

# What takes a list of tensors of any length, as its first argument.
_JOINS = frozenset(("ops::cat", "ops::stack"))


def find_list(
    inputs: Sequence[tuple[str, str]],
    statements: tuple[Statement, ...],
    results: tuple[Expr, ...],
    apart: set[str],
) -> tuple[int, int]:
    """From where to where the inputs are one list, the first if there are several; (0, 0) if none.

    Inputs are pairs of a name and a value. Values that are `apart` are read by themselves.
    """
    uses = Counter(e.name for e in walk_all((statements, results)) if isinstance(e, Var))
    together = Counter(_lists(statements))
    for start, end in _runs([name for name, _ in inputs]):
        values = [value for _, value in inputs[start:end]]
        count = together[Slice(tuple(map(Var, values)))]
        if count and all(uses[value] == count and value not in apart for value in values):
            return start, end
    return 0, 0


def as_list(
    statements: tuple[Statement, ...], values: Sequence[str], name: str
) -> tuple[Statement, ...]:
    """The statements that read the list by a name of its own."""
    items = Slice(tuple(map(Var, values)))

    def change(expr: Expr) -> Expr | None:
        return Var(name) if expr == items else None

    return map_exprs(statements, lambda expr: rewrite(expr, change))


def _runs(names: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Where names are those of a list's items: `features.0`, `features.1`."""
    place = 0
    for stem, group in groupby(names, key=lambda name: name.rpartition(".")[0]):
        items = list(group)
        if stem and items == [f"{stem}.{k}" for k in range(len(items))]:
            yield place, place + len(items)
        place += len(items)


def _lists(statements: tuple[Statement, ...]) -> Iterator[Expr]:
    """The lists that are joined, or given to a module."""
    for expr in walk_all(statements):
        match expr:
            case Call(path=path, args=(Slice() as items, *_)) if path in _JOINS:
                yield items
            case Method(receiver=Field(), args=args):
                yield from (arg for arg in args if isinstance(arg, Slice))
            case _:
                pass
