"""`pycandle report` in a real browser: what it shows, what keys do, and that it fetches nothing."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from pycandle.verify.html import page as report_page
from pycandle.verify.publishing import publish
from pycandle.verify.results import not_run
from pycandle.verify.running import Last
from tests.e2e.report_pages import CHROMIUM, broken_minilm, browser, call, large
from tests.hostile import HOSTILE

CULPRIT = "encoder.layer.0.intermediate.intermediate_act_fn"
EVIL = [
    '<img src=x onerror="window.harmed=1">', "</script><script>window.harmed=1</script>",
    "<!--<script>", "javascript:window.harmed=1", "{{data}}", *HOSTILE,
]  # fmt: skip

# When the tree has been painted; what asks twice would need what the page's policy forbids.
SHOWN = """() => new Promise(done => {
    const ask = () => {
        const [shown] = performance.getEntriesByName("shown");
        if (shown) done(shown.startTime); else requestAnimationFrame(ask);
    };
    ask();
})"""

Opened = Callable[[str | Path], Page]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    if not CHROMIUM:
        pytest.skip("not run: no chromium on this machine")
    with browser() as found:
        yield found


@pytest.fixture
def opened(chromium: Browser, tmp_path: Path) -> Iterator[Opened]:
    """Opens a page, which may ask for nothing but itself, nor say anything on the console."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, color_scheme="light")
    asked: list[str] = []
    said: list[str] = []

    def open_page(content: str | Path) -> Page:
        path = content if isinstance(content, Path) else tmp_path / "report.html"
        if isinstance(content, str):
            path.write_text(content, encoding="utf-8")
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(path.as_uri())
        page.wait_for_selector("[role=treeitem][aria-selected=true]")
        return page

    yield open_page
    assert len(asked) == 1 and asked[0].startswith("file:"), asked
    assert said == []
    context.close()


@pytest.fixture(scope="module")
def minilm(
    tmp_path_factory: pytest.TempPathFactory, cargo_environment: dict[str, str], chromium: Browser
) -> Path:
    crate = broken_minilm(tmp_path_factory.mktemp("report"), cargo_environment)
    (path,) = publish(crate, "", None, "", print)
    return path


def chosen(page: Page) -> str:
    return page.locator("[role=treeitem][aria-selected=true]").get_attribute("title") or ""


def colours_of(page: Page, canvas: str) -> int:
    """How many colours a canvas has."""
    return page.evaluate(
        """selector => {
            const canvas = document.querySelector(selector);
            const { width, height } = canvas;
            const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
            return new Set(new Uint32Array(data.buffer)).size;
        }""",
        canvas,
    )


def test_a_failing_model_opens_on_its_culprit(opened: Opened, minilm: Path):
    page = opened(minilm)
    assert chosen(page) == CULPRIT
    assert "60 of 300 calls fail" in page.locator("#verdicts").inner_text()
    card = page.locator("#culprit").inner_text()
    assert CULPRIT in card and "transformers/activations.py:" in card and "minilm.rs:" in card
    assert page.locator(".line.meant").count() == 2
    assert "gelu_tanh" in page.locator("[aria-label=Rust] .line.meant").inner_text()
    for at in (1, 2, 3):
        assert colours_of(page, f"figure:nth-child({at}) canvas") > 3
    before = page.locator(".readout").inner_text()
    page.locator("canvas.heat").first.focus()
    page.keyboard.press("ArrowDown")
    assert page.locator(".readout").inner_text() not in ("", before)
    page.get_by_role("button", name="call site").click()
    assert "modeling_bert.py" in page.locator("[aria-label=Python]").inner_text()
    page.get_by_label("Slice").select_option(index=1)
    assert colours_of(page, "figure:nth-child(3) canvas") > 3
    page.get_by_role("button", name="isolated, case smallest", exact=False).click()
    assert "isolated · smallest" in page.locator("#pictures-box").inner_text()


def test_keys_alone_go_everywhere(opened: Opened, minilm: Path):
    page = opened(minilm)
    seen = [chosen(page)]
    for key in ("n", "N", "ArrowDown", "k", "End", "c"):
        page.keyboard.press(key)
        seen.append(chosen(page))
    assert seen[1] == "encoder.layer.1" and seen[2] == CULPRIT == seen[4] == seen[6]
    assert seen[3] != CULPRIT and seen[5].startswith("pooler")
    page.keyboard.press("/")
    page.keyboard.type("layer.3 linear")
    page.keyboard.press("Enter")
    assert chosen(page) == "encoder.layer.3.attention.self.query"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "module"
    page.keyboard.press("2")
    assert page.locator("#table").is_visible() and not page.locator("#module").is_visible()
    page.keyboard.press("?")
    assert page.get_by_role("dialog").is_visible()
    page.keyboard.press("Escape")
    assert not page.get_by_role("dialog").is_visible()
    page.keyboard.press("3")
    assert colours_of(page, "#map-canvas") > 10


def test_enter_takes_what_was_typed_in_the_same_frame(opened: Opened, minilm: Path):
    page = opened(minilm)
    page.evaluate(
        """() => {
            const filter = document.getElementById("filter");
            filter.focus();
            filter.value = "layer.3 linear";
            filter.dispatchEvent(new Event("input"));
            filter.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter" }));
        }"""
    )
    assert chosen(page) == "encoder.layer.3.attention.self.query"


def test_a_screen_reader_has_roles_and_words(opened: Opened, minilm: Path):
    page = opened(minilm)
    item = page.get_by_role("treeitem", selected=True)
    said = item.get_attribute("aria-label") or ""
    assert "failed on its own" in said and "of the limit" in said
    assert page.locator("#tree").get_attribute("aria-activedescendant") == page.locator(
        "[role=treeitem][aria-selected=true]"
    ).get_attribute("id")
    tree = page.get_by_role("tree", name="Module tree").aria_snapshot()
    assert tree.startswith('- tree "Module tree"') and "[expanded]" in tree
    assert page.get_by_role("slider", name="Module calls in order").get_attribute("aria-valuenow")
    assert page.get_by_role("tab", selected=True).inner_text().startswith("Module")
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("button, canvas, input, select, [role=img]")].filter(
            each => !(each.getAttribute("aria-label") || each.textContent.trim())).length"""
    )
    assert nameless == 0


def test_both_themes(opened: Opened):
    page = opened(report_page(Path(), large(50), "0", 0.0))
    background = "getComputedStyle(document.body).backgroundColor"
    seen = [page.evaluate(background)]
    for _ in range(3):
        page.keyboard.press("t")
        seen.append(page.evaluate(background))
    system, light, dark, again = seen
    assert system == light == again != dark
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(background) == dark


def test_two_thousand_modules(opened: Opened):
    page = opened(report_page(Path(), large(), "0", 0.0))
    shown = page.evaluate(SHOWN)
    print(f"2,000 modules in two cases are shown after {shown:.0f} ms")
    elements = "document.querySelectorAll('*').length"
    assert page.evaluate(elements) < 5000
    assert chosen(page) == "blocks.40.mlp.3"
    page.keyboard.press("2")
    assert page.locator("#table table").get_attribute("aria-rowcount") == "8001"
    page.locator("th[data-key=error] button").click()
    errors = page.locator("#table tr[data-at] td:nth-child(6)").all_inner_texts()
    numbers = [float(text) for text in errors]
    assert numbers == sorted(numbers, reverse=True) and numbers[0] > 1e-4
    assert page.locator("th[data-key=error]").get_attribute("aria-sort") == "descending"
    page.locator("#table-box").evaluate("box => box.scrollTop = box.scrollHeight")
    page.wait_for_selector("tr[data-at='7999']")
    assert page.evaluate(elements) < 5000
    page.locator("#outcome").select_option("origin")
    expect(page.locator("#shown")).to_have_text("1 of 2000")
    page.locator("#outcome").select_option("")
    box = page.locator("#strip-canvas").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 94, box["y"] + 20)
    assert chosen(page) == "(root)"
    assert page.evaluate(elements) < 5000


def test_names_are_text(opened: Opened):
    calls = tuple(
        replace(call(f"{name}.{i}", name, 1e-3), reason=name, source=f"{name}:1", rust=f"{name}:1")
        for i, name in enumerate(EVIL)
    )
    found = large(50)
    run = replace(
        found[0].run, calls=calls, expected=len(calls), culprit=calls[0], weights=("<b>",)
    )
    page = opened(report_page(Path(), [Last(run, 0.0), found[1]], "0", 0.0))
    for view in "123":
        page.keyboard.press(view)
    for _ in range(8):
        page.keyboard.press("j")
    assert page.evaluate("window.harmed") is None
    assert page.locator("img, #culprit b b, iframe").count() == 0
    assert EVIL[0] in page.locator("#culprit").inner_text()


def test_without_javascript(chromium: Browser, tmp_path: Path):
    (tmp_path / "report.html").write_text(report_page(Path(), large(50)[:1], "0", 0.0))
    page = chromium.new_context(java_script_enabled=False).new_page()
    page.goto((tmp_path / "report.html").as_uri())
    text = page.locator("noscript").inner_text()
    assert "large isolated: 100 module calls compared" in text
    page.context.close()


def test_a_run_that_was_cut_short(opened: Opened):
    found = large(50)
    short = replace(found[0].run, calls=found[0].run.calls[:40], ended=False, culprit=None)
    page = opened(report_page(Path(), [Last(short, 0.0, "src/generated/x.rs")], "0", 7200.0))
    text = page.locator("#culprit").inner_text()
    assert "the run did not come to its end: 40 of 100 module calls" in text
    assert "src/generated/x.rs was changed after these results" in text
    assert "2 hours old" in page.locator("#verdicts").inner_text()


def test_several_models_and_one_without_results(opened: Opened):
    none = Last(not_run("other", "isolated"))
    page = opened(report_page(Path(), [none, *large(50)], "0", 0.0))
    assert chosen(page) == "blocks.1.mlp.3"
    page.get_by_label("Model", exact=True).select_option("other")
    assert "there are no results" in page.locator("#culprit").inner_text()
    for key in ("n", "j", "ArrowLeft", "2", "3", "1", "t"):
        page.keyboard.press(key)
    page.get_by_label("Model", exact=True).select_option("large")
    assert chosen(page) == "blocks.1.mlp.3"
