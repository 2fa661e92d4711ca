"""Statements that do not agree, in every form in which an answer is saved."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa import export
from qa.record import Kept
from qa.types import Answer, Citation, Claim, Disagreement

EARLY = Citation("a", "Bridge *planned*", date(2024, 4, 2), 0, 0, 24, "It was to cost 4 <i>m</i>.", 1.0, 1)
LATE = Citation("b", "A correction", date(2024, 5, 3), 2, 5, 30, "It costs 6, not 4 million.", 1.0, 2)
UNDATED = replace(EARLY, article_id="c", date=None)
DIFFER = Disagreement((EARLY, LATE), ("4 <i>m</i>", "6"), correction=1)
ANSWER = Answer("How much?", (Claim("It costs 6 million.", (LATE,)),), disagreement=DIFFER)
LINKS = {"a": "https://herald.example/a", "b": "https://herald.example/b"}


def item(answer: Answer = ANSWER) -> Kept:
    return Kept("k", answer, datetime(2024, 6, 1, 12, 30, tzinfo=UTC))


def notes(*statements: Citation, correction: int | None = None) -> list[tuple[str, ...]]:
    return [side.notes for side in export.sides(Disagreement(statements, ("x",) * len(statements), correction))]


def test_the_later_statement_and_the_correction_are_marked() -> None:
    assert notes(EARLY, LATE, correction=1) == [(), ("later", "a correction")]
    assert notes(EARLY, LATE, correction=0) == [("a correction",), ("later",)]
    assert notes(UNDATED, EARLY) == [(), ()]  # nothing is known to be later
    assert notes(EARLY, replace(EARLY, article_id="d")) == [(), ()]
    assert notes(UNDATED, EARLY, LATE) == [(), (), ("latest",)]
    assert export.sides(None) == ()


def test_a_correction_that_tells_both_values_is_one_article() -> None:
    both = export.sides(Disagreement((replace(LATE, start=0), LATE), ("4", "6"), correction=1))
    assert export.differing(both) == "Here one article gives different values"
    assert export.differing(export.sides(DIFFER)) == "Here the articles do not agree"


def test_markdown_lists_the_statements_with_their_sources() -> None:
    assert (
        "**Here the articles do not agree**\n\n"
        "- **4 \\<i\\>m\\</i\\>**: “It was to cost 4 \\<i\\>m\\</i\\>.” — "
        "[Bridge \\*planned\\*](<https://herald.example/a>), 2 April 2024\n"
        "- **6** *(later, a correction)*: “It costs 6, not 4 million.” — "
        "[A correction](<https://herald.example/b>), 3 May 2024\n\n"
        "[^1]: "
    ) in export.markdown([item()], LINKS)


def test_html_sets_them_side_by_side_and_escapes_them() -> None:
    text = export.html([item()], LINKS)
    assert text.count("<section>") == 2
    assert "<strong>4 &lt;i&gt;m&lt;/i&gt;</strong></p>" in text
    assert "<strong>6</strong> <small>later, a correction</small></p>" in text
    assert ".sides{display:grid" in text
    assert "<i>" not in text


def test_json_has_the_statements_and_the_links_of_both_articles() -> None:
    [row] = json.loads(export.as_json([item()], LINKS))
    assert [one["value"] for one in row["disagreement"]["statements"]] == ["4 <i>m</i>", "6"]
    assert row["disagreement"]["correction"] == 1
    assert row["links"] == LINKS


@pytest.mark.parametrize("answer", [ANSWER, Answer("How much?", abstained="not_stated", disagreement=DIFFER)])
def test_the_clipboard_gets_them_too(answer: Answer) -> None:
    text = export.plain(answer, LINKS)
    assert "Here the articles do not agree\n- 4 <i>m</i>: “It was to cost" in text
    assert "- 6: “It costs 6, not 4 million.” — A correction, 3 May 2024, later, a correction\n" in text


@given(st.text())
def test_any_value_can_be_exported(value: str) -> None:
    cited = replace(EARLY, quote=value, title=value or "t")
    answer = replace(ANSWER, disagreement=Disagreement((cited, LATE), (value, value)))
    for _, _, write in export.FORMATS.values():
        write([item(answer)], LINKS).encode()
    assert export.html([item(answer)], LINKS).count("<i") == 0
