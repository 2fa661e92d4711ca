"""The measures and intervals of the evals, each against a case worked out by hand, and their ranges by properties."""

from __future__ import annotations

import math
from typing import Any, Literal

import ir_measures
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals import stats, summary
from evals.metrics import (
    Score,
    answering_words,
    contains_gold,
    exact_match,
    f1,
    first_ranks,
    holds,
    matches,
    ndcg,
    normalise,
    overlap,
    recall_at,
    reciprocal_rank,
    score,
    token_f1,
)
from evals.types import Figure, Question, Span

TEXT = "Ann met Bo. They ate rice in Doha. Nobody paid."  # sentences at 0:11, 12:34, 35:47
TEXTS = {"a": TEXT}
MET, ATE, PAID = Span("a", 0, 11), Span("a", 12, 34), Span("a", 35, 47)
NO_ANSWER = dict.fromkeys(("status", "reason", "answer", "claims"))  # as a retrieval-only run writes them

WORDS = st.lists(st.sampled_from(["the", "red", "cat", "sat", "3", "billion"]), max_size=6)
SPANS = st.builds(lambda a, s, n: Span(a, s, s + n), st.sampled_from("ab"), st.integers(0, 20), st.integers(1, 12))
RANKS = st.lists(st.none() | st.integers(1, 15), max_size=5)
SHARES = st.lists(st.floats(0, 1), min_size=1, max_size=30)


def asks(
    *answers: str, match: Literal["any", "all"] = "any", answerable: bool = True, gold: tuple[Span, ...] = ()
) -> Question:
    return Question("q", "?", answerable=answerable, answers=answers, match=match, kind="who", gold=gold)


def evidence(*shown: Span) -> list[dict[str, Any]]:
    return [
        {
            "label": n,
            "article_id": s.article_id,
            "start": s.start,
            "end": s.end,
            "text": TEXT[s.start : s.end],
            "score": 1,
        }
        for n, s in enumerate(shown, 1)
    ]


def predicts(claims: list[tuple[str, list[Span]]], shown: list[Span], **changes: object) -> dict[str, Any]:
    """A prediction whose claims cite those ranges and whose evidence and passages are `shown`."""
    made = [
        {
            "text": text,
            "citations": [{"quote": e["text"], "support": 0.9, **e} for e in evidence(*cites)],
            "rejected": [],
        }
        for text, cites in claims
    ]
    answered = any(cites for _, cites in claims)
    return {
        "status": "answered" if answered else "abstained",
        "reason": None if answered else "not_stated",
        "answer": " ".join(text for text, cites in claims if cites),
        "claims": made,
        "evidence": evidence(*shown),
        "retrieved": evidence(*shown),
        "timings_ms": {"total": 1000.0},
        **changes,
    }


# Answers


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("The  Cat, a hat!", "cat hat"),
        ("“Anna’s” theory", "annas theory"),
        ("$3-billion", "3billion"),
        ("An another thea", "another thea"),
        ("a", ""),
    ],
)
def test_normalise(text: str, normal: str) -> None:
    assert normalise(text) == normal


@pytest.mark.parametrize(
    ("answer", "question", "exact", "contains", "overlap_f1"),
    [
        ("The red cat.", asks("red cat"), True, True, 1.0),
        ("It was the red cat.", asks("dog", "red cat"), False, True, 2 * 2 / (4 + 2)),
        ("It was a redcat.", asks("red cat"), False, False, 0.0),
        ("cat red", asks("red cat"), False, False, 1.0),
        ("", asks("red cat"), False, False, 0.0),
        ("Bo", asks("Ann", "Bo", match="all"), False, False, 2 * 1 / (1 + 2)),
        ("Ann, Bo", asks("Ann", "Bo", match="all"), True, True, 1.0),
        ("Bo and Ann", asks("Ann", "Bo", match="all"), False, True, 2 * 2 / (3 + 2)),
        ("anything", asks("The"), False, False, 0.0),  # nothing is left of this gold string: it is in no answer
        ("the", asks("A"), True, True, 1.0),
    ],
)
def test_answer_measures(answer: str, question: Question, exact: bool, contains: bool, overlap_f1: float) -> None:
    assert exact_match(answer, question) is exact
    assert contains_gold(answer, question) is contains
    assert token_f1(answer, question) == pytest.approx(overlap_f1)


def test_without_gold_strings_answers_are_not_measured() -> None:
    assert (exact_match("x", asks()), contains_gold("x", asks()), token_f1("x", asks())) == (None, None, None)


def test_f1_counts_repeated_words_once_each() -> None:
    assert f1(["a", "a", "b"], ["a", "b", "b"]) == pytest.approx(2 / 3)  # common: one a, one b; 2*2/(3+3)


@given(WORDS, WORDS)
def test_f1_is_symmetric_in_range_and_1_for_the_same_bag(left: list[str], right: list[str]) -> None:
    assert f1(left, right) == f1(right, left)
    assert 0 <= f1(left, right) <= 1
    assert (f1(left, right) == 1) == (sorted(left) == sorted(right))


@given(WORDS, WORDS)
def test_an_exact_match_contains_the_gold_and_has_f1_1(answer: list[str], gold: list[str]) -> None:
    question = asks(" ".join(gold))
    if exact_match(" ".join(answer), question):
        assert contains_gold(" ".join(answer), question) is True
        assert token_f1(" ".join(answer), question) == 1


@given(st.text(max_size=40))
def test_normalise_is_idempotent_on_words(text: str) -> None:
    once = normalise(text)
    assert once == " ".join(once.split())
    assert not {"a", "an", "the"} & set(once.split())


# Ranges


@pytest.mark.parametrize(
    ("citation", "gold", "right"),
    [
        (Span("a", 0, 10), Span("a", 0, 10), True),
        (Span("a", 0, 100), Span("a", 90, 110), True),  # 10 of the shorter one's 20
        (Span("a", 0, 100), Span("a", 91, 111), False),  # 9 of 20
        (Span("a", 5, 9), Span("a", 0, 100), True),  # a short citation inside a long gold sentence
        (Span("b", 0, 10), Span("a", 0, 10), False),
        (Span("a", 0, 10), Span("a", 10, 20), False),
        (Span("a", 0, 10), Span("a"), False),  # no range, no sentence to match
    ],
)
def test_a_citation_matches_by_half_of_the_shorter(citation: Span, gold: Span, right: bool) -> None:
    assert matches(citation, gold) is right


@pytest.mark.parametrize(
    ("shown", "gold", "held"),
    [
        ([Span("a", 0, 50)], Span("a", 0, 100), True),
        ([Span("a", 0, 49)], Span("a", 0, 100), False),
        ([Span("a", 60, 90), Span("a", 0, 20)], Span("a", 0, 100), True),  # 30 + 20, cut in two
        ([Span("a", 0, 30), Span("a", 0, 30)], Span("a", 0, 100), False),  # the same words count once
        ([Span("a", 0, 30), Span("a", 10, 40)], Span("a", 0, 100), False),  # 40 together, not 60
        ([Span("a", 0, 30), Span("b", 30, 100)], Span("a", 0, 100), False),
        ([Span("a", 700, 720)], Span("a"), True),  # the article as a whole
        ([Span("b", 700, 720)], Span("a"), False),
        ([], Span("a"), False),
    ],
)
def test_evidence_holds_gold_by_half_of_it(shown: list[Span], gold: Span, held: bool) -> None:
    assert holds(shown, gold) is held


@given(SPANS, SPANS)
def test_overlap_is_symmetric_and_at_most_the_shorter(left: Span, right: Span) -> None:
    assert overlap(left, right) == overlap(right, left)
    assert 0 <= overlap(left, right) <= min(left.length, right.length)


@given(st.lists(SPANS, max_size=5), SPANS)
def test_holds_counts_characters_like_a_set_does(shown: list[Span], gold: Span) -> None:
    inside = {at for s in shown if s.article_id == gold.article_id for at in range(s.start, s.end)}
    assert holds(shown, gold) is (len(inside & set(range(gold.start, gold.end))) * 2 >= gold.length)


# Retrieval


def test_ranks_and_what_follows_from_them_by_hand() -> None:
    passages = [Span("b", 0, 40), Span("a", 0, 20), Span("a", 10, 40), Span("a", 0, 47)]
    ranks = first_ranks(passages, [MET, ATE, PAID, Span("c")])
    assert ranks == (2, 3, 4, None)
    assert [recall_at(ranks, k) for k in (1, 2, 3, 10)] == [0, 0.25, 0.5, 0.75]
    assert reciprocal_rank(ranks, 10) == 0.5
    assert reciprocal_rank(ranks, 1) == 0
    gained = 1 / math.log2(3) + 1 / math.log2(4) + 1 / math.log2(5)
    ideal = 1 + 1 / math.log2(3) + 1 / math.log2(4) + 1 / math.log2(5)  # three passages and the one never found
    assert ndcg(ranks, 10) == pytest.approx(gained / ideal)


def test_one_passage_with_all_gold_sentences_on_top_is_perfect() -> None:
    assert (ndcg((1, 1), 10), recall_at((1, 1), 1), reciprocal_rank((1, 1), 10)) == (1, 1, 1)


def test_without_gold_evidence_retrieval_is_not_measured() -> None:
    assert (recall_at((), 5), reciprocal_rank((), 10), ndcg((), 10)) == (None, None, None)


@given(RANKS.filter(bool), st.integers(1, 12))
def test_rank_measures_equal_those_of_ir_measures(ranks: list[int | None], k: int) -> None:
    gains = {f"p{rank:02}" for rank in ranks if rank} | {f"lost{i}" for i, rank in enumerate(ranks) if not rank}
    found = [ir_measures.ScoredDoc("q", f"p{rank:02}", -rank) for rank in range(1, 16)]
    wanted = [ir_measures.Qrel("q", name, 1) for name in gains]
    theirs = ir_measures.calc_aggregate([ir_measures.nDCG @ k, ir_measures.RR @ k], wanted, found)
    assert ndcg(ranks, k) == pytest.approx(theirs[ir_measures.nDCG @ k])
    assert reciprocal_rank(ranks, k) == pytest.approx(theirs[ir_measures.RR @ k])


@given(RANKS.filter(bool), st.integers(1, 12))
def test_rank_measures_are_in_range_and_grow_with_k(ranks: list[int | None], k: int) -> None:
    for measure in (recall_at, reciprocal_rank, ndcg):
        value = measure(ranks, k)
        assert value is not None
        assert 0 <= value <= 1
    assert (recall_at(ranks, k) or 0) <= (recall_at(ranks, k + 1) or 0)


# One prediction


def test_a_good_answer() -> None:
    prediction = predicts([("They ate rice.", [ATE]), ("Nobody paid.", [PAID, ATE])], [MET, ATE, PAID])
    found = score(asks("rice", gold=(ATE,)), prediction, TEXTS)
    assert (found.answered, found.contains_gold, found.exact_match) == (True, 1, 0)
    assert found.token_f1 == pytest.approx(2 * 1 / (5 + 1))
    assert (found.citation_precision, found.citation_recall) == (0.5, 1)  # two distinct ranges, one of them gold
    assert found.verbatim == (True, True, True)
    assert found.citations_per_claim == (1, 2)
    assert found.quote_chars == (22, 12, 22)
    assert (found.evidence_recall, found.evidence_any, found.evidence_all, found.ranks) == (1, 1, 1, (2,))
    assert (found.dangling, found.unknown_marks, found.withdrawn) == (0, 0, (False, False))


@pytest.mark.parametrize(
    ("words", "told", "exact"), [((9, 13), "rice", 1), ((5, 13), "ate rice", 0), (None, "They ate rice.", 0)]
)
def test_the_words_that_answer_are_measured_by_themselves(
    words: tuple[int, int] | None, told: str, exact: float
) -> None:
    prediction = predicts([("They ate rice.", [ATE]), ("Fish was paid for.", [])], [ATE])
    prediction["claims"][0]["words"] = words
    assert answering_words(prediction) == told
    found = score(asks("rice"), prediction, TEXTS)
    assert (found.words_exact_match, found.exact_match) == (exact, 0)
    assert found.words_f1 == pytest.approx(2 / (1 + len(told.split())))


@pytest.mark.parametrize(
    ("steps", "words", "told"),
    [
        ([], [9, 13], "Ann met Bo. rice"),
        (["who met Bo?", "what did Ann eat?"], [9, 13], "rice"),
        (["who met Bo?", "what did Ann eat?"], None, "They ate rice."),
    ],
)
def test_what_was_found_on_the_way_is_not_the_answer(steps: list[str], words: list[int] | None, told: str) -> None:
    prediction = predicts([("Ann met Bo.", [MET]), ("They ate rice.", [ATE])], [ATE]) | {"steps": steps}
    prediction["claims"][1]["words"] = words
    assert answering_words(prediction) == told


def test_a_refusal_of_an_answerable_question_counts_0_and_has_no_citation_measures() -> None:
    found = score(asks("rice", gold=(ATE, PAID)), predicts([("Fish.", [])], [ATE]), TEXTS)
    assert (found.answered, found.exact_match, found.contains_gold, found.token_f1) == (False, 0, 0, 0)
    assert (found.words_exact_match, found.words_f1) == (0, 0)
    assert (found.citation_precision, found.citation_recall) == (None, None)
    assert found.withdrawn == (True,)
    assert (found.evidence_recall, found.evidence_any, found.evidence_all) == (0.5, 1, 0)


def test_an_unanswerable_question_has_no_answer_or_evidence_measures() -> None:
    found = score(asks("I do not know", answerable=False, gold=(ATE,)), predicts([("Rice.", [ATE])], [ATE]), TEXTS)
    assert found.answered is True
    assert (found.contains_gold, found.citation_precision, found.evidence_recall, found.ranks) == (None, None, None, ())


def test_a_failed_model_is_neither_an_answer_nor_an_abstention() -> None:
    found = score(asks("rice", gold=(ATE,)), predicts([], [ATE], reason="llm_unavailable"), TEXTS)
    assert (found.answered, found.contains_gold, found.evidence_recall) == (None, None, 1)


def test_retrieval_only_has_evidence_measures_alone() -> None:
    found = score(asks("rice", gold=(ATE,)), predicts([], [MET, PAID]) | NO_ANSWER, TEXTS)
    assert (found.answered, found.contains_gold, found.evidence_any, found.ranks) == (None, None, 0, (None,))


@pytest.mark.parametrize(
    ("changes", "verbatim", "dangling"),
    [
        ({}, True, 0),
        ({"quote": "They ate fish in Doha."}, False, 0),
        ({"start": 11}, False, 1),
        ({"article_id": "b"}, False, 1),
        ({"start": 12, "end": 12, "quote": ""}, False, 1),
        ({"start": -1, "end": len(TEXT), "quote": "."}, False, 1),  # Python's own slice would say yes
        ({"start": 35, "end": 47, "quote": "Nobody paid."}, True, 1),  # true words that were never shown
    ],
)
def test_citations_are_checked_against_text_and_evidence(
    changes: dict[str, Any], verbatim: bool, dangling: int
) -> None:
    prediction = predicts([("They ate rice.", [ATE])], [MET, ATE])
    prediction["claims"][0]["citations"][0].update(changes)
    found = score(asks("rice", gold=(ATE,)), prediction, TEXTS)
    assert (found.verbatim, found.dangling) == ((verbatim,), dangling)


def test_marks_that_no_evidence_has_are_counted_and_refused_sentences_are_not() -> None:
    prediction = predicts([("They ate rice.", [ATE])], [MET, ATE])
    prediction["claims"][0]["rejected"] = [
        {"label": 7, "reason": "unknown mark"},
        {"label": 2, "reason": "number not in the cited sentence: 2"},
        {"label": None, "reason": "nothing supports it"},
    ]
    assert score(asks("rice"), prediction, TEXTS).unknown_marks == 1


# Intervals


@pytest.mark.parametrize(
    ("share", "n", "low", "high"),
    [(0.5, 10, 0.2366, 0.7634), (1.0, 10, 0.7225, 1.0), (0.0, 10, 0.0, 0.2775), (1.0, 1, 0.2065, 1.0)],
)
def test_wilson_by_published_values(share: float, n: int, low: float, high: float) -> None:
    assert stats.wilson(share, n) == pytest.approx((low, high), abs=1e-4)


def test_bootstrap_is_near_the_normal_interval_and_repeats() -> None:
    values = [0.0, 1.0] * 100  # standard error 0.5 / sqrt(200) = 0.0354
    found = stats.bootstrap(values)
    assert found == pytest.approx((0.5 - 1.96 * 0.0354, 0.5 + 1.96 * 0.0354), abs=0.01)
    assert stats.bootstrap(values) == found


def test_undefined_values_are_left_out_and_counted() -> None:
    assert stats.mean([None, 0.5, 0.7, None]) == Figure(0.6, 2, stats.wilson(0.6, 2), undefined=2)
    assert stats.rate([True, None, False, False]).value == pytest.approx(1 / 3)
    assert stats.quantile([None, 1.0, 3.0], 0.5).value == 2


def test_what_has_no_value_is_none_and_never_0() -> None:
    nothing = Figure(None, 0, None, undefined=1)
    assert stats.mean([None]) == stats.rate([None]) == stats.quantile([None], 0.5) == nothing
    assert stats.count(0, 0) == Figure(None, 0)
    assert stats.count(0, 3) == Figure(0, 3)


def test_few_or_equal_values_are_never_certain() -> None:
    assert stats.mean([1.0] * 50).ci95 == stats.wilson(1.0, 50)
    assert stats.mean([120.0], unit=False).ci95 is None


@given(SHARES)
def test_an_interval_holds_its_mean_within_the_range(values: list[float]) -> None:
    figure = stats.mean(values)
    assert figure.value is not None
    assert figure.ci95 is not None
    assert 0 <= figure.ci95[0] <= figure.ci95[1] <= 1
    assert figure.ci95[0] - 0.05 <= figure.value <= figure.ci95[1] + 0.05


@given(SHARES, st.floats(0, 1))
def test_a_quantile_is_between_the_extremes(values: list[float], q: float) -> None:
    value = stats.quantile(values, q).value
    assert value is not None
    assert min(values) - 1e-12 <= value <= max(values) + 1e-12


# The whole run


def test_whether_a_program_can_tell_does_not_depend_on_how_it_ended() -> None:
    whole = " ".join(["word"] * 21)
    for answers, told in (((whole,), None), ((), None), (("Bo",), False)):
        question = asks(*answers, gold=(MET,))
        answered = score(question, predicts([("Nobody paid.", [PAID])], [PAID]), TEXTS)
        withheld = score(question, predicts([], [MET]), TEXTS)
        failed = score(question, predicts([], [MET], reason="llm_unavailable"), TEXTS)
        assert (answered.right, withheld.right, failed.right) == (told, told, None)
    assert score(asks(answerable=False), predicts([], [PAID]), TEXTS).right is True
    assert score(asks(answerable=False), predicts([("Nobody paid.", [PAID])], [PAID]), TEXTS).right is False


def scores() -> list[Score]:
    right = score(asks("rice", gold=(ATE,)), predicts([("They ate rice.", [ATE])], [ATE]), TEXTS)
    wrong = score(asks("Bo", gold=(MET,)), predicts([("Nobody paid.", [PAID])], [PAID]), TEXTS)
    refused = score(asks("Bo", gold=(MET,)), predicts([], [MET]), TEXTS)
    withheld = score(asks(answerable=False), predicts([], [PAID]), TEXTS)
    invented = score(asks(answerable=False), predicts([("Nobody paid.", [PAID])], [PAID]), TEXTS)
    failed = score(asks("Bo", gold=(MET,)), predicts([], [MET], reason="llm_unavailable"), TEXTS)
    return [right, wrong, refused, withheld, invented, failed]


def test_figures_of_a_run_by_hand() -> None:
    figures = {
        name: (f.value and round(f.value, 3), f.n, f.undefined) for name, f in summary.summarise(scores()).items()
    }
    wanted = {
        "contains_gold": (0.333, 3, 0),  # the refused one counts 0, the failed one is left out
        "answerable_refused": (0.333, 3, 0),
        "unanswerable_answered": (0.5, 2, 0),
        "citation_precision": (0.5, 2, 0),
        "verbatim_rate": (1, 3, 0),
        "dangling_marks": (0, 3, 0),
        "evidence_recall": (0.75, 4, 0),  # retrieval is measured where the model failed, too
        "recall@1": (0.75, 4, 0),
        "total_ms_p50": (1000, 6, 0),
    }
    assert {name: figures[name] for name in wanted} == wanted
    assert "rerank_ms_p50" not in figures


def test_confusion_counts_what_was_asked() -> None:
    assert summary.confusion(scores()) == {
        "answerable_answered": 2,
        "answerable_abstained": 1,
        "unanswerable_answered": 1,
        "unanswerable_abstained": 1,
    }


def test_slices_have_their_own_figures() -> None:
    found = summary.slices(scores())
    assert list(found) == ["who"]
    assert found["who"]["contains_gold"] == summary.summarise(scores())["contains_gold"]


def test_a_run_without_answers_has_no_answer_figures() -> None:
    figures = summary.summarise([score(asks("rice", gold=(ATE,)), predicts([], [ATE]) | NO_ANSWER, TEXTS)])
    assert figures["evidence_recall"].value == 1
    assert not figures.keys() & {"contains_gold", "verbatim_rate", "answerable_refused"}


def test_faults_name_what_went_wrong() -> None:
    assert [summary.faults(one) for one in scores()] == [
        (),
        ("gold answer not given", "no citation on gold evidence", "gold evidence not shown"),
        ("refused",),
        (),
        ("answered the unanswerable",),
        (),
    ]


# What the suite of answers asks for


def test_a_gold_answer_of_many_words_is_compared_by_its_words_only() -> None:
    long = " ".join(f"w{n}" for n in range(21))
    assert exact_match(long, asks(long)) is None
    assert contains_gold(long, asks(long)) is None
    assert token_f1(long, asks(long)) == 1
    assert contains_gold(long, asks(long, "w3")) is True  # a short one beside it can be looked for
    refused = score(asks(long), predicts([], []), TEXTS)
    assert (refused.contains_gold, refused.token_f1) == (None, 0)


def test_a_claim_without_a_gate_says_itself_that_it_is_shown() -> None:
    claims = [
        {"text": "Ann met Bo.", "citations": [], "rejected": [], "shown": True, "upheld": False},
        {"text": "They ate.", "citations": [], "rejected": [], "shown": True, "upheld": None},
    ]
    found = score(asks("Bo"), predicts([("x", [MET])], [MET]) | {"claims": claims}, TEXTS)
    assert found.withdrawn == (False, False)
    assert found.citations_per_claim == (0, 0)
    assert found.upheld == (False, None)
    figures = summary.summarise([found])
    assert figures["claims_supported"] == stats.rate([False, None])


def test_a_gated_claim_is_upheld_as_soon_as_it_is_shown() -> None:
    found = score(asks("Bo"), predicts([("Ann met Bo.", [MET]), ("Bo paid.", [])], [MET]), TEXTS)
    assert (found.upheld, found.withdrawn) == ((True,), (False, True))


@pytest.mark.parametrize(
    ("own", "claims", "wanted"),
    [
        (None, [("Ann met Bo.", [MET])], 0.9),
        (0.3, [("Ann met Bo.", [MET])], 0.3),
        (0.0, [], 0.0),
        (None, [], None),
    ],
)
def test_confidence_is_the_systems_own_word_else_its_best_citation(
    own: float | None, claims: list[tuple[str, list[Span]]], wanted: float | None
) -> None:
    assert score(asks("Bo"), predicts(claims, [MET], answerability=own), TEXTS).confidence == wanted
