"""A graph's nodes as steps: statements that still read every value by its name.

A step is one computation with the Python line it comes from. A branch or a loop is a step that
holds scopes of its own. It must not know modules, nor what locals are called.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pycandle.emit.inline import inline
from pycandle.emit.statements import For, Hint, If, Let, Read, Scope, Statement, While, missing
from pycandle.graph import Arg, Binding, Block, Graph, Guard, Node, Ref
from pycandle.ops.expr import Call, Expr, RelationOf, Var, size


@dataclass(frozen=True, slots=True)
class Step:
    """A node's output or a call of a submodule, before inlining."""

    statement: Statement
    source: str
    is_call: bool = False

    @property
    def values(self) -> tuple[str, ...]:
        """What it binds; a symbol is no value."""
        return () if isinstance(self.statement, Read) else self.statement.names


def steps_of(node: Node, lowered: Mapping[str, Expr], graph: Graph) -> Iterator[Step]:
    """The steps that compute a node's outputs."""
    if node.blocks:
        yield Step(_control(node, lowered, graph), node.statement)
        return
    fallback = node.op.split(".")[1].strip("_")
    for values, targets in _bindings(node, lowered):
        hint = Hint(targets, fallback)
        let = Let(values, lowered[values[0]], hint, functions=node.functions)
        yield Step(let, node.statement)


def with_reads(steps: list[Step], needed: set[str], told: set[str], graph: Graph) -> list[Step]:
    """The steps, and after each the reads of what it binds: symbols that are needed but not told.

    A symbol is checked where its value is made.
    """
    told = set(told)
    found: list[Step] = []
    for step in steps:
        # What needs a symbol cannot tell it, nor what comes after: it is known before.
        early = missing(step.statement) - told
        needed = needed - early
        found.append(step)
        for value in step.values:
            for binding in graph.bindings:
                read = None if binding.name in told else _read(binding, value, step, needed, graph)
                if read is not None:
                    told.add(binding.name)
                    found.append(Step(read, step.source))
    return found


def wanted(steps: list[Step], results: tuple[Expr, ...], graph: Graph) -> set[str]:
    """The symbols that the steps need, those included that only checks of others relate to."""
    needed = missing((tuple(step.statement for step in steps), results))
    made = {value for step in steps if not step.is_call for value in step.values}
    for binding in graph.bindings:
        if binding.value in made:
            for guard in relations(binding, graph):
                needed |= guard.symbols
    return needed


def relations(binding: Binding, graph: Graph) -> list[Guard]:
    """The guards that can be checked once this symbol is known."""
    order = [known.name for known in graph.bindings]
    return [
        guard
        for guard in graph.guards
        if binding.name == max(guard.symbols & set(order), key=order.index, default="")
    ]


def checked_read(binding: Binding, value: str, axis: int | None, graph: Graph) -> Read:
    """A read that holds the symbol against its range and its relations."""
    checks = tuple(RelationOf(guard) for guard in relations(binding, graph))
    return Read(binding.name, Var(value), axis, (binding.min, binding.max), checks)


def _read(binding: Binding, value: str, step: Step, needed: set[str], graph: Graph) -> Read | None:
    """The read of a symbol from a value, if it tells it."""
    axis = binding.axis(graph.types[value])
    if binding.value == value and not step.is_call:
        checks = binding.min > 0 or binding.max is not None or relations(binding, graph)
        if binding.name in needed or checks:
            return checked_read(binding, value, axis, graph)
    if binding.name not in needed or (axis is None and binding.value != value):
        return None
    return Read(binding.name, Var(value), axis, None)


def _scope(block: Block, lowered: Mapping[str, Expr], graph: Graph) -> Scope:
    """A block as statements; what it gives is written in place where nothing else reads it."""
    steps = [step for node in block.nodes for step in steps_of(node, lowered, graph)]
    given = tuple(Var(name) for name in block.results)
    made = {value for step in steps for value in step.values}
    around = {binding.name for binding in graph.bindings if binding.value not in made}
    steps = with_reads(steps, wanted(steps, given, graph), around, graph)
    statements, results = inline(steps, block.results, scope=True)
    return Scope(statements, results)


def _control(node: Node, lowered: Mapping[str, Expr], graph: Graph) -> Statement:
    """A branch or a loop as one statement."""
    outs = tuple(out.name for out in node.outs)
    scopes = [_scope(block, lowered, graph) for block in node.blocks]
    match node.op:
        case "higher_order.cond":
            hint = Hint(node.targets, "chosen")
            return If(outs, _condition(node.args[0]), scopes[0], scopes[1], hint)
        case "higher_order.while_loop":
            carried = tuple(value.name for value in node.blocks[0].inputs)
            hint = Hint(node.targets, "state")
            return While(outs, carried, _vars(node.args[0]), scopes[0], scopes[1], hint)
        case _:
            starts, over = ((), node.args[0]) if len(node.args) == 2 else node.args[:2]
            names = tuple(value.name for value in node.blocks[0].inputs)
            first, sources = _vars(starts), _vars(over)
            length = graph.types[sources[0].name].shape[0]
            hint = Hint(node.targets, "rows" if len(outs) > len(first) else "state")
            kept = len(first)
            return For(
                outs, names[:kept], first, names[kept:], sources, "", size(length), scopes[0], hint
            )


def _condition(arg: Arg) -> Expr:
    if isinstance(arg, Guard):
        return RelationOf(arg)
    assert isinstance(arg, Ref)
    return Call("ops::item_bool", (Var(arg.name),))


def _vars(arg: Arg) -> tuple[Var, ...]:
    assert isinstance(arg, tuple)
    return tuple(Var(item.name) for item in arg if isinstance(item, Ref))


def _bindings(
    node: Node, lowered: Mapping[str, Expr]
) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """What each of the node's expressions binds: its values, and the Python names for them."""
    values = tuple(out.name for out in node.outs)
    if any(value not in lowered for value in values):
        yield values, node.targets
        return
    apart = len(values) > 1 and len(node.targets) == len(values)
    for k, value in enumerate(values):
        yield (value,), (node.targets[k],) if apart else node.targets
