"""Losses."""

from __future__ import annotations

import math

import torch

from tests.conformance.samples.registry import Arguments, call, numbers, samples


@samples("aten.nll_loss.default")
def _nll_loss() -> list[Arguments]:
    x, weight = numbers(5, 4), numbers(4).abs()
    target = torch.tensor([0, 3, 1, -100, 2])
    return [
        *(call(x, target, w, reduction) for reduction in range(3) for w in (None, weight)),
        call(x, target.clamp(0), weight, 1, 3),
        call(numbers(4), torch.tensor(2), weight),
    ]


@samples("aten.nll_loss2d.default")
def _nll_loss2d() -> list[Arguments]:
    x, weight = numbers(2, 4, 3, 2), numbers(4).abs()
    target = torch.randint(0, 4, (2, 3, 2))
    return [call(x, target, w, reduction, 1) for reduction in range(3) for w in (None, weight)]


@samples("aten.cross_entropy_loss.default")
def _cross_entropy() -> list[Arguments]:
    x, weight = numbers(5, 4), numbers(4).abs()
    target = torch.tensor([0, 3, 1, -100, 2])
    spread = numbers(5, 4).softmax(1)
    return [
        *(
            call(x, y, w, reduction, -100, smoothing)
            for y in (target, spread)
            for w in (None, weight)
            for reduction in range(3)
            for smoothing in (0.0, 0.2)
        ),
        call(numbers(2, 4, 3), torch.randint(0, 4, (2, 3)), weight),
        call(numbers(4), torch.tensor(2)),
    ]


@samples("aten.ctc_loss.IntList")
def _ctc_loss() -> list[Arguments]:
    x, target = numbers(7, 2, 5).log_softmax(-1), torch.tensor([[1, 2, 2], [3, 0, 0]])
    joined = torch.tensor([1, 2, 2, 3])
    lost, blanks = x.clone(), torch.tensor([[1, 0, 2], [0, 3, 0]])
    lost[2], lost[:, 1, 3] = math.nan, -math.inf
    return [
        call(lost, target, [7, 6], [3, 1], 0, 0),
        call(torch.full_like(x, -math.inf), target, [7, 6], [3, 1], 0, 0),
        call(x, blanks, [7, 6], [3, 3], 0, 0),
        *(call(x, target, [7, 6], [3, 1], 0, reduction) for reduction in range(3)),
        call(x, joined, [7, 6], [3, 1]),
        call(x, target, [2, 6], [3, 1], 0, 0),
        call(x, target, [2, 6], [3, 1], 0, 0, True),
        call(x, torch.tensor([[0, 1], [2, 3]]), [7, 7], [2, 2], 4),
        call(numbers(7, 5).log_softmax(-1), torch.tensor([1, 2]), [7], [2]),
    ]


@samples("aten.ctc_loss.Tensor")
def _ctc_loss_tensor() -> list[Arguments]:
    x, target = numbers(7, 2, 5).log_softmax(-1), torch.tensor([[1, 2, 2], [3, 0, 0]])
    lengths = torch.tensor([7, 6]), torch.tensor([3, 1])
    return [call(x, target, *lengths, 0, reduction) for reduction in range(3)]
