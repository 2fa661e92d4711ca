"""Telling two kinds apart by scores: how well they do it, and two small learners that are trained without the test cases.

Cases that belong together (claims about one question) are drawn, and left out, together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evals import stats
from evals.types import Figure

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Learner = Callable[
    [Floats, Bools], Callable[[Floats], Floats]
]  # (features, labels) -> scorer of features; higher is True

FOLDS = 10
_DRAWS = 1_000
_STEPS = 30


def auroc_within(labels: Bools, scores: Floats, strata: Sequence[str]) -> float | None:
    """The AUROC among pairs of one stratum only, strata weighed by their pairs; None where no stratum has one of each."""
    total, pairs = 0.0, 0
    names = np.array(strata)
    for name in set(strata):
        some = labels[names == name]
        area = stats.auroc(scores[names == name], some)
        if area is not None:
            weight = int(some.sum()) * int((~some).sum())
            total, pairs = total + area * weight, pairs + weight
    return total / pairs if pairs else None


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
    within: Figure  # the AUROC among cases of one stratum, where cases come from sources with shares of their own
    balanced: Figure  # each case judged at the threshold that is best for the other folds


def apart(labels: Bools, scores: Floats, groups: Sequence[str], strata: Sequence[str]) -> Apart:
    """Measure a score. The intervals draw whole groups anew, so cases of one group do not pass for independent ones."""
    judged = judged_apart(labels, scores, folds(groups))
    _, group_of = np.unique(groups, return_inverse=True)
    count = int(group_of.max()) + 1
    draws = np.random.default_rng(0)
    times = np.stack([np.bincount(draws.integers(count, size=count), minlength=count) for _ in range(_DRAWS)])
    drawn = times[:, group_of].astype(float)  # how often each draw has each case
    true, false = drawn[:, labels], drawn[:, ~labels]
    order = (np.sign(scores[labels][:, None] - scores[~labels][None, :]) + 1) / 2
    names = np.array(strata)
    same = (names[labels][:, None] == names[~labels][None, :]).astype(float)

    def over(pairs: Floats) -> Floats:
        total: Floats = ((true @ pairs) * false).sum(1)
        return total

    with np.errstate(invalid="ignore", divide="ignore"):  # a draw without one of each is left out
        areas = over(order) / over(np.ones_like(order))
        inner = over(order * same) / over(same)
        right = [(drawn[:, kind] @ (judged == labels)[kind]) / drawn[:, kind].sum(1) for kind in (labels, ~labels)]
    n = len(labels)
    return Apart(
        Figure(stats.auroc(scores, labels), n, _middle(areas)),
        Figure(auroc_within(labels, scores, strata), n, _middle(inner)),
        Figure(balanced(labels, judged), n, _middle((right[0] + right[1]) / 2)),
    )


def _middle(values: Floats) -> tuple[float, float] | None:
    defined = values[~np.isnan(values)]
    if not len(defined):
        return None
    low, high = np.quantile(defined, [0.025, 0.975])
    return float(low), float(high)


@dataclass(frozen=True, slots=True)
class Logistic:
    """A linear score of features: `bias + sum(weight * feature)`; above 0 it says true."""

    weights: tuple[float, ...]
    bias: float

    def __call__(self, features: Floats) -> Floats:
        """Return the log-odds of (n, features)."""
        scores: Floats = features @ np.array(self.weights) + self.bias
        return scores


def logistic(features: Floats, labels: Bools, *, ridge: float = 10.0, even: bool = True) -> Logistic:
    """Fit a logistic regression by Newton's method; if `even`, true and false cases weigh the same in total.

    `ridge` holds the weights of the standardised features near 0, in cases: with 10 a weight costs what ten cases may tell.
    """
    centre, spread = features.mean(0), features.std(0)
    spread[spread == 0] = 1.0
    x = np.column_stack([(features - centre) / spread, np.ones(len(features))])
    y = labels.astype(float)
    weigh = _evenly(labels) if even else np.ones(len(y))
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
    splits = [
        (at, float(level))
        for at, column in enumerate(features.T)
        for level in np.unique(np.quantile(column, np.linspace(0, 1, levels + 2)[1:-1]))
    ]
    above = np.stack([features[:, at] > level for at, level in splits]).astype(float)  # a row for each split
    made: list[tuple[int, float, float, float]] = []  # feature, level, step at or below it, step above it
    scores = np.zeros(len(y))
    for _ in range(rounds):
        chance = 1 / (1 + np.exp(-scores))
        slope, bend = weigh * (y - chance), weigh * chance * (1 - chance)
        up, more = above @ slope, above @ bend
        down, less = slope.sum() - up, bend.sum() - more
        best = int(np.argmax(up**2 / (more + 1) + down**2 / (less + 1)))
        low, high = rate * down[best] / (less[best] + 1), rate * up[best] / (more[best] + 1)
        made.append((*splits[best], float(low), float(high)))
        scores += np.where(above[best] > 0, high, low)

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
