"""What all formats share: bytes to text, fields to values, a title where none is given."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from index.errors import InputError
from index.types import Article

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

YEARS = range(1000, 3000)  # what is outside is no day of an article but what a program writes for none, as 0001-01-01
MAX_BYTES = 20_000_000  # of one article: the longest novels have 6 MB; what is longer is a log or a database dump
TITLE_CHARACTERS = 160  # a title is a label: what is longer is cut at a word
_LEAD = 4_000  # characters in which a first sentence is looked for

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_BINARY = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")  # control characters that no word processor writes into a text
_DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[Tt\s]\s*[0-9]{1,2}:[0-9]{2}.*)?", re.DOTALL)
_SENTENCE_END = re.compile(
    r"""(?:[^\W\d_]{3}(?<!Mrs|Gen|Sen|Gov|Rep|Col|Sgt|Rev|Inc|Ltd)(?<!Prof|Capt|Sept|Corp)|[\d%)"'”’])
    [.!?…]+["'”’)\]]*(?=\s["'“‘(\[]*[^\Wa-z_])|[。！？]""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Problem:
    """A file, or one article of it, that cannot be read."""

    file: str
    reason: str  # in plain words: the line and the field, and the way out

    def __str__(self) -> str:
        return f"{self.file}: {self.reason}"


@dataclass(frozen=True, slots=True)
class File:
    """A file to read."""

    path: Path  # absolute
    name: str  # "/" between folders, from the folder that was asked for or that holds the file: holds on other machines

    def problem(self, reason: str) -> Problem:
        """Return a Problem with this file."""
        return Problem(shown(self.path), reason)

    def text(self) -> str:
        r"""Return the whole text, with "\n" line ends. Raises InputError if it is not text, OSError."""
        if self.path.stat().st_size > MAX_BYTES:
            raise InputError(f"is longer than {MAX_BYTES // 1_000_000} MB: no article is, so split it")
        text = decode(self.path.read_bytes())
        return text.replace("\r\n", "\n").replace("\r", "\n")


@dataclass(frozen=True, slots=True)
class Given:
    """What a file says about its article. None: nothing."""

    id: str | None = None
    title: str | None = None
    date: date | None = None
    source: str | None = None
    url: str | None = None


def shown(path: Path) -> str:
    """Return a path as text that can be printed and stored, whatever bytes its name has."""
    return str(path).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def decode(data: bytes) -> str:
    """Return the text of UTF-8, UTF-16 with a mark, or Windows-1252 bytes. Raises InputError for anything else."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            try:
                return data[len(mark) :].decode(encoding)
            except UnicodeDecodeError as exc:
                reason = f"is marked as {encoding.upper()} but byte {exc.start + len(mark)} is not: save it as UTF-8"
                raise InputError(reason) from exc
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as exc:
        try:
            text = data.decode("cp1252")
        except UnicodeDecodeError:
            text = "\0"
        if _BINARY.search(text):
            raise InputError(f"is not text, or not UTF-8 (byte {exc.start}): save it as UTF-8") from exc
        return text


def given(raw: Mapping[str, object]) -> Given:
    """Return the known fields as values. Raises InputError that names the field that is wrong."""
    title, day = _field(raw, "title"), _field(raw, "date")
    return Given(
        id=_field(raw, "id"),
        title=title and " ".join(title.split()),
        date=parse_date(day) if day else None,
        source=_field(raw, "source"),
        url=_field(raw, "url"),
    )


def _field(raw: Mapping[str, object], name: str) -> str | None:
    value = raw.get(name)
    if name == "id" and isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if value is None:
        return None
    if not isinstance(value, str):
        raise InputError(f"field {name!r} must be a string")
    _need_whole_characters(value, f"field {name!r}")
    plain = _CONTROL.sub(" ", value)
    return plain if plain.strip() else None


def parse_date(value: str) -> date:
    """Return the day of an ISO 8601 date or date and time, as written there. Raises InputError."""
    found = _DATE.fullmatch(value.strip())
    day = day_of(found[1] if found else value)
    if day is None:
        years = f"of the years {YEARS[0]} to {YEARS[-1]}"
        raise InputError(f"field 'date': {value.strip()[:40]!r} is no day of the form YYYY-MM-DD {years}")
    return day


def day_of(value: str) -> date | None:
    """Return the day of an ISO 8601 date; None for anything else and for a year that no article has."""
    try:
        day = date.fromisoformat(value)
    except ValueError:
        return None
    return day if day.year in YEARS else None


def article(file: File | str, given: Given, text: str, *, other_id: str, title: str | None = None) -> Article:
    """Return the article of a file or of a web address; `other_id` and `title` are used where none is given.

    Raises InputError for an empty text.
    """
    if not text.strip():
        raise InputError("has no text")
    if "\0" in text:
        raise InputError("holds NUL characters: it is not text, or UTF-16 without its mark; save it as UTF-8")
    _need_whole_characters(text, "field 'text'")
    key = _CONTROL.sub(" ", given.id or given.url or other_id)
    return Article(
        id=key,
        title=given.title or title or title_from(text) or key,
        text=text,
        date=given.date,
        source=given.source,
        url=given.url,
        file=file if isinstance(file, str) else str(file.path),
    )


def title_from(text: str) -> str:
    """Return the first sentence of the first paragraph, cut at a word if it is long; "" if there is no such thing."""
    paragraph = re.split(r"\n[^\S\n]*\n", text[: _LEAD * 2].lstrip()[:_LEAD], maxsplit=1)[0]
    line = " ".join(_CONTROL.sub(" ", paragraph).split())
    end = _SENTENCE_END.search(line)
    return cut(line[: end.end()] if end else line)


def cut(title: str) -> str:
    """Return the title, with an ellipsis instead of what is over the limit."""
    if len(title) <= TITLE_CHARACTERS:
        return title
    whole_words, _, _ = title[:TITLE_CHARACTERS].rpartition(" ")
    return (whole_words or title[: TITLE_CHARACTERS - 1]).rstrip(" ,;:–—-") + "…"


def _need_whole_characters(text: str, what: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as exc:  # JSON can say "\ud800"; no file or database can hold it
        raise InputError(
            f"{what}: character {exc.start} is half of a pair (a lone surrogate): mend the escape"
        ) from exc
