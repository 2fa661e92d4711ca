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


def test_markdown_takes_nothing_outside_its_own_words_for_markup() -> None:
    told = replace(ANSWER, models={"llm": "my_model_2"}, completion="x", claims=(Claim("- 12 were *hurt*.", (EARLY,)),))
    text = export.markdown([replace(item(told), within="Only “[click](http://evil.example) <b>”")], LINKS)
    assert "narrowed to Only “\\[click\\](http://evil.example) \\<b\\>”." in text
    assert " my\\_model\\_2, narrowed" in text
    assert "\n\\- 12 were \\*hurt\\*.[^1]\n" in text


@pytest.mark.parametrize(
    ("words", "written"),
    [
        ("+ 3 more.", "\\+ 3 more."),
        ("12. A village.", "12\\. A village."),
        ("3) Yes.", "3\\) Yes."),
        ("3.5 million.", "3.5 million."),
    ],
)
def test_a_first_sentence_is_no_list_in_markdown(words: str, written: str) -> None:
    assert f"\n{written}[^1]\n" in export.markdown([item(replace(ANSWER, claims=(Claim(words, (EARLY,)),)))], {})


def test_an_address_that_would_break_a_link_is_none() -> None:
    assert export.web_address("https://herald.example/a\\") == ""
    assert "](<" not in export.markdown([item()], dict.fromkeys(LINKS, "https://herald.example/a\\"))


@pytest.mark.parametrize(
    ("answer", "by"),
    [
        (
            replace(ANSWER, completion="It costs 6.", claims=(Claim("6.", (replace(LATE, support=0.8),)),)),
            ", written by m",
        ),
        (
            replace(ANSWER, completion="NOT STATED"),
            ", with the model m",
        ),  # the sentence that was quoted after a refusal
        (Answer("How much?", abstained="not_stated", completion="NOT STATED"), ", with the model m"),
        (Answer("How much?", abstained="nothing_found"), ""),  # no model was asked
        (ANSWER, ""),
    ],
)
def test_a_model_is_said_to_have_written_only_what_it_wrote(answer: Answer, by: str) -> None:
    for write in (export.markdown, export.html):
        assert f"Asked on 1 June 2024{by}." in write([item(replace(answer, models={"llm": "m"}))], {})
