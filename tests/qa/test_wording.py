"""What is asked, without the words of asking for it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa import kinds, wording


@pytest.mark.parametrize(
    ("asked", "plain"),
    [
        ("Could you please tell me who won the cup?", "who won the cup?"),
        ("can you tell me when the bridge opened, please?", "when the bridge opened?"),
        ("Hello, do you know why it was closed?", "why it was closed?"),
        ("I'd like to know how much it cost", "how much it cost"),
        ("I want to know who resigned", "who resigned"),
        ("please tell us: what happened?", "what happened?"),
        ("who won, thanks", "who won"),
        ("Describe how a glass eye is made.", "how a glass eye is made."),
        ("explain why the bridge was closed", "why the bridge was closed"),
        ("Describe the strike", "Describe the strike"),
        ("Can you name all people who resigned?", "name all people who resigned?"),
        ("whats the latest on the strike", "what's the latest on the strike"),
        ("Whos Deepak Mittal", "Who's Deepak Mittal"),
        # What only looks polite, or leaves no question, stays.
        ("Tell me about Kestovar", "Tell me about Kestovar"),
        ("Can you tell me if the bridge is open?", "Can you tell me if the bridge is open?"),
        ("How do you know who won?", "How do you know who won?"),
        ("Who could tell me the way?", "Who could tell me the way?"),
        ("Did they show us what happened?", "Did they show us what happened?"),
        ("please", "please"),
        ("thanks", "thanks"),
    ],
)
def test_what_is_only_polite_is_left_out(asked: str, plain: str) -> None:
    assert wording.plain(asked) == plain
    assert wording.plain(plain) == plain


def test_a_polite_question_is_of_the_kind_that_it_asks_for() -> None:
    assert kinds.kind(wording.plain("Can you tell me when it opened?")) == "when"
    assert kinds.kind(wording.plain("Could you list the mayors?")) == "several"


@pytest.mark.parametrize(
    ("asked", "read"),
    [
        ("List everyone who resigned or left.", "who resigned or left"),
        ("list all of the people who resigned", "who resigned"),
        ("Please give me a list of those who voted against it!", "who voted against it"),
        ("List the mayors of Velm.", "the mayors of Velm"),
        ("name every ship that sank", "ship that sank"),
        ("Who listed the mayors?", "Who listed the mayors?"),
        ("list", "list"),
    ],
)
def test_a_list_is_read_as_the_question_that_it_answers(asked: str, read: str) -> None:
    assert wording.read_as(asked) == read


@given(st.text())
def test_something_is_always_left_to_ask(asked: str) -> None:
    assert bool(wording.plain(asked).strip()) == bool(asked.strip())
    assert bool(wording.read_as(asked).strip()) == bool(asked.strip())
