"""The cases that the reader is trained on: spans that are the answer, questions that are wrong in the way they say."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from squads import PARAGRAPHS, squad_file

from evals import reader_cases, train_reader
from evals.reader_cases import OPPOSITES, Case, Maker
from index.errors import InputError
from index.onnx import session
from qa.reader import WEIGHTS
from qa.rerank import CrossEncoder


@pytest.fixture
def squad(tmp_path: Path) -> Path:
    return squad_file(tmp_path / "train.json")


@pytest.fixture
def squad_in_full(squad: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file, with no question clipped."""
    monkeypatch.setattr(reader_cases, "CLIPPED", 0.0)
    return squad


def many(squad: Path) -> list[Case]:
    return [case for seed in range(150) for case in reader_cases.read_cases(squad, seed=seed)]


def test_an_answer_is_where_the_case_says(squad_in_full: Path) -> None:
    golds = {question: answer for asked in PARAGRAPHS.values() for question, answer in asked}
    answered = [case for case in many(squad_in_full) if case.way == "answered"]
    assert {case.question for case in answered} == set(golds)
    for case in answered:
        assert case.answer is not None
        assert case.text[slice(*case.answer)] == golds[case.question]
        assert case.title == "Holm Bay"


def test_every_way_is_taken_and_only_two_leave_an_answer(squad: Path) -> None:
    ways = Counter(case.way for case in many(squad))
    assert set(ways) == {
        *("answered", "elsewhere", "beside", "renamed"),
        *("wrong name", "wrong number", "wrong word", "wrong opposite", "wrong negation", "wrong asked"),
        *("text's name", "text's number", "text's opposite", "text's negation"),
    }
    for case in many(squad):
        assert (case.answer is not None) is (case.way in {"answered", "renamed"})


def test_a_wrong_question_differs_and_a_renamed_one_agrees_with_its_text(squad_in_full: Path) -> None:
    asked = {question for questions in PARAGRAPHS.values() for question, _ in questions}
    for case in many(squad_in_full):
        assert (case.question in asked) is (
            case.way in {"answered", "elsewhere", "beside"} or case.way.startswith("text's")
        )
        if case.way == "renamed":
            shared = set(case.question.rstrip("?").split()) & set(case.text.replace(".", "").split())
            assert any(word.istitle() for word in shared)
        if case.way == "wrong name":
            assert not all(word in case.text for word in case.question.rstrip("?").split() if word.istitle())


def test_a_changed_text_keeps_the_words_of_the_answer_and_says_another_thing(squad_in_full: Path) -> None:
    golds = {question: answer for asked in PARAGRAPHS.values() for question, answer in asked}
    whole = " ".join(PARAGRAPHS)
    for case in many(squad_in_full):
        if case.way.startswith("text's"):
            assert golds[case.question] in case.text
            assert case.text not in whole


def test_a_clipped_question_has_lost_nothing_but_small_words(squad: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {question for questions in PARAGRAPHS.values() for question, _ in questions}
    monkeypatch.setattr(reader_cases, "CLIPPED", 1.0)
    clipped = {case.question for case in many(squad) if case.way == "answered"}
    assert "Who opened first mill Holm 1931?" in clipped
    assert all(any(set(one.rstrip("?").split()) <= set(full.rstrip("?").split()) for full in asked) for one in clipped)
    assert all(any(word in one for word in ("mill", "harbour", "Lund")) for one in clipped)


def test_a_text_without_the_answer_lacks_it(squad_in_full: Path) -> None:
    golds = {question: answer for asked in PARAGRAPHS.values() for question, answer in asked}
    for case in many(squad_in_full):
        if case.way in {"elsewhere", "beside"}:
            assert golds[case.question].lower() not in case.text.lower()


def test_a_seed_gives_the_same_cases(squad: Path) -> None:
    assert reader_cases.read_cases(squad, seed=3) == reader_cases.read_cases(squad, seed=3)
    assert reader_cases.read_cases(squad, seed=3) != reader_cases.read_cases(squad, seed=4)


def test_opposites_go_both_ways() -> None:
    assert all(word in OPPOSITES[other] for word, others in OPPOSITES.items() for other in others)
    assert all(word != other for word, others in OPPOSITES.items() for other in others)


def test_another_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "train.json"
    for text in ("[]", "{", '{"data": [{"title": 1}]}'):
        file.write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match=r"train\.json: not a file of SQuAD 1\.1"):
            reader_cases.read_cases(file)
    assert train_reader.main(["--squad", str(tmp_path / "none.json"), "--out", str(tmp_path / "r.onnx")]) == 2
    assert train_reader.main(["--squad", str(file), "--out", str(tmp_path / "r.onnx"), "--cases", "9"]) == 2
    assert train_reader.main(["--squad", str(file), "--out", str(tmp_path / "r.onnx"), "--share", "2"]) == 2
    said = capsys.readouterr().err
    assert "--share 2.0: it goes from 0 to 1" in said
    assert "none.json: not a file of SQuAD 1.1" in said
    assert "--cases 9: more than 2000 are needed" in said


def test_a_mistaken_question_asks_of_another_name_that_the_text_knows() -> None:
    article = {
        "title": "Holm_Bay",
        "paragraphs": [
            {
                "context": (text := "Ada Brink met Otto Brandt in Holm Bay, and Port Arden paid Lund Mill."),
                "qas": [
                    {"question": q, "answers": [{"text": a, "answer_start": text.index(a)}]}
                    for q, a in (
                        ("Who met Otto Brandt?", "Ada Brink"),
                        ("Who was it that Ada Brink met?", "Otto Brandt"),
                        ("What was paid by Port Arden?", "Lund Mill"),
                        ("Where in Holm Bay did they meet?", "Holm Bay"),
                    )
                ],
            }
        ],
    }
    made = {Maker(article, seed=seed).mistaken("Who met Otto Brandt?", text, "Ada Brink") for seed in range(20)}
    assert made == {"Who met Port Arden?"}  # not the one who answers, and not what the article is about
    assert Maker(article, seed=0).mistaken("Who met Lena Holt?", text, "Ada Brink") is None


@pytest.mark.model
def test_a_run_goes_on_from_the_file_that_is_in_the_project(tmp_path: Path) -> None:
    import torch

    layers = train_reader.layers()
    layers.load_state_dict(train_reader._earlier(WEIGHTS))
    layers.eval()
    encoder, file = CrossEncoder(), session(WEIGHTS)
    told = []
    for text in ("Ada Brink founded Lund Mill in 1931.", "Lund Mill stands in Holm Bay.", "It rained."):
        states, _ = encoder.states("When was Lund Mill founded?", f"Holm Bay: {text}")
        with torch.no_grad():
            says, spans = layers(torch.from_numpy(states))
        as_it_is, its_spans = file.run(None, {"states": states})
        # int8 rounds what is between the layers.
        assert float(says[0]) == pytest.approx(float(as_it_is[0]), abs=0.8)
        assert spans[0].numpy() == pytest.approx(its_spans[0], abs=1.0)
        told.append(float(says[0]))
    assert told[0] > 0 > max(told[1:])
    torch.save(layers.state_dict(), tmp_path / "reader.pt")
    same = train_reader._earlier(tmp_path / "reader.pt")
    train_reader.average(layers, tmp_path / "reader.pt", 0.25)
    assert all(torch.allclose(value, same[name], atol=1e-6) for name, value in layers.state_dict().items())
