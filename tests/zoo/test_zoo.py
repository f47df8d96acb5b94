"""A slice of the zoo that has every family of ops in it; `nox -s zoo` runs all of it."""

from __future__ import annotations

import dataclasses
import json

import pytest

from pycandle.ops import entries
from tests.zoo.entries import ENTRIES
from tests.zoo.running import run
from tests.zoo.scoreboard import DATA, page, reason
from tests.zoo.stages import Row

SLICE = (
    "nn/GRU", "ta/Spectrogram_complex", "hf/XLMRoberta", "hf/GptOss", "hf/ResNet", "hf/FNet",
    "hf/Hubert", "hf/Swinv2", "hf/Pvt", "hf/DebertaV2",
)  # fmt: skip
# Families of ops that no entry of the zoo uses; the conformance suite runs them.
UNUSED = {"linalg", "loss", "special", "unique"}


@pytest.fixture(scope="module")
def rows() -> dict[str, Row]:
    """The slice, run."""
    return {row.name: row for row in run(SLICE, jobs=1)}


@pytest.mark.parametrize("name", SLICE)
def test_an_entry_goes_from_pytorch_to_parity(rows: dict[str, Row], name: str):
    row = rows[name]

    assert row.passed, reason(row)
    assert row.clippy, row.blame
    assert row.dynamic == ("kept" if ENTRIES[name].axes else "none")
    assert row.cases == (3 if ENTRIES[name].axes else 1)
    assert row.longest < 150


def test_the_slice_has_every_family_of_ops(rows: dict[str, Row]):
    table = {entry.family for entry in entries().values()}

    assert {family for row in rows.values() for family in row.families} >= table - UNUSED


def test_the_scoreboard_has_every_entry_once_and_says_what_the_data_says():
    if not DATA.exists():
        pytest.skip("not run: the whole zoo has not been run, so that there is no scoreboard")
    document = json.loads(DATA.read_text(encoding="utf-8"))
    fields = {field.name for field in dataclasses.fields(Row)}
    rows = [Row(**{k: v for k, v in e.items() if k in fields}) for e in document["entries"]]

    assert [row.name for row in rows] == list(ENTRIES)
    assert page(rows, document["versions"]) == DATA.with_suffix(".md").read_text(encoding="utf-8")
