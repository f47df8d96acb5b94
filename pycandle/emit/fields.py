"""The fields of a struct: parameters, layers, submodules and lists of them, and how each loads.

They say where a field comes from in the checkpoint and what its constructor takes. They know no
forward and no text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from pycandle.ops.expr import Expr, Number, rewrite

_NUMBERED = re.compile(r"(|.*?[^\d])(0|[1-9]\d*)")
# As many numbered siblings as are worth a list; a container's own structs always are.
_FEWEST, _FEWEST_STRUCTS = 3, 2


@dataclass(frozen=True, slots=True)
class ParameterField:
    """A tensor of the checkpoint that the module reads itself."""

    path: str
    shape: tuple[Expr, ...]
    dtype: str
    own_dtype: bool = False  # whatever dtype the weights are loaded in
    keeps: bool = False  # it keeps what kernels make of it


@dataclass(frozen=True, slots=True)
class ModuleField:
    """A submodule: one of the runtime's layers, or another generated struct."""

    path: str
    type: str  # the Rust type
    constructor: str  # "nn::linear" or "BertLayer::load"
    args: tuple[Expr, ...]  # before `vb` and `checker`
    reads_weights: bool
    checked: bool = True  # whether it is given a checker
    stem: str = ""  # what it is called where its path is a number; else as its type
    listed: tuple[str, int] | None = None  # how its list's length is spelled, and that length


@dataclass(frozen=True, slots=True)
class ListField:
    """Submodules of one type under consecutive numbers: a list's, or siblings that end in them."""

    path: str
    items: tuple[ModuleField, ...]
    length: Expr

    @property
    def prefix(self) -> str:
        """What stands before the number in each item's path."""
        return self.items[0].path.removesuffix(str(self.first))

    @property
    def first(self) -> int:
        """The number of the first item."""
        match = _NUMBERED.fullmatch(self.items[0].path)
        assert match, "the items of a list are numbered"
        return int(match[2])


@dataclass(frozen=True, slots=True)
class ComputedField:
    """A tensor that `load` computes from parameters, under this name."""

    path: str


@dataclass(frozen=True, slots=True)
class OptionalField:
    """A field that some modules of the struct lack."""

    field: ParameterField | ComputedField | ModuleField
    present: Expr  # a flag

    @property
    def path(self) -> str:
        """Where it is, if it is there."""
        return self.field.path


StructField: TypeAlias = "ParameterField | ComputedField | ModuleField | ListField | OptionalField"


def modules_of(field: StructField) -> tuple[ModuleField, ...]:
    """The modules that a field holds, or may hold."""
    match field:
        case ListField(items=items):
            return items
        case OptionalField(field=inner):
            return modules_of(inner)
        case ModuleField():
            return (field,)
        case _:
            return ()


def with_lists(fields: Sequence[ModuleField]) -> list[ModuleField | ListField]:
    """The fields with numbered siblings of one type gathered into lists."""
    groups: dict[str, dict[int, ModuleField]] = {}
    for field in fields:
        stem, _, index = field.path.rpartition(".")
        if stem and index.isdigit():
            groups.setdefault(stem, {})[int(index)] = field
    lists = {
        stem: ListField(stem, tuple(items[k] for k in range(len(items))), _length(items))
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


def _length(items: Mapping[int, ModuleField]) -> Number:
    spelled = {item.listed for item in items.values()}
    name, length = (spelled.pop() if len(spelled) == 1 else None) or ("", 0)
    # Items of the list that are never called are none of these.
    return Number(len(items), "usize", name=name if length == len(items) else "")


def numbered(fields: Sequence[StructField]) -> list[ListField]:
    """The siblings `block1`, `block2`, `block3` of one type as the lists that they could be."""
    taken = {field.path for field in fields}
    groups: dict[tuple[str, str, str, str, bool], dict[int, ModuleField]] = {}
    for field in fields:
        match = _NUMBERED.fullmatch(field.path)
        if isinstance(field, ModuleField) and match and not match[1].endswith("."):
            # Items of a container have no name but what they are.
            stem = match[1].rstrip("_") or field.stem or field.type.rpartition("::")[2]
            key = (stem, match[1], field.type, field.constructor, field.reads_weights)
            groups.setdefault(key, {})[int(match[2])] = field
    found: list[ListField] = []
    for (stem, prefix, _, constructor, _), items in groups.items():
        first = min(items)
        path = f"{stem}s"
        whole = sorted(items) == list(range(first, first + len(items)))
        fewest = _FEWEST if prefix or constructor.startswith("nn::") else _FEWEST_STRUCTS
        if whole and len(items) >= fewest and path not in taken:
            taken.add(path)
            ordered = tuple(items[k] for k in sorted(items))
            found.append(ListField(path, ordered, Number(len(ordered), "usize")))
    return found


def gathered(fields: Sequence[StructField], lists: Collection[ListField]) -> list[StructField]:
    """The fields with each of the lists in the place of its first item."""
    firsts = {field.items[0].path: field for field in lists}
    items = {item.path for field in lists for item in field.items}
    return [
        firsts.get(field.path, field)
        for field in fields
        if field.path in firsts or field.path not in items
    ]


def with_exprs(field: StructField, change: Callable[[Expr], Expr | None]) -> StructField:
    """The field with `change(expr)` in the place of each expression, as `rewrite` does."""
    if isinstance(field, ListField):
        items = tuple(with_exprs(item, change) for item in field.items)
        length = rewrite(field.length, change)
        return ListField(field.path, items, length)  # type: ignore[arg-type]
    if isinstance(field, OptionalField):
        inner = with_exprs(field.field, change)
        return OptionalField(inner, rewrite(field.present, change))  # type: ignore[arg-type]
    if isinstance(field, ComputedField):
        return field
    if isinstance(field, ParameterField):
        return replace(field, shape=tuple(rewrite(e, change) for e in field.shape))
    return replace(field, args=tuple(rewrite(e, change) for e in field.args))
