"""The names that stand where a module is made: `nn.Linear(hidden_size, 3 * self.width)`.

The constructor of the module that holds it is read, and nothing of it is run. A function between,
as ResNet's `conv3x3`, is followed if all that it does is one `return`; any other may do with its
arguments what it likes. It must not know the graph.
"""

from __future__ import annotations

import ast
import functools
import inspect
import math
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import cast

import torch

from pycandle.graph.spelling import spell
from pycandle.record.named import attribute, is_telling

# What calls its modules, and makes none.
CONTAINERS: tuple[object, ...] = (torch.nn.Sequential, torch.nn.ModuleList)


@dataclass(frozen=True)
class _Made:
    """An expression that makes something, and the module whose constructor has it."""

    expr: ast.expr
    function: ast.FunctionDef  # the constructor that the expression stands in
    module: str  # the Python module that this is written in
    holder: torch.nn.Module | None  # none where another function stands between

    def named(self, expr: ast.expr) -> object:
        """What a global name stands for there; None for locals and what is not there."""
        match expr:
            case ast.Name(id=name):
                return getattr(sys.modules.get(self.module), name, None)
            case ast.Attribute(value=value, attr=name):
                return getattr(self.named(value), name, None)
            case ast.Call(func=func, args=[first, *_]) if self.named(func) is functools.partial:
                return self.named(first)
            case _:
                return None

    def may_be(self, expr: ast.expr) -> list[object]:
        """What an expression may stand for: a global, or what is a local's, or its default."""
        parts = list(_choices(expr))
        for local in [part.id for part in parts if isinstance(part, ast.Name)]:
            parts += [part for given in _given(self.function, local) for part in _choices(given)]
        found = map(self.named, parts)
        return [each.func if isinstance(each, functools.partial) else each
                for each in found if each is not None]  # fmt: skip

    def number(self, expr: ast.expr) -> int | float | None:
        """What an expression of the constructor is, if the module that it made still tells: as
        `self.width` does, and `config.width` or `width` where the module keeps those.
        """
        path: list[str] = []
        inner = expr
        while isinstance(inner, ast.Attribute):
            path.insert(0, inner.attr)
            inner = inner.value
        if not isinstance(inner, ast.Name) or self.holder is None:
            return None
        path = path if inner.id == "self" else [inner.id, *path]
        value = attribute(self.holder, tuple(path))
        return value if is_telling(value) else None


def arguments_of(holder: torch.nn.Module, path: str, module: torch.nn.Module) -> dict[str, str]:
    """What stands for each number that a module was made with: `{"in_features": "hidden_size"}`.

    `path` is where the module is in the holder, whose class says how it was made. Only parameters
    that the module has as an attribute of that name count. Products are spelled out.
    """
    first, *rest = path.split(".")
    found = [_inside(made, rest) for made in _made(holder, first)]
    spelled = [_arguments(made, module) for made in found if made is not None]
    calls = [call for call in spelled if call is not None]
    if not calls or any(call != calls[0] for call in calls):
        return {}
    numbers = {name for name, value in vars(module).items() if _has_number(value)}
    return {name: said for name, said in calls[0].items() if name in numbers}


def length_of(holder: torch.nn.Module, path: str) -> tuple[str, int] | None:
    """What stands for the length of the list that a module is an item of, as
    `nn.ModuleList([Block() for _ in range(num_layers)])`, and that length; None if nothing does.
    """
    name, _, number = path.partition(".")
    held = dict(holder.named_children()).get(name)
    length = len(list(held.children())) if held is not None and number.isdigit() else 0
    found = {_range(made, name, length) for made in _made(holder, name)}
    spelled = found.pop() if len(found) == 1 and length > 1 else ""
    return (spelled, length) if spelled else None


def _range(made: _Made, name: str, length: int) -> str:
    """The end of the range that a list of so many modules is made over."""
    match made.expr:
        case ast.Call(
            func=kind,
            args=[
                ast.ListComp(generators=[ast.comprehension(iter=over, ifs=[])])
                | ast.GeneratorExp(generators=[ast.comprehension(iter=over, ifs=[])])
            ],
        ) if made.named(kind) in CONTAINERS:
            pass
        case _:
            return ""
    match over:
        case ast.Call(func=ast.Name(id="range"), args=[end]):
            pass
        case _:
            return ""
    number = made.number(end)
    # What a local was is not known: it is the length if nothing else was put into the list.
    alone = number is None and _attributes(type(made.holder))[name] == 1
    return _plain_name(end) if alone or number == length else ""


@lru_cache
def _attributes(kind: type) -> Counter[str]:
    """How often a class's constructors speak of each of their own attributes."""
    constructors = (_parsed(vars(base).get("__init__")) for base in kind.__mro__)
    return Counter(
        node.attr
        for constructor in constructors
        for node in (ast.walk(constructor) if constructor is not None else ())
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    )  # fmt: skip


def axes_of(holder: torch.nn.Module, name: str, rank: int) -> tuple[str, ...]:
    """What the sizes of a parameter are called where it is made, as in
    `self.weight = nn.Parameter(torch.ones(hidden_size))`; empty if nothing is.
    """
    if type(holder).__module__.startswith("torch."):
        return ()
    found = [_axes(made.expr) for made in _made(holder, name)]
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
            return tuple(_plain_name(size) for size in sizes)
        case _:
            return ()


def _has_number(value: object) -> bool:
    items = cast("tuple[object, ...]", value) if isinstance(value, tuple) else (value,)
    return len(items) > 0 and all(map(is_telling, items))


def _made(holder: torch.nn.Module, name: str) -> list[_Made]:
    """What the constructors of a module's class assign to an attribute."""
    return [replace(made, holder=holder) for made in _assigned(type(holder)).get(name, ())]


@lru_cache
def _assigned(kind: type) -> Mapping[str, list[_Made]]:
    """What a class's constructors assign to each attribute, those of its bases included."""
    found: dict[str, list[_Made]] = {}
    for base in kind.__mro__:
        constructor = _parsed(vars(base).get("__init__")) if base is not torch.nn.Module else None
        for node in ast.walk(constructor) if constructor is not None else ():
            match node:
                case (
                    ast.Assign(targets=[ast.Attribute(value=ast.Name("self"), attr=name)])
                    | ast.AnnAssign(target=ast.Attribute(value=ast.Name("self"), attr=name))
                ) if node.value is not None:
                    assert constructor is not None
                    made = _Made(node.value, constructor, base.__module__, None)
                    found.setdefault(name, []).append(made)
                case _:
                    pass
    return found


def _parsed(function: object) -> ast.FunctionDef | None:
    """A function as it is written; None if it cannot be read."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))  # type: ignore[arg-type]
    except (OSError, TypeError, SyntaxError):
        return None
    return next((node for node in tree.body if isinstance(node, ast.FunctionDef)), None)


def _choices(expr: ast.expr) -> Iterator[ast.expr]:
    """What an expression of choices may be, as `norm or nn.LayerNorm`."""
    match expr:
        case ast.BoolOp(values=parts):
            for part in parts:
                yield from _choices(part)
        case ast.IfExp(body=body, orelse=orelse):
            yield from (*_choices(body), *_choices(orelse))
        case _:
            yield expr


def _given(function: ast.FunctionDef, local: str) -> Iterator[ast.expr]:
    """What a function assigns to a local, and its default as a parameter."""
    for node in ast.walk(function):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name == local:
                yield value
            case _:
                pass
    yield from (value for name, value in _defaults(function) if name == local)


def _defaults(function: ast.FunctionDef) -> Iterator[tuple[str, ast.expr]]:
    given = function.args
    placed = [arg.arg for arg in (*given.posonlyargs, *given.args)]
    yield from zip(reversed(placed), reversed(given.defaults), strict=False)
    for arg, value in zip(given.kwonlyargs, given.kw_defaults, strict=True):
        if value is not None:
            yield arg.arg, value


def _inside(made: _Made, path: list[str]) -> _Made | None:
    """The call that makes the module at a path of numbers in what an expression makes."""
    expr = made.expr
    for number in path:
        if not isinstance(expr, ast.Call) or made.named(expr.func) not in CONTAINERS:
            return None
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
    return replace(made, expr=expr)


def _arguments(made: _Made, module: torch.nn.Module) -> dict[str, str] | None:
    """How a constructor's call spells its arguments, by its parameters; None if another made it."""
    call, kind = made.expr, type(module)
    if not isinstance(call, ast.Call) or any(isinstance(arg, ast.Starred) for arg in call.args):
        return {}
    called = made.may_be(call.func)
    if kind not in called and inspect.isfunction(made.named(call.func)):
        return _through(made, call, module)
    if kind not in called and made.named(call.func) is not None:
        return {}
    try:
        parameters = list(inspect.signature(kind.__init__).parameters)[1:]
    except (TypeError, ValueError):
        return {}
    found: dict[str, str] = {}
    for parameter, expr in _bound(parameters, call).items():
        value, name = attribute(module, (parameter,)), _plain_name(expr)
        # What a local makes is not known: its arguments are if they are its numbers.
        if kind not in called and made.number(expr) != value:
            continue
        product = () if name else tuple(_factors(expr, made))
        made_of = math.prod(number for _, number in product) if len(product) > 1 else 0
        if made_of and type(value) is int and made_of != value:
            return None
        if name or (made_of and made_of == value):
            found[parameter] = name or spell(product)
    return found


def _bound(parameters: Sequence[str], call: ast.Call) -> dict[str, ast.expr]:
    placed = dict(zip(parameters, call.args, strict=False))
    return placed | {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}


def _through(made: _Made, call: ast.Call, module: torch.nn.Module) -> dict[str, str]:
    """What a function that does nothing but make the module is given for its arguments."""
    function = made.named(call.func)
    inner = _parsed(function)
    body = [node for node in inner.body if not _is_docstring(node)] if inner is not None else []
    match body:
        case [ast.Return(value=ast.Call() as returned)] if inner is not None:
            parameters = [arg.arg for arg in (*inner.args.posonlyargs, *inner.args.args)]
            bound = _bound(parameters, call)
            spelled = _arguments(_Made(returned, inner, str(function.__module__), None), module)
            given = {name: _plain_name(expr) for name, expr in bound.items()}
            return {k: given[name] for k, name in (spelled or {}).items() if given.get(name)}
        case _:
            return {}


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _plain_name(expr: ast.expr) -> str:
    """The name that an attribute or a local goes by; empty for anything else."""
    match expr:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            plain = name.strip("_")
            return plain if plain.isascii() and plain.isidentifier() else ""
        case _:
            return ""


def _factors(expr: ast.expr, made: _Made) -> Iterator[tuple[str, int]]:
    """The factors of a product; zero stands for what is none of known value."""
    match expr:
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            yield from _factors(left, made)
            yield from _factors(right, made)
        case ast.Constant(value=int() as number) if 0 < number < 2**63:
            yield "", number
        case _:
            value, name = made.number(expr), _plain_name(expr)
            yield name, value if name and isinstance(value, int) else 0
