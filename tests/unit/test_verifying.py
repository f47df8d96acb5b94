"""`pycandle verify` with a cargo that only writes results: what counts, and the exit codes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.test_verify import CALLS, FAILED, HEAD, end

CARGO = """\
#!/bin/sh
mkdir -p "$PYCANDLE_RESULTS"
for mode in isolated cumulative; do
    file="$PYCANDLE_RESULTS/toy.$mode.jsonl"
    [ -f written.jsonl ] && sed s/isolated/$mode/ written.jsonl > "$file"
done
echo "$@" > arguments
[ -f said ] && cat said
exit $(cat code)
"""


CARGO_TOML = "[package.metadata.pycandle]\nmanifests = [{}]\n"
# The run tells of one call more than `CALLS` has.
FAILING = [HEAD | {"calls": 4}, *FAILED, end(["fc", 0, "recorded"])]


def check(
    crate: Path, written: list[object] | None, cargo: int, code: int, words: str, *arguments: str
) -> str:
    """Cargo's tests write these results, and exit with `cargo`; the command exits with `code`."""
    (crate / "bin").mkdir(exist_ok=True)
    (crate / "bin/cargo").write_text(CARGO)
    (crate / "bin/cargo").chmod(0o755)
    if not (crate / "Cargo.toml").exists():
        (crate / "Cargo.toml").write_text(CARGO_TOML.format('"toy_manifest.json"'))
    (crate / "code").write_text(str(cargo))
    if written is not None:
        (crate / "written.jsonl").write_text("".join(f"{json.dumps(d)}\n" for d in written))
    environment = os.environ | {"PATH": f"{crate / 'bin'}:{os.environ['PATH']}"}
    environment.pop("PYCANDLE_RESULTS", None)
    done = subprocess.run(
        [sys.executable, "-m", "pycandle", "verify", *arguments], cwd=crate, env=environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    assert words in done.stderr + done.stdout
    assert "Traceback" not in done.stderr
    return done.stdout


def test_a_pass_and_a_difference(tmp_path: Path):
    check(tmp_path, [HEAD, *CALLS, end()], 0, 0, "2 module calls compared", "--release")
    assert (tmp_path / "arguments").read_text() == "test --no-fail-fast --release -- parity::\n"
    check(tmp_path, FAILING, 101, 1, "look first at fc")


def test_rust_lines_are_those_of_the_files_that_are_checked_in(tmp_path: Path):
    built = [
        d | {"rust": f"/b/out/pycandle/{name}.rs:7"} for d, name in zip(CALLS, "abc", strict=True)
    ]
    (tmp_path / "src/generated").mkdir(parents=True)
    (tmp_path / "src/generated/a.rs").touch()
    said = check(tmp_path, [HEAD, *built, end()], 0, 0, "", "--json")
    places = [call["rust"] for call in json.loads(said)["runs"][0]["calls"]]
    assert places == ["src/generated/a.rs:7", *(d["rust"] for d in built[1:])]


def test_a_run_that_was_cut_short_is_no_pass(tmp_path: Path):
    check(tmp_path, [HEAD, *CALLS], 101, 1, "did not come to its end")


def test_results_of_an_earlier_run_do_not_count(tmp_path: Path):
    check(tmp_path, [HEAD, *CALLS, end()], 0, 0, "2 passed")
    (tmp_path / "written.jsonl").unlink()
    check(tmp_path, None, 0, 5, "nothing was compared")
    check(tmp_path, None, 101, 2, "cargo built no tests")


def test_a_model_that_no_test_compared_is_no_pass(tmp_path: Path):
    both = CARGO_TOML.format('"toy_manifest.json", "other_manifest.json"')
    (tmp_path / "Cargo.toml").write_text(both)
    said = "other cumulative: 0 module calls compared"
    check(tmp_path, [HEAD, *CALLS, end()], 0, 1, said)
    left_out = f'{both}[package.metadata.pycandle.models.other]\nfeatures = ["other"]\n'
    (tmp_path / "Cargo.toml").write_text(left_out)
    check(tmp_path, [HEAD, *CALLS, end()], 0, 0, "2 passed")
    check(tmp_path, None, 0, 2, "name one of: toy, other", "--model", "third")


def test_a_test_that_fails_beside_results_that_pass_is_told(tmp_path: Path):
    (tmp_path / "said").write_text("running 3 tests\nError: the Rust of toy is stale\n")
    written = [HEAD, *CALLS, end()]
    check(tmp_path, written, 101, 2, "a parity test failed: Error: the Rust of toy is stale")


@pytest.mark.parametrize("option", ["--junit", "--summary"])
def test_files_for_others(tmp_path: Path, option: str):
    check(tmp_path, [HEAD, *CALLS, end()], 0, 0, "", option, "out")
    assert "toy" in (tmp_path / "out").read_text()


def test_json_has_each_call(tmp_path: Path):
    said = check(tmp_path, [HEAD, *CALLS, end()], 0, 0, "", "--json")
    run, _ = json.loads(said)["runs"]
    assert (run["passed"], [call["outcome"] for call in run["calls"]]) == (
        True, ["passed", "passed", "elided"]
    )  # fmt: skip
