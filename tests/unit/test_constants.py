"""Numbers that the model's own code names are constants of Rust."""

import textwrap

from pycandle.emit.lowering import lower_graph
from pycandle.emit.module import print_module
from pycandle.emit.structs import build_structs
from pycandle.emit.tree import Tree
from pycandle.graph import text


def check(nodes: str, expected: str) -> None:
    """The lines with constants or numbers, of modules `a` and `b` of two classes."""
    graph = text.parse_graph(
        textwrap.dedent("""
        graph g
        region 1 "a" 0 "First" 0
        region 2 "b" 0 "Second" 0
        input "x" %x: f32[4, 6]
        """)
        + textwrap.dedent(nodes)
        + 'output "y" %b'
    )
    lowered, findings = lower_graph(graph)
    assert not findings
    code = print_module(graph, build_structs(Tree(graph), lowered, "Model"), "m.json")
    lines = (line.strip() for line in code.splitlines())
    told = ("pub const ", "const ", "let a = ", "let b = ", "fc: nn::")
    found = [line for line in lines if line.startswith(told) and "self" not in line]
    assert found == textwrap.dedent(expected).strip().splitlines()


def test_a_number_that_all_call_the_same():
    check(
        """
        %t: f32[24] = aten.view.default(%x, [24]) @1
        %a: f32[8, 3] = aten.view.default(%t, [8, 3]) @1 "m.py:1" as a named head_dim=8
        %u: f32[24] = aten.view.default(%a, [24]) @2
        %b: f32[3, 8] = aten.view.default(%u, [3, 8]) @2 "m.py:2" as b named head_dim=8
        """,
        """
        pub const HEAD_DIM: usize = 8;
        let a = x.reshape(24)?.reshape((HEAD_DIM, 3))?;
        let b = a.reshape(24)?.reshape((3, HEAD_DIM))?;
        """,
    )


def test_a_name_of_two_numbers_is_each_struct_s_own():
    check(
        """
        %t: f32[24] = aten.view.default(%x, [24]) @1
        %a: f32[8, 3] = aten.view.default(%t, [8, 3]) @1 "m.py:1" as a named dim=8
        %u: f32[24] = aten.view.default(%a, [24]) @2
        %b: f32[4, 6] = aten.view.default(%u, [4, 6]) @2 "m.py:2" as b named dim=6
        """,
        """
        const DIM: usize = 8;
        let a = x.reshape(24)?.reshape((Self::DIM, 3))?;
        const DIM: usize = 6;
        let b = a.reshape(24)?.reshape((4, Self::DIM))?;
        """,
    )


def test_a_name_of_two_numbers_of_one_struct_is_none():
    check(
        """
        %t: f32[8, 3] = aten.view.default(%x, [8, 3]) @1 named dim=8
        %u: f32[24] = aten.view.default(%t, [24]) @1
        %a: f32[2, 12] = aten.view.default(%u, [2, 12]) @1 "m.py:1" as a named dim=12
        %b: f32[2, 12] = aten.sin.default(%a) @2 "m.py:2" as b
        """,
        """
        let a = x.reshape((8, 3))?.reshape(24)?.reshape((2, 12))?;
        """,
    )


def test_a_number_that_stands_twice_and_is_named_once():
    check(
        """
        %t: f32[24] = aten.view.default(%x, [24]) @1
        %a: f32[2, 2, 6] = aten.view.default(%t, [2, 2, 6]) @1 "m.py:1" as a named heads=2
        %u: f32[24] = aten.view.default(%a, [24]) @2
        %b: f32[2, 2, 6] = aten.view.default(%u, [2, 2, 6]) @2 "m.py:2" as b named n=2, n=2
        """,
        """
        pub const N: usize = 2;
        let a = x.reshape(24)?.reshape((2, 2, 6))?;
        let b = a.reshape(24)?.reshape((N, N, 6))?;
        """,
    )


def test_an_axis_has_no_name():
    check(
        """
        %t: f32[4, 6] = aten.neg.default(%x) @1
        %a: f32[4, 1, 6] = aten.unsqueeze.default(%t, 1) @1 "m.py:1" as a named dim=1
        %u: f32[4, 1, 6] = aten.neg.default(%a) @2
        %b: f32[4, 1, 6] = aten.add.Tensor(%u, 0.5) @2 "m.py:2" as b named shift=0.5
        """,
        """
        pub const SHIFT: f64 = 0.5;
        let a = ops::neg(x)?.unsqueeze(1)?;
        let b = (ops::neg(a)? + SHIFT)?;
        """,
    )


def test_equal_parts_start_at_so_many_lengths():
    check(
        """
        %p: f32[4, 2], %q: f32[4, 2], %a: f32[4, 2] = aten.split.Tensor(%x, 2, 1) @1 named half=2
        %b: f32[4, 2] = aten.relu.default(%a) @2 "m.py:2" as b
        """,
        """
        pub const HALF: usize = 2;
        let a = x.narrow(1, 2 * HALF, HALF)?;
        """,
    )  # fmt: skip


def test_a_product_of_named_numbers():
    nodes = """
        region 3 "b.fc" 0 "Linear" 2 {{"in_features": 6, "out_features": 12}} made {{"out_features": "{}"}}
        parameter %w: f32[12, 6] "b.fc.weight"
        %a: f32[4, 6] = aten.relu.default(%x) @1 "m.py:1" as a
        %b: f32[4, 12] = aten.linear.default(%a, %w, None) @3 "m.py:2" as b
        """  # noqa: E501
    check(
        nodes.format("3 * heads=2 * size=2"),
        """
        pub const HEADS: usize = 2;
        pub const SIZE: usize = 2;
        fc: nn::linear_no_bias(6, 3 * HEADS * SIZE, vb.pp("fc"), checker.pp("fc"))?,
        """,
    )
    check(
        nodes.format("3 * heads=2"),
        """
        fc: nn::linear_no_bias(6, 12, vb.pp("fc"), checker.pp("fc"))?,
        """,
    )
