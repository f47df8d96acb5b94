"""The same embeddings by PyTorch: prints their similarities and the time of one forward as JSON.

Run as `python reference.py SENTENCE...`; src/main.rs does.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from transformers import AutoTokenizer, BertModel

MODEL = Path(__file__).parent / "models" / "all-minilm-l6-v2"
MOST_TOKENS = 256  # What all-MiniLM-L6-v2 was trained with; src/lib.rs truncates there too.
RUNS = 30  # As in src/timing.rs.


def main(sentences: list[str]) -> None:
    """Embed the sentences on one thread and print the result."""
    torch.set_num_threads(1)
    tokenizer = AutoTokenizer.from_pretrained(MODEL, local_files_only=True)
    model = BertModel.from_pretrained(MODEL, local_files_only=True).eval()
    inputs = tokenizer(
        sentences, padding=True, truncation=True, max_length=MOST_TOKENS, return_tensors="pt"
    )
    with torch.inference_mode():
        hidden = model(**inputs).last_hidden_state
        mask = inputs["attention_mask"].unsqueeze(-1).to(hidden.dtype)
        mean = (hidden * mask).sum(1) / mask.sum(1)
        embeddings = torch.nn.functional.normalize(mean, dim=1)
        seconds = fastest(lambda: model(**inputs))
    similarity = (embeddings @ embeddings.T).tolist()
    print(json.dumps({"torch": torch.__version__, "similarity": similarity, "seconds": seconds}))


def fastest(forward: Callable[[], object]) -> float:
    """Seconds of the fastest run of many; the first one warms up and is not counted."""
    forward()
    times: list[float] = []
    for _ in range(RUNS):
        start = time.perf_counter()
        forward()
        times.append(time.perf_counter() - start)
    return min(times)


if __name__ == "__main__":
    main(sys.argv[1:])
