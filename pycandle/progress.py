"""Progress of long work, drawn on a terminal only.

It must not know what the work is.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")


def progress(items: Sequence[Item], what: str) -> Iterator[Item]:
    """The items, with a bar on stderr while they are worked on, if that is a terminal.

    The bar goes when the work is done; colours follow `NO_COLOR`.
    """
    if not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(items, f"pycandle: {what}", console=Console(stderr=True), transient=True)
