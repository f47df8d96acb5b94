"""Which modules of small models can run in low precision: what is named, and what is not."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from pycandle import GoldenRecorder
from pycandle.cli import main
from pycandle.errors import PyCandleError
from pycandle.precision import as_json, summary
from pycandle.precision.bisecting import FORMATS, Bisection, bisect, bisect_crate, worst
from pycandle.record.evaluate import evaluate
from pycandle.record.lowered import Lowered
from pycandle.record.reload import reload


class Scaled(nn.Module):
    """Numbers that no f16 holds, inside it only."""

    def forward(self, x: Tensor) -> Tensor:
        return x * 1e6 / 1e6


class Times(nn.Module):
    def __init__(self, factor: float):
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor


class Norm(nn.Module):
    """An RMS norm of large numbers, in float32 if it is to be."""

    def __init__(self, careful: bool):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(8))
        self.careful = careful

    def forward(self, x: Tensor) -> Tensor:
        x = 1000 * x
        if self.careful:
            wide = x.to(torch.float32)
            wide = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True))
            return self.weight * wide.to(x.dtype)
        return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True)))


class Sharp(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return (3000 + x).softmax(-1)


class Masked(nn.Module):
    """The least number masks, in one row all that infinity does not."""

    def forward(self, x: Tensor) -> Tensor:
        mask = torch.arange(8) < torch.tensor([[6], [3], [2]])
        x = x.masked_fill(torch.arange(8) >= 6, -torch.inf)
        return x.masked_fill(mask, torch.finfo(x.dtype).min).softmax(-1)


class Inverse(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.linalg.inv(x[:, :, None] * torch.eye(8) + 10 * torch.eye(8)).sum(-1)


class Places(nn.Module):
    """Integers only."""

    def forward(self, x: Tensor) -> Tensor:
        return (x + 1) % 5


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.places = Places()
        self.table = nn.Embedding(5, 8)
        self.head = nn.Linear(8, 5, bias=False)
        self.head.weight = self.table.weight

    def forward(self, ids: Tensor) -> Tensor:
        return self.head(torch.relu(self.table(self.places(ids))))


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.shared = nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        return self.shared(self.shared(x))


class Branch(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.cond(x.sum() > -1e9, lambda x: x * 1e6 / 1e6, lambda x: -x, (x,))


def linear(weight: Tensor) -> nn.Linear:
    layer = nn.Linear(weight.shape[1], weight.shape[0])
    layer.weight = nn.Parameter(weight)
    return layer


def net(*layers: nn.Module) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(8, 8), *layers)


def recorded(model: nn.Module, folder: Path, *inputs: Tensor) -> Path:
    torch.manual_seed(1)
    given = inputs or (torch.randn(3, 8),)
    return GoldenRecorder(folder).record(model, *given).save("net", weights=True)


def check(
    folder: Path, model: nn.Module, format_: str, *kept: str, among: int | None = None,
    inputs: tuple[Tensor, ...] = (), why: str = "", tolerance: float | None = None,
) -> Bisection:  # fmt: skip
    """These modules must stay in float32, of so many; the report says why."""
    path = recorded(model, folder, *inputs)
    found = bisect(path, format_, tolerance or FORMATS[format_], lambda _: None)
    told = summary([found])

    assert [module.path for module in found.kept] == [*kept], told
    assert found.compared and found.possible and found.minimal
    assert among in (None, len(found.modules)), told
    assert why in told
    assert (f"all {len(found.modules)} modules" in told) == (not kept and len(found.modules) > 1)
    json.dumps(as_json(found), allow_nan=False)
    return found


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(32, 32), nn.GELU(), nn.LayerNorm(32), nn.Linear(32, 4))
    return recorded(model, tmp_path_factory.mktemp("healthy"), torch.randn(64, 32))


@pytest.mark.parametrize("format_", FORMATS)
def test_a_healthy_model_needs_none(healthy: Path, format_: str):
    found = bisect(healthy, format_, 0.2, lambda _: None)
    assert not found.kept and found.result == found.all_low and worst(found.result) > 0
    assert len(found.modules) == (4 if format_ in ("f16", "bf16") else 2)
    assert "the largest of a row is the same in" in summary([found])


def test_a_layer_that_overflows_is_named_and_no_other(tmp_path: Path):
    check(tmp_path, net(Scaled(), nn.Linear(8, 8)), "f16", "1", among=3, why="overflows")


def test_numbers_that_f16_cannot_hold_need_their_maker_and_their_reader(tmp_path: Path):
    model = net(Times(1e6), Times(1e-6), nn.Linear(8, 8))
    check(tmp_path, model, "f16", "1", "2", among=4)


def test_bf16_holds_them(tmp_path: Path):
    check(tmp_path, net(Scaled(), nn.Linear(8, 8)), "bf16", among=3, tolerance=0.02)


def test_a_norm_of_large_numbers(tmp_path: Path):
    check(tmp_path, net(Norm(careful=False)), "f16", "1", among=2)


def test_what_a_module_does_in_float32_itself_stays_so(tmp_path: Path):
    path = recorded(net(Norm(careful=True)).bfloat16(), tmp_path, torch.randn(3, 8).bfloat16())
    for format_ in ("f16", "bf16"):
        assert not bisect(path, format_, 0.02, lambda _: None).kept


def test_a_softmax_that_needs_more_digits(tmp_path: Path):
    check(tmp_path, net(Sharp()), "bf16", "1", among=2, tolerance=0.05)


def test_the_least_number_masks_in_every_dtype(tmp_path: Path):
    check(tmp_path, net(Masked()), "f16", among=2)
    check(tmp_path, net(Masked()), "bf16", among=2, tolerance=0.03)


def test_an_op_without_a_kernel_is_told(tmp_path: Path):
    check(tmp_path, net(Inverse()), "f16", "1", why="cannot run in f16: aten.linalg_inv")


def test_a_branch_is_its_modules(tmp_path: Path):
    check(tmp_path, net(Branch()), "f16", "1")


def test_int8_minds_large_inputs_and_no_large_outputs(tmp_path: Path):
    torch.manual_seed(0)
    column, row = torch.randn(8, 8), torch.randn(8, 8)
    column[:, 0], row[0] = 3000.0, 3000.0
    silent = torch.eye(8)
    silent[0] = 0
    # What the large column would meet is zero.
    layers = (linear(silent), linear(column))
    for layer in layers:
        nn.init.zeros_(layer.bias)
    check(tmp_path, net(*layers), "int8", "2", among=3)
    check(tmp_path, net(linear(row), nn.LayerNorm(8)), "int8", among=2)


def test_rows_that_are_no_blocks(tmp_path: Path):
    check(tmp_path, net(), "q8_0", "0", among=1, why="rows of 8 are no blocks of 32")


def test_convolutions_both_ways(tmp_path: Path):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(4, 32, 3, groups=2), nn.ConvTranspose1d(32, 6, 2, groups=2))
    inputs = (torch.randn(2, 4, 9),)
    check(tmp_path, model, "int8", among=2, inputs=inputs)
    why = "rows of 6 are no blocks"
    check(tmp_path, model, "q8_0", "0", among=2, inputs=inputs, why=why)


def test_tied_weights_are_rounded_where_they_are_asked_for(tmp_path: Path):
    ids = torch.tensor([[0, 1, 2, 4]])
    found = check(tmp_path, Tied(), "int8", among=2, inputs=(ids,), tolerance=0.05)
    assert [module.path for module in found.modules] == ["table", "head"]
    lowered = Lowered(reload(tmp_path / "net_manifest.json"), "int8")
    outputs = [lowered.outputs(lowered.recording.cases[0], low) for low in ((), ("table",), ("head",))]
    (exact,), (table,), (head,) = (each or [] for each in outputs)
    assert not torch.equal(exact, table) and not torch.equal(exact, head)
    assert not torch.equal(table, head)


def test_a_module_that_is_called_twice_is_one(tmp_path: Path):
    found = check(tmp_path, Twice(), "bf16", among=1, tolerance=0.03)
    lowered = Lowered(reload(tmp_path / "net_manifest.json"), "bf16")
    case = lowered.recording.cases[0]
    outputs = lowered.outputs(case, {"shared"})
    shared = torch.nn.Linear(8, 8)
    shared.load_state_dict({n.removeprefix("shared."): t for n, t in weights(tmp_path).items()})
    (x,) = case.inputs.values()
    twice = shared.bfloat16()(shared.bfloat16()(x.bfloat16()))
    assert outputs and torch.equal(outputs[0], twice)
    assert found.modules[0].path == "shared"


def weights(folder: Path) -> dict[str, Tensor]:
    return load_file(folder / "net.safetensors")


@pytest.mark.parametrize("model", [net(Norm(careful=True), Branch()), Twice(), net(Inverse())])
def test_with_no_module_low_it_is_the_recorded_graph(tmp_path: Path, model: nn.Module):
    recording = reload(recorded(model, tmp_path))
    lowered, graph = Lowered(recording, "f16"), recording.graph
    for case in recording.cases:
        known = recording.weights | case.inputs
        values = evaluate(graph.nodes, known, case.sizes, graph.bindings).values
        ours = lowered.outputs(case, ())
        assert ours is not None
        for tensor, output in zip(ours, graph.outputs, strict=True):
            assert torch.equal(tensor, values[output.value])


def test_a_recording_of_halves_is_held_to_float32(tmp_path: Path):
    path = recorded(net(nn.Linear(8, 8)).bfloat16(), tmp_path, torch.randn(3, 8).bfloat16())
    found = bisect(path, "bf16", 1e-4, lambda _: None)
    assert {module.path for module in found.kept} == {"0", "1"} and found.possible


@pytest.fixture(scope="module")
def crate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("crate")
    recorded(net(Scaled()), folder)
    (folder / "Cargo.toml").write_text(
        '[package.metadata.pycandle]\nmanifests = ["net_manifest.json"]\n'
    )
    return folder


def refused(crate: Path, words: str, format_: str = "f16", tolerance: float | None = None) -> None:
    with pytest.raises(PyCandleError, match=words):
        bisect_crate(crate, "", format_, tolerance, lambda _: None)


def test_the_command(crate: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any):
    for asked, code in ((["--json"], 0), ([], 0), (["--model", "other"], 2)):
        command = ["pycandle", "verify", "--crate", str(crate), "--bisect-precision", "f16", *asked]
        monkeypatch.setattr(sys, "argv", command)
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == code
    said = capsys.readouterr()
    (found,) = json.loads(said.out)["bisections"]
    assert found["kept"] == ["1"] and found["format"] == "f16"
    assert "net in f16: 1 of 2 modules must stay in f32" in said.err
    assert "the crate has no model 'other'" in said.err


def test_without_pytorch(crate: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "pycandle.record.lowered")
    refused(crate, "torch is not installed beside PyCandle")


def test_what_is_missing_or_wrong_is_named(
    crate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    refused(crate, "there is no format 'f8'", "f8")
    refused(crate, "0.0 is no tolerance", tolerance=0.0)
    other = tmp_path / "crate"
    shutil.copytree(crate, other)
    monkeypatch.setenv("PYCANDLE_WEIGHTS_NET", str(tmp_path / "absent.safetensors"))
    refused(other, "the file is not there\n  where: .*absent.safetensors")
    moved = {name: tensor + 1 for name, tensor in weights(crate).items()}
    save_file(moved, tmp_path / "other.safetensors")
    monkeypatch.setenv("PYCANDLE_WEIGHTS_NET", str(tmp_path / "other.safetensors"))
    refused(other, "holds other numbers than were recorded")
    save_file({"0.bias": moved["0.bias"]}, tmp_path / "other.safetensors")
    refused(other, "the checkpoint has no '0.weight'")
    (tmp_path / "other.safetensors").write_bytes(b"no tensors")
    refused(other, "the file is broken")
    trace = other / "net_trace.safetensors"
    save_file({}, trace, {"pycandle.manifest": "another"})
    refused(other, "the trace is of another manifest")
    trace.unlink()
    refused(other, "net_trace.safetensors\n  fix:   record the model again")


def test_a_model_that_computes_nothing(tmp_path: Path):
    path = recorded(Places(), tmp_path, torch.tensor([[1, 2]]))
    found = bisect(path, "f16", 0.01, lambda _: None)
    assert not found.compared and "nothing to compare" in summary([found])
