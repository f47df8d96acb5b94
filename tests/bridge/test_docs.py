"""docs/bridge.md lists ways of building and hostile input; each names a test that is there."""

import re
from pathlib import Path

FOLDER = Path(__file__).parent
PAGE = FOLDER.parents[1] / "docs/bridge.md"


def test_every_way_names_a_test():
    folders = (FOLDER, FOLDER.with_name("e2e"), FOLDER.with_name("unit"))
    files = [file for folder in folders for file in folder.glob("test_*.py")]
    tests = "\n".join(path.read_text() for path in files)
    known = {*re.findall(r"^def (test_\w+)", tests, re.MULTILINE)}
    rust = PAGE.parents[1].glob("crates/pycandle-runtime/tests/*.rs")
    known |= {name for file in rust for name in re.findall(r"^fn (\w+)", file.read_text(), re.M)}
    bridge = "\n".join(path.read_text() for path in FOLDER.glob("test_*.py"))
    ways = {*re.findall(r'^    "([^"\n]+)": \($', bridge, re.MULTILINE)}
    known |= ways
    table = PAGE.read_text().partition("## Every way to build")[2]
    lines = [line for line in table.splitlines() if line.startswith("| ")]
    rows = [line.split("|")[-2] for line in lines if not line.endswith("| Test |")]
    named = [re.search("`(.+)`", row) for row in rows]

    assert len(named) > 25
    assert [name[1] for name in named if name and name[1] not in known] == []
    assert ways - {name[1] for name in named if name} <= {
        "fresh code starts no Python that is there"
    }
