"""Names the constants that modules of one struct differ in: its configuration.

A constant is called as the op calls it, else after the attribute of the Python module that holds
it. A size that has neither name is written as a multiple, or one of a square, of another size where
it is that in every module; so is a width that only its layer names, if modules enough agree, and
others where there are too many. Where a module lacks what reads a constant, that is free, and the
same as any other. It must not know text.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from pycandle.emit.names import OF_LOAD, identifier
from pycandle.emit.relations import Values, expansions, known, multiples, powers, unified
from pycandle.graph.spelling import factors
from pycandle.ops.expr import Config, Number, any_number

# Names that say only where a number stands; what the module calls it says more.
_WEAK = ("", "size", "width", "rows")
# What a label begins with that an attribute's name is better than.
WEAK = "?"
# The widths of a layer, which the module that holds it often knows under a name of its own.
_WIDTHS = ("dim", "in_features", "out_features", "in_channels", "out_channels")
_FLOATS = ("f64", "f32")

Attributes: TypeAlias = Mapping[str, int | float]


@dataclass(frozen=True, slots=True)
class Constant:
    """What one constant becomes: configuration, and the name that others should know it by."""

    config: Config
    label: str
    numbers: tuple[Number, ...]  # what it is in each module; free where no module tells


def configuration(
    vectors: list[tuple[Number, ...]],
    attributes: Sequence[Attributes] = (),
    locals_: Collection[str] = (),
) -> list[Constant | Number]:
    """The configuration that each constant becomes, or the number that all modules agree on.

    A vector holds one constant's value in each module, `attributes` the numbers that each module
    has under a name. In `load` the names stand among these locals.
    """
    keys = {key: _label(vector) for vector in vectors if _differs(key := _values(vector))}
    whole = unified(keys)
    distinct: dict[Values, str] = {}
    for vector in vectors:
        key, label = whole.get(_values(vector)), _label(vector)
        if key is not None:
            before = distinct.get(key, "")
            better = not before or (_is_weak(before) and not _is_weak(label))
            distinct[key] = label if better else before
    chosen = {key: _name(key, label, attributes) for key, label in distinct.items()}
    labels = {
        key: chosen[key] or label.removeprefix(WEAK) or _placeholder(key)
        for key, label in distinct.items()
    }
    alike = (_agreed(vector) for vector in vectors if not _differs(_values(vector)))
    constants = {int(number.value) for number in alike if number.kind == "usize"}
    widths = {
        key: chosen[key] not in _WIDTHS
        for vector in vectors
        if _agreed(vector).label in _WIDTHS and (key := whole.get(_values(vector)))
    }
    related = multiples(chosen, powers(chosen, constants, expansions(widths)))
    named: dict[Values, Constant] = {}
    for key, label in labels.items():
        if key not in related:
            taken = {*(known.config.name for known in named.values()), *locals_, *OF_LOAD}
            named[key] = Constant(Config(identifier(label, taken)), label, _numbers(key))
    for key, (base, factor, power, minus) in related.items():
        config = Config(named[base].config.name, factor, power, minus)
        named[key] = Constant(config, labels[key], _numbers(key))
    found = (whole.get(_values(vector)) for vector in vectors)
    pairs = zip(found, vectors, strict=True)
    return [_agreed(vector) if key is None else named[key] for key, vector in pairs]


def _agreed(vector: tuple[Number, ...]) -> Number:
    """The number that is the same in every module that reads it."""
    return next((number for number in vector if not number.free), vector[0])


def _label(vector: tuple[Number, ...]) -> str:
    """The name that the model's own code has for it, if it has one, or the op's."""
    first = _agreed(vector)
    names = {number.name for number in vector if not number.free}
    plain = len(names) == 1 and first.name and not factors(first.name)
    return names.pop() if plain else first.label


def _differs(key: Values) -> bool:
    """Whether modules that read the constant do not agree on it."""
    return len({*known(key[1:])}) > 1


def _numbers(key: Values) -> tuple[Number, ...]:
    """The constant in each module, of which some may read none."""
    kind, *values = key
    kind = str(kind)
    return tuple(
        any_number(kind)
        if value is None
        else Number(-0.0 if isinstance(value, str) else value, kind)
        for value in values
    )


def _is_weak(label: str) -> bool:
    return label in _WEAK or label.startswith(WEAK)


def _values(vector: tuple[Number, ...]) -> Values:
    """A constant's type and its value in each module; two zeros differ in their sign."""
    values = (None if number.free else number.value for number in vector)
    return (vector[0].kind, *("-0.0" if str(value) == "-0.0" else value for value in values))


def _name(key: Values, label: str, attributes: Sequence[Attributes]) -> str:
    """The op's name for it, else that of the first attribute that is it in each module that reads
    it, or none.
    """
    if not _is_weak(label) and label not in _WIDTHS:
        return label
    kind, *values = key
    wanted = float if kind in _FLOATS else bool if kind == "bool" else int
    for name in attributes[0] if attributes else ():
        pairs = [
            (module.get(name), value) for module, value in zip(attributes, values, strict=True)
        ]
        read = [(held, value) for held, value in pairs if value is not None]
        if all(held == value and type(held) is wanted for held, value in read):
            return name
    return label if label in _WIDTHS else ""


def _placeholder(key: Values) -> str:
    """What a constant is called that nothing has a name for."""
    return "value" if key[0] in _FLOATS else "size"
