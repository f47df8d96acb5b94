"""Prints the model's structs as one Rust module."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from pycandle.emit.body import Draft
from pycandle.emit.constants import Constants, with_constants
from pycandle.emit.fields import ListField, ModuleField, OptionalField, StructField, modules_of
from pycandle.emit.loading import Checkpoint, field_type, load
from pycandle.emit.methods import forwards
from pycandle.emit.names import comment_text
from pycandle.emit.naming import name_locals
from pycandle.emit.printing import statement_lines
from pycandle.emit.rust import FieldNames, number, value
from pycandle.emit.structs import Struct
from pycandle.emit.tree import Tree
from pycandle.graph import Graph

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


def print_module(
    graph: Graph, structs: list[Struct], manifest: str, dtype: str = "", after: str = ""
) -> str:
    """The file with all structs, the model's own first, as a reader looks for it first.

    `manifest` is its path in the crate; constants that no checkpoint holds lie beside it. With
    a dtype, that is what weights are loaded in. What stands after the structs may use what they do.
    """
    folder = manifest.rpartition("/")[0]
    constants = f"{folder}/{graph.name}_constants.safetensors".removeprefix("/")
    checkpoint = Checkpoint(constants, dtype)
    named, shared = with_constants(_in_order_of_use(structs))
    body = "\n".join(_struct(graph, struct, checkpoint) for struct in named)
    body = "".join(f"pub {line}\n" for line in _constants(shared)) + ("\n" if shared else "") + body
    body += after
    return "\n".join(imports(body)) + "\n\n" + body


def imports(body: str) -> Iterator[str]:
    """The `use` lines of what the code reads of other crates."""
    code = _COMMENT_OR_STRING.sub("", body)
    for crate, names in _IMPORTS:
        used = [name for name in names if _uses(code, name)]
        if used:
            items = used[0] if len(used) == 1 else f"{{{', '.join(used)}}}"
            yield f"use {crate}::{items};"


def unchecked(structs: list[Struct]) -> list[Struct]:
    """The same structs, which neither take nor hold a checker."""

    def field(given: StructField) -> StructField:
        if isinstance(given, ListField):
            return replace(given, items=tuple(replace(item, checked=False) for item in given.items))
        if isinstance(given, OptionalField):
            return replace(given, field=field(given.field))  # type: ignore[arg-type]
        return replace(given, checked=False) if isinstance(given, ModuleField) else given

    return [replace(s, checked=False, fields=tuple(map(field, s.fields))) for s in structs]


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


def _in_order_of_use(structs: list[Struct]) -> Iterator[Struct]:
    """Each struct where it is first used: after the one that holds it, and what that held before.

    The model's own is the last of those given, and comes first.
    """
    known = {struct.name: struct for struct in structs}
    below = [structs[-1].name]
    while below:
        struct = known.pop(below.pop(), None)
        if struct is None:
            continue
        yield struct
        modules = [field for given in struct.fields for field in modules_of(given)]
        below += [field.type for field in reversed(modules)]


def _constants(constants: Constants) -> Iterator[str]:
    for name, literal in constants.items():
        yield f"const {name}: {literal.kind} = {number(literal)};"


def _struct(graph: Graph, struct: Struct, checkpoint: Checkpoint) -> str:
    region = graph.regions[struct.region]
    names = FieldNames(struct.fields, struct.stored)
    source = f" ({comment_text(region.source)})" if region.source else ""
    lines = [
        f"/// {comment_text(region.class_name)}{source}",
        "#[derive(Debug, Clone)]",
        f"pub struct {struct.name} {{",
        *(f"    pub {names[f.path]}: {field_type(f)}," for f in struct.fields),
        *(f"    {name}: {dict(struct.config)[name]}," for name in struct.stored),
        *(["    device: Device,"] if struct.reads_device else []),
        *(["    pub checker: Option<PyChecker>,"] if struct.checked else []),
        "}",
        "",
        f"impl {struct.name} {{",
        *(f"    {line}" for line in _constants(dict(struct.constants))),
        *([""] if struct.constants else []),
        *load(graph, struct, names, checkpoint),
        "",
        *forwards(graph, struct, names),
        "}",
    ]
    return "\n".join(lines) + "\n"
