"""Turns an exported program into a `Graph`: nodes, symbols, parameters, constants.

Symbolic integers vanish here: `torch.export` states each as an expression over the symbols of the
input axes, and the expression itself becomes the argument. Assertions vanish, and with them
devices, layouts and memory formats, which have no meaning in Rust. It must not know what any op
computes, nor any lowering.
"""

# PyTorch annotates only part of what it exports, and keeps some of it private.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false, reportPrivateUsage=false

from __future__ import annotations

import itertools
import operator
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch.export.graph_signature import InputKind, OutputKind

from pycandle.errors import Finding, RecordError
from pycandle.graph import (
    Arg,
    Binding,
    Block,
    DType,
    Graph,
    Guard,
    Input,
    Node,
    Output,
    Parameter,
    Ref,
    TensorType,
    Value,
)
from pycandle.graph.dim import Size, parse, substitute, symbol
from pycandle.record.constants import constant_nodes
from pycandle.record.control import Called, control, results, wrapped
from pycandle.record.draws import Draw, draw_of
from pycandle.record.export import Exported, user_inputs
from pycandle.record.guards import is_bound, read_guards
from pycandle.record.numbers import ARITHMETIC, bounds, is_unbacked, relation, taking_tensors
from pycandle.record.source import place
from pycandle.record.symbols import name_symbols

DTYPES = {
    torch.float64: "f64",
    torch.float32: "f32",
    torch.float16: "f16",
    torch.bfloat16: "bf16",
    torch.int64: "i64",
    torch.int32: "i32",
    torch.int16: "i16",
    torch.int8: "i8",
    torch.uint8: "u8",
    torch.bool: "bool",
    torch.complex64: "c64",
    torch.complex128: "c128",
}

_DROPPED = (
    "aten._assert_tensor_metadata.default",
    "aten.sym_constrain_range_for_size.default",
    "aten.sym_constrain_range.default",
)
# Every spelling of a conversion is `aten.to.dtype` in a graph.
_CONVERSIONS = ("aten._to_copy.default", "aten.type_as.default")
# What `run_decompositions` makes of a batch norm: the same op with two outputs that no one reads.
_BATCH_NORMS = (
    "aten._native_batch_norm_legit_no_training.default",
    "aten._native_batch_norm_legit.no_stats",
)
_MEANINGLESS = ("device", "layout", "pin_memory", "memory_format", "non_blocking")


@dataclass(frozen=True)
class Imported:
    """A graph without regions yet; for each node the module call it came from, by (path, call)."""

    graph: Graph
    owners: tuple[tuple[tuple[str, int, str], ...], ...]  # per node: the stack of module calls
    weights: dict[str, torch.Tensor]  # by value name
    draws: tuple[tuple[str, Draw], ...]  # the inputs that the model draws itself, in order


def import_program(exported: Exported) -> Imported:
    """The program as a graph. Raises `RecordError` for what no graph can say."""
    return _Importer(exported).run()


class _Importer:
    """The state of one import: names given so far, and the nodes."""

    def __init__(self, exported: Exported) -> None:
        self.exported = exported
        self.program = exported.program
        self.symbols = name_symbols(exported)
        self.renamed = {torch_name: symbol(s.name) for torch_name, s in self.symbols.items()}
        self.names: dict[torch.fx.Node, str] = {}
        self.scalars: dict[torch.fx.Node, Value] = {}  # numbers, as tensors without axes
        self.taken_as: dict[torch.fx.Node, Value] = {}  # the same for the op at hand
        self.taken: set[str] = set()
        self.bindings: list[Binding] = []
        self.asserted: list[Guard] = []
        self.inputs: tuple[Input, ...] = ()
        self.drawn: list[Input] = []
        self.draws: list[tuple[str, Draw]] = []
        self.holder: tuple[tuple[str, int, str], ...] = ()  # the module calls around a wrapper
        self.open_blocks = 0
        self.nodes: list[Node] = []
        self.owners: list[tuple[tuple[str, int, str], ...]] = []
        self.problems: list[Finding] = []

    def run(self) -> Imported:
        weights: dict[str, torch.Tensor] = {}
        parameters: list[Parameter] = []
        self.inputs = self._inputs()
        aliases = _aliases(self.exported)
        used = {n for node in self.program.graph.nodes for n in node.all_input_nodes}
        for spec, node in self._placeholders():
            if spec.kind is InputKind.USER_INPUT or node not in used:
                continue
            tensor = self._tensor(spec)
            name = self._name(node)
            if spec.kind is InputKind.PARAMETER or (
                spec.kind is InputKind.BUFFER and spec.persistent
            ):
                value = Value(name, TensorType(DTYPES[tensor.dtype], tuple(tensor.shape)))
                parameters.append(Parameter(value, aliases.get(spec.target, (spec.target,))))
                weights[name] = tensor
            else:
                self._constant(name, spec.target or name, tensor)
        for node in self.program.graph.nodes:
            if node.op == "call_function":
                self._call(node)
        outputs = self._outputs()
        if self.problems:
            raise RecordError(*self.problems)
        guards = read_guards(self.exported, {i.name: i.value.type for i in self.inputs})
        graph = Graph(
            name="model",
            class_name=_class_name(self.exported),
            torch=torch.__version__.partition("+")[0],
            symbols=tuple(dict.fromkeys(self.symbols.values())),
            bindings=tuple(self.bindings),
            guards=(*guards, *(guard for guard in self.asserted if guard not in guards)),
            inputs=(*self.inputs, *self.drawn),
            parameters=tuple(parameters),
            nodes=tuple(self.nodes),
            outputs=outputs,
            statics=self.exported.statics,
        )
        return Imported(graph, tuple(self.owners), weights, tuple(self.draws))

    def _constant(self, name: str, path: str, tensor: torch.Tensor) -> None:
        try:
            nodes = constant_nodes(name, path, tensor, self._fresh)
        except RecordError as error:
            self.problems += error.findings
            return
        self.nodes += nodes
        self.owners += [()] * len(nodes)

    def _placeholders(self) -> Iterator[tuple[Any, torch.fx.Node]]:
        nodes = [n for n in self.program.graph.nodes if n.op == "placeholder"]
        yield from zip(self.program.graph_signature.input_specs, nodes, strict=True)

    def _tensor(self, spec: Any) -> torch.Tensor:
        if spec.target in self.program.state_dict:
            return self.program.state_dict[spec.target].detach()
        constant = self.program.constants.get(spec.target)
        if isinstance(constant, torch.Tensor):
            return constant.detach()
        raise RecordError(
            Finding(
                f"the model holds a {type(constant).__name__} that is not a tensor",
                str(spec.target),
                "pass it to forward as tensors",
            )
        )

    def _inputs(self) -> tuple[Input, ...]:
        nodes = {n.name: n for n in self.program.graph.nodes}
        found: list[Input] = []
        for name, fake, _ in user_inputs(self.program, self.exported.args, self.exported.kwargs):
            found.append(Input(name, Value(self._name(nodes[name]), self._type(fake))))
        return tuple(found)

    def _outputs(self) -> tuple[Output, ...]:
        found: list[Output] = []
        nodes = {n.name: n for n in self.program.graph.nodes}
        for index, spec in enumerate(self.program.graph_signature.output_specs):
            if spec.kind is not OutputKind.USER_OUTPUT:
                self.problems.append(
                    Finding(
                        f"the model changes {spec.target or 'an input'} while it runs "
                        f"({spec.kind.name.lower().replace('_', ' ')})",
                        str(spec.target or ""),
                        "return the new state from forward, and pass the old one in",
                    )
                )
            elif spec.arg.name in nodes and nodes[spec.arg.name] in self.names:
                found.append(Output(str(index), self.names[nodes[spec.arg.name]]))
        return tuple(found)

    def _call(self, node: torch.fx.Node) -> None:
        target = str(node.target)
        if target in _DROPPED or node.target is operator.getitem:
            return  # an item is an output of the node that makes the list
        try:
            if target == "aten._assert_scalar.default":
                self._assertion(node)
            elif isinstance(node.target, torch._ops.HigherOrderOperator):
                self._higher_order(node)
            elif isinstance(node.meta.get("val"), (torch.SymInt, torch.SymBool, torch.SymFloat)):
                self._number(node)
            elif isinstance(node.target, torch._ops.OpOverload):
                self._op(node, target)
            else:
                raise ValueError("is not an op of PyTorch's own")
        except ValueError as error:
            fix = "keep to tensors of dtypes that graphs have, and to torch's functions"
            self.problems.append(Finding(f"{target}: {error}", self._where(node), fix))

    def _op(self, node: torch.fx.Node, target: str) -> None:
        draw = draw_of(target, node.args, dict(node.kwargs))
        if draw is not None:
            self._drawn(node, target, draw)
            return
        self.taken_as = {}
        op, args, kwargs = self._canonical(node, target)
        value = node.meta.get("val")
        if op == "aten.batch_norm.default" and isinstance(value, tuple):
            value = value[:1]
        self._append(node, op, args, kwargs, self._outs(node, value))

    def _append(
        self,
        node: torch.fx.Node,
        op: str,
        args: tuple[Arg, ...],
        kwargs: tuple[tuple[str, Arg], ...],
        outs: tuple[Value, ...],
    ) -> None:
        source, targets = place(node.meta.get("stack_trace") or "")
        self.nodes.append(Node(op, args, kwargs, outs, 0, source, targets))
        if not self.open_blocks:
            self.owners.append(_stack(node) or self.holder)

    def _add(
        self, node: torch.fx.Node, op: str, args: tuple[Arg, ...], type_: TensorType
    ) -> str:
        """A node of our own in the place of one of the program's; gives its value's name."""
        name = self._fresh(node.name)
        self._append(node, op, args, (), (Value(name, type_),))
        return name

    def _drawn(self, node: torch.fx.Node, target: str, draw: Draw) -> None:
        """An op that draws becomes an input, named as the Python line names it."""
        if self.open_blocks:
            raise ValueError("draws random numbers in a branch or a loop; draw them before it")
        value = node.meta["val"]
        known = {str(s) for s in self.symbols}
        if any(
            isinstance(s, torch.SymInt) and {str(f) for f in s.node.expr.free_symbols} - known
            for s in value.shape
        ):
            raise ValueError("draws random numbers whose count depends on the data")
        _, targets = place(node.meta.get("stack_trace") or "")
        dropout = target.startswith(("aten.dropout", "aten.feature_dropout"))
        wanted = targets[0] if len(targets) == 1 and not dropout else _drawn_name(target)
        name, type_ = self._fresh(wanted), self._type(value)
        if "feature" in target:
            type_ = TensorType(type_.dtype, (*type_.shape[:2], *(1,) * (type_.rank - 2)))
        taken = {entry.name for entry in (*self.inputs, *self.drawn)}
        label = next(n for n in _numbered(wanted) if n not in taken)
        self.drawn.append(Input(label, Value(name, type_), draw.distribution))
        self.draws.append((name, draw))
        self.names[node] = name
        if dropout:
            # What PyTorch's own dropout does with the zeros and ones that it draws.
            keep = 1.0 - float(node.args[1])  # type: ignore[arg-type]
            kept = self._add(node, "aten.div.Tensor", (Ref(name), keep), type_)
            self.names[node] = self._add(
                node, "aten.mul.Tensor", (self._arg(node.args[0]), Ref(kept)), self._type(value)
            )

    def _number(self, node: torch.fx.Node) -> None:
        """A Python number that is read from a tensor, or made of others."""
        value = node.meta["val"]
        if str(node.target) in ("aten.item.default", "aten._local_scalar_dense.default"):
            source = node.args[0]
            assert isinstance(source, torch.fx.Node)
            if isinstance(value, torch.SymInt) and is_unbacked(value.node.expr):
                _, targets = place(node.meta.get("stack_trace") or "")
                wanted = targets[0] if len(targets) == 1 else "count"
                if self._bind(value.node.expr, self.names[source], wanted):
                    return
            name, type_ = self.names[source], self._type(source.meta["val"])
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
                args.append(self._arg(arg))
        op, type_ = ARITHMETIC[node.target], TensorType(dtype, ())
        tensors = {k for k, arg in enumerate(args) if isinstance(arg, Ref)}
        if 0 not in tensors:
            raise ValueError("computes with a number that depends on the data on its right alone")
        op = taking_tensors(op, tensors, set())
        self.scalars[node] = Value(self._add(node, op, tuple(args), type_), type_)

    def _bind(self, expression: Any, value: str, wanted: str) -> bool:
        """Name a symbol that a value binds; not if it may be negative, which no size is."""
        least, most = bounds(self.program.range_constraints, expression)
        if least < 0:
            return False
        if str(expression) not in self.renamed:
            taken = {s.name for s in self.symbols.values()} | {b.name for b in self.bindings}
            name = next(n for n in _numbered(_identifier(wanted)) if n not in taken)
            self.bindings.append(Binding(name, least, most, value))
            self.renamed[str(expression)] = symbol(name)
        return True

    def _assertion(self, node: torch.fx.Node) -> None:
        """A relation of sizes that the program asserts; ranges of one symbol are its binding's."""
        value = node.args[0].meta.get("val") if isinstance(node.args[0], torch.fx.Node) else None
        if not isinstance(value, torch.SymBool):
            return
        unknown = {str(s) for s in value.node.expr.free_symbols} - set(self.renamed)
        if unknown:
            return  # it is about a number that is no size
        found = self._relation(value)
        if not is_bound(found) and found not in self.asserted:
            self.asserted.append(found)

    def _higher_order(self, node: torch.fx.Node) -> None:
        """A wrapper is read through; a branch or a loop becomes a node with blocks."""
        called = wrapped(node)
        if called is None:
            parts = control(node)
            args = tuple(self._arg(arg) for arg in parts.args)
            own: tuple[Value, ...] | None = None
            blocks: list[Block] = []
            for part in parts.called:
                block = self._block(part, own)
                own = block.inputs
                blocks.append(block)
            outs = self._outs(node, node.meta.get("val"))
            self._append(node, parts.op, (*args, *blocks), (), outs)
            return
        before, self.holder = self.holder, _stack(node) or self.holder
        given = self._enter(called)
        self.holder = before
        users = [u for u in node.users if u.target is operator.getitem]
        for user, index in [(u, int(u.args[1])) for u in users] or [(node, 0)]:
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
                    raise ValueError("carries a number from run to run; carry a tensor")
                inputs = tuple(
                    Value(self._fresh(n.name), self._type(v))
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
                self._call(inner)
        return results(called.module)

    def _canonical(
        self, node: torch.fx.Node, op: str
    ) -> tuple[str, tuple[Arg, ...], tuple[tuple[str, Arg], ...]]:
        """The node's op and arguments without what has no meaning in Rust."""
        if op.startswith("aten.to.") or op in _CONVERSIONS:
            dtype = DType(DTYPES[node.meta["val"].dtype])
            return "aten.to.dtype", (self._arg(node.args[0]), dtype), ()
        if op in _BATCH_NORMS and all(user.args[1:] == (0,) for user in node.users):
            return "aten.batch_norm.default", self._batch_norm(node), ()
        if any(arg in self.scalars for arg in node.all_input_nodes):
            op = self._with_numbers(node, op)
        kwargs = tuple(
            (name, self._arg(arg))
            for name, arg in node.kwargs.items()
            if name not in _MEANINGLESS and arg is not None
        )
        return op, tuple(self._arg(arg) for arg in node.args), kwargs

    def _batch_norm(self, node: torch.fx.Node) -> tuple[Arg, ...]:
        """The arguments of `batch_norm`, from those of one of its decompositions."""
        assert isinstance(node.target, torch._ops.OpOverload)
        given = dict(zip((a.name for a in node.target._schema.arguments), node.args, strict=False))
        given |= node.kwargs | {"cudnn_enabled": False}
        schema = torch.ops.aten.batch_norm.default._schema
        defaults = {"running_mean": None, "running_var": None, "training": False}
        return tuple(self._arg((defaults | given)[a.name]) for a in schema.arguments)

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

    def _outs(self, node: torch.fx.Node, value: Any) -> tuple[Value, ...]:
        if isinstance(value, torch.Tensor):
            return (self._out(node, self._name(node), value),)
        if not isinstance(value, (list, tuple)):
            raise ValueError(f"gives a {type(value).__name__}, which is not a tensor")
        items = {user.args[1]: user for user in node.users if user.target is operator.getitem}
        outs: list[Value] = []
        for index, element in enumerate(value):
            if not isinstance(element, torch.Tensor):
                raise ValueError("gives a list with something that is not a tensor in it")
            user = items.get(index)
            name = self._name(user) if user else self._fresh(f"{node.name}_{index}")
            outs.append(self._out(node, name, element))
        return tuple(outs)

    def _out(self, node: torch.fx.Node, name: str, tensor: torch.Tensor) -> Value:
        """A value of the graph; it binds the symbols that its axes are the first to have."""
        for size in tensor.shape:
            if isinstance(size, torch.SymInt) and is_unbacked(size.node.expr):
                self._bind(size.node.expr, name, "count")
        return Value(name, self._type(tensor))

    def _arg(self, arg: Any) -> Arg:
        match arg:
            case torch.fx.Node():
                value = arg.meta.get("val")
                if arg in self.taken_as:
                    return Ref(self.taken_as[arg].name)
                if arg in self.scalars and not isinstance(value, torch.SymInt):
                    return Ref(self.scalars[arg].name)
                if isinstance(value, torch.Tensor):
                    return Ref(self.names[arg])
                if isinstance(value, (torch.SymInt, int)):
                    return self._size(value)
                if isinstance(value, torch.SymBool):
                    return self._relation(value)
                raise ValueError(f"takes a value that depends on the data ({arg.name})")
            case torch.SymInt():
                return self._size(arg)
            case torch.dtype():
                if arg not in DTYPES:
                    raise ValueError(f"dtype {arg} is not supported; use one of {list(DTYPES)}")
                return DType(DTYPES[arg])
            case torch.device() | torch.layout() | torch.memory_format():
                return None
            case list() | tuple():
                return tuple(self._arg(item) for item in arg)
            case None | bool() | int() | float() | complex() | str():
                return arg
            case _:
                raise ValueError(f"takes a {type(arg).__name__}, which a graph cannot hold")

    def _type(self, tensor: torch.Tensor) -> TensorType:
        if tensor.dtype not in DTYPES:
            raise ValueError(f"dtype {tensor.dtype} is not supported")
        return TensorType(DTYPES[tensor.dtype], tuple(self._size(s) for s in tensor.shape))

    def _size(self, size: int | torch.SymInt) -> Size:
        if isinstance(size, int):
            return size
        expression = size.node.expr
        unknown = {str(s) for s in expression.free_symbols} - set(self.renamed)
        if unknown:
            raise ValueError(
                f"a size depends on a number that may be negative ({expression});"
                " say torch._check(n >= 0) of it"
            )
        return substitute(parse(str(expression)), self.renamed)

    def _relation(self, value: torch.SymBool) -> Guard:
        found = relation(value.node.expr)
        if {*found.symbols} - set(self.renamed):
            raise ValueError(f"depends on a number that is no size ({value})")
        left, right = (substitute(side, self.renamed) for side in (found.left, found.right))
        return Guard(left, found.sign, right)

    def _name(self, node: torch.fx.Node) -> str:
        if node not in self.names:
            self.names[node] = self._fresh(node.name)
        return self.names[node]

    def _fresh(self, wanted: str) -> str:
        name = re.sub(r"\W", "_", wanted, flags=re.ASCII)
        name = name if name[:1].isalpha() or name[:1] == "_" else f"v_{name}"
        unique, count = name, 1
        while unique in self.taken:
            unique, count = f"{name}_{count}", count + 1
        self.taken.add(unique)
        return unique

    def _where(self, node: torch.fx.Node) -> str:
        stack = _stack(node)
        return f"{stack[-1][0] or 'the model' if stack else 'the model'}, " + place(
            node.meta.get("stack_trace") or "")[0]  # fmt: skip


def _numbered(name: str) -> Iterator[str]:
    """The name, then the name with 2, 3 and so on after it."""
    yield name
    yield from (f"{name}_{count}" for count in itertools.count(2))


def _drawn_name(target: str) -> str:
    """What random numbers are called where Python gives them no name."""
    names = {"dropout": "kept", "multinomial": "drawn", "bernoulli": "drawn", "randperm": "order"}
    return next((names[n] for n in names if f"{n}." in target), "noise")


def _identifier(name: str) -> str:
    plain = re.sub(r"\W", "_", name, flags=re.ASCII)
    return plain if plain[:1].isalpha() else f"n_{plain}"


def _stack(node: torch.fx.Node) -> tuple[tuple[str, int, str], ...]:
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


def _aliases(exported: Exported) -> dict[str, tuple[str, ...]]:
    """Every name that a checkpoint may give each tensor: tied tensors have several."""
    if exported.model is None:
        return {}
    groups: dict[int, list[str]] = {}
    state = exported.model.state_dict(keep_vars=True)
    for name, tensor in state.items():
        groups.setdefault(id(tensor), []).append(name)
    return {name: tuple(group) for group in groups.values() for name in group}


def _class_name(exported: Exported) -> str:
    if exported.model is not None:
        return f"{type(exported.model).__module__}.{type(exported.model).__qualname__}"
    for node in exported.program.graph.nodes:
        if stack := _stack(node):
            return stack[0][2]
    return "Model"
