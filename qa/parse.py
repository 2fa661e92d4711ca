"""The model's words -> drafts: sentences with the numbers of the evidence they cite.

Stream law: any split of the text into chunks gives the same drafts as the whole text at once. It holds because a cut is
decided only by characters up to and with the first one of the next sentence, and is never taken back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from qa.types import Draft

REFUSAL = "NOT STATED"  # the prompt's word for "the articles do not say": a state, not a guess from wording

_OPEN, _CLOSE = r"[\[【［]", r"[\]】］]"
_NUMBERS = r"\d{1,3}(?:\s?(?:,|;|&|and|–|-)\s?\d{1,3})*"
_MARK = rf"{_OPEN}\s?\^?\s?(?:sentences?\s?)?{_NUMBERS}\s?{_CLOSE}"
_MARKS = re.compile(rf"\s?{_MARK}", re.IGNORECASE)
_CLOSERS = r"[\"”’')]*"
_HALF_MARK = re.compile(rf"\s?\(?\s?{_OPEN}[^\]】］]{{0,24}}$")
# Small models dress their marks: "... in 1994 ([2])."
_WRAPPED = re.compile(rf"\(\s?({_MARK}(?:\s?{_MARK})*)\s?\)", re.IGNORECASE)
# A sentence's end, its marks, and the first character of what follows; white space is single by then.
_CUT = re.compile(
    rf"[.!?…]{_CLOSERS}(?P<marks>(?:\s?{_MARK})*)\s(?=(?P<next>[^\s\[【［]))|\n(?=[^\s\[【［])", re.IGNORECASE
)
# The same where marks stand before their sentences, as in a list of sources: "[1] He resigned. [2] She stayed."
_MARKS_LEAD = re.compile(rf"(?:\s?{_MARK})+\s?[^\W_]", re.IGNORECASE)
_LEADING = re.compile(rf"(?:\s*{_MARK})+", re.IGNORECASE)
_CUT_BEFORE_MARKS = re.compile(rf"[.!?…]{_CLOSERS}\s(?P<marks>)(?=(?P<next>\S))|\n(?=\S)")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\"“.])(?:[A-Z]|Mr|Mrs|Ms|Messrs|Dr|Prof|Gen|Brig|Lt|Col|Maj|Capt|Cmdr|Adm|Sgt|Gov|Sen|Rep|Pres|Amb|Rev|Hon|St|Mt|Ft"
    r"|No|vs|Jr|Sr|Inc|Corp|Co|Ltd|U\.S|U\.N|U\.K|D\.C|a\.m|p\.m|e\.g|i\.e|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec"
    r"|approx|etc)$"
)
_LOOK_BACK = 8  # the longest abbreviation and the character before it
_BULLET = re.compile(r"^\s?(?:[-*•]|\d{1,2}[.)])\s")
_NUMBER_OR_RANGE = re.compile(r"(\d{1,3})\s?[–-]\s?(\d{1,3})|\d{1,3}")
MAX_RANGE = 12  # "[1-3]" names three sentences; of a wider range, or one that runs backwards, its two ends
MAX_SENTENCE_CHARS = 2_000  # what runs on for longer is cut there: it bounds the work on each chunk


class DraftParser:
    """Cuts a stream of text into drafts. Feed it chunks, then finish it. The time is linear in the text's length."""

    def __init__(self) -> None:
        self._rest = ""  # since the last cut, every run of white space as one character
        self._at = 0  # where the next cut can begin: what ends a sentence before it was looked at and refused

    @property
    def growing(self) -> str:
        """The sentence being written, marks taken off."""
        return _clean(self._rest)

    @property
    def presentable(self) -> str:
        """The same without a mark that has only begun: a reader is not to see "[1" come and go."""
        text = self.growing
        while half := _HALF_MARK.search(text):  # one may stand in what looked like the words of another
            text = text[: half.start()]
        return text

    def feed(self, chunk: str) -> Iterator[Draft]:
        """Yield the sentences that `chunk` has finished."""
        for at in range(0, len(chunk), MAX_SENTENCE_CHARS):  # a long chunk in pieces: each cut copies what is left
            piece = chunk[at : at + MAX_SENTENCE_CHARS]
            self._rest = self._rest[:-1] + _single_spaced(self._rest[-1:] + piece)
            yield from self._take()

    def finish(self) -> Iterator[Draft]:
        """Yield what is left."""
        rest, self._rest, self._at = self._rest, "", 0
        yield from _draft(rest)

    def _take(self) -> Iterator[Draft]:
        while end := self._end():
            sentence, self._rest, self._at = self._rest[:end], self._rest[end:], 0
            yield from _draft(sentence)

    def _end(self) -> int:
        """Where the first sentence ends, 0 if that is not known yet."""
        window = self._rest[: MAX_SENTENCE_CHARS + 1]
        pattern = _CUT
        if lead := _MARKS_LEAD.match(window):
            pattern, self._at = _CUT_BEFORE_MARKS, max(self._at, lead.end())
        while match := pattern.search(window, self._at):
            if _is_cut(window, match):
                return match.end()
            self._at = match.start() + 1
        return MAX_SENTENCE_CHARS if len(window) > MAX_SENTENCE_CHARS else 0


def parse(text: str) -> tuple[Draft, ...]:
    """Return the drafts of a whole completion."""
    parser = DraftParser()
    return (*parser.feed(text), *parser.finish())


def is_refusal(text: str) -> bool:
    """True if the words are the refusal that the prompt asks for, however it is dressed.

    They begin with it in any case, or hold it in capitals.
    """
    words = " ".join(re.findall(r"[A-Za-z]+", text))
    return bool(re.match(rf"{REFUSAL}\b", words, re.IGNORECASE) or re.search(rf"\b{REFUSAL}\b", words))


def _is_cut(text: str, match: re.Match[str]) -> bool:
    follows = match["next"]
    if follows is None:
        return True  # a line end
    if follows.islower() or not (follows.isalnum() or follows in "\"“‘'(«-*•[【［"):
        return False
    if match[0][0] == "." and not match["marks"] and match.end() == match.start() + 2:
        before = text[max(0, match.start() - _LOOK_BACK) : match.start()]
        return not (_ABBREVIATION.search(before) or text[: match.start()].strip().isdigit())
    return True


def _draft(text: str) -> Iterator[Draft]:
    text = _WRAPPED.sub(r"\1", text)
    words = _clean(text)
    if any(character.isalnum() for character in words):
        yield Draft(words, marks(text))


def _clean(text: str) -> str:
    bare = _BULLET.sub("", _MARKS.sub("", text)).strip()
    return re.sub(r"\s", " ", re.sub(r"(?<![.!?])([.!?])\s?\1$", r"\1", bare))


def marks(text: str) -> tuple[int, ...]:
    """Return the numbers of all marks in `text`, each once, also where no words stand beside them."""
    found: list[int] = []
    for mark in _MARKS.finditer(text):
        for number in _NUMBER_OR_RANGE.finditer(mark[0]):
            if number[1] is None:
                found.append(int(number[0]))
                continue
            low, high = int(number[1]), int(number[2])
            found += range(low, high + 1) if low <= high <= low + MAX_RANGE else (low, high)
    return tuple(dict.fromkeys(found))


def leading_marks(text: str) -> tuple[int, ...]:
    """Return the numbers of the marks that `text` begins with, each once; none while one of them is not whole ("[1][")."""
    lead = _LEADING.match(text)
    return () if lead is None or _HALF_MARK.match(text, lead.end()) else marks(lead[0])


def renumbered(text: str, number: Callable[[int], int]) -> str:
    """Return `text` with `number` of the numbers in its marks, none of which goes over the end of a line."""

    def moved(mark: re.Match[str]) -> str:
        if "\n" in mark[0].strip():
            return mark[0]
        return re.sub(r"\d+", lambda digits: str(number(int(digits[0]))), mark[0])

    return _MARKS.sub(moved, text)


def _single_spaced(text: str) -> str:
    return re.sub(r"\s+", lambda run: "\n" if "\n" in run[0] else " ", text)
