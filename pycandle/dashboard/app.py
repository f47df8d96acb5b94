"""The application: follows a folder of results, and shows a model's tree, drift and a panel.

What is shown is computed elsewhere, as text; here are the state, the keys and the order of events.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from time import monotonic

from textual.app import App
from textual.widgets import Input, Static

from pycandle.dashboard import keys
from pycandle.dashboard.background import Tests, verify_command
from pycandle.dashboard.drift import drift_text
from pycandle.dashboard.header import filter_text, header, status
from pycandle.dashboard.panel import Panel
from pycandle.dashboard.rows import Key, Row, matches, next_wrong, shown
from pycandle.dashboard.screens import Help, Main
from pycandle.dashboard.signs import UNICODE, WRONG, Signs
from pycandle.dashboard.tree import ModuleTree
from pycandle.dashboard.watching import Watch, begun, ended_with
from pycandle.verify.results import MODES

_OFTEN = 0.25  # seconds between looks at the files
_NOTHING = """\
No results yet.

r runs the tests here; or run
`pycandle verify` or `cargo test`
in another terminal: what they find
is shown as they go."""
_NARROW = 100  # columns from which on the panel has room beside the tree


class Dashboard(App[None]):
    """The dashboard of one folder of results."""

    CSS_PATH = "dashboard.tcss"
    ENABLE_COMMAND_PALETTE = False
    TITLE = "pycandle"

    def __init__(
        self, crate: Path, folder: Path, name: str = "", module: str = "", run: bool = False,
        signs: Signs = UNICODE, colour: bool = True, mode: str = "isolated",
    ) -> None:  # fmt: skip
        # Without colours the terminal's own are kept, and only those.
        super().__init__(ansi_color=True if not colour else None)
        self.crate, self.module = crate, module
        self.results = Watch(folder, name)
        self.signs, self.colour, self.run_at_once = signs, colour, run
        self.board, self.chosen_mode = self.results.board, mode
        self.folded: frozenset[str] = frozenset()
        self.words, self.wrong_only, self.has_moved = "", False, False
        self.built = 0.0  # when the board was made
        self.tests = Tests()
        self.said = ""
        self.main = Main(crate, signs, colour)

    @property
    def mode(self) -> str:
        """The mode that was chosen; the other one while only that has results."""
        runs = self.board.runs
        return self.chosen_mode if self.chosen_mode in runs or not runs else next(iter(runs))

    @property
    def modules(self) -> ModuleTree:
        """The tree of modules."""
        return self.main.query_one(ModuleTree)

    @property
    def panel(self) -> Panel:
        """The panel beside it, or in its place."""
        return self.main.query_one(Panel)

    async def on_mount(self) -> None:
        """Show an empty board at once; results come after the first paint."""
        await self.push_screen(self.main)
        self.set_class(not self.colour, "plain")
        # A bar is drawn in colours, by letters that are not ASCII.
        self.set_class(not self.colour or self.signs.plain, "bare")
        self._draw()
        self.set_interval(_OFTEN, self._poll)
        self.call_after_refresh(self._poll)
        if os.name == "posix":
            for each in (signal.SIGHUP, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(each, self._end)
        if self.run_at_once:
            self.action_run()

    def on_resize(self) -> None:
        """Turn to one column where two have no room."""
        self.main.set_class(self.size.width < _NARROW, "narrow")
        self.call_after_refresh(self._draw)

    # Results

    def _poll(self) -> None:
        """Read what was written since; one step, so that keys come between steps."""
        if not self.is_headless and not os.isatty(sys.__stdin__.fileno() if sys.__stdin__ else -1):
            # A terminal that goes need not say so, as to what was started with `nohup`.
            self._end()
            return
        changed, more = self.results.step()
        if more:
            self.call_later(self._poll)
        if changed and (not more or monotonic() - self.built > _OFTEN):
            self._update()

    def _update(self) -> None:
        """Show what was read; when a run ends, what to look at first, unless the user has moved."""
        before = self.board
        self.board = self.results.update()
        self.built = monotonic()
        if self.board is before:
            return
        self._draw()
        self.has_moved = self.has_moved and not begun(before, self.board)
        culprit = ended_with(before, self.board, self.mode)
        if culprit and not self.has_moved:
            self._choose((culprit.path, culprit.call))

    # Drawing

    def _draw(self) -> None:
        width = self.size.width
        wanted = self._wanted if self.words or self.wrong_only else None
        indices = shown(self.board.rows, self.folded, wanted)
        self.modules.note = "" if self.board.rows else _NOTHING
        folded = frozenset[str]() if wanted else self.folded
        self.modules.show(self.board, self.mode, indices, folded)
        self.main.query_one("#top", Static).update(header(self.board, self.mode, width, self.signs))
        self.main.query_one("#keys", Static).update(keys.short(width))
        self._draw_chosen()

    def _draw_chosen(self) -> None:
        """What depends on the row that is chosen."""
        row = self.modules.row
        self.panel.show(self.board.rows[row].module if row is not None else None, self.mode)
        drift = self.board.drift.get(self.mode, {})
        here = list(drift).index(row) if row is not None and row in drift else None
        text = drift_text(list(drift.values()), self.size.width, self.signs, here)
        self.main.query_one("#drift", Static).update(text)
        self._draw_said()

    def _draw_said(self) -> None:
        rows = len(self.modules.shown)
        told = filter_text(self.words, self.wrong_only, rows, self.signs)
        folder = self.results.folder
        here = Path.cwd()
        place = folder.relative_to(here) if folder.is_relative_to(here) else folder
        said = self.said or f"watching {place}"
        line = status(self.board, told, self.tests.running, said, self.size.width, self.signs)
        self.main.query_one("#said", Static).update(line)

    def _wanted(self, row: Row) -> bool:
        if self.wrong_only and row.outcome(self.mode) not in WRONG:
            return False
        return matches(row, self.words)

    def on_module_tree_chosen(self, event: ModuleTree.Chosen) -> None:
        """Show the module that was chosen."""
        self.has_moved = self.has_moved or event.by_hand
        self._draw_chosen()

    # Keys

    def action_move(self, by: int) -> None:
        """Choose a row further up or down."""
        self.modules.move(by)

    def action_page(self, pages: int) -> None:
        """Choose a row pages further up or down."""
        self.modules.move(pages * max(self.modules.size.height - 1, 1))

    def action_fold(self, fold: bool) -> None:
        """Fold or unfold the chosen row; where that is done, go to its parent or into it."""
        index = self.modules.row
        if index is None:
            return
        row = self.board.rows[index]
        path, call = row.key
        inside = not call and row.last > index
        if fold and inside and path not in self.folded:
            self.folded |= {path}
        elif not fold and path in self.folded:
            self.folded -= {path}
        elif fold and row.parent >= 0:
            self.modules.choose(row.parent, by_hand=True)
        elif not fold and inside:
            self.modules.move(1)
        self._draw()

    def _choose(self, key: Key, by_hand: bool = False) -> None:
        """Choose a module call, and unfold what it is inside of."""
        index = self.board.places.get(key)
        if index is None:
            return
        parent = self.board.rows[index].parent
        while parent >= 0:
            self.folded -= {self.board.rows[parent].key[0]}
            parent = self.board.rows[parent].parent
        self._draw()
        self.modules.choose(index, by_hand)

    def action_next_wrong(self, step: int) -> None:
        """Choose the next row that failed."""
        index = next_wrong(self.board.outcomes.get(self.mode, ()), self.modules.row or 0, step)
        if index is None:
            self._say(f"nothing failed in the {self.mode} run")
        else:
            self._choose(self.board.rows[index].key, by_hand=True)

    def action_culprit(self) -> None:
        """Choose what to look at first."""
        # What differs alone is to blame; in the whole model it may only be where that shows first.
        call = next(filter(None, map(self.board.culprit, MODES)), None)
        if call is None:
            self._say("nothing failed")
        else:
            self._choose((call.path, call.call), by_hand=True)

    def action_mode(self) -> None:
        """Show errors of the other mode."""
        self.chosen_mode = next(mode for mode in MODES if mode != self.mode)
        if self.mode != self.chosen_mode:
            self._say(f"there are no {self.chosen_mode} results yet")
        self._draw()

    def action_model(self) -> None:
        """Show the next model that the folder has results of."""
        self.results.step()
        if self.results.next_model():
            self.folded, self.has_moved = frozenset(), False
            self._update()

    def action_leave(self) -> None:
        """Leave what is most in the way: the panel in place of the tree, else the filter."""
        if self.main.has_class("zoom"):
            self.main.action_zoom()
        elif self.main.has_class("panel"):
            self.main.remove_class("panel")
        else:
            self.words, self.wrong_only = "", False
            self.main.query_one("#filter", Input).value = ""
            self._close_filter()

    def action_help(self) -> None:
        """Show all keys."""
        self.push_screen(Help(self.signs))

    def action_wrong_only(self) -> None:
        """Show failures only, or everything."""
        self.wrong_only = not self.wrong_only
        self._draw()

    def action_filter(self) -> None:
        """Ask for words."""
        self.main.remove_class("panel", "zoom")
        self.main.add_class("filtering")
        self.main.query_one("#filter", Input).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter as words are typed."""
        self.words = event.value
        self._draw()

    def on_input_submitted(self) -> None:
        """Keep the filter."""
        self._close_filter()

    def _close_filter(self) -> None:
        self.main.remove_class("filtering")
        self.main.set_focus(None)
        self._draw()

    # Tests

    def action_run(self) -> None:
        """Start the tests."""
        if self.tests.running:
            self._say("the tests run already")
            return
        self.has_moved = False
        command = verify_command(self.crate, self.module)
        self._say(f"pycandle verify --crate {self.crate}")
        self.tests.start(command, self.results.folder, self._say)

    async def action_stop(self) -> None:
        """Stop the tests, and wait until they are gone."""
        if await self.tests.stop():
            self._say("the tests were stopped")

    def _say(self, line: str) -> None:
        self.said = line
        self.panel.say(line)
        self._draw_said()

    async def action_quit(self) -> None:
        """Stop the tests, and leave."""
        await self.action_stop()
        self.exit()

    def _end(self) -> None:
        self.run_worker(self.action_quit())
