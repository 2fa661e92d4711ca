"""A question in plain words -> an FTS5 expression."""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"[^\W_]+(?:[.,’'&-][^\W_]+)*", re.UNICODE)
_PHRASE = re.compile(r"[\"“”«»]([^\"“”«»]{2,80})[\"“”«»]")
_POSSESSIVE = re.compile(r"[’']s$")

MAX_TERMS = 200  # a pasted article is no question; SQLite would take a second over its words

# Function words and the words of asking. Found nearly everywhere, they cost time and rank by chance.
STOP_WORDS = frozenset(
    """
    a about after again all also am an and any are as at be because been before being between both but by can could did
    do does doing down during each few for from further had has have having he her here hers him his how i if in into
    is it its itself just many me more most much my no nor not of off on once only or other our out over own please
    said same say says she should so some such tell than that the their them then there these they this those through
    to too under until up very was we were what when where which while who whom whose why will with would you your
    according article articles
    """.split()  # noqa: SIM905 (read as prose)
)


def content_words(text: str) -> list[str]:
    """Return the words of `text` that carry meaning, as written, possessives cut; all of them if none does."""
    # A letter and its accent are one character: FTS5 takes the accent off, but ours would part the word there.
    words = [_POSSESSIVE.sub("", word) for word in _WORD.findall(unicodedata.normalize("NFC", text))]
    words = [word for word in words if word]
    return [word for word in words if word.lower() not in STOP_WORDS] or words


def rough_stems(text: str) -> frozenset[str]:
    """Return the content words of `text` in lower case without a final s: to compare many texts quickly."""
    return frozenset(word.lower().rstrip("s") for word in content_words(text))


def expression(question: str) -> str | None:
    """Return an FTS5 expression that matches any content word, and phrases in quotes as phrases; None without a word.

    Every term is quoted, so that nothing in a question is an operator; FTS5 makes a phrase of "U.S." or "3.5" itself.
    """
    phrases = [" ".join(_WORD.findall(phrase)) for phrase in _PHRASE.findall(unicodedata.normalize("NFC", question))]
    unique = dict.fromkeys(term.lower() for term in [*phrases, *content_words(question)] if term)
    return " OR ".join(f'"{term}"' for term in list(unique)[:MAX_TERMS]) or None
