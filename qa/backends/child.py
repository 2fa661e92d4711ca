"""A GGUF model in a child process (`qa.backends.llama_server`) that ends with this one, asked over loopback."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from index.errors import LLMUnavailableError

STOP_TIMEOUT_S = 5.0


class Child:
    """The process, which is running, and its server, which wants to be asked with `key`."""

    def __init__(
        self, model: Path, *, name: str, context: int, threads: int, slots: Path, adapter: Path | None = None
    ) -> None:
        """Start the process.

        `slots` is the folder for the states of prompts, `adapter` a LoRA for the model, `name` what errors begin with.
        """
        self._name = name
        self.key = secrets.token_urlsafe(24)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "qa.backends.llama_server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        )
        settings = {"model": str(model), "context": context, "threads": threads, "key": self.key, "slots": str(slots)}
        self._settings = json.dumps({**settings, "adapter": "" if adapter is None else str(adapter)})

    @cached_property
    def url(self) -> str:
        """Its server's address, once it answers. Raises LLMUnavailableError if the process ends before."""
        assert self._process.stdin is not None and self._process.stdout is not None  # noqa: S101, PT018 (both are pipes)
        try:
            self._process.stdin.write(self._settings + "\n")
            self._process.stdin.flush()
            said = self._process.stdout.readline()
        except BrokenPipeError:
            said = ""
        if not said:
            raise LLMUnavailableError(f"{self._name}: the model's process ended while starting (code {self.stop()})")
        return str(json.loads(said)["url"])

    @property
    def pid(self) -> int:
        """Its number in the system."""
        return self._process.pid

    @property
    def headers(self) -> dict[str, str]:
        """What shows the server that it is asked by who started it."""
        return {"Authorization": f"Bearer {self.key}"}

    def alive(self) -> bool:
        """False once the process has ended."""
        return self._process.poll() is None

    def stop(self) -> int:
        """End the process; returns its exit code."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):  # what was not written for a process that is gone
                    pipe.close()
        try:
            return self._process.wait(timeout=STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()
