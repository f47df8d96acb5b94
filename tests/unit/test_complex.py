"""Complex tensors in the op table: pairs, and never taken for real ones."""

import pytest

from pycandle.emit.lowering import lower_graph
from pycandle.graph import text
from pycandle.ops.expr import Number


def check(node: str, expected: str):
    """Lower one node over %z: c64[b, 3, 4], %x: f32[b, 3, 4] and %i: i64[2]."""
    graph = text.parse_graph(f"""
        graph g
        symbol b 1.. = 2
        input "z" %z: c64[b, 3, 4]
        input "x" %x: f32[b, 3, 4]
        input "i" %i: i64[2]
        {node}
        output "" %y
        """)
    lowered, findings = lower_graph(graph)

    said = findings[0].what if findings else repr(lowered["y"])
    assert expected in said


@pytest.mark.parametrize(
    ("node", "said"),
    [
        ("%y: c64[b, 3, 4] = aten.relu.default(%z)", "no lowering for c64"),
        ("%y: c64[b, 3, 4] = aten.softmax.int(%z, -1)", "no lowering for c64"),
        ("%y: f32[b, 3] = aten.amax.default(%z, [2])", "no lowering for c64"),
        ("%y: f32[b, 3, 4] = aten.imag.default(%x)", "aten.imag.default has no lowering"),
        ("%y: c64[b, 6, 4] = aten.cat.default([%z, %x], 1)", "c64 and f32 together"),
        ("%y: c64[b, 3, 3] = aten.matmul.default(%z, %x)", "matmul of c64 and f32"),
        ('%y: c64[b, 3, 8] = aten.pad.default(%z, [2, 2], "constant", 1.0)', "with 1.0"),
    ],
)
def test_what_would_take_pairs_for_real_numbers_is_declined(node: str, said: str):
    check(node, said)


def test_a_shape_ends_in_the_pair():
    end = f"{Number(2, 'usize')}))"
    check("%y: c64[b, 12] = aten.reshape.default(%z, [b, 12])", end)
    check("%y: c64[2, b, 3, 4] = aten.expand.default(%z, [2, -1, -1, -1])", end)


def test_axes_are_counted_without_the_pair():
    check("%y: c64[b, 4, 3] = aten.transpose.int(%z, -1, -2)", "(value=2, kind='usize'")
    order = f"{Number(2, 'usize')}, {Number(3, 'usize')}"
    check("%y: c64[b, 3, 4] = aten.permute.default(%z, [0, 1, 2])", "Var(name='z')")
    check("%y: c64[3, b, 4] = aten.permute.default(%z, [1, 0, 2])", order)


def test_real_operands_and_numbers_become_complex():
    check("%y: c64[b, 3, 4] = aten.mul.Tensor(%z, %x)", "path='ops::complex::from_real'")
    check("%y: c64[b, 3, 4] = aten.mul.Tensor(%x, complex(0.0, 2.0))", "ops::complex::scalar")
    check("%y: c64[b, 3, 3] = aten.fft_rfft.default(%x)", "path='ops::rfft'")
