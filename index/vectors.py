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
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from filelock import FileLock, Timeout

from index.catalogue import Catalogue, Vectors

if TYPE_CHECKING:
    from chromadb.api.models.Collection import Collection

Scored = list[tuple[int, float]]

MAX_CHURN = (
    0.5  # deleted share of the collection after which it is rebuilt: Chroma's graph never shrinks and gets worse
)
UPSERT_BATCH = 1_000
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
        self._version = -1
        self._keys: list[int] = []
        self._vectors: Vectors = np.zeros((0, 0), dtype=np.float32)

    def search(self, query: Vectors, k: int) -> Scored:
        """Return up to `k` (passage key, cosine), best first; equal ones in the order they were added."""
        keys, vectors = self._current()
        if not keys:
            return []
        scores = vectors @ query
        best = np.argsort(-scores, kind="stable")[:k]
        return [(keys[at], float(scores[at])) for at in best]

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

    def __init__(self, folder: Path, catalogue: Catalogue, *, lock: FileLock) -> None:
        """Use `open`, which takes the lock."""
        self._folder = folder
        self._state_file = folder.with_name("chroma.json")
        self._catalogue = catalogue
        self._lock = lock
        self._guard = threading.RLock()
        self._keys: dict[str, int] = {}
        self._version = -1
        self._churn = 0
        self._client: Any = None
        self._collection: Collection | None = None

    @classmethod
    def open(cls, folder: Path, catalogue: Catalogue) -> ChromaVectors | None:
        """Open or make the collection in `folder` and bring it in step; None while another process owns it."""
        lock = FileLock(folder.with_name("chroma.lock"))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return None
        made = cls(folder, catalogue, lock=lock)
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
        return bool(state.get("clean")) and state.get("version") == catalogue.vectors_version()

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
        """Bring the collection in step with the catalogue; a no-op if nothing has changed."""
        with self._guard:
            version = self._catalogue.vectors_version()
            if version == self._version:
                return
            wanted = self._catalogue.vector_keys()
            if self._collection is None:
                self._open(wanted)
            self._apply(wanted, version)

    @property
    def current(self) -> bool:
        """True if nothing has changed in the catalogue since the last sync."""
        return self._version == self._catalogue.vectors_version()

    def count(self) -> int:
        """Return the number of vectors in the collection."""
        with self._guard:
            return int(self._collection.count()) if self._collection is not None else 0

    def close(self) -> None:
        """Let go of the folder."""
        with self._guard:
            if self._client is not None:
                self._client.close()
            self._client = self._collection = None
            self._lock.release()

    def _open(self, wanted: dict[str, int]) -> None:
        state = _read_state(self._state_file)
        # Marked before it is opened: a folder that crashes native code is not opened a second time.
        self._write_state(clean=False, version=-1)
        if state.get("clean") and self._folder.exists():
            self._churn = int(state.get("churn", 0))
            try:
                self._connect()
                held = self._held()
                healthy = len(held) == self.count() and self._finds_itself(held, wanted)
            except _chroma_errors():
                healthy = False
            if healthy and self._churn <= max(UPSERT_BATCH, MAX_CHURN * len(held)):
                return
        self._start_anew()

    def _start_anew(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = self._collection = None
        shutil.rmtree(self._folder, ignore_errors=True)
        self._churn = 0
        self._connect()

    def _connect(self) -> None:
        import chromadb
        from chromadb.config import Settings

        self._folder.mkdir(parents=True, exist_ok=True)
        self._client = chromadb.PersistentClient(
            str(self._folder),
            # Its settings would otherwise be read from a file named .env in whatever folder the user is in.
            settings=Settings(_env_file=None, anonymized_telemetry=False),
        )
        self._collection = self._client.get_or_create_collection(
            COLLECTION,
            embedding_function=None,  # ours only: Chroma's default downloads a model at the first add
            configuration={"hnsw": {"space": "cosine", "ef_construction": 200, "max_neighbors": 32, "ef_search": 200}},
        )

    def _held(self) -> set[str]:
        assert self._collection is not None  # noqa: S101 (for mypy: only called when connected)
        return set(self._collection.get(include=[])["ids"])

    def _finds_itself(self, held: set[str], wanted: dict[str, int]) -> bool:
        """True if a vector that should be there is its own nearest neighbour: the graph on disk can be read."""
        both = sorted(held & wanted.keys())
        if not both or self._collection is None:
            return True
        _, vectors = self._catalogue.vectors([wanted[both[-1]]])
        nearest = self._collection.query(query_embeddings=[vectors[0]], n_results=1, include=["distances"])
        return bool(nearest["distances"]) and abs(float(nearest["distances"][0][0])) < 1e-3

    def _apply(self, wanted: dict[str, int], version: int) -> None:
        assert self._collection is not None  # noqa: S101 (for mypy: sync has opened it)
        held = self._held()
        gone = sorted(held - wanted.keys())
        missing = sorted(wanted.keys() - held, key=lambda name: wanted[name])
        if gone or missing:
            self._write_state(clean=False, version=-1)
        for names in _batches(gone):
            self._collection.delete(ids=names)
        for names in _batches(missing):
            keys, vectors = self._catalogue.vectors([wanted[name] for name in names])
            by_key = dict(zip(keys, vectors, strict=True))
            days = self._catalogue.dates(keys)
            there = [name for name in names if wanted[name] in by_key]  # an article can be removed meanwhile
            if there:
                self._collection.upsert(
                    ids=there,
                    embeddings=[by_key[wanted[name]] for name in there],
                    metadatas=[
                        {"key": wanted[name], "date": int(day.strftime("%Y%m%d")) if day else 0}
                        for name in there
                        for day in [days.get(wanted[name])]
                    ],
                )
        self._churn += len(gone)
        self._keys, self._version = wanted, version
        self._write_state(clean=True, version=version)

    def _write_state(self, *, clean: bool, version: int) -> None:
        draft = self._state_file.with_suffix(".tmp")
        with draft.open("w", encoding="utf-8") as out:
            json.dump({"clean": clean, "version": version, "churn": self._churn}, out)
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

    @property
    def backend(self) -> str:
        """What the next search will use: chroma or exact."""
        return "chroma" if self._chroma is not None else "exact"

    def open_chroma(self) -> bool:
        """Open Chroma and bring it in step (seconds, or minutes if it must be rebuilt); False if another process has it."""
        with self._opening:
            if self._chroma is None:
                self._chroma = ChromaVectors.open(self._folder, self._catalogue)
            else:
                self._chroma.sync()
            return self._chroma is not None

    def search(self, query: Vectors, k: int) -> Scored:
        """Return up to `k` (passage key, cosine), best first."""
        chroma = self._chroma
        # Out of step, say because another process has added articles: the exact scan answers until someone syncs.
        index: VectorIndex = chroma if chroma is not None and chroma.current else self._exact
        return index.search(query, k)

    def close(self) -> None:
        """Let go of Chroma, waiting for an opening under way."""
        with self._opening:
            if self._chroma is not None:
                self._chroma.close()
                self._chroma = None


def _batches(names: Sequence[str]) -> list[list[str]]:
    return [list(names[at : at + UPSERT_BATCH]) for at in range(0, len(names), UPSERT_BATCH)]


def _read_state(file: Path) -> dict[str, Any]:
    try:
        state = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return state if isinstance(state, dict) else {}


def _chroma_errors() -> tuple[type[Exception], ...]:
    """What Chroma raises for a folder it cannot read: its own errors, and those of the layers under it."""
    from chromadb.errors import ChromaError

    return (ChromaError, ValueError, RuntimeError, OSError, KeyError, AttributeError)
