"""What depends on parameters alone is computed in `load`, and the rest in `forward`."""

import re

from pycandle.emit.lowering import lower_graph
from pycandle.emit.module import print_module
from pycandle.emit.structs import build_structs
from pycandle.emit.tree import Tree
from pycandle.graph import text

HEAD = """
graph g
symbol batch 1.. = 2
input "x" %x: f32[batch, 4]
parameter %w: f32[4, 4] "weight"
parameter %g: f32[4, 1] "gain"
"""


def check(nodes: str, load: str, forward: str = ""):
    graph = text.parse_graph(HEAD + nodes)
    lowered, _ = lower_graph(graph)
    printed = print_module(graph, build_structs(Tree(graph), lowered, "Net"), "g.json")

    assert body(printed, "load") == lines(load)
    assert not forward or body(printed, "forward") == lines(forward)


def body(printed: str, function: str) -> list[str]:
    """The lines of a function, without what every one has."""
    found = re.search(rf"pub fn {function}\(.*?\{{\n(.*?)\n    \}}\n", printed, re.DOTALL)
    assert found
    common = ("let batch", "ops::expect_size", "ops::expect_shape", "py_check!")
    return [line for line in lines(found[1]) if not line.startswith(common)]


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.strip().splitlines()]


def test_a_normed_weight():
    check(
        """
        %n: f32[4, 1] = aten.abs.default(%g) "model.py:1"
        %m: f32[4, 4] = aten.mul.Tensor(%w, %n) "model.py:1" as weight
        %y: f32[batch, 4] = aten.matmul.default(%x, %m) "model.py:2"
        output "" %y
        """,
        """
        let weight = vb.get((4, 4), "weight")?;
        let gain = vb.get((4, 1), "gain")?;
        let weight = weight.broadcast_mul(&ops::abs(&gain)?)?;
        Ok(Self {
        weight,
        checker,
        })
        """,
        """
        let output = ops::matmul(x, &self.weight)?;
        Ok(output)
        """,
    )


def test_work_that_depends_on_nothing():
    check(
        """
        %i: i64[4] = aten.arange.default(4) "model.py:1" as ids
        %a: f32[4] = aten.sin.default(%i) "model.py:2"
        %b: f32[4] = aten.exp.default(%a) "model.py:2"
        %m: f32[4] = aten.cos.default(%b) "model.py:2" as mask
        %u: f32[1, 4] = aten.unsqueeze.default(%m, 0) "model.py:3" as y
        %y: f32[batch, 4] = aten.add.Tensor(%x, %u) "model.py:3" as y
        output "" %y
        """,
        """
        let ids = Tensor::arange(0i64, 4i64, vb.device())?;
        let mask = ops::cos(&ops::exp(&ops::sin(&ids)?)?)?;
        Ok(Self {
        mask,
        checker,
        })
        """,
        """
        let y = x.broadcast_add(&self.mask.unsqueeze(0)?)?;
        Ok(y)
        """,
    )


def test_little_or_much_work_that_depends_on_nothing_stays():
    much = "".join(
        f"""
        %s{k + 1}: f32[4] = aten.sin.default(%s{k}) "model.py:{k + 1}" as mask"""
        for k in range(60)
    )
    check(
        f"""
        %a: i64[4] = aten.arange.default(4) "model.py:1" as ids
        %b: f32[4] = aten.exp.default(%a) "model.py:1" as ids
        %s0: f32[4] = aten.ones.default([4]) "model.py:1" as mask{much}
        %y: f32[batch, 4] = aten.add.Tensor(%x, %b) "model.py:50" as y
        %z: f32[batch, 4] = aten.add.Tensor(%y, %s60) "model.py:51" as z
        output "" %z
        """,
        """
        Ok(Self {
        checker,
        })
        """,
    )


def test_what_only_tells_a_size_stays():
    check(
        """
        binding length 1.. = %m
        %m: i64[] = aten.count_nonzero.default(%x) "model.py:1"
        %r: f32[length] = aten.arange.default(length, dtype=f32) "model.py:2" as steps
        output "" %r
        """,
        """
        Ok(Self {
        checker,
        })
        """,
        """
        let length = ops::item_size("length", &ops::count_nonzero(x, &[])?, 1, None)?;
        let steps = ops::arange(0.0, length as f64, 1.0, DType::F32, x.device())?;
        Ok(steps)
        """,
    )


def test_a_parameter_that_both_read_is_a_field_too():
    check(
        """
        %m: f32[4, 4] = aten.exp.default(%w) "model.py:1" as scale
        %y: f32[batch, 4] = aten.matmul.default(%x, %m) "model.py:2"
        %z: f32[batch, 4] = aten.matmul.default(%y, %w) "model.py:3"
        output "" %z
        """,
        """
        let weight = vb.get((4, 4), "weight")?;
        let scale = ops::exp(&weight)?;
        Ok(Self {
        weight,
        scale,
        checker,
        })
        """,
        """
        let output = ops::matmul(&ops::matmul(x, &self.scale)?, &self.weight)?;
        Ok(output)
        """,
    )


def test_a_name_that_is_assigned_on_the_readers_line_is_another_values():
    check(
        """
        %m: f32[4, 4] = aten.exp.default(%w) "model.py:1" as y
        %y: f32[batch, 4] = aten.matmul.default(%x, %m) "model.py:1" as y
        output "" %y
        """,
        """
        let weight = vb.get((4, 4), "weight")?;
        let weight = ops::exp(&weight)?;
        Ok(Self {
        weight,
        checker,
        })
        """,
        """
        let y = ops::matmul(x, &self.weight)?;
        Ok(y)
        """,
    )


def test_views_stay_where_they_are_read():
    check(
        """
        %t: f32[4, 4] = aten.t.default(%w) "model.py:1"
        %y: f32[batch, 4] = aten.matmul.default(%x, %t) "model.py:1"
        %e: f32[4, 1] = aten.exp.default(%g) "model.py:2" as e
        %s: f32[4] = aten.squeeze.dim(%e, 1) "model.py:3"
        %z: f32[batch, 4] = aten.add.Tensor(%y, %s) "model.py:3"
        output "" %z
        """,
        """
        let gain = vb.get((4, 1), "gain")?;
        let e = ops::exp(&gain)?;
        Ok(Self {
        weight: vb.get((4, 4), "weight")?,
        e,
        checker,
        })
        """,
        """
        let output = ops::matmul(x, &self.weight.t()?)?.broadcast_add(&self.e.squeeze(1)?)?;
        Ok(output)
        """,
    )


def test_what_needs_a_size_stays():
    check(
        """
        %e: f32[4, 4] = aten.exp.default(%w) "model.py:1" as e
        %r: f32[batch, 4, 4] = aten.expand.default(%e, [batch, 4, 4]) "model.py:2"
        %z: f32[batch, 4, 4] = aten.exp.default(%r) "model.py:3"
        output "" %z
        """,
        """
        let weight = vb.get((4, 4), "weight")?;
        let e = ops::exp(&weight)?;
        Ok(Self {
        e,
        checker,
        })
        """,
        """
        let output = ops::exp(&self.e.broadcast_as((batch, 4, 4))?)?;
        Ok(output)
        """,
    )
