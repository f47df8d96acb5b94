"""The types of the graph: values, nodes, regions, and the graph that holds them.

A node is one ATen call; a region is one module call. Nodes stand in execution order and each says
which region it belongs to. Symbolic integers are not nodes: `torch.export` states each of them as
an expression over symbols, and that expression (`Size`) is the argument. A symbol is the size of an
input's axis, or is bound by a value that the graph computes.
A branch or a loop is a node with blocks among its arguments: nodes of their own, which read the
values around them.
All types are frozen; a pass builds a new graph with `dataclasses.replace`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeAlias, cast

from pycandle.graph.dim import Dim, Size, substitute, symbol, symbols

# A complex dtype's real and imaginary parts, which Rust holds as pairs along a last axis.
PARTS = {"c64": "f32", "c128": "f64"}
DTYPES = ("f64", "f32", "f16", "bf16", "i64", "i32", "i16", "i8", "u8", "bool", *PARTS)


class DType(str):
    """A dtype as an argument of a node: one of `DTYPES`."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Ref:
    """An argument that is another value of the graph."""

    name: str


Constant: TypeAlias = "int | float | complex | bool | str | None"
Arg: TypeAlias = "Ref | Dim | DType | Block | Guard | Constant | tuple[Arg, ...]"


@dataclass(frozen=True, slots=True)
class TensorType:
    """What is known of a tensor before it exists."""

    dtype: str
    shape: tuple[Size, ...]

    @property
    def rank(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def is_float(self) -> bool:
        """Whether the dtype is a floating one."""
        return self.dtype in ("f64", "f32", "f16", "bf16")

    @property
    def is_complex(self) -> bool:
        """Whether the dtype is a complex one."""
        return self.dtype in PARTS

    @property
    def stored(self) -> TensorType:
        """The type of the tensor that holds it in Rust: complex numbers are pairs there."""
        if not self.is_complex:
            return self
        return TensorType(PARTS[self.dtype], (*self.shape, 2))

    def __str__(self) -> str:
        return f"{self.dtype}[{', '.join(str(size) for size in self.shape)}]"


@dataclass(frozen=True, slots=True)
class Value:
    """A named tensor; names are unique in a graph."""

    name: str
    type: TensorType


# In a node's source, between a place in a function and the statement that called it.
CALLED_AT = ", called at "


@dataclass(frozen=True, slots=True)
class Node:
    """One call of an op, with the place it comes from."""

    op: str
    args: tuple[Arg, ...]
    kwargs: tuple[tuple[str, Arg], ...]
    outs: tuple[Value, ...]
    region: int = 0
    source: str = ""  # "transformers/models/bert/modeling_bert.py:175"
    targets: tuple[str, ...] = ()  # the names that the Python statement assigns
    functions: tuple[str, ...] = ()  # those that `forward` calls on the way to it, outermost first
    # What that statement calls its numbers, as often as they stand in the node.
    named: tuple[tuple[str, int | float], ...] = ()

    @property
    def out(self) -> Value:
        """The only, or the first, output."""
        return self.outs[0]

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the values that this node reads, in order, repeats included.

        What its blocks read of the values around them is part of it.
        """
        return tuple(refs((*self.args, *(arg for _, arg in self.kwargs))))

    @property
    def statement(self) -> str:
        """The Python statement that it belongs to: what a function returns is its caller's."""
        return self.source.rpartition(CALLED_AT)[2]

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The blocks among its arguments, in order."""
        return tuple(arg for arg in self.args if isinstance(arg, Block))

    @property
    def symbols(self) -> set[str]:
        """The symbols in its arguments and in the types of its outputs, blocks included."""
        found = set(_symbols((*self.args, *(arg for _, arg in self.kwargs))))
        return found.union(*(symbols(size) for out in self.outs for size in out.type.shape))

    def kwarg(self, name: str, default: Arg = None) -> Arg:
        """A keyword argument, or the default."""
        return dict(self.kwargs).get(name, default)


@dataclass(frozen=True, slots=True)
class Block:
    """A branch, or the body of a loop: an argument of the node that decides how often it runs.

    It reads the values around it by name; `inputs` are what changes from one run to the next. Its
    nodes belong to the region of the node that holds it.
    """

    inputs: tuple[Value, ...]
    nodes: tuple[Node, ...]
    results: tuple[str, ...]

    @property
    def reads(self) -> tuple[str, ...]:
        """The names of the values around it that it reads, in order, repeats included."""
        own = {value.name for value in self.inputs}
        own.update(out.name for node in self.nodes for out in node.outs)
        read = [name for node in self.nodes for name in node.inputs]
        return tuple(name for name in (*read, *self.results) if name not in own)


@dataclass(frozen=True, slots=True)
class Boundary:
    """A tensor that enters or leaves a module call, and its key in the trace."""

    name: str  # an input's parameter name, or an output's path in the returned structure
    value: str
    golden: str


@dataclass(frozen=True, slots=True)
class Region:
    """One call of a module. Region 0 is the whole model."""

    path: str  # "encoder.layer.0"
    call: int  # 0 for the first call of this module
    class_name: str  # qualified
    parent: int | None
    source: str
    inputs: tuple[Boundary, ...] = ()
    outputs: tuple[Boundary, ...] = ()
    site: str = ""  # the line of the parent's forward that makes the call
    targets: tuple[str, ...] = ()  # the names that line assigns
    # The numbers and flags that the module has under names, as `num_heads`.
    attributes: tuple[tuple[str, int | float], ...] = ()
    # How its maker spells the numbers that it was made with, by parameter; see `spelling`.
    arguments: tuple[tuple[str, str], ...] = ()
    # How its maker spells the length of the list that it is an item of, and that length.
    listed: tuple[str, int] | None = None

    @property
    def key(self) -> str:
        """What the golden keys of this call start with."""
        return f"{self.path}#{self.call}"


@dataclass(frozen=True, slots=True)
class Symbol:
    """A dynamic axis: its name, the sizes it may take, and the recorded one."""

    name: str
    min: int
    max: int | None
    recorded: int


@dataclass(frozen=True, slots=True)
class Binding:
    """A symbol that depends on the data: what binds it, and the range that the export assumes.

    It is an axis of `value` where one has that size, else the number that `value`, an integer
    tensor of one element, holds.
    """

    name: str
    min: int
    max: int | None
    value: str

    def axis(self, tensor: TensorType) -> int | None:
        """The axis of the value that it is the size of; None if it is the number in it."""
        sizes = [size == symbol(self.name) for size in tensor.shape]
        return sizes.index(True) if True in sizes else None


@dataclass(frozen=True, slots=True)
class Guard:
    """A relation of sizes that holds for every input that the graph is right for."""

    left: Size
    sign: str  # "==", "!=", "<", "<=", ">" or ">="
    right: Size

    def __str__(self) -> str:
        return f"{self.left} {self.sign} {self.right}"

    @property
    def symbols(self) -> set[str]:
        """The symbols that it relates."""
        return symbols(self.left) | symbols(self.right)

    def holds(self, sizes: Mapping[str, int]) -> bool:
        """Whether it holds at these sizes of the symbols."""
        left, right = substitute(self.left, sizes), substitute(self.right, sizes)
        assert isinstance(left, int) and isinstance(right, int)
        return RELATIONS[self.sign](left, right)


RELATIONS: dict[str, Callable[[int, int], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True, slots=True)
class Input:
    """A tensor that the caller gives, under its name in the signature.

    One that the model draws at random itself has a distribution, in words.
    """

    name: str
    value: Value
    random: str = ""


@dataclass(frozen=True, slots=True)
class Output:
    """A value that the model returns, by its path in the returned structure."""

    path: str
    value: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """A tensor of the checkpoint, under each name that the checkpoint may give it.

    A constant is one that no checkpoint holds; the recording has it in a file of its own.
    """

    value: Value
    names: tuple[str, ...]
    constant: bool = False
    axes: tuple[str, ...] = ()  # what the model's code calls their sizes, where it says so


@dataclass(frozen=True, slots=True)
class Case:
    """One set of input sizes that goldens were recorded at."""

    name: str
    symbols: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Static:
    """An input axis that did not become dynamic, with the reason."""

    axis: str
    reason: str


@dataclass(frozen=True)
class Graph:
    """A whole model."""

    name: str
    class_name: str = ""
    torch: str = ""
    symbols: tuple[Symbol, ...] = ()
    bindings: tuple[Binding, ...] = ()
    guards: tuple[Guard, ...] = ()
    inputs: tuple[Input, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    constants: str = ""  # the SHA-256 of the file that holds those that are constants
    regions: tuple[Region, ...] = (Region("", 0, "", None, ""),)
    nodes: tuple[Node, ...] = ()
    outputs: tuple[Output, ...] = ()
    cases: tuple[Case, ...] = ()
    statics: tuple[Static, ...] = ()
    # Values that passes removed, each with the value that stands for it: same numbers, other name.
    replaced: Mapping[str, str] = field(default_factory=lambda: dict[str, str]())

    @cached_property
    def types(self) -> dict[str, TensorType]:
        """The type of every value, by name."""
        known = {entry.value.name: entry.value.type for entry in (*self.inputs, *self.parameters)}
        for node in every_node(self.nodes):
            known.update((out.name, out.type) for out in node.outs)
            for block in node.blocks:
                known.update((value.name, value.type) for value in block.inputs)
        return known

    @cached_property
    def producers(self) -> dict[str, Node]:
        """The node that computes each value; inputs, parameters and what is in blocks have none."""
        return {out.name: node for node in self.nodes for out in node.outs}

    @cached_property
    def uses(self) -> dict[str, list[Node]]:
        """The nodes that read each value, in order."""
        found: dict[str, list[Node]] = {}
        for node in self.nodes:
            for name in dict.fromkeys(node.inputs):
                found.setdefault(name, []).append(node)
        return found

    @cached_property
    def given(self) -> frozenset[str]:
        """The values that module calls give."""
        return frozenset(output.value for region in self.regions for output in region.outputs)

    def fresh(self, stem: str, count: int) -> str:
        """A name for the `count`-th value that is made for `stem`, which no value has."""
        name = f"{stem}_{count}"
        while name in self.types:
            name += "_"
        return name

    def with_nodes(self, nodes: tuple[Node, ...], renamed: Mapping[str, str]) -> Graph:
        """This graph with other nodes, where `renamed` values are replaced everywhere."""
        if not renamed:
            return replace(self, nodes=nodes)
        final = {old: _follow(old, renamed) for old in renamed}
        return replace(
            self.standing_for(final),
            nodes=tuple(rename(node, final) for node in nodes),
            bindings=tuple(replace(b, value=final.get(b.value, b.value)) for b in self.bindings),
            outputs=tuple(replace(o, value=final.get(o.value, o.value)) for o in self.outputs),
        )

    def standing_for(self, final: Mapping[str, str]) -> Graph:
        """This graph, where new values are on record as standing for old ones."""
        known = {old: final.get(new, new) for old, new in self.replaced.items()}
        return replace(self, replaced={**known, **final})


def rename(node: Node, names: Mapping[str, str]) -> Node:
    """The node with the values it reads renamed, in its blocks too."""
    if not node.blocks and not any(name in names for name in node.inputs):
        return node
    return replace(
        node,
        args=tuple(_rename(arg, names) for arg in node.args),
        kwargs=tuple((key, _rename(arg, names)) for key, arg in node.kwargs),
    )


def with_blocks(node: Node, change: Callable[[tuple[Node, ...]], tuple[Node, ...]]) -> Node:
    """The node with the nodes of its blocks changed."""
    if not node.blocks:
        return node
    args = (replace(a, nodes=change(a.nodes)) if isinstance(a, Block) else a for a in node.args)
    return replace(node, args=tuple(args))


def refs(args: tuple[Arg, ...]) -> Iterator[str]:
    """The names of the values that an argument list reads, nested lists and blocks included."""
    for arg in args:
        if isinstance(arg, Ref):
            yield arg.name
        elif isinstance(arg, Block):
            yield from arg.reads
        elif isinstance(arg, tuple):
            yield from refs(arg)


def numbers_in(part: object) -> Iterator[int | float]:
    """The numbers in an argument or a shape, those of sizes that vary included."""
    match part:
        case tuple():
            for item in cast("tuple[object, ...]", part):
                yield from numbers_in(item)
        case Dim(terms=terms):
            yield from (factor for _, factor in terms)
        case int() | float():
            yield part
        case _:
            pass


def every_node(nodes: Iterable[Node]) -> Iterator[Node]:
    """The nodes, each followed by those in its blocks."""
    for node in nodes:
        yield node
        for block in node.blocks:
            yield from every_node(block.nodes)


def subtrees(graph: Graph) -> list[set[int]]:
    """For each region the indices of itself and all regions inside it."""
    inside = [{index} for index in range(len(graph.regions))]
    for index in reversed(range(1, len(graph.regions))):
        parent = graph.regions[index].parent
        if parent is not None:
            inside[parent] |= inside[index]
    return inside


def _rename(arg: Arg, names: Mapping[str, str]) -> Arg:
    if isinstance(arg, Ref):
        return Ref(names.get(arg.name, arg.name))
    if isinstance(arg, Block):
        nodes = tuple(rename(node, names) for node in arg.nodes)
        return replace(arg, nodes=nodes, results=tuple(names.get(r, r) for r in arg.results))
    if isinstance(arg, tuple):
        return tuple(_rename(item, names) for item in arg)
    return arg


def _symbols(args: tuple[Arg, ...]) -> Iterator[str]:
    for arg in args:
        if isinstance(arg, Dim):
            yield from symbols(arg)
        elif isinstance(arg, Guard):
            yield from arg.symbols
        elif isinstance(arg, Block):
            for node in arg.nodes:
                yield from node.symbols
        elif isinstance(arg, tuple):
            yield from _symbols(arg)


def _follow(name: str, names: Mapping[str, str]) -> str:
    while name in names:
        name = names[name]
    return name
