"""How long each module takes in PyTorch is recorded beside the manifest, which it leaves as it is."""

import hashlib
import json
from pathlib import Path

from pycandle.graph import manifest
from pycandle.record.script import record_script

FOLDER = Path(__file__).parent / "mlp"


def test_each_module_has_a_time(tmp_path: Path):
    (plain,) = record_script(FOLDER / "model.py", "mlp", tmp_path)
    before = plain.read_bytes()
    assert not (tmp_path / "mlp_times.json").exists()
    (timed,) = record_script(FOLDER / "model.py", "mlp", tmp_path, time=True)

    assert timed.read_bytes() == before
    found = json.loads((tmp_path / "mlp_times.json").read_bytes())
    assert found["manifest"] == hashlib.sha256(before).hexdigest()
    assert found["threads"] == 1 and found["runs"] >= 5
    graph = manifest.load(before.decode(), "mlp")
    assert found["modules"].keys() == {region.path for region in graph.regions}
    # A module takes at least as long as those in it.
    modules = found["modules"]
    assert modules[""] >= modules["features"] >= modules["features.0"] > 0
