"""Kept conversations: read back as they were, safe from a kill, and readable as gold questions."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.data import read_questions
from index.errors import LibraryError
from qa import export
from qa.conversations import FILE, Conversations
from qa.record import Kept, from_record, to_record
from qa.types import Answer, Citation, Claim, Disagreement, Evidence, Rejection

QUOTE = "The repair costs $6.4 million, *they* said [1]."
CITED = Citation("a", "A <b>title</b> | [x](y)", date(2024, 5, 3), 0, 3, 3 + len(QUOTE), QUOTE, 0.9, 1, "/a.txt")
OTHER = Citation("b", "B", None, 1, 0, 4, "Four", 0.8, 2)
ANSWER = Answer(
    "How much?",
    (
        Claim("It costs $6.4 million.", (CITED, OTHER), (Rejection(3, "unknown mark"),), words=(9, 21)),
        Claim("Withdrawn.", (), (Rejection(None, "word not there: x"),)),
        Claim("Four again.", (OTHER,)),
    ),
    (Evidence(1, "a", "A", date(2024, 5, 3), 0, 3, 7, "text", 1.5, neighbour=True, context="before"),),
    standalone="How much does it cost?",
    steps=("What was repaired?", "How much did that cost?"),
    completion="raw",
    timings_ms={"evidence": 40.0, "total": 900.0},
    models={"llm": "some-model"},
)
REFUSED = Answer("What about the weather?", abstained="not_stated")
LINKS = {"a": "https://herald.example/a?b=(c)", "b": "javascript:alert(1)"}


def item(answer: Answer = ANSWER, key: str = "k1") -> Kept:
    return Kept(key, answer, datetime(2024, 6, 1, 12, 30, tzinfo=UTC), "3 May 2024 to today")


def test_a_record_gives_back_the_answer() -> None:
    assert from_record(json.loads(json.dumps(to_record(ANSWER)))) == ANSWER
    assert from_record(json.loads(json.dumps(to_record(REFUSED)))) == REFUSED
    differ = replace(ANSWER, disagreement=Disagreement(ANSWER.citations[:1] * 2, ("two", "3"), correction=1))
    assert from_record(json.loads(json.dumps(to_record(differ)))) == differ


def test_a_record_of_before_words_and_steps_were_told_is_read() -> None:
    record = to_record(ANSWER)
    del record["steps"]
    for claim in record["claims"]:
        del claim["words"]
    read = from_record(record)
    assert ([claim.words for claim in read.claims], read.steps) == ([None, None, None], ())


@pytest.mark.parametrize(
    "record", [{}, {"question": "q", "claims": [{}], "evidence": []}, {"claims": [], "evidence": []}]
)
def test_what_is_no_record_is_an_error(record: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        from_record(record)


def test_a_conversation_is_read_back_in_order_by_another_opening(tmp_path: Path) -> None:
    store = Conversations(tmp_path)
    store.keep("c1", item())
    store.keep("c1", item(REFUSED, "k2"))
    store.keep("c2", item(REFUSED, "k3"))
    again = Conversations(tmp_path)
    assert [one.answer for one in again.get("c1")] == [ANSWER, REFUSED]
    assert again.get("c1")[0] == item()
    assert {(h.id, h.title, h.answers) for h in again.headings()} == {
        ("c1", "How much?", 2),
        ("c2", "What about the weather?", 1),
    }
    assert again.get("unknown") == ()
    assert again.remove("c2")
    assert not again.remove("c2")
    assert [h.id for h in again.headings()] == ["c1"]


def test_an_answer_asked_again_takes_the_place_of_the_first(tmp_path: Path) -> None:
    store = Conversations(tmp_path)
    store.keep("c1", item())
    store.keep("c1", item(REFUSED, "k2"), instead_of="k1")
    assert [one.key for one in store.get("c1")] == ["k2"]
    assert [h.title for h in store.headings()] == ["What about the weather?"]
    store.keep("c1", item(ANSWER, "k3"), instead_of="of another conversation")
    assert [one.key for one in store.get("c1")] == ["k2", "k3"]


def test_judgements_are_gold_questions_that_evals_reads(tmp_path: Path) -> None:
    store = Conversations(tmp_path)
    for answer, key in ((ANSWER, "k1"), (REFUSED, "k2"), (ANSWER, "k3")):
        store.keep("c1", item(answer, key))
    assert not store.candidates().exists()
    assert store.judge("k1", "up", "right")
    assert store.judge("k2", "up", "")
    assert store.judge("k3", "down", "half a character \ud800")
    assert not store.judge("unknown", "up", "")
    first, second, third = read_questions(store.candidates())
    assert (first.text, first.answerable, first.kind) == ("How much?", True, "approved")
    assert [(g.article_id, g.start, g.end, g.text) for g in first.gold] == [
        ("a", 3, 3 + len(QUOTE), QUOTE),
        ("b", 0, 4, "Four"),
    ]
    assert (second.answerable, second.gold) == (False, ())
    assert [turn.text for turn in second.history] == ["How much?", ANSWER.text]
    assert (third.answerable, third.kind, third.gold) == (True, "rejected", ())
    store.judge("k1", "", "")
    assert [q.id for q in read_questions(store.candidates())] == ["reader-k2", "reader-k3"]
    with pytest.raises(ValueError, match="sideways"):
        store.judge("k1", "sideways", "")


def test_times_and_states_are_kept_for_the_statistics(tmp_path: Path) -> None:
    store = Conversations(tmp_path)
    store.keep("c1", item())
    [timing] = store.timings()
    assert (timing.status, timing.evidence_ms, timing.first_token_ms, timing.total_ms) == (
        "answered",
        40.0,
        None,
        900.0,
    )


def test_half_a_character_in_a_question_does_not_stop_it(tmp_path: Path) -> None:
    store = Conversations(tmp_path)
    store.keep("c1", item(Answer("what \ud83d?", abstained="not_stated")))
    assert store.get("c1")[0].answer.question == "what \ud83d?"
    assert store.headings()[0].title == "what ??"


def test_an_answer_that_another_version_wrote_does_not_hide_the_others(tmp_path: Path) -> None:
    import sqlite3

    store = Conversations(tmp_path)
    store.keep("c1", item())
    store.keep("c1", item(REFUSED, "k2"))
    db = sqlite3.connect(tmp_path / FILE)
    with db:
        db.execute("""UPDATE answers SET record = '{"question": "?"}' WHERE key = 'k1'""")
    db.close()
    assert [one.key for one in store.get("c1")] == ["k2"]


def test_a_file_that_is_no_database_is_said_to_be_so(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("not a database, " * 100)
    with pytest.raises(LibraryError, match="move the file away"):
        Conversations(tmp_path)


WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, "tests/qa")
from test_conversations import ANSWER, item
from qa.conversations import Conversations
store = Conversations(Path(sys.argv[1]))
for n in range(10_000):
    store.keep("c1", item(key=f"k{n}"))
    print(n, flush=True)
"""


def test_a_kill_loses_no_answer_that_was_kept(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    ) as process:
        assert process.stdout is not None
        for _ in range(20):
            said = int(process.stdout.readline())
        os.kill(process.pid, signal.SIGKILL)
    kept = Conversations(tmp_path).get("c1")
    assert len(kept) > said
    assert [one.key for one in kept] == [f"k{n}" for n in range(len(kept))]


# --- export ------------------------------------------------------------------------------------------------------


def test_markdown_has_a_footnote_for_each_cited_sentence() -> None:
    text = export.markdown([item()], LINKS)
    assert text == (
        "## How much?\n\n"
        "Asked on 1 June 2024, written by some-model, narrowed to 3 May 2024 to today.\n\n"
        "It costs \\$6.4 million.[^1][^2] Four again.[^2]\n\n"
        "[^1]: “The repair costs \\$6.4 million, \\*they\\* said \\[1\\].” — "
        "[A \\<b\\>title\\</b\\> \\| \\[x\\](y)](<https://herald.example/a?b=(c)>), 3 May 2024\n"
        "[^2]: “Four” — B\n"
    )


def test_in_a_conversation_footnotes_of_different_answers_differ() -> None:
    text = export.markdown([item(), item(REFUSED, "k2"), item(key="k3")], LINKS)
    assert "[^1-1]" in text
    assert "[^3-2]: “Four”" in text
    assert "*The articles do not say.*" in text


def test_html_is_one_page_in_which_nothing_an_article_says_is_markup() -> None:
    text = export.html([item(), item(REFUSED, "k2")], LINKS)
    assert "<b>" not in text
    assert "&lt;b&gt;title&lt;/b&gt;" in text
    assert '<sup><a href="#c1-1">[1]</a></sup>' in text
    assert '<li id="c1-1"><blockquote>“The repair costs' in text
    assert 'href="https://herald.example/a?b=(c)"' in text
    assert "javascript" not in text
    assert "default-src 'none'" in text
    assert "<em>The articles do not say.</em>" in text


def test_json_is_the_object_of_the_eval_contract_with_its_links() -> None:
    [row] = json.loads(export.as_json([item()], LINKS))
    assert row["id"] == "k1"
    assert row["links"] == {"a": "https://herald.example/a?b=(c)"}
    assert row["claims"] == ANSWER.to_json()["claims"]


def test_the_clipboard_gets_marks_and_quotes() -> None:
    assert export.plain(ANSWER, LINKS).splitlines()[0] == "It costs $6.4 million.[1][2] Four again.[2]"
    assert export.plain(ANSWER, {}).splitlines()[-1] == "[2] “Four” — B"
    assert export.plain(REFUSED, {}) == "What about the weather?\n\nThe articles do not say.\n"


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("How much is it?", "how-much-is-it.md"),
        ("???", "answer.md"),
        ("Ставка/../etc", "etc.md"),
        ("東京は?", "answer.md"),
    ],
)
def test_a_file_is_named_after_its_question(question: str, name: str) -> None:
    assert export.file_name([item(Answer(question))], "md") == name


@given(st.text())
def test_any_text_can_be_exported(text: str) -> None:
    citation = Citation("a", text or "t", None, 0, 0, 1, text, 1.0, 1)
    items = [item(Answer(text, (Claim(text, (citation,)),)))]
    for _, _, write in export.FORMATS.values():
        write(items, {"a": text}).encode()
    page = export.html(items, {"a": text})
    assert page.count("<script") == page.count("<img") == 0
