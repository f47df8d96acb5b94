"""The recorder under its short name: `from spy import GoldenRecorder`.

It must hold nothing else; everything about recording is in `pycandle`.
"""

from pycandle import GoldenRecorder

__all__ = ["GoldenRecorder"]
