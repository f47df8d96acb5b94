"""What the dashboard draws: numbers and arrays in, text out."""

import math

import numpy as np
import pytest

from pycandle.dashboard.drift import columns, crossings, drift_lines
from pycandle.dashboard.heatmap import coloured, largest, plain, plane, pooled, worst_place
from pycandle.dashboard.signs import ASCII, UNICODE, printable, share, signs_for
from pycandle.dashboard.tree import bar
from tests.hostile import HOSTILE

NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("values", "width", "expected"),
    [
        ([], 4, ["", "", ""]),
        ([1e-4, 1e-2, 1.0], 3, ["   ", "▁▄█", "   "]),
        ([1e-2, 1e2, 1e9], 3, [" ▄█", "▄██", " ╷ "]),
        ([None, 1e2, NAN], 3, [" ▄█", " ██", " ╷ "]),
        ([1e-2, 1e2], 6, ["   ▄▄▄", "▄▄▄███", "   ╷  "]),
        ([1e-2, 1e2, 1e-2, 1e-2], 2, ["▄ ", "█▄", "╷ "]),
    ],
)
def test_drift(values: list[float | None], width: int, expected: list[str]):
    lines = drift_lines(values, width, UNICODE)
    assert [line.plain for line in lines][: 3 if values else 0] == (expected if values else [])


def test_drift_marks_what_is_chosen():
    assert drift_lines([0.1, 0.1, 2.0], 3, ASCII, here=1)[2].plain == " ^!"
    assert drift_lines([0.1, 0.1], 6, ASCII, here=1)[2].plain == "   ^^^"
    assert columns([1.0, None, None, 3.0], 2) == [1.0, 3.0]
    assert crossings([0.5, 2.0, 3.0, None, NAN]) == [1, 4]


@pytest.mark.parametrize(
    ("own", "whole", "expected"),
    [
        (None, None, "    |    "),
        (1.0, 1.0, "####|    "),
        (1e-2, 1e2, "##==|==  "),
        (1e4, 1e2, "####|####"),
        (None, 1.0, "====|    "),
        (NAN, None, "####|####"),
    ],
)
def test_own_and_inherited_error(own: float | None, whole: float | None, expected: str):
    assert bar(own, whole, ASCII).plain == expected


def test_one_bad_element_stays_visible():
    values = np.zeros((100, 100))
    values[73, 12] = -5
    small = pooled(values, 10, 10)
    assert small[7, 1] == -5 and np.count_nonzero(small) == 1
    assert "".join(plain(small, 5.0)).strip() == "@"
    values[3, 3] = NAN
    values[99, 99] = -INF
    letters = plain(pooled(values, 10, 10), largest(values))
    assert (letters[0][0], letters[7][1], letters[9][9]) == ("N", "@", "I")
    assert worst_place(values) == (3, 3)


@pytest.mark.parametrize(
    ("shape", "index", "room", "drawn"),
    [((), (), (4, 20), (4, 8)), ((3,), (), (4, 20), (4, 18)), ((2, 3, 4), (1,), (3, 4), (3, 4)),
     ((0, 4), (), (4, 4), (0, 0)), ((5, 7), (), (3, 4), (3, 4)), ((1, 2, 0), (0,), (4, 4), (0, 0))],
)  # fmt: skip
def test_any_shape(shape: tuple[int, ...], index: tuple[int, ...], room, drawn):
    small = pooled(plane(np.ones(shape), index), *room)
    assert small.shape == drawn


def test_maps():
    values = np.array([[0.0, -1.0], [1.0, NAN]])
    assert plain(values, 1.0) == [" @", "@N"]
    assert plain(np.zeros((1, 2)), 0.0) == ["  "]
    (line,) = coloured(values, 1.0, signed=True)
    assert line.plain == "▀▀"
    assert [str(span.style) for span in line.spans] == ["#181b22 on #ff9e54", "#5fa0ff on #ff00ff"]


@pytest.mark.parametrize(
    ("used", "expected"),
    [(None, ""), (0.0, "0%"), (0.214, "21%"), (9.5, "950%"), (307.2, "307x"), (2.7e4, "3e4x"),
     (NAN, "nan"), (INF, "inf")],
)  # fmt: skip
def test_shares_are_short(used: float | None, expected: str):
    assert share(used, ASCII) == expected


def test_hostile_names_are_letters_that_stay_in_place():
    for signs in (UNICODE, ASCII):
        for name in HOSTILE:
            shown = printable(name, signs)
            assert len(shown) == len(name)
            assert all(letter.isprintable() for letter in shown)
            assert signs is UNICODE or shown.isascii()


@pytest.mark.parametrize(
    ("variables", "encoding", "plain"),
    [
        ({"LANG": "de_DE.UTF-8"}, "utf-8", False),
        ({"LANG": "C"}, "utf-8", True),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, "utf-8", True),  # Python's own doing
        ({"LC_CTYPE": "UTF-8"}, "utf-8", False),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "POSIX"}, "utf-8", True),
        ({"LANG": "C.UTF-8"}, "ascii", True),
        ({"LANG": "en_US.ISO-8859-1"}, "latin-1", True),
        ({}, "utf-8", True),
    ],
)
def test_letters_that_the_terminal_can_show(variables: dict[str, str], encoding: str, plain: bool):
    assert signs_for(encoding, variables, "linux").plain == plain
    assert signs_for("utf-8", {}, "win32") is UNICODE
