"""Recurrent networks: of padded batches, of packed sequences, and single cells."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from tests.conformance.samples.registry import Arguments, call, numbers, samples

_STEPS, _BATCH, _INPUTS, _HIDDEN = 6, 3, 4, 5
# Packed sequences: how many are still running at each step.
_RUNNING = (3, 3, 2, 1, 1)


def _parameters(
    gates: int, *, layers: int = 1, ways: int = 1, bias: bool = True, projected: int = 0
) -> list[Tensor]:
    """The flat list of PyTorch's: of each layer and direction the weights, biases, projection."""
    made: list[Tensor] = []
    shown = projected or _HIDDEN
    for layer, _ in itertools.product(range(layers), range(ways)):
        made.append(0.4 * numbers(gates * _HIDDEN, shown * ways if layer else _INPUTS))
        made.append(0.4 * numbers(gates * _HIDDEN, shown))
        made += [0.4 * numbers(gates * _HIDDEN) for _ in range(2 * bias)]
        made += [0.4 * numbers(projected, _HIDDEN)] if projected else []
    return made


def _shapes() -> Iterator[tuple[int, bool, bool]]:
    """Layers, biases, both directions."""
    return itertools.product((1, 2), (True, False), (False, True))


def _state(layers: int, both: bool, size: int = _HIDDEN, batch: int = _BATCH) -> Tensor:
    return numbers(layers * (1 + both), batch, size)


def _padded(gates: int, states: int) -> list[Arguments]:
    """Calls of `.input` with one state, or a list of two."""
    made: list[Arguments] = []
    for (layers, bias, both), batch_first in itertools.product(_shapes(), (False, True)):
        x = numbers(_BATCH, _STEPS, _INPUTS) if batch_first else numbers(_STEPS, _BATCH, _INPUTS)
        state = [_state(layers, both) for _ in range(states)]
        weights = _parameters(gates, layers=layers, ways=1 + both, bias=bias)
        made.append(_input_call(x, state, weights, bias, layers, both, batch_first))
    special = numbers(_STEPS, 2, _INPUTS)
    special[2, 0, 1], special[3, 1, 1] = math.nan, math.inf
    for x in (special, numbers(_STEPS, 0, _INPUTS), numbers(1, 1, _INPUTS)):
        state = [_state(1, False, batch=x.shape[1]) for _ in range(states)]
        made.append(_input_call(x, state, _parameters(gates), True, 1, False, False))
    dtypes = (torch.float64, torch.float16, torch.bfloat16)
    for dtype, batch in itertools.product(dtypes, (_BATCH, 0)):
        x = numbers(_STEPS, batch, _INPUTS, dtype=dtype)
        state = [_state(2, True, batch=batch).to(dtype) for _ in range(states)]
        weights = [w.to(dtype) for w in _parameters(gates, layers=2, ways=2)]
        made.append(_input_call(x, state, weights, True, 2, True, False))
    return made


def _input_call(
    x: Tensor, state: list[Tensor], weights: list[Tensor], bias: bool, layers: int, both: bool,
    batch_first: bool,
) -> Arguments:  # fmt: skip
    states = state if len(state) > 1 else state[0]
    # Dropout between layers is of training only.
    return call(x, states, weights, bias, layers, 0.5, False, both, batch_first)


def _packed(gates: int, states: int) -> list[Arguments]:
    """Calls of `.data`."""
    made: list[Arguments] = []
    for layers, bias, both in _shapes():
        state = [_state(layers, both) for _ in range(states)]
        weights = _parameters(gates, layers=layers, ways=1 + both, bias=bias)
        made.append(
            call(
                numbers(sum(_RUNNING), _INPUTS),
                torch.tensor(_RUNNING),
                state if states > 1 else state[0],
                weights,
                bias,
                layers,
                0.0,
                False,
                both,
            )
        )
    return made


@samples("aten.lstm.input")
def _lstm() -> list[Arguments]:
    made = _padded(4, 2)
    for layers, bias, both in _shapes():
        state = [_state(layers, both, 3), _state(layers, both)]
        weights = _parameters(4, layers=layers, ways=1 + both, bias=bias, projected=3)
        x = numbers(_STEPS, _BATCH, _INPUTS)
        made.append(_input_call(x, state, weights, bias, layers, both, False))
    return made


@samples("aten.gru.input")
def _gru() -> list[Arguments]:
    return _padded(3, 1)


@samples("aten.rnn_tanh.input")
@samples("aten.rnn_relu.input")
def _rnn() -> list[Arguments]:
    return _padded(1, 1)


@samples("aten.lstm.data")
def _lstm_packed() -> list[Arguments]:
    return _packed(4, 2)


@samples("aten.gru.data")
def _gru_packed() -> list[Arguments]:
    return _packed(3, 1)


@samples("aten.rnn_tanh.data")
@samples("aten.rnn_relu.data")
def _rnn_packed() -> list[Arguments]:
    return _packed(1, 1)


def _cell(gates: int, state: Callable[[Tensor], Tensor | list[Tensor]]) -> list[Arguments]:
    made: list[Arguments] = []
    for bias, batch in itertools.product((True, False), ((_BATCH,), (0,))):
        biases: list[Tensor | None] = [None, None]
        weights = [*_parameters(gates, bias=bias), *([] if bias else biases)]
        made.append(call(numbers(*batch, _INPUTS), state(numbers(*batch, _HIDDEN)), *weights))
    return made


@samples("aten.lstm_cell.default")
def _lstm_cell() -> list[Arguments]:
    return _cell(4, lambda h: [h, torch.randn_like(h)])


@samples("aten.gru_cell.default")
def _gru_cell() -> list[Arguments]:
    return _cell(3, lambda h: h)


@samples("aten.rnn_tanh_cell.default")
@samples("aten.rnn_relu_cell.default")
def _rnn_cell() -> list[Arguments]:
    return _cell(1, lambda h: h)
