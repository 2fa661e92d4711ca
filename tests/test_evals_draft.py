"""Drafting gold questions with a scripted model, looking through them, and what is written in the end."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fakes import DOHA, MET, ScriptedLLM, evidence_of

from evals import data, draft
from evals.rundir import encode
from index.library import Library
from index.sentences import split
from index.types import Article
from qa.record import Kept, candidate
from qa.types import Answer, Citation, Claim, Prompt

FERRY = Article(
    "ferry",
    "The ferry to Holm is back",
    "The ferry to Holm was repaired in Aarle for 2.5 million crowns. Yes. The mayor, Ada Brink, took the first trip on Friday.",
)
COST = split(FERRY)[0]


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_bytes(b"".join(encode(row) + b"\n" for row in rows))
    return path


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


@pytest.fixture(autouse=True)
def _no_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "no-config"))
    for name in ("ARTICLE_QA_CONFIG", "ARTICLE_QA_LLM", "ARTICLE_QA_LLM_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def articles(tmp_path: Path) -> Path:
    rows = [{"id": one.id, "title": one.title, "text": one.text} for one in (FERRY, DOHA)]
    return write(tmp_path / "articles.jsonl", rows)


# Drafting


def test_sentences_are_picked_that_tell_something_one_of_each_article_in_turn() -> None:
    found = draft.pick(
        [FERRY, DOHA, Article("dull", "Dull", "It was a long and dull day, and nobody at all said a word.")], 9, 1
    )
    assert {article.id for article, _ in found[:2]} == {"ferry", "doha"}
    assert {sentence.text for article, sentence in found if article.id == "ferry"} == {
        "The ferry to Holm was repaired in Aarle for 2.5 million crowns.",
        "The mayor, Ada Brink, took the first trip on Friday.",
    }
    assert draft.pick([FERRY, DOHA], 1, 1) == found[:1] == draft.pick([FERRY, DOHA], 9, 1)[:1]


def test_a_draft_is_a_gold_question_with_the_sentence_as_evidence(tmp_path: Path) -> None:
    found = draft.drafted("Q: What did the ferry's repair cost?\nA: 2.5 Million crowns.", FERRY, COST)
    assert isinstance(found, dict)
    assert (found["question"], found["answers"]) == ("What did the ferry's repair cost?", ["2.5 million crowns"])
    assert (found["status"], found["accepted"]) == ("draft", None)
    (evidence,) = found["evidence"]
    assert FERRY.text[evidence["start"] : evidence["end"]] == evidence["sentence"] == COST.text
    (question,) = data.read_questions(write(tmp_path / "q.jsonl", [found]))
    assert data.check_gold([question], {"ferry": FERRY.text}) == []


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("What did it cost? 2.5 million", "no question and answer"),
        ("Q: What did the ferry cost?\nA: 3 million crowns", "does not stand in the sentence"),
        ("Q: What did the ferry cost?\nA: 5 million crowns", "does not stand in the sentence"),  # a part of a number
        ("Q: What did the ferry cost?\nA: .", "does not stand in the sentence"),
        ("Q: What cost 2.5 million crowns?\nA: 2.5 million crowns", "tells the answer"),
        ("Q: What is the ferry?\nA: The ferry to Holm was repaired in Aarle", "says the question again"),
        ("Q: Tell me what the ferry cost.\nA: 2.5 million crowns", "no question"),
        ("Q: How much?\nA: 2.5 million crowns", "no question"),
        ("Q: What does a house cost today?\nA: 2.5 million crowns", "something else"),
        (f"Q: What of the ferry?\nA: {COST.text}", "too long"),
    ],
)
def test_a_draft_that_would_measure_nothing_is_left_out(said: str, why: str) -> None:
    sentence = COST
    article = FERRY
    if why == "too long":
        article = Article("long", FERRY.title, f"{'very ' * 20}well it went.")
        (sentence,) = split(article)
        said = f"Q: How did the ferry trip go?\nA: {sentence.text}"
    found = draft.drafted(said, article, sentence)
    assert isinstance(found, str)
    assert why in found


def about(prompt: Prompt) -> str:
    if "2.5 million crowns" in prompt.user:
        return "Q: What did repairing the ferry to Holm cost?\nA: 2.5 million crowns"
    if "Ada Brink" in prompt.user:
        return "Q: Who took the ferry first?\nA: somebody"
    return "Q: Who met the envoy Mittal?\nA: Sher Mohammad Abbas Stanekzai"


def test_the_command_drafts_and_goes_on(
    articles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    models: list[ScriptedLLM] = []

    def opened(_config: object) -> ScriptedLLM:
        models.append(ScriptedLLM(*[about] * 9))
        return models[-1]

    monkeypatch.setattr("qa.llm.open_llm", opened)
    out = tmp_path / "new" / "drafts.jsonl"
    call = ["--articles", str(articles), "--out", str(out), "--seed", "2"]
    assert draft.main([*call, "--n", "1"]) == 0
    first = read(out)
    assert len(first) == 1
    assert "\nSentence: " in models[0].prompts[0].user
    assert models[0].closed
    assert draft.main([*call, "--n", "5"]) == 0
    rows = read(out)
    assert rows[:1] == first  # what is there stays, also what a person has changed
    assert {row["question"] for row in rows} == {
        about(Prompt("", text, {})).split("\n")[0][3:] for text in ("2.5 million crowns", "")
    }
    asked = [prompt.user for prompt in models[1].prompts]
    assert not [user for user in asked if first[0]["evidence"][0]["sentence"] in user]
    assert "× the answer does not stand in the sentence" in capsys.readouterr().err


def test_evidence_that_a_person_wrote_without_its_place_is_not_asked_again(
    articles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    llm = ScriptedLLM(*[about] * 9)
    monkeypatch.setattr("qa.llm.open_llm", lambda _config: llm)
    mine = a_draft(evidence=[{"article_id": "ferry", "sentence": COST.text}, {"article_id": "doha"}])
    out = write(tmp_path / "drafts.jsonl", [mine])
    assert draft.main(["--articles", str(articles), "--out", str(out), "--n", "5"]) == 0
    assert read(out)[0] == mine
    assert not [prompt for prompt in llm.prompts if COST.text in prompt.user]
    assert [prompt for prompt in llm.prompts if MET in prompt.user]


def test_drafting_wants_a_model(articles: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert draft.main(["--articles", str(articles), "--out", str(tmp_path / "d.jsonl"), "--llm", "none"]) == 2
    assert "drafting wants a language model" in capsys.readouterr().err


# Looking through


def a_draft(name: str = "one", **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    evidence = [{"article_id": "ferry", "sentence": COST.text, "start": COST.start, "end": COST.end}]
    row = {"id": name, "question": "What did it cost?", "answers": ["2.5 million crowns"], "answerable": True}
    return {**row, "type": "draft", "evidence": evidence, "status": "draft", "accepted": None, **changes}


def typed(*keys: str) -> Callable[[str], str]:
    left = list(keys)

    def ask(_prompt: str) -> str:
        if not left:
            raise EOFError
        return left.pop(0)

    return ask


def looked_through(rows: list[dict[str, Any]], *keys: str) -> tuple[list[dict[str, Any]], str, int]:
    told: list[str] = []
    saved: list[str] = []
    draft.review(rows, lambda: saved.append(json.dumps(rows)), typed(*keys), told.append)
    return rows, "\n".join(told), len(saved)


def test_a_person_accepts_refuses_and_skips() -> None:
    rows, told, saved = looked_through(
        [a_draft("one"), a_draft("two"), a_draft("three"), a_draft("four")], "y", "n", "s", "e"
    )
    assert [row["accepted"] for row in rows] == [True, False, None, None]
    assert saved == 2
    assert f"because: {COST.text}" in told
    assert "[1/4]" in told


def test_a_person_mends_before_accepting() -> None:
    rows, told, _ = looked_through(
        [a_draft()], "q What did repairing the ferry cost?", "a 2.5 million crowns; 2,500,000 crowns", "x", "q", "y"
    )
    assert (rows[0]["question"], rows[0]["accepted"]) == ("What did repairing the ferry cost?", True)
    assert rows[0]["answers"] == ["2.5 million crowns", "2,500,000 crowns"]
    assert told.count("one of y, n, q, a, u, s, e") == 2


def test_what_the_articles_do_not_say_can_be_kept_as_such() -> None:
    rows, told, _ = looked_through([a_draft()], "u", "y")
    assert (rows[0]["answerable"], rows[0]["answers"], rows[0]["evidence"], rows[0]["accepted"]) == (
        False,
        [],
        [],
        True,
    )
    assert "to be withheld" in told


def test_an_answer_is_wanted_before_it_is_accepted_and_what_is_decided_is_not_asked_again() -> None:
    rows, told, _ = looked_through(
        [a_draft(accepted=True), a_draft("two", answers=[])], "y", "a 2.5 million crowns", "y"
    )
    assert "it has no answer yet" in told
    assert [row["accepted"] for row in rows] == [True, True]
    assert "[1/1]" in told


# Accepting


def test_accepted_drafts_become_a_question_file(
    articles: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drafts = write(
        tmp_path / "drafts.jsonl", [a_draft("one", accepted=True), a_draft("two"), a_draft("three", accepted=False)]
    )
    out = write(tmp_path / "questions.jsonl", [{"id": "mine", "question": "Who?", "answers": ["Ada Brink"]}])
    call = ["--accept", str(drafts), "--articles", str(articles), "--out", str(out)]
    assert draft.main(call) == 0
    assert "1 questions added, 2 in all" in capsys.readouterr().out
    mine, one = data.read_questions(out)
    assert (mine.id, one.id, one.answers) == ("mine", "one", ("2.5 million crowns",))
    assert data.check_gold([one], {"ferry": FERRY.text}) == []
    assert "status" not in read(out)[1]
    assert draft.main(call) == 0
    assert len(read(out)) == 2


def test_evidence_that_a_person_wrote_is_found_in_the_article_if_it_is_there_once() -> None:
    row = a_draft(accepted=True, evidence=[{"article_id": "ferry", "sentence": COST.text}])
    (found,) = draft.accepted([row], {"ferry": FERRY.text})
    assert found["evidence"] == [{"article_id": "ferry", "sentence": COST.text, "start": 0, "end": len(COST.text)}]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"answers": []}, "`answers` are empty"),
        ({"evidence": [{"article_id": "gone", "sentence": "x"}]}, "'gone' is not among the articles"),
        ({"evidence": [{"article_id": "ferry", "sentence": "e"}]}, "'e' is not there once"),
        ({"evidence": [{"article_id": "ferry", "sentence": "crowns", "start": 1, "end": 7}]}, "is not at 1:7"),
    ],
)
def test_what_cannot_be_a_gold_question_is_named(
    changes: dict[str, Any], why: str, articles: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drafts = write(tmp_path / "drafts.jsonl", [a_draft(accepted=True, **changes)])
    assert draft.main(["--accept", str(drafts), "--articles", str(articles), "--out", str(tmp_path / "q.jsonl")]) == 2
    said = capsys.readouterr().err
    assert "question one: " in said
    assert why in said
    assert not (tmp_path / "q.jsonl").exists()


# What readers of the page judged


def judged(verdict: str) -> dict[str, Any]:
    (shown,) = evidence_of(DOHA, MET)
    cite = Citation("doha", DOHA.title, DOHA.date, 0, shown.start, shown.end, MET, 0.9, 1)
    answer = Answer("Who did Mittal meet?", (Claim("He met Stanekzai.", (cite,)),), (shown,))
    return candidate(Kept("k1", answer, datetime(2024, 5, 2, tzinfo=UTC), verdict=verdict, comment="well done"), [])


def test_a_readers_thumb_becomes_a_gold_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], embedder: object
) -> None:
    folder = tmp_path / "library"
    with Library(folder) as library:
        library.add([DOHA])
    theirs = write(folder / draft.CANDIDATES, [judged("up")])
    before = theirs.read_bytes()
    mine, out = tmp_path / "mine.jsonl", tmp_path / "questions.jsonl"
    monkeypatch.setattr("builtins.input", typed("a Stanekzai", "y"))
    assert draft.main(["--review", str(theirs), "--out", str(mine)]) == 0
    said = capsys.readouterr().out
    assert "the page said: He met Stanekzai." in said
    assert "the reader said: well done" in said
    assert "1 accepted, 0 refused, 0 left" in said
    assert theirs.read_bytes() == before
    assert draft.main(["--accept", str(mine), "--library", str(folder), "--out", str(out)]) == 0
    (question,) = data.read_questions(out)
    assert (question.id, question.answers, question.kind) == ("reader-k1", ("Stanekzai",), "approved")
    assert data.check_gold([question], {"doha": DOHA.text}) == []


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (["--review", f"lib/{draft.CANDIDATES}"], "the page writes it anew"),
        (["--accept", "x.jsonl", "--articles", "nowhere.jsonl", "--out", "o"], "nowhere.jsonl"),
        (["--accept", "x.jsonl", "--library", "nowhere", "--out", "o"], "there is no library"),
        (["--accept", "x.jsonl", "--out", "o"], "--articles or --library is wanted"),
        (["--articles", "x"], "--out is wanted"),
        (["--review", "broken.jsonl"], "broken.jsonl line 1: it has no `id` and `question`"),
    ],
)
def test_a_wrong_call_says_what_is_wanted(
    call: list[str], why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.jsonl").write_text("{}\n")
    try:
        status = draft.main(call)
    except SystemExit as exc:
        status = int(str(exc.code))
    assert status == 2
    assert why in capsys.readouterr().err
