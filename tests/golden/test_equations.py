"""Solved equations against `torch.einsum`: a list of known ones, and ones drawn at random."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pycandle.graph import Graph, text
from pycandle.graph.verify import verify
from pycandle.passes.einsum import solve_einsum
from pycandle.record.evaluate import evaluate
from pycandle.record.values import DTYPES

LETTERS = "abcDE"


def check(equation: str, tensors: list[torch.Tensor]) -> None:
    """The nodes of the solved equation compute what `torch.einsum` does, with the types they say."""
    expected = torch.einsum(equation, *tensors)
    inputs = {f"x{k}": tensor for k, tensor in enumerate(tensors)}
    graph = solved(equation, inputs, expected)

    values = evaluate(graph.nodes, inputs, {}).values
    assert all("einsum" not in node.op for node in graph.nodes)
    for node in graph.nodes:
        assert type_of(values[node.out.name]) == str(node.out.type)
    torch.testing.assert_close(values[graph.outputs[0].value], expected)


def solved(equation: str, inputs: dict[str, torch.Tensor], expected: torch.Tensor) -> Graph:
    lines = [f'input "{name}" %{name}: {type_of(tensor)}' for name, tensor in inputs.items()]
    operands = ", ".join(f"%{name}" for name in inputs)
    lines.append(f'%y: {type_of(expected)} = aten.einsum.default("{equation}", [{operands}])')
    graph = text.parse_graph("\n".join(["graph g", *lines, 'output "" %y']))
    return verify(solve_einsum(graph), "solve_einsum")


def type_of(tensor: torch.Tensor) -> str:
    return f"{DTYPES[tensor.dtype]}[{', '.join(map(str, tensor.shape))}]"


@pytest.mark.parametrize(
    ("equation", "shapes"),
    [
        ("ii", [(3, 3)]),
        ("ij", [(2, 3)]),
        ("Ba", [(2, 3)]),
        ("aB", [(2, 3)]),
        ("b n d , b -> n d", [(3, 1, 2), (3,)]),
        ("...ij,...jk->...ik", [(2, 1, 3, 4), (5, 4, 6)]),
        ("...ij,...jk->ik", [(2, 1, 3, 4), (5, 4, 6)]),
        ("i...->...", [(3, 1, 2)]),
        ("...a,...a", [(2, 3), (1, 3)]),
        ("ij,jk->ik", [(3, 1), (5, 4)]),
        ("ij,jk->ik", [(3, 0), (0, 4)]),
        ("bij,bj->i", [(1, 3, 4), (5, 4)]),
        ("iij,jkk,k->i", [(2, 2, 3), (3, 4, 4), (4,)]),
        ("a,b,c,d,e,f->fedcba", [(2,), (3,), (1,), (2,), (1,), (3,)]),
        ("bhld,lrd->bhlr", [(2, 3, 4, 5), (4, 4, 5)]),
        ("bhrd,lrd->bhlr", [(2, 3, 4, 5), (6, 4, 5)]),
        ("bsec,bsm->becm", [(2, 3, 4, 5), (2, 3, 6)]),
        ("ibnd,jbnd->bnij", [(2, 3, 4, 5), (6, 3, 4, 5)]),
        (",ij,", [(), (2, 3), ()]),
    ],
)
def test_known_equations(equation: str, shapes: list[tuple[int, ...]]) -> None:
    generator = torch.Generator().manual_seed(0)
    check(equation, [torch.randn(shape, generator=generator) for shape in shapes])


@pytest.mark.parametrize("equation", ["ij,jk->ik", "ij,ij->ij", "ij->i", "ij,jk->i", "i,j->ij"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.int64, torch.int32, torch.bool])
def test_dtypes(equation: str, dtype: torch.dtype) -> None:
    terms = equation.partition("->")[0].split(",")
    for dtypes in itertools.product((dtype, torch.float32), repeat=len(terms)):
        tensors = [torch.ones((2,) * len(t), dtype=d) for t, d in zip(terms, dtypes, strict=True)]
        try:
            torch.einsum(equation, *tensors)
        except RuntimeError:
            continue
        check(equation, tensors)


@st.composite
def equations(draw: st.DrawFn) -> tuple[str, list[torch.Tensor]]:
    """Up to four operands that share letters and an ellipsis, with sizes that may broadcast.

    Small integers make every sum exact, in whichever order.
    """
    sizes = {letter: draw(st.integers(1, 3)) for letter in LETTERS}
    spread = [draw(st.integers(2, 3)) for _ in range(2)]
    dtype = draw(st.sampled_from([torch.float32, torch.int64]))
    terms: list[str] = []
    tensors: list[torch.Tensor] = []
    for _ in range(draw(st.integers(1, 4))):
        labels = draw(st.lists(st.sampled_from(LETTERS), max_size=4))
        own = {x: 1 if draw(st.integers(0, 5)) == 0 else sizes[x] for x in dict.fromkeys(labels)}
        shape, term = [own[x] for x in labels], "".join(labels)
        if draw(st.booleans()):
            place, count = draw(st.integers(0, len(labels))), draw(st.integers(0, 2))
            shape[place:place] = spread[2 - count :]
            term = f"{term[:place]}...{term[place:]}"
        terms.append(term)
        count = torch.Size(shape).numel()
        tensors.append((torch.arange(count) * 5 % 7 - 3).reshape(shape).to(dtype))
    equation = ",".join(terms)
    if draw(st.booleans()):
        known = sorted({x for term in terms for x in term if x != "."})
        output = draw(st.permutations(known))[: draw(st.integers(0, len(known)))]
        if "..." in equation and draw(st.booleans()):
            output.insert(draw(st.integers(0, len(output))), "...")
        equation += "->" + "".join(output)
    return equation, tensors


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(equations())
def test_random_equations(drawn: tuple[str, list[torch.Tensor]]) -> None:
    try:
        torch.einsum(drawn[0], *drawn[1])
    except RuntimeError:
        return
    check(*drawn)
