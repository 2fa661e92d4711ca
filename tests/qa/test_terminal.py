from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from fakes import ARRIVED, DOHA, INVESTED, MET, evidence_of
from hypothesis import given
from hypothesis import strategies as st

from index.types import Passage
from qa import terminal
from qa.types import Answer, Citation, Claim, Evidence, Hit, Reason, Rejection

FOUND = evidence_of(DOHA, MET, INVESTED, ARRIVED)


def citation(e: Evidence) -> Citation:
    return Citation(e.article_id, e.title, e.date, e.sentence, e.start, e.end, e.text, 0.9, e.label, e.file)


FIRST = Claim("Mittal met Stanekzai.", (citation(FOUND[0]),))
BOTH = Claim("India invested $3 billion, and Stanekzai came.", (citation(FOUND[1]), citation(FOUND[2])))
AGAIN = Claim("They met in Doha.", (citation(FOUND[0]),))
LIE = Claim("They met in Moscow.", (), (Rejection(1, "name not in the cited sentence: moscow"),))


def test_an_answer_with_its_marks_and_sources() -> None:
    shown = terminal.answer(Answer("?", (FIRST, BOTH, AGAIN), FOUND), width=200)
    assert shown == (
        "Mittal met Stanekzai. [1] India invested $3 billion, and Stanekzai came. [2][3] They met in Doha. [1]\n\n"
        f"[1] “{MET}”\n    {DOHA.title} (2021-09-01)\n    /articles/doha.txt\n\n"
        f"[2] “{INVESTED}”\n    {DOHA.title} (2021-09-01)\n    /articles/doha.txt\n\n"
        f"[3] “{ARRIVED}”\n    {DOHA.title} (2021-09-01)\n    /articles/doha.txt"
    )


def test_withdrawn_sentences_are_counted_and_not_shown() -> None:
    shown = terminal.answer(Answer("?", (FIRST, LIE), FOUND))
    assert "Moscow" not in shown
    assert shown.endswith("(1 sentence(s) of the model withdrawn: the articles do not support them.)")


@pytest.mark.parametrize(("reason", "words"), list(terminal.REASONS.items()))
def test_an_abstention_says_why_and_lists_no_numbered_source(reason: Reason, words: str) -> None:
    shown = terminal.answer(Answer("?", (LIE,), FOUND, abstained=reason))
    assert shown.startswith(words)
    assert "[1]" not in shown
    assert "Moscow" not in shown
    assert f"“{MET[:40]}" in shown  # the two closest
    assert ARRIVED[:40] not in shown
    assert ("Closest, but not an answer:" in shown) == (reason != "llm_unavailable")


def test_nothing_found_shows_nothing_else() -> None:
    assert terminal.answer(Answer("?", abstained="nothing_found")) == terminal.REASONS["nothing_found"]


def test_what_went_wrong_with_the_model_is_told() -> None:
    assert terminal.answer(Answer("?", (FIRST,), FOUND, detail="server gone")).endswith("\n\n(server gone)")


def test_lines_are_no_wider_than_asked() -> None:
    shown = terminal.answer(Answer("?", (FIRST, BOTH), FOUND), width=60)
    assert max(len(line) for line in shown.splitlines() if DOHA.title not in line) <= 60


def test_a_quote_over_lines_is_shown_on_one_run() -> None:
    two = replace(FOUND[0], text="He said:\n\n  so.", title="T", date=None, file=None)
    shown = terminal.answer(Answer("?", (Claim("He said so.", (citation(two),)),), (two,)))
    assert "[1] “He said: so.”\n    T (no date)\n    doha" in shown


def test_a_file_below_the_current_folder_is_named_from_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    here = replace(FOUND[0], file=str(tmp_path / "news" / "a.txt"))
    assert "\n    news/a.txt" in terminal.answer(Answer("?", (Claim("x", (citation(here),)),), (here,)))


def test_hits_with_the_score_of_every_stage() -> None:
    passage = Passage("p", "doha", 0, 0, 0, len(MET), MET)
    hit = Hit(passage, DOHA.title, date(2021, 9, 1), 5.0, {"bm25": 1.5, "rrf": 0.0164, "rerank": 5.0})
    assert terminal.hits([hit]).splitlines()[:3] == [
        f" 1. {DOHA.title} (2021-09-01) doha",
        "    bm25 1.500  rrf 0.016  rerank 5.000",
        "    found by its words, read together with the question",
    ]
    assert terminal.hits([]) == "Nothing found."


@given(st.text(), st.text())
def test_nothing_from_an_article_can_steer_the_terminal(text: str, title: str) -> None:
    evil = replace(FOUND[0], text=text, title=title, file=title)
    passage = Passage("p", "doha", 0, 0, 0, len(text), text)
    for shown in (
        terminal.answer(Answer("?", (Claim(text, (citation(evil),)),), (evil,), detail=title)),
        terminal.answer(Answer("?", (), (evil,), abstained="not_stated")),
        terminal.hits([Hit(passage, title, None, 1.0, {})]),
    ):
        assert all(c.isprintable() or c in "\n\t" or not c.isascii() for c in shown)
        assert not set(shown) & set("\x9b\x9d\x85\u202e\u2066")
        shown.encode("utf-8")
