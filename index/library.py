"""The library: add, update, remove, show and search articles in one folder."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Self

from filelock import FileLock, Timeout

from index import embed, words
from index.catalogue import Catalogue, Status
from index.embed import Embedder
from index.errors import ArticleQAError, InputError, LibraryError, StaleLibraryError
from index.passages import embedded_text, passages
from index.sentences import split
from index.types import Article, Filter, Listed, Passage, Sentence
from index.vectors import ChromaVectors, Dense

_log = logging.getLogger(__name__)

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
        try:
            self._check_family()
        except BaseException:
            self._catalogue.close()
            raise

    def _check_family(self) -> None:
        found = self._catalogue.setting("family")
        if found not in (None, embed.family(self._embedder_name)):
            raise StaleLibraryError(
                f"{self.folder}: its vectors were made by {found}, and {self._embedder_name} cannot be compared with them;"
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
        self._dense.close()
        if self._worker is not None:
            self._worker.join()
            self._worker = None
        self._catalogue.close()

    # ------------------------------------------------------------------------------------------------- articles

    def add(self, articles: Iterable[Article]) -> Added:
        """Store `articles`, one transaction each; one with a known id replaces the old text, an unchanged one costs a look-up.

        Each can be found by its words as soon as it is stored. Its vectors are made by `embed_pending`. Raises InputError for
        characters that no file can hold.
        """
        counts = {"added": 0, "updated": 0, "unchanged": 0}
        for article in articles:
            counts[self._add(article)] += 1
        return Added(**counts)

    def _add(self, given: Article) -> str:
        _need_storable(given)
        while True:
            article, known = self._distinct(given)
            if known and known[0] == article.sha256:
                if article.file not in (None, known[1]):
                    self._catalogue.set_file(article.id, article.file)  # the same text, moved
                return "unchanged"
            sentences = split(article)
            if self._catalogue.put(article, sentences, passages(article, sentences), known=known):
                return "updated" if known else "added"

    def _distinct(self, article: Article) -> tuple[Article, tuple[str, str | None] | None]:
        """Give a file that only shares its short path with another one a longer path as id, so that neither is lost.

        Returns what is known under that id, too: looked up once, so that `put` sees whatever comes in between.
        """
        names = _names(article)
        known = {name: self._catalogue.digest(name) for name in names}
        for name, found in known.items():  # as it was called before, whatever has become free since
            if found and found[1] == article.file:
                return replace(article, id=name), found
        for name, found in known.items():
            if len(names) == 1 or found is None or found[1] is None or not Path(found[1]).exists():
                return replace(article, id=name), found
        return article, known[names[0]]

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
        return self._catalogue.articles()

    def listing(
        self, query: str = "", *, order: str = "date", down: bool = True, at: int = 0, limit: int = 50
    ) -> list[Listed]:
        """Return a page of the articles whose title, source, date or id holds every word of `query`, without their texts.

        `order` is title, date, source, size or added.
        """
        return self._catalogue.listing(query, order=order, down=down, at=at, limit=limit)

    def count(self, query: str = "") -> int:
        """Count what `listing` finds."""
        return self._catalogue.count(query)

    def months(self) -> dict[str, int]:
        """Return how many articles each month has, such as {"2021-09": 3}, earliest first; the undated are under ""."""
        return self._catalogue.months()

    def sentences(self, article_id: str) -> tuple[Sentence, ...]:
        """Return an article's sentences in order."""
        return self._catalogue.sentences(article_id)

    def status(self) -> Status:
        """Count what is there."""
        return self._catalogue.status()

    def size(self) -> int:
        """Return the bytes that the library's folder takes on disk."""
        total = 0
        for file in self.folder.rglob("*"):
            with suppress(OSError):  # gone meanwhile
                total += file.stat().st_size if file.is_file() else 0
        return total

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
        made = 0
        while not self._closing.is_set() and self._catalogue.waiting():
            try:
                with FileLock(self.folder / "embed.lock", timeout=0.5):  # in short tries, so that closing need not wait
                    made += self._embed(made, progress)
            except Timeout:
                continue
        return made

    def _embed(self, before: int, progress: Callable[[int, int], None] | None) -> int:
        self._check_family()
        made = 0
        while not self._closing.is_set() and (batch := self._catalogue.pending(EMBED_BATCH)):
            keys = [key for key, *_ in batch]
            vectors = self.embedder.documents([embedded_text(title, day, text) for _, title, day, text in batch])
            self._catalogue.put_vectors(keys, vectors, maker=self.embedder.name, family=self.embedder.family)
            made += len(keys)
            if progress:
                progress(before + made, before + made + self._catalogue.waiting())
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
        try:
            catalogue.drop_vectors(embed.family(embedder))
        finally:
            catalogue.close()

    def start(self) -> None:
        """Work in the background until closed: make missing vectors, open Chroma and keep it in step.

        For processes that live long. Questions asked meanwhile use what is there.
        """
        if self._worker is None:
            self._worker = threading.Thread(target=self._work, name="library", daemon=True)
            self._worker.start()

    def _work(self) -> None:
        said = ""
        while not self._closing.is_set():
            wait_s = 2.0
            try:
                self.embed_pending()
                self._dense.open_chroma()
            except ArticleQAError as exc:  # a disk that is full, a model that is not here: it may be mended meanwhile
                wait_s = 30.0
                if str(exc) != said and not self._closing.is_set():
                    said = str(exc)
                    _log.warning("the library's vectors cannot be kept up: %s", exc)
            self._closing.wait(wait_s)

    @property
    def vector_backend(self) -> str:
        """What answers the next `search_meaning`: chroma or exact."""
        return self._dense.backend

    # --------------------------------------------------------------------------------------------------- search

    def search_words(self, query: str, k: int, within: Filter | None = None) -> list[tuple[Passage, float]]:
        """Return up to `k` (passage, BM25 score), best first, of the articles that `within` lets through."""
        expression = words.expression(query)
        return self._with_passages(self._catalogue.match(expression, k, within)) if expression and k > 0 else []

    def respelled(self, query: str) -> str:
        """Return `query` with each word that no article has in the spelling of the articles that is nearest to it, if any is."""
        nearest = self._catalogue.respelled(words.content_words(query)[: words.MAX_TERMS])
        for word, term in nearest.items():
            query = query.replace(word, term)
        return query

    def search_meaning(
        self, query: str, k: int, within: Filter | None = None, *, exact: bool = False
    ) -> list[tuple[Passage, float]]:
        """Return up to `k` (passage, cosine), best first, of the articles that `within` lets through.

        A search that is narrowed looks at every vector there, and so does one that is to be `exact`; any other may be answered
        by Chroma's approximate graph.

        Raises StaleLibraryError if another process has made the vectors anew with another embedder.
        """
        if k < 1 or not self._catalogue.has_vectors():
            return []
        self._check_family()
        keys = self._catalogue.within(within or Filter()) if within or exact else None
        return self._with_passages(self._dense.search(self.embedder.query(query), k, keys))

    def sources(self) -> dict[str, int]:
        """Return how many articles each source has, most first."""
        return self._catalogue.sources()

    def _with_passages(self, scored: list[tuple[int, float]]) -> list[tuple[Passage, float]]:
        there = self._catalogue.passages([key for key, _ in scored])
        return [(there[key], score) for key, score in scored if key in there]


def _need_storable(article: Article) -> None:
    """Raise InputError for what neither SQLite nor a file can hold; the loaders refuse it earlier, with the line."""
    for name, value in (("id", article.id), ("title", article.title), ("text", article.text)):
        if "\0" in value:
            raise InputError(f"article {article.id!r}: its {name} has a NUL character; take it out")
    shown = [article.id, article.title, article.text, article.source or "", article.url or "", article.file or ""]
    try:
        "".join(shown).encode("utf-8")
    except UnicodeEncodeError as exc:
        raise InputError(f"article {article.id!r}: it holds half of a surrogate pair; decode its text again") from exc


def _names(article: Article) -> list[str]:
    """Return the ids that an article can have: its own, and longer ones if it is the end of its file's path."""
    if article.file is None:
        return [article.id]
    parts = PurePosixPath(article.file.replace("\\", "/")).parts
    short = PurePosixPath(article.id).parts
    if "/".join(short) != article.id or parts[-len(short) :] != short:  # an id that was given
        return [article.id]
    return ["/".join(parts[-length:]).replace("//", "/") for length in range(len(short), len(parts) + 1)]
