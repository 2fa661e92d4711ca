"""`article-qa doctor`: what is wrong, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from index import weights
from index.errors import ArticleQAError
from index.library import Library
from qa.config import Config
from qa.llm import open_llm
from qa.prompt import PROBE_TOKENS, probe


@dataclass(frozen=True, slots=True)
class Finding:
    """One check and how it went."""

    ok: bool
    what: str
    said: str


def examine(config: Config) -> Iterator[Finding]:
    """Yield one finding a check; none of them changes anything but a vector index that is behind."""
    for name in weights.DEFAULT:
        here = weights.installed(name)
        yield Finding(here, f"model {name}", "here" if here else "missing: run `article-qa models fetch`")
    try:
        with Library(config.library, embedder=config.embedder) as library:
            yield from _library(library)
    except ArticleQAError as exc:
        yield Finding(ok=False, what="library", said=str(exc))
    yield _llm(config)


def _library(library: Library) -> Iterator[Finding]:
    now = library.status()
    yield Finding(ok=True, what="library", said=f"{now.articles} articles in {library.folder}")
    broken = library.check()
    yield Finding(
        not broken, "catalogue", "; ".join(broken[:5]) or "every sentence and passage is a range of its article"
    )
    said = (
        f"{now.pending} passages wait for their vectors: run `article-qa add` or `serve`" if now.pending else "complete"
    )
    yield Finding(now.pending == 0, "vectors", said)
    yield Finding(ok=True, what="chroma", said="in step" if library.sync() else "open in another process")


def _llm(config: Config) -> Finding:
    try:
        llm = open_llm(config)
        if llm is None:
            return Finding(ok=True, what="language model", said="none: questions are answered with the evidence")
        try:
            chunks = llm.stream(probe(mark_first=config.taught), max_tokens=PROBE_TOKENS)
            said = "".join(chunk.text for chunk in chunks)
        finally:
            llm.close()
    except ArticleQAError as exc:
        return Finding(ok=False, what="language model", said=str(exc))
    return Finding(ok=True, what="language model", said=f"{llm.name} answers ({said.strip()!r})")
