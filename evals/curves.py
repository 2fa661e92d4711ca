"""How good a system's own confidence is: risk against coverage, and reliability. Pure; a pair is (confidence, was it right?)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from evals import stats
from evals.types import Figure

Pair = tuple[float, bool]

_DRAWS = 1_000


@dataclass(frozen=True, slots=True)
class Point:
    """If only the answers of at least this confidence were given."""

    confidence: float
    coverage: float  # their share of all questions, in [0, 1]
    risk: float  # the share of wrong ones among them, in [0, 1]


@dataclass(frozen=True, slots=True)
class Bucket:
    """The answers whose confidence lies in a range."""

    low: float
    high: float
    confidence: Figure  # their mean
    right: Figure  # the share of right ones


def risk_coverage(pairs: Sequence[Pair], questions: int) -> list[Point]:
    """One point for each confidence that occurs, the highest first. `questions` counts the withheld ones as well."""
    points, answers, wrong = [], 0, 0
    for confidence, group in groupby(sorted(pairs, reverse=True), key=lambda pair: pair[0]):
        outcomes = [right for _, right in group]
        answers += len(outcomes)
        wrong += outcomes.count(False)
        points.append(Point(confidence, answers / questions, wrong / answers))
    return points


def aurc(pairs: Sequence[Pair]) -> Figure:
    """The area under the risk-coverage curve over the given answers, with a bootstrap interval: the lower, the better.

    The mean of the risks when the 1, 2, ... n most confident answers are given; equal confidences count in no order. As high as
    the share of wrong answers where confidence says nothing. Geifman, Uziel, El-Yaniv: Bias-Reduced Uncertainty Estimation for
    Deep Neural Classifiers (ICLR 2019).
    """
    if not pairs:
        return Figure(None, 0)
    interval = None
    if len(pairs) > 1:
        drawn = np.random.default_rng(0).integers(len(pairs), size=(_DRAWS, len(pairs)))
        low, high = np.quantile([_area([pairs[i] for i in row]) for row in drawn], [0.025, 0.975])
        interval = (float(low), float(high))
    return Figure(_area(pairs), len(pairs), interval)


def best_aurc(pairs: Sequence[Pair]) -> float | None:
    """The area if confidence put every right answer before every wrong one; None without answers."""
    return _area([(float(right), right) for _, right in pairs]) if pairs else None


def _area(pairs: Sequence[Pair]) -> float:
    risks, answers, wrong = [], 0, 0.0
    for _, group in groupby(sorted(pairs, key=lambda pair: -pair[0]), key=lambda pair: pair[0]):
        outcomes = [right for _, right in group]
        share = outcomes.count(False) / len(outcomes)
        for _ in outcomes:
            answers, wrong = answers + 1, wrong + share
            risks.append(wrong / answers)
    return math.fsum(risks) / len(risks)


def reliability(pairs: Sequence[Pair], buckets: int = 10) -> list[Bucket]:
    """Ranges of equal width from 0 to 1 that have any answer, the lowest first."""
    found: dict[int, list[Pair]] = {}
    for pair in pairs:
        found.setdefault(min(buckets - 1, int(pair[0] * buckets)), []).append(pair)
    return [
        Bucket(
            at / buckets,
            (at + 1) / buckets,
            stats.mean([confidence for confidence, _ in inside]),
            stats.rate([right for _, right in inside]),
        )
        for at, inside in sorted(found.items())
    ]


def calibration_error(pairs: Sequence[Pair], buckets: int = 10) -> float | None:
    """The mean distance of confidence and share of right answers over the buckets, by their size (ECE); None without answers."""
    if not pairs:
        return None
    gaps = [
        one.right.n * abs((one.confidence.value or 0.0) - (one.right.value or 0.0))
        for one in reliability(pairs, buckets)
    ]
    return math.fsum(gaps) / len(pairs)


def brier(pairs: Sequence[Pair]) -> Figure:
    """The mean squared distance of confidence and outcome, in [0, 1]: 0.25 is what a constant 0.5 has."""
    return stats.mean([(confidence - right) ** 2 for confidence, right in pairs])
