"""Rewrites from graph to graph, in one list, in order.

A pass is a function `Graph -> Graph` in a file of its own, whose docstring says what it rewrites
and when it declines. The graph is verified after each. Passes do no IO and import no torch.
"""

from __future__ import annotations

from collections.abc import Callable

from pycandle.graph import Graph
from pycandle.graph.verify import reported, verify
from pycandle.passes.activations import recognise_activations
from pycandle.passes.assignments import join_assignments
from pycandle.passes.attention_masks import simplify_attention_masks
from pycandle.passes.creations import share_creations
from pycandle.passes.einsum import solve_einsum
from pycandle.passes.indices import simplify_indices
from pycandle.passes.no_ops import drop_no_ops
from pycandle.passes.norms import recognise_norms
from pycandle.passes.sizes import settle_sizes
from pycandle.passes.unused import drop_unused

Pass = Callable[[Graph], Graph]

PIPELINE: tuple[Pass, ...] = (
    settle_sizes,
    solve_einsum,
    drop_no_ops,
    join_assignments,
    recognise_activations,
    recognise_norms,
    simplify_attention_masks,
    simplify_indices,
    drop_unused,
    share_creations,
)


def run_passes(graph: Graph, on_step: Callable[[str, Graph], None] | None = None) -> Graph:
    """The graph after every pass; `on_step` sees the name of each pass and its result."""
    for rewrite in PIPELINE:
        with reported(f"the pass {rewrite.__name__}", graph):
            graph = verify(rewrite(graph), rewrite.__name__)
        if on_step is not None:
            on_step(rewrite.__name__, graph)
    return graph
