"""Makes the pictures of docs/: `python tests/web/screenshots.py [FOLDER]` in the checkout, with the real model on the samples.

For the picture of articles that do not agree, two questions are asked. If the program notices in neither answer that the
samples differ, the two statements on the cars are put beside each other by hand, and the script says so.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
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
from qa.types import AnswerDone, Citation, Disagreement, Event, Evidence, Turn  # noqa: E402

DOCS = ROOT / "docs"
WHO = "Who did Mittal meet?"
COST = "How much does the repair of the Ostrey Bridge cost?"
CARS = "How many cars does Kestovar have to recall?"
STATED = (
    ("2024-04-09-kestovar-lark-recall.txt", "18,400"),
    ("2024-04-23-kestovar-recall-numbers.txt", "31,700"),
)
# name -> (the question whose answer is shown ("": one where articles differ), what is opened beside it, theme, width, height)
PICTURES: dict[str, tuple[str, str, str, int, int]] = {
    "page": (WHO, "", "light", 1280, 800),
    "page-dark": (WHO, "", "dark", 1280, 800),
    "page-phone": (WHO, "", "light", 390, 844),
    "page-article-phone": (WHO, "article", "light", 390, 844),
    "page-library": (WHO, "library", "light", 1280, 800),
    "page-abstention": ("What did Mittal eat in Doha?", "", "light", 1280, 800),
    "page-disagreement": ("", "", "light", 1280, 800),
    "page-disagreement-phone": ("", "", "light", 390, 844),
}


class Pictured:
    """An asker one of whose answers always has statements that differ."""

    def __init__(self, asker: Asker) -> None:
        self.asker = asker
        self.library = asker.library
        self.differing = ""  # the question whose answer has them

    def glimpse(self, question: str, history: Sequence[Turn] = (), **given: Any) -> tuple[Evidence, ...]:  # noqa: ANN401
        """Return the real sentences."""
        return self.asker.glimpse(question, history, **given)

    def stream(self, question: str, history: Sequence[Turn] = (), **given: Any) -> Iterator[Event]:  # noqa: ANN401
        """Yield the real events."""
        for event in self.asker.stream(question, history, **given):
            if not isinstance(event, AnswerDone) or self.differing:
                yield event
            elif event.answer.disagreement and event.answer.status == "answered":
                self.differing = question
                yield event
            elif question == CARS:
                self.differing = question
                print("no disagreement was noticed: its statements are put in by hand")
                yield AnswerDone(replace(event.answer, disagreement=self.by_hand()))
            else:
                yield event

    def by_hand(self) -> Disagreement:
        """Return the first sentence of either article that has its number."""
        stated = []
        for ending, value in STATED:
            article = next(a for a in self.library.articles() if a.id.endswith(ending))
            s = next(s for s in self.library.sentences(article.id) if value in s.text)
            stated.append(Citation(article.id, article.title, article.date, s.index, s.start, s.end, s.text, 1.0, 0))
        return Disagreement(tuple(stated), tuple(value for _, value in STATED))


def main(docs: Path = DOCS) -> None:
    """Ask each question once, then look at the kept answers in every window."""
    with tempfile.TemporaryDirectory() as folder:
        with Library(Path(folder)) as library:
            library.add(item for item in load(ROOT / "samples") if not isinstance(item, Problem))
            library.embed_pending()
        config = Config(library=Path(folder), llm="embedded")
        with (
            Asker.open(config) as asker,
            serving(
                pictured := Pictured(asker), Path(folder), settings=Settings(asker, Path(folder, "config.toml"))
            ) as url,
            sync_playwright() as playwright,
        ):
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
            for question in (COST, CARS, *dict.fromkeys(one[0] for one in PICTURES.values() if one[0])):
                look(browser, url, partial(Reader.ask, question=question))
            for name, (question, beside, theme, width, height) in PICTURES.items():
                question = question or pictured.differing  # noqa: PLW2901 (known only now)

                def picture(reader: Reader, question: str = question, beside: str = beside, name: str = name) -> None:
                    reader.tab.locator("[data-event=talks]").click()
                    reader.tab.locator(".reopen").get_by_text(question).click()
                    reader.tab.wait_for_selector(".exchange")
                    if beside == "article":
                        reader.tab.locator(".mark").first.click()
                    elif beside:
                        reader.tab.locator(f"[data-event={beside}]").click()
                    reader.tab.wait_for_timeout(800)
                    reader.tab.screenshot(path=docs / f"{name}.png")

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
    main(*map(Path, sys.argv[1:]))
