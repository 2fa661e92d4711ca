"""The sample articles load, and the gold questions on them are true to their text."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from index.loaders import Problem, load
from index.sentences import split
from index.types import Article

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = ROOT / "samples"
QUESTIONS = ROOT / "evals" / "gold" / "questions.jsonl"
ROWS: list[dict[str, Any]] = [json.loads(line) for line in QUESTIONS.read_text(encoding="utf-8").splitlines()]
ANSWERABLE = [row for row in ROWS if row["answerable"]]
UNANSWERABLE = [row for row in ROWS if not row["answerable"]]
TYPES = {
    *("who", "when", "where", "how-much", "why", "yes-no", "list", "latest", "conflict"),
    *("unanswerable", "false-premise", "follow-up"),
}
REQUIRED = {"id", "question", "answers", "answerable", "type", "evidence"}
OPTIONAL = {"history", "answer_match"}
FICTION = "(This report is fiction, written for the Article QA sample library.)"
SUPPLIED = "samples/2021-09-01-india-taliban-doha.txt"
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _name(row: dict[str, Any]) -> str:
    return str(row["id"])


@pytest.fixture(scope="module")
def loaded() -> list[Article | Problem]:
    return list(load(SAMPLES))


@pytest.fixture(scope="module")
def articles(loaded: list[Article | Problem]) -> dict[str, Article]:
    return {item.id: item for item in loaded if isinstance(item, Article)}


def test_every_sample_file_loads_and_has_a_date(loaded: list[Article | Problem], articles: dict[str, Article]) -> None:
    assert [item for item in loaded if isinstance(item, Problem)] == []
    files = {Path(article.file).name for article in articles.values() if article.file}
    assert files == {path.name for path in SAMPLES.iterdir() if path.suffix in {".txt", ".md", ".jsonl"}}
    assert len(files) >= 13
    assert [article.id for article in articles.values() if article.date is None] == []
    assert len(articles) == len(loaded)  # no id twice


def test_the_samples_show_all_three_formats() -> None:
    assert {path.suffix for path in SAMPLES.iterdir()} == {".txt", ".md", ".jsonl", ""}


def test_all_but_the_supplied_article_end_by_saying_they_are_fiction(articles: dict[str, Article]) -> None:
    unmarked = {article.id for article in articles.values() if not article.text.rstrip().endswith("\n\n" + FICTION)}
    assert unmarked == {SUPPLIED}


def test_a_file_name_tells_its_articles_date(articles: dict[str, Article]) -> None:
    wrong = [
        article.id
        for article in articles.values()
        if article.file
        and not str(article.date).startswith((Path(article.file).name[:10], Path(article.file).name[:7]))
    ]
    assert wrong == []


def test_the_licence_notice_names_the_supplied_article() -> None:
    notice = (SAMPLES / "LICENSE-NOTICE").read_text(encoding="utf-8")
    assert Path(SUPPLIED).name in notice
    assert "Apache-2.0" in notice


def test_ids_and_questions_are_unique_within_their_history() -> None:
    assert [name for name, count in Counter(row["id"] for row in ROWS).items() if count > 1] == []
    asked = Counter((row["question"].lower(), json.dumps(row.get("history"))) for row in ROWS)
    assert [question for question, count in asked.items() if count > 1] == []


def test_there_are_enough_questions_of_every_type() -> None:
    assert {row["type"] for row in ROWS} == TYPES
    assert len(ROWS) >= 32
    assert len(UNANSWERABLE) >= 7
    assert sum(row["type"] == "follow-up" for row in ROWS) >= 4


def test_every_sample_article_proves_some_answer(articles: dict[str, Article]) -> None:
    used = {entry["article_id"] for row in ROWS for entry in row["evidence"]}
    assert used == set(articles)


@pytest.mark.parametrize("row", ROWS, ids=_name)
def test_a_row_has_the_benchmarks_layout(row: dict[str, Any]) -> None:
    assert REQUIRED <= row.keys() <= REQUIRED | OPTIONAL
    assert row.get("answer_match", "all") == "all"
    assert ("history" in row) == (row["type"] == "follow-up")
    roles = [turn["role"] for turn in row.get("history", [])]
    assert roles == ["user", "assistant"] * (len(roles) // 2)
    assert all({"article_id", "sentence", "start", "end"} == entry.keys() for entry in row["evidence"])


@pytest.mark.parametrize("row", UNANSWERABLE, ids=_name)
def test_an_unanswerable_question_has_no_answers(row: dict[str, Any]) -> None:
    assert row["type"] in {"unanswerable", "false-premise", "follow-up"}
    assert row["answers"] == []
    assert row["evidence"] == []


@pytest.mark.parametrize("row", ANSWERABLE, ids=_name)
def test_evidence_is_whole_sentences_of_the_samples(row: dict[str, Any], articles: dict[str, Article]) -> None:
    assert row["evidence"]
    for entry in row["evidence"]:
        article = articles[entry["article_id"]]
        assert article.text[entry["start"] : entry["end"]] == entry["sentence"]
        assert (entry["start"], entry["end"]) in {(sentence.start, sentence.end) for sentence in split(article)}


@pytest.mark.parametrize("row", [row for row in ANSWERABLE if row["type"] != "yes-no"], ids=_name)
def test_the_answer_can_be_read_in_its_evidence(row: dict[str, Any]) -> None:
    evidence = " ".join(entry["sentence"] for entry in row["evidence"]).casefold()
    found = [re.search(rf"(?<!\w){re.escape(answer.casefold())}(?!\w)", evidence) for answer in row["answers"]]
    assert all(found) if row.get("answer_match") == "all" else any(found)


@pytest.mark.parametrize("row", [row for row in ROWS if row["type"] == "yes-no"], ids=_name)
def test_a_yes_no_answer_starts_with_yes_or_no(row: dict[str, Any]) -> None:
    assert row["answers"][0] in {"yes", "no"}
    assert not {"yes", "no"} <= set(row["answers"])


@pytest.mark.parametrize("row", [row for row in ANSWERABLE if set(row["answers"]) & set(WEEKDAYS)], ids=_name)
def test_a_weekday_is_resolved_to_the_right_date(row: dict[str, Any], articles: dict[str, Article]) -> None:
    told = articles[row["evidence"][0]["article_id"]].date
    assert told is not None
    (weekday,) = set(row["answers"]) & set(WEEKDAYS)
    (day,) = [date.fromisoformat(answer) for answer in row["answers"] if re.fullmatch(r"\d{4}-\d\d-\d\d", answer)]
    assert WEEKDAYS[day.weekday()] == weekday
    assert abs(day - told) < timedelta(days=7)
    assert f"{day.day} {day:%B %Y}" in row["answers"]
