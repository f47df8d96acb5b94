"""Puts a comparison behind each `let` of a struct's forward, in the text of a file as it stands.

The file may have been edited by hand: its `let`s are matched with those of generated code by their
names, and what matches none is left alone. No line is added, so that a line keeps its number. It
must not know graphs: a value is a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

_TOKEN = re.compile(
    r"""//[^\n]* | /\*.*?\*/ | b?r(\#*)".*?"\1 | b?"(?:[^"\\]|\\.)*" | b?'(?:[^'\\]|\\.[^']*)'
      | [A-Za-z_][A-Za-z0-9_]* | ==|<=|>=|!=|=> | \S""",
    re.VERBOSE | re.DOTALL,
)
_BLOCKS = ("for", "if", "while", "loop", "match", "unsafe", "{")


@dataclass(frozen=True, slots=True)
class Line:
    """A `let` that is compared, by its number among them."""

    number: int
    line: int  # of the file, the first is 1
    text: str  # the whole statement, without its margin
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class _Let:
    names: tuple[str, ...]
    text: str
    begin: int
    end: int  # behind its semicolon


def instrument(
    code: str,
    struct: str,
    method: str,
    lets: Sequence[tuple[Sequence[str], Sequence[str]]],
    first: int = 0,
) -> tuple[str, list[Line]]:
    """The code with its comparisons, and what each of them compares; their numbers from `first`.

    `lets` are the names of each `let` in order, each with the value that it holds, "" for none.
    """
    functions = dict(_functions(code, struct))
    found = list(_spliced(method, functions, code)) if method in functions else []
    names = [[tuple(let.names) for let in found], [tuple(names) for names, _ in lets]]
    lines: list[Line] = []
    places: list[tuple[int, str]] = []
    for mine, theirs, size in SequenceMatcher(None, *names, autojunk=False).get_matching_blocks():
        for let, (bound, values) in zip(
            found[mine : mine + size], lets[theirs : theirs + size], strict=True
        ):
            for name, value in zip(bound, values, strict=True):
                if not value or name == "_":
                    continue
                number = first + len(lines)
                line = code.count("\n", 0, let.begin) + 1
                margin = let.begin - code.rfind("\n", 0, let.begin) - 1
                text = let.text.replace("\n" + " " * margin, "\n")
                lines.append(Line(number, line, text, name, value))
                mutable = "mut " if re.search(rf"\bmut {name}\b", let.text) else ""
                step = f"pycandle_runtime::drill::step(&self.checker, {number}, {name})?"
                places.append((let.end, f" let {mutable}{name} = {step};"))
    for end, text in sorted(places, reverse=True):
        code = code[:end] + text + code[end:]
    return code, lines


def _functions(code: str, struct: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """The methods of a struct, each with where its body begins and ends."""
    head = re.search(rf"^impl {re.escape(struct)} \{{", code, re.MULTILINE)
    if head is None:
        return
    depth, name, on_self, waiting = 1, "", False, False
    begin = 0
    for token, at in _tokens(code, head.end()):
        if token == "fn" and depth == 1:
            waiting, name, on_self = True, "", False
        elif waiting and not name:
            name = token
        elif waiting and token == "self":
            on_self = True
        elif token == "{":
            if waiting and depth == 1:
                waiting, begin = False, at + 1
            depth += 1
        elif token == "}":
            depth -= 1
            if depth == 0:
                return
            if depth == 1 and on_self:
                yield name, (begin, at)


def _spliced(method: str, functions: Mapping[str, tuple[int, int]], code: str) -> Iterator[_Let]:
    """The `let`s of a method, and before one that calls a piece of it those of the piece.

    A piece that is called in more than one place is a function, whose lines have many values.
    """
    pieces = {
        name: span
        for name, span in functions.items()
        if len(re.findall(rf"self\s*\.\s*{name}\s*\(", code)) == 1
    }
    for let in _lets(code, *functions[method]):
        called = re.search(r"self\s*\.\s*(\w+)\s*\(", let.text)
        if called and called[1] in pieces and called[1] != method:
            yield from _lets(code, *pieces[called[1]])
        yield let


def _lets(code: str, begin: int, end: int) -> Iterator[_Let]:
    """The `let` statements of a body that stand in no inner block."""
    depth, first, start = 0, "", begin
    pattern: list[str] = []
    in_pattern = False
    for token, at in _tokens(code, begin, end):
        if not first:
            first, start, pattern, in_pattern = token, at, [], token == "let"
        elif in_pattern and token == "=":
            in_pattern = False
        elif in_pattern:
            pattern.append(token)
        if token in "([{":
            depth += 1
        elif token in ")]}":
            depth -= 1
        ends_block = token == "}" and first in _BLOCKS
        if depth == 0 and (token == ";" or ends_block):
            if first == "let" and not in_pattern:
                yield _Let(_bound(pattern), code[start : at + 1], start, at + 1)
            first = ""


def _bound(pattern: Sequence[str]) -> tuple[str, ...]:
    """The names of a pattern of names, tuples and arrays; its type left out."""
    until = pattern.index(":") if ":" in pattern else len(pattern)
    return tuple(t for t in pattern[:until] if re.fullmatch(r"[a-z_]\w*", t) and t != "mut")


def _tokens(code: str, begin: int, end: int | None = None) -> Iterator[tuple[str, int]]:
    """What is no comment, and where it begins."""
    for match in _TOKEN.finditer(code, begin, len(code) if end is None else end):
        if not match[0].startswith(("//", "/*")):
            yield match[0], match.start()
