"""Small models all the way to Rust: model.py, then graph.txt after the passes, then model.rs.

`nox -s bless` rewrites the files; the diff is what a change does to generated code.
"""

from pathlib import Path

import pytest

from pycandle.bridge import generate_files
from pycandle.crate import rustfmt
from pycandle.graph import manifest, text
from pycandle.passes import run_passes
from pycandle.record.script import record_script

MODELS = sorted(path.parent for path in Path(__file__).parent.glob("*/model.py"))


def check(folder: Path, out: Path, golden) -> None:
    (recorded,) = record_script(folder / "model.py", folder.name, out)
    graph = run_passes(manifest.load(recorded.read_text(), recorded.name))
    options = {"manifest": recorded.name, "model": "", "module": folder.name}
    files = generate_files(recorded, folder.name, options)

    golden(folder / "graph.txt", text.print_graph(graph))
    # The digest changes with every manifest and version; the code below it is what is reviewed.
    code = rustfmt(files[f"{folder.name}.rs"]).split("\n", 2)[2]
    golden(folder / "model.rs", code)
    parity = rustfmt(files[f"{folder.name}_parity.rs"]).split("\n", 2)[2]
    golden(folder / "parity.rs", "\n".join(li for li in parity.splitlines() if "sha256:" not in li) + "\n")


@pytest.mark.parametrize("folder", MODELS, ids=lambda path: path.name)
def test_a_model_compiles_to_its_golden_files(folder: Path, tmp_path: Path, golden):
    check(folder, tmp_path, golden)
