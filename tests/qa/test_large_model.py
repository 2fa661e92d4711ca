"""What a large model wrote to the gold questions on the samples comes through: nothing it knows is lost, its no is a no.

`large_model.jsonl` has its completions, with the sentences behind its marks: their numbers change with the search.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import SERVER, ScriptedLLM, shelved

from evals import data
from index.embed import Embedder
from index.library import Library
from index.types import Article
from qa import kinds
from qa.answer import Asker
from qa.parse import is_refusal
from qa.rerank import Reranker
from qa.types import Prompt

ROWS: list[dict[str, Any]] = [
    json.loads(line) for line in Path(__file__).with_name("large_model.jsonl").read_text(encoding="utf-8").splitlines()
]
GOLD = {one.id: one for one in data.read_questions(Path(__file__).parents[2] / "evals" / "gold" / "questions.jsonl")}


@pytest.fixture(scope="module")
def shelf(
    samples: tuple[Article, ...], embedder: Embedder, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Library]:
    with shelved(tmp_path_factory.mktemp("samples"), embedder, samples) as library:
        yield library


@pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
def test_what_a_large_model_knows_comes_through(row: dict[str, Any], shelf: Library, reranker: Reranker) -> None:
    def reply(prompt: Prompt) -> str:
        labels = {e.text: label for label, e in prompt.labels.items()}
        return re.sub(r"\[(\d+)\]", lambda mark: f"[{labels[row['sentences'][mark[1]]]}]", row["wrote"])

    question = GOLD[row["id"]]
    llm = ScriptedLLM(reply, ["NOT STATED"], hosted=True)
    answer = Asker(shelf, SERVER, llm=llm, reranker=lambda: reranker).ask(question.text, question.history)
    if is_refusal(row["wrote"]):
        assert (answer.status, answer.reason) == ("abstained", "not_stated")
        return
    assert answer.status == "answered"
    assert {citation.quote for citation in answer.citations} == set(row["sentences"].values())
    verdict = kinds.parted(row["wrote"])[0]
    assert kinds.parted(answer.text)[0] == verdict
    if not verdict:  # else the word itself is the gold answer
        known = [wanted for wanted in question.answers if wanted.casefold() in row["wrote"].casefold()]
        assert [wanted for wanted in known if wanted.casefold() not in answer.text.casefold()] == []


def test_the_recorded_answers_are_of_all_sorts() -> None:
    types = {GOLD[row["id"]].kind for row in ROWS}
    assert types >= {"yes-no", "list", "latest", "conflict", "false-premise", "when", "where", "who"}
    assert {is_refusal(row["wrote"]) for row in ROWS} == {True, False}
