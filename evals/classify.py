"""Telling two kinds apart by scores: how well they do it, and two small learners that are trained without the test cases.

Cases that belong together (claims about one question) are drawn, and left out, together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evals.types import Figure

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Learner = Callable[
    [Floats, Bools], Callable[[Floats], Floats]
]  # (features, labels) -> scorer of features; higher is True

FOLDS = 10
_DRAWS = 1_000
_STEPS = 30


def auroc(labels: Bools, scores: Floats) -> float | None:
    """The chance that a true case has a higher score than a false one, ties counted half; None without one of each."""
    true, false = int(labels.sum()), int((~labels).sum())
    if not true or not false:
        return None
    return float((_ranks(scores)[labels].sum() - true * (true + 1) / 2) / (true * false))


def _ranks(scores: Floats) -> Floats:
    """1-based ranks, ties at their middle."""
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    middle: Floats = (last - (counts - 1) / 2)[place]
    return middle


def balanced(labels: Bools, judged: Bools) -> float | None:
    """The mean of the shares of true and of false cases that are judged rightly; None without one of each."""
    if labels.all() or not labels.any():
        return None
    return float((judged[labels].mean() + (~judged[~labels]).mean()) / 2)


def cut(labels: Bools, scores: Floats) -> float:
    """The threshold with the best balanced accuracy: `score >= threshold` is judged true."""
    levels = np.unique(scores)
    between = np.concatenate([levels[:1], (levels[1:] + levels[:-1]) / 2])
    return float(max(between, key=lambda level: balanced(labels, scores >= level) or 0.0))


def folds(groups: Sequence[str], *, count: int = FOLDS, seed: int = 0) -> NDArray[np.int64]:
    """The fold of each case: 0 to `count` - 1, one fold for all cases of a group, about the same number of groups in each."""
    unique = sorted(set(groups))
    order = np.random.default_rng(seed).permutation(len(unique))
    fold = {unique[group]: at % count for at, group in enumerate(order)}
    return np.array([fold[group] for group in groups], dtype=np.int64)


def judged_apart(labels: Bools, scores: Floats, parts: NDArray[np.int64]) -> Bools:
    """Each case judged true or false at the threshold that is best for the other folds."""
    judged = np.zeros(len(labels), dtype=np.bool_)
    for part in np.unique(parts):
        held = parts == part
        judged[held] = scores[held] >= cut(labels[~held], scores[~held])
    return judged


def scored_apart(learn: Learner, features: Floats, labels: Bools, parts: NDArray[np.int64]) -> Floats:
    """Each case's score by a learner that saw the other folds only, as the rank among what that learner gives to all it saw.

    Learners of different folds differ in their scale; ranks among the training cases make their scores comparable.
    """
    scores = np.zeros(len(labels))
    for part in np.unique(parts):
        held = parts == part
        scorer = learn(features[~held], labels[~held])
        known = np.sort(scorer(features[~held]))
        scores[held] = np.searchsorted(known, scorer(features[held])) / len(known)
    return scores


@dataclass(frozen=True, slots=True)
class Apart:
    """How well one score tells the cases apart."""

    auroc: Figure
    balanced: Figure  # each case judged at the threshold that is best for the other folds


def apart(labels: Bools, scores: Floats, groups: Sequence[str]) -> Apart:
    """Measure a score. The intervals draw whole groups anew, so cases of one group do not pass for independent ones."""
    judged = judged_apart(labels, scores, folds(groups))
    by_group: dict[str, list[int]] = {}
    for at, group in enumerate(groups):
        by_group.setdefault(group, []).append(at)
    members = [np.array(cases) for cases in by_group.values()]
    draws = np.random.default_rng(0)
    areas, shares = [], []
    for _ in range(_DRAWS):
        drawn = np.concatenate([members[at] for at in draws.integers(len(members), size=len(members))])
        areas.append(auroc(labels[drawn], scores[drawn]))
        shares.append(balanced(labels[drawn], judged[drawn]))
    return Apart(
        Figure(auroc(labels, scores), len(labels), _middle(areas)),
        Figure(balanced(labels, judged), len(labels), _middle(shares)),
    )


def _middle(values: Sequence[float | None]) -> tuple[float, float] | None:
    defined = [one for one in values if one is not None]
    if not defined:
        return None
    low, high = np.quantile(defined, [0.025, 0.975])
    return float(low), float(high)


@dataclass(frozen=True, slots=True)
class Logistic:
    """A linear score of features: `bias + sum(weight * feature)`; above 0 both kinds weighed alike say true."""

    weights: tuple[float, ...]
    bias: float

    def __call__(self, features: Floats) -> Floats:
        """Return the log-odds of (n, features)."""
        scores: Floats = features @ np.array(self.weights) + self.bias
        return scores


def logistic(features: Floats, labels: Bools, *, ridge: float = 10.0) -> Logistic:
    """Fit a logistic regression by Newton's method; true and false cases weigh the same in total.

    `ridge` holds the weights of the standardised features near 0, in cases: with 10 a weight costs what ten cases may tell.
    """
    centre, spread = features.mean(0), features.std(0)
    spread[spread == 0] = 1.0
    x = np.column_stack([(features - centre) / spread, np.ones(len(features))])
    y = labels.astype(float)
    weigh = _evenly(labels)
    penalty = np.diag([ridge] * features.shape[1] + [1e-6])
    beta = np.zeros(x.shape[1])
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-x @ beta))
        slope = x.T @ (weigh * (y - chance)) - penalty @ beta
        bend = (x * (weigh * chance * (1 - chance))[:, None]).T @ x + penalty
        step = np.linalg.solve(bend, slope)
        beta += step
        if np.abs(step).max() < 1e-8:
            break
    weights = beta[:-1] / spread
    return Logistic(tuple(map(float, weights)), float(beta[-1] - weights @ centre))


def stumps(
    features: Floats, labels: Bools, *, rounds: int = 80, rate: float = 0.1, levels: int = 12
) -> Callable[[Floats], Floats]:
    """Gradient boosting over single splits: a sum of steps, each over one feature, fitted to what is still wrong."""
    y = labels.astype(float)
    weigh = _evenly(labels)
    cuts = [
        np.unique(np.quantile(column, np.linspace(0, 1, levels + 2)[1:-1])) for column in features.T
    ]  # of each feature
    made: list[tuple[int, float, float, float]] = []  # feature, level, score at or below, score above
    scores = np.zeros(len(y))
    for _ in range(rounds):
        chance = 1 / (1 + np.exp(-scores))
        slope, bend = weigh * (y - chance), weigh * chance * (1 - chance)
        best, chosen = -math.inf, None
        for at, column in enumerate(features.T):
            for level in cuts[at]:
                above = column > level
                up, down = slope[above].sum(), slope[~above].sum()
                more, less = bend[above].sum() + 1, bend[~above].sum() + 1
                if (gain := up * up / more + down * down / less) > best:
                    best, chosen = gain, (at, float(level), rate * down / less, rate * up / more)
        if chosen is None:
            break
        made.append(chosen)
        scores += np.where(features[:, chosen[0]] > chosen[1], chosen[3], chosen[2])

    def scorer(given: Floats) -> Floats:
        total = np.zeros(len(given))
        for at, level, low, high in made:
            total += np.where(given[:, at] > level, high, low)
        return total

    return scorer


def _evenly(labels: Bools) -> Floats:
    """Weights by which true and false cases count alike; their mean is 1."""
    share = labels.mean()
    weights: Floats = np.where(labels, 0.5 / max(share, 1e-9), 0.5 / max(1 - share, 1e-9))
    return weights
