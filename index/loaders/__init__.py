"""Files -> Articles. A new format is one module and one line in `LOADERS`."""

from __future__ import annotations

import os
import stat
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

from index.errors import InputError
from index.loaders import html, jsonl, markdown, text
from index.loaders.reading import File, Problem, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from index.types import Article

    Reader = Callable[[File], Iterator[Article | Problem]]

__all__ = ["LOADERS", "Problem", "load"]

LOADERS: dict[str, Reader] = {
    ".txt": text.read,
    ".md": markdown.read,
    ".markdown": markdown.read,
    ".html": html.read,
    ".htm": html.read,
    ".jsonl": jsonl.read,
    ".jsonl.gz": jsonl.read,
}


def load(path: Path) -> Iterator[Article | Problem]:
    """Return the articles of a file, or of a folder and all below it, in the order of their names.

    What cannot be read comes as a Problem in its place and the rest goes on. In a folder, names that begin with a dot
    and files of other kinds are passed over. Raises InputError if there is nothing at `path`.
    """
    if not os.path.lexists(path):
        raise InputError(f"{path}: there is no such file or folder")
    return _load(Path(os.path.abspath(path)))  # noqa: PTH100  # resolve() would follow links: another id


def _load(root: Path) -> Iterator[Article | Problem]:
    first: dict[str, str | None] = {}  # id -> file
    for file in _walk(root):
        for item in (file,) if isinstance(file, Problem) else _read(file):
            if isinstance(item, Problem):
                yield item
            elif item.id in first:
                yield Problem(
                    str(item.file),
                    f"the id {item.id!r} is already that of an article in {first[item.id]}: give it another",
                )
            else:
                first[item.id] = item.file
                yield item


def _walk(root: Path) -> Iterator[File | Problem]:
    """Yield what there is to read at and below `root`, in the order of the names, following links but no circles."""
    is_folder = os.path.isdir(root)  # noqa: PTH112  # the method of Path raises where permission is denied
    start = root.name if is_folder else f"{root.parent.name}/{root.name}".lstrip("/")
    waiting: list[tuple[Path, str, frozenset[tuple[int, int]]]] = [(root, start, frozenset())]
    while waiting:
        path, name, above = waiting.pop()
        file = File(path, unicodedata.normalize("NFC", name))  # some systems spell an accent apart: the id is the same
        try:
            info = path.stat()
            if stat.S_ISDIR(info.st_mode):
                this = (info.st_dev, info.st_ino)
                if this in above:
                    yield file.problem("is a link back to a folder above it")
                    continue
                inside = sorted((entry for entry in os.listdir(path) if entry[0] != "."), reverse=True)  # noqa: PTH208
                waiting += [(path / entry, f"{name}/{entry}".lstrip("/"), above | {this}) for entry in inside]
            elif _reader(name) is None:
                if path == root:
                    yield file.problem(f"is of a kind that is not read; these are: {', '.join(LOADERS)}")
            elif not stat.S_ISREG(info.st_mode):
                yield file.problem("is not a file that can be read to its end")
            elif shown(path) != str(path):
                yield file.problem("has a name that is not UTF-8: rename it, the name is needed for the article's id")
            else:
                yield file
        except OSError as exc:
            yield file.problem(f"cannot be read: {exc.strerror or exc}")


def _read(file: File) -> Iterator[Article | Problem]:
    reader = _reader(file.name)
    try:
        yield from reader(file) if reader else ()
    except InputError as exc:
        yield file.problem(str(exc))
    except OSError as exc:
        yield file.problem(f"cannot be read: {exc.strerror or exc}")


def _reader(name: str) -> Reader | None:
    return next((reader for ending, reader in LOADERS.items() if name.lower().endswith(ending)), None)
