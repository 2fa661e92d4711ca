"""The checkable parts of a sentence: numbers, days, names and negation, in forms that can be compared."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from functools import cache

from index.words import STOP_WORDS

_UNITS = (
    "zero one two three four five six seven eight nine ten"
    " eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_ORDINALS = "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"
SMALL = {word: value for value, word in enumerate(_UNITS.split())} | {
    word: (value + 2) * 10 for value, word in enumerate(_TENS.split())
}
ORDINAL = {word: value for value, word in enumerate(_ORDINALS.split())}
MULTIPLIERS = {
    "hundred": 100, "thousand": 1_000, "k": 1_000, "million": 10**6, "millions": 10**6, "mn": 10**6, "m": 10**6,
    "billion": 10**9, "billions": 10**9, "bn": 10**9, "b": 10**9, "trillion": 10**12, "trn": 10**12, "tn": 10**12,
    "dozen": 12,
}  # fmt: skip
MONTHS = {
    name: number
    for number, names in enumerate(
        ("january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul", "august aug",
         "september sept sep", "october oct", "november nov", "december dec"), start=1)
    for name in names.split()
}  # fmt: skip
WEEKDAYS = {
    name: number
    for number, name in enumerate(["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"])
}

_TOKEN = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|[^\W\d_]+(?:['’][^\W\d_]+)?", re.UNICODE)
_NAME = re.compile(r"[^\W\d_][\w’'&.-]*", re.UNICODE)
_SENTENCE_START = re.compile(r"(?:^|[.!?:]\s+|[\"“‘(]\s*)$")
_ABSENCE = re.compile(
    r"\b(?:not|no|never|none|nobody|nothing|neither|nor|without|cannot|denied|denies|deny|refused|refuses|failed|fails|declined|rejected"
    r"|unable|lacks?|lacked|ruled out|\w+n['’]t)\b",
    re.IGNORECASE,
)
_NOT_NAMES = frozenset(["i", "mr", "mrs", "ms", "dr", "yes", "no"])


@cache
def stem(word: str) -> str:
    """Return the English stem of a word, accents and case taken off."""
    return _stemmer().stemWord(folded(word))  # type: ignore[no-any-return]


@cache
def _stemmer():  # type: ignore[no-untyped-def]  # noqa: ANN202 (the library has no types)
    import snowballstemmer

    return snowballstemmer.stemmer("english")


def folded(text: str) -> str:
    """Return `text` in lower case, without accents, with plain quotes."""
    plain = unicodedata.normalize("NFKD", text.replace("’", "'").replace("‘", "'"))
    return "".join(character for character in plain if not unicodedata.combining(character)).casefold()


def content_stems(text: str) -> list[str]:
    """Return the stems of the words that carry meaning, in order; numbers are left out."""
    words = [re.sub(r"'s?$", "", folded(word)) for word in _TOKEN.findall(text)]
    return [stem(word) for word in words if word and not word[0].isdigit() and word not in STOP_WORDS]


def numbers(text: str) -> set[Decimal]:
    """Return the values named in `text`: "$3bn", "3 billion dollars" and "three billion" are one value, 3,000,000,000.

    Small ordinals ("third") count as numbers, and so does each part of a date.
    """
    found: set[Decimal] = set()
    tokens = [folded(token) for token in _TOKEN.findall(text.replace("-", " "))]
    at = 0
    while at < len(tokens):
        value, used = _number(tokens, at)
        if value is None:
            at += 1
            continue
        found.add(value)
        at += used
    return found


def _number(tokens: list[str], at: int) -> tuple[Decimal | None, int]:
    head = tokens[at]
    value: Decimal | None = None
    used = 1
    if head[0].isdigit():
        try:
            value = Decimal(head.replace(",", ""))
        except InvalidOperation:
            return None, 1
    elif head in SMALL and head != "one":  # "one of the men" names no number
        value = Decimal(SMALL[head])
        if value >= 20 and at + 1 < len(tokens) and SMALL.get(tokens[at + 1], 99) < 10:
            value += SMALL[tokens[at + 1]]
            used = 2
    elif head in ORDINAL and head != "second":
        value = Decimal(ORDINAL[head])
    elif head == "one" and at + 1 < len(tokens) and tokens[at + 1] in MULTIPLIERS and len(tokens[at + 1]) > 2:
        value = Decimal(1)
    if value is None:
        return None, 1
    while at + used < len(tokens) and tokens[at + used] in MULTIPLIERS:
        word = tokens[at + used]
        if len(word) < 2 and not head[0].isdigit():
            break
        value *= MULTIPLIERS[word]
        used += 1
    return value.normalize(), used


def days(text: str, published: date | None) -> set[date]:
    """Return the days that `text` names by weekday, "today" or "yesterday", seen from the day it was published.

    A weekday is taken as the last one up to that day and as the next one after it: news looks both ways.
    """
    if published is None:
        return set()
    found: set[date] = set()
    for word in re.findall(r"[a-z]+", folded(text)):
        if word in WEEKDAYS:
            back = (published.weekday() - WEEKDAYS[word]) % 7
            found |= {published - timedelta(days=back), published - timedelta(days=back - 7)}
        elif word in ("today", "tonight"):
            found.add(published)
        elif word == "yesterday":
            found.add(published - timedelta(days=1))
        elif word == "tomorrow":
            found.add(published + timedelta(days=1))
    return found


def day_words(found: Iterable[date]) -> str:
    """Return the days written out, so that their parts can be found by `numbers` and `names`."""
    return " ".join(f"{day:%A} {day.day} {day:%B %Y}" for day in found)


def names(text: str, *, known: frozenset[str] = frozenset()) -> list[str]:
    """Return the folded words that name something: capitalised inside a sentence, or at its start if they are `known`.

    `known` are folded words seen capitalised inside sentences elsewhere; a first word's capital alone says nothing.
    """
    found = []
    for match in _NAME.finditer(text):
        word = match.group().rstrip(".'’-")
        bare = re.sub(r"'s?$", "", folded(word))
        if not word or not word[0].isupper() or bare in STOP_WORDS or bare in _NOT_NAMES:
            continue
        if not _SENTENCE_START.search(text[: match.start()]) or bare in known or (word.isupper() and len(word) > 1):
            found.append(bare)
    return found


def negated(text: str) -> bool:
    """True if `text` says that something is not so."""
    return bool(_ABSENCE.search(text))


def denied(text: str, words: frozenset[str]) -> bool:
    """True if `text` negates one of the stems in `words`: one of the three content words after a "no" or "not" is among them."""
    return any(words & set(content_stems(text[match.end() :])[:3]) for match in _ABSENCE.finditer(text))
