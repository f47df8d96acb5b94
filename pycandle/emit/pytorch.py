"""Prints a module call of a graph as Python that replays it with PyTorch, one line a node.

It prints what was recorded, before any pass, and refuses what it cannot print as it is. It must not
know what the replay is compared with.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pycandle.emit.names import comment_text, identifier
from pycandle.graph import (
    Arg,
    Binding,
    Block,
    DType,
    Graph,
    Guard,
    Node,
    Ref,
    Value,
    every_node,
    subtrees,
)
from pycandle.graph.dim import Dim, Size, substitute, symbol, symbols
from pycandle.graph.ir import CALLED_AT

DTYPES = {
    "f64": "float64", "f32": "float32", "f16": "float16", "bf16": "bfloat16", "i64": "int64",
    "i32": "int32", "i16": "int16", "i8": "int8", "u8": "uint8", "bool": "bool",
    "c64": "complex64", "c128": "complex128",
}  # fmt: skip
# Which places of equal elements they name is open; the recording names the first.
_OF_EQUALS = {
    "aten.sort.default", "aten.topk.default", "aten.kthvalue.default", "aten.median.dim",
    "aten.nanmedian.dim",
}  # fmt: skip
_OP = re.compile(r"(aten|prims)\.([A-Za-z_][A-Za-z0-9_]*)\.([A-Za-z_][A-Za-z0-9_]*)")
_DUNDER = re.compile(r"__i?(and|or|xor|lshift|rshift)__")
# What a replay's own lines are made of.
_OWN = set(
    "torch tensor replay state rows carried given row each column"
    " bool int float complex zip max min getattr".split()
)
RESERVED = frozenset({*keyword.kwlist, *keyword.softkwlist, *_OWN})


@dataclass(frozen=True, slots=True)
class Replay:
    """A function `replay(tensor)` as text, or why there is none."""

    lines: tuple[str, ...]
    missing: str = ""
    names_equals: bool = False  # whether it must run where the first of equal elements is named


class _Unprintable(Exception):
    """Why a node has no line."""


def replay(
    graph: Graph, region: int, sizes: Mapping[str, int], saved: Mapping[str, tuple[str, str]]
) -> Replay:
    """The call `region` of a recorded graph, at these sizes.

    `saved` has, for each value that it reads from outside, the key under which `tensor(key, dtype)`
    gives it, and what it is called.
    """
    inside = subtrees(graph)[region]
    nodes = [node for node in graph.nodes if node.region in inside]
    try:
        lines = _Printer(graph, region, sizes, saved).function(nodes)
    except _Unprintable as reason:
        return Replay((), str(reason))
    ties = any(node.op in _OF_EQUALS for node in every_node(nodes))
    return Replay(tuple(lines), "", ties)


class _Printer:
    """The names given so far."""

    def __init__(
        self,
        graph: Graph,
        region: int,
        sizes: Mapping[str, int],
        saved: Mapping[str, tuple[str, str]],
    ) -> None:
        self.graph = graph
        self.region = region
        self.sizes = sizes
        self.saved = saved
        self.taken: set[str] = set(RESERVED)
        self.values: dict[str, str] = {}
        self.symbols: dict[str, str] = {}
        self.bindings: dict[str, list[Binding]] = {}
        self.place = ("", "")
        self.loops = 0
        for binding in graph.bindings:
            self.bindings.setdefault(binding.value, []).append(binding)

    def function(self, nodes: Sequence[Node]) -> list[str]:
        results = [boundary.value for boundary in self.graph.regions[self.region].outputs]
        made = {out.name for node in nodes for out in node.outs}
        read = {name for node in nodes for name in node.inputs}.union(results) - made
        first = [self._given(name) for name in self.saved if name in read]
        if missing := sorted(read - {*self.saved}):
            raise _Unprintable(f"it reads %{comment_text(missing[0])}, which was not recorded")
        bound = {b.name for value in _values(nodes) for b in self.bindings.get(value.name, ())}
        told = sorted(_symbols(nodes) - bound)
        for name in told:
            if name not in self.sizes:
                raise _Unprintable(f"no size of `{comment_text(name)}` was recorded")
            first.append(f"{self._symbol(name)} = {self.sizes[name]}")
        body = [line for line in self._nodes(nodes) if line]
        last = ", ".join(self._value(name) for name in results)
        return ["def replay(tensor):", *(f"    {line}" for line in (*first, *body)),
                f"    return [{last}]"]  # fmt: skip

    def _given(self, name: str) -> str:
        key, called = self.saved[name]
        type_ = self.graph.types[name]
        text = self._name(name, called)
        dtype = _dtype(type_.dtype)
        return f"{text} = tensor({python_literal(key)}, {dtype})  # {comment_text(str(type_))}"

    def _nodes(self, nodes: Iterable[Node]) -> Iterator[str]:
        nodes = tuple(nodes)
        for k, node in enumerate(nodes):
            after = nodes[k + 1] if k + 1 < len(nodes) else None
            yield from self._comment(node)
            lines = list(self._control(node) if node.blocks else self._call(node))
            # What a statement of several nodes assigns is what the last of them gives.
            last = after is None or (after.statement, after.targets) != (
                node.statement, node.targets)  # fmt: skip
            wanted = node.targets if last and len(node.targets) == len(node.outs) else ()
            names = [
                self._name(out.name, wanted[i] if wanted else out.name)
                for i, out in enumerate(node.outs)
            ]
            single = len(names) == 1 and not node.blocks and not _gives_list(node)
            yield from lines[:-1]
            # An output without a comma is the tensor itself, else what a tuple holds.
            yield f"{', '.join(names)}{'' if single or len(names) > 1 else ','} = {lines[-1]}"
            for out in node.outs:
                yield from self._bound(out)

    def _comment(self, node: Node) -> Iterator[str]:
        path = self.graph.regions[node.region].path
        outer = self.graph.regions[self.region].path
        within = path[len(outer) :].removeprefix(".") if path != outer else ""
        source = node.source.partition(CALLED_AT)[0]
        if (within, source) == self.place or not source:
            return
        self.place = (within, source)
        yield comment_line(f"{within}: {source}" if within else source)

    def _call(self, node: Node) -> Iterator[str]:
        args = [self._arg(arg) for arg in node.args]
        kwargs = [f"{_keyword(name)}={self._arg(arg)}" for name, arg in node.kwargs]
        op = node.op
        if op == "rt.literal":
            yield f"torch.tensor({', '.join((args[0], *kwargs))}).reshape({args[1]})"
            return
        if op in ("aten.view.default", "aten._unsafe_view.default"):
            # Which views are possible depends on the layout of a kernel's result.
            op = "aten.reshape.default"
        if op == "aten.view_as_complex.default" or op.startswith("aten.as_strided"):
            args[0] = f"{args[0]}.contiguous()"
        yield f"{_op(op)}({', '.join((*args, *kwargs))})"

    def _control(self, node: Node) -> Iterator[str]:
        """Functions of the blocks, and what calls them; the last line is the value."""
        blocks = node.blocks
        args = [arg for arg in node.args if not isinstance(arg, Block)]
        self.loops += 1
        number = self.loops
        match node.op:
            case "higher_order.cond":
                yield from self._block(blocks[0], then := self._own(f"then_{number}"))
                yield from self._block(blocks[1], other := self._own(f"otherwise_{number}"))
                yield f"{then}() if bool({self._arg(args[0])}) else {other}()"
            case "higher_order.while_loop":
                yield from self._block(blocks[0], test := self._own(f"goes_on_{number}"))
                yield from self._block(blocks[1], body := self._own(f"step_{number}"))
                yield f"state = {self._arg(args[0])}"
                yield f"while bool({test}(*state)[0]):"
                yield f"    state = {body}(*state)"
                yield "state"
            case "higher_order.scan" | "higher_order.map_impl":
                yield from self._block(blocks[0], body := self._own(f"step_{number}"))
                first = args[0] if len(args) > 1 else ()
                count = len(first) if isinstance(first, tuple) else 0
                yield f"carried, rows = {self._arg(first)}, []"
                yield f"for row in zip(*(each.unbind(0) for each in {self._arg(args[-1])})):"
                yield f"    given = {body}(*carried, *row)"
                yield f"    carried, row = given[:{count}], given[{count}:]"
                yield "    rows.append(row)"
                yield "[*carried, *(torch.stack(column) for column in zip(*rows))]"
            case _:
                raise _Unprintable(f"{comment_text(node.op)} is no branch and no loop")

    def _block(self, block: Block, name: str) -> Iterator[str]:
        """A branch, or the body of a loop, as a function that reads the values around it."""
        arguments = [self._name(value.name, value.name) for value in block.inputs]
        yield f"def {name}({', '.join(arguments)}):"
        for value in block.inputs:
            yield from (f"    {line}" for line in self._bound(value))
        yield from (f"    {line}" for line in self._nodes(block.nodes))
        yield f"    return [{', '.join(self._value(result) for result in block.results)}]"

    def _bound(self, value: Value) -> Iterator[str]:
        for binding in self.bindings.get(value.name, ()):
            axis = binding.axis(value.type)
            text = self._value(value.name)
            size = f"{text}.shape[{axis}]" if axis is not None else f"int({text}.item())"
            yield f"{self._symbol(binding.name)} = {size}"

    def _arg(self, arg: Arg) -> str:
        match arg:
            case Ref(name=name):
                return self._value(name)
            case DType():
                return _dtype(str(arg))
            case Dim():
                return self._size(arg)
            case Guard(left=left, sign=sign, right=right):
                return f"({self._size(left)} {sign} {self._size(right)})"
            case tuple():
                return f"[{', '.join(map(self._arg, arg))}]"
            case str():
                return python_literal(arg)
            case Block():
                raise _Unprintable("a block stands where none can")
            case float():
                return _float(arg)
            case complex(real=real, imag=imag):
                return f"complex({_float(real)}, {_float(imag)})"
            case _:
                return str(arg)

    def _size(self, size: Size) -> str:
        if isinstance(size, int):
            return str(size)
        return str(substitute(size, {name: symbol(self._symbol(name)) for name in symbols(size)}))

    def _symbol(self, name: str) -> str:
        if name not in self.symbols:
            self.symbols[name] = self._own(name)
        return self.symbols[name]

    def _value(self, name: str) -> str:
        if name not in self.values:
            raise _Unprintable(f"it reads %{comment_text(name)} before it is there")
        return self.values[name]

    def _name(self, value: str, wanted: str) -> str:
        self.values[value] = self._own(wanted)
        return self.values[value]

    def _own(self, wanted: str) -> str:
        name = identifier(wanted, self.taken)
        self.taken.add(name)
        return name


def python_literal(text: str) -> str:
    """A Python string literal that reads back as the text, in ASCII and on one line."""
    return ascii(text)


def comment_line(text: str) -> str:
    """The text as a comment, on one line."""
    return f"# {comment_text(text)}"


def _op(op: str) -> str:
    """How PyTorch's op is called."""
    match = _OP.fullmatch(op)
    parts = match.groups() if match else ()
    if not parts or any(part.startswith("__") and not _DUNDER.fullmatch(part) for part in parts):
        raise _Unprintable(f"{comment_text(op)} is no op of PyTorch")
    text = "torch.ops"
    for part in parts:
        text = f'getattr({text}, "{part}")' if keyword.iskeyword(part) else f"{text}.{part}"
    return text


def _keyword(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) or keyword.iskeyword(name):
        raise _Unprintable(f"{comment_text(name)} is no name of an argument")
    return name


def _gives_list(node: Node) -> bool:
    """Whether its one output stands in a list, as the only part of `split` does."""
    _, _, name = node.op.partition(".")
    return len(node.outs) == 1 and (name in _LISTS or name.partition(".")[0] in _LISTS)


_LISTS = {
    "split", "split_with_sizes", "chunk", "unbind", "tensor_split", "unsafe_split", "unsafe_chunk",
    "unsafe_split_with_sizes", "hsplit", "vsplit", "dsplit", "meshgrid", "broadcast_tensors",
    "split_copy", "split_with_sizes_copy", "unbind_copy", "align_tensors", "nonzero_numpy",
    "where.default", "atleast_1d.Sequence", "atleast_2d.Sequence", "atleast_3d.Sequence",
}  # fmt: skip


def _dtype(dtype: str) -> str:
    return f"torch.{DTYPES[dtype]}"


def _float(number: float) -> str:
    finite = number == number and abs(number) != float("inf")
    return repr(number) if finite else f'float("{number}")'


def _values(nodes: Iterable[Node]) -> Iterator[Value]:
    for node in every_node(nodes):
        yield from node.outs
        for block in node.blocks:
            yield from block.inputs


def _symbols(nodes: Iterable[Node]) -> set[str]:
    """The symbols in the nodes' arguments; those of types alone need no name."""
    found: set[str] = set()

    def look(arg: object) -> None:
        match arg:
            case Dim():
                found.update(symbols(arg))
            case Guard():
                found.update(arg.symbols)
            case tuple():
                for item in arg:  # type: ignore[reportUnknownVariableType]
                    look(item)  # type: ignore[reportUnknownArgumentType]
            case _:
                pass

    for node in every_node(nodes):
        look((*node.args, *(arg for _, arg in node.kwargs)))
    return found
