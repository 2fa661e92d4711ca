"""What the panes beside the conversation do on each event of the browser: the library, conversations, statistics, settings."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import gradio as gr
from gradio.utils import get_upload_folder

from index.errors import ArticleQAError
from index.intake import Intake
from index.loaders import LOADERS
from index.types import Article, Listed
from qa.conversations import Conversations
from qa.web import panels
from qa.web.line import Line
from qa.web.view import Conversation, Json

FILES_AT_ONCE = 200  # named in one event of the browser; its script sends fewer
ADDRESSES_CHARS = 200_000
REPORTS = ("*/report.html", "*/*/report.html", "*/answers.html")  # in the folder where evals are told to write


class Counted(Protocol):
    """What the page needs of `index.catalogue.Status`."""

    @property
    def articles(self) -> int:
        """Number of articles."""

    @property
    def sentences(self) -> int:
        """Number of sentences."""

    @property
    def pending(self) -> int:
        """Passages without a vector."""


class Library(Protocol):
    """What the page needs of `index.library.Library`."""

    def get(self, article_id: str) -> Article | None:
        """Return an article as stored now, or None."""

    def remove(self, article_id: str) -> bool:
        """Take an article out."""

    def listing(
        self, query: str = "", *, order: str = "date", down: bool = True, at: int = 0, limit: int = 50
    ) -> Sequence[Listed]:
        """Return a page of the articles."""

    def count(self, query: str = "") -> int:
        """Count what `listing` finds."""

    def months(self) -> Mapping[str, int]:
        """Return how many articles each month has."""

    def sources(self) -> Mapping[str, int]:
        """Return how many articles each source has, most first."""

    def status(self) -> Counted:
        """Count what is there."""

    def size(self) -> int:
        """Return the bytes it takes on disk."""


class Settings(Protocol):
    """What the page needs of `qa.settings.Settings`."""

    def shown(self) -> Mapping[str, Any]:
        """Every setting, secrets masked."""

    def model(self) -> str:
        """Who answers."""

    def apply(self, sent: Mapping[str, object]) -> None:
        """Use other settings. Raises ArticleQAError."""

    def save(self) -> str:
        """Keep them for the next start; return where. Raises ArticleQAError."""

    def probe(self, sent: Mapping[str, object]) -> str:
        """Test the model. Raises ArticleQAError."""


@dataclass(frozen=True)
class Parts:
    """What stands beside the asker. All of it is shared by everybody who has the page open."""

    kept: Conversations
    intake: Intake
    settings: Settings
    # Settings, fetching and reading again are only for pages that none but this machine's users can open.
    changeable: bool = True
    runs: Path | None = None  # where runs of the evals are looked for
    line: Line = field(default_factory=Line)


class Panes:
    """Opens and changes the panes. Each method returns the view to show in the reader."""

    def __init__(self, library: Library, parts: Parts, opened: Callable[[Json, Conversation], str]) -> None:
        self.library = library
        self.parts = parts
        self._opened = opened
        self._speed: list[tuple[float, int]] = []  # (seconds, passages without a vector) since that number last grew

    # ------------------------------------------------------------------------------------------------- the library

    def table(self, conversation: Conversation) -> str:
        """Open the library's table."""
        return self._shelf(panels.Wanted(), conversation)

    def find(self, conversation: Conversation, event: gr.EventData) -> str:
        """Search, sort or turn the page of the table."""
        return self._shelf(_wanted(event), conversation)

    def refresh(self, conversation: Conversation, event: gr.EventData) -> str:
        """Bring the table up to date while files are read and vectors are made."""
        return self._shelf(_wanted(event), conversation, refresh=True)

    def dropped(self, conversation: Conversation, event: gr.EventData) -> str:
        """Files were uploaded: read them in the background.

        A browser may claim any path, so only what lies in the folder of uploads is taken.
        """
        folder = Path(get_upload_folder()).resolve()
        files = []
        sent = _sent(event, "files")
        for one in (sent if isinstance(sent, list) else [])[:FILES_AT_ONCE]:
            name, path = (one.get("name"), one.get("path")) if isinstance(one, dict) else (None, None)
            if isinstance(name, str) and isinstance(path, str) and "\0" not in path:
                place = Path(path).resolve()
                if place.is_relative_to(folder) and place.is_file():
                    files.append((name, place))
        self.parts.intake.take(files)
        return self._shelf(_wanted(event), conversation, refresh=True)

    def fetch(self, conversation: Conversation, event: gr.EventData) -> str:
        """Web addresses were given: fetch them in the background, only where nobody else can open the page."""
        sent = _sent(event, "text")
        addresses = list(dict.fromkeys(sent[:ADDRESSES_CHARS].split())) if isinstance(sent, str) else []
        if not self.parts.changeable or not addresses:
            return self._shelf(_wanted(event), conversation, refresh=True)
        self.parts.intake.fetch(addresses[:FILES_AT_ONCE])
        left = len(addresses) - FILES_AT_ONCE
        note = f"Only the first {FILES_AT_ONCE} addresses were taken; {left:,} are left." if left > 0 else ""
        return self._shelf(_wanted(event), conversation, note=note)

    def reread(self, conversation: Conversation, event: gr.EventData) -> str:
        """Read an article once more from its file or its web address, only where nobody else can open the page."""
        article_id = _sent(event, "id")
        article = self.library.get(article_id) if isinstance(article_id, str) else None
        if article is None:
            return self._shelf(_wanted(event), conversation, note="That article was not in the library any more.")
        note = ""
        if not self.parts.changeable:
            note = "Articles are not read again while this page can be opened from other machines."
        elif article.file is None:
            note = f"“{article.title}” was dropped here, so there is no file to read again: drop it once more."
        else:
            self.parts.intake.reread(article)
        return self._shelf(_wanted(event), conversation, note=note)

    def clear(self, conversation: Conversation, event: gr.EventData) -> str:
        """Forget the files that have been read."""
        self.parts.intake.clear()
        return self._shelf(_wanted(event), conversation, refresh=True)

    def remove(self, conversation: Conversation, event: gr.EventData) -> str:
        """Take an article out of the library; the browser has asked whether it is meant."""
        article_id = _sent(event, "id")
        article = self.library.get(article_id) if isinstance(article_id, str) else None
        if article is None:
            return self._shelf(_wanted(event), conversation, note="That article was not in the library any more.")
        self.library.remove(article.id)
        note = f"Removed: {article.title}. Answers that cite it keep the quoted words."
        return self._shelf(_wanted(event), conversation, note=note)

    def _shelf(
        self, wanted: panels.Wanted, conversation: Conversation, *, note: str = "", refresh: bool = False
    ) -> str:
        status = self.library.status()
        found = self.library.count(wanted.query)
        last = max(0, -(-found // panels.ROWS) - 1)  # a page that has gone meanwhile: the last one instead
        wanted = panels.Wanted(wanted.query, wanted.order, wanted.down, min(wanted.page, last))
        rows = self.library.listing(
            wanted.query, order=wanted.order, down=wanted.down, at=wanted.page * panels.ROWS, limit=panels.ROWS
        )
        shelf = panels.Shelf(
            rows,
            found,
            status.articles,
            status.sentences,
            status.pending,
            self.parts.intake.arrivals(),
            self._left_s(status.pending),
            self.library.size(),
        )
        shown = panels.library_view(
            shelf, wanted, endings=list(LOADERS), fetches=self.parts.changeable, note=note, refresh=refresh
        )
        return self._opened(shown, conversation)

    def _left_s(self, pending: int) -> float | None:
        if not pending or (self._speed and pending > self._speed[-1][1]):
            self._speed = []
        if pending:
            self._speed = [*self._speed[-60:], (time.monotonic(), pending)]
        return panels.seconds_left(self._speed)

    # -------------------------------------------------------------------------------------------- conversations

    def talks(self, conversation: Conversation, current: str) -> str:
        """List the kept conversations."""
        return self._opened(panels.talks_view(self.parts.kept.headings(), current), conversation)

    # ----------------------------------------------------------------------------------- statistics and settings

    def statistics(self, conversation: Conversation) -> str:
        """Show what is in the library and how it has answered."""
        candidates = self.parts.kept.candidates()
        shown = panels.statistics_view(
            self.library.months(),
            self.parts.kept.timings(),
            report="/eval-report" if newest_report(self.parts.runs) else "",
            candidates=str(candidates) if candidates.exists() and self.parts.changeable else "",
        )
        return self._opened(shown, conversation)

    def settings(self, conversation: Conversation, said: str = "", *, well: bool = True) -> str:
        """Show the settings."""
        shown = panels.settings_view(
            self.parts.settings.shown(), changeable=self.parts.changeable, said=said, well=well
        )
        return self._opened(shown, conversation)

    def apply(self, conversation: Conversation, event: gr.EventData) -> str:
        """Change the settings, between two answers, and keep them for the next start if that is wanted."""
        if not self.parts.changeable:
            return self.settings(conversation)
        key = f"settings {time.monotonic_ns()}"
        self.parts.line.join(key)
        try:
            while self.parts.line.ahead(key):
                self.parts.line.wait(0.5)
            self.parts.settings.apply(_settings(event))
        except ArticleQAError as error:
            return self.settings(conversation, f"Not changed: {error}", well=False)
        finally:
            self.parts.line.leave(key)
        said = "Changed. The next question is answered with these settings."
        if _sent(event, "keep") is not True:
            return self.settings(conversation, said)
        try:
            return self.settings(conversation, f"{said} {self.parts.settings.save()}")
        except ArticleQAError as error:
            return self.settings(conversation, f"Changed until the program ends, but not saved: {error}", well=False)

    def probe(self, conversation: Conversation, event: gr.EventData) -> str:
        """Test the model of the settings in the form, without using them."""
        if not self.parts.changeable:
            return self.settings(conversation)
        try:
            said, well = self.parts.settings.probe(_settings(event)), True
        except ArticleQAError as error:
            said, well = f"It does not work: {error}", False
        return self.settings(conversation, said, well=well)


def newest_report(runs: Path | None) -> Path | None:
    """The newest report below `runs`: of a run, or of the suite over several."""
    files = [file for pattern in REPORTS for file in runs.glob(pattern)] if runs else []
    return max(files, key=lambda file: file.stat().st_mtime, default=None)


def _sent(event: gr.EventData, name: str) -> object:
    return getattr(event, name, None)


def _wanted(event: gr.EventData) -> panels.Wanted:
    return panels.Wanted.of({name: _sent(event, name) for name in ("query", "order", "down", "page")})


def _settings(event: gr.EventData) -> dict[str, object]:
    names = ("llm", "llm_url", "llm_model", "llm_key", "evidence", "answer_tokens")
    return {name: _sent(event, name) for name in names}
