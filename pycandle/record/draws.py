"""Random numbers that a model draws itself: they become inputs of the graph, and are recorded.

A seed means nothing in another language, so the generated code takes what PyTorch draws as
arguments, and the parity test feeds it the very numbers that the model drew. It must not know the
graph, only which ops draw and in what order.
"""

# PyTorch annotates only part of what it exports, and keeps some of it private.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportPrivateUsage=false

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from pycandle.errors import Finding, RecordError

# Every run of a model that draws starts here, so that equal inputs give equal recordings.
_SEED = 0


@dataclass(frozen=True)
class Draw:
    """An op of the program that draws: what it is called, and its result."""

    op: str  # without namespace and overload: "randn_like"
    distribution: str  # in words, for those who must make such numbers


@dataclass
class Drawn:
    """What a run drew, in order."""

    tensors: list[tuple[str, torch.Tensor]] = field(
        default_factory=lambda: list[tuple[str, torch.Tensor]]()
    )


def draw_of(op: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Draw | None:
    """The op as one that draws; None for every other, dropout in eval mode included."""
    name = _base(op)
    if name not in _DISTRIBUTIONS:
        return None
    schema = getattr(getattr(torch.ops.aten, name), op.rpartition(".")[2])._schema
    given: dict[str, Any] = {a.name: a.default_value for a in schema.arguments}
    given.update(zip((a.name for a in schema.arguments), args, strict=False))
    given.update(kwargs)
    words = _DISTRIBUTIONS[name](given)
    if not words:
        return None
    return Draw("bernoulli" if name in _DROPOUTS else name.removesuffix("_functional"), words)


@contextmanager
def drawing(enabled: bool) -> Generator[Drawn]:
    """Within it, whatever is drawn is kept; the caller's own generator stays as it was."""
    drawn = Drawn()
    if not enabled:
        yield drawn
        return
    with torch.random.fork_rng(devices=[]), _Watch(drawn):
        torch.manual_seed(_SEED)
        yield drawn


def in_order(
    draws: Iterable[tuple[str, Draw]], drawn: Drawn, holds: Callable[[str, torch.Tensor], bool]
) -> dict[str, torch.Tensor]:
    """The drawn tensor of each value; `holds` says whether a tensor can be that value.

    What the program does not read is passed over. Raises `RecordError` if something is missing.
    """
    rest = iter(drawn.tensors)
    found: dict[str, torch.Tensor] = {}
    for value, draw in draws:
        tensor = next((t for op, t in rest if op == draw.op and holds(value, t)), None)
        if tensor is None:
            raise RecordError(
                Finding(
                    f"the model drew no numbers like {value} ({draw.op}) when it ran",
                    "the random ops of the model",
                    "draw the numbers outside, and pass them to forward",
                )
            )
        found[value] = tensor
    return found


class _Watch(TorchDispatchMode):
    """Keeps the results of ops that draw."""

    supports_higher_order_operators = True

    def __init__(self, drawn: Drawn) -> None:
        super().__init__()
        self.drawn = drawn

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if isinstance(func, torch._ops.OpOverload):
            name = _base(str(func)).removesuffix("_functional")
            if name in _DISTRIBUTIONS and isinstance(result, torch.Tensor):
                self.drawn.tensors.append((name, result.detach().clone()))
        return result


def _base(op: str) -> str:
    """`randn_like` of `aten.randn_like.default`, and `normal` of `aten.normal_.default`."""
    name = op.split(".")[1]
    return name.rstrip("_") if not name.startswith("_") else name


def _dropout(given: dict[str, Any]) -> str:
    # Nothing is drawn in eval mode, nor where the result is certain.
    if not given["train"] or given["p"] in (0, 1):
        return ""
    return f"0 or 1, and 1 with probability {1 - given['p']}"


def _bernoulli(given: dict[str, Any]) -> str:
    probability = given.get("p")
    if isinstance(probability, (int, float)):
        return f"0 or 1, and 1 with probability {probability}"
    return "0 or 1, and 1 with the probability that the op's input says at that place"


def _normal(given: dict[str, Any]) -> str:
    mean, std = given.get("mean", 0.0), given.get("std", 1.0)
    if isinstance(mean, (int, float)) and isinstance(std, (int, float)):
        return f"normal with mean {mean} and standard deviation {std}"
    return "normal with the mean and standard deviation that the op's inputs say at that place"


def _integers(given: dict[str, Any]) -> str:
    return f"integers from {given.get('low') or 0} to {given.get('high')}, the latter excluded"


def _uniform(given: dict[str, Any]) -> str:
    low, high = given.get("from", 0.0), given.get("to", 1.0)
    return f"uniform from {low} to {high}, the latter excluded"


def _multinomial(given: dict[str, Any]) -> str:
    kind = "with" if given.get("replacement") else "without"
    return f"indices drawn {kind} replacement by the weights in each row of the op's input"


_DROPOUTS = ("dropout", "feature_dropout")
_DISTRIBUTIONS: dict[str, Callable[[dict[str, Any]], str]] = {
    **dict.fromkeys(_DROPOUTS, _dropout),
    **dict.fromkeys(("rand", "rand_like", "uniform"), _uniform),
    **dict.fromkeys(("randn", "randn_like", "normal", "normal_functional"), _normal),
    **dict.fromkeys(("randint", "randint_like"), _integers),
    "bernoulli": _bernoulli,
    "multinomial": _multinomial,
    "randperm": lambda given: f"a permutation of the integers below {given['n']}",
    "exponential": lambda given: f"exponential with rate {given['lambd']}",
    "geometric": lambda given: f"geometric with success probability {given['p']}",
    "cauchy": lambda given: f"Cauchy with median {given['median']} and scale {given['sigma']}",
    "log_normal": lambda given: (
        f"the exponential of a normal with mean {given['mean']} and deviation {given['std']}"
    ),
    "poisson": lambda _: "Poisson with the rate that the op's input says at that place",
    "binomial": lambda _: "binomial with the counts and probabilities of the op's inputs",
}
