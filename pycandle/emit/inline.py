"""Decides which steps become statements, and which are written where their value is read.

A value that is read once, in the Python statement that makes it, is written there. A branch or a
loop is a statement always, and nothing is moved into it: a loop would compute it again each time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

from pycandle.emit.statements import For, Let, Statement, While, exprs, map_exprs, once, walk_all
from pycandle.ops.expr import Call, Expr, Method, Operator, Slice, Var, rewrite, walk

if TYPE_CHECKING:
    from pycandle.emit.steps import Step

# Ops that give a tensor of which a part is new: what Python changes in place keeps its name.
_WRITES = frozenset(
    ("copy", "index_put", "select_scatter", "slice_assign", "slice_fill", "slice_scatter")
)
# More computations than this in one expression are hard to read.
_LONGEST = 6


def inline(
    steps: list[Step], outputs: tuple[str, ...], scope: bool
) -> tuple[tuple[Statement, ...], tuple[Expr, ...]]:
    """Statements for the values that need a local, and what they give.

    In a scope a result that nothing else reads needs no local; a forward's results have one.
    """
    steps = _read(steps, outputs)
    reading = _reading(steps, outputs)
    inlined: dict[str, Expr] = {}
    statements: list[Statement] = []
    for step in _told_apart(steps, reading):
        statement = map_exprs(step.statement, lambda expr: _inlined(expr, inlined))
        if not isinstance(statement, Let):
            statements.append(statement)
        elif _needs_no_local(step, statement, reading, scope):
            inlined[statement.names[0]] = statement.expr
        else:
            hint = statement.hint.named(_names(step, statement, reading))
            statements.append(replace(statement, hint=hint))
    return tuple(statements), tuple(_inlined(Var(value), inlined) for value in outputs)


@dataclass(frozen=True, slots=True)
class _Reading:
    """Who reads the values of some steps."""

    readers: Mapping[str, list[Step]]
    uses: Counter[str]
    results: frozenset[str]
    grown: set[str]
    called: set[tuple[str, str]]  # by their statements, what calls of modules are called themselves

    def of(self, step: Step) -> list[Step]:
        """The readers of a step."""
        return [reader for value in step.values for reader in self.readers.get(value, [])]

    def escapes(self, step: Step) -> bool:
        """Whether another Python statement reads it."""
        elsewhere = any(reader.source != step.source for reader in self.of(step))
        return elsewhere or not self.results.isdisjoint(step.values)


def _reading(steps: list[Step], outputs: tuple[str, ...]) -> _Reading:
    readers: dict[str, list[Step]] = {}
    for step in steps:
        for value in reads(step):
            readers.setdefault(value, []).append(step)
    uses = _uses(steps)
    uses.update(outputs)
    called = {
        (step.source, step.statement.hint.fallback)
        for step in steps
        if step.is_call and isinstance(step.statement, Let)
    }
    return _Reading(readers, uses, frozenset(outputs), _grown(steps), called)


def _needs_no_local(step: Step, let: Let, reading: _Reading, scope: bool) -> bool:
    """Whether the value is written where it is read; `let` is the step's with what it reads."""
    if len(let.names) != 1:
        return False
    (value,) = let.names
    # What gives back what it reads, as a pad of nothing, has no need of another name.
    if isinstance(let.expr, Var):
        return True
    if reading.uses[value] != 1:
        return False
    if scope and value in reading.results:
        return True
    read_by = reading.of(step)
    if not read_by:
        return False
    (reader,) = read_by
    # What a loop starts with becomes the loop's own.
    if Var(value) in started(reader.statement):
        return True
    both_calls = reader.is_call and step.is_call
    long = _length(let.expr) + sum(map(_length, once(reader.statement))) > _LONGEST
    own_line = reading.escapes(step) and let.hint.targets
    own_line = own_line or (isinstance(let.expr, Call) and _writes(step) and _writes(reader))
    return not (both_calls or long or value in reading.grown or own_line)


def _writes(step: Step) -> bool:
    """Whether it gives a tensor of which a part is new: such have a line each."""
    return isinstance(step.statement, Let) and step.statement.hint.fallback in _WRITES


def _names(step: Step, let: Let, reading: _Reading) -> tuple[str, ...]:
    """The names that Python gives the local: those that its statement assigns, if it is that."""
    targets = let.hint.targets
    if reading.escapes(step):
        return targets
    if len(targets) != 1:
        return ()
    # A call that another call reads goes on with the name, as in `x = module(x)`, if that is not
    # what the other is called itself.
    feeds_call = step.is_call and any(reader.is_call for reader in reading.of(step))
    feeds_call = feeds_call and (step.source, targets[0]) not in reading.called
    return targets if feeds_call or let.hint.fallback in _WRITES else ()


def started(statement: Statement) -> tuple[Expr, ...]:
    """What a loop begins with; nothing for other statements."""
    return statement.starts if isinstance(statement, (While, For)) else ()


def reads(step: Step) -> dict[str, None]:
    """The values that a step reads, in order."""
    parts = walk_all(step.statement)
    return dict.fromkeys(part.name for part in parts if isinstance(part, Var))


def _read(steps: list[Step], outputs: tuple[str, ...]) -> list[Step]:
    """The steps without computations that nothing reads, as where an op takes a shape alone."""
    wanted = set(outputs)
    kept: list[Step] = []
    for step in reversed(steps):
        pure = isinstance(step.statement, Let) and not step.is_call
        if not pure or not wanted.isdisjoint(step.values):
            kept.append(step)
            wanted.update(reads(step))
    return kept[::-1]


def _told_apart(steps: list[Step], reading: _Reading) -> list[Step]:
    """The steps of `a, b = f(x), g(x)` with a name each, where as many values leave the statement.

    They leave it in the order in which they are assigned.
    """
    named: list[Step] = []
    for _, together in groupby(steps, lambda step: (step.source, _targets(step))):
        run = list(together)
        leaving = [k for k, step in enumerate(run) if reading.escapes(step)]
        targets = _targets(run[0])
        if len(targets) > 1 and len(leaving) == len(targets):
            for k, target in zip(leaving, targets, strict=True):
                run[k] = _called(run[k], target)
        named += run
    return named


def _targets(step: Step) -> tuple[str, ...]:
    return step.statement.hint.targets if isinstance(step.statement, Let) else ()


def _called(step: Step, target: str) -> Step:
    let = step.statement
    if not isinstance(let, Let) or len(let.names) != 1:
        return step
    return replace(step, statement=replace(let, hint=let.hint.named((target,))))


def _uses(steps: list[Step]) -> Counter[str]:
    """How often each value is read; inside a branch or a loop counts as more than once."""
    uses: Counter[str] = Counter()
    for step in steps:
        here = Counter(_vars(once(step.statement)))
        everywhere = Counter(_vars(exprs(step.statement)))
        uses.update(here)
        uses.update({name: 2 * count for name, count in (everywhere - here).items()})
    return uses


def _grown(steps: list[Step]) -> set[str]:
    """What ends a list that grew by it: it has a local as the items before it have."""
    parts = (part for step in steps for part in walk_all(step.statement))
    lists = {part.items for part in parts if isinstance(part, Slice)}
    ends = (items[-1] for items in lists if items and items[:-1] in lists)
    return {end.name for end in ends if isinstance(end, Var)}


def _vars(found: Iterable[Expr]) -> list[str]:
    return [part.name for expr in found for part in walk(expr) if isinstance(part, Var)]


def _length(expr: Expr) -> int:
    """How many computations an expression holds."""
    return sum(isinstance(part, (Call, Method, Operator)) for part in walk(expr))


def _inlined(expr: Expr, inlined: Mapping[str, Expr]) -> Expr:
    return rewrite(expr, lambda e: inlined.get(e.name) if isinstance(e, Var) else None)
