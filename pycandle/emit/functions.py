"""Makes functions of what a forward does more than once because Python calls a function there.

Rotary positions of queries and of keys are such: the same statements on other tensors. What Python
itself writes twice stays written twice. It must not know text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from pycandle.emit.cutting import MOST_GIVEN, Piece, call_of
from pycandle.emit.names import identifier
from pycandle.emit.scopes import binds, in_order, reads, uses_self
from pycandle.emit.statements import Let, Scope, Statement, map_exprs, walk_all
from pycandle.ops.expr import DeviceOf, Expr, Local, SizeOf, rewrite

# The statements of a function at least, and at most.
_LEAST, _MOST = 2, 30


@dataclass(frozen=True, slots=True)
class _Run:
    """Statements in a row that give one value, as they are whatever their locals are called."""

    start: int
    end: int
    function: str
    form: tuple[Let, ...]
    given: tuple[Local, ...]  # what they read from around them
    sizes: tuple[SizeOf, ...]
    result: str


def extracted(
    statements: tuple[Statement, ...], results: tuple[Expr, ...], taken: set[str]
) -> tuple[tuple[Statement, ...], list[Piece]]:
    """The statements with calls, and what these call; `taken` learns the names of that."""
    pieces: list[Piece] = []
    while runs := _repeated(statements, results):
        first = runs[0]
        stem = first.function.strip("_")
        # `load` and its parts have names of their own.
        stem = f"compute_{stem}" if stem.startswith("load") else stem
        name = identifier(stem, {*taken, "call"})
        taken.add(name)
        piece = _piece(name, statements[first.start : first.end], runs)
        pieces.append(piece)
        for run in reversed(runs):
            call = call_of(name, (*run.given, *run.sizes), (run.result,), piece.on_self)
            statements = (*statements[: run.start], call, *statements[run.end :])
    return statements, pieces


def _repeated(statements: tuple[Statement, ...], results: tuple[Expr, ...]) -> list[_Run]:
    """The longest statements that stand there more than once, wherever they do."""
    for length in range(min(_MOST, len(statements) // 2), _LEAST - 1, -1):
        found: dict[object, list[_Run]] = {}
        for start in range(len(statements) - length + 1):
            run = _run(statements, results, start, start + length)
            if run is None:
                continue
            same = found.setdefault((run.function, run.form, run.sizes), [])
            if not same or same[-1].end <= start:
                same.append(run)
        for runs in found.values():
            if len(runs) > 1:
                return runs
    return []


def _run(
    statements: tuple[Statement, ...], results: tuple[Expr, ...], start: int, end: int
) -> _Run | None:
    """The statements as a run, if they are of one function and give one value."""
    own = statements[start:end]
    lets = [each for each in own if isinstance(each, Let) and each.names and not each.array]
    if len(lets) < len(own):
        return None
    function = _common([let.functions for let in lets])
    if not function or any(isinstance(part, DeviceOf) for part in walk_all(own)):
        return None
    after = reads(Scope(statements[end:], results))
    bound = dict.fromkeys(name for let in lets for name in binds(let))
    made = [name for name in bound if name in after]
    if made != [*binds(lets[-1])]:
        return None
    needed = reads(Scope(own, ()))
    sizes = tuple(expr for expr in needed.values() if isinstance(expr, SizeOf))
    form, given = _form(lets)
    return _Run(start, end, function, form, given, sizes, made[0])


def _common(paths: Sequence[tuple[str, ...]]) -> str:
    """The innermost function that all are in."""
    shared = [names[0] for names in takewhile(_agree, zip(*paths, strict=False))]
    return shared[-1] if shared else ""


def _agree(names: tuple[str, ...]) -> bool:
    return len({*names}) == 1


def _form(lets: Sequence[Let]) -> tuple[tuple[Let, ...], tuple[Local, ...]]:
    """The statements with locals under numbers, and those from around them."""
    known: dict[str, str] = {}
    given: list[Local] = []
    made: list[Let] = []

    def change(expr: Expr) -> Expr | None:
        if not isinstance(expr, Local):
            return None
        if expr.name not in known:
            known[expr.name] = f"given {len(given)}"
            given.append(expr)
        return Local(known[expr.name])

    for place, let in enumerate(lets):
        expr = rewrite(let.expr, change)
        names = tuple(f"made {place}.{k}" for k in range(len(let.names)))
        known.update(zip(let.names, names, strict=True))
        made.append(Let(names, expr))
    return tuple(made), tuple(given)


def _piece(name: str, statements: tuple[Statement, ...], runs: Sequence[_Run]) -> Piece:
    """The function; what it is given in one place and not in another has a plain name."""
    first = runs[0]
    names = dict(_plain_names(runs, {n for each in statements for n in binds(each)}))

    def change(expr: Expr) -> Expr | None:
        return Local(names.get(expr.name, expr.name)) if isinstance(expr, Local) else None

    tensors = tuple(names.get(given.name, given.name) for given in first.given)
    done = map_exprs(statements, lambda expr: rewrite(expr, change))
    done, _ = in_order(done, frozenset(tensors))
    last = done[-1]
    assert isinstance(last, Let)
    results = {run.result for run in runs}
    if len(results) > 1 and "output" not in {*tensors, *binds(last)}:
        done = (*done[:-1], replace(last, names=("output",)))
    sizes = tuple(key for expr in first.sizes for key in reads(expr))
    packed = len(first.given) + len(first.sizes) > MOST_GIVEN
    result = Local(binds(done[-1])[0])
    return Piece(name, tensors, sizes, packed, uses_self(done), done, (result,))


def _plain_names(runs: Sequence[_Run], bound: set[str]) -> Iterator[tuple[str, str]]:
    """What to call the one local that is another in each place."""
    given = [[local.name for local in run.given] for run in runs]
    other = [name for name, *others in zip(*given, strict=True) if {*others} != {name}]
    if len(other) == 1 and "x" not in {*given[0], *bound} - {*other} and other[0] not in bound:
        yield other[0], "x"
