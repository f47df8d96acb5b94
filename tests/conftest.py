"""What every tier shares: `--bless`, which rewrites golden files instead of comparing them."""

from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--bless", action="store_true", help="rewrite golden files")
    parser.addoption("--full", action="store_true", help="run all of the conformance suite")


@pytest.fixture
def golden(request: pytest.FixtureRequest):
    """Compares a text with a golden file, or rewrites the file under `--bless`."""

    def compare(path: Path, text: str) -> None:
        if request.config.getoption("--bless"):
            path.write_text(text, encoding="utf-8")
        expected = path.read_text(encoding="utf-8") if path.exists() else ""
        assert expected == text, f"{path} differs; run `nox -s bless` and review the diff"

    return compare
