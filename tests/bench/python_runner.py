"""A rival that Python runs, as a process: `python -m tests.bench.python_runner KIND FOLDER OUT N`.

It speaks as `protocol/src/lib.rs` says, with N threads. It imports only what its user would.
"""

from __future__ import annotations

import copy
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Rival:
    """A loaded model. `draw` gives what one run takes, and `save` writes what a run gave."""

    draw: Callable[[], Any]
    run: Callable[[Any], Any]
    save: Callable[[Any, Path], None]


def eager(folder: Path, threads: int) -> Rival:
    """PyTorch as it is."""
    import torch

    torch.set_num_threads(threads)
    model = torch.load(folder / "model.pt", weights_only=False, mmap=True)
    draw = _inputs(folder)

    def run(inputs: Mapping[str, Any]) -> Any:
        with torch.inference_mode():
            return model(**inputs)

    return Rival(draw, run, _save_tree)


def compiled(folder: Path, threads: int) -> Rival:
    """PyTorch's compiler, with the weights taken for constants."""
    import torch
    import torch._inductor.config as config

    torch.set_num_threads(threads)
    options: Any = config
    options.freezing = True
    model = torch.compile(torch.load(folder / "model.pt", weights_only=False, mmap=True))
    draw = _inputs(folder)

    def run(inputs: Mapping[str, Any]) -> Any:
        # In inference mode it would not take weights for constants.
        with torch.no_grad():
            return model(**inputs)

    return Rival(draw, run, _save_tree)


def onnx_runtime(file: str) -> Callable[[Path, int], Rival]:
    """ONNX Runtime with a session's own settings, but for the threads."""

    def load(folder: Path, threads: int) -> Rival:
        from safetensors.numpy import load_file

        onnxruntime: Any = import_module("onnxruntime")
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = threads
        settings.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(
            folder / file, settings, providers=["CPUExecutionProvider"]
        )
        tensors = load_file(folder / "inputs.safetensors")
        given = {x.name: tensors[str(k)] for k, x in enumerate(session.get_inputs())}
        return Rival(lambda: given, lambda inputs: session.run(None, inputs), _save_arrays)

    return load


KINDS: Mapping[str, Callable[[Path, int], Rival]] = {
    "eager": eager,
    "compiled": compiled,
    "onnx": onnx_runtime("model.onnx"),
    "optimised": onnx_runtime("optimised.onnx"),
}


def serve(rival: Rival, output: Path) -> None:
    """What `serve` of the protocol does."""
    first = rival.run(rival.draw())
    print("first", flush=True)
    rival.save(first, output)
    del first
    print("ready", flush=True)
    for line in sys.stdin:
        start, limit = time.perf_counter(), int(line) / 1000
        times: list[str] = []
        while not times or time.perf_counter() - start < limit:
            inputs = rival.draw()
            before, worked = time.perf_counter_ns(), time.process_time_ns()
            result = rival.run(inputs)
            taken, work = time.perf_counter_ns() - before, time.process_time_ns() - worked
            times.append(f"{taken}/{work}")
            del result
        print(*times, flush=True)


def _inputs(folder: Path) -> Callable[[], Mapping[str, Any]]:
    """What a call takes; a call adds to the caches that it is given, so each gets its own."""
    import torch

    inputs = torch.load(folder / "inputs.pt", weights_only=False)
    plain = all(isinstance(x, torch.Tensor | bool) for x in inputs.values())
    return lambda: inputs if plain else copy.deepcopy(inputs)


def _save_tree(tree: Any, path: Path) -> None:
    from safetensors.torch import save_file

    from tests.bench.leaves import register_caches, tensors

    if isinstance(tree, dict) and "past_key_values" in tree:
        register_caches()
    save_file({str(k): x.float().contiguous() for k, x in enumerate(tensors(tree))}, path)


def _save_arrays(arrays: Any, path: Path) -> None:
    import numpy as np
    from safetensors.numpy import save_file

    save_file({str(k): np.ascontiguousarray(x) for k, x in enumerate(arrays)}, path)


if __name__ == "__main__":
    _kind, _folder, _output, _threads = sys.argv[1:]
    serve(KINDS[_kind](Path(_folder), int(_threads)), Path(_output))
