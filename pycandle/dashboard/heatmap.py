"""A tensor as a map: a plane of it, pooled to the letters that there are, and drawn.

Pure: arrays in, text out. Each letter stands for the element of the largest magnitude, so that one
bad element stays visible.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rich.style import Style
from rich.text import Text

from pycandle.dashboard.signs import BAD

Array = NDArray[np.float64]
RAMP = " .:-=+*#%@"
_HALF = "▀"
_NEGATIVE, _MIDDLE, _POSITIVE = (95, 160, 255), (24, 27, 34), (255, 158, 84)
_HEAT = ((24, 27, 34), (92, 40, 120), (214, 60, 90), (252, 165, 70), (255, 250, 205))
_NAN, _INFINITE = (255, 0, 255), (255, 255, 255)


def plane(array: Array, index: Sequence[int]) -> Array:
    """The last two axes of an array at places along the others, as rows and columns."""
    if array.ndim < 2:
        return array.reshape(1, -1)
    return array[tuple(index)]


def worst_place(array: Array) -> tuple[int, ...]:
    """Where the largest magnitude is; NaN is larger than any number. Nowhere in nothing."""
    if not array.size:
        return ()
    magnitudes = np.where(np.isnan(array), np.inf, np.abs(array))
    return tuple(int(i) for i in np.unravel_index(int(magnitudes.argmax()), array.shape))


def pooled(values: Array, rows: int, columns: int) -> Array:
    """A plane in at most so many rows and columns, each the largest magnitude with its sign.

    A smaller one is drawn larger, every element as often as every other.
    """
    if not values.size or rows < 1 or columns < 1:
        return np.zeros((0, 0))
    for axis, most in enumerate((rows, columns)):
        size = values.shape[axis]
        if size > most:
            edges = np.arange(most) * size // most
            high = np.maximum.reduceat(values, edges, axis=axis)
            low = np.minimum.reduceat(values, edges, axis=axis)
            # NaN is in both, and no comparison with it holds.
            values = np.where(-low > high, low, high)
        else:
            values = np.repeat(values, min(most // size, (4, 8)[axis]), axis=axis)
    return values


def largest(*arrays: Array) -> float:
    """The largest magnitude of finite elements; 0 without any."""
    finite = (array[np.isfinite(array)] for array in arrays)
    return max((float(np.abs(each).max()) for each in finite if each.size), default=0.0)


def plain(values: Array, most: float) -> list[str]:
    """A letter for each element's magnitude, N for NaN and I for what is infinite."""
    with np.errstate(invalid="ignore", divide="ignore"):
        parts = np.abs(values) / most if most else np.zeros_like(values)
    # What is not nothing is seen.
    steps = np.clip(np.ceil(np.nan_to_num(parts, posinf=1.0) * (len(RAMP) - 1)), 0, len(RAMP) - 1)
    letters = np.array(list(RAMP))[steps.astype(int)]
    letters = np.where(np.isnan(values), "N", np.where(np.isinf(values), "I", letters))
    return ["".join(row) for row in letters]


def coloured(values: Array, most: float, signed: bool) -> list[Text]:
    """Half blocks, two rows of elements a line; `signed` has a colour for either sign."""
    colours = _colours(values, most, signed)
    lines: list[Text] = []
    for top in range(0, len(colours), 2):
        line = Text()
        below = colours[top + 1] if top + 1 < len(colours) else None
        for column, upper in enumerate(colours[top]):
            lower = None if below is None else below[column]
            line.append(_HALF, _style(tuple(upper), None if lower is None else tuple(lower)))
        lines.append(line)
    return lines


def _style(upper: tuple[int, ...], lower: tuple[int, ...] | None) -> Style:
    return Style.parse(f"{_named(upper)} on {_named(lower)}" if lower else _named(upper))


def _named(colour: tuple[int, ...]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _colours(values: Array, most: float, signed: bool) -> NDArray[np.int64]:
    with np.errstate(invalid="ignore", divide="ignore"):
        parts = values / most if most else np.zeros_like(values)
    parts = np.clip(np.nan_to_num(parts, posinf=1.0, neginf=-1.0), -1, 1)
    if signed:
        stops, places = np.array([_NEGATIVE, _MIDDLE, _POSITIVE]), (parts + 1) / 2
    else:
        stops, places = np.array(_HEAT), np.abs(parts)
    steps = np.linspace(0, 1, len(stops))
    channels = [np.interp(places, steps, stops[:, channel]) for channel in range(3)]
    colours = np.stack(channels, axis=-1).astype(int)
    colours[np.isnan(values)] = _NAN
    colours[np.isinf(values)] = _INFINITE
    return colours


def scale(most: float, signed: bool, coloured_map: bool) -> Text:
    """The legend of a map: its ends, and what lies between."""
    if not coloured_map:
        return Text(f"0 {RAMP[1:]} {most:.2g}")
    low = -most if signed else 0.0
    ramp = np.linspace(low, most, 12).reshape(1, -1)
    bar = Text()
    for colour in _colours(ramp, most, signed)[0]:
        bar.append(" ", f"on {_named(tuple(colour))}")
    return Text(f"{low:.2g} ").append_text(bar).append(f" {most:.2g}")


def flags(values: Array) -> Text:
    """How many elements are no finite numbers, if any."""
    counts = (("NaN", int(np.isnan(values).sum())), ("infinite", int(np.isinf(values).sum())))
    told = [f"{count} {name}" for name, count in counts if count]
    return Text(f"  {', '.join(told)}" if told else "", BAD)
