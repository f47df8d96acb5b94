"""torchaudio: transforms of signals, and models of them."""

from __future__ import annotations

import torch
import torchaudio.models as models
import torchaudio.transforms as transforms

from tests.zoo.entry import Entry, Inputs, floats

_WAVE = floats(waveform=(1, 8000))


def _segment() -> Inputs:
    return {"input": torch.randn(1, 33, 64), "lengths": torch.randint(20, 34, (1,))}


ENTRIES = {
    "ta/MFCC": Entry(
        lambda: transforms.MFCC(16000, melkwargs={"n_fft": 400, "hop_length": 160, "n_mels": 40}),
        _WAVE,
    ),
    "ta/Spectrogram_complex": Entry(lambda: transforms.Spectrogram(power=None), _WAVE),
    "ta/GriffinLim": Entry(
        lambda: transforms.GriffinLim(n_fft=400, n_iter=4, rand_init=False),
        lambda: {"specgram": torch.rand(1, 201, 41)},
    ),
    "ta/Resample": Entry(lambda: transforms.Resample(16000, 8000), _WAVE),
    "ta/Emformer": Entry(
        lambda: models.Emformer(
            64, 4, 128, 2, segment_length=8, left_context_length=8, right_context_length=1
        ),
        _segment,
    ),
    "ta/HDemucs": Entry(lambda: models.hdemucs_low(["a", "b"]), floats(input=(1, 2, 44100))),
    "ta/WaveRNN": Entry(
        lambda: models.WaveRNN(
            upsample_scales=[5, 5, 8], n_classes=64, hop_length=200, n_rnn=64, n_fc=64
        ),
        floats(waveform=(1, 1, 1000), specgram=(1, 1, 128, 9)),
    ),
}
