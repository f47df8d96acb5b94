"""One entry of the zoo: how to build a model, what goes in, and which axes should be dynamic."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim

Inputs = Mapping[str, Tensor]


@dataclass(frozen=True)
class Entry:
    """A model with random weights; inputs by the names of `forward`'s parameters."""

    build: Callable[[], nn.Module]
    draw: Callable[[], Inputs]
    # The axes that should stay dynamic, by input; what is not listed is meant to be static.
    axes: Mapping[str, tuple[int, ...]] = field(
        default_factory=lambda: dict[str, tuple[int, ...]]()
    )
    constants: Mapping[str, Any] = field(default_factory=lambda: dict[str, Any]())

    @property
    def dynamic_shapes(self) -> dict[str, dict[int, Any] | None]:
        """The axes as `torch.export` takes them."""
        shapes: dict[str, dict[int, Any] | None] = {
            name: dict.fromkeys(self.axes.get(name, ()), Dim.AUTO) for name in self.draw()
        }
        return shapes | dict.fromkeys(self.constants)


def floats(**shapes: tuple[int, ...]) -> Callable[[], Inputs]:
    """Normally distributed inputs."""
    return lambda: {name: torch.randn(shape) for name, shape in shapes.items()}


def tokens(below: int, start: int = 0, **shapes: tuple[int, ...]) -> Callable[[], Inputs]:
    """Whole numbers from `start` to less than `below`."""
    return lambda: {name: torch.randint(start, below, shape) for name, shape in shapes.items()}
