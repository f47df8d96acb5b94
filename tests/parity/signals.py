"""Models of signals, and models that compute with complex numbers, for `MODELS`."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torchaudio.transforms import MFCC, AmplitudeToDB, MelSpectrogram


class Listener(nn.Module):
    """What speech models begin with: a log-mel spectrogram, and cepstral coefficients."""

    def __init__(self) -> None:
        super().__init__()
        self.mel = MelSpectrogram(16_000, n_fft=64, win_length=48, hop_length=20, n_mels=12)
        self.decibels = AmplitudeToDB()
        settings = {"n_fft": 64, "hop_length": 20, "n_mels": 12}
        self.mfcc = MFCC(16_000, n_mfcc=8, melkwargs=settings)
        self.head = nn.Linear(20, 5)

    def forward(self, wave: Tensor) -> Tensor:
        features = torch.cat([self.decibels(self.mel(wave)), self.mfcc(wave)], dim=1)
        return self.head(features.transpose(1, 2) / 40)


class Denoiser(nn.Module):
    """A mask on a spectrum, and back to a signal."""

    window: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("window", torch.hann_window(32))
        self.mask = nn.Linear(17, 17)

    def forward(self, wave: Tensor) -> Tensor:
        spectrum = torch.stft(wave, 32, 8, window=self.window, return_complex=True)
        gain = torch.sigmoid(self.mask(spectrum.abs().transpose(1, 2))).transpose(1, 2)
        return torch.istft(spectrum * gain, 32, 8, window=self.window, length=200)


class Rotary(nn.Module):
    """Attention whose positions are rotations of complex numbers, as Llama was first written."""

    def __init__(self) -> None:
        super().__init__()
        self.queries = nn.Linear(16, 16, bias=False)
        self.keys = nn.Linear(16, 16, bias=False)
        self.values = nn.Linear(16, 16, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        heads = (x.shape[0], x.shape[1], 2, 8)
        angles = torch.outer(torch.arange(x.shape[1]).float(), 100.0 ** (-torch.arange(4) / 4))
        turns = torch.polar(torch.ones_like(angles), angles)
        query = turned(self.queries(x).view(heads), turns).transpose(1, 2)
        key = turned(self.keys(x).view(heads), turns).transpose(1, 2)
        value = self.values(x).view(heads).transpose(1, 2)
        attended = nn.functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        return attended.transpose(1, 2).flatten(2)


def turned(x: Tensor, turns: Tensor) -> Tensor:
    pairs = torch.view_as_complex(x.float().reshape(*x.shape[:-1], -1, 2))
    return torch.view_as_real(pairs * turns.view(1, x.shape[1], 1, 4)).flatten(3).type_as(x)


class SpectralConvolution(nn.Module):
    """The layer of a Fourier neural operator: complex weights on the lowest frequencies."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = nn.Parameter(0.1 * torch.randn(3, 4, 5, dtype=torch.complex64))
        self.skip = nn.Conv1d(3, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        spectrum = torch.fft.rfft(x, norm="ortho")
        mixed = torch.einsum("bix,iox->box", spectrum[..., :5], self.weights)
        return torch.fft.irfft(mixed, n=x.shape[-1], norm="ortho") + self.skip(x)


class Snake(nn.Module):
    """A periodic activation, of one frequency for each channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.ones(1, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        return x + (self.alpha + 1e-9).reciprocal() * torch.sin(self.alpha * x).pow(2)


class Vocoder(nn.Module):
    """What turns codes into a wave: upsampling, and residual units of widening dilation."""

    def __init__(self) -> None:
        super().__init__()
        normed = nn.utils.parametrizations.weight_norm
        self.first = normed(nn.Conv1d(5, 8, 7, padding=3))
        self.up = normed(nn.ConvTranspose1d(8, 6, 4, stride=2, padding=1))
        self.snakes = nn.ModuleList(Snake(6) for _ in range(3))
        self.units = nn.ModuleList(
            normed(nn.Conv1d(6, 6, 3, padding=d, dilation=d)) for d in (1, 3, 9)
        )
        self.last = normed(nn.Conv1d(6, 1, 7, padding=3))

    def forward(self, codes: Tensor) -> Tensor:
        x = self.up(nn.functional.leaky_relu(self.first(codes), 0.1))
        for snake, unit in zip(self.snakes, self.units, strict=True):
            x = x + unit(snake(x))
        return torch.tanh(self.last(x))
