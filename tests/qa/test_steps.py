"""A question in two: what is looked up first, and what is asked of that."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.steps import LONGEST, MOST, Steps, in_steps

BY_CLAUSE = [
    (
        "Who founded the company that built the Sollen Bridge?",
        "which company built the Sollen Bridge?",
        "Who founded X?",
    ),
    ("Who is the wife of the man who shot Bell?", "who shot Bell?", "Who is the wife of X?"),
    (
        "How many people live in the town where Lind was born?",
        "Lind was born in which town?",
        "How many people live in X?",
    ),
    (
        "In which year was the museum from which the picture was stolen founded?",
        "the picture was stolen from which museum?",
        "In which year was X founded?",
    ),
    (
        "Where was the painter born about whom Lind is making a film?",
        "Lind is making a film about which painter?",
        "Where was X born?",
    ),
    (
        "When was the company founded that insures the museum?",
        "which company insures the museum?",
        "When was X founded?",
    ),
    ("Who directed the film that Ada Lind photographed?", "Ada Lind photographed which film?", "Who directed X?"),
    ("How old is the newcomer whose comedy won the award?", "whose comedy won the award?", "How old is X?"),
    ("What is the name of the town whose mayor is Reik?", "", ""),  # asks for nothing more
    (
        "How many people live in the town whose mayor is Reik?",
        "which town’s mayor is Reik?",
        "How many people live in X?",
    ),
    (
        "What did the minister who resigned say about the ferry?",
        "which minister resigned?",
        "What did X say about the ferry?",
    ),
    (
        "What did the minister of health who resigned say?",
        "which minister of health resigned?",
        "",
    ),
    ("When was the man who shot Bell arrested?", "who shot Bell?", "When was X arrested?"),
    ("When was the country that produced Fist Power taken by the British?", "which country produced Fist Power?", ""),
    (
        "In how many harbours does the firm started by two fishermen collect nets?",
        "which firm was started by two fishermen?",
        "",
    ),
    ("Who owns most of the company putting up the new library?", "which company is putting up the new library?", ""),
    ("What currency came before the euro in the country Signmark is from?", "Signmark is from which country?", ""),
    ("In what county is the city Ada Lind died in?", "Ada Lind died in which city?", "In what county is X?"),
    ("which engineer was born in the town the dentist comes from", "the dentist comes from which town", ""),
    ("At the 2011 census, how many lived in the town where Lind died?", "Lind died in which town?", ""),
    (
        "what's the twin town of the place where a ward closed",
        "a ward closed in which place",
        "what's the twin town of X",
    ),
]
BY_NOUN = [
    (
        "When was the director of the film The Salt Winter born?",
        "who is the director of the film The Salt Winter?",
        "When was X born?",
    ),
    (
        "Who is the spouse of the director of Jump for Glory?",
        "who is the director of Jump for Glory?",
        "Who is the spouse of X?",
    ),
    (
        "In what year did the author of Letters to a Buoy drown?",
        "who is the author of Letters to a Buoy?",
        "In what year did X drown?",
    ),
    (
        "What country was the author of Brand a citizen of?",
        "who is the author of Brand?",
        "What country was X a citizen of?",
    ),
    (
        "how many children does the director of the salt winter have",
        "who is the director of the salt winter",
        "how many children does X have",
    ),
    (
        "How many employees does Lena Brandt's company have?",
        "what is Lena Brandt's company?",
        "How many employees does X have?",
    ),
    ("Who is the mayor of Amir Sadeghi’s home town?", "what is Amir Sadeghi’s home town?", "Who is the mayor of X?"),
    (
        "What hotels are there in Gisvi's city of birth?",
        "what is Gisvi's city of birth?",
        "What hotels are there in X?",
    ),
]
ASKED_LAST = [
    (
        "Lind works for an institute based in which city?",
        "Lind works for which institute?",
        "X is based in which city?",
    ),
    (
        "Drew Fuller appeared in a series that first ran on what station?",
        "Drew Fuller appeared in which series?",
        "X first ran on what station?",
    ),
    (
        "It is the third album by a singer from which state?",
        "It is the third album by which singer?",
        "X is from which state?",
    ),
    (
        "The engineer who designed the bridge studied at which university?",
        "which engineer designed the bridge?",
        "X studied at which university?",
    ),
    (
        "the dentist arrested in tarnholm comes from which town",
        "which dentist was arrested in tarnholm",
        "X comes from which town",
    ),
]


@pytest.mark.parametrize(("question", "first", "then"), BY_CLAUSE + BY_NOUN + ASKED_LAST)
def test_a_question_is_parted_at_its_noun(question: str, first: str, then: str) -> None:
    ways = in_steps(question)
    if not first:
        assert ways == []
        return
    assert ways[0].first == first
    if then:
        assert ways[0].then("X") == then


@pytest.mark.parametrize(
    "question",
    [
        "who did Mittal meet?",
        "Who is the man who shot Bell?",
        "Who is the director of Silent Harbour?",
        "What is the name of the woman who found the coin?",
        "When was the bridge built by Stahl?",
        "When was the museum built in Oslo?",
        "When was the band Heron formed?",
        "How large is the city of Bergen?",
        "When was the party Servant of the People founded?",
        "Did the man who shot Bell resign?",
        "Is the mayor of Oxby older than the mayor of Karsund?",
        "Which is longer, the bridge that Stahl built or the Sollen Bridge?",
        "Which of the founders of the institute resigned?",
        "How likely is the probability that the number is prime?",
        "Who named the force that moves the planets when? (asked after: who was Newton?)",
        "What commemorates Warsaw's heroic history?",
        "when did the us stop trading with japan",
        "The mayor resigned.",
        "",
        "?",
    ],
)
def test_a_question_for_one_thing_is_not_parted(question: str) -> None:
    assert in_steps(question) == []


def test_the_outer_clause_comes_before_what_is_in_it() -> None:
    ways = in_steps("How large is the town where the engineer who designed the bridge was born?")
    assert [one.first for one in ways] == [
        "the engineer who designed the bridge was born in which town?",
        "which engineer designed the bridge?",
    ]
    assert in_steps(ways[1].then("Ada Lind"))[0].first == "Ada Lind was born in which town?"


def test_a_very_long_question_is_not_looked_at() -> None:
    asked = "Who founded the company that built the bridge?"
    assert in_steps(asked)
    assert in_steps(f"{asked[:-1]} {'and so on ' * LONGEST}?") == []


WORDS = st.sampled_from(
    """
    the a man town of who that which where what was is did born built by in Lind's Oslo’s Lind and, live "Silent Harbour" :
    """.split()  # noqa: SIM905 (read as prose)
)


@given(st.one_of(st.text(max_size=80), st.lists(WORDS, max_size=14).map(" ".join)))
def test_any_text_is_parted_into_questions_or_not_at_all(text: str) -> None:
    ways = in_steps(text)
    assert len(ways) <= MOST
    for way in ways:
        assert isinstance(way, Steps)
        assert way.first.strip(" ?")
        assert "Ada Lind" in way.then("Ada Lind")
        assert way.then("Ada Lind") != "Ada Lind"
        assert in_steps(text) == ways
