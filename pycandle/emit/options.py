"""A pattern of modules with everything optional that one of them lacks.

Fields become `Option`s, parts of a forward branches, and what `load` computes for them is computed
where they are there. It must not know text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from pycandle.emit.alignment import Part
from pycandle.emit.configuration import WEAK
from pycandle.emit.fields import (
    ListField,
    OptionalField,
    StructField,
    with_exprs,
)
from pycandle.emit.names import identifier
from pycandle.emit.naming import Body
from pycandle.emit.plans import Plan, constant_of
from pycandle.emit.scopes import binds, reads
from pycandle.emit.statements import If, Let, Scope, Statement, map_exprs, walk_all
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
    rewrite,
)

# In the labels of constants, while the parts that they belong to are looked up.
PART, FLAG = "part ", "flag "


@dataclass(frozen=True, slots=True)
class Lacks:
    """What a module lacks of the pattern."""

    forward: frozenset[Part] = frozenset()
    load: frozenset[Part] = frozenset()
    fields: frozenset[str] = frozenset()  # their paths

    @property
    def keys(self) -> set[str]:
        """A key for each, by which its constants are told from others."""
        return {
            *(f"forward {part.start}" for part in self.forward),
            *(f"load {part.start}" for part in self.load),
            *(f"field {path}" for path in self.fields),
        }

    def moved(self, place: int) -> Lacks:
        """The same where the pattern's statement at this place has become two."""
        parts = (
            replace(
                part, start=part.start + (part.start > place), end=part.end + (part.end > place)
            )
            for part in self.forward
        )
        return replace(self, forward=frozenset(parts))


class Options:
    """The pattern with everything optional that one of its variants lacks."""

    def __init__(self, pattern: Plan, lacks: Sequence[Lacks]) -> None:
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
        forward = _with_branches(
            body, self.forward, lambda part, inner: self._branch(part, inner, tagged)
        )
        computed = pattern.computed
        if computed and self.load:
            branched = _with_branches(
                computed.body, self.load, lambda part, inner: _made(part, inner, tagged)
            )
            computed = replace(computed, body=branched)
        return replace(pattern, fields=fields, bodies=(forward,), computed=computed)

    def _field(self, field: StructField, tagged: bool) -> StructField:
        if field.path not in self.fields:
            return field
        key = f"field {field.path}"
        inner = with_exprs(field, lambda e: _tagged(e, key)) if tagged else field
        assert not isinstance(inner, (ListField, OptionalField)), "those are never lacking"
        return OptionalField(inner, _flag(key, f"has_{_last(field.path)}", tagged))

    def _branch(self, part: Part, inner: tuple[Statement, ...], tagged: bool) -> If:
        """A part of the forward, where the modules that lack it go on with what they have."""
        key = f"forward {part.start}"
        paths = [path for path in self._order() if path in _fields(inner)]
        together = [path for path in self._order() if self._alike(f"field {path}", key)]
        condition = _flag(key, _label(part, inner), tagged)
        if paths:
            condition, inner = _present(paths, inner)
        elif together:
            condition = Exists(Field(together[0]))
        then = Scope(_as_part(inner, key, tagged), (Local(part.result),))
        otherwise = Scope((), (Local(part.instead, part.borrowed),))
        return If((part.result,), condition, then, otherwise)

    def _alike(self, one: str, other: str) -> bool:
        """Whether the same modules lack both."""
        return all((one in lack.keys) == (other in lack.keys) for lack in self.lacks)

    def _order(self) -> list[str]:
        return [field.path for field in self.pattern.fields if field.path in self.fields]


def _with_branches(
    body: Body, parts: Sequence[Part], branch: Callable[[Part, tuple[Statement, ...]], If]
) -> Body:
    """The body with a branch in the place of each part."""
    done: list[Statement] = []
    place = 0
    for part in parts:
        done += body.statements[place : part.start]
        done.append(branch(part, body.statements[part.start : part.end]))
        place = part.end
    return replace(body, statements=(*done, *body.statements[place:]))


def _made(part: Part, inner: tuple[Statement, ...], tagged: bool) -> If:
    """A part of what `load` computes, as an option."""
    key = f"load {part.start}"
    then = Scope(_as_part(inner, key, tagged), (Held(Local(part.result)),))
    condition = _flag(key, f"has_{part.result}", tagged)
    return If((part.result,), condition, then, Scope((), (Held(None),)))


def _as_part(statements: tuple[Statement, ...], key: str, tagged: bool) -> tuple[Statement, ...]:
    """The statements, where constants tell that they are the part's if they are to."""
    if not tagged:
        return statements
    return map_exprs(statements, lambda expr: rewrite(expr, lambda part: _tagged(part, key)))


def _flag(key: str, label: str, tagged: bool) -> Number:
    return Number(True, "bool", f"{FLAG}{key}" if tagged else label)


def _tagged(expr: Expr, key: str) -> Expr | None:
    constant = constant_of(expr)
    return constant and replace(constant, label=f"{PART}{key}")


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
