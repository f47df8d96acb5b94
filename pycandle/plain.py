"""What a reader's terminal, XML and JSON can take: names from a model, and numbers that are none.

It must not know what is told.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any


def printable(text: str) -> str:
    """Text without the letters that move a cursor, turn writing round, or that XML cannot hold."""
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text
    )


def finite(value: Any) -> Any:
    """What JSON can say: a number that is none becomes null, a path its text."""
    match value:
        case Path():
            return str(value)
        case dict():
            return {key: finite(item) for key, item in value.items()}  # type: ignore[reportUnknownVariableType]
        case list() | tuple():
            return [finite(item) for item in value]  # type: ignore[reportUnknownVariableType]
        case float():
            return value if math.isfinite(value) else None
        case _:
            return value
