"""The text form of nodes and graphs: one node a line, and a parser that reads it back.

    %a: f32[batch, 8] = aten.softmax.int(%x, -1, dtype=f32) @3 "model.py:6" as scores

The blocks of a branch or a loop stand in braces, with a line for each of their nodes:

    %y: i64[] = higher_order.while_loop(%n, {(%i: i64[])
      %lt: bool[] = aten.lt.Scalar(%i, 9)
      yield %lt
    }, {(%i: i64[])
      %add: i64[] = aten.add.Tensor(%i, 1)
      yield %add
    })

Manifests store nodes in this form, and tests of passes are two such texts. It knows no op.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from math import isfinite

from pycandle.errors import Finding, ManifestError
from pycandle.graph import dim
from pycandle.graph.dim import Dim, Size
from pycandle.graph.ir import (
    DTYPES,
    Arg,
    Binding,
    Block,
    DType,
    Graph,
    Guard,
    Input,
    Node,
    Output,
    Parameter,
    Ref,
    Region,
    Symbol,
    TensorType,
    Value,
)

_NODE = re.compile(
    r"(?P<outs>%.+?) = (?P<op>[\w.]+)\((?P<args>.*)\)"
    r"(?: @(?P<region>\d+))?(?: (?P<source>\"(?:[^\"\\]|\\.)*\"))?(?: as (?P<targets>[\w, ]+?))?"
    r"(?: in (?P<functions>[\w.]+))?"
    r"(?: named (?P<named>\w+=[\w.+-]+(?:, \w+=[\w.+-]+)*))?"
)
_VALUE = re.compile(r"%(\w+): (\w+)\[([^\]]*)\]")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_REFERENCE = "__ref_"
_BLOCK = "__block_"


def print_graph(graph: Graph) -> str:
    """The graph as text; `parse_graph` reads it back, golden keys and cases excepted."""
    lines = [f"graph {graph.name}"]
    for symbol in graph.symbols:
        upper = "" if symbol.max is None else symbol.max
        lines.append(f"symbol {symbol.name} {symbol.min}..{upper} = {symbol.recorded}")
    lines += [f"binding {print_binding(binding)}" for binding in graph.bindings]
    lines += [f"guard {guard}" for guard in graph.guards]
    for entry in graph.inputs:
        drawn = f" random {json.dumps(entry.random)}" if entry.random else ""
        lines.append(f"input {json.dumps(entry.name)} {print_value(entry.value)}{drawn}")
    for parameter in graph.parameters:
        names = " ".join(json.dumps(name) for name in parameter.names)
        kind = "constant" if parameter.constant else "parameter"
        axes = f" axes {' '.join(axis or '_' for axis in parameter.axes)}" if parameter.axes else ""
        lines.append(f"{kind} {print_value(parameter.value)} {names}{axes}")
    for index, region in enumerate(graph.regions[1:], 1):
        lines.append(
            f"region {index} {json.dumps(region.path)} {region.call}"
            f" {json.dumps(region.class_name)} {region.parent}"
            + (f" {json.dumps(dict(region.attributes))}" if region.attributes else "")
            + (f" made {json.dumps(dict(region.arguments))}" if region.arguments else "")
            + (f" of {region.listed[0]}={region.listed[1]}" if region.listed else "")
        )
    lines += [print_node(node) for node in graph.nodes]
    lines += [f"output {json.dumps(output.path)} %{output.value}" for output in graph.outputs]
    return "\n".join(lines) + "\n"


def print_node(node: Node) -> str:
    """One node as a line, and a line more for each of its blocks'; `parse_node` reads it back."""
    outs = ", ".join(print_value(out) for out in node.outs)
    args = [print_arg(arg) for arg in node.args]
    args += [f"{name}={print_arg(arg)}" for name, arg in node.kwargs]
    text = f"{outs} = {node.op}({', '.join(args)})"
    if node.region:
        text += f" @{node.region}"
    if node.source:
        text += f" {json.dumps(node.source)}"
    if node.targets:
        text += f" as {', '.join(node.targets)}"
    if node.functions:
        text += f" in {'.'.join(node.functions)}"
    if node.named:
        text += f" named {', '.join(f'{name}={number!r}' for name, number in node.named)}"
    return text


def print_value(value: Value) -> str:
    """A value with its type: `%x: f32[batch, 8]`."""
    return f"%{value.name}: {value.type}"


def print_binding(binding: Binding) -> str:
    """A symbol, its range and the value that binds it: `count 0.. = %positions`."""
    upper = "" if binding.max is None else binding.max
    return f"{binding.name} {binding.min}..{upper} = %{binding.value}"


def print_arg(arg: Arg) -> str:
    """An argument as it stands in a node's list."""
    match arg:
        case Ref(name=name):
            return f"%{name}"
        case tuple():
            return f"[{', '.join(print_arg(item) for item in arg)}]"
        case Block():
            return _print_block(arg)
        case DType() | Dim() | Guard() | bool() | int() | None:
            return str(arg)
        case float():
            # `repr` round-trips every finite float; the others have no literal in Python.
            return repr(arg) if arg == arg and abs(arg) != float("inf") else f'float("{arg}")'
        case complex(real=real, imag=imag):
            return f"complex({print_arg(real)}, {print_arg(imag)})"
        case str():
            return json.dumps(arg)


def parse_graph(text: str) -> Graph:
    """Read a graph's text form. Raises `ManifestError` that names the line."""
    graph: dict[str, list[object]] = {}
    name = ""
    for number, line in _statements(text):
        if not line or line.startswith("#"):
            continue
        try:
            kind, _, rest = line.partition(" ")
            if kind == "graph":
                name = rest
            elif kind in _PARSERS:
                kept = "parameter" if kind == "constant" else kind
                graph.setdefault(kept, []).append(_PARSERS[kind](rest))
            else:
                graph.setdefault("node", []).append(parse_node(line))
        except ValueError as error:
            raise ManifestError(
                Finding(f"cannot read the graph: {error}", f"line {number}: {line.splitlines()[0]}")
            ) from error
    return Graph(
        name=name,
        symbols=tuple(graph.get("symbol", ())),  # type: ignore[arg-type]
        bindings=tuple(graph.get("binding", ())),  # type: ignore[arg-type]
        guards=tuple(graph.get("guard", ())),  # type: ignore[arg-type]
        inputs=tuple(graph.get("input", ())),  # type: ignore[arg-type]
        parameters=tuple(graph.get("parameter", ())),  # type: ignore[arg-type]
        regions=(Region("", 0, "Model", None, ""), *graph.get("region", ())),  # type: ignore[arg-type]
        nodes=tuple(graph.get("node", ())),  # type: ignore[arg-type]
        outputs=tuple(graph.get("output", ())),  # type: ignore[arg-type]
    )


def parse_node(text: str) -> Node:
    """Read one node. Raises `ValueError`."""
    text, blocks = _take_blocks(text)
    match = _NODE.fullmatch(text)
    if match is None:
        raise ValueError("expected `%name: dtype[shape] = op(arguments)`")
    outs = tuple(parse_value(value[0]) for value in _VALUE.finditer(match["outs"]))
    if ", ".join(print_value(out) for out in outs) != match["outs"]:
        raise ValueError("expected `%name: dtype[shape], ... = op(arguments)`")
    call = ast.parse(f"f({_mark_references(match['args'])})", mode="eval").body
    if not isinstance(call, ast.Call):
        raise ValueError("expected an argument list")
    return Node(
        op=match["op"],
        args=tuple(_parse_arg(arg, blocks) for arg in call.args),
        kwargs=tuple((k.arg or "", _parse_arg(k.value)) for k in call.keywords),
        outs=outs,
        region=int(match["region"] or 0),
        source=json.loads(match["source"]) if match["source"] else "",
        targets=tuple(match["targets"].split(", ")) if match["targets"] else (),
        functions=tuple(match["functions"].split(".")) if match["functions"] else (),
        named=tuple(map(_parse_named, match["named"].split(", "))) if match["named"] else (),
    )


def _parse_named(text: str) -> tuple[str, int | float]:
    """A number and its name: `head_dim=64`."""
    name, _, number = text.partition("=")
    value = float(number) if re.search(r"[^\d-]", number) else int(number)
    if not name.isascii() or not name.isidentifier() or not isfinite(value):
        raise ValueError(f"expected a name and a number, got {text!r}")
    return name, value


def parse_value(text: str) -> Value:
    """Read a value with its type. Raises `ValueError`."""
    match = _VALUE.fullmatch(text)
    if match is None:
        raise ValueError(f"expected `%name: dtype[shape]`, got {text!r}")
    name, dtype, shape = match.groups()
    if dtype not in DTYPES:
        raise ValueError(f"unknown dtype {dtype!r}; known: {', '.join(DTYPES)}")
    return Value(name, TensorType(dtype, parse_shape(shape)))


def parse_binding(text: str) -> Binding:
    """Read what `print_binding` wrote. Raises `ValueError`."""
    match = re.fullmatch(r"(\w+) (-?\d+)\.\.(-?\d*) = %(\w+)", text)
    if match is None:
        raise ValueError("expected `binding name min..max = %value`")
    return Binding(match[1], int(match[2]), int(match[3]) if match[3] else None, match[4])


def parse_shape(text: str) -> tuple[Size, ...]:
    """Read `batch, 8, seq + 1`; entries with commas of their own (`max(a, b)`) included."""
    if not text.strip():
        return ()
    tree = ast.parse(f"({text},)", mode="eval").body
    if not isinstance(tree, ast.Tuple):
        raise ValueError(f"not a shape: {text!r}")
    return tuple(dim.from_ast(entry) for entry in tree.elts)


def parse_guard(text: str) -> Guard:
    """Read a relation of sizes: `seq % 2 == 0`. Raises `ValueError`."""
    match = re.fullmatch(r"(.+?) (==|!=|<=|>=|<|>) (.+)", text)
    if match is None:
        raise ValueError(f"expected a relation of sizes, got {text!r}")
    return Guard(dim.parse(match[1]), match[2], dim.parse(match[3]))


def _print_block(block: Block) -> str:
    inputs = f"({', '.join(map(print_value, block.inputs))})" if block.inputs else ""
    lines = [line for node in block.nodes for line in print_node(node).splitlines()]
    lines.append(f"yield {', '.join(f'%{name}' for name in block.results)}")
    return "\n".join([f"{{{inputs}", *(f"  {line}" for line in lines), "}"])


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Lines with their numbers; a node with blocks is one statement of several lines."""
    first, held, depth = 0, list[str](), 0
    for number, line in enumerate(text.splitlines(), 1):
        first = first if held else number
        held.append(line.strip())
        plain = _STRING.sub("", line)
        depth += plain.count("{") - plain.count("}")
        if depth <= 0:
            yield first, "\n".join(held)
            held, depth = [], 0
    if held:
        yield first, "\n".join(held)


def _take_blocks(text: str) -> tuple[str, tuple[Block, ...]]:
    """The text with a name in the place of each outermost block, and the blocks."""
    kept, blocks = "", list[Block]()
    place, start, depth = 0, 0, 0
    while place < len(text):
        string = _STRING.match(text, place)
        end = string.end() if string else place + 1
        piece = text[place:end]
        if piece == "{":
            start, depth = (end, 1) if depth == 0 else (start, depth + 1)
        elif piece == "}":
            depth -= 1
            if depth == 0:
                kept += f"{_BLOCK}{len(blocks)}"
                blocks.append(_parse_block(text[start:place]))
        elif depth == 0:
            kept += piece
        place = end
    if depth:
        raise ValueError("a block has no end")
    return kept, tuple(blocks)


def _parse_block(text: str) -> Block:
    head, _, rest = text.partition("\n")
    inputs = tuple(parse_value(value[0]) for value in _VALUE.finditer(head))
    if head.strip() and f"({', '.join(map(print_value, inputs))})" != head.strip():
        raise ValueError(f"expected the inputs of a block, got {head.strip()!r}")
    *lines, last = (line for _, line in _statements(rest) if line) if rest.strip() else ("", "")
    match = re.fullmatch(r"yield (%\w+(?:, %\w+)*)", last)
    if match is None:
        raise ValueError("expected a block to end in `yield %name`")
    nodes = tuple(parse_node(line) for line in lines if line)
    return Block(inputs, nodes, tuple(re.findall(r"%(\w+)", match[1])))


def _parse_arg(node: ast.expr, blocks: tuple[Block, ...] = ()) -> Arg:
    match node:
        case ast.Name(id=name) if name.startswith(_BLOCK):
            return blocks[int(name.removeprefix(_BLOCK))]
        case ast.Compare(left=left, ops=[sign], comparators=[right]) if type(sign) in _SIGNS:
            return Guard(dim.from_ast(left), _SIGNS[type(sign)], dim.from_ast(right))
        case ast.Name(id=name) if name.startswith(_REFERENCE):
            return Ref(name.removeprefix(_REFERENCE))
        case ast.Name(id=name) if name in DTYPES:
            return DType(name)
        case ast.Constant(value=str(value)):
            return value.replace(_REFERENCE, "%")
        case ast.Constant(value=bool() | int() | float() | None):
            return node.value  # type: ignore[return-value]
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(v) | float(v))):
            return -v
        case ast.List(elts=elements):
            return tuple(_parse_arg(element) for element in elements)
        case ast.Call(func=ast.Name(id="float"), args=[ast.Constant(value=str(value))]):
            return float(value)
        case ast.Call(func=ast.Name(id="complex"), args=[real, imag]):
            return complex(_parse_part(real), _parse_part(imag))
        case _:
            return dim.from_ast(node)


def _parse_part(node: ast.expr) -> float:
    """The real or the imaginary part of a complex number."""
    part = _parse_arg(node)
    if not isinstance(part, float):
        raise ValueError(f"not a part of a complex number: {ast.unparse(node)}")
    return part


def _mark_references(text: str) -> str:
    # After a name or a bracket, the sign is that of a remainder: `(seq%2)`.
    return re.sub(r"(?<![\w)])%(\w+)", rf"{_REFERENCE}\1", text)


def _parse_symbol(text: str) -> Symbol:
    match = re.fullmatch(r"(\w+) (\d+)\.\.(\d*) = (\d+)", text)
    if match is None:
        raise ValueError("expected `symbol name min..max = recorded`")
    upper = int(match[3]) if match[3] else None
    return Symbol(match[1], int(match[2]), upper, int(match[4]))


def _parse_input(text: str) -> Input:
    name, end = json.JSONDecoder().raw_decode(text)
    value, _, drawn = text[end:].strip().partition(" random ")
    return Input(name, parse_value(value), json.loads(drawn) if drawn else "")


def _parse_parameter(text: str) -> Parameter:
    match = _VALUE.match(text)
    if match is None:
        raise ValueError('expected `parameter %name: dtype[shape] "checkpoint name"`')
    names = [*_STRING.finditer(text, match.end())]
    _, _, axes = text[names[-1].end() if names else match.end() :].partition(" axes ")
    return Parameter(
        parse_value(match[0]),
        tuple(json.loads(name[0]) for name in names),
        axes=tuple("" if axis == "_" else axis for axis in axes.split()),
    )


def _parse_constant(text: str) -> Parameter:
    return replace(_parse_parameter(text), constant=True)


def _parse_region(text: str) -> Region:
    pattern = (
        r'\d+ ("(?:[^"\\]|\\.)*") (\d+) ("(?:[^"\\]|\\.)*") (\d+)( \{.*?\})?(?: made (\{.*?\}))?'
        r"(?: of (\w+)=(\d+))?"
    )
    match = re.fullmatch(pattern, text)
    if match is None:
        raise ValueError('expected `region index "path" call "class" parent`')
    attributes = tuple(json.loads(match[5] or "{}").items())
    region = Region(json.loads(match[1]), int(match[2]), json.loads(match[3]), int(match[4]), "")
    arguments = tuple(json.loads(match[6] or "{}").items())
    listed = (match[7], int(match[8])) if match[7] else None
    return replace(region, attributes=attributes, arguments=arguments, listed=listed)


def _parse_output(text: str) -> Output:
    path, end = json.JSONDecoder().raw_decode(text)
    return Output(path, text[end:].strip().removeprefix("%"))


_SIGNS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}

_PARSERS = {
    "binding": parse_binding,
    "guard": parse_guard,
    "symbol": _parse_symbol,
    "input": _parse_input,
    "parameter": _parse_parameter,
    "constant": _parse_constant,
    "region": _parse_region,
    "output": _parse_output,
}
