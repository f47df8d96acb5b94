"""Numbers that a model reads from its data, `x.item()`: as symbols, or as tensors without axes.

An integer that is no less than zero can be a size, so it becomes a symbol, bound by the tensor that
it is read from. Any other number is a float64 tensor of no axes, which ops take in the place of a
Python number: PyTorch promotes both alike. It must not know what the ops compute.
"""

# PyTorch annotates only part of what it exports, and keeps some of it private.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportPrivateUsage=false

from __future__ import annotations

import ast
import operator
import sys
from typing import Any

import torch
from torch.utils._sympy.symbol import SymT, symbol_is_type

from pycandle.graph import Guard
from pycandle.graph.dim import from_ast

# Python's arithmetic on numbers, as ops on float64 tensors: the same to the bit.
ARITHMETIC: dict[Any, str] = {
    operator.add: "aten.add.Tensor",
    operator.sub: "aten.sub.Tensor",
    operator.mul: "aten.mul.Tensor",
    operator.truediv: "aten.div.Tensor",
    operator.neg: "aten.neg.default",
    operator.ge: "aten.ge.Scalar",
    operator.gt: "aten.gt.Scalar",
    operator.le: "aten.le.Scalar",
    operator.lt: "aten.lt.Scalar",
    operator.eq: "aten.eq.Scalar",
    operator.ne: "aten.ne.Scalar",
    torch.sym_max: "aten.maximum.default",
    torch.sym_min: "aten.minimum.default",
    torch.sym_not: "aten.logical_not.default",
}
# The overload that takes a tensor where another takes a number.
_OVERLOADS = {
    "Scalar": "Tensor",
    "Tensor_Scalar": "Tensor_Tensor",
    "Scalar_Tensor": "Tensor",
    "ScalarSelf": "self",
    "ScalarOther": "self",
    "default": "Tensor",
}


def is_unbacked(expression: Any) -> bool:
    """Whether a sympy expression is one symbol, of an integer that depends on the data."""
    return expression.is_symbol and symbol_is_type(expression, SymT.UNBACKED_INT)


def bounds(constraints: Any, expression: Any) -> tuple[int, int | None]:
    """The least and the largest value of a symbol that the export assumes; None for no end."""
    for known, allowed in constraints.items():
        if known == expression:
            lower = -sys.maxsize if allowed.lower < -sys.maxsize else int(allowed.lower)
            return lower, None if allowed.upper >= sys.maxsize - 1 else int(allowed.upper)
    return -sys.maxsize, None


def taking_tensors(op: str, positions: set[int], names: set[str]) -> str:
    """The op's overload that takes tensors for these arguments. Raises `ValueError`."""
    namespace, name, overload = op.split(".")
    packet = getattr(getattr(torch.ops, namespace), name)
    for candidate in (overload, _OVERLOADS.get(overload, "")):
        if candidate not in packet.overloads():
            continue
        arguments = getattr(packet, candidate)._schema.arguments
        wanted = [a for k, a in enumerate(arguments) if k in positions or a.name in names]
        if all("Tensor" in str(argument.type) for argument in wanted):
            return f"{namespace}.{name}.{candidate}"
    raise ValueError("takes a number that depends on the data, which this op needs as a constant")


def relation(expression: Any) -> Guard:
    """A sympy relation of sizes: `s0 > 4`, `Eq(u0, s0)`. Raises `ValueError`."""
    tree = ast.parse(str(expression), mode="eval").body
    match tree:
        case ast.Compare(left=left, ops=[sign], comparators=[right]) if type(sign) in _SIGNS:
            return Guard(from_ast(left), _SIGNS[type(sign)], from_ast(right))
        case ast.Call(func=ast.Name(id="Eq" | "Ne" as name), args=[left, right]):
            return Guard(from_ast(left), "==" if name == "Eq" else "!=", from_ast(right))
        case _:
            raise ValueError(f"depends on {expression}, which is no relation of two sizes")


_SIGNS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}
