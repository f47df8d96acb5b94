"""What one Python line computed once is one node, in the module call whose line it is."""

from dataclasses import replace

from pycandle.graph import Graph, text
from pycandle.record.twins import merge_twins

HEAD = """
graph g
region 1 "mixed" 0 "Mixed" 0
region 2 "mixed.0" 0 "Conv" 1
region 3 "mixed.1" 0 "Conv" 1
input "x" %x: f32[2, 8]
"""
SOURCES = ("net.py:1", "mixed.py:4", "conv.py:9", "conv.py:9")
TAIL = """
%c: f32[2, 4] = aten.relu.default(%a) @2 "conv.py:11"
%d: f32[2, 4] = aten.relu.default(%b) @3 "conv.py:11"
%y: f32[2, 8] = aten.cat.default([%c, %d], 1) @1 "mixed.py:7"
output "" %y
"""


def split(names: str, region: int, line: str, sizes: str = "[4, 4]") -> str:
    left, right = (f"%{name}: f32[2, 4]" for name in names.split())
    return f'{left}, {right} = aten.split_with_sizes.default(%x, {sizes}, 1) @{region} "{line}"\n'


def parse(nodes: str) -> Graph:
    graph = text.parse_graph(HEAD + nodes)
    regions = zip(graph.regions, SOURCES, strict=True)
    return replace(graph, regions=tuple(replace(r, source=source) for r, source in regions))


def check(before: str, after: str):
    merged = merge_twins(parse(before))
    assert text.print_graph(merged) == text.print_graph(parse(after))


def test_a_split_that_each_reader_was_given_goes_to_the_module_that_splits():
    check(
        split("a a1", 2, "mixed.py:5") + split("b0 b", 3, "mixed.py:5") + TAIL,
        split("a a1", 1, "mixed.py:5") + TAIL.replace("%b)", "%a1)"),
    )


def test_what_each_module_computes_itself_stays():
    graph = split("a a1", 2, "conv.py:10") + split("b0 b", 3, "conv.py:10") + TAIL
    check(graph, graph)


def test_what_two_lines_compute_stays():
    graph = split("a a1", 1, "mixed.py:5") + split("b0 b", 1, "mixed.py:6") + TAIL
    check(graph, graph)


def test_equal_numbers_of_two_kinds_stay_apart():
    graph = split("a a1", 1, "mixed.py:5") + split("b0 b", 1, "mixed.py:5", "[4, 4.0]") + TAIL
    check(graph, graph)
