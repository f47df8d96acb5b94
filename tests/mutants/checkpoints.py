"""Mistakes that are made in a checkpoint, and not in code: stale, swapped, broken weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor

Weights = Mapping[str, Tensor]
Change = dict[str, Tensor]  # what is put where
Operator = Callable[[Weights, Weights], Iterator[Change]]  # of the weights, and another seed's


def stale(weights: Weights, other: Weights) -> Iterator[Change]:
    """A tensor of another training."""
    for name in _floats(weights):
        if not torch.equal(weights[name], other[name]):
            yield {name: other[name]}


def swapped(weights: Weights, other: Weights) -> Iterator[Change]:
    """Two tensors of one shape, in each other's place."""
    names = list(_floats(weights))
    for k, first in enumerate(names):
        for second in names[k + 1 :]:
            if weights[first].shape == weights[second].shape:
                yield {first: weights[second].clone(), second: weights[first].clone()}


def transposed(weights: Weights, other: Weights) -> Iterator[Change]:
    """A square matrix."""
    for name in _floats(weights):
        if weights[name].ndim == 2 and weights[name].shape[0] == weights[name].shape[1]:
            yield {name: weights[name].t().contiguous()}


def rounded(weights: Weights, other: Weights) -> Iterator[Change]:
    """A tensor that was kept in bfloat16."""
    for name in _floats(weights):
        yield {name: weights[name].bfloat16().to(weights[name].dtype)}


def one_nan(weights: Weights, other: Weights) -> Iterator[Change]:
    for name in _floats(weights):
        broken = weights[name].clone()
        broken.view(-1)[broken.numel() // 2] = float("nan")
        yield {name: broken}


def zeroed(weights: Weights, other: Weights) -> Iterator[Change]:
    """What an interrupted download, or a loader that skips what it does not know, leaves."""
    for name in _floats(weights):
        yield {name: torch.zeros_like(weights[name])}


def _floats(weights: Weights) -> Iterator[str]:
    return (name for name in sorted(weights) if weights[name].is_floating_point())


KINDS: Mapping[str, Operator] = {
    "stale weight": stale,
    "two weights swapped": swapped,
    "weight transposed in the checkpoint": transposed,
    "weight rounded to bfloat16": rounded,
    "NaN in a weight": one_nan,
    "weight of zeros": zeroed,
}
