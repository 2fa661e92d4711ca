"""The suite of answers with scripted arms and real files: turns, time, going on, comparing, and what is written."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals import arms, suite
from evals.answers import Plan, measure
from evals.arms import Arm
from evals.folders import Folder, Loaded, folders, in_turn, load
from evals.metrics import Prediction
from evals.rundir import encode
from evals.types import Question
from index.errors import InputError, LLMUnavailableError
from qa.config import Config
from qa.types import Answer, Citation, Claim, Evidence

EVIL = "<script>alert(1)</script>"
TEXT = f"Ann met Bo in Doha. They ate rice. {EVIL} was said."
SIZES = {"big": 5, "small": 2}


def rows(path: Path, values: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(encode(value) + b"\n" for value in values))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two benchmarks of different size; every third question cannot be answered."""
    made = tmp_path / "benchmarks"
    for name, size in SIZES.items():
        rows(made / name / "articles.jsonl", [{"id": "meet", "title": "A meeting", "text": TEXT}])
        questions = [
            {
                "id": f"{name}-{n}",
                "question": f"{EVIL} Who met Ann, number {n}?",
                "answers": ["Bo"] if n % 3 else [],
                "answerable": bool(n % 3),
                "type": "who",
                "evidence": [{"article_id": "meet", "sentence": TEXT[:19], "start": 0, "end": 19}] if n % 3 else [],
            }
            for n in range(size)
        ]
        rows(made / name / "questions.jsonl", questions)
    return made


def said(question: Question, text: str, *, support: float = 0.9) -> dict[str, Any]:
    cite = Citation("meet", "A meeting", None, 0, 0, 19, TEXT[:19], support, 1)
    shown = (Evidence(1, "meet", "A meeting", None, 0, 0, 19, TEXT[:19], 0.5),)
    claims = (Claim(text, (cite,)),) if text else ()
    timings = {"first_token": 400.0, "total": 900.0}
    answer = Answer(
        question.text, claims, shown, completion=f"{text} [1]", timings_ms=timings, models={"llm": "scripted"}
    )
    prompts = [{"system": "be short", "user": f"the evidence: {EVIL}", "wrote": f"{text} [1]"}]
    return {"id": question.id, **answer.to_json(), "prompts": prompts}


Say = Callable[[Question], Prediction]


class Scripted:
    """A workshop whose arms say what they are told to; it notes who was asked what, and a question takes its seconds."""

    def __init__(self, *, seconds: float = 1.0, opening: float = 0.0, **arms: Say) -> None:
        self.config = Config(llm="none")
        self.asked: list[tuple[str, str]] = []
        self.libraries: dict[str, Path] = {}
        self.now = 0.0
        self._seconds, self._opening = seconds, opening
        self._says: dict[str, Say] = {"answers": lambda one: said(one, "Bo met Ann."), **arms}

    def arm(self, name: str, benchmark: Loaded, folder: Path, answered: Mapping[str, Prediction]) -> Arm:
        self.libraries[benchmark.name] = folder
        self.now += self._opening
        shop = self

        class One:
            def ask(self, question: Question) -> Prediction:
                shop.asked.append((name, question.id))
                shop.now += shop._seconds
                if name != "answers":
                    assert question.id in answered
                return shop._says[name](question)

        return One()


def go(root: Path, out: Path, shop: Scripted, *arms: str, **plan: Any) -> dict[str, Any]:  # noqa: ANN401
    settings = {"seed": 1, **plan}
    failed = measure(folders(root), Plan(out, ("answers", *arms), **settings), shop, clock=lambda: shop.now)  # type: ignore[arg-type]
    found: dict[str, Any] = json.loads((out / "answers.json").read_bytes())
    assert failed == sum(map(len, found["failures"].values()))
    return found


def benchmarks_of(asked: list[tuple[str, str]]) -> list[str]:
    return [question.partition("-")[0] for _, question in asked]


# Turns and time


def test_the_benchmarks_take_turns(root: Path, tmp_path: Path) -> None:
    shop = Scripted()
    go(root, tmp_path / "out", shop)
    assert benchmarks_of(shop.asked) == ["big", "small", "big", "small", "big", "big", "big"]
    assert len(set(shop.asked)) == 7


@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=4),
    st.none() | st.integers(1, 9),
    st.integers(0, 3),
    st.integers(0, 40),
)
def test_wherever_turns_are_cut_each_benchmark_has_had_as_many(
    sizes: list[int], limit: int | None, seed: int, cut: int
) -> None:
    made = [
        Loaded(str(n), (), {}, tuple(Question(f"{n}-{i}", "?", answerable=True) for i in range(size)), {}, ())
        for n, size in enumerate(sizes)
    ]
    turns = in_turn(made, seed=seed, limit=limit)
    wanted = [min(size, limit or size) for size in sizes]
    had = Counter(one.name for one, _ in turns[:cut])
    longest = max((had[str(n)] for n in range(len(sizes))), default=0)
    assert all(had[str(n)] >= min(wanted[n], longest - 1) for n in range(len(sizes)))
    assert [sum(one.name == str(n) for one, _ in turns) for n in range(len(sizes))] == wanted
    ids = [question.id for _, question in turns]
    assert {question.id for _, question in in_turn(made, seed=seed, limit=1)} <= set(ids)


def test_another_seed_draws_others(root: Path, tmp_path: Path) -> None:
    first, second = Scripted(), Scripted()
    go(root, tmp_path / "one", first, seed=1)
    go(root, tmp_path / "two", second, seed=2)
    assert first.asked != second.asked
    assert sorted(first.asked) == sorted(second.asked)


def test_it_ends_in_time_and_the_same_command_goes_on(root: Path, tmp_path: Path) -> None:
    shop = Scripted(seconds=30.0)
    found = go(root, tmp_path / "out", shop, minutes=2.1)
    assert len(shop.asked) == 4  # the fifth would not be done in 126 seconds
    assert shop.now <= 126
    assert found["arms"]["answers"]["all"]["questions"] == 4
    assert found["selected"] == {"big": 5, "small": 2}
    again = Scripted()
    found = go(root, tmp_path / "out", again, minutes=2.1)
    assert len(again.asked) == 3
    assert not set(again.asked) & set(shop.asked)
    assert found["arms"]["answers"]["all"]["questions"] == 7
    idle = Scripted()
    assert go(root, tmp_path / "out", idle)["arms"] == found["arms"]
    assert idle.asked == []


def test_baselines_have_their_share_of_the_time_and_only_what_was_answered(root: Path, tmp_path: Path) -> None:
    shop = Scripted(seconds=20.0, stock=lambda one: said(one, "Bo."))
    found = go(root, tmp_path / "out", shop, "stock", minutes=2.4)
    product = [question for arm, question in shop.asked if arm == "answers"]
    baseline = [question for arm, question in shop.asked if arm == "stock"]
    assert len(product) == 4  # 8 of 14 parts of 144 seconds
    assert baseline == product[: len(baseline)]
    assert len(baseline) == 3
    assert shop.now <= 144
    assert found["compared"]["answers against stock"]["all"]["right"]["n"] == 3


def test_a_run_that_was_stopped_goes_on(root: Path, tmp_path: Path) -> None:
    def stops(question: Question) -> Prediction:
        if question.id.startswith("small"):
            raise KeyboardInterrupt
        return said(question, "Bo met Ann.")

    stopped = Scripted(answers=stops)
    with pytest.raises(KeyboardInterrupt):
        go(root, tmp_path / "out", stopped)
    again = Scripted()
    go(root, tmp_path / "out", again)
    assert stopped.asked[0] not in again.asked
    assert len(again.asked) == 6


def test_libraries_of_another_run_can_be_used(root: Path, tmp_path: Path) -> None:
    shop = Scripted()
    go(root, tmp_path / "out", shop, limit=1, libraries=tmp_path / "made")
    assert shop.libraries == {name: tmp_path / "made" / name / "library" for name in SIZES}


# Failures of the model


@pytest.mark.parametrize(
    ("failure", "told"),
    [(LLMUnavailableError("gone"), "gone"), (ZeroDivisionError("a rule"), "ZeroDivisionError('a rule')")],
)
def test_a_failed_question_is_counted_and_asked_again(
    root: Path, tmp_path: Path, failure: Exception, told: str
) -> None:
    def fails(question: Question) -> Prediction:
        if question.id == "small-1":
            raise failure
        return said(question, "Bo met Ann.")

    found = go(root, tmp_path / "out", Scripted(answers=fails))
    assert found["failures"] == {"answers": {"small: small-1": told}}
    assert found["arms"]["answers"]["all"]["questions"] == 6
    again = Scripted()
    assert go(root, tmp_path / "out", again)["failures"] == {"answers": {}}
    assert again.asked == [("answers", "small-1")]


def test_a_model_that_is_gone_ends_the_run(root: Path, tmp_path: Path) -> None:
    def fails(question: Question) -> Prediction:
        raise LLMUnavailableError("gone")

    shop = Scripted(answers=fails)
    with pytest.raises(LLMUnavailableError, match="5 questions in a row failed: gone"):
        go(root, tmp_path / "out", shop)
    assert len(shop.asked) == 5


# Comparing


def test_a_saved_run_is_compared_question_by_question(root: Path, tmp_path: Path) -> None:
    go(root, tmp_path / "old", Scripted(answers=lambda one: said(one, "")))
    rows(root / "small" / "articles.jsonl", [{"id": "meet", "title": "Renamed", "text": TEXT}])
    found = go(root, tmp_path / "new", Scripted(), against=tmp_path / "old")
    all_of_it = found["compared"]["this run against old"]["all"]
    assert all_of_it["contains_gold"] == {
        "n": 4,
        "here": 1,
        "there": 0,
        "difference": 1,
        "p": pytest.approx(0.125, abs=0.02),
    }
    assert all_of_it["unanswerable_answered"]["difference"] == 1
    assert set(found["compared"]["this run against old"]) == {"all", "big", "small"}
    assert found["changed_settings"] == ["small/articles"]
    page = (tmp_path / "new" / "answers.html").read_text(encoding="utf-8")
    assert "This run against old" in page
    assert "Not the same: small/articles." in page


def test_what_holds_no_answers_cannot_be_compared_with(root: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no answers to big, small"):
        go(root, tmp_path / "new", Scripted(), against=tmp_path)


def test_another_configuration_wants_another_folder(root: Path, tmp_path: Path) -> None:
    go(root, tmp_path / "out", Scripted())
    other = Scripted()
    other.config = Config(llm="none", passages=7)
    with pytest.raises(InputError, match=r"passages.*choose another --out"):
        go(root, tmp_path / "out", other)


def test_answers_to_another_closed_book_prompt_are_not_mixed(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    says: dict[str, Any] = {"closed-book": lambda one: said(one, "Bo.")}
    go(root, tmp_path / "out", Scripted(**says), "closed-book", limit=1)
    monkeypatch.setattr("evals.arms.instructions", lambda _name: "other words")
    with pytest.raises(InputError, match=r"closed-book holds a run with other settings \(prompt\)"):
        go(root, tmp_path / "out", Scripted(**says), "closed-book", limit=1)


@pytest.mark.parametrize(("changed", "named"), [("qa.prompt.system", "prompt"), ("evals.arms.version", "article-qa")])
def test_answers_to_another_prompt_or_of_another_program_are_not_mixed(
    changed: str, named: str, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go(root, tmp_path / "out", Scripted(), limit=1)
    monkeypatch.setattr(changed, lambda *_, **__: "another")
    with pytest.raises(InputError, match=rf"answers holds a run with other settings \({named}\)"):
        go(root, tmp_path / "out", Scripted(), limit=1)
    assert arms.made_of("no-gate")[named] == arms.made_of("answers")[named]


# What is written


def test_figures_have_value_n_and_interval_for_each_benchmark_and_all(root: Path, tmp_path: Path) -> None:
    found = go(root, tmp_path / "out", Scripted(evidence=lambda one: said(one, "rice", support=0.2)), "evidence")
    product = found["arms"]["answers"]
    assert product["all"]["metrics"]["contains_gold"] == {"value": 1, "n": 4, "ci95": [0.510109, 1], "undefined": 0}
    assert product["all"]["metrics"]["exact_match"]["value"] == 0
    assert product["all"]["confusion"]["unanswerable_answered"] == 3
    assert product["benchmarks"]["small"]["metrics"]["contains_gold"]["n"] == 1
    assert product["benchmarks"]["small"]["slices"]["who"]["contains_gold"]["n"] == 1
    assert found["arms"]["evidence"]["all"]["metrics"]["contains_gold"]["value"] == 0
    assert found["models"] == {"llm": "scripted"}
    assert found["config"]["seed"] == 1
    text = (tmp_path / "out" / "answers.md").read_text(encoding="utf-8")
    assert "\n| all | 7 | 1.000 (0.510 to 1.000, n=4) |" in text
    assert "\n| evidence | 7 | 0.000 " in text
    assert "AURC 0.429" in text


def test_confidence_is_judged_over_what_a_program_can_tell(root: Path, tmp_path: Path) -> None:
    def sure(question: Question) -> Prediction:
        right = question.answerable
        return {**said(question, "Bo met Ann."), "answerability": 0.8 if right else 0.1}

    own = go(root, tmp_path / "out", Scripted(answers=sure))["confidence"]
    assert own["aurc"]["value"] == pytest.approx(own["best_aurc"])
    assert [(one["low"], one["right"]["value"]) for one in own["reliability"]] == [(0.1, 0), (0.8, 1)]
    assert own["tells_answerable"] == {"auroc": 1.0, "n": 7}
    assert own["risk_coverage"][0] == {"confidence": 0.8, "coverage": pytest.approx(4 / 7), "risk": 0}


def test_the_page_is_self_contained_and_shows_failures_with_prompt_and_completion(root: Path, tmp_path: Path) -> None:
    go(root, tmp_path / "out", Scripted(evidence=lambda one: said(one, f"They ate {EVIL}.")), "evidence")
    page = (tmp_path / "out" / "answers.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert not [mark for mark in ("http://", "https://", "src=", "href=", "url(", "@import") if mark in page]
    assert page.count("<svg") == 3
    failures = page.partition("<h2>Failures</h2>")[2]
    assert "<summary>big: 2 of 5</summary>" in failures
    assert "answered the unanswerable" in failures
    assert "<pre>be short</pre><pre>the evidence: &lt;script&gt;alert(1)&lt;/script&gt;</pre>" in failures
    assert "<pre>Bo met Ann. [1]</pre>" in failures
    assert "<small>evidence</small> They ate &lt;script&gt;" in failures


def test_time_that_went_into_making_a_library_counts_and_nothing_asked_is_a_page_too(
    root: Path, tmp_path: Path
) -> None:
    found = go(root, tmp_path / "out", Scripted(opening=90.0), minutes=1)
    assert found["arms"]["answers"]["all"]["questions"] == 0
    assert "None." in (tmp_path / "out" / "answers.html").read_text(encoding="utf-8")


def test_no_library_is_made_once_the_time_is_up(root: Path, tmp_path: Path) -> None:
    shop = Scripted(opening=90.0)
    go(root, tmp_path / "out", shop, minutes=1.5)
    assert benchmarks_of(shop.asked) == ["big"]
    assert list(shop.libraries) == ["big"]


def test_the_page_keeps_the_letters_of_a_runs_name(root: Path, tmp_path: Path) -> None:
    go(root, tmp_path / "Mistral-7B", Scripted())
    go(root, tmp_path / "new", Scripted(), against=tmp_path / "Mistral-7B")
    assert "<h2>This run against Mistral-7B</h2>" in (tmp_path / "new" / "answers.html").read_text(encoding="utf-8")


# Questions that bring their own documents

RGB = {
    "id": "rgb-1",
    "question": "Who won?",
    "answers": ["Ann", "A. Smith"],
    "answerable": True,
    "type": "counterfactual",
    "evidence": [],
    "fake_answers": ["Bo"],
    "positive": ["Ann won the race on Friday.", "The winner is Ann."],
    "positive_wrong": ["Bo won the race on Friday.", "The winner is Bo."],
    "negative": ["It rained all day.", "Anne was there too.", "Tickets were sold out."],
    "negative_near_answer": [1],
}


def test_a_question_with_documents_becomes_three(tmp_path: Path) -> None:
    rows(tmp_path / "rgb" / "questions.jsonl", [RGB])
    (folder,) = folders(tmp_path, own_documents=True)
    assert folder == Folder("rgb", None, tmp_path / "rgb" / "questions.jsonl")
    found = load(folder, tmp_path / "work")
    noise = tuple(f"rgb-1/negative/{n}" for n in range(3))
    assert list(found.questions) == [
        Question(
            "rgb-1/noise",
            "Who won?",
            answerable=True,
            answers=("Ann", "A. Smith"),
            kind="noise",
            within=("rgb-1/positive/0", "rgb-1/positive/1", *noise),
        ),
        Question(
            "rgb-1/planted",
            "Who won?",
            answerable=True,
            answers=("Bo",),
            kind="planted",
            within=("rgb-1/positive_wrong/0", "rgb-1/positive_wrong/1", *noise),
        ),
        Question(
            "rgb-1/absent",
            "Who won?",
            answerable=False,
            kind="absent",
            within=("rgb-1/negative/0", "rgb-1/negative/2"),
        ),
    ]
    assert found.texts["rgb-1/positive_wrong/1"] == "The winner is Bo."
    assert len(found.articles) == 7
    assert load(folder, tmp_path / "elsewhere").digests == found.digests


def test_the_retrieval_suite_leaves_such_folders_out(root: Path) -> None:
    rows(root / "rgb" / "questions.jsonl", [RGB])
    assert [one.name for one in folders(root)] == ["big", "small"]
    assert [one.name for one in folders(root, own_documents=True)] == ["big", "rgb", "small"]


@pytest.mark.parametrize("row", [b"{", b"[]", b'{"id": "x", "question": "?"}'])
def test_a_question_without_any_documents_is_named(tmp_path: Path, row: bytes) -> None:
    path = tmp_path / "odd" / "questions.jsonl"
    path.parent.mkdir()
    path.write_bytes(row + b"\n")
    with pytest.raises(InputError, match=r"questions.jsonl line 1: "):
        load(Folder("odd", None, path), tmp_path / "work")


# The command


@pytest.fixture(autouse=True)
def _no_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "no-config"))
    for name in ("ARTICLE_QA_CONFIG", "ARTICLE_QA_LLM", "ARTICLE_QA_LLM_URL"):
        monkeypatch.delenv(name, raising=False)


def test_the_command_measures_real_libraries_without_a_model(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows(root / "rgb" / "questions.jsonl", [RGB])
    out = tmp_path / "out"
    call = ["answers", "--benchmarks", str(root), "--out", str(out), "--llm", "none", "--limit", "2", "--seed", "3"]
    assert suite.main([*call, "--only", "small", "rgb"]) == 0
    first = capsys.readouterr()
    assert "\n| rgb | 2 |" in first.out
    assert f"{out / 'answers.html'}" in first.out
    assert "[answers 4/4]" in first.err
    kept = (out / "rgb" / "answers" / "predictions.jsonl").read_bytes()
    for line in kept.splitlines():
        row = json.loads(line)
        assert row["retrieved"]
        assert all(hit["article_id"].startswith("rgb-1/") for hit in row["retrieved"])
    assert suite.main([*call, "--only", "small", "rgb"]) == 0
    assert "[answers" not in capsys.readouterr().err
    assert (out / "rgb" / "answers" / "predictions.jsonl").read_bytes() == kept


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (["--only", "other"], "no benchmark 'other'; there are big, small"),
        (["--llm", "none", "--baselines", "closed-book"], "'closed-book' is about a language model"),
        (["--llm", "none", "--against", "nowhere"], "holds no answers to big, small"),
        (["--minutes", "nan"], "no number of minutes"),
        (["--baselines", "other"], "invalid choice: 'other'"),
    ],
)
def test_a_wrong_call_says_what_there_is(
    call: list[str], why: str, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        status = suite.main(["answers", "--benchmarks", str(root), "--out", str(tmp_path / "out"), *call])
    except SystemExit as exc:
        status = int(str(exc.code))
    assert status == 2
    assert why in capsys.readouterr().err


@pytest.mark.model
def test_all_arms_with_a_real_model(root: Path, tmp_path: Path) -> None:
    """The smallest model answers badly: what counts is that each arm asked it in its own way and was measured."""
    out = tmp_path / "out"
    call = ["answers", "--benchmarks", str(root), "--only", "small", "--out", str(out), "--llm", "tiny", "--limit", "1"]
    assert suite.main([*call, "--baselines", "stock", "no-gate", "closed-book", "evidence"]) == 0
    found = json.loads((out / "answers.json").read_bytes())
    assert list(found["arms"]) == ["answers", "evidence", "no-gate", "closed-book", "stock"]
    assert all(of["all"]["questions"] == 1 for of in found["arms"].values())
    sent = {}
    for arm in found["arms"]:
        (line,) = (out / "small" / arm / "predictions.jsonl").read_bytes().splitlines()
        row = json.loads(line)
        sent[arm] = [prompt["user"] for prompt in row["prompts"]]
        assert row["timings_ms"]["total"] > 0
        assert [prompt["wrote"] for prompt in row["prompts"]][-1:] == [row["completion"]] or arm == "evidence"
    assert TEXT[:19] in sent["answers"][0]
    assert sent["evidence"] == []
    assert TEXT[:19] not in sent["closed-book"][0]
    assert f"Source 1:\n{TEXT}" in sent["stock"][0]
