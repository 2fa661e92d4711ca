"""What is asked: the product, and the baselines that show what each of its parts is worth.

Each arm turns a question into a prediction of the shape that `Answer.to_json` has (docs/design.md). A baseline without a gate
says of each claim itself that it is `shown`, and whether the gate would have `upheld` it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol

from evals.rundir import prediction_of
from index.errors import ConfigError, LLMError
from index.types import Filter
from qa import chat
from qa import prompt as prompts
from qa.answer import Asker
from qa.evidence import CONTEXT_SENTENCES
from qa.parse import is_refusal, parse
from qa.types import Evidence, Prompt
from qa.verify import Gate

if TYPE_CHECKING:
    from evals.folders import Loaded
    from evals.metrics import Prediction
    from evals.stock import Stock
    from evals.types import Question
    from index.library import Library
    from qa.config import Config
    from qa.llm import LLM, Chunk
    from qa.rerank import Reranker

PRODUCT, CLOSED_BOOK = "answers", "closed-book"
# The product with the model as its publisher made it, told to write without marks, so that the gate alone finds the proofs; to
# name the sentence before it writes; or after it.
WAYS_OF_CITING = ("write-first", "mark-first", "mark-last")
BASELINES = ("evidence", "no-gate", CLOSED_BOOK, "stock", *WAYS_OF_CITING)
# What a question costs in each arm, roughly: how the minutes are shared out. The product has about half of them.
COST = {
    PRODUCT: 8.0,
    "evidence": 1.0,
    "no-gate": 0.1,
    CLOSED_BOOK: 2.0,
    "stock": 6.0,
    "write-first": 4.0,
    "mark-first": 4.0,
    "mark-last": 4.0,
}

_PROMPTS = Path(__file__).with_name("prompts")


def instructions(name: str) -> str:
    """The first part of a prompt: one of the product's two, or from evals/prompts."""
    if name in {"mark-first", "mark-last"}:
        return prompts.system(mark_first=name == "mark-first")
    return (_PROMPTS / f"{name}.md").read_text(encoding="utf-8").strip()


class Arm(Protocol):
    """One way of answering, on one benchmark."""

    def ask(self, question: Question) -> Prediction:
        """Answer one question. Raises LLMError where the model gives nothing usable, InputError for no question."""
        ...


class Recorded:
    """A language model that remembers what it was sent and what it wrote since it was last asked for that."""

    def __init__(self, inner: LLM) -> None:
        self.name, self.hosted = inner.name, inner.hosted
        self._inner = inner
        self._calls: list[dict[str, str]] = []

    def stream(self, prompt: Prompt, **how: Any) -> Generator[Chunk, None, None]:  # noqa: ANN401 (as the model takes it)
        """See `LLM`. What has been written when the stream is closed is kept."""
        call = {"system": prompt.system, "user": prompt.user, "wrote": ""}
        self._calls.append(call)
        for chunk in self._inner.stream(prompt, **how):
            call["wrote"] += chunk.text
            yield chunk

    def taken(self) -> list[dict[str, str]]:
        """The calls since the last time, in order: `system`, `user`, `wrote`."""
        calls, self._calls = self._calls, []
        return calls

    def start(self) -> None:
        """See `LLM`."""
        self._inner.start()

    def close(self) -> None:
        """See `LLM`."""
        self._inner.close()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # whatever else a model can do, it can do here
        return getattr(self._inner, name)


class Instructed:
    """A language model that is sent other instructions than the product's."""

    def __init__(self, inner: LLM, instructions: str) -> None:
        self.name, self.hosted = inner.name, inner.hosted
        self._inner = inner
        self._instructions = instructions

    def stream(self, prompt: Prompt, **how: Any) -> Generator[Chunk, None, None]:  # noqa: ANN401 (as the model takes it)
        """See `LLM`."""
        yield from self._inner.stream(replace(prompt, system=self._instructions), **how)

    def start(self) -> None:
        """See `LLM`."""
        self._inner.start()

    def close(self) -> None:
        """See `LLM`."""
        self._inner.close()


class Product:
    """The product as it is configured; without a model, its evidence-only mode."""

    def __init__(self, asker: Asker, llm: Recorded | None) -> None:
        self._asker = asker
        self._llm = llm

    def ask(self, question: Question) -> Prediction:
        """See `Arm`."""
        if self._llm:
            self._llm.taken()
        within = Filter(articles=frozenset(question.within)) if question.within else None
        answer = self._asker.ask(question.text, question.history, within=within)
        return {
            **prediction_of(question.id, answer),
            "prompts": self._llm.taken() if self._llm else [],
        }


class NoGate:
    """The model's own sentences under its own marks, read again from what it wrote for the product. Nothing is asked.

    What was withheld before the model was asked (nothing found, a name that nobody mentions) stays withheld.
    """

    def __init__(self, answered: Mapping[str, Prediction], library: Library, config: Config) -> None:
        """`answered` has the product's predictions by question id."""
        self._answered = answered
        self._library = library
        self._config = config

    def ask(self, question: Question) -> Prediction:
        """See `Arm`. Raises KeyError if the product has not answered it."""
        found = self._answered[question.id]
        wrote = found["completion"]
        drafts = [one for one in parse(wrote or "") if not is_refusal(one.text)]
        shown = [evidence_of(row, self._library) for row in found["evidence"]]
        labels = {one.label: one for one in shown}
        asked = found["standalone"] or found["question"]
        meaning, large = self._library.embedder.query, self._config.llm == "server" and self._config.llm_large
        gate = Gate(asked, shown, floor=self._config.support, embed=meaning, large=large)
        claims = []
        for draft in drafts:
            cited = [labels[label] for label in draft.labels if label in labels]
            supports = [gate.support(draft.text, one) for one in cited]
            claims.append(
                {
                    "text": draft.text,
                    "citations": [citation(one, support.score) for one, support in zip(cited, supports, strict=True)],
                    "rejected": [
                        {"label": label, "reason": "unknown mark"} for label in draft.labels if label not in labels
                    ],
                    "shown": True,
                    "upheld": any(not one.failures and one.score >= self._config.support for one in supports),
                }
            )
        withheld = (found["reason"] or "not_stated") if wrote is None else "not_stated"
        return {**found, **ending(claims, withheld), "answerability": None, "disagreement": None}


class ClosedBook:
    """The model alone, asked the question without any article."""

    def __init__(self, llm: Recorded, config: Config) -> None:
        self._llm = llm
        self._config = config

    def ask(self, question: Question) -> Prediction:
        """See `Arm`."""
        self._llm.taken()
        asked = chat.standalone(question.text, question.history)
        begun = perf_counter()
        wrote, timings = "", dict[str, float]()
        for chunk in self._llm.stream(
            Prompt(instructions(CLOSED_BOOK), asked, {}), max_tokens=self._config.answer_tokens
        ):
            timings.setdefault("first_token", (perf_counter() - begun) * 1000)
            wrote += chunk.text
        timings["total"] = (perf_counter() - begun) * 1000
        claims = [
            {"text": one.text, "citations": [], "rejected": [], "shown": True, "upheld": False}
            for one in parse(wrote)
            if not is_refusal(one.text)
        ]
        return prediction(question, asked, claims, wrote, timings_ms=timings, llm=self._llm)


def check(names: Sequence[str], config: Config) -> None:
    """Raise ConfigError if a baseline needs a model and none is configured, or a package that is not installed."""
    needing = [name for name in names if name in BASELINES and name != "evidence"]
    if needing and config.llm == "none":
        raise ConfigError(f"the baseline {needing[0]!r} is about a language model, and llm is 'none'; leave it out")
    if "stock" in names:
        _stock()


def _stock() -> type[Stock]:
    try:
        from evals.stock import Stock
    except ModuleNotFoundError as exc:
        raise ConfigError(f"{exc.name} is missing: pip install -c constraints.txt -e '.[llama-index]'") from exc
    return Stock


def made_of(name: str) -> dict[str, str]:
    """What an arm's answers depend on besides the configuration: runs that differ in it are not mixed."""
    if name == "stock":
        return {"llama-index-core": version("llama-index-core")}
    made = {} if name == CLOSED_BOOK else {"article-qa": version("article-qa")}
    if name in {PRODUCT, "no-gate"}:  # the latter reads again what the model wrote for the former
        made["prompt"] = _digest("".join(prompts.system(mark_first=one) for one in (True, False)))
    elif name in {CLOSED_BOOK, *WAYS_OF_CITING}:
        made["prompt"] = _digest(instructions(name))
    return made


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class Workshop:
    """What the arms share: the model as published, and as the product has it; the cross-encoder; a library for each benchmark.

    Each is opened once, when needed.
    """

    def __init__(
        self,
        config: Config,
        *,
        llm: Callable[[Config], LLM | None],
        reranker: Callable[[], Reranker],
        open_library: Callable[[Loaded, Path], Library],
    ) -> None:
        self.config = config
        self._open_llm = llm
        self._make_reranker = reranker
        self._open_library = open_library
        self._llms: dict[bool, Recorded] = {}  # with the adapter, for the product alone, and without it
        self._reranker: Reranker | None = None
        self._libraries: dict[Path, Library] = {}

    def arm(self, name: str, benchmark: Loaded, folder: Path, answered: Mapping[str, Prediction]) -> Arm:
        """Make one arm; `folder` is that of the benchmark's library, `answered` the product's predictions.

        Raises ConfigError where `check` does.
        """
        check([name], self.config)
        library = self._library(benchmark, folder)
        if name == PRODUCT:
            return Product(self._asker(library, self._model()), self._model())
        if name == "evidence":
            return Product(self._asker(library, None), None)
        if name == "no-gate":
            return NoGate(answered, library, self.config)
        llm = self._model(adapter=False)
        assert llm is not None  # noqa: S101 (for mypy: `check` has looked)
        if name == CLOSED_BOOK:
            return ClosedBook(llm, self.config)
        if name in WAYS_OF_CITING:
            return Product(self._asker(library, Instructed(llm, instructions(name)), adapter=False), llm)
        return _stock()(
            benchmark, folder.with_name(f"stock-index-{benchmark.digests['articles'][:12]}"), library.embedder, llm
        )

    def close(self) -> None:
        """End the model and close the libraries."""
        for llm in self._llms.values():
            llm.close()
        for library in self._libraries.values():
            library.close()

    def _model(self, *, adapter: bool = True) -> Recorded | None:
        adapter = adapter and self.config.taught  # no other model has one
        if adapter not in self._llms and self.config.llm != "none":
            inner = self._open_llm(self.config.with_values(llm_adapter=adapter))
            if inner is not None:
                inner.start()
                self._llms[adapter] = Recorded(inner)
        return self._llms.get(adapter)

    def _asker(self, library: Library, llm: LLM | None, *, adapter: bool = True) -> Asker:
        config = self.config.with_values(llm_adapter=adapter and self.config.llm_adapter)
        config = config if llm else config.with_values(llm="none")
        return Asker(library, config, llm=llm, reranker=self._shared_reranker if config.reranker else None)

    def _shared_reranker(self) -> Reranker:
        if self._reranker is None:
            self._reranker = self._make_reranker()
        return self._reranker

    def _library(self, benchmark: Loaded, folder: Path) -> Library:
        if folder not in self._libraries:
            self._libraries[folder] = self._open_library(benchmark, folder)
        return self._libraries[folder]


def prediction(
    question: Question,
    asked: str,
    claims: Sequence[Mapping[str, Any]],
    wrote: str,
    *,
    timings_ms: Mapping[str, float],
    llm: Recorded,
    evidence: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """A prediction of a baseline that asks the model in its own way."""
    return {
        "id": question.id,
        "question": question.text,
        "standalone": asked if asked != question.text else None,
        "detail": None,
        **ending(claims, "not_stated"),
        "disagreement": None,
        "evidence": list(evidence),
        "retrieved": [],
        "completion": wrote,
        "timings_ms": {name: round(ms, 1) for name, ms in timings_ms.items()},
        "models": {"llm": llm.name},
        "prompts": llm.taken(),
    }


def ending(claims: Sequence[Mapping[str, Any]], withheld: str) -> dict[str, Any]:
    """The fields that tell how it ended: answered if there is any claim, else abstained for the reason `withheld`."""
    return {
        "status": "answered" if claims else "abstained",
        "reason": None if claims else withheld,
        "answer": " ".join(one["text"] for one in claims),
        "claims": list(claims),
    }


def evidence_of(row: Mapping[str, Any], library: Library) -> Evidence:
    """An evidence sentence of a prediction as it was when it was shown."""
    sentences = library.sentences(row["article_id"])
    index = next((one.index for one in sentences if one.start == row["start"]), None)
    if index is None:
        raise LLMError(f"{row['article_id']}: it has no sentence at {row['start']}; was the library changed?")
    before = " ".join(one.text for one in sentences[max(0, index - CONTEXT_SENTENCES) : index])
    return Evidence(
        label=row["label"],
        article_id=row["article_id"],
        title=row["title"],
        date=row["date"] and date.fromisoformat(row["date"]),
        sentence=index,
        start=row["start"],
        end=row["end"],
        text=row["text"],
        score=row["score"],
        context=before,
    )


def citation(one: Evidence, support: float) -> dict[str, Any]:
    """A citation of a whole evidence sentence, as a prediction has it."""
    return {
        "article_id": one.article_id,
        "title": one.title,
        "date": one.date and one.date.isoformat(),
        "sentence": one.sentence,
        "start": one.start,
        "end": one.end,
        "quote": one.text,
        "support": round(support, 4),
    }
