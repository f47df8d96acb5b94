"""Graphs, sizes and manifests as text: what is written is read back."""

import json
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pycandle.graph
from pycandle.errors import GraphError, ManifestError
from pycandle.graph import Dim, dim, manifest, text
from pycandle.graph.verify import verify

SCHEMA = Path(pycandle.graph.__file__).with_name("manifest.schema.json")
MANIFESTS = sorted(Path(__file__).parents[2].glob("examples/*/models/*_manifest.json"))

GRAPH = """
graph g
symbol batch 1.. = 2
symbol seq 1..512 = 8
guard (seq%2) == 0
guard batch*seq <= 4096
input "x" %x: f32[batch, seq, 4]
parameter %w: f32[4, 4] "a.weight" "b.weight"
constant %t: i64[9] "a.table"
region 1 "a" 0 "torch.nn.Linear" 0
%a: f32[batch, seq, 4] = aten.linear.default(%x, %w) @1 "model(1).py:6" as scores
%b: f32[batch, 2, 4], %c: f32[batch, seq - 2, 4] = aten.split.sizes(%a, [2, seq - 2], dim=1)
%d: i64[4] = aten.other.default(%c, -1, 0.5, float("inf"), "no%ne", dtype=f32, flag=True, n=None)
%e: c64[4] = aten.mul.Tensor(%d, complex(0.0, -2.5))
%f: c128[4] = aten.add.Tensor(%e, complex(float("nan"), -0.0), dtype=c128)
output "y" %d
"""


def check(graph: str):
    parsed = text.parse_graph(graph)

    assert text.print_graph(parsed) == text.print_graph(text.parse_graph(text.print_graph(parsed)))
    return parsed


CONTROL = """
graph g
symbol batch 1.. = 2
binding count 0..4 = %positions
binding k 1.. = %n
guard count <= batch
input "x" %x: f32[batch, 4]
input "noise" %noise: f32[batch, 4] random "normal, \\"as drawn\\""
input "n" %n: i64[]
region 1 "a" 0 "Block" 0
%positions: i64[count, 2] = aten.nonzero.default(%x)
%s: i64[] = aten.sum.default(%positions, [count, (batch%2), k]) "a{b.py:3" as s
%y: f32[batch, 4] = higher_order.cond(batch > 4, {
  yield %x
}, {
  %t: f32[batch, 4] = aten.tanh.default(%noise)
  %l: i64[], %z: f32[batch, 4] = higher_order.while_loop([%n, %t], {(%i: i64[], %c: f32[batch, 4])
    %lt: bool[] = aten.lt.Scalar(%i, 3, "}{")
    yield %lt
  }, {(%i: i64[], %c: f32[batch, 4])
    %add: i64[] = aten.add.Tensor(%i, 1)
    yield %add, %c
  })
  yield %z
}) @1 "m.py:6" as y
output "" %y
"""


def test_blocks_bindings_and_random_inputs_are_read_back():
    graph = check(CONTROL)

    assert text.print_graph(graph).strip() == CONTROL.strip()
    assert graph.inputs[1].random == 'normal, "as drawn"'
    assert graph.bindings[0].axis(graph.types["positions"]) == 0
    assert graph.bindings[1].axis(graph.types["n"]) is None
    assert graph.nodes[2].inputs == ("x", "noise", "n")
    verify(graph, "a test")


def test_a_graph_is_read_back_from_its_text():
    graph = check(GRAPH)

    assert text.print_graph(graph).strip() == GRAPH.strip()
    assert graph.nodes[0].targets == ("scores",)
    assert graph.parameters[0].names == ("a.weight", "b.weight")
    assert [parameter.constant for parameter in graph.parameters] == [False, True]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("%a: f32[2 = aten.x(%b)", "expected"),
        ("%a: f99[2] = aten.x.default()", "unknown dtype"),
        ("%a: f32[2] = aten.x.default(lambda: 1)", "not a size"),
        ("nonsense", "expected"),
        ("%a: f32[] = aten.x.default({ yield %b", "has no end"),
        ("%a: f32[] = aten.x.default({})", "expected a block to end"),
    ],
)
def test_a_broken_line_is_named(line: str, message: str):
    with pytest.raises(ManifestError, match=message) as error:
        text.parse_graph(f"graph g\n{line}")

    assert error.value.findings[0].where == f"line 2: {line}"


@pytest.mark.parametrize(
    ("graph", "problem"),
    [
        ("%a: f32[2] = aten.x.default(%b)", "used by aten.x.default before it is defined"),
        ("%a: f32[2] = aten.x.default()\n%a: f32[2] = aten.x.default()", "defined twice"),
        ("%a: f32[n] = aten.x.default()", "unknown symbol n"),
        ("%a: f32[2] = aten.x.default() @3", "which does not exist"),
        ('output "" %z', "the output %z is not defined"),
        ("binding k 0.. = %z", "the value %z that binds k does not exist"),
        (
            "binding k 0.. = %b\n%a: f32[k] = aten.x.default()\n%b: i64[k] = aten.y.default()",
            "uses the symbol k before it is bound",
        ),
        (
            "%a: f32[] = higher_order.cond(2 > 1, {\n%b: f32[] = aten.x.default()\nyield %b\n})\n"
            "%c: f32[] = aten.x.default(%b)",
            "%b is used by aten.x.default before it is defined",
        ),
        ("%a: f32[] = higher_order.cond(2 > 1, {\nyield %b\n})", "%b is used by higher_order.cond"),
    ],
)
def test_a_broken_invariant_is_named(graph: str, problem: str):
    with pytest.raises(GraphError, match=problem):
        verify(text.parse_graph(graph), "a test")


def sizes():
    leaves = st.integers(-4, 9) | st.sampled_from([dim.symbol("a"), dim.symbol("b")])
    grow = lambda inner: st.one_of(  # noqa: E731
        st.tuples(inner, inner).map(lambda p: p[0] + p[1]),
        st.tuples(inner, inner).map(lambda p: p[0] - p[1]),
        st.tuples(inner, inner).map(lambda p: p[0] * p[1]),
        st.tuples(inner, st.integers(1, 5)).map(lambda p: dim.floordiv(p[0], p[1])),
    )
    return st.recursive(leaves, grow, max_leaves=6)


def test_of_many_problems_the_first_are_told():
    nodes = "\n".join("%a: f32[2] = aten.x.default()" for _ in range(1000))
    with pytest.raises(GraphError, match="there are 979 more problems like these") as caught:
        verify(text.parse_graph(f"graph g\n{nodes}\n"), "reading")
    assert len(caught.value.findings) == 21


@given(sizes(), st.integers(1, 9), st.integers(1, 9))
def test_a_size_means_the_same_as_text_and_when_evaluated(size: int | Dim, a: int, b: int):
    again = dim.parse(str(size))

    assert again == size
    expected = eval(str(size), {}, {"a": a, "b": b})
    assert dim.substitute(size, {"a": a, "b": b}) == expected


def test_equal_sizes_have_one_form():
    assert dim.parse("s*t + t*s - 2*s*t") == 0
    assert dim.parse("FloorDiv(2*s*t, t)") == dim.parse("2*s")
    assert str(dim.parse("1 + t + s*t")) == "s*t + t + 1"
    assert dim.parse("TruncToInt(1.5*ToFloat(2*s))") == dim.parse("3*s")
    assert dim.parse("math.trunc(0.25*torch.sym_float(s))") == dim.parse("s//4")
    assert dim.parse("torch.sym_max(1, s)") == dim.parse("Max(1, s)")
    assert dim.parse("CeilToInt(IntTrueDiv(s, 8))") == dim.parse("(s + 7)//8")
    assert dim.parse("CeilToInt(FloatTrueDiv(ToFloat(4*s), 1.0))") == dim.parse("4*s")
    assert dim.parse("math.ceil(s / t)") == dim.parse("(s + t - 1)//t")
    assert dim.parse("math.floor((s - 1) / 8)") == dim.parse("(s - 1)//8")
    for written in ("t%(2*s)", "t//(s*t)", "3*t//s//t", "(s%2)//(t//3)", "s//(-t)"):
        assert dim.parse(str(dim.parse(written))) == dim.parse(written)
    with pytest.raises(ValueError, match="times another"):
        dim.parse("TruncToInt(1.7*ToFloat(s))")
    with pytest.raises(ValueError, match="may be negative"):
        dim.parse("math.trunc((s - 1) / 8)")


def test_a_manifest_is_read_back_and_fits_its_schema():
    check_manifest(GRAPH)


def test_a_manifest_of_blocks_is_read_back_and_fits_its_schema():
    check_manifest(CONTROL)


def check_manifest(graph: str):
    written = manifest.dump(text.parse_graph(graph.replace("graph g", "graph small")))
    document = json.loads(written) | {"cases": [{"name": "recorded", "symbols": {}}]}

    jsonschema.validate(document, json.loads(SCHEMA.read_text()))
    assert manifest.dump(manifest.load(written, "here")) == written


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.stem)
def test_a_recorded_manifest_fits_its_schema_and_is_read_back(path: Path):
    written = path.read_text()

    jsonschema.validate(json.loads(written), json.loads(SCHEMA.read_text()))
    assert manifest.dump(manifest.load(written, path.name)) == written


@pytest.mark.parametrize(
    ("broken", "what"),
    [
        ("{", "it is not JSON"),
        ("[]", "not a JSON object"),
        ('{"format": 99}', "has format 99, this PyCandle reads format 1"),
        ('{"format": 1}', "KeyError"),
        ('{"format": 1, "name": 3}', "expected a string"),
    ],
)
def test_a_broken_manifest_is_one_clear_error(broken: str, what: str):
    with pytest.raises(ManifestError) as error:
        manifest.load(broken, "models/m.json")

    assert what in error.value.findings[0].what
    assert error.value.findings[0].where == "models/m.json"
    assert error.value.findings[0].fix
