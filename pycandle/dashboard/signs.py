"""Signs and colours: what stands for an outcome, and what a terminal can show of it.

Names from a model are text: `printable` is what every one of them goes through.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from pycandle.plain import printable as plain

GOOD, BAD, WARN, DIM, TEXT, ACCENT = (
    "#5ec48b", "#f7768e", "#e0af68", "#7b8496", "#d5d9e2", "#7aa2f7",
)  # fmt: skip
PENDING = "pending"
STYLES = {
    "passed": GOOD, "failed": f"bold {BAD}", "missing": f"bold {BAD}", "uninformative": WARN,
    "elided": DIM, PENDING: DIM,
}  # fmt: skip
OUTCOMES = ("failed", "missing", "uninformative", "passed", "elided", PENDING)
"""The worst comes first."""
WRONG = ("failed", "missing")


@dataclass(frozen=True, slots=True)
class Signs:
    """The letters that a terminal can show."""

    marks: Mapping[str, str]
    own: str
    inherited: str
    limit: str
    levels: str  # of a column, from nothing to full
    folded: str
    unfolded: str
    here: str
    crossing: str
    times: str
    more: str
    rule: str
    plain: bool  # ASCII alone


UNICODE = Signs(
    dict(zip(OUTCOMES, ("✗", "!", "?", "✓", "\N{EN DASH}", "·"), strict=True)),
    "█", "▒", "│", " ▁▂▃▄▅▆▇█", "▸", "▾", "▲", "╷", "\N{MULTIPLICATION SIGN}", "…", "│", False,
)  # fmt: skip
ASCII = Signs(
    dict(zip(OUTCOMES, "x!?+-.", strict=True)), "#", "=", "|", " .:-=+*#@", ">", "v", "^", "!", "x",
    "~", "|", True,
)  # fmt: skip


def signs_for(encoding: str, variables: Mapping[str, str], platform: str) -> Signs:
    """ASCII unless both the stream's encoding and the locale are Unicode.

    Python takes UTF-8 where the locale is C, and says so in `LC_CTYPE`; the terminal does not.
    """
    names = [variables.get(name, "") for name in ("LC_ALL", "LC_CTYPE", "LANG")]
    if names[1].upper() in ("C.UTF-8", "C.UTF8") and names[2] in ("", "C", "POSIX"):
        names[1] = ""
    # Windows has no locale in its variables.
    locale = "UTF-8" if platform == "win32" else next(filter(None, names), "C")
    both = (encoding.upper().replace("-", ""), locale.upper().replace("-", ""))
    return UNICODE if all("UTF8" in each for each in both) else ASCII


def printable(text: str, signs: Signs) -> str:
    """Text that moves no cursor and turns no writing round, in letters that can be shown."""
    shown = plain(text)
    if not signs.plain:
        return shown
    return "".join(letter if letter.isascii() else "?" for letter in shown)


def share(used: float | None, signs: Signs) -> str:
    """Which part of what is allowed an error is: as per cent, and from ten times on as a factor."""
    if used is None:
        return ""
    if math.isnan(used) or math.isinf(used):
        return "nan" if math.isnan(used) else "inf"
    if used < 10:
        return f"{used:.0%}"
    return (
        f"{used:.0f}{signs.times}" if used < 1e4 else f"{used:.0e}{signs.times}".replace("+0", "")
    )


def number(value: object) -> str:
    """A figure in few letters; a dash for none."""
    match value:
        case bool() | str():
            return str(value)
        case int():
            return str(value)
        case float():
            return "0" if not value else f"{value:.3g}".replace("e-0", "e-").replace("e+0", "e")
        case _:
            return "-"
