"""The page of a report: its data, what its policy lets in, and names that stay text."""

import json
import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from pycandle.verify import Call, Output, Run, html
from pycandle.verify.html import page
from pycandle.verify.running import Last
from tests.hostile import HOSTILE

HOSTILE_MARKUP = ["</script><b>", "<!--", "]]>", "&lt;", "{{data}}", *HOSTILE]


class Parts(HTMLParser):
    """The elements of a page, and the text of its scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: dict[str, str] = {}
        self.policy = ""
        self._in = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append(tag)
        self._in = found.get("id") or tag if tag in ("script", "style", "pre") else ""
        if found.get("http-equiv"):
            self.policy = found.get("content") or ""
        assert not any(name.startswith("on") or name == "style" for name, _ in attrs)
        assert "src" not in found and tag not in ("link", "img")

    def handle_endtag(self, tag: str) -> None:
        self._in = ""

    def handle_data(self, data: str) -> None:
        if self._in:
            self.texts[self._in] = self.texts.get(self._in, "") + data


def output(error: float, key: str = "a:fc#0.0", shape: tuple[int, ...] = (2, 3)) -> Output:
    status = "passed" if error <= 4.0 else "failed"
    return Output("", key, "f32", shape, status, error, 1.0, 4.0, 0.0, 10.0, error, 0.0, {})


def call(path: str, error: float, tensors: Path | None = None) -> Call:
    found = output(error, f"a:{path}#0.0")
    return Call(
        "a", path, 0, "Linear", "toy.py:2", "", "toy.rs:3", found.status, "", (found,), tensors
    )


def run(*calls: Call, culprit: Call | None = None, manifest: str = "", ended: bool = True) -> Run:
    return Run("toy", "isolated", "cpu", ("a",), 9, calls, ended, culprit, 1.0, (), manifest)


def data(text: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    texts = Parts(text).texts
    return json.loads(texts["data"]), json.loads(texts["pictures"])


def check(found: Run, expected: list[list[object]], age: float = 60.0) -> dict[str, Any]:
    """The page of a run has these modules: path, outcome, part of its limit."""
    document, _ = data(page(Path(), [Last(found, 0.0)], "1", age))
    (model,) = document["models"]
    used = document["fields"].index("used")
    rows = [[m["path"], m["outcome"], m["found"][0][4][0][used]] for m in model["modules"]]
    assert rows == expected
    return model


def test_modules_with_what_was_found():
    bad = call("fc", 8.0)
    model = check(
        run(call("", 1.0), bad, culprit=bad), [["", "passed", 0.25], ["fc", "failed", 2.0]]
    )
    (told,) = model["runs"]
    assert (told["culprit"], told["age"], told["counts"]["failed"]) == ([1, "a"], 60, 1)


def test_what_is_no_number_is_null():
    broken = replace(call("fc", 1.0), outcome="failed", outputs=(output(float("nan")),))
    check(run(broken), [["fc", "failed", None]])


def test_a_run_that_goes_on_says_so():
    (told,) = check(run(call("fc", 1.0), ended=False), [["fc", "passed", 0.25]])["runs"]
    assert (told["ended"], told["told"], told["expected"]) == (False, 1, 9)


def test_the_policy_lets_in_what_is_there_and_nothing_else():
    parts = Parts(page(Path(), [Last(run(call("fc", 1.0)), 0.0)], "1"))
    for name in ("style", "script"):
        digest = b64encode(sha256(parts.texts[name].encode()).digest()).decode()
        assert f"{name}-src 'sha256-{digest}'" in parts.policy
    assert parts.policy.startswith("default-src 'none';")
    assert not re.search(r"https?://|@import|url\(", parts.texts["style"] + parts.texts["script"])


def test_names_are_data_and_never_markup():
    calls = [
        replace(call(f"{name}.{i}", 8.0), class_name=name, reason=name, source=f"{name}:1")
        for i, name in enumerate(HOSTILE_MARKUP)
    ]
    plain = page(Path(), [Last(run(call("fc", 1.0)), 0.0)], "1")
    text = page(Path(), [Last(run(*calls, culprit=calls[0]), 0.0)], "1")
    assert Parts(text).tags == Parts(plain).tags
    document, _ = data(text)
    found = [module["class"] for module in document["models"][0]["modules"]]
    assert found == HOSTILE_MARKUP


def test_sources_have_each_line_once(tmp_path: Path):
    (tmp_path / "toy.py").write_text("class A:\n    x = 1\n    y = '<b>'\n")
    calls = (call("a", 1.0), replace(call("b", 1.0), source="toy.py:3"))
    document, _ = data(page(tmp_path, [Last(run(*calls), 0.0)], "1"))
    lines = {"1": "class A:", "2": "    x = 1", "3": "    y = '<b>'"}
    assert document["files"] == {"toy.py": lines}
    place = {"place": "toy.py:2", "file": "toy.py", "first": 1, "meant": 2, "last": 3}
    assert document["places"] == [
        place,
        {"place": "toy.rs:3"},
        place | {"place": "toy.py:3", "meant": 3},
    ]


def kept(folder: Path, *errors: float) -> Run:
    """A run whose calls `0`, `1` and so on kept what they gave; the last one is the culprit."""
    golden = {f"a:{i}#0.0": np.ones((2, 3), "f4") for i, _ in enumerate(errors)}
    save_file(golden, folder / "toy_trace.safetensors")
    save_file({"0": np.zeros((2, 3), "f4")}, folder / "0.safetensors")
    calls = [call(str(i), error, folder / "0.safetensors") for i, error in enumerate(errors)]
    return run(*calls, culprit=calls[-1], manifest=str(folder / "toy_manifest.json"))


@pytest.mark.parametrize(
    ("most", "drawn"), [(1000, [2, 1, 0]), (48, [-1, 1, 0]), (24, [-1, -1, 0]), (0, [-1, -1, -1])]
)
def test_pictures_go_to_the_culprit_then_to_failures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int, drawn: list[int]
):
    # A picture of six cells takes three times eight letters.
    monkeypatch.setattr(html, "BUDGET", most)
    document, pictures = data(page(tmp_path, [Last(kept(tmp_path, 1.0, 8.0, 9.0), 0.0)], "1"))
    modules = document["models"][0]["modules"]
    assert [module["found"][0][4][0][-1] for module in modules] == drawn
    assert len(pictures) == sum(place >= 0 for place in drawn)


def test_tensors_that_are_gone_are_left_out(tmp_path: Path):
    found = kept(tmp_path, 8.0)
    (tmp_path / "toy_trace.safetensors").unlink()
    assert data(page(tmp_path, [Last(found, 0.0)], "1"))[1] == []


def contrast(first: str, second: str) -> float:
    """The contrast of two colours, as the Web Content Accessibility Guidelines have it."""

    def light(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
        return sum(x * weight for x, weight in zip(linear, (0.2126, 0.7152, 0.0722), strict=True))

    lighter, darker = sorted((light(first), light(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", [0, 1, 2])
def test_text_is_seen_on_every_surface(theme: int):
    text = Parts(page(Path(), [Last(run(call("fc", 1.0)), 0.0)], "1")).texts["style"]
    blocks = re.findall(r"--page:.*?}", text, re.DOTALL)
    assert len(blocks) == 3
    colours = dict(re.findall(r"--([\w-]+): (#\w{6});", blocks[theme]))
    letters = ("text", "dim", "accent", "passed", "failed", "uninformative", "elided", "note")
    surfaces = ("page", "surface", "chosen", "bad-surface", "good-surface")
    code = ("text", *(f"code-{kind}" for kind in ("comment", "string", "number", "word")))
    pairs = [(a, b) for a in letters for b in surfaces] + [
        (a, b) for a in code for b in ("page", "meant")
    ]
    low = {(a, b): contrast(colours[a], colours[b]) for a, b in pairs}
    assert {pair: ratio for pair, ratio in low.items() if ratio < 4.5} == {}
