"""docs/bridge.md lists every way of building; each names a test that is there."""

import re
from pathlib import Path

FOLDER = Path(__file__).parent
PAGE = FOLDER.parents[1] / "docs/bridge.md"


def test_every_way_names_a_test():
    files = (*FOLDER.glob("test_*.py"), *FOLDER.with_name("e2e").glob("test_*.py"))
    tests = "\n".join(path.read_text() for path in files)
    known = {*re.findall(r"^def (test_\w+)", tests, re.MULTILINE)}
    known |= {*re.findall(r'^    "([^"\n]+)": \($', tests, re.MULTILINE)}
    table = PAGE.read_text().partition("## Every way to build")[2]
    rows = [line.split("|")[-2] for line in table.splitlines() if line.startswith("| ")][1:]
    named = [re.search("`(.+)`", row) for row in rows]

    assert len(named) > 25
    assert [name[1] for name in named if name and name[1] not in known] == []
    ways = {name for name in known if not name.startswith("test_")}
    assert ways - {name[1] for name in named if name} <= {
        "fresh code starts no Python that is there"
    }
