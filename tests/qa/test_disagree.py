"""Values that differ between articles: pairs that disagree, look-alikes that do not, and how it is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from disagreeing import ALIKE, BRIDGE, COST, DEAD, DISAGREE, MAY_2, MAY_5, REOPEN, Said, cited, evidence, first, found
from hypothesis import given
from hypothesis import strategies as st

from index.embed import Embedder
from index.library import Library
from index.types import Article
from qa import terminal
from qa.answer import Asker
from qa.config import Config
from qa.disagree import disagreement, note
from qa.rerank import Reranker
from qa.types import Answer, Claim


@pytest.mark.parametrize("kind", DISAGREE)
def test_articles_that_differ_are_set_side_by_side(kind: str) -> None:
    question, one, other, said = DISAGREE[kind]
    told = found(question, one, other)
    assert told is not None
    assert told.values == said
    assert [c.quote for c in told.statements] == [one.text, other.text]
    assert told.correction == (1 if "correction" in kind else None)


@pytest.mark.parametrize("kind", ALIKE)
def test_articles_that_do_not_differ_are_left_alone(kind: str) -> None:
    question, one, other = ALIKE[kind]
    assert found(question, one, other) is None


# --- which sentences are looked at ------------------------------------------------------------------------------------

KILLED = first("The quake in Kara killed 1,200 people.")
ROSE = Said("The death toll of the quake in Kara rose to 1,900.", article="second")


def test_each_value_is_told_once_by_date() -> None:
    late = Said("The quake in Kara killed 2,300 people.", date(2024, 5, 9), article="third")
    again = Said("The quake in Kara killed 1,900 people.", date(2024, 5, 6), article="fourth", score=5.0)
    early = Said("The quake in Kara killed 300 people.", date(2024, 5, 1), article="fifth", score=5.5)
    told = found(DEAD, KILLED, late, again, early, ROSE)
    assert told is not None
    assert told.values == ("300", "1,200", "1,900", "2,300")
    assert [c.article_id for c in told.statements] == ["fifth", "first", "second", "third"]


def test_the_claim_keeps_its_own_citation() -> None:
    told = found(DEAD, KILLED, ROSE)
    assert told is not None
    assert [c.support for c in told.statements] == [0.9, 1.0]
    assert [c.label for c in told.statements] == [1, 2]


def test_an_article_without_a_date_comes_first() -> None:
    told = found(DEAD, KILLED, Said(ROSE.text, None, article="second"))
    assert told is not None
    assert told.values == ("1,900", "1,200")


def test_an_article_that_gives_both_values_does_not_disagree() -> None:
    both = Said("By evening, 1,900 people had been killed by the quake in Kara.", MAY_2, article="first")
    assert found(DEAD, KILLED, both, ROSE) is None
    more = Said("The quake in Kara killed 2,500 people.", article="second", score=5.0)
    told = found(DEAD, KILLED, ROSE, more)
    assert told is not None
    assert [c.article_id for c in told.statements] == ["first", "second"]


def test_withdrawn_claims_and_no_claims_say_nothing() -> None:
    sentences = evidence(KILLED, ROSE)
    assert disagreement(DEAD, sentences, []) is None
    assert disagreement(DEAD, sentences, [Claim(KILLED.text, ())]) is None
    assert disagreement(DEAD, sentences, [Claim("Nobody knows.", ()), cited(sentences[0])]) is not None


def test_the_correction_itself_may_be_what_is_cited() -> None:
    right = Said("Correction: an earlier version gave a wrong number for Kara; the quake killed 120 people.")
    told = found(DEAD, right, first("The quake in Kara killed 1,200 people."))
    assert told is not None
    assert (told.values, told.correction) == (("1,200", "120"), 1)


def test_what_is_corrected_is_told_by_its_own_article() -> None:
    right = Said("Correction: the repair of Ostrey Bridge will cost $6.4 million, not $4.2 million.", title=BRIDGE)
    repeated = Said("Our report of 2 May gave the cost of the repair of Ostrey Bridge as $4.2 million.", title=BRIDGE)
    wrong = first("The repair of Ostrey Bridge will cost $4.2 million.", title=BRIDGE)
    told = found(COST, right, repeated, replace(wrong, score=3.0))
    assert told is not None
    assert note(told) == "The articles differ: $4.2 million (2 May 2024), corrected: $6.4 million (5 May 2024)."
    assert [c.article_id for c in told.statements] == ["first", "second"]


PIECES = st.sampled_from(
    """
    The quake|killed|injured|in Kara|1,200|900|12 June|2024-13-45|Correction:|an earlier version said|it is|people|$3bn|٣|9e9
    |%|on Tuesday|May|31 February|not|from|to|;|,|.|million million|twenty-five|–|\u202e|Anna Lind|0|0.0|U.S.|will
    """.strip().split("|")
)
TEXTS = st.lists(PIECES, max_size=12).map(" ".join)


@given(
    st.sampled_from([DEAD, COST, REOPEN, "Who won?", "How many?", "when", "how much was it", "number of"]) | TEXTS,
    st.lists(st.tuples(TEXTS, st.sampled_from([None, MAY_2, MAY_5]), st.sampled_from(["first", "second"])), max_size=4),
)
def test_whatever_articles_hold_values_are_of_their_quotes(
    question: str, articles: list[tuple[str, date | None, str]]
) -> None:
    sentences = evidence(*(Said(text, day, "Kara", name, context=text) for text, day, name in articles))
    told = disagreement(question, sentences, [cited(e) for e in sentences])
    if told is None:
        return
    assert len(told.statements) == len(told.values) > 1
    assert all(value in c.quote for c, value in zip(told.statements, told.values, strict=True))
    assert len({c.label for c in told.statements}) == len(told.statements)
    assert told.correction is not None or len({c.article_id for c in told.statements}) > 1
    assert note(told).startswith("The articles differ: ")


# --- how it is told ---------------------------------------------------------------------------------------------------


def test_the_note_says_which_is_later() -> None:
    told = found(DEAD, KILLED, ROSE)
    assert told is not None
    assert note(told) == "The articles differ: 1,200 (2 May 2024), later 1,900 (5 May 2024)."


def test_the_note_says_what_is_corrected_and_names_undated_articles() -> None:
    question, one, other, _ = DISAGREE["a correction of the same article"]
    told = found(question, one, other)
    assert told is not None
    assert note(told) == "The articles differ: 12 June (2 May 2024), corrected: 14 June (2 May 2024)."
    question, one, other, _ = DISAGREE["millions in words and digits"]
    told = found(question, one, replace(other, day=MAY_5))
    assert told is not None
    assert note(told) == "The articles differ: 1.5 million (Kara), 900,000 (5 May 2024)."


def test_the_terminal_shows_the_note_and_the_sentence_that_is_not_cited() -> None:
    sentences = evidence(KILLED, ROSE)
    claim = cited(sentences[0], "The quake killed 1,200 people.")
    told = disagreement(DEAD, sentences, [claim])
    lines = terminal.answer(Answer(DEAD, (claim,), sentences, disagreement=told)).split("\n\n")
    assert lines[0] == "The quake killed 1,200 people. [1]"
    assert lines[1] == "The articles differ: 1,200 (2 May 2024), later 1,900 (5 May 2024)."
    assert lines[2].startswith(f" -  “{ROSE.text}”")
    assert lines[3].startswith(f"[1] “{KILLED.text}”")
    assert "differ" not in terminal.answer(Answer(DEAD, (claim,), sentences))


def test_an_answer_over_a_real_library_says_where_articles_differ(
    tmp_path: Path, embedder: Embedder, reranker: Reranker
) -> None:
    with Library(tmp_path / "library") as library:
        library._embedder = embedder
        library.add(
            [
                Article("a", "Quake in Kara", "A strong quake hit Kara. The quake in Kara killed 1,200 people.", MAY_2),
                Article(
                    "b", "Quake in Kara", "Rain fell. The death toll of the Kara quake rose to 1,900 people.", MAY_5
                ),
            ]
        )
        library.embed_pending()
        asker = Asker(library, Config(), llm=None, reranker=lambda: reranker)
        told = asker.ask("How many people did the quake in Kara kill?").disagreement
        none = asker.ask("What fell?").disagreement
    assert told is not None
    assert told.values == ("1,200", "1,900")
    assert none is None
