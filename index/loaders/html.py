"""Web pages: the text of the article on it with its title, date and source; menus, notices and scripts stay out."""

from __future__ import annotations

import codecs
import logging
import re
from typing import TYPE_CHECKING

from index.errors import InputError
from index.loaders.reading import File, Given, article, day_of, decode, given

if TYPE_CHECKING:
    from collections.abc import Iterator

    from index.types import Article

MAX_PAGE = 5_000_000  # bytes: the longest web pages have one or two million
_META = re.compile(rb"""<meta[^>]{1,200}charset\s*=\s*["']?\s*([\w.:-]{1,40})""", re.IGNORECASE)
_LATIN = frozenset({"ascii", "us-ascii", "iso-8859-1", "iso8859-1", "latin-1", "latin1"})  # said of anything
# Python knows these, no browser does: of five million bytes the first two take half an hour, the others invent characters.
_NO_CHARSETS = frozenset({"punycode", "idna", "unicode-escape", "raw-unicode-escape", "undefined", "utf-7"})
_NO_TEXT = "no article was found on it: it may be a list of links, or written by scripts; open it in a browser and save its text"


def read(file: File) -> Iterator[Article]:
    """Yield the file's one article; its id is the file's name. Raises InputError, OSError."""
    if file.path.stat().st_size > MAX_PAGE:
        raise InputError(f"is longer than {MAX_PAGE // 1_000_000} MB: no web page is")
    head, text = page(decoded(file.path.read_bytes()))
    yield article(file, Given(file.name, head.title, head.date, head.source, head.url), text, other_id=file.name)


def decoded(data: bytes, charset: str | None = None) -> str:
    """Return the text of a page: by `charset` of its server, else by what the page itself says, else as any text file."""
    named = _META.search(data[:2048])
    for label in (charset, named and named[1].decode("ascii")):
        if label and label.lower() not in _LATIN:
            try:
                if codecs.lookup(label).name not in _NO_CHARSETS:
                    return data.decode(label)
            except (LookupError, ValueError):  # an unknown name, no name at all, or not what it says
                continue
    return decode(data)


def page(markup: str, url: str | None = None) -> tuple[Given, str]:
    """Return what the page says of itself, and its text with a blank line between paragraphs. Raises InputError.

    Where `url` is given, it is the page's address, whatever the page says.
    """
    from trafilatura import bare_extraction
    from trafilatura.settings import Document

    for name in ("trafilatura", "htmldate", "courlan"):  # they warn of pages without text; that is said here, in words
        logging.getLogger(name).setLevel(logging.CRITICAL)
    found = bare_extraction(
        markup.replace("\0", ""),
        url=url,
        with_metadata=True,
        include_comments=False,
        date_extraction_params={"original_date": True, "extensive_search": False},  # told by the page, never guessed
    )
    text = _paragraphs(found.text or "") if isinstance(found, Document) else ""
    if not isinstance(found, Document) or not text:
        raise InputError(_NO_TEXT)
    head = given({"title": found.title, "source": found.sitename or found.hostname, "url": url or _web(found.url)})
    return Given(None, head.title, day_of(found.date or ""), head.source, head.url), text


def _paragraphs(text: str) -> str:
    """Part the lines by blank ones, but those of a list."""
    lines = [line.rstrip() for line in text.split("\n") if line.strip()]
    parted = (
        ("\n" if before.startswith("- ") and line.startswith("- ") else "\n\n") + line
        for before, line in zip(["", *lines], lines, strict=False)
    )
    return "".join(parted).strip()


def _web(url: str | None) -> str | None:
    return url if url and re.match(r"https?://[^\s<>]+$", url) else None
