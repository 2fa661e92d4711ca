"""Question -> Hits: words and meaning, fused by rank, then read by the cross-encoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from index.library import Library
from index.passages import embedded_text
from index.types import Filter, Passage
from qa.config import Config
from qa.rerank import Reranker
from qa.types import Hit

RRF_K = 60  # Cormack, Clarke, Büttcher: Reciprocal Rank Fusion (SIGIR 2009)


class Retriever:
    """Finds passages in one library."""

    def __init__(self, library: Library, config: Config, reranker: Reranker | None) -> None:
        self._library = library
        self._config = config
        self._reranker = reranker

    def fused(self, question: str, within: Filter | None = None) -> list[Hit]:
        """Return the passages found by word or by meaning, best first by reciprocal rank; equal ones by BM25's order.

        `within` narrows both lists to the articles that it lets through.
        """
        k = self._config.candidates
        lists = {}
        if self._config.bm25:
            lists["bm25"] = self._library.search_words(question, k, within)
        if self._config.dense:
            lists["dense"] = self._library.search_meaning(question, k, within)
        return fuse(lists)

    def described(self, hits: Sequence[Hit]) -> list[Hit]:
        """Return the hits with their articles' titles and dates; those whose article has gone meanwhile are left out."""
        articles = {name: self._library.heading(name) for name in {hit.passage.article_id for hit in hits}}
        found = ((hit, articles[hit.passage.article_id]) for hit in hits)
        return [replace(hit, title=head[0], date=head[1]) for hit, head in found if head is not None]

    def reranked(self, question: str, hits: Sequence[Hit]) -> list[Hit]:
        """Return the first `reranked` hits in the cross-encoder's order, the others after them as they were."""
        if self._reranker is None or not hits:
            return list(hits)
        head, tail = hits[: self._config.reranked], hits[self._config.reranked :]
        texts = [
            embedded_text(hit.title, f"{hit.date:%d %B %Y}" if hit.date else None, hit.passage.text) for hit in head
        ]
        scored = [
            replace(hit, score=score, stages={**hit.stages, "rerank": score})
            for hit, score in zip(head, self._reranker.scores(question, texts), strict=True)
        ]
        return sorted(scored, key=lambda hit: -hit.score) + list(tail)


def fuse(lists: dict[str, list[tuple[Passage, float]]]) -> list[Hit]:
    """Return one hit a passage, scored by the sum of 1 / (60 + rank) over the lists it is in; ranks start at 1."""
    passages: dict[str, Passage] = {}
    stages: dict[str, dict[str, float]] = {}
    for stage, found in lists.items():
        for rank, (passage, score) in enumerate(found, start=1):
            passages.setdefault(passage.id, passage)
            mine = stages.setdefault(passage.id, {"rrf": 0.0})
            mine[stage] = score
            mine["rrf"] += 1 / (RRF_K + rank)
    hits = [Hit(passages[name], "", None, mine["rrf"], mine) for name, mine in stages.items()]
    return sorted(hits, key=lambda hit: -hit.score)
