"""Risk against coverage, reliability and paired comparison, each by hand; their ranges by properties."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evals import compare, curves
from evals.metrics import Score

PAIRS = st.lists(st.tuples(st.sampled_from([0.0, 0.25, 0.5, 0.9, 1.0]), st.booleans()), min_size=1, max_size=12)


def test_the_curve_counts_the_most_confident_first_and_what_was_withheld_as_not_covered() -> None:
    points = curves.risk_coverage([(0.9, True), (0.2, False), (0.5, False), (0.5, True)], questions=8)
    assert [(one.confidence, one.coverage, one.risk) for one in points] == [
        (0.9, 1 / 8, 0),
        (0.5, 3 / 8, 1 / 3),
        (0.2, 4 / 8, 2 / 4),
    ]


def test_the_area_is_the_mean_risk_of_the_most_confident_ones() -> None:
    ranked = [(0.9, True), (0.8, False), (0.7, True), (0.6, False)]
    assert curves.aurc(ranked).value == pytest.approx((0 + 1 / 2 + 1 / 3 + 2 / 4) / 4)
    assert curves.best_aurc(ranked) == pytest.approx((0 + 0 + 1 / 3 + 2 / 4) / 4)
    assert curves.aurc(ranked).n == 4
    low, high = curves.aurc(ranked).ci95 or (1.0, 0.0)
    assert 0 <= low < (0 + 1 / 2 + 1 / 3 + 2 / 4) / 4 < high <= 1


def test_equal_confidences_have_no_order() -> None:
    same = [(0.5, True), (0.5, False)]
    assert curves.aurc(same).value == curves.aurc(same[::-1]).value == pytest.approx(0.5)


def test_without_answers_nothing_is_said() -> None:
    assert curves.aurc([]).value is None
    assert curves.best_aurc([]) is None
    assert curves.calibration_error([]) is None
    assert curves.risk_coverage([], 3) == []
    assert curves.reliability([]) == []


@given(PAIRS)
def test_no_order_is_better_than_the_best(pairs: list[curves.Pair]) -> None:
    area, best = curves._area(pairs), curves.best_aurc(pairs)  # without the interval, whose draws take long
    assert best is not None
    assert -1e-9 <= best <= area + 1e-9 <= 1 + 2e-9


@example(pairs=[(0.9, False)] * 9)
@given(PAIRS)
def test_every_answer_is_in_one_bucket_and_the_last_point_has_all(pairs: list[curves.Pair]) -> None:
    buckets = curves.reliability(pairs)
    assert sum(one.right.n for one in buckets) == len(pairs)
    for one in buckets:
        assert one.confidence.value is not None
        assert one.low <= one.confidence.value <= one.high + 1e-9
    last = curves.risk_coverage(pairs, len(pairs))[-1]
    assert last.coverage == 1
    assert last.risk == sum(not right for _, right in pairs) / len(pairs)


def test_reliability_by_hand() -> None:
    pairs = [(0.95, True), (1.0, False), (0.15, False)]
    low, high = curves.reliability(pairs)
    assert (low.low, low.high, low.confidence.value, low.right.value) == (0.1, 0.2, 0.15, 0)
    assert (high.low, high.right.value, high.right.n) == (0.9, 0.5, 2)
    assert high.confidence.value == pytest.approx(0.975)
    assert curves.calibration_error(pairs) == pytest.approx((1 * 0.15 + 2 * 0.475) / 3)
    assert curves.brier(pairs).value == pytest.approx((0.05**2 + 1 + 0.15**2) / 3)


def made(**values: Any) -> Score:  # noqa: ANN401
    return Score(**{"answerable": True, "kind": None, "answered": True, **values})


def test_two_runs_are_compared_on_the_questions_that_both_have() -> None:
    here = {
        ("a", "1"): made(contains_gold=1.0, timings_ms={"total": 3000.0}),
        ("a", "2"): made(contains_gold=1.0),
        ("a", "3"): made(contains_gold=0.0, answered=False),
        ("b", "1"): made(answerable=False),
        ("b", "9"): made(contains_gold=1.0),
    }
    there = {
        ("a", "1"): made(contains_gold=0.0, timings_ms={"total": 1000.0}),
        ("a", "2"): made(contains_gold=1.0),
        ("a", "3"): made(contains_gold=1.0),
        ("b", "1"): made(answerable=False, answered=False),
    }
    found = compare.compare(here, there)
    gold = found["contains_gold"]
    assert gold.n == 3
    assert gold.here == gold.there == pytest.approx(2 / 3)
    assert gold.difference == pytest.approx(0)
    assert gold.p == pytest.approx(1.0)
    assert found["answerable_refused"].here == pytest.approx(1 / 3)
    assert (found["unanswerable_answered"].here, found["unanswerable_answered"].there) == (1, 0)
    assert (found["total_s"].n, found["total_s"].difference) == (1, 2)
    assert found["right"].n == 4
    assert "citation_precision" not in found  # defined nowhere


def test_a_clear_difference_has_a_small_p() -> None:
    here = {("a", str(n)): made(contains_gold=1.0) for n in range(12)}
    there = {("a", str(n)): made(contains_gold=0.0) for n in range(12)}
    assert compare.compare(here, there)["contains_gold"].p < 0.01


@pytest.mark.parametrize(
    ("score", "right"),
    [
        (made(contains_gold=1.0), True),
        (made(contains_gold=0.0), False),
        (made(contains_gold=None), None),  # only a long reference: no program can tell
        (made(contains_gold=None, answered=False), None),  # as for an answer: one denominator for all systems
        (made(answerable=False, answered=False), True),
        (made(answerable=False), False),
        (made(answered=None), None),  # the model failed
    ],
)
def test_right_is_only_said_where_a_program_can_tell(score: Score, right: bool | None) -> None:
    assert score.right is right
