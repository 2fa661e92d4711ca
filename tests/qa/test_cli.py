from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fakes import DOHA, MET, ScriptedLLM

from index.errors import LLMUnavailableError
from index.library import Library
from qa import answer, cli
from qa.config import ENVIRONMENT

QUESTION = ["who", "did", "Mittal", "meet?"]
NEWS = """ date 2024-05-03

The bridge is closed.

The repair of Ostrey Bridge costs $6.4 million, the council said. It reopens in June.
"""


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An own library in an own folder, no language model, nothing of this machine's settings."""
    for name in [*ENVIRONMENT.values(), "ARTICLE_QA_CONFIG"]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("qa.config.user_config_path", lambda *_, **__: tmp_path / "config")
    monkeypatch.setenv("ARTICLE_QA_LIBRARY", str(tmp_path / "library"))
    monkeypatch.setenv("ARTICLE_QA_LLM", "none")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def filled(folder: Path) -> Path:
    """The library holds two articles, DOHA and one from a file."""
    (folder / "news").mkdir()
    (folder / "news" / "bridge.txt").write_text(NEWS, encoding="utf-8")
    with Library(folder / "library") as library:
        library.add([DOHA])
    assert cli.main(["add", "-q", "news"]) == 0
    return folder


Capture = pytest.CaptureFixture[str]


def scripted(monkeypatch: pytest.MonkeyPatch, *replies: Any) -> ScriptedLLM:  # noqa: ANN401
    llm = ScriptedLLM(*replies)
    monkeypatch.setattr(answer, "open_llm", lambda _config: llm)
    return llm


# --- wrong calls ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["frobnicate"],
        ["add"],
        ["ask"],
        ["show"],
        ["remove"],
        ["search", "x", "-k", "0"],
        ["search", "x", "-k", "-3"],
        ["search", "x", "-k", "many"],
        ["ask", "x", "--llm", "gpt"],
        ["models", "burn"],
        ["serve", "--port", "http"],
        ["status", "--yaml"],
    ],
)
def test_a_wrong_call_is_status_2_and_says_how(argv: list[str], capsys: Capture) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main(argv)
    assert left.value.code == 2
    assert "usage: article-qa" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["add", "nowhere.txt"], "nowhere.txt: there is no such file or folder"),
        (["show", "nothing"], "there is no article 'nothing'"),
        (["remove", "nothing"], "there is no article 'nothing'"),
        (["ask", "who?"], "the library is empty: add articles first"),
        (["models", "list", "gpt"], "unknown model 'gpt'"),
    ],
)
def test_what_is_not_there_is_status_2_and_says_what_to_do(argv: list[str], says: str, capsys: Capture) -> None:
    assert cli.main(argv) == 2
    captured = capsys.readouterr()
    assert says in captured.err
    assert captured.err.startswith("article-qa: ")
    assert captured.out == ""


def test_an_empty_question_is_a_wrong_call(filled: Path, capsys: Capture) -> None:
    assert cli.main(["ask", " "]) == 2
    assert "the question is empty" in capsys.readouterr().err


def test_a_wrong_setting_is_status_1(folder: Path, capsys: Capture) -> None:
    (folder / "c.toml").write_text("lmm = 'none'", encoding="utf-8")
    assert cli.main(["--config", "c.toml", "status"]) == 1
    assert "unknown ['lmm']" in capsys.readouterr().err


def test_a_library_that_cannot_be_made_is_status_1(folder: Path, capsys: Capture) -> None:
    (folder / "file").write_text("x", encoding="utf-8")
    assert cli.main(["--library", "file/library", "status"]) == 1
    assert "file/library" in capsys.readouterr().err


# --- add, list, show, remove, status ----------------------------------------------------------------------------------


def test_add_counts_and_adding_again_changes_nothing(folder: Path, capsys: Capture) -> None:
    (folder / "a.txt").write_text(NEWS, encoding="utf-8")
    assert cli.main(["add", "a.txt"]) == 0
    assert (
        capsys.readouterr().out
        == "1 added, 0 updated, 0 unchanged, 0 not readable; the library has 1 articles, 1 passages\n"
    )
    assert cli.main(["add", "a.txt"]) == 0
    assert capsys.readouterr().out.startswith("0 added, 0 updated, 1 unchanged")
    (folder / "a.txt").write_text(NEWS.replace("June", "July"), encoding="utf-8")
    assert cli.main(["add", "a.txt"]) == 0
    assert capsys.readouterr().out.startswith("0 added, 1 updated, 0 unchanged")


def test_a_broken_file_is_named_and_the_rest_goes_in(folder: Path, capsys: Capture) -> None:
    news = folder / "news"
    news.mkdir()
    (news / "a.txt").write_text(NEWS, encoding="utf-8")
    (news / "b.jsonl").write_text('{"id": "x", "title": "T", "text": "It rained."}\n{oops\n', encoding="utf-8")
    (news / "c.txt").write_bytes(b"\x00\x01\x02")
    assert cli.main(["add", "news"]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("2 added, 0 updated, 0 unchanged, 2 not readable")
    assert [line.split(":")[0].rsplit("/", 1)[-1] for line in captured.err.splitlines() if "news/" in line] == [
        "b.jsonl",
        "c.txt",
    ]


def test_nothing_but_broken_files_is_a_failure(folder: Path, capsys: Capture) -> None:
    (folder / "c.txt").write_bytes(b"\x00\x01\x02")
    assert cli.main(["add", "c.txt"]) == 1
    assert "c.txt" in capsys.readouterr().err


def test_add_quietly_says_nothing_and_in_the_background_leaves_the_vectors(folder: Path, capsys: Capture) -> None:
    (folder / "a.txt").write_text(NEWS, encoding="utf-8")
    assert cli.main(["add", "-q", "--background", "a.txt"]) == 0
    assert capsys.readouterr().out == ""
    assert cli.main(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["pending"] == 1
    assert cli.main(["search", "Ostrey", "--json"]) == 0
    assert "$6.4 million" in json.loads(capsys.readouterr().out.splitlines()[0])["text"]


def test_status(filled: Path, capsys: Capture) -> None:
    assert cli.main(["status", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert {name: made[name] for name in ("articles", "passages", "vectors", "pending")} == {
        "articles": 2,
        "passages": 2,
        "vectors": 2,
        "pending": 0,
    }
    assert made["sentences"] >= 6
    assert made["folder"] == str(filled / "library")
    assert cli.main(["status"]) == 0
    assert "articles           2" in capsys.readouterr().out


def test_list(filled: Path, capsys: Capture) -> None:
    assert cli.main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines] == [["2024-05-03", "news/bridge.txt"], ["2021-09-01", "doha"]]
    assert cli.main(["list", "--json"]) == 0
    [newest, oldest] = map(json.loads, capsys.readouterr().out.splitlines())
    assert newest["id"] == "news/bridge.txt"
    assert oldest == {"id": "doha", "title": DOHA.title, "date": "2021-09-01", "source": "The Daily"}


def test_show(filled: Path, capsys: Capture) -> None:
    assert cli.main(["show", "doha"]) == 0
    assert capsys.readouterr().out == f"{DOHA.title}\n2021-09-01, The Daily, /articles/doha.txt\n\n{DOHA.text}\n"
    assert cli.main(["show", "doha", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert (made["text"], made["date"]) == (DOHA.text, "2021-09-01")
    assert MET in [made["text"][s["start"] : s["end"]] for s in made["sentences"]]


def test_remove_takes_out_what_is_there_and_names_what_is_not(filled: Path, capsys: Capture) -> None:
    assert cli.main(["remove", "doha", "nothing"]) == 2
    assert "'nothing'" in capsys.readouterr().err
    assert cli.main(["list"]) == 0
    assert "doha" not in capsys.readouterr().out
    assert cli.main(["remove", "news/bridge.txt"]) == 0
    assert cli.main(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["articles"] == 0


def test_rebuild_makes_every_vector_anew(filled: Path, capsys: Capture) -> None:
    assert cli.main(["rebuild"]) == 0
    assert capsys.readouterr().out == "2 vectors made by all-minilm-l6-v2-int8\n"
    assert cli.main(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["vectors"] == 2


def test_another_library_can_be_named(filled: Path, capsys: Capture) -> None:
    assert cli.main(["--library", "other", "status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["articles"] == 0


# --- search and ask ---------------------------------------------------------------------------------------------------


def test_search(filled: Path, capsys: Capture) -> None:
    assert cli.main(["search", "-k", "1", *QUESTION]) == 0
    out = capsys.readouterr().out
    head, stages, *_ = out.splitlines()
    assert head == f" 1. {DOHA.title} (2021-09-01) doha"
    assert sorted(stages.split()[::2]) == ["bm25", "dense", "rerank", "rrf"]
    assert " 2. " not in out
    assert cli.main(["search", "--json", *QUESTION]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [hit["article_id"] for hit in found] == ["doha", "news/bridge.txt"]
    assert DOHA.text[found[0]["start"] : found[0]["end"]] == found[0]["text"]


def test_ask_shows_the_answer_and_its_source(filled: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    llm = scripted(
        monkeypatch,
        lambda prompt: f"Mittal met Stanekzai. [{next(n for n, e in prompt.labels.items() if e.text == MET)}]",
    )
    assert cli.main(["ask", *QUESTION]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("Mittal met Stanekzai. [1]\n\n[1] “The envoy, Deepak Mittal, met with Sher Mohammad")
    assert f"{DOHA.title} (2021-09-01)" in captured.out
    assert captured.err.startswith("closest sentences, after ")
    assert MET in captured.err
    assert (llm.started, llm.closed) == (True, True)


CONTRACT = {"question", "status", "reason", "answer", "claims", "evidence", "retrieved", "timings_ms"}


def test_ask_as_json_is_the_object_of_the_eval_contract(filled: Path, capsys: Capture) -> None:
    assert cli.main(["ask", "--json", *QUESTION]) == 0
    captured = capsys.readouterr()
    made = json.loads(captured.out)
    assert made.keys() >= CONTRACT
    assert (made["question"], made["status"], made["reason"], made["answer"]) == (
        " ".join(QUESTION),
        "answered",
        None,
        MET,
    )
    [claim] = made["claims"]
    assert claim.keys() == {"text", "citations", "rejected", "words"}
    [cited] = claim["citations"]
    assert cited.keys() >= {"article_id", "start", "end", "quote", "support"}
    assert DOHA.text[cited["start"] : cited["end"]] == cited["quote"] == MET
    for name in ("evidence", "retrieved"):
        assert all(item.keys() >= {"article_id", "start", "end", "text", "score"} for item in made[name])
    assert made["timings_ms"].keys() >= {"retrieve", "rerank", "total"}
    assert captured.err == ""


def test_an_abstention_is_status_0_with_the_same_keys(
    filled: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted(monkeypatch, ["NOT STATED"], ["NOT STATED"])
    assert cli.main(["ask", "--json", "what did Mittal eat?"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made.keys() >= CONTRACT
    assert (made["status"], made["reason"], made["answer"], made["claims"]) == ("abstained", "not_stated", "", [])
    assert cli.main(["ask", "what did Mittal eat?"]) == 0
    assert capsys.readouterr().out.startswith("The articles do not say.\n\nClosest, but not an answer:")


def test_a_model_that_is_gone_is_told_and_the_evidence_shown(
    filled: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted(monkeypatch, [LLMUnavailableError("the server is gone")])
    assert cli.main(["ask", *QUESTION]) == 0
    out = capsys.readouterr().out
    assert out.startswith("The language model could not be reached; these sentences were found.")
    assert "The envoy, Deepak Mittal" in out
    assert out.endswith("(the server is gone)\n")


def test_a_follow_up_is_asked_after_its_question(filled: Path, capsys: Capture) -> None:
    assert cli.main(["ask", "--json", "when?", "--after", "who did Mittal meet?"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert (made["question"], made["standalone"]) == ("when?", "when did Mittal meet?")


# --- doctor and models ------------------------------------------------------------------------------------------------


def test_doctor_on_a_good_library(filled: Path, capsys: Capture) -> None:
    assert cli.main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(line.startswith("ok  ") for line in lines)
    assert f"ok    library: 2 articles in {filled / 'library'}" in lines
    assert "ok    catalogue: every sentence and passage is a range of its article" in lines
    assert "ok    vectors: complete" in lines
    assert "ok    language model: none: questions are answered with the evidence" in lines


def test_doctor_names_what_is_missing_and_the_way_out(
    filled: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli.main(["add", "-q", "--background", "news"]) == 0
    (filled / "news" / "c.txt").write_text(NEWS.replace("bridge", "tower"), encoding="utf-8")
    assert cli.main(["add", "-q", "--background", "news"]) == 0
    monkeypatch.setenv("ARTICLE_QA_CACHE", str(filled / "no-models"))
    assert cli.main(["doctor"]) == 1
    out = capsys.readouterr().out
    assert "FAIL  vectors: 1 passages wait for their vectors: run `article-qa add` or `serve`" in out
    assert "missing: run `article-qa models fetch`" in out


def test_doctor_on_a_broken_catalogue(filled: Path, capsys: Capture) -> None:
    (filled / "library" / "catalogue.sqlite3").write_bytes(b"this is not a database" * 100)
    for rest in (filled / "library").glob("catalogue.sqlite3-*"):
        rest.unlink()
    assert cli.main(["doctor"]) == 1
    assert "FAIL  library: " in capsys.readouterr().out


def test_models_list_names_the_default_ones(capsys: Capture) -> None:
    assert cli.main(["models", "list"]) == 0
    out = capsys.readouterr().out
    assert "1,117 MB  qwen2.5-coder-1.5b-instruct-q4_k_m  (default)" in out
    assert "all-minilm-l6-v2-int8" in out


# --- as a process -----------------------------------------------------------------------------------------------------


def process(*argv: str, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **environment}
    return subprocess.run(
        [sys.executable, "-m", "qa.cli", *argv], capture_output=True, text=True, encoding="utf-8", env=env, check=False
    )


def test_a_terminal_without_the_characters_gets_others(filled: Path) -> None:
    done = process("ask", *QUESTION, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert "head of the Taliban?s political" in done.stdout


def test_a_reader_that_stops_reading_is_no_error(filled: Path) -> None:
    with Library(filled / "library") as library:
        library.add([type(DOHA)(f"a{n}", "Title " * 100, "It rained.") for n in range(300)])
    with subprocess.Popen(
        [sys.executable, "-m", "qa.cli", "list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ)
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.read(10)
        child.stdout.close()
        assert (child.stderr.read(), child.wait()) == (b"", 0)


def test_status_does_not_load_what_it_does_not_need() -> None:
    heavy = ("gradio", "chromadb", "onnxruntime", "xllamacpp", "llama_index")
    code = f"import sys, qa.cli; sys.exit(any(name in sys.modules for name in {heavy}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
