"""A served page, and a person with a browser window who looks at it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, cast
from unittest import mock
from weakref import WeakSet

import pytest
from playwright.sync_api import Page, expect
from scripted import FixedSettings

from index.intake import Intake
from qa.conversations import Conversations
from qa.web import page
from qa.web.handlers import Asks
from qa.web.panes import Parts

# Gradio counts its calls with pandas, in ways that pandas 3 warns about.
GRADIO_WARNS = [
    pytest.mark.filterwarnings("ignore:'future.no_silent_downcasting' is deprecated"),
    pytest.mark.filterwarnings("ignore:The copy keyword is deprecated"),
]
CHROMIUM = "/usr/bin/chromium"
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@contextmanager
def parts_of(asker: Asks, folder: Path | None = None, **given: Any) -> Iterator[Parts]:  # noqa: ANN401
    """What stands beside an asker, in a folder of its own unless one is given."""
    with TemporaryDirectory() as temporary:
        intake = Intake(cast("Any", asker.library).add)
        settings = given.pop("settings", None) or FixedSettings()
        try:
            yield Parts(Conversations(folder or Path(temporary)), intake, settings, **given)
        finally:
            intake.close()


@contextmanager
def serving(asker: Asks, folder: Path | None = None, **given: Any) -> Iterator[str]:  # noqa: ANN401
    """The page at a free port of this machine."""
    with parts_of(asker, folder, **given) as parts, _served(asker, parts) as url:
        yield url


@contextmanager
def _served(asker: Asks, parts: Parts) -> Iterator[str]:
    loops: list[asyncio.AbstractEventLoop] = []
    make = asyncio.new_event_loop

    def made() -> asyncio.AbstractEventLoop:
        loops.append(make())
        return loops[-1]

    with mock.patch("asyncio.new_event_loop", made):
        blocks = page.build(asker, parts)
        url = page.launch(blocks, host="127.0.0.1", port=free_port(), runs=parts.runs)
    try:
        yield url
    finally:
        for reader in list(Reader.everyone):  # a page that is still listening would complain that its server has gone
            reader.close(url)
        blocks.close(verbose=False)
        for loop in loops:  # Gradio makes some that it never uses and never closes
            if not loop.is_running():
                loop.close()


@dataclass
class Seen:
    """What a browser did beside showing the page."""

    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)  # console errors and uncaught exceptions

    def watch(self, tab: Page) -> None:
        tab.on("request", lambda request: self.requests.append(request.url))
        tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        tab.on("console", lambda m: self.complaints.append(m.text) if m.type in {"error", "warning"} else None)


class Reader:
    """A person with a browser window."""

    everyone: ClassVar[WeakSet[Reader]] = WeakSet()

    def __init__(self, tab: Page, seen: Seen) -> None:
        self.tab = tab
        self.seen = seen
        self.everyone.add(self)

    def open(self, url: str) -> None:
        self.tab.goto(url)
        self.tab.wait_for_selector(".welcome")

    def close(self, url: str) -> None:
        """Close the window, if it is open on this page."""
        if not self.tab.is_closed() and self.tab.url.startswith(url):
            self.tab.context.close()

    def write(self, question: str) -> None:
        self.tab.get_by_label("Your question").fill(question)
        self.tab.keyboard.press("Enter")

    def ask(self, question: str) -> None:
        before = self.tab.locator(".exchange").count()
        self.write(question)
        expect(self.tab.locator(".exchange")).to_have_count(before + 1)
        expect(self.tab.locator(".exchange.running")).to_have_count(0, timeout=60_000)

    def texts(self, selector: str) -> list[str]:
        return [(text or "") for text in self.tab.locator(selector).evaluate_all("all => all.map(n => n.textContent)")]

    def in_view(self, selector: str) -> bool:
        """True if the whole element lies inside its scrolling box and the window."""
        return bool(
            self.tab.locator(selector).evaluate(
                """n => { const a = n.getBoundingClientRect(), b = n.closest('.scroll').getBoundingClientRect();
                    return a.height > 0 && a.top >= b.top && a.bottom <= Math.min(b.bottom, innerHeight); }"""
            )
        )
