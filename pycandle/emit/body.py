"""A module call as statements: the draft of a `forward`, before names are chosen.

Its steps are the region's own nodes and the calls of the modules in it, in an order in which each
comes after what it reads. It must not know text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from pycandle.emit.caches import PartsError, Span, grouped, is_whole, joined, one_of, spans, whole
from pycandle.emit.hoisting import hoist
from pycandle.emit.inline import inline, reads
from pycandle.emit.listed import as_list, find_list
from pycandle.emit.statements import (
    Hint,
    Let,
    Read,
    Scope,
    Statement,
    map_exprs,
    missing,
    walk_all,
)
from pycandle.emit.steps import Step, checked_read, steps_of, wanted, with_reads
from pycandle.emit.tree import Tree
from pycandle.errors import Finding, UnsupportedError
from pycandle.graph.dim import symbol
from pycandle.ops.expr import (
    DeviceOf,
    Expr,
    Field,
    Method,
    SizeOf,
    Slice,
    Var,
    rewrite,
)

# What a result is called that has no name.
_PLACEHOLDER = re.compile(r"output(_\d+)?")


@dataclass(frozen=True, slots=True)
class Argument:
    """A tensor that a forward takes, or a list of them."""

    name: str
    value: str  # what stands for it in the draft
    values: tuple[str, ...]
    # "tensor"; "tensors", a list of any length; "list", one that the model takes as it is
    kind: str = "tensor"

    @property
    def given(self) -> Expr:
        """What the caller hands over."""
        return Slice(tuple(map(Var, self.values))) if self.kind == "tensors" else Var(self.value)


@dataclass(frozen=True, slots=True)
class Interface:
    """How a module's forward is called."""

    inputs: tuple[tuple[str, str], ...]  # (argument name, value)
    sizes: tuple[str, ...]  # symbols that no tensor input tells
    outputs: tuple[tuple[str, str], ...]  # (path, value)
    method: str = "forward"
    listed: Span = (0, 0)  # from where to where the inputs are one list, of any length
    taken: tuple[Span, ...] = ()  # and where they are lists that the model takes
    given: tuple[Span, ...] = ()  # where the outputs are lists that the model gives
    results: tuple[str, ...] = ()  # what it calls its outputs itself

    @property
    def arguments(self) -> tuple[Argument, ...]:
        """The tensors that it takes, in order."""
        kinds = {start: "list" for start, _ in self.taken}
        lists = self.taken
        if self.listed[1]:
            kinds[self.listed[0]] = "tensors"
            lists = (*lists, self.listed)
        found: list[Argument] = []
        place = 0
        for name, values in grouped(self.inputs, lists):
            kind = kinds.get(place, "tensor")
            value = values[0] if kind == "tensor" else whole(values)
            found.append(Argument(name, value, values, kind))
            place += len(values)
        return tuple(found)

    @property
    def results_by_path(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """The path of each of its results, and the values that it holds."""
        return tuple(grouped(self.outputs, self.given))

    @property
    def gives(self) -> tuple[str, ...]:
        """What stands for each of its results in a draft."""
        return joined(self.outputs, self.given)


@dataclass(frozen=True, slots=True)
class Draft:
    """A region's forward and the parameters it reads itself."""

    interface: Interface
    dims: tuple[tuple[str, tuple[tuple[int, str], ...]], ...]  # input value -> (axis, symbol)s
    statements: tuple[Statement, ...]
    results: tuple[Expr, ...]
    parameters: tuple[str, ...]  # values
    kept: tuple[str, ...] = ()  # values that `load` computes
    load: Draft | None = None  # how: it takes parameters, and gives `kept` and what both read


def draft(
    tree: Tree,
    region: int,
    lowered: Mapping[str, Expr],
    interfaces: Mapping[int, Interface],
    hoisting: bool = True,
) -> Draft:
    """The draft of a region's forward; `interfaces` holds those of the regions inside it.

    With `hoisting`, what depends on parameters alone is computed in `load`.
    """
    graph = tree.graph
    steps = _ordered(_steps(tree, region, lowered, interfaces), tree, region)
    inputs = tuple(tree.inputs(region))
    outputs = tuple(tree.outputs(region))
    held = [p for p in tree.aliases if p not in {value for _, value in inputs}]
    before, kept = list[Step](), tuple[str, ...]()
    if hoisting:
        names = {p: tree.aliases[p][0].rpartition(".")[2] for p in held}
        hoisted = hoist(steps, names, tuple(value for _, value in outputs), tree, region)
        before, steps, kept = hoisted.before, hoisted.steps, hoisted.kept
    taken, lists_given = spans(inputs, tree.caches), spans(outputs, tree.caches)
    given = joined(inputs, taken)
    device = _device(given, [*held, *kept], steps)
    steps = [
        replace(s, statement=map_exprs(s.statement, lambda e: rewrite(e, device))) for s in steps
    ]
    first = _given_numbers(tree, given) if region == 0 else []
    needed = wanted([*first, *steps], (), graph)
    if region == 0:
        needed |= {s.name for s in graph.symbols}
    dims = _dims(tree, given, needed)
    told = {name for _, axes in dims for _, name in axes} | {s.symbol for s in map(_read, first)}
    steps = [*first, *with_reads(steps, needed, told, graph)]
    statements, results = inline(steps, _wanted(outputs, lists_given, steps), scope=False)
    # A scope knows its own symbols; what is missing in all of it, the caller tells.
    unknown = missing(Scope(statements, results)) - {name for _, axes in dims for _, name in axes}
    order = [s.name for s in (*graph.symbols, *graph.bindings) if s.name in unknown]
    read = {e.name for e in walk_all((statements, results)) if isinstance(e, Var)}
    parameters = tuple(p for p in held if p in read)
    interface = Interface(inputs, tuple(order), outputs, taken=taken, given=lists_given)
    if region != 0 and not taken:
        apart = {value for value, _ in dims} | {value for _, value in outputs}
        interface = replace(interface, listed=find_list(inputs, statements, results, apart))
        for argument in interface.arguments:
            if argument.kind == "tensors":
                statements = as_list(statements, argument.values, argument.value)
    if region != 0:
        interface = replace(interface, inputs=_named_within(interface, tree, region, interfaces))
    load = _load(tree, region, before, (*kept, *parameters)) if kept else None
    return Draft(interface, dims, statements, results, parameters, kept, load)


def with_whole(made: Draft, statements: tuple[Statement, ...], tree: Tree) -> Draft:
    """The draft, where it gives the lists that loops in its statements make.

    Raises `PartsError` if part of a list is read or given by itself, or given after a list.
    """
    if not tree.caches:
        return made
    interface = made.interface
    results = tuple(map(Var, interface.gives)) if interface.given else made.results
    read = {e.name for e in walk_all((statements, results)) if isinstance(e, Var)}
    bound = {name for each in statements if not isinstance(each, Read) for name in each.names}
    known = bound | {argument.value for argument in interface.arguments}
    lists = [tree.caches[one_of(name)] for name in known if one_of(name) in tree.caches
             and is_whole(name)]  # fmt: skip
    parts = {value for values in lists for value in values}
    kinds = [is_whole(name) for name in interface.gives]
    if read & parts or {name for name in read if is_whole(name)} - known or kinds != sorted(kinds):
        raise PartsError
    return replace(made, results=results)


def _wanted(
    outputs: tuple[tuple[str, str], ...], lists: tuple[Span, ...], steps: list[Step]
) -> tuple[str, ...]:
    """The values that it gives; where a module in it gives a list, the list."""
    made = {value for step in steps for value in step.values}
    values = [value for _, value in outputs]
    return joined(outputs, [s for s in lists if whole(values[s[0] : s[1]]) in made])


def _named_within(
    interface: Interface, tree: Tree, region: int, interfaces: Mapping[int, Interface]
) -> tuple[tuple[str, str], ...]:
    """The inputs, where part of a tuple is called as the first module that takes it calls it."""
    found: dict[str, str] = {}
    for child in tree.children[region]:
        for argument in interfaces[child].arguments:
            if argument.kind == "tensor" and not _is_part(argument.name):
                found.setdefault(argument.value, argument.name)
    inputs: list[tuple[str, str]] = []
    taken = {name for name, _ in interface.inputs}
    listed = {place for span in (interface.listed, *interface.taken) for place in range(*span)}
    for place, (name, value) in enumerate(interface.inputs):
        inner = found.get(value, name)
        if _is_part(name) and inner not in taken and place not in listed:
            taken.add(inner)
            name = inner
        inputs.append((name, value))
    return tuple(inputs)


def _is_part(name: str) -> bool:
    """Whether it says only where in a tuple something stands: `position.0`."""
    return name.rpartition(".")[2].isdigit()


def _load(tree: Tree, region: int, steps: list[Step], wanted: tuple[str, ...]) -> Draft:
    """The draft of what is computed from parameters; it gives what is wanted of them and of it."""
    read = {name for step in steps for name in reads(step)}
    parameters = [p for p in tree.aliases if p in read]
    made = {value for step in steps for value in step.values}
    given = tuple(value for value in wanted if value in made or value in parameters)
    statements, results = inline(steps, given, scope=False)
    inputs = tuple((tree.relative(p, region) or "", p) for p in parameters)
    return Draft(Interface(inputs, (), ()), (), statements, results, ())


def _steps(
    tree: Tree, region: int, lowered: Mapping[str, Expr], interfaces: Mapping[int, Interface]
) -> list[tuple[int, Step]]:
    """The region's own nodes and calls, each with the place in the graph it begins at."""
    place = {node.out.name: i for i, node in enumerate(tree.graph.nodes)}
    steps: list[tuple[int, Step]] = []
    for node in tree.nodes[region]:
        if node.region == region:
            steps += [(place[node.out.name], s) for s in steps_of(node, lowered, tree.graph)]
    begun = 0
    for child in tree.children[region]:
        called, interface = tree.graph.regions[child], interfaces[child]
        relative = tree.path_in_parent(child)
        args = [argument.given for argument in interface.arguments]
        args += [SizeOf(symbol(name)) for name in interface.sizes]
        let = Let(
            interface.gives,
            Method(Field(relative), interface.method, tuple(args)),
            Hint(_targets(called.targets, interface), _spoken(relative)),
        )
        # A constant of a later call may stand before all of an earlier one, which is called first.
        begun = max(begun, place[tree.nodes[child][0].out.name])
        steps.append((begun, Step(let, called.site, True)))
    steps.sort(key=lambda pair: pair[0])
    return steps


def _targets(targets: tuple[str, ...], interface: Interface) -> tuple[str, ...]:
    """The names that Python assigns; for one name of several results, the module's own."""
    own = interface.results
    apart = len(targets) == 1 and len(own) > 1 and len({*own}) == len(own)
    return own if apart and not any(map(_PLACEHOLDER.fullmatch, own)) else targets


def _given_numbers(tree: Tree, given: tuple[str, ...]) -> list[Step]:
    """Reads of the numbers that the model's own inputs and parameters hold."""
    types = tree.graph.types
    bound = [b for b in tree.graph.bindings if b.value in given or b.value in tree.aliases]
    numbers = [b for b in bound if b.axis(types[b.value]) is None]
    return [Step(checked_read(b, b.value, None, tree.graph), "") for b in numbers]


def _read(step: Step) -> Read:
    assert isinstance(step.statement, Read)
    return step.statement


def _spoken(path: str) -> str:
    """What to call a submodule's result: its name; the number of a list's item says too little."""
    stem, _, last = path.rpartition(".")
    if not last.isdigit():
        return last
    return f"{stem.rpartition('.')[2]}_{last}" if stem else "x"


def _ordered(steps: list[tuple[int, Step]], tree: Tree, region: int) -> list[Step]:
    """Steps after what they read; otherwise in the order of the graph."""
    makers = {value: step for _, step in steps for value in step.values}
    tellers: dict[str, Step] = {}
    for value, step in makers.items():
        for binding in tree.graph.bindings:
            if binding.value == value or binding.axis(tree.graph.types[value]) is not None:
                tellers.setdefault(binding.name, step)
    done: dict[int, None] = {}
    order: list[Step] = []
    open_steps: set[int] = set()

    def visit(step: Step) -> None:
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
        for name in reads(step):
            if name in makers:
                visit(makers[name])
        for name in sorted(missing(step.statement)):
            if name in tellers and tellers[name] is not step:
                visit(tellers[name])
        done[id(step)] = None
        order.append(step)

    for _, step in steps:
        visit(step)
    return order


def _device(
    given: tuple[str, ...], held: list[str], steps: list[Step]
) -> Callable[[Expr], Expr | None]:
    """A rewrite of `DeviceOf` to the device of the first tensor at hand, if there is one."""
    read = {name for step in steps for name in reads(step)}
    at_hand = [v for v in given if not is_whole(v)] + [p for p in held if p in read]

    def change(expr: Expr) -> Expr | None:
        if not isinstance(expr, DeviceOf) or expr.tensor is not None or not at_hand:
            return None
        return DeviceOf(Var(at_hand[0]))

    return change


def _dims(
    tree: Tree, given: tuple[str, ...], needed: set[str]
) -> tuple[tuple[str, tuple[tuple[int, str], ...]], ...]:
    """Where each symbol that the body needs is read from, if an input tells it.

    The model itself reads them all, to check each against its recorded range.
    """
    needed = set(needed)
    dims: list[tuple[str, tuple[tuple[int, str], ...]]] = []
    for value in given:
        if value in tree.aliases:
            continue
        found: list[tuple[int, str]] = []
        for axis, size in enumerate(tree.graph.types[one_of(value)].shape):
            for name in sorted(needed):
                if size == symbol(name):
                    found.append((axis, name))
                    needed.discard(name)
        if found:
            dims.append((value, tuple(found)))
    return tuple(dims)
