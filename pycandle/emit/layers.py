"""Recognises module calls that are one op as layers of the runtime.

By their graph, never by their class: a call of a single op whose parameters are the module's own,
under the names that the layer loads, or a single op of one tensor without parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from pycandle.emit.fields import ModuleField
from pycandle.emit.tree import Tree
from pycandle.graph import Node, Region
from pycandle.graph.dim import symbols
from pycandle.graph.spelling import spells
from pycandle.ops import Operand, lower_layer
from pycandle.ops.expr import (
    Call,
    Closure,
    DeviceOf,
    Expr,
    Local,
    Method,
    Number,
    Operator,
    Raw,
    SizeOf,
    Var,
    rewrite,
    walk,
)


def layer_field(tree: Tree, region: int, lowered: Mapping[str, Expr]) -> ModuleField | None:
    """The call as a field with a runtime layer's type, if it is one."""
    nodes = tree.nodes[region]
    if len(nodes) != 1 or nodes[0].region != region:
        return None
    node = nodes[0]
    # A size that only its result tells is checked where that is made.
    if node.blocks or any(binding.value == node.out.name for binding in tree.graph.bindings):
        return None
    inputs = tree.inputs(region)
    if len(inputs) != 1 or len(node.outs) != 1:
        return None
    relative = tree.path_in_parent(region)
    if not any(name in tree.aliases for name in node.inputs):
        return _function(relative, inputs[0][1], lowered[node.out.name])
    layer = lower_layer(node, tree.graph)
    if layer is None or layer.input.expr.name != inputs[0][1]:
        return None
    for name, operand in layer.parameters.items():
        if tree.relative(operand.expr.name, region) != name:
            return None
    names = _names(node, layer.parameters, tree)
    args = as_made(layer.args, tree.graph.regions[region], names)
    listed = tree.graph.regions[region].listed
    return ModuleField(relative, layer.type, layer.constructor, args, True, listed=listed)


def _names(node: Node, parameters: Mapping[str, Operand], tree: Tree) -> Mapping[int | float, str]:
    """What the module's own code calls the numbers of its op, and the sizes of its parameters."""
    claims = [(value, name) for name, value in node.named]
    for operand in parameters.values():
        pairs = zip(operand.shape, tree.axes.get(operand.expr.name, ()), strict=False)
        claims += [(size, name) for size, name in pairs if isinstance(size, int) and name]
    called: dict[int | float, set[str]] = {}
    for number, name in claims:
        called.setdefault(number, set()).add(name)
    # A number that goes by two names has neither.
    return {number: names.pop() for number, names in called.items() if len(names) == 1}


def as_made(
    args: tuple[Expr, ...], region: Region, names: Mapping[int | float, str] = MappingProxyType({})
) -> tuple[Expr, ...]:
    """A module's numbers with the names that they have where PyTorch's module is made.

    Where the module is none of PyTorch's, its own code names them.
    """
    values, said = dict(region.attributes), dict(region.arguments)

    def change(part: Expr) -> Expr | None:
        if not isinstance(part, Number):
            return None
        same = {
            parameter: name
            for parameter, name in said.items()
            if values.get(parameter) == part.value
            and type(values[parameter]) is type(part.value)
            and spells(name, part.value)
        }
        # Where the module has the parameter itself, only what stands for that counts.
        own = part.label in values
        found = {same.get(part.label, "")} if own else {*same.values()}
        if not own and not found and part.value in names:
            found = {names[part.value]}
        return replace(part, name=found.pop()) if len(found) == 1 else None

    return tuple(rewrite(arg, change) for arg in args)


def _function(path: str, value: str, expr: Expr) -> ModuleField | None:
    """An op of one tensor without parameters, as a function that a layer holds."""
    parts = list(walk(expr))
    read = {part.name for part in parts if isinstance(part, Var)}
    dynamic = any(isinstance(part, SizeOf) and symbols(part.size) for part in parts)
    if read != {value} or dynamic or any(isinstance(part, DeviceOf) for part in parts):
        return None
    match expr:
        case Call(path=function, args=(Var(),)):
            held, name = Raw(function), function
        case Method(receiver=Var(), name=name, args=()):
            held = Raw(f"Tensor::{name}")
        case Call(path=name) | Method(name=name):
            held = _closure(expr)
        case Operator():
            held, name = _closure(expr), ""
        case _:
            return None
    stem = name.rpartition("::")[2]
    return ModuleField(path, "nn::Func", "nn::func", (held,), False, stem=stem)


def _closure(expr: Call | Method | Operator) -> Closure:
    body = rewrite(expr, lambda part: Local("x", True) if isinstance(part, Var) else None)
    assert isinstance(body, (Call, Method, Operator))
    return Closure("x", body)
