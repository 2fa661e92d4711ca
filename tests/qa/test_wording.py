"""Questions typed in haste, written with care."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.wording import with_care

TEXTS = (
    "The envoy, Deepak Mittal, met Sher Mohammad Abbas Stanekzai, head of the Taliban’s office in Doha. Talks followed.",
    "He spoke for the U.S. in Doha. In the US nobody commented, the WHO said. “Ferries sank,” said the head of the port.",
)


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("who did mittal meet", "Who did Mittal meet?"),
        ("who is deepak mittal?", "Who is Deepak Mittal?"),
        ("when did the us leave doha", "When did the US leave Doha?"),
        ("in which city did they meet", "In which city did they meet?"),
        ("where is the taliban’s office", "Where is the Taliban’s office?"),
        ("who is the head", "Who is the head?"),
        ("did ferries sink", "Did ferries sink?"),  # a capital that only opens a sentence is none
        ("list the envoys", "List the envoys"),
        ("what did i say", "What did I say?"),
        ("Who did mittal meet?", "Who did Mittal meet?"),
        # Written with capitals, it is left as it is.
        ("Who is head of WHO", "Who is head of WHO"),
        ("who did Lind and mittal meet", "who did Lind and mittal meet"),
        ("", ""),
        ("?", "?"),
    ],
)
def test_a_question_gets_the_capitals_of_the_articles_and_its_question_mark(typed: str, written: str) -> None:
    assert with_care(typed, TEXTS) == written


@given(st.text(max_size=60), st.lists(st.text(max_size=60), max_size=3))
def test_it_changes_nothing_but_capitals_and_the_mark_at_the_end(typed: str, texts: list[str]) -> None:
    written = with_care(typed, [*TEXTS, *texts])
    assert written.rstrip("?").casefold() == typed.rstrip("?").casefold()
    assert with_care(written, [*TEXTS, *texts]).casefold() == written.casefold()
