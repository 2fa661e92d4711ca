"""One frozen configuration from a TOML file and the environment; an unknown key is an error."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from platformdirs import user_config_path, user_data_path

from index.embed import DEFAULT as DEFAULT_EMBEDDER
from index.errors import ConfigError

LLMS = ("embedded", "tiny", "server", "none")
LOCAL_MODELS = {"embedded": "Qwen2.5-Coder 1.5B, on this machine", "tiny": "SmolLM2 135M, on this machine"}
ENVIRONMENT = {
    "library": "ARTICLE_QA_LIBRARY",
    "llm": "ARTICLE_QA_LLM",
    "llm_url": "ARTICLE_QA_LLM_URL",
    "llm_model": "ARTICLE_QA_LLM_MODEL",
    "llm_key": "ARTICLE_QA_LLM_KEY",
}
SECRET = "llm_key"  # from the environment only: a file with it would be copied along with the library  # noqa: S105


def _bounds(low: float, high: float) -> Mapping[str, Any]:
    return {"low": low, "high": high}


@dataclass(frozen=True, slots=True)
class Config:
    """Every setting, with its bounds. Raises ConfigError for a value outside of them."""

    library: Path = field(default_factory=lambda: user_data_path("article-qa", appauthor=False) / "library")
    embedder: str = DEFAULT_EMBEDDER  # a name from index.embed, or the folder of a sentence-transformers model
    bm25: bool = True  # off: found by meaning alone
    dense: bool = True  # off: found by words alone
    reranker: bool = True  # off: the fused order stands, and sentences are ranked by words and meaning alone

    llm: str = "embedded"  # embedded, tiny (smoke tests only: answers badly), server (any OpenAI-compatible one), none
    llm_url: str = ""  # of a server, up to and with /v1
    llm_model: str = ""  # the server's name for the model
    llm_key: str = field(default="", repr=False)
    llm_large: bool = True  # server: what it chooses to say stands; off: a small model, judged as one of ours
    llm_adapter: bool = True  # embedded: with what it was taught, to cite or to refuse; off: as its publisher made it
    llm_threads: int = field(default=2, metadata=_bounds(1, 64))
    llm_timeout_s: float = field(
        default=120.0, metadata=_bounds(1, 3600)
    )  # for the next word, not for the whole answer

    scopes: bool = True  # look also in the sources and days that the question names, one by one
    clauses: bool = True  # look for each clause of a long question by itself
    hops: bool = True  # look also for what the best passages name and the question does not
    candidates: int = field(default=30, metadata=_bounds(1, 500))  # passages from each of words and meaning
    reranked: int = field(default=10, metadata=_bounds(1, 100))  # fused passages that the cross-encoder reads
    passages: int = field(default=4, metadata=_bounds(1, 50))  # best passages whose sentences become evidence
    passage_gap: float = field(default=5.0, metadata=_bounds(0, 100))  # logits below the best at which passages end
    evidence: int = field(default=6, metadata=_bounds(1, 50))  # numbered sentences shown to the model
    evidence_gap: float = field(default=8.0, metadata=_bounds(0, 100))  # logits below the best at which sentences end
    evidence_tokens: int = field(
        default=320, metadata=_bounds(50, 100_000)
    )  # their size: it is the user's waiting time
    answer_tokens: int = field(default=140, metadata=_bounds(8, 8_192))
    support: float = field(default=0.5, metadata=_bounds(0, 1))  # least support of a shown sentence by its citations
    answerable: float = field(
        default=0.5, metadata=_bounds(0, 1)
    )  # least answerability; 0 answers whatever is supported

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if item.metadata and not item.metadata["low"] <= value <= item.metadata["high"]:
                raise ConfigError(
                    f"{item.name} is {value}: it goes from {item.metadata['low']} to {item.metadata['high']}"
                )
        if not (self.bm25 or self.dense):
            raise ConfigError("bm25 and dense are both off: nothing can be found; switch one of them on")
        if self.llm not in LLMS:
            raise ConfigError(f"llm is {self.llm!r}: choose one of {', '.join(LLMS)}")
        if self.llm == "server" and not (self.llm_url.startswith(("http://", "https://")) and self.llm_model):
            raise ConfigError(
                f"llm 'server' needs {ENVIRONMENT['llm_url']} (http://.../v1) and {ENVIRONMENT['llm_model']}"
            )

        if "@" in self.llm_url.partition("://")[2].partition("/")[0]:
            raise ConfigError(f"llm_url holds a user or a key: set {ENVIRONMENT[SECRET]} instead, it is never shown")

    @classmethod
    def load(cls, file: Path | None = None, environment: Mapping[str, str] | None = None, **given: Any) -> Config:  # noqa: ANN401
        """Return defaults, then the file's, then the environment's, then the `given` values that are not None.

        `file` is by default what ARTICLE_QA_CONFIG names, else `article-qa/config.toml` in the user's configuration folder if
        it is there. A server's URL in the environment chooses the server, whatever a file says, unless `llm` is given
        or in the environment as well; one in the file or given does so where nobody names `llm`.
        """
        env = os.environ if environment is None else environment
        raw = _read(config_file(file, env), required=file is not None or bool(env.get("ARTICLE_QA_CONFIG")))
        raw |= {name: env[variable] for name, variable in ENVIRONMENT.items() if env.get(variable)}
        if env.get(ENVIRONMENT["llm_url"]) and not env.get(ENVIRONMENT["llm"]):
            raw["llm"] = "server"  # whatever model a file names: the environment wins over it
        raw |= {name: value for name, value in given.items() if value is not None}
        if raw.get("llm_url"):
            raw.setdefault("llm", "server")
        return cls(**{name: _typed(name, value) for name, value in raw.items()})

    def shown(self) -> dict[str, Any]:
        """Return the settings for reports, the key masked."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return values | {"library": str(self.library), SECRET: "***" if self.llm_key else ""}

    @property
    def taught(self) -> bool:
        """Whether the model was taught, by us, to name a sentence before it writes, or else to refuse (evals.train_adapter)."""
        return self.llm == "embedded" and self.llm_adapter

    @property
    def described_model(self) -> str:
        """Who answers, in words for a person."""
        if self.llm == "none":
            return "No language model: sentences only"
        return LOCAL_MODELS.get(self.llm, self.llm_model)

    def with_values(self, **changes: Any) -> Config:  # noqa: ANN401
        """Return a copy with some values changed, checked again."""
        return replace(self, **changes)


def config_file(file: Path | None = None, environment: Mapping[str, str] | None = None) -> Path:
    """Return the configuration file: the given one, else what ARTICLE_QA_CONFIG names, else the user's own."""
    named = (os.environ if environment is None else environment).get("ARTICLE_QA_CONFIG")
    return file or Path(named or user_config_path("article-qa", appauthor=False) / "config.toml")


def save(file: Path, changes: Mapping[str, str | int | float | bool]) -> None:
    """Write settings into a configuration file, which is made if it is not there; its other lines stay as they are.

    Raises ConfigError if that cannot be done, and for a secret; then the file is as it was.
    """
    if SECRET in changes:
        raise ConfigError(f"{SECRET} does not belong into a file; set {ENVIRONMENT[SECRET]} instead")
    before = _read(file, required=False)
    try:
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        for name, value in changes.items():
            line = f"{name} = {json.dumps(value, ensure_ascii=False)}"  # a TOML string is written like one of JSON
            text, found = re.subn(rf"^[ \t]*{name}[ \t]*=.*$", line.replace("\\", r"\\"), text, flags=re.MULTILINE)
            text = text if found else f"{text.rstrip()}\n{line}\n".lstrip("\n")
        if not _says(text, {**before, **changes}):
            raise ConfigError(f"{file}: its lines cannot be changed one by one; write the settings there yourself")
        target = file.resolve()  # a link stays one
        target.parent.mkdir(parents=True, exist_ok=True)
        half = target.with_name(f"{target.name}.{os.getpid()}.part")
        half.write_text(text, encoding="utf-8")
        half.replace(target)
    except UnicodeError as exc:
        raise ConfigError(f"{file}: a value holds half a character, which no file can: {exc}") from exc
    except OSError as exc:
        raise ConfigError(f"{file}: cannot be written: {exc.strerror}") from exc


def _says(text: str, values: Mapping[str, object]) -> bool:
    """True if the text is TOML of just these values."""
    try:
        return tomllib.loads(text) == values
    except tomllib.TOMLDecodeError:
        return False


def _read(file: Path, *, required: bool) -> dict[str, Any]:
    try:
        raw = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as exc:
        if required:
            raise ConfigError(f"{file}: there is no such file") from exc
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{file}: {exc}") from exc
    except OSError as exc:
        raise ConfigError(f"{file}: cannot be read: {exc.strerror}") from exc
    known = {item.name for item in fields(Config)} - {SECRET}
    if SECRET in raw:
        raise ConfigError(f"{file}: {SECRET} does not belong into a file; set {ENVIRONMENT[SECRET]} instead")
    if unknown := raw.keys() - known:
        raise ConfigError(f"{file}: unknown {sorted(unknown)}; known are {sorted(known)}")
    return raw


def _typed(name: str, value: Any) -> Any:  # noqa: ANN401
    """Bring a value to its field's type; "12" is a number, "yes" is not."""
    wanted = type(getattr(_DEFAULTS, name))
    if issubclass(wanted, Path):
        if not isinstance(value, str | Path):
            raise ConfigError(f"{name} is {value!r}: it must be a path")
        try:
            return Path(value).expanduser()
        except RuntimeError as exc:
            raise ConfigError(f"{name} is {value!r}: {exc}") from exc
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        raise ConfigError(f"{name} is {value!r}: it must be of type {wanted.__name__}")
    return value


_DEFAULTS = Config()
