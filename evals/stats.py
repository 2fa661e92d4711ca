"""From values to figures: a mean or a share with its 95% interval. What cannot be said is None.

The questions are taken as independent draws. Questions on the same article are a little less than that, so the true
intervals are somewhat wider.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from evals.types import Figure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike

_Z95 = 1.959963984540054  # the standard normal's 97.5% point
_DRAWS = 2000
_SIGNS = 10_000
_FEW = 10  # below this many values the bootstrap's intervals are far too narrow


def wilson(mean: float, n: int) -> tuple[float, float] | None:
    """Wilson's 95% interval of a share `mean` of `n` cases, within [0, 1]; None for no case.

    Also a safe interval for the mean of any values in [0, 1]: none of them vary more than zeros and ones do.
    """
    if n == 0:
        return None
    z2 = _Z95**2
    centre = (mean + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z95 / (1 + z2 / n) * math.sqrt(max(0.0, mean * (1 - mean)) / n + z2 / (4 * n * n))
    return min(mean, max(0.0, centre - half)), max(mean, min(1.0, centre + half))


def bootstrap(values: Sequence[float], statistic: Callable[..., Any] = np.mean) -> tuple[float, float] | None:
    """The percentile bootstrap's 95% interval of `statistic` (called with an array and `axis=1`); None below 2 values.

    The same values give the same interval: the draws are seeded.
    """
    if len(values) < 2:
        return None
    drawn = np.random.default_rng(0).choice(np.asarray(values, dtype=float), size=(_DRAWS, len(values)))
    low, high = np.quantile(statistic(drawn, axis=1), [0.025, 0.975])
    return float(low), float(high)


def rate(outcomes: Sequence[bool | float | None]) -> Figure:
    """The share of ones among values that are 0, 1 or undefined, with Wilson's interval."""
    values = [float(one) for one in outcomes if one is not None]
    share = math.fsum(values) / len(values) if values else None
    interval = None if share is None else wilson(share, len(values))
    return Figure(share, len(values), interval, undefined=len(outcomes) - len(values))


def mean(outcomes: Sequence[float | None], *, unit: bool = True) -> Figure:
    """The mean of the defined values, with a bootstrap interval.

    `unit`: all values are in [0, 1], so that few or equal ones can have Wilson's (wider) interval; the bootstrap would
    say that five ones in a row are certain.
    """
    values = [one for one in outcomes if one is not None]
    undefined = len(outcomes) - len(values)
    if not values:
        return Figure(None, 0, undefined=undefined)
    # Rounding must not take it out of the values' range: nine times 0.9 has 0.8999999999999999.
    average = min(max(values), max(min(values), math.fsum(values) / len(values)))
    few = len(values) < _FEW or min(values) == max(values)
    interval = wilson(min(1.0, average), len(values)) if unit and few else bootstrap(values)
    return Figure(average, len(values), interval, undefined)


def quantile(outcomes: Sequence[float | None], q: float) -> Figure:
    """The `q` quantile (linear between two values) of the defined values, with a bootstrap interval."""
    values = [one for one in outcomes if one is not None]
    undefined = len(outcomes) - len(values)
    if not values:
        return Figure(None, 0, undefined=undefined)

    def of(drawn: Any, axis: int) -> Any:  # noqa: ANN401  # numpy's arrays of any shape
        return np.quantile(drawn, q, axis=axis)

    return Figure(float(np.quantile(values, q)), len(values), bootstrap(values, of), undefined)


def count(total: int, n: int) -> Figure:
    """A plain count among `n` cases: no interval. Undefined where there was no case."""
    return Figure(total if n else None, n)


def paired_p(differences: Sequence[float]) -> float:
    """The two-sided p of a paired randomisation test: how often random signs give a mean as far from 0. At least 1 / 10,000.

    Smucker, Allan, Carterette: A Comparison of Statistical Significance Tests for Information Retrieval (CIKM 2007). Seeded.
    """
    changed = np.asarray([one for one in differences if one], dtype=float)
    if not len(changed):
        return 1.0
    signs = np.random.default_rng(0).choice([-1.0, 1.0], size=(_SIGNS - 1, len(changed)))
    as_far = np.abs(signs @ changed) >= abs(changed.sum()) - 1e-9
    return float((as_far.sum() + 1) / _SIGNS)


def ranks(values: ArrayLike) -> list[float]:
    """The rank of each value from 1; equal ones share the middle of their places."""
    _, place, counts = np.unique(np.asarray(values, dtype=float), return_inverse=True, return_counts=True)
    found: list[float] = (np.cumsum(counts) - (counts - 1) / 2)[place].tolist()
    return found


def spearman(left: Sequence[float], right: Sequence[float]) -> float | None:
    """The correlation of the ranks, in [-1, 1]; None where one side is always the same, or below 3 pairs."""
    if len(left) < 3 or min(left) == max(left) or min(right) == max(right):
        return None
    return float(np.corrcoef(ranks(left), ranks(right))[0, 1])


def auroc(scores: ArrayLike, positive: ArrayLike) -> float | None:
    """How often a positive case scores higher than a negative one, equal scores counting half; None without one of either."""
    is_it = np.asarray(positive, dtype=bool)
    high, low = int(is_it.sum()), int((~is_it).sum())
    if not high or not low:
        return None
    return float((np.array(ranks(scores))[is_it].sum() - high * (high + 1) / 2) / (high * low))


def kappa(left: Sequence[bool], right: Sequence[bool]) -> float | None:
    """Cohen's kappa of two yes-no judgements: 0 as by chance, 1 always the same; None if both always say the same one thing."""
    n = len(left)
    if not n:
        return None
    same = sum(a == b for a, b in zip(left, right, strict=True)) / n
    yes = sum(left) / n * sum(right) / n + (n - sum(left)) / n * (n - sum(right)) / n
    return None if yes == 1 else (same - yes) / (1 - yes)
