"""Turns an exported program into a `Graph`: nodes, symbols, parameters, constants.

Symbolic integers vanish here: `torch.export` states each as an expression over symbols, and the
expression itself becomes the argument. It must not know what any op computes, nor any lowering.
"""

# PyTorch annotates only part of what it exports, and keeps some of it private.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false, reportPrivateUsage=false

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch.export.graph_signature import InputKind, OutputKind

from pycandle.errors import Finding, RecordError
from pycandle.graph import Graph, Input, Output, Parameter, Static, TensorType, Value
from pycandle.graph.dim import symbol
from pycandle.graph.sizes import at_sizes
from pycandle.record.constants import constant_nodes
from pycandle.record.draws import Draw
from pycandle.record.export import Exported, user_inputs
from pycandle.record.guards import read_guards
from pycandle.record.makers import axes_of
from pycandle.record.symbols import name_symbols
from pycandle.record.trace import constants_bytes, content_hash
from pycandle.record.translation import Stack, Translation, stack_of
from pycandle.record.values import DTYPES


@dataclass(frozen=True)
class Imported:
    """A graph without regions yet; for each node the module call it came from, by (path, call)."""

    graph: Graph
    owners: tuple[Stack, ...]  # per node: the stack of module calls
    weights: dict[str, torch.Tensor]  # by value name, constants included
    constants: bytes | None  # the content of the constants' file
    draws: tuple[tuple[str, Draw], ...]  # the inputs that the model draws itself, in order


def import_program(exported: Exported) -> Imported:
    """The program as a graph. Raises `RecordError` for what no graph can say."""
    return _Importer(exported).run()


class _Importer:
    """The state of one import."""

    def __init__(self, exported: Exported) -> None:
        self.exported = exported
        self.program = exported.program
        self.symbols = name_symbols(exported)
        self.made = Translation(self.program, self.symbols, exported.model)
        self.problems = self.made.problems
        self.weights: dict[str, torch.Tensor] = {}
        self.parameters: list[Parameter] = []

    def run(self) -> Imported:
        made, weights, parameters = self.made, self.weights, self.parameters
        inputs = self._inputs()
        made.reserve(entry.name for entry in inputs)
        aliases = _aliases(self.exported)
        used = {n for node in self.program.graph.nodes for n in node.all_input_nodes}
        for spec, node in self._placeholders():
            if spec.kind is InputKind.USER_INPUT or node not in used:
                continue
            tensor = self._tensor(spec)
            name = made.name(node)
            if spec.kind is InputKind.PARAMETER or (
                spec.kind is InputKind.BUFFER and spec.persistent
            ):
                value = Value(name, TensorType(DTYPES[tensor.dtype], tuple(tensor.shape)))
                path, _, attribute = spec.target.rpartition(".")
                holder = made.modules.get(path)
                axes = axes_of(holder, attribute, tensor.ndim) if holder is not None else ()
                names = aliases.get(spec.target, (spec.target,))
                parameters.append(Parameter(value, names, axes=axes))
                weights[name] = tensor
            else:
                self._constant(name, node, spec, tensor)
        for node in self.program.graph.nodes:
            if node.op == "call_function":
                made.call(node)
        outputs = self._outputs()
        if self.problems:
            raise RecordError(*self.problems)
        symbols = tuple(dict.fromkeys(self.symbols.values()))
        types = {entry.name: entry.value.type for entry in inputs}
        guards, symbols = read_guards(self.exported, types, symbols)
        fixed = {s.name: s.recorded for s in symbols if s.min == s.max}
        constants = constants_bytes(parameters, weights)
        graph = Graph(
            name="model",
            class_name=_class_name(self.exported),
            torch=torch.__version__.partition("+")[0],
            symbols=symbols,
            bindings=tuple(made.bindings),
            guards=(*guards, *(guard for guard in made.asserted if guard not in guards)),
            inputs=(*inputs, *made.drawn),
            parameters=tuple(parameters),
            constants=content_hash(constants),
            nodes=tuple(made.nodes),
            outputs=outputs,
            statics=(*self.exported.statics, *_fixed_axes(types, fixed)),
        )
        return Imported(
            at_sizes(graph, fixed), tuple(made.owners), weights, constants, tuple(made.draws)
        )

    def _constant(self, name: str, node: torch.fx.Node, spec: Any, tensor: torch.Tensor) -> None:
        try:
            nodes = constant_nodes(name, spec.target or name, tensor, self.made.fresh)
        except RecordError as error:
            self.problems += error.findings
            return
        if not nodes:
            value = Value(name, TensorType(DTYPES[tensor.dtype], tuple(tensor.shape)))
            self.parameters.append(Parameter(value, (self._path(node, spec),), constant=True))
            self.weights[name] = tensor
        self.made.nodes += nodes
        self.made.owners += [()] * len(nodes)

    def _path(self, node: torch.fx.Node, spec: Any) -> str:
        """Where a constant is in the model: an attribute has a name; those that forward makes are
        the module's that reads them, under a number, so that equal modules have equal names.
        """
        if not spec.target.startswith("lifted_tensor_"):
            return spec.target
        paths = [[path for path, _, _ in stack_of(user)] for user in node.users]
        shared = [p for p in paths[0] if all(p in path for path in paths)]
        prefix = f"{shared[-1]}." if shared and shared[-1] else ""
        taken = {name for parameter in self.parameters for name in parameter.names}
        taken |= self.program.state_dict.keys()
        count = 0
        while f"{prefix}constant_{count}" in taken:
            count += 1
        return f"{prefix}constant_{count}"

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
            found.append(Input(name, Value(self.made.name(nodes[name]), self.made.type(fake))))
        return tuple(found)

    def _outputs(self) -> tuple[Output, ...]:
        found: list[Output] = []
        nodes = {n.name: n for n in self.program.graph.nodes}
        taken = {spec.target: node.name for spec, node in self._placeholders()}
        for index, spec in enumerate(self.program.graph_signature.output_specs):
            if spec.target is not None and taken.get(spec.target) == spec.arg.name:
                continue  # it is set to what it was, as `self.table = self.table.to(device)` does
            if spec.kind is not OutputKind.USER_OUTPUT:
                self.problems.append(
                    Finding(
                        f"the model changes {spec.target or 'an input'} while it runs "
                        f"({spec.kind.name.lower().replace('_', ' ')})",
                        str(spec.target or ""),
                        "return the new state from forward, and pass the old one in",
                    )
                )
            elif spec.arg.name in nodes and nodes[spec.arg.name] in self.made.names:
                found.append(Output(str(index), self.made.names[nodes[spec.arg.name]]))
        return tuple(found)


def _aliases(exported: Exported) -> dict[str, tuple[str, ...]]:
    """Every name that a checkpoint may give each tensor: tied tensors have several."""
    if exported.model is None:
        return {}
    groups: dict[int, list[str]] = {}
    state = exported.model.state_dict(keep_vars=True)
    for name, tensor in state.items():
        groups.setdefault(id(tensor), []).append(name)
    return {name: tuple(group) for group in groups.values() for name in group}


def _fixed_axes(types: Mapping[str, TensorType], fixed: Mapping[str, int]) -> Iterator[Static]:
    """The axes that could vary, but for what the code asks of their sizes."""
    for name, given in types.items():
        for axis, size in enumerate(given.shape):
            for known in (n for n in fixed if size == symbol(n)):
                reason = f"specialised to {fixed[known]}: the code needs this size"
                yield Static(f"{name}, axis {axis}", reason)


def _class_name(exported: Exported) -> str:
    if exported.model is not None:
        return f"{type(exported.model).__module__}.{type(exported.model).__qualname__}"
    for node in exported.program.graph.nodes:
        if stack := stack_of(node):
            return stack[0][2]
    return "Model"
