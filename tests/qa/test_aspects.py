from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.words import content_words
from qa.aspects import LEAST, MOST, asks_for_all, clauses, names, other_forms, sources

KNOWN = ["FOX News - Health", "FOX News - Lifestyle", "The Age", "CBSSports.com", "Wired", "Cnbc | World Business News"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Which singer is American, Mark King or Nick Hexum?", ["American", "Mark King", "Nick Hexum"]),
        ("Who wrote the Bank of the Northern Isles report?", ["Bank of the Northern Isles"]),
        ('Who sang "the long road" in Oslo?', ["the long road", "Oslo"]),
        ("who did mittal meet?", []),
        ("Did The Dandy Warhols form in 1994?", ["Dandy Warhols"]),
        ("Mittal met Mittal.", ["Mittal"]),
        ("", []),
    ],
)
def test_names_are_runs_of_capitals_and_quoted_words(text: str, found: list[str]) -> None:
    assert names(text) == found


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("What did FOX News say?", [{"FOX News - Health", "FOX News - Lifestyle"}]),
        ("Did CBSSports and The Age agree?", [{"The Age"}, {"CBSSports.com"}]),
        ("What did CNBC report?", [{"Cnbc | World Business News"}]),
        ("Who wired the money?", []),
        ("At what age did he retire?", []),
        ("The Agency said so?", []),
    ],
)
def test_a_source_is_known_by_the_name_it_goes_by(question: str, found: list[set[str]]) -> None:
    assert sources(question, KNOWN) == found


@pytest.mark.parametrize(
    ("question", "found"),
    [
        (
            "Did The Era report that the bridge will be closed in May, while TechPost said that the road of Velm was opened?",
            [
                "Did The Era report that the bridge will be closed in May",
                "TechPost said that the road of Velm was opened",
            ],
        ),
        (
            "Which company was fined by the regulator for late deliveries in Velm and is accused by farmers of low prices?",
            [
                "Which company was fined by the regulator for late deliveries in Velm",
                "is accused by farmers of low prices",
            ],
        ),
        ("Which singer, known for the album Far Roads of 1994, was born in the harbour town of Corrie Bay, Velm?", []),
        ("Who was fined and is accused?", []),
        (
            "According to reports from The Verge, Fortune, and TechCrunch, which founder of the exchange was accused of fraud?",
            [],
        ),
    ],
)
def test_a_long_question_falls_into_its_clauses(question: str, found: list[str]) -> None:
    assert clauses(question) == found


@given(st.text(alphabet="abC ,;.? while and is the report", max_size=300))
def test_clauses_are_two_or_none_and_each_says_enough(question: str) -> None:
    found = clauses(question)
    assert len(found) != 1
    assert len(found) <= MOST
    for clause in found:
        assert len({word.lower() for word in content_words(clause)}) >= LEAST


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        ("List the mayors of Velm", True),
        ("Can you list every town on the line?", True),
        ("Who are all the people who signed?", True),
        ("Name all the rivers", True),
        ("Which mayors have resigned?", True),
        ("everyone who voted against it", True),
        ("Which players scored?", True),
        ("Which process used steam?", False),
        ("Which player scored?", False),
        ("Who signed?", False),
        ("Name the mayor of Velm", False),
        ("Which mayor has resigned?", False),
        ("What is all the fuss about?", False),
        ("Where is the list kept?", False),
    ],
)
def test_a_question_that_wants_all_there_are_is_known(question: str, wanted: bool) -> None:
    assert asks_for_all(question) is wanted


def test_initials_are_written_out_as_the_articles_do_and_names_get_their_initials() -> None:
    texts = ["The Velm Harbour Authority met.", "A report of the Authority of Velm", "a vha"]
    assert other_forms("What did the VHA say?", texts) == ["V.H.A.", "Velm Harbour Authority"]
    assert other_forms("What did the V.H.A. say?", texts) == ["VHA", "Velm Harbour Authority"]
    assert other_forms("what came of the us inquiry", ["The United States began one."]) == ["U.S.", "United States"]
    assert other_forms("what did he tell us", ["The United States began one."]) == []
    assert other_forms("Is the UNHCR there?", []) == []
    assert other_forms("What did the Velm Harbour Authority say?", []) == ["VHA"]
    assert other_forms("Who is in the United States?", []) == []  # "us" is a word
    assert other_forms("who met mittal?", texts) == []


@given(st.text(max_size=80), st.lists(st.text(max_size=12), max_size=12))
def test_any_text_will_do(text: str, known: list[str]) -> None:
    assert all(name and len(name) > 1 for name in names(text))
    assert len(sources(text, known)) <= MOST
    assert len(other_forms(text, known)) <= MOST
    assert clauses(text) is not None
    assert asks_for_all(text) in (True, False)
