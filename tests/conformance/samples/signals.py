"""Fourier transforms, windows and complex numbers."""

from __future__ import annotations

import itertools

import torch

from tests.conformance.samples.registry import Arguments, call, numbers, pairs, samples


@samples("aten.view_as_real.default")
@samples("aten.imag.default")
@samples("aten.real.default")
@samples("aten._conj.default")
@samples("aten.resolve_conj.default")
@samples("aten.abs.default")
@samples("aten.angle.default")
@samples("aten.sgn.default")
@samples("aten.isfinite.default")
def _unary() -> list[Arguments]:
    return [
        call(pairs(3, 4)),
        call(pairs()),
        call(pairs(2, 3, 4).transpose(0, 2)),
        call(pairs(0, 2)),
    ]


@samples("aten._fft_c2c.default")
def _c2c() -> list[Arguments]:
    kinds = itertools.product(((0,), (1, 2)), (0, 1, 2), (True, False))
    return [call(pairs(3, 4, 5), list(dim), norm, forward) for dim, norm, forward in kinds]


@samples("aten._fft_c2r.default")
def _c2r() -> list[Arguments]:
    return [call(pairs(3, 4, 5), [2], norm, size) for norm in (0, 1, 2) for size in (8, 9)]


@samples("aten.stft.default")
def _stft() -> list[Arguments]:
    wave, window = numbers(2, 60), torch.hann_window(12)
    return [
        call(wave, 12, 5, None, window, return_complex=True),
        call(wave[0], 16, 4, 12, window, True, False, True),
        call(wave, 16, None, 12, window, False, True, False),
        call(wave, 16, 4, 12, window, False, True, True, True),
        call(pairs(2, 60), 12, 5, 12, window, False, None, True),
        call(wave, 12, 5, 12, pairs(12), False, False, True),
        call(wave.double(), 15, 5, None, None, False, None, True),
        call(wave.double(), 12, 5, None, window, return_complex=True),
        call(wave, 12, 5, None, window.double(), return_complex=True),
        call(pairs(2, 60), 12, 5, None, window.double(), False, None, True),
    ]


@samples("aten.stft.center")
def _stft_center() -> list[Arguments]:
    wave, window = numbers(2, 60), torch.hann_window(12)
    modes = ("reflect", "constant", "replicate", "circular")
    return [call(wave, 16, 4, 12, window, True, mode, False, True, True) for mode in modes] + [
        call(wave, 16, 4, 12, window, False, "reflect", True, False, True)
    ]


@samples("aten.istft.default")
def _istft() -> list[Arguments]:
    half, whole, window = pairs(2, 9, 11), pairs(2, 16, 11), torch.hann_window(12)
    return [
        call(half, 16, 4, 12, window),
        call(half[0], 16, 4, 16, torch.hamming_window(16), True, True, True, 30),
        call(half, 16, 4, 16, torch.hamming_window(16), False),
        call(half, 16),
        call(half, 16, 4, 16, torch.hamming_window(16), length=50),
        call(whole, 16, 4, 12, window, True, False, False),
        call(whole, 16, 4, 12, window, True, False, False, None, True),
        call(half.to(torch.complex128), 16, 4, 12, window.double()),
    ]


@samples("aten.hann_window.periodic")
@samples("aten.hamming_window.periodic")
@samples("aten.blackman_window.periodic")
@samples("aten.bartlett_window.periodic")
@samples("aten.kaiser_window.periodic")
def _window() -> list[Arguments]:
    sizes = itertools.product((0, 1, 2, 9, 400), (True, False))
    wide = [call(8, True, dtype=torch.float64)]
    return [call(size, periodic) for size, periodic in sizes] + wide


@samples("aten.hann_window.default")
@samples("aten.hamming_window.default")
@samples("aten.blackman_window.default")
@samples("aten.bartlett_window.default")
@samples("aten.kaiser_window.default")
def _default_window() -> list[Arguments]:
    return [call(9)]


@samples("aten.kaiser_window.beta")
@samples("aten.hamming_window.periodic_alpha")
def _shaped_window() -> list[Arguments]:
    return [call(9, True, 0.6), call(10, False, 7.5)]


@samples("aten.hamming_window.periodic_alpha_beta")
def _twice_shaped_window() -> list[Arguments]:
    return [call(9, True, 0.6, 0.3)]


@samples("aten.fft_fftfreq.default")
@samples("aten.fft_rfftfreq.default")
def _frequencies() -> list[Arguments]:
    return [call(8), call(9, 0.1), call(1), call(6, dtype=torch.float64)]
