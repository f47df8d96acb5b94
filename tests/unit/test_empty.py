"""Which axes of inputs may be empty."""

from pycandle.graph import text
from pycandle.record.empty import may_be_empty

HEAD = """
graph toy
symbol past 1.. = 3
symbol seq 1.. = 2
input "cache" %cache: f32[2, past, 4]
input "x" %x: f32[2, seq, 4]
%y: f32[2, seq, 4] = aten.neg.default(%x)
"""


def check(nodes: str, *expected: str):
    assert may_be_empty(text.parse_graph(HEAD + nodes)) == set(expected)


def test_a_cache_is_joined_to_what_is_computed():
    check("%z: f32[2, past + seq, 4] = aten.cat.default([%cache, %y], 1)", "past")
    check("%z: f32[2, past + seq, 4] = aten.cat.default([%cache, %y], -2)", "past")


def test_constants_without_elements_change_nothing():
    check("""
        %none: f32[0] = aten.zeros.default([0])
        %same: f32[2, past, 4] = aten.cat.default([%none, %cache], 1)
        %z: f32[2, past + seq, 4] = aten.cat.default([%same, %y], 1)
        """, "past")  # fmt: skip


def test_what_is_used_in_another_way_is_not():
    check("""
        %z: f32[2, past + seq, 4] = aten.cat.default([%cache, %y], 1)
        %mean: f32[2, 4] = aten.mean.dim(%cache, [1])
        """)  # fmt: skip
    check("%z: f32[4, past, 4] = aten.cat.default([%cache, %cache], 0)")
    check("""
        %z: f32[2, past + seq, 4] = aten.cat.default([%cache, %y], 1)
        output "same" %cache
        """)  # fmt: skip


def test_inputs_that_are_joined_to_each_other_alone_are_not():
    plain = HEAD.replace("%y: f32[2, seq, 4] = aten.neg.default(%x)\n", "")
    joined = "%z: f32[2, past + seq, 4] = aten.cat.default([%cache, %x], 1)\n"
    assert may_be_empty(text.parse_graph(plain + joined)) == set()


def test_a_user_s_own_minimum_holds():
    two = HEAD.replace("symbol past 1..", "symbol past 2..")
    joined = "%z: f32[2, past + seq, 4] = aten.cat.default([%cache, %y], 1)\n"
    assert may_be_empty(text.parse_graph(two + joined)) == set()
