from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.chat import standalone
from qa.types import Turn

WHO = Turn("user", "who did Mittal meet?")
STANEKZAI = Turn("assistant", "Mittal met Sher Mohammad Abbas Stanekzai.")

CASES = {
    # a bare question word takes over the last question
    "when?": "when did Mittal meet?",
    "When": "when did Mittal meet?",
    "and why?": "why did Mittal meet?",
    "where exactly?": "where did Mittal meet?",
    "how often?": "how often did Mittal meet?",
    "ok, how long?": "how long did Mittal meet?",
    # an amount is one of what was said
    "and how much?": "how much? (asked after: who did Mittal meet? Mittal met Sher Mohammad Abbas Stanekzai.)",
    # what points back is given the last turn
    "what did he say?": "what did he say? (asked after: who did Mittal meet? Mittal met Sher Mohammad Abbas Stanekzai.)",
    "and in Kabul?": "and in Kabul? (asked after: who did Mittal meet? Mittal met Sher Mohammad Abbas Stanekzai.)",
    "what about Russia?": "what about Russia? (asked after: who did Mittal meet? Mittal met Sher Mohammad Abbas Stanekzai.)",
    # what stands alone is left alone
    "how much has India invested in Afghanistan?": "how much has India invested in Afghanistan?",
    "where did the talks take place": "where did the talks take place",
    "what did Angela Merkel say about it?": "what did Angela Merkel say about it?",
}


@pytest.mark.parametrize("question", CASES)
def test_follow_ups(question: str) -> None:
    assert standalone(question, [WHO, STANEKZAI]) == CASES[question]


def test_a_chain_of_bare_questions_keeps_the_first_ones_words() -> None:
    said = Turn("assistant", "On Tuesday.")
    history = [WHO, STANEKZAI, Turn("user", "when?"), said]
    assert standalone("where?", history) == "where did Mittal meet?"


def test_a_bare_question_after_a_yes_or_no_question() -> None:
    assert standalone("when?", [Turn("user", "Did Mittal meet Stanekzai?")]) == "when did Mittal meet Stanekzai?"


def test_an_amount_after_a_yes_or_no_question() -> None:
    asked = [Turn("user", "Has India invested in Afghanistan?"), Turn("assistant", "Yes: it has.")]
    assert standalone("and how much?", asked) == "how much has India invested in Afghanistan?"


def test_a_bare_question_after_a_statement_is_given_it() -> None:
    history = [Turn("user", "Tell me about Mittal."), Turn("assistant", "He is the envoy.")]
    assert standalone("why?", history) == "why? (asked after: Tell me about Mittal. He is the envoy.)"


def test_a_last_turn_without_an_answer() -> None:
    assert standalone("what did he say?", [WHO]) == "what did he say? (asked after: who did Mittal meet?)"


@given(st.text(max_size=60))
def test_without_a_question_before_nothing_is_changed(question: str) -> None:
    assert standalone(question, []) == question
    assert standalone(question, [Turn("assistant", "Welcome, ask me who met whom.")]) == question


QUESTIONS = st.sampled_from(
    ["who did Mittal meet?", "when?", "and he?", "why", "", "What did Bo pay?", "It."]
) | st.text(max_size=12)
TURNS = st.builds(Turn, st.sampled_from(["user", "assistant"]), QUESTIONS)


@given(QUESTIONS, st.lists(TURNS, max_size=6))
def test_any_history_gives_a_question_that_keeps_the_words_asked(question: str, history: list[Turn]) -> None:
    made = standalone(question, history)
    assert standalone(question, history) == made
    word = next((w.strip("?.,!") for w in question.lower().split() if w.strip("?.,!").isalpha()), "")
    assert word in made.lower() or word in ("and", "but", "so", "ok", "okay", "exactly", "then", "else")


def test_a_long_conversation_does_not_swell_the_question() -> None:
    history = [turn for _ in range(40) for turn in (Turn("user", "and he?"), Turn("assistant", "He left. " * 40))]
    assert len(standalone("and he?", history)) < 1_500
