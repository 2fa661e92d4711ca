"""Fixtures that several parts share. The models are the real ones: `article-qa models fetch` has put them into the cache."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from index import embed
from index.embed import Embedder
from index.library import Library
from index.loaders import load
from index.types import Article
from qa.config import Config
from qa.llm import LLM, open_llm
from qa.rerank import CrossEncoder, Reranker

SAMPLES = Path(__file__).parents[1] / "samples"

# A busy machine makes any example slow: speed is measured by benchmarks, not by tests.
settings.register_profile("article-qa", deadline=None)
settings.load_profile("article-qa")


class Raises(logging.Handler):
    """Raises what was only logged: an error that an answer survives is an error to a test."""

    def emit(self, record: logging.LogRecord) -> None:
        """Raise the record's error, if it has one."""
        if record.exc_info and record.exc_info[1]:
            raise record.exc_info[1]


@pytest.fixture(scope="session", autouse=True)
def nothing_is_survived() -> Iterator[Raises]:
    """What `qa.answer` logs is raised."""
    handler = Raises()
    logging.getLogger("qa.answer").addHandler(handler)
    yield handler
    logging.getLogger("qa.answer").removeHandler(handler)


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
    from fakes import BRIDGE, DOHA, STORM, shelved

    with shelved(tmp_path_factory.mktemp("library"), embedder, [DOHA, BRIDGE, STORM]) as made:
        yield made


@pytest.fixture(scope="module")
def embedded() -> Iterator[LLM]:
    """The default language model, started once for the tests of a module that ask it."""
    llm = open_llm(Config(llm_timeout_s=300))
    assert llm is not None
    yield llm
    llm.close()


@pytest.fixture
def empty(tmp_path: Path, embedder: Embedder) -> Iterator[Library]:
    """A library without articles."""
    from fakes import RememberingEmbedder

    with Library(tmp_path / "empty") as made:
        made._embedder = RememberingEmbedder(embedder)
        yield made
