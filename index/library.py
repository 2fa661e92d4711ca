"""The library: add, update, remove, show and search articles in one folder."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Self

from filelock import FileLock

from index import embed, words
from index.catalogue import Catalogue, Status
from index.embed import Embedder
from index.errors import LibraryError, StaleLibraryError
from index.passages import embedded_text, passages
from index.sentences import split
from index.types import Article, Passage, Sentence
from index.vectors import ChromaVectors, Dense

EMBED_BATCH = 32  # passages a transaction: about a second of work is lost when the process is killed


@dataclass(frozen=True, slots=True)
class Added:
    """What `add` did; all are numbers of articles."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0


class Library:
    """Articles on disk, found again by word and by meaning. Thread safe; several processes may share a folder."""

    def __init__(self, folder: Path, *, embedder: str = embed.DEFAULT) -> None:
        """Open the library in `folder`, making it if it is not there; `embedder` is a name that `index.embed` knows.

        Raises LibraryError if the folder cannot be used, StaleLibraryError if its vectors are of another family.
        """
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise LibraryError(
                f"{folder}: cannot be made ({exc.strerror}); choose another with ARTICLE_QA_LIBRARY"
            ) from exc
        self._embedder_name = embedder
        self._embedder: Embedder | None = None
        self._loading = threading.Lock()
        self._catalogue = Catalogue(folder / "catalogue.sqlite3")
        self._dense = Dense(folder / "chroma", self._catalogue)
        self._closing = threading.Event()
        self._worker: threading.Thread | None = None
        found = self._catalogue.setting("family")
        if found not in (None, embed.family(embedder)):
            self._catalogue.close()
            raise StaleLibraryError(
                f"{folder}: its vectors were made by {found}, and {embedder} cannot be compared with them;"
                " set the embedder back, or make them anew: article-qa rebuild"
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the background work and close the files."""
        self._closing.set()
        if self._worker is not None:
            self._worker.join()
            self._worker = None
        self._dense.close()
        self._catalogue.close()

    # ------------------------------------------------------------------------------------------------- articles

    def add(self, articles: Iterable[Article]) -> Added:
        """Store `articles`, one transaction each; one with a known id replaces the old text, an unchanged one costs a look-up.

        Each can be found by its words as soon as it is stored. Its vectors are made by `embed_pending`.
        """
        counts = {"added": 0, "updated": 0, "unchanged": 0}
        for article in articles:
            counts[self._add(article)] += 1
        return Added(**counts)

    def _add(self, given: Article) -> str:
        article = self._distinct(given)
        known = self._catalogue.digest(article.id)
        if known and known[0] == article.sha256:
            return "unchanged"
        sentences = split(article)
        self._catalogue.put(article, sentences, passages(article, sentences))
        return "updated" if known else "added"

    def _distinct(self, article: Article) -> Article:
        """Give a file that only shares its short path with another one a longer path as id, so that neither is lost."""
        if article.file is None or not article.file.replace("\\", "/").endswith(article.id):
            return article
        parts = PurePosixPath(article.file.replace("\\", "/")).parts
        for length in range(len(PurePosixPath(article.id).parts), len(parts) + 1):
            name = "/".join(parts[-length:]).replace("//", "/")
            known = self._catalogue.digest(name)
            if known is None or known[1] in (None, article.file) or not Path(str(known[1])).exists():
                return replace(article, id=name)
        return article

    def remove(self, article_id: str) -> bool:
        """Take an article out; False if there is none of that id."""
        return self._catalogue.remove(article_id)

    def get(self, article_id: str) -> Article | None:
        """Return an article as stored, or None."""
        return self._catalogue.get(article_id)

    def heading(self, article_id: str) -> tuple[str, date | None] | None:
        """Return (title, date) of an article without reading its text."""
        return self._catalogue.heading(article_id)

    def file_of(self, article_id: str) -> str | None:
        """Return the file an article was read from, if it came from one."""
        known = self._catalogue.digest(article_id)
        return known and known[1]

    def articles(self) -> list[Article]:
        """Return every article, newest first."""
        return list(self._catalogue.articles())

    def sentences(self, article_id: str) -> tuple[Sentence, ...]:
        """Return an article's sentences in order."""
        return self._catalogue.sentences(article_id)

    def status(self) -> Status:
        """Count what is there."""
        return self._catalogue.status()

    def check(self) -> list[str]:
        """Return what is wrong with the catalogue, in words: ranges that leave their article, parts that are missing."""
        return self._catalogue.check()

    # -------------------------------------------------------------------------------------------------- vectors

    @property
    def embedder(self) -> Embedder:
        """The embedder, loaded at first use."""
        with self._loading:
            if self._embedder is None:
                self._embedder = embed.embedder(self._embedder_name)
            return self._embedder

    def embed_pending(self, progress: Callable[[int, int], None] | None = None) -> int:
        """Make the vectors that are missing and return how many were made; `progress(done, total)` is called on the way.

        Can be interrupted at any instant and called again. While another process does the same, waits for it.
        """
        if self._catalogue.status().pending == 0:
            return 0
        made = 0
        with FileLock(self.folder / "embed.lock"):
            self._catalogue.set_setting("family", self.embedder.family)
            while not self._closing.is_set() and (batch := self._catalogue.pending(EMBED_BATCH)):
                keys = [key for key, *_ in batch]
                vectors = self.embedder.documents([embedded_text(title, day, text) for _, title, day, text in batch])
                self._catalogue.put_vectors(keys, vectors, maker=self.embedder.name)
                made += len(keys)
                if progress:
                    progress(made, made + self._catalogue.status().pending)
        return made

    def sync(self) -> bool:
        """Bring Chroma in step with the catalogue, opening it if something has changed; False if another process owns it."""
        if ChromaVectors.in_step(self.folder / "chroma", self._catalogue):
            return True
        return self._dense.open_chroma()

    @staticmethod
    def forget_vectors(folder: Path, *, embedder: str) -> None:
        """Drop every vector, so that `embed_pending` makes them anew with `embedder`; the articles stay."""
        catalogue = Catalogue(folder / "catalogue.sqlite3")
        catalogue.drop_vectors(embed.family(embedder))
        catalogue.close()

    def start(self) -> None:
        """Work in the background until closed: make missing vectors, open Chroma and keep it in step.

        For processes that live long. Questions asked meanwhile use what is there.
        """
        if self._worker is None:
            self._worker = threading.Thread(target=self._work, name="library", daemon=True)
            self._worker.start()

    def _work(self) -> None:
        while not self._closing.is_set():
            self.embed_pending()
            self._dense.open_chroma()
            self._closing.wait(2.0)

    @property
    def vector_backend(self) -> str:
        """What answers the next `search_meaning`: chroma or exact."""
        return self._dense.backend

    # --------------------------------------------------------------------------------------------------- search

    def search_words(self, query: str, k: int) -> list[tuple[Passage, float]]:
        """Return up to `k` (passage, BM25 score), best first."""
        expression = words.expression(query)
        return self._with_passages(self._catalogue.match(expression, k)) if expression else []

    def search_meaning(self, query: str, k: int) -> list[tuple[Passage, float]]:
        """Return up to `k` (passage, cosine), best first."""
        if self._catalogue.status().vectors == 0:
            return []
        return self._with_passages(self._dense.search(self.embedder.query(query), k))

    def _with_passages(self, scored: list[tuple[int, float]]) -> list[tuple[Passage, float]]:
        there = self._catalogue.passages([key for key, _ in scored])
        return [(there[key], score) for key, score in scored if key in there]
