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
from tests.bench.rivals import MACHINE, RIVALS, Missing, Prepared, program
from tests.parity.lively import rms

# How far from PyTorch's a rival's outputs may be, as a part of their RMS: what rounding makes of
# them in a deep model, and a hundredth of what a wrong layer does.
TOLERANCE = 1e-3
# What the machine is measured by, and of which fact of a workload.
LIMITS = {"arithmetic": "flops", "memory": "bytes"}


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    rounds: int = 10
    milliseconds: int = 300
    cold_starts: int = 3


@dataclass(frozen=True)
class _Racer:
    """A runner whose outputs agree with PyTorch's."""

    runner: Runner
    cold_start: float  # seconds
    difference: float


def measure(
    prepared: Prepared, binary: Binary, rivals: Sequence[str], threads: int, plan: Plan
) -> Measured:
    """Start everyone, compare what they give, and let them take turns."""
    incomplete: dict[str, str] = {}
    with ExitStack() as stack:
        racers: dict[str, _Racer] = {}
        for name in (PYCANDLE, *LIMITS, *rivals):
            try:
                command = _command(prepared, binary, name, threads)
                racers[name] = _start(stack, prepared, name, command, plan)
            except Missing as reason:
                incomplete[name] = f"not run: {reason}"
            except Stopped as reason:
                incomplete[name] = str(reason)
        runners = {name: racer.runner for name, racer in racers.items()}
        incomplete |= race(runners, plan.rounds, plan.milliseconds)
        figures = {
            name: _figures(racer) for name, racer in racers.items() if name not in incomplete
        }
    return Measured(
        prepared.name,
        threads,
        {name: found for name, found in figures.items() if name not in LIMITS},
        incomplete,
        {name: found.minimum for name, found in figures.items() if name in LIMITS},
        binary.path.stat().st_size,
        binary.compile_seconds,
    )


def _start(stack: ExitStack, prepared: Prepared, name: str, command: Command, plan: Plan) -> _Racer:
    """A runner that agrees and is warm; it lives as long as the stack. Raises `Stopped`."""
    runner = stack.enter_context(started(command))
    difference = 0.0 if name in LIMITS else agree(prepared, name)
    cold = [runner.cold_start]
    # The first launch found nothing of its files in memory, and PyTorch's compiler compiled.
    for _ in range(0 if name in LIMITS else plan.cold_starts - 1):
        with started(command) as again:
            cold.append(again.cold_start)
    runner.turn(0)
    runner.runs.clear()
    return _Racer(runner, min(cold), difference)


def _figures(racer: _Racer) -> Figures:
    runner = racer.runner
    taken = [run.taken for run in runner.runs]
    return Figures(
        min(taken),
        int(median(taken)),
        min(run.work for run in runner.runs),
        len(taken),
        int(racer.cold_start * 1e9),
        runner.peak_memory(),
        racer.difference,
    )


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


def _command(prepared: Prepared, binary: Binary, name: str, threads: int) -> Command:
    """How a runner is started; raises `Missing`."""
    output = _output(prepared, name)
    if name == PYCANDLE:
        weights = prepared.folder / f"{prepared.name}.safetensors"
        inputs = prepared.folder / "inputs.safetensors"
        arguments = [str(binary.path), str(weights), str(inputs), str(output)]
    elif name in LIMITS:
        facts = json.loads((prepared.folder / "facts.json").read_text(encoding="utf-8"))
        amount = facts[LIMITS[name]]
        arguments = [str(program(MACHINE)), name, str(amount), str(threads)]
    else:
        arguments = RIVALS[name].command(prepared, threads, output)
    environment = _environment(prepared, threads)
    return Command(arguments, environment, _output(prepared, name, "log"))


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
