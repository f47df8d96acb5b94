"""What crates of these tests are built with."""

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def cargo_environment() -> dict[str, str]:
    """The workspace's settings and target, so that its dependencies are not built once more."""
    return os.environ | {
        "CARGO_TARGET_DIR": os.environ.get("CARGO_TARGET_DIR", str(ROOT / "target")),
        "CARGO_PROFILE_DEV_DEBUG": "false",
        "CARGO_NET_OFFLINE": "true",
        "PYCANDLE_PYTHON": sys.executable,
    }
