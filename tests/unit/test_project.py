"""`pycandle new` and `init`: the files that they write, and what they leave alone."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from pycandle.errors import ProjectError
from pycandle.project.architectures import find_architecture
from pycandle.project.cargo_toml import CANDLE, with_model, with_python
from pycandle.project.environment import clone_folder
from pycandle.project.recorder import recorder_script

ROOT = Path(__file__).parents[2]
MIXER = "from torch import nn\n\n\ndef Mixer():\n    return nn.Linear(16, 2)\n"


def run(cwd: Path, *arguments: str, code: int = 0) -> str:
    """What the command says on standard error; on standard output where it is asked for JSON."""
    done = subprocess.run(
        [sys.executable, "-m", "pycandle", *arguments],
        capture_output=True, text=True, cwd=cwd, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout if "--json" in arguments else done.stderr


def snapshot(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".git" not in path.parts
    }


def test_a_new_crate_has_all_that_it_needs(tmp_path: Path):
    said = run(tmp_path, "new", "my-net", "--model", "mixer:Mixer", "--no-record")

    crate = tmp_path / "my-net"
    assert said.splitlines()[-1] == "next: cd my-net && pycandle record && cargo test"
    assert sorted(snapshot(crate)) == [
        ".cargo/config.toml",
        ".gitignore",
        ".pycandle/scripts/recorder.py",
        "Cargo.toml",
        "README.md",
        "build.rs",
        "src/lib.rs",
        "tests/load.rs",
    ]
    script = (crate / ".pycandle/scripts/recorder.py").read_text()
    assert "from mixer import Mixer" in script and 'recorder.save("my_net"' in script
    compile(script, "recorder.py", "exec")
    cargo_toml = tomllib.loads((crate / "Cargo.toml").read_text())
    assert cargo_toml["features"]["default"] == ["caching-allocator"]
    package = cargo_toml["package"]
    assert package["metadata"]["pycandle"] == {
        "manifests": [".pycandle/traces/my_net_manifest.json"],
        "models": {"my_net": {"model": "MyNet"}},
    }
    # A script that only its user can finish says so.
    (crate / "mixer.py").write_text(MIXER)
    refused = run(crate, "record", code=3)
    assert "the script ended: say in" in refused and "what its forward takes" in refused


def test_init_adds_what_is_missing_and_nothing_twice(tmp_path: Path):
    (tmp_path / "src").mkdir()
    mine = {
        "Cargo.toml": '# mine\n[package]\nname = "own"\nversion = "0.3.0"\nedition = "2021"\n\n'
        '[dependencies]\ncandle-core = { version = "0.11.1" }  # pinned\n',
        "build.rs": "fn main() {\n    println!();\n}\n",
        "src/main.rs": "fn main() {}\n",
        ".gitignore": "target",
    }
    for name, text in mine.items():
        (tmp_path / name).write_text(text)
    arguments = ["init", "--no-venv", "--name", "head", "--json"]

    first = json.loads(run(tmp_path, *arguments))["files"]
    made = snapshot(tmp_path)
    # Another crate's allocator is its own affair.
    assert "default" not in tomllib.loads(made["Cargo.toml"].decode())["features"]
    assert {file["path"]: file["what"] for file in first} == {
        "Cargo.toml": "changed",
        ".cargo/config.toml": "made",
        ".gitignore": "changed",
        "src/main.rs": "changed",
        ".pycandle/scripts/recorder.py": "made",
        "build.rs": "kept",
    }
    for name, text in mine.items():
        lines = iter(made[name].decode().splitlines())
        assert all(line in lines for line in text.splitlines()), f"{name} is the user's"
    assert made["build.rs"].decode() == mine["build.rs"]
    assert first[-1]["advice"] == "call `pycandle_build::compile()` in its main"

    again = json.loads(run(tmp_path, *arguments))["files"]
    assert [file["path"] for file in again] == ["build.rs"]
    assert snapshot(tmp_path) == made

    # A second model comes beside the first.
    run(tmp_path, "init", "--no-venv", "--name", "tail")
    table = tomllib.loads((tmp_path / "Cargo.toml").read_text())["package"]["metadata"]["pycandle"]
    assert [Path(path).name for path in table["manifests"]] == [
        "head_manifest.json", "tail_manifest.json",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["new", "net", "--model", "tensorflow/Bert"], 2, "did you mean `transformers/Bert`"),
        (["new", "2net"], 2, "`2net` cannot name a model"),
        (["new", "fn"], 2, "`fn` cannot name a model"),
        (["init", "--no-venv"], 2, "there is no crate here"),
        (["completion", "tcsh"], 2, "use one of bash, zsh, fish"),
    ],
)
def test_a_mistake_leaves_nothing_behind(
    tmp_path: Path, arguments: list[str], code: int, message: str
):
    assert message in run(tmp_path, *arguments, code=code)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("transformers/Nothing", "no architecture is called"),
        ("a b:C", "`a b:C` is no Python name"),
        ("resnet18", "write `timm/resnet18` or `torchvision/"),
        ("timm/resnet17", "did you mean `resnet"),
    ],
)
def test_what_no_library_has_is_refused(model: str, message: str):
    with pytest.raises(ProjectError, match=message):
        find_architecture(model)


@pytest.mark.parametrize(
    ("model", "lines"),
    [
        ("GPT2", ["from transformers import GPT2Config, GPT2Model", "input_ids = torch.randint("]),
        (
            "GPT2",
            ["recorder.record(model, input_ids=input_ids[:, 12:], past_key_values=past_key_values"],
        ),
        ("transformers/ViTModel", ["pixel_values = torch.randn(2, 3, 224, 224)"]),
        ("torchvision/inception_v3", ["x = torch.randn(2, 3, 299, 299)"]),
        ("r3d_18", ["x = torch.randn(2, 3, 16, 112, 112)"]),
        ("timm/test_vit", ['model = timm.create_model("test_vit", pretrained=False)']),
    ],
)
def test_a_recorder_makes_the_model_and_its_inputs(model: str, lines: list[str]):
    script = recorder_script("net", find_architecture(model))
    compile(script, "recorder.py", "exec")
    assert all(line in script for line in lines), script


def test_a_folder_that_is_there_stays(tmp_path: Path):
    (tmp_path / "net").mkdir()
    assert "already exists" in run(tmp_path, "new", "net", code=2)
    assert list((tmp_path / "net").iterdir()) == []


@pytest.mark.parametrize("text", ["package = 3", "[package]\nname = 'x'\nmetadata = 3", "[["])
def test_a_table_that_is_none_is_refused(text: str):
    with pytest.raises(ProjectError):
        with_model(text, Path("Cargo.toml"), "x_manifest.json", "x", {"model": "X"}, root=True)


def test_a_configuration_keeps_its_own():
    text = '[env]\nPYCANDLE_PYTHON = "mine"\n[patch.crates-io]\nserde = { path = "serde" }\n'
    made = tomllib.loads(with_python(text, Path("config.toml"), "theirs", ROOT))
    assert made["env"] == {"PYCANDLE_PYTHON": "mine"}
    patched = made["patch"]["crates-io"]
    assert patched["serde"] == {"path": "serde"}
    assert patched["pycandle-build"] == {"path": str(ROOT / "crates/pycandle-build")}


def test_new_crates_get_the_version_of_candle_that_the_runtime_has():
    workspace = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]
    assert workspace["dependencies"]["candle-core"] == CANDLE
    assert clone_folder() == ROOT


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_commands(tmp_path: Path, shell: str):
    done = subprocess.run(
        [sys.executable, "-m", "pycandle", "completion", shell],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "_PYCANDLE_COMPLETE" in done.stdout
    words = {"COMP_WORDS": "pycandle re", "COMP_CWORD": "1", "_TYPER_COMPLETE_ARGS": "pycandle re"}
    found = subprocess.run(
        [sys.executable, "-m", "pycandle"],
        env={**words, "_PYCANDLE_COMPLETE": f"complete_{shell}",
             "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert re.search(r"\brecord\b", found.stdout), found


def test_help_is_quick_and_loads_no_torch():
    code = (
        "import sys, time; start = time.process_time(); sys.argv = ['pycandle', '--help']\n"
        "import pycandle.cli\n"
        "try: pycandle.cli.main()\n"
        "except SystemExit: pass\n"
        "assert not {'torch', 'numpy', 'transformers', 'tomlkit'} & {*sys.modules}\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_init_again_with_the_same_model_has_nothing_to_add(tmp_path: Path):
    run(tmp_path, "new", "net", "--model", "mixer:Mixer", "--no-record")
    again = ("init", "--crate", "net", "--no-venv", "--model")
    assert run(tmp_path, *again, "mixer:Mixer") == "nothing to add\n"
    assert "record Other of mixer in it" in run(tmp_path, *again, "mixer:Other")
