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
    """A tokenizer and a session; `run` and `states` are thread safe."""

    def __init__(self, folder: Path, *, max_tokens: int, inner: str | None = None) -> None:
        """Load `model.onnx` and `tokenizer.json` of `folder`; longer inputs are cut at `max_tokens` word pieces.

        `inner` names a float tensor inside the model that `states` returns.
        """
        from tokenizers import Tokenizer

        file = folder / "model.onnx"
        self._session = session(file if inner is None else file.read_bytes() + _also_output(inner))
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()  # the files pad every input to a fixed length
        self._tokenizer.enable_truncation(max_tokens)

    def run(self, text: str | tuple[str, str]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return (first output of the model for one text or pair, attention mask (1, tokens))."""
        encoded = self._encoded(text)
        outputs = self._session.run(None, _feed(encoded))
        return np.asarray(outputs[0], dtype=np.float32), np.array([encoded.attention_mask], dtype=np.int64)

    def states(self, pair: tuple[str, str]) -> tuple[NDArray[np.float32], list[tuple[int, int]]]:
        """Return (the `inner` tensor (1, tokens, width), where each token stands in the pair's second text).

        The place is [start, end) in characters, and (-1, -1) for a token of the first text or between the two.
        """
        encoded = self._encoded(pair)
        inner = np.asarray(self._session.run(None, _feed(encoded))[-1], dtype=np.float32)
        places = zip(encoded.offsets, encoded.sequence_ids, strict=True)
        return inner, [place if text == 1 else (-1, -1) for place, text in places]

    def _encoded(self, text: str | tuple[str, str]) -> Any:  # noqa: ANN401 (a tokenizers.Encoding)
        # A question can hold half of a surrogate pair; the tokenizer takes no such text.
        first, *second = (_whole(one) for one in ((text,) if isinstance(text, str) else text))
        return self._tokenizer.encode(first, second[0] if second else None)


def session(model: Path | bytes) -> Any:  # noqa: ANN401 (an onnxruntime.InferenceSession)
    """Return a session for a model's file or its bytes, on one thread of the CPU; its `run` is thread safe."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # 190 instead of 750 MB
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(
        model if isinstance(model, bytes) else str(model), options, providers=["CPUExecutionProvider"]
    )


def _feed(encoded: Any) -> dict[str, NDArray[np.int64]]:  # noqa: ANN401
    return {
        "input_ids": np.array([encoded.ids], dtype=np.int64),
        "attention_mask": np.array([encoded.attention_mask], dtype=np.int64),
        "token_type_ids": np.array([encoded.type_ids], dtype=np.int64),
    }


def _also_output(tensor: str) -> bytes:
    """What makes a float tensor of an ONNX model one of its outputs, when it is put behind the file's bytes.

    A model is one protobuf message, and of a message that is written in two parts the parts are merged (protobuf.dev,
    "Encoding", last one wins): this part holds a graph (field 7) with nothing but one more output (field 12).
    """
    of_floats = _field(2, _field(1, bytes([1 << 3, 1])))
    return _field(7, _field(12, _field(1, tensor.encode()) + of_floats))


def _field(number: int, content: bytes) -> bytes:
    """A length-delimited field of a protobuf message."""
    size, length = len(content), b""
    while size > 127:
        length, size = length + bytes([size & 127 | 128]), size >> 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + content


def _whole(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def side_by_side(work: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
    """Yield `work(item)` in order, a few at a time; onnxruntime leaves Python's lock while it computes."""
    if len(items) < 2:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(THREADS) as pool:
        yield from pool.map(work, items)
