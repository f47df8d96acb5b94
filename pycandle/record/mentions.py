"""Finds the attributes of a module that the Python statement behind an op is made of.

They are followed through locals that are made of them alone, as `shape = (-1, self.head_dim)`, and
through the arguments of the functions that a `forward` calls. A local that a shape is unpacked
into, as in `batch, heads, seq, head_dim = x.shape`, may be called as an attribute is. It must not
know torch.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

from pycandle.record.source import frames_of, own_statements, parsed, targets

# How many locals and arguments a number is followed through.
_DEPTH = 6
_OF_SIZES = (
    ast.Attribute, ast.Name, ast.Constant, ast.BinOp, ast.UnaryOp, ast.Tuple, ast.List, ast.Starred,
    ast.Subscript, ast.Slice, ast.operator, ast.unaryop, ast.expr_context,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mention:
    """An attribute of `self`, and whether it stands for itself or is part of arithmetic."""

    path: tuple[str, ...]  # ("config", "eps") for `self.config.eps`
    whole: bool
    unpacked: bool = False  # whether it is a local that a shape is unpacked into


# The modules of a list run the same lines.
@lru_cache(maxsize=1024)
def mentions(stack_trace: str) -> tuple[Mention, ...]:
    """What the innermost statement of a trace mentions, as often as it does."""
    frames = frames_of(stack_trace)
    starts = [place for place, frame in enumerate(frames) if frame.function == "forward"]
    if not starts:
        return ()
    places = [_places(frame.file).get(frame.line) for frame in frames[starts[-1] :]]
    known = [place for place in places if place is not None]
    if len(known) < len(places):
        return ()
    last = len(known) - 1
    return tuple(_mentioned(known[last].statement, known, last, True, _DEPTH))


@dataclass(frozen=True)
class _Place:
    """A simple statement, and the function that it stands in."""

    statement: ast.stmt
    function: ast.FunctionDef

    @cached_property
    def parameters(self) -> list[str]:
        """The function's, `self` included."""
        given = self.function.args
        return [arg.arg for arg in (*given.posonlyargs, *given.args, *given.kwonlyargs)]

    @cached_property
    def made(self) -> dict[str, list[ast.expr] | None]:
        """What is assigned to each local; None where something else than sizes is."""
        found: dict[str, list[ast.expr] | None] = {}
        for node in own_statements(self.function.body):
            sizes = isinstance(node, ast.Assign) and _is_size(node.value)
            for name in targets(node):
                held = found.setdefault(name, [])
                if held is None or not sizes or not isinstance(node, ast.Assign):
                    found[name] = None
                else:
                    held.append(node.value)
        return found

    @cached_property
    def unpacked(self) -> set[str]:
        """The locals that are one axis of a shape, and nothing else."""
        found: Counter[str] = Counter()
        shapes: set[str] = set()
        for node in own_statements(self.function.body):
            found.update(targets(node))
            match node:
                case ast.Assign(
                    targets=[ast.Tuple(elts=items)],
                    value=ast.Attribute(attr="shape")
                    | ast.Call(func=ast.Attribute(attr="size"), args=[]),
                ):
                    shapes.update(item.id for item in items if isinstance(item, ast.Name))
                case _:
                    pass
        return {name for name in shapes if found[name] == 1}


def _is_size(expr: ast.expr) -> bool:
    """Whether an expression calls nothing, as those of sizes mostly do not."""
    return all(isinstance(node, _OF_SIZES) for node in ast.walk(expr))


def _mentioned(
    part: ast.AST, places: list[_Place], at: int, whole: bool, depth: int
) -> Iterator[Mention]:
    """The mentions in a part of one place's statement; each of the places calls the next."""
    match part:
        case ast.Attribute():
            root, path = _path(part)
            if root is None:
                yield from _mentioned(part.value, places, at, whole, depth)
            elif _is_self(root, places, at):
                yield Mention(path, whole)
        case ast.Subscript(value=value):
            yield from _mentioned(value, places, at, whole, depth)
        case ast.Name(id=name, ctx=ast.Load()) if depth:
            held = places[at].made.get(name, [])
            if name in places[at].unpacked:
                yield Mention((name,), whole, True)
            if held is None:
                return
            for expr in held:
                yield from _mentioned(expr, places, at, whole, depth - 1)
            if not held and at and name in places[at].parameters:
                for expr in _given(places[at - 1], places[at], name):
                    yield from _mentioned(expr, places, at - 1, whole, depth - 1)
        case _:
            inside = whole and not isinstance(part, ast.BinOp)
            for inner in ast.iter_child_nodes(part):
                yield from _mentioned(inner, places, at, inside, depth)


def _path(attribute: ast.Attribute) -> tuple[str | None, tuple[str, ...]]:
    """The local that an attribute is of, if it is one's, and the names after it."""
    names: list[str] = []
    inner: ast.expr = attribute
    while isinstance(inner, ast.Attribute):
        names.append(inner.attr)
        inner = inner.value
    return inner.id if isinstance(inner, ast.Name) else None, tuple(reversed(names))


def _is_self(name: str, places: list[_Place], at: int) -> bool:
    """Whether a local is the module, as a function may take it under another name."""
    place = places[at]
    if name in place.made or name not in place.parameters:
        return False
    if name == "self" == place.parameters[0]:
        return True
    given = list(_given(places[at - 1], place, name)) if at else []
    return len(given) == 1 and isinstance(given[0], ast.Name) and (
        _is_self(given[0].id, places, at - 1)
    )  # fmt: skip


def _given(caller: _Place, called: _Place, parameter: str) -> Iterator[ast.expr]:
    """What a statement gives a function that it calls for a parameter.

    A function that was assigned to a local goes by that name.
    """
    for call in ast.walk(caller.statement):
        if not isinstance(call, ast.Call):
            continue
        keywords = {keyword.arg: keyword.value for keyword in call.keywords}
        function = call.func
        name = function.attr if isinstance(function, ast.Attribute) else (
            function.id if isinstance(function, ast.Name) else "")  # fmt: skip
        if parameter in keywords:
            yield keywords[parameter]
        elif (name == called.function.name or name in caller.made) and not any(
            isinstance(arg, ast.Starred) for arg in call.args
        ):
            bound = isinstance(function, ast.Attribute) and called.parameters[:1] == ["self"]
            place = called.parameters.index(parameter) - bound
            yield from call.args[place : place + 1] if place >= 0 else ()


@lru_cache
def _places(file: str) -> dict[int, _Place]:
    """For each line of a file its innermost simple statement, in the innermost function."""
    found: dict[int, _Place] = {}
    for function in ast.walk(parsed(file)):
        if not isinstance(function, ast.FunctionDef):
            continue
        for node in own_statements(function.body):
            if not hasattr(node, "body"):
                for line in range(node.lineno, (node.end_lineno or node.lineno) + 1):
                    found[line] = _Place(node, function)
    return found
