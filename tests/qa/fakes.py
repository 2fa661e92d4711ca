"""Stand-ins that obey our own protocols and run out loudly."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from functools import cache
from pathlib import Path

from index.embed import Embedder, Vectors
from index.library import Library
from index.types import Article, Sentence
from qa.config import Config
from qa.llm import Chunk, Finish
from qa.rerank import CrossEncoder
from qa.types import Evidence, Prompt

Reply = Sequence[str | Chunk | Exception] | Callable[[Prompt], str | Chunk]


SERVER = Config(llm="server", llm_url="http://127.0.0.1:9/v1", llm_model="large")  # nobody listens there


class ScriptedLLM:
    """Answers each prompt with the next of `replies`, then fails.

    A reply is the chunks of one completion, an exception standing where the model breaks, or a function of the prompt.
    """

    name = "scripted"

    def __init__(self, *replies: Reply, finish: Finish = "stop", hosted: bool = False, begun: str | Chunk = "") -> None:
        """`begun` is what it goes on with where a prompt begins its answer; such prompts are not kept."""
        self.hosted = hosted
        self._begun = begun
        self._replies = list(replies)
        self._finish = finish
        self.prompts: list[Prompt] = []
        self.max_tokens: list[int] = []
        self.closed_early = 0  # streams that were closed before their end
        self.started = False
        self.closed = False

    def stream(self, prompt: Prompt, *, max_tokens: int) -> Generator[Chunk, None, None]:
        """Yield the next reply. Raises AssertionError if asked once too often."""
        if prompt.begin:
            yield self._begun if isinstance(self._begun, Chunk) else Chunk(self._begun)
            yield Chunk("", "length")
            return
        self.prompts.append(prompt)
        self.max_tokens.append(max_tokens)
        if not self._replies:
            raise AssertionError(f"asked once too often: {prompt.user[-80:]!r}")
        reply = self._replies.pop(0)
        try:
            for part in [reply(prompt)] if callable(reply) else reply:
                if isinstance(part, Exception):
                    raise part
                yield part if isinstance(part, Chunk) else Chunk(part)
            yield Chunk("", self._finish)
        except GeneratorExit:
            self.closed_early += 1
            raise

    def start(self) -> None:
        """Note that it was called."""
        self.started = True

    def close(self) -> None:
        """Note that it was called."""
        self.closed = True


TITLE = "The Indian ambassador to Qatar met with the head of the Taliban political office in Doha"
MET = (
    "The envoy, Deepak Mittal, met with Sher Mohammad Abbas Stanekzai, head of the Taliban’s political office, in Doha on"
    " Tuesday at the request of the Taliban, the foreign ministry said."
)
COMMENT = "There was no immediate comment from the Taliban on the talks with the Indian envoy."
INVESTED = "India has invested more than $ 3 billion in development work in Afghanistan."
ARRIVED = (
    "Stanekzai, who was trained at an Indian military academy in the 1980s, had arrived in India informally last month."
)
DOHA = Article(
    "doha",
    TITLE,
    f"{MET} {COMMENT}\n\n{INVESTED} {ARRIVED}",
    date(2021, 9, 1),
    source="The Daily",
    file="/articles/doha.txt",
)
BRIDGE = Article(
    "bridge",
    "Bridge repair to cost $6.4 million",
    "The repair of Ostrey Bridge costs $6.4 million, the city council said on Friday. It was to cost $4.2 million."
    " Mayor Lena Brandt promised that the bridge will reopen in June. She did not say who pays for the rest.",
    date(2024, 5, 3),
)
STORM = Article(
    "storm",
    "Storm Ingrid cuts power to 12,000 homes",
    "Storm Ingrid left 12,000 homes without power on Sunday. Engineers restored most lines by Monday evening. Nobody was hurt.",
    date(2024, 11, 18),
)


def evidence_of(article: Article, *sentences: str) -> tuple[Evidence, ...]:
    """The given sentences of an article, numbered from 1, each with its place and the two sentences before it."""
    found = []
    for label, text in enumerate(sentences, start=1):
        start = article.text.index(text)
        found.append(
            Evidence(
                label=label,
                article_id=article.id,
                title=article.title,
                date=article.date,
                sentence=label - 1,
                start=start,
                end=start + len(text),
                text=text,
                score=float(-label),
                file=article.file,
                context=" ".join(sentences[max(0, label - 3) : label - 1]),
            )
        )
    return tuple(found)


def sentence(article: Article, index: int, text: str) -> Sentence:
    """One sentence of an article."""
    start = article.text.index(text)
    return Sentence(article.id, index, start, start + len(text), text)


class RememberingEmbedder:
    """A real embedder that works out each query once."""

    def __init__(self, real: Embedder) -> None:
        self.name, self.family = real.name, real.family
        self.documents = real.documents
        self._real = real
        self._known: dict[str, Vectors] = {}

    def query(self, text: str) -> Vectors:
        """Return float32 (dim,), of length 1."""
        if text not in self._known:
            self._known[text] = self._real.query(text)
        return self._known[text]


@contextmanager
def shelved(folder: Path, embedder: Embedder, articles: Sequence[Article]) -> Iterator[Library]:
    """Open a library in the folder that holds the articles with their vectors; it works out each query once."""
    with Library(folder) as library:
        library._embedder = RememberingEmbedder(embedder)
        library.add(articles)
        library.embed_pending()
        yield library


class RememberingReranker:
    """A real reranker that reads each pair once."""

    def __init__(self, real: CrossEncoder) -> None:
        self.name = real.name
        self._real = real
        self._known: dict[tuple[str, str], float] = {}
        self.states = cache(real.states)

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """Return a relevance for each text."""
        new = [text for text in dict.fromkeys(texts) if (question, text) not in self._known]
        self._known |= {
            (question, text): score for text, score in zip(new, self._real.scores(question, new), strict=True)
        }
        return [self._known[question, text] for text in texts]
