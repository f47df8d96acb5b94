"""The panel of sources: a module's Python and its Rust, the lines that are meant side by side.

Pure but for the files that they stand in.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from rich.style import Style
from rich.text import Span, Text

from pycandle.dashboard.signs import ACCENT, DIM, TEXT, WARN, Signs, printable
from pycandle.errors import PyCandleError
from pycandle.verify.results import Call
from pycandle.verify.running import checked_in_place
from pycandle.verify.sources import Excerpt, python_excerpt, rust_excerpt

_MEANT = "on #2a3350"
_ROOMY = 56  # columns in which code is shown as it is
_ABOVE = 6  # lines that are kept in sight above the one that is meant


@dataclass(frozen=True, slots=True)
class Sources:
    """The sources of a call, ready to be shown."""

    title: Text  # their files, which stay in sight
    text: Text
    begin: int  # the line of the text to begin to read at


@dataclass(frozen=True, slots=True)
class Column:
    """An excerpt as lines of a width, and which of them is the first of the line that is meant."""

    title: Text
    lines: tuple[Text, ...]
    meant: int


def source_panel(root: Path, call: Call, width: int, beside: bool, signs: Signs) -> Sources:
    """The sources of a call: Python on the left and Rust on the right, or one above the other."""
    each = (width - 3) // 2 if beside else width
    python = _python(root, call, each, signs)
    rust = _rust(root, call, each, signs)
    if not beside:
        lines = [*python.lines, Text(), rust.title, *rust.lines]
        return Sources(python.title, Text("\n").join(lines), max(python.meant - _ABOVE, 0))
    meant = max(python.meant, rust.meant)
    left, right = (_shifted(column, meant - column.meant) for column in (python, rust))
    text = Text()
    for row in range(max(len(left), len(right))):
        text.append_text(_row(left[row : row + 1], right[row : row + 1], each, signs)).append("\n")
    title = _row([python.title], [rust.title], each, signs)
    return Sources(title, text, max(meant - _ABOVE, 0))


def _row(left: list[Text], right: list[Text], width: int, signs: Signs) -> Text:
    first = left[0].copy() if left else Text()
    first.truncate(width, pad=True)
    return first.append(f" {signs.rule} ", DIM).append_text(right[0] if right else Text())


def _shifted(column: Column, by: int) -> list[Text]:
    """The lines of a column below empty ones, so that what is meant stands level."""
    return [*[Text()] * by, *column.lines]


def _python(root: Path, call: Call, width: int, signs: Signs) -> Column:
    excerpt = python_excerpt(call.source, (root, Path.cwd()))
    called = f"  called at {call.site}" if call.site else ""
    return _column("Python", call.source, called, excerpt, "python", width, signs)


def _rust(root: Path, call: Call, width: int, signs: Signs) -> Column:
    place = call.rust
    try:
        from pycandle.metadata import crate_metadata

        place = checked_in_place(place, root, crate_metadata(root).generated)
    except PyCandleError:
        pass  # Without a crate there is what cargo built.
    return _column("Rust", place, "", rust_excerpt(place, root), "rust", width, signs)


def _column(
    language: str, place: str, more: str, excerpt: Excerpt | None, lexer: str, width: int,
    signs: Signs,
) -> Column:  # fmt: skip
    title = Text().append(language, f"bold {TEXT}").append(f" {printable(place, signs)}", ACCENT)
    title.append(printable(more, signs), DIM)
    title.truncate(width, overflow="ellipsis" if not signs.plain else "crop")
    if excerpt is None:
        why = "The file is not there." if place else "No line is known."
        return Column(title, (Text(why, DIM),), 0)
    lines: list[Text] = []
    meant = 0
    for number, line in enumerate(_highlighted(excerpt, lexer, width, signs), excerpt.first):
        if number == excerpt.meant:
            meant = len(lines)
        lines.extend(_wrapped(line, number, number == excerpt.meant, width))
    return Column(title, tuple(lines), meant)


def _highlighted(excerpt: Excerpt, lexer: str, width: int, signs: Signs) -> list[Text]:
    """The lines in colours; where there is little room, with half of their indentation."""
    lines = [printable(line.expandtabs(4), signs) for line in excerpt.lines]
    if width < _ROOMY:
        lines = [" " * ((len(x) - len(x.lstrip(" "))) // 2) + x.lstrip(" ") for x in lines]
    if "NO_COLOR" in os.environ:
        return [Text(line) for line in lines]
    from rich.syntax import Syntax

    # An excerpt may begin inside a docstring.
    inside = lexer == "python" and sum(line.count('"""') for line in lines) % 2
    code = "\n".join(['"""'] * inside + lines)
    text = Syntax(code, lexer, theme="one-dark").highlight(code)
    # The panel's background is kept.
    text.spans = [
        Span(span.start, span.end, Style(color=span.style.color, bold=span.style.bold))
        for span in text.spans
        if isinstance(span.style, Style)
    ]
    text.style = ""
    return list(text.split("\n", allow_blank=True))[inside : inside + len(lines)]


def _wrapped(line: Text, number: int, meant: bool, width: int) -> list[Text]:
    """A line with its number, in as many lines of the width as it takes."""
    room = max(width - 6, 8)
    indent = min(len(line.plain) - len(line.plain.lstrip()) + 2, room // 2)
    parts: list[Text] = []
    rest = line
    while rest.plain or not parts:
        lead = indent if parts else 0
        end = _break(rest.plain, room - lead)
        parts.append(Text(" " * lead) + rest[:end])
        rest = rest[end:]
    found: list[Text] = []
    for i, part in enumerate(parts):
        mark = ">" if meant and not i else " "
        # Of a text that is appended to, its own style would go on.
        whole = Text().append(f"{mark}{'' if i else number:>4} ", f"bold {WARN}" if meant else DIM)
        whole.append_text(part)
        if meant:
            whole.truncate(width, pad=True)
            whole.stylize(_MEANT)
        found.append(whole)
    return found


def _break(text: str, room: int) -> int:
    """Where to break a line: after the last letter that is part of no word, if there is one."""
    if len(text) <= room:
        return len(text)
    begin = len(text) - len(text.lstrip())
    ends = (i + 1 for i in range(room - 1, begin, -1) if not (text[i].isalnum() or text[i] == "_"))
    return next(ends, room)
