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
    DType,
    Graph,
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
from pycandle.record.export import Exported, user_inputs
from pycandle.record.guards import read_guards
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
    "aten._assert_scalar.default",
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
        self.taken: set[str] = set()
        self.nodes: list[Node] = []
        self.owners: list[tuple[tuple[str, int, str], ...]] = []
        self.problems: list[Finding] = []

    def run(self) -> Imported:
        weights: dict[str, torch.Tensor] = {}
        parameters: list[Parameter] = []
        inputs = self._inputs()
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
        graph = Graph(
            name="model",
            class_name=_class_name(self.exported),
            torch=torch.__version__.partition("+")[0],
            symbols=tuple(dict.fromkeys(self.symbols.values())),
            guards=read_guards(self.exported, {i.name: i.value.type for i in inputs}),
            inputs=inputs,
            parameters=tuple(parameters),
            nodes=tuple(self.nodes),
            outputs=outputs,
            statics=self.exported.statics,
        )
        return Imported(graph, tuple(self.owners), weights)

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
        value = node.meta.get("val")
        if target in _DROPPED or isinstance(value, (torch.SymInt, torch.SymBool, torch.SymFloat)):
            return
        if node.target is operator.getitem:
            return  # its value is an output of the node that makes the list
        if not isinstance(node.target, torch._ops.OpOverload):
            self.problems.append(
                Finding(
                    f"`{target}` is not an op of PyTorch's own",
                    self._where(node),
                    "rewrite that line with torch functions, without control flow on tensors",
                )
            )
            return
        source, targets = place(node.meta.get("stack_trace") or "")
        try:
            op, args, kwargs = self._canonical(node, target)
            if op == "aten.batch_norm.default" and isinstance(value, tuple):
                value = value[:1]
            outs = self._outs(node, value)
        except ValueError as error:
            fix = "keep to tensors of dtypes that graphs have, whose sizes inputs decide"
            self.problems.append(Finding(f"{target}: {error}", self._where(node), fix))
            return
        self.nodes.append(Node(op, args, kwargs, outs, 0, source, targets))
        self.owners.append(_stack(node))

    def _canonical(
        self, node: torch.fx.Node, op: str
    ) -> tuple[str, tuple[Arg, ...], tuple[tuple[str, Arg], ...]]:
        """The node's op and arguments without what has no meaning in Rust."""
        if op.startswith("aten.to.") or op in _CONVERSIONS:
            dtype = DType(DTYPES[node.meta["val"].dtype])
            return "aten.to.dtype", (self._arg(node.args[0]), dtype), ()
        if op in _BATCH_NORMS and all(user.args[1:] == (0,) for user in node.users):
            return "aten.batch_norm.default", self._batch_norm(node), ()
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

    def _outs(self, node: torch.fx.Node, value: Any) -> tuple[Value, ...]:
        if isinstance(value, torch.Tensor):
            return (Value(self._name(node), self._type(value)),)
        if not isinstance(value, (list, tuple)):
            raise ValueError(f"gives a {type(value).__name__}, which is not a tensor")
        items = {user.args[1]: user for user in node.users if user.target is operator.getitem}
        outs: list[Value] = []
        for index, element in enumerate(value):
            if not isinstance(element, torch.Tensor):
                raise ValueError("gives a list with something that is not a tensor in it")
            user = items.get(index)
            name = self._name(user) if user else self._fresh(f"{node.name}_{index}")
            outs.append(Value(name, self._type(element)))
        return tuple(outs)

    def _arg(self, arg: Any) -> Arg:
        match arg:
            case torch.fx.Node():
                value = arg.meta.get("val")
                if isinstance(value, torch.Tensor):
                    return Ref(self.names[arg])
                if isinstance(value, (torch.SymInt, int)):
                    return self._size(value)
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
            raise ValueError(f"a size depends on the data ({expression})")
        return substitute(parse(str(expression)), self.renamed)

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
