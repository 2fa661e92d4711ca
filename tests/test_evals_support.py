"""Scorers of support against judgments: the measures by hand and by brute force, the features on sentences of our own."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals import classify, stats, support
from evals.rundir import RunFolder
from evals.support import Judgment, Meaning, read_judgments
from index import weights
from index.embed import Embedder
from index.errors import InputError, LLMUnavailableError
from qa.rerank import Reranker

QUAKE = "The quake killed 1,200 people in Kara on Sunday. Rescue teams from Norland arrived two days later."
BRIDGE = "The council will close the bridge in June. The mayor said the work costs 6.4 million euros."


def row(number: int, claim: str, text: str, label: str) -> dict[str, Any]:
    return {
        "id": f"j{number}",
        "question_id": f"q{number // 2}",
        "question": "What happened?",
        "claim": claim,
        "passages": [{"url": "https://example.org", "text": text}],
        "support": label,
        "system": f"s{number % 3}",
    }


ROWS = [
    row(0, "The quake killed 1,200 people.", QUAKE, "Complete"),
    row(1, "The quake destroyed the airport of Kara.", QUAKE, "Incomplete"),
    row(2, "The bridge will be closed in June.", BRIDGE, "Complete"),
    row(3, "The bridge was built in 1931 by engineers from Norland.", BRIDGE, "Incomplete"),
    row(4, "Teams from Norland came two days after the quake.", QUAKE, "Complete"),
    row(5, "A storm sank four boats.", QUAKE, "Incomplete"),
    row(6, "The work on the bridge costs 6.4 million euros.", BRIDGE, "Complete"),
    row(7, "The mayor resigned over the bridge.", BRIDGE, "Partial"),
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return written(tmp_path / "judgments.jsonl", ROWS)


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(one) + "\n" for one in rows), encoding="utf-8")
    return path


# --- the measures -----------------------------------------------------------------------------------------------------

scored = st.lists(st.tuples(st.booleans(), st.integers(-3, 3)), min_size=1, max_size=30)


@given(scored)
def test_auroc_is_the_share_of_pairs_in_the_right_order(cases: list[tuple[bool, int]]) -> None:
    labels, scores = np.array([one for one, _ in cases]), np.array([float(two) for _, two in cases])
    pairs = [(a > b) + (a == b) / 2 for x, a in cases if x for y, b in cases if not y]
    expected = sum(pairs) / len(pairs) if pairs else None
    found = stats.auroc(scores, labels)
    assert found == (None if expected is None else pytest.approx(expected))


def test_what_only_tells_the_strata_apart_is_chance_within_them() -> None:
    labels = np.array([True, True, True, False, True, False, False, False])
    strata = ["a"] * 4 + ["b"] * 4
    by_stratum = np.array([1.0] * 4 + [0.0] * 4)
    assert stats.auroc(by_stratum, labels) == 0.75
    assert classify.auroc_within(labels, by_stratum, strata) == 0.5
    assert classify.auroc_within(labels, labels.astype(float), strata) == 1.0
    assert classify.auroc_within(labels[:3], by_stratum[:3], strata[:3]) is None


def test_balanced_accuracy_does_not_pay_for_calling_everything_true() -> None:
    labels = np.array([True] * 9 + [False])
    assert classify.balanced(labels, np.ones(10, dtype=np.bool_)) == 0.5
    assert classify.balanced(labels, labels) == 1.0
    assert classify.balanced(labels[:9], labels[:9]) is None


def test_the_cut_lies_where_the_kinds_part() -> None:
    labels, scores = np.array([False, False, True, True]), np.array([0.0, 1.0, 3.0, 9.0])
    assert classify.cut(labels, scores) == 2.0


@given(st.lists(st.sampled_from("abcdefghij"), min_size=1, max_size=60), st.integers(0, 3))
def test_cases_of_a_group_share_a_fold(groups: list[str], seed: int) -> None:
    parts = classify.folds(groups, count=4, seed=seed)
    assert len(set(zip(groups, parts, strict=True))) == len(set(groups))
    assert set(parts) == set(range(min(4, len(set(groups)))))


def test_what_only_remembers_its_groups_is_not_better_than_chance() -> None:
    draws = np.random.default_rng(3)
    groups = [f"g{at // 10}" for at in range(400)]
    labels = np.repeat(draws.random(40) < 0.5, 10)  # the same for a whole group
    features = np.repeat(draws.random((40, 6)), 10, axis=0)  # tells the groups apart, and nothing else
    inside = stats.auroc(classify.stumps(features, labels)(features), labels)
    held_out = stats.auroc(classify.scored_apart(classify.stumps, features, labels, classify.folds(groups)), labels)
    assert inside is not None
    assert inside > 0.95
    assert held_out is not None
    assert 0.25 < held_out < 0.75


def test_a_logistic_regression_finds_the_direction_that_made_the_labels() -> None:
    draws = np.random.default_rng(0)
    features = draws.normal(size=(2000, 3)) * [1.0, 10.0, 1.0] + [0.0, 5.0, 0.0]
    labels = features @ [2.0, -0.2, 0.0] + 1.0 + draws.logistic(size=2000) > 0
    fitted = classify.logistic(features, labels, ridge=1.0)
    assert fitted.weights == pytest.approx((2.0, -0.2, 0.0), abs=0.2)
    assert (fitted(features) == features @ np.array(fitted.weights) + fitted.bias).all()


def test_stumps_learn_a_step_that_no_line_can_tell() -> None:
    draws = np.random.default_rng(1)
    features = draws.uniform(-1, 1, size=(600, 2))
    labels = np.abs(features[:, 0]) < 0.5
    lines = stats.auroc(classify.logistic(features, labels)(features), labels)
    steps = stats.auroc(classify.stumps(features, labels)(features), labels)
    assert lines is not None
    assert lines < 0.65
    assert steps is not None
    assert steps > 0.95


def test_intervals_hold_the_value_and_widen_where_cases_hang_together() -> None:
    draws = np.random.default_rng(2)
    labels = np.repeat(draws.random(40) < 0.5, 5)
    scores = labels + np.repeat(draws.normal(size=40), 5) * 1.5
    alone = classify.apart(labels, scores, [str(at) for at in range(200)], [""] * 200).auroc
    together = classify.apart(labels, scores, [str(at // 5) for at in range(200)], [""] * 200).auroc
    assert alone.value == together.value
    assert alone.ci95 is not None
    assert together.ci95 is not None
    assert together.ci95[0] < alone.ci95[0] < alone.value < alone.ci95[1] < together.ci95[1]  # type: ignore[operator]


# --- judgments and features -------------------------------------------------------------------------------------------


def test_judgments_are_read_with_their_sentences(file: Path) -> None:
    one = read_judgments(file)[0]
    assert (one.group, one.claim, one.label) == ("q0", "The quake killed 1,200 people.", "Complete")
    assert one.sentences == tuple(QUAKE.replace(". ", ".\n").split("\n"))


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ({"support": "Maybe"}, "line 2.*Maybe"),
        ({"passages": []}, "line 2.*no passage"),
        ({"passages": "text"}, "line 2"),
        ({"claim": None, "question_id": None}, ""),
    ],
)
def test_a_broken_judgment_is_named(broken: dict[str, Any], why: str, tmp_path: Path) -> None:
    path = written(tmp_path / "x.jsonl", [ROWS[0], {**ROWS[1], **broken}])
    if why:
        with pytest.raises(InputError, match=why):
            read_judgments(path)
    else:
        assert read_judgments(path)[1].claim == "None"


def test_no_file_and_no_judgment_are_errors(tmp_path: Path) -> None:
    for path in (tmp_path / "none.jsonl", written(tmp_path / "empty.jsonl", [])):
        with pytest.raises(InputError, match=path.name):
            read_judgments(path)


def judgment(claim: str, *passages: str, question: str = "What happened?") -> Judgment:
    return Judgment("j", "q", question, claim, passages, tuple(s for p in passages for s in p.split("\n")), "Complete")


def test_words_are_counted_by_hand() -> None:
    one = judgment("Norland sent 40 trucks to Kara", "Norland sent help to Kara.\nThe trucks came late, 35 of them.")
    found = support.word_features(one, {"truck": 3.0, "norland": 1.0, "kara": 1.0, "send": 1.0})
    assert found["words"] == 1.0
    assert found["words, best sentence"] == 0.75
    assert found["rare words, best sentence"] == 0.5
    assert found["numbers"] == 0.0
    assert found["names"] == 1.0
    assert found["pairs of words"] == pytest.approx(2 / 5)  # "norland sent", "to kara"
    assert found["longest common subsequence"] == pytest.approx(4 / 6)
    assert (found["length of the claim"], found["passages"]) == (4.0, 1.0)


def test_a_rare_word_is_in_few_passages() -> None:
    rarity = support.rarities([judgment("x", "storm in Kara", "storm in Norland")])
    assert rarity["kara"] > rarity["storm"] == 0.0


def test_the_parts_of_a_claim_that_say_something() -> None:
    claim = "The quake killed dozens of people, and it cut the power of Kara, too."
    assert support.parts_of(claim) == ["The quake killed dozens of people", "it cut the power of Kara"]
    assert support.parts_of("Yes, indeed.") == ["Yes, indeed."]


def test_what_models_see_is_higher_for_what_is_said(embedder: Embedder, reranker: Reranker) -> None:
    meaning = Meaning(embedder, reranker)
    said = judgment(ROWS[0]["claim"], QUAKE.replace(". ", ".\n"))
    other = judgment("A storm sank four boats off Lima.", QUAKE.replace(". ", ".\n"))
    yes, no = ({**support.model_features(one, meaning), **support.gate_features(one, meaning)} for one in (said, other))
    for name in ("cosine, best sentence", "cosine, best passage", "cross-encoder, best sentence", "the gate's score"):
        assert yes[name] > no[name], name
    assert (yes["the gate's rules"], no["the gate's rules"]) == (0.0, -3.0)


def test_log_odds_count_every_spelling() -> None:
    tokens = [("Yes", 0.5), (" yes", 0.1), ("no", 0.2), ("Maybe", 0.2)]
    said = support.log_odds([{"token": token, "logprob": math.log(p)} for token, p in tokens])
    assert said == pytest.approx(math.log(0.6 / 0.2))
    assert support.log_odds([]) == 0.0


def test_what_the_language_model_says_is_set_beside_features_on_the_same_judgments(
    file: Path, embedder: Embedder, reranker: Reranker
) -> None:
    judgments = read_judgments(file)
    features = support.features_of(judgments, Meaning(embedder, reranker))
    said, *beside = support.asked_rows(judgments, features, {"j0": 2.0, "j1": -1.0, "j2": 0.5, "j3": 1.0})
    assert (said.scorer, said.without_partial.auroc.value, said.without_partial.auroc.n) == (
        "language model, yes or no",
        0.75,
        4,
    )
    assert "the gate's score" in [row.scorer for row in beside]
    assert {row.without_partial.auroc.n for row in beside} == {4}


def test_the_sample_is_even_and_without_partial_ones(file: Path) -> None:
    some = support.sample(read_judgments(file), 4)
    assert sorted(one.label for one in some) == ["Complete"] * 2 + ["Incomplete"] * 2


def test_the_sentences_nearest_to_the_claim_are_shown_in_their_order() -> None:
    one = judgment("Norland sent trucks", "The trucks came late.\nIt rained.\nIt rained again.\nNorland sent help.")
    assert support.best_sentences(one).startswith("The trucks came late.")
    assert "Norland sent help." in support.best_sentences(one)


# --- the command ------------------------------------------------------------------------------------------------------


def test_the_command_measures_and_writes(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert support.main(["--judgments", str(file), "--out", str(out)]) == 0
    assert "8 judgments of 4 questions: 4 Complete, 1 Partial, 3 Incomplete" in capsys.readouterr().out
    whole = json.loads((out / "support.json").read_text(encoding="utf-8"))
    rows = {one["scorer"]: one for one in whole["rows"]["every judgment"]}
    assert rows["cosine, best sentence"]["without_partial"]["auroc"]["n"] == 7
    assert rows["cosine, best sentence"]["partial_is_no"]["auroc"]["n"] == 8
    assert rows["cosine, best sentence"]["without_partial"]["auroc"]["value"] > 0.8
    assert rows["all, logistic"]["trained"] is True
    assert (
        rows["no scorer: logistic of all, fitted to these very judgments"]["without_partial"]["auroc"]["value"] == 1.0
    )
    assert rows["no scorer: the share of supported claims of its system"]["without_partial"]["within"]["value"] == 0.5
    # each question has one Complete judgment and one of another kind, so the other one always says the opposite
    assert rows["no scorer: the other judgments on its question"]["without_partial"]["auroc"]["value"] == 0.0
    assert "| cosine, best sentence | " in (out / "support.md").read_text(encoding="utf-8")


def test_neither_the_label_nor_who_wrote_it_is_a_feature(
    file: Path, tmp_path: Path, embedder: Embedder, reranker: Reranker
) -> None:
    turned = [{**one, "support": "Incomplete", "system": f"s{at}", "field": "x"} for at, one in enumerate(ROWS)]
    meaning = Meaning(embedder, reranker)
    first, second = (
        support.features_of(read_judgments(path), meaning) for path in (file, written(tmp_path / "t.jsonl", turned))
    )
    assert first == second


def test_what_was_read_is_not_read_again(file: Path, tmp_path: Path, embedder: Embedder, reranker: Reranker) -> None:
    with RunFolder(tmp_path / "features", support.made_of(file)) as folder:
        folder.append({"id": "j0", "reason": None, "value": {"remembered": 7.0}})
    kept = tmp_path / "features" / "predictions.jsonl"
    kept.write_bytes(kept.read_bytes() + b'{"id": "j1", "rea')  # a kill in the middle of a line
    with RunFolder(tmp_path / "features", support.made_of(file)) as folder:
        found = support.features_of(read_judgments(file)[:2], Meaning(embedder, reranker), folder)
    assert found[0]["remembered"] == 7.0
    assert "remembered" not in found[1]
    assert [json.loads(line)["id"] for line in kept.read_text(encoding="utf-8").splitlines()] == ["j0", "j1"]


def test_what_was_read_under_other_rules_is_not_taken(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    call = ["--judgments", str(file), "--out", str(tmp_path / "out")]
    assert support.main(call) == 0
    changed = tmp_path / "verify.py"
    changed.write_text("# other rules\n", encoding="utf-8")
    monkeypatch.setattr("qa.verify.__file__", str(changed))
    assert support.main(call) == 2
    assert "features holds a run with other settings (sources.verify.py)" in capsys.readouterr().err
    assert support.made_of(file, llm="one") != support.made_of(file, llm="other")


def test_a_wrong_file_ends_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert support.main(["--judgments", str(tmp_path / "none.jsonl")]) == 2
    assert "none.jsonl" in capsys.readouterr().err


def test_a_model_that_does_not_start_ends_with_1(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    false = shutil.which("false")
    assert false
    monkeypatch.setattr("sys.executable", false)
    real = weights.path
    monkeypatch.setattr("index.weights.path", lambda name: tmp_path if name == support.MODEL else real(name))
    assert support.main(["--judgments", str(file), "--ask", "2"]) == 1
    assert "the model's process ended while starting (code 1)" in capsys.readouterr().err


def test_a_model_that_gives_no_reply_is_named() -> None:
    llm = object.__new__(support.YesNo)  # without its process
    llm._client = httpx.Client(base_url="http://model", transport=httpx.MockTransport(lambda _: httpx.Response(500)))
    with pytest.raises(LLMUnavailableError, match="gave no reply"):
        llm.score("It rained.", "It rained.")


@pytest.mark.model
def test_the_language_model_tells_what_is_said_from_what_is_not(file: Path, tmp_path: Path) -> None:
    judgments = read_judgments(file)[:2]
    with RunFolder(tmp_path / "asked", support.made_of(file, llm=support.MODEL)) as kept:
        answers = support.ask(judgments, kept)
        assert answers["j0"] > answers["j1"]
        assert support.ask(judgments, kept, minutes=0) == answers
