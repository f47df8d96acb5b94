"""Fuses what is done to a layer's result into the layer's call, where a kernel can do both at once.

A batch norm, a sum with a tensor of the same shape, an activation, in this order and each where
it is there: `self.conv.then(&self.bn).add(&identity).then(&self.relu).forward(x)?`. The last step
before text; without it (`--no-fuse`) every call stands by itself. It declines where anything else
reads what is between, in other modules, and where what the call reads is something else by then.
It must not know text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pycandle.emit.chains import (
    ACTIVATION,
    ORDER,
    SUM,
    is_layer,
    kinds_of,
    last_of,
    named,
    opened_kinds,
    parts_of,
    steps_of,
)
from pycandle.emit.scopes import binds, reads
from pycandle.emit.statements import For, If, Let, Scope, Statement, While, walk_all
from pycandle.emit.structs import Forward, Struct
from pycandle.graph import Graph, Node
from pycandle.ops.expr import (
    Closure,
    Expr,
    Field,
    Local,
    Method,
    Present,
    Then,
    rewrite,
    walk,
)


@dataclass(frozen=True, slots=True)
class Fusion:
    """A layer and the steps after it, which are one call, or why they are not."""

    struct: str
    regions: tuple[int, ...]  # the calls whose code it is in
    parts: tuple[Expr, ...]  # the modules and the functions; a sum is "add"
    value: str  # what the last of them gives, as far as that is known
    declined: str = ""


def fused(structs: Iterable[Struct], graph: Graph) -> tuple[list[Struct], list[Fusion]]:
    """The structs with fused calls, and what was fused and what was not."""
    done: list[Struct] = []
    found: list[Fusion] = []
    readers: dict[str, list[Node]] = {}
    for node in graph.nodes:
        for name in node.inputs:
            readers.setdefault(name, []).append(node)
    for struct in structs:
        kinds = kinds_of(struct.fields)
        forwards: list[Forward] = []
        for forward in struct.forwards:
            fusing = _Fusing(graph, readers, struct.name, forward.regions)
            body = forward.body
            statements, results = fusing.scope(body.statements, body.results, kinds)
            forwards.append(
                replace(forward, body=replace(body, statements=statements, results=results))
            )
            found += fusing.found(statements)
        done.append(replace(struct, forwards=tuple(forwards)))
    return done, found


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an expression stands among the statements of a scope."""

    done: list[Statement]  # those before it, which may become part of it
    current: object  # what it is part of
    after: Scope
    kinds: Mapping[Expr, str]
    value: str = ""  # what it is the value of, where that is known
    taken: list[Expr] = field(default_factory=lambda: list[Expr]())  # what became part of it


@dataclass(frozen=True, slots=True)
class _Made:
    """What gives a tensor that a step takes: a call of a layer, if that is fused."""

    call: Any
    local: str = ""  # what the result is called, where it has a statement of its own
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Fusing:
    """One forward of a struct, while its calls are fused."""

    graph: Graph
    readers: Mapping[str, list[Node]]  # of each value
    struct: str
    regions: tuple[int, ...]
    declined: dict[Fusion, None] = field(default_factory=lambda: dict[Fusion, None]())

    def found(self, statements: tuple[Statement, ...]) -> Iterator[Fusion]:
        """What was fused, and what was not."""
        for each in _lets(statements):
            for part in walk(each.expr):
                if isinstance(part, Method) and isinstance(part.receiver, Then):
                    parts = tuple(parts_of(part.receiver))
                    yield Fusion(self.struct, self.regions, parts, *each.values[:1] or ("",))
        yield from self.declined

    def scope(
        self, statements: tuple[Statement, ...], results: tuple[Expr, ...], kinds: Mapping[Any, str]
    ) -> tuple[tuple[Statement, ...], tuple[Expr, ...]]:
        """The statements and results of a scope with fused calls."""
        done: list[Statement] = []
        for k, statement in enumerate(statements):
            after = Scope(statements[k + 1 :], results)
            done.append(self._statement(statement, _Place(done, statement, after, kinds)))
        place = _Place(done, results, Scope((), ()), kinds)
        results = tuple(self._expr(result, place) for result in results)
        return tuple(done), results

    def _statement(self, statement: Statement, at: _Place) -> Statement:
        match statement:
            case Let(values=values):
                at = replace(at, value=values[0] if values else "")
                return replace(statement, expr=self._expr(statement.expr, at))
            case If(condition=condition):
                fused = self._optional(statement, at)
                if fused is not None:
                    return fused
                then = self._inner(
                    statement.then, {**at.kinds, **opened_kinds(condition, at.kinds)}
                )
                otherwise = self._inner(statement.otherwise, at.kinds)
                return replace(statement, then=then, otherwise=otherwise)
            case While():
                condition = self._inner(statement.condition, at.kinds)
                return replace(
                    statement, condition=condition, body=self._inner(statement.body, at.kinds)
                )
            case For():
                return replace(statement, body=self._inner(statement.body, at.kinds))
            case _:
                return statement

    def _inner(self, scope: Scope, kinds: Mapping[Any, str]) -> Scope:
        return Scope(*self.scope(scope.statements, scope.results, kinds))

    def _expr(self, expr: Expr, at: _Place, inner: bool = False) -> Expr:
        """The expression with fused calls, the innermost first."""
        if isinstance(expr, Closure):
            return expr
        expr = rewrite(expr, lambda part: None if part is expr else self._expr(part, at, True))
        for given, step, name in steps_of(expr, at.kinds):
            made = self._made(given, step, name, at)
            if made is None:
                continue
            call = replace(made.call, receiver=Then(made.call.receiver, step, name))
            if inner and made.local and not _times_called(call, at.current):
                # What had a line of its own has one still.
                at.done.append(Let((made.local,), call, values=self._next(made.values)))
                return Local(made.local)
            at.taken.append(made.call)
            return call
        return expr

    def _optional(self, branch: If, at: _Place) -> Let | None:
        """A branch that takes a step where the module has it, as that step."""
        match branch:
            case If(
                names=(_,),
                condition=Present(fields=(module,), names=(local,)),
                then=Scope(results=(result,)) as then,
                otherwise=Scope(statements=(), results=(Local() as other,)),
            ):
                pass
            case _:
                return None
        match then.statements:
            case (Let(names=(name,), expr=expr),) if result == Local(name):
                result = expr
            case ():
                pass
            case _:
                return None
        match result:
            case Method(receiver=Local(name=held), name="forward", args=(Local() as given,)):
                if held != local or given.name != other.name or not at.kinds.get(module):
                    return None
            case _:
                return None
        made = self._made(given, module, "then", at)
        if made is None:
            return None
        call = replace(made.call, receiver=Then(made.call.receiver, module))
        return Let(branch.names, call, branch.hint, values=self._next(made.values))

    def _made(self, given: Expr, step: Expr, name: str, at: _Place) -> _Made | None:
        """The call of a layer that gives what a step takes; a statement of its own is gone then."""
        place = _maker(given, at.done) if isinstance(given, Local) else None
        let = at.done[place] if place is not None else None
        made = _Made(let.expr, let.names[0], let.values) if isinstance(let, Let) else _Made(given)
        if not is_layer(made.call, at.kinds):
            return None
        why = self._hindrance(made, place, step, name, at)
        if why:
            parts = (*parts_of(made.call.receiver), named(step, name))
            self.declined[Fusion(self.struct, self.regions, parts, at.value, why)] = None
            return None
        if place is not None:
            del at.done[place]
        return made

    def _next(self, values: tuple[str, ...]) -> tuple[str, ...]:
        """The value that the only reader of another gives."""
        found = self.readers.get(values[0], []) if values else []
        return (found[0].out.name,) if len(found) == 1 and len(found[0].outs) == 1 else ()

    def _hindrance(self, made: _Made, place: int | None, step: Expr, name: str, at: _Place) -> str:
        """Why a step cannot be fused into a call, if it cannot."""
        kind = at.kinds.get(step, ACTIVATION) if name == "then" else SUM
        last = last_of(made.call.receiver, at.kinds)
        if ORDER.index(kind) <= ORDER.index(last):
            return f"no kernel does {kind} after {last}"
        known = self.graph.types.get(at.value or "".join(made.values))
        if known is None or not known.is_float:
            return "it is not known to be of floats"
        if name == "broadcast_add":
            return "it is a sum of other shapes or dtypes"
        if name == "add" and _fields(step) & _fields(made.call):
            return "what is added comes of a module that is part of the call"
        return "" if place is None else _in_the_way(made, at.done[place + 1 :], at)


def _in_the_way(made: _Made, between: list[Statement], at: _Place) -> str:
    """Why a statement's call cannot be made further below, where its result is read."""
    # A branch takes a step on one side, and goes on with what it is given on the other.
    branch = isinstance(at.current, If)
    here = [*between, *at.taken, *(() if branch else (at.current,))]
    times = sum(_times(made.local, each) for each in here)
    after = Scope((), ())
    if not isinstance(at.current, (Let, If)) or made.local not in binds(at.current):
        after = _until_bound(made.local, at.after)
        times += _times(made.local, (after.statements, after.results))
    if times != (0 if branch else 1):
        leaves = _times(made.local, after.results)
        return "its result leaves the module" if leaves else "its result is read more than once"
    bound = {name for statement in between for name in binds(statement)}
    if bound & {*reads(made.call)}:
        return "what it reads is another value by then"
    if _fields((*between, *at.taken)) & _fields(made.call):
        return "a module of it is called in between"
    return ""


def _times_called(call: Method, part: object) -> int:
    """How often a part calls modules of a call, but for the last of these."""
    called = [e.path for e in walk_all(part) if isinstance(e, Field)]
    own = _fields(call)
    last = call.receiver.step if isinstance(call.receiver, Then) else None
    return sum(path in own for path in called) - (isinstance(last, Field))


def _maker(local: Local, done: list[Statement]) -> int | None:
    """Which statement binds a local, if that is all it does."""
    for place in reversed(range(len(done))):
        statement = done[place]
        if local.name in binds(statement):
            alone = isinstance(statement, Let) and statement.names == (local.name,)
            return place if alone else None
    return None


def _times(name: str, part: object) -> int:
    """How often a local is read in a part, whatever is called so in it."""
    return sum(isinstance(e, Local) and e.name == name for e in walk_all(part))


def _until_bound(name: str, scope: Scope) -> Scope:
    """The part of a scope in which a local is what it is at first."""
    for place, statement in enumerate(scope.statements):
        if name in binds(statement):
            return Scope(scope.statements[: place + 1], ())
    return scope


def _fields(part: object) -> set[str]:
    return {expr.path for expr in walk_all(part) if isinstance(expr, Field)}


def _lets(statements: Iterable[Statement]) -> Iterator[Let]:
    """The bindings of statements and of the scopes in them."""
    for statement in statements:
        match statement:
            case Let():
                yield statement
            case If(then=one, otherwise=other) | While(condition=one, body=other):
                yield from _lets((*one.statements, *other.statements))
            case For(body=body):
                yield from _lets(body.statements)
            case _:
                pass
