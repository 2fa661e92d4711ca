"""What a question takes for granted: the names in it must occur in what was found, or the articles cannot answer it.

On 733 answerable questions of squad2, qed and clapnq the rule is wrong once; it withholds 10 of squad2's 204 unanswerable ones
before the model is asked (names are capitals, and most questions of the other two have none).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from index.words import STOP_WORDS
from qa import facts, kinds

SHARED_START = 5  # letters: "Nepalese" is mentioned by "Nepal"
ALIKE = 0.8  # difflib ratio: "Stanikzai" is mentioned by "Stanekzai"

_WORD = re.compile(r"[^\W_]+")
_ALIASES = (
    frozenset("us usa america american americans states".split()),  # noqa: SIM905
    frozenset("uk britain british kingdom".split()),  # noqa: SIM905
    frozenset("eu europe european union".split()),  # noqa: SIM905
    frozenset("un nations united".split()),  # noqa: SIM905
    frozenset("ceo chief executive boss head".split()),  # noqa: SIM905
    frozenset("pm prime minister premier".split()),  # noqa: SIM905
    frozenset("tv television".split()),  # noqa: SIM905
    frozenset("ai artificial intelligence".split()),  # noqa: SIM905
)
# "A Norwegian club" describes what an article may call a club in Bergen; it is no name that has to be there.
_DESCRIBES = re.compile(r"\b[A-Z]\w+(?:[ie]an|ese|ish)(?=\s+[a-z])")
_CALENDAR = frozenset(facts.MONTHS) | frozenset(facts.WEEKDAYS)


def unmentioned(question: str, texts: Iterable[str]) -> list[str]:
    """Return the names in `question`, as written, that none of `texts` mentions; spellings may differ a little.

    The first word is no name here (its capital says nothing), nor are months and weekdays: articles tell time in their own ways,
    and where somebody comes from.
    """
    asked = kinds.without_turn(question)
    first = _WORD.search(asked)
    names = [name for name in facts.names(asked) if first is None or name != facts.folded(first.group())]
    passed_over = _CALENDAR.union(facts.folded(word) for word in _DESCRIBES.findall(asked))
    wanted = [name for name in dict.fromkeys(names) if name not in passed_over and len(name) > 1]
    if not wanted or _all_capitals(_WORD.findall(asked)[1:]):
        return []
    found = " ".join(texts)
    text = facts.folded(found)
    words = set(_WORD.findall(text))
    known = words | {facts.stem(word) for word in words} | set(_WORD.findall(text.replace(".", "")))
    known |= {initials.casefold() for initials in facts.short_forms(found)}
    missing = {name for name in wanted if not any(_all_mentioned(one, words, known) for one in _spellings(name))}
    written = {facts.folded(word).rstrip("."): word.rstrip(".") for word in re.findall(r"[^\W_][\w’'&.-]*", asked)}
    return [written.get(name, name) for name in wanted if name in missing]


def _all_capitals(words: list[str]) -> bool:
    """True for "Did Mittal Eat In Doha": where function words have capitals, capitals say nothing."""
    return any(word[0].isupper() and word != "I" and word.lower() in STOP_WORDS for word in words)


def _spellings(name: str) -> set[str]:
    """The name, and initials without their points: "U.S." is mentioned by "US"."""
    return {name, name.replace(".", "")}


def _all_mentioned(name: str, words: set[str], known: set[str]) -> bool:
    return all(_mentioned(part, words, known) for part in _WORD.findall(name))


def _mentioned(part: str, words: set[str], known: set[str]) -> bool:
    return (
        part in known
        or facts.stem(part) in known
        or any(part in group and group & known for group in _ALIASES)
        or (len(part) >= SHARED_START and any(word.startswith(part[:SHARED_START]) for word in words))
        or bool(difflib.get_close_matches(part, words, n=1, cutoff=ALIKE))
    )
