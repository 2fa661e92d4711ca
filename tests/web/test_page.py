"""The page in a real browser, over a scripted asker; at the end over the real one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from browsing import GRADIO_WARNS, Reader, serving
from playwright.sync_api import expect
from scripted import BRIDGE, DOHA, EVIL, EVIL_QUOTE, INVESTED, LEAD, MET, SAFETY, STEPS, ScriptedAsker

from index.library import Library
from index.loaders import load
from index.types import Article
from qa.answer import Asker
from qa.config import Config
from qa.settings import Settings
from qa.types import Turn
from qa.web import page, view

SAMPLES = Path(__file__).parents[2] / "samples"
pytest_plugins = ("windows",)
pytestmark = GRADIO_WARNS

# --- asking ------------------------------------------------------------------------------------------------------


@pytest.mark.browser
def test_the_first_view_says_what_is_asked_and_who_answers(reader: Reader) -> None:
    assert reader.texts(".masthead button") == [
        "New conversation",
        "Conversations",
        "3 articles",
        "Statistics",
        "Settings",
    ]
    assert reader.texts(".masthead .model") == ["Scripted model"]
    assert reader.texts(".example") == ["Who did Mittal meet?"]
    assert reader.tab.title() == "Article QA"


@pytest.mark.browser
def test_evidence_comes_before_the_answer_and_turns_into_citations(window: Callable[..., Reader]) -> None:
    asker = ScriptedAsker()
    with serving(asker) as url:
        reader = window()
        reader.open(url)
        reader.write("hold: who did Mittal meet?")
        expect(reader.tab.locator(".sentences.near li")).to_have_count(3)
        assert reader.texts(".stage") == ["Reading the closest sentences"]
        assert re.fullmatch(r"\d+\.\d s", reader.texts(".clock")[0])
        assert reader.texts(".answer-text") == reader.texts(".sentences.cite") == []
        asker.go_on.set()
        expect(reader.tab.locator(".sentences.cite li")).to_have_count(2)
        assert reader.texts(".claim") == [
            "Deepak Mittal met Sher Mohammad Abbas Stanekzai.\u2060[1]",
            "They spoke about the security of Indians.\u2060[1]\u2060[2]",
        ]
        assert reader.texts(".talk > .exchange section h3") == ["Cited sentences"]
        assert reader.texts(".stage") == ["Answered from 2 sentences in 1 article · 4.3 s"]


@pytest.mark.browser
def test_what_lies_near_is_there_at_once_even_in_the_line(window: Callable[..., Reader]) -> None:
    asker = ScriptedAsker()
    with serving(asker) as url:
        first, second = window(), window()
        first.open(url)
        second.open(url)
        first.write("glimpse: hold: who did Mittal meet?")
        expect(first.tab.locator(".sentences.near q")).to_have_text([INVESTED])
        assert first.texts(".exchange section h3") == ["Closest at first sight"]
        expect(first.tab.locator(".stage")).to_have_text("Searching the articles")
        second.write("glimpse: how much does it cost?")
        expect(second.tab.locator(".stage")).to_have_text("Waiting for its turn · 1 question before it")
        expect(second.tab.locator(".sentences.near q")).to_have_text([INVESTED])
        second.tab.locator(".sentences.near a").click()  # what waits can be read meanwhile
        expect(second.tab.locator("mark.hit")).to_have_text(INVESTED)
        asker.search_on.set()
        expect(first.tab.locator(".sentences.near q")).to_have_count(3)  # better ones take its place
        assert first.texts(".exchange section h3") == ["Closest sentences"]
        asker.go_on.set()
        expect(second.tab.locator(".claim")).to_have_text("It costs $6.4 million.\u2060[1]")
        expect(second.tab.locator(".claim strong")).to_have_text("$6.4 million")
        expect(second.tab.locator(".claim strong")).to_have_css("font-weight", "600")
        for one in (first, second):  # the server is not taken from a page that still listens
            expect(one.tab.locator(".stage")).to_contain_text("Answered from")


@pytest.mark.browser
def test_what_is_being_written_looks_unchecked(window: Callable[..., Reader]) -> None:
    with serving(ScriptedAsker(pace_s=0.4)) as url:
        reader = window()
        reader.open(url)
        reader.write("who did Mittal meet?")
        draft = reader.tab.locator(".draft")
        expect(draft).to_contain_text("Not checked yet")
        expect(draft).to_have_css("font-style", "italic")
        expect(reader.tab.locator(".claim").first).to_have_css("font-style", "normal")
        expect(reader.tab.locator(".exchange.running")).to_have_count(0)
        assert reader.texts(".draft") == []
        assert "Kabul" not in "".join(reader.texts(".answer-text"))
        assert not reader.tab.locator(".withdrawn ul").is_visible()
        reader.tab.locator(".withdrawn summary").click()
        expect(reader.tab.locator(".withdrawn li")).to_have_text(
            "They met in Kabul.name not in the cited sentence: Kabul"
        )


@pytest.mark.browser
def test_an_example_is_asked_by_a_click_and_the_box_by_its_button(reader: Reader) -> None:
    reader.tab.locator(".example").click()
    expect(reader.tab.locator(".sentences.cite li")).to_have_count(2)
    assert reader.texts(".exchange h2") == ["Who did Mittal meet?"]
    reader.tab.get_by_label("Your question").fill("how much does it cost?")
    reader.tab.get_by_role("button", name="Ask", exact=True).click()
    expect(reader.tab.locator(".exchange")).to_have_count(2)
    expect(reader.tab.get_by_label("Your question")).to_have_value("")
    expect(reader.tab.locator("p.searched")).to_have_text("Searched as: How much does the bridge cost?")


@pytest.mark.browser
def test_what_was_looked_up_step_by_step_is_told_as_text(reader: Reader) -> None:
    reader.ask("how much was spent?")
    expect(reader.tab.locator("p.steps")).to_have_text(f"Looked up: {STEPS[0]} Then: {STEPS[1]}")
    expect(reader.tab.locator("p.steps b")).to_have_count(0)
    reader.ask("who met?")
    expect(reader.tab.locator(".exchange")).to_have_count(2)
    expect(reader.tab.locator("p.steps")).to_have_count(1)


@pytest.mark.browser
def test_an_empty_question_is_not_asked(reader: Reader) -> None:
    reader.write("   ")
    reader.ask("who?")
    assert reader.texts(".exchange h2") == ["who?"]


@pytest.mark.browser
@pytest.mark.parametrize(
    ("question", "says", "heading"),
    [
        ("what did he eat?", "The articles do not say.", ["Closest, but does not say it"]),
        ("weather", "The articles do not say.", ["Closest, but does not say it"]),
        ("xyzzy", "Nothing was found.", []),
        ("offline", "The language model gave no answer.", ["Closest sentences"]),
        ("broken", "This question could not be answered.", ["Closest sentences"]),
        ("crash", "This question could not be answered.", ["Closest sentences"]),
    ],
)
def test_no_answer_is_a_typed_message_without_a_source(
    window: Callable[..., Reader], url: str, question: str, says: str, heading: list[str]
) -> None:
    reader = window()
    reader.open(url)
    reader.write(question)
    expect(reader.tab.locator(".slot-message .say")).to_have_text(says)
    assert reader.texts(".exchange section h3") == heading
    assert reader.tab.locator("a[href^='#cite']").count() == 0
    assert reader.tab.locator("mark").count() == 0
    if question == "offline":
        expect(reader.tab.locator(".slot-message .why")).to_contain_text("The model's process ended.")
    reader.ask("who did Mittal meet?")  # and the conversation goes on
    expect(reader.tab.locator(".sentences.cite li")).to_have_count(2)


def ask_and_stop(reader: Reader, url: str) -> None:
    """Open the page and stop a question whose model writes nothing yet."""
    reader.open(url)
    reader.write("hold: who did Mittal meet?")
    expect(reader.tab.locator(".sentences.near li")).to_have_count(3)
    reader.tab.get_by_role("button", name="Stop").click()


@pytest.mark.browser
def test_stop_ends_the_answer_at_once_and_the_stream_with_it(window: Callable[..., Reader]) -> None:
    asker = ScriptedAsker()
    with serving(asker) as url:
        reader = window()
        ask_and_stop(reader, url)
        expect(reader.tab.locator(".slot-message .say")).to_have_text("Stopped.")
        expect(reader.tab.get_by_role("button", name="Ask", exact=True)).to_be_visible()
        asker.go_on.set()  # the model's next word: only now can the stream notice
        assert asker.closed.wait(10)
        assert reader.texts(".claim") == []
        reader.ask("how much does it cost?")
        expect(reader.tab.locator(".claim")).to_have_text(["It costs $6.4 million.\u2060[1]"])
        assert asker.histories[-1] == ()  # a stopped question is no part of the conversation


@pytest.mark.browser
def test_a_question_that_follows_a_stop_at_once_is_answered_and_can_be_stopped(window: Callable[..., Reader]) -> None:
    asker = ScriptedAsker()
    with serving(asker) as url:
        reader = window()
        ask_and_stop(reader, url)
        expect(reader.tab.get_by_role("button", name="Ask", exact=True)).to_be_visible()
        reader.write("glimpse: who met Mittal?")
        expect(reader.tab.locator(".stage").last).to_have_text("Waiting for its turn · 1 question before it")
        asker.go_on.set()  # the first one's next word: only now can its stream notice, and then the browser hear of it
        expect(reader.tab.locator(".stage").last).to_have_text("Searching the articles")
        reader.tab.wait_for_timeout(500)  # what the browser hears of the first one is no news of the second
        assert reader.texts(".slot-message .say") == ["Stopped."]
        reader.tab.get_by_role("button", name="Stop").click()
        expect(reader.tab.locator(".slot-message .say")).to_have_text(["Stopped.", "Stopped."])
        reader.write("how much does it cost?")
        asker.search_on.set()
        expect(reader.tab.locator(".claim")).to_have_text(["It costs $6.4 million.\u2060[1]"])
        assert reader.texts(".slot-message .say") == ["Stopped.", "Stopped."]


@pytest.mark.browser
def test_two_people_have_their_own_conversations_and_wait_for_each_other(window: Callable[..., Reader]) -> None:
    asker = ScriptedAsker()
    with serving(asker) as url:
        first, second = window(), window()
        first.open(url)
        second.open(url)
        first.write("hold: who did Mittal meet?")
        expect(first.tab.locator(".sentences.near li")).to_have_count(3)
        second.write("how much does it cost?")
        expect(second.tab.locator(".stage")).to_have_text("Waiting for its turn · 1 question before it")
        asker.go_on.set()
        expect(second.tab.locator(".claim")).to_have_text("It costs $6.4 million.\u2060[1]")
        assert second.texts(".exchange h2") == ["how much does it cost?"]
        expect(first.tab.locator(".claim")).to_have_count(2)
        assert first.texts(".exchange h2") == ["hold: who did Mittal meet?"]


# --- reading -----------------------------------------------------------------------------------------------------


@pytest.mark.browser
def test_a_click_on_a_mark_highlights_exactly_the_sentence_and_scrolls_to_it(reader: Reader) -> None:
    reader.ask("who did Mittal meet?")
    for number, quote, other in (("2", SAFETY, MET), ("1", MET, SAFETY)):
        reader.tab.locator(f".claim a[href='#cite-1-{number}']").last.click()
        expect(reader.tab.locator("mark.hit")).to_have_text(quote)
        assert reader.texts("mark.hit") == [quote]
        assert reader.texts("mark.other") == [other]
        assert reader.in_view("mark.hit")
        assert reader.texts("#talk .mark[aria-current]")[0] == f"[{number}]"
    shown = "".join(reader.texts("#reader .scroll h2, #reader .text"))
    assert re.sub(r"\s", "", shown) == re.sub(r"\s", "", DOHA.text)
    assert reader.texts("#reader .kicker") == ["1 September 2021 · 2021-09-01-india-taliban-doha.txt"]
    assert reader.tab.url.endswith("/")


@pytest.mark.browser
def test_the_first_citation_opens_by_itself_but_never_over_what_the_reader_has_opened(
    window: Callable[..., Reader],
) -> None:
    asker = ScriptedAsker()
    with serving(asker) as url:
        reader = window()
        reader.open(url)
        reader.ask("who did Mittal meet?")
        expect(reader.tab.locator("mark.hit")).to_have_text(MET)
        reader.write("hold")
        expect(reader.tab.locator(".exchange.running .sentences.near li")).to_have_count(3)
        reader.tab.locator(".exchange.running .sentences.near a").nth(2).click()
        expect(reader.tab.locator("mark.hit")).to_have_text(LEAD)
        asker.go_on.set()
        expect(reader.tab.locator(".exchange.running")).to_have_count(0)
        expect(reader.tab.locator(".sentences.cite")).to_have_count(2)
        reader.tab.wait_for_timeout(300)
        assert reader.texts("mark.hit") == [LEAD]


@pytest.mark.browser
def test_an_older_answer_keeps_its_own_citations(reader: Reader, asker: ScriptedAsker) -> None:
    reader.ask("who did Mittal meet?")
    reader.ask("how much does it cost?")
    assert asker.histories[-1] == (
        Turn("user", "who did Mittal meet?"),
        Turn("assistant", "Deepak Mittal met Sher Mohammad Abbas Stanekzai. They spoke about the security of Indians."),
    )
    expect(reader.tab.locator("mark.hit")).to_have_text("The repair costs $6.4 million, the city said.")
    expect(reader.tab.locator("#reader .link a")).to_have_attribute("href", "https://herald.example/bridge")
    reader.tab.locator(".claim a[href='#cite-1-1']").first.click()
    expect(reader.tab.locator("mark.hit")).to_have_text(MET)
    reader.tab.locator(".claim a[href='#cite-2-1']").click()
    expect(reader.tab.locator("mark.hit")).to_have_text("The repair costs $6.4 million, the city said.")
    assert reader.texts("#reader .kicker") == ["3 May 2024 · The Sarn Herald"]


@pytest.mark.browser
def test_marks_work_by_keyboard_and_lead_back(reader: Reader) -> None:
    reader.ask("who did Mittal meet?")
    reader.tab.locator(".claim a").nth(2).focus()
    reader.tab.keyboard.press("Enter")
    expect(reader.tab.locator("mark.hit")).to_have_text(SAFETY)
    expect(reader.tab.locator("mark.hit")).to_be_focused()
    reader.tab.keyboard.press("Escape")
    expect(reader.tab.locator(".claim a").nth(2)).to_be_focused()
    outline = reader.tab.locator(".claim a").nth(2).evaluate("n => getComputedStyle(n).outlineStyle")
    assert outline == "solid"
    reader.tab.get_by_role("button", name="Previous").click()
    expect(reader.tab.locator("mark.hit")).to_have_text(MET)
    expect(reader.tab.get_by_role("button", name="Previous")).to_be_disabled()


@pytest.mark.browser
def test_a_changed_or_removed_article_is_said_to_be_so(window: Callable[..., Reader]) -> None:
    asker = ScriptedAsker()
    with serving(asker) as url:
        reader = window()
        reader.open(url)
        reader.ask("who did Mittal meet?")
        asker.library.held[DOHA.id] = replace(DOHA, text="New first line. " + DOHA.text)
        reader.tab.locator(".claim a").first.click()
        expect(reader.tab.locator("#reader .note")).to_contain_text("The article has changed")
        assert reader.tab.locator("mark").count() == 0
        assert reader.texts("#reader .note blockquote") == [MET]
        del asker.library.held[DOHA.id]
        reader.tab.locator(".claim a").first.click()
        expect(reader.tab.locator("#reader .note")).to_contain_text("no longer in the library")
        asker.library.held[DOHA.id] = DOHA
        reader.tab.locator(".claim a").first.click()
        expect(reader.tab.locator("mark.hit")).to_have_text(MET)


@pytest.mark.browser
def test_an_articles_markup_and_code_stay_text(reader: Reader) -> None:
    reader.ask("evil: what does it say?")
    expect(reader.tab.locator("mark.hit")).to_have_text(EVIL_QUOTE)
    assert reader.texts("#reader h2") == [EVIL.title]
    assert reader.texts(".claim") == ['It says <b onclick="x">so</b> and ${window.evil = 7}.\u2060[1]']
    assert reader.texts(".sentences.cite q") == [EVIL_QUOTE]
    assert "![x](http://evil.example/m.png) [1] \\n stays." in "".join(reader.texts("#reader .text"))
    reader.tab.get_by_role("button", name="3 articles").click()
    expect(reader.tab.locator(".library button.title")).to_have_count(3)
    assert EVIL.title in "".join(reader.texts(".library button.title"))
    assert reader.tab.evaluate("window.evil") is None
    assert reader.tab.locator(":is(#talk, #reader, #masthead) :is(img, script, svg, iframe, b[onclick])").count() == 0
    assert reader.tab.locator("a[href^='javascript']").count() == 0


@pytest.mark.browser
def test_the_library_can_be_read_without_a_question(reader: Reader) -> None:
    reader.tab.get_by_role("button", name="3 articles").click()
    reader.tab.get_by_role("button", name=BRIDGE.title, exact=True).click()
    expect(reader.tab.locator("#reader h2")).to_have_text(BRIDGE.title)
    assert reader.tab.locator("mark").count() == 0
    reader.tab.get_by_role("button", name="Close").click()
    expect(reader.tab.locator("#reader .hint")).to_be_visible()


@pytest.mark.browser
def test_a_long_article_opens_at_the_sentence(window: Callable[..., Reader]) -> None:
    long = replace(DOHA, text=DOHA.text + "\n\nAnother paragraph of some length follows." * 2_500)
    assert len(long.text) > 100_000
    with serving(ScriptedAsker(articles=[long])) as url:
        reader = window()
        reader.open(url)
        reader.ask("who did Mittal meet?")
        reader.tab.locator(".claim a").last.click()
        expect(reader.tab.locator("mark.hit")).to_be_focused()
        assert reader.texts("mark.hit") == [SAFETY]
        assert reader.in_view("mark.hit")
        assert len(reader.texts("#reader .text p")) > 2_500


@pytest.mark.browser
def test_a_new_conversation_forgets_the_old_one(reader: Reader, asker: ScriptedAsker) -> None:
    reader.ask("who did Mittal meet?")
    reader.tab.get_by_role("button", name="New conversation").click()
    expect(reader.tab.locator(".exchange")).to_have_count(0)
    expect(reader.tab.locator(".example")).to_have_count(1)
    expect(reader.tab.locator("mark")).to_have_count(0)
    reader.ask("how much does it cost?")
    assert asker.histories[-1] == ()
    assert reader.texts(".claim") == ["It costs $6.4 million.\u2060[1]"]


# --- manners -----------------------------------------------------------------------------------------------------

CONTRAST = """() => {
  const parse = c => (c.match(/[\\d.]+/g) ?? []).map(Number);
  const lum = ([r, g, b]) => [r, g, b].map(v => v / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const ground = n => { for (; n; n = n.parentElement) { const c = parse(getComputedStyle(n).backgroundColor);
    if (c.length === 3 || c[3] === 1) return c; } return [255, 255, 255]; };
  const low = [];
  const walker = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
  let count = 0;
  while (walker.nextNode()) {
    const n = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !n.checkVisibility({visibilityProperty: true}) || n.closest('[disabled]')) continue;
    count += 1;
    const [a, b] = [lum(parse(getComputedStyle(n).color)), lum(ground(n))].sort((x, y) => y - x);
    if ((a + .05) / (b + .05) < 4.5) low.push([walker.currentNode.data.slice(0, 40), (a + .05) / (b + .05)]);
  }
  return {low, count};
}"""
UNNAMED = """() => [...document.querySelectorAll('main :is(input, textarea, select, button, a, summary, [role=region])')]
  .filter(n => n.checkVisibility())
  .filter(n => !(n.getAttribute('aria-label') || n.textContent.trim() || [...(n.labels ?? [])].some(l => l.textContent.trim())))
  .map(n => n.outerHTML.slice(0, 200))"""


@pytest.mark.browser
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_contrast_and_names_in_both_themes(window: Callable[..., Reader], url: str, theme: str) -> None:
    reader = window(theme=theme)
    reader.open(url)
    for question in (None, "who did Mittal meet?", "what did he eat?"):
        if question:
            reader.ask(question)
            for fold in reader.tab.locator(".exchange:last-child summary").all():
                fold.click()
        found = reader.tab.evaluate(CONTRAST)
        assert found["low"] == []
        assert found["count"] > 8
        assert reader.tab.evaluate(UNNAMED) == []
    dark = reader.tab.evaluate("getComputedStyle(document.querySelector('.gradio-container')).backgroundColor")
    assert (
        sum(map(int, re.findall(r"\d+", dark))) < 128
        if theme == "dark"
        else sum(map(int, re.findall(r"\d+", dark))) > 640
    )


@pytest.mark.browser
def test_a_phone_has_one_column_without_sideways_scrolling(window: Callable[..., Reader], url: str) -> None:
    reader = window(width=390, height=844)
    reader.open(url)
    reader.ask("who did Mittal meet?")
    assert not reader.tab.locator("#reader").is_visible()  # the first citation does not open over the answer

    def widest() -> float:
        script = "() => Math.max(...[...document.querySelectorAll('main :not(.running-head *)')].map(RIGHT))"
        return float(reader.tab.evaluate(script.replace("RIGHT", "n => n.getBoundingClientRect().right")))

    assert widest() <= 390
    reader.tab.locator(".claim a").first.click()
    expect(reader.tab.locator("mark.hit")).to_be_focused()
    assert reader.texts("mark.hit") == [MET]
    assert reader.in_view("mark.hit")
    assert widest() <= 390
    reader.tab.get_by_role("button", name="Back to the answer").click()
    expect(reader.tab.locator("#reader")).not_to_be_visible()
    expect(reader.tab.locator(".claim a").first).to_be_focused()
    reader.tab.locator(".claim a").first.click()  # the same mark opens it again
    expect(reader.tab.locator("mark.hit")).to_be_visible()


@pytest.mark.browser
def test_the_page_forbids_everything_from_elsewhere(reader: Reader) -> None:
    response = reader.tab.reload()
    assert response is not None
    assert response.headers["content-security-policy"] == page.CSP
    assert "http" not in page.CSP.replace("https:", "")
    reader.tab.evaluate(
        "document.body.append(Object.assign(new Image(), {src: 'https://evil.example/x.png', id: 'probe'}))"
    )
    reader.tab.wait_for_function("document.querySelector('#probe').complete")
    assert reader.tab.evaluate("document.querySelector('#probe').naturalWidth") == 0
    assert len(reader.seen.complaints) == 1
    assert "Content Security Policy" in reader.seen.complaints.pop()
    reader.seen.requests[:] = [u for u in reader.seen.requests if "evil.example/x.png" not in u]


# --- the real asker ----------------------------------------------------------------------------------------------


REMEMBER_QUOTES = """() => { window.everCited = []; new MutationObserver(() => {
  for (const q of document.querySelectorAll('.sentences.cite q'))
    if (!window.everCited.includes(q.textContent)) window.everCited.push(q.textContent);
}).observe(document.querySelector('#talk'), {childList: true, subtree: true, characterData: true}); }"""


@contextmanager
def real(folder: Path, articles: list[Article], **settings: Any) -> Iterator[str]:  # noqa: ANN401
    with Library(folder) as library:
        library.add(articles)
        if settings["llm"] != "none":
            library.embed_pending()
    config = Config(library=folder, **settings)
    with Asker.open(config) as asker, serving(asker, folder, settings=Settings(asker)) as url:
        yield url


def samples() -> list[Article]:
    return [item for item in load(SAMPLES) if isinstance(item, Article)]


@pytest.mark.browser
def test_the_real_asker_without_a_model_quotes_the_sentence(window: Callable[..., Reader], tmp_path: Path) -> None:
    with real(tmp_path, samples(), llm="none", reranker=False) as url:
        reader = window()
        reader.open(url)
        assert len(reader.texts(".example")) == len(view.EXAMPLES)
        reader.tab.evaluate(REMEMBER_QUOTES)
        reader.ask("who did Mittal meet?")
        quoted = reader.texts(".sentences.cite q")
        assert len(quoted) == 1
        assert reader.tab.evaluate("window.everCited") == quoted  # not for a moment another one
        assert reader.texts("mark.hit") == quoted
        assert reader.in_view("mark.hit")
        assert reader.texts(".stage")[0].startswith("Quoted: 1 sentence in 1 article · ")
        assert any(text.startswith("The envoy, Deepak Mittal, met with") for text in reader.texts(".sentences q"))


@pytest.mark.browser
def test_a_dropped_file_is_asked_at_once_and_alone(window: Callable[..., Reader], tmp_path: Path) -> None:
    new = tmp_path / "ferry.txt"
    new.write_text(
        " date 2024-07-01 \n\nThe ferry Aurelia sank.\n\nThe ferry Aurelia sank off Norvik on Monday.", "utf-8"
    )
    with real(tmp_path / "library", samples(), llm="none", reranker=False) as url:
        reader = window()
        reader.open(url)
        reader.tab.locator("[data-event=library]").click()
        reader.tab.locator("#aq-files").set_input_files(new)
        expect(reader.tab.locator(".files li")).to_have_text(["ferry.txtDone: added"])
        reader.tab.get_by_label("Search the library").fill("aurelia")
        expect(reader.tab.locator("tbody tr")).to_have_count(1)
        assert reader.texts("td.state") == ["1 passage to come"]  # no vector yet: it is found by its words
        reader.tab.locator("tbody .title button").click()
        reader.tab.get_by_role("button", name="Ask only this article").click()
        expect(reader.tab.locator(".chips li")).to_have_count(1)
        reader.ask("Where did the ferry sink?")
        assert "Norvik" in "".join(reader.texts(".sentences q"))
        assert len(reader.texts(".sentences .source")) <= 2  # nothing of any other article
        assert set(reader.texts(".sentences .source")) == {"1 July 2024 · The ferry Aurelia sank."}


@pytest.mark.browser
@pytest.mark.model
def test_the_real_model_answers_with_a_mark_that_opens_its_proof(window: Callable[..., Reader], tmp_path: Path) -> None:
    with real(tmp_path, samples(), llm="embedded") as url:
        reader = window()
        reader.open(url)
        reader.ask("who did Mittal meet?")
        assert "Stanekzai" in reader.texts(".answer-text")[0]
        reader.tab.locator(".claim a").first.click()
        expect(reader.tab.locator("mark.hit")).to_be_focused()
        assert reader.texts("mark.hit")[0].startswith("The envoy, Deepak Mittal, met with")
        assert reader.in_view("mark.hit")
