"""Finds calls of layers that no input of the model changes, as projections of a table of positions.

Such a call is `forward_once`: the layer keeps its result, and gives it again for the same tensor
while its parameters are the same. So what this says of a call decides what is kept, never what is
right. A step of its own after the structs are made, which `--no-fuse` leaves out. It must not know
text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from pycandle.emit.fields import ModuleField
from pycandle.emit.plans import rewritten
from pycandle.emit.statements import walk_all
from pycandle.emit.structs import Forward, Struct
from pycandle.emit.tree import Tree
from pycandle.graph import Node
from pycandle.graph.dim import Dim
from pycandle.ops import entries
from pycandle.ops.expr import Expr, Field, Method, rewrite

# The layers whose result is work enough, and that can keep it.
_LAYERS = ("nn::LayerNorm", "nn::Linear")


@dataclass(frozen=True, slots=True)
class Once:
    """A call of a layer that is computed once, in the code of some modules."""

    struct: str
    regions: tuple[int, ...]  # the calls whose code it is in
    parts: tuple[Expr, ...]  # the layer
    value: str  # what it gives in the first of them


@dataclass(frozen=True, slots=True)
class _Call:
    """A layer's call in a forward, and the regions that it is, one for each that this serves."""

    struct: str
    forward: Forward
    method: Method
    layer: Field
    regions: tuple[int, ...]


def computed_once(structs: Sequence[Struct], tree: Tree) -> tuple[list[Struct], list[Once]]:
    """The structs where such calls are computed once, and which calls these are."""
    calls = [call for struct in structs for call in _calls(struct, tree)]
    fixed = _fixed(tree, {region for call in calls for region in call.regions})
    chosen = [
        call for call in calls if all(_input(tree, region) in fixed for region in call.regions)
    ]
    methods = {id(call.method) for call in chosen}

    def change(part: Expr) -> Expr | None:
        if not isinstance(part, Method) or id(part) not in methods:
            return None
        args = tuple(rewrite(arg, change) for arg in part.args)
        return replace(part, name="forward_once", args=args)

    def changed(forward: Forward) -> Forward:
        return replace(forward, body=rewritten(forward.body, change))

    done = [replace(struct, forwards=tuple(map(changed, struct.forwards))) for struct in structs]
    told = [
        Once(
            call.struct, call.forward.regions, (call.layer,), _node(tree, call.regions[0]).out.name
        )
        for call in chosen
    ]
    return done, told


def _calls(struct: Struct, tree: Tree) -> Iterator[_Call]:
    """The calls of its layers that can be told apart: as many in the code as in the graph."""
    layers = {
        field.path
        for field in struct.fields
        if isinstance(field, ModuleField) and field.type in _LAYERS
    }
    for forward in struct.forwards:
        found: dict[str, list[Method]] = {}
        for part in walk_all((forward.body.statements, forward.body.results)):
            match part:
                case Method(receiver=Field(path=path), name="forward", args=(_,)):
                    found.setdefault(path, []).append(part)
                case _:
                    pass
        for path in (path for path in found if path in layers):
            called = [
                [child for child in tree.children[region] if tree.path_in_parent(child) == path]
                for region in forward.regions
            ]
            if all(len(regions) == len(found[path]) for regions in called):
                for method, *regions in zip(found[path], *called, strict=True):
                    yield _Call(struct.name, forward, method, Field(path), tuple(regions))


def _fixed(tree: Tree, layers: set[int]) -> set[str]:
    """The values that are the same tensor in every call of the model.

    That is a parameter, a view of one, and what is computed once of such.
    """
    table = entries()
    fixed = set(tree.aliases)
    for node in tree.graph.nodes:
        view = node.op in table and table[node.op].is_view
        sized = any(isinstance(size, Dim) for out in node.outs for size in out.type.shape)
        if view and not sized and not node.blocks:
            known = all(name in fixed for name in node.inputs)
        else:
            known = node.region in layers and _input(tree, node.region) in fixed
        if known:
            fixed.update(out.name for out in node.outs)
    return fixed


def _input(tree: Tree, region: int) -> str:
    """The tensor that a layer takes."""
    ((_, value),) = tree.inputs(region)
    return value


def _node(tree: Tree, region: int) -> Node:
    """The one op that a layer is."""
    (node,) = tree.nodes[region]
    return node
