"""Texts -> vectors, behind one protocol.

Makers of one `family` give vectors that agree (cosine >= .998 on a check set, tested), so they may share a library.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from index import weights
from index.errors import ConfigError
from index.onnx import OnnxModel, side_by_side

Vectors = NDArray[np.float32]

# MiniLM was trained on 256 word pieces; the pinned tokenizer file would cut at 128.
MINILM_TOKENS = 256
BGE_TOKENS = 512
BGE_QUERY_PREFIX = "Represent this sentence for searching relevant passages: "  # from the model's card


class Embedder(Protocol):
    """Makes unit vectors, so that a dot product is a cosine."""

    name: str  # stored with every vector
    family: str  # vectors of one family can be compared

    def query(self, text: str) -> Vectors:
        """Return float32 (dim,), of length 1."""
        ...

    def documents(self, texts: Sequence[str]) -> Vectors:
        """Return float32 (n, dim), each row of length 1; a row does not depend on the other texts."""
        ...


class OnnxEmbedder:
    """An int8 ONNX encoder on the CPU: ready in half a second, about 30 passages a second on two cores."""

    def __init__(self, model: str, *, family: str, max_tokens: int, query_prefix: str = "", mean: bool = True) -> None:
        """Load `model` from the cache of weights; `mean` pools over the tokens, else the first token stands for the text."""
        self.name = model
        self.family = family
        self._model = OnnxModel(weights.path(model), max_tokens=max_tokens)
        self._query_prefix = query_prefix
        self._mean = mean

    def query(self, text: str) -> Vectors:
        """Return float32 (dim,), of length 1."""
        return self._embed(self._query_prefix + text)

    def documents(self, texts: Sequence[str]) -> Vectors:
        """Return float32 (n, dim), each row of length 1."""
        return np.stack(list(side_by_side(self._embed, texts))) if texts else np.zeros((0, 0), dtype=np.float32)

    def _embed(self, text: str) -> Vectors:
        hidden, mask = self._model.run(text)  # (1, tokens, dim), (1, tokens)
        pooled = (hidden[0] * mask[0][:, None]).sum(0) / mask.sum() if self._mean else hidden[0, 0]
        unit: Vectors = (pooled / np.linalg.norm(pooled)).astype(np.float32)
        return unit


class SentenceTransformerEmbedder:
    """Any sentence-transformers model: the reference for the int8 path, and the way to a GPU and to other models."""

    def __init__(self, model: str, *, family: str | None = None, device: str | None = None) -> None:
        """Load a pinned model by name, or any model folder by path. Raises ConfigError without the extra."""
        try:
            from sentence_transformers import SentenceTransformer
        except ModuleNotFoundError as exc:
            raise ConfigError(f"{exc.name} is missing: pip install 'article-qa[sentence-transformers]'") from exc
        folder = weights.path(model) if model in weights.MODELS else model
        self.name = f"sentence-transformers:{model}"
        self.family = family or model
        self._model = SentenceTransformer(str(folder), device=device, local_files_only=True)

    def query(self, text: str) -> Vectors:
        """Return float32 (dim,), of length 1."""
        whole = text.encode("utf-8", "replace").decode("utf-8")  # without halves of surrogate pairs
        return np.asarray(self._model.encode_query([whole], normalize_embeddings=True)[0], dtype=np.float32)

    def documents(self, texts: Sequence[str]) -> Vectors:
        """Return float32 (n, dim), each row of length 1."""
        if not texts:
            return np.zeros((0, 0), dtype=np.float32)
        made = self._model.encode_document(list(texts), normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(made, dtype=np.float32)


DEFAULT = "all-minilm-l6-v2-int8"

EMBEDDERS: dict[str, Callable[[], Embedder]] = {
    DEFAULT: lambda: OnnxEmbedder(DEFAULT, family="all-minilm-l6-v2", max_tokens=MINILM_TOKENS),
    "all-minilm-l6-v2": lambda: SentenceTransformerEmbedder("all-minilm-l6-v2"),
    "bge-small-en-int8": lambda: OnnxEmbedder(
        "bge-small-en-int8",
        family="bge-small-en",
        max_tokens=BGE_TOKENS,
        query_prefix=BGE_QUERY_PREFIX,
        mean=False,
    ),
}
FAMILIES = {DEFAULT: "all-minilm-l6-v2", "bge-small-en-int8": "bge-small-en"}  # where it differs from the name


def family(name: str) -> str:
    """The family of an embedder by its name, without loading it."""
    return FAMILIES.get(name, name)


def embedder(name: str = DEFAULT) -> Embedder:
    """Return the embedder of that name; any other name is the folder of a sentence-transformers model."""
    make = EMBEDDERS.get(name)
    return make() if make else SentenceTransformerEmbedder(name)
