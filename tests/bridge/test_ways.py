"""Every other way in which people build Rust; `docs/bridge.md` lists all of them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Crate

ROOT = Path(__file__).resolve().parents[2]
HOST = next(
    line.partition(" ")[2]
    for line in subprocess.check_output(["rustc", "-vV"], text=True).splitlines()
    if line.startswith("host: ")
)
NOBODY = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b",
          "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}  # fmt: skip


def build(crate: Crate, *arguments: str, fails: bool = False, **options: Any) -> tuple[str, str]:
    """Run cargo to its end; what it wrote to both streams."""
    process = crate.cargo(*arguments, **options)
    stdout, stderr = process.communicate()
    assert (process.returncode != 0) == fails, stderr
    return stdout, stderr


def commit(folder: Path) -> None:
    """Put all of a folder into a new git repository."""
    for command in (
        ["init", "--quiet"],
        ["add", "--all", "--force"],
        ["commit", "--quiet", "-m", "x"],
    ):
        subprocess.run(["git", *command], cwd=folder, env={**os.environ, **NOBODY}, check=True)


def depend(crate: Crate, dependency: str) -> None:
    """Depend on the bridge in this way, in place of a path."""
    file = crate.path / "Cargo.toml"
    lines = file.read_text(encoding="utf-8").splitlines()
    own = [line.startswith("pycandle-build = ") for line in lines]
    text = "\n".join(dependency if mine else line for mine, line in zip(own, lines, strict=True))
    file.write_text(f"{text}\n", encoding="utf-8")


def patch(folder: Path) -> None:
    """Have cargo take this repository's crates where a registry's are asked for."""
    (folder / ".cargo").mkdir(parents=True, exist_ok=True)
    path = json.dumps(str(ROOT / "crates/pycandle-build"))
    text = f"[patch.crates-io]\npycandle-build = {{ path = {path} }}\n"
    (folder / ".cargo/config.toml").write_text(text, encoding="utf-8")


def within(*command: str) -> tuple[str, ...]:
    """A command in namespaces of its own, if this system lets us have them."""
    unshare = shutil.which("unshare")
    shell = shutil.which("sh")
    if not (unshare and shell):
        pytest.skip("not run: there is no unshare")
    wanted = (unshare, "--map-root-user", "--mount", "--net", shell, "-c", *command, "sh")
    probe = subprocess.run([*wanted[:-2], "true"], capture_output=True, check=False)
    if probe.returncode:
        pytest.skip("not run: this system forbids namespaces")
    return wanted


@pytest.mark.parametrize(
    "arguments",
    [
        ("check",),
        ("clippy", "--", "--deny", "warnings"),
        ("build", "--release"),
        ("build", "--offline", "--locked"),
        ("build", "--target", HOST),
        ("doc", "--no-deps"),
    ],
    ids=" ".join,
)
def test_cargo_in_other_words(new_crate: Callable[[str], Crate], arguments: tuple[str, ...]):
    crate = new_crate("toy")
    build(crate, "check")
    _, stderr = build(crate, *arguments)
    assert "warning" not in stderr
    assert crate.starts() == []


def test_another_target(new_crate: Callable[[str], Crate]):
    sysroot = subprocess.check_output(["rustc", "--print", "sysroot"], text=True).strip()
    installed = {path.parent.name for path in Path(sysroot).glob("lib/rustlib/*/lib")} - {HOST}
    if not installed:
        pytest.skip("not run: no other target is installed, as by `rustup target add`")
    for target in sorted(installed):
        build(new_crate("toy"), "check", "--target", target)


def test_no_network_and_no_place_to_write_but_target(new_crate: Callable[[str], Crate]):
    """As docs.rs builds: the sources are read-only, and nothing can be reached."""
    crate = new_crate("toy")
    (crate.path / "Cargo.lock").unlink(missing_ok=True)
    build(crate, "generate-lockfile", "--offline")
    mount = shutil.which("mount")
    read_only = (
        f'{mount} --bind "$PWD" "$PWD" && {mount} -o remount,bind,ro "$PWD" && cd "$PWD"'
        ' && ! (echo > x) 2>&- && "$@"'
    )
    options: dict[str, Any] = {"DOCS_RS": "1", "PYCANDLE_PYTHON": str(crate.python)}
    stdout, _ = build(crate, "run", "--quiet", within=within(read_only), **options)
    assert stdout == "1\n"
    assert crate.starts() == []


def test_a_packaged_crate_builds_without_python(new_crate: Callable[[str], Crate], tmp_path: Path):
    crate = new_crate("toy")
    depend(crate, f'pycandle-build = "{crate.version}"')
    for folder in (crate.path, tmp_path / "unpacked"):
        patch(folder)
    commit(crate.path)
    target = tmp_path / "package"
    build(crate, "package", "--offline", "--allow-dirty", CARGO_TARGET_DIR=str(target))
    packed = target / f"package/{crate.name}-1.0.0.crate"
    subprocess.run(["tar", "-xzf", packed, "-C", tmp_path / "unpacked"], check=True)
    unpacked = tmp_path / "unpacked" / f"{crate.name}-1.0.0"
    assert (unpacked / ".cargo_vcs_info.json").exists()

    stdout, _ = build(crate, "run", "--quiet", "--offline", cwd=unpacked)
    assert stdout == "1\n"
    (unpacked / "models/toy_manifest.json").write_text('{"answer": 2}')
    _, stderr = build(crate, "build", "--offline", cwd=unpacked, fails=True,
                      PYCANDLE_PYTHON=str(crate.python))  # fmt: skip
    assert "is stale, and a published crate must not need Python" in stderr
    assert crate.starts() == []


def test_what_changes_after_packaging_is_seen(new_crate: Callable[[str], Crate]):
    """Cargo looks at the packaged copy of a build script from then on, in the same target."""
    crate = new_crate("toy")
    depend(crate, f'pycandle-build = "{crate.version}"')
    patch(crate.path)
    commit(crate.path)
    build(crate, "package", "--offline", "--allow-dirty")
    stdout, _ = build(crate, "run", "--quiet", "--offline")
    assert stdout == "1\n"
    (crate.path / "models/toy_manifest.json").write_text('{"answer": 2}')
    stdout, _ = build(crate, "run", "--quiet", "--offline", PYCANDLE_PYTHON=str(crate.python))
    assert stdout == "2\n"


def test_git_and_vendored_sources(new_crate: Callable[[str], Crate], tmp_path: Path):
    clone = tmp_path / "clone"
    shutil.copytree(ROOT / "crates/pycandle-build", clone / "crates/pycandle-build")
    workspace = (ROOT / "Cargo.toml").read_text(encoding="utf-8")
    workspace = workspace.replace('"xtask", "examples/minilm"', "").replace(
        'pycandle = { path', 'pycandle-none = { path')  # fmt: skip
    (clone / "Cargo.toml").write_text(workspace, encoding="utf-8")
    commit(clone)
    crate = new_crate("toy")
    depend(crate, f'pycandle-build = {{ git = "{clone.as_uri()}" }}')
    stdout, _ = build(crate, "run", "--quiet")
    assert stdout == "1\n"

    config, _ = build(crate, "vendor")
    (crate.path / ".cargo").mkdir()
    (crate.path / ".cargo/config.toml").write_text(config, encoding="utf-8")
    empty = str(tmp_path / "home")
    stdout, _ = build(crate, "run", "--quiet", "--offline", "--locked", CARGO_HOME=empty)
    assert stdout == "1\n"
    assert crate.starts() == []


def test_a_workspace(new_crate: Callable[[str], Crate]):
    """Two crates share a model, one under another name of the bridge; a third has no model."""
    crate = new_crate("one")
    root = crate.path.parent
    text = (crate.path / "Cargo.toml").read_text(encoding="utf-8").replace("[workspace]\n", "")
    text = text.replace('"models/toy', '"../models/toy')
    renamed = text.replace("pycandle-build = {", 'bridge = { package = "pycandle-build",')
    texts = {
        "one": text,
        "two": renamed.replace(crate.name, f"{crate.name}-two"),
        "three": text.replace(crate.name, f"{crate.name}-three").replace(
            '["../models/toy_manifest.json"]', "[]"
        ),
    }
    (crate.path / "models").rename(root / "models")
    crate.sync("../models/toy_manifest.json")
    for folder, manifest in texts.items():
        if folder != "one":
            shutil.copytree(crate.path, root / folder)
        (root / folder / "Cargo.toml").write_text(manifest, encoding="utf-8")
    (root / "two/build.rs").write_text("fn main() {\n    bridge::compile()\n}\n")
    (root / "three/src/main.rs").write_text('fn main() {\n    println!("3");\n}\n')
    members = json.dumps([*texts])
    (root / "Cargo.toml").write_text(f'[workspace]\nmembers = {members}\nresolver = "3"\n')
    (crate.path / "Cargo.lock").rename(root / "Cargo.lock")

    build(crate, "build", "--workspace")
    for folder, answer in (("one", "1"), ("two", "1"), ("three", "3")):
        stdout, _ = build(crate, "run", "--quiet", cwd=root / folder)
        assert stdout == f"{answer}\n"
    assert crate.starts() == []
    # Both notice that what they share has changed.
    (root / "models/toy_manifest.json").write_text('{"answer": 5}')
    for folder in ("one", "two"):
        stdout, stderr = build(crate, "run", "--quiet", cwd=root / folder,
                               PYCANDLE_PYTHON=str(crate.python))  # fmt: skip
        assert stdout == "5\n", stderr


def test_an_editor_finds_the_included_file(new_crate: Callable[[str], Crate]):
    """rust-analyzer takes OUT_DIR from this message, and follows `include!` to files of Rust."""
    crate = new_crate("toy")
    stdout, _ = build(crate, "check", "--message-format", "json")
    messages = map(json.loads, stdout.splitlines())
    scripts = [m for m in messages if m["reason"] == "build-script-executed"]
    (out,) = [Path(m["out_dir"]) for m in scripts if crate.name in m["package_id"]]
    assert sorted(path.name for path in (out / "pycandle").iterdir()) == ["toy.rs", "toy_parity.rs"]


@pytest.mark.parametrize("seconds", [0, 0.02, 0.1, 0.2, 0.3, 0.4])
def test_a_build_that_is_killed_at_any_point(new_crate: Callable[[str], Crate], seconds: float):
    crate = new_crate("toy")
    build(crate, "build")
    crate.record(2)
    crate.behave(generate="slowly")
    process = crate.cargo("run", PYCANDLE_PYTHON=str(crate.python))
    while not (crate.stub / "half-way").exists():
        assert process.poll() is None, process.communicate()
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()

    crate.behave()
    stdout, _ = build(crate, "run", "--quiet", PYCANDLE_PYTHON=str(crate.python))
    assert stdout == "2\n"
