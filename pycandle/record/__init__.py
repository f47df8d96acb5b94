"""Recording: a PyTorch model in, a manifest and golden tensors out.

This package (with `verify` and `weights`) is the only importer of torch. It must not know how
Rust is written, nor which passes follow.
"""

from pycandle.record.recorder import GoldenRecorder

__all__ = ["GoldenRecorder"]
