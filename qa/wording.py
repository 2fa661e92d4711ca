"""A question typed in haste, written as people write: "who did mittal meet" as "Who did Mittal meet?".

The taught model learnt from questions that were written with care, a quarter of them in small letters. Asked of 182 questions in
small letters (qed, clapnq, our own) as they are, FIGURES.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from index.words import STOP_WORDS

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_SENTENCE_OPENS = re.compile(r"(?:^|[.!?:;•\n“\"‘(\[-])\s*$")
_ASKS = re.compile(
    r"\W*(?:(?:and|but|so|in|on|at|by|for|from|to|of)\s+)?(?:who|whom|whose|what|which|when|where|why|how"
    r"|did|do|does|is|are|was|were|has|have|had|will|would|can|could|should)\b",
    re.IGNORECASE,
)


def with_care(question: str, texts: Iterable[str]) -> str:
    """Return `question` with the capitals that `texts` have, where it has none but its first, and with its question mark.

    A word takes the form that it mostly has inside the sentences of the texts; one that they do not have stays as it is.
    """
    if any(letter.isupper() for letter in question[1:]):
        return question
    forms = _forms(texts, {word.casefold() for word in _WORD.findall(question)} - STOP_WORDS)
    written = _WORD.sub(lambda match: forms.get(match[0].casefold(), match[0]), question)
    written = re.sub(r"\bi\b", "I", written)
    asks = _ASKS.match(written) is not None and written[-1:].isalnum()
    return f"{written[:1].upper()}{written[1:]}{'?' if asks else ''}"


def _forms(texts: Iterable[str], words: set[str]) -> dict[str, str]:
    """For each of the words the form that it mostly has inside sentences."""
    found: dict[str, Counter[str]] = {}
    for text in texts:
        for match in _WORD.finditer(text):
            folded = match[0].casefold()
            if folded in words and not _SENTENCE_OPENS.search(text, max(0, match.start() - 3), match.start()):
                found.setdefault(folded, Counter())[match[0]] += 1
    return {word: forms.most_common(1)[0][0] for word, forms in found.items()}
