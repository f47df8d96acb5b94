"""Decides the structs: every module becomes one, equal modules become the same one.

Modules of one class whose fields and forwards differ in constants only share a struct, and the
constants become configuration. A module whose calls compute different things has a forward for
each. Regions are treated innermost first, so that a struct's fields are known when it is compared.
It must not know text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter

from pycandle.emit.body import Draft, Interface, draft, with_whole
from pycandle.emit.caches import PartsError
from pycandle.emit.configuration import Constant, configuration
from pycandle.emit.fields import (
    ComputedField,
    ListField,
    ModuleField,
    ParameterField,
    StructField,
    gathered,
    modules_of,
    numbered,
    with_lists,
)
from pycandle.emit.layers import as_made, layer_field
from pycandle.emit.loops import roll
from pycandle.emit.lowering import weights_dtype
from pycandle.emit.names import OF_LOAD, identifier, type_identifier
from pycandle.emit.naming import Body, name_locals
from pycandle.emit.plans import Computed, Plan, blank, configured, mapped, rewritten
from pycandle.emit.recurrences import roll_steps
from pycandle.emit.relations import MOST_CONSTANTS
from pycandle.emit.statements import ForEach, walk_all
from pycandle.emit.tree import Tree
from pycandle.emit.variants import join_variants
from pycandle.graph import Region
from pycandle.ops.expr import (
    Config,
    DeviceOf,
    Expr,
    Local,
    Number,
    size,
)

# What the axes of a parameter are called where they become configuration.
_AXIS_LABELS = {1: ("width",), 2: ("rows", "width")}


@dataclass(frozen=True, slots=True)
class Forward:
    """One method of a struct; a module that computes different things has several."""

    name: str
    regions: tuple[int, ...]  # the calls it serves, the first first
    body: Body
    interface: Interface


@dataclass(frozen=True, slots=True)
class Struct:
    """One struct of the generated module."""

    name: str
    forwards: tuple[Forward, ...]
    fields: tuple[StructField, ...]
    config: tuple[tuple[str, str], ...]  # (name, Rust type) of what `load` takes
    stored: tuple[str, ...]  # the configuration that forward reads
    reads_weights: bool
    reads_device: bool  # it makes tensors and is given none, so `load` keeps the device
    computed: Computed | None = None
    checked: bool = True  # whether it compares its results with a recording, if it is given one
    constants: tuple[tuple[str, Number], ...] = ()  # numbers that have names in it

    @property
    def region(self) -> int:
        """The first call that it serves."""
        return self.forwards[0].regions[0]


def build_structs(tree: Tree, lowered: Mapping[str, Expr], root_name: str) -> list[Struct]:
    """Every struct of the model, each after those it holds; the model's own last."""
    return structs_and_fields(tree, lowered, root_name)[0]


def structs_and_fields(
    tree: Tree, lowered: Mapping[str, Expr], root_name: str
) -> tuple[list[Struct], Mapping[int, ModuleField]]:
    """The structs, and for each region how it is made: with its own numbers in all arguments."""
    made = _Structs(tree, lowered, root_name)
    try:
        structs = made.build()
    except PartsError:
        made = _Structs(replace(tree, with_lists=False), lowered, root_name)
        structs = made.build()
    return structs, made.fields


class _Structs:
    """The structs found so far, and for each region how its parent refers to it."""

    def __init__(self, tree: Tree, lowered: Mapping[str, Expr], root_name: str) -> None:
        self.tree = tree
        self.lowered = lowered
        self.root_name = root_name
        self.fields: dict[int, ModuleField] = {}
        self.interfaces: dict[int, Interface] = {}
        self.structs: list[Struct] = []
        self.names: set[str] = {root_name}

    def build(self) -> list[Struct]:
        for level in _levels(self.tree):
            plans: list[Plan] = []
            for calls in level:
                field = self._layer(calls)
                if field is None:
                    plans.append(self._plan(calls))
                    continue
                for region in calls:
                    self.fields[region] = field
                    self.interfaces[region] = Interface(
                        tuple(self.tree.inputs(region)), (), tuple(self.tree.outputs(region))
                    )
            for variants in _groups(plans, self.tree):
                for equals in self._joined(variants):
                    self._merge(equals)
        return self.structs

    def _joined(self, variants: list[list[Plan]]) -> list[list[Plan]]:
        """The plans of each struct, among those of one class."""
        groups = [plans for group in variants for plans in _of_few_constants(group, self.tree)]
        if _is_container(self.tree.graph.regions[groups[0][0].regions[0]]):
            return groups
        return join_variants(groups, lambda plans: _few(plans, self.tree))

    def _layer(self, calls: tuple[int, ...]) -> ModuleField | None:
        """The module as a layer of the runtime, if every call of it is that layer."""
        if 0 in calls:
            return None
        first, *others = (layer_field(self.tree, region, self.lowered) for region in calls)
        return first if all(other == first for other in others) else None

    def _plan(self, calls: tuple[int, ...]) -> Plan:
        tree = self.tree
        children: dict[str, ModuleField] = {}
        for region in calls:
            children |= {self.fields[c].path: self.fields[c] for c in tree.children[region]}
        held = with_lists(list(children.values()))
        drafts, computed = self._drafts(calls, {identifier(field.path) for field in held})
        own: dict[str, ParameterField] = {}
        for region, made in zip(calls, drafts, strict=True):
            own |= {field.path: field for field in self._parameters(made.parameters, region)}
        computed_paths = computed.paths if computed else ()
        siblings = numbered(list(children.values()))
        lists = [*(field for field in held if isinstance(field, ListField)), *siblings]
        paths = {field.path: tuple(item.path for item in field.items) for field in lists}
        rolled: set[str] = set()
        bodies: dict[Body, Interface] = {}
        forms: list[int] = []
        for region, made in zip(calls, drafts, strict=True):
            statements = roll(made.statements, paths, made.results, tree.caches.values())
            made = with_whole(made, statements, tree)
            rolled |= {each.path for each in statements if isinstance(each, ForEach)}
            body = name_locals(
                made,
                roll_steps(statements, made.results),
                {p: tree.relative(p, region) or "" for p in made.parameters}
                | dict(zip(made.kept, computed_paths, strict=False)),
                {
                    given.value: tree.graph.types[given.values[0]].stored.rank
                    for given in made.interface.arguments
                },
                frozenset(symbol.name for symbol in tree.graph.symbols),
            )
            bodies.setdefault(body, made.interface)
            forms.append(list(bodies).index(body))
            given = tuple(result.name for result in body.results if isinstance(result, Local))
            self.interfaces[region] = replace(
                made.interface, method=_method(forms[-1]), results=given
            )
        reads = bool(own) or any(field.reads_weights for field in children.values())
        reads |= any(map(_reads_device, bodies))
        made = (ComputedField(path) for path in computed_paths if path not in own)
        used = [field for field in siblings if field.path in rolled]
        fields = (*own.values(), *made, *gathered(held, used))
        return Plan(
            calls, tuple(forms), fields, tuple(bodies), tuple(bodies.values()),
            reads or computed is not None, computed,
        )  # fmt: skip

    def _drafts(
        self, calls: tuple[int, ...], taken: set[str]
    ) -> tuple[list[Draft], Computed | None]:
        """The draft of each call, and what they have `load` compute: all the same, or nothing."""
        tree, lowered, interfaces = self.tree, self.lowered, self.interfaces
        drafts = [draft(tree, region, lowered, interfaces) for region in calls]
        found = {
            self._computed(made, region, taken) for region, made in zip(calls, drafts, strict=True)
        }
        if len(found) == 1:
            return drafts, found.pop()
        plain = [draft(tree, region, lowered, interfaces, hoisting=False) for region in calls]
        return plain, None

    def _computed(self, made: Draft, region: int, taken: set[str]) -> Computed | None:
        if made.load is None:
            return None
        parameters = self._parameters((value for _, value in made.load.interface.inputs), region)
        given = {field.path for field in parameters}
        own = [self.tree.relative(value, region) or "" for value in made.parameters]
        # Other locals of `load`, and fields that are none of its locals.
        reserved = {*OF_LOAD, *taken}
        reserved |= {identifier(path) for path in own if path not in given}
        body = name_locals(made.load, made.load.statements, {}, {}, frozenset(reserved))
        body = rewritten(body, _owned)
        locals_ = [result.name for result in body.results if isinstance(result, Local)]
        paths = (*locals_[: len(made.kept)], *(path for path in own if path in given))
        return Computed(parameters, body, paths)

    def _parameters(self, values: Iterable[str], region: int) -> tuple[ParameterField, ...]:
        relative = self.tree.relative
        return tuple(self._parameter(value, relative(value, region) or "") for value in values)

    def _parameter(self, value: str, path: str) -> ParameterField:
        tensor = self.tree.graph.types[value].stored
        labels = _AXIS_LABELS.get(tensor.rank, ("size",) * tensor.rank)
        shape = tuple(size(s, label=label) for s, label in zip(tensor.shape, labels, strict=True))
        said = self.tree.axes.get(value, ())
        if len(said) == len(shape):
            pairs = zip(shape, said, strict=True)
            shape = tuple(replace(s, name=n) if isinstance(s, Number) else s for s, n in pairs)
        own = not tensor.is_float or tensor.dtype != weights_dtype(self.tree.graph)
        return ParameterField(path, shape, tensor.dtype, own)

    def _merge(self, plans: list[Plan]) -> None:
        """One struct for plans that are equal up to constants."""
        tree, first = self.tree, plans[0]
        stem, of_field = _stems(plans, tree)
        name = self.root_name if first.regions[0] == 0 else self._name(stem)
        constants = _constants(plans, tree)
        places = [c.config if isinstance(c, Constant) else c for c in constants]
        fields, bodies, computed = configured(first, places)
        stored = _read_configs(bodies)
        taken = [c for c in constants if isinstance(c, Constant) and c.config.is_whole]
        given = {c.config.name: (c.label, c.numbers) for c in taken}
        # Flags stand last, as they say what of the rest is there.
        given = dict(sorted(given.items(), key=lambda item: item[1][1][0].kind == "bool"))
        struct = Struct(
            name,
            tuple(_forward(plans, k, body) for k, body in enumerate(bodies)),
            fields,
            tuple((name, vector[0].kind) for name, (_, vector) in given.items()),
            tuple(name for name in given if name in stored),
            first.reads_weights or first.regions[0] == 0,
            any(map(_reads_device, bodies)),
            computed,
        )
        self.structs.append(struct)
        for k, plan in enumerate(plans):
            # What they are called in it is not what they are called where it is made.
            args = tuple(replace(v[k], label=label) for label, v in given.values())
            args = as_made(args, tree.graph.regions[plan.regions[0]])
            for called in plan.regions:
                self.fields[called] = ModuleField(
                    tree.path_in_parent(called), name, f"{name}::load", args, struct.reads_weights,
                    stem=of_field, listed=tree.graph.regions[called].listed,
                )  # fmt: skip

    def _name(self, stem: str) -> str:
        chosen = type_identifier(stem, self.names)
        self.names.add(chosen)
        return chosen


def _stems(plans: list[Plan], tree: Tree) -> tuple[str, str]:
    """What the plans' struct is called, and a field of it that has a number for a name.

    That is the class's own name. A container is called after the attribute that holds it, of which
    several have what is before their numbers in common; one that stands in another after what it
    holds, if all of that is of one struct, else after the other, with its number.
    """
    regions = [tree.graph.regions[plan.regions[0]] for plan in plans]
    if not _is_container(regions[0]):
        stem = regions[0].class_name.rpartition(".")[2]
        return stem, stem
    names = [name for name in regions[0].path.split(".") if not name.isdigit()]
    stem, number = names[-1] if names else "container", regions[0].path.rpartition(".")[2]
    if number.isdigit():
        held = [field for each in plans[0].fields for field in modules_of(each)]
        alike = {field.type for field in held if not field.constructor.startswith("nn::")}
        if len(alike) == 1 < len(held) and all(field.type in alike for field in held):
            plural = f"{alike.pop()}s"
            return plural, plural
        return f"{stem}_{number}", stem
    attributes = {region.path.rpartition(".")[2] for region in regions}
    common = {re.sub(r"_?[0-9]+$", "", attribute) for attribute in attributes}
    if len(attributes) > 1 and len(common) == 1 and "" not in common:
        stem = common.pop()
    return stem, stem


def _is_container(region: Region) -> bool:
    return region.class_name.startswith("torch.nn.modules.container.")


def _levels(tree: Tree) -> list[list[tuple[int, ...]]]:
    """Modules, as their calls, by the height of the tree below them, leaves first.

    Those of one class are on one level, the highest, unless one of them is below another.
    A module that is called from two others is a field of each, and there it is another.
    """
    modules: dict[tuple[str, str], list[int]] = {}
    for index in range(len(tree.graph.regions)):
        if index not in tree.elided:
            modules.setdefault(_module(tree, index), []).append(index)
    nodes: dict[tuple[str, str], object] = {
        module: _class(tree, calls[0]) or module for module, calls in modules.items()
    }
    order: list[object] = []
    below: dict[object, set[object]] = {}
    while not order:
        below = {node: set[object]() for node in nodes.values()}
        for module, calls in modules.items():
            held = {_module(tree, child) for call in calls for child in tree.children[call]}
            below[nodes[module]] |= {nodes[inner] for inner in held - {module}}
        try:
            order = list(TopologicalSorter(below).static_order())
        except CycleError as error:
            cycle: list[object] = error.args[1]
            nodes |= {module: module for module, node in nodes.items() if node in cycle}
    heights: dict[object, int] = {}
    for node in order:
        heights[node] = 1 + max((heights[inner] for inner in below[node]), default=-1)
    levels: list[list[tuple[int, ...]]] = [[] for _ in range(max(heights.values()) + 1)]
    for module, calls in modules.items():
        levels[heights[nodes[module]]].append(tuple(calls))
    return levels


def _class(tree: Tree, index: int) -> str:
    """The class whose modules may be variants of one another; of containers there is none."""
    region = tree.graph.regions[index]
    return "" if index == 0 or _is_container(region) else region.class_name


def _module(tree: Tree, index: int) -> tuple[str, str]:
    """What tells a module from others: whose field it is, and where it is in the model."""
    region = tree.graph.regions[index]
    holder = tree.graph.regions[region.parent].path if region.parent is not None else ""
    return holder, region.path


def _method(form: int) -> str:
    return "forward" if form == 0 else f"forward_{form + 1}"


def _forward(plans: list[Plan], form: int, body: Body) -> Forward:
    """One of the methods that equal plans share."""
    calls = [r for p in plans for r, f in zip(p.regions, p.forms, strict=True) if f == form]
    return Forward(_method(form), tuple(calls), body, plans[0].interfaces[form])


def _groups(plans: list[Plan], tree: Tree) -> list[list[list[Plan]]]:
    """Plans by their class, and of each class by what is equal up to constants."""
    classes: dict[object, dict[object, list[Plan]]] = {}
    for plan in plans:
        regions = [tree.graph.regions[region] for region in plan.regions]
        # Parity tells the forwards of a struct apart by the number of the call alone.
        calls = frozenset((r.call, f) for r, f in zip(regions, plan.forms, strict=True) if f)
        groups = classes.setdefault((regions[0].class_name, plan.regions[0] == 0), {})
        groups.setdefault((mapped(plan, blank), calls), []).append(plan)
    return [list(groups.values()) for groups in classes.values()]


def _of_few_constants(plans: list[Plan], tree: Tree) -> list[list[Plan]]:
    """The plans, each with the first others that few constants tell it apart from."""
    groups: list[list[Plan]] = []
    # For each the plans in it that differ, in their constants or in what these are called.
    different: list[dict[object, Plan]] = []
    for plan in plans:
        kind = (plan.numbers, tree.graph.regions[plan.regions[0]].attributes)
        for group, known in zip(groups, different, strict=True):
            if kind in known or _few([*known.values(), plan], tree):
                group.append(plan)
                known.setdefault(kind, plan)
                break
        else:
            groups.append([plan])
            different.append({kind: plan})
    return groups


def _few(plans: list[Plan], tree: Tree) -> bool:
    """Whether modules with these constants can share a struct that is easy to load."""
    constants = _constants(plans, tree)
    names = {each.config.name for each in constants if isinstance(each, Constant)}
    return len(names) <= MOST_CONSTANTS


def _constants(plans: list[Plan], tree: Tree) -> list[Constant | Number]:
    """What each of the plans' constants becomes in the struct that they share."""
    vectors = list(zip(*(plan.numbers for plan in plans), strict=True))
    attributes = [dict(tree.graph.regions[plan.regions[0]].attributes) for plan in plans]
    locals_ = plans[0].computed.names if plans[0].computed else ()
    return configuration(vectors, attributes, locals_)


def _owned(expr: Expr) -> Expr | None:
    """What `forward` would be lent is `load`'s own."""
    return Local(expr.name) if isinstance(expr, Local) else None


def _read_configs(bodies: tuple[Body, ...]) -> set[str]:
    parts = (part for body in bodies for part in _parts(body))
    return {part.name for part in parts if isinstance(part, Config)}


def _reads_device(body: Body) -> bool:
    return any(isinstance(part, DeviceOf) and part.tensor is None for part in _parts(body))


def _parts(body: Body) -> Iterator[Expr]:
    """Everything that a forward computes with."""
    yield from walk_all((body.statements, body.results))
