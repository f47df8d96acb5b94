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
    any_number,
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
    done: list[Plan] = []
    for (plan, _), numbers in zip(plans, vectors, strict=True):
        pairs = zip(numbers, whole.numbers, strict=True)
        given = tuple(
            replace(own, label=number.label) if number.kind == "bool" else own
            for own, number in pairs
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


def _numbers(plan: Plan, tagged: Sequence[Number], lacks: set[str]) -> list[Number]:
    """The plan's constants at the places of the pattern's; any where it lacks the part."""
    own = iter(plan.numbers)
    found: list[Number] = []
    for number in tagged:
        if number.label.startswith(FLAG):
            found.append(Number(number.label.removeprefix(FLAG) not in lacks, "bool"))
        elif number.label.startswith(PART) and number.label.removeprefix(PART) in lacks:
            found.append(any_number(number.kind))
        else:
            found.append(next(own))
    return found
