"""Finds functions of each element that are done one after another, and makes them one loop.

`(x.broadcast_mul(cos)? + rotated.broadcast_mul(sin)?)?` becomes
`ops::fused((x, cos, &rotated, sin), |(x, cos, rotated, sin)| x * cos + rotated * sin)?`, so that no
tensor is made in between. A step of its own after the structs are made, which `--no-fuse` leaves
out. It declines where one loop would compute a function of a small tensor anew for each element of
a larger one. It must not know text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import TypeAlias

from pycandle.emit.scopes import binds
from pycandle.emit.statements import For, If, Let, Scope, Statement, While
from pycandle.emit.structs import Forward, Struct
from pycandle.emit.tree import Tree
from pycandle.graph import Size
from pycandle.ops.expr import (
    Call,
    Closure,
    Constant,
    Element,
    Expr,
    Field,
    Fused,
    Local,
    Method,
    Number,
    Operator,
    Raw,
    SizeOf,
    is_tensor,
    rewrite,
)

# The functions of one tensor, and of numbers after it, that kernels compute vector by vector.
_FUNCTIONS = frozenset((
    "abs", "clamp", "erf", "exp", "gelu", "gelu_tanh", "hardsigmoid", "hardswish", "leaky_relu",
    "neg", "reciprocal", "relu", "relu6", "rsqrt", "sigmoid", "silu", "sqrt", "tanh",
))  # fmt: skip
_POWERS = {2.0: "square", 3.0: "cube", -1.0: "reciprocal", 0.5: "sqrt", -0.5: "rsqrt"}
_SIGNS = {"add": "+", "sub": "-", "mul": "*", "div": "/"}
# As many tensors as `ops::fused` takes, and as many functions as are read at a glance.
_MOST_TENSORS, _MOST_FUNCTIONS = 8, 12

Shape: TypeAlias = "tuple[Size, ...] | None"
Shapes: TypeAlias = Mapping[Expr, tuple[Size, ...]]


@dataclass(frozen=True, slots=True)
class OneLoop:
    """Functions that one loop computes, in the code of some modules."""

    struct: str
    regions: tuple[int, ...]  # the calls whose code it is in
    parts: tuple[Expr, ...]  # the functions, in the order in which they are computed
    value: str  # what the last of them gives in the first of the calls, as far as that is known
    spared: int  # how many tensors of its shape are not made in between


def in_one_loop(structs: Iterable[Struct], tree: Tree) -> tuple[list[Struct], list[OneLoop]]:
    """The structs with such functions as one call, and which these are."""
    parameters = {name: value for value, names in tree.aliases.items() for name in names}
    done: list[Struct] = []
    found: list[OneLoop] = []
    for struct in structs:
        forwards: list[Forward] = []
        for forward in struct.forwards:
            finding = _Finding(tree, struct, forward, found)
            body = forward.body
            shapes = _given(struct, forward, tree, parameters)
            statements, results = finding.scope(body.statements, body.results, shapes)
            forwards.append(
                replace(forward, body=replace(body, statements=statements, results=results))
            )
        done.append(replace(struct, forwards=tuple(forwards)))
    return done, found


def _given(
    struct: Struct, forward: Forward, tree: Tree, parameters: Mapping[str, str]
) -> dict[Expr, tuple[Size, ...]]:
    """The shapes of what a forward is given, and of the parameters of its module."""
    types = tree.graph.types
    path = tree.graph.regions[forward.regions[0]].path
    found: dict[Expr, tuple[Size, ...]] = {}
    for given, (name, kind) in zip(
        forward.interface.arguments, forward.body.arguments, strict=False
    ):
        if kind == "tensor" and given.value in types:
            found[Local(name)] = types[given.value].shape
    for stored in struct.fields:
        value = parameters.get(f"{path}.{stored.path}" if path else stored.path)
        if value is not None and value in types:
            found[Field(stored.path)] = types[value].shape
    return found


@dataclass(frozen=True)
class _Finding:
    """One forward of a struct, while its formulas are found."""

    tree: Tree
    struct: Struct
    forward: Forward
    found: list[OneLoop] = field(repr=False)

    def scope(
        self, statements: tuple[Statement, ...], results: tuple[Expr, ...], known: Shapes
    ) -> tuple[tuple[Statement, ...], tuple[Expr, ...]]:
        """The statements and results of a scope in one loop where they can be."""
        shapes = dict(known)
        done: list[Statement] = []
        for statement in statements:
            done.append(self._statement(statement, shapes))
            for name in binds(statement):
                shapes.pop(Local(name), None)
            if isinstance(statement, Let) and len(statement.names) == len(statement.values):
                for name, value in zip(statement.names, statement.values, strict=True):
                    if value in self.tree.graph.types:
                        shapes[Local(name)] = self.tree.graph.types[value].shape
        return tuple(done), tuple(self._expr(result, shapes) for result in results)

    def _statement(self, statement: Statement, shapes: Shapes) -> Statement:
        match statement:
            case Let(values=(value,)):
                return replace(statement, expr=self._expr(statement.expr, shapes, value))
            case If(then=then, otherwise=otherwise):
                then, otherwise = self._inner(then, shapes), self._inner(otherwise, shapes)
                return replace(statement, then=then, otherwise=otherwise)
            case While() | For():
                # What a loop carries has another value each time, and so may its shape.
                inner = dict(shapes)
                for known in shapes:
                    if isinstance(known, Local):
                        del inner[known]
                return replace(statement, body=self._inner(statement.body, inner))
            case _:
                return statement

    def _inner(self, scope: Scope, shapes: Shapes) -> Scope:
        return Scope(*self.scope(scope.statements, scope.results, shapes))

    def _expr(self, expr: Expr, shapes: Shapes, value: str = "") -> Expr:
        """The expression with formulas as one call, the outermost first."""
        if isinstance(expr, Closure):
            return expr
        gathering = _Gathering(shapes)
        body = gathering.term(expr)
        fits = len(gathering.tensors) <= _MOST_TENSORS
        if not fits or not 2 <= len(gathering.functions) <= _MOST_FUNCTIONS:
            return rewrite(expr, lambda part: None if part is expr else self._expr(part, shapes))
        parts = tuple(gathering.functions)
        spared = len(parts) - len(gathering.small) - 1
        self.found.append(OneLoop(self.struct.name, self.forward.regions, parts, value, spared))
        tensors = tuple(self._expr(tensor, shapes) for tensor in gathering.tensors)
        return Fused(tensors, body)


@dataclass(frozen=True)
class _Gathering:
    """A formula while it is taken apart."""

    shapes: Shapes
    tensors: list[Expr] = field(default_factory=lambda: list[Expr]())
    functions: list[Expr] = field(default_factory=lambda: list[Expr]())
    # Those of them whose result may be smaller than that of the formula.
    small: list[Expr] = field(default_factory=lambda: list[Expr]())

    def term(self, expr: Expr) -> Expr:
        """The expression as a formula of tensors."""
        match _taken_apart(expr):
            case (sign, (left, right)) if sign in _SIGNS:
                apart = not isinstance(expr, Operator) and is_tensor(left) and is_tensor(right)
                left, right = self._side(left, expr, apart), self._side(right, expr, apart)
                self.functions.append(Raw(sign))
                return Operator(_SIGNS[sign], left, right)
            case (name, (tensor, *numbers)):
                inner = self.term(tensor)
                self.functions.append(Raw(name))
                return Call(f"ops::{name}", (inner, *numbers))
            case _:
                return self._tensor(expr)

    def _side(self, side: Expr, whole: Expr, apart: bool) -> Expr:
        """An operand; `apart` if it may have another shape than the result."""
        if not is_tensor(side):
            return side
        own = shape_of(side, self.shapes)
        if not apart or (own is not None and own == shape_of(whole, self.shapes)):
            return self.term(side)
        if not _is_cheap(side):
            return self._tensor(side)
        before = len(self.functions)
        term = self.term(side)
        self.small.extend(self.functions[before:])
        return term

    def _tensor(self, expr: Expr) -> Expr:
        """A tensor that the formula takes; one that is only named is taken once."""
        if isinstance(expr, (Local, Field)) and expr in self.tensors:
            return Element(self.tensors.index(expr))
        self.tensors.append(expr)
        return Element(len(self.tensors) - 1)


def _taken_apart(expr: Expr) -> tuple[str, tuple[Expr, ...]] | None:
    """A function of each element and what it takes; None if it is none."""
    match expr:
        case Operator(sign=sign, left=left, right=right):
            name = next(name for name, known in _SIGNS.items() if known == sign)
            args = (left, right)
        case Method(receiver=left, name=method, args=(right,)) if method.startswith("broadcast_"):
            name, args = method.removeprefix("broadcast_"), (left, right)
        case Call(path="ops::pow", args=(x, Number(value=power, kind="f64"))) if power in _POWERS:
            name, args = _POWERS[power], (x,)
        case Call(path=path, args=args) if path.startswith("ops::"):
            name = path.removeprefix("ops::")
        case _:
            return None
    tensors = [arg for arg in args if is_tensor(arg)]
    numbers = [arg for arg in args if not is_tensor(arg)]
    if name in _SIGNS:
        fits = len(args) == 2 and tensors and all(map(_is_number, numbers))
    else:
        known = name in _FUNCTIONS or name in _POWERS.values()
        fits = known and args[:1] == (*tensors,) and all(map(_is_finite, numbers))
    return (name, args) if fits else None


def _is_number(expr: Expr) -> bool:
    """Whether it is an f64 wherever it stands."""
    match expr:
        case Number(kind="f64") | Constant(number=Number(kind="f64")) | SizeOf(kind="f64"):
            return True
        case _:
            return False


def _is_finite(expr: Expr) -> bool:
    """Whether it is an f64, and not NaN."""
    return isinstance(expr, Number) and expr.kind == "f64" and expr.value == expr.value


def _is_cheap(expr: Expr) -> bool:
    """Whether it takes two sums or products at most, which cost next to nothing in a loop."""
    return _cost(expr) <= 2


def _cost(expr: Expr) -> int:
    match _taken_apart(expr):
        case (name, args) if name in ("add", "sub", "mul", "neg"):
            return 1 + sum(map(_cost, args))
        case (_, _):
            return 99
        case _:
            return 0


def shape_of(expr: Expr, shapes: Shapes) -> Shape:
    """The shape of a tensor, where it follows from those that are known."""
    match expr, _taken_apart(expr):
        case Local(name=name), _:
            return shapes.get(Local(name))
        case Field(), _:
            return shapes.get(expr)
        case Operator(left=left, right=right), _:
            return shape_of(left, shapes) or shape_of(right, shapes)
        case _, (_, args):
            tensors = [shape_of(arg, shapes) for arg in args if is_tensor(arg)]
            return reduce(_broadcast, tensors)
        case _:
            return None


def _broadcast(left: Shape, right: Shape) -> Shape:
    """The shape of two tensors together, if both are known."""
    if left is None or right is None:
        return None
    short, long = sorted((left, right), key=len)
    short = (1,) * (len(long) - len(short)) + short
    return tuple(b if a == 1 else a for a, b in zip(short, long, strict=True))
