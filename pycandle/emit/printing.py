"""Prints statements as lines of Rust: locals, branches and loops.

Layout is plain: rustfmt has the last word where a file is checked in.
"""

from __future__ import annotations

from collections.abc import Iterator

from pycandle.emit.names import identifier, string_literal
from pycandle.emit.rust import FieldNames, argument, relation_text, together, value
from pycandle.emit.scopes import changed, reads
from pycandle.emit.statements import For, ForEach, If, Let, Read, Scope, Statement, While, missing
from pycandle.ops.expr import Call, Expr, Field, Local, RelationOf, Slice, walk

# What clippy allows a function to take, `self` included, and a tuple to hold.
MOST_ARGUMENTS, MOST_RESULTS = 7, 7


def allowances(arguments: int, results: int = 1) -> Iterator[str]:
    """The attribute of a function whose module has that many inputs, numbers or outputs."""
    found = ["clippy::too_many_arguments"] if arguments > MOST_ARGUMENTS else []
    found += ["clippy::type_complexity"] if results > MOST_RESULTS else []
    if found:
        yield f"#[allow({', '.join(found)})]"


def statement_lines(statement: Statement, names: FieldNames) -> Iterator[str]:
    """The lines of one statement."""
    match statement:
        case Let(names=(), expr=expr):
            yield f"{value(expr, names)};"
        case Let(expr=expr, array=True):
            yield f"let [{', '.join(_bound(statement))}] = {value(expr, names)};"
        case Let(expr=expr):
            yield f"let {together(_bound(statement))} = {_owned(expr, names)};"
        case ForEach():
            yield from _for_each(statement, names)
        case Read():
            yield from _read(statement, names)
        case If():
            first, *rest = _if(statement, names)
            *rest, last = rest
            yield f"let {together(_bound(statement))} = {first}"
            yield from rest
            yield f"{last};"
        case While():
            yield from _while(statement, names)
        case For():
            yield from _for(statement, names)


def _bound(statement: Let | If) -> list[str]:
    return [f"mut {name}" if name in statement.mutable else name for name in statement.names]


def _for_each(loop: ForEach, names: FieldNames) -> Iterator[str]:
    name, *lists = loop.names
    start, item = (value if loop.moves else _owned)(loop.start, names), value(loop.expr, names)
    if isinstance(loop.start, Slice):
        start = f"vec![{', '.join(_owned(item, names) for item in loop.start.items)}]"
    if name not in loop.continues:
        yield f"let mut {name} = {start};"
    modules = names.place(loop.path)
    yield from (f"let mut {each} = Vec::with_capacity({modules}.len());" for each in lists)
    sources = [value(source, names) for source in loop.sources]
    variable, modules = loop.variable, f"&{modules}" if not loop.items else f"{modules}.iter()"
    for source, local in zip(sources, loop.items, strict=True):
        variable, modules = f"({variable}, {local})", f"{modules}.zip({source})"
    yield f"for {variable} in {modules} {{"
    if loop.given:
        yield f"    let {together(loop.given)} = {item};"
        item = loop.given[loop.place]
    yield f"    {name}.push({item});" if loop.grows else f"    {name} = {item};"
    yield from (f"    {each}.push({given});" for each, given in loop.pushed)
    yield "}"


def _owned(expr: Expr, names: FieldNames) -> str:
    """The expression as a tensor of its own: what is stored elsewhere is cloned."""
    text = value(expr, names)
    return f"{text}.clone()" if isinstance(expr, (Local, Field)) else text


def _read(read: Read, names: FieldNames) -> Iterator[str]:
    """Reads a symbol, and holds it against what the export takes for granted of it."""
    symbol = identifier(read.symbol)
    name = string_literal(read.symbol)
    least, most = read.range or (0, None)
    upper = "None" if most is None else f"Some({most})"
    if read.axis is None:
        number = argument(read.tensor, names)
        yield f"let {symbol} = ops::item_size({name}, {number}, {least}, {upper})?;"
    else:
        yield f"let {symbol} = {value(read.tensor, names)}.dim({read.axis})?;"
        if least > 0 or most is not None:
            yield f"ops::expect_size({name}, {symbol}, {least}, {upper})?;"
    for relation in read.relations:
        guard = relation.guard
        yield f"ops::expect_relation({string_literal(str(guard))}, {relation_text(guard)})?;"


def _if(branch: If, names: FieldNames) -> Iterator[str]:
    """The branch as an expression, without what binds it."""
    yield f"if {_condition(branch.condition, names)} {{"
    yield from _inner(branch.then, names, branch.moves)
    match branch.otherwise:
        case Scope(statements=(If() as other,), results=results) if _gives(other, results):
            first, *rest = _if(other, names)
            yield f"}} else {first}"
            yield from rest
        case _:
            yield "} else {"
            yield from _inner(branch.otherwise, names, branch.moves)
            yield "}"


def _gives(branch: If, results: tuple[Expr, ...]) -> bool:
    """Whether a branch alone is what a scope gives."""
    return results == tuple(map(Local, branch.names))


def _inner(scope: Scope, names: FieldNames, moves: frozenset[str]) -> Iterator[str]:
    """The lines in a branch's braces, which end in what it gives."""
    last = scope.statements[-1] if scope.statements else None
    if isinstance(last, If) and _gives(last, scope.results):
        for statement in scope.statements[:-1]:
            yield from (f"    {line}" for line in statement_lines(statement, names))
        yield from (f"    {line}" for line in _if(last, names))
        return
    lines = [line for s in scope.statements for line in statement_lines(s, names)]
    results = _results(scope, names, moves=moves)
    text = results[0] if len(results) == 1 else f"({', '.join(results)})"
    # A local that is made only to be given is no local.
    if lines and lines[-1].startswith(f"let {text} = "):
        text = lines.pop().removeprefix(f"let {text} = ").removesuffix(";")
    yield from (f"    {line}" for line in (*lines, text))


def _while(loop: While, names: FieldNames) -> Iterator[str]:
    yield from _starts(loop, names)
    (condition,) = loop.condition.results
    holds = _condition(Call("ops::item_bool", (condition,)), names)
    if loop.condition.statements:
        yield "loop {"
        for statement in loop.condition.statements:
            yield from (f"    {line}" for line in statement_lines(statement, names))
        yield f"    if !{holds} {{"
        yield "        break;"
        yield "    }"
    else:
        yield f"while {holds} {{"
    for statement in loop.body.statements:
        yield from (f"    {line}" for line in statement_lines(statement, names))
    yield from (f"    {line}" for line in _assignments(loop, names))
    yield "}"


def _for(loop: For, names: FieldNames) -> Iterator[str]:
    yield from _starts(loop, names)
    count = value(loop.count, names)
    kept = len(loop.carried)
    stacked = loop.names[kept:]
    yield from (f"let mut {name} = Vec::with_capacity({count});" for name in stacked)
    read = loop.items or loop.index in missing(loop.body)
    yield f"for {loop.index if read else '_'} in 0..{count} {{"
    for item, source in zip(loop.items, loop.sources, strict=True):
        yield f"    let {item} = {value(source, names)}.get({loop.index})?;"
    for statement in loop.body.statements:
        yield from (f"    {line}" for line in statement_lines(statement, names))
    rows = _results(loop.body, names, kept)[kept:]
    yield from (f"    {name}.push({row});" for name, row in zip(stacked, rows, strict=True))
    yield from (f"    {line}" for line in _assignments(loop, names))
    yield "}"
    yield from (f"let {name} = Tensor::stack(&{name}, {loop.axis})?;" for name in stacked)


def _condition(expr: Expr, names: FieldNames) -> str:
    return relation_text(expr.guard) if isinstance(expr, RelationOf) else value(expr, names)


def _starts(loop: While | For, names: FieldNames) -> Iterator[str]:
    """What is carried at first: one after the other, unless one reads what another hides."""
    changes, hidden, apart = changed(loop), set[str](), True
    pairs: list[tuple[str, str]] = []
    for name, start in zip(loop.carried, loop.starts, strict=True):
        apart = apart and not hidden & {*reads(start)}
        if name not in loop.continues:
            hidden.add(name)
            pairs.append((f"mut {name}" if name in changes else name, _owned(start, names)))
    if apart:
        yield from (f"let {name} = {text};" for name, text in pairs)
    else:
        left, right = zip(*pairs, strict=True)
        yield f"let ({', '.join(left)}) = ({', '.join(right)});"


def _assignments(loop: While | For, names: FieldNames) -> Iterator[str]:
    """What an iteration carries on: one after the other, unless one reads what another changes."""
    body, changes = loop.body, changed(loop)
    texts = _results(body, names, len(loop.carried))
    pairs = [(n, texts[k], body.results[k]) for k, n in enumerate(loop.carried) if n in changes]
    done: set[str] = set()
    apart = True
    for name, _, result in pairs:
        read = {part.name for part in walk(result) if isinstance(part, Local)}
        apart = apart and not read & done
        done.add(name)
    if apart:
        yield from (f"{name} = {text};" for name, text, _ in pairs)
    else:
        left, right = zip(*((name, text) for name, text, _ in pairs), strict=True)
        yield f"({', '.join(left)}) = ({', '.join(right)});"


def _results(
    scope: Scope, names: FieldNames, first: int = 0, moves: frozenset[str] = frozenset()
) -> list[str]:
    """What a scope gives, as tensors of their own; those from `first` on are given before others.

    Only its own locals and those in `moves` are given away, and only by the last that reads them.
    """
    own = {name for s in scope.statements if not isinstance(s, Read) for name in s.names}
    own |= moves
    order = [*range(first, len(scope.results)), *range(first)]
    texts: dict[int, str] = {}
    for rank, k in enumerate(order):
        result = scope.results[k]
        later = [part for j in order[rank + 1 :] for part in walk(scope.results[j])]
        given = isinstance(result, Local) and result.name in own and result not in later
        texts[k] = value(result, names) if given else _owned(result, names)
    return [texts[k] for k in range(len(texts))]
