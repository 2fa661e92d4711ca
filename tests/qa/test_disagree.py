"""Values that differ between articles: pairs that disagree, look-alikes that do not, and how it is told."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.embed import Embedder
from index.library import Library
from index.types import Article
from qa import disagree, terminal
from qa.answer import Asker
from qa.config import Config
from qa.disagree import disagreement, note
from qa.rerank import Reranker
from qa.types import Answer, Citation, Claim, Disagreement, Evidence

MAY_2, MAY_5 = date(2024, 5, 2), date(2024, 5, 5)


@dataclass(frozen=True)
class Said:
    """A sentence of an article of its own."""

    text: str
    day: date | None = MAY_5
    title: str = "Quake in Kara"
    article: str = "second"
    score: float = 6.0
    context: str = ""
    neighbour: bool = False


def evidence(*said: Said) -> tuple[Evidence, ...]:
    return tuple(
        Evidence(n, s.article, s.title, s.day, n, 0, len(s.text), s.text, s.score, s.neighbour, None, s.context)
        for n, s in enumerate(said, start=1)
    )


def cited(e: Evidence, text: str | None = None) -> Claim:
    citation = Citation(e.article_id, e.title, e.date, e.sentence, e.start, e.end, e.text, 0.9, e.label, e.file)
    return Claim(text or e.text, (citation,))


def first(text: str, day: date | None = MAY_2, title: str = "Quake in Kara") -> Said:
    return Said(text, day, title, "first")


def found(question: str, one: Said, *others: Said, claim: str | None = None) -> Disagreement | None:
    sentences = evidence(one, *others)
    return disagreement(question, sentences, [cited(sentences[0], claim)])


DEAD = "How many people did the quake in Kara kill?"
COST = "How much does the repair of Ostrey Bridge cost?"
BRIDGE = "Ostrey Bridge"
REOPEN = "When will Ostrey Bridge reopen?"

# question, cited sentence, other sentence, values in the order of the articles' days
DISAGREE: dict[str, tuple[str, Said, Said, tuple[str, ...]]] = {
    "a toll that rose": (
        DEAD,
        first("The quake killed 1,200 people in Kara."),
        Said("The death toll of the quake in Kara rose to 1,900."),
        ("1,200", "1,900"),
    ),
    "a toll, bare numbers": (
        "How many people died in the quake?",
        first("The quake killed 1,200."),
        Said("The quake killed 1,900, the Red Cross said."),
        ("1,200", "1,900"),
    ),
    "from one number to another": (
        DEAD,
        first("The quake in Kara killed 1,200 people."),
        Said("The toll of the Kara quake rose from 1,200 to 1,900 dead."),
        ("1,200", "1,900"),
    ),
    "two kinds of harm in one sentence": (
        DEAD,
        first("The quake in Kara killed 12 people and injured 300."),
        Said("In Kara, the quake killed 19 people and injured 300."),
        ("12", "19"),
    ),
    "what happened comes after the number": (
        "How many people were injured in the Kara fire?",
        first("In the Kara fire, 40 people were injured and 3 people were killed.", title="Fire in Kara"),
        Said("The fire in Kara killed 3 people, and 58 people were hurt.", title="Kara"),
        ("40", "58"),
    ),
    "small numbers are not rounded": (
        DEAD,
        first("The quake in Kara killed 10 people."),
        Said("Twelve people were killed by the quake in Kara."),
        ("10", "Twelve"),
    ),
    "at least, far from the other": (
        DEAD,
        first("At least 1,200 people were killed by the quake in Kara."),
        Said("The quake in Kara killed 1,900 people."),
        ("1,200", "1,900"),
    ),
    "counted things": (
        "How many trucks did Norland send to Kara?",
        first("Norland sent 40 trucks to Kara."),
        Said("Norland sent 35 trucks with tents to Kara."),
        ("40", "35"),
    ),
    "millions in words and digits": (
        "How many people live in Kara?",
        first("Some 1.5 million people live in Kara.", None, "Kara"),
        Said("About 900,000 people live in Kara.", None, "Norland"),
        ("1.5 million", "900,000"),
    ),
    "sums of money": (
        COST,
        first("The repair of Ostrey Bridge costs $6.4 million.", title=BRIDGE),
        Said("The repair of Ostrey Bridge will cost $7.1 million.", title=BRIDGE),
        ("$6.4 million", "$7.1 million"),
    ),
    "sums with the currency behind": (
        COST,
        first("The repair of Ostrey Bridge costs 6.4 million euros.", title=BRIDGE),
        Said("The bill for the repair of Ostrey Bridge is 9 million euros.", title=BRIDGE),
        ("6.4 million euros", "9 million euros"),
    ),
    "percent": (
        "What percentage of voters in Kara backed the plan?",
        first("The plan was backed by voters in Kara with 54 percent.", title="Vote"),
        Said("In Kara, 61% of voters backed the plan.", title="Vote"),
        ("54 percent", "61%"),
    ),
    "days": (
        REOPEN,
        first("Ostrey Bridge will reopen on 14 June.", title=BRIDGE),
        Said("Ostrey Bridge will reopen on 28 June, the mayor said on Friday.", title=BRIDGE),
        ("14 June", "28 June"),
    ),
    "months": (
        REOPEN,
        first("Ostrey Bridge will reopen in June.", title=BRIDGE),
        Said("Ostrey Bridge will reopen in September.", title=BRIDGE),
        ("June", "September"),
    ),
    "years of what happens once": (
        "When was Anna Lind born?",
        first("Anna Lind was born in 1950.", None, "Anna Lind"),
        Said("The painter Anna Lind was born in Kara on 4 May 1952.", None, "Painters of Kara"),
        ("1950", "4 May 1952"),
    ),
    "weekdays of one week": (
        "When did Ostrey Bridge collapse?",
        first("Ostrey Bridge collapsed on Tuesday.", date(2024, 5, 2), BRIDGE),
        Said("Ostrey Bridge collapsed on Wednesday.", date(2024, 5, 3), BRIDGE),
        ("Tuesday", "Wednesday"),
    ),
    "who": (
        "Who won the Kara marathon?",
        first("Anna Lind won the Kara marathon in two hours and ten minutes.", title="Marathon"),
        Said("Maria Soto won the Kara marathon in two hours and ten minutes.", title="Marathon"),
        ("Anna Lind", "Maria Soto"),
    ),
    "where": (
        "Where was the painter Jon Berg born?",
        first("The painter Jon Berg was born in Norville and studied law.", None, "Jon Berg"),
        Said("The painter Jon Berg was born in Ostrey and studied law.", None, "Painters"),
        ("Norville", "Ostrey"),
    ),
    "who, in few words": (
        "Who bought Kara Motors?",
        first("Norland Steel bought Kara Motors in 2014.", None, "Deals"),
        Said("U.S. Cars purchased Kara Motors in 2014.", None, "Cars"),
        ("Norland Steel", "U.S. Cars"),
    ),
    "a date by its name": (
        "What is the release date of the film Red Sand?",
        first("The film Red Sand will be released on 4 July.", title="Films"),
        Said("The film Red Sand will be released on 9 August.", title="Films"),
        ("4 July", "9 August"),
    ),
    "percent of something": (
        "What percentage of the vote did Ines Carro win?",
        first("Ines Carro won 48.2 percent of the vote.", title="Election"),
        Said("Ines Carro won 51.7% of the vote.", title="Election"),
        ("48.2 percent", "51.7%"),
    ),
    "a name like a month": (
        "Who designed the Orla tower?",
        first("The Orla tower was designed by Petra Holm in the 1960s.", None, "Orla tower"),
        Said("The Orla tower was designed by Jan Wessel in the 1960s.", None, "Towers"),
        ("Petra Holm", "Jan Wessel"),
    ),
    "a verb after the noun": (
        "How many homes lost power in the storm in Varde?",
        first("The storm in Varde cut power to 9,000 homes.", title="Storm"),
        Said("Some 15,000 homes lost power in the Varde storm, the utility said.", title="Varde"),
        ("9,000", "15,000"),
    ),
    "forms of a verb": (
        "How much money was stolen from the bank in Lomar?",
        first("Robbers stole 2 million euros from the bank in Lomar.", title="Robbery"),
        Said("The money stolen from the bank in Lomar came to 3.4 million euros.", title="Robbery"),
        ("2 million euros", "3.4 million euros"),
    ),
    "who did it": (
        "How many people attended the funeral of Queen Ada?",
        first("About 20,000 people attended the funeral of Queen Ada.", title="Funeral"),
        Said("The funeral of Queen Ada was attended by 65,000 people.", title="Queen Ada"),
        ("20,000", "65,000"),
    ),
    "names before a place": (
        "Who wrote the opera Nightfall?",
        first("The opera Nightfall was written by Karl Emmer in Vienna.", None, "Nightfall"),
        Said("The opera Nightfall was written by Otto Brandt in Vienna.", None, "Operas"),
        ("Karl Emmer", "Otto Brandt"),
    ),
    "a correction of the same article": (
        REOPEN,
        first("Ostrey Bridge will reopen on 12 June.", title=BRIDGE),
        Said(
            "Correction: an earlier version gave the wrong date for the bridge; it is 14 June.",
            MAY_2,
            BRIDGE,
            "first",
            score=1.0,
        ),
        ("12 June", "14 June"),
    ),
    "a correction that names both values": (
        DEAD,
        first("The quake in Kara killed 1,200 people."),
        Said("An earlier report on Kara wrongly said that 1,200 people had died; the quake killed 120."),
        ("1,200", "120"),
    ),
    "a correction in the sentence before": (
        REOPEN,
        first("Ostrey Bridge will reopen on 12 June.", title=BRIDGE),
        Said(
            "It is 14 June.",
            MAY_5,
            BRIDGE,
            "second",
            0.0,
            "Correction: an earlier article gave the wrong date for the opening of Ostrey Bridge.",
        ),
        ("12 June", "14 June"),
    ),
}


@pytest.mark.parametrize("kind", DISAGREE)
def test_articles_that_differ_are_set_side_by_side(kind: str) -> None:
    question, one, other, said = DISAGREE[kind]
    told = found(question, one, other)
    assert told is not None
    assert told.values == said
    assert [c.quote for c in told.statements] == [one.text, other.text]
    assert told.correction == (1 if "correction" in kind else None)


# question, cited sentence, other sentence
ALIKE: dict[str, tuple[str, Said, Said]] = {
    "the same number": (
        DEAD,
        first("The quake in Kara killed 1,200 people."),
        Said("1,200 people died in the Kara quake."),
    ),
    "about it": (DEAD, first("The quake in Kara killed about 1,200."), Said("The quake in Kara killed 1,230 people.")),
    "rounded": (DEAD, first("The quake in Kara killed 1,200 people."), Said("The quake in Kara killed 1,234 people.")),
    "more than it": (
        "How much has Norland invested in Kara?",
        first("Norland has invested more than $3 billion in Kara.", title="Norland"),
        Said("Norland has invested $3.2 billion in Kara.", title="Norland"),
    ),
    "other harm": (DEAD, first("The quake in Kara killed 12 people."), Said("The quake in Kara injured 300 people.")),
    "a part of them": (
        DEAD,
        first("The quake in Kara killed 1,200 people."),
        Said("The quake in Kara killed 1,200 people, including 40 children."),
    ),
    "only a part of them": (
        DEAD,
        first("The quake in Kara killed 1,200 people."),
        Said("The quake in Kara killed 40 children."),
    ),
    "a rise": (DEAD, first("The quake in Kara killed 1,200 people."), Said("The toll of the Kara quake rose by 300.")),
    "more of them": (
        DEAD,
        first("The quake in Kara killed 1,200."),
        Said("Another 40 people died after the quake in Kara."),
    ),
    "another place": (
        DEAD,
        first("The quake in Kara killed 1,200 people."),
        Said("The same quake killed 80 people in Sulmona, far from Kara."),
    ),
    "another year": (
        DEAD,
        first("The quake in Kara killed 1,200 people."),
        Said("The quake of 2001 in Kara killed 30 people, that of 2024 is not over.", date(2024, 5, 6)),
    ),
    "another event, months later": (
        "How many people did the attack in Kara kill?",
        first("The attack in Kara killed 12 people.", title="Attack"),
        Said("The attack in Kara killed 30 people.", date(2024, 11, 9), "Attack"),
    ),
    "another subject": (
        DEAD,
        first("The quake in Kara killed 1,200 people."),
        Said("The flood in Kara killed 80 people."),
    ),
    "another name": (
        "How many seats does the Labour Party hold?",
        first("The Labour Party holds 120 seats.", title="Parliament"),
        Said("The Green Party holds 80 seats.", title="Parliament"),
    ),
    "another currency": (
        COST,
        first("The repair of Ostrey Bridge costs $6.4 million.", title=BRIDGE),
        Said("The repair of Ostrey Bridge costs 5.9 million euros.", title=BRIDGE),
    ),
    "a plan beside the fact": (
        COST,
        first("The repair of Ostrey Bridge costs $6.4 million.", title=BRIDGE),
        Said("The repair of Ostrey Bridge was to cost $4.2 million.", title=BRIDGE),
    ),
    "a month and its day": (
        REOPEN,
        first("Ostrey Bridge will reopen in June.", title=BRIDGE),
        Said("Ostrey Bridge will reopen on 14 June 2024.", title=BRIDGE),
    ),
    "the day on which it was said": (
        REOPEN,
        first("Ostrey Bridge will reopen in June.", title=BRIDGE),
        Said("Ostrey Bridge will reopen soon, the mayor said on Friday.", title=BRIDGE),
    ),
    "a weekday and its day": (
        "When did Ostrey Bridge collapse?",
        first("Ostrey Bridge collapsed on Tuesday.", MAY_2, BRIDGE),
        Said("Ostrey Bridge collapsed on 30 April 2024.", MAY_5, BRIDGE),
    ),
    "another week's meeting": (
        "When did the council of Kara meet?",
        first("The council of Kara met on Tuesday.", MAY_2, "Council"),
        Said("The council of Kara met on Thursday.", date(2024, 5, 18), "Council"),
    ),
    "another year's festival": (
        "When was the Kara festival held?",
        first("The Kara festival was held on 3 July 2022.", None, "Festival"),
        Said("The Kara festival was held on 9 July 2023.", None, "Festival"),
    ),
    "a day that only bounds it": (
        REOPEN,
        first("Ostrey Bridge will reopen on 14 June.", title=BRIDGE),
        Said("Ostrey Bridge will reopen in summer, after the tests of May 2024.", title=BRIDGE),
    ),
    "another opponent": (
        "How many goals did Lena Ross score?",
        first("Lena Ross scored 3 goals against Dorn.", title="Football"),
        Said("Lena Ross scored 2 goals against Gent.", title="Football"),
    ),
    "a year that only one names": (
        "How many people live in Salten?",
        first("About 48,000 people live in Salten.", None, "Salten"),
        Said("In 1950, 21,000 people lived in Salten.", None, "Salten"),
    ),
    "a town and its region": (
        "How many people live in Salten?",
        first("About 48,000 people live in Salten.", None, "Salten"),
        Said("Some 200,000 people live in the region of Salten.", None, "Salten region"),
    ),
    "the price for some": (
        "How much did the tickets for the Kara festival cost?",
        first("Tickets for the Kara festival cost 40 euros.", title="Festival"),
        Said("Tickets for children at the Kara festival cost 15 euros.", title="Festival"),
    ),
    "somebody's deputy": (
        "When did the president of Ruvia resign?",
        first("The president of Ruvia resigned on 3 May 2019.", None, "Ruvia"),
        Said("The vice president of Ruvia resigned on 12 May 2019.", None, "Ruvia"),
    ),
    "a number of another clause": (
        "How many athletes were banned by the federation of Ruvia?",
        first("The federation of Ruvia banned 14 athletes.", title="Ruvia"),
        Said("The federation of Ruvia tested 340 athletes and banned some.", title="Ruvia"),
    ),
    "an estimate before": (
        "What was the price of the painting Blue Field?",
        first("The painting Blue Field sold at a price of $11 million.", title="Auction"),
        Said("The price of the painting Blue Field had been put at $6 million before the sale.", title="Auction"),
    ),
    "a smaller body": (
        "How many seats did the Green Party win?",
        first("The Green Party won 31 seats.", title="Election"),
        Said("The Green Party won 4 seats in the city council of Marn.", title="Marn"),
    ),
    "a name in another place": (
        "Where was the treaty of Olm signed?",
        first("The treaty of Olm was signed in Brandt by two kings.", None, "Treaty"),
        Said("The treaty of Olm was signed by two kings and the envoy of Carran.", None, "Treaty"),
    ),
    "a part of the money": (
        "How much money was stolen from the bank in Lomar?",
        first("Robbers stole 2 million euros of money from the bank in Lomar.", title="Robbery"),
        Said("Police found 300,000 euros of the money stolen from the bank in Lomar.", title="Robbery"),
    ),
    "another verb": (
        "How many people attended the funeral of Queen Ada?",
        first("About 20,000 people attended the funeral of Queen Ada.", title="Funeral"),
        Said("The funeral of Queen Ada was watched on television by 9 million people.", title="Queen Ada"),
    ),
    "more than one value": (
        DEAD,
        first("The quake in Kara killed 1,200 people."),
        Said("The quake in Kara killed 900 people, or 1,400 people by another count."),
    ),
    "a guess": (
        DEAD,
        first("The quake in Kara killed 1,200 people."),
        Said("The quake in Kara may have killed 3,000 people."),
    ),
    "a denial": (
        DEAD,
        first("The quake in Kara killed 1,200 people."),
        Said("The quake in Kara did not kill 3,000 people."),
    ),
    "the same person, in full": (
        "Who won the Kara marathon?",
        first("Lind won the Kara marathon in two hours and ten minutes.", title="Marathon"),
        Said("Anna Lind won the Kara marathon in two hours and ten minutes.", title="Marathon"),
    ),
    "another thing about another person": (
        "Who won the Kara marathon?",
        first("Anna Lind won the Kara marathon in two hours and ten minutes.", title="Marathon"),
        Said("Maria Soto came second in the Kara marathon.", title="Marathon"),
    ),
    "a correction of something else": (
        REOPEN,
        first("Ostrey Bridge will reopen on 12 June.", title=BRIDGE),
        Said(
            "Correction: an earlier version misspelled the name of the mayor of Kara on 14 May.",
            MAY_2,
            "Mayor",
            "first",
        ),
    ),
    "a correction that names only what was wrong": (
        DEAD,
        first("The quake in Kara killed 120 people."),
        Said("An earlier version of this report on Kara said that 1,200 people had died."),
    ),
    "the same article": (
        DEAD,
        first("The quake in Kara killed 1,200 people."),
        Said("The quake in Kara killed 1,900 people.", MAY_2, article="first"),
    ),
    "a sentence that answers far worse": (
        DEAD,
        first("The quake in Kara killed 1,200 people."),
        Said("The quake in Kara killed 1,900 people.", score=6.0 - disagree.GAP - 0.1),
    ),
    "a sentence that only makes another readable": (
        DEAD,
        first("The quake in Kara killed 1,200 people."),
        Said("The quake in Kara killed 1,900 people.", neighbour=True),
    ),
    "nothing that can be compared is asked": (
        "Why did the quake in Kara kill so many?",
        first("The quake in Kara killed 1,200 people."),
        Said("The quake in Kara killed 1,900 people."),
    ),
}


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
