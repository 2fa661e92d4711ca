"""The settings that can be changed while the page is served, and a test of the model that they choose."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from time import perf_counter
from typing import Any

from index.errors import ArticleQAError
from qa.answer import Asker
from qa.config import ENVIRONMENT, SECRET, Config, config_file, save
from qa.llm import open_llm
from qa.prompt import PROBE_TOKENS, probe

CHOICES = frozenset({"embedded", "server", "none"})
SAVED = ("llm", "llm_url", "llm_model", "evidence", "answer_tokens")


class Settings:
    """The settings of one asker."""

    def __init__(self, asker: Asker, file: Path | None = None) -> None:
        """Change the settings of `asker`; `file` is the configuration file that it was made from, if one was named."""
        self._asker = asker
        self._file = config_file(file)

    def shown(self) -> dict[str, Any]:
        """Return every setting that is in effect, secrets masked."""
        return self._asker.config.shown()

    def model(self) -> str:
        """Return the name of what answers, for a person."""
        return self._asker.config.described_model

    def apply(self, sent: Mapping[str, object]) -> None:
        """Use the settings from the next question on. Raises ArticleQAError with what is wrong; then nothing has changed."""
        self._asker.reconfigure(self._wanted(sent))

    def save(self) -> str:
        """Write what can be changed here, as it is in effect, into the configuration file; return what to know of it.

        The key is never written. Raises ConfigError.
        """
        now = self._asker.config
        save(self._file, {name: getattr(now, name) for name in SAVED})
        said = [f"Saved in {self._file}."]
        if now.llm_key:
            said.append(f"The key is not: set {ENVIRONMENT[SECRET]} before the next start.")
        if winning := [ENVIRONMENT[name] for name in SAVED if os.environ.get(ENVIRONMENT.get(name, ""))]:
            wins = "wins" if len(winning) == 1 else "win"
            said.append(f"In the environment {' and '.join(winning)} still {wins} over the file.")
        if ENVIRONMENT["llm_url"] in winning and ENVIRONMENT["llm"] not in winning and now.llm != "server":
            said.append(f"{ENVIRONMENT['llm_url']} chooses the server at the next start, whatever the file says.")
        return " ".join(said)

    def probe(self, sent: Mapping[str, object]) -> str:
        """Ask the model of these settings for a word; return what came of it. Raises ArticleQAError if nothing did."""
        config = self._wanted(sent)
        if config.llm == "none":
            return "No model is asked; the best sentence is quoted."
        mine = self._asker.llm if config.llm == self._asker.config.llm == "embedded" else None
        llm = mine or open_llm(config)
        if llm is None:
            raise ArticleQAError(f"{config.llm} has no model to test")
        start, text = perf_counter(), ""
        try:
            with closing(llm.stream(probe(mark_first=config.taught), max_tokens=PROBE_TOKENS)) as chunks:
                for chunk in chunks:
                    text += chunk.text
        finally:
            if llm is not mine:
                llm.close()
        return f"It works: {llm.name} answered “{' '.join(text.split())[:40]}” in {perf_counter() - start:.1f} s."

    def _wanted(self, sent: Mapping[str, object]) -> Config:
        """Take what a browser sent: an empty key leaves the old one, unless the server is another."""
        now = self._asker.config
        changes: dict[str, Any] = {}
        for name in ("llm", "llm_url", "llm_model", "llm_key"):
            value = sent.get(name)
            if isinstance(value, str) and (value.strip() or name in {"llm_url", "llm_model"}):
                changes[name] = value.strip()
        for name in ("evidence", "answer_tokens"):
            value = sent.get(name)
            if isinstance(value, int) and not isinstance(value, bool):
                changes[name] = value
        if changes.get("llm", now.llm) not in CHOICES | {now.llm}:
            raise ArticleQAError("there is no such model to choose")
        if changes.get("llm_url", now.llm_url) != now.llm_url and "llm_key" not in changes:
            changes["llm_key"] = ""  # a key is for the server it was given for: another one must not be sent it
        return now.with_values(**changes)
