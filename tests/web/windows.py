"""Browser windows for the tests of the page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from browsing import CHROMIUM, QUIET, Reader, Seen, serving
from playwright.sync_api import Browser, sync_playwright
from scripted import ScriptedAsker


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def window(browser: Browser) -> Iterator[Callable[..., Reader]]:
    """Makes windows, each with its own session; at the end none may have complained or asked anything of the outside."""
    readers: list[Reader] = []

    def make(*, theme: str = "light", width: int = 1280, height: int = 800, **given: Any) -> Reader:  # noqa: ANN401
        scheme: Any = theme
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, **given)
        context.set_default_timeout(20_000)
        seen = Seen()
        tab = context.new_page()
        seen.watch(tab)
        readers.append(Reader(tab, seen))
        return readers[-1]

    yield make
    for reader in readers:
        reader.tab.context.close()
        assert reader.seen.complaints == []
        outside = [u for u in reader.seen.requests if not re.match(r"http://127\.0\.0\.1:\d+/|data:|blob:", u)]
        assert outside == []
        assert reader.seen.requests


@pytest.fixture(scope="module")
def asker() -> ScriptedAsker:
    return ScriptedAsker()


@pytest.fixture(scope="module")
def url(asker: ScriptedAsker) -> Iterator[str]:
    with serving(asker) as url:
        yield url


@pytest.fixture
def reader(window: Callable[..., Reader], url: str) -> Reader:
    reader = window()
    reader.open(url)
    return reader
