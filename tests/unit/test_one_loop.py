"""Functions of each element that follow one another are one loop."""

from pycandle.emit.compiled import Compiled
from pycandle.emit.module import print_module
from pycandle.explaining import explained, told
from pycandle.graph import Graph, manifest, text

HEAD = """
graph g
parameter %scale: f32[4] "scale"
input "x" %x: f32[8, 4]
input "y" %y: f32[8, 4]
input "row" %row: f32[4]
input "one" %one: f32[1]
input "n" %n: i64[8, 4]
"""


def check(lines: str, expected: str, fuse: bool = True) -> None:
    """What the model gives, `%r`, is this expression."""
    made = Compiled(graph_of(lines), "Model", fuse=fuse)
    code = print_module(made.tree.graph, made.made[0], "g_manifest.json")
    forward = code.rpartition("pub fn forward")[2].partition("        py_check!")[0]
    assert forward.strip().rpartition("let r = ")[2] == expected


def graph_of(lines: str) -> Graph:
    """A model whose Python has all of it on one line."""
    head = HEAD.strip() + ('\ninput "half" %half: bf16[8, 4]' if "%half" in lines else "")
    nodes = [f'{line.strip()} @0 "m.py:1" as r' for line in lines.strip().splitlines()]
    return text.parse_graph("\n".join([head, *nodes, 'output "" %r']))


def test_operators_and_functions_are_one_loop():
    lines = """
    %a: f32[8, 4] = aten.mul.Tensor(%x, %y)
    %b: f32[8, 4] = aten.mul.Tensor(%x, %scale)
    %c: f32[8, 4] = aten.silu.default(%b)
    %r: f32[8, 4] = aten.sub.Tensor(%a, %c)
    """
    check(lines, "ops::fused((x, y, &self.scale), |(x, y, scale)| x * y - (x * scale).silu())?;")
    check(lines, "((x * y)? - ops::silu(&x.broadcast_mul(&self.scale)?)?)?;", fuse=False)


def test_brackets_stand_where_they_must():
    check(
        """
        %a: f32[8, 4] = aten.sub.Tensor(%x, %y)
        %b: f32[8, 4] = aten.sub.Tensor(%y, %a)
        %c: f32[8, 4] = aten.neg.default(%b)
        %d: f32[8, 4] = aten.div.Tensor(%c, 2.0)
        %e: f32[8, 4] = aten.rsub.Scalar(%d, 1.0)
        %r: f32[8, 4] = aten.tanh.default(%e)
        """,
        "ops::fused((y, x), |(y, x)| (1.0 - -(y - (x - y)) / 2.0).tanh())?;",
    )


def test_powers_and_bounds():
    check(
        """
        %a: f32[8, 4] = aten.pow.Tensor_Scalar(%x, 3)
        %b: f32[8, 4] = aten.mul.Tensor(%a, 0.044715)
        %c: f32[8, 4] = aten.clamp.default(%b, -1, 2.5)
        %r: f32[8, 4] = aten.pow.Tensor_Scalar(%c, 2.0)
        """,
        "ops::fused((x,), |(x,)| (x.cube() * 0.044715).clamp(-1.0, 2.5).square())?;",
    )


def test_one_operator_is_no_loop():
    lines = "%r: f32[8, 4] = aten.mul.Tensor(%x, {})"
    check(lines.format("%y"), "(x * y)?;")
    check(lines.format("%scale"), "ops::mul(x, &self.scale)?;")
    check(lines.format("%scale"), "x.broadcast_mul(&self.scale)?;", fuse=False)


def test_of_halves_it_is_as_it_was():
    lines = "%r: bf16[8, 4] = aten.div.Tensor(%half, %other)"
    head = "%other: bf16[4] = aten.select.int(%half, 0, 0)"
    check(f"{head}\n{lines}", "half.broadcast_div(&half.get_on_dim(0, 0)?)?;")


def test_what_is_costly_and_small_is_computed_before():
    lines = """
    %a: f32[4] = aten.{}
    %b: f32[8, 4] = aten.mul.Tensor(%x, %a)
    %r: f32[8, 4] = aten.add.Tensor(%b, %y)
    """
    check(
        lines.format("sigmoid.default(%row)"),
        "ops::fused((x, &ops::sigmoid(row)?, y), |(x, sigmoid, y)| x * sigmoid + y)?;",
    )
    check(
        lines.format("add.Tensor(%row, 1.0)"),
        "ops::fused((x, row, y), |(x, row, y)| x * (row + 1.0) + y)?;",
    )


def test_what_is_costly_and_as_large_is_not():
    check(
        """
        %a: f32[8, 4] = aten.sigmoid.default(%x)
        %r: f32[8, 4] = aten.mul.Tensor(%a, %scale)
        """,
        "ops::fused((x, &self.scale), |(x, scale)| x.sigmoid() * scale)?;",
    )


def test_integers_are_no_part_of_a_loop():
    check(
        """
        %a: i64[8, 4] = aten.mul.Tensor(%n, 3)
        %b: i64[8, 4] = aten.add.Tensor(%a, 1)
        %r: f32[8, 4] = aten.mul.Tensor(%b, %x)
        """,
        "ops::mul(&ops::add(&ops::mul(n, 3)?, 1)?, x)?;",
    )


def test_nor_are_they_without_numbers():
    check(
        """
        %a: i64[8, 4] = aten.mul.Tensor(%n, %n)
        %b: i64[8, 4] = aten.sub.Tensor(%a, %n)
        %r: f32[8, 4] = aten.mul.Tensor(%b, %x)
        """,
        "ops::mul(&ops::sub(&ops::mul(n, n)?, n)?, x)?;",
    )


def test_halves_have_no_loop():
    check(
        """
        %a: bf16[8, 4] = aten.mul.Tensor(%half, %half)
        %r: bf16[8, 4] = aten.add.Tensor(%a, %half)
        """,
        "((half * half)? + half)?;",
    )


def test_what_is_as_large_as_the_result_is_told_by_that():
    check(
        """
        %a: f32[8, 4] = aten.silu.default(%x)
        %b: f32[1, 4] = aten.unsqueeze.default(%row, 0)
        %r: f32[8, 4] = aten.mul.Tensor(%a, %b)
        """,
        "ops::fused((x, &row.unsqueeze(0)?), |(x, row)| x.silu() * row)?;",
    )


def test_a_double_negation_keeps_its_brackets():
    check(
        """
        %a: f32[8, 4] = aten.neg.default(%x)
        %b: f32[8, 4] = aten.neg.default(%a)
        %r: f32[8, 4] = aten.sub.Tensor(%y, %b)
        """,
        "ops::fused((y, x), |(y, x)| y - -(-x))?;",
    )


def test_small_operands_within_each_other_are_counted_once():
    lines = """
    %a: f32[1] = aten.add.Tensor(%one, 1.0)
    %b: f32[4] = aten.mul.Tensor(%row, %a)
    %r: f32[8, 4] = aten.mul.Tensor(%x, %b)
    """
    found = [*told(explained(manifest.dump(graph_of(lines)), {}))]
    assert found[3:5] == ["  add + mul + mul", "    in the model (Module, m.py:1)"]
    assert "spares" not in "".join(found)


def test_what_one_loop_computes_is_told():
    lines = """
    %a: f32[4] = aten.add.Tensor(%row, 1.0)
    %b: f32[8, 4] = aten.mul.Tensor(%x, %a)
    %r: f32[8, 4] = aten.tanh.default(%b)
    """
    found = [*told(explained(manifest.dump(graph_of(lines)), {}))]
    # The product is neither written nor read: 2 * 4 * 32 bytes.
    assert found[2:-1] == [
        "computed in one loop: 1",
        "  add + mul + tanh",
        "    in the model (Module, m.py:1)",
        "    spares 256 bytes of memory traffic in the model",
    ]
