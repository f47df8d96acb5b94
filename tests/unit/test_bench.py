"""What the bench makes of figures, and how it deals with runners that fail."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest

from tests.bench import picture, results, table
from tests.bench.racing import Command, Stopped, race, started
from tests.bench.results import Failed, Figures, Measured, Row

SCHEMA = Path(__file__).parents[1] / "bench" / "results.schema.json"


def figures(minimum: int) -> Figures:
    return Figures(minimum, minimum + 1, minimum - 1, 3, 10, None, 1e-7)


def measured(
    own: int, rivals: Mapping[str, int], incomplete: Mapping[str, str], limits: Mapping[str, int]
) -> Measured:
    found = {name: figures(minimum) for name, minimum in {"pycandle": own, **rivals}.items()}
    return Measured("model", 1, found, incomplete, limits, 2**20, 4.0)


FASTER = measured(50, {"eager": 100, "tract": 200}, {}, {"arithmetic": 25, "memory": 40})
SLOWER = measured(150, {"eager": 100, "tract": 200}, {}, {"arithmetic": 25, "memory": 40})
ALONE = measured(50, {"eager": 100}, {"tract": "differs"}, {})
FAILED = Failed("model", 2, "parity fails: isolated: first culprit: fc")


@pytest.mark.parametrize(
    ("row", "best", "ratio", "limit", "won"),
    [
        (FASTER, "eager", 0.5, 1.25, True),
        (SLOWER, "eager", 1.5, 3.75, False),
        (ALONE, "eager", 0.5, None, False),
        (measured(50, {}, {}, {}), None, None, None, False),
        (FAILED, None, None, None, False),
    ],
)
def test_a_row_is_held_to_the_best_and_to_the_limit(
    row: Row, best: str | None, ratio: float | None, limit: float | None, won: bool
):
    entry = results.entry(row)

    assert (entry["best"], entry["ratio_to_best"]) == (best, ratio)
    assert (entry["ratio_to_limit"], entry["won"]) == (limit, won)


def test_the_document_fits_its_schema_and_is_plain():
    document = results.document([FASTER, ALONE, FAILED], 0.5)

    jsonschema.validate(document, json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert json.loads(json.dumps(document)) == document


def test_the_table_names_who_did_not_run_and_why():
    assert "  incomplete: tract: differs" in [*table.lines(results.entry(ALONE))]
    assert [*table.lines(results.entry(FAILED))][-1].endswith("PyCandle: " + FAILED.reason)


def test_the_picture_has_a_dot_for_each_rival_and_none_for_who_failed():
    drawn = picture.draw(results.document([FASTER, ALONE, FAILED], 0.5))

    dots = [x for x in ElementTree.fromstring(drawn).iter() if x.tag.endswith("}circle") and len(x)]
    assert [dot[0].text for dot in dots] == [
        "model: PyTorch 2.00", "model: tract 4.00", "model: PyTorch 2.00"
    ]  # fmt: skip


RUNNER = """
import sys
print("a library says hello")
print("first", flush=True)
print("ready", flush=True)
for turn, line in enumerate(sys.stdin):
    if turn == {turns}:
        sys.exit("no more")
    print(line.strip() + "/1", f"{{turn}}/2", flush=True)
"""


def command(folder: Path, name: str, script: str) -> Command:
    return Command([sys.executable, "-c", script], {}, folder / f"{name}.log")


def test_runners_take_turns_and_one_that_ends_leaves_the_others(tmp_path: Path):
    with ExitStack() as stack:
        runners = {
            name: stack.enter_context(started(command(tmp_path, name, RUNNER.format(turns=turns))))
            for name, turns in {"steady": 9, "tired": 1}.items()
        }
        stopped = race(runners, rounds=3, milliseconds=7)

    assert stopped == {"tired": "no more"}
    assert [run.taken for run in runners["steady"].runs] == [7, 0, 7, 1, 7, 2]
    assert [run.work for run in runners["steady"].runs] == [1, 2, 1, 2, 1, 2]
    assert runners["steady"].cold_start > 0


def test_a_runner_that_does_not_start_says_why(tmp_path: Path):
    with (
        pytest.raises(Stopped, match="out of paper"),
        started(command(tmp_path, "broken", "raise SystemExit('out of paper')")),
    ):
        pass
