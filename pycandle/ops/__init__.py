"""The op table: one decorated function per ATen op, grouped in families.

Importing this package fills the table; adding an op adds a function to a family's file, adding a
family adds a file. It must not know modules, emission or torch.
"""

from importlib import import_module
from pkgutil import iter_modules

from pycandle.ops.table import Decline, Layer, Op, Operand, entries, lower, lower_layer

for _module in sorted(found.name for found in iter_modules(__path__)):
    import_module(f"{__name__}.{_module}")

__all__ = ["Decline", "Layer", "Op", "Operand", "entries", "lower", "lower_layer"]
