"""Keeps the length of a list open that Python makes of a range of a size.

`list(range(length))` makes its length a constant of the exported program, since Python counts it
out. A model that only looks at the ends of such a list, at its length and at every so many of its
numbers, needs none of the others: while it is exported the list is a rule. Whatever else is done
with it counts it out, as Python would.
"""

# PyTorch annotates only part of what it exports, and keeps some of it private.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import builtins
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from pycandle.record.loops import is_open


@contextmanager
def whole_ranges(model: torch.nn.Module) -> Generator[bool]:
    """Within it, `list`, `range` and `len` of the model's own files know lists of open length.

    Yields whether a file uses them so.
    """
    names = sorted({type(module).__module__ for module in model.modules()})
    files = [sys.modules.get(name) for name in names if not name.startswith("torch.")]
    own = [file for file in files if _lists_ranges(file)]
    hidden = [(m, name) for m in own for name in _INSTEAD if name not in vars(m)]
    for module, name in hidden:
        setattr(module, name, _INSTEAD[name])
    try:
        yield bool(own)
    finally:
        for module, name in hidden:
            delattr(module, name)


def _lists_ranges(module: Any) -> bool:
    """Whether it says `list(range(`; a file without source does not."""
    file = getattr(module, "__file__", None) or ""
    if not file.endswith(".py"):
        return False
    return "list(range(" in Path(file).read_text(encoding="utf-8")


@dataclass(frozen=True)
class Numbers:
    """Some numbers, and then `count` of them from `start` on, `step` apart."""

    first: tuple[Any, ...]
    start: Any
    step: Any
    count: Any

    def __getitem__(self, key: Any) -> Any:
        match key:
            case slice(start=(None | 0 | 1) as start, stop=(None | -1) as stop, step=step):
                if step is None or (isinstance(step, int) and step > 0):
                    return self._cut(start or 0, stop or 0)._every(step or 1)
            case 0 if self.first:
                return self.first[0]
            case 0 if self.count > 0:
                return self.start
            case -1 if self.count > 0:
                return self.start + self.step * (self.count - 1)
            case -1 if self.first:
                return self.first[-1]
            case _:
                pass
        return builtins.list(self)[key]

    def __radd__(self, others: Any) -> Numbers:
        return Numbers((*others, *self.first), self.start, self.step, self.count)

    def __iter__(self) -> Iterator[Any]:
        yield from self.first
        yield from (self.start + self.step * k for k in builtins.range(int(self.count)))

    def __len__(self) -> int:
        return int(self.length)

    @property
    def length(self) -> Any:
        """How many there are, as the open size that it is."""
        return builtins.len(self.first) + self.count

    def _cut(self, start: int, stop: int) -> Numbers:
        """Without the first one, or the last one, or both."""
        made = self
        if stop:
            if made.count > 0:
                made = Numbers(made.first, made.start, made.step, made.count - 1)
            else:
                made = Numbers(made.first[:-1], made.start, made.step, made.count)
        if not start:
            return made
        if made.first:
            return Numbers(made.first[1:], made.start, made.step, made.count)
        if made.count > 0:
            return Numbers((), made.start + made.step, made.step, made.count - 1)
        return made

    def _every(self, step: int) -> Numbers:
        skipped = -builtins.len(self.first) % step
        return Numbers(
            self.first[::step],
            self.start + self.step * skipped,
            self.step * step,
            (self.count - skipped + step - 1) // step,
        )


# What stands for the built-ins.


def _range(*args: Any) -> Any:
    if builtins.len(args) == 1 and is_open(args[0]):
        return Numbers((), 0, 1, args[0])
    return builtins.range(*args)


def _len(items: Any) -> Any:
    return items.length if isinstance(items, Numbers) else builtins.len(items)


class _ListType(type):
    """As a type, the built-in one; called, a list or a rule for one."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, builtins.list)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, builtins.list)

    def __call__(cls, *args: Any) -> Any:
        if args and isinstance(args[0], Numbers):
            return args[0]
        return builtins.list(*args)


class _List(metaclass=_ListType):
    def __class_getitem__(cls, item: Any) -> Any:
        return builtins.list[item]


_INSTEAD = {"range": _range, "len": _len, "list": _List}
