"""Which modules of a model can run in low precision: what `verify --bisect-precision` answers.

It must not know how a graph is run, nor load torch before it has to.
"""

from pycandle.precision.bisecting import FORMATS, Bisection, Module, Result, bisect_crate
from pycandle.precision.telling import as_json, summary

__all__ = [
    "FORMATS",
    "Bisection",
    "Module",
    "Result",
    "as_json",
    "bisect_crate",
    "summary",
]
