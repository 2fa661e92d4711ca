"""Articles, a small sure embedder and a stored library: what several tests of the index start from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

import numpy as np

from index.catalogue import Catalogue, Vectors
from index.passages import passages
from index.sentences import split
from index.types import Article

DIMENSIONS = 64


def article(
    name: str, text: str, *, title: str = "A title", day: date | None = None, file: Path | None = None
) -> Article:
    return Article(name, title, text, day, file=str(file) if file else None)


def put(catalogue: Catalogue, one: Article) -> bool:
    """Store `one` in place of whatever is there under its id."""
    sentences = split(one)
    return catalogue.put(one, sentences, passages(one, sentences), known=catalogue.digest(one.id))


def units(n: int, *, seed: int = 0) -> Vectors:
    """Random unit vectors."""
    made = np.random.default_rng(seed).normal(size=(n, DIMENSIONS)).astype(np.float32)
    rows: Vectors = made / np.linalg.norm(made, axis=1, keepdims=True)
    return rows


def fill(catalogue: Catalogue, *, seed: int = 0, family: str = "hashes") -> int:
    """Give every passage without a vector a random one, and return how many were made."""
    batch = catalogue.pending(100_000)
    catalogue.put_vectors([key for key, *_ in batch], units(len(batch), seed=seed), maker=family, family=family)
    return len(batch)


def short_articles(n: int, *, start: int = 0) -> list[Article]:
    return [article(f"short-{i}", f"This is text number {i}.") for i in range(start, start + n)]


class HashEmbedder:
    """Vectors from the hashes of the words: texts that share words are near each other. No model, no time."""

    def __init__(self, family: str = "hashes") -> None:
        self.name = self.family = family
        self.asked: list[str] = []  # every document that was embedded

    def query(self, text: str) -> Vectors:
        return self._unit(text)

    def documents(self, texts: Sequence[str]) -> Vectors:
        self.asked += texts
        return np.stack([self._unit(text) for text in texts])

    def _unit(self, text: str) -> Vectors:
        total = np.sum([_of_word(word) for word in text.lower().split()] or [_of_word("")], axis=0)
        unit: Vectors = (total / np.linalg.norm(total)).astype(np.float32)
        return unit


def _of_word(word: str) -> Vectors:
    seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "big")
    vector: Vectors = np.random.default_rng(seed).normal(size=DIMENSIONS).astype(np.float32)
    return vector


def words_of(hits: Iterable[tuple[object, float]]) -> list[str]:
    """Return the article ids of search results, in order."""
    return [getattr(passage, "article_id", "?") for passage, _ in hits]
