"""Conversations kept on disk: one SQLite file beside the library's catalogue, each answer written in one transaction.

It is a file of its own, so that a library can be copied without what was asked of it, and so that no writing of vectors ever
waits for a reader of the page. What readers judged is also written as gold candidates (evals/gold/README.md).
"""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from index.errors import LibraryError
from qa.record import Heading, Kept, Timing, candidate, from_record, to_record

FILE, CANDIDATES = "conversations.sqlite3", "gold-candidates.jsonl"
VERDICTS = frozenset({"up", "down", ""})
_log = logging.getLogger(__name__)

# One entry a version, as in index.catalogue.
MIGRATIONS = (
    """
    CREATE TABLE conversations (id TEXT PRIMARY KEY, title TEXT NOT NULL, changed_at TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE answers (
        place INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE,
        conversation TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
        asked_at TEXT NOT NULL, status TEXT NOT NULL, evidence_ms REAL, first_token_ms REAL, total_ms REAL,
        within TEXT NOT NULL, record TEXT NOT NULL, verdict TEXT NOT NULL DEFAULT '', comment TEXT NOT NULL DEFAULT '');
    CREATE INDEX answers_conversation ON answers (conversation);
    """,
)


class Conversations:
    """The conversations of one library. Thread safe; several processes may share the file."""

    def __init__(self, folder: Path) -> None:
        """Open or make the file in `folder`. Raises LibraryError if it cannot be used."""
        self._file = folder / FILE
        self._candidates = folder / CANDIDATES
        self._writing = threading.Lock()
        with self._open() as db:
            version = int(db.execute("PRAGMA user_version").fetchone()[0])
            if version > len(MIGRATIONS):
                raise LibraryError(f"{self._file}: made by a newer version; upgrade article-qa, or move the file away")
            for number in range(version, len(MIGRATIONS)):
                for statement in MIGRATIONS[number].split(";"):
                    if statement.strip():
                        db.execute(statement)
                db.execute(f"PRAGMA user_version = {number + 1}")

    def keep(self, conversation: str, item: Kept, *, instead_of: str = "") -> None:
        """Add an answer to the end of a conversation, making that with its first one; `instead_of` is a key that it replaces."""
        ms = item.answer.timings_ms
        with self._open() as db:
            db.execute("DELETE FROM answers WHERE key = ? AND conversation = ?", (instead_of, conversation))
            db.execute(
                "INSERT INTO conversations VALUES (?, '', ?) ON CONFLICT (id) DO UPDATE SET changed_at = excluded.changed_at",
                (conversation, item.asked_at.isoformat()),
            )
            db.execute(
                "INSERT INTO answers (key, conversation, asked_at, status, evidence_ms, first_token_ms, total_ms, within,"
                " record) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING",
                (
                    item.key,
                    conversation,
                    item.asked_at.isoformat(),
                    item.answer.status,
                    ms.get("evidence"),
                    ms.get("first_token"),
                    ms.get("total"),
                    item.within,
                    json.dumps(to_record(item.answer)),  # in ASCII: half a character in an answer must not stop it
                ),
            )
            first = db.execute(
                "SELECT record FROM answers WHERE conversation = ? ORDER BY place LIMIT 1", (conversation,)
            ).fetchone()
            title = str(json.loads(first[0])["question"]).encode("utf-8", "replace").decode()
            db.execute("UPDATE conversations SET title = ? WHERE id = ?", (title, conversation))
        if instead_of:
            self._write_candidates()

    def headings(self) -> list[Heading]:
        """Return every conversation, the one used last first."""
        with self._open() as db:
            rows = db.execute(
                "SELECT c.id, c.title, c.changed_at, (SELECT count(*) FROM answers a WHERE a.conversation = c.id)"
                " FROM conversations c ORDER BY c.changed_at DESC, c.id"
            ).fetchall()
        return [Heading(name, title, datetime.fromisoformat(at), count) for name, title, at, count in rows]

    def get(self, conversation: str) -> tuple[Kept, ...]:
        """Return the answers of a conversation in order; empty if it is not there. What cannot be read is left out."""
        with self._open() as db:
            rows = db.execute(
                "SELECT key, asked_at, within, verdict, comment, record FROM answers WHERE conversation = ? ORDER BY place",
                (conversation,),
            ).fetchall()
        return tuple(_readable(rows))

    def remove(self, conversation: str) -> bool:
        """Forget a conversation and its gold candidates; False if it is not there."""
        with self._open() as db:
            gone = db.execute("DELETE FROM conversations WHERE id = ?", (conversation,)).rowcount > 0
        self._write_candidates()
        return gone

    def judge(self, key: str, verdict: str, comment: str) -> bool:
        """Store what a reader thinks of an answer; False if it is not kept. "" as verdict takes it back."""
        if verdict not in VERDICTS:
            raise ValueError(verdict)
        text = comment.encode("utf-8", "replace").decode()
        with self._open() as db:
            row = db.execute("UPDATE answers SET verdict = ?, comment = ? WHERE key = ?", (verdict, text, key))
            there = row.rowcount > 0
        self._write_candidates()
        return there

    def timings(self) -> list[Timing]:
        """Return status and times of every kept answer, oldest first."""
        with self._open() as db:
            rows = db.execute(
                "SELECT status, evidence_ms, first_token_ms, total_ms, verdict FROM answers ORDER BY place"
            ).fetchall()
        return [Timing(*row) for row in rows]

    def candidates(self) -> Path:
        """Return the file of the judged answers, in the form of gold questions; it is there once something was judged."""
        return self._candidates

    def _write_candidates(self) -> None:
        """Write the whole file anew and put it in place at once: it is never half there, and a judgement taken back is gone."""
        with self._writing:
            lines = []
            for heading in reversed(self.headings()):
                items = self.get(heading.id)
                for at, item in enumerate(items):
                    if item.verdict:
                        lines.append(json.dumps(candidate(item, [one.answer for one in items[:at]])))
            if not lines and not self._candidates.exists():
                return
            half = self._candidates.with_suffix(f".{os.getpid()}.part")
            try:
                half.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
                half.replace(self._candidates)
            except OSError as exc:
                raise LibraryError(f"{self._candidates}: cannot be written ({exc.strerror})") from exc

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection with a transaction in it. One each time: it takes a fraction of a millisecond, and few are needed."""
        try:
            with closing(sqlite3.connect(self._file, timeout=30, isolation_level=None)) as db:
                db.execute("PRAGMA foreign_keys = ON")
                db.execute("PRAGMA journal_mode = WAL")
                db.execute("PRAGMA synchronous = FULL")
                db.execute("BEGIN IMMEDIATE")
                try:
                    yield db
                    db.execute("COMMIT")
                except BaseException:
                    if db.in_transaction:
                        db.execute("ROLLBACK")
                    raise
        except (sqlite3.IntegrityError, sqlite3.ProgrammingError):  # a mistake of ours
            raise
        except sqlite3.Error as exc:
            raise LibraryError(f"{self._file}: {exc}; mend that, or move the file away") from exc


def _readable(rows: Sequence[tuple[Any, ...]]) -> Iterator[Kept]:
    for key, asked_at, within, verdict, comment, record in rows:
        try:
            answer = from_record(json.loads(record))
        except (ValueError, KeyError, TypeError) as exc:  # written by another version: the others can still be read
            _log.warning("a kept answer cannot be read: %r", exc)
            continue
        yield Kept(key, answer, datetime.fromisoformat(asked_at).astimezone(UTC), within, verdict, comment)
