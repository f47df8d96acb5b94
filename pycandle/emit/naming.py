"""Chooses the names of locals, as the Python source has them.

A name is used again once the value that held it is no longer read, as Python and Rust both do.
Where Python gives no name, or its name is still needed, the submodule's or the op's name serves.
A scope may hide what is around it and what it does not read, as it may in Rust.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from pycandle.emit.body import Draft
from pycandle.emit.caches import is_whole, stem_of, whole
from pycandle.emit.names import identifier
from pycandle.emit.statements import (
    For,
    ForEach,
    Hint,
    If,
    Let,
    Read,
    Scope,
    Statement,
    While,
    exprs,
    map_exprs,
    once,
)
from pycandle.graph import Guard, Size
from pycandle.graph.dim import substitute, symbol
from pycandle.ops.expr import Expr, Field, Local, RelationOf, SizeOf, Var, rewrite, walk


@dataclass(frozen=True, slots=True)
class Body:
    """A forward with every name chosen."""

    arguments: tuple[tuple[str, str], ...]  # (name, "tensor", "tensors", "list" or "size")
    dims: tuple[tuple[str, tuple[tuple[int, str], ...], int], ...]  # local, axes, rank
    statements: tuple[Statement, ...]
    results: tuple[Expr, ...]
    lists: tuple[str, ...] = ()  # the results that are lists

    def is_list(self, result: Expr) -> bool:
        """Whether one of its results is a list of tensors."""
        return isinstance(result, Local) and result.name in self.lists


def name_locals(
    draft: Draft,
    statements: tuple[Statement, ...],
    parameters: Mapping[str, str],
    ranks: Mapping[str, int],
    reserved: frozenset[str],
) -> Body:
    """The draft's body with names; `parameters` gives each parameter's path in the module.

    `reserved` names (the symbols) are never given to a tensor.
    """
    told = {name for _, axes in draft.dims for _, name in axes}
    taken = {*reserved, *draft.interface.sizes, "self"}
    # What is returned without a name of its own is called as the caller finds it.
    spare = {
        value: "output" if not path or path[-1].isdigit() else path.rpartition(".")[2]
        for path, value in draft.interface.outputs
    }
    for start, end in draft.interface.given:
        path = draft.interface.outputs[start][0]
        values = [value for _, value in draft.interface.outputs[start:end]]
        spare[whole(values)] = _plural(_item(stem_of(path)))
    namer = _Namer(statements, draft.results, {}, taken, spare)
    arguments: list[tuple[str, str]] = []
    for given in draft.interface.arguments:
        local = namer.argument(given.name, given.value)
        arguments.append((local, given.kind))
        namer.items[local] = _item(given.name).removesuffix("s")
    arguments += [(name, "size") for name in draft.interface.sizes]
    bound: dict[str, Expr] = {value: Field(path) for value, path in parameters.items()}
    bound |= {
        given.value: Local(name, True)
        for given, (name, _) in zip(draft.interface.arguments, arguments, strict=False)
    }
    names = _Names(bound, {})
    # Modules that do the same must call it the same, whichever symbol of the model it is.
    local = {name: name if name in taken else namer.symbol(name, names) for name in sorted(told)}
    dims = tuple(
        (_name(bound[v]), tuple((axis, local[name]) for axis, name in axes), ranks[v])
        for v, axes in draft.dims
    )
    done = namer.name(statements, names)
    results = [names.bind(result) for result in draft.results]
    for k, result in enumerate(results):
        if not isinstance(result, Local):
            name = namer.fresh("output", len(statements))
            done.append(Let((name,), result, values=(draft.interface.gives[k],)))
            results[k] = Local(name)
    lists = tuple(
        result.name
        for result, value in zip(results, draft.results, strict=True)
        if isinstance(result, Local) and isinstance(value, Var) and is_whole(value.name)
    )
    return Body(tuple(arguments), dims, tuple(done), tuple(results), lists)


@dataclass(frozen=True, slots=True)
class _Names:
    """What stands for each value, and for each symbol that the body reads itself."""

    values: dict[str, Expr]
    symbols: dict[str, Size]

    def inside(self) -> _Names:
        """A copy for a scope, whose own names end with it."""
        return _Names(dict(self.values), dict(self.symbols))

    def bind(self, expr: Expr) -> Expr:
        return rewrite(expr, self._local)

    def _local(self, expr: Expr) -> Expr | None:
        match expr:
            case Var(name=name):
                return self.values[name]
            case SizeOf(size=size):
                return replace(expr, size=substitute(size, self.symbols))
            case RelationOf(guard=guard):
                left, right = (substitute(s, self.symbols) for s in (guard.left, guard.right))
                return RelationOf(Guard(left, guard.sign, right))
            case _:
                return None


class _Namer:
    """Which name holds which value in one scope, and until when each value is read."""

    def __init__(
        self,
        statements: tuple[Statement, ...],
        results: tuple[Expr, ...],
        holders: Mapping[str, str],
        reserved: set[str],
        spare: Mapping[str, str],
    ) -> None:
        self.holders = dict(holders)
        self.reserved = set(reserved)
        self.results = spare
        self.items: dict[str, str] = {}  # what an item of each list is called
        self.last_read: dict[str, int] = {}
        for place, statement in enumerate(statements):
            # What an iteration reads must keep its name while the loop binds its own.
            loop = isinstance(statement, (ForEach, While, For))
            for expr in exprs(statement):
                self._read(expr, place + 1 if loop else place)
            for expr in once(statement) if loop else ():
                for part in walk(expr):
                    if isinstance(part, Var) and part.name not in self._repeated(statement):
                        self.last_read[part.name] = place
        for result in results:
            self._read(result, len(statements) + 1)

    def name(self, statements: tuple[Statement, ...], names: _Names) -> list[Statement]:
        """The statements over locals; `names` learns what they bind."""
        done: list[Statement] = []
        for place, statement in enumerate(statements):
            match statement:
                case Let():
                    expr = names.bind(statement.expr)
                    chosen = self.choose(statement.names, statement.hint, place)
                    names.values.update(_locals(statement.names, chosen))
                    let = Let(chosen, expr, functions=statement.functions)
                    done.append(replace(let, values=statement.names))
                case ForEach():
                    done.append(self._for_each(statement, place, names))
                case Read():
                    tensor = names.bind(statement.tensor)
                    local = self.symbol(statement.symbol, names)
                    relations = map_exprs(statement.relations, names.bind)
                    done.append(replace(
                        statement, symbol=local, tensor=tensor, relations=relations))  # fmt: skip
                case If():
                    condition = names.bind(statement.condition)
                    then = self._scope(statement.then, names, set())
                    otherwise = self._scope(statement.otherwise, names, set())
                    chosen = self.choose(statement.names, statement.hint, place)
                    names.values.update(_locals(statement.names, chosen))
                    done.append(If(chosen, condition, then, otherwise))
                case While():
                    done.append(self._while(statement, place, names))
                case For():
                    done.append(self._for(statement, place, names))
        return done

    def argument(self, name: str, value: str) -> str:
        chosen = identifier(name, {*self.reserved, *self.holders})
        self.holders[chosen] = value
        return chosen

    def choose(
        self, values: tuple[str, ...], hint: Hint, place: int, all_kept: bool = False
    ) -> tuple[str, ...]:
        """A name for each value; `_` for one of several that nothing reads."""
        wanted = list(hint.targets[: len(values)])
        if len(values) > len(wanted) == 1:
            # One name for a tuple of them all.
            wanted = [f"{wanted[0]}_{k}" for k in range(len(values))]
        spare = next((self.results[v] for v in values if v in self.results), hint.fallback)
        wanted += [""] * (len(values) - len(wanted))
        # `_` is what Python does not read, where a list that the module changes may be read here.
        own = [self.results.get(value, spare) for value in values]
        wanted = [name if name.strip("_") else own[k] for k, name in enumerate(wanted)]
        names: list[str] = []
        for value, name in zip(values, wanted, strict=True):
            if len(values) > 1 and value not in self.last_read and not all_kept:
                names.append("_")
                continue
            chosen = self._free(name, place) or self._free(hint.fallback, place)
            names.append(chosen or self.fresh(hint.fallback, place))
            self.holders[names[-1]] = value
            # The next of them must not take this name, even if nothing reads its value.
            self.last_read.setdefault(value, place + 1 if len(values) > 1 else -1)
        return tuple(names)

    def fresh(self, stem: str, place: int) -> str:
        name, count = self._free(stem, place), 2
        while name is None:
            name, count = self._free(f"{stem}_{count}", place), count + 1
        return name

    def _for_each(self, loop: ForEach, place: int, names: _Names) -> ForEach:
        start, sources = names.bind(loop.start), map_exprs(loop.sources, names.bind)
        (name,) = self.choose(loop.names[:1], loop.hint, place)
        lists = [
            self.choose((each,), Hint((), self.results.get(each, "states")), place)[0]
            for each in loop.names[1:]
        ]
        variable = self._variable(loop.path, name)
        inner = names.inside()
        inner.values[loop.carried] = Local(name)
        # No item may hide what the call reads from around the loop.
        known = [s.name if isinstance(s, Local) else "states" for s in sources]
        called = [self.items.get(each, _item_of(each)) for each in known]
        items = _apart(called, {*self.reserved, *self.holders, name, variable, *lists})
        inner.values.update(
            (item, Local(local, True)) for item, local in zip(loop.items, items, strict=True)
        )
        expr = rewrite(inner.bind(loop.expr), _loop_module(loop.path, variable))
        given = [_item_of(each) for each in lists]
        if loop.given:
            given.insert(loop.place, "next")
        names.values.update(_locals(loop.names, (name, *lists)))
        return ForEach(
            loop.path, variable, (name, *lists), name, start, expr, grows=loop.grows, items=items,
            sources=sources, given=_apart(given, {*self.reserved, name, variable, *lists}),
            place=loop.place,
        )  # fmt: skip

    def _while(self, loop: While, place: int, names: _Names) -> While:
        starts = map_exprs(loop.starts, names.bind)
        chosen = self.choose(loop.names, loop.hint, place, all_kept=True)
        inner = names.inside()
        inner.values.update(_locals(loop.carried, chosen))
        condition = self._scope(loop.condition, inner, set(chosen))
        body = self._scope(loop.body, inner, set(chosen))
        names.values.update(_locals(loop.names, chosen))
        return While(chosen, chosen, starts, condition, body)

    def _for(self, loop: For, place: int, names: _Names) -> For:
        starts = map_exprs(loop.starts, names.bind)
        sources = map_exprs(loop.sources, names.bind)
        count = names.bind(loop.count)
        kept = len(loop.carried)
        chosen = self.choose(loop.names, loop.hint, place, all_kept=True)
        inner = names.inside()
        inner.values.update(_locals(loop.carried, chosen[:kept]))
        taken = {*self.reserved, *self.holders, *chosen}
        index = identifier("i", taken)
        if loop.index:
            inner.symbols[loop.index] = symbol(index)
        items: list[str] = []
        for source in sources:
            name = source.name if isinstance(source, Local) else ""
            item = _singular(name)
            items.append(identifier(item if item != name else "row", {*taken, index, *items}))
        inner.values.update(_locals(loop.items, tuple(items)))
        body = self._scope(loop.body, inner, {*chosen, index, *items})
        names.values.update(_locals(loop.names, chosen))
        return For(
            chosen, chosen[:kept], starts, tuple(items), sources, index, count, body, axis=loop.axis
        )

    def _scope(self, scope: Scope, names: _Names, reserved: set[str]) -> Scope:
        inner = names.inside()
        namer = _Namer(scope.statements, scope.results, self.holders, self.reserved | reserved, {})
        statements = namer.name(scope.statements, inner)
        return Scope(tuple(statements), map_exprs(scope.results, inner.bind))

    def symbol(self, wanted: str, names: _Names) -> str:
        """A local for a symbol: its name, without the number that sets it apart elsewhere."""
        stem = re.sub(r"_\d+$", "", wanted)
        local = identifier(stem, {*self.reserved, *self.holders})
        self.reserved.add(local)
        names.symbols[wanted] = symbol(local)
        return local

    def _variable(self, path: str, carried: str) -> str:
        """The loop's own module: the list's name in the singular."""
        name = _singular(identifier(path.rpartition(".")[2]))
        taken = {*self.reserved, *self.holders, carried}
        return name if name not in taken else identifier(f"{name}_module", taken)

    def _free(self, name: str, place: int) -> str | None:
        """The name, if nothing that it holds is read after this place."""
        chosen = identifier(name)
        holder = self.holders.get(chosen)
        if chosen in self.reserved:
            return None
        return chosen if holder is None or self.last_read.get(holder, -1) <= place else None

    def _read(self, expr: Expr, place: int) -> None:
        for part in walk(expr):
            if isinstance(part, Var):
                self.last_read[part.name] = max(place, self.last_read.get(part.name, -1))

    def _repeated(self, loop: Statement) -> set[str]:
        """The values that every iteration reads."""
        starts = list(once(loop))
        every = [expr for expr in exprs(loop) if not any(expr is start for start in starts)]
        return {part.name for expr in every for part in walk(expr) if isinstance(part, Var)}


def _locals(values: tuple[str, ...], names: tuple[str, ...]) -> dict[str, Expr]:
    return {value: Local(name) for value, name in zip(values, names, strict=True)}


def _apart(names: Iterable[str], taken: set[str]) -> tuple[str, ...]:
    """Names as identifiers that differ from each other and from those taken."""
    found: list[str] = []
    for name in names:
        found.append(identifier(name, {*taken, *found}))
    return tuple(found)


def _item(name: str) -> str:
    """What an item of a list is called, as far as the list's own name says."""
    last = name.rpartition(".")[2]
    return "state" if not last or last.isdigit() else last


def _singular(name: str) -> str:
    """`frame` of `frames`; what is no plural stays."""
    return name[:-1] if name.endswith("s") and len(name) > 3 else name


def _plural(name: str) -> str:
    return name if _singular(name) != name else f"{name}s"


def _item_of(local: str) -> str:
    """What an item of the list in a local is called: `state_2` of `states_2`."""
    return re.sub(r"s(_\d+)?$", r"\1", local)


def _loop_module(path: str, variable: str) -> Callable[[Expr], Expr | None]:
    def change(expr: Expr) -> Expr | None:
        return Local(variable) if expr == Field(path) else None

    return change


def _name(expr: Expr) -> str:
    assert isinstance(expr, Local)
    return expr.name
