"""The judge with a scripted model: what counts as a mark, the agreement by hand, and that no mark comes without it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fakes import ScriptedLLM
from hypothesis import given
from hypothesis import strategies as st

from evals import judge, stats
from evals.judge import Item
from evals.rundir import encode
from qa.types import Prompt

MARKS = st.lists(st.tuples(st.integers(1, 4), st.integers(1, 4)), min_size=3, max_size=20)


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(encode(row) + b"\n" for row in rows))
    return path


# Marks


@pytest.mark.parametrize(
    ("said", "mark"),
    [
        ("4", 4),
        (" 3.\n", 3),
        ("Mark: 2", 2),
        ("**1**", 1),
        ("3/4", 3),
        ("5", None),
        ("0", None),
        ("", None),
        ("The answer is 4", None),
        ("4 because 3 of 4 sentences", None),  # a mark is the whole of it, or it is none
        ("NOT 4", None),
        ("44", None),
    ],
)
def test_only_a_number_and_nothing_else_is_a_mark(said: str, mark: int | None) -> None:
    assert judge.mark_of(said) == mark


def test_the_prompt_has_the_sentences_that_are_nearest_to_the_answer() -> None:
    texts = ["It rained on Monday. Ann met Bo in Doha.", "The ferry was late."]
    item = Item("x", "Who met Ann?", "Bo met Ann in Doha.", texts)
    assert (
        "It rained on Monday.\nAnn met Bo in Doha.\nThe ferry was late." in judge.prompt_of(item, "faithfulness").user
    )
    assert judge.nearest(texts, "Bo met Ann in Doha.", 20) == ["Ann met Bo in Doha."]
    assert "Reference answer:\n" in judge.prompt_of(item, "gold").user
    assert judge.prompt_of(item, "gold").system != judge.prompt_of(item, "faithfulness").system


# Statistics


def test_ranks_correlation_auroc_and_kappa_by_hand() -> None:
    assert stats.ranks([3, 1, 3, 2]) == [3.5, 1, 3.5, 2]
    assert stats.spearman([1, 2, 3], [10, 30, 20]) == pytest.approx(0.5)
    assert stats.spearman([1, 2, 3], [3, 2, 1]) == pytest.approx(-1)
    assert stats.spearman([1, 1, 1], [1, 2, 3]) is None
    assert stats.spearman([1, 2], [1, 2]) is None
    assert stats.auroc([4, 3, 3, 1], [True, True, False, False]) == pytest.approx((1 + 1 + 0.5 + 1) / 4)
    assert stats.auroc([4, 3], [True, True]) is None
    assert stats.kappa([True, True, False, False], [True, False, False, False]) == pytest.approx((0.75 - 0.5) / 0.5)
    assert stats.kappa([True, True], [True, True]) is None
    assert stats.kappa([], []) is None


@given(MARKS)
def test_correlation_stays_in_its_range_and_does_not_know_the_sides(pairs: list[tuple[int, int]]) -> None:
    left, right = [a for a, _ in pairs], [b for _, b in pairs]
    value = stats.spearman(left, right)
    if value is None:
        assert len(set(left)) == 1 or len(set(right)) == 1
        return
    assert -1 - 1e-9 <= value <= 1 + 1e-9
    assert value == pytest.approx(stats.spearman(right, left))
    assert stats.spearman(left, left) == pytest.approx(1)


@given(MARKS)
def test_auroc_of_the_other_class_is_the_rest(pairs: list[tuple[int, int]]) -> None:
    scores, good = [float(a) for a, _ in pairs], [b >= 3 for _, b in pairs]
    value = stats.auroc(scores, good)
    if value is not None:
        other = stats.auroc(scores, [not one for one in good])
        assert other == pytest.approx(1 - value)


def test_the_agreement_leaves_out_what_was_not_marked_and_counts_it() -> None:
    ratings = {"a": (4.0, 4.0), "b": (4.0, 3.0), "c": (1.0, 2.0), "d": (2.0, 2.0)}
    found = judge.agreement({"a": 4, "b": 3, "c": 1, "d": None}, ratings)
    assert (found.n, found.failed, found.auroc, found.kappa) == (3, 1, 1, 1)
    assert found.spearman == pytest.approx(1)
    assert found.people == pytest.approx(stats.spearman([4, 4, 1], [4, 3, 2]))
    assert "agreement with people on 3 rated answers (1 not marked):" in found.lines()[0]


# The command


@pytest.fixture(autouse=True)
def _no_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "no-config"))
    for name in ("ARTICLE_QA_CONFIG", "ARTICLE_QA_LLM", "ARTICLE_QA_LLM_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def ratings(tmp_path: Path) -> Path:
    rows = [
        {
            "id": f"r{n}",
            "question": "Who met Ann?",
            "contexts": ["Ann met Bo."],
            "reference": "Bo did.",
            "response": "Bo." if n % 3 else "A wrong one.",
            "ratings": {"faithfulness": ["4", "4", "3"] if n % 3 else ["1", "2", "1"], "completeness": ["4", "4", "4"]},
        }
        for n in range(30)
    ]
    return write(tmp_path / "judgments.jsonl", rows)


def marks(prompt: Prompt) -> str:
    return "1" if "A wrong one." in prompt.user else "4"


def opened(monkeypatch: pytest.MonkeyPatch, *replies: Any) -> ScriptedLLM:  # noqa: ANN401
    llm = ScriptedLLM(*replies)
    monkeypatch.setattr("qa.llm.open_llm", lambda _config: llm)
    return llm


@pytest.fixture
def a_run(tmp_path: Path) -> Path:
    row = {"standalone": None, "question": "Who met Ann?", "evidence": [{"text": "Ann met Bo."}]}
    rows = [
        {**row, "id": "good", "status": "answered", "answer": "Bo."},
        {**row, "id": "bad", "status": "answered", "answer": "A wrong one."},
        {**row, "id": "none", "status": "abstained", "answer": ""},
    ]
    write(tmp_path / "run" / "predictions.jsonl", rows)
    return tmp_path / "run"


def test_marks_stand_beside_the_agreement(
    ratings: Path, a_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    llm = opened(monkeypatch, *[marks] * 22)
    call = ["--ratings", str(ratings), "--out", str(tmp_path / "out"), "--n", "20", "--run", str(a_run)]
    assert judge.main(call) == 0
    said = capsys.readouterr().out
    assert said.index("agreement with people on 20 rated answers (0 not marked)") < said.index("marked 3 or more: 0.50")
    assert "\n  4  good\n  1  bad\n" in said
    found = json.loads((tmp_path / "out" / "judge.json").read_bytes())
    assert found["marks"] == {"good": 4, "bad": 1}
    assert found["agreement"]["auroc"] == 1
    assert found["agreement"]["spearman"] == pytest.approx(1)
    assert sum("A wrong one." in prompt.user for prompt in llm.prompts) == 11  # 10 of 20, though they are a third
    opened(monkeypatch)  # everything is marked: nothing is asked again
    assert judge.main(call) == 0
    assert capsys.readouterr().out == said


def test_marks_for_other_gold_answers_are_not_taken(
    ratings: Path, a_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened(monkeypatch, *[marks] * 22)
    questions = tmp_path / "questions.jsonl"
    call = ["--ratings", str(ratings), "--out", str(tmp_path / "out"), "--n", "20", "--run", str(a_run)]
    call += ["--aspect", "gold", "--questions", str(questions)]
    write(questions, [{"id": name, "question": "Who met Ann?", "answers": ["Bo"]} for name in ("good", "bad")])
    assert judge.main(call) == 0
    write(questions, [{"id": name, "question": "Who met Ann?", "answers": ["Cy"]} for name in ("good", "bad")])
    assert judge.main(call) == 2
    assert "holds a run with other settings (questions)" in capsys.readouterr().err


def test_a_judge_that_gives_no_marks_is_not_heard(
    ratings: Path, a_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened(monkeypatch, *[["I think it is fine."]] * 1, *[marks] * 19)
    out = tmp_path / "out"
    assert judge.main(["--ratings", str(ratings), "--out", str(out), "--n", "20", "--run", str(a_run)]) == 1
    found = capsys.readouterr()
    assert "marked 19 of 20 answers: too few to believe any of its marks" in found.err
    assert found.out == ""
    assert not (out / "judge.json").exists()


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (["--n", "19"], "below 20 rated answers"),
        (["--llm", "none"], "a judge is a language model"),
        (["--aspect", "gold", "--run", "somewhere"], "--aspect gold wants --questions"),
    ],
)
def test_a_wrong_call_says_what_is_wanted(
    call: list[str], why: str, ratings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert judge.main(["--ratings", str(ratings), "--out", str(tmp_path / "out"), *call]) == 2
    assert why in capsys.readouterr().err


@pytest.mark.parametrize(
    "row", [{"id": "x"}, {"id": "x", "question": "?", "response": "y", "ratings": {}, "contexts": []}]
)
def test_a_file_without_ratings_is_named(
    row: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "other.jsonl", [row])
    assert judge.main(["--ratings", str(path), "--out", str(tmp_path / "out")]) == 2
    assert "other.jsonl line 1: no rated answer" in capsys.readouterr().err


def test_gold_is_compared_with_the_references_of_what_can_be_answered() -> None:
    row = {"standalone": "Who met Ann on Friday?", "question": "and on Friday?", "evidence": [], "status": "answered"}
    rows = [{**row, "id": "a", "answer": "Bo."}, {**row, "id": "b", "answer": "Bo."}]
    assert judge.items_of(rows, "gold", {"a": ("Bo", "Bo B.")}) == [
        Item("a", "Who met Ann on Friday?", "Bo.", ("Bo", "Bo B."))
    ]
    assert judge.items_of(rows, "faithfulness", {}) == []
