"""Foretells how many lines a printed line takes once rustfmt has laid it out.

Code generation must not depend on rustfmt, which a user's machine may lack, and functions are cut
by their length. What is foretold is never much less than what comes. It must not know what the
text means.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# rustfmt breaks arguments, arrays and chains that are wider than this: `use_small_heuristics`.
_WIDTH = 60
_LINE = 88  # what is left of a line of 100 within a function
_LINK = re.compile(r"\)\??\.")  # a call in a chain after another
_SHORT = 10  # items that rustfmt puts side by side
_PAIRS = {"(": ")", "[": "]", "{": "}"}
_SIGNS = (" + ", " - ", " * ", " / ", " == ", " != ", " >= ", " <= ", " && ", " || ")


def height(line: str) -> int:
    """The lines that rustfmt makes of one line of printed code."""
    line = line.strip()
    if len(line) <= _WIDTH:
        return 1
    lines, outside, last = 1, "", ""
    pattern = line.startswith("let [")
    for text, inner in _groups(line):
        outside += text
        if inner is not None and len(inner) > _WIDTH:
            parts = _parts(inner)
            lines += 1 + (len(parts) if pattern and not last else _items(parts, len(inner)))
        last = inner or last
    links = len(_LINK.findall(outside))
    lines += links + 1 if links > 1 else 0
    if lines == 1 and len(line) > _LINE:
        lines += max(1 + len(_parts(last)), sum(outside.count(sign) for sign in _SIGNS))
    return lines


def _items(parts: list[str], width: int) -> int:
    """The lines of a list's items; short ones share lines."""
    if len(parts) > 1 and all(len(part.strip()) <= _SHORT for part in parts):
        return 1 + width // _WIDTH
    return sum(map(height, parts))


def _groups(text: str) -> Iterator[tuple[str, str | None]]:
    """The text outside brackets, piece by piece, each with the brackets' content after it."""
    start = 0
    for place, end in _spans(text):
        if text[place] in _PAIRS:
            yield text[start : place + 1] + text[end - 1], text[place + 1 : end - 1]
            start = end
    yield text[start:], None


def _parts(text: str) -> list[str]:
    """What stands between the commas that are in no brackets."""
    parts: list[str] = []
    start = 0
    for place, end in _spans(text):
        if text[place] == ",":
            parts.append(text[start:place])
            start = end
    return [part for part in (*parts, text[start:]) if part.strip()]


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Characters, strings, and brackets with their content, up to a block that goes on in other
    lines; each as its start and end.
    """
    place = 0
    while place < len(text):
        end: int | None = place + 1
        if text[place] == '"':
            end = _after_string(text, place)
        elif text[place] in _PAIRS:
            end = _end(text, place)
        if end is None:
            return
        yield place, end
        place = end


def _end(text: str, place: int) -> int | None:
    """The place after the bracket that closes the one at a place."""
    depth = 0
    while place < len(text):
        char = text[place]
        if char == '"':
            place = _after_string(text, place)
            continue
        depth += (char in "([{") - (char in ")]}")
        place += 1
        if depth == 0:
            return place
    return None


def _after_string(text: str, place: int) -> int:
    """The place after the string literal that begins at a place."""
    place += 1
    while place < len(text) and text[place] != '"':
        place += 2 if text[place] == "\\" else 1
    return place + 1
