from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.errors import ConfigError
from qa.config import ENVIRONMENT, LLMS, SECRET, Config

KEY = "sk-very-secret-1234567890"
URL = "http://127.0.0.1:8000/v1"


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr("qa.config.user_config_path", lambda *_, **__: tmp_path / "config" / "article-qa")
    for name in [*ENVIRONMENT.values(), "ARTICLE_QA_CONFIG"]:
        monkeypatch.delenv(name, raising=False)


def written(folder: Path, text: str) -> Path:
    file = folder / "settings.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_without_anything_the_defaults_stand() -> None:
    assert Config.load(environment={}) == Config()
    assert Config().llm == "embedded"


# --- where a value comes from -----------------------------------------------------------------------------------------


def test_given_values_beat_the_environment_and_that_beats_the_file(tmp_path: Path) -> None:
    file = written(tmp_path, 'library = "/file"\nllm = "tiny"\npassages = 7\nevidence = 9')
    env = {"ARTICLE_QA_LIBRARY": "/env", "ARTICLE_QA_LLM": "none"}
    made = Config.load(file, env, library=Path("/given"), llm=None)
    assert (made.library, made.llm, made.passages, made.evidence) == (Path("/given"), "none", 7, 9)
    assert Config.load(file, env).library == Path("/env")
    assert Config.load(file, {}).library == Path("/file")


def test_an_empty_variable_is_no_value() -> None:
    assert Config.load(environment={"ARTICLE_QA_LIBRARY": "", "ARTICLE_QA_LLM": ""}) == Config()


def test_the_environment_of_the_process_is_read_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARTICLE_QA_LIBRARY", "/from/env")
    assert Config.load().library == Path("/from/env")


def test_the_file_that_the_environment_names_is_read(tmp_path: Path) -> None:
    file = written(tmp_path, "evidence = 3")
    assert Config.load(environment={"ARTICLE_QA_CONFIG": str(file)}).evidence == 3


def test_the_file_in_the_users_folder_is_read(tmp_path: Path) -> None:
    (tmp_path / "config" / "article-qa").mkdir(parents=True)
    (tmp_path / "config" / "article-qa" / "config.toml").write_text("evidence = 4", encoding="utf-8")
    assert Config.load(environment={}).evidence == 4


def test_a_home_folder_is_written_out() -> None:
    assert Config.load(environment={"ARTICLE_QA_LIBRARY": "~/articles"}).library == Path.home() / "articles"


# --- what is refused --------------------------------------------------------------------------------------------------


def test_an_unknown_key_is_named_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"settings.toml: unknown \['evidences', 'lmm'\]; known are .*'evidence'"):
        Config.load(written(tmp_path, "evidences = 3\nlmm = 'none'"), {})


@pytest.mark.parametrize("text", ["evidence = = 3", "[evidence", "evidence = 3\nevidence = 4"])
def test_a_broken_file_is_named(text: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"settings\.toml"):
        Config.load(written(tmp_path, text), {})


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"settings\.toml"):
        Config.load(tmp_path / "settings.toml", {})


def test_a_named_file_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such file"):
        Config.load(tmp_path / "none.toml", {})
    with pytest.raises(ConfigError, match="there is no such file"):
        Config.load(environment={"ARTICLE_QA_CONFIG": str(tmp_path / "none.toml")})


def test_a_folder_as_file_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=str(tmp_path)):
        Config.load(tmp_path, {})


BOUNDED = [(f.name, f.metadata["low"], f.metadata["high"]) for f in fields(Config) if f.metadata]


@pytest.mark.parametrize(("name", "low", "high"), BOUNDED)
def test_bounds(name: str, low: float, high: float) -> None:
    kind = type(getattr(Config(), name))
    for fine in (low, high):
        assert getattr(Config(**{name: kind(fine)}), name) == fine
    for wrong in (low - 1, high + 1):
        with pytest.raises(ConfigError, match=f"{name} is {kind(wrong)}: it goes from {low} to {high}"):
            Config(**{name: kind(wrong)})


def test_every_number_has_bounds_and_a_default_within_them() -> None:
    numbers = {f.name for f in fields(Config) if type(getattr(Config(), f.name)) in (int, float)}
    assert numbers == {name for name, *_ in BOUNDED}


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_what_is_no_number_is_out_of_bounds(value: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="support"):
        Config.load(written(tmp_path, f"support = {value}"), {})


@pytest.mark.parametrize(
    "text",
    [
        'evidence = "6"',
        "evidence = 6.5",
        "evidence = true",
        "support = true",
        'support = "0.5"',
        "reranker = 1",
        "llm = 3",
        "library = 3",
        'reranker = "yes"',
        "embedder = []",
        "library = []",
    ],
)
def test_types(text: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=text.split(maxsplit=1)[0]):
        Config.load(written(tmp_path, text), {})


def test_the_home_of_nobody_is_refused() -> None:
    with pytest.raises(ConfigError, match="library is '~nobody-here/x'"):
        Config.load(environment={"ARTICLE_QA_LIBRARY": "~nobody-here/x"})


def test_a_whole_number_will_do_for_a_fraction(tmp_path: Path) -> None:
    assert Config.load(written(tmp_path, "support = 1"), {}).support == 1.0


def test_an_unknown_language_model_is_refused() -> None:
    with pytest.raises(ConfigError, match="choose one of embedded, tiny, server, none"):
        Config(llm="gpt")


@pytest.mark.parametrize(
    ("url", "model"),
    [("", ""), ("", "m"), (URL, ""), ("ftp://x/v1", "m"), ("127.0.0.1:8000", "m"), ("file:///etc/passwd", "m")],
)
def test_a_server_needs_its_address_and_the_model(url: str, model: str) -> None:
    with pytest.raises(ConfigError, match=r"ARTICLE_QA_LLM_URL.*ARTICLE_QA_LLM_MODEL"):
        Config(llm="server", llm_url=url, llm_model=model)


# --- a server and its key ---------------------------------------------------------------------------------------------


def test_an_address_in_the_environment_chooses_the_server() -> None:
    env = {"ARTICLE_QA_LLM_URL": URL, "ARTICLE_QA_LLM_MODEL": "m", "ARTICLE_QA_LLM_KEY": KEY}
    made = Config.load(environment=env)
    assert (made.llm, made.llm_url, made.llm_model, made.llm_key) == ("server", URL, "m", KEY)
    assert Config.load(environment=env, llm="none").llm == "none"
    assert Config.load(environment={**env, "ARTICLE_QA_LLM": "tiny"}).llm == "tiny"


def test_an_address_in_the_environment_wins_over_the_model_of_a_file(tmp_path: Path) -> None:
    file = written(tmp_path, 'llm = "embedded"\nllm_url = ""\nllm_model = ""')  # as the page saves it
    env = {"ARTICLE_QA_LLM_URL": URL, "ARTICLE_QA_LLM_MODEL": "m"}
    assert (Config.load(file, env).llm, Config.load(file, env).llm_url) == ("server", URL)
    assert Config.load(file, env, llm="none").llm == "none"
    assert Config.load(file, {**env, "ARTICLE_QA_LLM": "tiny"}).llm == "tiny"
    assert Config.load(file, {}).llm == "embedded"
    assert Config.load(file, {}, llm_url=URL).llm == "embedded"


def test_a_key_in_a_file_is_refused_and_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not belong into a file; set ARTICLE_QA_LLM_KEY instead") as caught:
        Config.load(written(tmp_path, f'{SECRET} = "{KEY}"'), {})
    assert KEY not in str(caught.value)


def test_the_key_is_never_shown() -> None:
    made = Config.load(environment={"ARTICLE_QA_LLM_KEY": KEY})
    assert made.llm_key == KEY
    assert KEY not in repr(made) + str(made) + json.dumps(made.shown())
    assert made.shown()[SECRET] == "***"
    assert Config().shown()[SECRET] == ""


def test_what_is_shown_is_every_setting() -> None:
    shown = Config(library=Path("/x"), evidence=3).shown()
    assert shown.keys() == {f.name for f in fields(Config)}
    assert (shown["library"], shown["evidence"]) == ("/x", 3)


@given(st.sampled_from(LLMS), st.integers(1, 50))
def test_a_changed_copy_is_checked_again(llm: str, many: int) -> None:
    made = Config(llm_url=URL, llm_model="m").with_values(llm=llm, evidence=many)
    assert (made.llm, made.evidence) == (llm, many)
    with pytest.raises(ConfigError):
        made.with_values(evidence=0)


def test_a_key_in_the_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(ConfigError, match="set ARTICLE_QA_LLM_KEY instead") as caught:
        Config(llm="server", llm_url=f"http://me:{KEY}@127.0.0.1/v1", llm_model="m")
    assert KEY not in str(caught.value)
