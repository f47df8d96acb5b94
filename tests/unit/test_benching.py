"""The sizes that a benchmark is run at."""

from dataclasses import replace

import pytest

from pycandle.emit.bench import benched_sizes
from pycandle.graph import Graph, Guard, Input, Symbol, TensorType, Value
from pycandle.graph.dim import Dim, symbol
from pycandle.graph.ir import DType


def graph(shape: tuple[int | Dim, ...], *symbols: Symbol, guards: tuple[Guard, ...] = ()) -> Graph:
    entry = Input("x", Value("x", TensorType(DType("f32"), shape)))
    return Graph("toy", symbols=symbols, inputs=(entry,), guards=guards)


BATCH, SEQ = Symbol("batch", 1, None, 2), Symbol("seq", 3, 20, 8)


@pytest.mark.parametrize(
    ("given", "sizes"),
    [
        (graph((2, 8)), [{}]),
        (
            graph((symbol("batch"), 8), BATCH),
            [{"batch": 2}, {"batch": 1}, {"batch": 4}, {"batch": 8}],
        ),
        # Within its range; a size that is cut to its end is tried once.
        (
            graph((symbol("seq") * 2,), SEQ),
            [{"seq": 8}, {"seq": 3}, {"seq": 16}, {"seq": 20}],
        ),
        # One axis at a time.
        (
            graph((symbol("batch"), symbol("seq")), BATCH, replace(SEQ, max=8, min=8)),
            [{"batch": n, "seq": 8} for n in (2, 1, 4, 8)],
        ),
        # What a guard rules out is left out.
        (
            graph((symbol("batch"),), BATCH, guards=(Guard(symbol("batch"), "<", 5),)),
            [{"batch": 2}, {"batch": 1}, {"batch": 4}],
        ),
        # There is nothing to repeat in what is empty.
        (graph((symbol("past"), 8), Symbol("past", 0, None, 0)), [{"past": 0}]),
    ],
)
def test_each_axis_takes_a_few_sizes(given: Graph, sizes: list[dict[str, int]]):
    assert benched_sizes(given) == sizes
