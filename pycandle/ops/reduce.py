"""Reductions over axes: sums, products, extremes, counts and moments.

No axes mean all of them, as in PyTorch.
"""

from __future__ import annotations

from pycandle.graph import TensorType
from pycandle.ops.create import candle_dtype
from pycandle.ops.expr import Call, Expr, Maybe, Method, Number, Raw, Slice, flag
from pycandle.ops.table import NARROW, Operand, decline, number, op

Dims = tuple[int, ...] | int | None


def converted(x: Operand | Expr, dtype: str, given: str = "") -> Expr:
    """The tensor in the dtype that the op computes in; `given` is the dtype of an expression."""
    expr, source = (x.expr, x.dtype) if isinstance(x, Operand) else (x, given)
    if source == dtype:
        return expr
    if dtype == "bool":
        return Call("ops::to_bool", (expr,))
    return Method(expr, "to_dtype", (candle_dtype(dtype),))


def floating(x: Operand, name: str, out: TensorType) -> Expr:
    """The operand in the floating dtype of the result. Declines a result that is not one."""
    decline(not out.is_float, f"{name} of {x.dtype}", "convert it to float32")
    return converted(x, out.dtype)


def axes(x: Operand, dims: Dims) -> Slice:
    """Axes to reduce; none stand for all of them."""
    chosen = (dims,) if isinstance(dims, int) else dims or ()
    items = tuple(Number(x.axis(dim), "usize") for dim in chosen)
    return Slice(items if x.rank else ())


def axis(x: Operand, dim: int) -> Number:
    """One axis."""
    return Number(x.axis(dim), "usize")


def _totalled(name: str, x: Operand, dims: Dims, keepdim: bool, dtype: str | None) -> Expr:
    """A sum or product, which is of int64 for integers, in the dtype that was asked for."""
    wanted = dtype or (x.dtype if x.type.is_float else "i64")
    # An integer sum of converted elements is the converted sum: both are modulo a power of two.
    source = x.expr if dtype is None else converted(x, wanted)
    total = Call(f"ops::{name}", (source, axes(x, dims), flag(keepdim)))
    is_float = wanted in ("f64", "f32", "f16", "bf16")
    return converted(total, wanted, wanted if is_float else "i64")


@op("aten.sum.dim_IntList", "aten.sum.default", also=NARROW)
def sum_(x: Operand, dim: Dims = None, keepdim: bool = False, *, dtype: str | None = None) -> Expr:
    """Sum over axes, over all by default."""
    return _totalled("sum", x, dim, keepdim, dtype)


@op("aten.prod.default", also=NARROW)
def prod(x: Operand, *, dtype: str | None = None) -> Expr:
    """Product of all elements."""
    return _totalled("prod", x, None, False, dtype)


@op("aten.prod.dim_int", also=NARROW)
def prod_dim(x: Operand, dim: int, keepdim: bool = False, *, dtype: str | None = None) -> Expr:
    """Product over one axis."""
    return _totalled("prod", x, dim, keepdim, dtype)


@op("aten.nansum.default", also=NARROW)
def nansum(
    x: Operand, dim: Dims = None, keepdim: bool = False, *, dtype: str | None = None
) -> Expr:
    """Sum of what is not NaN."""
    decline(
        x.type.is_float and dtype is not None and not dtype.startswith(("f", "bf")),
        f"nansum of {x.dtype} as {dtype}",
        "convert it after the sum",
    )
    return _totalled("nansum", x, dim, keepdim, dtype)


@op("aten.mean.dim", "aten.mean.default", also=NARROW)
def mean(
    x: Operand, dim: Dims = None, keepdim: bool = False, *,
    dtype: str | None = None, out: TensorType,
) -> Expr:  # fmt: skip
    """Mean over axes, over all by default."""
    return Call("ops::mean", (floating(x, "mean", out), axes(x, dim), flag(keepdim)))


@op("aten.nanmean.default", also=NARROW)
def nanmean(
    x: Operand, dim: Dims = None, keepdim: bool = False, *,
    dtype: str | None = None, out: TensorType,
) -> Expr:  # fmt: skip
    """Mean of what is not NaN."""
    return Call("ops::nanmean", (floating(x, "nanmean", out), axes(x, dim), flag(keepdim)))


@op("aten.amax.default", also=NARROW)
def amax(x: Operand, dim: Dims = (), keepdim: bool = False) -> Expr:
    """Largest element over axes; NaN wins."""
    return Call("ops::amax", (x.expr, axes(x, dim), flag(keepdim)))


@op("aten.amin.default", also=NARROW)
def amin(x: Operand, dim: Dims = (), keepdim: bool = False) -> Expr:
    """Smallest element over axes; NaN wins."""
    return Call("ops::amin", (x.expr, axes(x, dim), flag(keepdim)))


@op("aten.max.default", also=NARROW)
def max_(x: Operand) -> Expr:
    """Largest of all elements; NaN wins."""
    return amax(x)


@op("aten.min.default", also=NARROW)
def min_(x: Operand) -> Expr:
    """Smallest of all elements; NaN wins."""
    return amin(x)


@op("aten.aminmax.default", "aten._aminmax.default", also=NARROW)
def aminmax(x: Operand, *, dim: int | None = None, keepdim: bool = False) -> Expr:
    """Smallest and largest element; NaN wins."""
    return Call("ops::aminmax", (x.expr, axes(x, dim), flag(keepdim)))


@op("aten._aminmax.dim", also=NARROW)
def aminmax_dim(x: Operand, dim: int, keepdim: bool = False) -> Expr:
    """Smallest and largest element over one axis; NaN wins."""
    return Call("ops::aminmax", (x.expr, axes(x, dim), flag(keepdim)))


@op("aten.any.default", "aten.any.dim", "aten.any.dims", also=NARROW)
def any_(x: Operand, dim: Dims = None, keepdim: bool = False) -> Expr:
    """Whether any element is not zero."""
    return _quantified("any", x, dim, keepdim)


@op("aten.all.default", "aten.all.dim", "aten.all.dims", also=NARROW)
def all_(x: Operand, dim: Dims = None, keepdim: bool = False) -> Expr:
    """Whether all elements are not zero."""
    return _quantified("all", x, dim, keepdim)


def _quantified(name: str, x: Operand, dims: Dims, keepdim: bool) -> Expr:
    # Here alone, a list of no axes means none of them.
    if dims == ():
        return Call("ops::to_bool", (x.expr,))
    return Call(f"ops::{name}", (x.expr, axes(x, dims), flag(keepdim)))


@op("aten.count_nonzero.default", "aten.count_nonzero.dim_IntList", also=NARROW)
def count_nonzero(x: Operand, dim: Dims = None) -> Expr:
    """How many elements are not zero."""
    return Call("ops::count_nonzero", (x.expr, axes(x, dim)))


def _moment(name: str, x: Operand, dims: Dims, correction: float | None, keepdim: bool) -> Expr:
    decline(not x.type.is_float, f"{name} of {x.dtype}", "convert it to float32")
    freedom = number(float(1 if correction is None else correction), label="correction")
    return Call(f"ops::{name}", (x.expr, axes(x, dims), freedom, flag(keepdim)))


def _register_moment(name: str, what: str) -> None:
    """The three overloads of a moment."""

    def whole(x: Operand, unbiased: bool = True) -> Expr:
        return _moment(name, x, None, int(unbiased), False)

    def over_axes(x: Operand, dim: Dims, unbiased: bool = True, keepdim: bool = False) -> Expr:
        return _moment(name, x, dim, int(unbiased), keepdim)

    def corrected(
        x: Operand, dim: Dims = None, *, correction: float | None = None, keepdim: bool = False
    ) -> Expr:
        return _moment(name, x, dim, correction, keepdim)

    for overload, function in (("default", whole), ("dim", over_axes), ("correction", corrected)):
        function.__doc__ = f"{what}, over all elements or some axes."
        op(f"aten.{name}.{overload}")(function)


_register_moment("var", "Variance")
_register_moment("std", "Standard deviation")
_register_moment("var_mean", "Variance and mean")
_register_moment("std_mean", "Standard deviation and mean")


@op("aten.logsumexp.default", "aten.special_logsumexp.default", also=NARROW)
def logsumexp(x: Operand, dim: Dims, keepdim: bool = False, *, out: TensorType) -> Expr:
    """Logarithm of the sum of exponentials."""
    return Call("ops::logsumexp", (floating(x, "logsumexp", out), axes(x, dim), flag(keepdim)))


@op("aten.cov.default", also=NARROW)
def cov(
    x: Operand, *, correction: int = 1, fweights: Operand | None = None,
    aweights: Operand | None = None, out: TensorType,
) -> Expr:  # fmt: skip
    """Covariance of variables in rows."""
    weights = (Maybe(w.expr if w else None) for w in (fweights, aweights))
    return Call("ops::cov", (floating(x, "cov", out), number(correction, "i64"), *weights))


@op("aten.corrcoef.default", also=NARROW)
def corrcoef(x: Operand, *, out: TensorType) -> Expr:
    """Correlation of variables in rows."""
    return Call("ops::corrcoef", (floating(x, "corrcoef", out),))


def named(path: str) -> Raw:
    """A Rust constant of the runtime's ops."""
    return Raw(f"ops::{path}")
