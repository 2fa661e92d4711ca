"""The library's source of truth: one SQLite file with the articles, offsets, passages, word index and vectors.

Each article is written in one transaction, so that it is there whole or not at all, whatever ends the process. Everything else
on disk (Chroma) can be made again from this file without reading an article or embedding a word.
"""

from __future__ import annotations

import json
import re
import sqlite3
import threading
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.errors import LibraryError, StaleLibraryError
from index.types import Article, Filter, Listed, Passage, Sentence

Vectors = NDArray[np.float32]

SPELLED_FROM = 5  # letters
SPELLED_ALIKE = 80.0  # per cent: one letter in five may differ

# One entry a version; entry n brings a file of version n to n + 1. Entries are never edited once released.
MIGRATIONS = (
    """
    CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE articles (
        key INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, title TEXT NOT NULL, text TEXT NOT NULL, date TEXT,
        source TEXT, url TEXT, file TEXT, sha256 TEXT NOT NULL, added_at TEXT NOT NULL);
    CREATE INDEX articles_date ON articles (date);
    CREATE TABLE sentences (
        article INTEGER NOT NULL REFERENCES articles (key) ON DELETE CASCADE, number INTEGER NOT NULL,
        start INTEGER NOT NULL, stop INTEGER NOT NULL, PRIMARY KEY (article, number)) WITHOUT ROWID;
    CREATE TABLE passages (
        key INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
        article INTEGER NOT NULL REFERENCES articles (key) ON DELETE CASCADE,
        first INTEGER NOT NULL, last INTEGER NOT NULL, start INTEGER NOT NULL, stop INTEGER NOT NULL);
    CREATE INDEX passages_article ON passages (article);
    CREATE TABLE vectors (
        passage INTEGER PRIMARY KEY REFERENCES passages (key) ON DELETE CASCADE, maker TEXT NOT NULL, vector BLOB NOT NULL);
    CREATE VIRTUAL TABLE words USING fts5 (title, body, tokenize = 'porter unicode61 remove_diacritics 2');
    INSERT INTO meta VALUES ('vectors_version', '0'), ('vectors_origin', lower(hex(randomblob(8))));
    """,
)

_PASSAGE = """
    SELECT p.key, p.id, a.id, p.first, p.last, p.start, p.stop, a.text FROM passages p JOIN articles a ON a.key = p.article
"""
_HEADING = "SELECT p.key, a.title, a.date FROM passages p JOIN articles a ON a.key = p.article"
_ARTICLE = "SELECT id, title, text, date, source, url, file, added_at FROM articles"


# What a list of articles can be ordered by. Those without a date or source count as the lowest.
ORDERS = {
    "title": "a.title COLLATE NOCASE",
    "date": "a.date",
    "source": "a.source COLLATE NOCASE",
    "size": "length(a.text)",
    "added": "a.key",
}


@dataclass(frozen=True, slots=True)
class Status:
    """What a library holds; all are counts."""

    articles: int
    sentences: int
    passages: int
    vectors: int
    pending: int  # passages that have no vector yet


class Catalogue:
    """One SQLite file, usable from several threads and several processes at once."""

    def __init__(self, file: Path) -> None:
        """Open `file`, making or migrating it. Raises LibraryError or StaleLibraryError."""
        self._file = file
        self._idle: list[sqlite3.Connection] = []
        self._busy = 0
        self._closed = False
        self._change = threading.Condition()
        try:
            self._migrate()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file, once what other threads are reading or writing is done. Any later call raises LibraryError."""
        with self._change:
            self._closed = True
            self._change.wait_for(lambda: self._busy == 0)
            for connection in self._idle:
                connection.close()
            self._idle.clear()

    # ------------------------------------------------------------------------------------------------- articles

    def put(
        self,
        article: Article,
        sentences: Sequence[Sentence],
        passages: Sequence[Passage],
        *,
        known: tuple[str, str | None] | None,
    ) -> bool:
        """Write `article` with its parts, in place of any earlier text under the same id: all or nothing.

        `known` is what `digest` said before. False, and nothing is written, if it is no longer so: another process was faster.
        """
        with self._write() as db:
            row = db.execute("SELECT sha256, file FROM articles WHERE id = ?", (article.id,)).fetchone()
            if (tuple(row) if row else None) != known:
                return False
            self._drop(db, article.id)
            key = db.execute(
                "INSERT INTO articles (id, title, text, date, source, url, file, sha256, added_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    article.id,
                    article.title,
                    article.text,
                    article.date and article.date.isoformat(),
                    article.source,
                    article.url,
                    article.file,
                    article.sha256,
                    article.added_at.isoformat(),
                ),
            ).lastrowid
            db.executemany(
                "INSERT INTO sentences VALUES (?, ?, ?, ?)", ((key, s.index, s.start, s.end) for s in sentences)
            )
            for p in passages:
                row = db.execute(
                    "INSERT INTO passages (id, article, first, last, start, stop) VALUES (?, ?, ?, ?, ?, ?)",
                    (p.id, key, p.first, p.last, p.start, p.end),
                ).lastrowid
                db.execute("INSERT INTO words (rowid, title, body) VALUES (?, ?, ?)", (row, article.title, p.text))
            return True

    def set_file(self, article_id: str, file: str | None) -> None:
        """Note that an article lies in another file now."""
        with self._write() as db:
            db.execute("UPDATE articles SET file = ? WHERE id = ?", (file, article_id))

    def remove(self, article_id: str) -> bool:
        """Take an article out with all its parts; False if it is not there."""
        with self._write() as db:
            return self._drop(db, article_id)

    def get(self, article_id: str) -> Article | None:
        """Return the article as stored."""
        rows = self._rows(f"{_ARTICLE} WHERE id = ?", (article_id,))
        return _article(rows[0]) if rows else None

    def digest(self, article_id: str) -> tuple[str, str | None] | None:
        """Return (SHA-256, file) of a stored article without reading its text."""
        rows = self._rows("SELECT sha256, file FROM articles WHERE id = ?", (article_id,))
        return (str(rows[0][0]), rows[0][1]) if rows else None

    def heading(self, article_id: str) -> tuple[str, date | None] | None:
        """Return (title, date) of a stored article without reading its text."""
        rows = self._rows("SELECT title, date FROM articles WHERE id = ?", (article_id,))
        return (str(rows[0][0]), _day(rows[0][1])) if rows else None

    def articles(self) -> list[Article]:
        """Return every article, newest date first, undated last, then by id."""
        return [_article(row) for row in self._rows(f"{_ARTICLE} ORDER BY date IS NULL, date DESC, id")]

    def listing(
        self, query: str = "", *, order: str = "date", down: bool = True, at: int = 0, limit: int = 50
    ) -> list[Listed]:
        """Return a page of the articles whose title, source or id holds every word of `query`, ordered by a name of ORDERS."""
        condition, values = _naming(query)
        rows = self._rows(
            "SELECT a.id, a.title, a.date, a.source, length(a.text), a.file,"  # noqa: S608 (parts of ours, and "?")
            " (SELECT count(*) FROM passages p WHERE p.article = a.key"
            " AND NOT EXISTS (SELECT 1 FROM vectors v WHERE v.passage = p.key))"
            f" FROM articles a {condition} ORDER BY {ORDERS[order]} {'DESC' if down else 'ASC'}, a.id LIMIT ? OFFSET ?",
            (*values, limit, at),
        )
        return [
            Listed(name, title, _day(day), source, size, pending, file)
            for name, title, day, source, size, file, pending in rows
        ]

    def count(self, query: str = "") -> int:
        """Count what `listing` finds."""
        condition, values = _naming(query)
        [(number,)] = self._rows(f"SELECT count(*) FROM articles a {condition}", values)  # noqa: S608
        return int(number)

    def months(self) -> dict[str, int]:
        """Return how many articles each month has, such as {"2021-09": 3}, earliest first; the undated are under ""."""
        rows = self._rows("SELECT coalesce(substr(date, 1, 7), ''), count(*) FROM articles GROUP BY 1 ORDER BY 1")
        return {str(month): int(number) for month, number in rows}

    def sentences(self, article_id: str) -> tuple[Sentence, ...]:
        """Return the sentences of an article in order; empty if it is not there."""
        rows = self._rows(
            "SELECT s.number, s.start, s.stop, a.text FROM sentences s JOIN articles a ON a.key = s.article"
            " WHERE a.id = ? ORDER BY s.number",
            (article_id,),
        )
        return tuple(Sentence(article_id, number, start, end, text[start:end]) for number, start, end, text in rows)

    def passages(self, keys: Sequence[int]) -> dict[int, Passage]:
        """Return the passages that are still there, by key."""
        found: dict[int, Passage] = {}
        for some in _slices(keys, 500):
            marks = ",".join("?" * len(some))
            for key, *rest, text in self._rows(f"{_PASSAGE} WHERE p.key IN ({marks})", some):
                name, article_id, first, last, start, stop = rest
                found[key] = Passage(name, article_id, first, last, start, stop, text[start:stop])
        return found

    def status(self) -> Status:
        """Count what is there, in one consistent reading."""
        [row] = self._rows(
            "SELECT (SELECT count(*) FROM articles), (SELECT count(*) FROM sentences), (SELECT count(*) FROM passages),"
            " (SELECT count(*) FROM vectors)"
        )
        articles, sentences, passages, vectors = (int(count) for count in row)
        return Status(articles, sentences, passages, vectors, passages - vectors)

    def check(self) -> list[str]:
        """Return what is wrong, in words; empty if all is well."""
        wrong = [str(row[0]) for row in self._rows("PRAGMA integrity_check") if row[0] != "ok"]
        wrong += [f"{row[0]}: row {row[1]} has lost its article" for row in self._rows("PRAGMA foreign_key_check")]
        for table in ("sentences", "passages"):
            rows = self._rows(
                f"SELECT DISTINCT a.id FROM {table} t JOIN articles a ON a.key = t.article"  # noqa: S608 (one of two names)
                " WHERE NOT (0 <= t.start AND t.start < t.stop AND t.stop <= length(a.text))"
            )
            wrong += [f"{row[0]}: {table} leave the text" for row in rows]
        [(words, passages)] = self._rows("SELECT (SELECT count(*) FROM words), (SELECT count(*) FROM passages)")
        if words != passages:
            wrong.append(f"the word index has {words} passages of {passages}")
        return wrong

    # ---------------------------------------------------------------------------------------------------- words

    def match(self, expression: str, k: int, within: Filter | None = None) -> list[tuple[int, float]]:
        """Return (passage key, BM25 score) of the `k` best for an FTS5 expression; higher is better.

        The title counts twice as much as the body: a passage is short, and its article's title says what it is about.
        """
        condition, values = _condition(within)
        inside = f"AND rowid IN (SELECT p.key FROM passages p JOIN articles a ON a.key = p.article {condition})"  # noqa: S608
        rows = self._rows(
            f"SELECT rowid, -bm25(words, 2.0, 1.0) FROM words WHERE words MATCH ? {inside if condition else ''}"  # noqa: S608
            " ORDER BY bm25(words, 2.0, 1.0), rowid LIMIT ?",
            (expression, *values, k),
        )
        return [(int(key), float(score)) for key, score in rows]

    def respelled(self, words: Iterable[str]) -> dict[str, str]:
        """Return the indexed term that is spelled most like each of `words` which no passage has: {"Stanikzai": "stanekzai"}.

        Short words are left alone: too many others are near them.
        """
        from rapidfuzz import fuzz, process

        found = {}
        for word in dict.fromkeys(words):
            plain = "".join(c for c in unicodedata.normalize("NFKD", word.casefold()) if c.isalnum())
            if len(plain) < SPELLED_FROM or self._rows(
                "SELECT 1 FROM words WHERE words MATCH ? LIMIT 1", (f'"{plain}"',)
            ):
                continue
            if best := process.extractOne(plain, self._terms(plain[0]), scorer=fuzz.ratio, score_cutoff=SPELLED_ALIKE):
                found[word] = str(best[0])
        return found

    def _terms(self, letter: str) -> list[str]:
        """The indexed terms that begin with `letter`."""
        with self._connection() as db:
            db.execute("CREATE VIRTUAL TABLE IF NOT EXISTS temp.terms USING fts5vocab (main, words, row)")
            rows = db.execute(
                "SELECT term FROM temp.terms WHERE term >= ? AND term < ?", (letter, chr(ord(letter) + 1))
            )
            return [str(row[0]) for row in rows]

    def within(self, chosen: Filter) -> list[int]:
        """Return the keys of the passages whose articles `chosen` lets through."""
        condition, values = _condition(chosen)
        rows = self._rows(f"SELECT p.key FROM passages p JOIN articles a ON a.key = p.article {condition}", values)  # noqa: S608
        return [int(row[0]) for row in rows]

    def sources(self) -> dict[str, int]:
        """Return how many articles each source has, most first."""
        rows = self._rows(
            "SELECT source, count(*) FROM articles WHERE source <> '' GROUP BY source ORDER BY count(*) DESC, source"
        )
        return {str(source): int(count) for source, count in rows}

    # -------------------------------------------------------------------------------------------------- vectors

    def pending(self, limit: int) -> list[tuple[int, str, str | None, str]]:
        """Return up to `limit` passages without a vector, oldest first: (key, title, ISO date, passage text)."""
        rows = self._rows(
            "SELECT p.key, a.title, a.date, p.start, p.stop, a.text FROM passages p JOIN articles a ON a.key = p.article"
            " WHERE NOT EXISTS (SELECT 1 FROM vectors v WHERE v.passage = p.key) ORDER BY p.key LIMIT ?",
            (limit,),
        )
        return [(key, title, day, text[start:stop]) for key, title, day, start, stop, text in rows]

    def waiting(self) -> int:
        """Count the passages that have no vector yet."""
        [(passages, vectors)] = self._rows("SELECT (SELECT count(*) FROM passages), (SELECT count(*) FROM vectors)")
        return int(passages) - int(vectors)

    def has_vectors(self) -> bool:
        """True if there is any vector."""
        return bool(self._rows("SELECT 1 FROM vectors LIMIT 1"))

    def put_vectors(self, keys: Sequence[int], vectors: Vectors, *, maker: str, family: str) -> None:
        """Store vectors; those whose passage has gone meanwhile are dropped.

        Raises StaleLibraryError if the library's vectors are of another family: the two could not be compared.
        """
        with self._write() as db:
            row = db.execute("SELECT value FROM meta WHERE name = 'family'").fetchone()
            if row and row[0] != family:
                raise StaleLibraryError(f"{self._file.parent}: its vectors are made by {row[0]} now, not by {family}")
            _set(db, "family", family)
            db.executemany(
                "INSERT OR IGNORE INTO vectors SELECT key, ?, ? FROM passages WHERE key = ?",
                ((maker, vector.astype("<f4").tobytes(), key) for key, vector in zip(keys, vectors, strict=True)),
            )
            _touch_vectors(db)

    def drop_vectors(self, family: str) -> None:
        """Forget every vector, so that all are made again, by an embedder of `family`."""
        with self._write() as db:
            db.execute("DELETE FROM vectors")
            _set(db, "family", family)
            db.execute("INSERT OR REPLACE INTO meta VALUES ('vectors_origin', lower(hex(randomblob(8))))")
            _touch_vectors(db)

    def vectors_version(self) -> tuple[str, int]:
        """Return (origin, number): the number grows whenever the set of vectors changes, in this or another process.

        Under one origin a passage's id stands for one vector; dropping all vectors gives a new origin, and so does a new file.
        """
        found = dict(self._rows("SELECT name, value FROM meta WHERE name IN ('vectors_version', 'vectors_origin')"))
        return str(found.get("vectors_origin", "")), int(found["vectors_version"])

    def vector_keys(self) -> dict[str, int]:
        """Return passage id -> key of every passage that has a vector."""
        rows = self._rows("SELECT p.id, p.key FROM passages p JOIN vectors v ON v.passage = p.key")
        return {str(name): int(key) for name, key in rows}

    def vectors(self, keys: Sequence[int] | None = None) -> tuple[list[int], Vectors]:
        """Return (passage keys, float32 (n, dim)) of the given or all vectors, by key."""
        if keys is None:
            rows = self._rows("SELECT passage, vector FROM vectors ORDER BY passage")
        else:
            rows = []
            for some in _slices(keys, 500):
                marks = ",".join("?" * len(some))
                rows += self._rows(
                    f"SELECT passage, vector FROM vectors WHERE passage IN ({marks}) ORDER BY passage",  # noqa: S608 (only "?")
                    some,
                )
        if not rows:
            return [], np.zeros((0, 0), dtype=np.float32)
        data = np.frombuffer(b"".join(row[1] for row in rows), dtype="<f4").reshape(len(rows), -1)
        return [int(row[0]) for row in rows], data.astype(np.float32, copy=False)

    def headings(self, keys: Sequence[int]) -> dict[int, tuple[str, date | None]]:
        """Return the title and date of the article of each passage key."""
        found: dict[int, tuple[str, date | None]] = {}
        for some in _slices(keys, 500):
            marks = ",".join("?" * len(some))
            rows = self._rows(
                f"{_HEADING} WHERE p.key IN ({marks})",
                some,
            )
            found |= {int(key): (str(title), _day(day)) for key, title, day in rows}
        return found

    # ----------------------------------------------------------------------------------------------------- meta

    def setting(self, name: str) -> str | None:
        """Return what was stored under `name`."""
        rows = self._rows("SELECT value FROM meta WHERE name = ?", (name,))
        return str(rows[0][0]) if rows else None

    # ------------------------------------------------------------------------------------------------- internals

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection to this thread alone. There are as many as were ever needed at once, whatever threads come and go."""
        with self._change:
            if self._closed:
                raise LibraryError(f"{self._file.parent}: the library has been closed")
            self._busy += 1
            connection = self._idle.pop() if self._idle else None
        try:
            if connection is None:
                connection = self._connect()
            yield connection
        except (sqlite3.IntegrityError, sqlite3.ProgrammingError):  # a mistake of ours
            raise
        except sqlite3.OperationalError as exc:  # locked for a minute, disk full, not allowed
            raise LibraryError(f"{self._file}: {exc}; nothing was changed, so mend that and try again") from exc
        except sqlite3.DatabaseError as exc:
            raise LibraryError(
                f"{self._file}: not a library that can be read ({exc}); move it away or use another folder"
            ) from exc
        finally:
            with self._change:
                self._busy -= 1
                if connection is not None:
                    self._idle.append(connection)
                self._change.notify_all()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._file, timeout=60, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")  # a committed article survives a power cut, too
        except BaseException:
            connection.close()
            raise
        return connection

    def _rows(self, sql: str, values: Sequence[object] = ()) -> list[Any]:
        with self._connection() as db:
            return db.execute(sql, values).fetchall()

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        with self._connection() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:  # SQLite ends it by itself when the disk is full
                    db.execute("ROLLBACK")
                raise

    def _drop(self, db: sqlite3.Connection, article_id: str) -> bool:
        row = db.execute("SELECT key FROM articles WHERE id = ?", (article_id,)).fetchone()
        if row is None:
            return False
        db.execute("DELETE FROM words WHERE rowid IN (SELECT key FROM passages WHERE article = ?)", row)
        db.execute("DELETE FROM articles WHERE key = ?", row)
        _touch_vectors(db)
        return True

    def _migrate(self) -> None:
        version = int(self._rows("PRAGMA user_version")[0][0])
        if version > len(MIGRATIONS):
            raise StaleLibraryError(
                f"{self._file}: made by a newer version (format {version}, this one knows {len(MIGRATIONS)}); upgrade article-qa"
            )
        while version < len(MIGRATIONS):
            # One script, one transaction; two processes that start at once: the second finds the version already raised.
            with self._write() as db:
                version = int(db.execute("PRAGMA user_version").fetchone()[0])
                if version == len(MIGRATIONS):
                    break
                for statement in MIGRATIONS[version].split(";"):
                    if statement.strip():
                        db.execute(statement)
                version += 1
                db.execute(f"PRAGMA user_version = {version}")


def _touch_vectors(db: sqlite3.Connection) -> None:
    db.execute("UPDATE meta SET value = CAST(value AS INTEGER) + 1 WHERE name = 'vectors_version'")


def _set(db: sqlite3.Connection, name: str, value: str) -> None:
    db.execute("INSERT INTO meta VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", (name, value))


def _day(iso: str | None) -> date | None:
    return date.fromisoformat(iso) if iso else None


def _article(row: tuple[Any, ...]) -> Article:
    name, title, text, day, source, url, file, added_at = row
    return Article(name, title, text, _day(day), source, url, file, added_at=datetime.fromisoformat(added_at))


def _naming(query: str) -> tuple[str, list[str]]:
    """A WHERE clause over articles `a` for the words of a reader who looks for a title."""
    plain = [re.sub(r"([\\\\%_])", r"\\\1", word) for word in query.encode("utf-8", "replace").decode().split()[:10]]
    like = "(a.title || ' ' || coalesce(a.source, '') || ' ' || coalesce(a.date, '') || ' ' || a.id) LIKE ? ESCAPE '\\'"
    return ("WHERE " + " AND ".join([like] * len(plain)) if plain else ""), [f"%{word}%" for word in plain]


def _condition(within: Filter | None) -> tuple[str, list[str]]:
    """A WHERE clause over articles `a` for a filter, and its values; empty where nothing is narrowed."""
    if not within:
        return "", []
    parts = {
        "a.id IN (SELECT value FROM json_each(?))": json.dumps(sorted(within.articles)) if within.articles else None,
        "a.source IN (SELECT value FROM json_each(?))": json.dumps(sorted(within.sources)) if within.sources else None,
        "a.date >= ?": within.since.isoformat() if within.since else None,
        "a.date <= ?": within.until.isoformat() if within.until else None,
    }
    wanted = {sql: value for sql, value in parts.items() if value is not None}
    return f"WHERE {' AND '.join(wanted)}", list(wanted.values())


def _slices(keys: Iterable[int], size: int) -> Iterator[list[int]]:
    every = list(keys)
    for at in range(0, len(every), size):
        yield every[at : at + size]
