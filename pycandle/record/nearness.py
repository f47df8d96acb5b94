"""How near a tensor is to what it should be, as a number.

It must not know what either is.
"""

from __future__ import annotations

import torch
from torch import Tensor


def distance(ours: Tensor, exact: Tensor) -> float:
    """How far a tensor is from another: the RMS of the difference by the RMS of the other.

    Of integers and booleans it is the share of elements that differ. It is infinite where shapes
    differ, or where one is finite and the other is not.
    """
    if ours.shape != exact.shape:
        return float("inf")
    if not exact.numel():
        return 0.0
    if not (exact.is_floating_point() or exact.is_complex()):
        return float((ours != exact).double().mean())
    wide = torch.complex128 if exact.is_complex() else torch.float64
    ours, exact = ours.to(wide), exact.to(wide)
    finite = exact.isfinite()
    same = (ours == exact) | (ours.isnan() & exact.isnan())
    if not bool((ours.isfinite() == finite).all()) or not bool((finite | same).all()):
        return float("inf")
    error = torch.where(finite, ours - exact, 0).abs().square().mean().sqrt()
    signal = torch.where(finite, exact, 0).abs().square().mean().sqrt()
    if not bool(error):
        return 0.0
    return float(error / signal) if bool(signal) else float("inf")


def agreement(ours: Tensor, exact: Tensor, most: int = 5) -> tuple[float, float]:
    """The share of rows whose largest number has the same place, and of places among the first
    `most` of a row that are among the first of the other's.
    """
    if ours.shape != exact.shape:
        return 0.0, 0.0
    if not exact.numel():
        return 1.0, 1.0
    count = min(most, exact.shape[-1])
    left = ours.double().nan_to_num(-torch.inf).topk(count).indices
    right = exact.nan_to_num(-torch.inf).topk(count).indices
    common = (left.unsqueeze(-1) == right.unsqueeze(-2)).any(-1)
    return float((left[..., 0] == right[..., 0]).double().mean()), float(common.double().mean())
