"""Settings that change while the page is served, and questions that are narrowed."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from fakes import BRIDGE, DOHA, ScriptedLLM
from hypothesis import given
from hypothesis import strategies as st

from index.errors import ArticleQAError, ConfigError, InputError
from index.library import Library
from index.types import Filter
from qa import answer, config, settings
from qa.answer import Asker
from qa.config import Config
from qa.rerank import Reranker
from qa.settings import Settings
from qa.types import EvidenceFound, Turn

SERVER = {"llm": "server", "llm_url": "http://127.0.0.1:9/v1", "llm_model": "m", "llm_key": "sk-secret"}


class ProbedLLM(ScriptedLLM):
    """Says one word, and notes that it was let go."""

    name = "probed"
    closed = False

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Config]:
    """The configurations whose model was opened, in place of opening it."""
    asked: list[Config] = []

    def open_llm(config: Config) -> ScriptedLLM | None:
        asked.append(config)
        return None if config.llm == "none" else ProbedLLM("ready")

    monkeypatch.setattr(answer, "open_llm", open_llm)
    monkeypatch.setattr(settings, "open_llm", open_llm)
    return asked


@pytest.fixture
def asker(library: Library) -> Asker:
    return Asker(library, Config(llm="none"), llm=None, reranker=None)


def test_the_model_is_changed_and_the_old_one_let_go(asker: Asker, opened: list[Config]) -> None:
    Settings(asker).apply(SERVER)
    assert asker.config.llm_url == SERVER["llm_url"]
    assert Settings(asker).shown()["llm_key"] == "***"
    assert Settings(asker).model() == "m"
    old: Any = asker.llm
    Settings(asker).apply({"llm": "none"})
    assert asker.llm is None
    assert old.closed
    assert len(opened) == 2


def test_other_settings_leave_the_model_as_it_is(asker: Asker, opened: list[Config]) -> None:
    Settings(asker).apply({"evidence": 9, "answer_tokens": 200, "support": 0.0, "library": "/etc", "llm": None})
    assert (asker.config.evidence, asker.config.answer_tokens) == (9, 200)
    assert asker.config.support == Config().support
    assert opened == []


def test_a_key_is_kept_for_its_server_and_not_sent_to_another(asker: Asker, opened: list[Config]) -> None:
    mine = Settings(asker)
    mine.apply(SERVER)
    mine.apply({**SERVER, "llm_key": "", "llm_model": "other"})
    assert asker.config.llm_key == "sk-secret"
    mine.apply({**SERVER, "llm_key": "", "llm_url": "http://elsewhere.example/v1"})
    assert asker.config.llm_key == ""


@pytest.mark.parametrize(
    "sent",
    [{"llm": "tiny"}, {"llm": "no such"}, {"evidence": 0}, {"llm": "server", "llm_url": "ftp://x", "llm_model": "m"}],
)
def test_what_cannot_be_is_refused_and_changes_nothing(asker: Asker, sent: dict[str, object]) -> None:
    before = asker.config
    with pytest.raises(ArticleQAError):
        Settings(asker).apply(sent)
    assert asker.config is before


def test_a_model_that_cannot_be_opened_changes_nothing(asker: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_config: Config) -> None:
        raise ConfigError("no")

    monkeypatch.setattr(answer, "open_llm", refuse)
    before = asker.config
    with pytest.raises(ConfigError):
        Settings(asker).apply(SERVER)
    assert asker.config is before


def test_the_test_says_what_came_of_it_and_uses_nothing(asker: Asker, opened: list[Config]) -> None:
    before = asker.config
    said = Settings(asker).probe(SERVER)
    assert said.startswith("It works: ")
    assert "“ready”" in said
    assert Settings(asker).probe({"llm": "none"}) == "No model is asked; the best sentence is quoted."
    assert asker.config is before
    assert asker.llm is None


@pytest.mark.parametrize(
    ("within", "found"),
    [
        (Filter(articles=frozenset({BRIDGE.id})), {BRIDGE.id}),
        (Filter(articles=frozenset({DOHA.id})), {DOHA.id}),
        (Filter(since=date(1990, 1, 1), until=date(1990, 1, 2)), set()),
    ],
)
def test_only_the_articles_that_are_let_through_are_searched(
    library: Library, reranker: Reranker, within: Filter, found: set[str]
) -> None:
    asker = Asker(library, Config(llm="none"), llm=None, reranker=lambda: reranker)
    evidence = asker.retrieve("who met whom, and how much does the repair of the bridge cost?", within=within).evidence
    assert {e.article_id for e in evidence} == found
    result = asker.ask("who did Mittal meet?", within=within)
    assert {c.article_id for c in result.citations} <= found
    if not found:
        assert result.reason == "nothing_found"


# --- saved for the next start ------------------------------------------------------------------------------------


def test_what_is_saved_is_what_the_next_start_reads(asker: Asker, opened: list[Config], tmp_path: Path) -> None:
    file = tmp_path / "new" / "config.toml"
    settings = Settings(asker, file)
    settings.apply(SERVER | {"evidence": 9, "llm_model": 'a "quoted" \\ name'})
    said = settings.save()
    assert said == f"Saved in {file}. The key is not: set ARTICLE_QA_LLM_KEY before the next start."
    assert "secret" not in file.read_text("utf-8")
    again = Config.load(file, {"ARTICLE_QA_LLM_KEY": "sk-secret"})
    assert (again.llm, again.llm_url, again.llm_model) == ("server", SERVER["llm_url"], 'a "quoted" \\ name')
    assert (again.evidence, again.answer_tokens) == (9, Config().answer_tokens)
    settings.apply({"llm": "none", "llm_url": "", "llm_model": "", "answer_tokens": 99})
    assert settings.save() == f"Saved in {file}."
    assert Config.load(file, {}) == Config(llm="none", evidence=9, answer_tokens=99)
    assert [path.name for path in file.parent.iterdir()] == ["config.toml"]


def test_the_other_lines_of_the_file_stay(asker: Asker, opened: list[Config], tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('# mine\nlibrary = "/articles"\nevidence = 4  # few\nreranked = 7', "utf-8")
    settings = Settings(asker, file)
    settings.apply({"evidence": 12})
    settings.save()
    assert file.read_text("utf-8") == (
        '# mine\nlibrary = "/articles"\nevidence = 12\nreranked = 7\n'
        'llm = "none"\nllm_url = ""\nllm_model = ""\nanswer_tokens = 140\n'
    )


def test_what_wins_over_the_file_is_named(asker: Asker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ARTICLE_QA_CONFIG", str(tmp_path / "named.toml"))
    monkeypatch.setenv("ARTICLE_QA_LLM", "none")
    monkeypatch.setenv("ARTICLE_QA_LLM_URL", "")
    assert Settings(asker).save() == (
        f"Saved in {tmp_path / 'named.toml'}. In the environment ARTICLE_QA_LLM still wins over the file."
    )


def test_an_address_that_still_chooses_the_server_is_named(
    asker: Asker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "config.toml"
    monkeypatch.delenv("ARTICLE_QA_LLM", raising=False)
    monkeypatch.setenv("ARTICLE_QA_LLM_URL", "http://127.0.0.1:1/v1")
    monkeypatch.setenv("ARTICLE_QA_LLM_MODEL", "m")
    assert Settings(asker, file).save() == (
        f"Saved in {file}. In the environment ARTICLE_QA_LLM_URL and ARTICLE_QA_LLM_MODEL still win over the file. "
        "ARTICLE_QA_LLM_URL chooses the server at the next start, whatever the file says."
    )
    assert Config.load(file).llm == "server"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('llm_model = """\nevidence = 4\n"""', "write the settings there yourself"),
        ("evidence = ", "cannot be|Invalid value"),
        ("no_such_key = 1", "unknown"),
    ],
)
def test_a_file_that_cannot_be_changed_stays_as_it_was(asker: Asker, tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=says):
        Settings(asker, file).save()
    assert file.read_text("utf-8") == text


def test_a_folder_in_the_way_is_said_to_be_so(asker: Asker, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", "utf-8")
    with pytest.raises(ConfigError, match="cannot be"):
        Settings(asker, tmp_path / "file" / "config.toml").save()
    with pytest.raises(ConfigError, match="does not belong into a file"):
        config.save(tmp_path / "config.toml", {"llm_key": "sk"})
    assert not (tmp_path / "config.toml").exists()


@given(st.text())
def test_any_name_comes_back_from_the_file(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    file = tmp_path_factory.getbasetemp() / "any.toml"
    file.unlink(missing_ok=True)
    try:
        config.save(file, {"llm_model": name})
    except ConfigError:
        assert not file.exists()
    else:
        assert tomllib.loads(file.read_text("utf-8")) == {"llm_model": name}


def test_the_time_that_a_question_names_can_be_passed_over(asker: Asker) -> None:
    question, today = "What was said last week about the repair of the bridge?", date(2024, 5, 8)
    found = [next(iter(asker.stream(question, today=today, narrow=narrow))) for narrow in (True, False)]
    assert [one.narrowed for one in found if isinstance(one, EvidenceFound)] == ["last week", None]


def test_a_glimpse_finds_by_words_what_the_question_is_about_and_keeps_to_the_filter(asker: Asker) -> None:
    first = asker.glimpse("Who pays for the repair of Ostrey Bridge?")
    assert first[0].article_id == BRIDGE.id
    assert all(BRIDGE.text[e.start : e.end] == e.text for e in first if e.article_id == BRIDGE.id)
    within = Filter(frozenset({DOHA.id}))
    assert {e.article_id for e in asker.glimpse("the repair of Ostrey Bridge?", within=within)} <= {DOHA.id}
    assert (
        asker.glimpse("and who pays?", [Turn("user", "What does the repair of Ostrey Bridge cost?")])[0].article_id
        == BRIDGE.id
    )
    with pytest.raises(InputError):
        asker.glimpse("  ")
