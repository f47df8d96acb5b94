"""`pycandle check`: can this model be ported, asked before any Rust is written.

It must not know how findings are shown.
"""

from __future__ import annotations

from pathlib import Path

from pycandle.emit import unsupported
from pycandle.errors import Finding, ManifestError
from pycandle.graph import Graph, manifest


def check(path: Path) -> tuple[tuple[Graph, ...], tuple[Finding, ...]]:
    """The models of a recorder script or a manifest, and all that has no lowering in them.

    Raises `RecordError` or `ManifestError` if there is no model to look at.
    """
    if path.suffix == ".json":
        graphs = [manifest.load(_text(path), str(path))]
    else:
        from pycandle.record.script import graphs_of_script

        graphs = graphs_of_script(path)
    return tuple(graphs), tuple(finding for graph in graphs for finding in unsupported(graph))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestError(
            Finding(f"the manifest cannot be read: {error}", str(path), "correct the path")
        ) from error
