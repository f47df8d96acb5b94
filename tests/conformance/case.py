"""One call of one ATen overload: what goes in, and the same call as a graph with a single node.

It knows PyTorch and graphs, and neither Rust nor where cases come from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
import transformers.integrations.moe  # noqa: F401 (it registers an op of its own)
from torch import Tensor
from torch.utils import _pytree as pytree

from pycandle.graph import Arg, DType, Graph, Input, Node, Output, Ref, TensorType, Value
from pycandle.record.evaluate import Evaluation, evaluate
from pycandle.record.translation import CONVERSIONS, MEANINGLESS
from pycandle.record.values import DTYPES

# Complex numbers are pairs in a file, as they are in Rust.
COMPLEX = {torch.complex64: torch.float32, torch.complex128: torch.float64}
# More elements than this make no case better.
_LARGEST = 50_000


@dataclass(frozen=True)
class Case:
    """A call, before anything is known of its result."""

    op: str  # "aten.add.Tensor"
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    origin: str  # "OpInfo", "Hypothesis", or the name of a sample

    def __str__(self) -> str:
        shown = [show(arg) for arg in self.args]
        shown += [f"{name}={show(arg)}" for name, arg in self.kwargs.items()]
        return f"{self.op}({', '.join(shown)})"

    @property
    def tensors(self) -> list[Tensor]:
        """Every tensor of the call, in order."""
        return [x for x in pytree.tree_leaves((self.args, self.kwargs)) if isinstance(x, Tensor)]

    @property
    def signature(self) -> str:
        """Equal for calls that differ in their values only."""
        return str(self)

    @property
    def dtypes(self) -> str:
        """The dtypes that the case is about: its tensors', else the one that it asks for."""
        found = {DTYPES.get(tensor.dtype, str(tensor.dtype)) for tensor in self.tensors}
        asked = {DTYPES.get(x) for x in self.kwargs.values() if isinstance(x, torch.dtype)}
        return "+".join(sorted(found or {name for name in asked if name} or {"f32"}))


@dataclass(frozen=True)
class Solved:
    """A case with PyTorch's results, as they are and from float64."""

    case: Case
    graph: Graph
    inputs: Mapping[str, Tensor]
    golden: tuple[Tensor, ...]
    reference: tuple[Tensor, ...]


def overload(op: str) -> Any:
    """The overload of a name."""
    namespace, name, kind = op.split(".")
    return getattr(getattr(getattr(torch.ops, namespace), name), kind)


def show(arg: Any) -> str:
    """An argument in a line: of tensors the dtype, the shape and, where unusual, the strides."""
    if isinstance(arg, Tensor):
        dtype = DTYPES.get(arg.dtype, str(arg.dtype).removeprefix("torch."))
        plain = arg.is_contiguous() and arg.storage_offset() == 0
        layout = "" if plain else f" strides {list(arg.stride())}"
        return f"{dtype}{list(arg.shape)}{layout}"
    if isinstance(arg, (list, tuple)):
        return f"[{', '.join(show(item) for item in arg)}]"
    return repr(arg)


def solve(case: Case) -> Solved | str:
    """The case with its results, or why it is no case: PyTorch refuses it, or gives no tensor."""
    if sum(tensor.numel() for tensor in case.tensors) > _LARGEST:
        return "too large"
    try:
        result = overload(case.op)(*_copy(case.args), **_copy(dict(case.kwargs)))
    except Exception as error:  # PyTorch refuses in many ways, and each is no case.
        return f"PyTorch refuses: {error}"
    results = [result] if isinstance(result, Tensor) else result
    if not isinstance(results, (list, tuple)) or not results:
        return "gives no tensor"
    if not all(isinstance(r, Tensor) and r.dtype in DTYPES | COMPLEX for r in results):
        return "gives something that is not a tensor of a known dtype"
    if sum(r.numel() for r in results) > _LARGEST:
        return "too large"
    try:
        graph, inputs = as_graph(case, results)
    except ValueError as error:
        return str(error)
    names = [output.value for output in graph.outputs]
    return Solved(case, graph, inputs, tuple(results), _reference(graph, names, inputs, results))


def finite(solved: Solved) -> bool:
    """Whether all numbers that go in and come out are finite."""
    tensors = [*solved.case.tensors, *solved.golden]
    return all(bool(tensor.isfinite().all()) for tensor in tensors)


def agreed(solved: Solved) -> bool:
    """Whether PyTorch gives the same NaN and infinities when it computes in float64."""
    pairs = zip(solved.golden, solved.reference, strict=True)
    return all(_alike(a, b) for a, b in pairs)


def settled(solved: Solved) -> bool:
    """Whether the same numbers with gaps between them give the same NaN and infinities.

    PyTorch reads those one by one, and others several at once: some of its loops differ there.
    """
    case = solved.case
    try:
        args, kwargs = pytree.tree_map_only(Tensor, _spread, (case.args, dict(case.kwargs)))
        again = overload(case.op)(*args, **kwargs)
    except Exception:  # Some take one layout only.
        return True
    pairs = zip(solved.golden, [again] if isinstance(again, Tensor) else again, strict=True)
    return all(_alike(a, b) for a, b in pairs if a.shape == b.shape)


def _alike(a: Tensor, b: Tensor) -> bool:
    return a.isnan().equal(b.isnan()) and a.isinf().equal(b.isinf())


def _spread(tensor: Tensor) -> Tensor:
    return torch.stack([tensor, tensor], -1)[..., 0]


def as_graph(case: Case, results: Any) -> tuple[Graph, dict[str, Tensor]]:
    """The call as the importer would record it, and its inputs by name.

    The names are those of the op's schema. Raises `ValueError` for what no graph can hold.
    """
    schema = overload(case.op)._schema
    labels = [argument.name for argument in schema.arguments]
    inputs: dict[str, Tensor] = {}

    def convert(arg: Any, label: str) -> Arg:
        match arg:
            case Tensor():
                name = {"self": "x", "input": "x"}.get(label, label)
                name = f"{name}_{len(inputs)}" if name in inputs else name
                inputs[name] = arg
                return Ref(name)
            case torch.dtype():
                if arg not in DTYPES:
                    raise ValueError(f"dtype {arg}")
                return DType(DTYPES[arg])
            case torch.device() | torch.layout() | torch.memory_format():
                return None
            case list() | tuple():
                return tuple(convert(item, label) for item in arg)
            case None | bool() | int() | float() | complex() | str():
                return arg
            case _:
                raise ValueError(f"an argument that is a {type(arg).__name__}")

    if case.op.startswith("aten.to.") or case.op in CONVERSIONS:
        op, args = "aten.to.dtype", (convert(case.args[0], "x"), DType(DTYPES[results[0].dtype]))
        kwargs: tuple[tuple[str, Arg], ...] = ()
    else:
        op = case.op
        args = tuple(convert(a, n) for a, n in zip(case.args, labels, strict=False))
        kwargs = tuple(
            (name, convert(arg, name))
            for name, arg in case.kwargs.items()
            if name not in MEANINGLESS and arg is not None
        )
    if not inputs:
        # Something has to say on which device a tensor made from nothing is.
        inputs["like"] = torch.zeros(())
    outs = tuple(Value(f"out{k}", _type(tensor)) for k, tensor in enumerate(results))
    graph = Graph(
        name="case",
        inputs=tuple(Input(name, Value(name, _type(t))) for name, t in inputs.items()),
        nodes=(Node(op, args, kwargs, outs),),
        outputs=tuple(Output(str(k), out.name) for k, out in enumerate(outs)),
    )
    return graph, inputs


def _reference(
    graph: Graph, names: list[str], inputs: Mapping[str, Tensor], golden: Any
) -> tuple[Tensor, ...]:
    """The results computed in float64; PyTorch's own where it has no such kernel."""
    own = Evaluation(dict(zip(names, golden, strict=True)), {}, {})
    try:
        values = evaluate(graph.nodes, _copy(dict(inputs)), {}, wide_of=own).values
    except (RuntimeError, IndexError) as error:  # What PyTorch refuses of float64.
        assert "evaluate" not in str(error)
        return tuple(golden)
    exact = [values[name] for name in names]
    return tuple(
        e if e.shape == g.shape and e.is_floating_point() == g.is_floating_point() else g
        for e, g in zip(exact, golden, strict=True)
    )


def _type(tensor: Tensor) -> TensorType:
    if tensor.dtype not in DTYPES:
        raise ValueError(f"dtype {tensor.dtype}")
    return TensorType(DTYPES[tensor.dtype], tuple(tensor.shape))


def _copy(tree: Any) -> Any:
    """The same tree, whose tensors share no memory with it: some ops write what they read."""
    return pytree.tree_map_only(Tensor, _clone, tree)


def _clone(tensor: Tensor) -> Tensor:
    if tensor.numel() == 0 or 0 in tensor.stride():
        return tensor.detach()
    return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype).copy_(tensor)
