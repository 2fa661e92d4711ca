"""Does a sentence say what is asked, and with which words? The reader of a retriever and reader (Chen et al., ACL 2017).

A cross-encoder for search tells what a text is about: it likes the sentence on the wrong war as well as that on the right one.
The reader was taught the difference: the lower half of the pinned cross-encoder, as it is, and six layers of our own above it
(`weights/reader.onnx`, int8), trained by `evals.train_reader` on SQuAD 1.1 with questions that were made wrong by rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from index.onnx import session, side_by_side
from qa.evidence import short_title
from qa.rerank import Encoder
from qa.types import Evidence, Reading

WEIGHTS = Path(__file__).parent / "weights" / "reader.onnx"
CONTEXT_CHARS = 300  # of what stands before the sentence
ANSWER_TOKENS = 20  # at most


class Reader(Protocol):
    """Reads sentences with a question."""

    def read(self, question: str, sentences: Sequence[Evidence]) -> list[Reading]:
        """Return a reading of each sentence, which does not depend on the others."""
        ...


class SentenceReader:
    """The trained layers above the cross-encoder's lower half. Thread safe."""

    def __init__(self, encoder: Encoder) -> None:
        """Load the layers; `encoder` is shared."""
        self._encoder = encoder
        self._layers = session(WEIGHTS)

    def read(self, question: str, sentences: Sequence[Evidence]) -> list[Reading]:
        """Return a reading of each sentence: the mean of what is made of it after each of its `leads`."""
        asked = put(question)
        wanted = [(before, e.text) for e in sentences for before in leads(e.title, e.context)]
        read = iter(list(side_by_side(lambda one: self._reading(asked, *one), wanted)))
        return [_mean([next(read) for _ in leads(e.title, e.context)]) for e in sentences]

    def _reading(self, question: str, before: str, text: str) -> Reading:
        states, places = self._encoder.states(question, before + text)
        says, spans = self._layers.run(None, {"states": states})
        own = [at for at, (start, end) in enumerate(places) if end > start >= len(before)]
        if not own:  # nothing in it that the tokenizer knows as a word
            return Reading(float(says[0]), 0, 0)
        first, last = best_span(spans[0, own, 0], spans[0, own, 1])
        return Reading(float(says[0]), places[own[first]][0] - len(before), places[own[last]][1] - len(before))


def put(question: str) -> str:
    """Return a question as it is read: with its mark, like those of the training."""
    return f"{question.rstrip(' ?.')}?"


def leads(title: str, context: str) -> list[str]:
    """Return what is read before a sentence, each by itself: title and context, the title alone, the context alone.

    The context is the end of what stands before the sentence in the article: at times the sentence is nothing without it, at
    times its words are taken for the sentence's. Of the unanswerable questions of squad2 and clapnq the mean withholds .73 and
    .86 where 20% of the others are refused, the first alone .66 and .82.
    """
    name, told = lead(title), f"{context[-CONTEXT_CHARS:]} " if context else ""
    return list(dict.fromkeys((name + told, name, told)))


def lead(title: str) -> str:
    """Return a title as it is read before a text."""
    return f"{short_title(title)}: "


def _mean(readings: Sequence[Reading]) -> Reading:
    """The first reading's answer with the mean logit of all."""
    return replace(readings[0], says=sum(reading.says for reading in readings) / len(readings))


def best_span(starts: NDArray[np.float32], ends: NDArray[np.float32]) -> tuple[int, int]:
    """Return (first, last) of the likeliest answer, inclusive, from a logit of each token to be its start or end.

    The sum of both logits is maximal, with first <= last < first + ANSWER_TOKENS (Devlin et al., NAACL 2019, section 4.2).
    """
    sums = starts[:, None] + ends[None, :]
    at = np.arange(len(starts))
    length = at[None, :] - at[:, None]
    best = int(np.argmax(np.where((length >= 0) & (length < ANSWER_TOKENS), sums, -np.inf)))
    return best // len(starts), best % len(starts)
