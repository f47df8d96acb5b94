"""Solves `einsum`, and products of many matrices, into matrix products and sums.

An equation becomes what a person writes for it: `matmul` where it is one, else as few transposes,
products and sums as it needs, the operands taken pair by pair so that what lies between stays
small. Declines (leaves the node) where dtypes mix in a way that PyTorch itself does not multiply.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from pycandle.graph import Graph, Node, Ref, Size, TensorType, with_blocks
from pycandle.graph.dim import substitute
from pycandle.passes.contraction import Term, Unsolved, Writer, contract, reduced

_EINSUM = "aten.einsum.default"
# As many operands have few enough orders to try them all.
_FEW = 5
_CHAINS = ("aten.linalg_multi_dot.default", "aten.chain_matmul.default")


Labels = frozenset[str]


def solve_einsum(graph: Graph) -> Graph:
    """Replace each such node by nodes that compute the same; the last one keeps its name."""
    renamed: dict[str, str] = {}
    return graph.with_nodes(_without_equations(graph.nodes, graph, renamed), renamed)


def _without_equations(
    nodes: tuple[Node, ...], graph: Graph, renamed: dict[str, str]
) -> tuple[Node, ...]:
    """The nodes, those in blocks included; results that have other names now are renamed."""
    kept: list[Node] = []
    for node in nodes:
        if node.op != _EINSUM and node.op not in _CHAINS:
            kept.append(with_blocks(node, lambda n: _without_equations(n, graph, renamed)))
            continue
        try:
            solved = _solve(graph, node)
        except Unsolved:
            kept.append(node)
            continue
        kept += solved.nodes
        if solved.result != node.out.name:
            renamed[node.out.name] = solved.result
    return tuple(kept)


@dataclass(frozen=True, slots=True)
class _Solved:
    nodes: tuple[Node, ...]
    result: str


@dataclass(frozen=True, slots=True)
class Equation:
    """The labels of each operand's axes, and of the result's."""

    operands: tuple[tuple[str, ...], ...]
    output: tuple[str, ...]


def _solve(graph: Graph, node: Node) -> _Solved:
    tensors = _tensors(node)
    types = [graph.types[name] for name in tensors]
    ranks = [type_.rank for type_ in types]
    if node.op in _CHAINS:
        equation = _chain(ranks)
    else:
        assert isinstance(node.args[0], str)
        equation = parse(node.args[0], ranks)
    writer = Writer(graph, node)
    terms = [
        Term(name, labels, type_)
        for name, labels, type_ in zip(tensors, equation.operands, types, strict=True)
    ]
    sizes = label_sizes(terms)
    terms = [
        reduced(writer, term, _needed(terms, (k,), equation.output)) for k, term in enumerate(terms)
    ]
    estimates = {symbol.name: symbol.recorded for symbol in graph.symbols}
    volumes = {label: substitute(size, estimates) for label, size in sizes.items()}
    for left, right in _order(terms, equation.output, volumes):
        kept = _needed(terms, (left, right), equation.output)
        last = len(terms) == 2
        made = contract(writer, terms[left], terms[right], sizes, kept, equation.output, last)
        terms[left] = made
        del terms[right]
    result = writer.arranged(terms[0], equation.output)
    if not _alike(result.type, node.out.type):
        raise Unsolved
    name = node.out.name if writer.nodes else result.name
    return _Solved(writer.finished(result.name), name)


def _alike(ours: TensorType, theirs: TensorType) -> bool:
    """Whether two types may be the same; PyTorch can state one size in two ways."""
    pairs = zip(ours.shape, theirs.shape, strict=False)
    known = ((x, y) for x, y in pairs if isinstance(x, int) and isinstance(y, int))
    return ours.dtype == theirs.dtype and ours.rank == theirs.rank and all(x == y for x, y in known)


def _tensors(node: Node) -> list[str]:
    operands = node.args[1] if node.op == _EINSUM else node.args[0]
    if not isinstance(operands, tuple):
        raise Unsolved
    return [operand.name for operand in operands if isinstance(operand, Ref)]


def _chain(ranks: list[int]) -> Equation:
    """`ab,bc,cd->ad`; the first operand may be a row, and the last one a column."""
    last = len(ranks) - 1
    labels = tuple(
        tuple(f"{j}" for j in (k, k + 1) if rank == 2 or (j == 1 if k == 0 else j == last))
        for k, rank in enumerate(ranks)
    )
    ends = {"0", f"{len(ranks)}"}
    return Equation(labels, tuple(x for term in labels for x in term if x in ends))


def parse(equation: str, ranks: list[int]) -> Equation:
    """Read an equation as `torch.einsum` does, for operands of these ranks.

    The axes of an ellipsis are labelled by their distance from its end: `.0` is its last one.
    """
    inputs, arrow, output = equation.replace(" ", "").partition("->")
    operands = [_labels(text, rank) for text, rank in zip(inputs.split(","), ranks, strict=True)]
    spread = max((_spread(labels) for labels in operands), key=len, default=())
    if arrow:
        return Equation(tuple(operands), _labels(output, None, spread))
    letters = [label for labels in operands for label in labels if label not in spread]
    single = sorted(label for label in letters if letters.count(label) == 1)
    return Equation(tuple(operands), (*spread, *single))


def _labels(text: str, rank: int | None, spread: tuple[str, ...] = ()) -> tuple[str, ...]:
    parts = re.findall(r"\.\.\.|[A-Za-z]", text)
    if rank is not None:
        count = rank - len([part for part in parts if part != "..."])
        spread = tuple(f".{k}" for k in reversed(range(count)))
    return tuple(x for part in parts for x in (spread if part == "..." else (part,)))


def _spread(labels: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(label for label in labels if label.startswith("."))


def label_sizes(terms: list[Term]) -> dict[str, Size]:
    """The size of each label: an axis of size 1 goes with any other size."""
    sizes: dict[str, Size] = {}
    for term in terms:
        for label, size in zip(term.labels, term.type.shape, strict=True):
            if sizes.get(label, 1) == 1:
                sizes[label] = size
    return sizes


def _needed(terms: list[Term], without: tuple[int, ...], output: tuple[str, ...]) -> frozenset[str]:
    """The labels that the result or an operand other than these needs."""
    rest = (term.labels for k, term in enumerate(terms) if k not in without)
    return frozenset(itertools.chain(output, *rest))


def _order(
    terms: list[Term], output: tuple[str, ...], volumes: Mapping[str, Size]
) -> tuple[tuple[int, int], ...]:
    """Which two operands to multiply, step by step; the product stands in the first one's place.

    The order with the fewest multiplications at the recorded sizes; among many operands, the one
    that begins with the cheapest product each time.
    """

    def cost(labels: Labels) -> int:
        return math.prod(size for x in labels if isinstance(size := volumes[x], int))

    def best(held: tuple[Labels, ...]) -> tuple[int, tuple[tuple[int, int], ...]]:
        if len(held) < 2:
            return 0, ()
        pairs = sorted(
            itertools.combinations(range(len(held)), 2),
            key=lambda pair: cost(held[pair[0]] | held[pair[1]]),
        )
        return min(after(held, pair) for pair in pairs[: None if len(held) <= _FEW else 1])

    def after(
        held: tuple[Labels, ...], pair: tuple[int, int]
    ) -> tuple[int, tuple[tuple[int, int], ...]]:
        left, right = pair
        union = held[left] | held[right]
        rest = [labels for k, labels in enumerate(held) if k not in pair]
        rest.insert(left, union & frozenset(itertools.chain(output, *rest)))
        total, steps = best(tuple(rest))
        return total + cost(union), (pair, *steps)

    return best(tuple(frozenset(term.labels) for term in terms))[1]
