"""What is known of sizes from the ranges of their symbols: bounds, and relations that they decide.

It must not know where relations come from.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from pycandle.graph.dim import Dim, Opaque, Size, floordiv, opaque, symbol, terms_of
from pycandle.graph.ir import Guard

# The least and the greatest value; infinities where there is none.
Range = tuple[float, float]
_ANY: Range = (-math.inf, math.inf)


def known(guard: Guard, ranges: Mapping[str, Range]) -> bool | None:
    """Whether the relation holds, where the ranges of its symbols decide that."""
    low, high = bounds(settle(guard.left, ranges) - settle(guard.right, ranges), ranges)
    match guard.sign:
        case "==" | "!=":
            equal = True if low == high == 0 else (False if low > 0 or high < 0 else None)
            return equal if guard.sign == "==" or equal is None else not equal
        case "<":
            return True if high < 0 else (False if low >= 0 else None)
        case "<=":
            return True if high <= 0 else (False if low > 0 else None)
        case ">":
            return True if low > 0 else (False if high <= 0 else None)
        case _:
            return True if low >= 0 else (False if high < 0 else None)


# How often a range is halved before nothing is said of a relation.
_MOST_PARTS = 400


def solved(guard: Guard, ranges: Mapping[str, Range]) -> tuple[str, Range] | None:
    """The symbol of a relation that has only one, and the part of its range in which it holds.

    None where that is no one interval, or where halving the range does not decide it.
    """
    if len(guard.symbols) != 1:
        return None
    (name,) = guard.symbols
    holding: list[Range] = []
    parts = [ranges.get(name, _ANY)]
    for _ in range(_MOST_PARTS):
        if not parts:
            break
        low, high = parts.pop()
        holds = _at(guard, name, int(low)) if low == high else known(guard, {name: (low, high)})
        if holds and holding and holding[-1][1] + 1 == low:
            holding[-1] = (holding[-1][0], high)
        elif holds:
            holding.append((low, high))
        if holds is None:
            if low == high or math.isinf(low):
                return None
            middle = 2 * max(low, 1) if math.isinf(high) else (low + high) // 2
            parts += [(middle + 1, high), (low, middle)]
    return (name, holding[0]) if not parts and len(holding) == 1 else None


def _at(guard: Guard, name: str, size: int) -> bool | None:
    """Whether the relation holds at one size of its symbol; None where it divides by zero."""
    try:
        return guard.holds({name: size})
    except ZeroDivisionError:
        return None


def settle(size: Size, ranges: Mapping[str, Range]) -> Size:
    """The size without the maxima and minima that the ranges decide."""
    total: Size = 0
    for monomial, factor in terms_of(size):
        product: Size = factor
        for atom in monomial:
            product = product * (
                symbol(atom) if isinstance(atom, str) else _settle_atom(atom, ranges)
            )
        total = total + product
    return total


def _settle_atom(atom: Opaque, ranges: Mapping[str, Range]) -> Size:
    left, right = settle(atom.left, ranges), settle(atom.right, ranges)
    if atom.function in ("floordiv", "mod") and right == 0:
        return Dim((((atom,), 1),))  # which is no size; whoever computes it is told
    if atom.function == "floordiv":
        return floordiv(left, right)
    if atom.function in ("max", "min"):
        low, high = bounds(left - right, ranges)
        if low >= 0 or high <= 0:
            return left if (low >= 0) == (atom.function == "max") else right
    if atom.function == "mod":
        if floordiv(left, right) * right == left:
            return 0
        if bounds(left, ranges)[0] >= 0 and bounds(left - right, ranges)[1] < 0:
            return left
    return opaque(atom.function, left, right)


def bounds(size: Size, ranges: Mapping[str, Range]) -> Range:
    """Between what the size is certain to be; not always as close as it could be."""
    low, high = 0.0, 0.0
    for monomial, factor in terms_of(size):
        product: Range = (factor, factor)
        for atom in monomial:
            product = _times(
                product, ranges.get(atom, _ANY) if isinstance(atom, str) else _of(atom, ranges)
            )
        low, high = low + product[0], high + product[1]
    return low, high


def _of(atom: Opaque, ranges: Mapping[str, Range]) -> Range:
    left, right = bounds(atom.left, ranges), bounds(atom.right, ranges)
    match atom.function:
        case "max":
            return max(left[0], right[0]), max(left[1], right[1])
        case "min":
            return min(left[0], right[0]), min(left[1], right[1])
        case "mod":
            return (0, right[1] - 1) if right[0] >= 1 else _ANY
        case _:
            if right[0] < 1:
                return _ANY
            corners = [_quotient(a, b) for a in left for b in right]
            return min(corners), max(corners)


def _times(left: Range, right: Range) -> Range:
    corners = [a * b if a and b else 0.0 for a in left for b in right]
    return min(corners), max(corners)


def _quotient(left: float, right: float) -> float:
    """The whole part of a quotient, also of infinities, by what is at least one."""
    if math.isinf(left):
        return left
    return float(left // right) if math.isfinite(right) else (-1.0 if left < 0 else 0.0)
