"""Draws the pictures of the docs: the report of MiniLM with a mistake in one line.

`nox -s screenshots` runs it; look at what it draws before it is committed.
"""

import os
import tempfile
import time
from pathlib import Path
from typing import Literal

from pycandle import __version__
from pycandle.verify.html import page as report_page
from pycandle.verify.running import last_results
from tests.e2e.report_pages import CHROMIUM, ROOT, broken_minilm, browser

IMAGES = ROOT / "docs/images"
# A name, the theme, the key of a view, and what is scrolled to.
PICTURES: list[tuple[str, Literal["light", "dark"], str, str]] = [
    ("report-light", "light", "1", ""),
    ("report-dark", "dark", "3", ""),
    ("report-sources", "light", "1", "#pictures-box"),
]


def main() -> None:
    """Writes the pictures, or says why not."""
    if not CHROMIUM:
        print("screenshots not run: no chromium on this machine")
        return
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary, browser() as chromium:
        folder = Path(temporary)
        target = os.environ.get("CARGO_TARGET_DIR", str(ROOT / "target"))
        crate = broken_minilm(folder, os.environ | {"CARGO_TARGET_DIR": target})
        report = folder / "report.html"
        # Results have no age in it, so that pictures differ only where the page does.
        found = last_results(crate)
        text = report_page(crate, found, __version__, min(last.written or 0 for last in found))
        report.write_text(text, encoding="utf-8")
        for name, theme, key, shown in PICTURES:
            context = chromium.new_context(
                viewport={"width": 1440, "height": 900}, color_scheme=theme
            )
            page = context.new_page()
            page.goto(report.as_uri())
            page.wait_for_selector("[role=treeitem][aria-selected=true]")
            page.keyboard.press(key)
            if shown:
                page.locator(shown).evaluate("part => part.scrollIntoView()")
            time.sleep(0.5)
            page.screenshot(path=IMAGES / f"{name}.png")
            context.close()


if __name__ == "__main__":
    main()
