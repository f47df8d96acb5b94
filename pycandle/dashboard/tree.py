"""The tree of module calls, of which only the lines in sight are drawn.

It must not know files or runs.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from pycandle.dashboard.board import Board
from pycandle.dashboard.drift import level
from pycandle.dashboard.rows import Row
from pycandle.dashboard.signs import (
    BAD,
    DIM,
    GOOD,
    STYLES,
    TEXT,
    UNICODE,
    WARN,
    Signs,
    printable,
    share,
)
from pycandle.verify.results import MODES

_CONSOLE = Console()  # what Rich asks for styles by name, of which there are none
_HALF = 4  # letters of a bar on either side of the limit


def bar(own: float | None, whole: float | None, signs: Signs) -> Text:
    """A module's own error, and beyond it what it inherits, on both sides of the limit.

    The scale is one of logarithms; the rule in the middle is the limit.
    """
    ends = [0 if each is None else round((level(each) + 1) * _HALF) for each in (own, whole)]
    text = Text()
    for i in range(2 * _HALF):
        if i == _HALF:
            text.append(signs.limit, DIM)
        if i < ends[0]:
            text.append(signs.own, BAD if own is None or not own <= 1 else GOOD)
        elif i < ends[1]:
            text.append(signs.inherited, WARN if whole is None or not whole <= 1 else DIM)
        else:
            text.append(" ")
    return text


def row_text(
    row: Row, mode: str, hidden: int, folded: bool | None, width: int, signs: Signs
) -> Text:
    """A row in exactly so many letters.

    `hidden` is how many rows inside of it went wrong and are folded away; `folded` is None where
    nothing is inside.
    """
    outcomes = {each: row.outcome(each) for each in MODES}
    line = Text(" ")
    for outcome in outcomes.values():
        line.append(signs.marks[outcome], STYLES[outcome])
    fold = " " if folded is None else signs.folded if folded else signs.unfolded
    line.append(f" {' ' * row.depth}", DIM).append(f"{fold} ", DIM)
    worst = outcomes[mode]
    style = {"passed": TEXT, "failed": f"bold {BAD}", "missing": f"bold {BAD}"}.get(worst, DIM)
    line.append(printable(row.label, signs), style)
    if hidden:
        line.append(f" {hidden}{signs.marks['failed']}", BAD)
    line.append(f" {printable(row.class_name, signs)}", DIM)
    module = row.module
    own, whole = (module.used(each) if module else None for each in outcomes)
    used = {"isolated": own, "cumulative": whole}[mode]
    tail = Text(f" {share(used, signs):>6} ", BAD if used is not None and not used <= 1 else DIM)
    tail.append_text(bar(own, whole, signs))
    room = width - cell_len(tail.plain)
    if cell_len(line.plain) > room:
        line.truncate(max(room - 1, 0), pad=True)
        line.append(signs.more, DIM)
    line.truncate(max(room, 0), pad=True)
    line.append_text(tail)
    line.truncate(width, pad=True)
    return line


class ModuleTree(ScrollView, can_focus=True):
    """The rows that are shown of a board, one of which is chosen."""

    class Chosen(Message):
        """Another row was chosen."""

        def __init__(self, row: int, by_hand: bool) -> None:
            self.row, self.by_hand = row, by_hand
            super().__init__()

    chosen: reactive[int] = reactive(0)
    """A place among the rows that are shown."""

    def __init__(self, signs: Signs = UNICODE, colour: bool = True) -> None:
        super().__init__(id="tree")
        self.signs, self.colour = signs, colour
        self.board, self.mode = Board(), "cumulative"
        self.shown: Sequence[int] = ()
        self.folded: frozenset[str] = frozenset()
        self.note = ""  # what stands in place of rows

    def show(self, board: Board, mode: str, shown: Sequence[int], folded: frozenset[str]) -> None:
        """Show these rows of a board; the one that was chosen stays so if it is among them."""
        key = self.board.rows[self.row].key if self.row is not None else None
        self.board, self.mode, self.folded = board, mode, folded
        self.shown = shown
        self.virtual_size = Size(self.size.width, len(shown))
        row = board.places.get(key) if key else None
        if row is not None and (self.row is None or self.row != row):
            self.choose(row)
        elif self.chosen >= len(shown):
            self.chosen = max(len(shown) - 1, 0)
        self.refresh()

    @property
    def row(self) -> int | None:
        """The chosen row of the board."""
        return self.shown[self.chosen] if 0 <= self.chosen < len(self.shown) else None

    def choose(self, row: int, by_hand: bool = False) -> None:
        """Choose a row of the board, or the nearest one around it that is shown."""
        places = {each: place for place, each in enumerate(self.shown)}
        while row >= 0 and row not in places:
            row = self.board.rows[row].parent
        if row >= 0:
            self.move(places[row] - self.chosen, by_hand)
            # What comes before it and after it is in sight, too.
            middle = self.chosen - self.size.height // 2
            self.scroll_to(y=middle, animate=False, force=True, immediate=True)

    def move(self, by: int, by_hand: bool = True) -> None:
        """Choose the row so many places further on."""
        if not self.shown:
            return
        self.chosen = min(max(self.chosen + by, 0), len(self.shown) - 1)
        self.scroll_to_region(
            Region(0, self.chosen, 1, 1), animate=False, force=True, immediate=True
        )
        self.refresh()
        self.post_message(self.Chosen(self.shown[self.chosen], by_hand))

    def render_line(self, y: int) -> Strip:
        """The line of the widget that many lines below its top."""
        place = y + self.scroll_offset.y
        width = self.size.width
        if place >= len(self.shown):
            lines = self.note.split("\n")
            text = Text(f" {lines[y - 1]}" if 0 < y <= len(lines) else "", DIM)
            text.truncate(width, pad=True)
            return Strip(text.render(_CONSOLE), width).apply_style(self.rich_style)
        index = self.shown[place]
        row = self.board.rows[index]
        folds = row.last > index and self._has_inside(index)
        folded = (row.key[0] in self.folded) if folds else None
        hidden = self.board.wrong_inside(index, self.mode) if folded else 0
        text = row_text(row, self.mode, hidden, folded, width, self.signs)
        if place == self.chosen:
            text.stylize("on #2a3350" if self.colour else "reverse")
        return Strip(text.render(_CONSOLE), width).apply_style(self.rich_style)

    def _has_inside(self, index: int) -> bool:
        return index + 1 < len(self.board.rows) and self.board.rows[index + 1].parent == index

    def on_click(self, event: events.Click) -> None:
        """Choose the row that was clicked."""
        place = event.y + self.scroll_offset.y
        if place < len(self.shown):
            self.move(place - self.chosen)
