"""Plain text: a ` date YYYY-MM-DD ` line or YAML front matter, or neither, then the article."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import yaml

from index.errors import InputError
from index.loaders.reading import File, Given, article, given, parse_date

if TYPE_CHECKING:
    from collections.abc import Iterator

    from index.types import Article

_DATE_LINE = re.compile(
    r"[^\S\n]*date(?:[^\S\n]*:[^\S\n]*|[^\S\n]+)([0-9]+-[0-9]+-[0-9]+)[^\S\n]*(?:\n|\Z)", re.IGNORECASE
)
_FRONT = re.compile(r"---[ \t]*\n")
_FRONT_END = re.compile(r"^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.MULTILINE)
_FRONT_CHARACTERS = 64_000  # front matter is a few lines; a rule far below is a rule, and YAML is slow to read
_NOTHING = {"", "~", "null", "Null", "NULL"}  # what YAML writes for no value


def read(file: File) -> Iterator[Article]:
    """Yield the file's one article. Raises InputError, OSError."""
    head, body = split_head(file.text())
    yield article(file, head, body, other_id=file.name)


def split_head(text: str) -> tuple[Given, str]:
    """Return what the head says, and the text without head and leading blank lines. Raises InputError."""
    head, body = _front_matter(text) or _date_line(text)
    return head, body[_first_line(body) :]


def _first_line(text: str) -> int:
    """Return where the first line that is not blank begins."""
    return text.rfind("\n", 0, len(text) - len(text.lstrip())) + 1


def _date_line(text: str) -> tuple[Given, str]:
    found = _DATE_LINE.match(text, _first_line(text))
    return (Given(date=parse_date(found[1])), text[found.end() :]) if found else (Given(), text)


def _front_matter(text: str) -> tuple[Given, str] | None:
    start = _FRONT.match(text)
    end = start and _FRONT_END.search(text, start.end(), start.end() + _FRONT_CHARACTERS)
    if not start or not end:
        return None
    try:
        # Every value stays the string that was written: YAML's types make 7 of the id 007 and False of the title No.
        raw = yaml.load(text[start.end() : end.start()], Loader=yaml.BaseLoader)  # noqa: S506
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as exc:
        mark = getattr(exc, "problem_mark", None)
        where = f"line {mark.line + 2}: " if mark else ""
        said = getattr(exc, "problem", None) or "it cannot be read"
        raise InputError(
            f"front matter, {where}{said}: write `field: value`, with quotes if the value has a colon"
        ) from exc
    if not isinstance(raw, dict | None):
        return None  # prose between two rules
    fields = {str(key).lower(): None if str(value) in _NOTHING else value for key, value in (raw or {}).items()}
    try:
        return given(fields), text[end.end() :]
    except InputError as exc:
        raise InputError(f"front matter, {exc}") from exc
