"""Runs a pinned int8 ONNX transformer: used by the embedder and the reranker.

Plain onnxruntime: sentence-transformers cannot load these files beside transformers 5 (its ONNX extra needs an older one).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")
R = TypeVar("R")

# One text a run: int8 quantisation takes its ranges from the batch, so a text's result would depend on its neighbours
# (cosine .994 to .996 measured). Two runs side by side are also faster here than one batch.
THREADS = 2


class OnnxModel:
    """A tokenizer and a session; `run` is thread safe."""

    def __init__(self, folder: Path, *, max_tokens: int) -> None:
        """Load `model.onnx` and `tokenizer.json` of `folder`; longer inputs are cut at `max_tokens` word pieces."""
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.enable_cpu_mem_arena = False  # 190 instead of 750 MB
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()  # the files pad every input to a fixed length
        self._tokenizer.enable_truncation(max_tokens)

    def run(self, text: str | tuple[str, str]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return (first output of the model for one text or pair, attention mask (1, tokens))."""
        # A question can hold half of a surrogate pair; the tokenizer takes no such text.
        first, *second = (_whole(one) for one in ((text,) if isinstance(text, str) else text))
        encoded = self._tokenizer.encode(first, second[0] if second else None)
        mask = np.array([encoded.attention_mask], dtype=np.int64)
        feed: dict[str, Any] = {
            "input_ids": np.array([encoded.ids], dtype=np.int64),
            "attention_mask": mask,
            "token_type_ids": np.array([encoded.type_ids], dtype=np.int64),
        }
        return np.asarray(self._session.run(None, feed)[0], dtype=np.float32), mask


def _whole(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def side_by_side(work: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
    """Yield `work(item)` in order, a few at a time; onnxruntime leaves Python's lock while it computes."""
    if len(items) < 2:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(THREADS) as pool:
        yield from pool.map(work, items)
