"""Prints the methods of a struct that compute: its forwards, and the pieces of those too long."""

from __future__ import annotations

from collections.abc import Iterator

from pycandle.emit.cutting import Piece, cut
from pycandle.emit.functions import extracted
from pycandle.emit.layout import height
from pycandle.emit.names import comment_text, identifier, string_literal
from pycandle.emit.naming import Body
from pycandle.emit.printing import allowances, statement_lines
from pycandle.emit.rust import FieldNames, argument, together, value
from pycandle.emit.scopes import moving
from pycandle.emit.statements import ForEach, If, Let, Statement
from pycandle.emit.structs import Forward, Struct
from pycandle.graph import Graph
from pycandle.graph.dim import symbol
from pycandle.ops.expr import (
    Call,
    Field,
    LengthOf,
    Local,
    Maybe,
    Number,
    RelationOf,
    SizeOf,
    Slice,
    Text,
    size,
)

_KINDS = {
    "tensor": "&Tensor", "tensors": "&[impl AsRef<Tensor>]", "list": "&[Tensor]", "size": "usize",
}  # fmt: skip


def forwards(graph: Graph, struct: Struct, names: FieldNames) -> Iterator[str]:
    """The forwards of a struct, as lines within its `impl`."""
    taken = {forward.name for forward in struct.forwards}
    for k, forward in enumerate(struct.forwards):
        if k:
            site = comment_text(graph.regions[forward.regions[0]].site)
            yield ""
            yield f"    /// What the call at {site or 'another place'} computes."
        if struct.region == 0:
            yield from _drawn(graph, forward)
        yield from _forward(graph, struct, forward, names, taken)


def _forward(
    graph: Graph, struct: Struct, forward: Forward, names: FieldNames, taken: set[str]
) -> Iterator[str]:
    body = forward.body
    arguments = [f"{name}: {_KINDS[kind]}" for name, kind in body.arguments]
    first = [f"pub fn {forward.name}(&self, {', '.join(arguments)})"]
    lists = frozenset(name for name, kind in body.arguments if kind in ("tensors", "list"))
    first[0] += f" -> Result<{together(result_kinds(body))}> {{"
    first += (_dims(name, dict(axes), rank, lists) for name, axes, rank in body.dims)
    last = [f'py_check!(self.checker, "", {_checked(body, names)});'] if struct.checked else []
    last += [f"Ok({_owned(body, names)})", "}"]
    checks = _checks(graph, forward) if struct.region == 0 else _items(body)

    def lines(statement: Statement) -> int:
        return sum(map(height, statement_lines(statement, names)))

    around = sum(map(height, (*first, *last)))
    own, functions = extracted(body.statements, body.results, taken)
    statements, pieces = cut((*checks, *own), body.results, around, lines, taken, lists)
    attributes = allowances(1 + len(arguments), len(body.results))
    yield from (f"    {line}" for line in attributes)
    yield from _function(first, moving(statements, body.results), last, names)
    for piece in (*functions, *pieces):
        yield ""
        yield from _piece(piece, names)


def result_kinds(body: Body) -> list[str]:
    """The Rust types of what a forward gives."""
    return ["Vec<Tensor>" if body.is_list(result) else "Tensor" for result in body.results]


def _checked(body: Body, names: FieldNames) -> str:
    """What the checker is shown: the tensors, and after them the lists."""
    lists = [argument(result, names) for result in body.results if body.is_list(result)]
    rest = [argument(result, names) for result in body.results if not body.is_list(result)]
    return ", ".join(rest) + (f"; {', '.join(lists)}" if lists else "")


def _function(
    first: list[str], statements: tuple[Statement, ...], last: list[str], names: FieldNames
) -> Iterator[str]:
    head, *reads = first
    yield f"    {head}"
    yield from (f"        {line}" for line in reads)
    for statement in statements:
        yield from (f"        {line}" for line in statement_lines(statement, names))
    *ends, brace = last
    yield from (f"        {line}" for line in ends)
    yield f"    {brace}"


def _piece(piece: Piece, names: FieldNames) -> Iterator[str]:
    """A private function; arguments that are too many come as arrays."""
    kinds = [("tensors", "&Tensor", piece.tensors), ("sizes", "usize", piece.sizes)]
    arguments = ["&self"] if piece.on_self else []
    reads: list[str] = []
    for array, kind, held in kinds:
        if piece.packed and held:
            arguments.append(f"{array}: [{kind}; {len(held)}]")
            reads.append(f"let [{', '.join(held)}] = {array};")
        else:
            arguments += (f"{name}: {kind}" for name in held)
    types = ["usize" if isinstance(result, SizeOf) else "Tensor" for result in piece.results]
    results = [value(result, names) for result in piece.results]
    kind = f"[Tensor; {len(types)}]" if piece.array else together(types)
    given = f"[{', '.join(results)}]" if piece.array else together(results)
    head = f"fn {piece.name}({', '.join(arguments)}) -> Result<{kind}> {{"
    statements = moving(piece.statements, piece.results)
    yield from _function([head, *reads], statements, [f"Ok({given})", "}"], names)


def _owned(body: Body, names: FieldNames) -> str:
    """What a forward gives, as tensors of their own."""
    given = {name for name, kind in body.arguments if kind == "list"}
    owned: list[str] = []
    for result in body.results:
        text = value(result, names)
        if text in given:
            owned.append(f"{text}.to_vec()")
        else:
            owned.append(f"{text}.clone()" if argument(result, names) == text else text)
    return together([f"{t}.clone()" if t in owned[k + 1 :] else t for k, t in enumerate(owned)])


def _drawn(graph: Graph, forward: Forward) -> Iterator[str]:
    """What the model draws at random in PyTorch, and takes as arguments here."""
    random = {entry.value.name: entry.random for entry in graph.inputs if entry.random}
    pairs = zip(forward.body.arguments, forward.interface.arguments, strict=False)
    lines = [
        f"`{name}`: {comment_text(random[given.value])}."
        for (name, _), given in pairs
        if given.value in random
    ]
    if lines:
        yield "    /// Takes what the model draws at random in PyTorch:"
        yield from (f"    /// - {line}" for line in lines)


def _dims(name: str, axes: dict[int, str], rank: int, lists: frozenset[str]) -> str:
    """Reads symbols off a tensor's shape, or off that of a list's first tensor."""
    if name in lists:
        name = f"ops::first({string_literal(name)}, {name})?"
        reads = ", ".join(f"{name}.dim({axis})?" for axis in axes)
        pattern = together([identifier(symbol) for symbol in axes.values()])
        return f"let {pattern} = {reads if len(axes) == 1 else f'({reads})'};"
    if len(axes) == 1 and rank > 1:
        ((axis, symbol),) = axes.items()
        return f"let {identifier(symbol)} = {name}.dim({axis})?;"
    if rank == 1:
        return f"let {identifier(axes[0])} = {name}.dims1()?;"
    if rank > 5:
        reads = [f"{name}.dim({axis})?" for axis in axes]
        return f"let ({', '.join(map(identifier, axes.values()))}) = ({', '.join(reads)});"
    pattern = ", ".join(identifier(axes[a]) if a in axes else "_" for a in range(rank))
    return f"let ({pattern}) = {name}.dims{rank}()?;"


def _checks(graph: Graph, forward: Forward) -> tuple[Statement, ...]:
    """Checks of the model's inputs against what was recorded."""
    checks: list[Call] = []
    for known in graph.symbols:
        most = Maybe(None if known.max is None else Number(known.max, "usize"))
        range_ = (Number(known.min, "usize"), most)
        given = SizeOf(symbol(known.name))
        checks.append(Call("ops::expect_size", (Text(known.name), given, *range_)))
    names = {known.name for known in graph.symbols}
    for guard in graph.guards:
        if guard.symbols <= names:  # others are checked where the last of their symbols is read
            checks.append(Call("ops::expect_relation", (Text(str(guard)), RelationOf(guard))))
    counts = _counts(forward.body)
    told = {name: len(axes) == rank for name, axes, rank in forward.body.dims}
    for (name, _), given in zip(forward.body.arguments, forward.interface.arguments, strict=False):
        shape = Slice(tuple(size(s) for s in graph.types[given.values[0]].stored.shape))
        if given.kind == "list":
            count = counts.get(name, Number(len(given.values), "usize"))
            checks.append(Call("ops::expect_shapes", (Text(name), Local(name, True), count, shape)))
        elif not told.get(name):
            checks.append(Call("ops::expect_shape", (Text(name), Local(name, True), shape)))
    return tuple(Let((), check) for check in checks)


def _items(body: Body) -> tuple[Statement, ...]:
    """Checks that each list has an item for each module of the loop that goes through it."""
    return tuple(
        Let((), Call("ops::expect_items", (Text(name), Local(name, True), count)))
        for name, count in _counts(body).items()
    )


def _counts(body: Body) -> dict[str, LengthOf]:
    """How many modules go through each argument that is a list."""
    lists = {Local(name, True) for name, kind in body.arguments if kind == "list"}
    found: dict[str, LengthOf] = {}
    for loop in _loops(body.statements):
        for source in loop.sources:
            if isinstance(source, Local) and source in lists:
                found.setdefault(source.name, LengthOf(Field(loop.path)))
    return found


def _loops(statements: tuple[Statement, ...]) -> Iterator[ForEach]:
    for statement in statements:
        match statement:
            case ForEach():
                yield statement
            case If(then=then, otherwise=otherwise):
                yield from _loops((*then.statements, *otherwise.statements))
            case _:
                pass
