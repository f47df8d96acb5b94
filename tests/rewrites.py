"""Passes as two graphs in text: before and after."""

from pycandle.graph import text

HEAD = """
graph g
symbol b 1.. = 2
symbol s 1.. = 8
input "x" %x: f32[b, s, 4]
input "m" %m: bool[b, s]
"""
ATTENTION = "%y: f32[b, 1, s, 4] = aten.scaled_dot_product_attention.default(%q, %q, %q, "
QUERY = "%q: f32[b, 1, s, 4] = aten.unsqueeze.default(%x, 1)\n"


def check(rewrites, before: str, after: str):
    """The rewrites, in order, make the one of the other."""
    graph = text.parse_graph(HEAD + before)
    for rewrite in rewrites:
        graph = rewrite(graph)

    assert text.print_graph(graph) == text.print_graph(text.parse_graph(HEAD + after))
