"""The Python and the Rust of a module, as excerpts of their files.

It must not know models or results: a place is a file and a line. Nothing is imported or run.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

_MOST_LINES = 120


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Lines of a file, of which one is meant."""

    file: str  # as the place has it
    first: int  # the number of its first line
    lines: tuple[str, ...]
    meant: int  # the number of the line that is meant


def python_excerpt(place: str, roots: Iterable[Path] = ()) -> Excerpt | None:
    """The class or function around a Python line, `transformers/models/bert/modeling_bert.py:99`.

    It is looked for in `roots` first, then where this Python imports from. None if it is not there.
    """
    file, line = _split(place)
    for root in (*roots, *map(Path, sys.path)):
        if file and (text := _text(root / file)):
            first, last = _python_block(text, line)
            return _excerpt(file, text, first, last, line)
    return None


def rust_excerpt(place: str, root: Path) -> Excerpt | None:
    """The struct and its functions around a line of generated Rust, `src/generated/minilm.rs:88`.

    None if the file is not there.
    """
    file, line = _split(place)
    text = _text(root / file) if file else ""
    if not text:
        return None
    lines = text.split("\n")
    starts = [i for i, each in enumerate(lines, 1) if _begins_item(lines, i - 1, each)]
    first = max((i for i in starts if i <= line), default=1)
    last = min((i for i in starts if i > line), default=len(lines) + 1) - 1
    return _excerpt(file, text, first, last, line)


def _begins_item(lines: list[str], index: int, line: str) -> bool:
    """Whether a struct begins here, its comments included; its functions go with it."""
    documented = line.startswith("///") and not lines[index - 1].startswith("///")
    bare = line.startswith(("pub struct ", "pub fn ", "fn ")) and not lines[index - 1].startswith(
        ("///", "#[")
    )
    return documented or bare


def _python_block(text: str, line: int) -> tuple[int, int]:
    """The first and last line of the innermost class around a line, else function, else file."""
    try:
        blocks = _blocks(text)
    except (SyntaxError, ValueError, RecursionError):
        return line, line + _MOST_LINES
    around = [block for block in blocks if block[0] <= line <= block[1]]
    classes = [block for block in around if block[2]]
    first, last, _ = max(classes or around, default=(1, text.count("\n") + 1, False))
    return first, last


@lru_cache(maxsize=32)  # A file has many modules, and takes a while to parse.
def _blocks(text: str) -> tuple[tuple[int, int, bool], ...]:
    """The first and last line of every class and function, and whether it is a class."""
    return tuple(
        (node.lineno, node.end_lineno or node.lineno, isinstance(node, ast.ClassDef))
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    )


def _excerpt(file: str, text: str, first: int, last: int, line: int) -> Excerpt:
    """Those lines, or as many of them around the line that is meant as a reader can take in."""
    lines = text.split("\n")
    if last - first >= _MOST_LINES:
        first = max(first, line - _MOST_LINES // 2)
        last = min(last, first + _MOST_LINES - 1)
    return Excerpt(file, first, tuple(lines[first - 1 : last]), line)


def _split(place: str) -> tuple[str, int]:
    file, _, line = place.rpartition(":")
    return (file, int(line)) if line.isdecimal() else ("", 0)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    except OSError:
        return ""
