"""Names the symbols of dynamic axes, and states the sizes that each may take.

The user's own `Dim` names win; otherwise an axis is named by what its position usually is. Names
are for readers only: nothing may depend on them.
"""

# PyTorch annotates only part of what it exports, and keeps some of it private.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false, reportPrivateUsage=false

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

import torch
from torch.export import Dim
from torch.export.dynamic_shapes import _tree_map_with_path
from torch.utils import _pytree as pytree

from pycandle.graph import Symbol
from pycandle.record.export import Exported, user_inputs


def name_symbols(exported: Exported) -> dict[str, Symbol]:
    """Torch's symbol name -> `Symbol`, in order of appearance in the inputs."""
    ranges = {str(s): r for s, r in exported.program.range_constraints.items()}
    found: dict[str, Symbol] = {}
    alike: dict[tuple[object, int, int], str] = {}
    wholes = _wholes(exported)
    for torch_name, axis, fake, given in _axes(exported):
        if torch_name in found:
            continue
        named = _dim_of(exported, given, axis)
        argument, whole = wholes.get(id(given), (None, ""))
        if named is None and (axis == 0 or whole):
            # Tensors of one leading size are one batch, also where the graph could do without; and
            # the parts of one argument, as caches are, have one length where they are as long.
            key = (None if axis == 0 else argument, axis, int(given.shape[axis]))
            first = alike.setdefault(key, torch_name)
            if first in found:
                found[torch_name] = found[first]
                continue
        wanted, least = named or (_guess(fake, axis, whole), 1)
        taken = {symbol.name for symbol in found.values()}
        name, count = wanted, 2
        while name in taken:
            name, count = f"{wanted}_{count}", count + 1
        known = ranges.get(torch_name)
        upper = None if known is None or known.upper >= sys.maxsize - 1 else int(known.upper)
        lower = 1 if known is None else int(known.lower)
        # A range from 2 says that a branch was taken, or that torch specialised 0 and 1, where
        # size 1 may well do the same: that is tried when goldens are recorded.
        lower = max(least, 1) if lower <= 2 else lower
        found[torch_name] = Symbol(name, lower, upper, int(given.shape[axis]))
    return found


def bounded(exported: Exported) -> set[str]:
    """The names of the axes that the user's own `Dim` says are never empty."""
    named = (_dim_of(exported, given, axis) for _, axis, _, given in _axes(exported))
    return {name for name, least in filter(None, named) if least > 0}


def _axes(exported: Exported) -> Iterator[tuple[str, int, torch.Tensor, torch.Tensor]]:
    for _, fake, given in user_inputs(exported.program, exported.args, exported.kwargs):
        for axis, size in enumerate(fake.shape):
            if isinstance(size, torch.SymInt) and size.node.expr.is_symbol:
                yield str(size.node.expr), axis, fake, given


def _dim_of(exported: Exported, given: torch.Tensor, axis: int) -> tuple[str, int] | None:
    """The user's `Dim` for an axis: its name as an identifier, and its lower bound."""
    for shapes, leaf in _matched(exported):
        if leaf is not given or shapes is None:
            continue
        entry = shapes.get(axis) if isinstance(shapes, dict) else dict(enumerate(shapes)).get(axis)
        if isinstance(entry, Dim):
            name = re.sub(r"\W", "_", entry.__name__, flags=re.ASCII).lower()
            return (name if name.isidentifier() else f"d_{name}"), int(entry.min)
    return None


def _matched(exported: Exported) -> Iterator[tuple[Any, Any]]:
    """Each input leaf beside its entry of dynamic_shapes."""
    shapes = exported.dynamic_shapes
    if shapes is None:
        return
    if isinstance(shapes, dict):
        named = dict(zip(shapes, exported.args)) | exported.kwargs  # noqa: B905
        trees = [(shapes.get(name), value) for name, value in named.items()]
    else:
        trees = list(zip(shapes, (*exported.args, *exported.kwargs.values()), strict=False))
    found: list[tuple[Any, Any]] = []

    def pair(_path: object, leaf: Any, entry: Any) -> None:
        found.append((entry, leaf))

    for spec, value in trees:
        if spec is not None:
            with suppress(Exception):  # What does not match, torch.export has refused.
                _tree_map_with_path(pair, value, spec, tree_name="inputs")
    yield from found


def _wholes(exported: Exported) -> dict[int, tuple[object, str]]:
    """The argument that each tensor is a part of, and its name, for those that are part of one."""
    flat = pytree.tree_flatten_with_path((exported.args, exported.kwargs))[0]
    parts: dict[object, dict[str, int]] = {}
    names = user_inputs(exported.program, exported.args, exported.kwargs)
    named = {id(given): name for name, _, given in names}
    for path, leaf in flat:
        if len(path) > 2 and id(leaf) in named:
            parts.setdefault(path[:2], {})[named[id(leaf)]] = id(leaf)
    # The exporter has named each part after the argument, then by its place in it.
    return {
        leaf: (argument, re.sub(r"[\d_]+$", "", _common(leaves)))
        for argument, leaves in parts.items()
        for leaf in leaves.values()
    }


def _common(names: Iterable[str]) -> str:
    """What all names start with."""
    letters = itertools.takewhile(lambda same: len(set(same)) == 1, zip(*names, strict=False))
    return "".join(same[0] for same in letters)


def _guess(fake: torch.Tensor, axis: int, whole: str) -> str:
    """What an axis at this place usually is."""
    if axis == 0:
        return "batch"
    if whole:
        return f"{whole}_length"
    if fake.ndim == 4:
        return ("batch", "channels", "height", "width")[axis]
    if fake.ndim == 3:
        return ("batch", "seq", "length")[axis]
    return "seq" if axis == 1 else f"size_{axis}"
