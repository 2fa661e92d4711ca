"""Yes and no, with the real model: what the sentence says is told in other words than the question's."""

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

SHUT = "The road over the Sarn pass stays shut until May, the county said on Friday."
RAIL = "A landslide took away the guard rail in January."
FREE = "Nobody has to pay for the bus that goes round by the coast."
SAIL, TEN = "The ferry to Lund Island will not sail this week.", "The crossing takes ten minutes."
PASS = Article(
    "pass",
    "Sarn pass road closed by a landslide",
    f"{SHUT} {RAIL} {FREE} It leaves Holm at seven and at noon.",
    date(2024, 2, 9),
)
FERRY = Article(
    "ferry",
    "Ferry out of service",
    f"{SAIL} A rope was caught in its screw on Monday. {TEN}",
    date(2024, 5, 3),
)


@pytest.fixture
def shelf(tmp_path: Path, embedder: Embedder) -> Iterator[Library]:
    with shelved(tmp_path / "library", embedder, [PASS, FERRY]) as library:
        yield library


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("Is the coast bus free of charge?", f"Yes: {FREE}"),
        ("Did the landslide damage anything?", f"Yes: {RAIL}"),
        ("Is the ferry to Lund Island running this week?", f"No: {SAIL}"),
        ("Does the crossing to Lund Island take an hour?", f"No: {TEN}"),
    ],
)
def test_an_answer_begins_with_what_the_sentence_says(
    question: str, told: str, shelf: Library, reranker: Reranker, embedded: LLM
) -> None:
    answer = Asker(shelf, Config(), llm=embedded, reranker=lambda: reranker).ask(question)
    assert answer.shown[0].text == told
    assert [one.quote for one in answer.shown[0].citations] == [told.partition(": ")[2]]


def test_what_the_articles_do_not_say_is_neither_yes_nor_no(shelf: Library, reranker: Reranker, embedded: LLM) -> None:
    answer = Asker(shelf, Config(), llm=embedded, reranker=lambda: reranker).ask(
        "Was anyone hurt in the landslide at the Sarn pass?"
    )
    assert not answer.text.startswith(("Yes", "No"))
