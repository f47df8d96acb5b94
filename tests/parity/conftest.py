"""One crate for the whole session: every model, compiled together once."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

# Whatever starts pytest, and wherever: the models are recorded under one and the same name.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.parity import numbers
from tests.parity.crate import TARGET, Crate, Module, compile_crate, write_crate
from tests.parity.drilled import DRILLED, everywhere
from tests.parity.models import MODELS
from tests.parity.recording import record


@pytest.fixture(scope="session")
def crate() -> Crate:
    """All models recorded, generated and compiled."""
    path = TARGET / "parity"
    for name in MODELS:
        record(name, path / "models")
    (path / "seeds").mkdir(exist_ok=True)
    for name in numbers.SEEDED:
        shutil.copy(path / "models" / f"{name}_manifest.json", path / "seeds")
    modules = [
        *(Module(name, name) for name in MODELS),
        *(Module(f"seeded_{name}", name, "seeds", numbers.EDITS) for name in numbers.SEEDED),
        *(Module(f"drilled_{name}", name, change=everywhere(path, name)) for name in DRILLED),
    ]
    write_crate(path, modules, numbers.SUPPORT)
    return compile_crate(path)
