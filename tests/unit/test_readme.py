"""What the README shows of the generated code is generated code."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHOWN = re.compile(
    r"in \[[^\]]+\]\((examples/[^)]+\.rs)\), as PyCandle wrote it:\n\n```rust\n(.*?)```", re.S
)


def check(text: str) -> None:
    """Every excerpt stands in the file that it is said to be from."""
    excerpts = SHOWN.findall(text)
    assert excerpts
    for file, code in excerpts:
        assert code in (ROOT / file).read_text(), file


def test_what_the_readme_shows():
    check((ROOT / "README.md").read_text())
