"""The minilm example, as a user builds it, against PyTorch on sentences it never recorded."""

import json
import subprocess
from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer, BertModel

EXAMPLE = Path(__file__).parents[2] / "examples" / "minilm"
MODEL = EXAMPLE / "models" / "all-minilm-l6-v2"


def run_example(*sentences: str) -> torch.Tensor:
    """The similarities that the Rust program prints."""
    command = ["cargo", "run", "--quiet", "--", "--json", *sentences]
    result = subprocess.run(command, cwd=EXAMPLE, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return torch.tensor(json.loads(result.stdout)["similarity"])


def run_pytorch(*sentences: str) -> torch.Tensor:
    """The same by PyTorch: masked mean of the last hidden state, normalised."""
    assert MODEL.is_dir(), f"{MODEL} is missing; `cargo xtask test` brings it"
    tokenizer = AutoTokenizer.from_pretrained(MODEL, local_files_only=True)
    model = BertModel.from_pretrained(MODEL, local_files_only=True).eval()
    inputs = tokenizer(
        list(sentences), padding=True, truncation=True, max_length=256, return_tensors="pt"
    )
    with torch.inference_mode():
        hidden = model(**inputs).last_hidden_state
    mask = inputs["attention_mask"].unsqueeze(-1)
    embeddings = torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1), dim=1)
    return embeddings @ embeddings.T


def check(*sentences: str) -> torch.Tensor:
    """Both agree to a few roundings of float32; returns the Rust program's similarities."""
    similarity = run_example(*sentences)
    torch.testing.assert_close(similarity, run_pytorch(*sentences), atol=2e-6, rtol=0)
    return similarity


@pytest.mark.parametrize(
    "sentences",
    [
        ("The committee postponed its vote until the spring.", "Schnee fiel auf den Café-Garten!"),
        ("one sentence alone",),
        ("", "a batch whose first sentence is empty", "word " * 300),
    ],
    ids=["unseen", "alone", "empty and long"],
)
def test_rust_and_pytorch_agree_on_unseen_sentences(sentences: tuple[str, ...]) -> None:
    check(*sentences)


def test_the_known_similarities_come_out() -> None:
    similarity = check(
        "a cat sits on the mat", "a kitten rests on a rug", "stock markets fell today"
    )

    assert round(similarity[0, 1].item(), 2) == 0.66
    assert round(similarity[0, 2].item(), 2) == 0.07


def test_an_unknown_option_gets_one_clear_message() -> None:
    command = ["cargo", "run", "--quiet", "--", "--jsn"]
    result = subprocess.run(command, cwd=EXAMPLE, capture_output=True, text=True, check=False)

    assert result.returncode == 1
    assert result.stderr.startswith("error: there is no option --jsn\nUsage: minilm")
