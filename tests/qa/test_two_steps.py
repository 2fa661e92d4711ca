"""Questions that take two sentences, with the real model: each article is one that somebody might add."""

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

BUILT = "It was built by Castrel Construction, which had promised to finish it by the summer of 2021."
FOUNDED = "Edvin Stahl, a bricklayer’s son, founded Castrel Construction in 1962 with a loan from his aunt."
ARTICLES = (
    Article(
        "bridge",
        "Tarnholm opens the Sollen Bridge",
        f"The Sollen Bridge was opened on Saturday with two years of delay. {BUILT} Mayor Lena Brandt cut a red ribbon.",
        date(2023, 5, 6),
    ),
    Article("firm", "A house that tunnels built", f"{FOUNDED} It has its seat in Marhaven.", date(2022, 3, 1)),
    Article("rain", "Rain", "It rained for a week in Tarnholm. The river rose by a metre.", date(2022, 3, 2)),
)


@pytest.fixture
def linked(tmp_path: Path, embedder: Embedder) -> Iterator[Library]:
    with shelved(tmp_path / "library", embedder, ARTICLES) as library:
        yield library


@pytest.mark.parametrize(
    ("question", "quotes"),
    [
        ("Who founded the company that built the Sollen Bridge?", [BUILT, FOUNDED]),
        ("How old is the founder of the company that built the Sollen Bridge?", []),
    ],
)
def test_both_sentences_are_cited_or_nothing_is_said(
    question: str, quotes: list[str], linked: Library, reranker: Reranker, embedded: LLM
) -> None:
    answer = Asker(linked, Config(), llm=embedded, reranker=lambda: reranker).ask(question)
    assert [citation.quote for citation in answer.citations] == quotes
    if quotes:
        assert answer.steps == ("which company built the Sollen Bridge?", "Who founded Castrel Construction?")
