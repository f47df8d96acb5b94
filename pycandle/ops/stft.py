"""Short-time Fourier transforms, and the windows that go with them."""

from __future__ import annotations

from pycandle.graph import Arg, TensorType
from pycandle.ops.complex import PARTS, lifted
from pycandle.ops.create import candle_dtype
from pycandle.ops.expr import Call, DeviceOf, Expr, Maybe, Number, Raw, flag
from pycandle.ops.reduce import converted
from pycandle.ops.table import COMPLEX, Operand, complex_op, decline, number, op

_PADS = {
    "constant": Raw("ops::SignalPad::Constant"),
    "reflect": Raw("ops::SignalPad::Reflect"),
    "replicate": Raw("ops::SignalPad::Replicate"),
    "circular": Raw("ops::SignalPad::Circular"),
}


@op("aten.stft.default", also=COMPLEX)
def stft(
    x: Operand, n_fft: int, hop_length: int | None = None, win_length: int | None = None,
    window: Operand | None = None, normalized: bool = False, onesided: bool | None = None,
    return_complex: bool | None = None, align_to_window: bool | None = None,
) -> Expr:  # fmt: skip
    """The transform of each frame of a signal."""
    return _stft(x, x.expr, n_fft, hop_length, win_length, window, normalized, onesided,
                 bool(align_to_window))  # fmt: skip


@op("aten.stft.center", also=COMPLEX)
def stft_center(
    x: Operand, n_fft: int, hop_length: int | None = None, win_length: int | None = None,
    window: Operand | None = None, center: bool = True, pad_mode: str = "reflect",
    normalized: bool = False, onesided: bool | None = None, return_complex: bool | None = None,
    align_to_window: bool | None = None,
) -> Expr:  # fmt: skip
    """The transform of each frame of a signal, of which the first may stand around the start."""
    signal: Expr = x.expr
    if center:
        decline(pad_mode not in _PADS, f"stft with pad_mode={pad_mode!r}", "use 'reflect'")
        half = n_fft // 2
        signal = _padded(x, half, half, pad_mode)
    return _stft(x, signal, n_fft, hop_length, win_length, window, normalized, onesided,
                 bool(align_to_window))  # fmt: skip


def _stft(
    x: Operand, signal: Expr, n_fft: int, hop_length: int | None, win_length: int | None,
    window: Operand | None, normalized: bool, onesided: bool | None, align_to_window: bool,
) -> Expr:  # fmt: skip
    hop, width = _lengths(n_fft, hop_length, win_length)
    half = x.dtype in ("f16", "bf16") or (window is not None and window.dtype in ("f16", "bf16"))
    decline(half, "stft of half precision", "convert it to float32")
    if align_to_window and width < n_fft:
        # The frames are those of the window alone, so zeros stand in for what the rest would read.
        left = (n_fft - width) // 2
        signal = _padded(x, left, n_fft - width - left, "constant")
    numbers = tuple(Number(n, "usize") for n in (n_fft, hop, width))
    dtypes = {x.dtype} | ({window.dtype} if window else set[str]())
    wide = "c128" if dtypes & {"f64", "c128"} else "c64"
    part = PARTS[wide]
    if not x.type.is_complex and (window is None or not window.type.is_complex):
        kept = True if onesided is None else onesided
        shown = Maybe(converted(window, part) if window else None)
        args = (converted(signal, part, x.dtype), *numbers, shown, flag(normalized), flag(kept))
        return Call("ops::stft", args)
    decline(bool(onesided), "a one-sided stft of complex numbers", "use onesided=False")
    shown = Maybe(lifted(window, wide) if window else None)
    if x.type.is_complex:
        signal = lifted(x, wide)
    else:
        signal = Call("ops::complex::from_real", (signal, candle_dtype(part)))
    return Call("ops::stft_complex", (signal, *numbers, shown, flag(normalized)))


def _padded(x: Operand, left: int, right: int, mode: str) -> Expr:
    name = "ops::pad_signal"
    decline(x.type.is_complex, "padding of a complex signal by stft", "pad it before stft")
    return Call(name, (x.expr, Number(left, "usize"), Number(right, "usize"), _PADS[mode]))


def _lengths(n_fft: int, hop_length: int | None, win_length: int | None) -> tuple[int, int]:
    hop = n_fft // 4 if hop_length is None else hop_length
    return hop, n_fft if win_length is None else win_length


@complex_op("aten.istft.default")
def istft(
    x: Operand, n_fft: int, hop_length: int | None = None, win_length: int | None = None,
    window: Operand | None = None, center: bool = True, normalized: bool = False,
    onesided: bool | None = None, length: int | None = None, return_complex: bool = False,
) -> Expr:  # fmt: skip
    """The signal of a spectrum of frames."""
    hop, width = _lengths(n_fft, hop_length, win_length)
    decline(window is not None and window.type.is_complex, "istft with a complex window",
            "use a real window")  # fmt: skip
    numbers = tuple(Number(n, "usize") for n in (n_fft, hop, width))
    shown = Maybe(window.expr if window else None)
    args = (x.expr, *numbers, shown, flag(center), flag(normalized))
    count = Maybe(None if length is None else Number(length, "usize"))
    if return_complex:
        return Call("ops::istft_complex", (*args, count))
    bins = x.shape[-2]
    kept = onesided if onesided is not None else bins == n_fft // 2 + 1
    return Call("ops::istft", (*args, flag(kept), count))


def _window(name: str, length: Arg, *shaped: Expr, out: TensorType) -> Expr:
    args = (number(length, "usize"), *shaped, candle_dtype(out.dtype), DeviceOf())
    return Call(f"ops::{name}", args)


@op("aten.hann_window.default", "aten.hann_window.periodic")
def hann_window(
    length: Arg, periodic: bool = True, *, dtype: str | None = None, out: TensorType
) -> Expr:
    """A raised cosine."""
    return _window("hann_window", length, flag(periodic), out=out)


@op(
    "aten.hamming_window.default",
    "aten.hamming_window.periodic",
    "aten.hamming_window.periodic_alpha",
    "aten.hamming_window.periodic_alpha_beta",
)
def hamming_window(
    length: Arg, periodic: bool = True, alpha: float = 0.54, beta: float = 0.46, *,
    dtype: str | None = None, out: TensorType,
) -> Expr:  # fmt: skip
    """A raised cosine on a pedestal."""
    shaped = (flag(periodic), number(alpha), number(beta))
    return _window("hamming_window", length, *shaped, out=out)


@op("aten.blackman_window.default", "aten.blackman_window.periodic")
def blackman_window(
    length: Arg, periodic: bool = True, *, dtype: str | None = None, out: TensorType
) -> Expr:
    """A sum of two cosines."""
    return _window("blackman_window", length, flag(periodic), out=out)


@op("aten.bartlett_window.default", "aten.bartlett_window.periodic")
def bartlett_window(
    length: Arg, periodic: bool = True, *, dtype: str | None = None, out: TensorType
) -> Expr:
    """A triangle."""
    return _window("bartlett_window", length, flag(periodic), out=out)


@op("aten.kaiser_window.default", "aten.kaiser_window.periodic", "aten.kaiser_window.beta")
def kaiser_window(
    length: Arg, periodic: bool = True, beta: float = 12.0, *, dtype: str | None = None,
    out: TensorType,
) -> Expr:  # fmt: skip
    """A window of Bessel functions."""
    return _window("kaiser_window", length, flag(periodic), number(beta), out=out)
