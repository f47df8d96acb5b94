"""Each pass as two graphs in text: before and after."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pycandle.graph import dim, text
from pycandle.passes import PIPELINE
from pycandle.passes.creations import share_creations
from pycandle.passes.forms import Bounds, at_least_zero
from pycandle.passes.indices import simplify_indices
from pycandle.passes.no_ops import drop_no_ops
from pycandle.passes.sizes import settle_sizes
from pycandle.passes.unused import drop_unused
from tests.rewrites import HEAD, QUERY, check


def test_a_size_that_its_range_decides_is_said_plainly():
    check(
        [settle_sizes],
        """
        %v: f32[b, max(s, 1), 4] = aten.view.default(%x, [b, max(1, s), 4])
        %y: f32[b, min(b, 8), 4] = aten.slice.Tensor(%v, 1, 0, min(b, 8))
        output "" %y
        """,
        """
        %v: f32[b, s, 4] = aten.view.default(%x, [b, s, 4])
        %y: f32[b, min(b, 8), 4] = aten.slice.Tensor(%v, 1, 0, min(b, 8))
        output "" %y
        """,
    )


def test_dropout_and_views_of_the_same_shape_go():
    check(
        [drop_no_ops],
        """
        %d: f32[b, s, 4] = aten.dropout.default(%x, 0.1, False)
        %v: f32[b, s, 4] = aten.view.default(%d, [b, s, 4])
        %f: f32[b, s, 4] = aten.slice.Tensor(%v, 0, 0, 9223372036854775807)
        %y: f32[b, s, 4] = aten.relu.default(%f)
        output "" %y
        """,
        """
        %y: f32[b, s, 4] = aten.relu.default(%x)
        output "" %y
        """,
    )


def test_what_one_module_views_stays_its_result():
    regions = """
        region 1 "a" 0 "M" 0
        region 2 "b" 0 "M" 0
        %f: f32[b, 4*s] = aten.view.default(%x, [b, 4*s]) @1
        %v: f32[b, s, 4] = aten.view.default(%f, [b, s, 4]) @2
        output "" %v
        """
    check([drop_no_ops, drop_unused], regions, regions)


def test_views_there_and_back_go():
    check(
        [drop_no_ops, drop_unused],
        """
        %f: f32[b, 4*s] = aten.view.default(%x, [b, 4*s])
        %u: f32[b, 1, 4*s] = aten.unsqueeze.default(%f, 1)
        %v: f32[b, s, 4] = aten.reshape.default(%u, [b, s, 4])
        %y: f32[b, s, 4] = aten.relu.default(%v)
        %t: f32[b, 4, s] = aten.permute.default(%y, [0, 2, 1])
        %z: f32[b, s, 4] = aten.reshape.default(%t, [b, s, 4])
        output "" %z
        """,
        """
        %y: f32[b, s, 4] = aten.relu.default(%x)
        %t: f32[b, 4, s] = aten.permute.default(%y, [0, 2, 1])
        %z: f32[b, s, 4] = aten.reshape.default(%t, [b, s, 4])
        output "" %z
        """,
    )


def test_a_product_with_one_is_the_other_factor():
    check(
        [drop_no_ops],
        """
        %p: f32[b, s, 4] = aten.mul.Tensor(%x, 1.0)
        %q: f32[b, s, 4] = aten.div.Tensor(%p, 1)
        %h: f32[b, s, 4] = aten.mul.Tensor(%q, 0.5)
        %f: f32[b, s] = aten.mul.Tensor(%m, 1.0)
        %z: f32[b, s, 4] = aten.add.Tensor(%h, 0.0)
        output "" %z
        output "f" %f
        """,
        """
        %h: f32[b, s, 4] = aten.mul.Tensor(%x, 0.5)
        %f: f32[b, s] = aten.mul.Tensor(%m, 1.0)
        %z: f32[b, s, 4] = aten.add.Tensor(%h, 0.0)
        output "" %z
        output "f" %f
        """,
    )


def test_dropout_in_training_and_real_views_stay():
    graph = """
        %d: f32[b, s, 4] = aten.dropout.default(%x, 0.1, True)
        %v: f32[b, 4*s] = aten.view.default(%d, [b, -1])
        %r: f32[b, 4*s] = aten.slice.Tensor(%v, 1, 0, 9223372036854775807, 1)
        output "" %r
        """
    check([drop_no_ops], graph, graph.replace(
        "        %r: f32[b, 4*s] = aten.slice.Tensor(%v, 1, 0, 9223372036854775807, 1)\n", ""
    ).replace("%r", "%v"))  # fmt: skip


def test_what_is_written_over_all_of_a_tensor_takes_its_place():
    check(
        [drop_no_ops, drop_unused],
        """
        %z: f32[b, s, 4] = aten.zeros_like.default(%x)
        %c: f32[b, s, 4] = aten.copy.default(%z, %x)
        %w: f32[b, s, 4] = aten.slice_scatter.default(%z, %c, 0, 0, 9223372036854775807)
        %y: f32[b, s, 4] = aten.relu.default(%w)
        output "" %y
        """,
        """
        %y: f32[b, s, 4] = aten.relu.default(%x)
        output "" %y
        """,
    )


def test_what_has_no_elements_is_not_joined():
    check(
        [drop_no_ops, drop_unused],
        """
        %e: f32[0] = rt.literal([], [0], dtype=f32)
        %d: f64[0] = rt.literal([], [0], dtype=f64)
        %a: f32[b, s, 4] = aten.cat.default([%e, %x], 1)
        %c: f32[b, 2*s, 4] = aten.cat.default([%e, %x, %a], -2)
        %f: f64[b, 2*s, 4] = aten.cat.default([%d, %c], 1)
        output "c" %c
        output "f" %f
        """,
        """
        %d: f64[0] = rt.literal([], [0], dtype=f64)
        %c: f32[b, 2*s, 4] = aten.cat.default([%x, %x], -2)
        %f: f64[b, 2*s, 4] = aten.cat.default([%d, %c], 1)
        output "c" %c
        output "f" %f
        """,
    )


def test_what_is_written_over_a_part_stays():
    graph = """
        %o: f32[b, 1, 4] = aten.slice.Tensor(%x, 1, 0, 1)
        %w: f32[b, s, 4] = aten.slice_scatter.default(%x, %o, 1, 0, 1)
        %c: f32[b, s, 4] = aten.copy.default(%x, %o)
        output "" %w
        output "c" %c
        """
    check([drop_no_ops, drop_unused], graph, graph)


def test_what_is_gathered_of_equal_numbers_is_that_number():
    check(
        [simplify_indices, drop_unused],
        """
        %t: i64[1, 8] = aten.full.default([1, 8], 0)
        %p: i64[4] = aten.arange.default(4)
        %u: i64[1, 4] = aten.unsqueeze.default(%p, 0)
        %g: i64[1, 4] = aten.gather.default(%t, 1, %u)
        %e: i64[b, 4] = aten.expand.default(%g, [b, 4])
        %y: f32[b, 4] = aten.mul.Tensor(%e, 0.5)
        output "" %y
        """,
        """
        %e_form_0: i64[b, 4] = aten.full.default([b, 4], 0, dtype=i64)
        %y: f32[b, 4] = aten.mul.Tensor(%e_form_0, 0.5)
        output "" %y
        """,
    )


def test_what_is_gathered_where_it_may_not_be_is_left():
    graph = """
        %t: i64[1, 8] = aten.full.default([1, 8], 0)
        %p: i64[s] = aten.arange.default(s)
        %u: i64[1, s] = aten.unsqueeze.default(%p, 0)
        %g: i64[1, s] = aten.gather.default(%t, 1, %u)
        %y: f32[1, s] = aten.mul.Tensor(%g, 0.5)
        output "" %y
        """
    check([simplify_indices, drop_unused], graph, graph)


def test_an_index_that_may_be_out_of_range_is_left():
    graph = """
        %i: i64[s] = aten.arange.start_step(1, s + 1, 1)
        %j: i64[s] = aten.arange.default(s)
        %t: bool[s] = aten.index.Tensor(%m, [%i, %j])
        output "" %t
        """
    check([simplify_indices], graph, graph)


def test_a_slice_of_a_position_table_becomes_a_count():
    check(
        [simplify_indices, drop_unused],
        """
        %p: i64[512] = aten.arange.default(512)
        %v: i64[1, 512] = aten.view.default(%p, [1, 512])
        %t: i64[1, s] = aten.slice.Tensor(%v, 1, 0, s)
        %y: f32[1, s, 4] = aten.embedding.default(%x, %t)
        output "" %y
        """,
        """
        %t_form_0: i64[s] = aten.arange.start_step(0, s, 1, dtype=i64)
        %t_form_1: i64[1, s] = aten.unsqueeze.default(%t_form_0, 0)
        %y: f32[1, s, 4] = aten.embedding.default(%x, %t_form_1)
        output "" %y
        """,
    )


@pytest.mark.parametrize("rewrite", PIPELINE, ids=lambda p: p.__name__)
def test_a_pass_is_idempotent(rewrite):
    graph = text.parse_graph(
        HEAD
        + QUERY
        + """
        %d: f32[b, 1, s, 4] = aten.dropout.default(%q, 0.1, False)
        output "" %d
        """
    )

    once = rewrite(graph)

    assert text.print_graph(rewrite(once)) == text.print_graph(once)


def index_polynomials():
    leaves = st.integers(-4, 4) | st.sampled_from(
        [dim.symbol("@0"), dim.symbol("@1"), dim.symbol("s"), dim.symbol("b")]
    )
    grow = lambda inner: st.one_of(  # noqa: E731
        st.tuples(inner, inner).map(lambda p: p[0] + p[1]),
        st.tuples(inner, inner).map(lambda p: p[0] - p[1]),
        st.tuples(inner, inner).map(lambda p: p[0] * p[1]),
    )
    return st.recursive(leaves, grow, max_leaves=5)


@given(index_polynomials())
def test_what_is_decided_of_an_index_holds_for_every_index(size):
    graph = text.parse_graph("graph g\nsymbol b 1..3 = 2\nsymbol s 2..4 = 2\n")
    shape = (dim.symbol("b"), dim.symbol("s"))

    decided = at_least_zero(size, Bounds(graph, shape))

    if isinstance(decided, bool):
        for b, s in itertools.product(range(1, 4), range(2, 5)):
            for i, j in itertools.product(range(b), range(s)):
                value = dim.substitute(size, {"@0": i, "@1": j, "b": b, "s": s})
                assert isinstance(value, int)
                assert (value >= 0) is decided


BRANCH = """
        %c: bool[] = aten.any.default(%m)
        %y: f32[b, s, 4] = higher_order.cond(%c, {
          %d: f32[b, s, 4] = aten.dropout.default(%x, 0.1, False)
          %e: f32[b, s, 4] = aten.relu.default(%d)
          %u: f32[b, s, 4] = aten.tanh.default(%d)
          yield %e
        }, {
          %v: f32[b, s, 4] = aten.view.default(%x, [b, s, 4])
          yield %v
        })
        output "" %y
        """


def test_blocks_lose_no_ops_and_what_nothing_reads():
    check(
        [drop_no_ops, drop_unused],
        BRANCH,
        """
        %c: bool[] = aten.any.default(%m)
        %y: f32[b, s, 4] = higher_order.cond(%c, {
          %e: f32[b, s, 4] = aten.relu.default(%x)
          yield %e
        }, {
          yield %x
        })
        output "" %y
        """,
    )


def test_what_a_block_reads_stays_and_is_renamed():
    check(
        [drop_no_ops, drop_unused],
        """
        %d: bool[b, s] = aten.dropout.default(%m, 0.1, False)
        %t: bool[b, s] = aten.tanh.default(%d)
        %i: i64[], %y: bool[b, s] = higher_order.while_loop([%n, %t], {(%k: i64[], %z: bool[b, s])
          %l: bool[] = aten.lt.Scalar(%k, 3)
          yield %l
        }, {(%k: i64[], %z: bool[b, s])
          %a: i64[] = aten.add.Tensor(%k, 1)
          %p: bool[b, s] = aten.add.Tensor(%z, %d)
          yield %a, %p
        })
        output "" %y
        """.replace("%d: bool", "%n: i64[] = aten.zeros.default([])\n%d: bool"),
        """
        %n: i64[] = aten.zeros.default([])
        %t: bool[b, s] = aten.tanh.default(%m)
        %i: i64[], %y: bool[b, s] = higher_order.while_loop([%n, %t], {(%k: i64[], %z: bool[b, s])
          %l: bool[] = aten.lt.Scalar(%k, 3)
          yield %l
        }, {(%k: i64[], %z: bool[b, s])
          %a: i64[] = aten.add.Tensor(%k, 1)
          %p: bool[b, s] = aten.add.Tensor(%z, %m)
          yield %a, %p
        })
        output "" %y
        """,
    )


def test_equal_ranges_of_one_call_are_one():
    regions = 'region 1 "a" 0 "M" 0\n'
    check(
        [share_creations],
        regions
        + """
        %i: i64[s] = aten.arange.default(s) "m.py:1" as rows
        %r: i64[s, 1] = aten.unsqueeze.default(%i, 1) "m.py:1" as rows
        %j: i64[s] = aten.arange.start_step(0, s, 1) "m.py:2" as columns
        %c: i64[1, s] = aten.unsqueeze.default(%j, 0) "m.py:2" as columns
        %k: i64[s] = aten.arange.default(s) @1
        %f: f32[s] = aten.arange.default(s)
        %l: i64[s] = aten.arange.start(1, s + 1)
        %o: i64[s, s] = aten.add.Tensor(%r, %c)
        output "" %o
        """,
        regions
        + """
        %i: i64[s] = aten.arange.default(s) "m.py:1"
        %r: i64[s, 1] = aten.unsqueeze.default(%i, 1) "m.py:1" as rows
        %c: i64[1, s] = aten.unsqueeze.default(%i, 0) "m.py:2" as columns
        %k: i64[s] = aten.arange.default(s) @1
        %f: f32[s] = aten.arange.default(s)
        %l: i64[s] = aten.arange.start(1, s + 1)
        %o: i64[s, s] = aten.add.Tensor(%r, %c)
        output "" %o
        """,
    )


def test_a_symbol_that_is_needed_or_checked_keeps_the_value_that_binds_it():
    nodes = """
        %n: i64[k, 2] = aten.nonzero.default(%m)
        %t: i64[] = aten.sum.default(%x)
        %u: i64[] = aten.amax.default(%x)
        %z: f32[k] = aten.zeros.default([k])
        output "" %z
        """
    bound = "binding k 0.. = %n\nbinding free 0.. = %u\nbinding held 2..9 = %t\n"
    kept = nodes.replace("        %u: i64[] = aten.amax.default(%x)\n", "")

    check([drop_unused], bound + nodes, bound.replace("binding free 0.. = %u\n", "") + kept)
