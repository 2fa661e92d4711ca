"""The embedded model: a child process with llama.cpp in it, asked over loopback like any other server."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
from collections.abc import Generator
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

import httpx

from index import weights
from index.errors import LLMUnavailableError
from qa.backends.child import Child
from qa.backends.openai_compatible import OpenAICompatibleLLM
from qa.llm import Chunk
from qa.types import Prompt

CONTEXT_TOKENS = 4_096
START_TIMEOUT_S = 120.0
ALTERNATIVES = 10  # first words whose probability is asked for
STATE_VERSION = 2  # raise it when the server's settings change in a way that its saved state depends on

_log = logging.getLogger(__name__)


class EmbeddedLLM:
    """A pinned GGUF model in a child process that ends with this one. Restarted once if it dies."""

    hosted = False

    def __init__(self, model: str, *, system: str, threads: int, timeout_s: float, adapter: Path | None = None) -> None:
        """Nothing is started yet. `system` is what its prompts begin with; `adapter` is a LoRA for it (GGUF).

        Raises WeightsError if the model is not in the cache of weights.
        """
        self.name = model if adapter is None else f"{model} with {adapter.name}"
        self._system = system
        self._adapter = adapter
        self._model = model
        self._file = weights.path(model) / "model.gguf"
        self._threads = threads
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._child: Child | None = None
        self._client: OpenAICompatibleLLM | None = None

    def start(self) -> None:
        """Load the model in the background, so that it is ready when the evidence is."""
        threading.Thread(target=self._start_quietly, name="llm-start", daemon=True).start()

    def close(self) -> None:
        """End the child process."""
        with self._lock:
            self._stop()

    def stream(self, prompt: Prompt, *, max_tokens: int) -> Generator[Chunk, None, None]:
        """Yield the completion as it is written. A child that has died is started anew, once, before the first word."""
        for attempt in (1, 2):
            client = self._ready()
            begun = False
            try:
                for chunk in client.stream(prompt, max_tokens=max_tokens):
                    begun = True
                    yield chunk
            except LLMUnavailableError:
                if begun or attempt == 2 or self._alive():
                    raise
            else:
                return

    def _start_quietly(self) -> None:
        try:
            self._ready()
        except LLMUnavailableError:
            return  # the first question starts it again and reports what is wrong

    def _alive(self) -> bool:
        return self._child is not None and self._child.alive()

    def _ready(self) -> OpenAICompatibleLLM:
        with self._lock:
            if self._client is None or not self._alive():
                self._stop()
                self._client = self._launch()
            return self._client

    def _launch(self) -> OpenAICompatibleLLM:
        slots = weights.cache_dir() / "prompts"
        with suppress(OSError):  # where it cannot be made, nothing is kept
            slots.mkdir(parents=True, exist_ok=True)
        self._child = Child(
            self._file,
            name=self.name,
            context=CONTEXT_TOKENS,
            threads=self._threads,
            slots=slots,
            adapter=self._adapter,
        )
        try:
            self._warm(self._child, slots)
        except httpx.TransportError as exc:
            raise LLMUnavailableError(f"{self.name}: the model's process ended while starting ({exc!r})") from exc
        except OSError as exc:  # a disk that is full, a folder that may not be written
            _log.info("the state of the prompt is not kept: %s", exc)
        # cache_prompt: what is the same as in the last prompt is not read again; top_logprobs: how sure it is of the first word.
        return OpenAICompatibleLLM(
            url=f"{self._child.url}/v1",
            model=self.name,
            key=self._child.key,
            timeout_s=self._timeout_s,
            extra={"cache_prompt": True, "logprobs": True, "top_logprobs": ALTERNATIVES},
        )

    def _warm(self, child: Child, slots: Path) -> None:
        """Load the model's state after the prompt's stable first part, or read that part once and keep the state.

        It saves every new process some two seconds of reading; any failure only costs that time again.
        """
        adapter = "" if self._adapter is None else _digest(self._adapter)
        file = f"{self._file}\0{self._file.stat().st_size}\0{adapter}"
        made_by = f"{STATE_VERSION}\0{version('xllamacpp')}\0{file}\0{self._system}"
        stem = f"{self._model}-{hashlib.sha256(made_by.encode()).hexdigest()[:16]}"
        with httpx.Client(base_url=child.url, headers=child.headers, timeout=START_TIMEOUT_S) as client:
            if state := _sound_state(slots, stem):
                restored = client.post("/slots/0", params={"action": "restore"}, json={"filename": state.name})
                if restored.status_code == httpx.codes.OK:
                    return
            messages = [{"role": "system", "content": self._system}, {"role": "user", "content": ""}]
            client.post(
                "/v1/chat/completions",
                json={"messages": messages, "max_tokens": 1, "temperature": 0, "cache_prompt": True},
            )
            draft = slots / f"{stem}.{os.getpid()}"
            saved = client.post("/slots/0", params={"action": "save"}, json={"filename": draft.name})
            if saved.status_code == httpx.codes.OK and draft.exists():
                draft.replace(slots / f"{stem}-{_digest(draft)}.bin")

    def _stop(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None
        if self._child is not None:
            self._child.stop()
            self._child = None


def _sound_state(slots: Path, stem: str) -> Path | None:
    """A saved state whose name holds the digest of its content; others are removed: one cut short crashes llama.cpp at once."""
    for state in slots.glob(f"{stem}-*.bin"):
        if state.name == f"{stem}-{_digest(state)}.bin":
            return state
        state.unlink(missing_ok=True)
    return None


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()[:16]
