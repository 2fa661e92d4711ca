"""Values in a sentence that can be compared: counts, sums, shares and days, each with its place and as it is written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

from qa import facts

Bound = Literal["exact", "about", "least", "most"]

NEAR = Decimal("0.1")  # two values of which one is "about" differ if they are further apart than this share
REACH = Decimal("1.25")  # "more than 3 billion" is said of 3.2 billion and not of 4 billion
ROUND = 1_000  # from here on writers round: 1,234 may be told as 1,200, but 12 is not told as 10
ARTICLE_DAYS = 8  # "on Tuesday" means days of its own article's week
CLAUSE = re.compile(r"[,;:()–—]|\b(?:and|while|but|whereas)\b")  # what stands between two clauses

_WORDS = "|".join(sorted((*facts.SMALL, "a", "an", "half a"), key=len, reverse=True))
_TIMES = "|".join(sorted((word for word in facts.MULTIPLIERS if len(word) > 1), key=len, reverse=True))
_DIGITS = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_NUMBER = re.compile(
    rf"(?:(?P<sign>[$€£¥₹])\s?)?(?<![\w.,-])(?:"
    rf"(?P<digits>{_DIGITS})(?:(?:[ -]?(?:{_TIMES})|(?P<short>k|m|b|bn|mn|tn)))?(?![\w-]|[.,]\d)"
    rf"|(?P<words>(?:{_WORDS})(?:[ -](?:{_WORDS}|and|{_TIMES}))*)(?![\w-])"
    rf")(?:\s?(?P<unit>%|per ?cent\b|percent\b|percentage points?\b))?",
    re.IGNORECASE,
)
_BOUND_WORDS: dict[Bound, str] = {
    "about": "about|around|approximately|roughly|some|an estimated|estimated|close to|nearly|almost",
    "least": "more than|over|at least|above|upwards of|no fewer than|exceed(?:s|ed|ing)?",
    "most": "less than|fewer than|under|below|up to|at most|no more than|as many as",
}
_BOUNDS = {bound: re.compile(rf"\b(?:{words})[ $€£¥₹]*$", re.IGNORECASE) for bound, words in _BOUND_WORDS.items()}
# A number after one of these is not the whole: a rise, a part, a rank, what was said before, an age.
_NOT_THE_WHOLE = re.compile(
    r"\b(?:another|additional|further|extra|from|of the|of whom|including|among them|first|last|each|every|per|aged|age"
    r"|previous|previously|earlier|formerly|initially|originally|number|no\.|top|between|not"
    r"|compared (?:with|to)|against)[ $€£¥₹]*(?:about|around|some|the|estimate of|figure of)?[ $€£¥₹]*$"
    r"|\b(?:r[oi]se[ns]?|gr[eo]w\w*|up|increas\w*|rais\w*|climb\w*|jump\w*|gain\w*|fell|fall\w*|down|drop\w*|declin\w*|cut|reduc\w*"
    r"|shrank|shrunk) (?:[a-z]+ )?by [ $€£¥₹]*(?:about|around|some|nearly|more than|over|at least)?[ $€£¥₹]*$"
    r"|(?<!from )(?<![\d,.])\d[\d,.]*\s?(?:to|or|-|–)\s?$|\bbetween (?:\S+ ){1,3}and $",
    re.IGNORECASE,
)
_NOT_ALL = re.compile(
    r"^\s*(?:more\b|others?\b|additional\b|further\b|of (?:them|these|those|whom|the|its|their)\b"
    r"|-?years?[- ]old\b|times\b|(?:to|or|-|–)\s?\d)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Amount:
    """A number in a sentence."""

    value: Decimal
    unit: str  # "dollar", "percent", ... as in facts.UNITS; "" for a plain count
    bound: Bound
    start: int  # characters into the sentence, inclusive
    end: int  # exclusive
    written: str  # "$1.5 million"


@dataclass(frozen=True, slots=True)
class Day:
    """A day, month or year in a sentence. Parts that are not said are None."""

    year: int | None
    month: int | None
    day: int | None
    start: int  # characters into the sentence, inclusive
    end: int  # exclusive
    written: str  # "14 June 2024", "Tuesday"
    relative: bool = False  # counted from the article's date


def clause(value: Amount | Day, text: str) -> tuple[int, int]:
    """Return the range of the clause around a value of `text`, in characters, its end exclusive."""
    begin = max((m.end() for m in CLAUSE.finditer(text, 0, value.start)), default=0)
    ending = CLAUSE.search(text, value.end)
    return begin, ending.start() if ending else len(text)


def amounts(text: str) -> list[Amount]:
    """Return the numbers of `text` that stand for a whole, in order: no years, days, ranks, ages, rises or parts."""
    dated = [(day.start, day.end) for day in days(text, date(2000, 1, 1))]
    return [one for one in _amounts(text) if not any(one.start < end and begin < one.end for begin, end in dated)]


def _amounts(text: str) -> Iterator[Amount]:
    for match in _NUMBER.finditer(text):
        words = match["words"]
        if (
            words
            and not match["unit"]
            and facts.folded(words) in ("a", "an", "half a", "one", "a hundred", "a thousand")
        ):
            continue
        found = facts.numbers(match.group())
        if len(found) != 1:
            continue
        before, after = text[: match.start()], text[match.end() :]
        if _NOT_THE_WHOLE.search(before):
            continue
        unit, more = _unit(match, after)
        end = match.end() + more
        if unit != "percent" and _NOT_ALL.search(text[end:]):
            continue  # "300,000 euros of the money"
        bound: Bound = next((name for name, words_before in _BOUNDS.items() if words_before.search(before)), "exact")
        value = next(iter(found))
        yield Amount(value, unit, bound, match.start(), end, text[match.start() : end])


def _unit(match: re.Match[str], after: str) -> tuple[str, int]:
    """The unit of a number, and how many characters behind the match name it: "3 million euros"."""
    if match["unit"]:
        return "percent", 0
    if match["sign"]:
        return facts.UNITS[match["sign"]], 0
    word = re.match(r"\s?(?:US |U\.S\. )?([^\W\d_]+)", after)
    unit = facts.UNITS.get(facts.folded(word[1]), "") if word else ""
    return unit, word.end() if word and unit else 0


def same_amount(one: Amount, other: Amount) -> bool:
    """True if both can be told of one value: rounded, "about" it, or bounded by it. The units are not looked at."""
    low, high = sorted((one, other), key=lambda amount: amount.value)
    if low.value == high.value:
        return True
    if low.bound == "least" and high.value <= low.value * REACH:
        return True
    if high.bound == "most" and high.value <= low.value * REACH:
        return True
    if "about" in (low.bound, high.bound) and high.value - low.value <= high.value * NEAR:
        return True
    return _rounds(low.value, high.value) or _rounds(high.value, low.value)


def _rounds(rough: Decimal, fine: Decimal) -> bool:
    """True if `fine` is told as `rough` by leaving out digits: 3.2 billion as 3 billion, 1,234 as 1,200."""
    whole = rough == rough.to_integral_value() and fine == fine.to_integral_value()
    if whole and max(rough, fine) < ROUND:
        return False
    step = Decimal(1).scaleb(int(rough.normalize().as_tuple().exponent))  # 100 for 1,200
    more = Decimal(1).scaleb(int(fine.normalize().as_tuple().exponent))
    return more < step and abs(fine - rough) < step and abs(fine - rough) <= rough * NEAR


# --- days --------------------------------------------------------------------------------------------------------------

_MONTHS = "|".join(sorted(facts.MONTHS, key=len, reverse=True))
_YEAR = r"(?:1[5-9]|20)\d\d(?![\d,.]?\d)"
_DAY = re.compile(
    rf"\b(?:(?P<iso>\d{{4}}-\d\d-\d\d)"
    rf"|(?P<d1>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? (?P<m1>{_MONTHS})\b\.?(?:,? (?P<y1>{_YEAR}))?"
    rf"|(?P<m2>{_MONTHS})\b\.? (?P<d2>\d{{1,2}})(?:st|nd|rd|th)?(?![\d:])(?:,? (?P<y2>{_YEAR}))?"
    rf"|(?P<m3>{_MONTHS})\b\.?,? (?P<y3>{_YEAR})"
    rf"|(?P<m4>(?-i:January|February|March|April|May|June|July|August|September|October|November|December))\b"
    rf"|(?<![$€£¥₹\d,.])(?P<y5>{_YEAR})"
    rf"|(?P<near>monday|tuesday|wednesday|thursday|friday|saturday|sunday|yesterday|today|tomorrow))(?!\w)",
    re.IGNORECASE,
)
_SAID = re.compile(
    r"\b(?:said|says|told|announced|reported|added|wrote|tweeted|posted|confirmed|stated|admitted|declared|according to)\b"
    r"(?:\s+(?!and\b|but\b|that\b|will\b)[\w’'-]+){0,3}?\s+(?:(?:on|late|early)\s+)*$",
    re.IGNORECASE,
)


def days(text: str, published: date | None) -> list[Day]:
    """Return the days, months and years that `text` names, in order; weekdays and "yesterday" only if `published` is known.

    The day on which somebody said it ("the mayor said on Friday") is left out.
    """
    found = []
    for match in _DAY.finditer(text):
        if _SAID.search(text, 0, match.start()):
            continue
        if (one := _day(match, text, published)) is not None:
            found.append(one)
    return found


def _day(match: re.Match[str], text: str, published: date | None) -> Day | None:
    written = match.group().rstrip(".")  # the end of the sentence, as often as of "Sept."
    place = (match.start(), match.start() + len(written), written)
    if match["near"]:
        if published is None:
            return None
        named = facts.days(f"{match['near']} {'will' if facts.looks_ahead(text) else ''}", published)
        pick = max if facts.looks_ahead(text) else min
        day = pick(named, default=None)  # none: "Frıday"
        return Day(day.year, day.month, day.day, *place, relative=True) if day else None
    if match["iso"]:
        year, month, number = map(int, match["iso"].split("-"))
        return Day(year, month, number, *place)
    if (
        match["m4"]
        and match["m4"] == "May"
        and not re.search(r"\b(?:in|until|by|since|last|next|of|from)\s+$", text[: match.start()])
    ):
        return None  # "May I"
    month_name = match["m1"] or match["m2"] or match["m3"] or match["m4"]
    written_year = match["y1"] or match["y2"] or match["y3"] or match["y5"]
    written_day = match["d1"] or match["d2"]
    if month_name and facts.folded(month_name) not in facts.MONTHS:
        return None  # "Aprıl" is none
    return Day(
        int(written_year) if written_year else None,
        facts.MONTHS[facts.folded(month_name)] if month_name else None,
        int(written_day) if written_day else None,
        *place,
    )


def same_day(one: Day, other: Day) -> bool:
    """True if no part that both name differs: "June" and "14 June 2024" agree."""
    pairs = ((one.year, other.year), (one.month, other.month), (one.day, other.day))
    return all(mine is None or theirs is None or mine == theirs for mine, theirs in pairs)


def near(one: Day, published: date | None) -> bool:
    """True if the day is of about the week in which its article was published."""
    if published is None or one.month is None or one.day is None:
        return False
    try:
        day = date(one.year or published.year, one.month, one.day)
    except ValueError:  # 31 June
        return False
    return abs(day - published) <= timedelta(days=ARTICLE_DAYS)
