"""Finds functions of each element that are done one after another, and makes them one loop.

`(x.broadcast_mul(cos)? + rotated.broadcast_mul(sin)?)?` becomes
`ops::fused((x, cos, &rotated, sin), |(x, cos, rotated, sin)| x * cos + rotated * sin)?`, so that no
tensor is made in between. An operator of two shapes that stays alone becomes the runtime's
function, since Candle's takes ten times as long where axes are turned. A step of its own after the
structs are made, which `--no-fuse` leaves out. It declines what is not of f32, for which there are
no loops, and where one would compute a function of a small tensor anew for each element of a larger
one. It must not know text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import TypeAlias

from pycandle.emit.chains import ACTIVATIONS
from pycandle.emit.scopes import binds
from pycandle.emit.statements import For, If, Let, Scope, Statement, While
from pycandle.emit.structs import Forward, Struct
from pycandle.emit.tree import Tree
from pycandle.graph import Size, TensorType
from pycandle.ops.expr import (
    SIGNS,
    Call,
    Closure,
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
    as_function,
    is_tensor,
    rewrite,
)

_POWERS = {2.0: "square", 3.0: "cube", -1.0: "reciprocal", 0.5: "sqrt", -0.5: "rsqrt"}
# The functions of one tensor, and of numbers after it, that kernels compute vector by vector.
_FUNCTIONS = frozenset((
    "abs", "clamp", "erf", "exp", "leaky_relu", "neg", *_POWERS.values(),
    *(path.removeprefix("ops::") for path in ACTIVATIONS),
))  # fmt: skip
_NAMES = {sign: name for name, sign in SIGNS.items()}
_MOST_TENSORS = 8  # that `ops::fused` takes

Shape: TypeAlias = "tuple[Size, ...] | None"
Types: TypeAlias = Mapping[Expr, TensorType]  # of the locals and fields that are known


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
    floats = {known.dtype for known in tree.graph.types.values() if known.is_float}
    done: list[Struct] = []
    found: list[OneLoop] = []
    for struct in structs:
        forwards: list[Forward] = []
        for forward in struct.forwards:
            finding = _Finding(tree, struct, forward, floats == {"f32"}, found)
            body = forward.body
            types = _given(struct, forward, tree, parameters)
            statements, results = finding.scope(body.statements, body.results, types)
            forwards.append(
                replace(forward, body=replace(body, statements=statements, results=results))
            )
        done.append(replace(struct, forwards=tuple(forwards)))
    return done, found


def _given(
    struct: Struct, forward: Forward, tree: Tree, parameters: Mapping[str, str]
) -> dict[Expr, TensorType]:
    """The types of what a forward is given, and of the parameters of its module."""
    types = tree.graph.types
    path = tree.graph.regions[forward.regions[0]].path
    found: dict[Expr, TensorType] = {}
    for given, (name, kind) in zip(
        forward.interface.arguments, forward.body.arguments, strict=False
    ):
        if kind == "tensor" and given.value in types:
            found[Local(name)] = types[given.value]
    for stored in struct.fields:
        value = parameters.get(f"{path}.{stored.path}" if path else stored.path)
        if value is not None and value in types:
            found[Field(stored.path)] = types[value]
    return found


@dataclass(frozen=True)
class _Finding:
    """One forward of a struct, while its formulas are found."""

    tree: Tree
    struct: Struct
    forward: Forward
    single: bool  # whether the model has no floats but f32
    found: list[OneLoop] = field(repr=False)

    def scope(
        self, statements: tuple[Statement, ...], results: tuple[Expr, ...], known: Types
    ) -> tuple[tuple[Statement, ...], tuple[Expr, ...]]:
        """The statements and results of a scope in one loop where they can be."""
        types = dict(known)
        done: list[Statement] = []
        for statement in statements:
            done.append(self._statement(statement, types))
            for name in binds(statement):
                types.pop(Local(name), None)
            if isinstance(statement, Let) and len(statement.names) == len(statement.values):
                for name, value in zip(statement.names, statement.values, strict=True):
                    if value in self.tree.graph.types:
                        types[Local(name)] = self.tree.graph.types[value]
        return tuple(done), tuple(self._expr(result, types) for result in results)

    def _statement(self, statement: Statement, types: Types) -> Statement:
        match statement:
            case Let(values=(value,)):
                return replace(statement, expr=self._expr(statement.expr, types, value))
            case If(then=then, otherwise=otherwise):
                then, otherwise = self._inner(then, types), self._inner(otherwise, types)
                return replace(statement, then=then, otherwise=otherwise)
            case While() | For():
                # What a loop carries has another value each time, and so may its shape.
                inner = dict(types)
                for known in types:
                    if isinstance(known, Local):
                        del inner[known]
                return replace(statement, body=self._inner(statement.body, inner))
            case _:
                return statement

    def _inner(self, scope: Scope, types: Types) -> Scope:
        return Scope(*self.scope(scope.statements, scope.results, types))

    def _expr(self, expr: Expr, types: Types, value: str = "") -> Expr:
        """The expression, which gives a value of the graph, with formulas as one call."""
        if isinstance(expr, Closure):
            return expr
        gives = self.tree.graph.types.get(value)
        gathering = _Gathering(types)
        body = gathering.term(expr, gives.shape if gives else shape_of(expr, types))
        tensors, parts = gathering.tensors, tuple(gathering.functions)
        single = self._is_single(tensors, types, gives)
        if not single or len(parts) < 2 or len(tensors) > _MOST_TENSORS:
            done = rewrite(expr, lambda part: None if part is expr else self._expr(part, types))
            return as_function(done) if single else done
        spared = len(parts) - gathering.small - 1
        self.found.append(OneLoop(self.struct.name, self.forward.regions, parts, value, spared))
        return Fused(tuple(self._expr(tensor, types) for tensor in tensors), body)

    def _is_single(self, tensors: list[Expr], types: Types, gives: TensorType | None) -> bool:
        """Whether all is of f32: what is not known is if the model has no other floats."""
        known = [types.get(_named(tensor)) for tensor in tensors] + [gives]
        return all(each.dtype == "f32" if each else self.single for each in known)


@dataclass
class _Gathering:
    """A formula while it is taken apart."""

    types: Types
    tensors: list[Expr] = field(default_factory=lambda: list[Expr]())
    functions: list[Expr] = field(default_factory=lambda: list[Expr]())
    small: int = 0  # how many of them may give less than the formula has elements

    def term(self, expr: Expr, shape: Shape) -> Expr:
        """The expression, which has a shape if that is known, as a formula of tensors."""
        match _taken_apart(expr):
            case (name, (left, right)) if name in SIGNS:
                apart = not isinstance(expr, Operator) and is_tensor(left) and is_tensor(right)
                sides = [self._side(side, shape, apart) for side in (left, right)]
                self.functions.append(Raw(name))
                return Operator(SIGNS[name], sides[0], sides[1])
            case (name, (tensor, *numbers)):
                inner = self.term(tensor, shape)
                self.functions.append(Raw(name))
                return Call(f"ops::{name}", (inner, *numbers))
            case _:
                return self._tensor(expr)

    def _side(self, side: Expr, shape: Shape, apart: bool) -> Expr:
        """An operand; `apart` if it may have another shape than the result."""
        if not is_tensor(side):
            return side
        own = shape_of(side, self.types)
        if not apart or (own is not None and own == shape):
            return self.term(side, shape)
        if not _is_cheap(side):
            return self._tensor(side)
        small, before = self.small, len(self.functions)
        term = self.term(side, own)
        self.small = small + len(self.functions) - before
        return term

    def _tensor(self, expr: Expr) -> Expr:
        """A tensor that the formula takes; one that is only named is taken once."""
        if isinstance(expr, (Local, Field)) and expr in self.tensors:
            return Element(self.tensors.index(expr))
        self.tensors.append(expr)
        return Element(len(self.tensors) - 1)


def _taken_apart(expr: Expr) -> tuple[str, tuple[Expr, ...]] | None:
    """A function of each element and what it takes; None if it is none."""
    match as_function(expr):
        case Operator(sign=sign, left=left, right=right):
            name, args = _NAMES[sign], (left, right)
        case Call(path="ops::pow", args=(x, Number(value=power, kind="f64"))) if power in _POWERS:
            name, args = _POWERS[power], (x,)
        case Method(receiver=x, name="sqr", args=()):
            name, args = "square", (x,)
        case Call(path=path, args=args) if path.startswith("ops::"):
            name = path.removeprefix("ops::")
        case _:
            return None
    tensors = [arg for arg in args if is_tensor(arg)]
    numbers = [arg for arg in args if not is_tensor(arg)]
    if name in SIGNS:
        fits = len(args) == 2 and tensors and all(map(_is_number, numbers))
    else:
        fits = name in _FUNCTIONS and args[:1] == (*tensors,) and all(map(_is_bound, numbers))
    return (name, args) if fits else None


def _is_number(expr: Expr) -> bool:
    """Whether it is an f64 wherever it stands."""
    match expr:
        case Number(kind="f64") | SizeOf(kind="f64"):
            return True
        case _:
            return False


def _is_bound(expr: Expr) -> bool:
    """Whether it is an f64 that elements can be compared with: not NaN."""
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


def shape_of(expr: Expr, types: Types) -> Shape:
    """The shape of a tensor, where it follows from those that are known."""
    known = types.get(_named(expr))
    if known is not None:
        return known.shape
    taken = _taken_apart(expr)
    if isinstance(expr, Operator):
        return shape_of(expr.left, types) or shape_of(expr.right, types)
    if taken is None:
        return None
    return reduce(_broadcast, [shape_of(arg, types) for arg in taken[1] if is_tensor(arg)])


def _named(expr: Expr) -> Expr:
    """A local by its name alone."""
    return Local(expr.name) if isinstance(expr, Local) else expr


def _broadcast(left: Shape, right: Shape) -> Shape:
    """The shape of two tensors together, if both are known."""
    if left is None or right is None:
        return None
    short, long = sorted((left, right), key=len)
    short = (1,) * (len(long) - len(short)) + short
    return tuple(b if a == 1 else a for a, b in zip(short, long, strict=True))
