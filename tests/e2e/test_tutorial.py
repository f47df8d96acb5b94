"""docs/tutorial.md, run as it is written: its commands in order, its files where it says."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# A block of code, and the file it goes to where the sentence before names one.
BLOCK = re.compile(r"(?:`([^`\n]+)`:\n\n)?```(sh|rust)\n(.*?)```", re.DOTALL)


def test_the_tutorial_works(tmp_path: Path, cargo_environment: dict[str, str]):
    page = (ROOT / "docs/tutorial.md").read_text(encoding="utf-8")
    environment = cargo_environment | {
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
        "GIT_CONFIG_GLOBAL": os.devnull,
        **{f"GIT_{who}_{what}": "a@example.org" for who in ("AUTHOR", "COMMITTER")
           for what in ("NAME", "EMAIL")},
    }  # fmt: skip
    folder = tmp_path
    said: list[str] = []
    blocks = BLOCK.findall(page)
    for file, language, text in blocks:
        if language == "rust":
            (folder / file).parent.mkdir(exist_ok=True)
            (folder / file).write_text(text, encoding="utf-8")
            continue
        done = subprocess.run(
            ["bash", "-e", "-c", text], cwd=folder, env=environment, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
        said.append(done.stdout + done.stderr)
        if (tmp_path / "my_net").exists() and folder == tmp_path:
            folder = tmp_path / "my_net"
            shutil.copy(ROOT / "Cargo.lock", folder / "Cargo.lock")

    assert len(said) == 6 and len(blocks) == 7
    assert "warning" not in said[1], said[1]
    # The isolated, the cumulative and the digest test, and that the weights load.
    assert said[1].count("... ok") == 4, said[1]
    assert re.search(r"class \[\d+\]", said[2])
    assert "my_net_manifest.json" in said[3] or "up to date" in said[3]
    assert "py_check!" not in (folder / "plain/my_net.rs").read_text()
    assert "Packaged" in said[5]
    packed = subprocess.check_output(
        ["cargo", "package", "--list", "--allow-dirty"], cwd=folder, env=environment, text=True
    )
    assert {"src/generated/my_net.rs", ".pycandle/traces/my_net_manifest.json"} <= {
        *packed.splitlines()
    }
    assert "safetensors" not in packed
