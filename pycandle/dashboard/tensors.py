"""The panel of tensors: what Rust gave, what PyTorch did, and the difference, as maps.

Pure but for the files that the tensors lie in.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from rich.text import Text

from pycandle.dashboard.heatmap import (
    Array,
    coloured,
    flags,
    largest,
    plain,
    plane,
    pooled,
    scale,
    worst_place,
)
from pycandle.dashboard.signs import ACCENT, BAD, DIM, TEXT, Signs, number, printable
from pycandle.verify.modules import Found
from pycandle.verify.tensors import Compared, compared

NAMES = ("Rust", "golden", "difference")


@dataclass(frozen=True, slots=True)
class View:
    """Which part of an output is looked at, and how."""

    which: int | None = None  # one of `NAMES`; all of them beside each other
    index: tuple[int, ...] | None = None  # places along the leading axes; where it differs most
    axis: int = 0  # the leading axis that the keys move along
    colour: bool = True


def load(found: Found, output: int) -> Compared | None:
    """The tensors of an output; none if PyTorch gave none. Raises `ResultsError`."""
    return compared(found.run, found.call, output)


def moved(view: View, tensors: Compared, step: int) -> View:
    """The view with the next or the last slice along its axis, round the end."""
    index = list(index_of(view, tensors))
    if not index:
        return view
    axis = view.axis % len(index)
    index[axis] = (index[axis] + step) % max(tensors.golden.shape[axis], 1)
    return replace(view, index=tuple(index))


def turned(view: View, tensors: Compared, step: int) -> View:
    """The view with the next or the last leading axis for the keys to move along."""
    count = max(tensors.golden.ndim - 2, 1)
    return replace(view, axis=(view.axis + step) % count)


def index_of(view: View, tensors: Compared) -> tuple[int, ...]:
    """Places along the leading axes: those chosen, else where the difference is largest."""
    sizes = tensors.golden.shape[: max(tensors.golden.ndim - 2, 0)]
    if view.index is not None and len(view.index) == len(sizes):
        return tuple(min(i, size - 1) for i, size in zip(view.index, sizes, strict=True))
    difference = tensors.difference
    at = worst_place(tensors.golden if difference is None else difference)
    return at[: len(sizes)] if at else (0,) * len(sizes)


def tensor_panel(
    found: Found, output: int, tensors: Compared, view: View, size: tuple[int, int], signs: Signs
) -> Text:
    """The maps of an output in so many columns and rows."""
    width, height = size
    golden, index = tensors.golden, index_of(view, tensors)
    text = _title(found, output, signs)
    text.append_text(_place(golden, index, view, signs))
    difference = tensors.difference
    arrays = dict(zip(NAMES, (tensors.rust, golden, difference), strict=True))
    if difference is None:
        kept = "its shape differs, see Statistics" if found.call.tensors else "it was not kept"
        advice = "" if found.call.tensors else "; run with PYCANDLE_TENSORS=all"
        text.append(f"Rust's is not there: {kept}{advice}\n", DIM)
    else:
        text.append_text(_worst(tensors.rust, golden, difference))
    if not golden.size:
        return text.append("\nIt has no elements.\n", DIM)
    names = NAMES if view.which is None else (NAMES[view.which],)
    planes = {name: plane(a, index) for name in names if (a := arrays[name]) is not None}
    if not planes:
        return text.append(f"\nThere is no {names[0]} to show; the key 2 has golden.\n", DIM)
    gap = 2
    columns = (width - gap * (len(planes) - 1)) // len(planes)
    rows = height - text.plain.count("\n") - 4
    shared = largest(*(each for name, each in planes.items() if name != "difference"))
    drawn = [
        _map(name, each, (columns, rows), shared, view.colour) for name, each in planes.items()
    ]
    return text.append_text(_beside(drawn, columns, gap))


def _title(found: Found, output: int, signs: Signs) -> Text:
    told = found.call.outputs[output]
    name = f", output {printable(told.name, signs)}" if told.name else ""
    said = f"{found.run.mode}, case {printable(found.call.case, signs)}{name}, "
    return Text(overflow="fold").append(f"{said}{printable(told.dtype, signs)}\n", ACCENT)


def _place(golden: Array, index: tuple[int, ...], view: View, signs: Signs) -> Text:
    """The slice in brackets, with the axis that the keys move along."""
    text = Text("slice ", DIM)
    parts = [str(i) for i in index] + [":"] * (golden.ndim - len(index))
    for axis, part in enumerate(parts):
        text.append("[" if not axis else ", ", DIM)
        is_moved = axis < len(index) and axis == view.axis % len(index)
        text.append(part, f"bold underline {ACCENT}" if is_moved else TEXT)
    shape = signs.times.join(map(str, golden.shape))
    return text.append(f"] of {shape}\n" if parts else "a number\n", DIM)


def _worst(rust: Array | None, golden: Array, difference: Array) -> Text:
    place = worst_place(difference)
    if rust is None or (not place and difference.ndim):
        return Text()
    if not float(difference[place]):
        return Text("Rust's and golden are equal in every bit that counts\n", DIM)
    where = ", ".join(map(str, place))
    far = number(float(difference[place]))
    said = f"{far}, Rust {rust[place]:.7g}, golden {golden[place]:.7g}"
    return Text("worst ", DIM).append(f"[{where}]", TEXT).append(f": {said}\n", DIM)


def _map(
    name: str, values: Array, size: tuple[int, int], shared: float, colour: bool
) -> list[Text]:
    """A map under its name, with its scale."""
    columns, rows = size
    signed = name != "difference"
    most = shared if signed else largest(values)
    small = pooled(values, rows * 2 if colour else rows, columns)
    title = Text(name, f"bold {BAD if name == 'difference' else TEXT}").append_text(flags(values))
    drawn = coloured(small, most, signed) if colour else [Text(row) for row in plain(small, most)]
    return [title, *drawn, scale(most, signed, colour)]


def _beside(blocks: list[list[Text]], width: int, gap: int) -> Text:
    text = Text("\n")
    for row in range(max(map(len, blocks))):
        for i, block in enumerate(blocks):
            line = block[row].copy() if row < len(block) else Text()
            line.truncate(width, pad=i + 1 < len(blocks))
            text.append_text(line)
            text.append(" " * gap if i + 1 < len(blocks) else "\n")
    return text
