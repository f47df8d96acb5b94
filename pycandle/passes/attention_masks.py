"""Turns attention masks into `is_causal`, into nothing, or into their few essential lines.

Rewrites the mask of `scaled_dot_product_attention` where its index form is known: always true, the
mask goes; `key <= query`, it becomes `is_causal`; otherwise it is built anew from its formula, as
small as it broadcasts from. Declines (leaves the mask as it is) where the form is not known.
"""

from __future__ import annotations

from dataclasses import replace

from pycandle.graph import Arg, Graph, Node, Ref
from pycandle.graph.dim import symbol
from pycandle.passes.form_rules import index_forms
from pycandle.passes.forms import AtLeastZero, Form, index
from pycandle.passes.materialise import materialise, node_count

ATTENTION = "aten.scaled_dot_product_attention.default"
_PARAMETERS = ("query", "key", "value", "attn_mask", "dropout_p", "is_causal")


def simplify_attention_masks(graph: Graph) -> Graph:
    """Rewrite the mask of every attention whose mask has an index form."""
    forms = index_forms(graph)
    built: dict[str, str] = {}
    nodes: list[Node] = []
    for node in graph.nodes:
        if node.op != ATTENTION:
            nodes.append(node)
            continue
        arguments = _arguments(node)
        mask = arguments["attn_mask"]
        form = forms.get(mask.name) if isinstance(mask, Ref) else None
        if form is None or not isinstance(mask, Ref):
            nodes.append(node)
        elif form is True:
            nodes.append(_with(node, arguments, None))
        elif _is_causal(form, graph, mask.name, arguments):
            nodes.append(_with(node, arguments | {"is_causal": True}, None))
        else:
            if mask.name not in built:
                made = materialise(graph, mask.name, form, broadcast=True)
                if made is None or len(made.nodes) >= node_count(graph, forms, mask.name):
                    built[mask.name] = mask.name
                else:
                    built[mask.name] = made.value.name
                    _insert(nodes, graph.producers[mask.name], made.nodes)
            nodes.append(_with(node, arguments, Ref(built[mask.name])))
    made_for = {old: new for old, new in built.items() if old != new}
    return replace(graph.standing_for(made_for), nodes=tuple(nodes))


def _insert(nodes: list[Node], producer: Node, made: tuple[Node, ...]) -> None:
    """Put the new nodes where the old mask was finished."""
    place = next(i for i, node in enumerate(nodes) if node is producer)
    nodes[place + 1 : place + 1] = made


def _is_causal(form: Form, graph: Graph, mask: str, arguments: dict[str, Arg]) -> bool:
    shape = graph.types[mask].shape
    query, key = index(len(shape) - 2), index(len(shape) - 1)
    square = shape[-2:-1] == shape[-1:] and not arguments["is_causal"]
    return square and form == AtLeastZero(symbol(query) - symbol(key))


def _arguments(node: Node) -> dict[str, Arg]:
    found: dict[str, Arg] = {"attn_mask": None, "dropout_p": 0.0, "is_causal": False}
    found.update(zip(_PARAMETERS, node.args, strict=False))
    found.update(node.kwargs)
    return found


def _with(node: Node, arguments: dict[str, Arg], mask: Arg) -> Node:
    arguments = arguments | {"attn_mask": mask}
    positional = tuple(arguments.pop(name) for name in _PARAMETERS)
    kwargs = tuple(arguments.items())
    return replace(node, args=positional, kwargs=kwargs)
