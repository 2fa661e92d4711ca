"""Fitting the dial: known weights are found again from made-up predictions."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from evals import calibrate
from qa import abstain

MANY = 2_000
QUESTION, TEXT = "who won?", "Ada Brink won."


def written(folder: Path, *, many: int = MANY, text: str = TEXT, seed: int = 1) -> list[str]:
    """A run whose questions are answerable just as `qa.abstain` says; returns the arguments that name it."""
    rng = np.random.default_rng(seed)
    folder.mkdir()
    questions, predictions = [], []
    for number in range(many):
        sentence, passage = (float(x) for x in rng.normal(2, 5, size=2))
        likely = 1 / (1 + np.exp(-(abstain.BIAS + abstain.SENTENCE * sentence + abstain.PASSAGE * passage)))
        answerable = bool(rng.random() < likely)
        questions.append({"id": str(number), "question": QUESTION, "answers": [], "answerable": answerable})
        evidence = [{"score": sentence, "text": text, "title": "A race", "date": None}]
        retrieved = [{"stages": {"rerank": passage}}, {"stages": {}}]
        predictions.append(
            {"id": str(number), "question": QUESTION, "standalone": None, "evidence": evidence, "retrieved": retrieved}
        )
    for name, rows in (("questions.jsonl", questions), ("predictions.jsonl", predictions)):
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return ["--run", str(folder), str(folder / "questions.jsonl")]


def test_the_weights_that_made_the_questions_are_found_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert calibrate.main(written(tmp_path / "made")) == 0
    found = {line.split()[0]: line.split()[1] for line in capsys.readouterr().out.splitlines() if line}
    assert float(found["BIAS"]) == pytest.approx(abstain.BIAS, abs=0.2)
    assert float(found["SENTENCE"]) == pytest.approx(abstain.SENTENCE, abs=0.04)
    assert float(found["PASSAGE"]) == pytest.approx(abstain.PASSAGE, abs=0.04)
    assert float(found["all"]) == float(found["made"])
    assert 0.7 < float(found["all"]) < 0.9


def test_several_runs_are_fitted_together_and_shown_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, other = written(tmp_path / "one", many=200), written(tmp_path / "other", many=300, seed=2)
    assert calibrate.main([*one, *other]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("questions      500,")
    assert [line.split()[0] for line in lines[-3:]] == ["all", "one", "other"]


def test_what_the_rules_withhold_scores_nothing() -> None:
    scores = np.array([0.0, 0.9, 0.8, 0.0])
    assert calibrate.auroc(scores, np.array([False, True, True, True])) == pytest.approx((1 + 1 + 0.5) / 3)
    assert calibrate.auroc(scores, np.ones(4, dtype=bool)) is None


def test_each_row_is_judged_by_weights_fitted_without_it() -> None:
    rng = np.random.default_rng(3)
    signs = rng.normal(size=(60, 2))
    noise = rng.random(60) < 0.5
    worth = calibrate.auroc(calibrate.cross_validated(signs, noise), noise)
    assert worth is not None
    assert worth < 0.65  # there is nothing to learn


@pytest.mark.parametrize(
    ("wrong", "said"),
    [("no run", "no run is there"), ("other questions", "is not in"), ("unfit", "10 are needed at least")],
)
def test_what_cannot_be_fitted_is_named(
    wrong: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    args = written(tmp_path / "made", many=40, text="Who won?" if wrong == "unfit" else TEXT)
    if wrong == "no run":
        (tmp_path / "made" / "predictions.jsonl").unlink()
    if wrong == "other questions":
        (tmp_path / "made" / "questions.jsonl").write_text(
            '{"id": "x", "question": "who?", "answers": ["A"]}\n', "utf-8"
        )
    assert calibrate.main(args) == 2
    assert said in capsys.readouterr().err
