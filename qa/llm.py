"""One protocol for every language model."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from qa import prompt
from qa.config import Config
from qa.types import Prompt

Finish = Literal["stop", "length"]
EMBEDDED = "qwen2.5-coder-1.5b-instruct-q4_k_m"
ADAPTER = Path(__file__).parent / "weights" / "cites-or-refuses.lora.gguf"  # made by evals.train_adapter


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a completion; the last one alone says how it ended."""

    text: str
    finish: Finish | None = None
    # Of the first token alone, and only from a model that tells: what it might have been -> natural log of the probability.
    instead: Mapping[str, float] = field(default_factory=dict)


class LLM(Protocol):
    """Writes completions."""

    name: str
    hosted: bool  # somebody's, large if nobody says otherwise (`Config.llm_large`); those that come along are small

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


def _embedded(model: str, adapter: Path | None = None) -> Callable[[Config], LLM]:
    def make(config: Config) -> LLM:
        from qa.backends.embedded import EmbeddedLLM

        return EmbeddedLLM(
            model,
            system=prompt.system(mark_first=config.taught),
            threads=config.llm_threads,
            timeout_s=config.llm_timeout_s,
            adapter=adapter if config.llm_adapter else None,
        )

    return make


def _server(config: Config) -> LLM:
    from qa.backends.openai_compatible import OpenAICompatibleLLM

    return OpenAICompatibleLLM(
        url=config.llm_url, model=config.llm_model, key=config.llm_key, timeout_s=config.llm_timeout_s
    )


BACKENDS: dict[str, Callable[[Config], LLM | None]] = {
    "embedded": _embedded(EMBEDDED, ADAPTER),
    "tiny": _embedded("smollm2-135m-instruct-q4_1"),
    "server": _server,
    "none": lambda _config: None,
}


def open_llm(config: Config) -> LLM | None:
    """Return the configured model; None for "none". Raises WeightsError if its file is not there."""
    return BACKENDS[config.llm](config)
