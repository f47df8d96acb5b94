"""Matrix products and linear maps."""

from __future__ import annotations

from pycandle.graph import TensorType
from pycandle.ops.expr import Call, Expr, Maybe, Method, Number, shape, size
from pycandle.ops.products import one_dtype
from pycandle.ops.table import NARROW, Decline, Layer, Operand, decline, number, op

Scalar = int | float | bool


def _linear_layer(x: Operand, weight: Operand, bias: Operand | None = None) -> Layer | None:
    if weight.rank != 2:
        return None
    outputs, inputs = weight.shape
    name = "nn::linear" if bias else "nn::linear_no_bias"
    given = {"weight": weight, "bias": bias}
    parameters = {field: operand for field, operand in given.items() if operand}
    args = (size(inputs, label="in_features"), size(outputs, label="out_features"))
    return Layer("nn::Linear", name, args, parameters, x)


@op("aten.linear.default", layer=_linear_layer, also=NARROW)
def linear(x: Operand, weight: Operand, bias: Operand | None = None) -> Expr:
    """`x @ weight.T + bias`, with a weight of shape (out, in) or (in)."""
    one_dtype("linear", x, weight, *(() if bias is None else (bias,)))
    return Call("ops::linear", (x.expr, weight.expr, Maybe(bias.expr if bias else None)))


@op(
    "aten.matmul.default",
    "aten.linalg_matmul.default",
    "aten.mm.default",
    "aten.bmm.default",
    "aten.mv.default",
    "aten.dot.default",
    "aten.vdot.default",
    also=NARROW,
)
def matmul(x: Operand, other: Operand) -> Expr:
    """Matrix product, batched and broadcast; of a vector as a row or as a column."""
    one_dtype("matmul", x, other)
    return Call("ops::matmul", (x.expr, other.expr))


@op("aten.mm.dtype", "aten.bmm.dtype")
def matmul_dtype(x: Operand, other: Operand, out_dtype: str) -> Expr:
    """Matrix product of halves that is given in float32."""
    raise Decline(f"a matrix product as {out_dtype}", "convert the operands with .to(out_dtype)")


@op(
    "aten.addmm.default",
    "aten.addmv.default",
    "aten.baddbmm.default",
    also=NARROW,
)
def addmm(
    x: Operand, a: Operand, b: Operand, *, beta: Scalar = 1, alpha: Scalar = 1, out: TensorType
) -> Expr:  # fmt: skip
    """`beta * x + alpha * (a @ b)`; the values of `x` do not matter if beta is 0."""
    decline(out.rank < b.rank, "addmv of a number and an empty matrix", "give the number an axis")
    return _addmm(x, a.expr, b.expr, a, b, beta, alpha)


@op("aten.addbmm.default", also=NARROW)
def addbmm(x: Operand, a: Operand, b: Operand, *, beta: Scalar = 1, alpha: Scalar = 1) -> Expr:
    """`addmm` with the sum of a batch's products: one product of matrices set side by side."""
    batch, rows, inner = a.shape
    columns = b.shape[2]
    beside = Method(a.expr, "transpose", (Number(0, "usize"), Number(1, "usize")))
    left = Method(beside, "reshape", (shape((rows, batch * inner)),))
    right = Method(b.expr, "reshape", (shape((batch * inner, columns)),))
    return _addmm(x, left, right, a, b, beta, alpha)


@op("aten.addr.default", also=NARROW)
def addr(x: Operand, a: Operand, b: Operand, *, beta: Scalar = 1, alpha: Scalar = 1) -> Expr:
    """`beta * x + alpha * outer(a, b)`."""
    column = Method(a.expr, "unsqueeze", (Number(1, "usize"),))
    row = Method(b.expr, "unsqueeze", (Number(0, "usize"),))
    if {x.dtype, a.dtype, b.dtype} == {"bool"}:
        decline(not (beta and alpha), "addr of bool with alpha or beta", "leave it at its default")
        return Call("ops::logical_or", (x.expr, Call("ops::logical_and", (column, row))))
    return _addmm(x, column, row, a, b, beta, alpha)


def _addmm(
    x: Operand, left: Expr, right: Expr, a: Operand, b: Operand, beta: Scalar, alpha: Scalar
) -> Expr:
    one_dtype("addmm", x, a, b)
    if beta == 1 and alpha == 1:
        return Call("ops::addmm", (x.expr, left, right))
    factors = (number(beta, label="beta"), number(alpha, label="alpha"))
    big = any(isinstance(f, int) and int(float(f)) != f for f in (beta, alpha))
    decline(big, f"addmm with {beta} and {alpha}, which float64 does not hold")
    return Call("ops::addmm_scaled", (x.expr, left, right, *factors))
