"""Names of axes go with them through a graph."""

import textwrap

from pycandle.emit.axes import axis_names
from pycandle.graph import text


def check(nodes: str, expected: str) -> None:
    """The names of the last node's axes, of a projection %p whose width is called so."""
    head = """
        graph g
        symbol batch 1.. = 2
        region 1 "p" 0 "Linear" 0 {"out_features": 24} made {"out_features": "width"}
        input "x" %x: f32[batch, 5, 12]
        parameter %w: f32[24, 12] "p.weight"
        %p: f32[batch, 5, 24] = aten.linear.default(%x, %w) @1
    """
    lines = [textwrap.dedent(part).strip() for part in (head, nodes)]
    graph = text.parse_graph("\n".join([*lines, 'output "y" %y']))
    assert " ".join(name or "_" for name in axis_names(graph).get("y", ())) == expected


def test_what_keeps_a_shape():
    check("%y: f32[batch, 5, 24] = aten.sin.default(%p)", "_ _ width")


def test_a_transpose():
    check("%y: f32[batch, 24, 5] = aten.transpose.int(%p, -1, 1)", "_ width _")


def test_a_permutation():
    check("%y: f32[24, batch, 5] = aten.permute.default(%p, [2, 0, -2])", "width _ _")


def test_a_view_that_names_its_size():
    split = "%y: f32[batch, 5, 6, 4] = aten.view.default(%p, [batch, 5, -1, 4]) named head_dim=4"
    check(split, "_ _ _ head_dim")


def test_a_size_that_stands_there_twice():
    split = "%y: f32[batch, 5, 4, 6, 1] = aten.view.default(%p, [batch, 5, 4, 6, 1]) named five=5"
    check(split, "_ five _ _ _")
    check("%y: f32[5, 5, 24] = aten.expand.default(%p, [5, 5, 24]) named five=5", "_ _ width")


def test_rows_that_are_joined():
    check("%y: f32[5*batch, 24] = aten.view.default(%p, [5*batch, 24])", "_ width")
    check("%y: f32[batch, 120] = aten.view.default(%p, [batch, 120])", "")


def test_what_is_cut_has_no_name():
    check("%y: f32[batch, 5, 12] = aten.slice.Tensor(%p, 2, 0, 12)", "")
