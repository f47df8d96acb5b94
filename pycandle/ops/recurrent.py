"""Recurrent networks, whole or one step of them."""

from __future__ import annotations

from pycandle.ops.expr import Call, Expr, Maybe, Number, Slice, flag
from pycandle.ops.table import Operand, decline, op

Operands = tuple[Operand, ...]


def _network(
    name: str, inputs: Operands, hx: Operands, params: Operands, num_layers: int, dropout: float,
    train: bool, bidirectional: bool, *more: Expr,
) -> Expr:  # fmt: skip
    _floats(name, (*inputs[:1], *hx, *params))
    decline(
        train and dropout > 0 and num_layers > 1,
        f"dropout between the layers of {name} in training mode",
        "record the model in eval mode",
    )
    states = _tensors(hx) if name == "lstm" else hx[0].expr
    overload = name if more else f"{name}_data"
    layers = Number(num_layers, "usize", "num_layers")
    args = (states, _tensors(params), layers, flag(bidirectional), *more)
    return Call(f"ops::{overload}", (*(x.expr for x in inputs), *args))


def _tensors(operands: Operands) -> Slice:
    return Slice(tuple(operand.expr for operand in operands))


def _floats(name: str, tensors: Operands) -> None:
    dtypes = sorted({tensor.dtype for tensor in tensors})
    decline(
        len(dtypes) > 1 or not tensors[0].type.is_float,
        f"{name} of {', '.join(dtypes)}",
        "give input, state and weights one floating dtype",
    )


@op("aten.lstm.input")
def lstm(
    x: Operand, hx: Operands, params: Operands, has_biases: bool, num_layers: int, dropout: float,
    train: bool, bidirectional: bool, batch_first: bool,
) -> Expr:  # fmt: skip
    """All layers and directions over a sequence: every output, the last hidden and cell states."""
    first = flag(batch_first)
    return _network("lstm", (x,), hx, params, num_layers, dropout, train, bidirectional, first)


@op("aten.lstm.data")
def lstm_data(
    data: Operand, batch_sizes: Operand, hx: Operands, params: Operands, has_biases: bool,
    num_layers: int, dropout: float, train: bool, bidirectional: bool,
) -> Expr:  # fmt: skip
    """The same over a packed sequence."""
    inputs = (data, batch_sizes)
    return _network("lstm", inputs, hx, params, num_layers, dropout, train, bidirectional)


@op("aten.gru.input")
def gru(
    x: Operand, hx: Operand, params: Operands, has_biases: bool, num_layers: int, dropout: float,
    train: bool, bidirectional: bool, batch_first: bool,
) -> Expr:  # fmt: skip
    """All layers and directions over a sequence: every output, and the last state."""
    first = flag(batch_first)
    return _network("gru", (x,), (hx,), params, num_layers, dropout, train, bidirectional, first)


@op("aten.gru.data")
def gru_data(
    data: Operand, batch_sizes: Operand, hx: Operand, params: Operands, has_biases: bool,
    num_layers: int, dropout: float, train: bool, bidirectional: bool,
) -> Expr:  # fmt: skip
    """The same over a packed sequence."""
    inputs = (data, batch_sizes)
    return _network("gru", inputs, (hx,), params, num_layers, dropout, train, bidirectional)


@op("aten.rnn_tanh.input")
def rnn_tanh(
    x: Operand, hx: Operand, params: Operands, has_biases: bool, num_layers: int, dropout: float,
    train: bool, bidirectional: bool, batch_first: bool,
) -> Expr:  # fmt: skip
    """All layers and directions over a sequence: every output, and the last state."""
    first = flag(batch_first)
    return _network(
        "rnn_tanh", (x,), (hx,), params, num_layers, dropout, train, bidirectional, first
    )


@op("aten.rnn_tanh.data")
def rnn_tanh_data(
    data: Operand, batch_sizes: Operand, hx: Operand, params: Operands, has_biases: bool,
    num_layers: int, dropout: float, train: bool, bidirectional: bool,
) -> Expr:  # fmt: skip
    """The same over a packed sequence."""
    inputs = (data, batch_sizes)
    return _network("rnn_tanh", inputs, (hx,), params, num_layers, dropout, train, bidirectional)


@op("aten.rnn_relu.input")
def rnn_relu(
    x: Operand, hx: Operand, params: Operands, has_biases: bool, num_layers: int, dropout: float,
    train: bool, bidirectional: bool, batch_first: bool,
) -> Expr:  # fmt: skip
    """All layers and directions over a sequence: every output, and the last state."""
    first = flag(batch_first)
    return _network(
        "rnn_relu", (x,), (hx,), params, num_layers, dropout, train, bidirectional, first
    )


@op("aten.rnn_relu.data")
def rnn_relu_data(
    data: Operand, batch_sizes: Operand, hx: Operand, params: Operands, has_biases: bool,
    num_layers: int, dropout: float, train: bool, bidirectional: bool,
) -> Expr:  # fmt: skip
    """The same over a packed sequence."""
    inputs = (data, batch_sizes)
    return _network("rnn_relu", inputs, (hx,), params, num_layers, dropout, train, bidirectional)


def _cell(name: str, x: Operand, hx: Operands, weights: tuple[Operand | None, ...]) -> Expr:
    _floats(name, (x, *hx, *(weight for weight in weights if weight)))
    states = _tensors(hx) if name == "lstm_cell" else hx[0].expr
    w_ih, w_hh, *biases = weights
    decline(w_ih is None or w_hh is None, f"{name} without weights")
    given = tuple(weight.expr for weight in (w_ih, w_hh) if weight)
    maybe = tuple(Maybe(bias.expr if bias else None) for bias in biases)
    return Call(f"ops::{name}", (x.expr, states, *given, *maybe))


@op("aten.lstm_cell.default")
def lstm_cell(
    x: Operand, hx: Operands, w_ih: Operand, w_hh: Operand, b_ih: Operand | None = None,
    b_hh: Operand | None = None,
) -> Expr:  # fmt: skip
    """One step: the new hidden and cell states."""
    return _cell("lstm_cell", x, hx, (w_ih, w_hh, b_ih, b_hh))


@op("aten.gru_cell.default")
def gru_cell(
    x: Operand, hx: Operand, w_ih: Operand, w_hh: Operand, b_ih: Operand | None = None,
    b_hh: Operand | None = None,
) -> Expr:  # fmt: skip
    """One step: the new state."""
    return _cell("gru_cell", x, (hx,), (w_ih, w_hh, b_ih, b_hh))


@op("aten.rnn_tanh_cell.default")
def rnn_tanh_cell(
    x: Operand, hx: Operand, w_ih: Operand, w_hh: Operand, b_ih: Operand | None = None,
    b_hh: Operand | None = None,
) -> Expr:  # fmt: skip
    """One step: the new state."""
    return _cell("rnn_tanh_cell", x, (hx,), (w_ih, w_hh, b_ih, b_hh))


@op("aten.rnn_relu_cell.default")
def rnn_relu_cell(
    x: Operand, hx: Operand, w_ih: Operand, w_hh: Operand, b_ih: Operand | None = None,
    b_hh: Operand | None = None,
) -> Expr:  # fmt: skip
    """One step: the new state."""
    return _cell("rnn_relu_cell", x, (hx,), (w_ih, w_hh, b_ih, b_hh))
