"""Fixtures that several parts share. The models are the real ones: `article-qa models fetch` has put them into the cache."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from index import embed
from index.embed import Embedder
from index.library import Library
from index.loaders import load
from index.types import Article
from qa.rerank import CrossEncoder, Reranker

SAMPLES = Path(__file__).parents[1] / "samples"

# A busy machine makes any example slow: speed is measured by benchmarks, not by tests.
settings.register_profile("article-qa", deadline=None)
settings.load_profile("article-qa")


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    """The default embedder."""
    return embed.embedder()


@pytest.fixture(scope="session")
def samples() -> tuple[Article, ...]:
    """The articles of samples/."""
    return tuple(item for item in load(SAMPLES) if isinstance(item, Article))


@pytest.fixture(scope="session")
def reranker() -> Reranker:
    """The cross-encoder; it reads each pair once a session."""
    from fakes import RememberingReranker

    return RememberingReranker(CrossEncoder())


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Iterator[Library]:
    """Three small articles (fakes.DOHA, BRIDGE, STORM) with their vectors. Do not change it."""
    from fakes import BRIDGE, DOHA, STORM, RememberingEmbedder

    with Library(tmp_path_factory.mktemp("library")) as made:
        made._embedder = RememberingEmbedder(embedder)
        made.add([DOHA, BRIDGE, STORM])
        made.embed_pending()
        yield made


@pytest.fixture
def empty(tmp_path: Path, embedder: Embedder) -> Iterator[Library]:
    """A library without articles."""
    from fakes import RememberingEmbedder

    with Library(tmp_path / "empty") as made:
        made._embedder = RememberingEmbedder(embedder)
        yield made
