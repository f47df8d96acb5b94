"""Runs a recorded graph with some of its modules in low precision and the others in float32.

A module is a path in the model; all its calls, and the nodes that are its own and not those of the
modules inside it, have one precision. In `f16` and `bf16` a module computes with PyTorch's kernels
of that dtype: what enters it and its weights are converted. What it converts to float32 itself, as
`softmax(dtype=torch.float32)` does, stays so until it meets a number of the dtype, as in a model
that was made half; but a recording in float32 does not show that `x.float()` was called, which is
no conversion there, so that a norm that protects itself so is taken for one that does not. The
largest and least finite numbers of wider dtypes, with which models fill masks, become the dtype's
own. In the other formats the weights of linear, convolution and embedding layers are rounded, as
`rounding.py` says, and computing is float32's.

Recordings of half precision, which show all conversions, are run in float32 here, but for the
modules that are asked for. It must not know which modules are tried, nor why.
"""

# PyTorch annotates only part of its ops.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from pycandle.graph import Graph, Node, Ref, every_node
from pycandle.record.evaluate import call, evaluate
from pycandle.record.narrowing import converted, limits, narrowed, tensors_in
from pycandle.record.nearness import agreement, distance
from pycandle.record.reload import RecordedCase, Recording
from pycandle.record.rounding import NoBlocksError, rounded, weight_of
from pycandle.record.ties import FirstOfEquals
from pycandle.record.values import DTYPES

_TORCH = {name: dtype for dtype, name in DTYPES.items()}
_LOW = {"f16": torch.float16, "bf16": torch.bfloat16}
_FULL = {torch.float16: torch.float32, torch.bfloat16: torch.float32}
# Ops that move numbers and compute none.
_MOVES = frozenset(
    """_to_copy alias chunk clone contiguous copy detach dropout expand expand_as feature_dropout
    flatten index_select lift_fresh_copy movedim narrow native_dropout permute repeat reshape select
    slice split split_with_sizes squeeze t to transpose unbind unflatten unfold unsqueeze view
    view_as""".split()
)


class UnfitError(RuntimeError):
    """A module that cannot run in a format."""

    def __init__(self, path: str, why: str) -> None:
        self.path, self.why = path, why
        super().__init__(f"{path}: {why}")


@dataclass(frozen=True)
class Alone:
    """What low precision does to a module alone, which is given what float32 gives."""

    error: float = 0.0  # the largest of its outputs', see `distance`
    overflows: bool = False  # it makes NaN or infinity where float32 does not
    unfit: str = ""  # why it does not run at all


@dataclass(frozen=True)
class Score:
    """An output of the model beside float64's."""

    path: str  # in the returned structure
    error: float
    agreement: tuple[float, float] | None = None  # of the first, and the first five, of its rows


class Lowered:
    """A recording in one format."""

    def __init__(self, recording: Recording, name: str) -> None:
        self.recording = recording
        self.format = name
        graph = recording.graph
        self._homes = _homes(graph)
        self._leaving = _leaving(graph, self._homes)
        self._weights = _computed_weights(graph)
        self._held: dict[tuple[str, str], Tensor] = {}
        self._scored = _scored(graph)
        fits = self._computes if name in _LOW else self._has_weights
        found = [n for n in every_node(graph.nodes) if n.outs and fits(n)]
        asked = {self._homes[node.outs[0].name] for node in found}
        order = dict.fromkeys(region.path for region in graph.regions)
        self.modules = tuple(path for path in order if path in asked)

    def _computes(self, node: Node) -> bool:
        moves = node.op.split(".")[1] in _MOVES
        types = self.recording.graph.types
        return not moves and not node.blocks and any(types[name].is_float for name in node.inputs)

    def _has_weights(self, node: Node) -> bool:
        return self._weight(node) is not None

    def _weight(self, node: Node) -> tuple[int, str] | None:
        """The argument that is a layer's weight, and its value."""
        place = weight_of(node)
        arg = None if place is None else node.args[place]
        if place is None or not isinstance(arg, Ref) or arg.name not in self._weights:
            return None
        type_ = self.recording.graph.types[arg.name]
        return (place, arg.name) if type_.is_float and type_.rank > 1 else None

    def outputs(self, case: RecordedCase, low: Container[str]) -> tuple[Tensor, ...] | None:
        """The model's outputs with these modules in low precision; None if it does not run so.

        Raises `UnfitError` naming one of them that cannot be in it at all.
        """

        def compute(node: Node, args: list[Any], kwargs: dict[str, Any]) -> Any:
            home = self._homes[node.outs[0].name] if node.outs else ""
            if home not in low:
                return self._full(node, args, kwargs)
            try:
                return self._low(node, home, args, kwargs)
            except (RuntimeError, NoBlocksError) as error:
                if isinstance(error, NoBlocksError) or "not implemented" in str(error):
                    raise UnfitError(home, _why(node, error)) from error
                raise

        try:
            return self._run(case, compute)
        except UnfitError:
            raise
        except (RuntimeError, ValueError, IndexError, TypeError):
            # What low precision counts may be other sizes than a model is made for.
            return None

    def scores(self, case: RecordedCase, low: Container[str]) -> tuple[Score, ...]:
        """The model's outputs beside float64's. Raises `UnfitError`."""
        return self._compared(case, self.outputs(case, low))

    def alone(self, case: RecordedCase) -> tuple[dict[str, Alone], tuple[Score, ...]]:
        """Each module alone, by path, and the outputs of all in float32."""
        alone = dict.fromkeys(self.modules, Alone())
        last = self._last_reads()
        shadows: dict[str, Tensor] = {}

        def compute(node: Node, args: list[Any], kwargs: dict[str, Any]) -> Any:
            exact = self._full(node, args, kwargs)
            home = self._homes[node.outs[0].name] if node.outs else ""
            if home not in alone:
                return exact
            try:
                result = self._low(node, home, args, kwargs, shadows)
            except (RuntimeError, TypeError, ValueError) as error:
                alone[home] = replace(alone[home], unfit=_why(node, error))
                return exact
            for out, ours, theirs in zip(node.outs, _listed(result), _listed(exact), strict=True):
                shadows[out.name] = ours
                if out.name in self._leaving:
                    alone[home] = _worse(alone[home], ours, theirs)
            for name in {*node.inputs, *(out.name for out in node.outs)}:
                if last.get((home, name)) in (None, id(node)):
                    shadows.pop(name, None)
            return exact

        return alone, self._compared(case, self._run(case, compute))

    def _last_reads(self) -> dict[tuple[str, str], int]:
        """Which node is the last in a module that reads a value, by its `id`.

        Nodes in blocks run more than once, and hand no value of low precision to one another.
        """
        last: dict[tuple[str, str], int] = {}
        for node in self.recording.graph.nodes:
            home = self._homes[node.outs[0].name] if node.outs else ""
            for name in node.inputs:
                last[home, name] = id(node)
        return last

    def _run(self, case: RecordedCase, compute: Callable[..., Any]) -> tuple[Tensor, ...]:
        graph = self.recording.graph
        known = self.recording.weights | case.inputs
        wanted = {output.value for output in graph.outputs}
        with FirstOfEquals():
            values = evaluate(
                graph.nodes, known, case.sizes, graph.bindings, wanted=wanted, compute=compute
            ).values
        return tuple(values[output.value] for output in graph.outputs)

    def _full(self, node: Node, args: list[Any], kwargs: dict[str, Any]) -> Any:
        """The node in float32, whatever its inputs were computed in."""
        types = self.recording.graph.types

        def widened(name: str, tensor: Tensor) -> Tensor:
            if not tensor.is_floating_point():
                return tensor
            dtype = _TORCH[types[name].dtype]
            return tensor.to(_FULL.get(dtype, dtype))

        return call(node, *converted(node, args, kwargs, widened, _FULL, {}))

    def _low(
        self,
        node: Node,
        home: str,
        args: list[Any],
        kwargs: dict[str, Any],
        shadows: Mapping[str, Tensor] | None = None,
    ) -> Any:
        """The node in low precision.

        With `shadows` the module is alone, and these are its own values in low precision.
        """
        if self.format not in _LOW:
            return self._quantised(node, args, kwargs, shadows or {})
        types = self.recording.graph.types
        held = shadows or {}
        tensors = {
            name: held.get(name, tensor)
            for name, tensor in tensors_in(node, args, kwargs)
            if types[name].is_float or tensor.is_floating_point()
        }

        def chosen(name: str) -> bool:
            """Whether it is in float32 because the module itself made it so."""
            own = self._homes.get(name) == home and (shadows is None or name in held)
            return own and tensors[name].dtype in (torch.float32, torch.float64)

        explicit = bool(tensors) and all(map(chosen, tensors))
        dtype = _LOW[self.format]

        def change(name: str, tensor: Tensor) -> Tensor:
            if name not in tensors or explicit:
                return held.get(name, tensor)
            if name in self.recording.weights:
                return self._kept(name, "", lambda: narrowed(tensor, dtype))
            return narrowed(tensors[name], dtype)

        numbers = {} if explicit else limits(dtype)
        dtypes = dict.fromkeys(_FULL, dtype)
        return call(node, *converted(node, args, kwargs, change, dtypes, numbers))

    def _quantised(
        self, node: Node, args: list[Any], kwargs: dict[str, Any], shadows: Mapping[str, Tensor]
    ) -> Any:
        """The node in float32, its weight rounded."""
        found = self._weight(node)

        def change(name: str, tensor: Tensor) -> Tensor:
            tensor = shadows.get(name, tensor)
            if found is None or name != found[1]:
                return tensor
            return self._kept(name, node.op, lambda: rounded(tensor.float(), node, self.format))

        return self._full(node, *converted(node, args, kwargs, change, {}, {}))

    def _kept(self, name: str, op: str, make: Callable[[], Tensor]) -> Tensor:
        """What is made of a weight once, for an op that has a layout of its own."""
        if (name, op) not in self._held:
            self._held[name, op] = make()
        return self._held[name, op]

    def _compared(self, case: RecordedCase, found: tuple[Tensor, ...] | None) -> tuple[Score, ...]:
        outputs = self.recording.graph.outputs
        if found is None:
            return tuple(Score(output.path, float("inf")) for output in outputs)
        return tuple(
            Score(
                output.path,
                distance(ours, exact),
                agreement(ours, exact) if output.value in self._scored else None,
            )
            for output, ours, exact in zip(outputs, found, case.exact, strict=True)
        )


def _worse(before: Alone, ours: Tensor, exact: Tensor) -> Alone:
    error = distance(ours, exact)
    floating = exact.is_floating_point() and ours.shape == exact.shape
    overflows = floating and bool((exact.isfinite() & ~ours.isfinite()).any())
    return replace(before, error=max(before.error, error), overflows=before.overflows or overflows)


def _why(node: Node, error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return f"{node.op}: {lines[0][:200]}"


def _homes(graph: Graph) -> dict[str, str]:
    """The path of the module that computes each value, blocks included."""
    return {
        out.name: graph.regions[node.region].path
        for node in graph.nodes
        for inner in every_node((node,))
        for out in inner.outs
    }


def _leaving(graph: Graph, homes: dict[str, str]) -> set[str]:
    """The values that are read outside the module that computes them."""
    leaving = {output.value for output in graph.outputs}
    for node in graph.nodes:
        home = graph.regions[node.region].path
        leaving.update(name for name in node.inputs if homes.get(name, home) != home)
    return leaving


def _computed_weights(graph: Graph) -> set[str]:
    """The values that a checkpoint's tensors, with constants at most, decide."""
    weights = {p.value.name for p in graph.parameters if not p.constant}
    known = {p.value.name for p in graph.parameters}
    for node in graph.nodes:
        if node.inputs and not node.blocks and known.issuperset(node.inputs):
            known.update(out.name for out in node.outs)
            if not weights.isdisjoint(node.inputs):
                weights.update(out.name for out in node.outs)
    return weights


def _scored(graph: Graph) -> set[str]:
    """The outputs whose rows look like scores: what a linear layer or a softmax gives."""
    ops = {"linear", "addmm", "mm", "matmul", "softmax", "_softmax", "log_softmax", "_log_softmax"}
    return {
        output.value
        for output in graph.outputs
        if (node := graph.producers.get(output.value)) and node.op.split(".")[1] in ops
        and graph.types[output.value].is_float and graph.types[output.value].rank
    }  # fmt: skip


def _listed(result: Any) -> list[Tensor]:
    return [result] if isinstance(result, Tensor) else list(result)
