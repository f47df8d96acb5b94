"""Lines of generated code beside PyTorch: in a faithful model none differs."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from pycandle.record.inside import golden_inputs, values_inside, write_inside
from pycandle.record.reload import reload
from tests.parity.crate import Crate
from tests.parity.drilled import DRILLED, Place, graphs, places

STEP = re.compile(r" let (mut )?\w+ = pycandle_runtime::drill::step\([^;]*;")


def check(crate: Crate, name: str, place: Place, folder: Path) -> int:
    """Every line of a module that ran agrees; how many did."""
    graph, after = graphs(crate.path, name)
    recording = reload(crate.path / "models" / f"{name}_manifest.json")
    region = [(r.path, r.call) for r in graph.regions].index((place.path, place.call))
    trace = crate.path / "models" / f"{name}_trace.safetensors"
    given = recording.weights | golden_inputs(trace, "recorded", graph, region)
    sizes = next(dict(case.symbols) for case in graph.cases if case.name == "recorded")
    wanted = [value for let in place.bound.lets for value in let.values if value]
    found = values_inside(graph, after, region, given, sizes, wanted)
    assert set(found) == set(wanted)
    # Of modules that lack parts of their struct the lines are known, too.
    assert wanted or name != "variants"
    code = (crate.path / "src" / f"drilled_{name}.rs").read_text(encoding="utf-8")
    _, lines = place.lines(STEP.sub("", code))
    write_inside(folder / "drill.safetensors", {line.number: found[line.value] for line in lines})
    target = {"name": name, "case": "recorded", "path": place.path, "call": place.call}
    (folder / "drill.json").write_text(json.dumps(target))
    environment = os.environ | {"PYCANDLE_DRILL": str(folder)}
    crate.run(f"drilled_{name}", "isolated", environment)
    answer = json.loads((folder / "found.json").read_bytes())
    assert answer["error"] == ""
    wrong = [step for step in answer["steps"] if step["status"] == "failed"]
    assert not wrong, [(lines[step["step"] - place.first], step) for step in wrong]
    # Each of them once; a module of one line gives what a layer or a module in it gives.
    assert sorted(step["step"] for step in answer["steps"]) == [line.number for line in lines]
    return len(lines)


@pytest.mark.parametrize("name", DRILLED)
def test_no_line_of_a_faithful_model_differs(crate: Crate, name: str, tmp_path: Path) -> None:
    assert sum(check(crate, name, place, tmp_path) for place in places(crate.path, name)) > 0
