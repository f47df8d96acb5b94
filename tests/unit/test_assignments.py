"""Writes to parts of tensors, as two graphs in text: before and after."""

from pycandle.graph import text
from pycandle.passes.assignments import join_assignments
from pycandle.passes.unused import drop_unused


def check(before: str, after: str):
    graph = drop_unused(join_assignments(text.parse_graph("graph g\n" + before)))

    assert text.print_graph(graph) == text.print_graph(text.parse_graph("graph g\n" + after))


def test_a_write_within_a_write_is_one():
    check(
        """
        %z: f32[8, 6] = aten.zeros.default([8, 6])
        %r: f32[4, 6] = aten.slice.Tensor(%z, 0, 0, -4)
        %c: f32[4, 2] = aten.slice.Tensor(%r, 1, -2, 9223372036854775807)
        %f: f32[4, 2] = aten.relu.default(%c)
        %i: f32[4, 6] = aten.slice_scatter.default(%r, %f, 1, -2, 9223372036854775807)
        %o: f32[8, 6] = aten.slice_scatter.default(%z, %i, 0, 0, -4)
        output "" %o
        """,
        """
        %z: f32[8, 6] = aten.zeros.default([8, 6])
        %r: f32[4, 6] = aten.slice.Tensor(%z, 0, 0, -4)
        %c: f32[4, 2] = aten.slice.Tensor(%r, 1, -2, 9223372036854775807)
        %f: f32[4, 2] = aten.relu.default(%c)
        %o: f32[8, 6] = rt.slice_assign(%z, %f, [[0, 4], [4, 6]])
        output "" %o
        """,
    )


def test_a_number_is_written_as_one():
    write = """
        %z: f32[8, 6] = aten.zeros.default([8, 6])
        %n: f32[] = aten.full.default([], 2.0)
        %r: f32[4, 6] = aten.slice.Tensor(%z, 0, 0, -4)
        %c: f32[4, 2] = aten.slice.Tensor(%r, 1, -2, 9223372036854775807)
        %f: f32[4, 2] = aten.fill.Tensor(%c, %n)
        %i: f32[4, 6] = aten.slice_scatter.default(%r, %f, 1, -2, 9223372036854775807)
        """
    check(
        write
        + """
        %o: f32[8, 6] = aten.slice_scatter.default(%z, %i, 0, 0, -4)
        output "" %o
        """,
        """
        %z: f32[8, 6] = aten.zeros.default([8, 6])
        %o: f32[8, 6] = rt.slice_fill(%z, [[0, 4], [4, 6]], 2.0)
        output "" %o
        """,
    )
    check(
        write
        + """
        output "" %i
        """,
        """
        %z: f32[8, 6] = aten.zeros.default([8, 6])
        %r: f32[4, 6] = aten.slice.Tensor(%z, 0, 0, -4)
        %i: f32[4, 6] = rt.slice_fill(%r, [[0, 4], [4, 6]], 2.0)
        output "" %i
        """,
    )


def test_a_write_within_another_part_stays():
    graph = """
        %z: f32[8, 6] = aten.zeros.default([8, 6])
        %r: f32[4, 6] = aten.slice.Tensor(%z, 0, 4, 8)
        %f: f32[4, 2] = aten.slice.Tensor(%r, 1, 0, 2)
        %i: f32[4, 6] = aten.slice_scatter.default(%r, %f, 1, 4, 6)
        %o: f32[8, 6] = aten.slice_scatter.default(%z, %i, 0, 0, 4)
        output "" %o
        """
    check(graph, graph)
