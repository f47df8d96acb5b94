"""A model's graph as an ONNX file that Netron opens: names, ops, types and places, no weights.

Ops are ATen's, in the domain `aten`, so that no runtime runs it: it is for looking at. It must not
know how results are made.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from pycandle.graph.ir import Arg, Graph, Node, Parameter, Ref, TensorType, Value
from pycandle.graph.text import print_node
from pycandle.verify.explorer import Modules, label
from pycandle.verify.results import MODES

# Numbers of fields and of dtypes are those of onnx.proto.
_DTYPES = {
    "f32": 1, "u8": 2, "i8": 3, "i16": 5, "i32": 6, "i64": 7, "bool": 9, "f16": 10, "f64": 11,
    "c64": 14, "c128": 15, "bf16": 16,
}  # fmt: skip
_IR_VERSION, _OPSET, _EXTERNAL = 8, 17, 1


def model(graph: Graph, modules: Modules, version: str) -> bytes:
    """The file: a `ModelProto`."""
    opsets = b"".join(
        _bytes(8, _text(1, domain) + _number(2, number))
        for domain, number in (("", _OPSET), ("aten", 1))
    )
    producer = _text(2, "pycandle") + _text(3, version)
    return _number(1, _IR_VERSION) + opsets + producer + _bytes(7, _graph(graph, modules))


def _graph(graph: Graph, modules: Modules) -> bytes:
    types = graph.types
    wanted = {entry.value.name: entry.names[0] for entry in graph.parameters}
    wanted |= {entry.value.name: entry.name for entry in graph.inputs}
    # A name that is another value's would join the two.
    names = {value: name for value, name in wanted.items() if name not in types}
    nodes = (_node(graph, i, node, modules, names) for i, node in enumerate(graph.nodes))
    known = (Value(names.get(out.name, out.name), out.type) for n in graph.nodes for out in n.outs)
    given = (entry.value for entry in graph.inputs)
    inputs = (Value(names.get(value.name, value.name), value.type) for value in given)
    returned = dict.fromkeys(output.value for output in graph.outputs)
    outputs = (Value(names.get(name, name), types[name]) for name in returned)
    return b"".join((
        *(_bytes(1, node) for node in nodes), _text(2, graph.name),
        *(_bytes(5, _initializer(graph, entry, names)) for entry in graph.parameters),
        _text(10, f"{graph.class_name}, recorded with PyTorch {graph.torch}"),
        *(_bytes(11, _value(value)) for value in inputs),
        *(_bytes(12, _value(value)) for value in outputs),
        *(_bytes(13, _value(value)) for value in known),
    ))  # fmt: skip


def _node(graph: Graph, i: int, node: Node, modules: Modules, names: dict[str, str]) -> bytes:
    region = graph.regions[node.region]
    module = modules.get((region.path, region.call))
    words = [f"{region.path or '(root)'} ({region.class_name})", node.source]
    if module:
        used = ((mode, module.used(mode)) for mode in MODES)
        words.append(f"parity: {module.outcome}")
        words += [f"{mode}: {part:.3g} of the limit" for mode, part in used if part is not None]
    scope = "/".join(("", *filter(None, region.path.split(".")), f"{label(node)}_{i}"))
    return b"".join((
        *(_text(1, names.get(name, name)) for name in node.inputs),
        *(_text(2, out.name) for out in node.outs),
        _text(3, scope), _text(4, label(node)),
        *(_bytes(5, attribute) for attribute in _attributes(node)),
        _text(6, "\n".join([*filter(None, words), print_node(node)])), _text(7, "aten"),
    ))  # fmt: skip


def _attributes(node: Node) -> Iterator[bytes]:
    """Arguments that are no tensors; those without a name are called by their place."""
    yield _attribute("overload", node.op)
    for name, arg in ((f"argument_{i}", arg) for i, arg in enumerate(node.args)):
        if arg is not None and not _reads(arg):
            yield _attribute(name, arg)
    for name, arg in node.kwargs:
        if arg is not None and not _reads(arg):
            yield _attribute(name, arg)


def _reads(arg: Arg) -> bool:
    return isinstance(arg, Ref) or (isinstance(arg, tuple) and any(map(_reads, arg)))


def _attribute(name: str, arg: Arg) -> bytes:
    match arg:
        case bool() | int() if -(2**63) <= arg < 2**63:
            return _text(1, name) + _number(3, int(arg)) + _number(20, 2)
        case float():
            return _text(1, name) + _tag(2, 5) + struct.pack("<f", _single(arg)) + _number(20, 1)
        case _:
            text = arg if isinstance(arg, str) else type(arg).__name__
            if isinstance(arg, tuple):
                text = f"[{', '.join(map(str, arg))}]"
            elif not isinstance(arg, str) and hasattr(arg, "terms"):
                text = str(arg)
            return _text(1, name) + _text(4, text) + _number(20, 3)


def _single(number: float) -> float:
    """The nearest number of float32, infinite where there is none."""
    try:
        return struct.unpack("<f", struct.pack("<f", number))[0]
    except OverflowError:
        return float("inf") if number > 0 else float("-inf")


def _initializer(graph: Graph, parameter: Parameter, names: dict[str, str]) -> bytes:
    """A parameter by name, dtype and shape; its numbers stay in the checkpoint."""
    kind = parameter.value.type
    file = f"{graph.name}{'_constants' if parameter.constant else ''}.safetensors"
    sizes = (size for size in kind.shape if isinstance(size, int))
    name = names.get(parameter.value.name, parameter.value.name)
    return b"".join((
        *(_number(1, size) for size in sizes), _number(2, _DTYPES[kind.dtype]),
        _text(8, name), _bytes(13, _text(1, "location") + _text(2, file)),
        _number(14, _EXTERNAL),
    ))  # fmt: skip


def _value(value: Value) -> bytes:
    return _text(1, value.name) + _bytes(2, _type(value.type))


def _type(kind: TensorType) -> bytes:
    sizes = (_number(1, s) if isinstance(s, int) else _text(2, str(s)) for s in kind.shape)
    shape = b"".join(_bytes(1, size) for size in sizes)
    return _bytes(1, _number(1, _DTYPES[kind.dtype]) + _bytes(2, shape))


def _tag(field: int, wire: int) -> bytes:
    return _varint(field << 3 | wire)


def _number(field: int, number: int) -> bytes:
    return _tag(field, 0) + _varint(number % 2**64)


def _text(field: int, text: str) -> bytes:
    return _bytes(field, text.encode("utf-8", "replace"))


def _bytes(field: int, data: bytes) -> bytes:
    return _tag(field, 2) + _varint(len(data)) + data


def _varint(number: int) -> bytes:
    groups: list[int] = []
    while number > 127:
        groups.append(number & 127 | 128)
        number >>= 7
    return bytes([*groups, number])
