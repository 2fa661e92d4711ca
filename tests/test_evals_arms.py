"""The baselines with a scripted model on a real library: what they send, what they show, and what they say of it."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakes import BRIDGE, DOHA, MET, STORM, ScriptedLLM, evidence_of

from evals import arms
from evals.arms import ClosedBook, NoGate, Product, Recorded, Workshop
from evals.data import digest_articles
from evals.folders import Loaded
from evals.metrics import score
from evals.stock import Stock, claims_of
from evals.types import Question
from index.embed import Embedder
from index.errors import ConfigError, LLMUnavailableError
from index.library import Library
from qa.answer import Asker
from qa.config import Config
from qa.parse import REFUSAL
from qa.rerank import Reranker
from qa.types import Answer, Prompt, Turn

WHO = Question("who", "Who did Mittal meet?", answerable=True, answers=("Stanekzai",))
ARTICLES = (DOHA, BRIDGE, STORM)
TEXTS = {one.id: one.text for one in ARTICLES}
BENCHMARK = Loaded("small", ARTICLES, TEXTS, (WHO,), {}, ())


def config(library: Library, **values: Any) -> Config:  # noqa: ANN401
    return Config(library=library.folder, **values)


def answered(wrote: str | None, *sentences: str) -> dict[str, Any]:
    """What the product's prediction has when the model wrote that about these sentences of the Doha article."""
    answer = Answer(WHO.text, evidence=evidence_of(DOHA, *sentences), completion=wrote, abstained="not_stated")
    return json.loads(json.dumps({"id": "who", **answer.to_json()}))  # type: ignore[no-any-return]


def gateless(library: Library, prediction: dict[str, Any]) -> Any:  # noqa: ANN401
    return NoGate({"who": prediction}, library, config(library)).ask(WHO)


# Recorded


def test_a_recorded_model_keeps_what_it_was_sent_and_what_it_wrote_until_then() -> None:
    inner = ScriptedLLM(["Ann", " met."], ["cut", LLMUnavailableError("gone")])
    llm = Recorded(inner)
    assert "".join(chunk.text for chunk in llm.stream(Prompt("be short", "who?", {}), max_tokens=7)) == "Ann met."
    with pytest.raises(LLMUnavailableError):
        list(llm.stream(Prompt("be short", "when?", {}), max_tokens=8))
    assert inner.max_tokens == [7, 8]
    assert llm.taken() == [
        {"system": "be short", "user": "who?", "wrote": "Ann met."},
        {"system": "be short", "user": "when?", "wrote": "cut"},
    ]
    assert llm.taken() == []
    assert llm.prompts is inner.prompts  # whatever else the model has


# The product


def test_the_products_prediction_has_its_prompts(library: Library, reranker: Reranker) -> None:
    llm = Recorded(ScriptedLLM([f"{MET} [1]"]))
    asker = Asker(library, config(library), llm=llm, reranker=lambda: reranker)
    found = Product(asker, llm).ask(WHO)
    assert found["status"] == "answered"
    (prompt,) = found["prompts"]
    assert prompt["wrote"] == found["completion"] == f"{MET} [1]"
    assert "Stanekzai" in prompt["user"]
    assert "NOT STATED" in prompt["system"]


def test_a_question_with_its_own_documents_sees_no_others(library: Library, reranker: Reranker) -> None:
    asker = Asker(library, config(library, llm="none"), llm=None, reranker=lambda: reranker)
    asked = Question("q", "What does the bridge cost?", answerable=False, within=("storm",))
    found = Product(asker, None).ask(asked)
    assert {row["article_id"] for row in found["retrieved"]} == {"storm"}
    assert found["prompts"] == []


# Without the gate


def test_without_the_gate_every_sentence_is_shown_under_its_own_marks(library: Library) -> None:
    wrote = "Mittal met Stanekzai in Doha on Tuesday. [1] He flew home in 2.9 hours. [2] Nobody cared. [9] It rained."
    found = gateless(
        library,
        answered(wrote, MET, "There was no immediate comment from the Taliban on the talks with the Indian envoy."),
    )
    assert found["status"] == "answered"
    assert [claim["text"] for claim in found["claims"]] == [
        "Mittal met Stanekzai in Doha on Tuesday.",
        "He flew home in 2.9 hours.",
        "Nobody cared.",
        "It rained.",
    ]
    assert [claim["upheld"] for claim in found["claims"]] == [True, False, False, False]
    assert found["answer"].startswith("Mittal met Stanekzai in Doha on Tuesday. He flew")
    assert found["claims"][0]["citations"][0]["quote"] == MET
    assert found["claims"][2]["rejected"] == [{"label": 9, "reason": "unknown mark"}]
    worth = score(WHO, found, TEXTS)
    assert worth.verbatim == (True, True)
    assert worth.unknown_marks == 1
    assert worth.withdrawn == (False,) * 4
    assert worth.contains_gold == 1


@pytest.mark.parametrize("wrote", [REFUSAL, "", None])
def test_without_the_gate_a_refusal_stays_one(library: Library, wrote: str | None) -> None:
    found = gateless(library, answered(wrote, MET))
    assert (found["status"], found["reason"], found["answer"], found["claims"]) == ("abstained", "not_stated", "", [])


def test_what_the_gate_reads_before_a_sentence_is_read_from_the_library_again(library: Library) -> None:
    """The second sentence of the bridge article says "It": the name is in the one before."""
    it = "It was to cost $4.2 million."
    shown = answered("Ostrey Bridge was to cost $4.2 million. [1]", MET)
    row = evidence_of(BRIDGE, it)[0]
    shown["evidence"] = json.loads(json.dumps(Answer("", evidence=(row,)).to_json()["evidence"]))
    assert gateless(library, shown)["claims"][0]["upheld"] is True


# Closed book


def test_closed_book_shows_the_model_no_article(library: Library) -> None:
    inner = ScriptedLLM(["He met ", "Stanekzai."])
    asked = Question(
        "who", "and when?", answerable=True, history=(Turn("user", "who did Mittal meet?"), Turn("assistant", "S."))
    )
    found = ClosedBook(Recorded(inner), config(library)).ask(asked)
    assert inner.prompts == [Prompt(arms.instructions("closed-book"), "when did Mittal meet?", {})]
    assert (found["status"], found["answer"], found["evidence"]) == ("answered", "He met Stanekzai.", [])
    assert found["claims"][0]["upheld"] is False
    assert set(found["timings_ms"]) == {"first_token", "total"}
    assert found["prompts"][0]["wrote"] == found["completion"]


def test_closed_book_may_say_that_it_does_not_know(library: Library) -> None:
    found = ClosedBook(Recorded(ScriptedLLM(["NOT STATED"])), config(library)).ask(WHO)
    assert (found["status"], found["reason"]) == ("abstained", "not_stated")


# The stock recipe


def stock(folder: Path, embedder: Embedder, *replies: str, asked: Question = WHO) -> tuple[Stock, ScriptedLLM]:
    inner = ScriptedLLM(*([reply] for reply in replies))
    return Stock(replace(BENCHMARK, questions=(asked,)), folder / "stock-index", embedder, Recorded(inner)), inner


def test_the_stock_recipe_answers_from_its_sources(tmp_path: Path, embedder: Embedder) -> None:
    recipe, inner = stock(tmp_path, embedder, "Mittal met Stanekzai [1]. Nobody was hurt [7].", "He met S [1].")
    found = recipe.ask(WHO)
    assert "Source 1:" in inner.prompts[0].user
    assert "Please provide an answer based solely on the provided sources." in inner.prompts[0].user
    first = found["evidence"][0]
    assert first["article_id"] == "doha"
    assert DOHA.text[first["start"] : first["end"]] == first["text"] == DOHA.text
    assert [claim["text"] for claim in found["claims"]] == ["Mittal met Stanekzai.", "Nobody was hurt."]
    worth = score(WHO, found, TEXTS)
    assert (worth.contains_gold, worth.verbatim, worth.unknown_marks, worth.upheld) == (1, (True,), 1, (None, None))
    kept = sorted((tmp_path / "stock-index").iterdir())
    again, _ = stock(tmp_path, embedder, "He met S [1].")
    assert again.ask(WHO)["evidence"] == found["evidence"]
    assert sorted((tmp_path / "stock-index").iterdir()) == kept


def test_the_stock_recipe_sees_only_a_questions_own_documents(tmp_path: Path, embedder: Embedder) -> None:
    asked = Question("q", "Who did Mittal meet?", answerable=False, within=("storm",))
    recipe, _ = stock(tmp_path, embedder, "None of the provided sources mention that.", asked=asked)
    found = recipe.ask(asked)
    assert {row["article_id"] for row in found["evidence"]} == {"storm"}
    assert (found["status"], found["completion"]) == ("abstained", "None of the provided sources mention that.")
    assert not (tmp_path / "stock-index").exists()


@pytest.mark.parametrize(
    ("said", "refused"),
    [
        ("The sources do not say who it was.", True),
        ("None of the sources are helpful.", True),
        ("This is not mentioned in the text.", True),
        ("I cannot determine that from the sources.", True),
        ("Mittal met Stanekzai [1].", False),
        ("The bridge did not reopen [1].", False),
    ],
)
def test_the_stock_recipes_refusals_are_told_by_their_words(
    said: str, refused: bool, tmp_path: Path, embedder: Embedder
) -> None:
    asked = Question("q", "Who did Mittal meet?", answerable=True, within=("doha",))
    recipe, _ = stock(tmp_path, embedder, said, asked=asked)
    assert (recipe.ask(asked)["status"] == "abstained") is refused


def test_a_source_that_no_article_has_in_these_words_is_not_verbatim() -> None:
    source = {"label": 1, "article_id": "doha", "title": "", "date": None, "start": 0, "end": 0, "text": "changed"}
    (claim,) = claims_of("He met S [1].", [source])
    assert (claim["citations"][0]["quote"], claim["citations"][0]["end"]) == ("changed", 0)


# The workshop


def workshop(
    library: Library,
    model: ScriptedLLM | None,
    reranker: Reranker,
    opened: list[Config] | None = None,
    **values: Any,  # noqa: ANN401
) -> Workshop:
    def open_llm(config: Config) -> ScriptedLLM | None:
        if opened is not None:
            opened.append(config)
        return model

    return Workshop(
        config(library, **values),
        llm=open_llm,
        reranker=lambda: reranker,
        open_library=lambda _benchmark, _folder: library,
    )


def test_only_the_product_has_what_the_model_was_taught(library: Library, reranker: Reranker, tmp_path: Path) -> None:
    taught, published = ScriptedLLM([f"[1] {MET}"]), ScriptedLLM(["Stanekzai."], [f"[1] {MET}"])
    shop = Workshop(
        config(library, llm="embedded"),
        llm=lambda config: taught if config.llm_adapter else published,
        reranker=lambda: reranker,
        open_library=lambda _benchmark, _folder: library,
    )
    for name in ("answers", "closed-book", "mark-first"):
        shop.arm(name, BENCHMARK, tmp_path, {}).ask(WHO)
    assert (len(taught.prompts), len(published.prompts)) == (1, 2)
    assert taught.prompts == published.prompts[1:]


def test_the_arms_share_one_model(library: Library, reranker: Reranker, tmp_path: Path) -> None:
    inner = ScriptedLLM([f"{MET} [1]"], ["Stanekzai."])
    opened: list[Config] = []
    shop = workshop(library, inner, reranker, opened, llm="tiny")
    done = {"who": shop.arm("answers", BENCHMARK, tmp_path, {}).ask(WHO)}
    assert inner.started
    assert shop.arm("closed-book", BENCHMARK, tmp_path, done).ask(WHO)["answer"] == "Stanekzai."
    assert shop.arm("no-gate", BENCHMARK, tmp_path, done).ask(WHO)["answer"] == MET
    best = shop.arm("evidence", BENCHMARK, tmp_path, done).ask(WHO)
    assert (best["answer"], best["models"]["llm"]) == (MET, "none")
    assert len(inner.prompts) == 2
    assert len(opened) == 1


@pytest.mark.parametrize(
    ("way", "said"), [("write-first", MET), ("mark-first", f"[1] {MET}"), ("mark-last", f"{MET} [1]")]
)
def test_a_way_of_citing_is_the_product_with_other_instructions(
    way: str, said: str, library: Library, reranker: Reranker, tmp_path: Path
) -> None:
    inner = ScriptedLLM([said], [f"{MET} [1]"])
    shop = workshop(library, inner, reranker)
    found = shop.arm(way, BENCHMARK, tmp_path, {}).ask(WHO)
    product = shop.arm("answers", BENCHMARK, tmp_path, {}).ask(WHO)
    assert [one["system"] for one in found["prompts"]] == [arms.instructions(way)]
    assert found["prompts"][0]["user"] == product["prompts"][0]["user"]
    assert found["claims"] == product["claims"]
    assert [one["quote"] for one in found["claims"][0]["citations"]] == [MET]
    assert arms.made_of(way)["prompt"] != arms.made_of("answers")["prompt"]


def test_a_baseline_that_asks_a_model_needs_one(library: Library, reranker: Reranker, tmp_path: Path) -> None:
    shop = workshop(library, None, reranker, llm="none")
    with pytest.raises(ConfigError, match="'closed-book' is about a language model"):
        shop.arm("closed-book", BENCHMARK, tmp_path, {})


def test_the_stock_index_is_of_the_articles_as_they_are_now(
    library: Library, reranker: Reranker, tmp_path: Path
) -> None:
    shop = workshop(library, ScriptedLLM(["He met S [1]."], ["He met S [1]."]), reranker)
    seen = []
    for articles in ((DOHA,), (BRIDGE,)):
        benchmark = replace(BENCHMARK, articles=articles, digests={"articles": digest_articles(articles)})
        found = shop.arm("stock", benchmark, tmp_path / "library", {}).ask(WHO)
        seen.append([row["article_id"] for row in found["evidence"]])
    assert seen == [["doha"], ["bridge"]]


def test_a_missing_llama_index_is_named_with_its_extra(
    library: Library, reranker: Reranker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name == "evals.stock" or name.split(".")[0] == "llama_index"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "llama_index", None)
    shop = workshop(library, ScriptedLLM(), reranker)
    with pytest.raises(ConfigError, match=r"missing: pip install .*llama-index"):
        shop.arm("stock", BENCHMARK, tmp_path, {})
