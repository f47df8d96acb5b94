"""Tells the nodes that drop nothing out, and so give back the tensor that they took."""

from __future__ import annotations

from pycandle.graph.ir import Node

_DROPOUTS = frozenset(
    f"aten.{name}.default"
    for name in ("dropout", "feature_dropout", "alpha_dropout", "feature_alpha_dropout")
)


def drops_nothing(node: Node) -> bool:
    """Whether it is a dropout in eval mode: PyTorch's signature is `(input, p, train)`."""
    if node.op not in _DROPOUTS:
        return False
    train = node.args[2] if len(node.args) > 2 else node.kwarg("train", True)
    return train is False
