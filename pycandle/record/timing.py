"""Measures how long each module of a PyTorch model takes, for a profile to be held against.

What it finds depends on the machine, so it goes to a file of its own. It must not know the graph.
"""

# PyTorch annotates only part of what it exports, and keeps some of it private.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

# As many runs as fit into the time, between these numbers; as the runtime's own `bench` has it.
_FEWEST, _MOST, _SECONDS = 5, 1000, 3.0


Spans = dict[str, list[float]]
"""The seconds of each call of a module, by its path."""


@dataclass(frozen=True, slots=True)
class Times:
    """The seconds that all calls of a module took, by its path: of each call the least of all runs.

    What else the machine did in one run so counts in none.
    """

    runs: int
    modules: dict[str, float]

    def dump(self, manifest: str) -> str:
        """The file's text, bound to the recording of that manifest."""
        document = {
            "format": 1,
            "manifest": hashlib.sha256(manifest.encode()).hexdigest(),
            "torch": torch.__version__,
            "threads": 1,
            "runs": self.runs,
            "modules": self.modules,
        }
        return json.dumps(document, indent=1) + "\n"


def module_times(model: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Times:
    """Run the model in eval mode on one thread, some seconds long, its modules watched."""
    spans: Spans = {}
    with _alone(model), _watched(model, spans):
        model(*args, **kwargs)
        least: Spans = {}
        began, runs = time.perf_counter(), 0
        while runs < _FEWEST or (runs < _MOST and time.perf_counter() - began < _SECONDS):
            spans.clear()
            model(*args, **kwargs)
            runs += 1
            for path, calls in spans.items():
                least[path] = list(map(min, least.get(path, calls), calls))
    return Times(runs, {path: sum(calls) for path, calls in least.items()})


@contextmanager
def _alone(model: torch.nn.Module) -> Generator[None]:
    """Eval mode, no gradients, one thread, and no compiler that would run no hooks."""
    modes = {module: module.training for module in model.modules()}
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    model.eval()
    try:
        with torch.inference_mode(), torch.compiler.set_stance("force_eager"):
            yield
    finally:
        torch.set_num_threads(threads)
        for module, mode in modes.items():
            module.training = mode


@contextmanager
def _watched(model: torch.nn.Module, spans: Spans) -> Generator[None]:
    """Within it, what each call of a module takes is added to `spans`."""
    names: dict[torch.nn.Module, list[str]] = {}
    for path, module in model.named_modules(remove_duplicate=False):
        names.setdefault(module, []).append(path)
    open_calls: list[tuple[str, float]] = []

    def enter(module: torch.nn.Module, _args: Any) -> None:
        # A shared module goes by the name that its caller has for it, as in the recording.
        prefix = f"{open_calls[-1][0]}.".lstrip(".") if open_calls else ""
        path = next((n for n in names[module] if n.startswith(prefix)), names[module][0])
        open_calls.append((path, time.perf_counter()))

    def leave(_module: torch.nn.Module, _args: Any, _output: Any) -> None:
        now = time.perf_counter()
        path, began = open_calls.pop()
        spans.setdefault(path, []).append(now - began)

    handles: list[Any] = []
    for module in names:
        handles.append(module.register_forward_pre_hook(enter))
        handles.append(module.register_forward_hook(leave))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
