"""Joins modules of one class of which some lack parts that others have.

Of ResNet's blocks some have a `downsample`, others hand on what they are given: one struct, whose
field is an `Option`. The module with the most is the pattern, and another joins it where it is
equal but for what it lacks. It must not know the graph, nor text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

from pycandle.emit.alignment import Part, apart, lacking, lacking_in_load
from pycandle.emit.configuration import WEAK, linear
from pycandle.emit.fields import (
    ComputedField,
    ListField,
    OptionalField,
    ParameterField,
    StructField,
    with_exprs,
)
from pycandle.emit.names import identifier
from pycandle.emit.naming import Body
from pycandle.emit.plans import Computed, Plan, blank
from pycandle.emit.scopes import binds, reads
from pycandle.emit.statements import If, Let, Scope, Statement, map_exprs, walk_all
from pycandle.graph import Dim
from pycandle.ops.expr import (
    Call,
    Exists,
    Expr,
    Field,
    Held,
    Local,
    Method,
    Number,
    Present,
    SizeOf,
    rewrite,
)

# In the labels of constants, while the parts that they belong to are looked up.
_PART, _FLAG = "part ", "flag "


@dataclass(frozen=True, slots=True)
class _Lacks:
    """What a module lacks of the pattern."""

    forward: frozenset[Part] = frozenset()
    load: frozenset[Part] = frozenset()
    fields: frozenset[str] = frozenset()  # their paths

    @property
    def keys(self) -> set[str]:
        """A key for each, as `_Pattern` has them."""
        return {
            *(f"forward {part.start}" for part in self.forward),
            *(f"load {part.start}" for part in self.load),
            *(f"field {path}" for path in self.fields),
        }

    def moved(self, place: int) -> _Lacks:
        """The same where the pattern's statement at this place has become two."""
        parts = (
            replace(
                part, start=part.start + (part.start > place), end=part.end + (part.end > place)
            )
            for part in self.forward
        )
        return replace(self, forward=frozenset(parts))


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
        variants, order = _Variants(first[0], [first], [_Lacks()]), list[list[Plan]]()
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
    lacks: list[_Lacks]

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
        for place, pattern in (None, self.pattern.bodies[0]), *apart(self.pattern.bodies[0]):
            whole = replace(self.pattern, bodies=(pattern,))
            for _, body in (None, own.bodies[0]), *apart(own.bodies[0]):
                lack = _lacks(replace(own, bodies=(body,)), whole)
                if lack is None or not lack.keys:
                    continue
                before = [each if place is None else each.moved(place) for each in self.lacks]
                found = _Variants(whole, [*self.groups, group], [*before, lack])
                if found.plans:
                    return found
        return None


def _extent(plan: Plan) -> int:
    """How much there is of it: of two variants, the one that lacks something has less."""
    load = plan.computed.body.statements if plan.computed else ()
    return len(plan.fields) + sum(1 for _ in walk_all((plan.bodies[0].statements, load)))


def _lacks(own: Plan, pattern: Plan) -> _Lacks | None:
    """What the one lacks of the other; None if they differ in anything else."""
    fields = _lacking_fields(own.fields, pattern.fields)
    forward = lacking(own.bodies[0], pattern.bodies[0])
    load = _lacking_in_load(own.computed, pattern.computed)
    if fields is None or forward is None or load is None:
        return None
    # What has less in common than apart is no variant of it.
    length = sum(part.end - part.start for part in forward)
    if 2 * length > len(pattern.bodies[0].statements):
        return None
    return _Lacks(forward, load, fields)


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
    return blank(expr) if isinstance(expr, Number) else None


def _joined(
    pattern: Plan, groups: Sequence[list[Plan]], lacks: Sequence[_Lacks]
) -> list[Plan] | None:
    """The plans of all groups as modules of the pattern, if that can be."""
    options = _Options(pattern, lacks)
    if not options.are_sound():
        return None
    whole, tagged = options.plan(False), options.plan(True)
    plans = [(plan, lack.keys) for group, lack in zip(groups, lacks, strict=True) for plan in group]
    vectors = [_numbers(plan, tagged.numbers, keys) for plan, keys in plans]
    places = _filled(list(zip(*vectors, strict=True)))
    labels = [number.label for number in whole.numbers]
    done = [
        replace(
            whole,
            regions=plan.regions,
            forms=plan.forms,
            interfaces=plan.interfaces,
            given=tuple(
                replace(place[k], label=place[k].label if number.kind != "bool" else label)
                for place, number, label in zip(places, whole.numbers, labels, strict=True)
            ),
        )
        for k, (plan, _) in enumerate(plans)
    ]
    return sorted(done, key=lambda plan: plan.regions)


def _numbers(plan: Plan, tagged: Sequence[Number], lacks: set[str]) -> list[Number | None]:
    """The plan's constants at the places of the pattern's; None where it lacks the part."""
    own = iter(plan.numbers)
    found: list[Number | None] = []
    for number in tagged:
        if number.label.startswith(_FLAG):
            found.append(Number(number.label.removeprefix(_FLAG) not in lacks, "bool"))
        elif number.label.startswith(_PART) and number.label.removeprefix(_PART) in lacks:
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
    """The place, where what is lacking is the same multiple of another constant as all others."""
    kind, label = next((number.kind, number.label) for number in place if number)
    for candidate in whole:
        pairs = [(n, c) for n, c in zip(place, candidate, strict=True) if n is not None]
        if candidate[0].kind != kind or not all(c.value for _, c in pairs):
            continue
        factors = {(n.value // c.value, n.value % c.value) for n, c in pairs}
        (factor, rest), *others = factors
        if not others and not rest and factor > 0:
            pairs = zip(place, candidate, strict=True)
            return tuple(n or Number(c.value * factor, kind, label) for n, c in pairs)
    alike = (numbers[0] for numbers in whole if len({number.value for number in numbers}) == 1)
    constants = {int(number.value) for number in alike if number.kind == kind == "usize"}
    for candidate in whole if constants else ():
        pairs = [(n, c) for n, c in zip(place, candidate, strict=True) if n is not None]
        values, of = [int(n.value) for n, _ in pairs], [int(c.value) for _, c in pairs]
        line = linear(values, of, constants) if candidate[0].kind == kind else None
        if line is not None:
            given = [int(c.value) * line[0] - line[1] for c in candidate]
            if min(given) >= 0:
                numbers = zip(place, given, strict=True)
                return tuple(n or Number(other, kind, label) for n, other in numbers)
    return tuple(number or Number(0, kind, label) for number in place)


def _known(place: tuple[Number | None, ...]) -> tuple[Number, ...]:
    """The place's constants, if no module lacks it."""
    numbers = tuple(number for number in place if number is not None)
    return numbers if len(numbers) == len(place) else ()


class _Options:
    """The pattern with everything optional that one of its variants lacks."""

    def __init__(self, pattern: Plan, lacks: Sequence[_Lacks]) -> None:
        self.pattern, self.lacks = pattern, lacks
        self.forward = sorted({part for lack in lacks for part in lack.forward})
        self.load = sorted({part for lack in lacks for part in lack.load})
        self.fields = {path for lack in lacks for path in lack.fields}

    def are_sound(self) -> bool:
        """Whether no two parts overlap, and each reads the fields that come and go with it."""
        for parts in (self.forward, self.load):
            ends = [(part.start, part.end) for part in parts]
            if any(end > start for (_, end), (start, _) in pairwise(ends)):
                return False
        statements = self.pattern.bodies[0].statements
        inside: dict[str, set[str]] = {}
        for part in self.forward:
            for path in _fields(statements[part.start : part.end]) & self.fields:
                inside.setdefault(f"field {path}", set()).add(f"forward {part.start}")
        outside = [
            statement
            for place, statement in enumerate(statements)
            if not any(part.start <= place < part.end for part in self.forward)
        ]
        if _fields((*outside, *self.pattern.bodies[0].results)) & self.fields:
            return False
        together = [lack.keys for lack in self.lacks]
        return all(
            (field in keys) == (part in keys)
            for field, parts in inside.items()
            for part in parts
            for keys in together
        )

    def plan(self, tagged: bool) -> Plan:
        """The pattern's plan; `tagged` constants tell by their labels which part they are of."""
        pattern = self.pattern
        (body,) = pattern.bodies
        fields = tuple(self._field(field, tagged) for field in pattern.fields)
        forward = replace(body, statements=tuple(self._forward(body.statements, tagged)))
        computed = pattern.computed
        if computed and self.load:
            statements = tuple(self._load(computed.body, tagged))
            computed = replace(computed, body=replace(computed.body, statements=statements))
        return replace(pattern, fields=fields, bodies=(forward,), computed=computed)

    def _field(self, field: StructField, tagged: bool) -> StructField:
        if field.path not in self.fields:
            return field
        assert not isinstance(field, (ListField, OptionalField))
        key = f"field {field.path}"
        if tagged:
            field = with_exprs(field, lambda e: _tagged(e, key))  # type: ignore[assignment]
        assert isinstance(field, (ParameterField, ComputedField)) or hasattr(field, "type")
        return OptionalField(field, _flag(key, f"has_{_last(field.path)}", tagged))  # type: ignore[arg-type]

    def _forward(self, statements: tuple[Statement, ...], tagged: bool) -> Iterator[Statement]:
        place = 0
        for part in self.forward:
            yield from statements[place : part.start]
            key, inner = f"forward {part.start}", statements[part.start : part.end]
            label = _label(part, inner)
            paths = [path for path in self._order() if path in _fields(inner)]
            condition = _flag(key, label, tagged)
            together = [path for path in self._order() if self._alike(f"field {path}", key)]
            if paths:
                condition, inner = _present(paths, inner)
            elif together:
                condition = Exists(Field(together[0]))
            if tagged:
                inner = map_exprs(inner, lambda e, key=key: rewrite(e, lambda x: _tagged(x, key)))
            then = Scope(inner, (Local(part.result),))
            otherwise = Scope((), (Local(part.instead, part.borrowed),))
            yield If((part.result,), condition, then, otherwise)
            place = part.end
        yield from statements[place:]

    def _alike(self, one: str, other: str) -> bool:
        """Whether the same modules lack both."""
        return all((one in lack.keys) == (other in lack.keys) for lack in self.lacks)

    def _order(self) -> list[str]:
        return [field.path for field in self.pattern.fields if field.path in self.fields]

    def _load(self, body: Body, tagged: bool) -> Iterator[Statement]:
        place = 0
        for part in self.load:
            yield from body.statements[place : part.start]
            key, inner = f"load {part.start}", body.statements[part.start : part.end]
            if tagged:
                inner = map_exprs(inner, lambda e, key=key: rewrite(e, lambda x: _tagged(x, key)))
            then = Scope(inner, (Held(Local(part.result)),))
            condition = _flag(key, f"has_{part.result}", tagged)
            yield If((part.result,), condition, then, Scope((), (Held(None),)))
            place = part.end
        yield from body.statements[place:]


def _flag(key: str, label: str, tagged: bool) -> Number:
    return Number(True, "bool", f"{_FLAG}{key}" if tagged else label)


def _tagged(expr: Expr, key: str) -> Expr | None:
    match expr:
        case Number():
            return replace(expr, label=f"{_PART}{key}")
        case SizeOf(size=Dim(terms=((_, factor),)), kind="usize") if factor > 0:
            return Number(factor, "usize", f"{_PART}{key}")
        case _:
            return None


def _present(
    paths: Sequence[str], statements: tuple[Statement, ...]
) -> tuple[Present, tuple[Statement, ...]]:
    """That the fields are there, and the statements that read them as locals."""
    bound = {name for statement in statements for name in binds(statement)}
    names: dict[str, str] = {}
    for path in paths:
        taken = {*bound, *reads(statements), *names.values()}
        names[path] = identifier(_last(path), taken)

    def change(expr: Expr) -> Expr | None:
        found = isinstance(expr, Field) and names.get(expr.path)
        return Local(found, True) if found else None

    inner = map_exprs(statements, lambda expr: rewrite(expr, change))
    return Present(tuple(map(Field, paths)), tuple(names.values())), inner


def _fields(part: object) -> set[str]:
    return {expr.path for expr in walk_all(part) if isinstance(expr, Field)}


def _last(path: str) -> str:
    """What a field is called: its last name that is no number."""
    names = [name for name in path.split(".") if not name.isdigit()]
    return names[-1] if names else "module"


def _label(part: Part, statements: tuple[Statement, ...]) -> str:
    """What a flag is called: after the result, if it has a name of its own, else after the op."""
    match statements[0]:
        case Let(expr=Call(path=path)) if part.result == part.instead:
            return f"{WEAK}has_{path.rpartition('::')[2]}"
        case Let(expr=Method(name=name)) if part.result == part.instead:
            return f"{WEAK}has_{name}"
        case _:
            return f"{WEAK}has_{part.result}"
