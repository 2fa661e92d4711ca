"""Two sets of answers to the same questions, measure by measure: the difference and its p by a paired test."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from evals import stats
from evals.metrics import Score

Key = tuple[str, str]  # benchmark and question


def _refused(one: Score) -> float | None:
    return None if one.answered is None or not one.answerable else float(not one.answered)


def _answered(one: Score) -> float | None:
    return None if one.answered is None or one.answerable else float(one.answered)


def _right(one: Score) -> float | None:
    return None if one.right is None else float(one.right)


def _seconds(stage: str) -> Callable[[Score], float | None]:
    def taken(one: Score) -> float | None:
        ms = one.timings_ms.get(stage)
        return None if ms is None else ms / 1000

    return taken


MEASURES: Mapping[str, Callable[[Score], float | None]] = {
    "right": _right,
    "contains_gold": lambda one: one.contains_gold,
    "exact_match": lambda one: one.exact_match,
    "token_f1": lambda one: one.token_f1,
    "words_exact_match": lambda one: one.words_exact_match,
    "words_f1": lambda one: one.words_f1,
    "answerable_refused": _refused,
    "unanswerable_answered": _answered,
    "citation_precision": lambda one: one.citation_precision,
    "citation_recall": lambda one: one.citation_recall,
    "evidence_recall": lambda one: one.evidence_recall,
    "first_token_s": _seconds("first_token"),
    "total_s": _seconds("total"),
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One measure over the questions for which both have it."""

    n: int
    here: float  # mean
    there: float
    p: float  # of a difference as large by chance alone

    @property
    def difference(self) -> float:
        """Here less there."""
        return self.here - self.there


def compare(here: Mapping[Key, Score], there: Mapping[Key, Score]) -> dict[str, Difference]:
    """Every measure that is defined in both for at least one question."""
    shared = [key for key in here if key in there]
    found = {}
    for name, of in MEASURES.items():
        values = [(of(here[key]), of(there[key])) for key in shared]
        pairs = [(a, b) for a, b in values if a is not None and b is not None]
        if pairs:
            found[name] = Difference(
                len(pairs),
                math.fsum(a for a, _ in pairs) / len(pairs),
                math.fsum(b for _, b in pairs) / len(pairs),
                stats.paired_p([a - b for a, b in pairs]),
            )
    return found
