"""Runs the mutants of an architecture, looks into those that pass, and runs unbroken models."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from safetensors.torch import load_file, save_file

from pycandle.verify.results import Call, Run
from tests.mutants import checkpoints
from tests.mutants.architectures import ARCHITECTURES
from tests.mutants.checkpoints import Weights
from tests.mutants.crate import FOLDER, Compiled, compile_mutants, run, write
from tests.mutants.mutants import Checkpoint, Mutant, choose
from tests.mutants.source import Source
from tests.parity.models import build
from tests.parity.recording import record, record_seeds

MODES = ("isolated", "cumulative")
KEPT = {"PYCANDLE_TENSORS": "all"}
_FIRST_SEED = 100


@dataclass(frozen=True)
class Told:
    """What a run in one mode told of a mutant."""

    caught: bool
    culprit: str | None = None  # the path that it names; None for none
    reason: str = ""
    in_place: bool = False  # the Rust line that it names is one of that module's
    weights: bool = False  # it says that the checkpoint is another one
    needs: float = 0.0  # the smallest factor that would let the culprit pass; 0 without numbers
    innocent: int = 0  # calls that fail of modules which neither are wrong nor hold what is


@dataclass(frozen=True)
class Result:
    """What became of a mutant."""

    mutant: Mutant
    refused: str = ""  # what rustc said
    told: Mapping[str, Told] = field(default_factory=dict[str, Told])  # by mode
    outputs: int = 0  # if nothing caught it: how many were compared with the unbroken model's
    different: int = 0  # how many of them are not the same to the bit
    seeds: int = 0  # how many other seeds it was tried with
    caught_at: int = 0  # and at how many of them it was caught
    most: float = 0.0  # the largest part of the allowed error that it took

    @property
    def caught(self) -> bool:
        return bool(self.refused) or any(told.caught for told in self.told.values())

    @property
    def changes_nothing(self) -> bool:
        return not self.caught and self.outputs > 0 and not self.different

    @property
    def as_exact(self) -> bool:
        """It computes something else, and is nowhere further from float64 than PyTorch is."""
        other = not self.caught and self.outputs > 0 and self.different > 0
        return other and not self.caught_at and self.most <= 1

    @property
    def real(self) -> bool:
        """Whether it is a mistake that can be caught."""
        return not self.refused and not self.changes_nothing and not self.as_exact

    @property
    def missed(self) -> bool:
        """It computes something wrong, and nothing told."""
        return self.real and not self.caught

    def named(self, mode: str) -> bool:
        """Whether it was a module of the wrong code that was named first."""
        return mode in self.told and self.told[mode].culprit in self.mutant.expected


@dataclass(frozen=True)
class Seeds:
    """The unbroken model, with other weights and inputs each time."""

    seeds: int
    calls: int = 0  # module calls judged, in both modes
    alarms: tuple[str, ...] = ()  # where, and by how much
    uninformative: int = 0
    needs: float = 0.0  # the largest of all
    nearest: str = ""  # where that was


@dataclass(frozen=True)
class Architecture:
    name: str
    results: tuple[Result, ...]
    seeds: Seeds


def go(name: str, seed: int, seeds: int, each: int) -> Architecture:
    """Record, break, compile, run; then other seeds."""
    folder = FOLDER / name / "models"
    path = record(name, folder, ARCHITECTURES)
    manifest = json.loads(path.read_text(encoding="utf-8"))
    names = {each["names"][0]: each["names"] for each in manifest["parameters"]}
    weights = load_file(folder / f"{name}.safetensors")
    checkpoint = Checkpoint(weights, _other(name, 0), names)
    source = Source((write(name, {}) / "src" / f"{name}.rs").read_text(encoding="utf-8"))
    paths = [region["path"] for region in manifest["regions"]]
    mutants = choose(source, checkpoint, paths, f"{seed}:{name}", each)
    compiled = compile_mutants(name, {each.name: each.text for each in mutants if each.text})
    results = [_result(compiled, mutant, source) for mutant in mutants]
    survivors = [result for result in results if not result.caught]
    survivors = list(_compared(compiled, survivors, 0))
    found = Seeds(seeds)
    more = range(_FIRST_SEED, _FIRST_SEED + seeds)
    for number in record_seeds(name, folder, more, ARCHITECTURES):
        found = _judged(compiled, found, number)
        survivors = list(_compared(compiled, survivors, number))
    looked = {each.mutant.name: each for each in survivors}
    return Architecture(name, tuple(looked.get(each.mutant.name, each) for each in results), found)


def _other(name: str, seed: int) -> Weights:
    """The weights of another training."""
    state = build(name, seed + 1, ARCHITECTURES).state_dict()
    return {key: tensor.clone() for key, tensor in state.items()}


def _result(compiled: Compiled, mutant: Mutant, source: Source) -> Result:
    if mutant.name in compiled.refused:
        return Result(mutant, refused=compiled.refused[mutant.name])
    environment = {} if mutant.text else _broken(compiled, mutant, 0)
    code = mutant.source if mutant.text else source
    return Result(
        mutant, told={mode: _told(compiled, mutant, mode, environment, code) for mode in MODES}
    )


def _told(
    compiled: Compiled, mutant: Mutant, mode: str, environment: dict[str, str], code: Source
) -> Told:
    found = run(compiled.crate, _module(compiled, mutant), mode, environment)
    told = found.run
    if not told or not told.culprit:
        return Told(not found.passed, reason="" if found.passed else found.said)
    culprit = told.culprit
    needs = [each.needs for each in culprit.outputs if each.status == "failed" and each.needs > 0]
    return Told(
        not found.passed, culprit.path, culprit.reason, _in_place(culprit, told, code),
        bool(told.weights), max(needs, default=0.0),
        sum(call.outcome == "failed" and not _holds(call, mutant) for call in told.calls),
    )  # fmt: skip


def _holds(call: Call, mutant: Mutant) -> bool:
    """Whether a module is wrong, or one is that it holds."""
    return any(not call.path or f"{path}.".startswith(f"{call.path}.") for path in mutant.expected)


def _in_place(culprit: Call, told: Run, code: Source) -> bool:
    """Whether its Rust line is one of that module's code, or where that is loaded."""
    file, _, line = culprit.rust.rpartition(":")
    owner = code.owners([call.path for call in told.calls]).get(culprit.path)
    return owner is not None and bool(file) and int(line) in code.lines_of(owner)


def _module(compiled: Compiled, mutant: Mutant) -> str:
    return mutant.name if mutant.text else compiled.crate.path.name


def _broken(compiled: Compiled, mutant: Mutant, seed: int) -> dict[str, str]:
    """The variable that names its checkpoint, made of what the architecture's is now."""
    name = compiled.crate.path.name
    weights = load_file(compiled.crate.path / "models" / f"{name}.safetensors")
    changes = list(checkpoints.KINDS[mutant.kind](weights, _other(name, seed)))
    path = compiled.crate.path / "models" / f"{mutant.name}.safetensors"
    save_file(weights | changes[mutant.index], path)
    return {f"PYCANDLE_WEIGHTS_{name.upper()}": str(path)}


def _judged(compiled: Compiled, found: Seeds, seed: int) -> Seeds:
    """The unbroken model with the weights and inputs that are there now."""
    for mode in MODES:
        outcome = run(compiled.crate, compiled.crate.path.name, mode, KEPT)
        told = outcome.run
        assert told and told.ended, outcome.said
        judged = [call for call in told.calls if call.outcome not in ("elided", "missing")]
        needs = [(output.needs, call.name) for call in judged for output in call.outputs]
        most, nearest = max(needs, default=(0.0, ""))
        alarms = [call for call in told.calls if call.outcome in ("failed", "missing")]
        found = replace(
            found,
            calls=found.calls + len(judged),
            alarms=(*found.alarms, *(f"seed {seed}, {mode}, {_alarm(each)}" for each in alarms)),
            uninformative=found.uninformative + told.count("uninformative"),
            needs=max(found.needs, most),
            nearest=f"`{nearest}`, {mode}" if most > found.needs else found.nearest,
        )
    return found


def _alarm(call: Call) -> str:
    sizes = [f"{math.prod(each.shape)} elements need {each.needs:.2f}" for each in call.outputs]
    return f"case {call.case}, `{call.name}`: {', '.join(sizes)}"


def _compared(compiled: Compiled, survivors: Sequence[Result], seed: int) -> Iterator[Result]:
    """What nothing caught, beside the unbroken model, to the bit."""
    if not survivors:
        return
    name = compiled.crate.path.name
    sound = {mode: _outputs(run(compiled.crate, name, mode, KEPT).run) for mode in MODES}
    for result in survivors:
        environment = KEPT if result.mutant.text else KEPT | _broken(compiled, result.mutant, seed)
        module = _module(compiled, result.mutant)
        runs = {mode: run(compiled.crate, module, mode, environment) for mode in MODES}
        mine = {mode: _outputs(found.run) for mode, found in runs.items()}
        keys = [(mode, key) for mode in MODES for key in sound[mode]]
        different = sum(sound[mode][key] != mine[mode].get(key) for mode, key in keys)
        used = [output.needs for found in runs.values() if found.run
                for call in found.run.calls for output in call.outputs]  # fmt: skip
        yield replace(
            result,
            outputs=result.outputs + len(keys),
            different=result.different + different,
            seeds=result.seeds + bool(seed),
            caught_at=result.caught_at + (not all(found.passed for found in runs.values())),
            most=max([result.most, *(each for each in used if not math.isnan(each))]),
        )


def _outputs(told: Run | None) -> dict[tuple[str, str, int, str], bytes]:
    """What each module call gave, as it lies in memory."""
    found: dict[tuple[str, str, int, str], bytes] = {}
    for call in told.calls if told else ():
        tensors = load_file(call.tensors) if call.tensors else {}
        for place, tensor in tensors.items():
            data = tensor.contiguous().flatten().view(torch.uint8)
            found[call.case, call.path, call.call, place] = data.numpy().tobytes()
    return found
