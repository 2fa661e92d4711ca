"""Made-up news: pairs of sentences that disagree, and look-alikes that do not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from qa import disagree
from qa.disagree import disagreement
from qa.types import Citation, Claim, Disagreement, Evidence

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
