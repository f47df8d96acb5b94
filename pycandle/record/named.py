"""The names that a model's own code has for the numbers of its ops: `self.head_dim`.

A number of an op has a name where the Python statement behind the op mentions an attribute of the
module that is that number, and no other that is. What cannot be read so has no name. It must not
know the graph.
"""

from __future__ import annotations

import inspect
import math
from typing import TypeAlias, TypeGuard, cast

import torch

from pycandle.record.mentions import mentions

Number: TypeAlias = int | float
# Smaller integers, and these floats, are constants of the code rather than of the model.
_LEAST, _PLAIN = 2, (0.0, 1.0, -1.0)


def names_of(trace: str, module: torch.nn.Module | None) -> list[tuple[str, Number]]:
    """The numbers of a module that the statement behind an op mentions, each under one name, and
    as often as they may stand in the op.

    Arithmetic with a whole number gives another one; with a factor it may well be the op.
    """
    names: dict[Number, set[str]] = {}
    found: list[tuple[str, Number]] = []
    for mention in mentions(trace) if module is not None else ():
        found_at = _kept if mention.unpacked else attribute
        value = _alike(found_at(module, mention.path))
        name = mention.path[-1].strip("_")
        if is_telling(value) and name.isascii() and name.isidentifier():
            names.setdefault(value, set()).add(name)
            if mention.whole or isinstance(value, float):
                found.append((name, value))
    return [(name, value) for name, value in found if len(names[value]) == 1]


def attribute(module: object, path: tuple[str, ...]) -> object:
    """An attribute of an attribute, without running code of the model's."""
    for name in path:
        try:
            module = inspect.getattr_static(module, name)
        except AttributeError:
            return None
    return module


def _kept(module: object, path: tuple[str, ...]) -> object:
    """What a module has under a name, or one of the objects that it keeps, as its `config`."""
    found = attribute(module, path)
    if found is not None:
        return found
    plain = (torch.nn.Module, torch.Tensor, type)
    kept = (each for each in vars(module).values() if not isinstance(each, plain))
    values = [value for each in kept if (value := attribute(each, path)) is not None]
    return values[0] if len(values) == 1 else None


def _alike(value: object) -> object:
    """The one number of a list of equal ones, as of a window's sides."""
    items = [*cast("list[object]", value)] if isinstance(value, (list, tuple)) else []
    numbers = [item for item in items if is_telling(item)]
    alike = len(numbers) == len(items) and len({*numbers}) == 1
    return items[0] if alike else cast("object", value)


def is_telling(value: object) -> TypeGuard[Number]:
    """Whether a value is a number of the model, and none that all code has."""
    if type(value) is int:
        return _LEAST <= value < 2**63
    return type(value) is float and math.isfinite(value) and value not in _PLAIN
