"""A graph as the Python that replays it: text to text, and names that may not leave their place."""

import ast
from dataclasses import replace

import pytest

from pycandle.emit.pytorch import Replay, python_literal, replay
from pycandle.graph import Boundary, Graph, Input, Node, Ref, TensorType, Value
from pycandle.graph.text import parse_graph
from tests.hostile import HOSTILE


def printed(graph: Graph, sizes: dict[str, int] | None = None) -> Replay:
    outputs = tuple(Boundary(o.path, o.value, f"#0.{o.path}") for o in graph.outputs)
    graph = replace(graph, regions=(replace(graph.regions[0], outputs=outputs), *graph.regions[1:]))
    saved = {i.value.name: (f"input.{i.name}", i.name) for i in graph.inputs}
    saved |= {p.value.name: (f"weights.{p.names[0]}", p.names[0]) for p in graph.parameters}
    return replay(graph, 0, sizes or {}, saved)


def check(graph: str, expected: str, **sizes: int) -> None:
    """The function is this text, and Python."""
    made = printed(parse_graph(graph), sizes)

    assert (made.missing, "\n".join(made.lines)) == ("", expected.strip())
    ast.parse(expected)


def refused(graph: str, why: str, **sizes: int) -> None:
    made = printed(parse_graph(graph), sizes)

    assert (made.lines, made.missing) == ((), why)


def test_a_layer_norm():
    check(
        """
graph toy
symbol batch 1.. = 2
input "hidden" %x: f32[batch, 8]
parameter %p_norm_weight: f32[8] "norm.weight"
region 1 "norm" 0 "torch.nn.LayerNorm" 0
%twice: f32[batch, 8] = aten.mul.Tensor(%x, 2.5) "toy.py:6" as hidden
%y: f32[batch, 8] = aten.layer_norm.default(%twice, [8], %p_norm_weight, None, 1e-05) @1 "n.py:2"
output "" %y
""",
        """
def replay(tensor):
    hidden = tensor('input.hidden', torch.float32)  # f32[batch, 8]
    norm_weight = tensor('weights.norm.weight', torch.float32)  # f32[8]
    # toy.py:6
    hidden_2 = torch.ops.aten.mul.Tensor(hidden, 2.5)
    # norm: n.py:2
    y = torch.ops.aten.layer_norm.default(hidden_2, [8], norm_weight, None, 1e-05)
    return [y]
""",
    )


def test_masked_attention_with_sizes():
    check(
        """
graph toy
symbol batch 1.. = 2
symbol zip 1..512 = 5
input "q" %q: bf16[batch, 4, zip, 8]
input "mask" %mask: i64[batch, zip]
%keep: bool[batch, zip] = aten.to.dtype(%mask, bool) "a.py:1" as mask
%wide: bool[batch, 1, 1, zip] = aten.view.default(%keep, [batch, 1, 1, zip]) "a.py:1" as mask
%y: bf16[batch, 4, zip, 8] = aten.scaled_dot_product_attention.default(%q, %q, %q, %wide, \
scale=0.5) "a.py:2, called at b.py:3" as out
%z: bf16[batch*zip, 32] = aten.view.default(%y, [batch*zip, 32])
output "" %z
""",
        """
def replay(tensor):
    q = tensor('input.q', torch.bfloat16)  # bf16[batch, 4, zip, 8]
    mask = tensor('input.mask', torch.int64)  # i64[batch, zip]
    batch = 2
    zip_2 = 5
    # a.py:1
    keep = torch.ops.aten.to.dtype(mask, torch.bool)
    mask_2 = torch.ops.aten.reshape.default(keep, [batch, 1, 1, zip_2])
    # a.py:2
    out = torch.ops.aten.scaled_dot_product_attention.default(q, q, q, mask_2, scale=0.5)
    z = torch.ops.aten.reshape.default(out, [batch*zip_2, 32])
    return [z]
""",
        **{"batch": 2, "zip": 5},
    )


def test_a_convolution_and_its_parts():
    check(
        """
graph toy
input "image" %x: f32[1, 3, 9, 9]
parameter %w: f32[8, 3, 3, 3] "0.weight"
%c: f32[1, 8, 4, 4] = aten.conv2d.default(%x, %w, None, [2, 2], [0, 0]) "c.py:1"
%a: f32[1, 4, 4, 4], %b: f32[1, 4, 4, 4] = aten.chunk.default(%c, 2, 1) "c.py:2" as left, right
%only: f32[1, 4, 4, 4] = aten.chunk.default(%a, 1, 1) "c.py:3"
output "0" %only
output "1" %b
""",
        """
def replay(tensor):
    image = tensor('input.image', torch.float32)  # f32[1, 3, 9, 9]
    n_0_weight = tensor('weights.0.weight', torch.float32)  # f32[8, 3, 3, 3]
    # c.py:1
    c = torch.ops.aten.conv2d.default(image, n_0_weight, None, [2, 2], [0, 0])
    # c.py:2
    left, right = torch.ops.aten.chunk.default(c, 2, 1)
    # c.py:3
    only, = torch.ops.aten.chunk.default(left, 1, 1)
    return [only, right]
""",
    )


def test_integers_literals_and_numbers_that_have_no_literal():
    check(
        """
graph toy
symbol n 1.. = 3
binding count 0.. = %places
input "ids" %ids: i64[n]
%table: i64[2, 2] = rt.literal([1, -2, 3, 4], [2, 2], dtype=i64)
%low: f32[n] = aten.full_like.default(%ids, float("-inf"), dtype=f32, device="cpu")
%places: i64[count, 1] = aten.nonzero.default(%ids)
%y: i64[count + n] = aten.arange.default(count + n)
%even: bool[] = aten.full.default([], n % 2 == 0)
output "0" %y
output "1" %low
output "2" %table
output "3" %even
""",
        """
def replay(tensor):
    ids = tensor('input.ids', torch.int64)  # i64[n]
    n = 3
    table = torch.tensor([1, -2, 3, 4], dtype=torch.int64).reshape([2, 2])
    low = torch.ops.aten.full_like.default(ids, float("-inf"), dtype=torch.float32, device='cpu')
    places = torch.ops.aten.nonzero.default(ids)
    count = places.shape[0]
    y = torch.ops.aten.arange.default(count + n)
    even = torch.ops.aten.full.default([], ((n%2) == 0))
    return [y, low, table, even]
""",
        n=3,
    )


def test_a_branch_and_a_loop():
    check(
        """
graph toy
input "x" %x: f32[4]
input "go" %go: bool[]
%y: f32[4] = higher_order.cond(%go, {
  %double: f32[4] = aten.mul.Tensor(%x, 2)
  yield %double
}, {
  yield %x
}) "b.py:1"
%z: f32[4] = higher_order.while_loop([%y], {(%i: f32[4])
  %sum: f32[] = aten.sum.default(%i)
  %lt: bool[] = aten.lt.Scalar(%sum, 9)
  yield %lt
}, {(%j: f32[4])
  %more: f32[4] = aten.add.Tensor(%j, 1)
  yield %more
}) "b.py:2"
output "" %z
""",
        """
def replay(tensor):
    x = tensor('input.x', torch.float32)  # f32[4]
    go = tensor('input.go', torch.bool)  # bool[]
    # b.py:1
    def then_1():
        double = torch.ops.aten.mul.Tensor(x, 2)
        return [double]
    def otherwise_1():
        return [x]
    y, = then_1() if bool(go) else otherwise_1()
    # b.py:2
    def goes_on_2(i):
        sum = torch.ops.aten.sum.default(i)
        lt = torch.ops.aten.lt.Scalar(sum, 9)
        return [lt]
    def step_2(j):
        more = torch.ops.aten.add.Tensor(j, 1)
        return [more]
    state = [y]
    while bool(goes_on_2(*state)[0]):
        state = step_2(*state)
    z, = state
    return [z]
""",
    )


def test_what_cannot_be_replayed_is_said():
    toy = 'graph toy\ninput "x" %x: f32[4]\n%y: f32[4] = {}(%x)\noutput "" %y'
    for op in ("aten.relu", "aten.__class__.default", "rt.unheard.of", "os.system.default"):
        refused(toy.format(op), f"{op} is no op of PyTorch")
    refused(
        'graph toy\nsymbol n 1.. = 3\ninput "x" %x: f32[n]\n'
        '%y: f32[n] = aten.expand.default(%x, [n])\noutput "" %y',
        "no size of `n` was recorded",
    )
    assert not printed(parse_graph(toy.format("aten.relu.default"))).names_equals
    assert printed(parse_graph(toy.format("aten.topk.default"))).names_equals


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_leaves_its_place(name: str):
    types = TensorType("f32", (4,))
    node = Node(
        "aten.relu.default", (Ref("x"),), (), (Value("y", types),), 0, name, (name, name)[:1]
    )
    graph = parse_graph('graph toy\ninput "x" %x: f32[4]\n%y: f32[4] = a.b.c(%x)\noutput "" %y')
    graph = replace(graph, inputs=(Input(name, Value("x", types)),), nodes=(node,))
    made = printed(graph)
    (function,) = ast.parse("\n".join(made.lines)).body

    assert isinstance(function, ast.FunctionDef)
    kinds = [type(statement).__name__ for statement in function.body]
    assert kinds == ["Assign", "Assign", "Return"]
    assert ast.literal_eval(python_literal(name)) == name
    assert made.lines[1].isascii() and made.lines[1].isprintable()
