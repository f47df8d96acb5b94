"""The tensors of what a call takes or gives, in the order in which a recording has them."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.utils import _pytree as pytree


def tensors(tree: Any) -> list[Tensor]:
    """Of nested containers; of caches, once `register_caches` was called."""
    plain = {**tree} if isinstance(tree, dict) else tree
    return [leaf for leaf in pytree.tree_leaves(plain) if isinstance(leaf, Tensor)]


def register_caches() -> None:
    """Make PyTorch look into the caches of transformers."""
    from transformers.integrations.executorch import register_dynamic_cache_export_support

    register_dynamic_cache_export_support()
