"""The run as one HTML page that asks for nothing from outside and needs no script.

Everything drawn is worked out here; the template only places it. The template escapes every value (article text and
model output are data, never markup), and the page's own policy forbids scripts and requests in case that ever fails.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from evals.metrics import Prediction, Score, cited, holds, is_shown, matches, spans
from evals.summary import SLICED, faults

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evals.types import Question

_TEMPLATES = Path(__file__).with_name("templates")
_BINS = 20
_SHARES = (
    "contains_gold",
    "exact_match",
    "token_f1",
    "words_exact_match",
    "words_f1",
    "answerable_refused",
    "unanswerable_answered",
    "verbatim_rate",
    "citation_precision",
    "citation_recall",
    "claims_withdrawn",
    "evidence_recall",
    "evidence_recall_any",
    "all_evidence",
    "recall@1",
    "recall@5",
    "recall@10",
    "mrr@10",
    "ndcg@10",
)


@dataclass(frozen=True, slots=True)
class Case:
    """One question with its prediction and what that is worth."""

    question: Question
    prediction: Prediction
    score: Score


@dataclass(frozen=True, slots=True)
class Row:
    """A line of cited, shown or wanted text."""

    text: str
    place: str  # article and range
    gold: bool = False


@dataclass(frozen=True, slots=True)
class Bin:
    """One column of a histogram."""

    low: float
    high: float
    count: int
    height: float  # share of the highest column, in [0, 1]


def render(figures: Mapping[str, Any], cases: Sequence[Case], texts: Mapping[str, str], *, title: str) -> bytes:
    """The page. `figures` is the content of metrics.json; `texts` has each article's text by id."""
    metrics = figures["metrics"]
    stage = "total" if figures["confusion"] else "evidence"
    taken = [case.score.timings_ms[stage] / 1000 for case in cases if stage in case.score.timings_ms]
    return page(
        "report.html",
        title=title,
        figures=figures,
        bars=[(name, metrics[name]) for name in _SHARES if name in metrics and metrics[name]["value"] is not None],
        columns=[name for name in SLICED if any(name in row for row in figures["slices"].values())],
        stage=stage,
        bins=histogram(taken),
        failures=[failure(case, texts) for case in cases if faults(case.score)],
    )


def page(template: str, **values: object) -> bytes:
    """A template of this folder with its values; each is escaped, and one that the template wants and misses is an error."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = number
    return environment.get_template(template).render(**values).encode("utf-8", "replace")


def number(value: float | None) -> str:
    """Three places for a share, fewer for larger numbers, a dash for what is undefined."""
    if value is None:
        return "–"
    if isinstance(value, int):
        return str(value)
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}" if abs(value) < 1000 else f"{value:.0f}"


def histogram(values: Sequence[float], bins: int = _BINS) -> list[Bin]:
    """Columns of equal width from 0 to the largest value; none without values. Every value is in exactly one."""
    if not values:
        return []
    width = max(values) / bins or 1.0  # all of them (next to) 0: any width will do
    counts = [0] * bins
    for value in values:
        counts[min(bins - 1, int(value / width))] += 1
    return [Bin(i * width, (i + 1) * width, count, count / max(counts)) for i, count in enumerate(counts)]


def failure(case: Case, texts: Mapping[str, str]) -> dict[str, Any]:
    """What the page shows of one question that did not go well."""
    question, prediction = case.question, case.prediction
    evidence = spans(prediction["evidence"])
    claims = prediction["claims"] or []
    citations = cited({"claims": claims})
    return {
        "id": question.id,
        "question": question.text,
        "history": question.history,
        "standalone": prediction["standalone"],
        "faults": faults(case.score),
        "gold": question.answers if question.answerable else (),
        "answerable": question.answerable,
        "match": question.match,
        "status": prediction["status"],
        "reason": prediction["reason"],
        "detail": prediction["detail"],
        "answer": prediction["answer"],
        "withdrawn": [
            (claim["text"], [mark["reason"] for mark in claim["rejected"]]) for claim in claims if not is_shown(claim)
        ],
        "cited": [
            Row(row["quote"], _place(row), any(matches(span, gold) for gold in question.gold))
            for row, span in zip(citations, spans(citations), strict=True)
        ],
        "evidence": [
            Row(row["text"], _place(row), any(matches(span, gold) for gold in question.gold))
            for row, span in zip(prediction["evidence"], evidence, strict=True)
        ],
        "unseen": [
            Row(_gold_text(texts.get(gold.article_id), gold.start, gold.end), _rank(gold.article_id, rank), gold=True)
            for gold, rank in zip(question.gold, case.score.ranks, strict=False)
            if not holds(evidence, gold)
        ],
        "completion": prediction["completion"],
        "others": (),  # (arm, what it answered), where there is anything to compare with
        "prompts": prediction.get("prompts", ()),  # what the model was sent, where the run kept it
    }


def _gold_text(text: str | None, start: int, end: int) -> str:
    if text is None:
        return "(the article is not among the articles)"
    return text[start:end] or "(the article as a whole)"


def _rank(article_id: str, rank: int | None) -> str:
    return f"{article_id}, in passage {rank}" if rank else f"{article_id}, in no passage found"


def _place(row: Mapping[str, Any]) -> str:
    return f"{row['article_id']} {row['start']}–{row['end']}"
