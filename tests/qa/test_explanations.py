"""Questions why and how, with the real model: each article is one that somebody might add."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from fakes import shelved

from index.embed import Embedder
from index.library import Library
from index.types import Article
from qa.answer import Asker
from qa.config import Config
from qa.llm import LLM
from qa.rerank import Reranker

pytestmark = pytest.mark.model

STRIP = "Inside the handle sits a small disc made of two metals that are welded together."
GROWS = "When steam reaches it through a tube, one of the metals grows faster than the other, and the disc snaps over."
PUSHES = "That pushes a lever, and the lever cuts the current."
COOLS = "The disc needs about a minute to cool."
UNTIL = "Until then the kettle cannot be switched on again."
RAISED = "The price was raised to 24 crowns in March."
KETTLE = Article(
    "kettle",
    "The kettle that knows when to stop",
    f"Brenna Works of Holm has made kettles since 1954. Most are sold to hotels.\n\n{STRIP} {GROWS} {PUSHES}\n\n"
    f"{COOLS} {UNTIL}\n\n{RAISED} Nobody complained.",
    date(2024, 5, 2),
)
FERRY = Article(
    "ferry",
    "Ferry out of service",
    "The ferry to Lund Island will not sail this week. A rope was caught in its screw on Monday. The crossing takes ten minutes.",
    date(2024, 5, 3),
)


@pytest.fixture
def shelf(tmp_path: Path, embedder: Embedder) -> Iterator[Library]:
    with shelved(tmp_path / "library", embedder, [KETTLE, FERRY]) as library:
        yield library


@pytest.mark.parametrize(
    ("question", "either"),
    [  # what hardly adds to it may stand beside it
        ("how does the kettle know when to stop", ([STRIP, GROWS, PUSHES], [STRIP, GROWS, PUSHES, COOLS])),
        ("What happens when steam reaches the disc?", ([GROWS, PUSHES],)),
    ],
)
def test_how_and_why_are_told_by_the_sentences_that_tell_it_together(
    question: str, either: tuple[list[str], ...], shelf: Library, reranker: Reranker, embedded: LLM
) -> None:
    answer = Asker(shelf, Config(), llm=embedded, reranker=lambda: reranker).ask(question)
    told = [citation.quote for citation in answer.citations]
    assert told in either
    assert [claim.text for claim in answer.shown] == told


def test_what_hardly_adds_to_a_reason_may_stand_beside_it_and_nothing_else(
    shelf: Library, reranker: Reranker, embedded: LLM
) -> None:
    asked = "Why does it take a minute until the kettle can be switched on again?"
    told = [one.quote for one in Asker(shelf, Config(), llm=embedded, reranker=lambda: reranker).ask(asked).citations]
    assert told in ([COOLS], [COOLS, UNTIL])


def test_a_reason_that_is_not_told_is_not_made_of_what_happened(
    shelf: Library, reranker: Reranker, embedded: LLM
) -> None:
    answer = Asker(shelf, Config(), llm=embedded, reranker=lambda: reranker).ask(
        "Why was the price of the kettle raised?"
    )
    assert (answer.status, answer.reason) == ("abstained", "not_stated")
