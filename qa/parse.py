"""The model's words -> drafts: sentences with the numbers of the evidence they cite.

Stream law: any split of the text into chunks gives the same drafts as the whole text at once. It holds because a cut is
decided only by characters up to and with the first one of the next sentence, and is never taken back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from qa.types import Draft

REFUSAL = "NOT STATED"  # the prompt's word for "the articles do not say": a state, not a guess from wording

_OPEN, _CLOSE = r"[\[【［]", r"[\]】］]"
_NUMBERS = r"\d{1,3}(?:\s*(?:,|;|&|and|–|-)\s*\d{1,3})*"
_MARK = rf"{_OPEN}\s*\^?\s*(?:sentences?\s*)?{_NUMBERS}\s*{_CLOSE}"
_MARKS = re.compile(rf"\s*{_MARK}", re.IGNORECASE)
# A sentence's end, its marks, and the first character of what follows.
_CUT = re.compile(
    rf"(?P<stop>[.!?…][\"”’')]*)(?P<marks>(?:\s*{_MARK})*)(?P<late>[.!?]?)\s+(?=(?P<next>[^\s\[【［]))"
    rf"|(?P<bare>(?:\s*{_MARK})+)(?P<stop2>[.!?])\s+(?=(?P<next2>[^\s\[【［]))"
    rf"|\s*\n\s*(?=[^\s\[【［])",
    re.IGNORECASE,
)
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\"“.])(?:[A-Z]|Mr|Mrs|Ms|Dr|Prof|Gen|Lt|Col|Maj|Capt|Sgt|Gov|Sen|Rep|Rev|St|No|vs|Jr|Sr|Inc|Corp|Co|Ltd|U\.S|U\.N|U\.K"
    r"|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec|approx|etc)$"
)
_BULLET = re.compile(r"^\s*(?:[-*•]|\d{1,2}[.)])\s+")
_RANGE = re.compile(r"(\d{1,3})\s*[–-]\s*(\d{1,3})")
MAX_RANGE = 12  # "[1-3]" names three sentences; a wider range names none in particular


class DraftParser:
    """Cuts a stream of text into drafts. Feed it chunks, then finish it."""

    def __init__(self) -> None:
        self._rest = ""
        self._started = False

    @property
    def growing(self) -> str:
        """The sentence being written, marks taken off."""
        return _clean(self._rest)

    def feed(self, chunk: str) -> Iterator[Draft]:
        """Yield the sentences that `chunk` has finished."""
        self._rest += chunk
        yield from self._take()

    def finish(self) -> Iterator[Draft]:
        """Yield what is left."""
        rest, self._rest = self._rest, ""
        yield from _draft(rest)

    def _take(self) -> Iterator[Draft]:
        at = 0
        while match := _CUT.search(self._rest, at):
            if _is_cut(self._rest, match):
                yield from _draft(self._rest[: match.end()])
                self._rest, at = self._rest[match.end() :], 0
            else:
                at = match.start() + 1


def parse(text: str) -> tuple[Draft, ...]:
    """Return the drafts of a whole completion."""
    parser = DraftParser()
    return (*parser.feed(text), *parser.finish())


def is_refusal(text: str) -> bool:
    """True if the words are the refusal that the prompt asks for, however it is dressed."""
    return re.sub(r"[^A-Z ]", "", text.upper()).strip().startswith(REFUSAL)


def _is_cut(text: str, match: re.Match[str]) -> bool:
    if match["stop"] is None and match["bare"] is None:
        return True  # a line end
    follows = match["next"] or match["next2"]
    if not (
        follows.isupper()
        or follows.isdigit()
        or follows in "\"“‘'(«-*•"
        or (follows.isalpha() and not follows.islower())
    ):
        return False
    before = text[: match.start()]
    if match["stop"] == "." and not match["marks"]:
        return not (_ABBREVIATION.search(before) or before.strip().isdigit())
    return True


def _draft(text: str) -> Iterator[Draft]:
    words = _clean(text)
    if any(character.isalnum() for character in words):
        yield Draft(words, _labels(text))


def _clean(text: str) -> str:
    bare = _BULLET.sub("", _MARKS.sub("", text)).strip()
    return re.sub(r"\s+", " ", re.sub(r"(?<![.!?])([.!?])\s*\1$", r"\1", bare))


def _labels(text: str) -> tuple[int, ...]:
    found: list[int] = []
    for match in _MARKS.finditer(text):
        numbers = match[0]
        for span in _RANGE.finditer(numbers):
            low, high = int(span[1]), int(span[2])
            if low <= high <= low + MAX_RANGE:
                found += range(low, high + 1)
        found += [int(number) for number in re.findall(r"\d+", _RANGE.sub(" ", numbers))]
    return tuple(dict.fromkeys(found))
