"""Prints the model's structs as one Rust module."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pycandle.emit.body import Draft
from pycandle.emit.fields import ListField, ModuleField, ParameterField, StructField
from pycandle.emit.methods import forwards
from pycandle.emit.names import comment_text, format_literal, string_literal
from pycandle.emit.naming import name_locals
from pycandle.emit.printing import statement_lines
from pycandle.emit.rust import FieldNames, value
from pycandle.emit.structs import Struct
from pycandle.emit.tree import Tree
from pycandle.graph import DType, Graph
from pycandle.ops.create import candle_dtype
from pycandle.ops.expr import Config, Expr, Raw, Tuple, rewrite

_IMPORTS = (
    ("candle_core", ("DType", "Device", "Result", "Tensor")),
    (
        "candle_nn",
        (
            "Conv1dConfig",
            "Conv2dConfig",
            "ConvTranspose1dConfig",
            "ConvTranspose2dConfig",
            "VarBuilder",
        ),
    ),
    ("pycandle_runtime", ("PyChecker", "Scope", "nn", "ops", "py_check")),
)
# Names from a model stand in both, and are no use of anything.
_COMMENT_OR_STRING = re.compile(r'^ *///.*$|"(?:[^"\\\\]|\\\\.)*"', re.MULTILINE)


def print_module(graph: Graph, structs: list[Struct], manifest: str) -> str:
    """The file with all structs, the model's own first, as a reader looks for it first.

    `manifest` is its path in the crate; constants that no checkpoint holds lie beside it.
    """
    folder = manifest.rpartition("/")[0]
    constants = f"{folder}/{graph.name}_constants.safetensors".removeprefix("/")
    body = "\n".join(_struct(graph, struct, constants) for struct in reversed(structs))
    code = _COMMENT_OR_STRING.sub("", body)
    lines: list[str] = []
    for crate, names in _IMPORTS:
        used = [name for name in names if _uses(code, name)]
        if used:
            items = used[0] if len(used) == 1 else f"{{{', '.join(used)}}}"
            lines.append(f"use {crate}::{items};")
    return "\n".join(lines) + "\n\n" + body


def print_function(tree: Tree, draft: Draft) -> str:
    """A call outside any module as a function's arguments and body, from a slice of its inputs.

    It begins at the parenthesis after the name, which is the caller's.
    """
    graph = tree.graph
    ranks = {value: graph.types[value].rank for _, value in draft.interface.inputs}
    body = name_locals(draft, draft.statements, {}, ranks, frozenset())
    names = FieldNames((), ())
    pattern = ", ".join(name for name, _ in body.arguments)
    lines = [
        "(inputs: &[Tensor]) -> Result<Vec<Tensor>> {",
        f"    let [{pattern}] = inputs else {{",
        '        candle_core::bail!("{} inputs were given", inputs.len())',
        "    };",
        *(f"    {line}" for s in body.statements for line in statement_lines(s, names)),
        f"    Ok(vec![{', '.join(f'{value(result, names)}.clone()' for result in body.results)}])",
        "}",
    ]
    return "\n".join(lines) + "\n"


def _uses(code: str, name: str) -> bool:
    if name == "Scope":  # the trait behind `checker.pp`
        return "checker.pp(" in code
    # A field or an argument may be called as a module is: only a path reads the module.
    path = "::" if name in ("nn", "ops") else ""
    return re.search(rf"\b{name}\b{path}", code) is not None


def _struct(graph: Graph, struct: Struct, constants: str) -> str:
    region = graph.regions[struct.region]
    names = FieldNames(struct.fields, struct.stored)
    source = f" ({comment_text(region.source)})" if region.source else ""
    lines = [
        f"/// {comment_text(region.class_name)}{source}",
        "#[derive(Debug, Clone)]",
        f"pub struct {struct.name} {{",
        *(f"    pub {names[f.path]}: {_field_type(f)}," for f in struct.fields),
        *(f"    {name}: {dict(struct.config)[name]}," for name in struct.stored),
        *(["    device: Device,"] if struct.reads_device else []),
        "    pub checker: Option<PyChecker>,",
        "}",
        "",
        f"impl {struct.name} {{",
        *_load(graph, struct, names, constants),
        "",
        *forwards(graph, struct, names),
        "}",
    ]
    return "\n".join(lines) + "\n"


def _field_type(field: StructField) -> str:
    if isinstance(field, ParameterField):
        return "Tensor"
    return field.type if isinstance(field, ModuleField) else f"Vec<{field.items[0].type}>"


def _load(graph: Graph, struct: Struct, names: FieldNames, constants: str) -> Iterator[str]:
    arguments = [f"{name}: {kind}" for name, kind in struct.config]
    if struct.reads_weights:
        used = struct.reads_device or any(_reads_weights(field) for field in struct.fields)
        arguments.append("vb: VarBuilder" if used else "_vb: VarBuilder")
    arguments.append("checker: Option<PyChecker>")
    yield f"    pub fn load({', '.join(arguments)}) -> Result<Self> {{"
    if struct.region == 0:
        if any(parameter.constant for parameter in graph.parameters):
            place = f'concat!(env!("CARGO_MANIFEST_DIR"), {string_literal("/" + constants)})'
            yield f"        let constants = include_bytes!({place});"
            known = string_literal(graph.constants)
            yield f"        let vb = nn::constants(vb, constants, {known})?;"
        tied = [p.names for p in graph.parameters if len(p.names) > 1]
        if tied:
            groups = [f"&[{', '.join(string_literal(n) for n in group)}]" for group in tied]
            yield f"        let vb = nn::tie(vb, &[{', '.join(groups)}])?;"
    yield "        Ok(Self {"
    for field in struct.fields:
        yield f"            {names[field.path]}: {_field_load(field, names)},"
    for name in struct.stored:
        yield f"            {name},"
    if struct.reads_device:
        yield "            device: vb.device().clone(),"
    yield "            checker,"
    yield "        })"
    yield "    }"


def _reads_weights(field: StructField) -> bool:
    if isinstance(field, ListField):
        return any(item.reads_weights for item in field.items)
    return isinstance(field, ParameterField) or field.reads_weights


def _field_load(field: StructField, names: FieldNames) -> str:
    if isinstance(field, ParameterField):
        shape = _loaded(Tuple(field.shape) if field.shape else Raw("()"), names)
        path = string_literal(field.path)
        if not field.own_dtype:
            return f"vb.get({shape}, {path})?"
        dtype = candle_dtype(DType(field.dtype)).text
        return f"vb.get_with_hints_dtype({shape}, {path}, Default::default(), {dtype})?"
    if isinstance(field, ModuleField):
        return _module_load(field, string_literal(field.path), names)
    first = field.items[0]
    if all(item.args == first.args for item in field.items):
        path = f'format!({format_literal(field.path)[:-1]}.{{i}}")'
        load = _module_load(first, path, names).removesuffix("?")
        return f"(0..{len(field.items)}).map(|i| {load}).collect::<Result<Vec<_>>>()?"
    loads = [_module_load(item, string_literal(item.path), names) for item in field.items]
    return f"vec![{', '.join(loads)}]"


def _module_load(field: ModuleField, path: str, names: FieldNames) -> str:
    arguments = [_loaded(arg, names) for arg in field.args]
    if field.reads_weights:
        arguments.append(f"vb.pp({path})")
    arguments.append(f"checker.pp({path})")
    # An activation only stores a function, which cannot fail.
    mark = "" if field.constructor == "nn::Activation::new" else "?"
    return f"{field.constructor}({', '.join(arguments)}){mark}"


def _loaded(expr: Expr, names: FieldNames) -> str:
    """An expression in `load`, where configuration is an argument."""
    return value(rewrite(expr, lambda e: Raw(e.name) if isinstance(e, Config) else None), names)
