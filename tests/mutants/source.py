"""Generated Rust as structs, their parts and functions, so that a place in it has its module.

It reads the text only, and the names of module calls; it must not ask the parity check.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

Span = tuple[int, int]

_CLOSING = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True)
class Part:
    """A module that a struct's `load` makes."""

    maker: str  # `nn::linear`, `BertLayer::load`
    path: str  # below its struct, `layer.{i}` for all of a list
    field: str  # where the struct keeps it; empty for an item of something
    span: Span  # of the call, without `?`
    arguments: tuple[Span, ...]

    @property
    def is_layer(self) -> bool:
        """Whether it is the runtime's own, with no struct of the generated code."""
        return self.maker.startswith("nn::")


@dataclass(frozen=True)
class Owner:
    """What code belongs to: a struct, or a layer that its `load` makes."""

    struct: str
    part: str = ""  # the layer's path below the struct


@dataclass(frozen=True)
class Struct:
    name: str
    span: Span  # of its `impl`
    load: Span
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Source:
    """A generated file."""

    text: str

    @cached_property
    def structs(self) -> Mapping[str, Struct]:
        """In the order of the file; the first is the root."""
        return {struct.name: struct for struct in _structs(self.text)}

    @cached_property
    def constants(self) -> Mapping[str, str]:
        """What stands at the top of the file."""
        return dict(re.findall(r"^pub const (\w+): \w+ = (.+);$", self.text, re.MULTILINE))

    def of(self, span: Span) -> str:
        return self.text[span[0] : span[1]]

    def line(self, offset: int) -> int:
        """The number of the line that holds an offset."""
        return self.text.count("\n", 0, offset) + 1

    def number(self, text: str) -> float | None:
        """The number that an expression of literals, constants and products is, if it is one."""
        product = 1.0
        for factor in text.split("*"):
            word = self.constants.get(factor.strip(), factor.strip())
            try:
                product *= float(word)
            except ValueError:
                return None
        return product

    def forwards(self) -> Iterator[tuple[Struct, Span]]:
        """What stands outside of `load`, struct by struct."""
        for struct in self.structs.values():
            yield struct, (struct.load[1], struct.span[1])

    def owner(self, offset: int) -> Owner | None:
        """Whose code stands there; none at the arguments of another struct's `load`."""
        for struct in self.structs.values():
            if not struct.span[0] <= offset < struct.span[1]:
                continue
            around = [part for part in struct.parts if part.span[0] <= offset < part.span[1]]
            if not around:
                return Owner(struct.name)
            part = max(around, key=lambda part: part.span[0])
            return Owner(struct.name, part.path) if part.is_layer else None
        return None

    def owners(self, paths: Sequence[str]) -> dict[str, Owner]:
        """Whose code each module runs, of these module calls' paths, in their order."""
        root = next(iter(self.structs))
        found = {"": Owner(root)}
        rest = [("", root)]
        for prefix, name in rest:
            for part in self.structs[name].parts:
                pattern = re.escape(joined(prefix, part.path)).replace(r"\{i\}", r"\d+")
                for path in dict.fromkeys(path for path in paths if re.fullmatch(pattern, path)):
                    if part.is_layer:
                        found[path] = Owner(name, part.path)
                    else:
                        child = part.maker.removesuffix("::load")
                        found[path] = Owner(child)
                        rest.append((path, child))
        return {path: found[path] for path in dict.fromkeys(paths) if path in found}

    def lines_of(self, owner: Owner) -> set[int]:
        """The lines of a struct's functions and of where it is loaded; of a layer, the latter."""
        struct = self.structs[owner.struct]
        spans = [part.span for part in struct.parts if part.path == owner.part]
        if not owner.part:
            maker = f"{owner.struct}::load"
            every = (part for each in self.structs.values() for part in each.parts)
            spans = [struct.span, *(part.span for part in every if part.maker == maker)]
        return {at for a, b in spans for at in range(self.line(a), self.line(b) + 1)}


def joined(prefix: str, path: str) -> str:
    return f"{prefix}.{path}" if prefix else path


def closing(text: str, opening: int) -> int:
    """Where the bracket at `opening` is closed again."""
    depth: list[str] = []
    for at in range(opening, len(text)):
        character = text[at]
        if character in _CLOSING:
            depth.append(_CLOSING[character])
        elif depth and character == depth[-1]:
            depth.pop()
            if not depth:
                return at
    raise ValueError(f"nothing closes {text[opening : opening + 40]!r}")


def arguments(text: str, opening: int) -> tuple[Span, ...]:
    """Where the arguments of a call stand, whose bracket is at `opening`."""
    end = closing(text, opening)
    found: list[Span] = []
    start = at = opening + 1
    while at <= end:
        if text[at] in _CLOSING and at < end:
            at = closing(text, at)
        elif text[at] == "," or at == end:
            inner = text[start:at]
            if inner.strip():
                left = start + len(inner) - len(inner.lstrip())
                found.append((left, left + len(inner.strip())))
            start = at + 1
        at += 1
    return tuple(found)


def _structs(text: str) -> Iterator[Struct]:
    for found in re.finditer(r"^impl (\w+) \{\n.*?^\}\n", text, re.MULTILINE | re.DOTALL):
        start, end = found.span()
        load = re.compile(r"^    pub fn load\(.*?^    \}\n", re.MULTILINE | re.DOTALL)
        loads = load.search(text, start, end)
        assert loads, f"{found[1]} has no load"
        yield Struct(found[1], (start, end), loads.span(), tuple(_parts(text, loads.span())))


def _parts(text: str, load: Span) -> Iterator[Part]:
    for found in re.compile(r"\b(nn::\w+|\w+::load)\(").finditer(text, *load):
        end = closing(text, found.end() - 1) + 1
        call = text[found.start() : end]
        path = re.search(r'checker\.pp\((?:format!\()?"([^"]*)"\)', call)
        field = re.compile(r"(\w+):\s*$").search(text, load[0], found.start())
        inner = re.search(r"::load\(|nn::", call[len(found[0]) :])
        if path and not inner:
            yield Part(
                found[1], path[1], field[1] if field else "", (found.start(), end),
                arguments(text, found.end() - 1),
            )  # fmt: skip
