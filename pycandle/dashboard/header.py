"""The lines above and below all: model, mode, how far its run is, what passes; and what is said.

Pure: a board in, a line of text out.
"""

from __future__ import annotations

from rich.text import Text

from pycandle.dashboard.board import Board
from pycandle.dashboard.signs import ACCENT, BAD, DIM, GOOD, STYLES, TEXT, WARN, Signs, printable
from pycandle.verify.results import MODES, Run


def header(board: Board, mode: str, width: int, signs: Signs) -> Text:
    """The line in at most so many letters: of a narrow one, what matters least is left out."""
    run = board.runs.get(mode)
    line = Text(f" {printable(board.name, signs) or 'pycandle'} ", f"bold {TEXT}")
    if run is None:
        line.append(f"{mode}: no results yet", DIM)
        return line
    parts = [Text(mode, ACCENT), _rate(run), _progress(run, 20 if width >= 100 else 8, signs)]
    parts.append(_counts(run, signs, words=width >= 100))
    if width >= 100:
        parts.append(Text(f"{printable(run.device, signs)} {run.seconds:.1f} s", DIM))
        parts.extend(
            _other(each, signs) for m in MODES if (each := board.runs.get(m)) and m != mode
        )
    for part in parts:
        line.append("  ").append_text(part)
    line.truncate(width)
    return line


def _rate(run: Run) -> Text:
    if not run.compared:
        return Text("nothing compared", DIM)
    part = run.count("passed") / run.compared
    # What is not all must not read as all.
    shown = f"{int(part * 1000) / 10:.1f}%"
    return Text(f"{shown} pass", f"bold {GOOD if part == 1 else BAD}")


def _progress(run: Run, width: int, signs: Signs) -> Text:
    """How many of the calls it told of, as a bar while it goes on."""
    told = f"{len(run.calls)} of {run.expected}"
    if run.ended:
        whole = len(run.calls) == run.expected
        return Text(told if whole else f"{told}, the rest is missing", DIM if whole else BAD)
    done = min(round(width * len(run.calls) / run.expected), width) if run.expected else 0
    bar = Text(signs.own * done, ACCENT)
    return bar.append(signs.inherited * (width - done), DIM).append(f" {told}", WARN)


def _counts(run: Run, signs: Signs, words: bool) -> Text:
    text = Text()
    for outcome in ("passed", "failed", "missing", "uninformative", "elided"):
        count = run.count(outcome)
        if count or outcome in ("passed", "failed"):
            word = f" {outcome}" if words and outcome in ("failed", "missing") else ""
            style = STYLES[outcome] if count else DIM
            text.append(f"{signs.marks[outcome]}{count}{word} ", style)
    return text


def _other(run: Run, signs: Signs) -> Text:
    bad = run.count("failed") + run.count("missing")
    told = f"{signs.marks['failed']}{bad}" if bad else signs.marks["passed"] if run.ended else ""
    return Text(f"{run.mode} ", DIM).append(told, BAD if bad else GOOD)


def status(board: Board, told: Text, tests_run: bool, said: str, width: int, signs: Signs) -> Text:
    """The line below all: what is wrong with the files, the filter, and what tests say."""
    line = Text(" ")
    for finding in board.problems[:1]:
        line.append(printable(f"{finding.what}; {finding.fix} ", signs), BAD)
    line.append_text(told)
    if tests_run:
        line.append("tests run; x stops them ", ACCENT)
    line.append(printable(said, signs), DIM)
    line.truncate(width, overflow="crop")
    return line


def filter_text(words: str, wrong_only: bool, rows: int, signs: Signs) -> Text:
    """Which rows are left out, if any are."""
    text = Text()
    if words:
        text.append(f"filter: {printable(words, signs)} ", WARN)
    if wrong_only:
        text.append("failures only ", WARN)
    if words or wrong_only:
        text.append(f"({rows} rows; Esc shows all) ", DIM)
    return text
