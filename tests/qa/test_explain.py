"""Questions for an explanation, and the runs of sentences that tell it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from fakes import DOHA, evidence_of
from hypothesis import given
from hypothesis import strategies as st

from index.sentences import split
from index.types import Article, Sentence
from qa.explain import LONGEST, runs, together, wanted
from qa.types import Evidence

FILLING = Article(
    "filling",
    "How a kettle switches itself off",
    "The switch is a strip of two metals. One of them grows more with heat. So the strip bends.\n\n"
    "Steam reaches it through a tube.\n   \nIt cools in a minute. Then it bends back. It clicks. It is ready. It waits.",
)


@pytest.mark.parametrize(
    "question",
    [
        "Why did the pier close?",
        "And why?",
        "why isnt there a lift",
        "How does a kettle switch itself off?",
        "How exactly was the wreck found?",
        "how come nobody noticed",
        "How to file a response",
        "What is the purpose of the second valve?",
        "What's the difference between a hare and a rabbit?",
        "what were the two main reasons for the delay",
        "What does the harbour master do?",
        "What did the ruling mean?",
        "what is the brass ring for",
        "What is the song about?",
        "What happened to the second boat?",
        "What became of the plan?",
        "What caused the fire?",
        "What made the pump fail?",
        "In what way did they check the map?",
        "On what grounds was the claim thrown out?",
        "Explain the vote.",
        "Could you please tell me why the pier closed?",
        "do you know how the wreck was found",
        "where does the name Ostrey come from",
        "meaning of the broken glass",
        "What is caldo negro, and why is it black?",
        "What went wrong in the trial and how was it put right?",
        "How are you today? (asked after: Who won?)",
    ],
)
def test_asking_for_more_than_a_name_or_a_number_asks_for_an_explanation(question: str) -> None:
    assert wanted(question)


@pytest.mark.parametrize(
    "question",
    [
        "Who did Mittal meet?",
        "Who closed the pier? (asked after: Why did the pier close?)",
        "When did the pier close?",
        "How many boats sank?",
        "how much does it cost",
        "How old is the pier?",
        "How long did the repair take?",
        "Where was the wreck found?",
        "Where is the story set?",
        "What is the capital of Peru?",
        "What was the final score?",
        "What is the point called where the rivers meet?",
        "Which ring is made of brass?",
        "Did the mayor say why the pier closed?",
        "Did it close, and why?",
        "What did Lind say?",
        "List all mayors.",
        "The howling wind",
        "",
    ],
)
def test_asking_for_a_name_a_number_or_yes_does_not(question: str) -> None:
    assert not wanted(question)


def told(article: Article, *left_out: int) -> list[list[int]]:
    some = [sentence for sentence in split(article) if sentence.index not in left_out]
    return [[sentence.index for sentence in run] for run in runs(some, article.text)]


def test_a_run_stays_in_its_paragraph() -> None:
    assert told(FILLING) == [
        *([0, 1], [1, 2], [0, 1, 2]),
        [3],
        *([4, 5], [5, 6], [6, 7], [7, 8]),
        *([4, 5, 6], [5, 6, 7], [6, 7, 8]),
        *([4, 5, 6, 7], [5, 6, 7, 8]),
    ]


def test_a_run_does_not_leap_over_a_sentence() -> None:
    assert told(FILLING, 1, 5, 6) == [[0], [2], [3], [4], [7, 8]]
    assert told(FILLING, *range(9)) == []


@given(st.text(alphabet="Aa. \n", max_size=120))
def test_a_run_is_a_piece_of_the_text_without_an_empty_line(text: str) -> None:
    article = Article("a", "A", text)
    sentences = split(article)
    seen: set[Sentence] = set()
    for run in runs(sentences, text):
        assert 1 <= len(run) <= LONGEST
        assert [one.index for one in run] == list(range(run[0].index, run[0].index + len(run)))
        assert "\n\n" not in text[run[0].start : run[-1].end]
        seen.update(run)
    assert seen == set(sentences)


def labels(found: Mapping[int, tuple[Evidence, ...]]) -> dict[int, list[int]]:
    return {label: [e.label for e in run] for label, run in found.items()}


def shown(article: Article, *places: int, label: int = 1) -> list[Evidence]:
    """Some sentences of an article as evidence."""
    sentences = [split(article)[at] for at in places]
    found = evidence_of(article, *(sentence.text for sentence in sentences))
    return [replace(e, label=label + at, sentence=places[at]) for at, e in enumerate(found)]


def test_the_evidence_of_one_paragraph_stands_together_where_nothing_is_missing() -> None:
    evidence = shown(FILLING, 0, 1, 3, 4, 6, 7)
    runs_of = together(evidence, {FILLING.id: FILLING.text}.__getitem__)
    assert labels(runs_of) == {1: [1, 2], 2: [1, 2], 3: [3], 4: [4], 5: [5, 6], 6: [5, 6]}


def test_the_evidence_of_two_articles_never_stands_together() -> None:
    evidence = [*shown(FILLING, 0), *shown(DOHA, 1, label=2)]
    texts = {FILLING.id: FILLING.text, DOHA.id: DOHA.text}
    assert labels(together(evidence, texts.__getitem__)) == {1: [1], 2: [2]}
    assert together([], texts.__getitem__) == {}
