"""Rolls a recurrence that Python unrolled, step after step, into one loop over its steps.

Groups of statements that differ in what the one before made, and in numbers that grow evenly. It
declines (leaves the statements) where a value in the middle is read elsewhere, other than in one
stack of all steps' values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from pycandle.emit.statements import For, Hint, Let, Read, Scope, Statement, map_exprs, walk_all
from pycandle.graph.dim import symbol
from pycandle.ops.expr import Call, Expr, Number, SizeOf, Slice, Var, is_expr, rewrite, size

_FEWEST = 4
_LONGEST_STEP = 8


def roll_steps(
    statements: tuple[Statement, ...], results: tuple[Expr, ...]
) -> tuple[Statement, ...]:
    """The statements with loops in place of recurrences."""
    place = 0
    signatures = [_signature(statement) for statement in statements]
    while place < len(statements):
        for period in range(1, _LONGEST_STEP + 1):
            rolled = _roll_at(statements, signatures, place, period, results)
            if rolled is not None:
                statements = rolled
                signatures = [_signature(statement) for statement in statements]
                break
        place += 1
    return statements


@dataclass
class _Run:
    """Groups of statements as one, and what differs between them."""

    groups: list[tuple[Let, ...]]
    index: str
    starts: dict[int, Expr] = field(default_factory=lambda: dict[int, Expr]())

    def made(self, step: int) -> list[str]:
        """What a step's statements bind."""
        return [let.names[0] for let in self.groups[step]]

    def all_made(self) -> set[str]:
        """What all steps bind."""
        return {let.names[0] for group in self.groups for let in group}

    def carried(self, j: int) -> str:
        """What an iteration reads of the one before."""
        return f"{self.groups[0][j].names[0]}@{self.index}"

    def general(self, exprs: Sequence[Expr]) -> Expr | None:
        """The expression that each of these is in its step."""
        first = exprs[0]
        if all(isinstance(expr, Var) for expr in exprs[1:]):
            names = [expr.name for expr in exprs if isinstance(expr, Var)]
            for j in range(len(self.groups[0])):
                if names == [self.made(k)[j] for k in range(len(exprs))]:
                    return first
                before = [self.made(k)[j] for k in range(len(exprs) - 1)]
                if names[-len(before) :] == before and self.starts.setdefault(j, first) == first:
                    return Var(self.carried(j))
        if all(expr == first for expr in exprs):
            return first
        if any(type(expr) is not type(first) for expr in exprs):
            return None
        if isinstance(first, Number):
            return self._number([expr for expr in exprs if isinstance(expr, Number)])
        parts: dict[str, Any] = {}
        for part in fields(first):
            parts[part.name] = self._part([getattr(expr, part.name) for expr in exprs])
            if parts[part.name] is None and getattr(first, part.name) is not None:
                return None
        return replace(first, **parts)

    def _part(self, parts: Sequence[Any]) -> Any:
        first = parts[0]
        if is_expr(first):
            return self.general(parts) if all(map(is_expr, parts)) else None
        if isinstance(first, tuple):
            rows: list[tuple[Any, ...]] = [part for part in parts if isinstance(part, tuple)]
            if len(rows) < len(parts) or len(set(map(len, rows))) > 1:
                return None
            items = [self._part(column) for column in zip(*rows, strict=True)]
            return None if any(item is None for item in items) else tuple(items)
        return first if all(part == first for part in parts) else None

    def _number(self, numbers: list[Number]) -> Expr | None:
        """A number that grows by the same amount in each step."""
        values = [number.value for number in numbers]
        if numbers[0].kind not in ("usize", "i64") or not all(isinstance(v, int) for v in values):
            return None
        start, by = int(values[0]), int(values[1]) - int(values[0])
        even = [start + by * k for k in range(len(values))] == values
        same = all(number.kind == numbers[0].kind for number in numbers)
        if not even or not same or start < 0 or by < 1:
            return None
        return SizeOf(symbol(self.index) * by + start, numbers[0].kind)


def _roll_at(
    statements: tuple[Statement, ...],
    signatures: list[object],
    place: int,
    period: int,
    results: tuple[Expr, ...],
) -> tuple[Statement, ...] | None:
    count = _count(signatures, place, period)
    if count < _FEWEST:
        return None
    groups: list[tuple[Let, ...]] = []
    for step in range(count):
        part = statements[place + step * period : place + (step + 1) * period]
        lets = tuple(let for let in part if isinstance(let, Let) and len(let.names) == 1)
        if len(lets) != period:
            return None
        groups.append(lets)
    run = _Run(groups, f"step@{place}")
    exprs = [run.general([group[j].expr for group in groups]) for j in range(period)]
    body = [expr for expr in exprs if expr is not None]
    if len(body) < period or not run.starts:
        return None
    after = statements[place + count * period :]
    made = run.all_made()
    stack = next((s for s in _stacks(after, count) if made & _reads(s)), None)
    return _loop(statements, place, run, body, stack, results)


def _count(signatures: list[object], place: int, period: int) -> int:
    """How many groups there are; what the first begins with may look different."""
    first = place + period
    count, end = 1, first + period
    while (
        end <= len(signatures)
        and signatures[end - period : end] == signatures[first : first + period]
    ):
        count, end = count + 1, end + period
    return count


def _stacks(statements: tuple[Statement, ...], count: int) -> list[Call]:
    """The stacks of so many tensors."""
    return [
        expr
        for expr in walk_all(statements)
        if isinstance(expr, Call)
        and expr.path == "ops::stack"
        and isinstance(expr.args[0], Slice)
        and len(expr.args[0].items) == count
    ]


def _loop(
    statements: tuple[Statement, ...],
    place: int,
    run: _Run,
    body: list[Expr],
    stack: Call | None,
    results: tuple[Expr, ...],
) -> tuple[Statement, ...] | None:
    """The statements with the loop, unless a value that it does not give is read."""
    first, last = run.groups[0], run.groups[-1]
    after = statements[place + len(run.groups) * len(first) :]
    kept = sorted(run.starts)
    made = run.all_made()
    names = [last[j].names[0] for j in kept]
    hints = [last[j].hint for j in kept]
    rows: list[Expr] = []
    axis = 0
    if stack is not None:
        rows, axis = _rows(run, stack)
        after, name, hint = _stacked(after, stack, f"stack@{run.index}")
        names.append(name)
        hints.append(hint)
    inner = tuple(replace(let, expr=expr) for let, expr in zip(first, body, strict=True))
    late = {name for statement in statements[place:] for name in _names(statement)}
    own = {let.names[0] for let in first} | {run.carried(j) for j in kept}
    if (
        (not rows and stack is not None)
        or kept != sorted(run.starts)
        or late & _reads(tuple(run.starts.values()))
        or late & (_reads((inner, tuple(rows))) - own)
        or made & (_reads((after, results)) - set(names))
    ):
        return None
    carried = tuple(run.carried(j) for j in kept)
    given = (*(Var(first[j].names[0]) for j in kept), *rows)
    spoken = tuple((*hint.targets, hint.fallback)[0] for hint in hints)
    before, starts = _taken(statements[:place], [run.starts[j] for j in kept], statements, results)
    loop = For(
        tuple(names), carried, starts, (), (), run.index,
        size(len(run.groups)), Scope(inner, given), Hint(spoken, "state"), axis,
    )  # fmt: skip
    return (*before, loop, *after)


def _taken(
    before: tuple[Statement, ...],
    starts: list[Expr],
    statements: tuple[Statement, ...],
    results: tuple[Expr, ...],
) -> tuple[tuple[Statement, ...], tuple[Expr, ...]]:
    """What comes before the loop, and its starts: what is made for these alone stands there."""
    uses = Counter(e.name for e in walk_all((statements, results)) if isinstance(e, Var))
    while before:
        last = before[-1]
        if not isinstance(last, Let) or len(last.names) != 1 or uses[last.names[0]] != 1:
            break
        if Var(last.names[0]) not in starts:
            break
        starts[starts.index(Var(last.names[0]))] = last.expr
        before = before[:-1]
    return before, tuple(starts)


def _rows(run: _Run, stack: Call) -> tuple[list[Expr], int]:
    """What each step adds to a stack, and the axis of it."""
    items, axis = stack.args[0], stack.args[1]
    assert isinstance(items, Slice)
    row = run.general(items.items)
    return ([row], int(axis.value)) if row is not None and isinstance(axis, Number) else ([], 0)


def _stacked(
    after: tuple[Statement, ...], stack: Call, name: str
) -> tuple[tuple[Statement, ...], str, Hint]:
    """The statements with what the loop gives in the place of the stack, and how it is called."""
    for k, statement in enumerate(after):
        if isinstance(statement, Let) and statement.expr == stack:
            return (*after[:k], *after[k + 1 :]), statement.names[0], statement.hint

    def change(expr: Expr) -> Expr | None:
        return Var(name) if expr == stack else None

    return map_exprs(after, lambda expr: rewrite(expr, change)), name, Hint((), "rows")


def _reads(part: Any) -> set[str]:
    return {expr.name for expr in walk_all(part) if isinstance(expr, Var)}


def _names(statement: Statement) -> tuple[str, ...]:
    """The values that a statement binds."""
    return () if isinstance(statement, Read) else statement.names


def _signature(statement: Statement) -> object:
    """What a statement has in common with the same of another step."""

    def blank(expr: Expr) -> Expr | None:
        match expr:
            case Var():
                return Var("")
            case Number(kind=kind):
                return Number(0, kind)
            case _:
                return None

    if not isinstance(statement, Let):
        return id(statement)
    return rewrite(statement.expr, blank)
