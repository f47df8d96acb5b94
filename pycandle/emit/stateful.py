"""Prints the struct that keeps a model's state between calls: caches, hidden states of a network.

State is an output that has the name of an input: what one call gives is what the next one takes.
It must not know what the model computes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pycandle.emit.methods import result_kinds
from pycandle.emit.names import identifier, type_identifier
from pycandle.emit.parity import as_vector, recorded_inputs
from pycandle.emit.printing import allowances
from pycandle.emit.rust import together
from pycandle.emit.structs import Forward, Struct
from pycandle.errors import Finding, ProjectError
from pycandle.graph import Graph, TensorType
from pycandle.ops.create import CANDLE_DTYPES


@dataclass(frozen=True, slots=True)
class Zeros:
    """What a state is at first in Rust: tensors without elements."""

    dtype: str
    sizes: tuple[str, ...]
    count: int  # how many a list has; 0 for a tensor


@dataclass(frozen=True, slots=True)
class Stateful:
    """A struct around the model's own: which arguments and results of `forward` are state."""

    name: str
    model: str  # the model's own struct
    arguments: tuple[str, ...]  # those of the model's forward
    results: tuple[str, ...]  # what to call what it gives; state has its argument's name
    fields: Mapping[str, str]  # the field of each state
    # What each state is at first where all may be empty; else nothing.
    empty: Mapping[str, Zeros]  # by argument
    forward: Forward  # the model's own

    @property
    def state(self) -> tuple[str, ...]:
        """The arguments that are state, in order."""
        return tuple(self.fields)

    @property
    def given(self) -> tuple[str, ...]:
        """The arguments that are not."""
        return tuple(name for name in self.arguments if name not in self.results)

    @property
    def lists(self) -> set[str]:
        """The arguments that are lists of tensors."""
        return {name for name, kind in self.forward.body.arguments if kind == "list"}


def find_state(graph: Graph, structs: list[Struct]) -> Stateful:
    """The state of a model. Raises `ProjectError` if it has none, or one that changes its type."""
    model = structs[-1]
    forward = model.forwards[0]
    if forward.interface.sizes:
        sizes = ", ".join(forward.interface.sizes)
        raise _refused(
            f"forward takes sizes that no input has: {sizes}",
            "record the model with inputs that have an axis of that size",
        )
    arguments = tuple(name for name, _ in forward.body.arguments)
    entries = {entry.value.name: entry.name for entry in graph.inputs}
    inputs: dict[str, tuple[str, TensorType]] = {}
    counts: dict[str, int] = {}
    for name, taken in zip(arguments, forward.interface.arguments, strict=True):
        is_list = taken.kind == "list"
        counts[name] = len(taken.values) if is_list else 0
        wanted = taken.name if is_list else entries[taken.value]
        inputs[_plain(wanted)] = name, graph.types[taken.values[0]]
    results: list[str] = []
    for path, values in forward.interface.results_by_path:
        name, known = inputs.get(_plain(path), ("", None))
        given = graph.types[values[0]]
        count = len(values) if len(values) > 1 else 0
        if known is not None and not (_fits(given, known) and count == counts[name]):
            raise _refused(
                f"the output {path!r} is {_told(given, count)}, and the input of that name "
                f"{_told(known, counts[name])}",
                "give state the dtype and the sizes that the next call takes",
            )
        if name and name in results:
            raise _refused(
                f"two outputs are the next call's {name!r}, one of them {path!r}",
                "give one of them another name",
            )
        stem = path.rpartition(".")[2]
        stem = "output" if not stem or stem.isdigit() else stem
        results.append(name or identifier(stem, {*arguments, *results, "self"}))
    states = [name for name in arguments if name in results]
    if not states:
        raise _refused(
            "no output of the model has the name of an input, so that it has no state",
            "let forward return a dict in which state has the name of the argument that takes it, "
            'as `{"out": out, "hidden": hidden}`, or take caches as docs/bridge.md shows',
        )
    name = type_identifier(f"Stateful{model.name}", {struct.name for struct in structs})
    # The model has its own field.
    model_state = identifier("model_state", states)
    fields = {name: model_state if name == "model" else name for name in states}
    types = dict(inputs.values())
    empty = _empty({name: (types[name], counts[name]) for name in states}, graph)
    return Stateful(name, model.name, arguments, tuple(results), fields, empty, forward)


def _empty(states: Mapping[str, tuple[TensorType, int]], graph: Graph) -> dict[str, Zeros]:
    """What each state is at first, where all can be empty, as caches can."""
    least = {axis.name: axis.min for axis in graph.symbols}
    found: dict[str, Zeros] = {}
    for name, (kind, count) in states.items():
        sizes = tuple("0" if least.get(str(size)) == 0 else str(size) for size in kind.shape)
        known = all(isinstance(size, int) or str(size) in least for size in kind.shape)
        if "0" not in sizes or not known or kind.dtype not in CANDLE_DTYPES:
            return {}
        found[name] = Zeros(CANDLE_DTYPES[kind.dtype], sizes, count)
    return found


def _told(kind: TensorType, count: int) -> str:
    return f"{count} tensors {kind}" if count else str(kind)


def _refused(what: str, fix: str) -> ProjectError:
    return ProjectError(Finding(what, "the option `stateful`", fix))


def print_stateful(stateful: Stateful) -> str:
    """The struct, to stand after the model's own."""
    state, given = stateful.state, stateful.given
    rest = [name for name in stateful.results if name not in state]
    kinds = dict(zip(stateful.results, result_kinds(stateful.forward.body), strict=True))
    fields = [f"{field}: {kinds[name]}" for name, field in stateful.fields.items()]
    taken = ", ".join((f"model: {stateful.model}", *fields))
    lines = [
        "",
        f"/// [`{stateful.model}`] and what it keeps from one call to the next.",
        "#[derive(Debug, Clone)]",
        f"pub struct {stateful.name} {{",
        f"    pub model: {stateful.model},",
        *(f"    pub {field}," for field in fields),
        "}",
        "",
        f"impl {stateful.name} {{",
        "    /// Takes the state that the first call starts from.",
        *(f"    {line}" for line in allowances(1 + len(state))),
        f"    pub fn new({taken}) -> Self {{",
        f"        Self {{ model, {', '.join(stateful.fields.values())} }}",
        "    }",
        "",
        *_from_empty(stateful),
        "    /// One call; its state is kept for the next, unless it fails.",
        *(f"    {line}" for line in allowances(1 + len(given), len(rest))),
        f"    pub fn step({', '.join(('&mut self', *_typed(given, stateful.lists)))})"
        f" -> Result<{together([kinds[name] for name in rest])}> {{",
        f"        let {together(stateful.results)} = self.model.forward({_call(stateful)})?;",
        *(f"        self.{field} = {name};" for name, field in stateful.fields.items()),
        f"        Ok({together(rest)})",
        "    }",
        "}",
    ]
    return "\n".join(lines) + "\n"


def _from_empty(stateful: Stateful) -> list[str]:
    """The constructor that needs no state, where all of it can be empty."""
    kinds = list(dict.fromkeys((z.dtype, z.sizes) for z in stateful.empty.values()))
    if not kinds:
        return []
    sizes: dict[str, str] = {}
    for size in (s for _, shape in kinds for s in shape if not s.isdigit()):
        sizes.setdefault(size, identifier(size, {*sizes.values(), "model", "device"}))
    names: list[str] = []
    for _ in kinds:
        names.append(identifier("empty", {*names, *sizes.values(), "model", "device"}))
    known = (f"{name}: usize" for name in sizes.values())
    taken = (f"model: {stateful.model}", *known, "device: &Device")
    zeros = [
        f"        let {name} = Tensor::zeros({_shape([sizes.get(s, s) for s in shape])}, {dtype},"
        " device)?;"
        for name, (dtype, shape) in zip(names, kinds, strict=True)
    ]
    given = [(names[kinds.index((z.dtype, z.sizes))], z.count) for z in stateful.empty.values()]
    state = ", ".join(f"vec![{n}.clone(); {k}]" if k else f"{n}.clone()" for n, k in given)
    return [
        "    /// Starts from state that is empty: the first call reads all that there is.",
        *(f"    {line}" for line in allowances(len(taken))),
        f"    pub fn empty({', '.join(taken)}) -> Result<Self> {{",
        *zeros,
        f"        Ok(Self::new(model, {state}))",
        "    }",
        "",
    ]


def _shape(sizes: Sequence[str]) -> str:
    return f"({sizes[0]},)" if len(sizes) == 1 else f"({', '.join(sizes)})"


def stateful_call(stateful: Stateful) -> str:
    """The closure's body that gives what `forward` gives, through the struct that keeps state."""
    place = dict(zip(stateful.arguments, recorded_inputs(stateful.forward), strict=True))
    own = {name: f"stateful.{field}" for name, field in stateful.fields.items()}
    copy = ("clone", "to_vec")
    state = ", ".join(f"{place[n]}.{copy[n in stateful.lists]}()" for n in stateful.state)
    given = ", ".join(place[name] for name in stateful.given)
    rest = {name: f"y{k}" for k, name in enumerate(stateful.results) if name not in own}
    bound = f"let {together([*rest.values()])} = " if rest else ""
    results = [(own | rest)[name] for name in stateful.results]
    return (
        f"let mut stateful = {stateful.name}::new(model.clone(), {state}); "
        f"{bound}stateful.step({given})?; Ok({as_vector(stateful.forward.body, results)})"
    )


def _call(stateful: Stateful) -> str:
    return ", ".join(
        f"&self.{stateful.fields[name]}" if name in stateful.fields else name
        for name in stateful.arguments
    )


def _typed(names: Iterable[str], lists: set[str]) -> list[str]:
    return [f"{name}: {'&[Tensor]' if name in lists else '&Tensor'}" for name in names]


def _plain(name: str) -> str:
    """A name as the graph's inputs have it, where parts of a structure are joined by `_`."""
    return name.replace(".", "_")


def _fits(given: TensorType, taken: TensorType) -> bool:
    """Whether the next call can take it: sizes that vary are checked when it runs."""
    sizes = zip(given.shape, taken.shape, strict=False)
    alike = all(not (isinstance(a, int) and isinstance(b, int)) or a == b for a, b in sizes)
    return given.dtype == taken.dtype and given.rank == taken.rank and alike
