"""From the scores of all arms on all benchmarks to answers.json, answers.md and answers.html."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from evals import compare, curves, report, stats, summary
from evals.arms import CLOSED_BOOK, PRODUCT
from evals.machine import machine, versions
from evals.rundir import encode

if TYPE_CHECKING:
    from pathlib import Path

    from evals.metrics import Score
    from evals.report import Case
    from evals.types import Figure

MEASURES: Mapping[str, str] = {
    "contains_gold": "a gold answer stands in the answer, of the answerable questions with a short gold answer",
    "exact_match": "the answer is the gold answer and nothing else (SQuAD's normal form)",
    "token_f1": "words shared with the nearest gold answer",
    "words_exact_match": "the words that stand out in the answer are the gold answer and nothing else",
    "words_f1": "words that stand out, shared with the nearest gold answer",
    "answerable_refused": "answerable, but withheld",
    "unanswerable_answered": "not answerable, but answered",
    "citation_precision": "cited sentences that are gold evidence, of the answered ones with gold sentences",
    "citation_recall": "gold sentences that are cited",
    "evidence_recall": "gold sentences among those that the model was shown",
    "claims_supported": "shown sentences that the gate's rules hold against what they cite: all of them, where there is a gate",
    "claims_withdrawn": "sentences of the model that the gate withdrew",
    "citations_per_claim": "citations of a shown sentence",
    "quote_chars": "characters of a citation",
    "verbatim_rate": "quotes that are the article's own text at their place",
    "dangling_marks": "citations of what the model was not shown",
    "unknown_marks": "marks of the model that no evidence has",
    "first_token_ms_p50": "until the model's first word, median, in ms",
    "first_token_ms_p90": "the same, nine in ten",
    "total_ms_p50": "the whole answer, median, in ms",
    "total_ms_p90": "the same, nine in ten",
    "retrieve_ms_p50": "until the passages are found, median, in ms",
    "rerank_ms_p50": "for reading them with the cross-encoder, median, in ms",
    "evidence_ms_p50": "until the evidence is there, median, in ms",
}
IN_TABLE = (
    "contains_gold",
    "exact_match",
    "token_f1",
    "answerable_refused",
    "unanswerable_answered",
    "citation_precision",
    "citation_recall",
    "claims_supported",
    "total_ms_p50",
)
ALL = "all"
_SEES_NOTHING = ("evidence_recall",)  # what it would be wrong to ask of a model that is shown no evidence


@dataclass(frozen=True, slots=True)
class Earlier:
    """A saved run to compare with."""

    name: str
    scores: Mapping[compare.Key, Score]
    changed: Sequence[str]  # settings and files that are not what they were


@dataclass(frozen=True, slots=True)
class Material:
    """What the report is made of."""

    benchmarks: Mapping[str, Mapping[str, str]]  # name -> text of each article by id
    selected: Mapping[str, int]  # name -> questions that could be asked
    cases: Mapping[str, Mapping[str, Sequence[Case]]]  # arm -> benchmark -> answered questions
    failures: Mapping[str, Mapping[str, str]]  # arm -> question -> what went wrong with the model
    models: Mapping[str, str]
    config: Mapping[str, Any]
    earlier: Earlier | None = None


def write(material: Material, out: Path) -> None:
    """Write the three files; each is the old one or the new one, never half of it."""
    figures = figures_of(material)
    for name, content in (
        ("answers.json", encode(figures, indent=2) + b"\n"),
        ("answers.md", ("\n".join(markdown(figures)) + "\n").encode("utf-8", "replace")),
        ("answers.html", html(material, figures)),
    ):
        part = out / f"{name}.part"
        part.write_bytes(content)
        part.replace(out / name)


def figures_of(material: Material) -> dict[str, Any]:
    """The content of answers.json."""
    scores = {
        arm: {(name, case.question.id): case.score for name, cases in of.items() for case in cases}
        for arm, of in material.cases.items()
    }
    product = scores[PRODUCT]
    compared = {
        f"{PRODUCT} against {arm}": _compared(product, of, without=_SEES_NOTHING if arm == CLOSED_BOOK else ())
        for arm, of in scores.items()
        if arm != PRODUCT
    }
    if material.earlier:
        compared[f"this run against {material.earlier.name}"] = _compared(product, material.earlier.scores)
    return {
        "arms": {
            arm: {
                ALL: _part(list(of.values())),
                "benchmarks": {
                    name: {
                        **_part([case.score for case in material.cases[arm][name]]),
                        "slices": _slices([case.score for case in material.cases[arm][name]]),
                    }
                    for name in material.benchmarks
                },
            }
            for arm, of in scores.items()
        },
        "compared": compared,
        "changed_settings": list(material.earlier.changed) if material.earlier else [],
        "confidence": _confidence(list(product.values())),
        "seconds": [one.timings_ms["total"] / 1000 for one in product.values() if "total" in one.timings_ms],
        "selected": dict(material.selected),
        "failures": {arm: dict(of) for arm, of in material.failures.items()},
        "models": dict(material.models),
        "config": dict(material.config),
        "versions": versions(),
        "machine": machine(),
        "load": [round(one, 1) for one in os.getloadavg()]
        if hasattr(os, "getloadavg")
        else [],  # times are worth as much
    }


def markdown(figures: Mapping[str, Any]) -> Iterator[str]:
    """The tables as Markdown lines: the product by benchmark, the arms, the comparisons."""
    head = ["", "n", *IN_TABLE]
    arms = figures["arms"]
    yield "| " + " | ".join(["benchmark", *head[1:]]) + " |"
    yield "|" + " --- |" * len(head)
    product = arms[PRODUCT]
    for name, part in (*product["benchmarks"].items(), (ALL, product[ALL])):
        if part["questions"]:
            yield _line(name, part)
    if len(arms) > 1:
        yield ""
        yield "| " + " | ".join(["arm", *head[1:]]) + " |"
        yield "|" + " --- |" * len(head)
        for arm, of in arms.items():
            yield _line(arm, of[ALL])
    for name, of in figures["compared"].items():
        yield ""
        yield f"| {name} | n | here | there | difference | p |"
        yield "|" + " --- |" * 6
        for measure, one in of[ALL].items():
            here, there, difference = (report.number(one[key]) for key in ("here", "there", "difference"))
            yield f"| {measure} | {one['n']} | {here} | {there} | {difference} | {one['p']:.4f} |"
    area = figures["confidence"]["aurc"]
    if area["value"] is not None:
        yield ""
        yield f"AURC {_cell(area)}, at best {report.number(figures['confidence']['best_aurc'])}"


def html(material: Material, figures: Mapping[str, Any]) -> bytes:
    """The page: it asks for nothing from outside and needs no script."""
    confidence = figures["confidence"]
    return report.page(
        "answers.html",
        figures=figures,
        measures=MEASURES,
        columns=IN_TABLE,
        bins=report.histogram(figures["seconds"]),
        line=_polyline(confidence["risk_coverage"]),
        dots=[
            (one["confidence"]["value"], one["right"]["value"], one["right"]["ci95"], one["right"]["n"])
            for one in confidence["reliability"]
        ],
        failures={
            name: failures
            for name, texts in material.benchmarks.items()
            if (failures := list(_failures(material, name, texts)))
        },
    )


def _failures(material: Material, name: str, texts: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """The product's failures on one benchmark, each with what the baselines answered."""
    others = {
        arm: {case.question.id: case.prediction for case in of[name]}
        for arm, of in material.cases.items()
        if arm != PRODUCT
    }
    for case in material.cases[PRODUCT][name]:
        if summary.faults(case.score):
            said = [
                (arm, found["answer"] or f"withheld ({found['reason']})")
                for arm, of in others.items()
                if (found := of.get(case.question.id))
            ]
            yield report.failure(case, texts) | {"others": said}


def _part(scores: Sequence[Score]) -> dict[str, Any]:
    return {
        "questions": len(scores),
        "metrics": {name: summary.as_json(one) for name, one in summary.summarise(scores).items()},
        "confusion": summary.confusion(scores),
    }


def _slices(scores: Sequence[Score]) -> dict[str, Any]:
    return {
        kind: {name: summary.as_json(one) for name, one in figures.items()}
        for kind, figures in summary.slices(scores).items()
    }


def _compared(
    here: Mapping[compare.Key, Score], there: Mapping[compare.Key, Score], *, without: Sequence[str] = ()
) -> dict[str, dict[str, dict[str, float]]]:
    """By benchmark and for all, the questions that both have."""
    names = sorted({name for name, _ in here if any(other == name for other, _ in there)})
    parts = {ALL: compare.compare(here, there)} | {
        name: compare.compare({key: one for key, one in here.items() if key[0] == name}, there) for name in names
    }
    return {
        part: {
            measure: {name: round(value, 6) for name, value in asdict(one).items()}
            | {"difference": round(one.difference, 6)}
            for measure, one in of.items()
            if measure not in without
        }
        for part, of in parts.items()
    }


def _confidence(scores: Sequence[Score]) -> dict[str, Any]:
    """How far the product's own confidence can be believed, over the questions where a program can tell right from wrong."""
    told = [one for one in scores if one.right is not None]
    pairs = [(one.confidence, one.right) for one in told if one.answered and one.confidence is not None]
    known: list[curves.Pair] = [(confidence, bool(right)) for confidence, right in pairs]
    sure = [(one.confidence, one.answerable) for one in scores if one.confidence is not None]
    return {
        "questions": len(told),
        "tells_answerable": {
            "auroc": stats.auroc([confidence for confidence, _ in sure], [answerable for _, answerable in sure]),
            "n": len(sure),
        },
        "aurc": summary.as_json(curves.aurc(known)),
        "best_aurc": curves.best_aurc(known),
        "brier": summary.as_json(curves.brier(known)),
        "calibration_error": curves.calibration_error(known),
        "risk_coverage": [asdict(one) for one in curves.risk_coverage(known, len(told))],
        "reliability": [
            {"low": one.low, "high": one.high, "confidence": _figure(one.confidence), "right": _figure(one.right)}
            for one in curves.reliability(known)
        ],
    }


def _figure(figure: Figure) -> dict[str, Any]:
    return summary.as_json(figure)


def _polyline(points: Sequence[Mapping[str, float]]) -> str:
    """The curve in a square of 300 with the origin at the bottom left, as SVG wants its points."""
    return " ".join(f"{one['coverage'] * 300:.1f},{300 - one['risk'] * 300:.1f}" for one in points)


def _line(name: str, part: Mapping[str, Any]) -> str:
    metrics = part["metrics"]
    cells = [_cell(metrics[measure]) if measure in metrics else "–" for measure in IN_TABLE]
    return "| " + " | ".join([name, str(part["questions"]), *cells]) + " |"


def _cell(figure: Mapping[str, Any]) -> str:
    """Value, interval and n."""
    if figure["value"] is None:
        return "–"
    low_high = " to ".join(map(report.number, figure["ci95"])) if figure["ci95"] else ""
    return f"{report.number(figure['value'])} ({', '.join(filter(None, [low_high, 'n=' + str(figure['n'])]))})"
