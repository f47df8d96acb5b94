"""What the pages of `pycandle report` are tested with, and drawn for the docs: their results."""

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from pycandle.verify import Call, Output, Run
from pycandle.verify.running import Last

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run"
    " --disable-background-networking --disable-component-update --disable-sync"
)
CASES = ("recorded", "larger")
# The mistake that ports of BERT make.
RIGHT, WRONG = "nn::func(ops::gelu,", "nn::func(ops::gelu_tanh,"


@contextmanager
def browser() -> Iterator[Browser]:
    """The system's Chromium, without a window; it fetches nothing of its own."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        yield chromium
        chromium.close()


def broken_minilm(folder: Path, environment: dict[str, str] | None = None) -> Path:
    """The example with a mistake in one line, in a workspace of its own, and its results."""
    toml = (ROOT / "Cargo.toml").read_text(encoding="utf-8")
    toml = toml.replace('path = "crates/', f'path = "{ROOT.as_posix()}/crates/')
    toml = toml.replace(
        'members = ["crates/*", "xtask", "examples/minilm"]', 'members = ["minilm"]'
    )
    (folder / "Cargo.toml").write_text(toml.replace('default-members = ["crates/*"]\n', ""))
    shutil.copy(ROOT / "Cargo.lock", folder)
    example, crate = ROOT / "examples/minilm", folder / "minilm"
    shutil.copytree(example, crate, ignore=shutil.ignore_patterns("models", "target", ".pycandle"))
    # A link, since the recording is large.
    (crate / "models").symlink_to(example / "models")
    (crate / ".pycandle").mkdir()
    code = crate / "src/generated/minilm.rs"
    text = code.read_text(encoding="utf-8")
    assert text.count(RIGHT) == 1
    code.write_text(text.replace(RIGHT, WRONG), encoding="utf-8")
    command = [sys.executable, "-m", "pycandle", "verify", "--crate", str(crate)]
    environment = {**(environment or os.environ), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    return crate


def large(count: int = 2000) -> list[Last]:
    """Results of a model of so many modules in two cases and both modes; one of them is wrong."""
    paths = [("", "Model")]
    for number in range(count):
        paths += [(f"blocks.{number}", "Block")]
        for part in ("attention", "mlp"):
            paths += [(f"blocks.{number}.{part}", part.title())]
            paths += [(f"blocks.{number}.{part}.{i}", "Linear") for i in range(9)]
    block = f"blocks.{count // 50}"
    wrong = f"{block}.mlp.3"
    around = ("", block, f"{block}.mlp", wrong)
    chance = random.Random(1)
    found: list[Last] = []
    for mode in ("isolated", "cumulative"):
        calls: list[Call] = []
        for case in CASES:
            after = False
            for path, class_name in paths[:count]:
                after = after or path == wrong
                bad = path in around or (after and mode == "cumulative")
                error = 10 ** chance.uniform(-8, -6.3) * (3000 if bad else 1)
                calls.append(call(path, class_name, error, case))
        culprit = next(each for each in calls if each.path == wrong)
        run = Run("large", mode, "cpu", CASES, len(calls), tuple(calls), True, culprit, 4.0)
        found.append(Last(run, 0.0))
    return found


def call(
    path: str, class_name: str = "Linear", error: float = 1e-7, case: str = "recorded"
) -> Call:
    """A module call with this error, of which a millionth is allowed."""
    status = "failed" if error > 1e-6 else "passed"
    statistics = {
        "elements": 6144, "nan": [0, 0], "infinite": [0, 0], "max_abs": error * 3,
        "max_rel": error * 50, "rmse": error, "cosine": 1 - error * error, "sqnr": 99.5,
        "ulp": [1.0, 2.0, 19.0, 1201.0], "top": [1.0, 1.0],
    }  # fmt: skip
    output = Output(
        "", f"{case}:{path}#0.0", "f32", (2, 8, 384), status, error, error / 3, 1e-6, error * 3,
        1e-4, error * 4e6, float(status == "failed"), statistics,
    )  # fmt: skip
    reason = "its error is large" if status == "failed" else ""
    return Call(
        case, path, 0, class_name, "torch/nn/modules/linear.py:130", "", "src/generated/x.rs:3",
        status, reason, (output,),
    )  # fmt: skip
