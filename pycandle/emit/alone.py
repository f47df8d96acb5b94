"""One module call apart from its model: what it reads and gives, and a Rust test of it alone.

The test makes the module through the code that is checked in, the `load` of the nearest struct that
needs no configuration, so that what is wrong there is wrong in the test too. It must not know where
the tensors lie.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from pycandle.emit.compiled import Compiled
from pycandle.emit.fields import OptionalField
from pycandle.emit.lowering import weights_dtype
from pycandle.emit.names import comment_text, identifier, string_literal
from pycandle.emit.parity import as_given, golden_key, places_of
from pycandle.emit.rust import FieldNames
from pycandle.emit.structs import Forward, Struct
from pycandle.graph import Graph, Parameter, subtrees
from pycandle.graph.verify import reported
from pycandle.ops.create import candle_dtype

_TEST = """\
//! {title}
//! `pycandle verify` wrote it; the module is made by the code in `src/lib.rs`, as it was then.

use candle_core::{{{imports}Result}};
use pycandle_runtime::repro::Snippet;

#[test]
fn it_computes_what_pytorch_does() -> Result<()> {{
    let snippet = Snippet::open("snippet.safetensors")?;
{weights}    let {owner} = reproduce::{load}?;
{inputs}    let outputs = {outputs};
    // What the parity test found, and what the rule allows; PyTorch's own error is {torch_error}.
    let (error, limit) = ({error}, {limit});
    let verdict = snippet.judge(&outputs)?;
    let then = format!("the parity test found {{error:e}} where {{limit:e}} is allowed");
    assert!(verdict.passed(), "{{}}; {{then}}", verdict.reason);
    Ok(())
}}
"""


@dataclass(frozen=True, slots=True)
class Saved:
    """A value that a call reads from outside."""

    name: str  # as it is called in the module
    value: str
    golden: str  # its key in the trace, without the case


@dataclass(frozen=True, slots=True)
class Weight:
    """A parameter that a module reads, and the names under which it is looked for."""

    value: str
    names: tuple[str, ...]  # all that a checkpoint may have it under
    asked: tuple[str, ...]  # those under which the module is loaded
    constant: bool
    called: str  # its name within the module


@dataclass(frozen=True, slots=True)
class Numbers:
    """What the parity test found of the call's worst output, as it printed it."""

    error: float
    torch_error: float
    limit: float


@dataclass(frozen=True)
class Alone:
    """A module call of a model."""

    model: Compiled
    region: int

    @property
    def graph(self) -> Graph:
        """The model as it was recorded, before any pass."""
        return self.model.graph

    @property
    def is_elided(self) -> bool:
        """Whether the call computes nothing, so that it has no Rust."""
        return self.region in self.model.tree.elided

    @cached_property
    def inputs(self) -> tuple[Saved, ...]:
        """What the call reads, as it was recorded, and as Rust is given it; none twice."""
        found: dict[str, Saved] = {}
        recorded = self.graph.regions[self.region].inputs
        own = [(b.name, b.value, b.golden) for b in recorded]
        rust = [(name, value, self._golden(value)) for name, value in self._given]
        taken: set[str] = set()
        for name, value, golden in (*own, *rust):
            if golden in found:
                continue
            wanted, count = name or "input", 2
            label = wanted
            while label in taken:
                label, count = f"{wanted}_{count}", count + 1
            taken.add(label)
            found[golden] = Saved(label, value, golden)
        return tuple(found.values())

    @cached_property
    def weights(self) -> tuple[Weight, ...]:
        """The parameters that any call of the module reads; those that it is given are inputs.

        Where the whole model is loaded, tied ones too: it is asked which of their names are there.
        """
        path, inside = self.graph.regions[self.region].path, subtrees(self.graph)
        calls = {k for k, region in enumerate(self.graph.regions) if region.path == path}
        regions = set[int]().union(*(inside[call] for call in calls))
        # What blocks read is among the inputs of the node that holds them.
        nodes = [node for node in self.graph.nodes if node.region in regions]
        given = {boundary.value for boundary in self.graph.regions[self.region].inputs}
        read = {name for node in nodes for name in node.inputs} - given
        return tuple(
            self._weight(parameter)
            for parameter in self.graph.parameters
            if parameter.value.name in read or (len(parameter.names) > 1 and self._owner == 0)
        )

    def _weight(self, parameter: Parameter) -> Weight:
        names = parameter.names

        def under(region: int) -> list[str]:
            path = self.graph.regions[region].path
            return [name for name in names if name.startswith(f"{path}.")] if path else []

        held, path = under(self.region), self.graph.regions[self.region].path
        called = held[0][len(path) + 1 :] if held else names[0]
        asked = tuple(under(self._owner)) or names[:1]
        return Weight(parameter.value.name, names, asked, parameter.constant, called)

    def test(self, title: str, sizes: Mapping[str, int], numbers: Numbers) -> str:
        """The Rust test. Raises `UnsupportedError` if the model has no Rust."""
        with reported("the emitter", self.graph):
            locals_: dict[str, str] = {}
            for entry in self.inputs:
                taken = {*locals_.values(), "snippet", "weights", "outputs", "error", "limit"}
                locals_[entry.golden] = identifier(entry.name, {*taken, "verdict", "now"})
            owner = identifier(self._struct(self._owner).name, {*locals_.values(), "weights"})
            given = [locals_[self._golden(value)] for _, value in self._given]
            lines = [
                f"    let {name} = snippet.input({string_literal(entry.name)})?;\n"
                for entry, name in zip(self.inputs, locals_.values(), strict=True)
                if name in given
            ]
            dtype = candle_dtype(weights_dtype(self.graph) or "f32").text
            return _TEST.format(
                title=comment_text(title),
                imports="DType, " if self._reads_weights else "",
                weights=f"    let weights = snippet.weights({dtype})?;\n"
                if self._reads_weights
                else "",
                owner=owner,
                load=self._load(),
                inputs="".join(lines),
                outputs=self._call(self._place(owner), given, sizes),
                error=_number(numbers.error),
                limit=_number(numbers.limit),
                torch_error=_number(numbers.torch_error),
            )

    @cached_property
    def _given(self) -> list[tuple[str, str]]:
        """(name, value) of what the generated `forward` takes."""
        return self.model.tree.inputs(self.region)

    def _golden(self, value: str) -> str:
        return golden_key(self.model.tree, self.region, value)

    def _struct(self, region: int) -> Struct:
        structs, fields = self.model.made
        name = structs[-1].name if region == 0 else fields[region].type
        return next(struct for struct in structs if struct.name == name)

    def _is_layer(self, region: int) -> bool:
        return region != 0 and self.model.made[1][region].constructor.startswith("nn::")

    @cached_property
    def _owner(self) -> int:
        """The innermost call, of this or around it, whose struct loads without configuration."""
        region = self.region
        while self._is_layer(region) or self._struct(region).config:
            region = self.graph.regions[region].parent or 0
        return region

    @property
    def _reads_weights(self) -> bool:
        return self._struct(self._owner).reads_weights

    def _load(self) -> str:
        struct, path = self._struct(self._owner), self.graph.regions[self._owner].path
        scope = f"weights.pp({string_literal(path)})" if path else "weights"
        arguments = [scope] if struct.reads_weights else []
        arguments += ["None"] if self.model.checked else []
        return f"{struct.name}::load({', '.join(arguments)})"

    def _place(self, owner: str) -> str:
        """Where the module is in its owner: `bert.layer[3].output`."""
        chain: list[int] = []
        region = self.region
        while region != self._owner:
            chain.insert(0, region)
            region = self.graph.regions[region].parent or 0
        place, outer = owner, self._owner
        for inner in chain:
            struct = self._struct(outer)
            names = FieldNames(struct.fields, struct.stored)
            path = self.model.tree.path_in_parent(inner)
            place += names.place(path).removeprefix("self")
            optional = (f for f in struct.fields if isinstance(f, OptionalField))
            place += ".as_ref().unwrap()" if any(f.path == path for f in optional) else ""
            outer = inner
        return place

    def _call(self, place: str, given: list[str], sizes: Mapping[str, int]) -> str:
        if self._is_layer(self.region):
            return f"vec![{place}.forward(&{given[0]})?]"
        forwards = self._struct(self.region).forwards
        forward = next(f for f in forwards if self.region in f.regions)
        numbers = [sizes[name] for name, kind in forward.body.arguments if kind == "size"]
        arguments = ", ".join((*_arguments(forward, given), *map(str, numbers)))
        call = f"{place}.{forward.name}({arguments})?"
        return as_given(forward.body, call, "{}")


def _arguments(forward: Forward, given: Sequence[str]) -> list[str]:
    """Each argument of a forward, from all tensors that it is given."""
    found: list[str] = []
    for kind, start, after in places_of(forward):
        if kind == "list":
            items = (f"{name}.clone()" for name in given[start : len(given) - after])
            found.append(f"&[{', '.join(items)}]")
        else:
            found.append(f"&{given[start if kind == 'start' else -(after + 1)]}")
    return found


def _number(number: float) -> str:
    """The number as a Rust float of two digits, as reports have it."""
    if not abs(number) < float("inf"):
        return "f64::NAN"
    digits, _, exponent = f"{number:.1e}".partition("e")
    return f"{digits}e{int(exponent)}"
