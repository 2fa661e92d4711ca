"""Questions turned into yes-or-no questions and lists: by word order alone, and left as they are where that does not do."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals import question_forms as forms
from qa import kinds


def turned(question: str, said: str, *, insist: bool = False) -> set[str | None]:
    """Everything that chance makes of it."""
    return {forms.yes_or_no(question, said, random.Random(seed), insist=insist) for seed in range(20)}


@pytest.mark.parametrize(
    ("question", "said", "made"),
    [
        (
            "When did Ada Brink open the mill?",
            "1931",
            {"Did Ada Brink open the mill?", "Did Ada Brink open the mill in 1931?"},
        ),
        (
            "When was the mill opened?",
            "March 3, 1931",
            {"Was the mill opened?", "Was the mill opened on March 3, 1931?"},
        ),
        ("Why did the mill close?", "the flood", {"Did the mill close?"}),
        ("In what town was Brink born?", "Holm", {"Was Brink born?", "Was Brink born in Holm?"}),
        ("Where was Brink born?", "Holm", {"Was Brink born?", "Was Brink born in Holm?"}),
        ("What year was the war?", "1931", {"Was the war in 1931?"}),
        ("Why is the sky blue?", "the light", {None}),
        ("Who was the first owner of the mill?", "Ada Brink", {"Was Ada Brink the first owner of the mill?"}),
        ("What did the mill make?", "paper", {"Did the mill make paper?"}),
        ("How many mills did she own?", "12", {"Did she own 12 mills?"}),
        ("How many mills did she own?", "a few", {None}),
        ("What did she buy in 1931?", "a mill", {None}),
        (
            "Who opened the mill?",
            "Ada Brink",
            {"Was it Ada Brink who opened the mill?", "Is it true that Ada Brink opened the mill?"},
        ),
        (
            "Which town opened the mill?",
            "Holm",
            {"Was it Holm that opened the mill?", "Is it true that Holm opened the mill?"},
        ),
        ("Why did the mill not close?", "the war", {None}),
        ("Who opened the mill?", "a woman of whom nobody had heard before", {None}),
        ("Mills were built by whom?", "Ada Brink", {None}),
    ],
)
def test_a_question_is_asked_for_yes_or_no(question: str, said: str, made: set[str | None]) -> None:
    assert turned(question, said) == made
    assert all(kinds.kind(one) == "yes-no" for one in made if one)


def test_where_the_answer_has_to_stand_in_it_there_is_no_other_form() -> None:
    assert turned("When did Ada Brink open the mill?", "1931", insist=True) == {"Did Ada Brink open the mill in 1931?"}
    assert turned("Why did Ada Brink open the mill?", "the flood", insist=True) == {None}


@pytest.mark.parametrize(
    ("question", "end"),
    [
        ("Who opened the mill?", " who opened the mill"),
        ("Which mills were built in Holm?", " mills that were built in Holm"),
        ("What countries was Spain at war with?", None),
        ("What are the rivers of Holm?", " the rivers of Holm"),
        ("What is used in beer?", None),
        ("When did the mill close?", None),
    ],
)
def test_a_question_is_asked_as_a_list(question: str, end: str | None) -> None:
    made = {forms.as_list(question, random.Random(seed)) for seed in range(20)}
    assert made == {None} if end is None else len(made) > 1 and all(one and one.endswith(end) for one in made)


def test_of_another_manner_nothing_is_told() -> None:
    asked = forms.in_another_manner("Did they meet?", random.Random(0))
    assert asked.startswith("Did they meet ")
    assert asked.removeprefix("Did they meet ").removesuffix("?") in forms.MANNERS


def test_what_may_stand_for_what() -> None:
    assert forms.same_shape("1931", "1950")
    assert forms.same_shape("March 3", "May 4, 1950")
    assert not forms.same_shape("1931", "Ada Brink")
    assert not forms.same_shape("1931", "March 3")


@given(st.text("whoatdi en?1Brk,", max_size=40), st.text("ab 1.?", max_size=12), st.integers(0, 9), st.booleans())
def test_whatever_is_asked_nothing_breaks(question: str, said: str, seed: int, insist: bool) -> None:
    made = forms.yes_or_no(f"who {question}", said, random.Random(seed), insist=insist)
    assert made is None or made.endswith("?")
    forms.as_list(question, random.Random(seed))


@pytest.mark.parametrize(
    ("question", "said", "told"),
    [
        ("Who opened the mill in 1931?", "the Brinks", "The Brinks opened the mill in 1931."),
        ("Which town opened the mill?", "Holm.", "Holm opened the mill."),
        ("When was the mill opened?", "1931", None),
        ("Who never opened the mill?", "Ada Brink", None),
        ("Who opened the mill?", "", None),
    ],
)
def test_an_answer_is_told_in_the_words_of_the_question(question: str, said: str, told: str | None) -> None:
    assert forms.statement(question, said) == told
