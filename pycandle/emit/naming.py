"""Chooses the names of locals, as the Python source has them.

A name is used again once the value that held it is no longer read, as Python and Rust both do.
Where Python gives no name, or its name is still needed, the submodule's or the op's name serves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pycandle.emit.body import Draft, ForEach, Let
from pycandle.emit.names import identifier
from pycandle.ops.expr import Expr, Field, Local, Var, rewrite, walk


@dataclass(frozen=True, slots=True)
class NamedLet:
    """Binds the results of one expression to names."""

    names: tuple[str, ...]
    expr: Expr


@dataclass(frozen=True, slots=True)
class NamedForEach:
    """Carries one name through the modules of a list."""

    path: str  # the list's path
    variable: str  # the loop's own module
    name: str  # the carried value
    start: Expr
    expr: Expr


@dataclass(frozen=True, slots=True)
class Body:
    """A forward with every name chosen."""

    arguments: tuple[tuple[str, str], ...]  # (name, "tensor" or "size")
    dims: tuple[tuple[str, tuple[tuple[int, str], ...], int], ...]  # local, axes, rank
    statements: tuple[NamedLet | NamedForEach, ...]
    results: tuple[Expr, ...]


def name_locals(
    draft: Draft,
    statements: tuple[Let | ForEach, ...],
    parameters: Mapping[str, str],
    ranks: Mapping[str, int],
    reserved: frozenset[str],
) -> Body:
    """The draft's body with names; `parameters` gives each parameter's path in the module.

    `reserved` names (the symbols) are never given to a tensor.
    """
    namer = _Namer(draft, statements, reserved | {"self"})
    arguments: list[tuple[str, str]] = []
    for name, value in draft.interface.inputs:
        arguments.append((namer.argument(name, value), "tensor"))
    arguments += [(name, "size") for name in draft.interface.sizes]
    bound: dict[str, Expr] = {value: Field(path) for value, path in parameters.items()}
    bound |= {
        v: Local(n, True) for (_, v), (n, _) in zip(draft.interface.inputs, arguments, strict=False)
    }
    dims = tuple((_name(bound[v]), axes, ranks[v]) for v, axes in draft.dims)
    done: list[NamedLet | NamedForEach] = []
    for place, statement in enumerate(statements):
        if isinstance(statement, Let):
            expr = _bind(statement.expr, bound)
            names = namer.choose(statement, place)
            bound |= {v: Local(n) for v, n in zip(statement.values, names, strict=True)}
            done.append(NamedLet(names, expr))
            continue
        start = _bind(statement.start, bound)
        (name,) = namer.choose(
            Let((statement.value,), statement.expr, statement.targets, statement.fallback), place
        )
        variable = namer.variable(statement.path, name)
        inner = {**bound, statement.carried: Local(name)}
        expr = rewrite(_bind(statement.expr, inner), _loop_module(statement.path, variable))
        bound[statement.value] = Local(name)
        done.append(NamedForEach(statement.path, variable, name, start, expr))
    results = [_bind(result, bound) for result in draft.results]
    for k, result in enumerate(results):
        if not isinstance(result, Local):
            name = namer.fresh("output", len(statements))
            done.append(NamedLet((name,), result))
            results[k] = Local(name)
    return Body(tuple(arguments), dims, tuple(done), tuple(results))


class _Namer:
    """Which name holds which value, and until when each value is read."""

    def __init__(
        self, draft: Draft, statements: tuple[Let | ForEach, ...], reserved: frozenset[str]
    ) -> None:
        self.holders: dict[str, str] = {}
        self.reserved = reserved
        self.last_read: dict[str, int] = {}
        for place, statement in enumerate(statements):
            exprs = [statement.expr]
            if isinstance(statement, ForEach):
                exprs.append(statement.start)
            for expr in exprs:
                self._read(expr, place)
            if isinstance(statement, ForEach):
                # What an iteration reads must keep its name while the loop binds its own.
                for part in walk(statement.expr):
                    if isinstance(part, Var):
                        self.last_read[part.name] = place + 1
        for result in draft.results:
            self._read(result, len(statements) + 1)
        # What is returned without a name of its own is called as the caller finds it.
        self.results = {
            value: "output" if not path or path[-1].isdigit() else path.rpartition(".")[2]
            for path, value in draft.interface.outputs
        }

    def _read(self, expr: Expr, place: int) -> None:
        for part in walk(expr):
            if isinstance(part, Var):
                self.last_read[part.name] = max(place, self.last_read.get(part.name, -1))

    def argument(self, name: str, value: str) -> str:
        chosen = identifier(name, {*self.reserved, *self.holders})
        self.holders[chosen] = value
        return chosen

    def choose(self, let: Let, place: int) -> tuple[str, ...]:
        wanted = list(let.targets[: len(let.values)])
        spare = next((self.results[v] for v in let.values if v in self.results), let.fallback)
        wanted += [spare] * (len(let.values) - len(wanted))
        names: list[str] = []
        for value, name in zip(let.values, wanted, strict=True):
            if len(let.values) > 1 and value not in self.last_read:
                names.append("_")
                continue
            chosen = self._free(name, place) or self._free(let.fallback, place)
            names.append(chosen or self.fresh(let.fallback, place))
            self.holders[names[-1]] = value
        return tuple(names)

    def fresh(self, stem: str, place: int) -> str:
        name, count = self._free(stem, place), 2
        while name is None:
            name, count = self._free(f"{stem}_{count}", place), count + 1
        return name

    def variable(self, path: str, carried: str) -> str:
        """The loop's own module: the list's name in the singular."""
        name = identifier(path.rpartition(".")[2])
        name = name[:-1] if name.endswith("s") and len(name) > 3 else name
        taken = {*self.reserved, *self.holders, carried}
        return name if name not in taken else identifier(f"{name}_module", taken)

    def _free(self, name: str, place: int) -> str | None:
        """The name, if nothing that it holds is read after this place."""
        chosen = identifier(name)
        holder = self.holders.get(chosen)
        if chosen in self.reserved:
            return None
        return chosen if holder is None or self.last_read.get(holder, -1) <= place else None


def _loop_module(path: str, variable: str) -> Callable[[Expr], Expr | None]:
    def change(expr: Expr) -> Expr | None:
        return Local(variable) if expr == Field(path) else None

    return change


def _bind(expr: Expr, bound: Mapping[str, Expr]) -> Expr:
    return rewrite(expr, lambda e: bound[e.name] if isinstance(e, Var) else None)


def _name(expr: Expr) -> str:
    assert isinstance(expr, Local)
    return expr.name
