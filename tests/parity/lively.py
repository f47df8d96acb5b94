"""Weights that matter: as initialised, many a model is dead, and a wrong layer could not be seen.

Zero heads, scales of a millionth, outputs that no input moves: each would agree whatever the code
does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm  # pyright: ignore[reportPrivateUsage]


@torch.no_grad()
def enliven(model: nn.Module) -> None:
    """Give every layer weights that matter, in place.

    Matrices and kernels are N(0, 1/fan_in), scales 1 + 0.1 N, biases 0.1 N.
    """
    for name, parameter in model.named_parameters():
        if not parameter.is_floating_point():
            continue
        if parameter.ndim >= 2:
            fan_in = parameter.numel() // parameter.shape[0]
            parameter.normal_(0.0, fan_in**-0.5)
        elif name.endswith("bias"):
            parameter.normal_(0.0, 0.1)
        else:
            parameter.normal_(1.0, 0.1)


@torch.no_grad()
def settle(model: nn.Module, inputs: Mapping[str, Any]) -> None:
    """Give batch norms the statistics that these inputs have, so that signals keep their size."""
    norms = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = 1.0
        norm.train()
    if norms:
        model(**inputs)
        model.eval()


def moves(first: Tensor, second: Tensor) -> bool:
    """Whether results of two inputs differ by 1 % or more; a size that data decides moves too."""
    if first.shape != second.shape:
        return True
    if not (first.is_floating_point() or first.is_complex()):
        return not torch.equal(first, second)
    return rms(first - second) >= 0.01 * rms(first)


def rms(tensor: Tensor) -> float:
    """Root of the mean square, in double precision."""
    return float(tensor.abs().double().square().mean().sqrt())
