"""The values that flow through the index: articles, their sentences and their passages."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class Article:
    """One text as it was read. Every citation is a range of characters of `text`.

    `text` has plain line feeds and no header line; nothing else is changed, so that a JSONL article's offsets are offsets
    in the field of its file.
    """

    id: str  # stable over re-runs and machines: given, or from the URL, the path, or the content
    title: str  # never empty: the given one, the first heading or the standfirst, or the file's name
    text: str
    date: date | None = None  # the day the article speaks from, never the day it was read
    source: str | None = None  # outlet or author as given
    url: str | None = None
    file: str | None = None  # absolute path of the file it was read from, or the web address it was fetched from
    added_at: datetime = field(default_factory=lambda: datetime.now(UTC), compare=False)

    @property
    def sha256(self) -> str:
        """Hex digest over everything that is embedded or shown: id, title, date, source, URL and text."""
        shown = [self.id, self.title, self.date and self.date.isoformat(), self.source, self.url, self.text]
        return hashlib.sha256(json.dumps(shown, ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence as a range of its article."""

    article_id: str
    index: int  # 0-based within the article
    start: int  # characters into Article.text, inclusive
    end: int  # exclusive
    text: str  # always article.text[start:end]


@dataclass(frozen=True, slots=True)
class Passage:
    """A run of whole sentences: what is embedded, searched and reranked."""

    id: str  # from the article's digest and the range, so that the same id always means the same text
    article_id: str
    first: int  # index of the first sentence, inclusive
    last: int  # index of the last sentence, inclusive
    start: int  # characters into Article.text, inclusive
    end: int  # exclusive
    text: str  # always article.text[start:end]


@dataclass(frozen=True, slots=True)
class Filter:
    """Which articles a search may find. A part that is empty narrows nothing."""

    articles: frozenset[str] = frozenset()  # ids
    sources: frozenset[str] = frozenset()  # as stored
    since: date | None = None  # the first day, inclusive
    until: date | None = None  # the last day, inclusive

    def __bool__(self) -> bool:
        return bool(self.articles or self.sources or self.since or self.until)

    def also(self, other: Filter) -> Filter | None:
        """Return the filter that lets through what both let through; None if that is nothing for sure."""
        articles = (
            self.articles & other.articles if self.articles and other.articles else self.articles | other.articles
        )
        sources = self.sources & other.sources if self.sources and other.sources else self.sources | other.sources
        since = max(filter(None, (self.since, other.since)), default=None)
        until = min(filter(None, (self.until, other.until)), default=None)
        lost = (self.articles and other.articles and not articles) or (self.sources and other.sources and not sources)
        return None if lost or (since and until and since > until) else Filter(articles, sources, since, until)


@dataclass(frozen=True, slots=True)
class Listed:
    """An article in a list, without its text."""

    id: str
    title: str
    date: date | None
    source: str | None
    size: int  # characters
    pending: int  # passages that have no vector yet
    file: str | None = None  # where it was read from and can be read again


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file or a web address that was handed over, and what has become of it."""

    number: int
    name: str
    state: Literal["waiting", "reading", "done", "failed"] = "waiting"
    articles: int = 0  # read from it so far
    said: str = ""  # for a person: what was done, or why nothing was
