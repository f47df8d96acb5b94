"""PyCandle: a compiler from PyTorch models to the Rust that a good engineer would write for Candle.

The facade: everything a user calls from Python. Importing it loads neither torch nor numpy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from pycandle.record import GoldenRecorder

__all__ = ["GoldenRecorder", "__version__"]


def __getattr__(name: str) -> object:
    # Recording needs torch, which takes seconds to import; nothing else here does.
    if name == "GoldenRecorder":
        from pycandle.record import GoldenRecorder

        return GoldenRecorder
    raise AttributeError(f"module 'pycandle' has no attribute {name!r}")
