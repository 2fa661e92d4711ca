"""Documents with questions that the adapter is taught with: what a file may hold, and what is made of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evals import data, written_cases
from evals.written_cases import Written
from index.errors import InputError
from qa import kinds, prompt

FILE = """ date 2023-05-14
The ferry at Varn

The ferry to Varn stopped on Monday. Ada Lind, who runs it, blamed a broken shaft. A new one costs 9,000 crowns.

Her brother Olaf left the firm in March. So did the cook, Pia Berg.
=====
? why did the varn ferry stop
= blamed a broken shaft
? List everyone who left the ferry firm.
= Her brother Olaf left
= So did the cook
! Olaf

? Has the ferry sailed again?
-
? Did Ada Lind's brother stay with the firm?
= Her brother Olaf left
= So did the cook
! No
? Is the broken shaft Ada Lind's fault?
= blamed a broken shaft
? Has the new shaft been paid for?
- costs 9,000 crowns
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "taught"
    made.mkdir()
    (made / "ferry-12.txt").write_text(FILE, encoding="utf-8")
    return made


def test_a_file_is_an_article_with_questions(folder: Path) -> None:
    [document] = written_cases.read_documents(folder)
    article = document.article
    assert (article.id, article.title, str(article.date)) == ("ferry-12", "The ferry at Varn", "2023-05-14")
    assert article.text.startswith("The ferry to Varn stopped")
    assert article.text.endswith("Pia Berg.")
    pieces = [[article.text[start:end] for start, end in one.places] for one in document.questions]
    left = ["Her brother Olaf left", "So did the cook"]
    assert pieces == [["blamed a broken shaft"], left, [], left, ["blamed a broken shaft"], []]
    assert [one.answer for one in document.questions] == ["", "Olaf", "", "", "", ""]
    assert [one.verdict for one in document.questions] == [None, None, None, "No", None, None]
    nearest = [one.nearest and article.text[slice(*one.nearest)] for one in document.questions]
    assert nearest == [None] * 5 + ["costs 9,000 crowns"]


def test_what_settles_yes_or_no_is_looked_at_by_itself(folder: Path) -> None:
    looks = list(written_cases.settled(written_cases.read_documents(folder)))
    heading = "The ferry at Varn (Sunday, 14 May 2023)\n"
    assert [(look.shown, look.asked.label, look.asked.verdict) for look in looks] == [
        (f"{heading}[1] Her brother Olaf left the firm in March.\n\n", 1, "No"),
        (f"{heading}[1] Ada Lind, who runs it, blamed a broken shaft.\n\n", 1, None),
        (f"{heading}[1] A new one costs 9,000 crowns.\n\n", 0, None),
    ]


def test_the_cases_name_every_sentence_shown_that_answers(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(written_cases, "LEFT_OUT", 0.0)
    documents = written_cases.read_documents(folder)
    found = list(written_cases.cases(documents, folder / "library", seed=0))
    assert len(found) == 6
    assert all(made.asked for made in found)
    for made in found:
        assert made.article_id == "ferry-12"
        assert made.shown == prompt.render("", made.evidence).user.rpartition("Question:")[0]
        assert sum(not one.label for one in made.asked) <= 2
        shown = {e.label: e.text for e in made.evidence}
        for one in made.asked:
            said = " ".join(shown[label] for label in (one.label, *one.also) if label)
            if one.question.startswith("List") and one.also:
                assert "Olaf" in shown[one.label]
                assert "Pia Berg" in said
            if kinds.kind(one.question) == "yes-no":
                assert not one.also
            assert one.verdict == ("No" if one.question.startswith("Did Ada") and one.label else None)
            assert (one.way == "written") is bool(one.label)
            assert bool(one.answer) is (one.question.startswith("List") and bool(one.label))
    assert {one.way for made in found for one in made.asked} >= {"written", "written, not told"}
    assert any(one.also for made in found for one in made.asked)


def test_what_answers_can_be_left_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(written_cases, "LEFT_OUT", 1.0)
    monkeypatch.setattr(written_cases, "MOST_BESIDE", 0)
    found = list(written_cases.cases(written_cases.read_documents(folder), folder / "library", seed=0))
    assert {one.label for made in found for one in made.asked} == {0}
    for made in found:
        assert [e.label for e in made.evidence] == list(range(1, len(made.evidence) + 1))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (FILE.replace("=====", "----"), "no line ====="),
        (FILE.replace("= blamed a broken shaft", "= blamed a bad shaft"), "0 times.*blamed a bad shaft"),
        (FILE.replace("= blamed a broken shaft", "= the "), "times"),
        (FILE.replace("? why", "why"), "begins with.*why did"),
        ("=====\n".join(["Title\n\n\n", "? who\n-\n"]), "no title, or no text"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(folder: Path, text: str, said: str) -> None:
    (folder / "ferry-12.txt").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=rf"(?s)ferry-12\.txt.*{said}"):
        written_cases.read_documents(folder)
    with pytest.raises(InputError, match=r"no \*\.txt"):
        written_cases.read_documents(folder / "none")


def test_all_of_them_can_be_read_and_some_are_held_out() -> None:
    documents = written_cases.read_documents(written_cases.TAUGHT)
    questions = [one for document in documents for one in document.questions]
    assert len({one.article.id for one in documents}) == len(documents) > 100
    assert 0 < sum(one.held_out for one in documents) < len(documents) / 8
    told = [one.verdict for one in questions if kinds.kind(one.text) == "yes-no" and one.places]
    assert 0.4 < told.count("Yes") / (len(told) - told.count(None)) < 0.6
    assert 0.3 < sum(not one.places for one in questions) / len(questions) < 0.45
    assert all(isinstance(one, Written) and one.text for one in questions)


def test_what_is_held_out_can_be_asked_by_the_evals(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "ferry-01.txt").write_text(FILE, encoding="utf-8")
    out = tmp_path / "gold"
    assert written_cases.main([str(out), "--written", str(folder)]) == 0
    assert "questions.jsonl: 6" in capsys.readouterr().err
    articles, problems = data.read_articles(out / "articles.jsonl")
    assert not problems
    questions = data.read_questions(out / "questions.jsonl")
    assert [one.id for one in questions] == [f"ferry-12-{number}" for number in (1, 2, 3, 4, 5, 6)]
    assert [one.answerable for one in questions] == [True, True, False, True, True, False]
    assert questions[3].answers == ("No",)
    texts = {one.id: one.text for one in articles}
    assert not data.check_gold(questions, texts)
    row = json.loads((out / "articles.jsonl").read_text(encoding="utf-8"))
    assert row["date"] == "2023-05-14"
    assert written_cases.main([str(out), "--written", str(tmp_path / "none")]) == 2


def test_the_reader_learns_what_answers_and_what_only_looks_like_it(folder: Path) -> None:
    [document] = written_cases.read_documents(folder)
    article = document.article
    made = [case for seed in range(40) for case in written_cases.reader_cases([document], seed=seed)]
    assert {case.way for case in made} == {"written", "written, beside", "written, not told"}
    assert {case.title for case in made} == {"The ferry at Varn"}
    gold = {"why did the varn ferry stop?": ["blamed a broken shaft"]}
    gold["Is the broken shaft Ada Lind's fault?"] = ["blamed a broken shaft"]
    for asked in ("List everyone who left the ferry firm?", "Did Ada Lind's brother stay with the firm?"):
        gold[asked] = ["Her brother Olaf left", "So did the cook"]
    for case in made:
        assert case.text in article.text
        if case.answer is None:
            assert not any(piece in case.text for piece in gold.get(case.question, []))
            continue
        told = case.text[slice(*case.answer)]
        assert case.exact is (told == "Olaf")
        assert told in gold[case.question] or (told == "Olaf" and case.question.startswith("List"))
    not_told = [case.question for case in made if case.way == "written, not told"]
    assert set(not_told) == {"Has the ferry sailed again?", "Has the new shaft been paid for?"}
    assert len(not_told) == 2 * 2 * 40
    assert any(case.text.startswith("The ferry") and case.answer and case.answer[0] > 40 for case in made)


def test_a_question_whose_sentences_cannot_be_found_teaches_the_reader_nothing(folder: Path) -> None:
    [document] = written_cases.read_documents(folder)
    across = Written("What happened on Monday?", ((20, 60),))  # of two sentences
    assert written_cases.reader_cases([written_cases.Document(document.article, (across,))], seed=0) == []
