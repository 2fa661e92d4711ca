"""From the scores of a run to its figures: which measure is a share, which a mean, and of what."""

from __future__ import annotations

import math
from itertools import chain
from typing import TYPE_CHECKING, Any

from evals import stats
from evals.metrics import Score, ndcg, recall_at, reciprocal_rank

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evals.types import Figure

STAGES = ("retrieve", "rerank", "evidence", "first_token", "total")
SLICED = (
    "contains_gold",
    "exact_match",
    "token_f1",
    "words_exact_match",
    "words_f1",
    "answerable_refused",
    "unanswerable_answered",
    "citation_precision",
    "citation_recall",
    "evidence_recall",
    "recall@1",
    "recall@5",
    "recall@10",
)


def summarise(scores: Sequence[Score]) -> dict[str, Figure]:
    """Every figure by name. Answer and citation figures are left out of a retrieval-only run."""
    figures = _retrieval(scores)
    asked = [one for one in scores if one.answered is not None]
    if asked:
        figures = _answers(asked) | _citations(asked) | figures
    return figures | _timings(scores)


def slices(scores: Sequence[Score]) -> dict[str, dict[str, Figure]]:
    """The main figures by question type, in the order of their names; empty where no question has a type."""
    kinds = sorted({one.kind for one in scores if one.kind is not None})
    found = {}
    for kind in kinds:
        figures = summarise([one for one in scores if one.kind == kind])
        found[kind] = {name: figures[name] for name in SLICED if name in figures}
    return found


def confusion(scores: Sequence[Score]) -> dict[str, int]:
    """How many questions were answered or withheld, by whether they can be answered."""
    return {
        f"{wanted}_{done}": sum(
            one.answerable == (wanted == "answerable") and one.answered is (done == "answered") for one in scores
        )
        for wanted in ("answerable", "unanswerable")
        for done in ("answered", "abstained")
    }


def faults(score: Score) -> tuple[str, ...]:
    """What a reader of the report should look at, the worst first; empty for a good result."""
    checks = {
        "a quote is not verbatim": not all(score.verbatim),
        "a citation outside the evidence": score.dangling > 0,
        "answered the unanswerable": score.answered is True and not score.answerable,
        "refused": score.answered is False and score.answerable,
        "gold answer not given": score.answered is True and score.contains_gold == 0,
        "no citation on gold evidence": score.citation_precision == 0,
        "gold evidence not shown": score.evidence_any == 0,
    }
    return tuple(name for name, wrong in checks.items() if wrong)


def as_json(figure: Figure) -> dict[str, Any]:
    """A figure as `metrics.json` has it, rounded to 6 digits."""

    def rounded(value: float) -> float:
        return value if isinstance(value, int) else round(value, 6)

    interval = figure.ci95 and [rounded(bound) for bound in figure.ci95]
    value = None if figure.value is None else rounded(figure.value)
    return {"value": value, "n": figure.n, "ci95": interval, "undefined": figure.undefined}


def _answers(scores: Sequence[Score]) -> dict[str, Figure]:
    answerable = [one for one in scores if one.answerable]
    unanswerable = [one for one in scores if not one.answerable]
    return {
        "exact_match": stats.rate([one.exact_match for one in answerable]),
        "contains_gold": stats.rate([one.contains_gold for one in answerable]),
        "token_f1": stats.mean([one.token_f1 for one in answerable]),
        "words_exact_match": stats.rate([one.words_exact_match for one in answerable]),
        "words_f1": stats.mean([one.words_f1 for one in answerable]),
        "answerable_refused": stats.rate([not one.answered for one in answerable]),
        "unanswerable_answered": stats.rate([one.answered for one in unanswerable]),
    }


def _citations(scores: Sequence[Score]) -> dict[str, Figure]:
    verbatim = list(chain.from_iterable(one.verbatim for one in scores))
    withdrawn = list(chain.from_iterable(one.withdrawn for one in scores))
    answered = [one for one in scores if one.answerable and one.answered]
    return {
        "verbatim_rate": stats.rate(verbatim),
        "dangling_marks": stats.count(sum(one.dangling for one in scores), len(verbatim)),
        "citation_precision": stats.mean([one.citation_precision for one in answered]),
        "citation_recall": stats.mean([one.citation_recall for one in answered]),
        "citations_per_claim": stats.mean(
            [*chain.from_iterable(one.citations_per_claim for one in scores)], unit=False
        ),
        "quote_chars": stats.mean([*chain.from_iterable(one.quote_chars for one in scores)], unit=False),
        "claims_supported": stats.rate([*chain.from_iterable(one.upheld for one in scores)]),
        "claims_withdrawn": stats.rate(withdrawn),
        "unknown_marks": stats.count(sum(one.unknown_marks for one in scores), len(scores)),
    }


def _retrieval(scores: Sequence[Score]) -> dict[str, Figure]:
    wanted = [one for one in scores if one.answerable]
    figures = {
        "evidence_recall": stats.mean([one.evidence_recall for one in wanted]),
        "evidence_recall_any": stats.rate([one.evidence_any for one in wanted]),
        "all_evidence": stats.rate([one.evidence_all for one in wanted]),
    }
    for k in (1, 5, 10):
        figures[f"recall@{k}"] = stats.mean([recall_at(one.ranks, k) for one in wanted])
    figures["mrr@10"] = stats.mean([reciprocal_rank(one.ranks, 10) for one in wanted])
    figures["ndcg@10"] = stats.mean([ndcg(one.ranks, 10) for one in wanted])
    return figures


def _timings(scores: Sequence[Score]) -> dict[str, Figure]:
    figures = {}
    for stage in STAGES:
        taken = [one.timings_ms.get(stage) for one in scores]
        if any(ms is not None and math.isfinite(ms) for ms in taken):
            figures[f"{stage}_ms_p50"] = stats.quantile(taken, 0.5)
            figures[f"{stage}_ms_p90"] = stats.quantile(taken, 0.9)
    return figures
