"""When a question is about: "in June 2021", "last week", "since 5 May" -> a range of days.

Rules for English. Libraries that read dates (dateparser and its like) give one instant for "in June", find dates in words that
name none, and know no "since" or "between"; what is asked for here is a range, and nothing where nothing is meant.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from qa.facts import MONTHS, SMALL

_NAMES = "|".join(sorted((name.capitalize() for name in MONTHS), key=len, reverse=True))
_YEAR = r"(?:19|20)\d\d(?![\d,.]?\d)"
_ORDINAL = r"(?:st|nd|rd|th)?"
_POINT = re.compile(
    rf"(?P<iso>\d{{4}}-\d\d-\d\d)"
    rf"|(?P<day>\d{{1,2}}){_ORDINAL}(?: of)? (?P<month>{_NAMES})\b\.?(?:,? (?P<year>{_YEAR}))?"
    rf"|(?P<us_month>{_NAMES})\b\.? (?P<us_day>\d{{1,2}}){_ORDINAL}(?!\d)(?:,? (?P<us_year>{_YEAR}))?"
    rf"|(?P<whole_month>{_NAMES})\b\.?(?:,? (?P<of_year>{_YEAR}))?"
    rf"|(?P<whole_year>{_YEAR})"
)
_BEFORE = re.compile(
    r"\b(?P<word>in|during|on|since|after|before|until|till|by|from|between|as of|of|throughout)"
    r"(?: (?:the )?(?:early|late|mid|beginning of|end of|month of|year))?[ -]?$",
    re.IGNORECASE,
)
_TO = re.compile(r"^,? (?:and|to|until|till|through|-|–) (?:in )?$", re.IGNORECASE)
_WITHIN = (
    rf"(?:\d{{1,2}}{_ORDINAL}\s+)?(?:(?:{_NAMES})\b\.?\s+(?:\d{{1,2}}{_ORDINAL},?\s+)?)?"  # "5 March" before a year
)
_SPAN = re.compile(
    rf"(?:\b(?:(?P<between>between)|(?P<open>since|from))\s+{_WITHIN})?"
    r"(?<![\d,.$€£])(?P<first>1\d{3}|20\d\d)(?![\d]|[,.]\d)"
    r"(?:[-–—/](?P<short>\d\d)(?!\d)"
    rf"|(?:\s*[-–—/]\s*|\s+(?:to|until|till|through|(?(between)and|to))\s+){_WITHIN}(?P<last>1\d{{3}}|20\d\d)(?![\d]|[,.]\d)"
    r"|\s*(?P<still>[-–—](?=\s*(?:[);,]|$))|(?:[-–—/]|\b(?:to|until|till)\b)\s*(?:present|now|today)\b))?",
    re.IGNORECASE,
)
FOREVER = 9_999
_UNITS = {"day": 1, "week": 7, "fortnight": 14}
_AGO = re.compile(
    r"\b(?:in|over|during|within)? ?(?:the )?(?:last|past) (?P<count>\d{1,3}|[a-z]+) (?P<unit>day|week|month|year)s\b",
    re.IGNORECASE,
)
_NEAR = re.compile(
    r"\b(?:(?P<which>this|last|past) (?P<unit>week|month|year)|(?P<day>today|yesterday))\b", re.IGNORECASE
)


_EVENT = re.compile(
    r"\b(?P<word>since|after|before|until) (?P<event>(?:the|his|her|their|its) [^,?.;]{3,80}?)"
    r"(?=[,?.;]|$| (?:who|what|when|how|did)\b)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Period:
    """A range of days that a question names."""

    since: date | None  # inclusive; None: without a beginning
    until: date | None  # inclusive; None: without an end
    phrase: str  # as written
    relative: bool = False  # "last week": it asks for what was written then; "in 2019" may be told of later


def periods(question: str, today: date) -> list[Period]:
    """Return the periods that `question` names, seen from `today`, in its order; one that is relative comes first."""
    relative = _relative(question, today)
    return [*([relative] if relative else []), *_absolute(question, today)]


def years(text: str) -> list[tuple[int, int]]:
    """Return first and last year of each time that `text` names: (2003, 2004) of "2003-04", (2014, FOREVER) of "since 2014"."""
    return [_span(match) for match in _SPAN.finditer(text)]


def _span(match: re.Match[str]) -> tuple[int, int]:
    first = int(match["first"])
    last = int(match["last"] or 0) or first
    if match["short"]:
        last = first // 100 * 100 + int(match["short"])
    elif match["still"] or (match["open"] and not match["last"]):
        last = FOREVER
    return first, max(first, last)


def event(question: str) -> tuple[str, str] | None:
    """Return what `question` counts time from: ("since", "the election of Ada Brink"); None if there is no such thing."""
    match = _EVENT.search(question)
    return (match["word"].lower(), match["event"]) if match else None


def from_event(word: str, day: date) -> Period:
    """Return the period that `word` ("since", "after", "before" or "until") opens at an event of that `day`."""
    since, until = _opened(word, day, day)
    return Period(since, until, word)


def _relative(question: str, today: date) -> Period | None:
    if match := _AGO.search(question):
        word = match["count"].lower()
        count = int(word) if word.isdigit() else SMALL.get(word)
        if count:
            return Period(_back(today, count, match["unit"].lower()), today, match.group().strip(), relative=True)
    if match := _NEAR.search(question):
        if match["day"]:
            day = today - timedelta(days=match["day"].lower() == "yesterday")
            return Period(day, day, match.group(), relative=True)
        first, last = _calendar(today, match["unit"].lower(), last=match["which"].lower() != "this")
        return Period(first, last, match.group(), relative=True)
    return None


def _back(today: date, count: int, unit: str) -> date:
    if unit in _UNITS:
        return today - timedelta(days=count * _UNITS[unit])
    months = today.year * 12 + today.month - 1 - count * (12 if unit == "year" else 1)
    year, month = divmod(months, 12)
    return date(max(year, 1), month + 1, min(today.day, monthrange(max(year, 1), month + 1)[1]))


def _calendar(today: date, unit: str, *, last: bool) -> tuple[date, date]:
    """The week (from Monday), month or year around `today`, or the one before it."""
    if unit == "week":
        monday = today - timedelta(days=today.weekday() + 7 * last)
        return monday, min(monday + timedelta(days=6), today)
    if unit == "year":
        year = today.year - last
        return date(year, 1, 1), min(date(year, 12, 31), today)
    end = today.replace(day=1) - timedelta(days=1) if last else today
    return end.replace(day=1), end


def _absolute(question: str, today: date) -> Iterator[Period]:
    points = list(_POINT.finditer(question))
    done = 0
    for at, match in enumerate(points):
        before = _BEFORE.search(question, done, match.start())
        word = before["word"].lower() if before else ""
        found = _days(match, today)
        named = word or match["iso"] or match["day"] or match["us_day"]
        if match.start() < done or found is None or not named:
            continue  # "the 2020 election" and "May I": no period
        begins = before.start() if before else match.start()
        try:
            since, until = _opened(word, *found)
        except OverflowError:  # "after 9999-12-31"
            continue
        done = match.end()
        if word in ("between", "from") and (closed := _closed(question, points[at : at + 2], found, today)):
            since, until, done = closed
        yield Period(since, until, question[begins:done])


def _opened(word: str, first: date, last: date) -> tuple[date | None, date | None]:
    """The range that a preposition makes of a point."""
    match word:
        case "since" | "from":
            return first, None
        case "after":
            return last + timedelta(days=1), None
        case "before":
            return None, first - timedelta(days=1)
        case "until" | "till" | "by" | "as of":
            return None, last
        case _:
            return first, last


def _closed(
    question: str, points: list[re.Match[str]], begin: tuple[date, date], today: date
) -> tuple[date, date, int] | None:
    """The range of "from ... to ..." with the place where it ends in the question; None if there is no such end."""
    if len(points) < 2 or not _TO.match(question[points[0].end() : points[1].start()]):
        return None
    other = _days(points[1], today)
    if other is None:
        return None
    first = begin[0] if _has_year(points[0]) else _in_year(begin[0], other[1])  # "from May to July 2021"
    return (first, other[1], points[1].end()) if first <= other[1] else None


def _has_year(match: re.Match[str]) -> bool:
    return any(match[name] for name in ("iso", "year", "us_year", "of_year", "whole_year"))


def _in_year(day: date, end: date) -> date:
    """The last day of that month and day that is not after `end`."""
    for year in (end.year, end.year - 1):
        try:
            moved = day.replace(year=year)
        except ValueError:  # 29 February
            moved = date(year, 2, 28)
        if moved <= end:
            return moved
    return day


def _days(match: re.Match[str], today: date) -> tuple[date, date] | None:
    """The first and last day of a point; without a year the last one up to today; None for a day that is none."""
    try:
        if match["iso"]:
            day = date.fromisoformat(match["iso"])
            return day, day
        if match["whole_year"]:
            year = int(match["whole_year"])
            return date(year, 1, 1), date(year, 12, 31)
        name = match["month"] or match["us_month"] or match["whole_month"]
        number = MONTHS[name.lower()]
        given = match["year"] or match["us_year"] or match["of_year"]
        year = int(given) if given else today.year
        if not given and (number, int(match["day"] or match["us_day"] or 1)) > (today.month, today.day):
            year -= 1
        if day_of_month := match["day"] or match["us_day"]:
            day = date(year, number, int(day_of_month))
            return day, day
        return date(year, number, 1), date(year, number, monthrange(year, number)[1])
    except ValueError:
        return None
