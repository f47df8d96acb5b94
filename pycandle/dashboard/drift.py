"""Drift through depth, as a line of columns: what part of the limit each error is, in call order.

Pure: numbers in, lines of text out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from rich.text import Text

from pycandle.dashboard.signs import ACCENT, BAD, DIM, GOOD, Signs

_LEAST, _MOST = 1e-4, 1e4


def level(used: float) -> float:
    """A part of the limit on a scale of logarithms from -1 to 1; 0 is the limit itself."""
    if math.isnan(used):
        return 1.0
    clamped = min(max(used, _LEAST), _MOST)
    return 2 * math.log(clamped / _LEAST) / math.log(_MOST / _LEAST) - 1


def columns(values: Sequence[float | None], width: int) -> list[float | None]:
    """So many columns, each the worst of its values; none where nothing was compared.

    Where there are more columns than values, a value has several.
    """
    count = len(values)
    starts = [i * count // width for i in range(width + 1)] if count else []
    pairs = pairwise(starts)
    found = ([v for v in values[a : max(b, a + 1)] if v is not None] for a, b in pairs)
    return [max(each, key=level, default=None) for each in found]


def crossings(pooled: Sequence[float | None]) -> list[int]:
    """The columns where the limit is crossed from below."""
    over = [value is not None and not value <= 1 for value in pooled]
    return [i for i, each in enumerate(over) if each and not (i and over[i - 1])]


def drift_lines(
    values: Sequence[float | None], width: int, signs: Signs, here: int | None = None
) -> list[Text]:
    """Three lines: what is over the limit, what is within it, and marks below.

    The line between the first two is the limit, so that no colour is needed to see it. `here` is
    the value that is chosen.
    """
    pooled = columns(values, width)
    over, within, below = Text(), Text(), Text()
    crossed = crossings(pooled)
    chosen = range(0)
    if here is not None and values:
        start, end = (i * width // len(values) for i in (here, here + 1))
        chosen = range(start, max(end, start + 1))
    for i, value in enumerate(pooled):
        height = level(value) if value is not None else None
        style = BAD if value is not None and not value <= 1 else GOOD
        over.append(_column(max(height, 0.0) if height is not None else 0.0, signs), style)
        part = min(height + 1, 1.0) if height is not None else 0.0
        within.append(_column(max(part, 0.125) if height is not None else 0.0, signs), style)
        if i in chosen:
            below.append(signs.here, ACCENT)
        else:
            below.append(signs.crossing if i in crossed else " ", BAD)
    if not values:
        within.append("no drift yet", DIM)
    return [over, within, below]


def drift_text(
    values: Sequence[float | None], width: int, signs: Signs, here: int | None = None
) -> Text:
    """The lines with their names, in at most so many letters."""
    text = Text()
    lines = drift_lines(values, width - 10, signs, here)
    for name, line in zip(("over ", "within ", ""), lines, strict=True):
        text.append(f"{name:>8} ", DIM).append_text(line).append("\n")
    return text


def _column(part: float, signs: Signs) -> str:
    """A column that is filled so far; what is not nothing is seen."""
    most = len(signs.levels) - 1
    return signs.levels[min(max(round(part * most), 1 if part > 0 else 0), most)]
