"""The op table: `@op` registers a lowering under its ATen overloads, `lower` applies it to a node.

An op that is not in the table, or an argument that its function declines, raises `Decline`; who
calls collects them all. The table knows graphs and expressions, not how Rust is printed.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from pycandle.errors import MISFITS
from pycandle.graph import PARTS, Arg, Graph, Node, Ref, Size, TensorType
from pycandle.ops.expr import Expr, Number, Var


@dataclass(frozen=True, slots=True)
class Operand:
    """A tensor argument of an op: how to read it, and its type."""

    expr: Var
    type: TensorType

    @property
    def rank(self) -> int:
        """The number of axes."""
        return self.type.rank

    @property
    def dtype(self) -> str:
        """The dtype, as graphs name it."""
        return self.type.dtype

    @property
    def shape(self) -> tuple[Size, ...]:
        """The size of each axis."""
        return self.type.shape

    def axis(self, dim: Arg) -> int:
        """The axis as a non-negative number. Declines what is not one."""
        if not isinstance(dim, int) or not -max(self.rank, 1) <= dim < max(self.rank, 1):
            raise Decline(f"axis {dim} of a tensor of rank {self.rank}")
        return dim % max(self.rank, 1)


@dataclass(frozen=True, slots=True)
class Layer:
    """An op with parameters of its own as one of the runtime's layers."""

    type: str  # "nn::Linear"
    constructor: str  # "nn::linear"
    args: tuple[Expr, ...]  # before `vb` and `checker`
    parameters: Mapping[str, Operand]  # the layer's field -> the parameter it must be
    input: Operand


class Decline(Exception):
    """An op or an argument without a lowering: what, and a way out."""

    def __init__(self, what: str, fix: str = "") -> None:
        self.what = what
        self.fix = fix
        super().__init__(what)


@dataclass(frozen=True, slots=True)
class Op:
    """One entry: every overload it lowers, the function that does, and its layer form."""

    names: tuple[str, ...]
    function: Callable[..., Any]
    layer: Callable[..., Layer | None] | None
    family: str
    dtypes: frozenset[
        str
    ]  # of the tensors that it may meet; others are declined before it is asked

    @property
    def is_view(self) -> bool:
        """Whether it only says where the elements of a tensor lie."""
        return self.family in ("views", "parts")


@dataclass
class _Table:
    entries: dict[str, Op] = field(default_factory=lambda: dict[str, Op]())
    # Lowerings of their own for nodes that read or give complex tensors.
    complex: dict[str, Op] = field(default_factory=lambda: dict[str, Op]())


_TABLE = _Table()

# What every op takes unless it says otherwise; its function still declines what it cannot honour.
COMMON = frozenset({"f64", "f32", "f16", "bf16", "i64", "bool"})
# What an op takes too that handles narrow integers: in Rust, bool shares u8 with one of them.
NARROW = frozenset({"i32", "i16", "u8"})
# What only an op that says so takes: a complex tensor is one of pairs in Rust, with one axis more.
COMPLEX = frozenset(PARTS)


def op(
    *names: str,
    layer: Callable[..., Layer | None] | None = None,
    also: frozenset[str] = frozenset(),
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a lowering for these ATen overloads.

    The function takes the op's arguments in ATen's order, tensors as `Operand`, and returns an
    expression, or a tuple of them for an op with several outputs; a lone expression for several
    outputs is a Rust function that returns them as a tuple. A keyword parameter `out` receives the
    output's type, or the tuple of types. `layer` takes the same arguments. Tensors of dtypes beyond
    `COMMON` reach the function only where `also` names them.
    """
    return _register(_TABLE.entries, names, layer, COMMON | also)


def complex_op(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a lowering for nodes of these overloads that read or give a complex tensor.

    The function is as `op` says; an operand's type has its logical shape, without the axis of
    pairs. It takes precedence over an `op` of the same overload, which serves real tensors, and
    complex ones only where its `also` holds `COMPLEX`.
    """
    return _register(_TABLE.complex, names, None, COMMON | NARROW | COMPLEX)


def _register(
    table: dict[str, Op],
    names: tuple[str, ...],
    layer: Callable[..., Layer | None] | None,
    dtypes: frozenset[str],
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        family = function.__module__.rpartition(".")[2]
        entry = Op(names, function, layer, family, dtypes)
        for name in names:
            if name in table:
                raise ValueError(f"{name} is registered twice")
            table[name] = entry
        return function

    return register


def entries() -> Mapping[str, Op]:
    """The whole table by ATen overload; for one that both kinds of tensors have, the real one."""
    return {**_TABLE.complex, **_TABLE.entries}


def lower(node: Node, graph: Graph) -> tuple[Expr, ...]:
    """One expression for each output of the node, or one that gives them all. Raises `Decline`."""
    met = _dtypes(node, graph)
    entry = _lookup(node.op, complex_met=not COMPLEX.isdisjoint(met))
    for dtype in met:
        fix = "use view_as_real" if dtype in COMPLEX else "convert it to float32 or int64"
        decline(dtype not in entry.dtypes, f"it has no lowering for {dtype}", fix)
    out = node.out.type if len(node.outs) == 1 else tuple(value.type for value in node.outs)
    result = _apply(entry.function, node, graph, out)
    exprs = cast("tuple[Expr, ...]", result if isinstance(result, tuple) else (result,))
    if len(exprs) not in (1, len(node.outs)):
        raise Decline(f"only some of its {len(node.outs)} outputs are supported")
    return exprs


def lower_layer(node: Node, graph: Graph) -> Layer | None:
    """The node as a layer of the runtime, if the op has such a form. Raises `Decline`."""
    entry = _lookup(node.op, complex_met=not COMPLEX.isdisjoint(_dtypes(node, graph)))
    return None if entry.layer is None else _apply(entry.layer, node, graph, node.out.type)


def number(value: Arg | Size, kind: str = "f64", label: str = "") -> Number:
    """A constant argument. Declines what is not a plain number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Decline(f"{label or 'an argument'} must be a constant number, not {value}")
    if kind == "f64":
        return Number(float(value), kind, label)
    if not isinstance(value, int):
        raise Decline(f"{label or 'an argument'} must be an integer, not {value}")
    return Number(value, kind, label)


def decline(condition: bool, what: str, fix: str = "") -> None:
    """Decline the node if the condition holds."""
    if condition:
        raise Decline(what, fix)


def _dtypes(node: Node, graph: Graph) -> list[str]:
    """The dtypes of the tensors that a node reads and gives."""
    return [graph.types[name].dtype for name in node.inputs] + [v.type.dtype for v in node.outs]


def _lookup(name: str, complex_met: bool) -> Op:
    entry = _TABLE.complex.get(name) if complex_met else None
    entry = entry or _TABLE.entries.get(name)
    if entry is not None:
        return entry
    base = name.rpartition(".")[0]
    near = [known for known in entries() if known.rpartition(".")[0] == base]
    raise Decline(
        f"{name} has no lowering",
        f"rewrite the line so that it calls {near[0]}"
        if near
        else "rewrite the line, or add the op",
    )


def _apply(function: Callable[..., Any], node: Node, graph: Graph, out: Any) -> Any:
    signature = inspect.signature(function)
    kwargs = {name: _argument(arg, graph) for name, arg in node.kwargs}
    if "out" in signature.parameters:
        kwargs["out"] = out
    args = [_argument(arg, graph) for arg in node.args]
    try:
        signature.bind(*args, **kwargs)
    except TypeError:
        known = [name for name in signature.parameters if name != "out"]
        unknown = [name for name in kwargs if name not in signature.parameters]
        raise Decline(
            f"no support for its argument {', '.join(unknown)}"
            if unknown
            else f"its arguments must be {', '.join(known)}",
            "leave what it does not take at its default",
        ) from None
    try:
        return function(*args, **kwargs)
    except MISFITS as error:
        raise Decline(
            f"its arguments are none that PyTorch gives it ({type(error).__name__}: {error})",
            "record the model again; if this stays, report it with the manifest",
        ) from error


def _argument(arg: Arg, graph: Graph) -> Any:
    if isinstance(arg, Ref):
        return Operand(Var(arg.name), graph.types[arg.name])
    if isinstance(arg, tuple):
        return tuple(_argument(item, graph) for item in arg)
    return arg
