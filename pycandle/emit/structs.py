"""Decides the structs: every module call becomes one, equal calls become the same one.

Calls of one class whose fields and forwards differ in constants only share a struct, and the
constants become configuration. Regions are treated innermost first, so that a struct's fields are
known when it is compared. It must not know text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from pycandle.emit.body import Interface, draft
from pycandle.emit.fields import (
    ListField,
    ModuleField,
    ParameterField,
    StructField,
    with_exprs,
    with_lists,
)
from pycandle.emit.layers import layer_field
from pycandle.emit.loops import roll
from pycandle.emit.names import identifier, type_identifier
from pycandle.emit.naming import Body, name_locals
from pycandle.emit.statements import map_exprs, walk_all
from pycandle.emit.tree import Tree
from pycandle.errors import Finding, UnsupportedError
from pycandle.graph import Region
from pycandle.ops.expr import Config, DeviceOf, Expr, Number, rewrite, size

# What the axes of a parameter are called where they become configuration.
_AXIS_LABELS = {1: ("width",), 2: ("rows", "columns")}


@dataclass(frozen=True, slots=True)
class Struct:
    """One struct of the generated module."""

    name: str
    regions: tuple[int, ...]  # the calls it serves, the first first
    fields: tuple[StructField, ...]
    config: tuple[tuple[str, str], ...]  # (name, Rust type) of what `load` takes
    stored: tuple[str, ...]  # the configuration that forward reads
    body: Body
    interface: Interface
    reads_weights: bool
    reads_device: bool  # it makes tensors and is given none, so `load` keeps the device


@dataclass(frozen=True, slots=True)
class _Plan:
    """A region's struct before it is merged with its equals."""

    region: int
    fields: tuple[StructField, ...]
    body: Body
    interface: Interface
    reads_weights: bool


def build_structs(tree: Tree, lowered: Mapping[str, Expr], root_name: str) -> list[Struct]:
    """Every struct of the model, each after those it holds; the model's own last."""
    return _Structs(tree, lowered, root_name).build()


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
            plans: list[_Plan] = []
            for region in level:
                field = layer_field(self.tree, region, self.lowered) if region else None
                if field is not None:
                    self.fields[region] = field
                    self.interfaces[region] = Interface(
                        tuple(self.tree.inputs(region)), (), tuple(self.tree.outputs(region))
                    )
                else:
                    plans.append(self._plan(region))
            for group in _groups(plans, self.tree):
                self._merge(group)
        return self.structs

    def _plan(self, region: int) -> _Plan:
        tree = self.tree
        made = draft(tree, region, self.lowered, self.interfaces)
        self.interfaces[region] = made.interface
        children: dict[str, ModuleField] = {}
        for child in tree.children[region]:
            field = self.fields[child]
            if children.setdefault(field.path, field) != field:
                raise UnsupportedError(
                    Finding(
                        f"{tree.graph.regions[child].path} computes different things when it is"
                        " called a second time",
                        tree.graph.regions[child].site,
                        "use two modules that share their weights",
                    )
                )
        gathered = with_lists(list(children.values()))
        lists = {f.path: len(f.items) for f in gathered if isinstance(f, ListField)}
        paths = {p: tree.relative(p, region) or "" for p in made.parameters}
        own = tuple(self._parameter(value, path) for value, path in paths.items())
        body = name_locals(
            made,
            roll(made.statements, lists, made.results),
            paths,
            {value: tree.graph.types[value].stored.rank for _, value in made.interface.inputs},
            frozenset(symbol.name for symbol in tree.graph.symbols),
        )
        reads = bool(own) or any(field.reads_weights for field in children.values())
        reads |= _reads_device(body)
        return _Plan(region, (*own, *gathered), body, made.interface, reads)

    def _parameter(self, value: str, path: str) -> ParameterField:
        tensor = self.tree.graph.types[value].stored
        labels = _AXIS_LABELS.get(tensor.rank, ("size",) * tensor.rank)
        shape = tuple(size(s, label=label) for s, label in zip(tensor.shape, labels, strict=True))
        return ParameterField(path, shape, tensor.dtype)

    def _merge(self, plans: list[_Plan]) -> None:
        """One struct for plans that are equal up to constants."""
        tree, first = self.tree, plans[0]
        region = tree.graph.regions[first.region]
        name = self.root_name if first.region == 0 else self._name(region)
        vectors = list(zip(*(_numbers(plan) for plan in plans), strict=True))
        configs = _configs(vectors)
        fields, body = _configured(first, configs)
        stored = _read_configs(body)
        order = tuple(dict.fromkeys(c for c in configs if c is not None))
        kinds = {c: vector[0].kind for c, vector in zip(configs, vectors, strict=True) if c}
        struct = Struct(
            name,
            tuple(plan.region for plan in plans),
            fields,
            tuple((c, kinds[c]) for c in order),
            tuple(c for c in order if c in stored),
            body,
            first.interface,
            first.reads_weights or first.region == 0,
            _reads_device(body),
        )
        self.structs.append(struct)
        for k, plan in enumerate(plans):
            values = {c: vector[k] for c, vector in zip(configs, vectors, strict=True) if c}
            args = tuple(replace(values[c], label=c) for c in order)
            self.fields[plan.region] = ModuleField(
                tree.path_in_parent(plan.region), name, f"{name}::load", args, struct.reads_weights
            )

    def _name(self, region: Region) -> str:
        """The class's own name; a container's is that of the attribute that holds it."""
        module, _, name = region.class_name.rpartition(".")
        if module == "torch.nn.modules.container":
            name = "_".join(region.path.split(".")[-2:]) if region.path[-1:].isdigit() else (
                region.path.rpartition(".")[2])  # fmt: skip
        chosen = type_identifier(name, self.names)
        self.names.add(chosen)
        return chosen


def _levels(tree: Tree) -> list[list[int]]:
    """Regions by the height of the tree below them, leaves first."""
    heights: dict[int, int] = {}
    for index in reversed(range(len(tree.graph.regions))):
        if index not in tree.elided:
            heights[index] = 1 + max((heights[c] for c in tree.children[index]), default=-1)
    levels: list[list[int]] = [[] for _ in range(max(heights.values()) + 1)]
    for index in sorted(heights):
        levels[heights[index]].append(index)
    return levels


def _groups(plans: list[_Plan], tree: Tree) -> list[list[_Plan]]:
    """Plans of one class that are equal up to constants."""
    groups: dict[object, list[_Plan]] = {}
    for plan in plans:
        blank = _map(plan, lambda number: Number(0, number.kind, number.label))
        class_name = tree.graph.regions[plan.region].class_name
        key = (class_name, plan.region == 0, blank)
        groups.setdefault(key, []).append(plan)
    return list(groups.values())


def _map(plan: _Plan, change: Callable[[Number], Expr]) -> tuple[tuple[StructField, ...], Body]:
    """The plan's fields and body with each constant changed, always in the same order."""

    def visit(expr: Expr) -> Expr | None:
        return change(expr) if isinstance(expr, Number) else None

    fields = tuple(with_exprs(field, visit) for field in plan.fields)
    statements, results = map_exprs(
        (plan.body.statements, plan.body.results), lambda expr: rewrite(expr, visit)
    )
    return fields, replace(plan.body, statements=statements, results=results)


def _numbers(plan: _Plan) -> list[Number]:
    found: list[Number] = []

    def collect(number: Number) -> Expr:
        found.append(number)
        return number

    _map(plan, collect)
    return found


def _configs(vectors: list[tuple[Number, ...]]) -> list[str | None]:
    """The name of the configuration that each constant becomes; None for those that agree."""
    names: dict[tuple[object, ...], str] = {}
    configs: list[str | None] = []
    for vector in vectors:
        values = (vector[0].kind, *(number.value for number in vector))
        if len(set(values[1:])) == 1:
            configs.append(None)
            continue
        if values not in names:
            taken = {*names.values(), "vb", "checker"}
            names[values] = identifier(vector[0].label or "size", taken)
        configs.append(names[values])
    return configs


def _configured(plan: _Plan, configs: list[str | None]) -> tuple[tuple[StructField, ...], Body]:
    remaining = iter(configs)

    def change(number: Number) -> Expr:
        name = next(remaining)
        return number if name is None else Config(name)

    return _map(plan, change)


def _read_configs(body: Body) -> set[str]:
    return {part.name for part in walk_all(_parts(body)) if isinstance(part, Config)}


def _reads_device(body: Body) -> bool:
    parts = walk_all(_parts(body))
    return any(isinstance(part, DeviceOf) and part.tensor is None for part in parts)


def _parts(body: Body) -> tuple[object, ...]:
    """Everything that a forward computes with."""
    return (body.statements, body.results)
