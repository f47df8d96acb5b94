"""What a workload needs before anything runs: the recording, and what the rivals read.

`python -m tests.bench.preparing NAME FOLDER` writes, in a process of its own that gives its memory
back, into the folder:

- `NAME_manifest.json`, `NAME_trace.safetensors`, `NAME.safetensors`: the recording, its checkpoint;
- `model.pt`, `inputs.pt`: the model and what its call takes, as PyTorch pickles them;
- `inputs.safetensors`, `expected.safetensors`: tensors that go in and come out, by their number;
- `facts.json`: the arithmetic and the bytes that nobody can do without.

`... FOLDER onnx` writes `model.onnx`, and `... FOLDER optimised` makes `optimised.onnx` of it.
"""

from __future__ import annotations

import copy
import json
import sys
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from pycandle.record import GoldenRecorder
from tests.bench.leaves import register_caches, tensors
from tests.bench.workloads import WORKLOADS
from tests.zoo import lively


def prepare(name: str, folder: Path) -> None:
    """Write all but the ONNX files."""
    workload = WORKLOADS[name]
    if workload.caches():
        register_caches()
    model = lively.build(workload.entry).requires_grad_(False)
    inputs = workload.draw()
    with torch.inference_mode():
        outputs = tensors(model(**copy.deepcopy(inputs)))
    torch.save(model, folder / "model.pt")
    torch.save(inputs, folder / "inputs.pt")
    _save(tensors(inputs), folder / "inputs.safetensors")
    _save(outputs, folder / "expected.safetensors")
    facts = {"flops": flops(model, inputs), "bytes": bytes_read(model, inputs)}
    (folder / "facts.json").write_text(json.dumps(facts), encoding="utf-8")
    if workload.caches():
        GoldenRecorder(folder).record(model, **inputs).save(name, weights=True)
    else:
        lively.record(model, workload.entry, folder, name)


def to_onnx(name: str, folder: Path) -> None:
    """`torch.onnx.export` at the sizes of the call, as they are."""
    if WORKLOADS[name].caches():
        register_caches()
    model = torch.load(folder / "model.pt", weights_only=False)
    inputs = torch.load(folder / "inputs.pt", weights_only=False)
    program = torch.onnx.export(model.eval(), (), kwargs=inputs, dynamo=True, verbose=False)
    assert program is not None
    program.save(str(folder / "model.onnx"))


def optimise(name: str, folder: Path) -> None:
    """ONNX Runtime's own optimiser of transformers, for one processor."""
    optimizer: Any = import_module("onnxruntime.transformers.optimizer")
    settings = WORKLOADS[name].optimiser
    optimised = optimizer.optimize_model(str(folder / "model.onnx"), **settings)
    optimised.save_model_to_file(str(folder / "optimised.onnx"))
    fused = {k: v for k, v in optimised.get_fused_operator_statistics().items() if v}
    (folder / "optimised.json").write_text(json.dumps(fused), encoding="utf-8")


def flops(model: nn.Module, inputs: dict[str, Any]) -> int:
    """Floating-point operations of its matrix products and convolutions, as PyTorch counts them."""
    # Of fused kernels the counter knows nothing.
    with (
        torch.inference_mode(),
        torch.backends.mkldnn.flags(enabled=False),
        sdpa_kernel(SDPBackend.MATH),
        FlopCounterMode(display=False) as counter,
    ):
        model(**copy.deepcopy(inputs))
    return counter.get_total_flops()


def bytes_read(model: nn.Module, inputs: dict[str, Any]) -> int:
    """Bytes of the weights and the inputs; of a table that is only looked up, the rows."""
    sizes = {id(p): p.numel() * p.element_size() for p in model.parameters()}
    tables = [module for module in model.modules() if isinstance(module, nn.Embedding)]
    others = [module for module in model.modules() if not isinstance(module, nn.Embedding)]
    read = {id(p) for module in others for p in module.parameters(recurse=False)}
    rows: dict[int, int] = {}

    def looked_up(table: nn.Module, _: Any, output: Tensor) -> None:
        rows[id(table.weight)] = output.numel() * output.element_size()

    hooks = [table.register_forward_hook(looked_up) for table in tables]
    with torch.inference_mode():
        model(**copy.deepcopy(inputs))
    for hook in hooks:
        hook.remove()
    sizes |= {key: size for key, size in rows.items() if key not in read}
    return sum(sizes.values()) + sum(x.numel() * x.element_size() for x in tensors(inputs))


def _save(found: list[Tensor], path: Path) -> None:
    save_file({str(k): x.contiguous().clone() for k, x in enumerate(found)}, path)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    _, _name, _folder, *_what = sys.argv
    step = {"": prepare, "onnx": to_onnx, "optimised": optimise}["".join(_what)]
    step(_name, Path(_folder))
