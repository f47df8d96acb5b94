"""`[package.metadata.pycandle]`, by the cases that the Rust of the bridge is held to as well."""

import json
from pathlib import Path
from typing import Any

import pytest

from pycandle.errors import ProjectError
from pycandle.metadata import Metadata, read_metadata

CASES: list[dict[str, Any]] = json.loads(Path(__file__).with_name("metadata.json").read_text())


def read(case: dict[str, Any]) -> Metadata:
    text = f"[package]\nname = 'x'\n[package.metadata.pycandle]\n{case['table']}\n"
    return read_metadata(text, case.get("variables", {}))


@pytest.mark.parametrize("case", [c for c in CASES if "options" in c], ids=lambda c: c["table"])
def test_what_can_be_written_is_read(case: dict[str, Any]):
    metadata = read(case)

    lines = ["".join(f"{k}={v}\n" for k, v in m.options.items()) for m in metadata.models]
    assert lines == case["options"]
    assert metadata.generated == case.get("generated", "src/generated")
    features = case.get("features", [[]] * len(lines))
    assert [list(model.features) for model in metadata.models] == features


@pytest.mark.parametrize("case", [c for c in CASES if "error" in c], ids=lambda c: c["table"])
def test_what_is_wrong_is_named(case: dict[str, Any]):
    with pytest.raises(ProjectError) as raised:
        read(case)

    (finding,) = raised.value.findings
    what, where, fix = case["error"]
    # The standard library's parser of TOML does not tell lines.
    assert (finding.what, finding.fix) == (what, fix)
    assert finding.where == where.replace(":4", "").replace(":5", "")
