"""The dashboard as a user has it: files are written, keys are pressed, and the screen says this."""

import asyncio
import json
import os
import stat
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from textual.pilot import Pilot

from pycandle.dashboard.app import Dashboard
from pycandle.dashboard.signs import ASCII
from tests.hostile import HOSTILE
from tests.unit.test_tensors import write
from tests.unit.test_verify import HEAD, call, end

TIMES = "\N{MULTIPLICATION SIGN}"
WIDE, NARROW = (120, 40), (80, 24)
PATHS = ["", "emb", "layer.0", "layer.0.fc", "layer.1", "layer.1.fc", "head"]


def called(path: str, outcome: str = "passed", error: float = 1.0, **more: object) -> dict:
    made = call(path, outcome, error, "its error is too large" if outcome == "failed" else "")
    outputs: Any = made["outputs"]
    told = [each | {"golden": f"{path}.0", "shape": [2, 3, 4]} for each in outputs]
    return made | {"outputs": told} | more


PASSED = [called(path) for path in PATHS]
FAILED = [
    called("", "failed", 80.0), called("emb"), called("layer.0"), called("layer.0.fc"),
    called("layer.1", "failed", 90.0), called("layer.1.fc", "failed", 800.0), called("head"),
]  # fmt: skip
CULPRIT = ["layer.1.fc", 0, "recorded"]


class Session:
    """A dashboard over a folder that files are written to."""

    def __init__(self, folder: Path, app: Dashboard, pilot: Pilot) -> None:
        self.folder, self.app, self.pilot = folder, app, pilot

    def screen(self) -> str:
        strips = self.app.screen._compositor.render_strips()
        return "\n".join(strip.text.rstrip() for strip in strips)

    def write(self, *documents: object, mode: str = "isolated", new: bool = True, name="toy"):
        with (self.folder / f"{name}.{mode}.jsonl").open("w" if new else "a") as file:
            for each in documents:
                file.write(each if isinstance(each, str) else json.dumps(each) + "\n")

    async def shows(self, *words: str, without: str = "\0") -> str:
        """Wait until the screen has these words, and has not the others."""
        until, screen = time.monotonic() + 20, ""
        while time.monotonic() < until:
            await self.pilot.pause()
            screen = self.screen()
            if all(word in screen for word in words) and without not in screen:
                return screen
            await asyncio.sleep(0.02)
        raise AssertionError(f"{[w for w in words if w not in screen]} not shown:\n{screen}")

    def path(self) -> str:
        row = self.app.modules.row
        return self.app.board.rows[row].key[0] if row is not None else "none"

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)


def head(mode: str = "isolated", calls: int = len(PATHS), **more: object) -> dict:
    return HEAD | {"mode": mode, "calls": calls} | more


def check(
    folder: Path, size: tuple[int, int], steps: Callable[[Session], Awaitable[None]], **options
):
    """A user takes these steps in a terminal of a size."""
    results = folder / "results"
    results.mkdir(exist_ok=True)

    async def run() -> None:
        app = Dashboard(folder, results, **options)
        async with app.run_test(size=size) as pilot:
            await steps(Session(results, app, pilot))

    asyncio.run(run())


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_results_stream_in(tmp_path: Path, size: tuple[int, int]):
    regions = [{"path": path, "call": 0, "class": f"nn.{path or 'Toy'}"} for path in PATHS]
    manifest = tmp_path / "toy_manifest.json"
    manifest.write_text(json.dumps({"regions": regions}))

    async def steps(user: Session) -> None:
        await user.shows("No results yet", "r runs the tests")
        user.write(head(manifest=str(manifest)))
        screen = await user.shows("toy", "0 of 7", "nothing compared")
        assert screen.count("··") == 7
        user.write(*PASSED[:4], json.dumps(PASSED[4])[:30], new=False)
        await user.shows("4 of 7", "100.0% pass", "✓·")
        user.write(json.dumps(PASSED[4])[30:] + "\n", new=False)
        await user.shows("5 of 7")
        user.write(FAILED[5], PASSED[6], end(CULPRIT), new=False)
        screen = await user.shows("7 of 7", "85.7% pass", "✗1")
        # What to look at first was chosen.
        assert user.path() == "layer.1.fc"
        user.write(head(manifest=str(manifest)), PASSED[0])
        await user.shows("1 of 7", "100.0% pass")

    check(tmp_path, size, steps)


def test_failures_are_jumped_to_unless_the_user_has_moved(tmp_path: Path):
    async def steps(user: Session) -> None:
        user.write(head(), *FAILED[:3])
        await user.shows("3 of 7")
        await user.press("down")
        user.write(*FAILED[3:], end(CULPRIT), new=False)
        await user.shows("7 of 7")
        assert user.path() == "emb"
        for key, path in (
            ("c", "layer.1.fc"),
            ("n", ""),
            ("n", "layer.1"),
            ("N", ""),
            ("end", "head"),
        ):
            await user.press(key)
            assert user.path() == path
        await user.press("home", "right", "down", "left")
        await user.shows("▸ layer.0", without="  fc Linear\n ✓· ")
        await user.press("home", "left")
        assert len(user.app.modules.shown) == 1
        await user.shows("▸ (root) 2✗")

    check(tmp_path, WIDE, steps, mode="isolated")


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_the_filter(tmp_path: Path, size: tuple[int, int]):
    async def steps(user: Session) -> None:
        user.write(head(), *FAILED, end(CULPRIT))
        await user.shows("7 of 7")
        await user.press("slash", *"fc", "enter")
        await user.shows("filter: fc", "5 rows", without="head Linear")
        await user.press("f")
        await user.shows("failures only", "(3 rows")
        await user.press("escape")
        await user.shows("head Linear", without="filter:")
        await user.press("slash", *"[red]zz")
        await user.shows("0 rows")
        await user.press("n", "escape")
        await user.shows("head Linear", without="filter:")

    check(tmp_path, size, steps, mode="isolated")


def tensors(folder: Path) -> dict:
    """A call whose tensors are kept, of which one element differs."""
    golden = np.arange(24, dtype="<f4").reshape(2, 3, 4)
    rust = golden.copy()
    rust[1, 2, 3] += 100
    stored = ["F32", [2, 3, 4]]
    write(folder / "toy_trace.safetensors", **{"layer.1.fc.0": (*stored, golden.tobytes())})
    (folder / "results/toy.isolated").mkdir(parents=True)
    write(folder / "results/toy.isolated/0.safetensors", **{"0": (*stored, rust.tobytes())})
    return FAILED[5] | {"tensors": "toy.isolated/0.safetensors"}


@pytest.mark.parametrize("size", [WIDE, NARROW])
@pytest.mark.parametrize("colour", [True, False])
def test_the_heatmap(tmp_path: Path, size: tuple[int, int], colour: bool):
    made = tensors(tmp_path)
    manifest = str(tmp_path / "toy_manifest.json")

    async def steps(user: Session) -> None:
        user.write(head(manifest=manifest), *FAILED[:5], made, FAILED[6], end(CULPRIT))
        await user.shows("7 of 7")
        await user.press("enter", "tab")
        screen = await user.shows(
            f"slice [1, :, :] of 2{TIMES}3{TIMES}4", "[1, 2, 3]: 100", "Rust", "golden"
        )
        assert ("▀" in screen) == colour
        assert ("@" in screen) != colour
        await user.press("right_square_bracket", "3")
        screen = await user.shows("slice [0, :, :]", "difference")
        assert "\n golden" not in screen
        await user.press("w", "2")
        await user.shows("slice [1, :, :]", "golden", without="difference")
        await user.press("up", "4")
        await user.shows("the tensor 'layer.1.0' cannot be read")

    check(tmp_path, size, steps, mode="isolated", colour=colour)


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_sources_and_statistics(tmp_path: Path, size: tuple[int, int]):
    (tmp_path / "toy.py").write_text("class Toy:\n" + "    x = 1\n" * 5 + "    y = '[bold]'\n")
    (tmp_path / "toy.rs").write_text(
        "pub struct Toy {\n    weight: Tensor,\n    bias: Tensor,\n}\n"
    )

    async def steps(user: Session) -> None:
        user.write(head(), *FAILED, end(CULPRIT))
        await user.shows("7 of 7")
        await user.press("enter")
        await user.shows("torch error", "outcome", "its error is too large", f"2{TIMES}3{TIMES}4")
        await user.press("tab", "tab")
        await user.shows(
            ">   7     y = '[bold]'" if size == NARROW else ">   7   y = '[bold]'", ">   3"
        )
        await user.press("tab")
        await user.shows("r runs the tests.")

    check(tmp_path, size, steps, mode="isolated")


def test_hostile_names(tmp_path: Path):
    names = [*HOSTILE, "[bold red]x[/]", "[/nothing]", "日本語.モデル", "a.b" * 500]
    calls = [
        called(name, "failed", 9.0) | {"class": name, "case": name, "reason": name, "source": name,
        "site": name, "rust": name} for name in names
    ]  # fmt: skip

    async def steps(user: Session) -> None:
        user.write(head(calls=len(calls), cases=names, name="[red]toy", device="[blue]"), *calls)
        await user.shows("[red]toy", "[blue]")
        user.write(end([names[0], 0, names[0]]), new=False)
        for key in ("tab", "tab", "tab", "home"):
            await user.press(key, *["down"] * 5)
        await user.press("slash", *"[bold", "enter")
        await user.shows("[bold red]x[/]")

    check(tmp_path, WIDE, steps, mode="isolated")


@pytest.mark.parametrize(
    ("line", "words"),
    [("no json\n", "it is not JSON"),
     (json.dumps(HEAD | {"schema_version": 9}) + "\n", "version 9"),
     ("[]\n", "not a JSON object"), ('{"kind": "call"}\n', "it does not begin with a run")],
)  # fmt: skip
def test_what_cannot_be_read_is_told(tmp_path: Path, line: str, words: str):
    async def steps(user: Session) -> None:
        user.write(line)
        await user.shows(words)
        user.write(head(), *PASSED, end())
        await user.shows("7 of 7", without=words)
        user.write("broken\n", mode="cumulative")
        await user.shows("7 of 7", "it is not JSON")

    check(tmp_path, (160, 24), steps, mode="isolated")


def test_models_and_modes(tmp_path: Path):
    async def steps(user: Session) -> None:
        user.write(head(name="first"), *PASSED, end(), name="first")
        await user.shows("first", "7 of 7")
        user.write(head(name="second"), *FAILED, end(CULPRIT), name="second")
        user.write(head("cumulative", name="second"), *PASSED, name="second", mode="cumulative")
        await user.press("M")
        await user.shows("second", "57.1% pass")
        await user.press("m")
        await user.shows("cumulative", "7 of 7", "100.0% pass", "✗✓")
        await user.press("question_mark")
        await user.shows("next and previous failure", "the first is a module's own verdict")
        await user.press("q")
        await user.shows("second")

    check(tmp_path, WIDE, steps, mode="isolated")


def test_two_thousand_modules_answer_keys(tmp_path: Path):
    paths = [f"layer.{i}{rest}" for i in range(500) for rest in ("", ".a", ".a.b", ".c")]

    async def steps(user: Session) -> None:
        user.write(head(calls=2001), *(called(path) for path in ["", *paths]))
        await user.shows("2001 of 2001")
        await user.press("end")
        screen = await user.shows("layer.499")
        assert screen.count("✓·") < 40
        rows = user.app.board.rows
        user.write(called("layer.499.c", "failed", 9.0, case="smallest"), end(), new=False)
        await user.shows("99.9% pass", "✗·")
        # Only what was told of is new.
        assert sum(old is not new for old, new in zip(rows, user.app.board.rows, strict=True)) == 1

    check(tmp_path, WIDE, steps, mode="isolated")


CARGO = """\
#!/bin/sh
echo $$ > "$PYCANDLE_RESULTS/../pid"
echo "  Compiling [bold]toy" >&2
sleep 60 &
wait
"""


def test_tests_run_beside_and_end_with_the_dashboard(tmp_path: Path, monkeypatch):
    cargo = tmp_path / "bin/cargo"
    cargo.parent.mkdir()
    cargo.write_text(CARGO)
    cargo.chmod(cargo.stat().st_mode | stat.S_IXUSR)
    (tmp_path / "Cargo.toml").write_text(
        '[package.metadata.pycandle]\nmanifests = ["toy_manifest.json"]\n'
    )
    monkeypatch.setenv("PATH", f"{cargo.parent}:{os.environ['PATH']}")

    async def steps(user: Session) -> None:
        await user.shows("tests run; x stops them", "Compiling [bold]toy")
        await user.press("q")

    check(tmp_path, WIDE, steps, run=True)
    pid = (tmp_path / "pid").read_text().strip()
    # Whatever adopted it may not have asked how it ended.
    state = subprocess.run(["ps", "-o", "stat=", "-p", pid], capture_output=True, text=True)
    assert state.stdout.strip()[:1] in ("", "Z")


def test_plain_letters_alone(tmp_path: Path):
    async def steps(user: Session) -> None:
        user.write(head(name="näme"), *FAILED, end(CULPRIT))
        await user.shows("n?me", "7 of 7", "x.")
        for keys in ("tab", "tab", "tab", "question_mark", "q", "slash"):
            await user.press(keys)
            await user.pilot.pause(0.05)
            odd = {letter for letter in user.screen() if not letter.isascii()}
            assert not odd, odd

    check(tmp_path, NARROW, steps, mode="isolated", signs=ASCII, colour=False)


# A terminal for everything but drawing.
COMMAND = """\
import sys
for stream in (sys.stdin, sys.stdout, sys.stderr):
    stream.isatty = lambda: {terminal}
if {missing}:
    sys.modules["textual"] = None
from pycandle.cli import main
sys.argv = ["pycandle", "dashboard", *{arguments}]
main()
"""
LISTED = '[package.metadata.pycandle]\nmanifests = ["a.json"]\n'


@pytest.mark.parametrize(
    ("terminal", "missing", "cargo_toml", "arguments", "code", "words"),
    [
        (False, False, LISTED, [], 2, "the dashboard needs a terminal"),
        (True, False, "", [], 2, "there is no Cargo.toml"),
        (True, False, LISTED, ["--model", "other"], 2, "the crate has no model 'other'"),
        (True, True, LISTED, [], 4, "pip install 'pycandle-rs[dashboard]'"),
    ],
)
def test_what_it_needs(
    tmp_path: Path, terminal: bool, missing: bool, cargo_toml: str, arguments: list[str],
    code: int, words: str,
):  # fmt: skip
    if cargo_toml:
        (tmp_path / "Cargo.toml").write_text(cargo_toml)
    command = COMMAND.format(terminal=terminal, missing=missing, arguments=arguments)
    done = subprocess.run(
        [sys.executable, "-c", command], cwd=tmp_path, env=os.environ | {"TERM": "xterm"},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, words in done.stderr) == (code, True), done.stderr
    assert "Traceback" not in done.stderr
