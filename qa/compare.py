"""Which of two is more, or earlier: "Who is older, Ada Holm or Bert Linde?", "Did A have more visitors than B?".

One sentence says it of the one, another of the other, so neither proves the answer. Rules in English find both values and tell
which is which; they would rather be silent than wrong. Each side must be named by its sentence, or be its article's title; the
words of the question must be there; and whichever sentences are taken, the same side must come out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from typing import Literal

from index.words import STOP_WORDS
from qa import aspects, facts, kinds, senses, values
from qa.abstain import says_something
from qa.types import Claim, Evidence
from qa.values import Amount, Day

LONG = 300  # characters; a longer question compares more than two values
LONG_SENTENCE = 1_000  # characters; a longer one is a table, or made to take time
MOST_WORDS = 8  # of a side
MOST_AMOUNTS = 8  # in a sentence that is read for one; one with more is a row of a table

_BORN = "born"
_BEGAN = "found establish create build open form launch"  # what makes a thing older than another
_BEGINS = f"{_BORN} {_BEGAN}"
_HEIGHT, _LENGTH, _COST = "tall high height", "long length", "cost price"
# Comparative -> is it the smaller value, and of what: words of which the sentence must have one ("" where the question says it).
_DAYS = {
    **dict.fromkeys(("first", "earlier", "earliest", "sooner"), (True, "")),
    **dict.fromkeys(("later", "latest", "last"), (False, "")),
    **dict.fromkeys(("older", "oldest"), (True, _BEGINS)),
    **dict.fromkeys(("younger", "youngest", "newer", "newest"), (False, _BEGINS)),
}
_AMOUNTS = {
    **dict.fromkeys(("more", "most"), (False, "")),
    **dict.fromkeys(("fewer", "fewest", "less", "least"), (True, "")),
    **dict.fromkeys(("larger", "largest", "bigger", "biggest", "greater", "greatest"), (False, "")),
    **dict.fromkeys(("smaller", "smallest"), (True, "")),
    **dict.fromkeys(("higher", "highest", "taller", "tallest"), (False, _HEIGHT)),
    **dict.fromkeys(("lower", "lowest"), (True, _HEIGHT)),
    **dict.fromkeys(("longer", "longest"), (False, _LENGTH)),
    **dict.fromkeys(("shorter", "shortest"), (True, f"{_HEIGHT} {_LENGTH}")),
    **dict.fromkeys(("deeper", "deepest"), (False, "deep depth")),
    **dict.fromkeys(("wider", "widest"), (False, "wide width")),
    **dict.fromkeys(("heavier", "heaviest"), (False, "weigh weight heavy")),
    **dict.fromkeys(("cheaper", "cheapest"), (True, _COST)),
}
# Nouns that are amounts themselves: "a higher turnout" needs no height, and "a larger house" tells not of what.
_QUANTITIES = frozenset(
    senses.sense(word)
    for word in """
    turnout population cost price share number rate income profit loss revenue fine budget score temperature speed sum fee
    salary debt majority capacity area damage size circulation attendance wage tax
    """.split()  # noqa: SIM905 (read as prose)
)
_SIZES = frozenset(
    """
    larger largest bigger biggest greater greatest smaller smallest higher highest lower lowest
    """.split()  # noqa: SIM905 (read as prose)
)
_COUNTS = frozenset(("more", "most", "fewer", "fewest", "less", "least"))

_WORDS = "|".join((*_DAYS, *_AMOUNTS))
_SIDE = r"[^,?]+?"
_EITHER = (
    re.compile(rf"^(?P<asked>.+?),\s*(?P<one>{_SIDE})\s+or\s+(?P<other>{_SIDE})\s*\?*\s*$", re.IGNORECASE),
    re.compile(
        rf"^(?:of|between)\s+(?P<one>{_SIDE})\s+(?:and|or)\s+(?P<other>{_SIDE}),\s*(?P<asked>.+?)\s*\?*\s*$",
        re.IGNORECASE,
    ),
    re.compile(rf"^(?P<asked>.+?\b(?:{_WORDS}))\s+(?P<one>{_SIDE})\s+or\s+(?P<other>{_SIDE})\s*\?*\s*$", re.IGNORECASE),
)
_WHICH = re.compile(r"\W*(?:who|which|what)\b", re.IGNORECASE)
_THAN = re.compile(
    rf"^\W*(?i:did|does|do|is|are|was|were|has|have|had)\s+(?P<one>{aspects.CAPITALS})\s+(?P<asked>(?:[\w’'-]+\s+){{1,8}}?)"
    rf"than\s+(?P<other>{aspects.CAPITALS})\s*\?*\s*$"
)
_DEAR = re.compile(r"\b(?:more|most)\s+expensive\b|\bcostli(?:er|est)\b", re.IGNORECASE)
_KIND = re.compile(r"^\W*(?:who|which|what)\s+(?:of the two\s+|one\s+)?", re.IGNORECASE)
_VERBS = frozenset("is are was were has have had did does do got came".split())  # noqa: SIM905 (after "which", no kind of thing)
_LEANS = re.compile(r"\W*(?:he|she|it|they|his|her|its|their)\b", re.IGNORECASE)
_PASSIVE = re.compile(r"\b(?:was|were|is|are|been|being|be)\s+(?:\w+ly\s+|first\s+)?$|[,(]\s*$", re.IGNORECASE)
_GOES_ON = re.compile(
    r"\s*(?:[.,;)]|$|(?:in|on|at|to|for|by|as|during|after|before|under|with|out|around|about)\b)", re.IGNORECASE
)
_DONE = re.compile(r"\w+ed\b|(?:built|born|made|written|sold|sunk|set)\b", re.IGNORECASE)
_POSSESSED = re.compile(r"[’']s\b")
_HAPPENS = re.compile(
    r"\b(?:was|were|is|are)\s+(?:first\s+)?(?:\w+ed|built|born|made|written|sold|sunk|set)\b", re.IGNORECASE
)
_DASH = re.compile(r"\s*[-–—]\s*$")
_UNSURE = re.compile(
    r"\b(?:(?-i:may)|might|could|would|expect\w*|plan\w*|forecast\w*|likely|if|aim\w*|hop(?:e|es|ed|ing))\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a question compares."""

    one: str  # as written there
    other: str
    less: bool  # the smaller value, or the earlier day, is asked for
    of: Literal["day", "amount"]
    noun: str  # what is counted, as the stem of its meaning; "" where a measure or a day is compared
    words: frozenset[str]  # stems that a sentence must say
    any_of: frozenset[str]  # stems of which it must say one; empty if there is no such condition
    yes_or_no: bool  # it asks whether that is so of `one`
    named: frozenset[str] = frozenset()  # those of `words` that are of names: they may stand around the sentence
    passive: bool = False  # "was founded": it happened to the side
    numbers: frozenset[Decimal] = frozenset()  # that a sentence must say, or its article's date if it is that year


@dataclass(frozen=True, slots=True)
class _Said:
    evidence: Evidence
    value: Amount | Day
    written: str


def comparison(question: str) -> Comparison | None:
    """Return what `question` compares; None if it does not, or no rule knows its words."""
    parts = _parts(_DEAR.sub("more cost", question)) if len(question) <= LONG else None
    if parts is None:
        return None
    one, other, asked, yes_or_no = parts
    words = re.findall(r"[^\W\d_]+", asked.lower())
    at = next((at for at, word in enumerate(words) if word in _DAYS or word in _AMOUNTS), None)
    if at is None or facts.negated(asked):
        return None
    word, following = words[at], words[at + 1 :]
    less, base = _DAYS.get(word) or _AMOUNTS[word]
    said = senses.stems(_without_kind(asked)) - {senses.sense(word)}
    noun = ""
    if word in _DAYS:
        if (following and not _DONE.match(following[0])) or not (said or base):
            return None  # "the first election" is another matter than "was elected first"
        if base and not yes_or_no and asked.lower().startswith("who"):
            base = _BORN
    elif word in _SIZES and any(senses.sense(one) in _QUANTITIES for one in following[:2]):
        base = ""
    elif word in _SIZES and not base:
        return None  # a "larger" house: in what?
    elif word in _COUNTS and following and senses.sense(following[0]) not in _QUANTITIES:
        noun = senses.sense(following[0])
    any_of = frozenset(senses.sense(one) for one in base.split())
    return Comparison(
        one=one,
        other=other,
        less=less,
        of="day" if word in _DAYS else "amount",
        noun=noun,
        words=frozenset(said - any_of - {noun}),
        any_of=any_of,
        yes_or_no=yes_or_no,
        named=frozenset(senses.stems(" ".join(aspects.names(f"so {asked}")))),
        passive=bool(_HAPPENS.search(asked)),
        numbers=frozenset(number for number in facts.numbers(asked) if number > kinds.SMALL_NUMBER),
    )


def _parts(question: str) -> tuple[str, str, str, bool] | None:
    """The two sides, what is asked of them, and whether that is a yes-or-no question; None where there are no two sides."""
    either = next((match for pattern in _EITHER if (match := pattern.match(question))), None)
    choice = either is not None and _WHICH.match(either["asked"]) is not None
    match = either if choice else _THAN.match(question)
    if match is None:
        return None
    one, other, asked = (" ".join(match[name].split()) for name in ("one", "other", "asked"))
    mine, theirs = _tokens(one), _tokens(other)
    told_apart = mine - theirs and theirs - mine
    two = told_apart and "," not in asked and max(len(mine), len(theirs)) <= MOST_WORDS
    return (one, other, asked, not choice) if two else None


def settled(question: str, evidence: Sequence[Evidence]) -> Claim | None:
    """Return the answer to a comparison, with the sentences that give the two values; None where no rule can tell."""
    asked = comparison(question)
    if asked is None:
        return None
    read = [e for e in evidence if len(e.text) <= LONG_SENTENCE]
    told = [e for e in read if says_something(e)]
    both = [
        list(_values(asked, side, rival, told)) for side, rival in ((asked.one, asked.other), (asked.other, asked.one))
    ]
    pairs = [pair for pair in product(*both) if _comparable(*pair) and not _half_told(asked, *pair)]
    outcomes = {_less(one.value, other.value) for one, other in pairs}
    if len(outcomes) != 1 or None in outcomes:
        return None
    wins = outcomes.pop() == asked.less
    # Of several, those of one sentence, then of one article, say it best.
    one, other = max(pairs, key=lambda pair: (_together(*pair), pair[0].evidence.score + pair[1].evidence.score))
    cited = list(dict.fromkeys(said.evidence for said in (one, other)))
    citations = tuple(e.cited() for e in sorted(cited, key=lambda e: e.label))
    if asked.yes_or_no:
        text = f"{'Yes' if wins else 'No'}: {one.written} for {asked.one}, against {other.written} for {asked.other}."
    else:
        first, second = ((asked.one, one), (asked.other, other))[:: 1 if wins else -1]
        text = f"{first[0]}: {first[1].written}, against {second[1].written} for {second[0]}."
    return Claim(text[0].upper() + text[1:], citations)


def _without_kind(asked: str) -> str:
    """What is asked, without the kind of thing that "which" names: "which band was formed first"."""
    rest = _KIND.sub("", asked)
    words = rest.split()
    begins = next((at for at, word in enumerate(words) if word.lower() in _VERBS), None)
    return " ".join(words[begins:]) if begins is not None and begins <= 2 else rest


def _tokens(name: str) -> frozenset[str]:
    return frozenset(re.findall(r"[^\W_]+", facts.folded(name))) - {"the", "a", "an", "of"}


def _values(asked: Comparison, side: str, rival: str, evidence: Sequence[Evidence]) -> Iterator[_Said]:
    """What the evidence gives as the value of a side: one value from each sentence that is plainly about it."""
    for e in evidence:
        if facts.negated(e.text) or facts.hedged(e.text) or _UNSURE.search(e.text):
            continue
        if not _speaks(asked, side, e) or (place := _about(side, rival, e)) is None:
            continue
        begin, end = place
        if asked.of == "day":
            days = [day for day in _days(asked, side, e) if begin <= day.start < end]
            if len(days) == 1 and days[0].year is not None and not days[0].relative:
                yield _Said(e, days[0], days[0].written)
        else:
            amounts = [one for one in _amounts(asked, e) if begin <= one.start < end]
            if len(amounts) == 1:
                yield _Said(e, amounts[0], _with_noun(amounts[0], e.text))


def _speaks(asked: Comparison, side: str, e: Evidence) -> bool:
    """True if the sentence says the words of the question: of a day that it happened to the side, not that the side did it."""
    there = senses.stems(e.text)
    # A place, or the year of a report, may be told by what stands around it.
    near = senses.stems(f"{e.title} {e.context}") & asked.named
    numbers = facts.numbers(e.text) | ({Decimal(e.date.year)} if e.date else set())
    missing = {one for one in asked.words if not facts.among(one, there)} - near
    if missing or asked.numbers - numbers or not (asked.words or asked.any_of or asked.noun):
        return False
    if asked.any_of and not (asked.any_of & there or (senses.sense(_BORN) in asked.any_of and _life(side, e.text))):
        return False
    return asked.of == "amount" or _life(side, e.text) is not None or _happened(asked, side, e)


def _happened(asked: Comparison, side: str, e: Evidence) -> bool:
    """True for "was founded", "opened in"; false for "opened a shop", unless the side is what was opened."""
    named = [m.start() for word in _tokens(side) for m in re.finditer(rf"\b{re.escape(word)}\b", facts.folded(e.text))]
    for match in re.finditer(r"[^\W\d_]+", e.text):
        if senses.sense(match.group()) in asked.any_of or senses.sense(match.group()) in asked.words:
            passive = _PASSIVE.search(e.text, 0, match.start()) or _GOES_ON.match(e.text, match.end())
            if passive or (asked.passive and named and min(named) > match.start()):
                return True
    return False


def _about(side: str, rival: str, e: Evidence) -> tuple[int, int] | None:
    """The range of the sentence that is about a side and not about its rival; None if there is none."""
    mine, theirs = _tokens(side), _tokens(rival)
    plain = facts.folded(e.text)
    here, there = _place(mine - theirs, plain), _place(theirs - mine, plain)
    if here is None:
        return (0, len(plain)) if there is None and _leans_on(mine, theirs, e) else None
    of_its = any(_POSSESSED.match(e.text, end) for end in _ends(mine, plain))
    unknown = mine - _tokens(f"{e.text} {e.title} {e.context}")
    if of_its or unknown or len(plain) != len(e.text):  # folding may change the places
        return None
    return (here, there) if there is not None and here < there else (here if there is not None else 0, len(plain))


def _leans_on(mine: frozenset[str], theirs: frozenset[str], e: Evidence) -> bool:
    """True if the sentence speaks of "it" in the side's article, and no other name stands at the beginning of the one before."""
    before = e.context.rstrip().rsplit(". ", 1)[-1]
    name = next(iter(aspects.names(f"So {before}")), "")
    other = name and before.startswith(name) and not _tokens(name) & mine
    title = _tokens(e.title)
    return bool(_LEANS.match(e.text)) and mine <= title and not theirs <= title and not other


def _place(name: frozenset[str], plain: str) -> int | None:
    """Where in the folded text a word of the name stands first; None if not all words that tell it from its rival do."""
    found = [match.start() for word in name if (match := re.search(rf"(?<!\w){re.escape(word)}(?!\w)", plain))]
    return min(found) if found and len(found) == len(name) else None


def _ends(name: frozenset[str], plain: str) -> Iterator[int]:
    return (m.end() for word in name for m in re.finditer(rf"(?<!\w){re.escape(word)}(?!\w)", plain))


def _days(asked: Comparison, side: str, e: Evidence) -> list[Day]:
    """The days of the clauses that say what happened; of a life in brackets, the first."""
    found = values.days(e.text, e.date)
    if asked.any_of and (life := _life(side, e.text)):
        return [day for day in found if life[0] <= day.start < life[1]][:1]
    wanted = asked.any_of or asked.words
    return [day for day in found if wanted & senses.stems(_clause_around(day, e.text))]


def _life(side: str, text: str) -> tuple[int, int] | None:
    """The place of "(16 February 1954 - 9 June 2013)" right after the side's name."""
    for match in re.finditer(r"([^\W_]+)[\"”.]?\s*\(([^()]{4,60})\)", text):
        inside = values.days(match[2], None)
        two = len(inside) == 2 and not match[2][: inside[0].start].strip() and _DASH.search(match[2][: inside[1].start])
        if two and _tokens(match[1]) & _tokens(side):
            return match.span(2)
    return None


def _amounts(asked: Comparison, e: Evidence) -> list[Amount]:
    found = values.amounts(e.text)
    if len(found) > MOST_AMOUNTS:
        return []
    if asked.noun:
        counted = [one for one in found if not one.unit and asked.noun in _following(one, e.text)]
        alone = [one for one in found if not one.unit and not _following(one, e.text)]
        return [*counted, *alone] if asked.noun in senses.stems(f"{e.text} {e.context}") else []
    wanted = asked.any_of or asked.words
    return [one for one in found if wanted & senses.stems(_clause_around(one, e.text))]


def _following(amount: Amount, text: str) -> list[str]:
    """The senses of the three words that follow a number in its clause."""
    clause = values.CLAUSE.split(text[amount.end :], maxsplit=1)[0]
    return [senses.sense(word) for word in re.findall(r"[^\W\d_][\w’'-]*", clause)[:3]]


def _clause_around(value: Amount | Day, text: str) -> str:
    begin, end = values.clause(value, text)
    return text[begin:end]


def _with_noun(amount: Amount, text: str) -> str:
    """The number and the word after it: "41 metres"."""
    after = re.match(r"[ -]([a-z][\w’'-]*)", text[amount.end :])
    return (
        f"{amount.written} {after[1]}" if after and not amount.unit and after[1] not in STOP_WORDS else amount.written
    )


def _half_told(asked: Comparison, one: _Said, other: _Said) -> bool:
    """True if a sentence that names both sides gives the value of one of them: "beat him by 300 votes" gives nobody's."""
    of_both = [
        _place(_tokens(asked.one), facts.folded(said.evidence.text)) is not None
        and _place(_tokens(asked.other), facts.folded(said.evidence.text)) is not None
        for said in (one, other)
    ]
    return any(of_both) and one.evidence != other.evidence


def _comparable(one: _Said, other: _Said) -> bool:
    """True if both are of one kind and unit, and the sentences of two articles name the same years."""
    mine, theirs = one.value, other.value
    if not isinstance(mine, Amount) or not isinstance(theirs, Amount):
        return type(mine) is type(theirs)
    nouns = [said.written.removeprefix(said.value.written) for said in (one, other)]
    years = [{day.year for day in values.days(said.evidence.text, None) if day.year} for said in (one, other)]
    alone = "" in nouns and one.evidence.article_id == other.evidence.article_id
    same = mine.unit == theirs.unit and (
        alone or senses.sense(nouns[0].strip(" -")) == senses.sense(nouns[1].strip(" -"))
    )
    return same and (years[0] == years[1] or one.evidence.article_id == other.evidence.article_id)


def _less(one: Amount | Day, other: Amount | Day) -> bool | None:
    """True if `one` is the smaller or earlier; None where that is not sure."""
    if isinstance(one, Day) and isinstance(other, Day):
        first, second = ((day.year or 0, day.month, day.day) for day in (one, other))
        for mine, theirs in zip(first, second, strict=True):
            if mine is None or theirs is None:
                return None
            if mine != theirs:
                return mine < theirs
        return None
    if not isinstance(one, Amount) or not isinstance(other, Amount) or values.same_amount(one, other):
        return None
    low, high = sorted((one, other), key=lambda amount: amount.value)
    return one.value < other.value if low.bound != "least" and high.bound != "most" else None


def _together(one: _Said, other: _Said) -> int:
    if one.evidence == other.evidence:
        return 2
    return int(one.evidence.article_id == other.evidence.article_id)
