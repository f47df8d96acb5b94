"""Reads what nodes compute as a formula: a sum of products of values, and of functions of formulas.

Each way to spell a function, `x * x * x` or `pow(x, 3)`, `2 * (x + 1)` or `2 * x + 2`, has one
formula. What is read by more than one node, is a result of its module, belongs to another one, or
depends on parameters alone, is a value of the formula; so are halves, whose steps round coarsely,
and integers.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from pycandle.graph import Arg, Graph, Node, Ref

FLOATS = ("f64", "f32")
# A number that is written with less digits than its dtype holds is still that number.
_TOLERANCE = 2.0**-23
# No function that has a name of its own needs more.
_NODES, _TERMS, _FACTORS = 16, 8, 8


@dataclass(frozen=True, slots=True)
class Function:
    """A function of a formula; a mean has the axes that it is taken over."""

    name: str
    of: Formula
    axes: tuple[int, ...] = ()


Factor: TypeAlias = "str | Function"
Product: TypeAlias = tuple[Factor, ...]


@dataclass(frozen=True, slots=True)
class Formula:
    """A sum: each product of factors, in order, with the number that it is taken times."""

    terms: tuple[tuple[Product, float], ...]


@dataclass(frozen=True)
class Reading:
    """A formula, and the nodes that it says in one, the last of them first."""

    formula: Formula
    nodes: tuple[Node, ...]


def variable(name: str) -> Formula:
    """The formula that is one value."""
    return Formula((((name,), 1.0),))


def number(value: float) -> Formula:
    """The formula that is one number."""
    return _summed([((), float(value))])


def plus(left: Formula, right: Formula) -> Formula:
    """The sum of two formulas."""
    return _summed([*left.terms, *right.terms])


def times(left: Formula, right: Formula) -> Formula:
    """The product of two formulas."""
    pairs = itertools.product(left.terms, right.terms)
    return _summed([(_ordered((*a, *b)), m * n) for (a, m), (b, n) in pairs])


def function(name: str, of: Formula, axes: tuple[int, ...] = ()) -> Formula:
    """A function of a formula, which stays one: only one over a root has another name."""
    match of.terms:
        case (((Function(name="sqrt", of=inner),), 1.0),) if name == "reciprocal":
            return function("rsqrt", inner)
        case _:
            return Formula((((Function(name, of, axes),), 1.0),))


def values(formula: Formula) -> set[str]:
    """The names of the values in a formula."""
    found: set[str] = set()
    for factor in itertools.chain.from_iterable(product for product, _ in formula.terms):
        found |= {factor} if isinstance(factor, str) else values(factor.of)
    return found


def agree(left: Formula, right: Formula) -> bool:
    """Whether both are the same, but for how many digits of their numbers are written."""
    return len(left.terms) == len(right.terms) and all(
        math.isclose(m, n, rel_tol=_TOLERANCE)
        and len(a) == len(b)
        and all(itertools.starmap(_factors_agree, zip(a, b, strict=True)))
        for (a, m), (b, n) in zip(left.terms, right.terms, strict=True)
    )


def _factors_agree(left: Factor, right: Factor) -> bool:
    if isinstance(left, str) or isinstance(right, str):
        return left == right
    return (left.name, left.axes) == (right.name, right.axes) and agree(left.of, right.of)


def _summed(terms: Iterable[tuple[Product, float]]) -> Formula:
    total: dict[Product, float] = {}
    for product, factor in terms:
        total[product] = total.get(product, 0.0) + factor
    # What is taken zero times stays: it may be infinite or NaN, and then the sum is NaN.
    return Formula(tuple(sorted(total.items(), key=lambda term: _key(term[0]))))


def _ordered(product: Product) -> Product:
    return tuple(sorted(product, key=lambda factor: _key((factor,))))


def _key(product: Product) -> str:
    """What orders products, whatever the numbers in them are."""
    parts = (
        f"{f.name}{f.axes}({' + '.join(_key(p) for p, _ in f.of.terms)})"
        if isinstance(f, Function)
        else f"%{f}"
        for f in product
    )
    return " * ".join(parts)


def readings(graph: Graph) -> dict[str, Reading]:
    """The formula of every value that an op of a formula computes, by its name."""
    reader = _Reader(graph, frozenset(output.value for output in graph.outputs), _fixed(graph), {})
    for node in graph.nodes:
        found = reader.read(node)
        if found is not None:
            reader.found[node.out.name] = found
    return reader.found


def _fixed(graph: Graph) -> frozenset[str]:
    """The values that depend on parameters alone, parameters included."""
    fixed = {parameter.value.name for parameter in graph.parameters}
    for node in graph.nodes:
        if node.inputs and fixed.issuperset(node.inputs):
            fixed.update(out.name for out in node.outs)
    return frozenset(fixed)


@dataclass(frozen=True)
class _Reader:
    """What is known where a node is read: the formulas of those before it, by their values."""

    graph: Graph
    outputs: frozenset[str]
    fixed: frozenset[str]
    found: dict[str, Reading]

    def read(self, node: Node) -> Reading | None:
        """The formula of a node; None where it is no op of a formula, or of one too long."""
        rule = _RULES.get(node.op)
        if rule is None or node.kwargs or node.out.type.dtype not in FLOATS:
            return None
        nodes = [node]

        def argument(arg: Arg) -> Formula | None:
            if not isinstance(arg, Ref):
                # No known function has a number as large, and no float is as large as some.
                if isinstance(arg, (int, float)) and abs(arg) < 2**53:
                    return number(arg)
                return None
            within = self._within(arg.name, node)
            nodes.extend(within.nodes if within else ())
            return within.formula if within else variable(arg.name)

        formula = rule(node, argument)
        if formula is None or len(nodes) > _NODES or len(formula.terms) > _TERMS:
            return None
        return Reading(formula, tuple(nodes))

    def _within(self, name: str, reader: Node) -> Reading | None:
        """The formula of a value that nothing but the reader has a use for."""
        found = self.found.get(name)
        if found is None or found.nodes[0].region != reader.region or name in self.fixed:
            return None
        if name in self.outputs or name in self.graph.given or len(self.graph.uses[name]) > 1:
            return None
        return found


_Read: TypeAlias = Callable[[Arg], Formula | None]
_Rule: TypeAlias = Callable[[Node, _Read], Formula | None]


def _binary(join: Callable[[Formula, Formula], Formula | None]) -> _Rule:
    def rule(node: Node, read: _Read) -> Formula | None:
        operands = [read(arg) for arg in node.args]
        left, right = operands if len(operands) == 2 else (None, None)
        return None if left is None or right is None else join(left, right)

    return rule


def _minus(left: Formula, right: Formula) -> Formula:
    return plus(left, times(number(-1), right))


def _over(left: Formula, right: Formula) -> Formula | None:
    match right.terms:
        case (((), value),):
            return times(left, number(1 / value)) if value else None
        case _:
            return _product(left, function("reciprocal", right))


def _unary(make: Callable[[Formula], Formula | None]) -> _Rule:
    def rule(node: Node, read: _Read) -> Formula | None:
        of = read(node.args[0]) if len(node.args) == 1 else None
        return None if of is None else make(of)

    return rule


def _called(name: str) -> _Rule:
    return _unary(lambda of: function(name, of))


def _power(node: Node, read: _Read) -> Formula | None:
    match node.args:
        case (tensor, 2 | 2.0):
            of = read(tensor)
            return _product(of, of)
        case (tensor, 3 | 3.0):
            of = read(tensor)
            return _product(of, _product(of, of))
        case _:
            return None


def _product(left: Formula | None, right: Formula | None) -> Formula | None:
    """The product of two formulas; None if it is of more factors than any known function."""
    if left is None or right is None or _degree(left) + _degree(right) > _FACTORS:
        return None
    return times(left, right)


def _degree(formula: Formula) -> int:
    return max((len(product) for product, _ in formula.terms), default=0)


def _mean(node: Node, read: _Read) -> Formula | None:
    """A mean that keeps its axes."""
    match node.args:
        case (tensor, tuple() as axes, True):
            of, rank = read(tensor), max(node.out.type.rank, 1)
            plain = tuple(sorted(axis % rank for axis in axes if isinstance(axis, int)))
            return function("mean", of, plain) if of is not None else None
        case _:
            return None


_RULES: dict[str, _Rule] = {
    **dict.fromkeys(("aten.add.Tensor", "aten.add.Scalar"), _binary(plus)),
    **dict.fromkeys(("aten.sub.Tensor", "aten.sub.Scalar"), _binary(_minus)),
    **dict.fromkeys(("aten.mul.Tensor", "aten.mul.Scalar"), _binary(_product)),
    **dict.fromkeys(("aten.div.Tensor", "aten.div.Scalar"), _binary(_over)),
    "aten.neg.default": _unary(lambda of: times(number(-1), of)),
    "aten.square.default": _unary(lambda of: _product(of, of)),
    "aten.pow.Tensor_Scalar": _power,
    "aten.mean.dim": _mean,
    **{
        f"aten.{name}.default": _called(name)
        for name in ("erf", "exp", "reciprocal", "rsqrt", "sigmoid", "softplus", "sqrt", "tanh")
    },
}
