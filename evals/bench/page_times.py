"""How long a reader of the page waits: from pressing Enter to the first evidence, and to the model's first word.

    python -m evals.bench.page_times                       (the sample library)
    python -m evals.bench.page_times --articles 2000       (a generated one)

The page's own program is started on a library in a temporary folder and driven in headless Chromium, so that the server, the
search, the model and the drawing are all in the figures. The clock runs in the browser: it starts with the key and stops when
the first sentence stands on the page (found by its words: "glimpse"), then the first that was read ("evidence"), and the first
word of a draft or a checked sentence ("word"). The first question comes after the model has loaded and is asked to warm up, not
counted; no question is asked twice, since the model remembers what it has read.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from index.library import Library
from index.loaders import Problem, load
from index.types import Article
from qa.conversations import Conversations

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).parents[2]
ANSWER_S = 180
NAMES_OF_TIMES = ("glimpse", "evidence", "word", "whole")
# Asked of the sample library: one fact each, from different articles.
SAMPLE_QUESTIONS = (
    "Where is the Taliban's political office?",
    "Who did Mittal meet?",
    "How much does the repair of the Ostrey Bridge cost?",
    "How many cars does Kestovar have to recall?",
    "What was found in the Skarn Basin?",
    "Why did the talks take place?",
)
# Runs in the page. The first time of each kind is kept, in milliseconds since the key was pressed.
WATCH = """() => {
  window.pageTimes = {};
  const exchanges = () => [...document.querySelectorAll('.exchange')];
  const mark = (name) => {
    const times = window.pageTimes;
    if (times.start && !(name in times)) times[name] = performance.now() - times.start;
  };
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Enter') window.pageTimes = {start: performance.now(), before: exchanges().length};
  }, true);
  new MutationObserver(() => {
    if (exchanges().length <= window.pageTimes.before) return;
    const newest = exchanges().at(-1);
    if (newest.querySelector('.sentences li')) {
      mark('glimpse');
      if (newest.querySelector('.slot-lists h3')?.textContent !== 'Closest at first sight') mark('evidence');
    }
    if (newest.querySelector('.draft, .claim, .slot-message .say')) mark('word');
    if (!newest.classList.contains('running')) mark('whole');
  }).observe(document.querySelector('#talk'), {childList: true, subtree: true, characterData: true, attributes: true});
}"""

TOWNS = (
    "Arden",
    "Brask",
    "Corvel",
    "Dunmore",
    "Elsin",
    "Farrow",
    "Gilden",
    "Harrow",
    "Istel",
    "Jarna",
    "Lorne",
    "Marren",
)
NAMES = (
    "Adler",
    "Boyd",
    "Castel",
    "Dorn",
    "Ekman",
    "Frost",
    "Gorin",
    "Hale",
    "Imbert",
    "Jansen",
    "Koval",
    "Lind",
    "Moreau",
)
THINGS = (
    "bridge",
    "ferry",
    "school",
    "hospital",
    "harbour",
    "library",
    "stadium",
    "tunnel",
    "airport",
    "museum",
    "market",
)
DEEDS = ("opened", "closed", "repaired", "sold", "rebuilt", "inspected", "renamed", "flooded")


def generated(number: int, seed: int = 1) -> Iterator[Article]:
    """News of towns that do not exist: each article tells of one thing in one town on one day, with a name and a sum."""
    draw = random.Random(seed)
    for n in range(number):
        town, thing, deed, name = (draw.choice(words) for words in (TOWNS, THINGS, DEEDS, NAMES))
        day = date(2020, 1, 1) + timedelta(days=draw.randrange(1800))
        millions = draw.randrange(11, 990) / 10
        title = f"The {thing} of {town} is {deed}"
        text = (
            f"{title}.\n\nThe {thing} in {town} was {deed} on {day:%A}, the council said. Mayor {name} put the cost at "
            f"{millions} million crowns. Work number {n} of its kind had been announced in spring. People in "
            f"{draw.choice(TOWNS)} had asked for it for {draw.randrange(2, 30)} years. {draw.choice(NAMES)}, who led the "
            f"work, said that nobody was hurt. The {draw.choice(THINGS)} nearby stays open."
        )
        yield Article(f"generated/{n:05}.txt", title, text, day, source=f"The {draw.choice(TOWNS)} Post")


def questions_for(articles: Sequence[Article], number: int) -> list[str]:
    """One question for each of some articles, spread evenly."""
    chosen = articles[:: max(1, len(articles) // number)][:number]
    return [
        f"How many million crowns did the {a.title.removeprefix('The ').split(' is ')[0]} cost on {a.date:%d %B %Y}?"
        for a in chosen
    ]


def measure(tab: Page, questions: Sequence[str]) -> list[dict[str, float]]:
    """Ask one question after another; return the times of each."""
    times = []
    for number, question in enumerate(questions, start=1):
        tab.get_by_label("Your question").fill(question)
        tab.keyboard.press("Enter")
        tab.wait_for_function(
            "n => document.querySelectorAll('.exchange').length === n && !document.querySelector('.exchange.running')",
            arg=number,
            timeout=ANSWER_S * 1000,
        )
        found = tab.evaluate("window.pageTimes")
        times.append({name: round(ms) for name, ms in found.items() if name in NAMES_OF_TIMES})
        print(f"{times[-1]}  {question}", file=sys.stderr)
    return times


@contextmanager
def served(library: Path, llm: str) -> Iterator[str]:
    """The page's program on a library; its address."""
    env = {**os.environ, "ARTICLE_QA_LIBRARY": str(library), "ARTICLE_QA_LLM": llm, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(ROOT / "app.py"), "--port", str(_free_port())]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True, cwd=library) as process:
        try:
            assert process.stdout is not None  # noqa: S101
            yield process.stdout.readline().split()[2]
        finally:
            process.terminate()
            process.wait(30)


def _free_port() -> int:
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def run(articles: Sequence[Article], questions: Sequence[str], llm: str, chromium: str | None) -> dict[str, object]:
    """Build the library, serve it, ask; return the figures."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder:
        with Library(Path(folder)) as library:
            library.add(articles)
            library.embed_pending()
            library.sync()
        with served(Path(folder), llm) as url, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
            tab = browser.new_page()
            start = time.monotonic()
            tab.goto(url)
            tab.wait_for_selector(".welcome")
            opened_ms = round((time.monotonic() - start) * 1000)
            tab.evaluate(WATCH)
            _warm_up, *times = measure(tab, questions)
            browser.close()
        engine = [one.evidence_ms for one in Conversations(Path(folder)).timings()][1:]
    values = {name: sorted(one[name] for one in times if name in one) for name in NAMES_OF_TIMES}
    values["evidence_in_the_engine"] = sorted(round(ms) for ms in engine if ms is not None)
    return {
        "articles": len(articles),
        "questions": len(times),
        "llm": llm,
        "open_page_ms": opened_ms,
        **{
            f"{name}_ms": {"median": median(found), "most": found[-1], "n": len(found)} if found else None
            for name, found in values.items()
        },
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print the figures as one JSON object."""
    parser = argparse.ArgumentParser(prog="evals.bench.page_times", description="Time the page in a browser.")
    parser.add_argument("--articles", type=int, default=0, help="generate so many; default: the sample library")
    parser.add_argument("--questions", type=int, default=6, help="default: %(default)s, the first one to warm up")
    parser.add_argument("--llm", default="embedded", help="embedded (default) or none")
    parser.add_argument("--chromium", default="/usr/bin/chromium", help="program; default: %(default)s")
    given = parser.parse_args(arguments)
    if given.articles:
        articles = list(generated(given.articles))
        questions = questions_for(articles, given.questions)
    else:
        articles = [item for item in load(ROOT / "samples") if not isinstance(item, Problem)]
        questions = list(SAMPLE_QUESTIONS[: given.questions])
    print(json.dumps(run(articles, questions, given.llm, given.chromium), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
