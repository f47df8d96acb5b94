"""Fourier transforms as in `torch.fft`, and their frequencies.

Complex results and operands are pairs in Rust; a real operand of a complex transform becomes one.
"""

from __future__ import annotations

from pycandle.graph import Arg, Size, TensorType
from pycandle.ops.complex import lifted
from pycandle.ops.create import candle_dtype
from pycandle.ops.expr import Call, DeviceOf, Expr, Maybe, Number, Raw, Slice, size
from pycandle.ops.table import COMPLEX, Decline, Operand, complex_op, decline, number, op

_NORMS = {
    None: Raw("ops::FftNorm::Backward"),
    "backward": Raw("ops::FftNorm::Backward"),
    "ortho": Raw("ops::FftNorm::Ortho"),
    "forward": Raw("ops::FftNorm::Forward"),
}
# The core ops say by a number what a forward transform is divided by, and an inverse one likewise.
_FORWARD = ("backward", "ortho", "forward")
_INVERSE = ("forward", "ortho", "backward")
_PARTS = {"f32": "c64", "f64": "c128"}


def _norm(norm: str | None) -> Raw:
    if norm not in _NORMS:
        raise Decline(f"norm={norm!r}", "use 'backward', 'ortho' or 'forward'")
    return _NORMS[norm]


def _scaled(norms: tuple[str, ...], normalization: int) -> str:
    decline(not 0 <= normalization < 3, f"normalization {normalization}", "use 0, 1 or 2")
    return norms[normalization]


def _as_complex(x: Operand) -> Expr:
    """The operand as complex numbers; integers become complex64, as in PyTorch."""
    return lifted(x, x.dtype if x.type.is_complex else "c128" if x.dtype == "f64" else "c64")


def _as_real(x: Operand, name: str) -> Expr:
    decline(x.type.is_complex, f"{name} of a complex tensor", "take .real first")
    return x.expr


def _one(name: str, x: Expr, operand: Operand, n: Size | None, dim: int, norm: str | None) -> Expr:
    count = Maybe(None if n is None else size(n))
    return Call(f"ops::{name}", (x, count, Number(operand.axis(dim), "usize"), _norm(norm)))


def _many(
    name: str, x: Expr, operand: Operand, s: tuple[Size, ...] | None,
    dim: tuple[int, ...] | None, norm: str | None, real_last: bool = False,
) -> Expr:  # fmt: skip
    if dim is None:
        count = operand.rank if s is None else len(s)
        axes = tuple(range(operand.rank - count, operand.rank))
    else:
        axes = tuple(operand.axis(d) for d in dim)
    sizes = None
    if s is not None:
        decline(len(s) != len(axes), f"{len(s)} sizes for {len(axes)} axes")
        given = [operand.shape[a] if n == -1 else n for a, n in zip(axes, s, strict=True)]
        if real_last and s[-1] == -1:
            given[-1] = 2 * (operand.shape[axes[-1]] - 1)
        sizes = Slice(tuple(size(n) for n in given))
    places = Slice(tuple(Number(a, "usize") for a in axes))
    return Call(f"ops::{name}", (x, Maybe(sizes), places, _norm(norm)))


@complex_op("aten.fft_fft.default")
def fft(x: Operand, n: Size | None = None, dim: int = -1, norm: str | None = None) -> Expr:
    """Transform along one axis."""
    return _one("fft", _as_complex(x), x, n, dim, norm)


@complex_op("aten.fft_ifft.default")
def ifft(x: Operand, n: Size | None = None, dim: int = -1, norm: str | None = None) -> Expr:
    """Inverse transform along one axis."""
    return _one("ifft", _as_complex(x), x, n, dim, norm)


@complex_op("aten.fft_rfft.default")
def rfft(x: Operand, n: Size | None = None, dim: int = -1, norm: str | None = None) -> Expr:
    """Half of the transform of a real tensor."""
    return _one("rfft", _as_real(x, "rfft"), x, n, dim, norm)


@op("aten.fft_irfft.default", also=COMPLEX)
def irfft(x: Operand, n: Size | None = None, dim: int = -1, norm: str | None = None) -> Expr:
    """Inverse of the half transform, to real numbers."""
    return _one("irfft", _as_complex(x), x, n, dim, norm)


@op("aten.fft_hfft.default", also=COMPLEX)
def hfft(x: Operand, n: Size | None = None, dim: int = -1, norm: str | None = None) -> Expr:
    """Transform of half of a Hermitian signal, to real numbers."""
    return _one("hfft", _as_complex(x), x, n, dim, norm)


@complex_op("aten.fft_ihfft.default")
def ihfft(x: Operand, n: Size | None = None, dim: int = -1, norm: str | None = None) -> Expr:
    """Inverse of the transform of half of a Hermitian signal."""
    return _one("ihfft", _as_real(x, "ihfft"), x, n, dim, norm)


@complex_op("aten.fft_fftn.default")
def fftn(
    x: Operand, s: tuple[Size, ...] | None = None, dim: tuple[int, ...] | None = None,
    norm: str | None = None,
) -> Expr:  # fmt: skip
    """Transform along axes, all by default."""
    return _many("fftn", _as_complex(x), x, s, dim, norm)


@complex_op("aten.fft_ifftn.default")
def ifftn(
    x: Operand, s: tuple[Size, ...] | None = None, dim: tuple[int, ...] | None = None,
    norm: str | None = None,
) -> Expr:  # fmt: skip
    """Inverse transform along axes, all by default."""
    return _many("ifftn", _as_complex(x), x, s, dim, norm)


@complex_op("aten.fft_rfftn.default")
def rfftn(
    x: Operand, s: tuple[Size, ...] | None = None, dim: tuple[int, ...] | None = None,
    norm: str | None = None,
) -> Expr:  # fmt: skip
    """Transform of a real tensor along axes, of which the last is halved."""
    return _many("rfftn", _as_real(x, "rfftn"), x, s, dim, norm)


@op("aten.fft_irfftn.default", also=COMPLEX)
def irfftn(
    x: Operand, s: tuple[Size, ...] | None = None, dim: tuple[int, ...] | None = None,
    norm: str | None = None,
) -> Expr:  # fmt: skip
    """Inverse of rfftn, to real numbers."""
    return _many("irfftn", _as_complex(x), x, s, dim, norm, real_last=True)


@op("aten.fft_hfftn.default", also=COMPLEX)
def hfftn(
    x: Operand, s: tuple[Size, ...] | None = None, dim: tuple[int, ...] | None = None,
    norm: str | None = None,
) -> Expr:  # fmt: skip
    """Transform of a Hermitian signal, halved along the last of the axes, to real numbers."""
    return _many("hfftn", _as_complex(x), x, s, dim, norm, real_last=True)


@complex_op("aten.fft_ihfftn.default")
def ihfftn(
    x: Operand, s: tuple[Size, ...] | None = None, dim: tuple[int, ...] | None = None,
    norm: str | None = None,
) -> Expr:  # fmt: skip
    """Inverse of hfftn."""
    return _many("ihfftn", _as_real(x, "ihfftn"), x, s, dim, norm)


Axes = tuple[int, ...]
Sizes = tuple[Size, ...]


@complex_op("aten.fft_fft2.default")
def fft2(x: Operand, s: Sizes | None = None, dim: Axes = (-2, -1), norm: str | None = None) -> Expr:
    """Transform along two axes."""
    return fftn(x, s, dim, norm)


@complex_op("aten.fft_ifft2.default")
def ifft2(
    x: Operand, s: Sizes | None = None, dim: Axes = (-2, -1), norm: str | None = None
) -> Expr:
    """Inverse transform along two axes."""
    return ifftn(x, s, dim, norm)


@complex_op("aten.fft_rfft2.default")
def rfft2(
    x: Operand, s: Sizes | None = None, dim: Axes = (-2, -1), norm: str | None = None
) -> Expr:
    """Transform of a real tensor along two axes, of which the last is halved."""
    return rfftn(x, s, dim, norm)


@op("aten.fft_irfft2.default", also=COMPLEX)
def irfft2(
    x: Operand, s: Sizes | None = None, dim: Axes = (-2, -1), norm: str | None = None
) -> Expr:
    """Inverse of rfft2, to real numbers."""
    return irfftn(x, s, dim, norm)


@op("aten.fft_hfft2.default", also=COMPLEX)
def hfft2(
    x: Operand, s: Sizes | None = None, dim: Axes = (-2, -1), norm: str | None = None
) -> Expr:
    """Transform of a Hermitian signal along two axes, to real numbers."""
    return hfftn(x, s, dim, norm)


@complex_op("aten.fft_ihfft2.default")
def ihfft2(
    x: Operand, s: Sizes | None = None, dim: Axes = (-2, -1), norm: str | None = None
) -> Expr:
    """Inverse of hfft2."""
    return ihfftn(x, s, dim, norm)


@complex_op("aten._fft_c2c.default")
def c2c(x: Operand, dim: Axes, normalization: int, forward: bool) -> Expr:
    """Transform, or inverse transform, of a complex tensor along axes."""
    if forward:
        return fftn(x, None, dim, _scaled(_FORWARD, normalization))
    return ifftn(x, None, dim, _scaled(_INVERSE, normalization))


@complex_op("aten._fft_r2c.default")
def r2c(x: Operand, dim: Axes, normalization: int, onesided: bool) -> Expr:
    """Transform of a real tensor along axes, whole or with the last axis halved."""
    transform = rfftn if onesided else fftn
    return transform(x, None, dim, _scaled(_FORWARD, normalization))


@complex_op("aten._fft_c2r.default")
def c2r(x: Operand, dim: Axes, normalization: int, last_dim_size: Size) -> Expr:
    """Inverse transform along axes to real numbers."""
    sizes = (*(x.shape[x.axis(d)] for d in dim[:-1]), last_dim_size)
    return irfftn(x, sizes, dim, _scaled(_INVERSE, normalization))


@op("aten.fft_fftshift.default", also=COMPLEX)
def fftshift(x: Operand, dim: Axes | int | None = None) -> Expr:
    """The zero frequency moved to the middle."""
    return Call("ops::fftshift", (x.expr, _axes(x, dim)))


@op("aten.fft_ifftshift.default", also=COMPLEX)
def ifftshift(x: Operand, dim: Axes | int | None = None) -> Expr:
    """The zero frequency moved back to the start."""
    return Call("ops::ifftshift", (x.expr, _axes(x, dim)))


def _axes(x: Operand, dim: Axes | int | None) -> Slice:
    dims = tuple(range(x.rank)) if dim is None else (dim,) if isinstance(dim, int) else dim
    return Slice(tuple(Number(x.axis(d), "usize") for d in dims))


@op("aten.fft_fftfreq.default")
def fftfreq(n: Arg, d: float = 1.0, *, dtype: str | None = None, out: TensorType) -> Expr:
    """The frequencies of a transform."""
    args = (number(n, "usize"), number(d), candle_dtype(out.dtype), DeviceOf())
    return Call("ops::fftfreq", args)


@op("aten.fft_rfftfreq.default")
def rfftfreq(n: Arg, d: float = 1.0, *, dtype: str | None = None, out: TensorType) -> Expr:
    """The frequencies of the transform of a real signal."""
    args = (number(n, "usize"), number(d), candle_dtype(out.dtype), DeviceOf())
    return Call("ops::rfftfreq", args)
