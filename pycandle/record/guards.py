"""Reads what an exported program takes for granted of its input sizes.

A model that branches on a size exports one branch; torch states the condition as a guard. Bounds of
a single axis become its range; every other relation becomes a check of the generated code.
It must not know any op.
"""

# PyTorch keeps the guards private.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportPrivateUsage=false

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from pycandle.errors import Finding, RecordError
from pycandle.graph import Guard, Symbol, TensorType
from pycandle.graph.bounds import Range, known, settle, solved
from pycandle.graph.dim import Size, from_ast, substitute, symbol, symbols, terms_of
from pycandle.record.export import Exported

_SIGNS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}


# Alternatives, of which each is relations that hold together.
Clause = list[list[Guard]]


def read_guards(
    exported: Exported, inputs: Mapping[str, TensorType], known_symbols: Iterable[Symbol]
) -> tuple[tuple[Guard, ...], tuple[Symbol, ...]]:
    """Every relation that no range says, and the symbols in the ranges that the others leave.

    Raises `RecordError` for a relation that cannot be checked.
    """
    known_symbols = tuple(known_symbols)
    # What a size of 1 does where another was recorded is tried when goldens are.
    ranges: dict[str, Range] = {
        s.name: (max(s.min, min(s.recorded, 2)), math.inf if s.max is None else s.max)
        for s in known_symbols
    }
    recorded = {s.name: s.recorded for s in known_symbols}
    codes: list[str] = list(getattr(exported.program, "_guards_code", None) or ())
    read: list[tuple[str, list[Clause]]] = []
    for code in codes:
        try:
            read.append((code, _clauses(code, inputs)))
        except (ValueError, SyntaxError, KeyError, IndexError) as error:
            raise _unchecked(code, str(error)) from error

    alone = [clause[0] for _, clauses in read for clause in clauses if len(clause) == 1]
    same = _same(guard for alternative in alone for guard in alternative)
    found: dict[Guard, None] = {}
    for code, clauses in read:
        for clause in clauses:
            try:
                guards = _open(clause, ranges, same, recorded)
            except ValueError as error:
                raise _unchecked(code, str(error)) from error
            found.update(dict.fromkeys(guard for guard in guards if not is_bound(guard)))
    narrowed = dict(ranges)
    kept = _narrow(list(found), narrowed)
    return tuple(kept), tuple(_within(s, ranges[s.name], narrowed[s.name]) for s in known_symbols)


def _narrow(guards: list[Guard], ranges: dict[str, Range]) -> list[Guard]:
    """The guards that say more than ranges, after narrowing the ranges by those that do not."""
    while True:
        kept: list[Guard] = []
        for guard in guards:
            if known(guard, ranges):
                continue
            if solution := solved(guard, ranges):
                name, ranges[name] = solution
            else:
                kept.append(guard)
        if kept == guards:
            return kept
        guards = kept


def _within(symbol: Symbol, before: Range, after: Range) -> Symbol:
    """The symbol in the part of its range that is left; one that is not cut stays as it was."""
    least = symbol.min if after[0] == before[0] else int(after[0])
    most = symbol.max if after[1] == before[1] else int(after[1])
    return replace(symbol, min=least, max=most)


def _unchecked(code: str, reason: str) -> RecordError:
    return RecordError(
        Finding(
            f"the exported graph holds only where {code}, which cannot be checked: {reason}",
            "torch.export",
            "leave the axes it names out of dynamic_shapes",
        )
    )


def _clauses(code: str, inputs: Mapping[str, TensorType]) -> list[Clause]:
    axes: dict[str, Size] = {}

    class Axes(ast.NodeTransformer):
        """Replaces `L['x'].size()[0]` by a name."""

        def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
            match = re.fullmatch(r"(.+)\.size\(\)\[(\d+)\]", ast.unparse(node))
            if match is None:
                raise ValueError(f"{ast.unparse(node)} is no size")
            parts = re.findall(r"\w+", match[1].removeprefix("L"))
            name = f"axis_{len(axes)}"
            axes[name] = inputs["_".join(parts)].shape[int(match[2])]
            return ast.Name(name)

    return _all(Axes().visit(ast.parse(code, mode="eval")).body, axes)


def _all(tree: ast.expr, axes: Mapping[str, Size]) -> list[Clause]:
    """The clauses that hold together."""
    match tree:
        case ast.BoolOp(op=ast.And(), values=parts):
            return [clause for part in parts for clause in _all(part, axes)]
        case ast.BoolOp(op=ast.Or(), values=parts):
            ways: list[list[Guard]] = []
            for part in parts:
                clauses = _all(part, axes)
                if any(len(clause) > 1 for clause in clauses):
                    raise ValueError("it has alternatives within alternatives")
                ways.append([guard for (guards,) in clauses for guard in guards])
            return [ways]
        case _:
            return [[[guard]] for guard in _chain(tree, axes)]


def _open(
    clause: Clause,
    ranges: Mapping[str, Range],
    same: Mapping[str, Size],
    recorded: Mapping[str, int],
) -> list[Guard]:
    """What is to be checked of alternatives, after all that ranges and equal symbols decide.

    Where no one relation says it all, it is the way that the recorded sizes take.
    """
    ways: list[list[Guard]] = []
    for guards in clause:
        told = {guard: known(_renamed(guard, same), ranges) for guard in guards}
        # An equality of symbols must not decide itself.
        undecided = [g for g, holds in told.items() if holds is None or (holds and _equates(g))]
        if False not in told.values():
            ways.append(undecided)
    if [] in ways:
        return []
    if any(len(guards) > 1 or guards[0].sign != "==" for guards in ways):
        ways = [guards for guards in ways if all(guard.holds(recorded) for guard in guards)][:1]
    if len(ways) == 1:
        return [_settled(guard, ranges) for guard in ways[0]]
    if not ways:
        raise ValueError("no sizes fulfil it")
    # One of several differences is zero where their product is.
    product: Size = 1
    for (guard,) in ways:
        product = product * (settle(guard.left, ranges) - settle(guard.right, ranges))
    return [Guard(product, "==", 0)]


def _settled(guard: Guard, ranges: Mapping[str, Range]) -> Guard:
    pair = _equates(guard)
    left, right = map(symbol, pair) if pair else (guard.left, guard.right)
    return Guard(settle(left, ranges), guard.sign, settle(right, ranges))


def _same(guards: Iterable[Guard]) -> dict[str, Size]:
    """Symbols that are equal to others: each with the one that stands for it."""
    found: dict[str, Size] = {}
    for guard in guards:
        pair = _equates(_renamed(guard, found))
        if pair:
            found = {name: substitute(other, {pair[0]: symbol(pair[1])})
                     for name, other in found.items()}  # fmt: skip
            found[pair[0]] = symbol(pair[1])
    return found


def _equates(guard: Guard) -> tuple[str, str] | None:
    """The two symbols of an equality that says no more than that they are equal.

    Both sides may be multiplied by the same symbols, since no size of an input is zero.
    """
    terms = terms_of(guard.left - guard.right)
    if guard.sign != "==" or len(terms) != 2 or terms[0][1] != -terms[1][1]:
        return None
    left, right = (list(monomial) for monomial, _ in terms)
    for atom in tuple(left):
        if atom in right and isinstance(atom, str):
            left.remove(atom)
            right.remove(atom)
    match left, right:
        case [str(first)], [str(second)]:
            return first, second
        case _:
            return None


def _renamed(guard: Guard, same: Mapping[str, Size]) -> Guard:
    return Guard(substitute(guard.left, same), guard.sign, substitute(guard.right, same))


def _chain(tree: ast.expr, axes: Mapping[str, Size]) -> Iterator[Guard]:
    """The relations in one comparison, which may have several signs."""
    if not isinstance(tree, ast.Compare):
        raise ValueError("it is no comparison")
    sides = [_fraction(side, axes) for side in (tree.left, *tree.comparators)]
    for left, sign, right in zip(sides, tree.ops, sides[1:], strict=False):
        yield Guard(left[0] * right[1], _SIGNS[type(sign)], right[0] * left[1])


def _fraction(side: ast.expr, axes: Mapping[str, Size]) -> tuple[Size, Size]:
    """One side of a relation as a quotient of sizes; what divides is at least one."""
    match side:
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            return substitute(from_ast(left), axes), substitute(from_ast(right), axes)
        case ast.Constant(value=float(number)) if number.is_integer():
            return int(number), 1
        case _:
            return substitute(from_ast(side), axes), 1


def is_bound(guard: Guard) -> bool:
    """Whether the relation is a bound of one symbol, or holds by itself."""
    if guard.left == guard.right and guard.sign in ("==", "<=", ">="):
        return True
    sides = [guard.left, guard.right]
    plain = [isinstance(s, int) or {str(s)} == symbols(s) for s in sides]
    return (
        all(plain)
        and any(isinstance(side, int) for side in sides)
        and guard.sign not in ("==", "!=")
    )
