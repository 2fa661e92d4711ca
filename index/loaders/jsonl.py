"""JSONL, also compressed: one JSON object a line with `text` and, as far as known, id, title, date, source and url."""

from __future__ import annotations

import codecs
import gzip
import hashlib
import itertools
import json
import zlib
from typing import TYPE_CHECKING

from index.errors import InputError
from index.loaders.reading import MAX_BYTES, File, Problem, article, given

if TYPE_CHECKING:
    from collections.abc import Iterator

    from index.types import Article


def read(file: File) -> Iterator[Article | Problem]:
    """Yield an article or a Problem for each line that is not blank. Raises OSError.

    `text` is stored exactly as it stands there, so that its offsets are offsets in the file's field.
    """
    first: dict[str, int] = {}  # id -> line
    for number, line in _lines(file):
        try:
            found = _article(file, line)
        except InputError as exc:
            yield file.problem(f"line {number}: {exc}")
            continue
        if found.id in first:
            yield file.problem(f"line {number}: field 'id': {found.id!r} is already on line {first[found.id]}")
        else:
            first[found.id] = number
            yield found


def _lines(file: File) -> Iterator[tuple[int, bytes]]:
    """Yield (line number from 1, line) of lines that are not blank. Raises InputError where the file breaks off."""
    packed = file.path.suffix.lower() == ".gz"
    with gzip.open(file.path) if packed else file.path.open("rb") as stream:
        for number in itertools.count(1):
            try:
                line = stream.readline(MAX_BYTES + 1)
                rest = line
                while len(rest) > MAX_BYTES:  # the rest of a line that is too long
                    rest = stream.readline(MAX_BYTES + 1)
            except (EOFError, zlib.error, gzip.BadGzipFile) as exc:
                raise InputError(f"line {number}: the compressed file breaks off or is damaged: {exc}") from exc
            if not line:
                return
            if line.strip():
                yield number, line.removeprefix(codecs.BOM_UTF8) if number == 1 else line


def _article(file: File, line: bytes) -> Article:
    if len(line) > MAX_BYTES:
        raise InputError(f"is longer than {MAX_BYTES // 1_000_000} MB: no article is, so split it")
    try:
        raw = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as exc:
        raise InputError(f"byte {exc.start} is not UTF-8: save the file as UTF-8") from exc
    except RecursionError as exc:
        raise InputError("is nested too deeply to be an article") from exc
    except ValueError as exc:
        raise InputError(f"is not JSON: {exc}") from exc
    text = raw.get("text") if isinstance(raw, dict) else None
    if not isinstance(text, str) or not text.strip():
        raise InputError("needs the field 'text', a string that is not empty, in one JSON object a line")
    head = given(raw)
    content = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return article(file, head, text, other_id=f"sha256-{content[:16]}")
