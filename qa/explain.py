"""Questions for an explanation: sentences that follow one another tell it, and one of them alone says little."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from index.types import Sentence
from qa import kinds, wording
from qa.types import Evidence

LONGEST = 4  # sentences of a run
SHORTEST = 2  # where its paragraph has as many

_HELPER = r"(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should|may|might|must)"
_OF_WHAT = (
    r"(?:purpose|function|role|meaning|significance|importance|impact|effect|cause|reason|motive|status|origin|difference"
    r"|process|idea|point|aim|goal|plot|story|consequence|result|outcome|advantage|disadvantage|benefit|drawback|problem"
    r"|trouble|matter|argument|background|job|dut(?:y|ie)|responsibilit(?:y|ie)|relationship|connection|definition|premise"
    r"|procedure|explanation|reaction|response)s?"
)
_WANTED = re.compile(
    r"\W*(?:(?:and|but|so)\s+)?(?:"
    r"why\b"
    rf"|how(?: exactly)? (?:the|a|it|he|she|they|{_HELPER})(?:n['’]t)?\b|how (?:come|to)\b"
    rf"|what(?:['’]s| {_HELPER}) (?:the )?(?:\w+ ){{0,2}}{_OF_WHAT}\b(?! (?:named|called)\b)"
    r"|what (?:do|does|did)\b.+\b(?:do|mean)\W*$"
    r"|what (?:is|are|was|were)\b.+\b(?:about|for|like)\W*$"
    r"|what (?:happen(?:s|ed)?|became|led|leads|caused|causes|made|makes|prompted|stopped|stops|went wrong)\b"
    r"|(?:in|by) what (?:ways?|means)\b|(?:on|for) what (?:grounds?|reasons?|purpose)\b"
    r"|(?:explain|describe)\b"
    r"|where (?:do|does|did)\b.+\bnames?\b.*\bfrom\W*$"
    rf"|{_OF_WHAT} of\b"
    rf"|.*(?:,|\band|\bbut)\s+(?:why\b|how {_HELPER}\b)"
    r")",
    re.IGNORECASE,
)
_NEW_PARAGRAPH = re.compile(r"\n[^\S\n]*\n")


def wanted(question: str) -> bool:
    """Return True if `question` asks why, how, what for, what happened: for more than a name, a time, a number, yes or no."""
    asked = wording.plain(kinds.without_turn(question))
    return kinds.kind(asked) != "yes-no" and bool(_WANTED.match(asked))


def runs(sentences: Sequence[Sentence], text: str) -> Iterator[tuple[Sentence, ...]]:
    """Yield the runs of SHORTEST to LONGEST sentences that follow one another in one paragraph; a shorter paragraph whole.

    `sentences` are some of those of an article, by index; `text` is its text.
    """
    for paragraph in _paragraphs(sentences, text):
        for size in range(min(SHORTEST, len(paragraph)), min(LONGEST, len(paragraph)) + 1):
            yield from (paragraph[at : at + size] for at in range(len(paragraph) - size + 1))


def _paragraphs(sentences: Sequence[Sentence], text: str) -> Iterator[tuple[Sentence, ...]]:
    one: list[Sentence] = []
    for sentence in sentences:
        if one and not _goes_on(one[-1].index, one[-1].end, sentence.index, sentence.start, text):
            yield tuple(one)
            one = []
        one.append(sentence)
    if one:
        yield tuple(one)


def together(evidence: Sequence[Evidence], text_of: Callable[[str], str]) -> Mapping[int, tuple[Evidence, ...]]:
    """Return for the label of each sentence those shown that stand with it in one paragraph without a gap, itself included.

    `text_of` gives the text of the article with an id.
    """
    found: dict[int, tuple[Evidence, ...]] = {}
    for e in sorted(evidence, key=lambda e: (e.article_id, e.sentence)):
        before = next(reversed(found.values()), ())
        last = before[-1] if before else None
        goes_on = (
            last is not None
            and last.article_id == e.article_id
            and _goes_on(last.sentence, last.end, e.sentence, e.start, text_of(e.article_id))
        )
        run = (*before, e) if goes_on else (e,)
        found.update((one.label, run) for one in run)
    return found


def _goes_on(number: int, end: int, next_number: int, next_start: int, text: str) -> bool:
    return next_number == number + 1 and not _NEW_PARAGRAPH.search(text[end:next_start])
