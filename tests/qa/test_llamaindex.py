from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from llama_index.core.llms import MockLLM
from llama_index.core.schema import Document

from index.library import Library
from index.types import Article
from qa.answer import Asker
from qa.config import Config
from qa.llamaindex import ArticleQueryEngine, ArticleRetriever, LlamaIndexLLM, PassageParser
from qa.rerank import CrossEncoder
from qa.types import Prompt

FERRY = Article(
    "ferry",
    "The ferry to Holm is back",
    "The ferry to Holm sails again. It was repaired in Aarle for 2.5 million crowns. The mayor, Ada Brink, took the first trip.",
    date(2024, 5, 2),
)


@pytest.fixture(scope="module")
def asker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asker]:
    folder: Path = tmp_path_factory.mktemp("library")
    with Library(folder) as library:
        library.add(
            [FERRY, Article("tax", "Council raises the dog tax", "The council of Holm raised the dog tax on Monday.")]
        )
        library.embed_pending()
        yield Asker(library, Config(library=folder, llm="none"), llm=None, reranker=CrossEncoder)


def test_the_retriever_gives_nodes_whose_offsets_slice_the_article(asker: Asker) -> None:
    best = ArticleRetriever(asker, k=1).retrieve("What did repairing the ferry cost?")
    assert [node.node.metadata["article_id"] for node in best] == ["ferry"]
    node = best[0].node
    assert FERRY.text[node.start_char_idx : node.end_char_idx] == node.get_content()


def test_the_query_engine_answers_with_the_cited_sentences_as_sources(asker: Asker) -> None:
    response = ArticleQueryEngine(asker=asker).query("What did repairing the ferry cost?")
    assert str(response) == "It was repaired in Aarle for 2.5 million crowns. [1]"
    (source,) = response.source_nodes
    assert FERRY.text[source.node.start_char_idx : source.node.end_char_idx] == source.node.get_content()
    assert response.metadata["answer"]["status"] == "answered"


def test_the_parser_cuts_a_document_as_the_library_does(asker: Asker) -> None:
    text = " ".join(f"Sentence number {n} of this long document says a little more than the last." for n in range(60))
    nodes = PassageParser().get_nodes_from_documents([Document(text=text, id_="long", metadata={"title": "Long"})])
    assert len(nodes) > 4
    assert all(text[n.start_char_idx : n.end_char_idx] == n.get_content() for n in nodes)
    assert nodes[0].source_node is not None
    assert nodes[0].source_node.node_id == "long"


def test_a_llama_index_model_writes_for_us() -> None:
    model = LlamaIndexLLM(MockLLM())
    chunks = list(model.stream(Prompt("Answer.", "Question: why?", {}), max_tokens=50))
    assert "why?" in "".join(chunk.text for chunk in chunks)
    assert chunks[-1].finish == "stop"
