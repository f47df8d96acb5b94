"""Symbolic sizes: integer polynomials over named symbols, in one canonical form.

`torch.export` gives every dynamic axis as an expression over a few symbols. Equality of two sizes
decides whether a reshape is a no-op or a mask is causal, so it must be structural: a `Dim` is a sum
of monomials over atoms, an atom is a symbol or an opaque floor division, remainder, maximum or
minimum of two sizes. It knows nothing of tensors.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

Size: TypeAlias = "int | Dim"
Atom: TypeAlias = "str | Opaque"
Monomial: TypeAlias = "tuple[Atom, ...]"


@dataclass(frozen=True, slots=True)
class Opaque:
    """A binary function of sizes that polynomials cannot express."""

    function: str  # "floordiv", "mod", "max" or "min"
    left: Size
    right: Size

    def __str__(self) -> str:
        if self.function in ("max", "min"):
            return f"{self.function}({self.left}, {self.right})"
        sign = "//" if self.function == "floordiv" else "%"
        return f"({_operand(self.left)}{sign}{_divisor(self.right)})"


@dataclass(frozen=True, slots=True)
class Dim:
    """A non-constant size. Build it with `symbol`, arithmetic or `parse`; never directly."""

    terms: tuple[tuple[Monomial, int], ...]

    def __add__(self, other: Size) -> Size:
        return _sum([(self, 1), (other, 1)])

    def __radd__(self, other: Size) -> Size:
        return _sum([(other, 1), (self, 1)])

    def __sub__(self, other: Size) -> Size:
        return _sum([(self, 1), (other, -1)])

    def __rsub__(self, other: Size) -> Size:
        return _sum([(other, 1), (self, -1)])

    def __neg__(self) -> Size:
        return _sum([(self, -1)])

    def __mul__(self, other: Size) -> Size:
        product: dict[Monomial, int] = {}
        for left, a in self.terms:
            for right, b in terms_of(other):
                monomial = tuple(sorted(left + right, key=str))
                product[monomial] = product.get(monomial, 0) + a * b
        return _build(product)

    __rmul__ = __mul__

    def __str__(self) -> str:
        text = ""
        for monomial, factor in self.terms:
            sign = "-" if factor < 0 else "+"
            parts = [str(atom) for atom in monomial]
            if abs(factor) != 1 or not parts:
                parts.insert(0, str(abs(factor)))
            piece = "*".join(parts)
            text = f"{text} {sign} {piece}" if text else (f"-{piece}" if factor < 0 else piece)
        return text


# A whole part, of a product with a float: sympy's names, and Python's.
_ROUNDED = {("TruncToInt", "ToFloat"), ("trunc", "float")}
# A quotient to the next whole number below or above, in the same two spellings.
_DOWN = ("FloorToInt", "TruncToInt", "floor", "trunc")
_UP = ("CeilToInt", "ceil")


def symbol(name: str) -> Dim:
    """The size named `name`."""
    return Dim((((name,), 1),))


def floordiv(left: Size, right: Size) -> Size:
    """`left // right`, exact where every coefficient divides."""
    if isinstance(left, int) and isinstance(right, int):
        return left // right
    if isinstance(right, int) and all(factor % right == 0 for _, factor in terms_of(left)):
        return _build({monomial: factor // right for monomial, factor in terms_of(left)})
    return _quotient(left, right) or Dim((((Opaque("floordiv", left, right),), 1),))


def opaque(function: str, left: Size, right: Size) -> Size:
    """`left % right`, `max(left, right)` or `min(left, right)`."""
    if isinstance(left, int) and isinstance(right, int):
        return {"mod": lambda: left % right, "max": lambda: max(left, right),
                "min": lambda: min(left, right)}[function]()  # fmt: skip
    if left == right:
        return 0 if function == "mod" else left
    return Dim((((Opaque(function, left, right),), 1),))


def terms_of(size: Size) -> tuple[tuple[Monomial, int], ...]:
    """The monomials of a size with their factors; a constant is the empty monomial."""
    if isinstance(size, int):
        return (((), size),) if size else ()
    return size.terms


def symbols(size: Size) -> set[str]:
    """The names that a size depends on."""
    found: set[str] = set()
    for monomial, _ in terms_of(size):
        for atom in monomial:
            found |= {atom} if isinstance(atom, str) else symbols(atom.left) | symbols(atom.right)
    return found


def substitute(size: Size, values: Mapping[str, Size]) -> Size:
    """The size with symbols replaced; an `int` once every symbol is known."""
    total: Size = 0
    for monomial, factor in terms_of(size):
        product: Size = factor
        for atom in monomial:
            if isinstance(atom, str):
                product = product * values.get(atom, symbol(atom))
                continue
            left, right = substitute(atom.left, values), substitute(atom.right, values)
            whole = floordiv(left, right) if atom.function == "floordiv" else opaque(
                atom.function, left, right)  # fmt: skip
            product = product * whole
        total = total + product
    return total


def parse(text: str) -> Size:
    """Read what `str(size)` wrote, or sympy's spelling of the same. Raises `ValueError`."""
    return from_ast(ast.parse(text.strip(), mode="eval").body)


def from_ast(node: ast.expr) -> Size:
    """The size that a Python expression spells. Raises `ValueError` for anything else."""
    match node:
        case ast.Constant(value=int(value)):
            return value
        case ast.Name(id=name):
            return symbol(name)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return 0 - from_ast(operand)
        case ast.BinOp(left=left, op=ast.Pow(), right=ast.Constant(value=int(power))):
            product: Size = 1
            for _ in range(power):
                product = product * from_ast(left)
            return product
        case ast.BinOp(left=left, op=operator, right=right):
            return _binary(operator, from_ast(left), from_ast(right))
        case ast.Call(func=function, args=[left, right]):
            return _function(_name(function), from_ast(left), from_ast(right))
        case ast.Call(func=function, args=[ast.BinOp(
            left=ast.Constant(value=float(factor)), op=ast.Mult(),
            right=ast.Call(func=conversion, args=[operand]),
        )]) if (_name(function), _name(conversion)) in _ROUNDED:  # fmt: skip
            return _scaled(factor, from_ast(operand))
        case ast.Call(func=function, args=[
            ast.BinOp(left=left, op=ast.Div(), right=right)
            | ast.Call(func=ast.Name(id="IntTrueDiv"), args=[left, right])
        ]) if _name(function) in (*_DOWN, *_UP):  # fmt: skip
            return _whole(_name(function), from_ast(left), from_ast(right))
        case ast.Call(func=function, args=[ast.Call(func=ast.Name(id="FloatTrueDiv"), args=[
            ast.Call(func=ast.Name(id="ToFloat"), args=[left]),
            ast.Constant(value=float(right)),
        ])]) if _name(function) in (*_DOWN, *_UP) and right.is_integer() and right > 0:  # fmt: skip
            return _whole(_name(function), from_ast(left), int(right))
        case _:
            raise ValueError(f"not a size: {ast.unparse(node)}")


def _name(function: ast.expr) -> str:
    """A function's name, in whichever module it is."""
    return ast.unparse(function).rpartition(".")[2].removeprefix("sym_")


def _binary(operator: ast.operator, left: Size, right: Size) -> Size:
    match operator:
        case ast.Add():
            return left + right
        case ast.Sub():
            return left - right
        case ast.Mult():
            return left * right
        case ast.FloorDiv():
            return floordiv(left, right)
        case ast.Mod():
            return opaque("mod", left, right)
        case _:
            raise ValueError(f"not an operator of sizes: {type(operator).__name__}")


def _function(name: str, left: Size, right: Size) -> Size:
    if name in ("FloorDiv", "CleanDiv"):
        return floordiv(left, right)
    if name in ("Mod", "PythonMod"):
        return opaque("mod", left, right)
    if name.lower() in ("max", "min"):
        return opaque(name.lower(), left, right)
    raise ValueError(f"not a function of sizes: {name}")


def _whole(function: str, left: Size, right: Size) -> Size:
    """A quotient of sizes, rounded; no size is so large that its float is another number."""
    if function.lower().startswith("trunc") and any(factor < 0 for _, factor in terms_of(left)):
        raise ValueError("a quotient of what may be negative is cut off; use // in its place")
    return floordiv(left + right - 1, right) if function in _UP else floordiv(left, right)


def _scaled(factor: float, size: Size) -> Size:
    """The whole part of a size times a factor, which integers give too if it is a binary fraction.

    Another factor is not the number that it is written as, and how its products round shows.
    """
    numerator, denominator = factor.as_integer_ratio()
    if factor < 0 or denominator > 2**10 or numerator > 2**20:
        raise ValueError(
            f"a size is {factor} times another, rounded; compute it from integers, "
            "and pass size= in place of scale_factor="
        )
    return floordiv(size * numerator, denominator)


def _quotient(left: Size, right: Size) -> Size | None:
    """The exact quotient by a single monomial, where there is one."""
    divisor = terms_of(right)
    if len(divisor) != 1:
        return None
    (atoms, factor) = divisor[0]
    result: dict[Monomial, int] = {}
    for monomial, coefficient in terms_of(left):
        rest = list(monomial)
        for atom in atoms:
            if atom not in rest:
                return None
            rest.remove(atom)
        if coefficient % factor:
            return None
        result[tuple(rest)] = coefficient // factor
    return _build(result)


def _sum(parts: Iterable[tuple[Size, int]]) -> Size:
    total: dict[Monomial, int] = {}
    for size, sign in parts:
        for monomial, factor in terms_of(size):
            total[monomial] = total.get(monomial, 0) + sign * factor
    return _build(total)


def _build(terms: Mapping[Monomial, int]) -> Size:
    kept = {monomial: factor for monomial, factor in terms.items() if factor}
    if not kept:
        return 0
    if set(kept) == {()}:
        return kept[()]
    # Higher degree first, then by name, the constant last: `batch*seq + seq + 1`.
    order = sorted(kept.items(), key=lambda term: (-len(term[0]), [str(atom) for atom in term[0]]))
    return Dim(tuple(order))


def _divisor(size: Size) -> str:
    """In brackets unless it is a number or a single atom: signs bind from left to right."""
    plain = isinstance(size, int) or (len(size.terms) == 1 and len(size.terms[0][0]) == 1)
    return str(size) if plain and not str(size).count("*") else f"({size})"


def _operand(size: Size) -> str:
    text = str(size)
    return (
        text if isinstance(size, int) or (len(size.terms) == 1 and " " not in text) else f"({text})"
    )
