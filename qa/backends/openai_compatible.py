"""Any server that speaks the OpenAI chat API: hosted, on this machine, or our own child process.

Plain HTTP with httpx: the official client takes a second to import, and a cut stream ends there without an error.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from typing import Any

import httpx
import stamina

from index.errors import ConfigError, LLMRejectedError, LLMUnavailableError
from qa.llm import Chunk
from qa.types import Prompt

CONNECT_TIMEOUT_S = 10.0
RETRY_STATUS = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
ATTEMPTS = 3


class OpenAICompatibleLLM:
    """Streams chat completions from `url`/chat/completions."""

    hosted = True

    def __init__(
        self, *, url: str, model: str, key: str, timeout_s: float, extra: dict[str, Any] | None = None
    ) -> None:
        """`timeout_s` bounds the wait for the next words; `extra` goes into every request body.

        Raises ConfigError for an address or a key that cannot be sent.
        """
        self.name = model
        self._model = model
        self._key = key.strip()  # keys are often read from a file, with its line end
        self._extra = extra or {}
        if not (self._key.isascii() and self._key.isprintable()):
            raise ConfigError("the key of the language model has characters that a key cannot have: copy it again")
        try:
            self._client = httpx.Client(
                base_url=url.rstrip("/") + "/",
                headers={"Authorization": f"Bearer {self._key}"} if self._key else {},
                timeout=httpx.Timeout(timeout_s, connect=CONNECT_TIMEOUT_S),
            )
        except httpx.InvalidURL as exc:
            raise ConfigError(f"the address {url!r} of the language model cannot be used: {exc}") from exc

    def start(self) -> None:
        """Nothing to get ready."""

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def stream(self, prompt: Prompt, *, max_tokens: int) -> Generator[Chunk, None, None]:
        """Yield the completion as it is written. A server that does not answer is asked up to three times."""
        response = self._open(prompt, max_tokens)
        try:
            yield from self._chunks(response)
        except httpx.RequestError as exc:
            raise LLMUnavailableError(f"{self.name}: the answer was cut off ({exc!r})") from exc
        finally:
            response.close()  # the server stops writing when nobody listens

    @stamina.retry(on=LLMUnavailableError, attempts=ATTEMPTS, timeout=60.0)
    def _open(self, prompt: Prompt, max_tokens: int) -> httpx.Response:
        messages = [{"role": "system", "content": prompt.system}, {"role": "user", "content": prompt.user}]
        if prompt.begin:
            messages.append({"role": "assistant", "content": prompt.begin})
        body = {
            "model": self._model,
            "messages": messages,
            "temperature": 0,
            "max_tokens": max_tokens,
            "stream": True,
            **self._extra,
        }
        request = self._client.build_request("POST", "chat/completions", json=body)
        try:
            response = self._client.send(request, stream=True)
            if response.status_code != httpx.codes.OK:
                response.read()
        except httpx.RequestError as exc:
            raise LLMUnavailableError(f"{self.name} at {request.url} does not answer ({exc!r})") from exc
        if response.status_code == httpx.codes.OK:
            return response
        raise (LLMUnavailableError if response.status_code in RETRY_STATUS else LLMRejectedError)(
            self._without_key(f"{self.name}: HTTP {response.status_code}: {response.text[:300]}")
        )

    def _chunks(self, response: httpx.Response) -> Iterator[Chunk]:
        finish = None
        begun = False
        for line in response.iter_lines():
            if not line.startswith("data:"):
                continue
            data = line[5:].strip()
            if data == "[DONE]":
                break
            text, ended, instead = self._read(data)
            finish = ended or finish
            if text:
                yield Chunk(text, instead={} if begun else instead)
                begun = True
        if finish is None:
            raise LLMUnavailableError(f"{self.name}: the answer was cut off before its end")
        yield Chunk("", "length" if finish == "length" else "stop")

    def _read(self, data: str) -> tuple[str, str | None, dict[str, float]]:
        """The new words of one event, how the answer ended if it did, and what its first token might have been, if asked for."""
        try:
            event = json.loads(data)
            error = event.get("error")
            choice = (event.get("choices") or [{}])[0]
            text, ended = (choice.get("delta") or {}).get("content"), choice.get("finish_reason")
            tokens = (self._extra.get("logprobs") and (choice.get("logprobs") or {}).get("content")) or [{}]
            instead = {str(one["token"]): float(one["logprob"]) for one in tokens[0].get("top_logprobs") or ()}
        except (ValueError, AttributeError, TypeError, LookupError) as exc:
            raise LLMUnavailableError(f"{self.name}: sent what is no part of an answer ({exc!r})") from exc
        if error:
            raise LLMUnavailableError(self._without_key(f"{self.name}: {error}"))
        return text if isinstance(text, str) else "", ended, instead

    def _without_key(self, said: str) -> str:
        """Servers like to repeat a wrong key in their answer."""
        return said.replace(self._key, "***") if self._key else said
