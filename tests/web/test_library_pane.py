"""Web addresses and re-reading in the library's pane, in a real browser."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pages
import pytest
from axe_playwright_python.sync_playwright import Axe
from browsing import GRADIO_WARNS, Reader, serving
from pages import FIRST, PAGE, Site
from playwright.sync_api import expect
from scripted import ARTICLES, BRIDGE, DOHA, ScriptedAsker, Shelf

from index.types import Listed

pytest_plugins = ("windows",)
pytestmark = [pytest.mark.browser, *GRADIO_WARNS]


@pytest.fixture
def site() -> Iterator[Site]:
    with pages.site() as made:
        yield made


@pytest.fixture
def fresh(window: Callable[..., Reader]) -> Iterator[tuple[Reader, ScriptedAsker]]:
    asker = ScriptedAsker()
    with serving(asker) as url:
        reader = window()
        reader.open(url)
        open_library(reader)
        yield reader, asker


Fresh = tuple[Reader, ScriptedAsker]


def open_library(reader: Reader) -> None:
    reader.tab.locator("[data-event=library]").click()
    expect(reader.tab.locator("#reader h2")).to_be_focused()


def test_web_addresses_are_fetched_and_each_gets_a_word(fresh: Fresh, site: Site) -> None:
    reader, _ = fresh
    address = site.put("/bridge", PAGE)
    box = reader.tab.get_by_label("Web addresses")
    box.fill(f"{address}\n{site.url}/none ftp://example.org/x")
    box.press("Enter")
    expect(reader.tab.locator(".progress")).to_contain_text("3 of 3 files read, 2 not added")
    assert reader.texts(".files li") == [
        "ftp://example.org/xNot added: is no web address: it begins with http:// or https://",
        f"{site.url}/noneNot added: the server answers 404 Not Found: look whether the address is right",
        f"{address}Done: added",
    ]
    expect(box).to_have_value("")
    expect(reader.tab.locator("#reader h2")).to_have_text("4 articles")
    reader.tab.get_by_role("button", name="Bridge repair to cost more", exact=True).click()
    expect(reader.tab.locator("#reader .link a")).to_have_attribute("href", address)
    assert reader.texts("#reader .kicker") == ["3 May 2024 · The Sarn Herald"]
    assert FIRST in reader.texts("#reader .text")[0]
    assert not any(
        request.startswith(site.url) for request in reader.seen.requests
    )  # the program fetches, never the page


def test_pages_are_dropped_like_any_file(fresh: Fresh, tmp_path: Path) -> None:
    reader, asker = fresh
    (tmp_path / "bridge.html").write_text(PAGE, "utf-8")
    reader.tab.locator("#aq-files").set_input_files(tmp_path / "bridge.html")
    expect(reader.tab.locator(".files li")).to_have_text(["bridge.htmlDone: added"])
    assert asker.library.held["added/bridge.html"].source == "The Sarn Herald"
    assert ".html" in reader.texts(".part-kinds")[0]


def test_an_article_is_read_again_from_where_it_came(fresh: Fresh, site: Site, tmp_path: Path) -> None:
    reader, asker = fresh
    file = tmp_path / "bridge.txt"
    file.write_text("The bridge is open again.", "utf-8")
    asker.library.held[BRIDGE.id] = replace(BRIDGE, file=str(file))
    reader.tab.get_by_role("button", name=f"Read again: {BRIDGE.title}").click()
    expect(reader.tab.locator(".files li")).to_have_text(["bridge.txtDone: replaced"])
    assert asker.library.held[BRIDGE.id].text == "The bridge is open again."
    reader.tab.get_by_role("button", name=f"Read again: {DOHA.title}").click()
    expect(reader.tab.locator(".files li").first).to_contain_text("Not added")
    expect(reader.tab.locator(".files li").first).to_contain_text("is not there any more")
    assert asker.library.held[DOHA.id] is DOHA


def test_what_was_dropped_says_that_it_cannot_be_read_again(fresh: Fresh) -> None:
    reader, asker = fresh
    assert asker.library.held[BRIDGE.id].file is None
    asker.library.pending = 7  # the table is brought up to date every second
    reader.tab.get_by_role("button", name=f"Read again: {BRIDGE.title}").click()
    expect(reader.tab.locator(".library .part-note")).to_contain_text("drop it once more")
    assert reader.texts(".files li") == []
    asker.library.pending = 0
    expect(reader.tab.locator("td.state").first).to_have_text(
        "Ready"
    )  # brought up to date, and the note is still there
    expect(reader.tab.locator(".library .part-note")).to_contain_text("drop it once more")
    search = reader.tab.get_by_label("Search the library")
    search.press_sequentially("x" * 203)
    assert len(search.input_value()) == 200
    expect(reader.tab.locator(".library .part-note")).to_have_text("")  # what has been done since is something else


def test_where_others_can_open_the_page_nothing_is_fetched(window: Callable[..., Reader], site: Site) -> None:
    asker = ScriptedAsker()
    address = site.put("/bridge", PAGE)
    asker.library.held[BRIDGE.id] = replace(BRIDGE, file=address)
    with serving(asker, changeable=False) as url:
        reader = window()
        reader.open(url)
        open_library(reader)
        expect(reader.tab.get_by_label("Web addresses")).to_have_count(0)
        expect(reader.tab.locator(".part-web")).to_have_text(
            "Web addresses cannot be added here, because this page can be opened from other machines."
        )
        expect(reader.tab.get_by_role("button", name="Remove: ")).to_have_count(3)
        expect(reader.tab.get_by_role("button", name="Read again")).to_have_count(0)
        assert site.asked == []


class SlowShelf(Shelf):
    """A library whose whole listing takes its time, once it is told to."""

    def __init__(self) -> None:
        super().__init__(ARTICLES)
        self.slow, self.begun, self.ended = Event(), Event(), Event()

    def listing(self, query: str = "", **given: Any) -> list[Listed]:  # noqa: ANN401
        if not query and self.slow.is_set():
            self.begun.set()
            time.sleep(1.5)
            self.ended.set()
        return super().listing(query, **given)


def test_a_late_answer_does_not_undo_a_search(window: Callable[..., Reader]) -> None:
    asker = ScriptedAsker()
    asker.library = shelf = SlowShelf()
    shelf.pending = 7  # the table is brought up to date every second
    with serving(asker) as url:
        reader = window()
        reader.open(url)
        open_library(reader)
        expect(reader.tab.locator("tbody tr")).to_have_count(3)
        shelf.slow.set()
        while not shelf.begun.wait(0.01):
            reader.tab.wait_for_timeout(20)
        reader.tab.get_by_label("Search the library").fill("sarn")
        expect(reader.tab.locator("tbody tr")).to_have_count(1)
        while not shelf.ended.wait(0.01):
            reader.tab.wait_for_timeout(20)
        reader.tab.wait_for_timeout(1500)  # the late answer comes, and after it the next one
        assert len(reader.texts("tbody tr")) == 1
        reader.tab.get_by_role("button", name="Title", exact=True).click()
        expect(reader.tab.locator("thead th.title")).to_have_attribute("aria-sort", "ascending")
        assert len(reader.texts("tbody tr")) == 1
        shelf.pending = 0  # nothing is asked any more when the server ends
        expect(reader.tab.locator("td.state")).to_have_text("Ready")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(window: Callable[..., Reader], site: Site, theme: str) -> None:
    with serving(ScriptedAsker()) as url:
        reader = window(theme=theme)
        reader.open(url)
        open_library(reader)
        reader.tab.get_by_label("Web addresses").fill(f"{site.url}/none")
        reader.tab.get_by_role("button", name="Fetch").click()
        expect(reader.tab.locator(".files .failed")).to_have_count(1)
        found = Axe().run(reader.tab).response["violations"]
        assert [one["id"] for one in found if one["impact"] in {"serious", "critical"}] == []


@pytest.mark.parametrize("width", [390, 640])
def test_it_fits_a_narrow_window(fresh: Fresh, width: int) -> None:
    reader, _ = fresh
    reader.tab.set_viewport_size({"width": width, "height": 700})
    reader.tab.get_by_label("Web addresses").fill("https://herald.example/" + "a-very-long-address/" * 20)
    widest = reader.tab.evaluate(
        "Math.max(...[...document.querySelectorAll('#reader *:not(.unseen)')].filter(n => n.checkVisibility())"
        ".map(n => n.getBoundingClientRect().right))"
    )
    assert widest <= width
