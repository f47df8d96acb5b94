"""Records all-MiniLM-L6-v2 on real sentences; `pycandle record --script record.py` runs it.

The weights and the tokenizer lie in models/all-minilm-l6-v2 (`cargo xtask demo` brings them).
"""

from pathlib import Path

from torch.export import Dim
from transformers import AutoTokenizer, BertModel

from pycandle import GoldenRecorder

MODEL = Path(__file__).parent / "models" / "all-minilm-l6-v2"
SENTENCES = ["a cat sits on the mat", "stock markets fell"]

tokenizer = AutoTokenizer.from_pretrained(MODEL, local_files_only=True)
model = BertModel.from_pretrained(MODEL, local_files_only=True).eval()

inputs = tokenizer(SENTENCES, padding=True, return_tensors="pt")
axes = {0: Dim("batch"), 1: Dim("seq", max=model.config.max_position_embeddings)}

GoldenRecorder().record(
    model,
    input_ids=inputs["input_ids"],
    attention_mask=inputs["attention_mask"],
    token_type_ids=inputs["token_type_ids"],
    dynamic_shapes={"input_ids": axes, "attention_mask": axes, "token_type_ids": axes},
).save()
