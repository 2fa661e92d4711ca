"""Makes the pictures of docs/: `python tests/web/screenshots.py` in the checkout, with the real model on the sample articles."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from browsing import CHROMIUM, QUIET, Reader, Seen, serving  # noqa: E402
from playwright.sync_api import Browser, sync_playwright  # noqa: E402

from index.library import Library  # noqa: E402
from index.loaders import Problem, load  # noqa: E402
from qa.answer import Asker  # noqa: E402
from qa.config import Config  # noqa: E402
from qa.settings import Settings  # noqa: E402

DOCS = ROOT / "docs"
WHO = "Who did Mittal meet?"
# name -> (the question whose kept answer is shown, what is opened beside it, theme, width, height)
PICTURES: dict[str, tuple[str, str, str, int, int]] = {
    "page": (WHO, "", "light", 1280, 800),
    "page-dark": (WHO, "", "dark", 1280, 800),
    "page-phone": (WHO, "", "light", 390, 844),
    "page-article-phone": (WHO, "article", "light", 390, 844),
    "page-library": (WHO, "library", "light", 1280, 800),
    "page-abstention": ("What did Mittal eat in Doha?", "", "light", 1280, 800),
}


def main() -> None:
    """Ask each question once, then look at the kept answers in every window."""
    with tempfile.TemporaryDirectory() as folder:
        with Library(Path(folder)) as library:
            library.add(item for item in load(ROOT / "samples") if not isinstance(item, Problem))
            library.embed_pending()
        config = Config(library=Path(folder), llm="embedded")
        with (
            Asker.open(config) as asker,
            serving(asker, Path(folder), settings=Settings(asker)) as url,
            sync_playwright() as playwright,
        ):
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
            for question in dict.fromkeys(one[0] for one in PICTURES.values()):
                look(browser, url, partial(Reader.ask, question=question))
            for name, (question, beside, theme, width, height) in PICTURES.items():

                def picture(reader: Reader, question: str = question, beside: str = beside, name: str = name) -> None:
                    reader.tab.locator("[data-event=talks]").click()
                    reader.tab.locator(".reopen").get_by_text(question).click()
                    reader.tab.wait_for_selector(".exchange")
                    if beside == "article":
                        reader.tab.locator(".mark").first.click()
                    elif beside:
                        reader.tab.locator(f"[data-event={beside}]").click()
                    reader.tab.wait_for_timeout(800)
                    reader.tab.screenshot(path=DOCS / f"{name}.png")

                look(browser, url, picture, color_scheme=theme, viewport={"width": width, "height": height})
            browser.close()


def look(browser: Browser, url: str, do: Callable[[Reader], Any], **given: Any) -> None:  # noqa: ANN401
    """Do something in a window of its own."""
    context = browser.new_context(**given)
    reader = Reader(context.new_page(), Seen())
    reader.open(url)
    do(reader)
    context.close()


if __name__ == "__main__":
    main()
