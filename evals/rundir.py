"""The folder of a run: what was asked of what, and the predictions so far. A run that was stopped goes on from here.

run.json            what makes two runs comparable; written first, compared when the folder is used again
predictions.jsonl   one line a question, flushed to the disk as soon as it is done
metrics.json, report.html   written at the end, from the predictions
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from index.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

    from evals.metrics import Prediction
    from qa.types import Answer


class RunFolder:
    """The folder of one run, held by one process at a time.

    Raises:
        InputError: the folder holds a run of something else, or another process is writing to it.
    """

    def __init__(self, folder: Path, identity: Mapping[str, Any]) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(folder / "run.lock")
            self._lock.acquire(timeout=0)
        except Timeout as exc:
            raise InputError(f"{folder}: another run is writing here; wait for it or choose another --out") from exc
        except OSError as exc:
            raise InputError(f"{folder}: cannot be used: {exc}; choose another --out") from exc
        try:
            self._check(json.loads(json.dumps(identity)))  # as it will be read back: lists for tuples
            self.done = self._resume()
        except BaseException:
            self._lock.release()
            raise

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._lock.release()

    def append(self, prediction: Prediction) -> None:
        """Add one line; it is on the disk when this returns."""
        line = encode(prediction) + b"\n"
        with self._predictions.open("ab") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        self.done[prediction["id"]] = json.loads(line)

    def write(self, name: str, content: bytes) -> Path:
        """Write a whole file at once: it is the old one or the new one, never half of it."""
        path = self.folder / name
        part = path.with_name(f"{name}.part")
        part.write_bytes(content)
        part.replace(path)
        return path

    @property
    def _predictions(self) -> Path:
        return self.folder / "predictions.jsonl"

    def _check(self, identity: Mapping[str, Any]) -> None:
        path = self.folder / "run.json"
        if not path.exists():
            if self._predictions.exists():
                raise InputError(f"{self._predictions}: whose run this is cannot be told; choose another --out")
            self.write(path.name, json.dumps(identity, indent=2).encode())
            return
        try:
            found = json.loads(path.read_bytes())
        except ValueError as exc:
            raise InputError(f"{path}: not JSON; choose another --out") from exc
        changed = differing(found, identity)
        if changed:
            raise InputError(
                f"{self.folder} holds a run with other settings ({', '.join(changed)}); choose another --out"
            )

    def _resume(self) -> dict[str, dict[str, Any]]:
        """By id. A torn last line and answers that the model failed to give are dropped, to be asked."""
        if not self._predictions.exists():
            return {}
        *lines, torn = self._predictions.read_bytes().split(b"\n")
        done: dict[str, dict[str, Any]] = {}
        kept = []
        for number, line in enumerate(lines, 1):
            try:
                row = json.loads(line)
                if row["reason"] != "llm_unavailable" and row["id"] not in done:
                    done[row["id"]] = row
                    kept.append(line + b"\n")
            except (ValueError, KeyError, TypeError) as exc:
                raise InputError(
                    f"{self._predictions} line {number} is damaged ({exc!r}); take it out or choose another --out"
                ) from exc
        if torn or len(kept) != len(lines):
            self.write(self._predictions.name, b"".join(kept))
        return done


def prediction_of(name: str, answer: Answer) -> dict[str, Any]:
    """An answer as a line of predictions.jsonl, with what the rules of `qa.abstain` read of its evidence besides the text."""
    told = answer.to_json()
    shown = zip(told["evidence"], answer.evidence, strict=True)
    more = [{**row, "neighbour": one.neighbour, "context": one.context} for row, one in shown]
    return {"id": name, **told, "evidence": more}


def encode(value: object, indent: int | None = None) -> bytes:
    """JSON in UTF-8. A lone surrogate, which UTF-8 has no bytes for, becomes its JSON escape."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent)
    return text.encode("utf-8", "backslashreplace")


def differing(found: object, wanted: object, name: str = "") -> list[str]:
    """Dotted names of what differs, sorted."""
    if not isinstance(found, dict) or not isinstance(wanted, dict):
        return [] if found == wanted else [name]
    return [
        one
        for key in sorted(found.keys() | wanted.keys())
        for one in differing(found.get(key), wanted.get(key), f"{name}.{key}" if name else key)
    ]
