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
    golden(folder / "graph.txt", text.print_graph(graph))
    check_code(folder, recorded, golden, "model", "parity")


def check_code(folder: Path, recorded: Path, golden, *names: str, **options: str) -> None:
    """The model and its parity tests; `names` are those of the golden files."""
    options |= {"manifest": recorded.name, "model": "", "module": folder.name}
    files = generate_files(recorded, folder.name, options)

    # The digest changes with every manifest and version; the code below it is what is reviewed.
    for name, generated in zip(names, files.values(), strict=True):
        lines = rustfmt(generated).splitlines()[2:]
        golden(folder / f"{name}.rs", "".join(f"{li}\n" for li in lines if "sha256:" not in li))


@pytest.mark.parametrize("folder", MODELS, ids=lambda path: path.name)
def test_a_model_compiles_to_its_golden_files(folder: Path, tmp_path: Path, golden):
    check(folder, tmp_path, golden)


def test_code_without_checks_has_them_in_its_tests(tmp_path: Path, golden):
    folder = Path(__file__).parent / "mlp"
    (recorded,) = record_script(folder / "model.py", folder.name, tmp_path)
    check_code(folder, recorded, golden, "unchecked", "unchecked_parity", checker="false")
