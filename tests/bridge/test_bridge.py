"""Plain `cargo build` over a recorded model: what it compiles, what it says, what it starts."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Crate

GENERATED = ("ask", "generate")
STUB = {"PYCANDLE_PYTHON": "PYTHON"}
STALE = "src/generated/toy.rs is out of step with models/toy_manifest.json"
BUILT_STALE = (
    f"warning: {STALE}: built from code generated for this build only; "
    "run `pycandle sync` and commit src/generated",
)


def refused(why: str, *places: str, fix: str) -> tuple[str, ...]:
    """The error over stale code that cannot be generated anew."""
    return (
        f"error: the code of `models/toy_manifest.json` is stale, and {why}",
        f"error:   where: {STALE}",
        *(f"error:   where: {place}" for place in places),
        f"error:   fix:   {fix}",
    )


def no_python(*places: str) -> tuple[str, ...]:
    return refused(
        "no Python that can generate it was found",
        *places,
        fix="`pip install pycandle-rs==VERSION` and name that Python in PYCANDLE_PYTHON, or run "
        "`pycandle sync` and commit src/generated",
    )


@dataclass(frozen=True)
class Step:
    """One run of cargo and all that can be seen of it."""

    change: Callable[[Crate], object] = lambda crate: None
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    command: str = "run"
    prints: str | None = None
    """What the program prints; None if the build must fail."""
    says: tuple[str, ...] = ()
    starts: tuple[str, ...] = ()
    runs_script: bool = True


def check(crate: Crate, *steps: Step) -> None:
    """Run the steps in order; PYTHON, CRATE and VERSION in their texts stand for the real ones."""
    for step in steps:
        step.change(crate)
        sources = snapshot(crate)
        environment: dict[str, Any] = {
            k: v.replace("PYTHON", str(crate.python)) for k, v in step.environment.items()
        }
        process = crate.cargo(*step.command.split(), "-v", **environment)
        stdout, stderr = process.communicate()
        ran = re.search(rf"Running .*{crate.name}\b.*build-script-build", stderr) is not None
        found = (
            stdout.strip() if process.returncode == 0 else None,
            said(crate, stderr),
            tuple(crate.starts()),
            ran,
        )
        assert found == (step.prints, step.says, step.starts, step.runs_script), stderr
        assert snapshot(crate) == sources, "a build must not touch the crate"


def said(crate: Crate, stderr: str) -> tuple[str, ...]:
    """What the build script says through cargo."""
    lines = re.findall(rf"^(error|warning): {crate.name}@1\.0\.0: (.*)$", stderr, re.MULTILINE)
    names = {str(crate.python): "PYTHON", str(crate.path): "CRATE", crate.version: "VERSION"}
    texts: list[str] = []
    for kind, text in lines:
        for real, name in names.items():
            text = text.replace(real, name)
        texts.append(f"{kind}: {text}")
    return tuple(texts)


def snapshot(crate: Crate) -> dict[str, tuple[int, bytes]]:
    """All that could change in the crate but cargo's own lock file."""
    return {
        str(path): (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        for path in sorted(crate.path.rglob("*"))
        if path.name != "Cargo.lock"
    }


def record(answer: int) -> Callable[[Crate], object]:
    return lambda crate: crate.record(answer)


def record_in_the_past(crate: Crate) -> None:
    crate.record(2)
    os.utime(crate.manifest, (1, 1))


def stale(**behaviour: str) -> Callable[[Crate], object]:
    def change(crate: Crate) -> None:
        crate.record(2)
        crate.behave(**behaviour)

    return change


def metadata(table: str) -> Callable[[Crate], object]:
    return lambda crate: crate.metadata(table)


def write(path: str, text: str) -> Callable[[Crate], object]:
    return lambda crate: (crate.path / path).write_text(text, encoding="utf-8")


def unlink(path: str) -> Callable[[Crate], object]:
    return lambda crate: (crate.path / path).unlink()


def as_venv(crate: Crate) -> None:
    """The stub is what `.venv` beside the crate holds."""
    crate.record(2)
    folder = crate.path.parent / ".venv/bin"
    folder.mkdir(parents=True)
    (folder / "python").symlink_to(crate.python)


FRESH_BUILD = Step(prints="1")
CASES: dict[str, tuple[Step, ...]] = {
    "fresh code needs no Python, and building again runs nothing": (
        FRESH_BUILD,
        Step(prints="1", runs_script=False),
    ),
    "fresh code starts no Python that is there": (Step(environment=STUB, prints="1"),),
    "fresh code builds offline and on docs.rs": (
        Step(environment={"DOCS_RS": "1"}, prints="1"),
        Step(environment={"PYCANDLE_OFFLINE": "1"}, prints="1"),
        Step(write(".cargo_vcs_info.json", "{}"), prints="1", runs_script=True),
    ),
    "a changed manifest is what gets compiled": (
        FRESH_BUILD,
        Step(record(2), STUB, prints="2", says=BUILT_STALE, starts=GENERATED),
        # Cargo repeats the warning without running the script.
        Step(environment=STUB, prints="2", says=BUILT_STALE, runs_script=False),
        Step(record(3), STUB, prints="3", says=BUILT_STALE, starts=GENERATED),
        Step(lambda crate: crate.sync(), STUB, prints="3"),
        Step(record(1), STUB, prints="1", says=BUILT_STALE, starts=GENERATED),
    ),
    "an option is part of what code is made from": (
        Step(
            metadata('manifests = ["models/toy_manifest.json"]\nmodels.toy.model = "Toy"\n'),
            STUB,
            prints="1",
            says=BUILT_STALE,
            starts=GENERATED,
        ),
    ),
    "checked-in code that is missing appears when synced": (
        Step(
            unlink("src/generated/toy.rs"),
            STUB,
            prints="1",
            says=(BUILT_STALE[0].replace(STALE, "src/generated/toy.rs does not exist"),),
            starts=GENERATED,
        ),
        Step(lambda crate: crate.sync(), prints="1"),
    ),
    "code of another version of the generator is stale": (
        Step(
            lambda crate: crate.sync(pycandle="0.0.1"),
            says=refused(
                "no Python that can generate it was found",
                "python3 (from PATH): not in PATH",
                "python (from PATH): not in PATH",
                fix="`pip install pycandle-rs==VERSION` and name that Python in PYCANDLE_PYTHON, "
                "or run `pycandle sync` and commit src/generated",
            ),
        ),
        Step(lambda crate: crate.sync(), prints="1"),
    ),
    "a file that was touched and not changed starts nothing": (
        FRESH_BUILD,
        Step(lambda crate: crate.manifest.touch(), STUB, prints="1"),
    ),
    "a variable overrides what Cargo.toml says": (
        FRESH_BUILD,
        Step(
            environment={**STUB, "PYCANDLE_GENERATED": "elsewhere"},
            prints="1",
            says=(
                BUILT_STALE[0]
                .replace(STALE, "elsewhere/toy.rs does not exist")
                .replace("src/generated", "elsewhere"),
            ),
            starts=GENERATED,
        ),
        Step(prints="1"),
        Step(
            environment={"PYCANDLE_MODELS_TOY_CHECKER": "maybe"},
            says=(
                "error: `checker` must be `true` or `false`, and is a string",
                "error:   where: the environment variable PYCANDLE_MODELS_TOY_CHECKER",
                "error:   fix:   write `checker = false`",
            ),
        ),
    ),
    "a Python is found in .venv above the crate": (
        Step(as_venv, prints="2", says=BUILT_STALE, starts=GENERATED),
    ),
    "stale code without Python": (
        FRESH_BUILD,
        Step(
            record(2),
            says=no_python("python3 (from PATH): not in PATH", "python (from PATH): not in PATH"),
        ),
        # The failure is not remembered: the same build succeeds once a Python is there.
        Step(as_venv, prints="2", says=BUILT_STALE, starts=GENERATED),
    ),
    "stale code where no process may start": (
        Step(
            record(2),
            {**STUB, "PYCANDLE_OFFLINE": "1"},
            says=refused(
                "PYCANDLE_OFFLINE forbids to run Python",
                fix="run `pycandle sync` and commit src/generated, or unset PYCANDLE_OFFLINE",
            ),
        ),
        Step(
            environment={**STUB, "DOCS_RS": "1"},
            says=refused(
                "docs.rs has no Python",
                fix="run `pycandle sync` and commit src/generated, then publish again",
            ),
        ),
        Step(
            write(".cargo_vcs_info.json", "{}"),
            STUB,
            says=refused(
                "a published crate must not need Python",
                fix="run `pycandle sync` and commit src/generated, then publish again",
            ),
        ),
    ),
    "a named Python that cannot be used": (
        Step(
            record(2),
            {"PYCANDLE_PYTHON": "/no/such/python"},
            says=no_python("/no/such/python (from PYCANDLE_PYTHON): does not exist"),
        ),
        Step(
            stale(python="3.10.9"),
            STUB,
            says=no_python("PYTHON (from PYCANDLE_PYTHON): Python 3.10.9 is older than 3.11"),
            starts=("ask",),
        ),
        Step(
            stale(pycandle=""),
            STUB,
            says=no_python(
                "PYTHON (from PYCANDLE_PYTHON): Python 3.12.1 cannot import pycandle "
                "(ModuleNotFoundError: No module named 'pycandle')"
            ),
            starts=("ask",),
        ),
        Step(
            stale(pycandle="99.0"),
            STUB,
            says=no_python(
                "PYTHON (from PYCANDLE_PYTHON): Python 3.12.1 has pycandle 99.0, "
                "and VERSION is needed"
            ),
            starts=("ask",),
        ),
        Step(
            metadata('manifests = ["models/toy_manifest.json"]\npython = "../absent"\n'),
            says=no_python("CRATE/../absent (from Cargo.toml): does not exist"),
        ),
    ),
    "metadata that is wrong": (
        Step(
            metadata('manifest = "models/toy_manifest.json"\n'),
            says=(
                "error: unknown key `manifest`",
                "error:   where: Cargo.toml:15, [package.metadata.pycandle]",
                "error:   fix:   did you mean `manifests`?",
            ),
        ),
        Step(
            metadata('manifests = "models/toy_manifest.json"\n'),
            says=(
                "error: `manifests` must be an array of strings, and is a string",
                "error:   where: Cargo.toml:15",
                'error:   fix:   write `manifests = ["models/minilm_manifest.json"]`',
            ),
        ),
        Step(
            metadata('manifests = ["models/toy-2.json"]\n'),
            says=(
                "error: `toy-2` cannot be the name of a Rust module",
                "error:   where: Cargo.toml:15",
                'error:   fix:   name one as in `module = "minilm"` in '
                "[package.metadata.pycandle.models.'toy-2']: ASCII letters, digits and `_`, and no "
                "keyword",
            ),
        ),
    ),
    "a missing manifest": (
        Step(
            unlink("models/toy_manifest.json"),
            STUB,
            says=(
                "error: `models/toy_manifest.json` does not exist",
                "error:   where: Cargo.toml:15",
                "error:   fix:   record the model with `pycandle record --script SCRIPT --name toy "
                "--out FOLDER`, or correct the path",
            ),
        ),
    ),
    "a generator that declines tells all of its findings, each in its own lines": (
        Step(
            stale(generate="refuse"),
            STUB,
            says=(
                "error: aten.fft has no lowering",
                "error:   where: mixer, m.py:3",
                "error:   fix:   use stft",
                r'error: a "\u{202e}"\ncargo::rustc-cfg=evil',
                "error:   where: 1",
                "error:   where: 2",
            ),
            starts=GENERATED,
        ),
        Step(stale(), STUB, prints="2", says=BUILT_STALE, starts=GENERATED),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_cargo_build(new_crate: Callable[[str], Crate], case: str) -> None:
    check(new_crate("toy"), *CASES[case])


@pytest.mark.parametrize("folder", ["with space", "naïve-日本", "quo'te$HOME"])
def test_any_folder_can_hold_a_crate(new_crate: Callable[[str], Crate], folder: str) -> None:
    generated = Step(record(2), STUB, prints="2", says=BUILT_STALE, starts=GENERATED)
    check(new_crate(folder), FRESH_BUILD, generated)


def test_a_broken_generator_is_told_in_short(new_crate: Callable[[str], Crate]) -> None:
    crate = new_crate("toy")
    stale(generate="break")(crate)
    process = crate.cargo("build", PYCANDLE_PYTHON=str(crate.python))
    errors = said(crate, process.communicate()[1])
    assert process.returncode != 0
    assert errors[:2] == (
        "error: the code generator broke off: exit status: 1",
        "error:   where: PYTHON -I -m pycandle.bridge",
    )
    assert errors[-2] == "error:   where: ZeroDivisionError: in the emitter"
    log = re.fullmatch(
        "error:   fix:   this is a defect of PyCandle, please report it with (.*)", errors[-1]
    )
    assert log
    assert Path(log[1]).read_text().startswith("Traceback")


def test_a_generator_that_lies_is_not_trusted(new_crate: Callable[[str], Crate]) -> None:
    crate = new_crate("toy")
    stale(generate="write one of two")(crate)
    process = crate.cargo("run", PYCANDLE_PYTHON=str(crate.python))
    stdout, stderr = process.communicate()
    assert stdout == ""
    assert said(crate, stderr)[0] == (
        "error: the code generator did not write `toy_parity.rs` for this "
        "`models/toy_manifest.json`"
    )


def test_a_build_that_is_killed_leaves_nothing_that_is_used(
    new_crate: Callable[[str], Crate],
) -> None:
    crate = new_crate("toy")
    stale(generate="hang half-way")(crate)
    process = crate.cargo("run", PYCANDLE_PYTHON=str(crate.python))
    while not (crate.stub / "half-way").exists():
        assert process.poll() is None, process.communicate()
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert crate.starts() == list(GENERATED)

    crate.behave()
    without = no_python("python3 (from PATH): not in PATH", "python (from PATH): not in PATH")
    check(
        crate,
        Step(says=without),
        Step(environment=STUB, prints="2", says=BUILT_STALE, starts=GENERATED),
    )


def test_two_builds_at_once(
    new_crate: Callable[[str], Crate], tmp_path_factory: pytest.TempPathFactory
) -> None:
    crate = new_crate("toy")
    crate.record(2)
    stub = str(crate.python)
    other = str(tmp_path_factory.mktemp("other"))
    builds = [
        crate.cargo("run", PYCANDLE_PYTHON=stub),
        crate.cargo("run", PYCANDLE_PYTHON=stub),
        crate.cargo("run", PYCANDLE_PYTHON=stub, CARGO_TARGET_DIR=other),
    ]
    results = [(build.communicate()[0], build.returncode) for build in builds]
    assert results == [("2\n", 0)] * 3


def test_an_old_modification_time_is_caught_by_cargo_test(
    new_crate: Callable[[str], Crate],
) -> None:
    """Cargo compares times, so the build cannot notice; the digest in the tests does."""
    crate = new_crate("toy")
    check(crate, Step(prints="1"))
    passed = crate.cargo("test", PYCANDLE_PYTHON=str(crate.python))
    stdout, stderr = passed.communicate()
    assert passed.returncode == 0, stderr
    assert "parity::digest ... ok" in stdout

    record_in_the_past(crate)
    failed = crate.cargo("test", PYCANDLE_PYTHON=str(crate.python))
    stdout, stderr = failed.communicate()
    assert failed.returncode != 0
    assert "stale code" in stdout + stderr
