"""Module calls as rows of a tree: their order, what is folded away, what a filter keeps."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pycandle.dashboard.board import grown, make_board
from pycandle.dashboard.rows import expected_calls, matches, next_wrong, shown, tree_rows
from tests.unit.test_modules import RUNS, call, run

PATHS = ["", "emb", "layer.0", "layer.0.fc", "layer.0.act", "layer.10", "layer.10.fc", "head"]
TREE = """\
(root)
  emb
  layer.0
    fc
    act
  layer.10
    fc
  head"""


def drawn(rows, indices=None) -> str:
    chosen = range(len(rows)) if indices is None else indices
    return "\n".join("  " * rows[i].depth + rows[i].label for i in chosen)


ROWS = tree_rows([((path, 0), "Linear") for path in PATHS], [])


@pytest.mark.parametrize("order", [PATHS, [*PATHS[1:], ""]])
def test_each_call_is_under_the_nearest_one_around_it(order: list[str]):
    rows = tree_rows([((path, 0), "Linear") for path in order], [])
    assert drawn(rows) == TREE
    assert [row.last for row in rows] == [7, 1, 4, 3, 4, 6, 6, 7]


def test_further_calls_of_a_module_stand_beside_the_first():
    keys = [("", 0), ("cell", 0), ("cell.fc", 0), ("cell", 1), ("cell.fc", 1)]
    rows = tree_rows([(key, "Cell") for key in keys], [])
    assert [row.label for row in rows] == [
        "(root)", "cell", "cell (call 1)", "fc", "fc (call 1)"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("folded", "words", "kept"),
    [
        ({"layer.0"}, "", [0, 1, 2, 5, 6, 7]),
        ({""}, "", [0]),
        ({""}, "fc", [0, 2, 3, 5, 6]),
        (set(), "FC layer.10", [0, 5, 6]),
        (set(), "lnr", [0, 1, 2, 3, 4, 5, 6, 7]),
        (set(), "hd", []),
        (set(), "[red]", []),
    ],
)
def test_what_is_shown(folded: set[str], words: str, kept: list[int]):
    wanted = (lambda row: matches(row, words)) if words else None
    assert shown(ROWS, folded, wanted) == kept


def test_the_next_failure_is_looked_for_round_the_end():
    outcomes = ["passed", "failed", "pending", "missing", "passed"]
    assert [next_wrong(outcomes, i, 1) for i in range(5)] == [1, 3, 3, 1, 1]
    assert [next_wrong(outcomes, i, -1) for i in range(5)] == [3, 3, 1, 1, 3]
    assert next_wrong(["passed"], 0, 1) is None is next_wrong([], 0, 1)


def test_modules_that_a_manifest_lists(tmp_path: Path):
    path = tmp_path / "toy_manifest.json"
    assert expected_calls(path) == {}
    path.write_text(json.dumps({"regions": [{"path": "fc", "call": 1, "class": "nn.Linear"}]}))
    assert expected_calls(path) == {("fc", 1): "Linear"}
    path.write_text('{"regions": [7]}')
    assert expected_calls(path) == {}


def test_a_board_that_grows_is_the_board_of_all():
    cumulative, isolated = RUNS
    expected = [(("", 0), "Linear"), (("fc", 0), "Linear")]
    board = make_board("toy", [], expected)
    assert board.outcomes["isolated"] == ("pending", "pending")
    board = make_board("toy", [cumulative, run("isolated")], expected)
    for count in range(1, len(isolated.calls) + 1):
        more = grown(board, replace(isolated, calls=isolated.calls[:count]))
        assert more is not None
        board = more
    whole = make_board("toy", RUNS, expected)
    assert (board.outcomes, board.wrong, board.drift) == (whole.outcomes, whole.wrong, whole.drift)
    assert board.wrong_inside(0, "cumulative") == 1
    assert grown(board, run("isolated")) is None
    assert (
        grown(board, replace(isolated, calls=(*isolated.calls, call("new", "a", "passed")))) is None
    )


def test_the_culprit_of_a_run_that_goes_on_is_what_failed_first():
    board = make_board("toy", RUNS, [])
    found = board.culprit("cumulative")
    assert found is not None and found.path == "fc"
    assert board.culprit("isolated") is None
