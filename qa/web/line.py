"""The line before the language model: first come, first served, and everybody can see how many are before them."""

from __future__ import annotations

import threading


class Line:
    """People in the order of their coming; the first one is being served. Thread safe."""

    def __init__(self) -> None:
        self._keys: list[str] = []
        self._change = threading.Condition()

    def join(self, key: str) -> None:
        """Stand at the end; somebody who stands in the line already keeps the place."""
        with self._change:
            if key not in self._keys:
                self._keys.append(key)

    def ahead(self, key: str) -> int:
        """Return how many are before `key`: 0 when it is served, and when it does not stand in the line."""
        with self._change:
            return self._keys.index(key) if key in self._keys else 0

    def wait(self, timeout_s: float) -> None:
        """Return when somebody has left, or after `timeout_s`."""
        with self._change:
            self._change.wait(timeout_s)

    def leave(self, key: str) -> None:
        """Make room for the next one."""
        with self._change:
            if key in self._keys:
                self._keys.remove(key)
                self._change.notify_all()
