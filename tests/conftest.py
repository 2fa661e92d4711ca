"""Fixtures that several parts share. The models are the real ones: `article-qa models fetch` has put them into the cache."""

from __future__ import annotations

from pathlib import Path

import pytest

from index import embed
from index.embed import Embedder
from index.loaders import load
from index.types import Article

SAMPLES = Path(__file__).parents[1] / "samples"


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    """The default embedder."""
    return embed.embedder()


@pytest.fixture(scope="session")
def samples() -> tuple[Article, ...]:
    """The articles of samples/."""
    return tuple(item for item in load(SAMPLES) if isinstance(item, Article))
