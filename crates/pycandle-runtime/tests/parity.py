"""Records the small model that tests/parity.rs mirrors by hand.

Run it in the repository's root: `python crates/pycandle-runtime/tests/parity.py`.
"""

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from pycandle import GoldenRecorder

FOLDER = Path(__file__).parent / "parity"


class Block(nn.Module):
    """A residual block."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc = nn.Linear(width, width)
        self.act = nn.GELU()
        self.dropout = nn.Dropout(0.1)

    def forward(self, x: Tensor) -> Tensor:
        """Keeps the shape."""
        return x + self.dropout(self.act(self.fc(x)))


class Tagger(nn.Module):
    """Tied embeddings, two blocks of one class, a norm that is called twice, and two outputs."""

    def __init__(self, words: int, width: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(words, width)
        self.norm = nn.LayerNorm(width, eps=1e-3)
        self.blocks = nn.ModuleList([Block(width), Block(width)])
        self.head = nn.Linear(width, words, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """Scores for every word, and whether the first is positive."""
        x = self.norm(self.embed(ids))
        for block in self.blocks:
            x = block(x)
        scores = self.head(self.norm(x))
        return scores, scores[..., 0] > 0


torch.manual_seed(3)
model = Tagger(11, 6).eval()
with torch.no_grad():
    # Norms start as identities, which would hide that they are left out.
    model.norm.weight.normal_(1, 0.3)
    model.norm.bias.normal_(0, 0.3)
    # Small values, so that eps matters.
    model.embed.weight.mul_(0.1)
FOLDER.mkdir(exist_ok=True)
batch, seq = torch.export.Dim("batch"), torch.export.Dim("seq", max=64)
recorder = GoldenRecorder(FOLDER)
recorder.record(model, torch.randint(0, 11, (2, 5)), dynamic_shapes={"ids": {0: batch, 1: seq}})
recorder.save("tagger")
weights = {name: value for name, value in model.state_dict().items() if name != "head.weight"}
save_file(weights, FOLDER / "tagger.safetensors")
