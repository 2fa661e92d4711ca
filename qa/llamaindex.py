"""Article QA's parts for users of llama-index, and their models for Article QA. The only file that imports llama-index.

Its global `Settings` is neither read nor set: with a key in the environment it would silently choose a hosted model.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

from llama_index.core.base.response.schema import Response
from llama_index.core.callbacks import CallbackManager
from llama_index.core.llms import ChatMessage, MessageRole
from llama_index.core.llms.llm import LLM as LlamaIndexModel  # noqa: N811 (LLM is our own protocol here)
from llama_index.core.node_parser import NodeParser
from llama_index.core.query_engine import CustomQueryEngine
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import BaseNode, NodeRelationship, NodeWithScore, QueryBundle, TextNode
from pydantic import ConfigDict

from index.errors import LLMUnavailableError
from index.passages import passages
from index.sentences import split
from index.types import Article
from qa.answer import Asker
from qa.llm import Chunk
from qa.types import Citation, Hit, Prompt


class ArticleRetriever(BaseRetriever):  # type: ignore[misc]
    """Our passages as llama-index nodes: BM25 and vectors fused, then reranked. Offsets are characters of the article."""

    def __init__(self, asker: Asker, *, k: int = 10) -> None:
        """Return the `k` best passages of `asker`'s library for each query."""
        self._asker = asker
        self._k = k
        super().__init__(callback_manager=CallbackManager())

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return [_hit_node(hit) for hit in self._asker.retrieve(query_bundle.query_str).retrieved[: self._k]]


class ArticleQueryEngine(CustomQueryEngine):  # type: ignore[misc]
    """Answers with `Asker.ask`; `source_nodes` are the cited sentences, `metadata["answer"]` the whole object."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    asker: Asker

    def custom_query(self, query_str: str) -> Response:
        """Return the answer with marks; an abstention has no source nodes and says why in its metadata."""
        answer = self.asker.ask(query_str)
        said = " ".join(f"{c.text} {''.join(f'[{n}]' for n in answer.marks(c))}" for c in answer.shown)
        nodes = [_citation_node(citation) for citation in answer.citations]
        return Response(said or None, source_nodes=nodes, metadata={"answer": answer.to_json()})


class PassageParser(NodeParser):  # type: ignore[misc]
    """Documents -> the same passages that the library makes, with exact `start_char_idx` and `end_char_idx`."""

    def _parse_nodes(self, nodes: Sequence[BaseNode], show_progress: bool = False, **kwargs: Any) -> list[BaseNode]:  # noqa: ANN401, ARG002, FBT001, FBT002 (llama-index calls it so)
        return [
            TextNode(
                id_=passage.id,
                text=passage.text,
                start_char_idx=passage.start,
                end_char_idx=passage.end,
                metadata=dict(node.metadata),
                relationships={NodeRelationship.SOURCE: node.as_related_node_info()},
            )
            for node in nodes
            for article in [Article(node.node_id, str(node.metadata.get("title") or node.node_id), node.get_content())]
            for passage in passages(article, split(article))
        ]


class LlamaIndexLLM:
    """Any llama-index LLM as our language model: `Asker(..., llm=LlamaIndexLLM(Anthropic(...)))`."""

    hosted = True

    def __init__(self, model: LlamaIndexModel) -> None:
        self.name = model.metadata.model_name
        self._model = model

    def start(self) -> None:
        """Nothing to get ready."""

    def close(self) -> None:
        """Nothing to let go of: the model is its owner's."""

    def stream(self, prompt: Prompt, *, max_tokens: int) -> Generator[Chunk, None, None]:
        """Yield the completion as it is written. Raises LLMUnavailableError for whatever the integration raises."""
        messages = [
            ChatMessage(role=MessageRole.SYSTEM, content=prompt.system),
            ChatMessage(role=MessageRole.USER, content=prompt.user),
        ]
        finish = None
        try:
            for response in self._model.stream_chat(messages, max_tokens=max_tokens):
                finish = _finish(response.raw) or finish
                if response.delta:
                    yield Chunk(response.delta)
        except Exception as exc:  # (each integration raises the errors of its own client library)
            raise LLMUnavailableError(f"{self.name}: {exc!r}") from exc
        yield Chunk("", "length" if finish == "length" else "stop")


def _finish(raw: Any) -> str | None:  # noqa: ANN401 (whatever the provider sent)
    choices = getattr(raw, "choices", None) or []
    return getattr(choices[0], "finish_reason", None) if choices else None


def _hit_node(hit: Hit) -> NodeWithScore:
    passage = hit.passage
    metadata = {
        "article_id": passage.article_id,
        "title": hit.title,
        "date": hit.date.isoformat() if hit.date else None,
    }
    node = TextNode(
        id_=passage.id,
        text=passage.text,
        start_char_idx=passage.start,
        end_char_idx=passage.end,
        metadata=metadata | {"stages": dict(hit.stages)},
    )
    return NodeWithScore(node=node, score=hit.score)


def _citation_node(citation: Citation) -> NodeWithScore:
    day = citation.date.isoformat() if citation.date else None
    node = TextNode(
        id_=f"{citation.article_id}:{citation.start}-{citation.end}",
        text=citation.quote,
        start_char_idx=citation.start,
        end_char_idx=citation.end,
        metadata={"article_id": citation.article_id, "title": citation.title, "date": day},
    )
    return NodeWithScore(node=node, score=citation.support)
