"""The op table: one decorated function per ATen op, grouped in families.

Importing this package fills the table; adding an op adds a function to a family's file, adding a
family adds a line here. It must not know modules, emission or torch.
"""

from pycandle.ops import (
    attention,
    create,
    elementwise,
    layers,
    recurrent,
    reduce,
    resample,
    views,
)
from pycandle.ops.table import Decline, Layer, Op, Operand, entries, lower, lower_layer

FAMILIES = (attention, create, elementwise, layers, recurrent, reduce, resample, views)

__all__ = ["FAMILIES", "Decline", "Layer", "Op", "Operand", "entries", "lower", "lower_layer"]
