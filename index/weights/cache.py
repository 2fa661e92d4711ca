"""Where model files lie on this machine, and whether they are the pinned ones. Nothing here opens a connection."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import threading
from pathlib import Path
from typing import TypedDict

import platformdirs

from index.errors import WeightsError
from index.weights.models import Model, ModelFile, get_model

_MARKER = "verified.json"  # what was hashed, and how the file looked then: `path` need not read a gigabyte each time


class Record(TypedDict):
    """How a file looked when its digest was found right."""

    size: int
    mtime_ns: int
    sha256: str


def cache_dir() -> Path:
    """Return the folder of all models: ARTICLE_QA_CACHE, else the user's cache folder. It may not exist yet."""
    return Path(os.environ.get("ARTICLE_QA_CACHE") or platformdirs.user_cache_dir("article-qa", appauthor=False))


def folder_of(model: Model) -> Path:
    """Return the model's folder in the cache. It may not exist yet."""
    return cache_dir() / model.folder


def path(name: str) -> Path:
    """Return the folder of a model whose files are all here with the pinned digests.

    Fast (some file stats) once the files have been hashed; a file that changed since is hashed again.
    Raises WeightsError if a file is missing or wrong.
    """
    model = get_model(name)
    folder = folder_of(model)
    good = check(model)
    wrong = [file.name for file in model.files if file.name not in good]
    damaged = [file for file in wrong if (folder / file).exists()]
    if damaged:
        raise WeightsError(f"{folder}: {', '.join(damaged)} is damaged: run `article-qa models fetch {name}`")
    if wrong:
        raise WeightsError(f"the model {name} is not here yet: run `article-qa models fetch {name}`")
    return folder


def installed(name: str) -> bool:
    """Whether `path` would answer."""
    model = get_model(name)
    return len(check(model)) == len(model.files)


def size(name: str) -> int:
    """Return the bytes that the model takes on the disk."""
    return get_model(name).size


def verify(name: str) -> list[tuple[str, bool]]:
    """Hash every file again. Return (file, whether it is here with the pinned digest), in the order of models.toml."""
    model = get_model(name)
    good = check(model, rehash=True)
    return [(file.name, file.name in good) for file in model.files]


def check(model: Model, *, rehash: bool = False) -> dict[str, Record]:
    """Return a record of each file that is here and right; hashes what is new or changed, or all (`rehash`)."""
    folder = folder_of(model)
    known = _read_marker(folder)
    good: dict[str, Record] = {}
    for file in model.files:
        with contextlib.suppress(OSError):  # missing or unreadable: not good
            record = _record(folder, file)
            fresh = rehash or known.get(file.name) != record
            if record["size"] == file.size and (not fresh or sha256_of(folder / file.name) == file.sha256):
                good[file.name] = record
    if good != known:
        with contextlib.suppress(OSError):  # a cache that may not be written is still a cache: it is hashed each time
            _write_marker(folder, good)
    return good


def mark(model: Model, file: ModelFile) -> None:
    """Record that the file has just been found right."""
    folder = folder_of(model)
    _write_marker(folder, {**_read_marker(folder), file.name: _record(folder, file)})


def sha256_of(file: Path) -> str:
    """Return the hex digest of a file. Raises OSError."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _record(folder: Path, file: ModelFile) -> Record:
    stat = (folder / file.name).stat()
    return Record(size=stat.st_size, mtime_ns=stat.st_mtime_ns, sha256=file.sha256)


def _read_marker(folder: Path) -> dict[str, Record]:
    try:
        marker = json.loads((folder / _MARKER).read_bytes())
    except (OSError, ValueError):  # missing or cut short: everything is hashed again
        return {}
    return marker if isinstance(marker, dict) else {}


def _write_marker(folder: Path, records: dict[str, Record]) -> None:
    temporary = folder / f"{_MARKER}.{os.getpid()}-{threading.get_ident()}"
    temporary.write_text(json.dumps(records, indent=1), encoding="utf-8")
    temporary.replace(folder / _MARKER)
