"""Coverage-guided fuzzing of the two readers of what others write, by atheris.

`python -m tests.fuzz manifest` or `metadata`; what follows goes to libFuzzer, as
`-max_total_time=60`. A reader may take any bytes or refuse them with its own error. Everything else
ends the run, with the input in a file.
"""

# Only `nox -s fuzz` installs atheris.
# pyright: reportMissingModuleSource=false, reportAttributeAccessIssue=false

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import atheris

with atheris.instrument_imports():
    from pycandle.emit import generate
    from pycandle.errors import PyCandleError
    from pycandle.graph import manifest, text
    from pycandle.metadata import read_metadata

from tests.bridge.test_hostile import NAMED

TABLES = (
    "[package.metadata.pycandle]\nmanifests = ['a/toy_manifest.json', '../b.json']\n",
    "[package.metadata.pycandle]\nmanifests = ['toy.json']\ngenerated = 'gen/x'\npython = 'p'\n"
    "[package.metadata.pycandle.models.toy]\nmodule = 'm'\nmodel = 'M'\nfeatures = ['f']\n"
    "checker = false\nstateful = true\ndtype = 'bf16'\n",
)


def read_manifest(data: bytes) -> None:
    """A manifest, and the code of one that is read."""
    generate(data.decode("utf-8", "replace"), "toy", {}, "sha256:0", "")


def read_table(data: bytes) -> None:
    """A Cargo.toml."""
    read_metadata(data.decode("utf-8", "replace"), {})


READERS: dict[str, tuple[Callable[[bytes], None], tuple[str, ...]]] = {
    "manifest": (read_manifest, (manifest.dump(text.parse_graph(NAMED)),)),
    "metadata": (read_table, TABLES),
}


def main() -> None:
    if len(sys.argv) < 2 or sys.argv[1] not in READERS:
        sys.exit(f"usage: python -m tests.fuzz {'|'.join(READERS)} [-max_total_time=SECONDS]")
    read, seeds = READERS[sys.argv[1]]

    def one(data: bytes) -> None:
        with suppress(PyCandleError):
            read(data)

    with tempfile.TemporaryDirectory() as corpus:
        for k, seed in enumerate(seeds):
            Path(corpus, str(k)).write_text(seed, encoding="utf-8")
        atheris.Setup([sys.argv[0], *sys.argv[2:], "-print_final_stats=1", corpus], one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
