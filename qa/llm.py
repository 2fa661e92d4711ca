"""One protocol for every language model."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Literal, Protocol

from qa.config import Config
from qa.types import Prompt

Finish = Literal["stop", "length"]


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a completion; the last one alone says how it ended."""

    text: str
    finish: Finish | None = None


class LLM(Protocol):
    """Writes completions."""

    name: str

    def stream(self, prompt: Prompt, *, max_tokens: int) -> Generator[Chunk, None, None]:
        """Yield the completion as it is written; closing the iterator stops the model.

        Raises LLMUnavailableError or LLMRejectedError, also in the middle; ends without an error only after a `finish`.
        """
        ...

    def start(self) -> None:
        """Get ready in the background, if that takes time; returns at once."""
        ...

    def close(self) -> None:
        """Let go of everything it holds."""
        ...


def _embedded(model: str) -> Callable[[Config], LLM]:
    def make(config: Config) -> LLM:
        from qa.backends.embedded import EmbeddedLLM

        return EmbeddedLLM(model, threads=config.llm_threads, timeout_s=config.llm_timeout_s)

    return make


def _server(config: Config) -> LLM:
    from qa.backends.openai_compatible import OpenAICompatibleLLM

    return OpenAICompatibleLLM(
        url=config.llm_url, model=config.llm_model, key=config.llm_key, timeout_s=config.llm_timeout_s
    )


BACKENDS: dict[str, Callable[[Config], LLM | None]] = {
    "embedded": _embedded("qwen2.5-coder-1.5b-instruct-q4_k_m"),
    "tiny": _embedded("smollm2-135m-instruct-q4_1"),
    "server": _server,
    "none": lambda _config: None,
}


def open_llm(config: Config) -> LLM | None:
    """Return the configured model; None for "none". Raises WeightsError if its file is not there."""
    return BACKENDS[config.llm](config)
