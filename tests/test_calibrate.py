"""Fitting the dial: known weights are found again from made-up predictions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from evals import calibrate, stats
from index.errors import InputError
from qa import abstain
from qa.types import Evidence, EvidenceFound, Reading

MANY = 2_000
QUESTION, TEXT = "who won?", "Ada Brink won."


def read(question: str, sentences: Sequence[Evidence]) -> list[Reading]:
    """What the made-up runs say of themselves."""
    return [Reading(float(one.context or 0) if one.context[:1] in "-0123456789" else 0.5, 0, 1) for one in sentences]


@pytest.fixture(autouse=True)
def made_up_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibrate, "CrossEncoder", lambda: None)
    monkeypatch.setattr(calibrate, "SentenceReader", lambda _: SimpleNamespace(read=read))


def shown(text: str, score: float, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    place = {"label": 1, "article_id": "race", "title": "A race", "date": None, "start": 0, "end": len(text)}
    return {**place, "text": text, "score": score, "neighbour": False, "context": "", **more}


def written(
    folder: Path, *, many: int = MANY, text: str = TEXT, seed: int = 1, told: bool = False, looked: bool = False
) -> list[str]:
    """A run whose questions are answerable just as `qa.abstain` says; returns the arguments that name it.

    With `told`, a model was asked, and told what its first word leaned to; with `looked`, also at a closer look where that
    left it open.
    """
    now = abstain.HEARD if told else abstain.READ
    rng = np.random.default_rng(seed)
    folder.mkdir()
    questions, predictions = [], []
    for number in range(many):
        passage, says = (float(x) for x in rng.normal([2, 0], [5, 3]))
        leaning = float(rng.normal(0, 3)) if told else 0.0
        unfit = told and rng.random() < 0.3
        odds = now.bias + now.passage * passage + now.says * says + now.leaning * leaning
        odds += now.unfit if unfit else 0.0
        closer = float(rng.normal(0, 3)) if looked and abs(odds) < abstain.HEARD.unsure else None
        if closer is not None:
            by = abstain.CLOSER
            odds = by.bias + by.passage * passage + by.says * says + by.leaning * leaning + by.closer * closer
            odds += by.unfit if unfit else 0.0
        likely = 1 / (1 + np.exp(-odds))
        answerable = bool(rng.random() < likely)
        asked = "When was it won?" if unfit else QUESTION  # the sentence has no date
        questions.append({"id": str(number), "question": asked, "answers": [], "answerable": answerable})
        evidence = [shown(text, 1.0, context=str(says)), shown("It was close.", 9.0, neighbour=True, label=2)]
        retrieved = [{"stages": {"rerank": passage}}, {"stages": {}}]
        predictions.append(
            {"id": str(number), "question": asked, "standalone": None, "evidence": evidence, "retrieved": retrieved}
            | ({"leaning": leaning if number else None, "completion": "[1] Ada Brink won."} if told else {})
            | ({"closer": closer} if told else {})
        )
    for name, rows in (("questions.jsonl", questions), ("predictions.jsonl", predictions)):
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return ["--run", str(folder), str(folder / "questions.jsonl")]


def test_the_weights_that_made_the_questions_are_found_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert calibrate.main(written(tmp_path / "made")) == 0
    found = {line.split()[0]: line.split()[1] for line in capsys.readouterr().out.splitlines() if line}
    assert float(found["bias"]) == pytest.approx(abstain.READ.bias, abs=0.2)
    assert float(found["passage"]) == pytest.approx(abstain.READ.passage, abs=0.04)
    assert float(found["says"]) == pytest.approx(abstain.READ.says, abs=0.06)
    assert float(found["all"]) == float(found["made"])
    assert 0.7 < float(found["all"]) < 0.9


def test_so_is_what_the_model_leaned_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert calibrate.main(written(tmp_path / "made", told=True)) == 0
    found = {line.split()[0]: line.split()[1] for line in capsys.readouterr().out.splitlines() if line}
    assert found["questions"] == f"{MANY - 1},"  # without the one that the model was not asked
    assert float(found["leaning"]) == pytest.approx(abstain.HEARD.leaning, abs=0.08)
    assert float(found["says"]) == pytest.approx(abstain.HEARD.says, abs=0.08)
    assert float(found["unfit"]) == pytest.approx(abstain.HEARD.unfit, abs=0.4)
    # Beside a run that was asked of no model, only what both have is fitted.
    assert calibrate.main([*written(tmp_path / "one", told=True), *written(tmp_path / "other")]) == 0
    assert "leaning" not in capsys.readouterr().out


def test_a_closer_look_is_fitted_to_the_questions_that_had_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Among those that the first word left open its weight is hard to see: of MANY they tell it to within some .15 only.
    many = 6 * MANY
    assert calibrate.main(written(tmp_path / "made", many=many, told=True, looked=True)) == 0
    told = capsys.readouterr().out
    assert "closer" not in told.partition("with a closer look")[0]
    found = {line.split()[0]: line.split()[1] for line in told.partition("with a closer look")[2].splitlines() if line}
    assert many / 8 < int(found["questions"].strip(",")) < many / 2
    assert float(found["closer"]) == pytest.approx(abstain.CLOSER.closer, abs=0.1)
    assert float(found["leaning"]) == pytest.approx(abstain.CLOSER.leaning, abs=0.15)


def test_the_sentence_is_the_one_that_the_model_named(tmp_path: Path) -> None:
    evidence = [shown(TEXT, 2.0, context="3"), shown("Otto Brandt won.", 1.0, context="-1", label=2)]
    for completion, says in (
        ("[2] Otto Brandt won.", -1.0),
        ("NOT STATED", 3.0),
        ("[7] Nobody won.", 3.0),
        (None, 3.0),
    ):
        case = one_case(tmp_path, QUESTION, *evidence, completion=completion, leaning=0.25)
        assert case.signs == (1.0, says, 0.25, 0.0, 0.0)


def test_what_took_several_steps_is_no_case(tmp_path: Path) -> None:
    assert one_case(tmp_path, QUESTION, shown(TEXT, 2.0, context="3"), steps=[]).signs == (1.0, 3.0)
    with pytest.raises(ValueError, match="not enough values to unpack"):
        one_case(tmp_path, QUESTION, shown(TEXT, 2.0), steps=["who ran?", "who won?"])


def test_an_explanation_is_no_case_of_the_weights_for_one_sentence(tmp_path: Path) -> None:
    asked = "Why did Otto Brandt win?"
    assert one_case(tmp_path, asked, shown(TEXT, 2.0, context="3")).signs == (1.0, 3.0)  # no model was asked
    with pytest.raises(ValueError, match="not enough values to unpack"):
        one_case(tmp_path, asked, shown(TEXT, 2.0), leaning=0.25)


def test_the_rules_are_a_sign_beside_what_the_model_leaned_to(tmp_path: Path) -> None:
    evidence = [shown(TEXT, 2.0, context="3"), shown("Who won?", 1.0, context="-1", label=2)]
    for completion, leaning, signs in (
        ("[1] Ada Brink won.", 0.25, (1.0, 3.0, 0.25, 1.0, 0.0)),
        ("[2] Who won?", 0.25, (1.0, 0.0, 0.25, 0.0, 0.0)),  # what asks says nothing
        ("[1] Ada Brink won.", None, (1.0, 0.0)),
    ):
        case = one_case(tmp_path, "When was it won?", *evidence, completion=completion, leaning=leaning)
        assert (case.signs, case.fits) == (signs, signs[3:4] == (1.0,))


def test_several_runs_are_fitted_together_and_shown_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, other = written(tmp_path / "one", many=200), written(tmp_path / "other", many=300, seed=2)
    assert calibrate.main([*one, *other]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("questions      500,")
    assert [line.split()[0] for line in lines[-3:]] == ["all", "one", "other"]


def one_case(tmp_path: Path, question: str, *evidence: dict[str, Any], **more: Any) -> calibrate.Case:  # noqa: ANN401
    questions = tmp_path / "questions.jsonl"
    questions.write_text(json.dumps({"id": "x", "question": question, "answers": ["A"]}) + "\n", encoding="utf-8")
    row: dict[str, Any] = {"id": "x", "question": question, "standalone": None, "evidence": evidence, **more}
    row["retrieved"] = [{"stages": {"rerank": 1.0}}]
    # A kill in the middle of the last line; the first has a line separator as it is.
    whole = json.dumps(row, ensure_ascii=False) + '\n{"id": "y", "ques'
    (tmp_path / "predictions.jsonl").write_text(whole, encoding="utf-8")
    (case,) = calibrate.cases(tmp_path, questions, read)
    return case


def test_a_case_is_what_the_product_would_judge(tmp_path: Path) -> None:
    question, text = "What did Ada Brink build in 1931?", "She built the mill\u2028in that year."
    before = "Ada Brink came to Holm in 1931."
    sentence = Evidence(1, "a", "A mill", None, 1, 0, len(text), text, 2.0)
    neighbour = shown("It was close.", 7.0, neighbour=True, label=2)
    for context in (before, ""):
        found = EvidenceFound(question, (replace(sentence, context=context),), (), 0.0)
        case = one_case(tmp_path, question, shown(text, 2.0, title="A mill", context=context), neighbour)
        assert case.fits is (abstain.Answerability(found).alone() is not None)
        assert case.fits is bool(context)
        assert case.signs == (1.0, 0.5 if context else 0.0)


def test_a_run_of_an_older_program_is_named(tmp_path: Path) -> None:
    old = {name: value for name, value in shown(TEXT, 2.0).items() if name not in {"neighbour", "context"}}
    with pytest.raises(InputError, match=r"has no 'neighbour'.*make it anew"):
        one_case(tmp_path, QUESTION, old)


def test_what_the_rules_withhold_scores_nothing() -> None:
    scores = np.array([0.0, 0.9, 0.8, 0.0])
    assert stats.auroc(scores, np.array([False, True, True, True])) == pytest.approx((1 + 1 + 0.5) / 3)
    assert stats.auroc(scores, np.ones(4, dtype=bool)) is None


def test_each_row_is_judged_by_weights_fitted_without_it() -> None:
    rng = np.random.default_rng(3)
    signs = rng.normal(size=(60, 2))
    noise = rng.random(60) < 0.5
    worth = stats.auroc(calibrate.cross_validated(signs, noise), noise)
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
