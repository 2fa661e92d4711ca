from __future__ import annotations

import pytest

from index.types import Passage
from qa import why
from qa.types import Hit


def hit(asked: str = "", clause: str = "", **stages: float) -> Hit:
    named = {name.replace("_", " "): score for name, score in stages.items()}
    return Hit(Passage("p", "a", 0, 0, 0, 4, "Text"), "A", None, 1.0, named, asked, clause)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (
            hit(bm25=2, dense=0.5, rrf=0.03, rerank=5),
            "found by its words and its meaning, read together with the question",
        ),
        (hit(dense=0.5, rrf=0.01), "found by its meaning"),
        (
            hit(bm25_in_scope_2=2, rrf=0.01, time=1),
            "found by its words, in a source or a time that the question names, lifted for its date",
        ),
        (
            hit("who? A bridge", hop=3),
            "led to by what a better passage names, read together with the passage that led to it",
        ),
        (
            hit("who? A bridge", hop=3, rerank=5),
            (
                "led to by what a better passage names, read together with the question, "
                "read together with the passage that led to it"
            ),
        ),
        (hit(dense_hop=3), "led to by what a better passage names"),
        (
            hit(clause="who pays?", bm25_of_clause_2=2, other_forms=1, rrf=0.01),
            "found by its words, by a name written out or as initials, for this part of the question: who pays?",
        ),
        (hit(), ""),
    ],
)
def test_the_reasons_follow_from_the_stages(found: Hit, said: str) -> None:
    assert ", ".join(why.reasons(found)) == said


def test_scores_are_short_and_in_their_order() -> None:
    assert why.scores(hit(rrf=0.03254, bm25=12)) == (("rrf", "0.033"), ("bm25", "12.000"))
