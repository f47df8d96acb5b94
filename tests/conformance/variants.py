"""Hypothesis on top: other layouts, values, dtypes, sizes and arguments of known calls.

A variant is a change of a known call that PyTorch accepts; whether it does is PyTorch's answer, not
a rule of ours. So every argument of every op is tried without a word about any op.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.utils import _pytree as pytree

from tests.conformance.case import Case
from tests.conformance.samples import BAGS, FIXED, UNCHECKED

SPECIAL = (math.nan, math.inf, -math.inf, -0.0, 0.0, 0.5, -1.5, 2.5, 1e-30, 1e4, -1e4)
FLOATS = (torch.float32, torch.float64, torch.float16, torch.bfloat16)
LAYOUTS = ("contiguous", "permuted", "narrowed", "expanded")


def variants(known: list[Case], count: int) -> list[Case]:
    """`count` changed calls of one op, the same ones in every run."""
    found: dict[str, Case] = {}

    @seed(0)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=[
            HealthCheck.too_slow,
            HealthCheck.data_too_large,
            HealthCheck.large_base_example,
        ],
    )
    @given(st.sampled_from(known), st.data())
    def collect(case: Case, data: st.DataObject) -> None:
        changed = _changed(case, data.draw)
        found.setdefault(str(changed), changed)

    collect()
    return list(found.values())


def _changed(case: Case, draw: Callable[[Any], Any]) -> Case:
    possible = set(_CHANGES)
    possible -= {"arguments", "sizes"} if case.op in UNCHECKED | BAGS else set[str]()
    possible -= {"layouts"} if case.op in BAGS else set[str]()
    changes = draw(st.lists(st.sampled_from(sorted(possible)), min_size=1, max_size=3, unique=True))
    tree: Any = (case.args, dict(case.kwargs))
    if case.op in FIXED | BAGS:
        tree = pytree.tree_map_only(Tensor, _held, tree)
    for name in changes:
        tree = _CHANGES[name](tree, draw)
    args, kwargs = pytree.tree_map_only(_Held, lambda held: held.tensor, tree)
    return Case(case.op, args, kwargs, "Hypothesis")


@dataclass(frozen=True)
class _Held:
    """A tensor that no change sees."""

    tensor: Tensor


def _held(x: Tensor) -> Tensor | _Held:
    return x if x.is_floating_point() else _Held(x)


def _layouts(tree: Any, draw: Callable[[Any], Any]) -> Any:
    return pytree.tree_map_only(Tensor, lambda x: relaid(x, draw(st.sampled_from(LAYOUTS))), tree)


def relaid(x: Tensor, name: str) -> Tensor:
    """The tensor in another layout, with its own values; expanded, with some of them."""
    if x.dim() == 0 or x.numel() == 0 or name == "contiguous":
        return x.contiguous()
    if name == "permuted":
        return x.permute(*reversed(range(x.dim()))).contiguous().permute(*reversed(range(x.dim())))
    if name == "narrowed":
        around = torch.cat([x[:1], x, x[:1]]).contiguous()
        return around[1:-1]
    return x.narrow(-1, 0, 1).expand(x.shape)


def _values(tree: Any, draw: Callable[[Any], Any]) -> Any:
    def change(x: Tensor) -> Tensor:
        if x.numel() == 0 or x.is_complex() or x.dtype is torch.bool:
            return x
        places = draw(st.lists(st.integers(0, x.numel() - 1), max_size=4))
        flat = x.flatten().clone()
        for place in places:
            wanted = st.sampled_from(SPECIAL) if x.is_floating_point() else st.integers(-3, 3)
            flat[place] = draw(wanted)
        return flat.reshape(x.shape)

    return pytree.tree_map_only(Tensor, change, tree)


def _floats(tree: Any, draw: Callable[[Any], Any]) -> Any:
    """All floating tensors in another floating dtype."""
    dtype = draw(st.sampled_from(FLOATS))
    return pytree.tree_map_only(Tensor, lambda x: x.to(dtype) if x.is_floating_point() else x, tree)


def _one_dtype(tree: Any, draw: Callable[[Any], Any]) -> Any:
    """One tensor in another dtype, so that types must be promoted."""
    tensors = [x for x in pytree.tree_leaves(tree) if isinstance(x, Tensor)]
    if not tensors:
        return tree
    chosen = draw(st.sampled_from(range(len(tensors))))
    dtype = draw(st.sampled_from((*FLOATS, torch.int64, torch.bool)))
    seen = iter(range(len(tensors)))

    def change(x: Tensor) -> Tensor:
        wanted = next(seen) == chosen and not x.is_complex()
        return x.nan_to_num().to(dtype) if wanted else x

    return pytree.tree_map_only(Tensor, change, tree)


def _sizes(tree: Any, draw: Callable[[Any], Any]) -> Any:
    """Every axis of one size gets another."""
    tensors = [x for x in pytree.tree_leaves(tree) if isinstance(x, Tensor)]
    sizes = sorted({size for x in tensors for size in x.shape})
    if not sizes:
        return tree
    old, new = draw(st.sampled_from(sizes)), draw(st.sampled_from((0, 1, 2, 3, 7)))

    def change(x: Tensor) -> Tensor:
        shape = [new if size == old else size for size in x.shape]
        count = math.prod(shape)
        flat = x.flatten()
        if flat.numel() == 0:
            return torch.ones(shape, dtype=x.dtype)
        return flat.repeat(count // flat.numel() + 1)[:count].reshape(shape)

    return pytree.tree_map_only(Tensor, change, tree)


def _arguments(tree: Any, draw: Callable[[Any], Any]) -> Any:
    """One number or flag that is no tensor."""
    args, kwargs = tree
    places = [("args", k) for k, a in enumerate(args) if _plain(a)]
    places += [("kwargs", k) for k, a in kwargs.items() if _plain(a)]
    if not places:
        return tree
    kind, key = draw(st.sampled_from(places))
    if kind == "args":
        return (*args[:key], _other(args[key], draw), *args[key + 1 :]), kwargs
    return args, {**kwargs, key: _other(kwargs[key], draw)}


def _plain(arg: Any) -> bool:
    if isinstance(arg, (list, tuple)):
        return bool(arg) and all(isinstance(item, int) for item in arg)
    return isinstance(arg, (bool, int, float))


def _other(arg: Any, draw: Callable[[Any], Any]) -> Any:
    if isinstance(arg, (list, tuple)):
        place = draw(st.integers(0, len(arg) - 1))
        return [_other(item, draw) if k == place else item for k, item in enumerate(arg)]
    if isinstance(arg, bool):
        return not arg
    if isinstance(arg, int):
        return draw(st.integers(-3, 5))
    return draw(st.sampled_from((0.0, -0.5, 1.0, 2.0, 0.3, -3.0, 1e-3)))


_CHANGES: dict[str, Callable[[Any, Callable[[Any], Any]], Any]] = {
    "arguments": _arguments,
    "floats": _floats,
    "layouts": _layouts,
    "one dtype": _one_dtype,
    "sizes": _sizes,
    "values": _values,
}
