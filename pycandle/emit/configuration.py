"""Names the constants that modules of one struct differ in: its configuration.

A constant is called as the op calls it, else after the attribute of the Python module that holds
it. A size that has neither name is written as a multiple, or one of a square, of another size where
it is that in every module; where there are too many, named ones are written so, too. It must not
know text.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from pycandle.emit.names import OF_LOAD, identifier
from pycandle.graph.spelling import factors
from pycandle.ops.expr import Config, Number

# A function of more than seven arguments is hard to call; two are the weights and the checker.
MOST_CONSTANTS = 5
# Names that say only where a number stands; what the module calls it says more.
_WEAK = ("", "size", "width", "rows")
# What a label begins with that an attribute's name is better than.
WEAK = "?"
# The widths of a layer, which the module that holds it often knows under a name of its own.
_WIDTHS = ("dim", "in_features", "out_features", "in_channels", "out_channels")
FLOATS = ("f64", "f32")
# What a name may be raised to.
_POWERS = (1, 2)

Attributes: TypeAlias = Mapping[str, int | float]
_Values: TypeAlias = tuple[str | int | float, ...]
# For a size that is written by another: that one, the factor, the power, and what is less.
_Related: TypeAlias = dict[_Values, tuple[_Values, int, int, int]]


@dataclass(frozen=True, slots=True)
class Constant:
    """What one constant becomes: configuration, and the name that others should know it by."""

    config: Config
    label: str


def configuration(
    vectors: list[tuple[Number, ...]],
    attributes: Sequence[Attributes] = (),
    locals_: Collection[str] = (),
) -> list[Constant | None]:
    """The configuration that each constant becomes; None for those that all modules agree on.

    A vector holds one constant's value in each module, `attributes` the numbers that each module
    has under a name. In `load` the names stand among these locals.
    """
    distinct: dict[_Values, str] = {}
    for vector in vectors:
        key = _values(vector)
        names = {number.name for number in vector}
        plain = len(names) == 1 and vector[0].name and not factors(vector[0].name)
        label = names.pop() if plain else vector[0].label
        known = distinct.get(key, "")
        if len(set(key[1:])) > 1:
            better = not known or (_is_weak(known) and not _is_weak(label))
            distinct[key] = label if better else known
    chosen = {key: _name(key, label, attributes) for key, label in distinct.items()}
    labels = {
        key: chosen[key] or label.removeprefix(WEAK) or _placeholder(key)
        for key, label in distinct.items()
    }
    alike = (vector[0] for vector in vectors if len({number.value for number in vector}) == 1)
    constants = {int(number.value) for number in alike if number.kind == "usize"}
    related = _multiples(chosen, _powers(chosen, constants))
    named: dict[_Values, Constant] = {}
    for key, label in labels.items():
        if key not in related:
            taken = {*(known.config.name for known in named.values()), *locals_, *OF_LOAD}
            named[key] = Constant(Config(identifier(label, taken)), label)
    for key, (base, factor, power, minus) in related.items():
        config = Config(named[base].config.name, factor, power, minus)
        named[key] = Constant(config, labels[key])
    return [named.get(_values(vector)) for vector in vectors]


def _is_weak(label: str) -> bool:
    return label in _WEAK or label.startswith(WEAK)


def _values(vector: tuple[Number, ...]) -> _Values:
    """A constant's type and its value in each module; two zeros differ in their sign."""
    values = (number.value for number in vector)
    return (vector[0].kind, *("-0.0" if str(value) == "-0.0" else value for value in values))


def _name(key: _Values, label: str, attributes: Sequence[Attributes]) -> str:
    """The op's name for it, else that of the first attribute that is it in each module, or none."""
    if not _is_weak(label) and label not in _WIDTHS:
        return label
    kind, *values = key
    wanted = float if kind in FLOATS else bool if kind == "bool" else int
    for name in attributes[0] if attributes else ():
        held = [module.get(name) for module in attributes]
        if held == values and all(type(value) is wanted for value in held):
            return name
    return label if label in _WIDTHS else ""


def _placeholder(key: _Values) -> str:
    """What a constant is called that nothing has a name for."""
    return "value" if key[0] in FLOATS else "size"


def _powers(names: Mapping[_Values, str], constants: Collection[int]) -> _Related:
    """Sizes without names that are the same multiple of a power of another in every module, or
    such a multiple less a constant, where both numbers are constants of the modules.
    """
    sizes = _sizes(names)
    unnamed = [key for key in sizes if not names[key]]
    # What may be one in some module has multiples by chance.
    bases = [key for key in sizes if key not in unnamed and min(map(int, key[1:])) > 1]
    found: _Related = {}
    for key in unnamed:
        relation = next(
            (
                (base, factor, power, 0)
                for power in _POWERS
                for base in bases
                if (factor := factor_of(key[1:], base[1:], power))
            ),
            None,
        )
        lines = ((base, linear(key[1:], base[1:], constants)) for base in bases)
        relation = relation or next(
            ((base, line[0], 1, line[1]) for base, line in lines if line), None
        )
        if relation:
            found[key] = relation
        elif all(int(value) > 0 for value in key[1:]):
            bases.append(key)
    return found


def _multiples(names: Mapping[_Values, str], related: _Related) -> _Related:
    """The related sizes and, while there are too many others, multiples of them that have names.

    The largest comes first, as a multiple of the largest.
    """
    found = dict(related)
    bases = {base for base, *_ in found.values()}
    for key in reversed(_sizes(names)):
        if len(names) - len(found) <= MOST_CONSTANTS:
            break
        others = (k for k in reversed(_sizes(names)) if k != key and k not in found)
        pairs = ((base, factor) for base in others if (factor := factor_of(key[1:], base[1:])))
        relation = None if key in found or key in bases else next(pairs, None)
        if relation:
            found[key] = (*relation, 1, 0)
            bases.add(relation[0])
    return found


def linear(
    values: Sequence[str | int | float], of: Sequence[str | int | float], constants: Collection[int]
) -> tuple[int, int] | None:
    """The constants `(factor, minus)` with `value == of * factor - minus` for all, if there are."""
    pairs = sorted({(int(x), int(y)) for x, y in zip(of, values, strict=True)})
    (x, y), (other, last) = pairs[0], pairs[-1]
    factor, rest = divmod(last - y, other - x) if other > x else (0, 0)
    minus = x * factor - y
    if rest or factor < 1 or factor not in {1, *constants} or minus not in constants or minus < 1:
        return None
    return (factor, minus) if all(x * factor - minus == y for x, y in pairs) else None


def _sizes(names: Mapping[_Values, str]) -> list[_Values]:
    """The sizes among the constants, in order."""
    return sorted((key for key in names if key[0] == "usize"), key=lambda key: key[1:])


def factor_of(
    values: Sequence[str | int | float], of: Sequence[str | int | float], power: int = 1
) -> int | None:
    """How often the one to this power is in the other, if it is the same in every module."""
    if not all(of):
        return None
    pairs = zip(values, of, strict=True)
    factors = {divmod(int(value), int(base) ** power) for value, base in pairs}
    (factor, rest), *others = factors
    return factor if factor and not rest and not others else None
