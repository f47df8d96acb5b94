"""Runs a graph's nodes with PyTorch's own kernels, in their own precision or in float64.

This is how goldens of every value are made, and how a recording is held against the model it was
made from. It must not know any lowering to Rust.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from pycandle.errors import Finding, RecordError
from pycandle.graph import Arg, Binding, Block, DType, Guard, Node, Ref, TensorType
from pycandle.graph.dim import Dim, substitute
from pycandle.record.values import DTYPES

_TORCH = {name: dtype for dtype, name in DTYPES.items()}
# What each dtype is computed in for a reference, and where there is no such kernel.
_WIDE = {
    **dict.fromkeys((torch.float64, torch.float32, torch.float16, torch.bfloat16), torch.float64),
    torch.complex64: torch.complex128,
}
_NARROW = {torch.float64: torch.float32, torch.complex128: torch.complex64}

Environment = dict[str, torch.Tensor]
# Computes a node of the values of its arguments and keyword arguments, as `call` does.
Compute = Callable[[Node, list[Any], dict[str, Any]], Any]


@dataclass(frozen=True)
class Evaluation:
    """What a run computed."""

    values: Environment  # by name, the known ones included; not those of blocks
    sizes: dict[str, int]  # of every symbol, those that values bind included
    discrete: dict[str, list[torch.Tensor]]  # integers and booleans, each time they were computed


def evaluate(
    nodes: Iterable[Node],
    known: Mapping[str, torch.Tensor],
    sizes: Mapping[str, int],
    bindings: Iterable[Binding] = (),
    wide_of: Evaluation | None = None,
    wanted: Container[str] | None = None,
    keep: Callable[[torch.Tensor], torch.Tensor] = lambda tensor: tensor,
    compute: Compute | None = None,
) -> Evaluation:
    """Run the nodes; with `wide_of`, in float64 what that run computed in its own precision.

    With `wanted` only these values are kept; others are let go of when no later node reads them.
    What is kept is passed through `keep`, which may hold the same numbers elsewhere. `compute` may
    compute a node, other than a branch or a loop, in another precision.

    In float64 every floating dtype is replaced, also where an op names one. An op without a
    float64 kernel runs in float32, and only that op. Integers and booleans are those of the other
    run, so that both take the same branches, and rounding moves no element in or out of a mask.
    """
    run = _Run(dict(sizes), tuple(bindings), wide_of, compute or call)
    env: Environment = {name: widen(t) if wide_of else t for name, t in known.items()}
    for name in known:
        run.bind(name, env[name], TensorType("", ()))
    before = torch.get_default_dtype()
    if wide_of:
        torch.set_default_dtype(torch.float64)
    try:
        with torch.no_grad():
            for node, ending in _endings(tuple(nodes), wanted):
                run.nodes([node], env)
                for name in ending:
                    env.pop(name, None)
                for out in node.outs:
                    if out.name in env and (wanted is None or out.name in wanted):
                        env[out.name] = keep(env[out.name])
    finally:
        torch.set_default_dtype(before)
    return Evaluation(env, run.sizes, run.discrete)


def _endings(
    nodes: tuple[Node, ...], wanted: Container[str] | None
) -> Iterator[tuple[Node, list[str]]]:
    """Each node with the values that nothing after it reads."""
    last = {
        name: k
        for k, node in enumerate(nodes)
        for name in (*node.inputs, *(out.name for out in node.outs))
        if wanted is not None and name not in wanted
    }
    ending: dict[int, list[str]] = {}
    for name, k in last.items():
        ending.setdefault(k, []).append(name)
    for k, node in enumerate(nodes):
        yield node, ending.get(k, [])


def widen(tensor: torch.Tensor) -> torch.Tensor:
    """The tensor in float64 or complex128 if it is not of integers or booleans."""
    return tensor.to(_WIDE.get(tensor.dtype, tensor.dtype))


class _Run:
    """One run: the sizes known so far, and the integers and booleans of this and the other run."""

    def __init__(
        self,
        sizes: dict[str, int],
        bindings: tuple[Binding, ...],
        wide_of: Evaluation | None,
        compute: Compute,
    ) -> None:
        self.sizes = sizes
        self.compute = compute
        self.bindings: dict[str, list[Binding]] = {}
        for binding in bindings:
            self.bindings.setdefault(binding.value, []).append(binding)
        self.wide = wide_of is not None
        self.discrete: dict[str, list[torch.Tensor]] = {}
        recorded = wide_of.discrete if wide_of else {}
        self.recorded: dict[str, Iterator[torch.Tensor]] = {k: iter(v) for k, v in recorded.items()}

    def nodes(self, nodes: Iterable[Node], env: Environment) -> None:
        for node in nodes:
            if any(name not in env for name in node.inputs):
                raise RecordError(
                    Finding(f"{node.op} reads a value that was not computed", node.source)
                )
            results = self.control(node, env) if node.blocks else self.op(node, env)
            for out, tensor in zip(node.outs, results, strict=True):
                env[out.name] = self.settled(out.name, tensor)
                self.bind(out.name, env[out.name], out.type)

    def settled(self, name: str, tensor: torch.Tensor) -> torch.Tensor:
        """The tensor as this run goes on with it."""
        if tensor.is_floating_point() or tensor.is_complex():
            return widen(tensor) if self.wide else tensor
        if self.wide and name in self.recorded:
            tensor = next(self.recorded[name], tensor)
        self.discrete.setdefault(name, []).append(tensor)
        return tensor

    def bind(self, name: str, tensor: torch.Tensor, type_: TensorType) -> None:
        for binding in self.bindings.get(name, ()):
            axis = binding.axis(type_)
            # The axis of a value that was given is among the sizes that were given.
            if axis is not None:
                self.sizes[binding.name] = tensor.shape[axis]
            elif binding.name not in self.sizes or type_.dtype:
                self.sizes[binding.name] = int(tensor.item())

    def op(self, node: Node, env: Environment) -> list[torch.Tensor]:
        args = [self.value(arg, env) for arg in node.args]
        kwargs = {name: self.value(arg, env) for name, arg in node.kwargs}
        try:
            result = self.compute(node, args, kwargs)
        except RuntimeError as error:
            if not self.wide or "not implemented" not in str(error):
                raise
            narrow = [_narrow(arg) for arg in args]
            result = call(node, narrow, {name: _narrow(arg) for name, arg in kwargs.items()})
        return [result] if isinstance(result, torch.Tensor) else list(result)

    def control(self, node: Node, env: Environment) -> list[torch.Tensor]:
        """A branch or a loop, as PyTorch runs it without a compiler."""
        blocks = node.blocks
        args = [self.value(arg, env) for arg in node.args if not isinstance(arg, Block)]
        match node.op:
            case "higher_order.cond":
                return self.block(blocks[0] if bool(args[0]) else blocks[1], [], env)
            case "higher_order.while_loop":
                state: list[torch.Tensor] = args[0]
                while bool(self.block(blocks[0], state, env)[0]):
                    state = self.block(blocks[1], state, env)
                return state
            case "higher_order.scan" | "higher_order.map_impl":
                carried: list[torch.Tensor] = args[0] if len(args) > 1 else []
                over: list[torch.Tensor] = args[-1]
                rows: list[list[torch.Tensor]] = []
                for items in zip(*(tensor.unbind(0) for tensor in over), strict=True):
                    results = self.block(blocks[0], [*carried, *items], env)
                    carried = results[: len(carried)]
                    rows.append(results[len(carried) :])
                return [*carried, *(torch.stack(column) for column in zip(*rows, strict=True))]
            case _:
                raise RecordError(Finding(f"{node.op} is no branch and no loop", node.source))

    def block(
        self, block: Block, given: list[torch.Tensor], env: Environment
    ) -> list[torch.Tensor]:
        inside = dict(env)
        for value, tensor in zip(block.inputs, given, strict=True):
            inside[value.name] = tensor
            self.bind(value.name, tensor, value.type)
        self.nodes(block.nodes, inside)
        return [inside[name] for name in block.results]

    def value(self, arg: Arg, env: Environment) -> Any:
        match arg:
            case Ref(name=name):
                return env[name]
            case Dim():
                return substitute(arg, self.sizes)
            case Guard():
                return arg.holds(self.sizes)
            case DType():
                dtype = _TORCH[str(arg)]
                return _WIDE.get(dtype, dtype) if self.wide else dtype
            case tuple():
                return [self.value(item, env) for item in arg]
            case _:
                return arg


def call(node: Node, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """What PyTorch's kernel gives for the node's op: a tensor, or a sequence of them."""
    op = node.op
    if op == "rt.literal":
        return torch.tensor(args[0], **kwargs).reshape(args[1])
    if op in ("aten.view.default", "aten._unsafe_view.default"):
        # Which views are possible depends on how a kernel lays out its result, as attention's do
        # by dtype and mask; what a view holds does not.
        op = "aten.reshape.default"
    if op == "aten.view_as_complex.default" or op.startswith("aten.as_strided"):
        # A graph knows elements, in their order, and no strides.
        args = [args[0].contiguous(), *args[1:]]
    namespace, name, overload = op.split(".")
    return getattr(getattr(getattr(torch.ops, namespace), name), overload)(*args, **kwargs)


def _narrow(arg: Any) -> Any:
    return arg.to(_NARROW.get(arg.dtype, arg.dtype)) if isinstance(arg, torch.Tensor) else arg
