"""The command: what it prints, and what it returns, for a user's mistakes and for a good run."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pycandle.graph import manifest, text

GOOD = """
graph toy
symbol batch 1.. = 2
input "x" %x: f32[batch, 4]
parameter %w: f32[3, 4] "fc.weight"
region 1 "fc" 0 "torch.nn.modules.linear.Linear" 0
%y: f32[batch, 3] = aten.linear.default(%x, %w) @1 "toy.py:7"
output "" %y
"""
UNSUPPORTED = """
graph toy
symbol batch 1.. = 2
input "x" %x: f32[batch, 4]
region 1 "block" 0 "toy.Block" 0
%a: f32[batch, 4] = aten.special_airy_ai.default(%x) @1 "toy.py:7"
%b: f32[batch, 4] = aten.special_airy_ai.default(%a) @1 "toy.py:7"
%c: f32[batch, 4] = aten.gelu.default(%b, approximate="fast") "toy.py:9" as c
output "" %c
"""


def write(folder: Path, graph: str) -> Path:
    path = folder / "toy_manifest.json"
    parsed = text.parse_graph(graph)
    path.write_text(manifest.dump(parsed))
    return path


def check(arguments: list[str], code: int, cwd: Path, out: str = "", err: str = ""):
    done = subprocess.run(
        [sys.executable, "-m", "pycandle", *arguments], capture_output=True, text=True, cwd=cwd
    )

    assert (done.returncode, done.stdout, done.stderr) == (code, out, err)


def test_codegen_writes_the_model_and_its_parity_tests(tmp_path: Path):
    write(tmp_path, GOOD)

    check(
        ["codegen", "--manifest", "toy_manifest.json", "--out", "src/toy.rs", "--model", "Toy"],
        0,
        tmp_path,
        err="wrote src/toy.rs\nwrote src/toy_parity.rs\n",
    )

    code = (tmp_path / "src/toy.rs").read_text()
    assert "pub struct Toy {" in code
    assert 'nn::linear_no_bias(4, 3, vb.pp("fc"), checker.pp("fc"))?' in code


def test_everything_unsupported_is_told_at_once_and_nothing_is_written(tmp_path: Path):
    write(tmp_path, UNSUPPORTED)

    for command in (
        ["check", "toy_manifest.json"],
        ["codegen", "--manifest", "toy_manifest.json", "--out", "toy.rs"],
    ):
        check(
            command,
            3,
            tmp_path,
            err="""\
error: aten.special_airy_ai.default has no lowering, 2 times
  where: block, toy.py:7
  fix:   rewrite the line, or add the op
error: aten.gelu.default: gelu with approximate='fast'
  where: the model, toy.py:9
  fix:   rewrite that line
2 problems
""",
        )
    assert [path.name for path in tmp_path.iterdir()] == ["toy_manifest.json"]


def test_errors_are_data_too(tmp_path: Path):
    write(tmp_path, UNSUPPORTED)

    done = subprocess.run(
        [sys.executable, "-m", "pycandle", "check", "toy_manifest.json", "--json"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )

    document = json.loads(done.stdout)
    assert [sorted(error) for error in document["errors"]] == [["fix", "what", "where"]] * 2


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["sync"], 2, "there is no Cargo.toml"),
        (["check", "missing.json"], 3, "the manifest cannot be read"),
        (["record", "--script", "missing.py"], 3, "there is no such script"),
        (["codegen", "--manifest", "no.json", "--out", "x.rs"], 3, "cannot be read"),
        (["record", "--script", "broken.py"], 3, "ZeroDivisionError: division by zero"),
        (["record", "--script", "empty.py"], 3, "the script saved no recording"),
        (["frobnicate"], 2, "No such command"),
    ],
)
def test_a_mistake_is_one_clear_message(
    tmp_path: Path, arguments: list[str], code: int, message: str
):
    (tmp_path / "broken.py").write_text("x = 1\nx / 0\n")
    (tmp_path / "empty.py").write_text("")

    done = subprocess.run(
        [sys.executable, "-m", "pycandle", *arguments], capture_output=True, text=True, cwd=tmp_path
    )

    assert done.returncode == code
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def crate(folder: Path, metadata: str) -> None:
    (folder / "Cargo.toml").write_text(f'[package]\nname = "toy"\n{metadata}')


def test_sync_writes_what_the_crate_lists_and_check_compares(tmp_path: Path):
    write(tmp_path, GOOD)
    crate(tmp_path, '[package.metadata.pycandle]\nmanifests = ["toy_manifest.json"]\n')
    written = "wrote src/generated/toy.rs\nwrote src/generated/toy_parity.rs\n"

    check(["sync"], 0, tmp_path, err=written)
    check(["sync"], 0, tmp_path, err="up to date\n")
    check(["sync", "--check"], 0, tmp_path, err="up to date\n")

    generated = tmp_path / "src/generated/toy.rs"
    generated.write_text(generated.read_text().replace("(4, 3,", "(4, 5,"))
    done = subprocess.run(
        [sys.executable, "-m", "pycandle", "sync", "--check"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 1
    assert "nn::linear_no_bias(4, 5," in done.stderr and "run `pycandle sync`" in done.stderr


@pytest.mark.parametrize(
    ("metadata", "message"),
    [("", "no manifest is listed"), ("[package", "Cargo.toml is not valid TOML")],
)
def test_a_wrong_table_is_named(tmp_path: Path, metadata: str, message: str):
    crate(tmp_path, metadata)

    done = subprocess.run(
        [sys.executable, "-m", "pycandle", "sync"], capture_output=True, text=True, cwd=tmp_path
    )

    assert done.returncode == 2
    assert message in done.stderr


def test_spy_is_the_recorder():
    code = "import pycandle, spy; assert spy.GoldenRecorder is pycandle.GoldenRecorder"

    subprocess.run([sys.executable, "-c", code], check=True)


def test_files_that_were_written_are_told_as_json(tmp_path: Path):
    write(tmp_path, GOOD)

    check(
        ["codegen", "--manifest", "toy_manifest.json", "--out", "toy.rs", "--json"], 0, tmp_path,
        out='{"schema_version": 1, "files": [{"path": "toy.rs", "what": "wrote"}, '
        '{"path": "toy_parity.rs", "what": "wrote"}]}\n',
    )  # fmt: skip


def test_what_is_one_call_is_told(tmp_path: Path):
    write(tmp_path, GOOD.replace('output "" %y', '%z: f32[batch, 3] = aten.relu.default(%y) '
                                 '"toy.py:9"\noutput "" %z'))  # fmt: skip
    command = ["codegen", "--manifest", "toy_manifest.json", "--out", "toy.rs"]
    wrote = "wrote toy.rs\nwrote toy_parity.rs\n"
    told = "fused into one call: 1\n  fc + ops::relu\n    in the model (Module, toy.py:9)\n"
    rest = "not fused: 0\ncomputed in one loop: 0\ncomputed once, as no input changes it: 0\n"

    check([*command, "--explain"], 0, tmp_path, out=f"{told}{rest}", err=wrote)
    assert "self.fc.then(ops::relu).forward(x)?" in (tmp_path / "toy.rs").read_text()
    check([*command, "--no-fuse"], 0, tmp_path, err=wrote)
    assert "ops::relu(&self.fc.forward(x)?)?" in (tmp_path / "toy.rs").read_text()
    fusion = {
        "pass": "fusing", "struct": "Module", "modules": [""], "ops": ["fc", "ops::relu"],
        "source": "toy.py:9", "declined": None, "spared_bytes": None,
    }  # fmt: skip
    files = [{"path": f"toy{kind}.rs", "what": "wrote"} for kind in ("", "_parity")]
    document = {"schema_version": 1, "files": files, "fusions": [fusion]}
    check([*command, "--explain", "--json"], 0, tmp_path, out=f"{json.dumps(document)}\n")


def test_a_model_without_state_is_refused(tmp_path: Path):
    write(tmp_path, GOOD)

    check(
        ["codegen", "--manifest", "toy_manifest.json", "--out", "toy.rs", "--stateful"], 2,
        tmp_path, err=(
            "error: no output of the model has the name of an input, so that it has no state\n"
            "  where: the option `stateful`\n"
            "  fix:   let forward return a dict in which state has the name of the argument that "
            'takes it, as `{"out": out, "hidden": hidden}`, or take caches as docs/bridge.md '
            "shows\n"
        ),
    )  # fmt: skip
    assert not (tmp_path / "toy.rs").exists()


def test_another_dtype_than_the_recording_s_is_refused(tmp_path: Path):
    write(tmp_path, GOOD)

    check(
        ["codegen", "--manifest", "toy_manifest.json", "--out", "toy.rs", "--dtype", "f16"], 2,
        tmp_path, err=(
            "error: the model was recorded in f32, and f16 is asked for\n"
            "  where: the option `dtype`\n"
            "  fix:   another dtype rounds otherwise: record the model in it, as with "
            "`model.to(torch.bfloat16)`, or leave the option out\n"
        ),
    )  # fmt: skip
