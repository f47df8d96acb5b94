"""Products of complex matrices and tensors."""

from __future__ import annotations

from pycandle.graph import TensorType
from pycandle.ops.complex import Scalar, lifted
from pycandle.ops.expr import Call, Expr, Maybe, Method, Number, Slice
from pycandle.ops.table import Operand, complex_op, decline


def _one_dtype(name: str, *operands: Operand) -> None:
    dtypes = sorted({operand.dtype for operand in operands})
    decline(len(dtypes) > 1, f"{name} of {' and '.join(dtypes)}", "convert them to one dtype")


@complex_op(
    "aten.matmul.default",
    "aten.linalg_matmul.default",
    "aten.mm.default",
    "aten.bmm.default",
    "aten.mv.default",
    "aten.dot.default",
)
def matmul(x: Operand, other: Operand) -> Expr:
    """Matrix product, batched and broadcast; of a vector as a row or as a column."""
    _one_dtype("matmul", x, other)
    return Call("ops::complex::matmul", (x.expr, other.expr))


@complex_op("aten.vdot.default")
def vdot(x: Operand, other: Operand) -> Expr:
    """The sum of products of the first vector's conjugate with the second."""
    _one_dtype("vdot", x, other)
    return Call("ops::complex::matmul", (Call("ops::complex::conj", (x.expr,)), other.expr))


@complex_op("aten.linear.default")
def linear(x: Operand, weight: Operand, bias: Operand | None = None) -> Expr:
    """`x @ weight.T + bias`, with a weight of shape (out, in)."""
    _one_dtype("linear", x, weight, *([bias] if bias else []))
    added = Maybe(bias.expr if bias else None)
    return Call("ops::complex::linear", (x.expr, weight.expr, added))


@complex_op("aten.addmm.default", "aten.addmv.default", "aten.baddbmm.default")
def addmm(
    x: Operand, a: Operand, b: Operand, *, beta: Scalar = 1, alpha: Scalar = 1, out: TensorType
) -> Expr:
    """`beta * x + alpha * (a @ b)`; the values of `x` do not matter if beta is 0."""
    _one_dtype("addmm", x, a, b)
    product = _times(matmul(a, b), alpha, out)
    if beta == 0:
        return product
    return Method(product, "broadcast_add", (_times(x.expr, beta, out),))


def _times(x: Expr, factor: Scalar, out: TensorType) -> Expr:
    return x if factor == 1 else Call("ops::complex::mul", (x, lifted(factor, out.dtype)))


@complex_op("aten.outer.default", "aten.ger.default")
def outer(x: Operand, other: Operand, *, out: TensorType) -> Expr:
    """Every element of one vector times every element of another."""
    return Call("ops::complex::outer", (lifted(x, out.dtype), lifted(other, out.dtype)))


@complex_op("aten.inner.default")
def inner(x: Operand, other: Operand) -> Expr:
    """Sums of products over the last axis of both."""
    _one_dtype("inner", x, other)
    return Call("ops::complex::inner", (x.expr, other.expr))


@complex_op("aten.kron.default")
def kron(x: Operand, other: Operand, *, out: TensorType) -> Expr:
    """Kronecker product."""
    return Call("ops::complex::kron", (lifted(x, out.dtype), lifted(other, out.dtype)))


@complex_op("aten.tensordot.default")
def tensordot(
    x: Operand, other: Operand, dims_self: tuple[int, ...], dims_other: tuple[int, ...]
) -> Expr:
    """Sums of products over chosen axes of both."""
    _one_dtype("tensordot", x, other)
    dims = (
        Slice(tuple(Number(operand.axis(d), "usize") for d in chosen))
        for operand, chosen in ((x, dims_self), (other, dims_other))
    )
    return Call("ops::complex::tensordot", (x.expr, other.expr, *dims))
