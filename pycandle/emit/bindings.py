"""Which value of the graph each `let` of the generated code binds, for one module call.

That is how a line of Rust is held against PyTorch. It must not know how values are computed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher

from pycandle.emit.compiled import Compiled
from pycandle.emit.printing import statement_lines
from pycandle.emit.rust import FieldNames
from pycandle.emit.scopes import moving
from pycandle.emit.statements import Let
from pycandle.emit.structs import Forward, Struct
from pycandle.emit.tree import Tree
from pycandle.graph import Node

_LET = re.compile(r"let (.*?) = ")


@dataclass(frozen=True, slots=True)
class Bound:
    """The names that one `let` binds, each with its value."""

    names: tuple[str, ...]
    values: tuple[str, ...]  # "" where the call has no such value


@dataclass(frozen=True, slots=True)
class Bindings:
    """What a module's code binds."""

    struct: str
    method: str  # the forward that makes the call
    # In order, those of its pieces included; what a loop or a read binds has no value.
    lets: tuple[Bound, ...]


def bindings(compiled: Compiled, region: int) -> Bindings | None:
    """What the code of a module call binds; none for a layer of the runtime, which has no code."""
    for struct in compiled.made[0]:
        for forward in struct.forwards:
            if region in forward.regions:
                same = _same(compiled.tree, _printed(compiled.tree, forward), region)
                lets = tuple(_lets(struct, forward.name, same))
                return Bindings(struct.name, forward.name, lets)
    return None


def _printed(tree: Tree, forward: Forward) -> int:
    """The call that the code was printed from, whose values it has: of variants one with all."""
    held = {v for s in forward.body.statements if isinstance(s, Let) for v in s.values}
    made = {r: {out.name for node in tree.nodes[r] for out in node.outs} for r in forward.regions}
    return max(forward.regions, key=lambda region: len(held & made[region]))


def _lets(struct: Struct, method: str, same: Mapping[str, str]) -> Iterator[Bound]:
    body = next(forward.body for forward in struct.forwards if forward.name == method)
    names = FieldNames(struct.fields, struct.stored)
    for statement in moving(body.statements, body.results):
        if isinstance(statement, Let):
            values = tuple(same.get(value, "") for value in statement.values)
            if statement.names:
                yield Bound(statement.names, values or ("",) * len(statement.names))
            continue
        for line in statement_lines(statement, names):
            if pattern := _LET.match(line):
                bound = tuple(name for name in re.findall(r"\w+", pattern[1]) if name != "mut")
                yield Bound(bound, ("",) * len(bound))


def _same(tree: Tree, first: int, other: int) -> dict[str, str]:
    """The values of one call, each with that of another call of an equal module.

    What only one of them computes, as where modules of one struct lack parts, has none.
    """
    mine, theirs = tree.nodes[first], tree.nodes[other]
    keys = [[_key(tree, node, region) for node in nodes]
            for nodes, region in ((mine, first), (theirs, other))]  # fmt: skip
    pairs: dict[str, str] = dict(
        zip(
            (value for _, value in tree.inputs(first)),
            (value for _, value in tree.inputs(other)),
            strict=False,
        )
    )
    for start, begin, size in SequenceMatcher(None, *keys, autojunk=False).get_matching_blocks():
        for one, two in zip(mine[start : start + size], theirs[begin : begin + size], strict=True):
            pairs |= {a.name: b.name for a, b in zip(one.outs, two.outs, strict=True)}
    return pairs


def _key(tree: Tree, node: Node, region: int) -> tuple[str, str, int]:
    """What a node has in common with its twin in an equal module."""
    path = tree.graph.regions[node.region].path
    return node.op, path[len(tree.graph.regions[region].path) :], len(node.outs)
