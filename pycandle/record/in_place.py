"""Writes ops that change a tensor in place as those that give another one, where nothing tells.

PyTorch's own way traces the whole program again, and takes more of its sizes for granted. Where no
other name of the changed tensor is read afterwards, the change is but a new value.
"""

# PyTorch annotates only part of what it exports, and keeps some of it private.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportPrivateUsage=false

from __future__ import annotations

from typing import Any

import torch
from torch.export import ExportedProgram
from torch.fx import Node

Overload = torch._ops.OpOverload
# Composite ops that compute all that they give.
_COMPUTES = frozenset(
    f"aten::{name}"
    for name in (
        "batch_norm", "conv1d", "conv2d", "conv3d", "group_norm", "instance_norm", "layer_norm",
        "linear", "log_softmax", "matmul", "max_pool1d", "max_pool2d", "max_pool3d", "rms_norm",
        "scaled_dot_product_attention", "softmax",
    )
)  # fmt: skip


def mutates(program: ExportedProgram) -> bool:
    """Whether an op of the program changes a tensor, in a branch or a loop also."""
    return any(
        _is_mutable(node)
        for module in program.graph_module.modules()
        if isinstance(module, torch.fx.GraphModule)
        for node in module.graph.nodes
    )


def without_changes(program: ExportedProgram) -> bool:
    """Write each such op as the one that gives a new tensor; False, and nothing, if one must stay.

    The program is changed.
    """
    nodes = list(program.graph_module.graph.nodes)
    modules = [m for m in program.graph_module.modules() if isinstance(m, torch.fx.GraphModule)]
    if any(_is_mutable(node) for module in modules[1:] for node in module.graph.nodes):
        return False
    place = {node: k for k, node in enumerate(nodes)}
    # Whose memory each may be: its own, or that of what it was made from.
    roots: dict[Node, set[Node]] = {}
    found: dict[Node, Overload] = {}
    for node in nodes:
        sources = node.all_input_nodes if _may_share(node) else []
        roots[node] = set[Node]().union(*(roots[source] for source in sources)) or {node}
        if isinstance(node.meta.get("val"), (int, torch.SymInt)):  # A size has no memory.
            roots[node] = set()
        if not _is_mutable(node):
            continue
        changed, functional = node.args[0], _functional(node)
        if functional is None or not isinstance(changed, Node):
            return False
        memory = roots[changed]
        # The op gives back the tensor that it changes: from here on that is its name.
        others = [v for v in roots if v not in (node, changed) and memory & roots[v]]
        later = any(place[user] > place[node] for other in others for user in other.users)
        if later or any(root.op == "placeholder" for root in memory):
            return False
        found[node] = functional
        roots[node] = {node}
    for node, functional in found.items():
        changed: Any = node.args[0]
        node.target = functional
        before = node.name
        node._rename(functional._schema.name.removeprefix("aten::"))
        for spec in program.graph_signature.output_specs:
            if spec.arg.name == before:
                spec.arg.name = node.name
        later = {user for user in changed.users if place[user] > place[node]}
        changed.replace_all_uses_with(node, later.__contains__)
    program.graph_module.recompile()
    return True


def _is_mutable(node: Node) -> bool:
    return isinstance(node.target, Overload) and node.target._schema.is_mutable


def _may_share(node: Node) -> bool:
    """Whether what it gives may be memory of its arguments'."""
    if node.op != "call_function":
        return False
    target = node.target
    if not isinstance(target, Overload):
        return True
    # A composite op may do anything that its parts do; one operand alone einsum only turns.
    operands: Any = node.args[1] if target._schema.name == "aten::einsum" else ()
    if target._schema.name in _COMPUTES or len(operands) > 1:
        return False
    composite = torch._C._dispatch_has_kernel_for_dispatch_key(
        target.name(), torch._C.DispatchKey.CompositeImplicitAutograd
    )
    return composite or any(result.alias_info is not None for result in target._schema.returns)


def _functional(node: Node) -> Overload | None:
    """The op of the same arguments that gives what this one writes, of the same dtype."""
    target = node.target
    assert isinstance(target, Overload)
    written = [k for k, a in enumerate(target._schema.arguments) if a.alias_info is not None]
    name = target._schema.name.removeprefix("aten::")
    if written != [0] or not name.endswith("_") or len(target._schema.returns) != 1:
        return None
    packet = getattr(torch.ops.aten, name[:-1], None)
    overload = getattr(packet, target._overloadname, None)
    ours = node.args[0].meta["val"].dtype if isinstance(node.args[0], Node) else None
    given = [n.meta["val"] for n in node.all_input_nodes]
    dtypes = {value.dtype for value in given if isinstance(value, torch.Tensor)}
    if not isinstance(overload, Overload) or ours is None:
        return None
    names = {tuple(a.name for a in op._schema.arguments) for op in (overload, target)}
    # Another dtype might make the new tensor another one's, where a change keeps it.
    keeps = all(torch.promote_types(ours, dtype) == ours for dtype in dtypes)
    return overload if len(names) == 1 and keeps else None
