"""The panel beside the tree: statistics, heatmap and sources of a module, and what tests say.

What takes files is read aside, so that keys are answered meanwhile.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text
from textual import events, work
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from pycandle.dashboard.signs import ACCENT, BAD, DIM, TEXT, Signs, printable
from pycandle.dashboard.statistics import statistics_panel
from pycandle.errors import PyCandleError
from pycandle.verify.modules import Found, Module, worst_output

if TYPE_CHECKING:
    from pycandle.dashboard.sources import Sources
    from pycandle.dashboard.tensors import View
    from pycandle.verify.tensors import Compared

NAMES = ("Statistics", "Heatmap", "Sources", "Log")
STATISTICS, HEATMAP, SOURCES, LOG = range(4)
_PAUSE = 0.03  # seconds that a module stays chosen before its files are read
_BESIDE = 100
_MOST_LINES = 500


class Panel(Vertical):
    """One of four views of the module that is chosen."""

    def __init__(self, crate: Path, signs: Signs, colour: bool) -> None:
        super().__init__(id="side")
        self.crate, self.signs = crate, signs
        self.colour = colour and not signs.plain
        self.tab = STATISTICS
        self.module: Module | None = None
        self.mode = "cumulative"
        self.said: list[str] = []
        self.choice: int | None = None  # among `_choices`; the worst where none is chosen
        self._view: View | None = None
        self._tensors: tuple[object, Compared | PyCandleError | None] | None = None
        self._sources: tuple[object, Sources] | None = None

    def compose(self) -> ComposeResult:
        """The names of the views, and the one that is shown."""
        yield Static(id="tabs", markup=False)
        yield Static(id="about", markup=False)
        with VerticalScroll(id="view", can_focus=False):
            yield Static(id="content", markup=False)

    def show(self, module: Module | None, mode: str) -> None:
        """Show a module as the runs of a mode found it."""
        old = self.module
        another = (old.path, old.call) != (module.path, module.call) if old and module else True
        if another or mode != self.mode:
            self.choice = None
            self._view = replace(self._view, index=None) if self._view else None
        self.module, self.mode = module, mode
        self.draw(home=another)

    def turn(self, tab: int) -> None:
        """Show another view."""
        self.tab = tab % len(NAMES)
        self.draw(home=True)

    def say(self, line: str) -> None:
        """Add a line to what tests say."""
        self.said = [*self.said[-_MOST_LINES:], line]
        if self.tab == LOG:
            self.draw()

    def on_resize(self, _event: events.Resize) -> None:
        """Draw for the new size."""
        self.draw()

    def draw(self, home: bool = False) -> None:
        """Draw the view that is shown; from its beginning if it is another one."""
        if not self.display or not self.is_mounted:
            return
        tabs = Text(" ")
        for i, name in enumerate(NAMES):
            chosen = i == self.tab
            tabs.append(f" {name} ", f"bold {ACCENT} reverse" if chosen else DIM).append(" ")
        self.query_one("#tabs", Static).update(tabs)
        self.query_one("#about", Static).update(self._about())
        if self.tab == LOG:
            lines = [printable(line, self.signs) for line in self.said] or ["r runs the tests."]
            self._put(Text("\n".join(lines), TEXT if self.said else DIM), end=True)
        elif self.module is None:
            self._put(Text("No run has told of it yet.", DIM))
        elif self.tab == STATISTICS:
            text = statistics_panel(self.module, self.mode, self._room[0], self.signs)
            self._put(text, 0 if home else None)
        elif self.tab == HEATMAP:
            self._heatmap()
        else:
            self._source(home)

    def _about(self) -> Text:
        """Which module it is, above what scrolls; and the files of its sources."""
        if self.tab == LOG or self.module is None:
            return Text()
        text = Text(" ").append(printable(self.module.name, self.signs), f"bold {TEXT}")
        text.append(f"  {printable(self.module.class_name, self.signs)}", ACCENT)
        text.truncate(self.size.width, overflow="crop")
        if self.tab == SOURCES and self._sources:
            text.append("\n ").append_text(self._sources[1].title)
        return text

    @property
    def _room(self) -> tuple[int, int]:
        size = self.query_one("#view").size
        return max(size.width - 3, 20), max(size.height, 5)

    def _put(self, text: Text, line: int | None = None, end: bool = False) -> None:
        self.query_one("#content", Static).update(text)
        view = self.query_one("#view", VerticalScroll)
        if end:
            view.scroll_end(animate=False)
        elif line is not None:
            view.scroll_to(y=line, animate=False)

    def page(self, lines: float) -> None:
        """Scroll by so many lines, or pages where it is a fraction."""
        view = self.query_one("#view", VerticalScroll)
        by = lines if lines == int(lines) else round(2 * lines * max(view.size.height - 2, 1))
        view.scroll_relative(y=by, animate=False)

    # Heatmap

    def _choices(self) -> list[tuple[Found, int]]:
        """Each case and output of the module that can be looked at."""
        found = self.module.of(self.mode) if self.module else ()
        return [(each, i) for each in found for i in range(len(each.call.outputs))]

    def _chosen(self) -> tuple[Found, int] | None:
        choices = self._choices()
        if self.choice is not None and choices:
            return choices[self.choice % len(choices)]
        worst = self.module.worst(self.mode) if self.module else None
        output = worst_output(worst.call) if worst else None
        return (worst, output[0]) if worst and output else None

    def other_output(self, step: int) -> None:
        """Look at the next case or output, or the last one."""
        choices, chosen = self._choices(), self._chosen()
        if chosen:
            self.choice = (choices.index(chosen) + step) % len(choices)
            self._view = replace(self._view, index=None) if self._view else None
            self.draw()

    def change(self, what: str, step: int = 0) -> None:
        """Change what the heatmap shows: `which` map, the `slice`, its `axis`, or the `worst`."""
        if self.tab != HEATMAP or self._view is None or self._tensors is None:
            return
        from pycandle.dashboard.tensors import moved, turned

        tensors = self._tensors[1]
        if what == "which":
            self._view = replace(self._view, which=step if step < 3 else None)
        elif what == "worst":
            self._view = replace(self._view, index=None)
        elif tensors is not None and not isinstance(tensors, PyCandleError):
            self._view = (moved if what == "slice" else turned)(self._view, tensors, step)
        self.draw()

    def _heatmap(self) -> None:
        # NumPy comes with it, and takes a while to load.
        from pycandle.dashboard.tensors import View, tensor_panel

        chosen = self._chosen()
        if chosen is None:
            self._put(Text("No output of it was compared.", DIM), 0)
            return
        found, output = chosen
        if self._view is None:
            self._view = View(None if self.screen.size.width >= 60 else 2, colour=self.colour)
        if self._tensors is None or self._tensors[0] != (id(found.call), output):
            self._put(Text("reading tensors", DIM), 0)
            self._load(found, output)
            return
        tensors = self._tensors[1]
        if tensors is None:
            self._put(Text("PyTorch gave no tensor here.", DIM), 0)
        elif isinstance(tensors, PyCandleError):
            self._put(Text(printable(str(tensors.findings[0].what), self.signs), BAD), 0)
        else:
            size = self._room
            self._put(tensor_panel(found, output, tensors, self._view, size, self.signs), 0)

    @work(exclusive=True, group="tensors")
    async def _load(self, found: Found, output: int) -> None:
        from pycandle.dashboard.tensors import load

        await asyncio.sleep(_PAUSE)
        try:
            tensors = await asyncio.to_thread(load, found, output)
        except PyCandleError as error:
            tensors = error
        if self._chosen() == (found, output):
            self._tensors = ((id(found.call), output), tensors)
            self.draw()

    # Sources

    def _source(self, home: bool) -> None:
        chosen = self.module.worst(self.mode) or self.module.found[0] if self.module else None
        if chosen is None:
            return
        call = chosen.call
        key = (call.source, call.site, call.rust, self._room[0])
        if self._sources and self._sources[0] == key:
            self._put(self._sources[1].text, self._sources[1].begin if home else None)
        else:
            self._read(key, chosen)

    @work(exclusive=True, group="sources")
    async def _read(self, key: object, found: Found) -> None:
        from pycandle.dashboard.sources import source_panel

        await asyncio.sleep(_PAUSE)
        width = self._room[0]
        beside = self.screen.size.width >= _BESIDE
        sources = await asyncio.to_thread(
            source_panel, self.crate, found.call, width, beside, self.signs
        )
        self._sources = (key, sources)
        if self.tab == SOURCES:
            self.draw(home=True)
