"""What is told of a topic on the whole: "Summarise the owl study", "tell me about Kestovar", "What is the latest on the strike?"

Such a request asks for no fact that one sentence states, so the reader scores no sentence high, and a small model refuses it.
It is answered with the first sentences of the articles on the topic: writers of news put the sum of it there, and the first three
sentences are what summarizers of news are measured against (See, Liu and Manning 2017). Where the topic is not what an article is
about, its sentences that mention the topic are taken instead.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date

from index.types import Sentence
from qa import facts, kinds
from qa.types import Hit

ABOUT = -4.0  # logits of the topic alone with a passage: for 40 topics those on it have -4.0 to 8, others -4.3 to -11
MENTIONED = -8.0  # the same where no article is about it, and one has all its words
MOST_ARTICLES = 5
MOST_OF_ONE = {1: 3, 2: 2}  # sentences of each article where there are so many; of more articles one each
LEAD = 2  # sentences at the beginning that, with the title, tell what an article is about
LEAST_WORDS = 5  # of a sentence that says something by itself
LONGEST = 120  # characters of a topic

_PLEASE = r"\W*(?:please\s+|(?:can|could|would|will) you\s+(?:please\s+)?)?"
_ON = r"(?:of|on|about|for|regarding|concerning|from|in|with)"
_WHOLE = re.compile(
    rf"{_PLEASE}(?:"
    r"(?:summari[sz]e|sum up|describe|outline)"
    rf"|(?:give|write|show)(?: me| us)?(?: an?| the)?(?: (?:short|brief|quick))?"
    rf" (?:summary|overview|outline|gist|rundown|description) {_ON}"
    r"|(?:an?\s+|the\s+)?(?:(?:short|brief|quick)\s+)?(?:summary|overview|gist) (?:of|on|about)"
    r"|i(?:['’]d| would) like to (?:know|learn|hear|read)(?: more| everything| something)? about"
    r"|i (?:want|need) to (?:know|learn|hear|read)(?: more| everything| something)? about"
    r"|tell (?:me|us)(?: (?:more|everything|something|all))?(?: (?:that )?(?:you|we) know)? about"
    r"|what (?:do (?:you|we|the articles) (?:know|say|tell(?: us)?)|is known|can you (?:tell me|say)|has been (?:said|written))"
    r" about|what is known of"
    r"|what (?:does|do) (?:the|this|these) (?:article|report|story|text|page)s? (?:say|tell(?: us)?) (?:about|on)"
    rf"|what (?:is|are) the (?:rules?|facts|details|conditions|(?:main|key) (?:points|facts)) {_ON}"
    r")\s+(?P<topic>.+?)\W*$",
    re.IGNORECASE,
)
_LATEST = re.compile(
    rf"{_PLEASE}(?:(?:what(?:['’]s| is| are)|tell me|give me|show me|is there|are there|any)\s+)?(?:any\s+|the\s+)?"
    rf"(?:(?:latest|newest|most recent)(?:\s+(?:news|developments?|state|updates?|word|reports?))?|news|updates?|new|newest)"
    rf"\s+(?:on|about|with|from|regarding|concerning|in the (?:case|matter) of)\s+(?P<topic>.+?)\W*$",
    re.IGNORECASE,
)
# What no one sentence answers either, but a model may: it is asked first.
_EVENT = re.compile(
    rf"{_PLEASE}what (?:(?:has|had) )?happened (?:in|at|on|during|after)\s+(?P<topic>.+?)\W*$", re.IGNORECASE
)
_BOTH = re.compile(
    rf"{_PLEASE}(?:compare|(?:(?:what(?:['’]s| is| are| was| were)|tell me|explain)\s+)?the differences? between)\s+"
    r"(?P<one>.+?)\s+(?:and|with|to|versus|vs\.?)\s+(?P<other>.+?)\W*$",
    re.IGNORECASE,
)
# A topic that is a sentence of its own asks for something: "what is known about who paid".
_CLAUSE = re.compile(r"^(?:who|whom|what|when|where|why|how|which|whether|if)\b", re.IGNORECASE)
_CALLED = re.compile(r"^(?:the\s+)?(?:article|report|story|text|news|piece|page)s?\s+(?:on|about|of)\s+", re.IGNORECASE)
_STORY = re.compile(r"\s+(?:story|stories|news|articles?|reports?|saga)$", re.IGNORECASE)
_ENDS = re.compile(r"[.!?…][\"”’')\]]*$")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be told on the whole."""

    topic: str  # as written
    latest: bool = False  # only what the newest article tells
    event: bool = False  # no name of its own ("the match"): its article's first sentences tell it

    def without(self, phrase: str | None) -> Wanted:
        """Return the same without `phrase`, which has narrowed the search: "last week" need not stand in the articles."""
        topic = re.sub(re.escape(phrase), " ", self.topic, flags=re.IGNORECASE) if phrase else self.topic
        return replace(self, topic=topic) if facts.content_stems(topic) else self


def wanted(question: str) -> Wanted | None:
    """Return what `question` wants an overview of; None if it asks something else."""
    asked = kinds.without_turn(question)
    latest = _LATEST.match(asked)
    match = latest or _WHOLE.match(asked)
    topic = _topic(match["topic"]) if match else None
    return None if topic is None else Wanted(topic, latest=latest is not None)


def topics(question: str) -> list[Wanted]:
    """Return what a question is on that a model could not answer with a sentence; none if it is of no such kind.

    "What happened in the cup final?" is on one topic, "Compare the two mills" on none that is named, "Compare A and B" on two.
    """
    asked = kinds.without_turn(question)
    event = _EVENT.match(asked)
    match = event or _BOTH.match(asked)
    named = [_topic(one) for one in match.groups()] if match else []
    nameless = event is not None and not re.search(r"[A-Z0-9]", event["topic"])
    return [Wanted(one, event=nameless) for one in named if one] if all(named) else []


def _topic(words: str) -> str | None:
    """What is called so; None if that is a question of its own, or nothing."""
    topic = _CALLED.sub("", words).strip(" \"'“”‘’")
    topic = _STORY.sub("", topic)  # "the merger story": no article calls itself one
    return None if len(topic) > LONGEST or _CLAUSE.match(topic) or not facts.content_stems(topic) else topic


def sentences(
    about: Wanted, articles: Sequence[tuple[Hit, Sequence[Sentence]]], *, times: int = 1
) -> list[tuple[Hit, Sentence]]:
    """Return the sentences that tell of the topic on the whole, oldest article first; none if no article is on it.

    `articles` has each article's best passage, read by the cross-encoder for the topic alone, with all its sentences, best
    first. One of them has to have every word of the topic: "the Kestovar strike" is no topic of articles on Kestovar that tell
    of no strike. An event without a name has to be what one article, and no other, is about. A model that writes a summary
    itself may be given several `times` as many sentences.
    """
    stems = set(facts.content_stems(about.topic))
    having = [one for one in articles if _has(stems, _words(one[0].title, one[1]))]
    near = [one for one in articles if _score(one[0]) >= ABOUT]
    mentioned = not any(one in near for one in having)
    if mentioned:
        near = [one for one in having if _score(one[0]) >= MENTIONED]
    if about.latest:
        near = sorted(near, key=lambda one: _day(one[0]), reverse=True)[:1]
    if about.event and (mentioned or len(near) > 1):
        return []  # which match?
    near = near[:MOST_ARTICLES]
    most = MOST_OF_ONE.get(len(near), 1) * times
    told = [
        (hit, one)
        for hit, sentences_of_it in near
        for one in _telling(() if about.event else stems, hit, sentences_of_it, most, whole=not mentioned)
    ]
    return sorted(told, key=lambda one: _day(one[0]))


def _score(hit: Hit) -> float:
    return hit.stages.get("rerank", -math.inf)


def _day(hit: Hit) -> date:
    return hit.date or date.min


def _telling(
    stems: Collection[str], hit: Hit, sentences: Sequence[Sentence], most: int, *, whole: bool
) -> list[Sentence]:
    """Up to `most` sentences on the topic: those with its rarest words, or the first, where the `whole` article is about it."""
    full = [one for one in sentences if _is_whole(one.text)]
    lead = _words(hit.title, full[:LEAD])
    if whole and kinds.most(stems, lead):
        return full[:most]
    there = [_words("", [one]) for one in full]
    rarity = {stem: 1 / (sum(facts.among(stem, words) for words in there) or 1) for stem in stems}
    says = [sum(rarity[stem] for stem in stems if facts.among(stem, words)) for words in there]
    best = sorted(range(len(full)), key=lambda at: -says[at])[:most]
    return [full[at] for at in sorted(best) if says[at] * 3 > max(says)]


def _is_whole(text: str) -> bool:
    return len(text.split()) >= LEAST_WORDS and bool(_ENDS.search(text.rstrip()))


def _has(stems: Collection[str], there: Collection[str]) -> bool:
    return all(facts.among(stem, there) for stem in stems)


def _words(title: str, sentences: Sequence[Sentence]) -> set[str]:
    return set(facts.content_stems(" ".join([title, *(one.text for one in sentences)])))
