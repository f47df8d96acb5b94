"""Finds the constants of a struct's modules that follow from others: as one, or as a multiple.

A constant is its values in each module, with None where the module lacks what reads it: there any
number will do, so that what follows from another constant does so where both are read. It must not
know expressions, nor text.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TypeAlias

# A function of more than seven arguments is hard to call; two are the weights and the checker.
MOST_CONSTANTS = 5
# A width that no code names is written by another where it is so many times that, at most, and as
# many values at least agree: two may be in any proportion by chance, three are not.
_LARGEST_EXPANSION, _FEWEST_VALUES = 8, 3
# What a name may be raised to.
_POWERS = (1, 2)

Value: TypeAlias = str | int | float | None
# The type, and the value in each module.
Values: TypeAlias = tuple[Value, ...]
# For a size that is written by another: that one, the factor, the power, and what is less.
Related: TypeAlias = dict[Values, tuple[Values, int, int, int]]


def known(values: Iterable[Value]) -> list[str | int | float]:
    """The values that are read."""
    return [value for value in values if value is not None]


def unified(keys: Mapping[Values, str]) -> dict[Values, Values]:
    """What each constant is one with: those that are the same wherever both are read.

    What all modules read is itself. What some lack is one of those with its values, of several the
    one with its name, if they share two values at least: one value says nothing.
    """
    classes: list[tuple[Values, list[Values]]] = []
    for key in sorted(keys, key=lambda key: key.count(None)):
        fits = [k for k, (whole, _) in enumerate(classes) if _agree(key, whole)]
        named = [k for k in fits if any(keys[key] == keys[other] for other in classes[k][1])]
        for place in (named or fits)[:1]:
            whole, members = classes[place]
            pairs = zip(whole, key, strict=True)
            merged = tuple(one if one is not None else other for one, other in pairs)
            classes[place] = merged, [*members, key]
            break
        else:
            classes.append((key, [key]))
    return {key: whole for whole, members in classes for key in members}


def _agree(one: Values, other: Values) -> bool:
    """Whether the two are of a type, and the same wherever both are read."""
    if None not in one and None not in other:
        return one == other
    both = _both(one[1:], other[1:])
    return one[0] == other[0] and len({*both}) > 1 and all(a == b for a, b in both)


def _both(
    one: Sequence[Value], other: Sequence[Value]
) -> list[tuple[str | int | float, str | int | float]]:
    """The values of the two in the modules that read both."""
    pairs = zip(one, other, strict=True)
    return [(a, b) for a, b in pairs if a is not None and b is not None]


def expansions(widths: Mapping[Values, bool]) -> Related:
    """Widths of layers that are a small multiple of another one in every module, as that.

    The model's own code names the others of the widths: those are not written so, and better to
    write by.
    """
    found: Related = {}
    bases: set[Values] = set()
    order = sorted(_sizes(widths), key=lambda key: not widths[key])
    for key in _sizes(widths):
        if widths[key] or key in bases:
            continue
        factors = ((base, _factor(key[1:], base[1:])) for base in order if base not in found)
        for base, factor in factors:
            values = {of for _, of in _both(key[1:], base[1:])}
            if factor and 1 < factor <= _LARGEST_EXPANSION and len(values) >= _FEWEST_VALUES:
                found[key] = base, factor, 1, 0
                bases.add(base)
                break
    return found


def powers(names: Mapping[Values, str], constants: Collection[int], related: Related) -> Related:
    """The related sizes, and those without names that are the same multiple of a power of another
    in every module, or such a multiple less a constant, where both numbers are constants of the
    modules.
    """
    sizes = [key for key in _sizes(names) if key not in related]
    unnamed = [key for key in sizes if not names[key]]
    # What may be one in some module has multiples by chance.
    bases = [key for key in sizes if key not in unnamed and min(map(int, known(key[1:]))) > 1]
    found = dict(related)
    for key in unnamed:
        relation = next(
            (
                (base, factor, power, 0)
                for power in _POWERS
                for base in bases
                if (factor := _factor(key[1:], base[1:], power))
            ),
            None,
        )
        lines = ((base, _linear(key[1:], base[1:], constants)) for base in bases)
        relation = relation or next(
            ((base, line[0], 1, line[1]) for base, line in lines if line), None
        )
        if relation:
            found[key] = relation
        elif all(int(value) > 0 for value in known(key[1:])):
            bases.append(key)
    return found


def multiples(names: Mapping[Values, str], related: Related) -> Related:
    """The related sizes and, while there are too many others, multiples of them that have names.

    The largest comes first, as a multiple of the largest.
    """
    found = dict(related)
    bases = {base for base, *_ in found.values()}
    for key in reversed(_sizes(names)):
        if len(names) - len(found) <= MOST_CONSTANTS:
            break
        others = (k for k in reversed(_sizes(names)) if k != key and k not in found)
        pairs = ((base, factor) for base in others if (factor := _factor(key[1:], base[1:])))
        relation = None if key in found or key in bases else next(pairs, None)
        if relation:
            found[key] = (*relation, 1, 0)
            bases.add(relation[0])
    return found


def _linear(
    values: Sequence[Value], of: Sequence[Value], constants: Collection[int]
) -> tuple[int, int] | None:
    """The constants `(factor, minus)` with `value == of * factor - minus` for all, if there are."""
    # The difference is computed where nothing reads it, too, and must not be less than none.
    if None in of:
        return None
    pairs = sorted({(int(x), int(y)) for x, y in _both(of, values)})
    (x, y), (other, last) = pairs[0], pairs[-1]
    factor, rest = divmod(last - y, other - x) if other > x else (0, 0)
    minus = x * factor - y
    if rest or factor < 1 or factor not in {1, *constants} or minus not in constants or minus < 1:
        return None
    if min(map(int, known(of))) * factor < minus:
        return None
    return (factor, minus) if all(x * factor - minus == y for x, y in pairs) else None


def _sizes(names: Iterable[Values]) -> list[Values]:
    """The sizes among the constants, in order; those that some modules lack come last."""
    sizes = (key for key in names if key[0] == "usize")
    return sorted(sizes, key=lambda key: (None in key, [int(value) for value in known(key[1:])]))


def _factor(values: Sequence[Value], of: Sequence[Value], power: int = 1) -> int | None:
    """How often the one to this power is in the other, if it is the same in every module."""
    pairs = _both(values, of)
    if len(pairs) < len(known(values)) or not all(base for _, base in pairs):
        return None
    factors = {divmod(int(value), int(base) ** power) for value, base in pairs}
    (factor, rest), *others = factors
    return factor if factor and not rest and not others else None
