"""Prints a struct's `load`: each field from its place in the checkpoint.

Modules that differ in numbers alone are written once: those of a list as a loop over the numbers,
those under names of their own as a closure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from pycandle.emit.cutting import LONGEST
from pycandle.emit.fields import (
    ComputedField,
    ListField,
    ModuleField,
    OptionalField,
    ParameterField,
    StructField,
)
from pycandle.emit.layout import height
from pycandle.emit.names import OF_LOAD, format_literal, identifier, string_literal
from pycandle.emit.printing import statement_lines
from pycandle.emit.rust import FieldNames, argument, value
from pycandle.emit.statements import map_exprs
from pycandle.emit.structs import Computed, Struct
from pycandle.graph import DType, Graph
from pycandle.ops.create import candle_dtype
from pycandle.ops.expr import (
    Config,
    Constant,
    DeviceOf,
    Expr,
    Number,
    Product,
    Raw,
    Tuple,
    rewrite,
    walk,
)

# The lines that a closure must spare to be worth its name, and where `load` is too long.
_LEAST, _LITTLE = 20, 5


@dataclass(frozen=True, slots=True)
class _Shared:
    """Modules that differ in numbers alone: the first of them with names in their place."""

    field: ModuleField
    names: tuple[str, ...]
    places: tuple[int, ...]  # which arguments they are

    def numbers(self, field: ModuleField) -> tuple[Expr, ...]:
        """One module's own."""
        return tuple(field.args[place] for place in self.places)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What becomes of the model's checkpoint before its fields are read."""

    constants: str  # the path in the crate of the tensors that no checkpoint holds
    dtype: str = ""  # what floats are loaded in; as the caller says if it is empty


def load(graph: Graph, struct: Struct, names: FieldNames, checkpoint: Checkpoint) -> Iterator[str]:
    """The lines of `load` within an `impl`, and of the functions that load its largest fields."""
    arguments = [f"{name}: {kind}" for name, kind in struct.config]
    if struct.reads_weights:
        used = struct.reads_device or any(map(_reads_weights, struct.fields))
        arguments.append("vb: VarBuilder" if used else "_vb: VarBuilder")
    arguments += ["checker: Option<PyChecker>"] if struct.checked else []
    first = [f"pub fn load({', '.join(arguments)}) -> Result<Self> {{"]
    if struct.region == 0:
        first += _weights(graph, checkpoint)
    loads = {field.path: _field_load(field, struct, names) for field in struct.fields}
    if struct.computed is not None:
        results = (_loaded(result, names) for result in struct.computed.body.results)
        loads |= dict(zip(struct.computed.paths, results, strict=True))
        first += _computed(struct.computed, struct, names)
    closures = _closures(struct, names, loads, _LEAST)
    if sum(_lines(field, loads, names) for field in struct.fields) > LONGEST - 20:
        closures += _closures(struct, names, loads, _LITTLE)
    last = [*struct.stored, *(["device: vb.device().clone()"] if struct.reads_device else [])]
    last += ["checker"] if struct.checked else []
    pieces = _pieces(struct, names, loads, len(last) + sum(map(height, (*first, *closures))) + 5)
    yield f"    {first[0]}"
    yield from (f"        {line}" for line in (*first[1:], *closures))
    yield "        Ok(Self {"
    yield from (f"            {_set(names[f.path], loads[f.path])}," for f in struct.fields)
    yield from (f"            {line}," for line in last)
    yield "        })"
    yield "    }"
    yield from pieces


def _set(name: str, text: str) -> str:
    return name if name == text else f"{name}: {text}"


def _computed(computed: Computed, struct: Struct, names: FieldNames) -> Iterator[str]:
    """The statements that compute tensors from parameters."""
    arguments = (name for name, _ in computed.body.arguments)
    for name, parameter in zip(arguments, computed.parameters, strict=True):
        yield f"let {name} = {_field_load(parameter, struct, names)};"
    for statement in computed.body.statements:
        yield from statement_lines(map_exprs(statement, _in_load), names)


def _weights(graph: Graph, checkpoint: Checkpoint) -> Iterator[str]:
    if checkpoint.dtype:
        yield f"let vb = vb.to_dtype({candle_dtype(DType(checkpoint.dtype)).text});"
    if any(parameter.constant for parameter in graph.parameters):
        place = f'concat!(env!("CARGO_MANIFEST_DIR"), {string_literal("/" + checkpoint.constants)})'
        yield f"let constants = include_bytes!({place});"
        yield f"let vb = nn::constants(vb, constants, {string_literal(graph.constants)})?;"
    tied = [p.names for p in graph.parameters if len(p.names) > 1]
    if tied:
        groups = [f"&[{', '.join(string_literal(n) for n in group)}]" for group in tied]
        yield f"let vb = nn::tie(vb, &[{', '.join(groups)}])?;"


def _closures(struct: Struct, names: FieldNames, loads: dict[str, str], least: int) -> list[str]:
    """A closure for modules that are alike and stand apart; `loads` learns the calls of it."""
    groups: dict[object, list[ModuleField]] = {}
    for field in struct.fields:
        if isinstance(field, ModuleField):
            groups.setdefault(_blank(field), []).append(field)
    taken = {*dict(struct.config), *OF_LOAD}
    taken |= {*struct.computed.names} if struct.computed else set()
    closures: list[str] = []
    for group in groups.values():
        shared = _shared(group, taken)
        name = identifier(group[0].type.rpartition("::")[2], {*taken, *shared.names})
        mark = _mark(group[0])
        text = _module_load(shared.field, "path", names).removesuffix("?")
        closure = f"let {name} = |{', '.join((*shared.names, 'path: &str'))}| {text};"
        calls = {
            field.path: f"{name}({_arguments(shared.numbers(field), field, names)}){mark}"
            for field in group
        }
        before, after = (sum(_lines(f, texts, names) for f in group) for texts in (loads, calls))
        if before - height(closure) - after >= least:
            taken.add(name)
            closures.append(closure)
            loads |= calls
    return closures


def _lines(field: StructField, loads: dict[str, str], names: FieldNames) -> int:
    """The lines of a field; the braces around it take space from them."""
    return height(f"{'_' * 4}{names[field.path]}: {loads[field.path]},")


def _arguments(numbers: Sequence[Expr], field: ModuleField, names: FieldNames) -> str:
    return ", ".join((*(_loaded(n, names) for n in numbers), string_literal(field.path)))


def _pieces(struct: Struct, names: FieldNames, loads: dict[str, str], rest: int) -> Iterator[str]:
    """Functions for the largest fields of a struct too large to load in one; as `_closures`."""
    kinds = dict(struct.config)
    pieces: list[str] = []
    for field in sorted(struct.fields, key=lambda field: -_lines(field, loads, names)):
        total = rest + sum(_lines(field, loads, names) for field in struct.fields)
        if total <= LONGEST or _lines(field, loads, names) < 4:
            break
        if isinstance(field, (ParameterField, ComputedField)):
            continue
        config = [name for name in _configs(field) if name in kinds]
        weights = _reads_weights(field)
        text, name = loads[field.path], f"load_{names[field.path]}"
        given = [*config, *(["&vb"] if weights else []), *(["&checker"] if struct.checked else [])]
        loads[field.path] = f"Self::{name}({', '.join(given)})?"
        arguments = [f"{name}: {kinds[name]}" for name in config]
        arguments += ["vb: &VarBuilder"] if weights else []
        arguments += ["checker: &Option<PyChecker>"] if struct.checked else []
        body = text.removesuffix("?") if text.endswith("?") else f"Ok({text})"
        head = f"fn {name}({', '.join(arguments)}) -> Result<{field_type(field)}> {{"
        pieces += ["", f"    {head}", f"        {body}", "    }"]
    return iter(pieces)


def field_type(field: StructField) -> str:
    """The Rust type of a field."""
    if isinstance(field, OptionalField):
        return f"Option<{field_type(field.field)}>"
    if isinstance(field, (ParameterField, ComputedField)):
        kept = isinstance(field, ParameterField) and field.keeps
        return "nn::Parameter" if kept else "Tensor"
    return field.type if isinstance(field, ModuleField) else f"Vec<{field.items[0].type}>"


def _configs(field: StructField) -> list[str]:
    """The configuration that a field takes."""
    if isinstance(field, OptionalField):
        present = [field.present.name] if isinstance(field.present, Config) else []
        return list(dict.fromkeys((*present, *_configs(field.field))))
    if isinstance(field, ComputedField):
        return []
    if isinstance(field, ListField):
        return list(dict.fromkeys(name for item in field.items for name in _configs(item)))
    exprs = field.shape if isinstance(field, ParameterField) else field.args
    parts = (part for expr in exprs for part in walk(expr))
    return list(dict.fromkeys(part.name for part in parts if isinstance(part, Config)))


def _reads_weights(field: StructField) -> bool:
    if isinstance(field, OptionalField):
        return _reads_weights(field.field)
    if isinstance(field, ListField):
        return any(item.reads_weights for item in field.items)
    return isinstance(field, (ParameterField, ComputedField)) or field.reads_weights


def _field_load(field: StructField, struct: Struct, names: FieldNames) -> str:
    if isinstance(field, OptionalField):
        inner = _field_load(field.field, struct, names)
        if isinstance(field.field, ComputedField):
            return inner  # it is computed as an option
        return f"if {_loaded(field.present, names)} {{ Some({inner}) }} else {{ None }}"
    if isinstance(field, ComputedField):
        return field.path
    if isinstance(field, ParameterField):
        shape = _loaded(Tuple(field.shape) if field.shape else Raw("()"), names)
        path = string_literal(field.path)
        if not field.own_dtype:
            loaded = f"vb.get({shape}, {path})?"
            return f"nn::parameter({loaded})" if field.keeps else loaded
        dtype = candle_dtype(DType(field.dtype)).text
        return f"vb.get_with_hints_dtype({shape}, {path}, Default::default(), {dtype})?"
    if isinstance(field, ModuleField):
        return _module_load(field, string_literal(field.path), names)
    return _list_load(field, struct, names)


def _list_load(field: ListField, struct: Struct, names: FieldNames) -> str:
    """A list as a loop, over the numbers that its items differ in if there are such."""
    first = field.items[0]
    collect = "collect::<Result<Vec<_>>>()?" if _mark(first) else "collect()"
    loads = [_module_load(item, string_literal(item.path), names) for item in field.items]
    listed = f"vec![{', '.join(loads)}]"
    if any(_blank(item) != _blank(first) for item in field.items):
        return listed
    shared = _shared(field.items, {*dict(struct.config), *OF_LOAD})
    path = f'format!({format_literal(field.prefix)[:-1]}{{i}}")'
    first_number = field.first
    last_number = first_number + len(field.items) if first_number else value(field.length, names)
    load = _module_load(shared.field, path, names).removesuffix("?")
    if not shared.names:
        return f"({first_number}..{last_number}).map(|i| {load}).{collect}"
    rows = [_row([_loaded(n, names) for n in shared.numbers(item)]) for item in field.items]
    pattern = _row(list(shared.names))
    table = f"[{', '.join(rows)}]"
    table = f"({first_number}..).zip({table})" if first_number else (
        f"{table}.into_iter().enumerate()")  # fmt: skip
    looped = f"{table}.map(|(i, {pattern})| {load}).{collect}"
    return looped if height(looped) < height(listed) else listed


def _row(items: list[str]) -> str:
    return items[0] if len(items) == 1 else f"({', '.join(items)})"


def _blank(field: ModuleField) -> object:
    """What modules have in common that differ in numbers alone."""
    plain = (Number, Config, Constant, Product)
    args = tuple(None if isinstance(arg, plain) else arg for arg in field.args)
    return field.type, field.constructor, field.reads_weights, args


def _shared(fields: Sequence[ModuleField], taken: set[str]) -> _Shared:
    """The modules as one, where those numbers have names that are not all equal."""
    first = fields[0]
    places = tuple(
        k
        for k, arg in enumerate(first.args)
        if any(_number(field.args[k]) != _number(arg) for field in fields)
    )
    args, chosen = list(first.args), list[str]()
    for place in places:
        numbers = (field.args[place] for field in fields)
        labels = (n.label if isinstance(n, Number) else "" for n in numbers)
        chosen.append(identifier(next(filter(None, labels), "size"), {*taken, *chosen}))
        args[place] = Raw(chosen[-1])
    return _Shared(replace(first, args=tuple(args)), tuple(chosen), places)


def _number(arg: Expr) -> Expr:
    return replace(arg, label="") if isinstance(arg, Number) else arg


def _module_load(field: ModuleField, path: str, names: FieldNames) -> str:
    arguments = [_loaded(arg, names) for arg in field.args]
    if field.reads_weights:
        arguments.append(f"vb.pp({path})")
    if field.checked:
        arguments.append(f"checker.pp({path})")
    elif field.constructor.startswith("nn::"):
        arguments.append("None")
    return f"{field.constructor}({', '.join(arguments)}){_mark(field)}"


def _mark(field: ModuleField) -> str:
    """What only stores a function cannot fail."""
    return "" if field.constructor == "nn::func" else "?"


def _loaded(expr: Expr, names: FieldNames) -> str:
    """An expression in `load`, where configuration is an argument."""
    expr = _in_load(expr)
    return argument(expr, names) if isinstance(expr, Config) else value(expr, names)


def _in_load(expr: Expr) -> Expr:
    return rewrite(expr, _argument)


def _argument(expr: Expr) -> Expr | None:
    match expr:
        case Config():
            return replace(expr, holder="")
        case DeviceOf(tensor=None):
            return Raw("vb.device()")
        case _:
            return None
