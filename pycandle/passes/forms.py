"""Index forms: integer and boolean tensors as functions of their indices.

A mask or a position table that is made from `arange`, `expand`, comparisons and the like can be
said as one formula over its indices, however many nodes spell it. `index_forms` finds the formula
of every such value. The index along axis k is the symbol `@k`; along an axis of size 1 it is 0.

An integer form is a size polynomial over those. A boolean form is one of the types below. A value
without a form is opaque; a boolean one can still be read inside a form, by `Element`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TypeAlias

from pycandle.graph import Graph, Size
from pycandle.graph.dim import Dim, Monomial, substitute, symbols, terms_of


@dataclass(frozen=True, slots=True)
class AtLeastZero:
    """True where the size is not negative."""

    size: Size


@dataclass(frozen=True, slots=True)
class Element:
    """An element of an opaque boolean tensor."""

    value: str
    indices: tuple[Size, ...]


@dataclass(frozen=True, slots=True)
class Both:
    """True where all parts are; parts are sorted and none repeats."""

    parts: tuple[Form, ...]


@dataclass(frozen=True, slots=True)
class Negated:
    """True where the part is not."""

    part: Form


Form: TypeAlias = "bool | AtLeastZero | Element | Both | Negated | Size"


def index(axis: int) -> str:
    """The symbol that stands for the index along an axis."""
    return f"@{axis}"


def both(left: Form, right: Form) -> Form:
    """Conjunction."""
    if left is True:
        return right
    if right is True:
        return left
    if left is False or right is False:
        return False
    parts: dict[Form, None] = {}
    for form in (left, right):
        parts.update(dict.fromkeys(form.parts if isinstance(form, Both) else (form,)))
    ordered = tuple(sorted(parts, key=repr))
    return ordered[0] if len(ordered) == 1 else Both(ordered)


def negated(form: Form) -> Form:
    """Negation."""
    match form:
        case bool():
            return not form
        case Negated(part=part):
            return part
        case AtLeastZero(size=size):
            return AtLeastZero(0 - size - 1)
        case _:
            return Negated(form)


def either(left: Form, right: Form) -> Form:
    """Disjunction."""
    return negated(both(negated(left), negated(right)))


def at_least_zero(size: Size, bounds: Bounds) -> Form:
    """`size >= 0`, decided where the ranges of indices and symbols decide it."""
    lower, upper = bounds.lower(size), bounds.upper(size)
    if lower is not None and lower >= 0:
        return True
    if upper is not None and upper < 0:
        return False
    return AtLeastZero(size)


def moved(form: Form, indices: dict[str, Size]) -> Form:
    """The form with its indices replaced."""
    match form:
        case bool():
            return form
        case AtLeastZero(size=size):
            return AtLeastZero(substitute(size, indices))
        case Element(value=value, indices=old):
            return Element(value, tuple(substitute(i, indices) for i in old))
        case Both(parts=parts):
            result: Form = True
            for part in parts:
                result = both(result, moved(part, indices))
            return result
        case Negated(part=part):
            return negated(moved(part, indices))
        case _:
            return substitute(form, indices)


def depends_on(form: Form, axis: int) -> bool:
    """Whether the form's value can change along an axis."""
    match form:
        case bool():
            return False
        case AtLeastZero(size=size):
            return index(axis) in symbols(size)
        case Element(indices=indices):
            return any(index(axis) in symbols(i) for i in indices)
        case Both(parts=parts):
            return any(depends_on(part, axis) for part in parts)
        case Negated(part=part):
            return depends_on(part, axis)
        case _:
            return index(axis) in symbols(form)


def names_in(monomial: Monomial) -> set[str]:
    """The symbols and indices that a monomial depends on."""
    return symbols(Dim(((monomial, 1),))) if monomial else set()


@dataclass(frozen=True)
class Bounds:
    """The ranges of a graph's symbols, and of the indices of one tensor's shape."""

    graph: Graph
    shape: tuple[Size, ...]

    def lower(self, size: Size) -> int | None:
        """A number that the size is never below, if one can be told."""
        size = self._at_extreme(size, largest=False)
        total = 0
        for monomial, factor in terms_of(size):
            value = self._monomial(monomial, largest=factor < 0)
            if value is None:
                return None
            total += factor * value
        return total

    def upper(self, size: Size) -> int | None:
        """A number that the size is never above, if one can be told."""
        lower = self.lower(0 - size)
        return None if lower is None else -lower

    def _at_extreme(self, size: Size, largest: bool) -> Size:
        """The size with indices at the end of their range that makes it least (or largest)."""
        chosen: dict[str, Size] = {}
        # Only where an index stands alone, and nowhere else, does its sign tell which end counts.
        occurs = Counter(name for monomial, _ in terms_of(size) for name in names_in(monomial))
        for monomial, factor in terms_of(size):
            for atom in monomial:
                alone = len(monomial) == 1 and isinstance(atom, str) and occurs[atom] == 1
                if alone and isinstance(atom, str) and atom.startswith("@"):
                    last = self.shape[int(atom[1:])] - 1
                    chosen[atom] = last if (factor > 0) == largest else 0
        return substitute(size, chosen)

    def _monomial(self, monomial: tuple[object, ...], largest: bool) -> int | None:
        product = 1
        symbols = (*self.graph.symbols, *self.graph.bindings)
        ranges = {s.name: (s.min, s.max) for s in symbols}
        for atom in monomial:
            bound = ranges[atom][largest] if isinstance(atom, str) and atom in ranges else None
            if bound is None:
                return None
            product *= bound
        return product
