"""The suite on two small benchmarks with the real embedder and cross-encoder, and its measures by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evals import stats, suite
from evals.metrics import score
from evals.report import Case
from evals.types import Question, Span

TEXT = "Ann met Bo in Doha. They ate rice. The mayor resigned on Friday."


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with a benchmark, one whose questions name no evidence, and a file."""
    made = tmp_path / "benchmarks"
    for name, evidence in (
        ("small", [{"article_id": "meet", "sentence": "Ann met Bo in Doha.", "start": 0, "end": 19}]),
        ("vague", []),
    ):
        folder = made / name
        folder.mkdir(parents=True)
        articles = [
            {"id": "meet", "title": "A meeting", "text": TEXT},
            {"id": "rain", "title": "Rain", "text": "It rained."},
        ]
        question = {
            "id": "who",
            "question": "Who met Ann?",
            "answers": ["Bo"],
            "answerable": True,
            "evidence": evidence,
        }
        (folder / "articles.jsonl").write_text("".join(json.dumps(one) + "\n" for one in articles))
        (folder / "questions.jsonl").write_text(json.dumps(question) + "\n")
    (made / "README.md").write_text("no benchmark")
    return made


def test_every_arm_is_measured_and_a_second_call_asks_nothing(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    call = ["retrieval", "--benchmarks", str(root), "--out", str(out), "--ablation"]
    assert suite.main(call) == 0
    first = capsys.readouterr()
    assert "vague: no question names its evidence" in first.err
    for arm in suite.ARMS:
        assert f"\n{arm} | " in first.out
        assert (out / "small" / arm / "report.html").is_file()
    found = json.loads((out / "retrieval.json").read_bytes())["benchmarks"]["small"]
    assert found["default"]["metrics"]["recall@1"]["value"] == 1.0
    assert found["bm25-alone"]["against_default"]["recall@1"] == {"difference": 0.0, "p": 1.0}
    written = {path: path.stat().st_mtime_ns for path in out.rglob("predictions.jsonl")}
    assert suite.main(call) == 0
    assert {path: path.stat().st_mtime_ns for path in out.rglob("predictions.jsonl")} == written


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (["--only", "other"], "no benchmark 'other'; there are small, vague"),
        (["--benchmarks", "nowhere"], "no folder in it has articles.jsonl"),
    ],
)
def test_a_wrong_call_says_what_there_is(
    call: list[str], why: str, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert suite.main(["retrieval", "--benchmarks", str(root), "--out", str(tmp_path / "out"), *call]) == 2
    assert why in capsys.readouterr().err


def case(facts: list[str], texts: list[str]) -> Case:
    question = Question("q", "Who?", answerable=True, gold=tuple(Span("a", 0, 0, fact) for fact in facts))
    hits = [{"article_id": "a", "start": 0, "end": 1, "text": text} for text in texts]
    prediction: dict[str, Any] = {"retrieved": hits, "evidence": [], "status": None, "reason": None, "timings_ms": {}}
    return Case(question, prediction, score(question, prediction, {}))


@pytest.mark.parametrize(
    ("facts", "texts", "wanted"),
    [
        (
            ["one", "two"],
            ["one two"],
            (1, 1, 2 / 1 / 2, 1),
        ),  # both facts at rank 1: counted together, as the script does
        (["one", "two"], ["x", "one", "y", "z", "two"], (1, 1, (1 / 2 + 1 / 5) / 2, 1 / 2)),
        (["one"], ["x"] * 4 + ["one"], (0, 1, 1 / 5, 1 / 5)),
        (["one"], ["x"] * 10 + ["one"], (0, 0, 0, 0)),
        (["o n\ne"], ["on e", "one"], (1, 1, 1, 1)),  # white space aside; a fact counts once
    ],
)
def test_multihop_rag_counts_as_its_script_does(facts: list[str], texts: list[str], wanted: tuple[float, ...]) -> None:
    found = suite.multihop_rag([case(facts, texts)])
    assert list(found) == ["hits@4", "hits@10", "map@10", "mrr@10"]
    assert tuple(found.values()) == pytest.approx(wanted)


def test_questions_without_facts_have_no_such_figures() -> None:
    assert suite.multihop_rag([case([], ["one"])]) == {}


def test_the_paired_test_tells_a_difference_from_none() -> None:
    assert stats.paired_p([0.0] * 20) == 1.0
    assert stats.paired_p([1.0, -1.0] * 10) == pytest.approx(1.0)
    assert stats.paired_p([1.0] * 12) == pytest.approx(2 / 2**12, abs=5e-4)
    assert stats.paired_p([1.0] * 12) == stats.paired_p([-1.0] * 12)
    assert stats.paired_p([1.0]) == 1.0  # one question says nothing
