"""The stock recipe: llama-index's `CitationQueryEngine` with its defaults, on our model and our embedder.

The defaults: chunks of 1,024 tokens, the two nearest ones retrieved, cut to sources of at most 512 tokens that the model is asked
to cite by number. A source is a run of text and no sentence, so that a citation of it "matches" gold evidence easily: read its
citation precision together with `quote_chars`. The recipe has no typed refusal; an answer that says in usual words that the
sources do not help counts as one.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any

from llama_index.core import Document, StorageContext, VectorStoreIndex, load_index_from_storage
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.base.llms.types import CompletionResponse, CompletionResponseGen, LLMMetadata
from llama_index.core.llms import CustomLLM
from llama_index.core.query_engine import CitationQueryEngine
from pydantic import ConfigDict

from evals.arms import prediction
from qa import chat
from qa.parse import parse
from qa.types import Prompt

if TYPE_CHECKING:
    from pathlib import Path

    from evals.arms import Recorded
    from evals.folders import Loaded
    from evals.metrics import Prediction
    from evals.types import Question
    from index.embed import Embedder
    from index.types import Article

WINDOW_TOKENS = 4_096  # of the embedded model
ANSWER_TOKENS = 256  # llama-index's default
SYSTEM = "You are a helpful assistant."
_SOURCE = re.compile(r"\ASource \d+:\n")
_REFUSAL = re.compile(
    r"\b(?:none of the|no) (?:provided |given |available )?(?:sources?|information)\b"
    r"|\b(?:sources?|documents?|text|passages?|context|information)(?: provided| given)? (?:do(?:es)?|did) not\b"
    r"|\b(?:is|are|was|were) not (?:explicitly |specifically |directly )?(?:mentioned|stated|provided|specified|given|helpful)\b"
    r"|\b(?:cannot|can't|unable to) (?:be )?(?:answer|determin|find|provid)",
    re.IGNORECASE,
)


class Stock:
    """The recipe on one benchmark. Its index is kept in a folder and read from there the next time."""

    def __init__(self, benchmark: Loaded, folder: Path, embedder: Embedder, llm: Recorded) -> None:
        self._articles = {one.id: one for one in benchmark.articles}
        self._embedding = _Embedding(embedder=embedder)
        self._llm = llm
        self._model = _Model(llm=llm)
        self._folder = folder
        self._engine: CitationQueryEngine | None = None
        if not all(one.within for one in benchmark.questions):  # here, so that no question's time has it
            self._engine = CitationQueryEngine.from_args(self._whole(), llm=self._model)

    def ask(self, question: Question) -> Prediction:
        """See `Arm`."""
        self._llm.taken()
        asked = chat.standalone(question.text, question.history)
        engine = self._engine
        if question.within or engine is None:
            index = self._made([self._articles[name] for name in question.within])
            engine = CitationQueryEngine.from_args(index, llm=self._model)
        begun = perf_counter()
        response = engine.query(asked)
        timings = {"total": (perf_counter() - begun) * 1000}
        said = str(response.response or "") if response.source_nodes else ""
        sources = [self._source(label, node) for label, node in enumerate(response.source_nodes, 1)]
        claims = [] if _REFUSAL.search(said) else claims_of(said, sources)
        return prediction(question, asked, claims, said, timings_ms=timings, llm=self._llm, evidence=sources)

    def _whole(self) -> VectorStoreIndex:
        if not self._folder.exists():
            index = self._made(list(self._articles.values()))
            half = self._folder.with_name(f"{self._folder.name}.part")
            shutil.rmtree(half, ignore_errors=True)
            index.storage_context.persist(persist_dir=str(half))
            half.rename(self._folder)
            return index
        kept = StorageContext.from_defaults(persist_dir=str(self._folder))
        return load_index_from_storage(kept, embed_model=self._embedding)

    def _made(self, articles: Sequence[Article]) -> VectorStoreIndex:
        documents = [
            Document(
                text=one.text,
                id_=one.id,
                metadata={"title": one.title, "date": one.date.isoformat() if one.date else ""},
            )
            for one in articles
        ]
        return VectorStoreIndex.from_documents(documents, embed_model=self._embedding)

    def _source(self, label: int, found: Any) -> dict[str, Any]:  # noqa: ANN401 (llama-index's NodeWithScore)
        """A source as evidence. The engine gives no range: it is looked up in the article, and empty if it is not there."""
        text = _SOURCE.sub("", found.node.get_content()).strip()
        article = self._articles[found.node.ref_doc_id]
        start = max(0, article.text.find(text))
        end = start + len(text) if text and article.text.startswith(text, start) else start
        return {
            "label": label,
            "article_id": article.id,
            "title": article.title,
            "date": article.date and article.date.isoformat(),
            "start": start,
            "end": end,
            "text": text,
            "score": round(float(found.score or 0.0), 4),
        }


def claims_of(said: str, sources: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The sentences of an answer with the sources that they cite. Nothing checks them: all are shown, and none is upheld."""
    labels = {one["label"]: one for one in sources}
    return [
        {
            "text": draft.text,
            "citations": [_cited(labels[label]) for label in draft.labels if label in labels],
            "rejected": [{"label": label, "reason": "unknown mark"} for label in draft.labels if label not in labels],
            "shown": True,
            "upheld": None,
        }
        for draft in parse(said)
    ]


def _cited(source: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: source[name] for name in ("article_id", "title", "date", "start", "end")}
    return {**kept, "sentence": None, "quote": source["text"], "support": 0.0}


class _Embedding(BaseEmbedding):  # type: ignore[misc]
    """Our embedder for llama-index."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    embedder: Any
    embed_batch_size: int = 32

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_text_embeddings([text])[0]

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return [[float(x) for x in vector] for vector in self.embedder.documents(texts)]

    def _get_query_embedding(self, query: str) -> list[float]:
        return [float(x) for x in self.embedder.query(query)]

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_query_embedding(query)


class _Model(CustomLLM):  # type: ignore[misc]
    """Our language model for llama-index."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    llm: Any

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(context_window=WINDOW_TOKENS, num_output=ANSWER_TOKENS, model_name=self.llm.name)

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:  # noqa: ANN401, ARG002, FBT001, FBT002 (llama-index calls it so)
        chunks = self.llm.stream(Prompt(SYSTEM, prompt, {}), max_tokens=ANSWER_TOKENS)
        return CompletionResponse(text="".join(chunk.text for chunk in chunks))

    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponseGen:  # noqa: ANN401, FBT001, FBT002 (llama-index calls it so)
        yield self.complete(prompt, formatted, **kwargs)
