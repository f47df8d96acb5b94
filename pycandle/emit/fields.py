"""The fields of a struct: parameters, layers, submodules and lists of them, and how each loads.

They say where a field comes from in the checkpoint and what its constructor takes. They know no
forward and no text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from pycandle.ops.expr import Expr, rewrite


@dataclass(frozen=True, slots=True)
class ParameterField:
    """A tensor of the checkpoint that the module reads itself."""

    path: str
    shape: tuple[Expr, ...]
    dtype: str
    own_dtype: bool = False  # whatever dtype the weights are loaded in


@dataclass(frozen=True, slots=True)
class ModuleField:
    """A submodule: one of the runtime's layers, or another generated struct."""

    path: str
    type: str  # the Rust type
    constructor: str  # "nn::linear" or "BertLayer::load"
    args: tuple[Expr, ...]  # before `vb` and `checker`
    reads_weights: bool


@dataclass(frozen=True, slots=True)
class ListField:
    """A list of submodules of one type, numbered from 0."""

    path: str
    items: tuple[ModuleField, ...]


@dataclass(frozen=True, slots=True)
class ComputedField:
    """A tensor that `load` computes from parameters, under this name."""

    path: str


StructField: TypeAlias = "ParameterField | ComputedField | ModuleField | ListField"


def with_lists(fields: Sequence[ModuleField]) -> list[ModuleField | ListField]:
    """The fields with numbered siblings of one type gathered into lists."""
    groups: dict[str, dict[int, ModuleField]] = {}
    for field in fields:
        stem, _, index = field.path.rpartition(".")
        if stem and index.isdigit():
            groups.setdefault(stem, {})[int(index)] = field
    lists = {
        stem: ListField(stem, tuple(items[k] for k in range(len(items))))
        for stem, items in groups.items()
        if len(items) > 1
        and sorted(items) == list(range(len(items)))
        and len({(item.type, item.constructor, item.reads_weights) for item in items.values()}) == 1
    }
    found: list[ModuleField | ListField] = []
    for field in fields:
        stem = field.path.rpartition(".")[0]
        if stem not in lists:
            found.append(field)
        elif lists[stem].items[0] == field:
            found.append(lists[stem])
    return found


def with_exprs(field: StructField, change: object) -> StructField:
    """The field with `change(expr)` in the place of each expression, as `rewrite` does."""
    if isinstance(field, ListField):
        items = tuple(with_exprs(item, change) for item in field.items)
        return ListField(field.path, items)  # type: ignore[arg-type]
    if isinstance(field, ComputedField):
        return field
    if isinstance(field, ParameterField):
        return replace(field, shape=tuple(rewrite(e, change) for e in field.shape))  # type: ignore[arg-type]
    return replace(field, args=tuple(rewrite(e, change) for e in field.args))  # type: ignore[arg-type]
