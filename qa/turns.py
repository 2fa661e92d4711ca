"""Taking turns, so that no article crowds out the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

T = TypeVar("T")


def in_turn(ranked: Sequence[T], group: Callable[[T], Hashable]) -> list[T]:
    """Return the first of every group, then the second of each, and so on; within a turn in the given order."""
    taken: Counter[Hashable] = Counter()
    turns = []
    for one in ranked:
        turns.append(taken[group(one)])
        taken[group(one)] += 1
    return [ranked[at] for at in sorted(range(len(ranked)), key=turns.__getitem__)]
