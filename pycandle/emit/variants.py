"""Joins modules of one class of which some lack parts that others have.

Of ResNet's blocks some have a `downsample`, others hand on what they are given: one struct, whose
field is an `Option`. The module with the most is the pattern, and another joins it where it is
equal but for what it lacks. It must not know the graph, nor text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from pycandle.emit.alignment import Part, apart, lacking, lacking_in_load
from pycandle.emit.configuration import FLOATS, factor_of, linear
from pycandle.emit.fields import (
    ListField,
    OptionalField,
    StructField,
    with_exprs,
)
from pycandle.emit.naming import Body
from pycandle.emit.options import FLAG, PART, Lacks, Options
from pycandle.emit.plans import Computed, Plan, blank, with_constant
from pycandle.emit.statements import walk_all
from pycandle.ops.expr import (
    Expr,
    Local,
    Number,
)


def join_variants(
    groups: Sequence[list[Plan]], fits: Callable[[list[Plan]], bool]
) -> list[list[Plan]]:
    """The groups of equal plans of one class, joined where one lacks parts of another.

    `fits` tells whether plans that are equal up to constants may share a struct.
    """
    order = sorted(groups, key=lambda group: -_extent(group[0]))
    joined: list[list[Plan]] = []
    while order:
        first, *others = order
        variants, order = _Variants(first[0], [first], [Lacks()]), list[list[Plan]]()
        for group in others:
            found = variants.with_group(group)
            if found and fits(found.plans):
                variants = found
            else:
                order.append(group)
        joined.append(variants.plans)
    return sorted(joined, key=lambda plans: plans[0].regions)


@dataclass(frozen=True)
class _Variants:
    """Groups of plans that lack parts of the pattern, which the first of them has all of."""

    pattern: Plan
    groups: list[list[Plan]]
    lacks: list[Lacks]

    @cached_property
    def plans(self) -> list[Plan]:
        """Their plans, equal up to constants; empty if there are none such."""
        if len(self.groups) == 1:
            return self.groups[0]
        return _joined(self.pattern, self.groups, self.lacks) or []

    def with_group(self, group: list[Plan]) -> _Variants | None:
        """Them and the group, if it lacks parts of the pattern and is else equal to it."""
        own = group[0]
        if len(own.bodies) != 1 or len(self.pattern.bodies) != 1:
            return None
        fields = _lacking_fields(own.fields, self.pattern.fields)
        load = _lacking_in_load(own.computed, self.pattern.computed)
        if fields is None or load is None:
            return None
        for place, pattern in (None, self.pattern.bodies[0]), *apart(self.pattern.bodies[0]):
            for _, body in (None, own.bodies[0]), *apart(own.bodies[0]):
                forward = _lacking_in_forward(body, pattern)
                lack = None if forward is None else Lacks(forward, load, fields)
                if lack is None or not lack.keys:
                    continue
                before = [each if place is None else each.moved(place) for each in self.lacks]
                whole = replace(self.pattern, bodies=(pattern,))
                found = _Variants(whole, [*self.groups, group], [*before, lack])
                if found.plans:
                    return found
        return None


def _extent(plan: Plan) -> int:
    """How much there is of it: of two variants, the one that lacks something has less."""
    load = plan.computed.body.statements if plan.computed else ()
    return len(plan.fields) + sum(1 for _ in walk_all((plan.bodies[0].statements, load)))


def _lacking_in_forward(own: Body, whole: Body) -> frozenset[Part] | None:
    parts = lacking(own, whole)
    # What has less in common than apart is no variant of it.
    length = sum(part.end - part.start for part in parts or ())
    return None if 2 * length > len(whole.statements) else parts


def _lacking_fields(
    own: Sequence[StructField], whole: Sequence[StructField]
) -> frozenset[str] | None:
    rest = [with_exprs(field, _blank) for field in own]
    found: set[str] = set()
    for field in whole:
        if rest and with_exprs(field, _blank) == rest[0]:
            rest.pop(0)
        elif isinstance(field, (ListField, OptionalField)):
            return None
        else:
            found.add(field.path)
    return None if rest else frozenset(found)


def _lacking_in_load(own: Computed | None, whole: Computed | None) -> frozenset[Part] | None:
    if whole is None:
        return frozenset() if own is None else None
    if own is None:
        own = Computed((), replace(whole.body, arguments=(), statements=(), results=()), ())
    mine, given = ([with_exprs(p, _blank) for p in c.parameters] for c in (own, whole))
    if mine != given:
        return None
    pairs = zip(whole.paths, whole.body.results, strict=True)
    extra = [result for path, result in pairs if path not in own.paths]
    names = {result.name for result in extra if isinstance(result, Local)}
    if len(names) != len(extra) or [p for p in whole.paths if p in own.paths] != [*own.paths]:
        return None
    parts = lacking_in_load(own.body, whole.body, names)
    return parts if parts is not None and {part.result for part in parts} == names else None


def _blank(expr: Expr) -> Expr | None:
    return with_constant(expr, blank)


def _joined(
    pattern: Plan, groups: Sequence[list[Plan]], lacks: Sequence[Lacks]
) -> list[Plan] | None:
    """The plans of all groups as modules of the pattern, if that can be."""
    options = Options(pattern, lacks)
    if not options.are_sound():
        return None
    whole, tagged = options.plan(False), options.plan(True)
    plans = [(plan, lack.keys) for group, lack in zip(groups, lacks, strict=True) for plan in group]
    vectors = [_numbers(plan, tagged.numbers, keys) for plan, keys in plans]
    places = _filled(list(zip(*vectors, strict=True)))
    done: list[Plan] = []
    for k, (plan, _) in enumerate(plans):
        pairs = zip(places, whole.numbers, strict=True)
        given = tuple(
            replace(place[k], label=number.label) if number.kind == "bool" else place[k]
            for place, number in pairs
        )
        done.append(
            replace(
                whole,
                regions=plan.regions,
                forms=plan.forms,
                interfaces=plan.interfaces,
                given=given,
            )
        )
    return sorted(done, key=lambda plan: plan.regions)


def _numbers(plan: Plan, tagged: Sequence[Number], lacks: set[str]) -> list[Number | None]:
    """The plan's constants at the places of the pattern's; None where it lacks the part."""
    own = iter(plan.numbers)
    found: list[Number | None] = []
    for number in tagged:
        if number.label.startswith(FLAG):
            found.append(Number(number.label.removeprefix(FLAG) not in lacks, "bool"))
        elif number.label.startswith(PART) and number.label.removeprefix(PART) in lacks:
            found.append(None)
        else:
            found.append(next(own))
    return found


def _filled(
    places: Sequence[tuple[Number | None, ...]],
) -> list[tuple[Number, ...]]:
    """The constants at each place, where modules that lack the part are given what is at hand.

    That is what all others have, or what another constant is that is the same in these, or so many
    times that; if nothing is at hand, nothing is read, and it is none.
    """
    whole = [numbers for place in places if (numbers := _known(place))]
    done: list[tuple[Number, ...]] = []
    for place in places:
        others = [number for number in place if number is not None]
        numbers = _known(place)
        if not numbers and len({number.value for number in others}) == 1:
            numbers = tuple(number or others[0] for number in place)
        numbers = numbers or _alike(place, whole)
        done.append(numbers)
    return done


def _alike(
    place: tuple[Number | None, ...], whole: Sequence[tuple[Number, ...]]
) -> tuple[Number, ...]:
    """The place, where what is lacking follows from another constant as all others do."""
    own = [number for number in place if number is not None]
    kind, label = own[0].kind, own[0].label

    def filled(candidate: tuple[Number, ...], factor: int, minus: int) -> tuple[Number, ...]:
        given = (Number(each.value * factor - minus, kind, label) for each in candidate)
        return tuple(number or other for number, other in zip(place, given, strict=True))

    values = [number.value for number in own]
    alike = (numbers[0] for numbers in whole if len({number.value for number in numbers}) == 1)
    constants = {int(number.value) for number in alike if number.kind == kind == "usize"}
    candidates = [numbers for numbers in whole if numbers[0].kind == kind]
    bases = [
        [each.value for each, number in zip(numbers, place, strict=True) if number is not None]
        for numbers in candidates
    ]
    for candidate, of in zip(candidates, bases, strict=True):
        factor = 1 if values == of else None if kind in FLOATS else factor_of(values, of)
        if factor is not None and factor > 0:
            return filled(candidate, factor, 0)
    for candidate, of in zip(candidates, bases, strict=True):
        line = linear(values, of, constants) if constants else None
        if line is not None and min(each.value * line[0] for each in candidate) >= line[1]:
            return filled(candidate, *line)
    return tuple(number or Number(0, kind, label) for number in place)


def _known(place: tuple[Number | None, ...]) -> tuple[Number, ...]:
    """The place's constants, if no module lacks it."""
    numbers = tuple(number for number in place if number is not None)
    return numbers if len(numbers) == len(place) else ()
