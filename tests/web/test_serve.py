"""The page's handlers, and the program that serves it, without a browser."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from browsing import free_port, serving
from scripted import FixedSettings, ScriptedAsker

import app
from index.errors import InputError, WeightsError
from index.intake import Intake
from index.library import Library
from qa.answer import Asker
from qa.config import Config
from qa.conversations import Conversations
from qa.web import view
from qa.web.handlers import Handlers
from qa.web.panes import Parts

ROOT = Path(__file__).parents[2]


@pytest.fixture
def asker() -> ScriptedAsker:
    return ScriptedAsker()


@pytest.fixture(autouse=True)
def _kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The parts beside every asker of this file lie in the test's folder."""
    monkeypatch.setattr(sys.modules[__name__], "FOLDER", tmp_path)


FOLDER = Path()


def handlers_of(asker: ScriptedAsker) -> Handlers:
    return Handlers(asker, Parts(Conversations(FOLDER), Intake(asker.library.add), FixedSettings()))


def done(asker: ScriptedAsker, *questions: str) -> view.Conversation:
    handlers = handlers_of(asker)
    conversation: view.Conversation = ()
    for question in questions:
        conversation = handlers.begin(question, conversation)[1]
        *_, last = handlers.answer(conversation)
        conversation = last[0]
    return conversation


@pytest.mark.parametrize(
    "sent",
    [
        {"kind": "cite", "turn": 1, "number": 9},
        {"kind": "cite", "turn": 2, "number": 1},
        {"kind": "cite", "turn": "1", "number": "1"},
        {"kind": "__class__", "turn": 1, "number": 1},
        {"kind": ["cite"], "turn": 1, "number": 1},
        {},
    ],
)
def test_what_the_browser_sends_is_checked(asker: ScriptedAsker, sent: dict[str, Any]) -> None:
    event: Any = SimpleNamespace(**sent)
    assert handlers_of(asker).cite(done(asker, "who?"), event) == gr.skip()


def test_an_unknown_article_leads_back_to_the_list(asker: ScriptedAsker) -> None:
    handlers = handlers_of(asker)
    for sent in ({"id": "no such article"}, {"id": 3}, {}):
        event: Any = SimpleNamespace(**sent)
        assert json.loads(handlers.pick((), event))["heading"] == "3 articles"


def test_a_question_is_not_begun_while_another_runs(asker: ScriptedAsker) -> None:
    handlers = handlers_of(asker)
    begun = handlers.begin("one", ())[1]
    kept, conversation, *_ = handlers.begin("two", begun)
    assert (kept, conversation) == (gr.skip(), begun)  # what was typed stays in the box


def test_closing_the_answer_closes_the_stream() -> None:
    asker = ScriptedAsker()
    handlers = handlers_of(asker)
    answers = handlers.answer(handlers.begin("who?", ())[1])
    for _ in range(3):
        next(answers)
    answers.close()
    assert asker.closed.is_set()


def test_a_fast_model_is_drawn_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qa.web.handlers.REDRAW_S", 60)
    handlers = handlers_of(ScriptedAsker())
    drafts = [step[0][-1].draft for step in handlers.answer(handlers.begin("who?", ())[1])]
    assert drafts == [
        "",
        "",
        "",
        "",
        "",
        "",
        "",
    ]  # a glimpse, searching, evidence, three claims, done: no draft came late enough


def test_a_proxy_in_the_environment_does_not_keep_the_page_from_starting(
    asker: ScriptedAsker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "intranet.example")
    monkeypatch.delenv("no_proxy", raising=False)
    with serving(asker) as url:
        assert url.startswith("http://127.0.0.1:")
    assert os.environ["NO_PROXY"] == "intranet.example,localhost,127.0.0.1,::1"


def test_a_taken_port_is_said_to_be_so(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"port {port} .* --port"):
            app.serve(Config(library=tmp_path, llm="none"), port=port)


def test_the_program_prints_its_address_and_ends_on_sigterm(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "app.py"), "--port", str(free_port())]
    env = {**os.environ, "ARTICLE_QA_LIBRARY": str(tmp_path / "library"), "ARTICLE_QA_LLM": "none"}
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert re.fullmatch(r"Article QA: http://127\.0\.0\.1:\d+/ \(Ctrl-C ends it\)\n", line)
        with urllib.request.urlopen(line.split()[2]) as response:  # noqa: S310
            assert b"Article QA" in response.read()
        process.terminate()
        assert process.wait(30) == 0
        assert process.stdout.read() == ""


def test_the_first_question_finds_the_search_warm(library: Library) -> None:
    loaded: list[str] = []

    def make() -> Any:  # noqa: ANN401
        loaded.append("reranker")
        raise WeightsError("the reranker is not here: article-qa models fetch")

    with_it = Asker(library, Config(llm="none"), llm=None, reranker=make)
    app.warm(with_it).join()  # what is missing is told when somebody asks, and does not end the page
    assert loaded == ["reranker"]
    with pytest.raises(WeightsError):
        with_it.ask("who met?")
