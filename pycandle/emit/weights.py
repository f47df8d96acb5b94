"""Finds the parameters that only matrix products read, which keep what kernels make of them.

They are `nn::Parameter` in place of `Tensor`. What anything else reads too stays a tensor, and so
does what stands in a list with such. It must not know text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from pycandle.emit.fields import ParameterField, StructField
from pycandle.emit.statements import walk_all
from pycandle.emit.structs import Struct
from pycandle.ops.expr import Call, Expr, Field, Slice

# Which arguments of each op are weights, and which a list of them.
_PLACES = {
    "ops::linear": (1,), "ops::matmul": (1,), "ops::addmm": (2,), "ops::addmm_scaled": (2,),
    "ops::lstm": (2,), "ops::lstm_data": (3,),
    **{f"ops::{name}": (2,) for name in ("gru", "rnn_tanh", "rnn_relu")},
    **{f"ops::{name}_data": (3,) for name in ("gru", "rnn_tanh", "rnn_relu")},
    **{f"ops::{name}_cell": (2, 3) for name in ("lstm", "gru", "rnn_tanh", "rnn_relu")},
}  # fmt: skip


def with_parameters(structs: Iterable[Struct]) -> list[Struct]:
    """The structs, where such parameters are told from other tensors."""
    return [_struct(struct) for struct in structs]


def _struct(struct: Struct) -> Struct:
    bodies = [forward.body for forward in struct.forwards]
    parts = [e for body in bodies for e in walk_all((body.statements, body.results))]
    read = Counter(part.path for part in parts if isinstance(part, Field))
    groups = [group for part in parts for group in _weights(part)]
    held = {f.path for f in struct.fields if isinstance(f, ParameterField) and _is_weight(f)}
    matrices = {
        f.path for f in struct.fields if isinstance(f, ParameterField) and len(f.shape) == 2
    }
    # All weights of a list are of one type: one that is none keeps the others from being any.
    while True:
        counted = Counter(path for group in groups for path in group)
        kept = [
            group
            for group in groups
            if all(path in held and counted[path] == read[path] for path in group)
            and (len(group) > 1 or matrices.issuperset(group))
        ]
        if kept == groups:
            break
        groups = kept
    found = {path for group in groups for path in group}
    return replace(struct, fields=tuple(_field(each, found) for each in struct.fields))


def _is_weight(field: ParameterField) -> bool:
    return field.dtype.startswith(("f", "bf")) and not field.own_dtype


def _field(field: StructField, found: set[str]) -> StructField:
    held = isinstance(field, ParameterField) and field.path in found
    return replace(field, keeps=True) if held else field


def _weights(expr: Expr) -> Iterator[tuple[str, ...]]:
    """The paths of the parameters that stand where an op takes a weight, or a list of such."""
    if not isinstance(expr, Call):
        return
    for place in _PLACES.get(expr.path, ()):
        match expr.args[place]:
            case Field(path=path):
                yield (path,)
            case Slice(items=items):
                # What is none of the struct's own parameters has a path that none of them has.
                yield tuple(e.path if isinstance(e, Field) else "" for e in items)
            case _:
                pass
