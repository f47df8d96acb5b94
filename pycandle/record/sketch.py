"""Sketches of weights: a few sums of each, by which a parity run tells another checkpoint from a
wrong op, and weights whose numbers stand in other places from other weights.

The runtime's `weights.rs` takes the same sums. It must not know the graph.
"""

from __future__ import annotations

import torch

# How many elements are summed at once, so that a large tensor is not copied whole.
_CHUNK = 1 << 20


def sketch(tensor: torch.Tensor) -> torch.Tensor:
    """The sums of all elements, of their magnitudes, of their squares, and of each times a number
    that its place decides: f64, of shape `(4,)`.
    """
    plain = torch.view_as_real(tensor.resolve_conj()) if tensor.is_complex() else tensor
    found = torch.zeros(4, dtype=torch.float64)
    flat = plain.reshape(-1)
    for start in range(0, flat.numel(), _CHUNK):
        part = flat[start : start + _CHUNK].double()
        places = torch.arange(start, start + part.numel(), dtype=torch.int64)
        # Knuth's multiplicative hash, as a number below one.
        weights = (places * 2654435761 % 2**32).double() / 2**32
        sums = (part.sum(), part.abs().sum(), part.square().sum(), (part * weights).sum())
        found += torch.stack(sums)
    return found
