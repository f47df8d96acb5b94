"""One workload with so many threads: everyone agrees with PyTorch, then all take turns."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import torch
from safetensors.torch import load_file
from torch import Tensor

from tests.bench.binary import Binary
from tests.bench.racing import Command, Runner, Stopped, race, started
from tests.bench.results import PYCANDLE, Figures, Measured
from tests.bench.rivals import RIVALS, Missing, Prepared, program
from tests.parity.lively import rms

# How far from PyTorch's a rival's outputs may be, as a part of their RMS: what rounding makes of
# them in a deep model, and a hundredth of what a wrong layer does.
TOLERANCE = 1e-3
LIMITS = ("arithmetic", "memory")


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    rounds: int = 10
    milliseconds: int = 300
    cold_starts: int = 3


def measure(
    prepared: Prepared, binary: Binary, names: Sequence[str], threads: int, plan: Plan
) -> Measured:
    """Start everyone, compare what they give, and let them take turns."""
    incomplete: dict[str, str] = {}
    commands = {PYCANDLE: _own(prepared, binary)} | {
        name: command for name in LIMITS if (command := _limit(prepared, name, threads, incomplete))
    }
    for name in names:
        try:
            output = _output(prepared, name)
            commands[name] = RIVALS[name].command(prepared, threads, output)
        except Missing as reason:
            incomplete[name] = f"not run: {reason}"
    started_with = {
        name: Command(command, _environment(prepared, threads), _output(prepared, name, "log"))
        for name, command in commands.items()
    }
    with ExitStack() as stack:
        runners: dict[str, Runner] = {}
        differences: dict[str, float] = {}
        cold: dict[str, list[float]] = {}
        for name, command in started_with.items():
            try:
                runner = stack.enter_context(started(command))
                if name not in LIMITS:
                    differences[name] = agree(prepared, name)
                runners[name] = runner
                cold[name] = [runner.cold_start]
            except Stopped as reason:
                incomplete[name] = str(reason)
        # The first launch found nothing of its files in memory, and PyTorch's compiler compiled.
        for _ in range(plan.cold_starts - 1):
            for name in [name for name in runners if name not in LIMITS]:
                with started(started_with[name]) as again:
                    cold[name].append(again.cold_start)
        for runner in runners.values():
            runner.turn(0)
            runner.times.clear()
        incomplete |= race(runners, plan.rounds, plan.milliseconds)
        figures = {
            name: Figures(
                min(runner.times),
                int(median(runner.times)),
                len(runner.times),
                int(min(cold[name]) * 1e9),
                runner.peak_memory(),
                differences[name],
            )
            for name, runner in runners.items()
            if name not in incomplete and name not in LIMITS
        }
        limits = {name: min(runners[name].times) for name in LIMITS if name in runners}
    return Measured(
        prepared.name, threads, figures, incomplete, limits,
        binary.path.stat().st_size, binary.compile_seconds,
    )  # fmt: skip


def agree(prepared: Prepared, name: str) -> float:
    """How far a runner's outputs are from PyTorch's; raises `Stopped` if that is too far."""
    given = load_file(_output(prepared, name))
    expected = load_file(prepared.folder / "expected.safetensors")
    if given.keys() != expected.keys():
        raise Stopped(f"differs: it has {len(given)} outputs, PyTorch {len(expected)}")
    worst = 0.0
    for key, right in expected.items():
        worst = max(worst, _difference(given[key], right))
        if not worst <= TOLERANCE:
            raise Stopped(f"differs: output {key} is {worst:.1e} of its RMS from PyTorch's")
    return worst


def _difference(given: Tensor, right: Tensor) -> float:
    if given.numel() != right.numel() or not torch.isfinite(given).all():
        return float("inf")
    return rms(given.double().reshape(right.shape) - right.double()) / rms(right)


def _own(prepared: Prepared, binary: Binary) -> Sequence[str]:
    weights = prepared.folder / f"{prepared.name}.safetensors"
    inputs = prepared.folder / "inputs.safetensors"
    return [str(binary.path), str(weights), str(inputs), str(_output(prepared, PYCANDLE))]


def _limit(
    prepared: Prepared, name: str, threads: int, incomplete: dict[str, str]
) -> Sequence[str] | None:
    facts = json.loads((prepared.folder / "facts.json").read_text(encoding="utf-8"))
    amount = facts["flops" if name == "arithmetic" else "bytes"]
    try:
        return [str(program("machine")), name, str(amount), str(threads)]
    except Missing as reason:
        incomplete[name] = f"not run: {reason}"
        return None


def _output(prepared: Prepared, name: str, kind: str = "safetensors") -> Path:
    return prepared.scratch / f"{name}.{kind}"


def _environment(prepared: Prepared, threads: int) -> Mapping[str, str]:
    count = str(threads)
    return {
        "OMP_NUM_THREADS": count,
        "MKL_NUM_THREADS": count,
        "RAYON_NUM_THREADS": count,
        "RTEN_NUM_THREADS": count,
        "TORCHINDUCTOR_CACHE_DIR": str(prepared.scratch / "inductor"),
    }
