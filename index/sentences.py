"""Article -> Sentences with exact offsets.

nupunkt finds the candidates line by line (so lists and headings come right); a few rules of our own mend what it was seen to
get wrong on news text. It was chosen over eight others for exact spans and linear time on hostile input (docs/design.md).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Protocol

from index.types import Article, Sentence

Span = tuple[int, int]

MAX_CHARS = 1_000  # a longer "sentence" is a table or lost punctuation: cut at a space, or it would fill a prompt alone
MAX_QUOTE_CHARS = 400  # a longer quotation is cited sentence by sentence

_LINE = re.compile(r"[^\n\r\v\f\x85\u2028\u2029]+")
_LIST_ITEM = re.compile(r"\s*(?:[-*+•‣◦–—#>|]|\(?\d{1,3}[.)]\s|\(?[a-z][.)]\s)")
_HARD_WRAP = range(40, 121)  # widths at which people and programs wrap plain text
_TITLE_BEFORE_NAME = re.compile(
    r"(?:^|[\s(\"“])(?:Mr|Mrs|Ms|Dr|Prof|Gen|Lt|Col|Maj|Capt|Cmdr|Cpl|Sgt|Adm|Brig|Gov|Sen|Rep|Rev|Hon|St|Mt|Ft|No|Nos|vs|Jr|Sr"
    r"|Pres|Supt|Det|Insp|Amb|Msgr|Fr|approx|Fig|Vol|pp|cf)\.$"
)
_INITIAL = re.compile(r"(?:^|[\s(\"“.])[A-Z]\.$")
_NAME_FOLLOWS = re.compile(r"[A-Z][\w’'-]+")
_COMPANY_BANG = re.compile(r"(?:^|\s)(?:Yahoo|Jeopardy|Yum|Chips Ahoy)!$")
_CLOSERS = "”’\"')]»"
# Words that start a sentence after "U.S." or an initial far more often than they continue a name.
_STARTERS = frozenset(
    """
    A An And As At But By For From He Her His How I If In It Its Mr Mrs Ms No Not On One Or Our She So That The Their
    There These They This Those Though Three To Two Under We What When Where Which While Who Why With You Your
    """.split()  # noqa: SIM905 (read as prose)
)


class Splitter(Protocol):
    """Anything that cuts one line: spans in order, none overlapping."""

    def __call__(self, line: str) -> list[Span]:
        """Return the sentences' spans."""
        ...


@cache
def _nupunkt() -> Splitter:
    import nupunkt

    return lambda line: [(int(start), int(end)) for start, end in nupunkt.sent_spans(line)]


def split(article: Article) -> tuple[Sentence, ...]:
    """Return the sentences of `article` in order: none empty, none overlapping, every visible character in one of them."""
    spans = (span for block in _blocks(article.text) for span in _sentences_of(article.text, block))
    return tuple(
        Sentence(article.id, index, start, end, article.text[start:end]) for index, (start, end) in enumerate(spans)
    )


def _blocks(text: str) -> Iterator[Span]:
    """Lines, with the lines of a hard-wrapped paragraph joined."""
    lines = [match.span() for match in _LINE.finditer(text)]
    first = 0
    while first < len(lines):
        last = first
        while last + 1 < len(lines) and _is_next_line(text, lines[last], lines[last + 1]):
            last += 1
        if last > first and _is_wrapped([text[slice(*line)] for line in lines[first : last + 1]]):
            yield lines[first][0], lines[last][1]
        else:
            yield from lines[first : last + 1]
        first = last + 1


def _is_next_line(text: str, line: Span, following: Span) -> bool:
    gap = text[line[1] : following[0]]
    lead = text[slice(*following)]
    return (
        gap in ("\n", "\r\n") and bool(text[slice(*line)].strip()) and bool(lead.strip()) and not _LIST_ITEM.match(lead)
    )


def _is_wrapped(lines: list[str]) -> bool:
    """True if each line ends where the next line's first word would no longer have fitted."""
    width = max(len(line.rstrip()) for line in lines)
    return width in _HARD_WRAP and all(
        len(line.rstrip()) + 1 + len(following.split(maxsplit=1)[0]) > width for line, following in pairwise(lines)
    )


def _sentences_of(text: str, block: Span) -> Iterator[Span]:
    # A line end inside a wrapped paragraph is one space to the splitter; lengths stay the same, so offsets do too.
    line = text[slice(*block)].replace("\r", " ").replace("\n", " ")
    kept: list[Span] = []
    for start, end in _covering(_nupunkt()(line), len(line)):
        span = _strip(line, start, end)
        if span is None:
            continue
        if kept and _belongs_together(line, kept[-1], span):
            kept[-1] = kept[-1][0], span[1]
        else:
            kept.append(span)
    for start, end in kept:
        yield from ((block[0] + a, block[0] + b) for a, b in _cut_long(line, start, end))


def _covering(spans: list[Span], length: int) -> Iterator[Span]:
    """The same cuts as `spans`, but gapless over 0..length: no character is lost whatever the splitter leaves out."""
    starts = sorted({0, *(start for start, _ in spans if 0 < start < length)})
    yield from zip(starts, [*starts[1:], length], strict=True)


def _strip(line: str, start: int, end: int) -> Span | None:
    while start < end and line[start].isspace():
        start += 1
    while end > start and line[end - 1].isspace():
        end -= 1
    return (start, end) if start < end else None


def _belongs_together(line: str, before: Span, after: Span) -> bool:
    head, tail = line[slice(*before)], line[slice(*after)]
    if not any(character.isalnum() for character in tail):  # a lone bracket or closing quote
        return True
    opener = tail.lstrip(_CLOSERS + " ")
    if opener[:1].islower() and not head.endswith((":", ";")):
        return True
    if _TITLE_BEFORE_NAME.search(head) or _COMPANY_BANG.search(head):
        return True
    name = _NAME_FOLLOWS.match(tail)
    if _INITIAL.search(head) and name and name.group() not in _STARTERS:
        return True
    return _quote_is_open(head) and _closes_quote(line[after[0] : before[0] + MAX_QUOTE_CHARS])


def _quote_is_open(text: str) -> bool:
    return text.count("“") > text.count("”") or (text.count('"') % 2 == 1 and "“" not in text)


def _closes_quote(text: str) -> bool:
    return "”" in text or '"' in text


def _cut_long(line: str, start: int, end: int) -> Iterator[Span]:
    while end - start > MAX_CHARS:
        cut = line.rfind(" ", start + MAX_CHARS // 2, start + MAX_CHARS)
        cut = cut if cut > 0 else start + MAX_CHARS
        piece = _strip(line, start, cut)
        if piece:
            yield piece
        rest = _strip(line, cut, end)
        if rest is None:
            return
        start = rest[0]
    yield start, end
