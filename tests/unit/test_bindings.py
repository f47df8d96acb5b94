"""Which value each `let` of a module's code binds, text to text."""

from dataclasses import replace

from pycandle.emit.bindings import bindings
from pycandle.emit.compiled import Compiled
from pycandle.graph import Boundary, Graph
from pycandle.graph.text import parse_graph

GRAPH = """\
graph g
region 1 "layers.0" 0 "m.Block" 0
region 2 "layers.1" 0 "m.Block" 0
region 3 "norm" 0 "m.LayerNorm" 0
input "x" %x: f32[4]
parameter %weight: f32[4] "norm.weight"
parameter %bias: f32[4] "norm.bias"
%exp: f32[4] = aten.exp.default(%x) @1 "m.py:3" as y
%sin: f32[4] = aten.sin.default(%exp) @1 "m.py:4" as z
%add: f32[4] = aten.add.Tensor(%exp, %sin) @1 "m.py:5" as z
%exp_1: f32[4] = aten.exp.default(%add) @2 "m.py:3" as y
%sin_1: f32[4] = aten.sin.default(%exp_1) @2 "m.py:4" as z
%add_1: f32[4] = aten.add.Tensor(%exp_1, %sin_1) @2 "m.py:5" as z
%layer_norm: f32[4] = aten.layer_norm.default(%add_1, [4], %weight, %bias, 1e-05) @3 "n.py:1"
output "y" %layer_norm
"""


def graph() -> Graph:
    """The graph, whose modules call what they take `x`."""
    read = parse_graph(GRAPH)
    root, *others = read.regions
    given = zip(others, ("x", "add", "add_1"), strict=True)
    called = (replace(each, inputs=(Boundary("x", value, "x"),)) for each, value in given)
    return replace(read, regions=(root, *called))


def check(path: str, struct: str, *lets: tuple[tuple[str, ...], tuple[str, ...]]) -> None:
    made = Compiled(graph())
    found = bindings(made, [region.path for region in made.graph.regions].index(path))
    assert found is not None
    assert (found.struct, found.method) == (struct, "forward")
    assert [(let.names, let.values) for let in found.lets] == [*lets]


def test_each_call_of_equal_modules_has_its_own_values():
    check("layers.0", "Block", (("y",), ("exp",)), (("z",), ("sin",)), (("z",), ("add",)))
    check("layers.1", "Block", (("y",), ("exp_1",)), (("z",), ("sin_1",)), (("z",), ("add_1",)))


def test_a_layer_has_no_code():
    assert bindings(Compiled(graph()), 3) is None
