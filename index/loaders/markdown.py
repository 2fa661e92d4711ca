"""Markdown: front matter as in plain text, the first `# heading` as title. The marks stay in the text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from index.loaders.reading import File, article, cut, title_from
from index.loaders.text import split_head

if TYPE_CHECKING:
    from collections.abc import Iterator

    from index.types import Article

_FENCE = re.compile(r" {0,3}(```|~~~)")
_HEADING = re.compile(r" {0,3}#[ \t]+(.{1,1000})")  # the bound keeps what follows quick on a line of megabytes
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_MARKS = re.compile(r"[*`]|__|^[#>\s-]+")


def read(file: File) -> Iterator[Article]:
    """Yield the file's one article. Raises InputError, OSError."""
    head, body = split_head(file.text())
    yield article(file, head, body, other_id=file.name, title=_heading(body) or _plain(title_from(body)))


def _heading(body: str) -> str:
    fence = ""
    for line in body.split("\n"):
        mark = _FENCE.match(line)
        if mark and fence in {"", mark[1]}:
            fence = "" if fence else mark[1]
        elif not fence and (found := _HEADING.match(line)):
            words = found[1].split()
            closed = len(words) > 1 and not words[-1].strip("#")  # `# Title #`
            return cut(_plain(" ".join(words[:-1] if closed else words)))
    return ""


def _plain(title: str) -> str:
    return _MARKS.sub("", _LINK.sub(r"\1", title)).strip()
