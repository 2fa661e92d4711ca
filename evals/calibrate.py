"""`python -m evals.calibrate`: fit the weights of `qa.abstain` to the evidence of runs, and show what they are worth.

    python -m evals.run --articles A.jsonl --questions train.jsonl --out runs/train --retrieval-only
    python -m evals.calibrate --run runs/train train.jsonl

Several `--run` are fitted together. Those that were asked of the embedded model (without `--retrieval-only`) also tell what its
first word leaned to. Take questions that are in no reported figure. Nothing is written: the weights are
constants in `qa/abstain.py`, to be changed by hand together with the figures beside them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from evals import data, stats
from evals.classify import Bools, Floats, Logistic, logistic
from evals.metrics import Prediction
from index.errors import InputError
from qa import abstain, explain, kinds
from qa.parse import parse
from qa.reader import SentenceReader
from qa.rerank import CrossEncoder
from qa.types import Evidence, EvidenceFound

PARTS = 10  # of the cross-validation
RIDGE = 1.0  # of the weights, per standard deviation of their sign
SIGNS = ("passage", "says", "leaning", "unfit", "hasty", "closer")  # as `qa.abstain.Weights` names them
DIALS = (0.4, 0.5, 0.55, 0.6, 0.65, 0.7)


@dataclass(frozen=True, slots=True)
class Case:
    """The best sentence of one question."""

    run: str
    answerable: bool
    # The logits of the best passage and of the sentence's reading. If the model told what it leaned to, also that, 1.0 where
    # the rules are against the sentence that it named, and 1.0 where the question is typed as into a search box.
    signs: tuple[float, ...]
    fits: bool  # a sentence passes the rules, or was named by such a model
    closer: float | None = None  # what the model leaned to where it saw that sentence alone; None if it was not asked


def cases(folder: Path, questions: Path, read: abstain.Read) -> list[Case]:
    """Return a case for each prediction of a run that has evidence and was read by the cross-encoder.

    Raises:
        InputError: the run has no predictions, or its questions are not in the file.
    """
    asked = {question.id: question for question in data.read_questions(questions)}
    path = folder / "predictions.jsonl"
    if not path.is_file():
        raise InputError(f"{folder}: no run is there; make one with python -m evals.run")
    found = []
    for _, prediction in data.rows(path, torn=True):
        if prediction["id"] not in asked:
            raise InputError(
                f"{folder}: the question {prediction['id']!r} is not in {questions}: give the run's own file"
            )
        try:
            case = _case(folder.name, prediction, read, answerable=asked[prediction["id"]].answerable)
        except KeyError as exc:
            raise InputError(f"{folder}: its evidence has no {exc}, as older runs have not; make it anew") from exc
        if case is not None:
            found.append(case)
    # Of a run that was asked of the model, what it was not asked (a name that nobody mentions) is not judged by the dial.
    most = max((len(case.signs) for case in found), default=0)
    return [case for case in found if len(case.signs) == most]


def _case(run: str, prediction: Prediction, read: abstain.Read, *, answerable: bool) -> Case | None:
    passages = [hit["stages"]["rerank"] for hit in prediction["retrieved"] if "rerank" in hit["stages"]]
    shown = tuple(_evidence(row) for row in prediction["evidence"])
    if not any(not one.neighbour for one in shown) or not passages or prediction.get("steps"):
        return None  # what took several steps was judged step by step
    asked, leaning = prediction["standalone"] or prediction["question"], prediction.get("leaning")
    if leaning is not None and (explain.wanted(asked) or kinds.kind(asked) == "yes-no"):
        return None  # these have weights of their own
    judge = abstain.Answerability(EvidenceFound(asked, shown, (), 0.0), read)
    answer = _named(prediction, shown)
    unfit = answer is not None and not kinds.fits(asked, answer.text, abstain.around(answer))
    if answer is None or (unfit and (leaning is None or not abstain.says_something(answer))):
        alone, unfit = judge.alone(), False
        answer = alone.sentence if alone else None
    says = judge.readings([answer])[0].says if answer else 0.0
    told = () if leaning is None else (leaning, float(unfit), float(kinds.hasty(asked)))
    best = max(passages) if leaning is None else max(*passages, abstain.FLOOR)
    return Case(run, answerable, (best, says, *told), answer is not None, prediction.get("closer"))


def _named(prediction: Prediction, shown: Sequence[Evidence]) -> Evidence | None:
    """The sentence that the model named first; None if it named none."""
    named = [label for draft in parse(prediction.get("completion") or "") for label in draft.labels]
    return next((one for label in named for one in shown if one.label == label), None)


def _evidence(row: Mapping[str, Any]) -> Evidence:
    """A sentence of a prediction, as far as the rules read it."""
    day = row["date"] and date.fromisoformat(row["date"])
    place = (row["article_id"], row["title"], day, 0, row["start"], row["end"])
    more = {"neighbour": row["neighbour"], "context": row["context"]}
    return Evidence(row["label"], *place, row["text"], row["score"], **more)


def fit(signs: Floats, answerable: Bools) -> Logistic:
    """Return the weights of a ridge logistic regression, each case as likely as it is; `signs` is float (n, k)."""
    return logistic(signs, answerable, ridge=RIDGE, even=False)


def cross_validated(signs: Floats, answerable: Bools, *, seed: int = 0) -> Floats:
    """Return for each row a probability by weights that were fitted without it."""
    order = np.random.default_rng(seed).permutation(len(signs))
    made = np.zeros(len(signs))
    for part in range(PARTS):
        left_out = order[part::PARTS]
        rest = np.setdiff1d(order, left_out)
        made[left_out] = 1 / (1 + np.exp(-fit(signs[rest], answerable[rest])(signs[left_out])))
    return made


def report(found: Sequence[Case]) -> str:
    """Return the weights and what they are worth, as lines of text. Raises InputError if there is too little to fit.

    Where the model was asked for a closer look, the weights that judge by it are fitted to those questions alone.
    """
    told = min((len(case.signs) for case in found), default=2)  # of runs with and without a model, what both have
    lines = _fitted(found, [case.signs[:told] for case in found], abstain.READ if told == 2 else abstain.HEARD)
    looked = [case for case in found if case.closer is not None and len(case.signs) == told == len(SIGNS) - 1]
    if all(sum(case.fits and case.answerable is kind for case in looked) >= PARTS for kind in (True, False)):
        signs = [(*case.signs, case.closer) for case in looked if case.closer is not None]
        lines += ["", "with a closer look", *_fitted(looked, signs, abstain.CLOSER)]
    return "\n".join(lines)


def _fitted(found: Sequence[Case], told: Sequence[tuple[float, ...]], now: abstain.Weights) -> list[str]:
    answerable = np.array([case.answerable for case in found], dtype=bool)
    fits = np.array([case.fits for case in found], dtype=bool)
    signs = np.array(told, dtype=np.float64).reshape(len(found), -1)
    for kind, many in (("answerable", answerable[fits].sum()), ("unanswerable", (~answerable[fits]).sum())):
        if many < PARTS:
            raise InputError(f"{many} {kind} questions with a fitting sentence: {PARTS} are needed at least")
    weights = fit(signs[fits], answerable[fits])
    scores = np.zeros(len(found))
    scores[fits] = cross_validated(signs[fits], answerable[fits])
    lines = [
        f"questions      {len(found)}, {answerable.sum()} of them answerable",
        f"rules withhold {_share(~fits[answerable])} of the answerable, {_share(~fits[~answerable])} of the others",
        f"bias           {weights.bias:.3f}  (now {now.bias})",
        *(
            f"{name:<15}{value:.3f}  (now {getattr(now, name)})"
            for name, value in zip(SIGNS, weights.weights, strict=False)
        ),
        "",
        f"{'left out of the fit':<24}{'AUROC':>7}   shown at the dial, answerable/others",
    ]
    runs = list(dict.fromkeys(case.run for case in found))
    for name, inside in [("all", np.ones(len(found), dtype=bool)), *((r, _of(found, r)) for r in runs)]:
        worth = stats.auroc(scores[inside], answerable[inside])
        shown = (
            f"{dial}: {_share(scores[inside & answerable] >= dial)}/{_share(scores[inside & ~answerable] >= dial)}"
            for dial in DIALS
        )
        lines.append(f"{name:<24}{'-' if worth is None else f'{worth:.3f}':>7}   {'  '.join(shown)}")
    return lines


def _of(found: Iterable[Case], run: str) -> Bools:
    return np.array([case.run == run for case in found], dtype=bool)


def _share(flags: Bools) -> str:
    return f"{flags.mean():.2f}" if len(flags) else "-"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m evals.calibrate", description="Fit the weights of answerability.")
    parser.add_argument(
        "--run",
        nargs=2,
        type=Path,
        action="append",
        required=True,
        metavar=("DIR", "QUESTIONS"),
        help="a run of evals.run and the questions it asked; may be given several times",
    )
    args = parser.parse_args(argv)
    try:
        read = SentenceReader(CrossEncoder()).read
        print(report([case for folder, questions in args.run for case in cases(folder, questions, read)]))
    except InputError as exc:
        print(f"error: {exc}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
