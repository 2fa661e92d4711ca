"""Article -> Sentences with exact offsets.

nupunkt finds the candidates line by line (so lists and headings come right); a few rules of our own mend what it was seen to
get wrong on news text. It was chosen over seven others for exact spans and linear time on hostile input (docs/design.md).
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

# nupunkt's own list was learned from scans and holds thousands of plain words ("bank", "century", "story", "cancer"): a
# sentence that ends in one was joined to the next if that began with a name. So these alone, and forms with inner stops.
_ABBREVIATIONS = frozenset(
    """
    mr mrs ms mx messrs mme mlle dr drs prof profs rev fr sr jr st ste hon rt esq pres gov govs sen sens rep reps gen gens
    lt col maj capt cmdr sgt cpl pvt pfc adm brig supt det insp const amb msgr atty asst assoc dep cllr
    jan feb apr jun jul aug sep sept oct nov dec mon tue tues thu thur thurs fri
    ala ariz calif colo conn fla kan kans ky mich minn mont neb nebr nev okla penn tenn tex wis wyo
    inc corp ltd co llc plc bros assn mfg intl natl univ dept govt mt ft ave blvd rd hwy bldg
    vs v etc al seq ed eds lit viz cf approx incl esp ext div eng nos vol vols pp figs ibid geo wm chas thos
    a b c d e f g h i j k l m n o p q r s t u v w x y z
    """.split()  # noqa: SIM905 (read as prose)
)
_INNER_STOPS = re.compile(r"[a-z]{1,2}(?:\.[a-z]{1,2})+")  # u.s, p.m, ph.d
_TITLE_BEFORE_NAME = re.compile(
    r"(?:^|[\s(\"“])(?:Mr|Mrs|Ms|Dr|Prof|Gen|Lt|Col|Maj|Capt|Cmdr|Cpl|Sgt|Adm|Brig|Gov|Sen|Rep|Rev|Hon|Rt|St|Mt|Ft|vs"
    r"|Pres|Supt|Det|Insp|Amb|Msgr|Fr)\.$"
)
_WORD_BEFORE_NUMBER = re.compile(
    r"(?:^|[\s(\"“])(?:No|Nos|no|nos|Fig|Figs|fig|Vol|vol|Art|art|Sec|sec|Ch|ch|Op|op|Ps|Pt|ca|est|Sat|Sun|Wed|Mar)\.$"
)
_INITIAL = re.compile(r"(?:^|[\s(\"“.])[A-Z]\.$")
_NAME_FOLLOWS = re.compile(r"[A-Z][\w’'-]+")
_COMPANY_BANG = re.compile(r"(?:^|\s)(?:Yahoo|Jeopardy|Yum|Chips Ahoy)!$")
_CLOSERS = "”’\"')]»"
# Words that start a sentence after "U.S." or an initial far more often than they continue a name.
_STARTERS = frozenset(
    """
    A After All Also Although An And As At Because Before Both But By Despite During Earlier Each Every For From He Her Here
    His How However I If In It Its Later Many Meanwhile Most Mr Mrs Ms Neither No Not Officials On Once One Only Or Our She
    Since So Some That The Their Then There These They This Those Though Three To Two Under Until We What When Where Which
    While Who Why With Yesterday You Your
    """.split()  # noqa: SIM905 (read as prose)
)
_TITLE_CASE = re.compile(r"[A-Z][\w’'-]*(?:\s+[A-Z][\w’'-]*){2}")  # "U.S. And China Agree" is one heading
# "at 11 p.m. Faulds asked": a time that is said to be one is never an adjective ("the 11 p.m. Newsnight"), so a name that a
# plain word follows begins a sentence, unless it says which day or whose time.
_CLOCK_END = re.compile(
    r"\b(?:[Aa]t|[Bb]y|[Uu]ntil|[Tt]ill|[Bb]efore|[Aa]fter|[Ss]ince|[Ff]rom|[Tt]o|[Aa]nd|[Aa]round|[Aa]bout|[Nn]early)\s"
    r"\d{1,2}(?:[.:]\d\d)?\s?[ap]\.m\.\s+"
    r"(?!Mon|Tues|Wednes|Thurs|Fri|Satur|Sun|Jan|Feb|Mar|Apr|May|June|July|Aug|Sep|Oct|Nov|Dec|Christmas|Easter|Thanksgiving"
    r"|Eastern|Central|Mountain|Pacific|Greenwich|Local|(?:[\w’'-]+\s){1,3}time\b)"
    r"(?=[A-Z][a-z’'-]+\s[a-z])"
)


class Splitter(Protocol):
    """Anything that cuts one line: spans in order, none overlapping."""

    def __call__(self, line: str) -> list[Span]:
        """Return the sentences' spans."""
        ...


@cache
def _nupunkt() -> Splitter:
    import nupunkt

    model = nupunkt.load_default_model()  # a copy of our own: the shared one stays as it is
    known = model.parameters.abbrev_types
    kept = {name for name in known if name == "..." or _INNER_STOPS.fullmatch(name)}
    known.clear()
    known.update(kept | _ABBREVIATIONS)
    model.parameters.sent_starters.update(word.lower() for word in _STARTERS)
    model.clear_decision_cache()
    return lambda line: [(int(start), int(end)) for start, end in model.span_tokenize(line)]


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
    for start, end in _covering(_nupunkt()(line), line):
        span = _strip(line, start, end)
        if span is None:
            continue
        if kept and _belongs_together(line, kept[-1], span):
            kept[-1] = kept[-1][0], span[1]
        else:
            kept.append(span)
    for start, end in kept:
        yield from ((block[0] + a, block[0] + b) for a, b in _cut_long(line, start, end))


def _covering(spans: list[Span], line: str) -> Iterator[Span]:
    """The cuts of `spans` and those after a time of day, gapless: no character is lost whatever the splitter leaves out."""
    starts = {start for start, _ in spans} | {match.end() for match in _CLOCK_END.finditer(line)}
    cuts = sorted({0, *(start for start in starts if 0 < start < len(line))})
    yield from zip(cuts, [*cuts[1:], len(line)], strict=True)


def _strip(line: str, start: int, end: int) -> Span | None:
    while start < end and line[start].isspace():
        start += 1
    while end > start and line[end - 1].isspace():
        end -= 1
    return (start, end) if start < end else None


def _belongs_together(line: str, before: Span, after: Span) -> bool:
    head = line[max(before[0], before[1] - 40) : before[1]]  # its end: a sentence may be put together from thousands
    tail = line[slice(*after)]
    if not any(character.isalnum() for character in tail):  # a lone bracket or closing quote
        return True
    opener = tail.lstrip(_CLOSERS + " ")
    if opener[:1] in {",", ";"} or (opener[:1].islower() and not head.endswith((":", ";"))):
        return True
    if _TITLE_BEFORE_NAME.search(head) or _COMPANY_BANG.search(head):
        return True
    if _WORD_BEFORE_NUMBER.search(head) and opener[:1].isdecimal():
        return True
    name = _NAME_FOLLOWS.match(tail)
    if _INITIAL.search(head) and name and (name.group() not in _STARTERS or _TITLE_CASE.match(tail)):
        return True
    return _quote_is_open(line, before) and _closes_quote(line[after[0] : before[0] + MAX_QUOTE_CHARS])


def _quote_is_open(line: str, span: Span) -> bool:
    if span[1] - span[0] > MAX_QUOTE_CHARS:
        return False
    text = line[slice(*span)]
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
