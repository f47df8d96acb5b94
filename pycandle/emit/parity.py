"""Prints the parity tests of a model: how each of its modules is called alone, and what to expect.

Each struct dispatches on the next component of a module's path, so that the file grows with the
number of distinct structs, not with the number of calls.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pycandle.emit.fields import ListField, OptionalField, StructField, modules_of
from pycandle.emit.names import string_literal
from pycandle.emit.naming import Body
from pycandle.emit.rust import FieldNames, together
from pycandle.emit.structs import Forward, Struct
from pycandle.emit.tree import Tree


def print_parity(
    tree: Tree,
    structs: list[Struct],
    name: str,
    manifest: str,
    digest: str,
    options: str,
    whole: str = "",
) -> str:
    """The file of parity tests, to be compiled inside the model's own module.

    `whole` calls the whole model where that is not its forward alone.
    """
    root = structs[-1]
    lines = [
        "use super::*;",
        "use pycandle_runtime::parity::{self, Inputs, Isolated};",
        "",
        *_isolated_impls(tree, structs),
        *_regions(tree),
        "const SPEC: parity::Spec = parity::Spec {",
        f"    name: {string_literal(name)},",
        f"    manifest: {string_literal(manifest)},",
        '    root: env!("CARGO_MANIFEST_DIR"),',
        f"    digest: {string_literal(digest)},",
        f"    options: {string_literal(options)},",
        "    regions: REGIONS,",
        "};",
        "",
        *_tests(root, whole or own_call(root.forwards[0], "model")),
    ]
    return "\n".join(lines) + "\n"


def _isolated_impls(tree: Tree, structs: list[Struct]) -> Iterator[str]:
    for struct in reversed(structs):
        names = FieldNames(struct.fields, struct.stored)
        given = any(forward.body.arguments for forward in struct.forwards)
        modules = _modules(struct)
        inputs = "inputs" if given or modules or len(struct.forwards) > 1 else "_inputs"
        calls = {path: _call(field, names) for path, field in modules.items()}
        yield f"impl Isolated for {struct.name} {{"
        yield f"    fn call(&self, path: &str, {inputs}: &Inputs) -> Result<Vec<Tensor>> {{"
        yield "        match parity::step(path) {"
        yield f'            ("", _) => {_own_calls(tree, struct)},'
        yield from (f"            {line}" for line in _arms(calls))
        yield "            _ => parity::unknown(path),"
        yield "        }"
        yield "    }"
        yield "}"
        yield ""


def _modules(struct: Struct) -> dict[str, StructField]:
    """Each submodule by its path; those of a list that Python has too, together."""
    found: dict[str, StructField] = {}
    for field in struct.fields:
        if isinstance(field, ListField) and field.prefix != f"{field.path}.":
            found |= {item.path: item for item in field.items}
        elif modules_of(field):
            found[field.path] = field
    return found


def _arms(modules: dict[str, str]) -> Iterator[str]:
    """One arm for each first component; paths through containers nest."""
    nested: dict[str, dict[str, str]] = {}
    for path, call in modules.items():
        first, _, rest = path.partition(".")
        nested.setdefault(first, {})[rest] = call
    for first, inner in nested.items():
        head = f"({string_literal(first)}, rest) =>"
        if list(inner) == [""]:
            yield f"{head} {inner['']},"
            continue
        yield f"{head} match parity::step(rest) {{"
        for line in _arms({path: call for path, call in inner.items() if path}):
            yield f"    {line}"
        yield "    _ => parity::unknown(path),"
        yield "},"


def _call(field: StructField, names: FieldNames) -> str:
    """How a submodule is called by the rest of a path."""
    place = names.place(field.path)
    if not isinstance(field, OptionalField):
        return f"{place}.call(rest, inputs)"
    some = "Some(module) => module.call(rest, inputs)"
    return f"match &{place} {{ {some}, None => parity::unknown(path) }}"


def _own_calls(tree: Tree, struct: Struct) -> str:
    """The call of the struct's own forward; where it has several, of the one that was recorded."""
    first, *others = struct.forwards
    if not others:
        return own_call(first, "self")
    arms: list[str] = []
    for forward in others:
        calls = sorted({tree.graph.regions[region].call for region in forward.regions})
        arms.append(f"{' | '.join(map(str, calls))} => {own_call(forward, 'self')},")
    arms.append(f"_ => {own_call(first, 'self')},")
    return f"match inputs.call() {{ {' '.join(arms)} }}"


def own_call(forward: Forward, receiver: str) -> str:
    """A call of a forward with `inputs` that were recorded, and `Ok` of all tensors it gives."""
    call = f"{receiver}.{forward.name}({', '.join(recorded_inputs(forward))})?"
    return as_given(forward.body, call, "Ok({})")


def as_given(body: Body, call: str, result: str) -> str:
    """A call, and all tensors that it gives in one vector, which `result` holds."""
    if len(body.results) == 1 and not body.lists:
        return result.format(f"vec![{call}]")
    names = [f"y{k}" for k in range(len(body.results))]
    return f"{{ let {together(names)} = {call}; {result.format(as_vector(body, names))} }}"


def recorded_inputs(forward: Forward) -> list[str]:
    """How each argument of a forward is read from what was recorded of a call."""
    found: list[str] = []
    for kind, start, after in places_of(forward):
        if kind == "list":
            found.append(f"inputs.tensors({start}, {after})?")
        elif kind == "end":
            found.append(f"inputs.from_end({after + 1})?")
        else:
            found.append(f"inputs.tensor({start})?")
    sizes = (name for name, kind in forward.body.arguments if kind == "size")
    return [*found, *(f"inputs.size({string_literal(name)})?" for name in sizes)]


def places_of(forward: Forward) -> Iterator[tuple[str, int, int]]:
    """Where each argument's tensors are among all that a forward is given.

    How many come before and after them, and whether it is a "list" of them, a tensor that is
    counted from the "start", or from the "end" since a list of any length comes before it.
    """
    arguments = forward.interface.arguments
    counts = [len(argument.values) for argument in arguments]
    for k, argument in enumerate(arguments):
        after_a_list = any(other.kind == "tensors" for other in arguments[:k])
        kind = "list" if argument.kind != "tensor" else "end" if after_a_list else "start"
        yield kind, sum(counts[:k]), sum(counts[k + 1 :])


def as_vector(body: Body, given: Sequence[str]) -> str:
    """All tensors that a forward gives, in one vector, from what it gives as it gives it."""
    if not body.lists:
        return f"vec![{', '.join(given)}]"
    parts = (
        text if body.is_list(result) else f"vec![{text}]"
        for text, result in zip(given, body.results, strict=True)
    )
    return f"[{', '.join(parts)}].concat()"


def _regions(tree: Tree) -> Iterator[str]:
    yield "/// Every module call of the recording, in order. What computes nothing is elided."
    yield "#[rustfmt::skip]"
    yield "const REGIONS: &[parity::Region] = &["
    for index, region in enumerate(tree.graph.regions):
        elided = index in tree.elided
        inputs = (
            [] if elided else [golden_key(tree, index, value) for _, value in tree.inputs(index)]
        )
        keys = ", ".join(string_literal(key) for key in inputs)
        yield (
            f"    parity::Region {{ path: {string_literal(region.path)}, call: {region.call},"
            f" inputs: &[{keys}], elided: {str(elided).lower()} }},"
        )
    yield "];"
    yield ""


def golden_key(tree: Tree, region: int, value: str) -> str:
    """The trace's key of a value that enters a call."""
    same = {value} | {old for old, new in tree.graph.replaced.items() if new == value}
    for candidate in (tree.graph.regions[region], *tree.graph.regions):
        for boundary in (*candidate.inputs, *candidate.outputs):
            if boundary.value in same:
                return boundary.golden
    # The test fails on it by name: nothing was recorded that could be compared.
    return f"(not recorded: {value})"


def _tests(root: Struct, whole: str) -> Iterator[str]:
    load = f"{root.name}::load"
    yield from (
        "#[test]",
        "fn isolated() -> Result<()> {",
        f"    parity::isolated(&SPEC, {load})",
        "}",
        "",
        "#[test]",
        "fn cumulative() -> Result<()> {",
        f"    parity::cumulative(&SPEC, {load}, |model, inputs| {{",
        f"        {whole}",
        "    })",
        "}",
        "",
        "#[test]",
        "fn digest() -> Result<()> {",
        "    parity::digest(&SPEC)",
        "}",
    )
