"""Scores of (question, text) pairs by a cross-encoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from index import weights
from index.onnx import OnnxModel, side_by_side

DEFAULT = "ms-marco-minilm-l12-int8"
MAX_TOKENS = (
    320  # a passage of 120 words with its title and the question; longer ones are cut, as time grows with length
)
HALFWAY = "/bert/encoder/layer.5/output/LayerNorm/Add_1_output_0"  # what six of the twelve layers make of the two texts


class Reranker(Protocol):
    """Reads a question and a text together."""

    name: str

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """Return a relevance for each text: a logit, about 5 to 10 for an answer and -11 for an unrelated text."""
        ...


@runtime_checkable
class Encoder(Protocol):
    """Shows what the lower half of its layers makes of a pair: what a reader starts from."""

    def states(self, question: str, text: str) -> tuple[NDArray[np.float32], list[tuple[int, int]]]:
        """Return (float (1, tokens, width), the place of each token in `text`).

        A place is [start, end) in characters, (-1, -1) for what is not of `text`.
        """
        ...


class CrossEncoder:
    """The pinned MS MARCO MiniLM-L12 cross-encoder (int8) on the CPU."""

    name = DEFAULT

    def __init__(self) -> None:
        self._model = OnnxModel(weights.path(DEFAULT), max_tokens=MAX_TOKENS, inner=HALFWAY)

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """Return a logit for each text; it does not depend on the other texts."""
        return list(side_by_side(lambda text: float(self._model.run((question, text))[0][0, 0]), texts))

    def states(self, question: str, text: str) -> tuple[NDArray[np.float32], list[tuple[int, int]]]:
        """Return (float (1, tokens, 384), the place of each token in `text`), see `Encoder`."""
        return self._model.states((question, text))
