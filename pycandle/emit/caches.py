"""Finds the lists of which each module of a list takes or gives one item: the caches of a decoder.

Such a list is one argument, or one result, of every forward that has all of it. It declines where
a forward has some of its items, or reads one of them by itself: then all are arguments. It must
not know text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from pycandle.graph import TensorType

Pairs = Sequence[tuple[str, str]]
"""Names, as `past_key_values.key_cache.0`, and values."""

Span = tuple[int, int]


class PartsError(Exception):
    """A list that no forward can take as a whole."""


def find_caches(pairs: Pairs, types: Mapping[str, TensorType]) -> dict[str, tuple[str, ...]]:
    """For each value that is in a list of the model's, all values of the list."""
    found: dict[str, tuple[str, ...]] = {}
    for stem, group in groupby(pairs, key=lambda pair: stem_of(pair[0])):
        items = list(group)
        values = tuple(value for _, value in items)
        same = len({types[value] for value in values}) == 1 and len({*values}) == len(values)
        numbered = [name for name, _ in items] == [f"{stem}.{k}" for k in range(len(items))]
        if stem and len(items) > 1 and same and numbered:
            found |= dict.fromkeys(values, values)
    return found


def stem_of(name: str) -> str:
    """The name of the list that it is the name of an item of; empty if it is none."""
    stem, _, number = name.rpartition(".")
    return stem if number.isdigit() else ""


def spans(pairs: Pairs, caches: Mapping[str, tuple[str, ...]]) -> tuple[Span, ...]:
    """From where to where the pairs are one list. Raises `PartsError` if some have only parts."""
    values = [value for _, value in pairs]
    found: list[Span] = []
    place = 0
    while place < len(values):
        items = caches.get(values[place], ())
        if sum(value in items for value in values) < 2:
            place += 1
            continue
        if tuple(values[place : place + len(items)]) != items:
            raise PartsError
        found.append((place, place + len(items)))
        place += len(items)
    return tuple(found)


def whole(values: Sequence[str]) -> str:
    """What stands in a draft for the list of these values."""
    return f"{values[0]}@list"


def is_whole(value: str) -> bool:
    """Whether it stands for a list."""
    return value.endswith("@list")


def one_of(value: str) -> str:
    """The value, or the first of the list that it stands for."""
    return value.removesuffix("@list")


def grouped(pairs: Pairs, lists: Sequence[Span]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The name and the values of each tensor alone, and of each list, in order."""
    starts = dict(lists)
    place = 0
    while place < len(pairs):
        end = starts.get(place)
        name = pairs[place][0] if end is None else stem_of(pairs[place][0])
        after = place + 1 if end is None else end
        yield name, tuple(value for _, value in pairs[place:after])
        place = after


def joined(pairs: Pairs, lists: Sequence[Span]) -> tuple[str, ...]:
    """The values, where one stands for each list."""
    parts = (values for _, values in grouped(pairs, lists))
    return tuple(whole(values) if values[1:] else values[0] for values in parts)
