"""The view models of the panes, the line, and what the handlers do with what a browser may send."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from browsing import parts_of
from gradio.utils import get_upload_folder
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scripted import BRIDGE, DOHA, ScriptedAsker

from index.types import Arrival, Filter, Listed
from qa.config import Config
from qa.record import Heading, Timing
from qa.web import panels, view
from qa.web.handlers import NOTHING, Desk, Handlers
from qa.web.line import Line


@pytest.fixture
def handlers(tmp_path: Path) -> Iterator[Handlers]:
    asker = ScriptedAsker()
    with parts_of(asker, tmp_path) as parts:
        yield Handlers(asker, parts)


def event(**sent: object) -> Any:  # noqa: ANN401
    return SimpleNamespace(**sent)


def asked(handlers: Handlers, *questions: str, desk: Desk) -> view.Conversation:
    conversation: view.Conversation = ()
    for question in questions:
        conversation = handlers.begin(question, conversation, desk)[1]
        *_, last = handlers.answer(conversation, desk)
        conversation = last[0]
    return conversation


# --- what a browser may send -------------------------------------------------------------------------------------


def test_only_uploaded_files_are_read(handlers: Handlers, tmp_path: Path) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_text("private", "utf-8")
    uploads = Path(get_upload_folder())
    uploads.mkdir(parents=True, exist_ok=True)
    link = uploads / "link-out-of-the-folder.txt"
    link.unlink(missing_ok=True)
    link.symlink_to(mine)
    try:
        for path in (str(mine), f"{uploads}/../../{mine}", str(link), str(uploads), "", "\0", 3, None):
            handlers.panes.dropped((), event(files=[{"name": "a.txt", "path": path}]))
        wrong: tuple[object, ...] = (None, "x", [None], [{}], {"name": "a"})
        for files in wrong:
            handlers.panes.dropped((), event(files=files))
        assert handlers.parts.intake.arrivals() == ()
        assert mine.exists()
    finally:
        link.unlink()


@pytest.mark.parametrize(
    "sent",
    [
        {"part": "since", "value": "yesterday"},
        {"part": "since", "value": 3},
        {"part": "source", "value": "No such paper"},
        {"part": "article", "value": "no such article"},
        {"part": "articles", "value": ["x"]},
        {"part": ["since"], "value": "2020-01-01"},
        {},
    ],
)
def test_nothing_is_narrowed_by_what_is_not_there(handlers: Handlers, sent: dict[str, object]) -> None:
    for handle in (handlers.narrow, handlers.widen):
        desk, _ = handle(Desk(), event(**sent))
        assert desk.within == Filter()


@pytest.mark.parametrize(
    "sent",
    [
        {"turn": 9, "verdict": "up", "comment": ""},
        {"turn": 1, "verdict": "sideways", "comment": ""},
        {"turn": 1, "verdict": "sideways", "comment": 3},
        {"turn": "1", "verdict": "up", "comment": ""},
        {"turn": [1], "verdict": ["up"], "comment": ""},
        {},
    ],
)
def test_a_judgement_of_what_is_not_there_is_passed_over(handlers: Handlers, sent: dict[str, object]) -> None:
    conversation = asked(handlers, "who met?", desk=Desk("talk"))
    assert handlers.judge(conversation, event(**sent)) == gr.skip()


def test_an_answer_is_judged_while_the_next_one_is_written(handlers: Handlers) -> None:
    desk = Desk("talk")
    conversation = handlers.begin("how much does it cost?", asked(handlers, "who met?", desk=desk), desk)[1]
    answers = handlers.answer(conversation, desk)
    conversation = next(answers)[0]
    shown = json.loads(handlers.judge(conversation, event(turn=1, verdict="up", comment="yes")))  # no conversation
    assert shown["numbers"] == [1, 2]  # which stay on the page
    assert [(e["number"], e["tools"]["verdict"]) for e in shown["exchanges"]] == [(1, "up")]  # the other is not drawn
    *_, last = answers
    assert [e.stage for e in last[0]] == ["done", "done"]
    stopped = json.loads(handlers.stop(last[0], desk)[1])  # draws everything
    assert [e["tools"]["verdict"] for e in stopped["exchanges"]] == ["up", ""]


@pytest.mark.parametrize("let_go", [Handlers.stop, Handlers.fresh])
def test_an_answer_that_was_let_go_says_no_more(handlers: Handlers, let_go: Callable[..., object]) -> None:
    """Where the browser's order to close the generator is lost, too."""
    desk = Desk("talk")
    conversation = handlers.begin("who met?", (), desk)[1]
    answers = handlers.answer(conversation, desk)
    *_, conversation = (next(answers)[0] for _ in range(3))
    assert conversation[-1].running
    let_go(handlers, conversation, desk)
    assert list(answers) == [NOTHING]  # which Gradio sends once more
    assert handlers.parts.kept.get("talk") == ()
    assert asked(handlers, "how much does it cost?", desk=desk)[-1].stage == "done"


@pytest.mark.parametrize("question", ["hold: who met?", "broken"])
def test_asking_again_after_a_stop_or_failure_replaces_the_kept_answer(handlers: Handlers, question: str) -> None:
    desk = Desk("talk")
    conversation = asked(handlers, "who met?", desk=desk)
    [before] = handlers.parts.kept.get("talk")
    for _ in range(2):  # neither of them is ever kept
        editing = replace(desk, editing=conversation[-1].key)
        conversation = handlers.begin(question, conversation, editing)[1]
        if question == "broken":
            *_, last = handlers.answer(conversation, desk)
            conversation = last[0]
        else:
            conversation = handlers.stop(conversation, desk)[0]
        assert conversation[-1].stage in {"stopped", "failed"}
        assert [item.key for item in handlers.parts.kept.get("talk")] == [before.key]
    conversation = handlers.begin("how much?", conversation, replace(desk, editing=conversation[-1].key))[1]
    *_, last = handlers.answer(conversation, desk)
    assert [item.key for item in handlers.parts.kept.get("talk")] == [last[0][-1].key]


def test_a_conversation_that_is_gone_leaves_no_answer_that_is_still_being_written(handlers: Handlers) -> None:
    conversation = handlers.begin("who met?", (), Desk("talk"))[1]
    conversation, talk, _, ask, stop, *_ = handlers.reopen(conversation, Desk("talk"), event(id="gone"))
    assert conversation[-1].stage == "stopped"
    assert json.loads(talk)["exchanges"][0]["message"]["kind"] == "stopped"
    assert (ask["visible"], stop["visible"]) == (True, False)


@pytest.mark.parametrize("sent", [{"id": "none"}, {"id": 3}, {}])
def test_a_conversation_that_is_gone_cannot_be_reopened(handlers: Handlers, sent: dict[str, object]) -> None:
    assert handlers.reopen((), Desk("talk"), event(**sent))[0] == ()
    assert handlers.forget((), Desk("talk"), event(**sent))


@pytest.mark.parametrize(
    "sent", [{"turn": 1, "form": "exe"}, {"turn": 1}, {"turn": 9, "form": "json"}, {"id": "no", "form": "json"}]
)
def test_what_cannot_be_exported_is_not(handlers: Handlers, sent: dict[str, object]) -> None:
    conversation = asked(handlers, "who met?", desk=Desk("talk"))
    assert handlers.export(conversation, Desk("talk"), event(**sent)) == gr.skip()


def test_an_answer_that_could_not_be_kept_is_shown_and_can_be_exported(handlers: Handlers, tmp_path: Path) -> None:
    desk = Desk("talk")
    (tmp_path / "conversations.sqlite3").write_text("damaged " * 1000, "utf-8")
    (tmp_path / "conversations.sqlite3-wal").unlink(missing_ok=True)
    conversation = asked(handlers, "who met?", desk=desk)
    assert conversation[-1].stage == "done"


def test_two_windows_on_one_conversation_lose_no_answer(handlers: Handlers) -> None:
    desk = Desk("talk")
    asked(handlers, "who met?", desk=desk)
    first = handlers.reopen((), Desk(), event(id="talk"))
    second = handlers.reopen((), Desk(), event(id="talk"))
    for opened in (first, second):
        *_, last = handlers.answer(handlers.begin("how much does it cost?", opened[0], opened[5])[1], opened[5])
        assert last[0][-1].number == 2
    assert len(handlers.parts.kept.get("talk")) == 3


@settings(suppress_health_check=[HealthCheck.too_slow])  # a machine that has other work to do
@given(
    st.dictionaries(
        st.sampled_from(["query", "order", "down", "page"]), st.none() | st.integers() | st.text() | st.booleans()
    )
)
def test_whatever_is_sent_a_part_of_the_table_is_shown(sent: dict[str, object]) -> None:
    wanted = panels.Wanted.of(sent)
    assert wanted.order in panels.ORDERS
    assert 0 <= wanted.page < 1_000_000
    assert len(wanted.query) <= 200


def test_a_page_that_has_gone_shows_the_last_one(handlers: Handlers) -> None:
    shown = json.loads(handlers.panes.find((), event(page=7, order="size", down=False, query="")))
    assert (shown["page"], len(shown["rows"])) == (0, 3)


# --- the line ----------------------------------------------------------------------------------------------------


def test_the_line_is_first_come_first_served() -> None:
    line = Line()
    for key in ("a", "b", "c", "a"):
        line.join(key)
    assert [line.ahead(key) for key in ("a", "b", "c", "unknown")] == [0, 1, 2, 0]
    line.leave("b")
    line.leave("unknown")
    assert [line.ahead(key) for key in ("a", "c")] == [0, 1]


def test_who_waits_is_woken_when_somebody_leaves() -> None:
    line = Line()
    line.join("a")
    line.join("b")
    woken = threading.Event()

    def wait() -> None:
        line.wait(20)
        woken.set()

    thread = threading.Thread(target=wait)
    thread.start()
    while not woken.is_set():
        line.leave("a")
        line.join("a")
        woken.wait(0.01)
    thread.join()


def test_a_crash_is_told_and_leaves_the_line(handlers: Handlers) -> None:
    *_, last = handlers.answer(handlers.begin("crash", ())[1])
    assert (last[0][-1].stage, last[0][-1].problem) == ("failed", "An unexpected error; the server's log has more.")
    assert asked(handlers, "who met?", desk=Desk())[-1].stage == "done"


# --- view models -------------------------------------------------------------------------------------------------


def test_the_time_left_is_told_only_once_it_is_known() -> None:
    assert panels.seconds_left([]) is None
    assert panels.seconds_left([(0, 100), (1, 90)]) is None  # too early to tell
    assert panels.seconds_left([(0, 100), (5, 100)]) is None  # nothing moves
    assert panels.seconds_left([(0, 100), (10, 50)]) == 10
    shelf = panels.Shelf([], 0, 3, 30, 1200, (), 150)
    shown = panels.library_view(shelf, panels.Wanted(), endings=[".txt"])
    assert "1,200 passages not yet by meaning, about 2 minutes to go" in shown["counts"]
    for size, words in ((1, "0.1 MB"), (1_260_000, "1.3 MB"), (37_400_000, "37 MB"), (1_234_000_000, "1.2 GB")):
        counts = panels.library_view(replace(shelf, bytes=size), panels.Wanted(), endings=[])["counts"]
        assert counts.startswith(f"3 articles, 30 sentences, {words} on disk. All can be found by word;")
    assert shown["busy"]


def test_the_table_says_what_is_ready_and_what_the_files_became() -> None:
    rows = [Listed("a", "A", date(2024, 1, 2), None, 12345, 0), Listed("b", "B", None, "Paper", 9, 2)]
    arrivals = [
        Arrival(1, "x.txt", "done", 1, "added"),
        Arrival(2, "y.txt", "reading", 3),
        Arrival(3, "z.bin", "failed", 0, "no"),
    ]
    shown = panels.library_view(panels.Shelf(rows, 120, 120, 5, 2, arrivals), panels.Wanted(page=1), endings=[])
    assert [(r["date"], r["source"], r["size"], r["state"]) for r in shown["rows"]] == [
        ("2024-01-02", "", "12,345", "Ready"),
        ("", "Paper", "9", "2 passages to come"),
    ]
    assert shown["place"] == "Page 2 of 3"
    assert shown["progress"] == "2 of 3 files read, 1 not added"
    assert [f["said"] for f in shown["files"]] == ["added", "3 articles so far", "no"]
    empty = panels.library_view(panels.Shelf([], 0, 0, 0, 0), panels.Wanted(), endings=[])
    assert "Drop files" in empty["hint"]
    assert not empty["busy"]


def test_statistics_leave_out_what_is_not_known() -> None:
    timings = [
        Timing("answered", ms, None, 900.0, verdict) for ms, verdict in ((100.0, "up"), (300.0, ""), (200.0, "down"))
    ]
    months = {"": 2, **{f"{2000 + n // 12}-{n % 12 + 1:02}": n + 1 for n in range(40)}}
    shown = panels.statistics_view(months, timings)
    bars = shown["charts"][0]["bars"]
    assert (bars[0]["label"], bars[0]["value"]) == ("Earlier", str(1 + 2 + 3 + 4))
    assert (bars[-1]["label"], bars[-1]["value"]) == ("No date", "2")
    assert max(bar["percent"] for bar in bars) == 100
    assert shown["figures"][0]["value"] == "0.20 s, nine of ten within 0.30 s"
    assert shown["figures"][1]["value"] == "not known yet"
    assert shown["figures"][3]["value"] == "1 / 1"
    nothing = panels.statistics_view({}, [])
    assert [chart["hint"] for chart in nothing["charts"]] == ["The library is empty.", "No answer is kept yet."]


@pytest.mark.parametrize(("embedder", "told"), [("/models/mine", False), ("all-minilm-l6-v2-int8", True)])
def test_where_others_can_open_the_page_no_place_is_told(embedder: str, told: bool) -> None:
    config = Config(Path("/home/ada/articles"), embedder, llm="server", llm_url="http://10.0.0.7/v1", llm_model="m")
    rows = {row["name"]: row["value"] for row in panels.settings_view(config.shown(), changeable=True)["rows"]}
    assert rows["library"] == str(config.library)
    shown = panels.settings_view(config.shown(), changeable=False)
    rows = {row["name"]: row["value"] for row in shown["rows"]}
    assert not {"library", "llm_url"} & rows.keys()
    assert (shown["url"], rows["llm_model"], rows.get("embedder") == embedder) == ("", "m", told)
    assert not any(place in json.dumps(shown) for place in ("/ada", "10.0.0.7", "/models"))


def test_kept_conversations_are_listed_with_their_moment() -> None:
    at = datetime(2024, 6, 1, 12, tzinfo=UTC)
    shown = panels.talks_view([Heading("a", "Who?", at, 1)], "a")
    assert shown["items"][0]["current"]
    assert shown["items"][0]["about"].endswith("· 1 answer")
    assert panels.talks_view([], "")["hint"]


def test_the_parts_of_a_filter_are_told_in_words() -> None:
    within = Filter(frozenset({BRIDGE.id}), frozenset({"Paper"}), date(2024, 5, 3), None)
    words = view.in_words(within, {BRIDGE.id: BRIDGE.title})
    assert words == f"Only “{BRIDGE.title}”, Paper, From 3 May 2024"
    assert view.in_words(Filter(), {}) == ""
    assert view.in_words(Filter(frozenset({DOHA.id})), {}) == f"Only “{DOHA.id}”"


@pytest.mark.parametrize("sent", [{"text": 3}, {"text": ["http://127.0.0.1:1/"]}, {"text": " \n"}, {}])
def test_only_texts_are_taken_for_addresses(handlers: Handlers, sent: dict[str, object]) -> None:
    handlers.panes.fetch((), event(**sent))
    assert handlers.parts.intake.arrivals() == ()


def test_a_browser_cannot_make_a_page_for_others_fetch(tmp_path: Path) -> None:
    asker = ScriptedAsker()
    with parts_of(asker, tmp_path, changeable=False) as parts:
        Handlers(asker, parts).panes.fetch((), event(text="http://127.0.0.1:1/"))
        assert parts.intake.arrivals() == ()


def test_a_browser_cannot_make_a_page_for_others_read_a_file_again(tmp_path: Path) -> None:
    asker = ScriptedAsker()
    for changeable, queued in ((False, []), (True, [DOHA.id])):
        with parts_of(asker, tmp_path, changeable=changeable) as parts:
            shown = json.loads(Handlers(asker, parts).panes.reread((), event(id=DOHA.id)))
            assert [one.name for one in parts.intake.arrivals()] == queued
            assert ("from other machines" in shown["note"]) != changeable


@pytest.mark.parametrize("sent", [{"id": "none"}, {"id": 3}, {"id": ["x"]}, {}])
def test_what_is_not_there_is_not_read_again(handlers: Handlers, sent: dict[str, object]) -> None:
    shown = json.loads(handlers.panes.reread((), event(**sent)))
    assert shown["note"] == "That article was not in the library any more."
