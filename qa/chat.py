"""A follow-up -> a question that can be understood alone, by rule."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

from index.words import STOP_WORDS
from qa import wording
from qa.types import Turn

_ASKING = r"who|whom|whose|what|when|where|why|which|how(?:\s+(?:much|many|long|old|often|far|big|high|large))?"
_BARE = re.compile(
    rf"^\W*(?:and|but|so|ok(?:ay)?)?\W*(?P<word>{_ASKING})(?:\s+(?:exactly|then|so|else))?\W*$", re.IGNORECASE
)
_AMOUNTS = ("how much", "how many")  # of what was said, not of what was asked: "how much did Mittal meet?" asks nothing
_HELPER = r"did|do|does|was|were|is|are|has|have|had|will|would|can|could|should|may|might|must"
_ASKED_WITH_HELPER = re.compile(
    rf"^\W*(?:{_ASKING})\s+(?P<rest>(?:{_HELPER})\s+(?!the\s+\w+\W*$).+?\s\S+.*)$", re.IGNORECASE
)
_ASKED_YES_NO = re.compile(rf"^\W*(?P<rest>(?:{_HELPER})\s+.+)$", re.IGNORECASE)
_POINTS_BACK = re.compile(
    r"\b(?:he|she|it|they|him|her|them|his|hers|its|their|theirs|this|that|these|those|there|then|one|ones|so|else|also|too)\b",
    re.IGNORECASE,
)
MOST_TURNS = 12  # of the conversation that are looked at
MOST_CHARS = (
    300  # of the last question, and of its answer, that are given to a follow-up: it is searched and prompted with them
)

_CONTINUES = re.compile(r"^\W*(?:and|but|what about|how about|or)\b", re.IGNORECASE)


def standalone(question: str, history: Sequence[Turn]) -> str:
    """Return `question` so that it can be searched and answered without the conversation, and without what is only polite.

    "when?" after "who did Mittal meet?" becomes "when did Mittal meet?". What leans on the last turn in other ways ("what did he
    say?") is given that turn in brackets.
    """
    question = wording.plain(question)
    history = history[-MOST_TURNS:]
    asked = [turn.text for turn in history if turn.role == "user"]
    if not asked:
        return question
    before = standalone(asked[-1], history[: _index_of_last_question(history)])
    if bare := _BARE.match(question):
        word = bare["word"].lower()
        rest = _ASKED_YES_NO.match(before) or (None if word in _AMOUNTS else _ASKED_WITH_HELPER.match(before))
        if rest:
            return f"{word} {rest['rest'][0].lower()}{rest['rest'][1:]}"
        return _with_turn(f"{word}?", before, history)
    words = re.findall(r"[^\W_]+", question.lower())
    alone = sum(word not in STOP_WORDS for word in words)
    if _CONTINUES.match(question) or alone == 0 or (_POINTS_BACK.search(question) and not _names_someone(question)):
        return _with_turn(question, before, history)
    return question


def _with_turn(question: str, before: str, history: Sequence[Turn]) -> str:
    said = history[-1].text if history[-1].role == "assistant" else ""
    return f"{question} (asked after: {f'{_short(before)} {_short(said)}'.strip()})"


def _short(text: str) -> str:
    return textwrap.shorten(text, MOST_CHARS, placeholder=" …")


def _names_someone(question: str) -> bool:
    """True if a word inside the question is capitalised: it then names what it is about itself."""
    return bool(re.search(r"(?<=\s)(?!I\b)[A-Z][\w’'-]+", question))


def _index_of_last_question(history: Sequence[Turn]) -> int:
    return max(at for at, turn in enumerate(history) if turn.role == "user")
