"""The op table itself: what every entry must have, and that what it emits exists in the runtime."""

import re
from pathlib import Path

import pytest

from pycandle.emit.lowering import lower_graph
from pycandle.graph import text
from pycandle.ops import entries
from pycandle.ops.expr import Call, walk

RUNTIME = Path(__file__).parents[2] / "crates/pycandle-runtime/src/ops"


def check(node: str, expected: str):
    """Lower one node over %x: f32[b, 4], %i: i64[b, 4] and %m: bool[b, 4]."""
    graph = text.parse_graph(f"""
        graph g
        symbol b 1.. = 2
        input "x" %x: f32[b, 4]
        input "i" %i: i64[b, 4]
        input "m" %m: bool[b, 4]
        {node}
        output "" %y
        """)
    lowered, findings = lower_graph(graph)

    said = findings[0].what if findings else repr(lowered["y"])
    assert expected in said


@pytest.mark.parametrize("name", sorted(entries()))
def test_an_entry_is_named_as_torch_names_it_and_documented(name: str):
    entry = entries()[name]

    assert re.fullmatch(r"(aten|rt|transformers)\.\w+(\.\w+)?", name)
    assert entry.function.__doc__ and entry.function.__doc__.rstrip().endswith(".")


def test_operators_are_used_where_they_are_exact_and_nowhere_else():
    check("%y: f32[b, 4] = aten.add.Tensor(%x, %x)", "Operator(sign='+'")
    check("%y: f32[b, 4] = aten.add.Tensor(%x, 1)", "Operator(sign='+'")
    check("%y: f32[b, 4] = aten.mul.Tensor(%x, 2)", "path='ops::mul'")
    check("%y: f32[b, 4] = aten.add.Tensor(%x, %i)", "path='ops::add'")
    check("%y: f32[b, 4] = aten.div.Tensor(%i, %i)", "path='ops::div'")
    check("%y: i64[b, 4] = aten.add.Tensor(%i, 1)", "path='ops::add'")


def test_arguments_that_cannot_be_honoured_are_declined():
    check("%y: f32[0] = aten.fft_rfftfreq.default(-3, 0.1)", "-3 for a size")
    check("%y: f32[b, 4] = aten.softmax.int(%x, 7)", "axis 7 of a tensor of rank 2")
    check("%y: f32[b, 2] = aten.slice.Tensor(%x, 1, 0, 4, b)", "a slice with a symbolic step")
    check(
        "%y: f32[b, 4] = aten.relu.default(%x, inplace=True)", "no support for its argument inplace"
    )
    check("%y: f32[b, 4] = aten.reluu.default(%x)", "has no lowering")
    check("%y: bool[b, 4] = aten.sub.Tensor(%m, %m)", "sub of booleans")


def test_every_runtime_function_that_an_op_calls_exists():
    source = "".join(path.read_text() for path in RUNTIME.glob("*.rs"))
    families = Path(__file__).parents[2] / "pycandle/ops"
    called = {
        name
        for path in families.glob("*.py")
        for name in re.findall(r"\"ops::(?:complex::)?(\w+)\"", path.read_text())
    }

    assert called
    assert {name for name in called if f"pub fn {name}" not in source} == set()


def test_expressions_are_walked_to_the_leaves():
    inner = Call("ops::relu", ())

    assert list(walk(Call("ops::add", (inner, inner)))) == [
        Call("ops::add", (inner, inner)),
        inner,
        inner,
    ]
