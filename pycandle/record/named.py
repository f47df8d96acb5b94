"""The names that a model's own code has for its numbers: `self.head_dim`, `config.hidden_size`.

A number of an op has a name where the Python statement behind the op mentions an attribute of the
module that is that number, and no other that is. A number that a module was made with has the name
of what stands in the call that made it. What cannot be read so has no name. It must not know the
graph.
"""

from __future__ import annotations

import ast
import inspect
import math
import textwrap
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TypeAlias, TypeGuard, cast

import torch

from pycandle.record.mentions import mentions

Number: TypeAlias = int | float
# Smaller integers, and these floats, are constants of the code rather than of the model.
_LEAST, _PLAIN = 2, (0.0, 1.0, -1.0)


def names_of(trace: str, module: torch.nn.Module | None) -> list[tuple[str, Number]]:
    """The numbers of a module that the statement behind an op mentions, each under one name, and
    as often as they may stand in the op.

    Arithmetic with a whole number gives another one; with a factor it may well be the op.
    """
    names: dict[Number, set[str]] = {}
    found: list[tuple[str, Number]] = []
    for mention in mentions(trace) if module is not None else ():
        value = _alike(_attribute(module, mention.path))
        name = mention.path[-1].strip("_")
        if _is_telling(value) and name.isascii() and name.isidentifier():
            names.setdefault(value, set()).add(name)
            if mention.whole or isinstance(value, float):
                found.append((name, value))
    return [(name, value) for name, value in found if len(names[value]) == 1]


def _attribute(module: object, path: tuple[str, ...]) -> object:
    """An attribute of an attribute, without running code of the model's."""
    for name in path:
        try:
            module = inspect.getattr_static(module, name)
        except AttributeError:
            return None
    return module


def _alike(value: object) -> object:
    """The one number of a list of equal ones, as of a window's sides."""
    items = [*cast("list[object]", value)] if isinstance(value, (list, tuple)) else []
    numbers = [item for item in items if _is_telling(item)]
    alike = len(numbers) == len(items) and len({*numbers}) == 1
    return items[0] if alike else cast("object", value)


def _is_telling(value: object) -> TypeGuard[Number]:
    if type(value) is int:
        return _LEAST <= value < 2**63
    return type(value) is float and math.isfinite(value) and value not in _PLAIN


def arguments_of(holder: torch.nn.Module, path: str, module: torch.nn.Module) -> dict[str, str]:
    """What stands for each number that a module was made with: `{"in_features": "hidden_size"}`.

    `path` is where the module is in the holder, whose class says how it was made. Only parameters
    that the module has as an attribute of that name count.
    """
    made = _made(type(holder))
    first, *rest = path.split(".")
    found = [_inside(expr, rest) for expr in made.get(first, ())]
    calls = [_arguments(type(module), expr) for expr in found if expr is not None]
    if not calls or any(call != calls[0] for call in calls):
        return {}
    numbers = {name for name, value in vars(module).items() if _has_number(value)}
    return {name: said for name, said in calls[0].items() if name in numbers}


def axes_of(holder: torch.nn.Module, name: str, rank: int) -> tuple[str, ...]:
    """What the sizes of a parameter are called where it is made, as in
    `self.weight = nn.Parameter(torch.ones(hidden_size))`; empty if nothing is.
    """
    if type(holder).__module__.startswith("torch."):
        return ()
    found = [_axes(expr) for expr in _made(type(holder)).get(name, ())]
    if not found or any(axes != found[0] for axes in found) or len(found[0]) != rank:
        return ()
    return found[0] if any(found[0]) else ()


# Functions that take the shape of what they make, as sizes or as one tuple.
_MAKERS = ("empty", "ones", "rand", "randn", "zeros")


def _axes(expr: ast.expr) -> tuple[str, ...]:
    match expr:
        case ast.Call(
            func=ast.Attribute(attr="Parameter") | ast.Name(id="Parameter"),
            args=[ast.Call(func=ast.Attribute(attr=maker), args=sizes), *_],
        ) if maker in _MAKERS:
            if len(sizes) == 1 and isinstance(sizes[0], (ast.Tuple, ast.List)):
                sizes = sizes[0].elts
            said = dict(_said({str(axis): size for axis, size in enumerate(sizes)}))
            return tuple(said.get(str(axis), "") for axis in range(len(sizes)))
        case _:
            return ()


def _has_number(value: object) -> bool:
    items = cast("tuple[object, ...]", value) if isinstance(value, tuple) else (value,)
    return len(items) > 0 and all(map(_is_telling, items))


@lru_cache
def _made(kind: type) -> Mapping[str, list[ast.expr]]:
    """What a class's constructors assign to each attribute, those of its bases included."""
    found: dict[str, list[ast.expr]] = {}
    for base in kind.__mro__:
        constructor = vars(base).get("__init__")
        if base is torch.nn.Module or constructor is None:
            continue
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(constructor)))
        except (OSError, TypeError, SyntaxError):
            continue
        for node in ast.walk(tree):
            match node:
                case (
                    ast.Assign(targets=[ast.Attribute(value=ast.Name("self"), attr=name)])
                    | ast.AnnAssign(target=ast.Attribute(value=ast.Name("self"), attr=name))
                ) if node.value is not None:
                    found.setdefault(name, []).append(node.value)
                case _:
                    pass
    return found


def _inside(expr: ast.expr, path: list[str]) -> ast.Call | None:
    """The call that makes the module at a path of numbers in what an expression makes."""
    for number in path:
        match expr:
            case (
                ast.Call(args=[ast.ListComp(elt=item)])
                | ast.Call(args=[ast.GeneratorExp(elt=item)])
            ):
                expr = item
            case ast.Call(args=[ast.List(elts=items)]) | ast.Call(args=items):
                plain = [item for item in items if not isinstance(item, ast.Starred)]
                if not number.isdigit() or int(number) >= len(items) or len(plain) < len(items):
                    return None
                expr = items[int(number)]
            case _:
                return None
    return expr if isinstance(expr, ast.Call) else None


def _arguments(kind: type, call: ast.Call) -> dict[str, str]:
    """The names that stand in a constructor's call, by its parameters."""
    if any(isinstance(arg, ast.Starred) for arg in call.args):
        return {}
    try:
        parameters = list(inspect.signature(kind.__init__).parameters)[1:]
    except (TypeError, ValueError):
        return {}
    given = dict(zip(parameters, call.args, strict=False))
    given |= {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
    return dict(_said(given))


def _said(given: Mapping[str, ast.expr]) -> Iterator[tuple[str, str]]:
    for parameter, expr in given.items():
        match expr:
            case ast.Attribute(attr=name) | ast.Name(id=name):
                plain = name.strip("_")
                if plain.isascii() and plain.isidentifier():
                    yield parameter, plain
            case _:
                pass
