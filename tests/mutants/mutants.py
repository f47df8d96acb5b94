"""Chooses mistakes by a seed, and derives from the place of each which module is to be named."""

from __future__ import annotations

import difflib
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from tests.mutants import checkpoints, operators
from tests.mutants.checkpoints import Weights
from tests.mutants.operators import Change
from tests.mutants.source import Owner, Source

T = TypeVar("T")


@dataclass(frozen=True)
class Mutant:
    """An architecture's code, or its checkpoint, with one mistake."""

    name: str  # its Rust module, or its checkpoint
    kind: str
    place: str  # the struct, the layer or the tensor that is wrong
    change: str  # what stood there and what stands there now
    expected: tuple[str, ...]  # the modules of that code, in call order: the first is to be named
    text: str = ""  # the whole code; empty where the checkpoint is wrong
    index: int = 0  # which of its kind's changes of a checkpoint

    @cached_property
    def source(self) -> Source:
        return Source(self.text)


@dataclass(frozen=True)
class Checkpoint:
    """What a model loads."""

    weights: Weights
    other: Weights  # of another training
    names: Mapping[str, Sequence[str]]  # all under which a model has a tensor, if it is tied


def choose(
    source: Source, checkpoint: Checkpoint, paths: Sequence[str], seed: str, each: int
) -> list[Mutant]:
    """At most so many of each kind; `paths` are those of the module calls, in their order."""
    owners = source.owners(paths)
    found = [*_in_code(source, owners, seed, each), *_in_weights(checkpoint, owners, seed, each)]
    return [
        Mutant(
            f"m{number:03}", each.kind, each.place, each.change, each.expected, each.text,
            each.index,
        )
        for number, each in enumerate(found)
    ]  # fmt: skip


def _in_code(source: Source, owners: dict[str, Owner], seed: str, each: int) -> Iterator[Mutant]:
    for kind, operator in operators.KINDS.items():
        sites = [
            (change, owner, expected)
            for change in operator(source)
            if (owner := source.owner(change.span[0]) or _of(change, owners))
            and (expected := _expected(change, owner, owners))
        ]
        for change, owner, expected in _sample(sites, f"{seed}:{kind}", each):
            text = change.applied(source.text)
            place = f"`{owner.struct}{f'.{owner.part}' if owner.part else ''}`"
            place += f", line {source.line(change.span[0])}"
            yield Mutant("", kind, place, _told(source.text, text), expected, text)


def _in_weights(
    checkpoint: Checkpoint, owners: dict[str, Owner], seed: str, each: int
) -> Iterator[Mutant]:
    for kind, operator in checkpoints.KINDS.items():
        changes = list(enumerate(operator(checkpoint.weights, checkpoint.other)))
        for index, tensors in _sample(changes, f"{seed}:{kind}", each):
            change = " and ".join(f"`{name}`" for name in tensors)
            names = (each for name in tensors for each in checkpoint.names.get(name, (name,)))
            wrong = {_holder(name, owners) for name in names}
            expected = tuple(path for path in owners if path in wrong)
            yield Mutant("", kind, "the checkpoint", change, expected, index=index)


def _holder(tensor: str, owners: dict[str, Owner]) -> str:
    """The module that a tensor of the checkpoint is of, or what stands around it."""
    around = [path for path in owners if not path or f"{tensor}.".startswith(f"{path}.")]
    return max(around, key=len)


def _of(change: Change, owners: dict[str, Owner]) -> Owner | None:
    return next((owner for path, owner in owners.items() if path == change.path), None)


def _expected(change: Change, owner: Owner, owners: dict[str, Owner]) -> tuple[str, ...]:
    """The modules whose code it is; for one module of a list, that below each such."""
    paths = [path for path, each in owners.items() if each == owner]
    if not change.path:
        return tuple(paths)
    below = (f"{path}.{change.path}".strip(".") for path in paths)
    return tuple(path for path in below if path in owners)


def _sample(sites: list[T], seed: str, each: int) -> list[T]:
    """So many of them in their order, by a seed; a string seeds alike in every process."""
    chosen = random.Random(seed).sample(range(len(sites)), min(each, len(sites)))
    return [sites[k] for k in sorted(chosen)]


def _told(old: str, new: str) -> str:
    """The lines that differ, on one line."""
    before, after = old.splitlines(), new.splitlines()
    parts: list[str] = []
    for tag, i, j, k, m in difflib.SequenceMatcher(None, before, after, False).get_opcodes():
        if tag != "equal":
            was, now = (re.sub(r"\s+", " ", " ".join(x)).strip() for x in (before[i:j], after[k:m]))
            parts.append(" → ".join(f"`{x}`" for x in (was, now) if x))
    return "; ".join(parts)
