"""The manifest: the graph and its goldens' index as JSON, the contract between all parts.

`{name}_manifest.json` is written once by recording and read by everything else. Equal models give
equal bytes on every machine, so nothing here may depend on time, paths or order of hashing.
"""

from __future__ import annotations

import json
from math import isfinite
from typing import Any, cast

from pycandle.errors import MISFITS, Finding, GraphError, ManifestError
from pycandle.graph import dim
from pycandle.graph.ir import (
    Boundary,
    Case,
    Graph,
    Input,
    Output,
    Parameter,
    Region,
    Static,
    Symbol,
    TensorType,
    Value,
)
from pycandle.graph.spelling import is_spelling
from pycandle.graph.text import parse_binding, parse_guard, parse_node, print_binding, print_node
from pycandle.graph.verify import verify

FORMAT = 1


def dump(graph: Graph) -> str:
    """The manifest's text."""
    document = {
        "format": FORMAT,
        "name": graph.name,
        "torch": graph.torch,
        "class": graph.class_name,
        "symbols": [
            {"name": s.name, "min": s.min, "max": s.max, "recorded": s.recorded}
            for s in graph.symbols
        ],
        **({"bindings": [print_binding(b) for b in graph.bindings]} if graph.bindings else {}),
        "guards": [str(guard) for guard in graph.guards],
        "inputs": [
            {"name": i.name, **_value(i.value), **({"random": i.random} if i.random else {})}
            for i in graph.inputs
        ],
        "outputs": [{"path": o.path, "value": o.value} for o in graph.outputs],
        "parameters": [
            {
                "names": list(p.names),
                **_value(p.value),
                **({"constant": True} if p.constant else {}),
                **({"axes": list(p.axes)} if p.axes else {}),
            }
            for p in graph.parameters
        ],
        **({"constants": graph.constants} if graph.constants else {}),
        "regions": [_region(region) for region in graph.regions],
        "nodes": [print_node(node) for node in graph.nodes],
        "cases": [{"name": c.name, "symbols": dict(c.symbols)} for c in graph.cases],
        "statics": [{"axis": s.axis, "reason": s.reason} for s in graph.statics],
    }
    return json.dumps(document, indent=1, ensure_ascii=True, allow_nan=False) + "\n"


def load(text: str, where: str) -> Graph:
    """Read a manifest; `where` names the file in errors. Raises `ManifestError`."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _broken(f"it is not JSON: {error}", where) from error
    if not isinstance(document, dict):
        raise _broken("it is not a JSON object", where)
    document = cast("dict[str, Any]", document)
    version = document.get("format")
    if version != FORMAT:
        raise ManifestError(
            Finding(
                f"the manifest has format {version!r}, this PyCandle reads format {FORMAT}",
                where,
                "install the PyCandle that wrote it, or run `pycandle record` again",
            )
        )
    try:
        return verify(_graph(document), "reading the manifest")
    except GraphError as error:
        raise ManifestError(
            *(Finding(f.what, where, "run `pycandle record` again") for f in error.findings)
        ) from error
    except MISFITS as error:
        raise _broken(f"{type(error).__name__}: {error}", where) from error


def _broken(what: str, where: str) -> ManifestError:
    return ManifestError(
        Finding(f"the manifest cannot be read: {what}", where, "run `pycandle record` again")
    )


def _value(value: Value) -> dict[str, object]:
    shape = [size if isinstance(size, int) else str(size) for size in value.type.shape]
    return {"value": value.name, "dtype": value.type.dtype, "shape": shape}


def _region(region: Region) -> dict[str, object]:
    return {
        "path": region.path,
        "call": region.call,
        "class": region.class_name,
        "parent": region.parent,
        "source": region.source,
        "site": region.site,
        "targets": list(region.targets),
        **({"attributes": dict(region.attributes)} if region.attributes else {}),
        **({"arguments": dict(region.arguments)} if region.arguments else {}),
        **({"listed": list(region.listed)} if region.listed else {}),
        "inputs": [{"name": b.name, "value": b.value, "golden": b.golden} for b in region.inputs],
        "outputs": [{"path": b.name, "value": b.value, "golden": b.golden} for b in region.outputs],
    }


def _graph(document: dict[str, Any]) -> Graph:
    return Graph(
        name=_name(document["name"]),
        class_name=_text(document["class"]),
        torch=_text(document["torch"]),
        symbols=tuple(
            Symbol(
                _name(s["name"]),
                _size(s["min"]),
                None if s["max"] is None else _size(s["max"]),
                _size(s["recorded"]),
            )
            for s in document["symbols"]
        ),
        bindings=tuple(parse_binding(_text(b)) for b in document.get("bindings", ())),
        guards=tuple(parse_guard(_text(guard)) for guard in document["guards"]),
        inputs=tuple(
            Input(_text(i["name"]), _read_value(i), _text(i.get("random", "")))
            for i in document["inputs"]
        ),
        parameters=tuple(
            Parameter(
                _read_value(p),
                tuple(_text(n) for n in p["names"]),
                p.get("constant", False) is True,
                tuple("" if axis == "" else _name(axis) for axis in p.get("axes", ())),
            )
            for p in document["parameters"]
        ),
        constants=_text(document.get("constants", "")),
        regions=tuple(_read_region(r) for r in document["regions"]),
        nodes=tuple(parse_node(_text(line)) for line in document["nodes"]),
        outputs=tuple(Output(_text(o["path"]), _text(o["value"])) for o in document["outputs"]),
        cases=tuple(
            Case(_text(c["name"]), tuple((k, _size(v)) for k, v in c["symbols"].items()))
            for c in document["cases"]
        ),
        statics=tuple(Static(_text(s["axis"]), _text(s["reason"])) for s in document["statics"]),
    )


def _read_value(entry: dict[str, Any]) -> Value:
    shape = tuple(_size(s) if isinstance(s, int) else dim.parse(_text(s)) for s in entry["shape"])
    return Value(_name(entry["value"]), TensorType(_text(entry["dtype"]), shape))


def _read_region(entry: dict[str, Any]) -> Region:
    return Region(
        path=_text(entry["path"]),
        call=_size(entry["call"]),
        class_name=_text(entry["class"]),
        parent=None if entry["parent"] is None else _size(entry["parent"]),
        source=_text(entry["source"]),
        inputs=tuple(
            Boundary(_text(b["name"]), _text(b["value"]), _text(b["golden"]))
            for b in entry["inputs"]
        ),
        outputs=tuple(
            Boundary(_text(b["path"]), _text(b["value"]), _text(b["golden"]))
            for b in entry["outputs"]
        ),
        site=_text(entry["site"]),
        targets=tuple(_text(name) for name in entry["targets"]),
        attributes=tuple(
            (_name(name), _number(value)) for name, value in entry.get("attributes", {}).items()
        ),
        arguments=tuple(
            (_name(name), _spelling(said)) for name, said in entry.get("arguments", {}).items()
        ),
        listed=_listed(entry["listed"]) if "listed" in entry else None,
    )


def _name(value: object) -> str:
    """What stands in code and in file names as it is."""
    name = _text(value)
    if not (name.isascii() and name.isidentifier()):
        raise ValueError(f"{name!r} is no name")
    return name


def _listed(value: object) -> tuple[str, int]:
    if not isinstance(value, list) or len(cast("list[object]", value)) != 2:
        raise ValueError(f"expected a name and a length, got {value!r}")
    name, length = cast("list[object]", value)
    return _name(name), _size(length)


def _spelling(value: object) -> str:
    spelling = _text(value)
    if not is_spelling(spelling):
        raise ValueError(f"{spelling!r} is neither a name nor a product")
    return spelling


def _size(value: object) -> int:
    if type(value) is not int or not 0 <= value < 2**63:
        raise ValueError(f"expected a size, got {value!r}")
    return value


def _number(value: object) -> int | float:
    if isinstance(value, bool):
        return value
    if isinstance(value, float) and isfinite(value):
        return value
    return _size(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"expected a string, got {value!r}")
    # JSON can hold half a surrogate pair, which is no text in Rust, nor in a checkpoint.
    value.encode("utf-8")
    return value
