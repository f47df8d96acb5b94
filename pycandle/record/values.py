"""The values of a program as a graph has them: their names, types and sizes, and arguments.

`torch.export` states every size as an expression over symbols; here they get the graph's names. A
symbol that depends on the data is bound by the first value that has it. It must not know any op.
"""

# PyTorch annotates only part of what it exports, and keeps some of it private.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false, reportPrivateUsage=false

from __future__ import annotations

import itertools
import operator
import re
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch.export import ExportedProgram

from pycandle.graph import (
    Arg,
    Binding,
    DType,
    Guard,
    Ref,
    Symbol,
    TensorType,
    Value,
)
from pycandle.graph.dim import Size, parse, substitute, symbol, symbols
from pycandle.record.guards import is_bound
from pycandle.record.numbers import bounds, is_unbacked, relation

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


class Values:
    """What is known of a program's values so far."""

    def __init__(self, program: ExportedProgram, symbols: Mapping[str, Symbol]) -> None:
        self.program = program
        self.renamed = {torch_name: symbol(s.name) for torch_name, s in symbols.items()}
        self.given = set(symbols)
        self.symbols = {s.name for s in symbols.values()}
        self.names: dict[torch.fx.Node, str] = {}
        self.scalars: dict[torch.fx.Node, Value] = {}  # numbers, as tensors without axes
        self.taken_as: dict[torch.fx.Node, Value] = {}  # the same for the op at hand
        self.taken: set[str] = set()
        self.bindings: list[Binding] = []
        self.asserted: list[Guard] = []

    def name(self, node: torch.fx.Node) -> str:
        """The value's name; given when it is first asked for."""
        if node not in self.names:
            self.names[node] = self.fresh(node.name)
        return self.names[node]

    def fresh(self, wanted: str) -> str:
        """A name like this one that no value has yet."""
        name = re.sub(r"\W", "_", wanted, flags=re.ASCII)
        name = name if name[:1].isalpha() or name[:1] == "_" else f"v_{name}"
        unique, count = name, 1
        while unique in self.taken:
            unique, count = f"{name}_{count}", count + 1
        self.taken.add(unique)
        return unique

    def type(self, tensor: torch.Tensor) -> TensorType:
        """A tensor's type. Raises `ValueError` for what no graph can say."""
        if tensor.dtype not in DTYPES:
            raise ValueError(f"dtype {tensor.dtype} is not supported")
        return TensorType(DTYPES[tensor.dtype], tuple(self.size(s) for s in tensor.shape))

    def size(self, size: int | torch.SymInt) -> Size:
        """A size over the graph's symbols. Raises `ValueError` for one that may be negative."""
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

    def relation(self, value: torch.SymBool) -> Guard:
        """A relation over the graph's symbols. Raises `ValueError` for one of anything else."""
        found = relation(value.node.expr)
        if {*found.symbols} - set(self.renamed):
            raise ValueError(f"depends on a number that is no size ({value})")
        left, right = (substitute(side, self.renamed) for side in (found.left, found.right))
        return Guard(left, found.sign, right)

    def arg(self, arg: Any) -> Arg:
        """An argument of a node. Raises `ValueError` for what a graph cannot hold."""
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
                    return self.size(value)
                if isinstance(value, torch.SymBool):
                    return self.relation(value)
                raise ValueError(f"takes a value that depends on the data ({arg.name})")
            case torch.SymInt():
                return self.size(arg)
            case torch.dtype():
                if arg not in DTYPES:
                    raise ValueError(f"dtype {arg} is not supported; use one of {list(DTYPES)}")
                return DType(DTYPES[arg])
            case torch.device() | torch.layout() | torch.memory_format():
                return None
            case list() | tuple():
                return tuple(self.arg(item) for item in arg)
            case None | bool() | int() | float() | complex() | str():
                return arg
            case _:
                raise ValueError(f"takes a {type(arg).__name__}, which a graph cannot hold")

    def outs(self, node: torch.fx.Node, value: Any) -> tuple[Value, ...]:
        """The outputs of a node. Raises `ValueError` for what is not a tensor."""
        if isinstance(value, torch.Tensor):
            return (self._out(self.name(node), value),)
        if not isinstance(value, (list, tuple)):
            raise ValueError(f"gives a {type(value).__name__}, which is not a tensor")
        items = {user.args[1]: user for user in node.users if user.target is operator.getitem}
        outs: list[Value] = []
        for index, element in enumerate(value):
            if not isinstance(element, torch.Tensor):
                raise ValueError("gives a list with something that is not a tensor in it")
            user = items.get(index)
            name = self.name(user) if user else self.fresh(f"{node.name}_{index}")
            outs.append(self._out(name, element))
        return tuple(outs)

    def _out(self, name: str, tensor: torch.Tensor) -> Value:
        """A value of the graph; it binds the symbols that its axes are the first to have."""
        for size in tensor.shape:
            if isinstance(size, torch.SymInt) and is_unbacked(size.node.expr):
                self.bind(size.node.expr, name, "count")
        return Value(name, self.type(tensor))

    def bind(self, expression: Any, value: str, wanted: str) -> bool:
        """Name a symbol that a value binds; not if it may be negative, which no size is."""
        least, most = bounds(self.program.range_constraints, expression)
        if least < 0:
            return False
        if str(expression) not in self.renamed:
            taken = self.symbols | {b.name for b in self.bindings}
            name = next(n for n in numbered(_identifier(wanted)) if n not in taken)
            self.bindings.append(Binding(name, least, most, value))
            self.renamed[str(expression)] = symbol(name)
        return True

    def entering(self, size: Size, value: str, wanted: str) -> Size:
        """The size of an axis of an input: one that the data decides is known only later, so the
        axis has a symbol of its own, which must then be equal.
        """
        if not symbols(size) & {binding.name for binding in self.bindings}:
            return size
        taken = self.symbols | {b.name for b in self.bindings}
        name = next(n for n in numbered(f"{_identifier(wanted)}_count") if n not in taken)
        # Whatever is bound later checks the relations to what was bound before.
        self.bindings.insert(0, Binding(name, 0, None, value))
        self.asserted.append(Guard(symbol(name), "==", size))
        return symbol(name)

    def assertion(self, node: torch.fx.Node) -> None:
        """A relation of sizes that the program asserts; ranges of one symbol are its binding's."""
        value = node.args[0].meta.get("val") if isinstance(node.args[0], torch.fx.Node) else None
        if not isinstance(value, torch.SymBool):
            return
        about = {str(s) for s in value.node.expr.free_symbols}
        if about <= self.given or about - set(self.renamed):
            return  # the guards of the inputs say it, or it is about a number that is no size
        found = self.relation(value)
        if not is_bound(found) and found not in self.asserted:
            self.asserted.append(found)


def numbered(name: str) -> Iterator[str]:
    """The name, then the name with 2, 3 and so on after it."""
    yield name
    yield from (f"{name}_{count}" for count in itertools.count(2))


def _identifier(name: str) -> str:
    plain = re.sub(r"\W", "_", name, flags=re.ASCII)
    return plain if plain[:1].isalpha() else f"n_{plain}"
