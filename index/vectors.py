"""Nearest passages by meaning: exactly from the catalogue, or approximately from Chroma.

Chroma is derived from the catalogue and never trusted blindly: a kill while it writes can leave its folder unreadable. So a
state file says whether the last writing ended well; if it did not, the folder is made anew from the catalogue's vectors.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from filelock import FileLock, Timeout

from index.catalogue import Catalogue, Vectors
from index.errors import LibraryError
from index.types import Passage

if TYPE_CHECKING:
    from chromadb.api.models.Collection import Collection

Scored = list[tuple[int, float]]

MAX_CHURN = (
    0.5  # deleted share of the collection after which it is rebuilt: Chroma's graph never shrinks and gets worse
)
UPSERT_BATCH = 1_000
PROBES = 16  # vectors looked up when a folder is opened, spread over all
COLLECTION = "passages"


class VectorIndex(Protocol):
    """Nearest neighbours by cosine."""

    def search(self, query: Vectors, k: int) -> Scored:
        """Return up to `k` (passage key, cosine), best first."""
        ...


class ExactVectors:
    """Every vector of the catalogue in memory: exact, always current, 16 ms at 100,000 vectors."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Read nothing yet: the vectors are loaded by the first search and again when they have changed."""
        self._catalogue = catalogue
        self._lock = threading.Lock()
        self._version: tuple[str, int] | None = None
        self._keys: list[int] = []
        self._vectors: Vectors = np.zeros((0, 0), dtype=np.float32)

    def search(self, query: Vectors, k: int, keys: Sequence[int] | None = None) -> Scored:
        """Return up to `k` (passage key, cosine), best first; equal ones in the order they were added.

        With `keys`, only these passages are looked at.
        """
        every, vectors = self._current()
        if keys is not None:
            at = np.flatnonzero(np.isin(every, keys))
            every, vectors = [every[one] for one in at], vectors[at]
        if not every:
            return []
        scores = vectors @ query
        best = np.argsort(-scores, kind="stable")[:k]
        return [(every[at], float(scores[at])) for at in best]

    def _current(self) -> tuple[list[int], Vectors]:
        with self._lock:
            # The number is read before the vectors: a change in between is seen at the next search, never missed.
            version = self._catalogue.vectors_version()
            if version != self._version:
                self._keys, self._vectors = self._catalogue.vectors()
                self._version = version
            return self._keys, self._vectors


class ChromaVectors:
    """The catalogue's vectors in a Chroma collection (cosine), kept in step with it. One process at a time owns the folder."""

    def __init__(self, folder: Path, catalogue: Catalogue, *, lock: FileLock, stop: threading.Event) -> None:
        """Use `open`, which takes the lock."""
        self._folder = folder
        self._state_file = folder.with_name("chroma.json")
        self._catalogue = catalogue
        self._lock = lock
        self._stop = stop
        self._guard = threading.RLock()
        self._keys: dict[str, int] = {}
        self._version: tuple[str, int] | None = None
        self._churn = 0
        self._client: Any = None
        self._collection: Collection | None = None

    @classmethod
    def open(cls, folder: Path, catalogue: Catalogue, *, stop: threading.Event | None = None) -> ChromaVectors | None:
        """Open or make the collection in `folder` and bring it in step; None while another process owns it.

        Once `stop` is set, a long filling ends early: the folder is then made anew when it is opened again. Raises LibraryError.
        """
        # Not bound to a thread: what a background thread takes, the thread that closes must be able to release.
        lock = FileLock(folder.with_name("chroma.lock"), thread_local=False)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return None
        made = cls(folder, catalogue, lock=lock, stop=stop or threading.Event())
        try:
            made.sync()
        except BaseException:
            made.close()
            raise
        return made

    @staticmethod
    def in_step(folder: Path, catalogue: Catalogue) -> bool:
        """True if the folder was left well and holds what the catalogue holds now; opens nothing."""
        state = _read_state(folder.with_name("chroma.json"))
        there = (folder / "chroma.sqlite3").is_file()
        return there and state.clean and (state.origin, state.version) == catalogue.vectors_version()

    def search(self, query: Vectors, k: int) -> Scored:
        """Return up to `k` (passage key, cosine), best first. Approximate: see Chroma's recall in docs/design.md."""
        with self._guard:
            if not self._keys or self._collection is None:
                return []
            found = self._collection.query(
                query_embeddings=[query], n_results=min(k, len(self._keys)), include=["distances"]
            )
            distances = found["distances"] or [[]]
            pairs = zip(found["ids"][0], distances[0], strict=True)
            return [(self._keys[name], 1.0 - float(distance)) for name, distance in pairs if name in self._keys]

    def sync(self) -> None:
        """Bring the collection in step with the catalogue; a no-op if nothing has changed. Raises LibraryError."""
        with self._guard:
            version = self._catalogue.vectors_version()
            if version == self._version:
                return
            wanted = self._catalogue.vector_keys()
            try:
                try:
                    self._open(wanted, version[0])
                    self._apply(wanted, version)
                except _chroma_errors():
                    self._start_anew()
                    self._apply(wanted, version)
            except _chroma_errors() as exc:
                raise LibraryError(f"{self._folder}: Chroma cannot make its index there: {exc}") from exc

    @property
    def current(self) -> bool:
        """True if nothing has changed in the catalogue since the last sync."""
        return self._version == self._catalogue.vectors_version()

    def count(self) -> int:
        """Return the number of vectors in the collection."""
        with self._guard:
            return int(self._collection.count()) if self._collection is not None else 0

    def close(self, *, broken: bool = False) -> None:
        """Let go of the folder; one that is `broken` is made anew when it is opened again."""
        with self._guard:
            try:
                if broken:
                    self._write_state(clean=False)
                self._disconnect()
            finally:
                self._lock.release()

    def _disconnect(self) -> None:
        client, self._client, self._collection = self._client, None, None
        self._keys, self._version = {}, None
        if client is not None:
            with suppress(*_chroma_errors()):  # what cannot be read cannot be closed in good order either
                client.close()

    def _open(self, wanted: dict[str, int], origin: str) -> None:
        """Connect, unless it is done; make the folder anew if it is not sound, worn out, or holds vectors of another origin."""
        if self._collection is not None:
            if self._worn_out(len(wanted)) or (self._version and self._version[0] != origin):
                self._start_anew()
            return
        state = _read_state(self._state_file)
        # Marked before it is opened: a folder that crashes native code is not opened a second time.
        self._write_state(clean=False)
        if state.clean and state.origin == origin and self._folder.exists():
            self._churn = state.churn
            self._connect()
            held = self._held()
            if len(held) == self.count() and self._finds_itself(held, wanted) and not self._worn_out(len(held)):
                return
        self._start_anew()

    def _worn_out(self, held: int) -> bool:
        return self._churn > max(UPSERT_BATCH, MAX_CHURN * held)

    def _start_anew(self) -> None:
        self._write_state(clean=False)
        self._disconnect()
        shutil.rmtree(self._folder, ignore_errors=True)
        if self._folder.exists():
            raise LibraryError(f"{self._folder}: cannot be removed to be made anew; close what uses it, or remove it")
        self._churn = 0
        self._connect()

    def _connect(self) -> None:
        import chromadb
        from chromadb.api.shared_system_client import SharedSystemClient
        from chromadb.config import Settings

        self._folder.mkdir(parents=True, exist_ok=True)
        # Its settings would otherwise be read from a file named .env in whatever folder the user is in.
        settings = Settings(_env_file=None, anonymized_telemetry=False)
        try:
            self._client = chromadb.PersistentClient(str(self._folder), settings=settings)
        except BaseException:
            # Chroma keeps a client that could not start, and would hand it out again for the folder that was made anew.
            SharedSystemClient._identifier_to_system.pop(str(self._folder), None)  # noqa: SLF001
            raise
        self._collection = self._client.get_or_create_collection(
            COLLECTION,
            embedding_function=None,  # ours only: Chroma's default downloads a model at the first add
            configuration={"hnsw": {"space": "cosine", "ef_construction": 200, "max_neighbors": 32, "ef_search": 200}},
        )

    def _held(self) -> set[str]:
        assert self._collection is not None  # noqa: S101 (for mypy: only called when connected)
        return set(self._collection.get(include=[])["ids"])

    def _finds_itself(self, held: set[str], wanted: dict[str, int]) -> bool:
        """True if vectors that should be there are their own nearest neighbours: the graph on disk can be read."""
        keys = sorted(wanted[name] for name in held & wanted.keys())
        if not keys or self._collection is None:
            return True
        probes = {keys[at * (len(keys) - 1) // max(PROBES - 1, 1)] for at in range(PROBES)}
        _, vectors = self._catalogue.vectors(sorted(probes))
        if not len(vectors):
            return True
        nearest = self._collection.query(query_embeddings=list(vectors), n_results=1, include=["distances"])
        found = sum(bool(row) and abs(float(row[0])) < 1e-3 for row in nearest["distances"] or [])
        return found >= len(vectors) - len(vectors) // 8  # it is approximate: one of 8 may be missed

    def _apply(self, wanted: dict[str, int], version: tuple[str, int]) -> None:
        assert self._collection is not None  # noqa: S101 (for mypy: sync has opened it)
        held = self._held()
        gone = sorted(held - wanted.keys())
        missing = sorted(wanted.keys() - held, key=lambda name: wanted[name])
        if gone or missing:
            self._write_state(clean=False)
        for names in _batches(gone):
            self._collection.delete(ids=names)
        self._churn += len(gone)
        for names in _batches(missing):
            if self._stop.is_set():
                return
            self._put([wanted[name] for name in names])
        # Chroma writes its graph when it is next asked something: so ask, before the folder is called clean.
        if (gone or missing) and not self._finds_itself(set(wanted), wanted):
            raise RuntimeError("its own vectors are not found in it")
        self._keys, self._version = wanted, version
        self._write_state(clean=True)

    def _put(self, keys: Sequence[int]) -> None:
        """Write the vectors of some passages, with what other readers of the collection need to show them."""
        assert self._collection is not None  # noqa: S101 (for mypy: sync has opened it)
        vectors = dict(zip(*self._catalogue.vectors(keys), strict=True))
        passages, headings = self._catalogue.passages(keys), self._catalogue.headings(keys)
        there = [key for key in keys if key in vectors and key in passages and key in headings]  # it may go meanwhile
        if there:
            self._collection.upsert(
                ids=[passages[key].id for key in there],
                embeddings=[vectors[key] for key in there],
                documents=[passages[key].text for key in there],
                metadatas=[_metadata(passages[key], *headings[key]) for key in there],
            )

    def _write_state(self, *, clean: bool) -> None:
        origin, version = self._version if clean and self._version else ("", -1)
        draft = self._state_file.with_suffix(".tmp")
        with draft.open("w", encoding="utf-8") as out:
            json.dump({"clean": clean, "origin": origin, "version": version, "churn": self._churn}, out)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(self._state_file)


class Dense:
    """Searches with Chroma once it is open, and exactly from the catalogue until then or when another process owns it."""

    def __init__(self, folder: Path, catalogue: Catalogue) -> None:
        """Open nothing yet."""
        self._folder = folder
        self._catalogue = catalogue
        self._exact = ExactVectors(catalogue)
        self._chroma: ChromaVectors | None = None
        self._opening = threading.Lock()
        self._stop = threading.Event()

    @property
    def backend(self) -> str:
        """What the next search will use: chroma or exact."""
        return "chroma" if self._chroma is not None else "exact"

    def open_chroma(self) -> bool:
        """Open Chroma and bring it in step (seconds, or minutes if it must be rebuilt); False if another process has it."""
        with self._opening:
            if self._stop.is_set():
                return False
            if self._chroma is None:
                self._chroma = ChromaVectors.open(self._folder, self._catalogue, stop=self._stop)
            else:
                self._chroma.sync()
            return self._chroma is not None

    def search(self, query: Vectors, k: int, keys: Sequence[int] | None = None) -> Scored:
        """Return up to `k` (passage key, cosine), best first, of the passages `keys` or of all.

        A narrow choice is scanned exactly: Chroma's graph loses most of what a selective filter lets through.
        """
        chroma = self._chroma
        # Out of step, say because another process has added articles: the exact scan answers until someone syncs.
        if keys is None and chroma is not None and chroma.current:
            try:
                return chroma.search(query, k)
            except _chroma_errors():
                self._drop(chroma)
        return self._exact.search(query, k, keys)

    def _drop(self, chroma: ChromaVectors) -> None:
        """Give up a collection that cannot be searched: the next `open_chroma` makes it anew."""
        with self._opening:
            if self._chroma is chroma:
                self._chroma = None
                chroma.close(broken=True)

    def close(self) -> None:
        """Let go of Chroma, ending a filling under way."""
        self._stop.set()
        with self._opening:
            if self._chroma is not None:
                self._chroma.close()
                self._chroma = None


def _batches(names: Sequence[str]) -> list[list[str]]:
    return [list(names[at : at + UPSERT_BATCH]) for at in range(0, len(names), UPSERT_BATCH)]


def _metadata(passage: Passage, title: str, day: date | None) -> dict[str, str | int]:
    """Chroma compares numbers only, so the date is one: 20240509, and 0 where there is none."""
    return {
        "article_id": passage.article_id,
        "title": title,
        "date": day.year * 10_000 + day.month * 100 + day.day if day else 0,
        "start": passage.start,
        "end": passage.end,
    }


@dataclass(frozen=True, slots=True)
class _State:
    """How the folder was left."""

    clean: bool = False  # False: something was being written
    origin: str = ""  # with `version`: what the catalogue's vectors_version was
    version: int = -1
    churn: int = 0  # vectors deleted since the folder was made


def _read_state(file: Path) -> _State:
    """Return what was written; "not clean" if it cannot be read."""
    try:
        state = json.loads(file.read_text(encoding="utf-8"))
        return _State(state["clean"] is True, str(state["origin"]), int(state["version"]), int(state["churn"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return _State()


def _chroma_errors() -> tuple[type[Exception], ...]:
    """What Chroma raises for a folder it cannot read: its own errors, and those of the layers under it."""
    from chromadb.errors import ChromaError

    return (ChromaError, ValueError, RuntimeError, OSError, KeyError, AttributeError)
