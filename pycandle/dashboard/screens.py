"""The screens: what is where, and which key asks for what of the application.

It must not know what is shown in them.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.screen import ModalScreen, Screen
from textual.widgets import Input, Static

from pycandle.dashboard import keys
from pycandle.dashboard.panel import NAMES, Panel
from pycandle.dashboard.signs import Signs
from pycandle.dashboard.tree import ModuleTree


class Help(ModalScreen[None]):
    """All keys."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape,question_mark,q,enter", "dismiss", "back"), ("ctrl+c", "app.quit", "quit"),
    ]  # fmt: skip

    def __init__(self, signs: Signs) -> None:
        super().__init__()
        self.signs = signs

    def compose(self) -> ComposeResult:
        """A page that scrolls where it does not fit."""
        with VerticalScroll(id="help"):
            yield Static(keys.page(self.signs), markup=False)


class Main(Screen[None]):
    """Everything but help. A screen of its own, since `tab` is taken on every other one."""

    AUTO_FOCUS = None
    BINDINGS: ClassVar[list[BindingType]] = [
        *((key, f"app.{action}", action) for key, action in keys.ACTIONS),
        *((key, action, action) for key, action in keys.OF_THE_PANEL),
    ]

    def __init__(self, crate: Path, signs: Signs, colour: bool) -> None:
        super().__init__()
        self.crate, self.signs, self.colour = crate, signs, colour

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield Static(id="top", markup=False)
        yield Static(id="drift", markup=False)
        with Horizontal(id="body"):
            yield ModuleTree(self.signs, self.colour)
            yield Panel(self.crate, self.signs, self.colour)
        yield Static(id="said", markup=False)
        yield Input(id="filter", placeholder="words of a path or a class", compact=True)
        yield Static(id="keys", markup=False)

    @property
    def panel(self) -> Panel:
        """The panel beside the tree, or in its place."""
        return self.query_one(Panel)

    def action_panel(self, step: int) -> None:
        """Show the next view; where there is one column, the tree is among them."""
        hidden = self.has_class("narrow") and not self.has_class("panel")
        tab = (-1 if step > 0 else len(NAMES)) if hidden else self.panel.tab
        beyond = not 0 <= tab + step < len(NAMES)
        self.set_class(self.has_class("narrow") and not beyond, "panel")
        self.panel.turn(tab + step)
        self.call_after_refresh(self.panel.draw, True)

    def action_enter(self) -> None:
        """Show the panel where it is not."""
        if self.has_class("narrow"):
            self.add_class("panel")
            self.call_after_refresh(self.panel.draw, True)

    def action_zoom(self) -> None:
        """Show the panel alone."""
        self.toggle_class("zoom")
        self.call_after_refresh(self.panel.draw, True)

    def action_scroll_panel(self, lines: float) -> None:
        """Scroll the panel."""
        self.panel.page(lines)

    def action_heatmap(self, what: str, step: int) -> None:
        """Change what the heatmap shows."""
        self.panel.change(what, step)

    def action_output(self, step: int) -> None:
        """Look at another case or output."""
        self.panel.other_output(step)
