"""Says sizes without the maxima and minima that the ranges of their symbols decide.

`min(seq, 32)` is `seq` where no axis is longer. Declines where the ranges leave it open.
"""

from __future__ import annotations

import math
from dataclasses import replace

from pycandle.graph import Graph
from pycandle.graph.bounds import settle
from pycandle.graph.sizes import with_sizes


def settle_sizes(graph: Graph) -> Graph:
    """Rewrite the sizes of every type and argument; guards stay as they were recorded."""
    symbols = (*graph.symbols, *graph.bindings)
    ranges = {s.name: (s.min, math.inf if s.max is None else s.max) for s in symbols}
    changed = with_sizes(graph, lambda size: settle(size, ranges))
    return replace(changed, guards=graph.guards)
