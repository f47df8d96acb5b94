"""Calls that PyTorch's database lacks, or has too few of: a file a family of ops.

An entry gives argument lists; every one is a seed for Hypothesis too. PyTorch must accept each.
"""

from tests.conformance.samples import (  # noqa: F401  (They register their samples.)
    attention,
    creation,
    elementwise,
    indexing,
    interpolation,
    joining,
    layers,
    linear,
    losses,
    padding,
    recurrent,
    reductions,
    scattering,
    signals,
    special_values,
    views,
)
from tests.conformance.samples.registry import (
    AGREED,
    BAGS,
    FINITE,
    FIXED,
    INFORMED,
    MATRICES,
    SAMPLES,
    TIES,
    UNCHECKED,
    UNDEFINED,
    call,
    numbers,
    sampled,
    samples,
)

__all__ = [
    "AGREED",
    "BAGS",
    "FINITE",
    "FIXED",
    "INFORMED",
    "MATRICES",
    "SAMPLES",
    "TIES",
    "UNCHECKED",
    "UNDEFINED",
    "call",
    "numbers",
    "sampled",
    "samples",
]
