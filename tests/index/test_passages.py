"""Sentences -> Passages: all of them, in windows that overlap a little and always move on."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.passages import OVERLAP_WORDS, TARGET_WORDS, embedded_text, passages
from index.sentences import split
from index.types import Article, Sentence


def with_lengths(lengths: list[int]) -> tuple[Article, tuple[Sentence, ...]]:
    """An article whose sentences have these many words."""
    texts = [" ".join([f"w{number}"] * length) + "." for number, length in enumerate(lengths)]
    text = " ".join(texts)
    sentences, at = [], 0
    for index, one in enumerate(texts):
        sentences.append(Sentence("a", index, at, at + len(one), one))
        at += len(one) + 1
    return Article("a", "A", text), tuple(sentences)


LENGTHS = st.lists(st.one_of(st.integers(1, 40), st.integers(1, 300)), min_size=1, max_size=60)


@given(LENGTHS)
def test_windows_hold_every_sentence_and_move_on(lengths: list[int]) -> None:
    article, sentences = with_lengths(lengths)
    made = passages(article, sentences)
    assert made[0].first == 0
    assert made[-1].last == len(lengths) - 1
    for passage in made:
        assert passage.text == article.text[passage.start : passage.end]
        assert (passage.start, passage.end) == (sentences[passage.first].start, sentences[passage.last].end)
        assert passage.first == passage.last or sum(lengths[passage.first : passage.last + 1]) <= TARGET_WORDS
    for before, after in pairwise(made):
        shared = before.last + 1 - after.first
        assert 0 <= shared <= 2
        assert before.first < after.first
        assert before.last < after.last  # else it would say nothing new
        assert sum(lengths[after.first : before.last + 1]) <= OVERLAP_WORDS


@given(LENGTHS)
def test_short_neighbours_are_never_parted(lengths: list[int]) -> None:
    article, sentences = with_lengths(lengths)
    together = {(n, n + 1) for p in passages(article, sentences) for n in range(p.first, p.last)}
    for index, (one, other) in enumerate(pairwise(lengths)):
        if one <= OVERLAP_WORDS and one + other <= TARGET_WORDS:
            assert (index, index + 1) in together


def test_a_long_sentence_after_short_ones_makes_no_passage_inside_another() -> None:
    article, sentences = with_lengths([60, 20, 20, 110])
    assert [(p.first, p.last) for p in passages(article, sentences)] == [(0, 2), (3, 3)]


def test_the_samples_are_held_whole(samples: tuple[Article, ...]) -> None:
    for article in samples:
        sentences = split(article)
        held = {n for p in passages(article, sentences) for n in range(p.first, p.last + 1)}
        assert held == set(range(len(sentences)))


def test_no_sentence_gives_no_passage() -> None:
    assert passages(Article("a", "A", ""), ()) == ()


ARTICLE = Article("a", "A", "One came. Two left.", date(2024, 5, 1), "Coast Wire", "https://example.com/a")


def ids(article: Article) -> list[str]:
    return [passage.id for passage in passages(article, split(article), target=2)]


@pytest.mark.parametrize(
    "change",
    [
        {"text": "One came. Two left!"},
        {"title": "B"},
        {"date": date(2024, 5, 2)},
        {"date": None},
        {"id": "b"},
        {"source": None},
    ],
    ids=["text", "title", "date", "no date", "id", "source"],
)
def test_an_id_stands_for_one_text_under_one_heading(change: dict[str, object]) -> None:
    changed = replace(ARTICLE, **change)  # type: ignore[arg-type]
    assert set(ids(ARTICLE)).isdisjoint(ids(changed))


def test_ids_are_the_same_wherever_and_whenever_they_are_made() -> None:
    elsewhere = replace(ARTICLE, file="/another/machine.txt")
    assert ids(ARTICLE) == ids(elsewhere) == ["153ad2b38dd00cba9c9d:0-0", "153ad2b38dd00cba9c9d:1-1"]


def test_title_and_date_are_embedded_and_no_part_of_the_text() -> None:
    assert embedded_text("A storm", "2024-11-27", "It came.") == "A storm (2024-11-27)\nIt came."
    assert embedded_text("A storm", None, "It came.") == "A storm\nIt came."
