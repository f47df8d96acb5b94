"""PyTorch's own layers."""

from __future__ import annotations

from torch import Tensor, nn

from tests.zoo.entry import Entry, floats

Kind = type[nn.LSTM] | type[nn.GRU] | type[nn.RNN]


class Recurrent(nn.Module):
    """Two recurrent layers, whose last states are not asked for."""

    def __init__(self, kind: Kind, bidirectional: bool, inputs: int = 16, hidden: int = 32) -> None:
        super().__init__()
        self.rnn = kind(inputs, hidden, 2, batch_first=True, bidirectional=bidirectional)

    def forward(self, x: Tensor) -> Tensor:
        return self.rnn(x)[0]


def _recurrent(kind: Kind, bidirectional: bool = False) -> Entry:
    return Entry(lambda: Recurrent(kind, bidirectional), floats(x=(2, 7, 16)), {"x": (0,)})


ENTRIES = {
    "nn/LSTM_bi": _recurrent(nn.LSTM, bidirectional=True),
    "nn/GRU": _recurrent(nn.GRU),
    "nn/GRU_bi": _recurrent(nn.GRU, bidirectional=True),
    "nn/RNN": _recurrent(nn.RNN),
    "nn/Transformer": Entry(
        lambda: nn.Transformer(64, 4, 2, 2, 96, batch_first=True),
        floats(src=(2, 9, 64), tgt=(2, 7, 64)),
    ),
    "nn/MHA": Entry(
        lambda: nn.MultiheadAttention(64, 4, batch_first=True),
        floats(query=(2, 9, 64), key=(2, 9, 64), value=(2, 9, 64)),
    ),
}
