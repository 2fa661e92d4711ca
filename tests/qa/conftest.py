"""A small real library with real models, shared by the tests of the way from a question to an answer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from fakes import DOHA, RememberingEmbedder, RememberingReranker

from index.embed import Embedder
from index.library import Library
from index.types import Article
from qa.rerank import CrossEncoder, Reranker

BRIDGE = Article(
    "bridge",
    "Bridge repair to cost $6.4 million",
    "The repair of Ostrey Bridge costs $6.4 million, the city council said on Friday. It was to cost $4.2 million."
    " Mayor Lena Brandt promised that the bridge will reopen in June. She did not say who pays for the rest.",
    date(2024, 5, 3),
)
STORM = Article(
    "storm",
    "Storm Ingrid cuts power to 12,000 homes",
    "Storm Ingrid left 12,000 homes without power on Sunday. Engineers restored most lines by Monday evening. Nobody was hurt.",
    date(2024, 11, 18),
)


@pytest.fixture(scope="session")
def reranker() -> Reranker:
    return RememberingReranker(CrossEncoder())


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Iterator[Library]:
    """DOHA, BRIDGE and STORM, with their vectors. Do not change it."""
    with Library(tmp_path_factory.mktemp("library")) as made:
        made._embedder = RememberingEmbedder(embedder)
        made.add([DOHA, BRIDGE, STORM])
        made.embed_pending()
        yield made


@pytest.fixture()
def empty(tmp_path: Path, embedder: Embedder) -> Iterator[Library]:
    with Library(tmp_path / "empty") as made:
        made._embedder = RememberingEmbedder(embedder)
        yield made
