"""Names the constants that modules of one struct differ in: its configuration.

A constant is called as the op calls it, else after the attribute of the Python module that holds
it. What has neither name is written by a size that has one, where it is so in every module. It
must not know text.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from pycandle.emit.names import identifier
from pycandle.ops.expr import Config, Number

# A function of more than seven arguments is hard to call; two are the weights and the checker.
MOST_CONSTANTS = 5
# Names that say only where a number stands; what the module calls it says more.
_WEAK = ("", "size", "width", "rows")
# What a name may be raised to.
_POWERS = (1, 2)

Attributes: TypeAlias = Mapping[str, int | float]
_Values: TypeAlias = tuple[str | int | float, ...]


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
        label, known = vector[0].label, distinct.get(key, "")
        if len(set(key[1:])) > 1:
            distinct[key] = label if not known or (known in _WEAK and label not in _WEAK) else known
    names = {key: _name(key, label, attributes) for key, label in distinct.items()}
    labels = {key: names[key] or label or "size" for key, label in distinct.items()}
    related = _powers(names)
    if len(labels) - len(related) > MOST_CONSTANTS:
        # Where there are too many, named ones are written by others, too.
        related = _powers(dict.fromkeys(labels, ""), (1,))
    named: dict[_Values, Constant] = {}
    for key, label in labels.items():
        if key not in related:
            taken = {*(known.config.name for known in named.values()), *locals_, "vb", "checker"}
            named[key] = Constant(Config(identifier(label, taken)), label)
    for key, (base, factor, power) in related.items():
        named[key] = Constant(Config(named[base].config.name, factor, power), labels[key])
    return [named.get(_values(vector)) for vector in vectors]


def _values(vector: tuple[Number, ...]) -> _Values:
    """A constant's type and its value in each module."""
    return (vector[0].kind, *(number.value for number in vector))


def _name(key: _Values, label: str, attributes: Sequence[Attributes]) -> str:
    """The op's name for it, else that of the first attribute that is it in each module, or none."""
    if label not in _WEAK:
        return label
    kind, *values = key
    wanted = float if kind == "f64" else int
    for name in attributes[0] if attributes else ():
        held = [module.get(name) for module in attributes]
        if held == values and all(type(value) is wanted for value in held):
            return name
    return ""


def _powers(
    names: Mapping[_Values, str], powers: Collection[int] = _POWERS
) -> dict[_Values, tuple[_Values, int, int]]:
    """Sizes without names that are the same multiple of a power of another in every module: that
    one, the factor and the power.
    """
    sizes = sorted((key for key in names if key[0] == "usize"), key=lambda key: key[1:])
    unnamed = [key for key in sizes if not names[key]]
    # What may be one in some module has multiples by chance.
    bases = [key for key in sizes if key not in unnamed and min(map(int, key[1:])) > 1]
    found: dict[_Values, tuple[_Values, int, int]] = {}
    for key in unnamed:
        relation = next(
            (
                (base, factor, power)
                for power in powers
                for base in bases
                if (factor := _factor(key, base, power))
            ),
            None,
        )
        if relation:
            found[key] = relation
        elif all(int(value) > 0 for value in key[1:]):
            bases.append(key)
    return found


def _factor(key: _Values, base: _Values, power: int) -> int | None:
    """How often the base to this power is in the size, if it is the same in every module."""
    pairs = zip(key[1:], base[1:], strict=True)
    factors = {divmod(int(value), int(of) ** power) for value, of in pairs}
    (factor, rest), *others = factors
    return factor if factor and not rest and not others else None
