"""What a reader hands over -> articles of the library, one thing after another in the background, with a word on each.

The library keeps the texts; an uploaded file is gone when it is read. An article that came from a file of this machine or from
the web can be read again. What a file is called comes from outside and is made safe here before it becomes part of a path.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path, PurePath

from index.errors import ArticleQAError, InputError
from index.library import Added
from index.loaders import LOADERS, Problem, load, url
from index.types import Arrival, Article

KEPT = 200  # files whose outcome is remembered
DEPTH, LENGTH = 20, 200  # folders in a file's name, and characters in each: what is more is cut
CLOSE_S = 5.0  # seconds that the end waits for what is being read: a page may be on its way
UNNAMED_FOLDER = "added"  # a single file comes without its folder, and an id is the folder's name and the file's
_log = logging.getLogger(__name__)


class Intake:
    """Adds files to a library in one thread of its own. Thread safe."""

    def __init__(self, add: Callable[[Iterable[Article]], Added]) -> None:
        """Use `Library.add`, or what does the same."""
        self._add = add
        self._arrivals: dict[int, Arrival] = {}
        self._waiting: deque[tuple[int, Callable[[], Iterator[Article | Problem]]]] = deque()
        self._numbers = count(1)
        self._change = threading.Condition()
        self._closing = False
        self._thread: threading.Thread | None = None

    def take(self, files: Sequence[tuple[str, Path]]) -> None:
        """Queue files as (the name that a reader knows, with "/" between folders; where it lies). They are deleted when read."""
        self._queue((safe_name(name), partial(_handed_over, safe_name(name), path)) for name, path in files)

    def fetch(self, addresses: Iterable[str]) -> None:
        """Queue web addresses."""
        self._queue((_line(address), partial(url.load, address)) for address in addresses)

    def reread(self, article: Article) -> None:
        """Queue an article that has a `file`, to be read from there again. Raises InputError for any other."""
        if article.file is None:
            raise InputError(f"“{article.title}” was handed over on the page, so there is no file to read again")
        name = (
            article.file if url.is_web(article.file) else PurePath(article.file).name
        )  # where it lies is nobody else's matter
        self._queue([(_line(name), partial(again, article))])

    def _queue(self, jobs: Iterable[tuple[str, Callable[[], Iterator[Article | Problem]]]]) -> None:
        with self._change:
            for name, job in jobs:
                number = next(self._numbers)
                self._arrivals[number] = Arrival(number, name)
                self._waiting.append((number, job))
            for number in [n for n, one in self._arrivals.items() if one.state in {"done", "failed"}][:-KEPT]:
                del self._arrivals[number]
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="intake", daemon=True)
                self._thread.start()
            self._change.notify_all()

    def arrivals(self) -> tuple[Arrival, ...]:
        """Return every remembered file, in the order of their coming."""
        with self._change:
            return tuple(self._arrivals.values())

    @property
    def busy(self) -> bool:
        """True while a file waits or is read."""
        return any(one.state in {"waiting", "reading"} for one in self.arrivals())

    def clear(self) -> None:
        """Forget the files that are done with."""
        with self._change:
            self._arrivals = {n: one for n, one in self._arrivals.items() if one.state in {"waiting", "reading"}}

    def close(self) -> None:
        """End after the article that is being added, in CLOSE_S at the latest; what still waits is not added."""
        with self._change:
            self._closing = True
            self._change.notify_all()
        if self._thread is not None:
            self._thread.join(CLOSE_S)

    def _work(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._closing or self._waiting)
                if self._closing:
                    return
                number, job = self._waiting.popleft()
            self._note(number, state="reading")
            try:
                self._read(number, job)
            except ArticleQAError as exc:
                self._note(number, state="failed", said=str(exc))
            except OSError as exc:  # without the place where the file lay for a moment
                self._note(number, state="failed", said=f"cannot be read: {exc.strerror or type(exc).__name__}")
            except Exception:  # noqa: BLE001  # the thread must outlive any one file, whatever a loader trips over
                _log.exception("a file could not be added")
                self._note(number, state="failed", said="could not be read: an unexpected error; the log has more")

    def _read(self, number: int, job: Callable[[], Iterator[Article | Problem]]) -> None:
        totals = {"added": 0, "updated": 0, "unchanged": 0}
        problems: list[str] = []
        for item in job():
            if self._closing:
                return
            if isinstance(item, Problem):
                problems.append(item.reason)
                continue
            done = self._add([item])
            for name in totals:
                totals[name] += getattr(done, name)
            self._note(number, articles=sum(totals.values()))
        said = "; ".join([*filter(None, (_summary(totals),)), *problems[:3]])
        if len(problems) > 3:
            said += f"; and {len(problems) - 3} more problems"
        failed = bool(problems) and not any(totals.values())
        self._note(number, state="failed" if failed else "done", said=said or "holds no article")

    def _note(self, number: int, **changes: object) -> None:
        with self._change:
            self._arrivals[number] = replace(self._arrivals[number], **changes)  # type: ignore[arg-type]


def _handed_over(name: str, path: Path) -> Iterator[Article | Problem]:
    """Load a file that lies at `path` for a moment, which says nothing: the articles have no file. It is deleted."""
    try:
        for item in _loaded(name, path):
            yield item if isinstance(item, Problem) else replace(item, file=None)
    finally:
        path.unlink(missing_ok=True)


def again(article: Article) -> Iterator[Article | Problem]:
    """Load what is now in the article's file or at its address, under the id that it has."""
    place = article.file or ""
    if not url.is_web(place) and not Path(place).exists():
        yield Problem(place, "is not there any more: the article stays as it was")
        return
    several = place.lower().endswith((".jsonl", ".jsonl.gz")) and not url.is_web(place)
    for item in url.load(place) if url.is_web(place) else load(Path(place)):
        if isinstance(item, Article) and several and item.id != article.id:
            continue
        yield item if isinstance(item, Problem) else replace(item, id=article.id)
        if isinstance(item, Article):
            return
    if several:
        yield Problem(place, f"has no line with the id {article.id!r} any more: the article stays as it was")


def _loaded(name: str, path: Path) -> Iterator[Article | Problem]:
    """Load the file under the path that its name asks for, so that its article's id is that of `article-qa add` on its folder."""
    if not name.lower().endswith(tuple(LOADERS)):
        yield Problem(name, f"is of a kind that is not read; these are: {', '.join(LOADERS)}")
        return
    with tempfile.TemporaryDirectory(prefix="article-qa-") as folder:
        parts = name.split("/")
        if len(parts) == 1:
            parts = [UNNAMED_FOLDER, *parts]
        place = Path(folder, *parts)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)
        yield from load(Path(folder, parts[0]))


def _summary(totals: dict[str, int]) -> str:
    """Such as "2 added, 1 replaced"."""
    words = {"added": "added", "updated": "replaced", "unchanged": "already there"}
    if sum(totals.values()) == 1:
        return next(words[name] for name, number in totals.items() if number)
    return ", ".join(f"{number:,} {words[name]}" for name, number in totals.items() if number)


def _line(text: str) -> str:
    """The text as one line that can be shown."""
    return "".join(c for c in text.encode("utf-8", "replace").decode() if c.isprintable())[:300]


def safe_name(name: str) -> str:
    """Return a relative path of plain names: no way up, no hidden file, nothing that a file system refuses."""
    whole = name.encode("utf-8", "replace").decode().replace("\\", "/")
    parts = ("".join(c for c in part if c.isprintable()).strip().lstrip(".") for part in whole.split("/"))
    kept = [_cut(part) for part in parts if part]
    return "/".join(kept[-DEPTH:]) or "unnamed"


def _cut(part: str) -> str:
    """Shorten in the middle, so that the ending, which names the format, stays. Counted in bytes: file systems do."""
    raw = part.encode()
    if len(raw) <= LENGTH:
        return part
    return raw[: LENGTH - 40].decode(errors="ignore") + raw[-40:].decode(errors="ignore")
