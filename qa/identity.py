"""Who or what a name is: "Who is Piers Aldane?", "What is the Ostrey Bridge?", "what is a twin prime".

Such a question is answered by the sentence that introduces the name: "said the head of the works department, Piers Aldane". A
search finds many sentences that have the name, and a cross-encoder likes none of them better than the others; rules in English
know an introduction when they see it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from index.words import STOP_WORDS
from qa import aspects, facts, kinds
from qa.abstain import says_something
from qa.types import Claim, Evidence

MOST = 3  # sentences, each of an article of its own: people change their offices, and two may share a name
MOST_WORDS = 8  # of a name
BESIDE = 60  # characters before "is X" that say what X is
LONG = 300  # characters; a longer question asks more than who somebody is
LONG_SENTENCE = 1_000  # characters; a longer one is hardly prose, and these patterns would take their time with it
OPENING = 6  # words before a name that may still be the opening of the sentence

# What makes it another question: "who is in charge", "what is the most popular religion in Sweden".
_MORE = (
    r"(?!.*\b(?:of|in|for|to|that|who|which|on|at|from|by|with|or|and|when|if|as|called|named|doing|going|happening"
    r"|about|\w{3,}est|most|least|best|worst|first|last|next|other|difference|he|she|it|they|this|these|those|you|i|we|there)\b)"
)
_IS = r"(?:\s+(?:is|was|are|were)|['’]s)\s+"
_NAMED = re.compile(rf"^\W*(?i:who|what)(?i:{_IS})(?P<name>{aspects.CAPITALS})\W*$")
_WHO = re.compile(rf"^\W*who{_IS}{_MORE}(?P<name>[^?,]+?)\W*$", re.IGNORECASE)
_WHAT = re.compile(rf"^\W*what{_IS}{_MORE}(?P<name>[^?,]+?)\W*$", re.IGNORECASE)
_ARTICLE = re.compile(r"^(?:an?|the)\s+", re.IGNORECASE)
_ROLE = (
    r"(?:former|acting|deputy|vice|senior|interim|head|chief|director|president|chair\w*|leader|minister|mayor|governor"
    r"|professor|lawyer|editor|author|founder|co-founder|owner|captain|coach|manager|spokes\w+|secretary|councillor|judge"
    r"|engineer|doctor|nurse|teacher|officer|scientist|\w+ist|\w+man|\w+woman)"
)
_TITLE = (
    r"(?:President|Prime Minister|Minister|Chancellor|Senator|Governor|Mayor|Councillor|Judge|Justice|Professor|Prof\.|Captain"
    r"|General|Colonel|King|Queen|Prince|Princess|Sheriff|Inspector|Secretary|Ambassador|Director|Bishop|Pope|Sir|Dame)"
)
_PREPOSITION = re.compile(
    r"\b(?:in|after|before|at|on|for|with|during|since|of|to|from|by|under|over|as|near|until|despite|and|or)\s+$",
    re.IGNORECASE,
)
_DETERMINED = re.compile(r"\b(?:[Tt]he|[Aa]n?|[Ii]ts|[Hh]is|[Hh]er|[Tt]heir)\s+|[’']s\s+")
# What is said, and is no aside: "the talks failed".
_SAYS = re.compile(
    r"(?:(?!\b(?:who|which|that|whose)\b).)*?\b(?:said|says|told|was|were|is|are|has|have|had|will|would|can|could|may|did|\w+ed)\b"
)
# No kind of thing: "the new Ostrey Bridge".
_ADJECTIVES = frozenset(
    """
    new old former late whole entire same first second third last next other own only great famous big small young current
    present original said once now then main
    """.split()  # noqa: SIM905 (read as prose)
)


@dataclass(frozen=True, slots=True)
class Topic:
    """What a question wants to have introduced."""

    name: str  # as written there
    person: bool
    proper: bool  # a name, which has a capital in the articles; "a twin prime" has none


def topic(question: str) -> Topic | None:
    """Return whom or what `question` wants to have introduced; None if it asks something else."""
    asked = kinds.without_turn(question)
    match = _NAMED.match(asked) or _WHO.match(asked) or _WHAT.match(asked)
    if match is None or len(asked) > LONG:
        return None
    name = _ARTICLE.sub("", match["name"])
    person = asked.lower().lstrip(" \t\"'“‘(").startswith("who")
    proper = person or name[:1].isupper() or match["name"].lower().startswith("the ")
    words = name.split() or [""]
    if person and name != match["name"] and not name[:1].isupper():
        return None  # "the mayor" is no name
    fits = len(words) <= MOST_WORDS and words[0].lower() not in STOP_WORDS and not re.search(r"['’]s\b|\d", name)
    return Topic(name, person, proper) if fits and facts.content_stems(name) else None


@dataclass(frozen=True, slots=True)
class Introduction:
    """The place where a sentence says who or what a name is."""

    rank: int  # how plainly, 0 the most
    words: frozenset[str]  # the stems it is said with


def introduction(wanted: Topic, text: str, around: str = "") -> Introduction | None:
    """Return where `text` introduces the topic most plainly; None if it does not. `around` may have the name in full."""
    names = _names(wanted, around) if len(text) <= LONG_SENTENCE else ()
    found = [one for name in names for one in _introductions(wanted, name, text)]
    if not found:
        return None
    plainest = min(rank for rank, _ in found)
    said = {stem for _, phrase in found for stem in facts.content_stems(phrase)}
    return Introduction(plainest, frozenset(said.difference(facts.content_stems(wanted.name))))


def introduced(question: str, evidence: Sequence[Evidence]) -> list[Claim]:
    """Return the sentences that introduce whom or what `question` asks about, word for word, oldest first; often none.

    There is at most one of each article, and none that introduces as the same as a better one.
    """
    wanted = topic(question)
    if wanted is None:
        return []
    told = [e for e in evidence if says_something(e)]
    found = [(one, e) for e in told if (one := introduction(wanted, e.text, f"{e.title} {e.context}")) is not None]
    chosen: list[tuple[Introduction, Evidence]] = []
    for one, e in sorted(found, key=lambda pair: (pair[0].rank, -pair[1].score)):
        known = any(2 * len(one.words & other.words) >= len(one.words) for other, _ in chosen)
        if len(chosen) < MOST and not known and all(e.article_id != other.article_id for _, other in chosen):
            chosen.append((one, e))
    return [
        Claim(e.text, (e.cited(),))
        for _, e in sorted(chosen, key=lambda pair: (pair[1].date or date.min, pair[1].label))
    ]


def _names(wanted: Topic, around: str) -> Iterator[str]:
    """The name, and the surname of somebody whom the words around name in full."""
    yield wanted.name
    last = wanted.name.split()[-1]
    if wanted.person and last != wanted.name and facts.folded(wanted.name) in facts.folded(around):
        yield last


@lru_cache(maxsize=64)
def _patterns(name: str, *, person: bool) -> tuple[tuple[int, re.Pattern[str]], ...]:
    topic = _written(name)
    aside = r"(?:\s*\((?:[^()]|\([^()]*\))*\))?"
    is_a = r"(?:is|was|are|were)\s+(?:\w+ly\s+)?(?:an?|the|one|any)\b"
    # "Sher Mohammad Abbas Stanekzai" is introduced to who asks about Stanekzai.
    lead = r"(?:(?:[Aa]n?|[Tt]he)\s+)?(?:[A-Z][\w’'.-]*\s+){0,3}"
    role = _ROLE if person else "formerly"
    found = [
        (0, rf"^\W*{lead}[\"“]?{topic}[\"”]?{aside}(?:,[^,.]*,)?\s+{is_a}[^,.;]*"),
        (0, rf"^\W*{lead}[\"“]?{topic}[\"”]?{aside}\s+(?:means|refers?\s+to|stands?\s+for|denotes)\b[^,.;]*"),
        (1, rf"\b(?:is|was)\s+(?:{_TITLE}\s+|Dr\.\s+)?{topic}(?=[,.])"),
        (1, rf"{topic}{aside},\s+(?P<aside>(?:an?|the|one\s+of|its|his|her|their|{role})\s[^,.;]*)"),
        (2, rf"{topic}{aside},\s+(?:who|which)\s[^,.;]*"),
        (2, rf"\b{_TITLE}\s+{topic}"),
    ]
    return tuple((at, re.compile(pattern)) for at, pattern in found)


def _written(name: str) -> str:
    words = r"\s+".join(map(re.escape, name.split()))
    return rf"(?<![\w’'-])(?P<topic>(?i:{words}))(?:s|es)?(?![\w’'-])"


def _introductions(wanted: Topic, name: str, text: str) -> Iterator[tuple[int, str]]:
    """Rank and words of each place where the name is introduced."""
    for at, pattern in _patterns(name, person=wanted.person):
        for match in pattern.finditer(text):
            aside = match.groupdict().get("aside")
            # "According to Lind, the talks failed" and "In Kara, the mayor said" introduce nobody.
            leads = aside is not None and (_SAYS.match(aside) or _leads(text[: match.start("topic")], aside))
            if (match["topic"][:1].isupper() or (at == 0 and not wanted.proper)) and not leads:
                before = BESIDE if at == 1 and aside is None else 0
                yield at, text[max(0, match.start() - before) : match.end()]
    for match in re.finditer(_written(name), text):
        if match.group()[:1].isupper():
            yield from _named_after(text[: match.start()], text[match.end() :])


def _leads(before: str, aside: str) -> bool:
    """True if the name belongs to the opening of its sentence, and what follows is the rest: "In Kara, the mayor spoke"."""
    opens = _PREPOSITION.search(before) is not None and len(before.split()) <= OPENING
    return opens and not aside.lower().startswith(("a ", "an ", "one "))


def _named_after(before: str, after: str) -> Iterator[tuple[int, str]]:
    """Rank and words of "the city's engineer, X," and of "the carmaker X"."""
    # What stands in front of the name may be more of it: "Sher Mohammad Abbas".
    lead = re.sub(r"\b(?:[A-Z][\w’'.-]*\s+){1,3}$", "", before)
    for match in _DETERMINED.finditer(lead):
        phrase = lead[match.end() :]
        if _PREPOSITION.search(lead, 0, match.start()) and not match.group().startswith(("’", "'")):
            continue
        closed = re.match(r"\s*[,.;:!?”\"]", after)
        if closed and re.fullmatch(r"(?:[\w’'-]+\s+){0,7}[\w’'-]+,\s+(?:the\s+)?", phrase):
            yield 1, phrase
        last = (phrase.split() or [""])[-1]
        kind = re.fullmatch(r"(?:[a-z][\w’'-]*\s+){1,3}", phrase) and last not in _ADJECTIVES | STOP_WORDS
        if kind and not last.endswith("ed"):
            yield 2, phrase
