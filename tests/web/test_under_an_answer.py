"""What stands under an answer: statements that do not agree, the time that narrowed the question, how it was found."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from browsing import GRADIO_WARNS, Reader, serving
from playwright.sync_api import expect
from scripted import BRIDGE, DOHA, INVESTED, ScriptedAsker

from qa.conversations import Conversations

pytest_plugins = ("windows",)
pytestmark = [pytest.mark.browser, *GRADIO_WARNS]
COSTS = "The repair costs $6.4 million, the city said."


@pytest.fixture
def fresh(window: Callable[..., Reader], tmp_path: Path) -> Iterator[tuple[Reader, ScriptedAsker]]:
    """A window on a page of its own, which keeps its conversations in tmp_path."""
    asker = ScriptedAsker()
    with serving(asker, tmp_path) as url:
        reader = window()
        reader.open(url)
        yield reader, asker


Fresh = tuple[Reader, ScriptedAsker]


def serious(reader: Reader) -> list[tuple[str, str]]:
    found = Axe().run(reader.tab).response["violations"]
    return [
        (one["id"], str(one["nodes"][0]["html"])[:300]) for one in found if one["impact"] in {"serious", "critical"}
    ]


# --- statements that do not agree --------------------------------------------------------------------------------


def test_statements_that_differ_stand_side_by_side_and_open_their_articles(fresh: Fresh) -> None:
    reader, _ = fresh
    reader.ask("where do they differ?")
    assert reader.texts(".differ h3") == ["Here the articles do not agree"]
    assert reader.texts(".side .value") == ["$ 3 billion", "$6.4 millionlatera correction"]
    assert reader.texts(".note-tag") == ["later", "a correction"]
    assert reader.texts(".side q") == [INVESTED, COSTS]
    assert reader.texts(".side .day") == ["1 September 2021", "3 May 2024"]
    assert reader.texts(".side .source") == ["1 September 2021", DOHA.title, "3 May 2024 · cited as [1]", BRIDGE.title]
    left, right = (reader.tab.locator(".sides li").nth(n).bounding_box() for n in (0, 1))
    assert left is not None
    assert right is not None
    assert left["y"] == right["y"]  # beside each other, as high as each other
    assert left["height"] == right["height"]
    assert left["x"] + left["width"] < right["x"]
    reader.tab.locator(".side").first.click()
    expect(reader.tab.locator("mark.hit")).to_have_text(INVESTED)
    expect(reader.tab.locator("mark.hit")).to_be_focused()
    expect(reader.tab.locator(".place")).to_have_text("Statement 1 of 2")
    expect(reader.tab.locator(".side").first).to_have_attribute("aria-current", "true")
    reader.tab.keyboard.press("j")
    expect(reader.tab.locator("mark.hit")).to_have_text(COSTS)
    reader.tab.keyboard.press("Escape")
    expect(reader.tab.locator(".side").nth(1)).to_be_focused()


def test_on_a_phone_they_stand_under_each_other(window: Callable[..., Reader]) -> None:
    with serving(ScriptedAsker()) as url:
        reader = window(width=390, height=844)
        reader.open(url)
        reader.ask("where do they differ?")
        first, second = (reader.tab.locator(".sides li").nth(n).bounding_box() for n in (0, 1))
        assert first is not None
        assert second is not None
        assert first["x"] == second["x"]
        assert first["y"] + first["height"] <= second["y"]
        assert second["x"] + second["width"] <= 390


def test_they_are_kept_and_saved_with_the_answer(fresh: Fresh, tmp_path: Path) -> None:
    reader, _ = fresh
    reader.ask("where do they differ?")
    reader.tab.locator(".exchange .save summary").click()
    with reader.tab.expect_download() as waited:
        reader.tab.get_by_role("button", name="JSON").click()
    waited.value.save_as(tmp_path / "saved.json")
    [row] = json.loads((tmp_path / "saved.json").read_text("utf-8"))
    assert [one["value"] for one in row["disagreement"]["statements"]] == ["$ 3 billion", "$6.4 million"]
    assert row["links"] == {BRIDGE.id: BRIDGE.url}
    reader.tab.get_by_role("button", name="New conversation").click()
    expect(reader.tab.locator(".exchange")).to_have_count(0)
    reader.tab.get_by_role("navigation").get_by_role("button", name="Conversations").click()
    reader.tab.locator(".reopen").click()
    expect(reader.tab.locator(".side")).to_have_count(2)
    reader.tab.locator(".side").first.click()
    expect(reader.tab.locator("mark.hit")).to_have_text(INVESTED)


# --- the time that a question names ------------------------------------------------------------------------------


def test_a_time_in_the_question_is_a_chip_that_can_be_taken_off_and_put_back(fresh: Fresh, tmp_path: Path) -> None:
    reader, asker = fresh
    reader.ask("what did it cost last week?")
    assert reader.texts(".chip") == ["Only articles of “last week”×"]
    assert reader.texts(".say") == ["Nothing was found."]
    assert "Only a part of the library was asked." in reader.texts(".slot-message .why")[0]
    reader.tab.get_by_role("button", name="Take off “last week” and ask again").click()
    expect(reader.tab.locator(".chip")).to_contain_text("Not narrowed to “last week”")
    expect(reader.tab.locator(".claim")).to_have_text("It costs $6.4 million.\u2060[1]")
    assert reader.texts(".exchange h2") == ["what did it cost last week?"]  # in its own place
    assert asker.narrows == [True, False]
    reader.tab.get_by_role("button", name="Ask again", exact=True).click()  # the same as before: without the time
    expect(reader.tab.locator(".claim a[href='#cite-3-1']")).to_have_count(1)
    assert asker.narrows == [True, False, False]
    [(kept,)] = [Conversations(tmp_path).get(one.id) for one in Conversations(tmp_path).headings()]
    assert kept.within == ""
    reader.tab.get_by_role("button", name="Narrow it to “last week” again").click()
    expect(reader.tab.locator(".say")).to_have_text("Nothing was found.")
    assert asker.narrows[-1] is True
    reader.tab.get_by_role("button", name="Take off “last week” and ask again").focus()
    reader.tab.keyboard.press("Enter")
    expect(reader.tab.get_by_label("Your question")).to_be_focused()  # the button has gone with the old answer
    expect(reader.tab.locator(".claim")).to_have_count(1)
    reader.tab.get_by_role("button", name="Narrow it to “last week” again").click()
    expect(reader.tab.locator(".say")).to_have_text("Nothing was found.")
    reader.ask("how much does it cost?")  # the next question has no time: no chip, and nothing left of the old one
    assert asker.narrows[-1] is True
    assert reader.texts(".chip button") == ["×"]
    expect(reader.tab.locator(".chip button")).not_to_be_visible()  # only the newest question is asked again
    [(first, _)] = [Conversations(tmp_path).get(one.id) for one in Conversations(tmp_path).headings()]
    assert first.within == "“last week”"


# --- how it was found --------------------------------------------------------------------------------------------


def test_how_it_was_found_is_unfolded_and_opens_the_passages(fresh: Fresh) -> None:
    reader, _ = fresh
    reader.ask("where do they differ?")
    assert not reader.tab.locator(".found ol").is_visible()
    reader.tab.get_by_text("How it was found").click()
    assert reader.texts(".found > .why") == ["2 passages · searched in 40 ms · all evidence after 120 ms"]
    assert reader.texts(".found .number") == ["1", "2"]
    assert reader.texts(".found .head") == [f"3 May 2024 · {BRIDGE.title}", f"1 September 2021 · {DOHA.title}"]
    assert reader.texts(".found .scores") == ["bm25 4.500dense 0.610rrf 0.033rerank 6.250", "hop 2.000"]
    assert reader.texts(".found .source:not(.head)") == [
        "found by its words and its meaning, read together with the question",
        "led to by what a better passage names, read together with the passage that led to it",
    ]
    reader.tab.locator(".found a").nth(1).click()
    expect(reader.tab.locator("mark.hit")).to_have_text(INVESTED)
    expect(reader.tab.locator(".place")).to_have_text("Passage 2 of 2")
    assert reader.tab.locator(".found ol").is_visible()  # still unfolded


# --- manners -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_what_is_new(window: Callable[..., Reader], theme: str) -> None:
    with serving(ScriptedAsker()) as url:
        reader = window(theme=theme)
        reader.open(url)
        reader.ask("where do they differ?")
        reader.tab.get_by_text("How it was found").click()
        reader.ask("what did it cost last week?")
        assert serious(reader) == []
        reader.tab.locator(".exchange:last-child .chip button").click()
        expect(reader.tab.locator(".chip.widened")).to_have_count(1)
        expect(reader.tab.locator(".exchange.running")).to_have_count(0)
        assert serious(reader) == []


@pytest.mark.parametrize("width", [390, 640])
def test_nothing_of_it_is_wider_than_the_window(window: Callable[..., Reader], width: int) -> None:
    with serving(ScriptedAsker()) as url:
        reader = window(width=width, height=800 if width == 390 else 400)
        reader.open(url)
        reader.ask("where do they differ?")
        reader.tab.get_by_text("How it was found").click()
        reader.ask("what did it cost last week?")
        widest = reader.tab.evaluate(
            "Math.max(...[...document.querySelectorAll('#talk *')].filter(n => n.checkVisibility())"
            ".map(n => n.getBoundingClientRect().right))"
        )
        assert widest <= width
        assert re.search("last week", reader.texts(".chip")[0])
