"""`pycandle check`: can this model be ported, asked before any Rust is written.

It must not know how findings are shown.
"""

from __future__ import annotations

from pathlib import Path

from pycandle.emit import unsupported
from pycandle.errors import Finding
from pycandle.graph import Graph, manifest


def check(path: Path) -> tuple[Graph, tuple[Finding, ...]]:
    """The model of a recorder script or a manifest, and all that has no lowering in it.

    Raises `RecordError` or `ManifestError` if there is no model to look at.
    """
    if path.suffix == ".json":
        graph = manifest.load(_text(path), str(path))
    else:
        from pycandle.record.script import graph_of_script

        graph = graph_of_script(path)
    return graph, unsupported(graph)


def _text(path: Path) -> str:
    from pycandle.errors import ManifestError

    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestError(
            Finding(f"the manifest cannot be read: {error}", str(path), "correct the path")
        ) from error
