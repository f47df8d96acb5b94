"""Every entry of the zoo by name."""

from __future__ import annotations

from collections.abc import Mapping

from tests.zoo import audio, layers, transformer, vision
from tests.zoo.entry import Entry

ENTRIES: Mapping[str, Entry] = {
    **layers.ENTRIES,
    **audio.ENTRIES,
    **transformer.ENTRIES,
    **vision.ENTRIES,
}
