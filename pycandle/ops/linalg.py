"""Determinants, inverses, linear systems, factorisations and powers.

Those whose signs or order a library is free to choose (`svd`, `eigh`, `eig`) are not here: they
would differ from PyTorch's.
"""

from __future__ import annotations

from pycandle.graph import Size, TensorType
from pycandle.ops.expr import Call, Expr, flag, size
from pycandle.ops.table import NARROW, Operand, decline, number, op

_INFO = frozenset({"i32"})


@op("aten.linalg_det.default", "aten.det.default")
def linalg_det(x: Operand) -> Expr:
    """Determinant of each matrix."""
    return _of("linalg_det", x)


@op("aten.linalg_slogdet.default", "aten.slogdet.default")
def linalg_slogdet(x: Operand) -> Expr:
    """Sign of each determinant, and the logarithm of its size."""
    return _of("linalg_slogdet", x)


@op("aten.logdet.default")
def logdet(x: Operand) -> Expr:
    """Logarithm of each determinant; NaN where it is negative."""
    return _of("logdet", x)


@op("aten.linalg_inv.default", "aten.inverse.default")
def linalg_inv(x: Operand) -> Expr:
    """Inverse of each matrix; an error where there is none."""
    return _of("linalg_inv", x)


@op("aten.linalg_inv_ex.default", also=_INFO)
def linalg_inv_ex(x: Operand, *, check_errors: bool = False) -> Expr:
    """Inverse of each matrix, and the number of a pivot that is zero."""
    _decline_checks(check_errors, "torch.linalg.inv")
    return _of("linalg_inv_ex", x)


@op("aten.linalg_solve.default")
def linalg_solve(x: Operand, other: Operand, *, left: bool = True) -> Expr:
    """The solution of each linear system; an error where there is none."""
    return _of("linalg_solve", x, other, flags=(left,))


@op("aten.linalg_solve_ex.default", also=_INFO)
def linalg_solve_ex(
    x: Operand, other: Operand, *, left: bool = True, check_errors: bool = False
) -> Expr:
    """The solution of each linear system, and the number of a pivot that is zero."""
    _decline_checks(check_errors, "torch.linalg.solve")
    return _of("linalg_solve_ex", x, other, flags=(left,))


@op("aten.linalg_solve_triangular.default")
def linalg_solve_triangular(
    x: Operand, other: Operand, *, upper: bool, left: bool = True, unitriangular: bool = False
) -> Expr:
    """The solution of each triangular system."""
    return _of("linalg_solve_triangular", x, other, flags=(upper, left, unitriangular))


@op("aten.linalg_cholesky.default")
def linalg_cholesky(x: Operand, *, upper: bool = False) -> Expr:
    """Cholesky factor of each matrix; an error where there is none."""
    return _of("linalg_cholesky", x, flags=(upper,))


@op("aten.linalg_cholesky_ex.default", also=_INFO)
def linalg_cholesky_ex(x: Operand, *, upper: bool = False, check_errors: bool = False) -> Expr:
    """Cholesky factor of each matrix, and the order of a minor that is not positive."""
    _decline_checks(check_errors, "torch.linalg.cholesky")
    return _of("linalg_cholesky_ex", x, flags=(upper,))


@op("aten.cholesky_solve.default")
def cholesky_solve(x: Operand, other: Operand, upper: bool = False) -> Expr:
    """The solution of systems whose matrices are given by their Cholesky factor."""
    return _of("cholesky_solve", x, other, flags=(upper,))


@op("aten.cholesky_inverse.default")
def cholesky_inverse(x: Operand, upper: bool = False) -> Expr:
    """Inverse of matrices that are given by their Cholesky factor."""
    return _of("cholesky_inverse", x, flags=(upper,))


@op("aten.linalg_lu_factor.default", also=_INFO)
def linalg_lu_factor(x: Operand, *, pivot: bool = True) -> Expr:
    """LU factors in one matrix, and the rows that were swapped."""
    decline(not pivot, "linalg_lu_factor without pivots", "leave pivot at its default")
    return _of("linalg_lu_factor", x)


@op("aten.linalg_lu.default")
def linalg_lu(x: Operand, *, pivot: bool = True) -> Expr:
    """Permutation, lower and upper factor of each matrix."""
    decline(not pivot, "linalg_lu without pivots", "leave pivot at its default")
    return _of("linalg_lu", x)


@op("aten.linalg_qr.default")
def linalg_qr(x: Operand, mode: str = "reduced") -> Expr:
    """Orthogonal and upper triangular factor of each matrix, with LAPACK's signs."""
    decline(mode == "r", "linalg_qr with mode='r'", "use mode='reduced'")
    return _of("linalg_qr", x, flags=(mode == "complete",))


@op("aten.linalg_matrix_exp.default", "aten.matrix_exp.default")
def linalg_matrix_exp(x: Operand) -> Expr:
    """Exponential of each matrix."""
    half = x.dtype in ("f16", "bf16")
    decline(half, f"matrix_exp of {x.dtype}, which overflows inside PyTorch", "use float32")
    return _of("linalg_matrix_exp", x)


@op("aten.linalg_matrix_power.default", "aten.matrix_power.default", also=NARROW)
def matrix_power(x: Operand, n: int) -> Expr:
    """Each matrix multiplied with itself; the inverse is taken for a negative exponent."""
    decline(x.dtype == "bool", "matrix_power of bool", "convert it to int64 or float32")
    return Call("ops::matrix_power", (x.expr, number(n, "i64")))


@op("aten.linalg_vander.default", also=NARROW)
def linalg_vander(
    x: Operand,
    *,
    N: Size | None = None,  # noqa: N803 (ATen's name)
    out: TensorType,
) -> Expr:
    """The powers of each element, from the zeroth on; integers give int64."""
    return Call("ops::linalg_vander", (x.expr, size(out.shape[-1])))


def _of(name: str, *operands: Operand, flags: tuple[bool, ...] = ()) -> Expr:
    """A function of floating matrices."""
    for operand in operands:
        decline(not operand.type.is_float, f"{name} of {operand.dtype}", "convert it to float32")
    return Call(f"ops::{name}", (*(operand.expr for operand in operands), *map(flag, flags)))


def _decline_checks(check_errors: bool, instead: str) -> None:
    decline(check_errors, "check_errors", f"call {instead}, which is an error where it fails")
