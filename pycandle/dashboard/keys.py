"""The keys, in words: a line of the most important, and the page of help.

What they do is the application's.
"""

from __future__ import annotations

from rich.text import Text

from pycandle.dashboard.signs import ACCENT, DIM, STYLES, TEXT, Signs

_SHORT = (
    ("?", "help"), ("q", "quit"), ("n", "next failure"), ("c", "culprit"), ("tab", "panel"),
    ("/", "filter"), ("m", "mode"), ("r", "run"), ("f", "failures only"), ("z", "wide"),
)  # fmt: skip
_KEYS = (
    ("up down pgup pgdn home end", "move through the modules"),
    ("left right", "fold and unfold; from a leaf, to its parent"),
    ("n  N", "next and previous failure"),
    ("c", "the first culprit: what to look at first"),
    ("/", "filter by words of path and class, or by scattered letters; Esc clears"),
    ("f", "failures only"),
    ("m  M", "isolated or cumulative errors; the next model"),
    ("tab  shift+tab", "next panel: Statistics, Heatmap, Sources, Log"),
    ("j  k  space  b", "scroll the panel"),
    ("z", "the panel in the whole width"),
    ("1  2  3  4", "Heatmap: Rust, golden, difference, or all of them"),
    ("[  ]", "Heatmap: the slice before, the next one"),
    ("{  }", "Heatmap: the axis that these move along"),
    ("w", "Heatmap: the slice that differs most"),
    (",  .", "Heatmap: the case and output before, the next one"),
    ("r  x", "run the tests; stop them"),
    ("q", "quit; tests that run are stopped"),
)
ACTIONS = (
    ("up", "move(-1)"), ("down", "move(1)"), ("pageup", "page(-1)"), ("pagedown", "page(1)"),
    ("home", "move(-1000000)"), ("end", "move(1000000)"), ("left", "fold(True)"),
    ("right", "fold(False)"), ("escape", "leave"), ("n", "next_wrong(1)"),
    ("N", "next_wrong(-1)"), ("c", "culprit"), ("slash", "filter"), ("f", "wrong_only"),
    ("m", "mode"), ("M", "model"), ("r", "run"), ("x", "stop"), ("question_mark", "help"),
    ("q", "quit"), ("ctrl+c", "quit"),
)  # fmt: skip
"""Keys by Textual's names, and the application's actions."""
OF_THE_PANEL = (
    ("tab", "panel(1)"), ("shift+tab", "panel(-1)"), ("enter", "enter"), ("z", "zoom"),
    ("j", "scroll_panel(1)"), ("k", "scroll_panel(-1)"), ("space", "scroll_panel(0.5)"),
    ("b", "scroll_panel(-0.5)"), ("1", "heatmap('which', 0)"), ("2", "heatmap('which', 1)"),
    ("3", "heatmap('which', 2)"), ("4", "heatmap('which', 3)"),
    ("left_square_bracket", "heatmap('slice', -1)"),
    ("right_square_bracket", "heatmap('slice', 1)"),
    ("left_curly_bracket", "heatmap('axis', -1)"), ("right_curly_bracket", "heatmap('axis', 1)"),
    ("w", "heatmap('worst', 0)"), ("comma", "output(-1)"), ("full_stop", "output(1)"),
)  # fmt: skip
"""The same for what the panel does."""
_MARKS = {
    "passed": "as near as PyTorch is itself", "failed": "differs", "missing": "was never compared",
    "uninformative": "nothing in it could tell", "elided": "computes nothing",
    "pending": "not yet told of",
}  # fmt: skip


def short(width: int) -> Text:
    """As many keys as a line has room for."""
    line = Text()
    for key, what in _SHORT:
        if len(line.plain) + len(key) + len(what) + 3 > width:
            break
        line.append(f" {key}", f"bold {ACCENT}").append(f" {what} ", DIM)
    return line


def page(signs: Signs) -> Text:
    """All keys, and what the signs mean."""
    text = Text("Keys", f"bold {TEXT}").append("   Esc or ? goes back\n\n", DIM)
    for keys, what in _KEYS:
        text.append(f"{keys:<27}", ACCENT).append(f"{what}\n", TEXT)
    text.append("\nSigns", f"bold {TEXT}")
    text.append("   the first is a module's own verdict (isolated), the second has what it\n", DIM)
    text.append("        inherits (cumulative)\n\n", DIM)
    for outcome, what in _MARKS.items():
        text.append(f"{signs.marks[outcome]} ", STYLES[outcome]).append(
            f"{outcome}: {what}\n", TEXT
        )
    text.append(f"\n{signs.own} own error  {signs.inherited} inherited error, as parts of what is ")
    text.append(f"allowed: {signs.limit} is the limit,\neach letter a factor of ten. ")
    text.append("Drift has its limit between its lines.\n")
    if signs.plain:
        text.append("\nThese are ASCII because the locale is; LANG=C.UTF-8 has finer ones.\n", DIM)
    return text
