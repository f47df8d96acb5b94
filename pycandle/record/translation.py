"""Translates a program's nodes: ops, numbers, branches and loops, wrappers, random numbers.

Assertions vanish, but for relations of sizes, and with them devices, layouts and memory formats,
which have no meaning in Rust. It must not know what any op computes, nor any lowering.
"""

# PyTorch annotates only part of what it exports, and keeps some of it private.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false, reportPrivateUsage=false

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch.export import ExportedProgram

from pycandle.errors import Finding
from pycandle.graph import (
    Arg,
    Block,
    DType,
    Input,
    Node,
    Ref,
    Symbol,
    TensorType,
    Value,
    numbers_in,
)
from pycandle.record.control import Called, control, results, within, wrapped
from pycandle.record.draws import Draw, draw_of
from pycandle.record.named import names_of
from pycandle.record.numbers import ARITHMETIC, is_unbacked, taking_tensors
from pycandle.record.source import functions_of, place
from pycandle.record.values import DTYPES, Values, numbered

_DROPPED = (
    "aten._assert_tensor_metadata.default",
    "aten.sym_constrain_range_for_size.default",
    "aten.sym_constrain_range.default",
)
# Every spelling of a conversion is `aten.to.dtype` in a graph.
CONVERSIONS = ("aten._to_copy.default", "aten.type_as.default")
# What `run_decompositions` makes of a batch norm: the same op with two outputs that no one reads.
_BATCH_NORMS = (
    "aten._native_batch_norm_legit_no_training.default",
    "aten._native_batch_norm_legit.no_stats",
)
_ALIASES = ("aten.contiguous.default", "aten.alias.default", "aten.detach.default")
_FILLS = (
    "aten.full.default",
    "aten.full_like.default",
    "aten.new_full.default",
    "aten.scalar_tensor.default",
)
MEANINGLESS = ("device", "layout", "pin_memory", "memory_format", "non_blocking")


# The module calls that a node was made in, outermost first: path, call index, class.
Stack = tuple[tuple[str, int, str], ...]


class Translation(Values):
    """The nodes so far, and what could not be translated."""

    def __init__(
        self,
        program: ExportedProgram,
        symbols: Mapping[str, Symbol],
        model: torch.nn.Module | None,
    ) -> None:
        super().__init__(program, symbols)
        self.modules = dict(model.named_modules(remove_duplicate=False)) if model else {}
        self.inputs: set[str] = set()
        self.drawn: list[Input] = []
        self.draws: list[tuple[str, Draw]] = []
        self.holder: Stack = ()  # the module calls around a wrapper
        self.open_blocks = 0
        self.nodes: list[Node] = []
        self.owners: list[Stack] = []
        self.problems: list[Finding] = []

    def reserve(self, names: Iterable[str]) -> None:
        """Keep names of the caller's from what the model draws."""
        self.inputs.update(names)

    def call(self, node: torch.fx.Node) -> None:
        """Translate one node of the program; what cannot be is added to the problems."""
        target = str(node.target)
        if target in _DROPPED or node.target is operator.getitem:
            return  # an item is an output of the node that makes the list
        try:
            if target == "aten._assert_scalar.default":
                self.assertion(node)
            elif isinstance(node.target, torch._ops.HigherOrderOperator):
                self._higher_order(node)
            elif isinstance(node.meta.get("val"), (torch.SymInt, torch.SymBool, torch.SymFloat)):
                self._number(node)
            elif isinstance(node.target, torch._ops.OpOverload):
                self._op(node, target)
            else:
                raise ValueError("is not an op of PyTorch's own", "use torch's own functions there")
        except ValueError as error:
            # Some know their own way out.
            what, *fixes = (str(arg) for arg in error.args)
            fix = "keep to tensors of dtypes that graphs have, and to torch's functions"
            self.problems.append(Finding(f"{target}: {what}", self._where(node), *(fixes or [fix])))
            # What reads it is looked at too: all problems are told at once.
            for known in (node, *node.users):
                self.name(known)

    def _op(self, node: torch.fx.Node, target: str) -> None:
        draw = draw_of(target, node.args, dict(node.kwargs))
        if draw is not None:
            self._drawn(node, target, draw)
            return
        self.taken_as = {}
        if target in _FILLS and any(arg in self.scalars for arg in node.all_input_nodes):
            self._filled(node)
            return
        op, args, kwargs = self._canonical(node, target)
        value = node.meta.get("val")
        if _gives_back(node, op):
            # Outside, too, the program goes on with this name for what entered a module.
            self.names[node] = self.name(node.all_input_nodes[0])
            return
        if op == "aten.batch_norm.default" and isinstance(value, tuple):
            value = value[:1]
        self._append(node, op, args, kwargs, self.outs(node, value))

    def _append(
        self,
        node: torch.fx.Node,
        op: str,
        args: tuple[Arg, ...],
        kwargs: tuple[tuple[str, Arg], ...],
        outs: tuple[Value, ...],
    ) -> None:
        trace, stack = node.meta.get("stack_trace") or "", stack_of(node) or self.holder
        source, targets = place(trace)
        module = self.modules.get(stack[-1][0]) if stack else None
        named = _named((args, *(arg for _, arg in kwargs)), names_of(trace, module))
        functions = functions_of(trace)
        self.nodes.append(Node(op, args, kwargs, outs, 0, source, targets, functions, named))
        if not self.open_blocks:
            self.owners.append(stack)

    def _add(self, node: torch.fx.Node, op: str, args: tuple[Arg, ...], type_: TensorType) -> str:
        """A node of our own in the place of one of the program's; gives its value's name."""
        name = self.fresh(node.name)
        self._append(node, op, args, (), (Value(name, type_),))
        return name

    def _drawn(self, node: torch.fx.Node, target: str, draw: Draw) -> None:
        """An op that draws becomes an input, named as the Python line names it."""
        if self.open_blocks:
            raise ValueError(
                "draws random numbers in a branch or a loop",
                "draw them before it, and pass them in",
            )
        value = node.meta["val"]
        _, targets = place(node.meta.get("stack_trace") or "")
        dropout = target.startswith(("aten.dropout", "aten.feature_dropout"))
        wanted = targets[0] if len(targets) == 1 and not dropout else _drawn_name(target)
        name, type_ = self.fresh(wanted), self.type(value)
        if "feature" in target:
            type_ = TensorType(type_.dtype, (*type_.shape[:2], *(1,) * (type_.rank - 2)))
        taken = {*self.inputs, *(entry.name for entry in self.drawn)}
        label = next(n for n in numbered(wanted) if n not in taken)
        shape = tuple(self.entering(size, name, label) for size in type_.shape)
        entered = TensorType(type_.dtype, shape)
        self.drawn.append(Input(label, Value(name, entered), draw.distribution))
        self.draws.append((name, draw))
        if entered != type_:
            name = self._add(node, "aten.view.default", (Ref(name), type_.shape), type_)
        self.names[node] = name
        if dropout:
            # What PyTorch's own dropout does with the zeros and ones that it draws.
            keep = 1.0 - float(node.args[1])  # type: ignore[arg-type]
            kept = self._add(node, "aten.div.Tensor", (Ref(name), keep), type_)
            self.names[node] = self._add(
                node, "aten.mul.Tensor", (self.arg(node.args[0]), Ref(kept)), self.type(value)
            )

    def _filled(self, node: torch.fx.Node) -> None:
        """A tensor filled with a number that is read from data: that number, expanded."""
        type_ = self.type(node.meta["val"])
        (held,) = (self.scalars[arg] for arg in node.all_input_nodes if arg in self.scalars)
        name = held.name
        if held.type.dtype != type_.dtype:
            args: tuple[Arg, ...] = (Ref(name), DType(type_.dtype))
            name = self._add(node, "aten.to.dtype", args, TensorType(type_.dtype, ()))
        outs = self.outs(node, node.meta["val"])
        self._append(node, "aten.expand.default", (Ref(name), type_.shape), (), outs)

    def _number(self, node: torch.fx.Node) -> None:
        """A Python number that is read from a tensor, or made of others."""
        value = node.meta["val"]
        if str(node.target) in ("aten.item.default", "aten._local_scalar_dense.default"):
            source = node.args[0]
            assert isinstance(source, torch.fx.Node)
            if isinstance(value, torch.SymInt) and is_unbacked(value.node.expr):
                _, targets = place(node.meta.get("stack_trace") or "")
                wanted = targets[0] if len(targets) == 1 else "count"
                if self.bind(value.node.expr, self.names[source], wanted):
                    return
            name, type_ = self.names[source], self.type(source.meta["val"])
            if type_.rank:
                type_ = TensorType(type_.dtype, ())
                name = self._add(node, "aten.view.default", (Ref(name), ()), type_)
            if type_.is_float and type_.dtype != "f64":
                type_ = TensorType("f64", ())
                name = self._add(node, "aten.to.dtype", (Ref(name), DType("f64")), type_)
            self.scalars[node] = Value(name, type_)
            return
        if not any(arg in self.scalars for arg in node.all_input_nodes):
            return  # an expression of sizes, which stands where it is used
        if node.target not in ARITHMETIC:
            return  # whoever takes it says that it cannot
        dtype = {torch.SymFloat: "f64", torch.SymBool: "bool", torch.SymInt: "i64"}[type(value)]
        args: list[Arg] = []
        for arg in node.args:
            if isinstance(arg, torch.fx.Node) and arg in self.scalars:
                operand = self.scalars[arg]
                if dtype == "f64" and operand.type.dtype != "f64":
                    type_ = TensorType("f64", ())
                    name = self._add(
                        node, "aten.to.dtype", (Ref(operand.name), DType("f64")), type_
                    )
                    operand = Value(name, type_)
                args.append(Ref(operand.name))
            else:
                args.append(self.arg(arg))
        op, type_ = ARITHMETIC[node.target], TensorType(dtype, ())
        if not isinstance(args[0], Ref):
            kind = "f64" if isinstance(args[0], float) else "i64"
            filled = Value(self.fresh(node.name), TensorType(kind, ()))
            kwargs: tuple[tuple[str, Arg], ...] = (("dtype", DType(kind)),)
            self._append(node, "aten.full.default", ((), args[0]), kwargs, (filled,))
            args[0] = Ref(filled.name)
        tensors = {k for k, arg in enumerate(args) if isinstance(arg, Ref)}
        op = taking_tensors(op, tensors, set())
        self.scalars[node] = Value(self._add(node, op, tuple(args), type_), type_)

    def _higher_order(self, node: torch.fx.Node) -> None:
        """A wrapper is read through; a branch or a loop becomes a node with blocks."""
        called = wrapped(node)
        if called is None:
            parts = control(node)
            args = tuple(self.arg(arg) for arg in parts.args)
            own: tuple[Value, ...] | None = None
            blocks: list[Block] = []
            for part in parts.called:
                block = self._block(part, own)
                own = block.inputs
                blocks.append(block)
            outs = self.outs(node, node.meta.get("val"))
            self._append(node, parts.op, (*args, *blocks), (), outs)
            return
        before, self.holder = self.holder, stack_of(node) or self.holder
        given = self._enter(called)
        self.holder = before
        users = [u for u in node.users if u.target is operator.getitem]
        for user, index in [(u, int(str(u.args[1]))) for u in users] or [(node, 0)]:
            result = given[index]
            if isinstance(result, torch.fx.Node) and result in self.names:
                self.names[user] = self.names[result]
            if isinstance(result, torch.fx.Node) and result in self.scalars:
                self.scalars[user] = self.scalars[result]

    def _block(self, called: Called, inputs: tuple[Value, ...] | None) -> Block:
        """A submodule as a block; `inputs` are those of another block of the same loop."""
        outer, self.nodes = self.nodes, []
        self.open_blocks += 1
        try:
            own = [n for n in called.module.graph.nodes if n.op == "placeholder"][: called.own]
            if inputs is None:
                values = [n.meta["val"] for n in own]
                if not all(isinstance(value, torch.Tensor) for value in values):
                    raise ValueError(
                        "carries a number from run to run", "carry a tensor of it, torch.tensor(n)"
                    )
                inputs = tuple(
                    Value(self.fresh(n.name), self.type(v))
                    for n, v in zip(own, values, strict=True)
                )
            given = self._enter(called, inputs)
            if not all(isinstance(r, torch.fx.Node) and r in self.names for r in given):
                raise ValueError("gives something that is not a tensor")
            return Block(inputs, tuple(self.nodes), tuple(self.names[r] for r in given))
        finally:
            self.nodes = outer
            self.open_blocks -= 1

    def _enter(self, called: Called, inputs: tuple[Value, ...] = ()) -> list[Any]:
        """Import a submodule's nodes; gives what it returns."""
        for inner in called.module.graph.nodes:
            # A submodule may be called more than once, with other names each time.
            self.names.pop(inner, None)
            self.scalars.pop(inner, None)
        placeholders = [n for n in called.module.graph.nodes if n.op == "placeholder"]
        for inner, value in zip(placeholders, inputs, strict=False):
            self.names[inner] = value.name
        for inner, outer in zip(placeholders[called.own :], called.around, strict=True):
            if isinstance(outer, torch.fx.Node) and outer in self.names:
                self.names[inner] = self.names[outer]
            if isinstance(outer, torch.fx.Node) and outer in self.scalars:
                self.scalars[inner] = self.scalars[outer]
        for inner in called.module.graph.nodes:
            if inner.op == "call_function":
                self.call(inner)
        return results(called.module)

    def _canonical(
        self, node: torch.fx.Node, op: str
    ) -> tuple[str, tuple[Arg, ...], tuple[tuple[str, Arg], ...]]:
        """The node's op and arguments without what has no meaning in Rust."""
        if op.startswith("aten.to.") or op in CONVERSIONS:
            dtype = DType(DTYPES[node.meta["val"].dtype])
            return "aten.to.dtype", (self.arg(node.args[0]), dtype), ()
        if op in _BATCH_NORMS and all(user.args[1:] == (0,) for user in node.users):
            return "aten.batch_norm.default", self._batch_norm(node), ()
        if any(arg in self.scalars for arg in node.all_input_nodes):
            op = self._with_numbers(node, op)
        if op.startswith("aten.as_strided") and not _in_order(node.all_input_nodes[0]):
            raise ValueError("reads memory that is not in the order of elements; "
                             "call .contiguous() before it")  # fmt: skip
        kwargs = tuple(
            (name, self.arg(arg))
            for name, arg in node.kwargs.items()
            if name not in MEANINGLESS and arg is not None
        )
        return op, tuple(self.arg(arg) for arg in node.args), kwargs

    def _batch_norm(self, node: torch.fx.Node) -> tuple[Arg, ...]:
        """The arguments of `batch_norm`, from those of one of its decompositions."""
        assert isinstance(node.target, torch._ops.OpOverload)
        given = dict(zip((a.name for a in node.target._schema.arguments), node.args, strict=False))
        given |= node.kwargs | {"cudnn_enabled": False}
        schema = torch.ops.aten.batch_norm.default._schema
        defaults = {"running_mean": None, "running_var": None, "training": False}
        return tuple(self.arg((defaults | given)[a.name]) for a in schema.arguments)

    def _with_numbers(self, node: torch.fx.Node, op: str) -> str:
        """The overload that takes numbers read from data as tensors, promoted as numbers are."""
        given = [*enumerate(node.args), *node.kwargs.items()]
        places = [k for k, arg in given if isinstance(arg, torch.fx.Node) and arg in self.scalars]
        op = taking_tensors(
            op,
            {k for k in places if isinstance(k, int)},
            {k for k in places if isinstance(k, str)},
        )
        tensors = [n.meta["val"] for n in node.all_input_nodes if n not in self.scalars]
        tensors = [t for t in tensors if isinstance(t, torch.Tensor)]
        if not tensors:
            raise ValueError("makes a tensor of a number that depends on the data alone")
        for number in [n for n in node.all_input_nodes if n in self.scalars]:
            held = self.scalars[number]
            # A tensor without axes promotes as a number does beside one with axes only.
            plain = torch.result_type(tensors[0], 1.0 if held.type.is_float else 1)
            if tensors[0].ndim == 0 or plain != tensors[0].dtype:
                type_ = TensorType(DTYPES[plain], ())
                args = (Ref(held.name), DType(type_.dtype))
                held = Value(self._add(node, "aten.to.dtype", args, type_), type_)
            self.taken_as[number] = held
        return op

    def _where(self, node: torch.fx.Node) -> str:
        stack, trace = stack_of(node), node.meta.get("stack_trace") or within(node)
        module = stack[-1][0] if stack else ""
        return f"{module or 'the model'}, {place(trace)[0] or 'no Python line was recorded'}"


def _named(
    args: tuple[Arg, ...], names: list[tuple[str, int | float]]
) -> tuple[tuple[str, int | float], ...]:
    """The names of a node's numbers, but of those that stand in it more often than named."""
    times = Counter(numbers_in(args))
    known = Counter(names)
    return tuple(
        (name, value)
        for (name, value), most in known.items()
        for _ in range(times[value])
        if times[value] <= most
    )


def _drawn_name(target: str) -> str:
    """What random numbers are called where Python gives them no name."""
    names = {"dropout": "kept", "multinomial": "drawn", "bernoulli": "drawn", "randperm": "order"}
    return next((names[n] for n in names if f"{n}." in target), "noise")


def stack_of(node: torch.fx.Node) -> Stack:
    """The module calls that a node was made in, outermost first: path, call index, class."""
    found: list[tuple[str, int, str]] = []
    for key, (path, class_name) in (node.meta.get("nn_module_stack") or {}).items():
        if key.startswith("_empty_nn_module_stack"):
            return ()
        _, _, call = key.partition("@")
        found.append((path.partition("@")[0], int(call or 0), _text(class_name)))
    return tuple(found)


def _text(class_name: Any) -> str:
    return (
        class_name
        if isinstance(class_name, str)
        else f"{class_name.__module__}.{class_name.__qualname__}"
    )


def _gives_back(node: torch.fx.Node, op: str) -> bool:
    """Whether the op gives the very tensor that it was given, which layouts aside it always does
    or does here.
    """
    if op == "aten.to.dtype":
        given = node.all_input_nodes[0].meta.get("val")
        return isinstance(given, torch.Tensor) and given.dtype == node.meta["val"].dtype
    return op in _ALIASES


def _in_order(node: torch.fx.Node) -> bool:
    """Whether a tensor's elements fill its memory from the start, in their own order."""
    tensor = node.meta["val"]
    return tensor.is_contiguous() and tensor.storage_offset() == 0
