"""Finds which modules must stay in float32 so that a model's outputs are within a tolerance.

Modules are paths, and a model is a function from the modules in low precision to how far its
outputs then are. The search takes for granted that more modules in float32 bring the outputs
nearer; where they do not, what it finds is tested all the same. It is not the only answer, nor the
smallest one. Two thousand modules are no more work than two hundred: the numbers of sets that are
tried are bounded, and an answer that was cut short by that says so.
It must not know what an error is made of, and loads no torch.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from pycandle.progress import progress

Low = frozenset[str]

_MOST_EFFECTS = 200  # sets of modules that are tried for what they do alone
_MOST_TRIES = 200  # sets of modules that are tried to stay in float32
_WIDE = 4  # a group of more parts than these is halved first


@dataclass(frozen=True)
class Kept:
    """What must stay in float32."""

    modules: tuple[str, ...]  # those that harm most first
    minimal: bool  # without any one of them the rest fails
    effects: Mapping[str, float]  # the outputs' error with a module alone in low precision


def search(
    modules: Sequence[str],
    error_of: Callable[[Low], float],
    passes: Callable[[Low], bool],
    alone: Mapping[str, float],
    tolerance: float,
) -> Kept:
    """A set of modules without which all others may be in low precision.

    `error_of` says how far the outputs are with modules in low precision, `passes` whether that is
    allowed in every respect; it is for none of the modules, and is not for all. `alone` is each
    module's own error.
    """
    everything = frozenset(modules)
    tried: dict[Low, bool] = {everything: False, frozenset(): True}

    def enough(kept: frozenset[str]) -> bool:
        low = everything - kept
        if low not in tried:
            tried[low] = passes(low)
        return tried[low]

    order, effects = _by_effect(modules, error_of, alone, tolerance)
    kept = _shortest(order, enough)
    minimal = False
    while not minimal and len(tried) < _MOST_TRIES:
        smaller = _without([m for m in order if m in kept], enough, tried)
        minimal = smaller == kept and all((everything - kept) | {m} in tried for m in kept)
        kept = smaller
    return Kept(tuple(m for m in order if m in kept), minimal, effects)


def _shortest(order: Sequence[str], enough: Callable[[frozenset[str]], bool]) -> frozenset[str]:
    """The shortest beginning that is enough, by bisection."""
    few, many = 0, len(order)
    while many - few > 1:
        middle = (few + many) // 2
        if enough(frozenset(order[:middle])):
            many = middle
        else:
            few = middle
    return frozenset(order[:many])


def _without(
    order: Sequence[str], enough: Callable[[frozenset[str]], bool], tried: Mapping[Low, bool]
) -> frozenset[str]:
    """The modules without those that are not needed, large parts and the least harmful first."""
    kept = frozenset(order)
    size = max(1, len(kept) // 2)
    while size:
        left = [module for module in reversed(order) if module in kept]
        parts = [left[k : k + size] for k in range(0, len(left), size)]
        for part in progress(parts, f"whether {len(kept)} modules must stay in float32"):
            if len(tried) < _MOST_TRIES and enough(kept.difference(part)):
                kept = kept.difference(part)
        size = size // 2 if size > 1 else 0
    return kept


def _by_effect(
    modules: Sequence[str],
    error_of: Callable[[Low], float],
    alone: Mapping[str, float],
    tolerance: float,
) -> tuple[list[str], dict[str, float]]:
    """The modules, those that harm the outputs most first, and the effects that were measured.

    Parts of the module tree are tried as wholes, and the most harmful is taken apart until all that
    are left as wholes together do no harm that counts.
    """
    groups = [(-math.inf, 0, tuple(modules))]
    singles: dict[str, float] = {}
    count = 0
    for _ in progress(range(_MOST_EFFECTS), "which modules harm the outputs"):
        wholes = [effect for effect, _, members in groups if len(members) > 1]
        if math.hypot(*wholes) <= tolerance / 2 or count >= _MOST_EFFECTS:
            break
        _, _, members = heapq.heappop(groups)
        for part in _parts(members):
            count += 1
            effect = error_of(frozenset(part))
            if len(part) == 1:
                singles[part[0]] = effect
            else:
                heapq.heappush(groups, (-effect, count, part))

    def harm(module: str) -> tuple[float, float]:
        return -singles[module], -alone[module]

    order = sorted(singles, key=harm)
    for _, _, members in sorted(groups):
        order += sorted(members, key=lambda module: -alone[module])
    return order, singles


def _parts(members: tuple[str, ...]) -> list[tuple[str, ...]]:
    """A group in the parts that the module tree has it in, or its halves if they are many."""
    split = [path.split(".") if path else [] for path in members]
    depth = 0
    while len({tuple(parts[: depth + 1]) for parts in split}) == 1:
        depth += 1
    found = [
        tuple(members[k] for k in part)
        for _, part in groupby(range(len(members)), lambda k: split[k][: depth + 1])
    ]
    if len(found) <= _WIDE:
        return found
    half = len(found) // 2
    return [sum(found[:half], ()), sum(found[half:], ())]
