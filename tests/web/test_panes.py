"""What opens beside the conversation, and what is done with an answer, in a real browser over a scripted asker."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from browsing import GRADIO_WARNS, Reader, serving
from playwright.sync_api import expect
from scripted import ARTICLES, BRIDGE, DOHA, EVIL, INVESTED, MET, SAFETY, FixedSettings, ScriptedAsker

from evals.data import read_questions
from index.types import Filter
from qa.conversations import CANDIDATES, Conversations

pytest_plugins = ("windows",)
pytestmark = [pytest.mark.browser, *GRADIO_WARNS]
ANSWER = "Deepak Mittal met Sher Mohammad Abbas Stanekzai.\u2060[1]"


def open_pane(reader: Reader, name: str) -> None:
    reader.tab.get_by_role("navigation").get_by_role("button", name=name).click()
    expect(reader.tab.locator("#reader h2")).to_be_focused()


@pytest.fixture
def fresh(window: Callable[..., Reader], tmp_path: Path) -> Iterator[tuple[Reader, ScriptedAsker, str]]:
    """A window on a page of its own, which keeps its conversations in tmp_path."""
    asker = ScriptedAsker()
    with serving(asker, tmp_path) as url:
        reader = window()
        reader.open(url)
        yield reader, asker, url


Fresh = tuple[Reader, ScriptedAsker, str]

# --- keeping -----------------------------------------------------------------------------------------------------


def test_a_conversation_is_kept_listed_reopened_and_goes_on(fresh: Fresh, window: Callable[..., Reader]) -> None:
    reader, asker, url = fresh
    reader.ask("who did Mittal meet?")
    reader.ask("how much does it cost?")
    reader.tab.get_by_role("button", name="New conversation").click()
    expect(reader.tab.locator(".exchange")).to_have_count(0)
    reader.ask("what did he eat?")
    other = window()  # as after a restart: another window knows nothing but what is kept
    other.open(url)
    open_pane(other, "Conversations")
    assert other.texts(".talks .title") == ["what did he eat?", "who did Mittal meet?"]
    other.tab.locator(".talks .reopen").nth(1).click()
    expect(other.tab.locator(".exchange")).to_have_count(2)
    assert other.texts(".exchange h2") == ["who did Mittal meet?", "how much does it cost?"]
    assert other.texts(".claim")[0] == ANSWER
    other.tab.locator(".claim a[href='#cite-1-1']").first.click()
    expect(other.tab.locator("mark.hit")).to_have_text(MET)  # its marks still open their proofs
    other.ask("how much is spent?")
    assert len(asker.histories[-1]) == 4  # and the next question knows what was said
    open_pane(other, "Conversations")
    assert other.texts(".talks .source")[0].endswith("3 answers")
    other.tab.locator(".talks .reopen").nth(1).click()  # the other one: nothing of this one stays on the page
    expect(other.tab.locator(".exchange")).to_have_count(1)
    assert other.texts(".exchange h2") == ["what did he eat?"]
    assert other.texts(".say") == ["The articles do not say."]


def test_a_conversation_is_deleted_only_if_it_is_meant(fresh: Fresh, tmp_path: Path) -> None:
    reader, *_ = fresh
    reader.ask("who did Mittal meet?")
    open_pane(reader, "Conversations")
    reader.tab.get_by_role("button", name="Delete: who did Mittal meet?").click()
    reader.tab.get_by_role("button", name="Keep it").click()
    assert len(Conversations(tmp_path).headings()) == 1
    reader.tab.get_by_role("button", name="Delete: who did Mittal meet?").click()
    reader.tab.get_by_role("button", name="Delete it").click()
    expect(reader.tab.locator("#reader h2")).to_have_text("0 conversations")
    assert Conversations(tmp_path).headings() == []


@pytest.mark.parametrize(
    ("form", "name", "holds"),
    [
        ("Markdown", "who-did-mittal-meet.md", f"[^1]: “{MET}” — "),
        ("HTML", "who-did-mittal-meet.html", f"<blockquote>“{MET}”</blockquote>"),
        ("JSON", "who-did-mittal-meet.json", '"quote": "The envoy, Deepak Mittal'),
    ],
)
def test_an_answer_is_saved_with_its_footnotes(fresh: Fresh, tmp_path: Path, form: str, name: str, holds: str) -> None:
    reader, *_ = fresh
    reader.ask("how much does it cost?")
    reader.ask("who did Mittal meet?")
    newest = reader.tab.locator(".exchange:last-child")
    newest.locator(".save summary").click()
    with reader.tab.expect_download() as waited:
        newest.get_by_role("button", name=form).click()
    assert waited.value.suggested_filename == name
    waited.value.save_as(tmp_path / name)
    text = (tmp_path / name).read_text("utf-8")
    assert holds in text
    assert "6.4 million" not in text  # that answer alone
    open_pane(reader, "Conversations")
    reader.tab.locator(".talks .save summary").click()
    with reader.tab.expect_download() as waited:
        reader.tab.locator(".talks").get_by_role("button", name=form).click()
    waited.value.save_as(tmp_path / name)
    assert "6.4 million" in (tmp_path / name).read_text("utf-8")  # the whole conversation


def test_an_answer_is_copied_with_its_citations(window: Callable[..., Reader]) -> None:
    with serving(ScriptedAsker()) as url:
        reader = window(permissions=["clipboard-read", "clipboard-write"])
        reader.open(url)
        reader.ask("how much does it cost?")
        reader.tab.get_by_role("button", name="Copy").click()
        expect(reader.tab.locator(".outbox")).to_have_text("Copied with its citations")
        assert reader.tab.evaluate("navigator.clipboard.readText()") == (
            "It costs $6.4 million.[1]\n\n[1] “The repair costs $6.4 million, the city said.” — "
            "Bridge repair to cost $6.4 million, 3 May 2024, https://herald.example/bridge\n"
        )


def test_a_judgement_becomes_a_gold_candidate(fresh: Fresh, tmp_path: Path) -> None:
    reader, *_ = fresh
    reader.ask("who did Mittal meet?")
    reader.tab.get_by_role("button", name="Not good").click()
    expect(reader.tab.get_by_role("button", name="Not good")).to_have_attribute("aria-pressed", "true")
    reader.tab.get_by_label("What would be right?").fill("Stanekzai, in Doha")
    reader.tab.keyboard.press("Enter")
    expect(reader.tab.locator(".remark .why")).to_have_text("Kept.")
    [question] = read_questions(tmp_path / CANDIDATES)
    assert (question.text, question.kind) == ("who did Mittal meet?", "rejected")
    assert json.loads((tmp_path / CANDIDATES).read_text("utf-8"))["comment"] == "Stanekzai, in Doha"
    reader.tab.get_by_role("button", name="Good", exact=True).click()
    expect(reader.tab.get_by_role("button", name="Good", exact=True)).to_have_attribute("aria-pressed", "true")
    [question] = read_questions(tmp_path / CANDIDATES)
    assert [span.text for span in question.gold] == [MET, SAFETY]
    reader.tab.get_by_role("button", name="Good", exact=True).click()  # taken back
    expect(reader.tab.locator(".remark")).to_have_count(0)
    assert (tmp_path / CANDIDATES).read_text("utf-8") == ""


# --- the library -------------------------------------------------------------------------------------------------


def test_files_are_added_with_a_word_on_each(fresh: Fresh, tmp_path: Path) -> None:
    reader, asker, _ = fresh
    (tmp_path / "new.txt").write_text(" date 2024-07-01 \n\nThe ferry sank on Monday, they said.\n\nMore.", "utf-8")
    (tmp_path / "bad.jsonl").write_text("not json\n", "utf-8")
    open_pane(reader, "3 articles")
    reader.tab.locator("#aq-files").set_input_files([tmp_path / "new.txt", tmp_path / "bad.jsonl"])
    expect(reader.tab.locator(".progress")).to_contain_text("2 of 2 files read, 1 not added")
    assert re.fullmatch(r"bad\.jsonlNot added: line 1: .*", reader.texts(".files li")[0])
    assert reader.texts(".files li")[1] == "new.txtDone: added"
    expect(reader.tab.locator("#reader h2")).to_have_text("4 articles")
    expect(reader.tab.get_by_role("navigation").get_by_role("button", name="4 articles")).to_be_visible()
    assert asker.library.held["added/new.txt"].date == date(2024, 7, 1)
    reader.tab.get_by_role("button", name="Clear the list").click()
    expect(reader.tab.locator(".files li")).to_have_count(0)


def test_a_folder_keeps_its_names_and_hidden_files_stay_out(fresh: Fresh, tmp_path: Path) -> None:
    reader, asker, _ = fresh
    folder = tmp_path / "news"
    (folder / "2024").mkdir(parents=True)
    (folder / "2024" / "a.md").write_text("# A\n\nSome words.", "utf-8")
    (folder / ".secret.txt").write_text("no", "utf-8")
    (folder / "picture.png").write_bytes(b"x")
    open_pane(reader, "3 articles")
    reader.tab.locator("#aq-folder").set_input_files(folder)
    expect(reader.tab.locator(".progress")).to_contain_text("2 of 2 files read, 1 not added")
    assert sorted(asker.library.held) == sorted([*(a.id for a in ARTICLES), "news/2024/a.md"])
    assert any("is of a kind that is not read" in text for text in reader.texts(".files li"))


def test_files_are_dropped_on_the_pane(fresh: Fresh) -> None:
    reader, asker, _ = fresh
    open_pane(reader, "3 articles")
    reader.tab.evaluate(
        """() => { const data = new DataTransfer(); data.items.add(new File(['Dropped words.'], 'dropped.txt'));
        const send = (kind) => document.querySelector('#reader .drop').dispatchEvent(
          new DragEvent(kind, {dataTransfer: data, bubbles: true, cancelable: true}));
        send('dragover'); send('drop'); }"""
    )
    expect(reader.tab.locator(".files li")).to_have_text(["dropped.txtDone: added"])
    assert "added/dropped.txt" in asker.library.held


def test_asking_goes_on_while_files_are_read(fresh: Fresh, tmp_path: Path) -> None:
    reader, *_ = fresh
    (tmp_path / "slow.jsonl").write_text(
        "".join(json.dumps({"id": f"s{n}", "title": f"S{n}", "text": "Words."}) + "\n" for n in range(400)), "utf-8"
    )
    open_pane(reader, "3 articles")
    reader.tab.locator("#aq-files").set_input_files([tmp_path / "slow.jsonl"])
    reader.ask("who did Mittal meet?")
    assert reader.texts(".claim")[0] == ANSWER
    reader.tab.locator("[data-event=library]").click()
    expect(reader.tab.locator("#reader h2")).to_have_text("403 articles", timeout=30_000)
    expect(reader.tab.locator(".pages span")).to_have_text("Page 1 of 9")


def test_the_table_is_searched_sorted_and_turned(fresh: Fresh) -> None:
    reader, asker, _ = fresh
    for n in range(120):
        article = replace(BRIDGE, id=f"n{n}", title=f"Number {n:03}", date=date(2020, 1, 1), source="Paper")
        asker.library.held[article.id] = article
    open_pane(reader, "3 articles")
    assert reader.texts("#reader h2") == ["123 articles"]
    assert len(reader.texts("tbody tr")) == 50
    assert reader.texts("tbody th")[0] == BRIDGE.title
    assert reader.texts("[aria-sort]") == ["Date ↓"]
    reader.tab.get_by_role("button", name="Later page").click()
    expect(reader.tab.locator(".pages span")).to_have_text("Page 2 of 3")
    reader.tab.get_by_role("button", name="Title", exact=True).click()
    expect(reader.tab.locator("[aria-sort]")).to_have_attribute("aria-sort", "ascending")
    expect(reader.tab.locator(".pages span")).to_have_text("Page 1 of 3")
    expect(reader.tab.get_by_role("button", name="Title", exact=True)).to_be_focused()
    search = reader.tab.get_by_label("Search the library")
    search.press_sequentially("paper 04")
    expect(reader.tab.locator("tbody tr")).to_have_count(12)
    expect(search).to_be_focused()
    search.fill("no such thing")
    expect(reader.tab.locator(".library .note")).to_contain_text("No article has “no such thing”")


def test_an_article_is_removed_only_if_it_is_meant(fresh: Fresh) -> None:
    reader, asker, _ = fresh
    reader.ask("how much does it cost?")
    open_pane(reader, "3 articles")
    reader.tab.get_by_role("button", name=f"Remove: {BRIDGE.title}").click()
    reader.tab.keyboard.press("Escape")
    assert BRIDGE.id in asker.library.held
    reader.tab.get_by_role("button", name=f"Remove: {BRIDGE.title}").click()
    reader.tab.get_by_role("button", name="Remove it").click()
    expect(reader.tab.locator("tbody tr")).to_have_count(2)
    expect(reader.tab.locator(".library .part-note")).to_contain_text(f"Removed: {BRIDGE.title}")
    expect(reader.tab.get_by_role("navigation").get_by_role("button", name="2 articles")).to_be_visible()
    reader.tab.locator(".claim a").click()
    expect(reader.tab.locator("#reader .note")).to_contain_text("no longer in the library")


def test_vectors_still_to_come_are_said_to_be_so(fresh: Fresh) -> None:
    reader, asker, _ = fresh
    asker.library.pending = 7
    open_pane(reader, "3 articles")
    assert "7 passages not yet by meaning" in reader.texts(".counts")[0]
    assert set(reader.texts("td.state")) == {"1 passage to come"}
    asker.library.pending = 0
    expect(reader.tab.locator("td.state").first).to_have_text("Ready")  # without being asked
    expect(reader.tab.locator(".counts")).to_contain_text("by word and by meaning")


# --- asking ------------------------------------------------------------------------------------------------------


def test_the_newest_question_is_asked_again_in_its_place(fresh: Fresh, tmp_path: Path) -> None:
    reader, asker, _ = fresh
    reader.ask("who did Mittal meet?")
    reader.ask("how much does it cost?")
    expect(reader.tab.get_by_role("button", name="Ask again")).to_have_count(1)
    reader.tab.get_by_role("button", name="Ask again").click()
    expect(reader.tab.locator(".claim a[href='#cite-3-1']")).to_have_count(1)
    assert reader.texts(".exchange h2") == ["who did Mittal meet?", "how much does it cost?"]
    assert len(asker.histories[-1]) == 2  # not its own first answer
    [heading] = Conversations(tmp_path).headings()
    assert heading.answers == 2


def test_the_newest_question_is_edited_in_its_place(fresh: Fresh, tmp_path: Path) -> None:
    reader, asker, _ = fresh
    reader.ask("what did he eat?")
    box = reader.tab.get_by_label("Your question")
    reader.tab.get_by_role("button", name="Edit the question").click()
    expect(box).to_have_value("what did he eat?")
    expect(box).to_be_focused()
    expect(reader.tab.locator(".chips .editing")).to_be_visible()
    reader.write("how much does it cost?")
    expect(reader.tab.locator(".claim")).to_have_count(1)
    assert reader.texts(".exchange h2") == ["how much does it cost?"]
    assert reader.texts(".chips li") == []
    assert asker.histories[-1] == ()
    [heading] = Conversations(tmp_path).headings()
    assert (heading.title, heading.answers) == ("how much does it cost?", 1)


def test_an_edit_can_be_asked_as_a_new_question_instead(fresh: Fresh) -> None:
    reader, *_ = fresh
    reader.ask("what did he eat?")
    reader.tab.get_by_role("button", name="Edit the question").click()
    reader.tab.get_by_role("button", name="Ask it as a new question instead").click()
    expect(reader.tab.locator(".chips li")).to_have_count(0)
    reader.write("how much does it cost?")
    expect(reader.tab.locator(".claim")).to_have_count(1)
    assert reader.texts(".exchange h2") == ["what did he eat?", "how much does it cost?"]


def test_everybody_sees_the_place_in_the_line_and_can_leave_it(window: Callable[..., Reader]) -> None:
    asker = ScriptedAsker()
    with serving(asker) as url:
        first, second, third = window(), window(), window()
        for reader in (first, second, third):
            reader.open(url)
        first.write("hold: who did Mittal meet?")
        expect(first.tab.locator(".sentences.near li")).to_have_count(3)
        second.write("how much does it cost?")
        expect(second.tab.locator(".stage")).to_have_text("Waiting for its turn · 1 question before it")
        third.write("what did he eat?")
        expect(third.tab.locator(".stage")).to_have_text("Waiting for its turn · 2 questions before it")
        second.tab.get_by_role("button", name="Stop").click()
        expect(third.tab.locator(".stage")).to_have_text("Waiting for its turn · 1 question before it")
        asker.go_on.set()
        expect(third.tab.locator(".say")).to_have_text("The articles do not say.")
        assert second.texts(".say") == ["Stopped."]
        assert len(asker.histories) == 2  # the second question was never asked


def test_a_closed_window_leaves_the_line(window: Callable[..., Reader]) -> None:
    asker = ScriptedAsker()
    with serving(asker) as url:
        first, second, third = window(), window(), window()
        for reader in (first, second, third):
            reader.open(url)
        first.write("hold: who did Mittal meet?")
        expect(first.tab.locator(".sentences.near li")).to_have_count(3)
        second.write("how much does it cost?")
        expect(second.tab.locator(".stage")).to_have_text("Waiting for its turn · 1 question before it")
        third.write("what did he eat?")
        expect(third.tab.locator(".stage")).to_have_text("Waiting for its turn · 2 questions before it")
        second.tab.close()
        expect(third.tab.locator(".stage")).to_have_text("Waiting for its turn · 1 question before it")
        asker.go_on.set()
        expect(third.tab.locator(".exchange.running")).to_have_count(0, timeout=30_000)
        expect(first.tab.locator(".exchange.running")).to_have_count(0, timeout=30_000)


# --- narrowing ---------------------------------------------------------------------------------------------------


def test_questions_are_narrowed_and_the_chips_taken_off(fresh: Fresh) -> None:
    reader, asker, _ = fresh
    reader.ask("who did Mittal meet?")
    assert asker.withins == [None]
    reader.tab.locator(".claim a").first.click()
    reader.tab.get_by_role("button", name="Ask only this article").click()
    expect(reader.tab.locator(".chips li")).to_have_count(1)
    reader.tab.locator(".choose summary").click()
    reader.tab.get_by_label("From", exact=True).fill("2021-01-01")
    expect(reader.tab.locator(".chips li")).to_have_count(2)
    reader.tab.get_by_label("Until").fill("2021-12-31")
    expect(reader.tab.locator(".chips li")).to_have_count(3)
    reader.tab.get_by_label("Source").select_option("The Sarn Herald")
    expect(reader.tab.locator(".chips li")).to_have_count(4)
    labels = [f"Only “{DOHA.title}”", "The Sarn Herald", "From 1 January 2021", "Until 31 December 2021"]
    assert reader.texts(".chips li span") == labels
    reader.ask("who did Mittal meet?")
    assert asker.withins[-1] == Filter(
        frozenset({DOHA.id}), frozenset({"The Sarn Herald"}), date(2021, 1, 1), date(2021, 12, 31)
    )
    assert reader.texts(".narrowed span") == [", ".join(labels)]
    for label in labels:
        reader.tab.get_by_role("button", name=f"Take off: {label}").click()
        expect(reader.tab.locator(".chips").get_by_text(label)).to_have_count(0)
    reader.ask("who did Mittal meet?")
    assert asker.withins[-1] is None


# --- reading -----------------------------------------------------------------------------------------------------


def test_j_and_k_go_from_citation_to_citation(fresh: Fresh) -> None:
    reader, *_ = fresh
    reader.ask("who did Mittal meet?")
    reader.tab.locator(".claim a").first.click()
    expect(reader.tab.locator("mark.hit")).to_be_focused()
    reader.tab.keyboard.press("j")
    expect(reader.tab.locator("mark.hit")).to_have_text(SAFETY)
    expect(reader.tab.locator(".place")).to_have_text("Citation 2 of 2")
    reader.tab.keyboard.press("j")  # there is no next one
    expect(reader.tab.locator("mark.hit")).to_have_text(SAFETY)
    reader.tab.keyboard.press("k")
    expect(reader.tab.locator("mark.hit")).to_have_text(MET)
    box = reader.tab.get_by_label("Your question")
    box.press_sequentially("jk")
    expect(box).to_have_value("jk")
    assert reader.texts("mark.hit") == [MET]


def test_each_sentence_says_how_it_is_supported(fresh: Fresh) -> None:
    reader, *_ = fresh
    reader.ask("how much is spent?")
    assert reader.texts(".badge") == ["2 articles"]
    titles = reader.tab.locator(".claim").evaluate_all("all => all.map(n => n.title)")
    assert titles == ["Supported by 2 articles", "Supported"]
    assert reader.texts(".trust") == ["2 sentences supported · 1 of them by several articles"]
    reader.tab.locator(".claim a[href='#cite-1-2']").click()
    expect(reader.tab.locator("mark.hit")).to_have_text(INVESTED)
    reader.ask("who did Mittal meet?")
    assert reader.texts(".trust")[-1] == "2 sentences supported · 1 withdrawn"


# --- statistics and settings -------------------------------------------------------------------------------------


def test_statistics_count_articles_and_answers_and_open_the_newest_report(
    window: Callable[..., Reader], tmp_path: Path
) -> None:
    (tmp_path / "runs" / "one").mkdir(parents=True)
    (tmp_path / "runs" / "one" / "report.html").write_text("<title>The report</title>", "utf-8")
    with serving(ScriptedAsker(), tmp_path, runs=tmp_path / "runs") as url:
        reader = window()
        reader.open(url)
        open_pane(reader, "Statistics")
        assert "No answer is kept yet." in reader.texts(".statistics .soft")
        reader.ask("who did Mittal meet?")
        reader.ask("what did he eat?")
        open_pane(reader, "Statistics")
        bars = dict(zip(reader.texts(".chart th"), reader.texts(".chart td.value"), strict=True))
        assert bars == {
            "Sep 2021": "1",
            "Jan 2024": "1",
            "May 2024": "1",
            "Answered": "1",
            "The articles do not say": "1",
        }
        assert reader.texts("dd")[0] == "0.12 s, nine of ten within 0.12 s median of 2 answers"
        with reader.tab.context.expect_page() as opened:
            reader.tab.get_by_role("link", name="Open the newest report of the evals").click()
        expect(opened.value).to_have_title("The report")
        newer = tmp_path / "runs" / "answers" / "answers.html"  # the suite's page over several benchmarks
        newer.parent.mkdir()
        newer.write_text(
            '<title>All of them</title><svg width="9" height="9" role="img"><rect width="9" height="9"/></svg>'
        )
        with reader.tab.context.expect_page() as opened:
            reader.tab.get_by_role("link", name="Open the newest report of the evals").click()
        expect(opened.value).to_have_title("All of them")
        plot = opened.value.get_by_role("img").bounding_box()
        assert plot is not None
        assert plot["width"] == 9  # drawn: the strict headers let a report's own plots through


def test_settings_are_tested_changed_and_never_show_the_key(window: Callable[..., Reader]) -> None:
    settings = FixedSettings()
    with serving(ScriptedAsker(), settings=settings) as url:
        reader = window()
        reader.open(url)
        open_pane(reader, "Settings")
        reader.tab.get_by_label("Who answers").select_option("server")
        reader.tab.get_by_label("Address").fill("http://127.0.0.1:1/wrong")
        reader.tab.get_by_role("button", name="Test the model").click()
        expect(reader.tab.locator(".said")).to_have_text("It does not work: nothing answers there")
        assert settings.applied == []
        reader.tab.get_by_label("Who answers").select_option("server")
        reader.tab.get_by_label("Address").fill("http://127.0.0.1:1/v1")
        reader.tab.get_by_label("Name of the model").fill("a-model")
        reader.tab.get_by_label("Key").fill("sk-very-secret")
        reader.tab.get_by_label("Sentences shown to the model").fill("9")
        reader.tab.get_by_role("button", name="Use these").click()
        expect(reader.tab.locator(".said")).to_contain_text("Changed.")
        assert settings.applied[-1] == {
            "llm": "server",
            "llm_url": "http://127.0.0.1:1/v1",
            "llm_model": "a-model",
            "llm_key": "sk-very-secret",
            "evidence": 9,
            "answer_tokens": 140,
        }
        expect(reader.tab.get_by_label("Key")).to_have_value("")
        assert "A key is set" in "".join(reader.texts(".server small"))
        assert "sk-very-secret" not in reader.tab.content()
        assert "***" in reader.texts(".effective td")
        assert settings.saved == 0  # only where it is asked for


def test_settings_are_saved_where_it_is_asked_for(window: Callable[..., Reader]) -> None:
    settings = FixedSettings()
    with serving(ScriptedAsker(), settings=settings) as url:
        reader = window()
        reader.open(url)
        open_pane(reader, "Settings")
        reader.tab.get_by_label("Sentences shown to the model").fill("9")
        reader.tab.get_by_role("button", name="Use and save").click()
        expect(reader.tab.locator(".said.well")).to_have_text(
            "Changed. The next question is answered with these settings. Saved in /home/ada/.config/article-qa/config.toml."
        )
        assert (settings.values["evidence"], settings.saved) == (9, 1)
        reader.tab.get_by_label("Who answers").select_option("server")
        reader.tab.get_by_label("Address").fill("http://127.0.0.1:1/wrong")
        reader.tab.get_by_role("button", name="Use and save").click()
        expect(reader.tab.locator(".said.badly")).to_contain_text("but not saved: config.toml: cannot be written")


def test_settings_are_only_read_where_others_can_open_the_page(window: Callable[..., Reader]) -> None:
    settings = FixedSettings()
    with serving(ScriptedAsker(), settings=settings, changeable=False) as url:
        reader = window()
        reader.open(url)
        open_pane(reader, "Settings")
        expect(reader.tab.get_by_role("button", name="Use these")).to_be_disabled()
        expect(reader.tab.get_by_role("button", name="Use and save")).to_be_disabled()
        assert "from other machines" in "".join(reader.texts(".settings .soft"))


# --- manners -----------------------------------------------------------------------------------------------------

PANES = ("Conversations", "3 articles", "Statistics", "Settings")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(window: Callable[..., Reader], theme: str) -> None:
    def serious() -> list[tuple[str, str]]:
        found = Axe().run(reader.tab).response["violations"]
        return [
            (one["id"], str(one["nodes"][0]["html"])[:300]) for one in found if one["impact"] in {"serious", "critical"}
        ]

    with serving(ScriptedAsker()) as url:
        reader = window(theme=theme)
        reader.open(url)
        assert serious() == []
        for question in ("who did Mittal meet?", "what did he eat?", "how much is spent?"):
            reader.ask(question)
        reader.tab.get_by_role("button", name="Good", exact=True).last.click()
        expect(reader.tab.locator(".remark")).to_have_count(1)
        assert serious() == []
        for name in PANES:
            open_pane(reader, name)
            assert serious() == [], name


@pytest.mark.parametrize(("width", "height", "zoom"), [(390, 844, 1), (1280, 800, 2)])
def test_the_panes_fit_a_phone_and_a_page_at_twice_its_size(
    window: Callable[..., Reader], width: int, height: int, zoom: int
) -> None:
    """A browser that zooms lays the page out in a window that is smaller by as much."""
    with serving(ScriptedAsker()) as url:
        reader = window(width=width // zoom, height=height // zoom)
        reader.open(url)
        reader.ask("who did Mittal meet?")
        for name in ("", *PANES):
            if name:
                open_pane(reader, name)
            widest = reader.tab.evaluate(
                "Math.max(...[...document.querySelectorAll('main :not(.running-head *, .unseen)')]"
                ".filter(n => n.checkVisibility()).map(n => n.getBoundingClientRect().right))"
            )
            assert widest <= width // zoom, name
            if name:
                reader.tab.get_by_role("button", name="Close").click()
        expect(reader.tab.get_by_label("Your question")).to_be_in_viewport()


def test_everything_is_reached_by_keyboard_and_shows_where_it_is(fresh: Fresh) -> None:
    reader, *_ = fresh
    reader.ask("who did Mittal meet?")
    reader.tab.evaluate("document.activeElement.blur()")
    names: list[str] = []
    for _ in range(60):
        reader.tab.keyboard.press("Tab")
        name, outline = reader.tab.evaluate(
            """() => { const n = document.activeElement, s = getComputedStyle(n);
            return [(n.getAttribute('aria-label') || n.labels?.[0]?.textContent || n.textContent || '').trim().slice(0, 60),
                    n === document.body || s.outlineStyle !== 'none' || s.boxShadow !== 'none']; }"""
        )
        assert outline, name
        names.append(name)
    for wanted in ("New conversation", "Conversations", "3 articles", "Statistics", "Settings", "Copy", "Save", "Good"):
        assert wanted in names
    assert any(name.startswith("Citation 1") for name in names)
    assert any(name.startswith("Your question") for name in names)
    assert "Ask only this article" in names


def test_an_articles_markup_stays_text_in_every_pane(fresh: Fresh) -> None:
    reader, *_ = fresh
    reader.ask("evil <img src=x onerror='window.evil=9'> what does it say?")
    for name in ("Conversations", "3 articles", "Statistics"):
        open_pane(reader, name)
    reader.tab.locator(".choose summary").click()
    reader.tab.get_by_label("Source").select_option(EVIL.source)
    expect(reader.tab.locator(".chips li")).to_have_count(1)
    assert reader.texts(".chips li span") == [EVIL.source]
    assert reader.tab.evaluate("window.evil") is None
    assert reader.tab.locator(":is(#talk, #reader, #narrow) :is(img, script, svg, iframe)").count() == 0
