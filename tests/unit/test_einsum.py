"""Each equation as the nodes that a person would write for it."""

import pytest

from pycandle.graph import text
from pycandle.graph.verify import verify
from pycandle.passes.einsum import solve_einsum

SIZES = dict(zip("bhijkdnmo", ("b", 3, "s", "s", 5, 8, 4, 6, 7), strict=True))


def check(equation: str, after: str):
    """Solves an equation over %x, %y and %z with the sizes `SIZES`; `w:` marks a parameter."""
    inputs, _, output = equation.partition("->")
    kinds = ["parameter" if term.startswith("w:") else "input" for term in inputs.split(",")]
    terms = inputs.replace("w:", "").split(",")
    head = ["graph g", "symbol b 1.. = 2", "symbol s 1.. = 9"]
    for kind, name, labels in zip(kinds, "xyz", terms, strict=False):
        value, quoted = f"%{name}: f32[{shape(labels)}]", f'"{name}"'
        head.append(" ".join((kind, *((quoted, value) if kind == "input" else (value, quoted)))))
    operands = ", ".join(f"%{name}" for name in "xyz"[: len(terms)])
    call = f'aten.einsum.default("{",".join(terms)}->{output}", [{operands}]) "m.py:3" as e'
    before = "\n".join([*head, f"%e: f32[{shape(output)}] = {call}", 'output "" %e'])
    graph = verify(solve_einsum(text.parse_graph(before)), "solve_einsum")

    nodes = [line.strip() for line in after.strip().splitlines()]
    assert [text.print_node(node).removesuffix(' "m.py:3" as e') for node in graph.nodes] == nodes
    assert all(node.source == "m.py:3" and node.targets == ("e",) for node in graph.nodes)


def shape(labels: str) -> str:
    return ", ".join(str(SIZES[label]) for label in labels)


@pytest.mark.parametrize(
    ("equation", "call"),
    [
        ("id,dn->in", "%e: f32[s, 4] = aten.matmul.default(%x, %y)"),
        ("bid,dn->bin", "%e: f32[b, s, 4] = aten.matmul.default(%x, %y)"),
        ("bid,w:nd->bin", "%e: f32[b, s, 4] = aten.linear.default(%x, %y)"),
        ("bhid,bhdn->bhin", "%e: f32[b, 3, s, 4] = aten.matmul.default(%x, %y)"),
        ("bdn,hd->bhn", "%e: f32[b, 3, 4] = aten.matmul.default(%y, %x)"),
        ("i,i->", "%e: f32[] = aten.matmul.default(%x, %y)"),
        ("bid,d->bi", "%e: f32[b, s] = aten.matmul.default(%x, %y)"),
        ("bid,dnk->bink", "%e: f32[b, s, 4, 5] = aten.tensordot.default(%x, %y, [2], [0])"),
        ("bhk,ohk->bo", "%e: f32[b, 7] = aten.tensordot.default(%x, %y, [1, 2], [1, 2])"),
        ("b,d->bd", "%e: f32[b, 8] = aten.outer.default(%x, %y)"),
        ("bd,bd->bd", "%e: f32[b, 8] = aten.mul.Tensor(%x, %y)"),
        ("bid,d->bid", "%e: f32[b, s, 8] = aten.mul.Tensor(%x, %y)"),
        ("bd->db", "%e: f32[8, b] = aten.transpose.int(%x, 0, 1)"),
        ("bhd->dbh", "%e: f32[8, b, 3] = aten.permute.default(%x, [2, 0, 1])"),
        ("bd->d", "%e: f32[8] = aten.sum.dim_IntList(%x, [0])"),
        ("dd->d", "%e: f32[8] = aten.diagonal.default(%x, 0, 0, 1)"),
    ],
)
def test_what_is_one_call_becomes_one_call(equation: str, call: str):
    check(equation, call)


def test_scores_and_values_of_attention():
    check("bhid,bhjd->bhij", """
        %e_0: f32[b, 3, 8, s] = aten.transpose.int(%y, 2, 3)
        %e: f32[b, 3, s, s] = aten.matmul.default(%x, %e_0)
        """)  # fmt: skip
    check("bihd,bjhd->bhij", """
        %e_0: f32[b, 3, s, 8] = aten.transpose.int(%x, 1, 2)
        %e_1: f32[b, 3, 8, s] = aten.permute.default(%y, [0, 2, 3, 1])
        %e: f32[b, 3, s, s] = aten.matmul.default(%e_0, %e_1)
        """)  # fmt: skip


def test_sums_of_products_without_a_free_axis():
    check("bd,bd->b", """
        %e_0: f32[b, 8] = aten.mul.Tensor(%x, %y)
        %e: f32[b] = aten.sum.dim_IntList(%e_0, [1])
        """)  # fmt: skip
    check("bi,bid->bid", """
        %e_0: f32[b, s, 1] = aten.unsqueeze.default(%x, 2)
        %e: f32[b, s, 8] = aten.mul.Tensor(%e_0, %y)
        """)  # fmt: skip


def test_several_axes_in_a_batch_become_one():
    check("bihd,bnd->bihn", """
        %e_0: f32[b, 3*s, 8] = aten.reshape.default(%x, [b, 3*s, 8])
        %e_1: f32[b, 8, 4] = aten.transpose.int(%y, 1, 2)
        %e_2: f32[b, 3*s, 4] = aten.matmul.default(%e_0, %e_1)
        %e: f32[b, s, 3, 4] = aten.reshape.default(%e_2, [b, s, 3, 4])
        """)  # fmt: skip


def test_three_operands_in_the_order_that_multiplies_least():
    check("di,ih,hb->db", """
        %e_0: f32[s, b] = aten.matmul.default(%y, %z)
        %e: f32[8, b] = aten.matmul.default(%x, %e_0)
        """)  # fmt: skip
    check("bd,dn,bn->b", """
        %e_0: f32[b, 4] = aten.matmul.default(%x, %y)
        %e_1: f32[b, 4] = aten.mul.Tensor(%e_0, %z)
        %e: f32[b] = aten.sum.dim_IntList(%e_1, [1])
        """)  # fmt: skip


def test_an_equation_that_changes_nothing_goes():
    check("bid->bid", "")


def test_dtypes_that_pytorch_itself_does_not_multiply_stay():
    graph = text.parse_graph("""
        graph g
        input "x" %x: f32[2, 3]
        input "y" %y: i64[3, 4]
        %e: f32[2, 4] = aten.einsum.default("ij,jk->ik", [%x, %y])
        output "" %e
        """)

    assert solve_einsum(graph) == graph


def test_products_of_many_matrices_take_the_cheap_ones_first():
    graph = text.parse_graph("""
        graph g
        input "a" %a: f32[8, 9]
        input "b" %b: f32[9, 3]
        input "c" %c: f32[3]
        %y: f32[8] = aten.linalg_multi_dot.default([%a, %b, %c])
        output "" %y
        """)

    assert [text.print_node(node) for node in solve_einsum(graph).nodes] == [
        "%y_0: f32[9] = aten.matmul.default(%b, %c)",
        "%y: f32[8] = aten.matmul.default(%a, %y_0)",
    ]


def test_a_size_that_is_stated_in_two_ways_is_one():
    graph = text.parse_graph("""
        graph g
        symbol s 1.. = 9
        input "x" %x: f32[s, 8]
        input "y" %y: f32[8, 4]
        %e: f32[min(s, 2*s), 4] = aten.einsum.default("sd,dn->sn", [%x, %y])
        %f: f32[min(s, 2*s), 4] = aten.relu.default(%e)
        output "" %f
        """)
    assert next(node.op for node in solve_einsum(graph).nodes) == "aten.matmul.default"
