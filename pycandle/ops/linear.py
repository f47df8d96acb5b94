"""Matrix products and linear maps."""

from __future__ import annotations

from pycandle.ops.expr import Call, Expr, Maybe, size
from pycandle.ops.table import Layer, Operand, decline, op


def _linear_layer(x: Operand, weight: Operand, bias: Operand | None = None) -> Layer:
    outputs, inputs = weight.shape
    name = "nn::linear" if bias else "nn::linear_no_bias"
    given = {"weight": weight, "bias": bias}
    parameters = {field: operand for field, operand in given.items() if operand}
    args = (size(inputs, label="in_dim"), size(outputs, label="out_dim"))
    return Layer("nn::Linear", name, args, parameters, x)


@op("aten.linear.default", layer=_linear_layer)
def linear(x: Operand, weight: Operand, bias: Operand | None = None) -> Expr:
    """`x @ weight.T + bias`, with a weight of shape (out, in)."""
    return Call("ops::linear", (x.expr, weight.expr, Maybe(bias.expr if bias else None)))


@op("aten.addmm.default")
def addmm(bias: Operand, x: Operand, weight: Operand, *, beta: float = 1, alpha: float = 1) -> Expr:
    """`bias + x @ weight`, of matrices."""
    decline(beta != 1 or alpha != 1, "addmm with alpha or beta", "multiply the operands")
    return Call("ops::addmm", (bias.expr, x.expr, weight.expr))


@op("aten.matmul.default", "aten.mm.default", "aten.bmm.default")
def matmul(x: Operand, other: Operand) -> Expr:
    """Matrix product, batched and broadcast."""
    decline(x.dtype != other.dtype or not x.type.is_float, f"matmul of {x.dtype} and {other.dtype}")
    return Call("ops::matmul", (x.expr, other.expr))
