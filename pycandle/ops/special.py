"""Special functions, element by element; integers become float32."""

from __future__ import annotations

from pycandle.ops.expr import Call, Expr
from pycandle.ops.table import NARROW, Operand, op


def _unary(name: str, x: Operand) -> Expr:
    return Call(f"ops::{name}", (x.expr,))


@op("aten.erf.default", "aten.special_erf.default", also=NARROW)
def erf(x: Operand) -> Expr:
    """Error function."""
    return _unary("erf", x)


@op("aten.erfc.default", "aten.special_erfc.default", also=NARROW)
def erfc(x: Operand) -> Expr:
    """One less the error function."""
    return _unary("erfc", x)


@op("aten.special_erfcx.default", also=NARROW)
def erfcx(x: Operand) -> Expr:
    """One less the error function, scaled by the exponential of the square."""
    return _unary("erfcx", x)


@op("aten.erfinv.default", "aten.special_erfinv.default", also=NARROW)
def erfinv(x: Operand) -> Expr:
    """Inverse of the error function."""
    return _unary("erfinv", x)


@op("aten.lgamma.default", "aten.special_gammaln.default", also=NARROW)
def lgamma(x: Operand) -> Expr:
    """Logarithm of the magnitude of the gamma function."""
    return _unary("lgamma", x)


@op("aten.digamma.default", "aten.special_digamma.default", "aten.special_psi.default", also=NARROW)
def digamma(x: Operand) -> Expr:
    """Derivative of that logarithm."""
    return _unary("digamma", x)


@op("aten.i0.default", "aten.special_i0.default", also=NARROW)
def i0(x: Operand) -> Expr:
    """Modified Bessel function of order 0."""
    return _unary("i0", x)


@op("aten.special_i0e.default", also=NARROW)
def i0e(x: Operand) -> Expr:
    """Modified Bessel function of order 0, scaled by the exponential."""
    return _unary("i0e", x)


@op("aten.special_i1.default", also=NARROW)
def i1(x: Operand) -> Expr:
    """Modified Bessel function of order 1."""
    return _unary("i1", x)


@op("aten.special_i1e.default", also=NARROW)
def i1e(x: Operand) -> Expr:
    """Modified Bessel function of order 1, scaled by the exponential."""
    return _unary("i1e", x)


@op("aten.special_entr.default", also=NARROW)
def entr(x: Operand) -> Expr:
    """Entropy: less each element times its logarithm."""
    return _unary("entr", x)


@op("aten.special_ndtr.default", also=NARROW)
def ndtr(x: Operand) -> Expr:
    """The area under the standard normal density."""
    return _unary("ndtr", x)


@op("aten.special_log_ndtr.default", also=NARROW)
def log_ndtr(x: Operand) -> Expr:
    """Logarithm of that area."""
    return _unary("log_ndtr", x)


@op("aten.special_ndtri.default", also=NARROW)
def ndtri(x: Operand) -> Expr:
    """Inverse of the area under the standard normal density."""
    return _unary("ndtri", x)
