"""The op table: one decorated function per ATen op, grouped in families.

Importing this package fills the table; adding an op adds a function to a family's file, adding a
family adds a line here. It must not know modules, emission or torch.
"""

from pycandle.ops import (
    attention,
    complex_views,
    create,
    elementwise,
    fft,
    layers,
    reduce,
    stft,
    views,
)
from pycandle.ops import complex as complex_
from pycandle.ops.table import Decline, Layer, Op, Operand, entries, lower, lower_layer

FAMILIES = (
    attention, complex_, complex_views, create, elementwise, fft, layers, reduce, stft, views,
)  # fmt: skip

__all__ = ["FAMILIES", "Decline", "Layer", "Op", "Operand", "entries", "lower", "lower_layer"]
