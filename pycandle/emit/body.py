"""A module call as statements: the draft of a `forward`, before names are chosen.

Statements hold expressions over graph values. A value that is read once, in the Python statement
that makes it, is written where it is read; the others become locals. It must not know text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from pycandle.emit.tree import Tree
from pycandle.errors import Finding, UnsupportedError
from pycandle.graph import Node
from pycandle.graph.dim import symbol, symbols
from pycandle.ops.expr import (
    Call,
    DeviceOf,
    Expr,
    Field,
    Method,
    Operator,
    SizeOf,
    Var,
    rewrite,
    walk,
)

# More computations than this in one expression are hard to read.
_LONGEST = 6


@dataclass(frozen=True, slots=True)
class Let:
    """Binds one value, or the several values of one call."""

    values: tuple[str, ...]
    expr: Expr
    targets: tuple[str, ...]  # the names that the Python statement assigns
    fallback: str  # a name where Python gives none


@dataclass(frozen=True, slots=True)
class ForEach:
    """Carries a value through the modules of a list."""

    path: str
    start: Expr
    value: str  # what the loop ends with
    carried: str  # what an iteration reads
    expr: Expr  # over Field(path) as the loop's own module
    targets: tuple[str, ...]
    fallback: str


@dataclass(frozen=True, slots=True)
class Interface:
    """How a module's forward is called."""

    inputs: tuple[tuple[str, str], ...]  # (argument name, value)
    sizes: tuple[str, ...]  # symbols that no tensor input tells
    outputs: tuple[tuple[str, str], ...]  # (path, value)


@dataclass(frozen=True, slots=True)
class Draft:
    """A region's forward and the parameters it reads itself."""

    interface: Interface
    dims: tuple[tuple[str, tuple[tuple[int, str], ...]], ...]  # input value -> (axis, symbol)s
    statements: tuple[Let | ForEach, ...]
    results: tuple[Expr, ...]
    parameters: tuple[str, ...]  # values


@dataclass(frozen=True, slots=True)
class _Step:
    """An own node's output or a call of a submodule, before inlining."""

    values: tuple[str, ...]
    expr: Expr
    source: str
    targets: tuple[str, ...]
    fallback: str
    is_call: bool


def draft(
    tree: Tree, region: int, lowered: Mapping[str, Expr], interfaces: Mapping[int, Interface]
) -> Draft:
    """The draft of a region's forward; `interfaces` holds those of the regions inside it."""
    steps = _ordered(_steps(tree, region, lowered, interfaces), tree, region)
    inputs = tuple(tree.inputs(region))
    outputs = tuple(tree.outputs(region))
    device = _device(tree, inputs, steps)
    steps = [replace(step, expr=rewrite(step.expr, device)) for step in steps]
    statements, inlined = _inline(steps, outputs)
    results = tuple(_inlined(Var(value), inlined) for _, value in outputs)
    dims, sizes = _dims(tree, region, inputs, statements, results)
    read = {e.name for s in statements for e in walk(s.expr) if isinstance(e, Var)}
    read |= {e.name for result in results for e in walk(result) if isinstance(e, Var)}
    given = {value for _, value in inputs}
    parameters = tuple(p for p in tree.aliases if p in read and p not in given)
    return Draft(Interface(inputs, sizes, outputs), dims, tuple(statements), results, parameters)


def _steps(
    tree: Tree, region: int, lowered: Mapping[str, Expr], interfaces: Mapping[int, Interface]
) -> list[tuple[int, _Step]]:
    """The region's own nodes and calls, each with the place in the graph it begins at."""
    place = {node.out.name: i for i, node in enumerate(tree.graph.nodes)}
    steps: list[tuple[int, _Step]] = []
    for node in tree.nodes[region]:
        if node.region != region:
            continue
        name = node.op.split(".")[1].strip("_")
        for values, targets in _bindings(node, lowered):
            step = _Step(values, lowered[values[0]], node.source, targets, name, False)
            steps.append((place[node.out.name], step))
    for child in tree.children[region]:
        called, interface = tree.graph.regions[child], interfaces[child]
        relative = tree.path_in_parent(child)
        args: list[Expr] = [Var(value) for _, value in interface.inputs]
        args += [SizeOf(symbol(name)) for name in interface.sizes]
        step = _Step(
            tuple(value for _, value in interface.outputs),
            Method(Field(relative), "forward", tuple(args)),
            called.site,
            called.targets,
            _spoken(relative),
            True,
        )
        steps.append((place[tree.nodes[child][0].out.name], step))
    steps.sort(key=lambda pair: pair[0])
    return steps


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


def _spoken(path: str) -> str:
    """What to call a submodule's result: its name; the number of a list's item says too little."""
    stem, _, last = path.rpartition(".")
    if not last.isdigit():
        return last
    return f"{stem.rpartition('.')[2]}_{last}" if stem else "x"


def _ordered(steps: list[tuple[int, _Step]], tree: Tree, region: int) -> list[_Step]:
    """Steps after what they read; otherwise in the order of the graph."""
    makers = {value: step for _, step in steps for value in step.values}
    done: dict[int, None] = {}
    order: list[_Step] = []
    open_steps: set[int] = set()

    def visit(step: _Step) -> None:
        if id(step) in done:
            return
        if id(step) in open_steps:
            raise UnsupportedError(
                Finding(
                    "two module calls each need the other's result",
                    tree.graph.regions[region].path or "the model",
                    "call the modules one after the other in forward",
                )
            )
        open_steps.add(id(step))
        for part in walk(step.expr):
            if isinstance(part, Var) and part.name in makers:
                visit(makers[part.name])
        done[id(step)] = None
        order.append(step)

    for _, step in steps:
        visit(step)
    return order


def _device(
    tree: Tree, inputs: tuple[tuple[str, str], ...], steps: list[_Step]
) -> Callable[[Expr], Expr | None]:
    """A rewrite of `DeviceOf` to the device of the first tensor at hand, if there is one."""
    own = [p for p in tree.aliases if any(p in _reads(step) for step in steps)]
    at_hand = [value for _, value in inputs] + own

    def change(expr: Expr) -> Expr | None:
        if not isinstance(expr, DeviceOf) or expr.tensor is not None or not at_hand:
            return None
        return DeviceOf(Var(at_hand[0]))

    return change


def _reads(step: _Step) -> set[str]:
    return {part.name for part in walk(step.expr) if isinstance(part, Var)}


def _inline(
    steps: list[_Step], outputs: tuple[tuple[str, str], ...]
) -> tuple[list[Let | ForEach], dict[str, Expr]]:
    """Statements for the values that need a local; the expressions of those that do not."""
    uses = Counter(e.name for s in steps for e in walk(s.expr) if isinstance(e, Var))
    uses.update(value for _, value in outputs)
    results = {value for _, value in outputs}
    readers: dict[str, list[_Step]] = {}
    for step in steps:
        for value in dict.fromkeys(e.name for e in walk(step.expr) if isinstance(e, Var)):
            readers.setdefault(value, []).append(step)
    inlined: dict[str, Expr] = {}
    statements: list[Let | ForEach] = []
    for step in steps:
        expr = _inlined(step.expr, inlined)
        read_by = [reader for value in step.values for reader in readers.get(value, [])]
        escapes = any(reader.source != step.source for reader in read_by) or bool(
            results.intersection(step.values)
        )
        if len(step.values) == 1 and uses[step.values[0]] == 1 and read_by:
            (reader,) = read_by
            both_calls = reader.is_call and step.is_call
            long = _length(expr) + _length(reader.expr) > _LONGEST
            if (not escapes or not step.targets) and not both_calls and not long:
                inlined[step.values[0]] = expr
                continue
        # A call that another call reads goes on with the name, as in `x = module(x)`.
        feeds_call = len(step.targets) == 1 and step.is_call and any(r.is_call for r in read_by)
        targets = step.targets if escapes or feeds_call else ()
        statements.append(Let(step.values, expr, targets, step.fallback))
    return statements, inlined


def _length(expr: Expr) -> int:
    """How many computations an expression holds."""
    return sum(isinstance(part, (Call, Method, Operator)) for part in walk(expr))


def _inlined(expr: Expr, inlined: Mapping[str, Expr]) -> Expr:
    return rewrite(expr, lambda e: inlined.get(e.name) if isinstance(e, Var) else None)


def _dims(
    tree: Tree,
    region: int,
    inputs: tuple[tuple[str, str], ...],
    statements: list[Let | ForEach],
    results: tuple[Expr, ...],
) -> tuple[tuple[tuple[str, tuple[tuple[int, str], ...]], ...], tuple[str, ...]]:
    """Where each symbol that the body needs is read from, and those that must be given.

    The model itself reads them all, to check each against its recorded range.
    """
    exprs = [*(s.expr for s in statements), *results]
    needed = {
        name for e in exprs for p in walk(e) if isinstance(p, SizeOf) for name in symbols(p.size)
    }
    if region == 0:
        needed |= {s.name for s in tree.graph.symbols}
    dims: list[tuple[str, tuple[tuple[int, str], ...]]] = []
    for _, value in inputs:
        if value in tree.aliases:
            continue
        found: list[tuple[int, str]] = []
        for axis, size in enumerate(tree.graph.types[value].shape):
            for name in sorted(needed):
                if size == symbol(name):
                    found.append((axis, name))
                    needed.discard(name)
        if found:
            dims.append((value, tuple(found)))
    order = [s.name for s in tree.graph.symbols if s.name in needed]
    return tuple(dims), tuple(order)
