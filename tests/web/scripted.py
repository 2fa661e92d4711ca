"""An asker with fixed answers over a few articles: the page's tests run on it without a library or a model."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from threading import Event as Flag
from typing import Any

from index.errors import ConfigError, LibraryError, LLMUnavailableError
from index.library import Added
from index.types import Article, Filter, Listed, Passage
from qa.types import (
    Answer,
    AnswerDone,
    Citation,
    Claim,
    ClaimChecked,
    Disagreement,
    DraftGrown,
    Event,
    Evidence,
    EvidenceFound,
    Hit,
    Rejection,
    Turn,
)

LEAD = "The Indian ambassador to Qatar met with the head of the Taliban political office in Doha."
MET = (
    "The envoy, Deepak Mittal, met with Sher Mohammad Abbas Stanekzai, head of the Taliban’s political office, in Doha on "
    "Tuesday at the request of the Taliban, the foreign ministry said."
)
SAFETY = "The foreign ministry said the two sides discussed the security of Indians left behind in Afghanistan."
INVESTED = "India has invested more than $ 3 billion in development work in Afghanistan."
FILLER = "\n\n".join(
    f"Paragraph {n} tells of other things, at some length, so that the article has to be scrolled. " * 4
    for n in range(12)
)
DOHA = Article(
    "2021-09-01-india-taliban-doha.txt",
    LEAD,
    f"{LEAD}\n\n{FILLER}\n\n{MET} {SAFETY}\n\n{FILLER}\n\n{INVESTED} \U0001f54a The end.",
    date(2021, 9, 1),
    file="/articles/2021-09-01-india-taliban-doha.txt",
)
EVIL_QUOTE = (
    'He said <script>window.evil = 1</script> and ${window.evil = 2} and <img src="http://evil.example/q.png">.'
)
EVIL = Article(
    "evil",
    '<img src="http://evil.example/t.png" onerror="window.evil = 3">Ignore ${window.evil = 4} `this` \\u00zz {{title}}',
    f"First line.\n\n{EVIL_QUOTE} ![x](http://evil.example/m.png) [1] \\n stays.\n\nHalf a character: \ud800.",
    date(2024, 1, 2),
    source='"><svg onload="window.evil = 5">',
    url="javascript:window.evil=6",
)
BRIDGE = Article(
    "bridge",
    "Bridge repair to cost $6.4 million",
    "The repair costs $6.4 million, the city said.\nIt was to cost $4.2 million.\n\nMore on Friday.",
    date(2024, 5, 3),
    source="The Sarn Herald",
    url="https://herald.example/bridge",
)
ARTICLES = (DOHA, EVIL, BRIDGE)


def evidence(label: int, article: Article, text: str, *, score: float = 1.0, neighbour: bool = False) -> Evidence:
    """A sentence of `article`, found where it stands."""
    start = article.text.index(text)
    return Evidence(label, article.id, article.title, article.date, 0, start, start + len(text), text, score, neighbour)


def citation(e: Evidence, support: float = 0.9) -> Citation:
    """That sentence as a citation."""
    return Citation(e.article_id, e.title, e.date, e.sentence, e.start, e.end, e.text, support, e.label)


@dataclass
class Count:
    """What a library holds."""

    articles: int
    sentences: int
    pending: int


class Shelf:
    """A library of articles held in memory."""

    def __init__(self, articles: Sequence[Article]) -> None:
        self.held = {a.id: a for a in articles}
        self.pending = 0

    def get(self, article_id: str) -> Article | None:
        """Return the article or None."""
        return self.held.get(article_id)

    def add(self, articles: Iterable[Article]) -> Added:
        """Hold the articles."""
        added = updated = 0
        for article in articles:
            updated += article.id in self.held
            added += article.id not in self.held
            self.held[article.id] = article
        return Added(added, updated)

    def remove(self, article_id: str) -> bool:
        """Let go of the article."""
        return self.held.pop(article_id, None) is not None

    def listing(
        self, query: str = "", *, order: str = "date", down: bool = True, at: int = 0, limit: int = 50
    ) -> list[Listed]:
        """Return a page of them."""
        found = [
            Listed(a.id, a.title, a.date, a.source, len(a.text), self.pending and 1, a.file)
            for a in self.held.values()
            if all(word.lower() in f"{a.title} {a.source} {a.date} {a.id}".lower() for word in query.split())
        ]
        found.sort(key=lambda one: str(getattr(one, order) or "").casefold(), reverse=down)
        return found[at : at + limit]

    def count(self, query: str = "") -> int:
        """Return how many there are."""
        return len(self.listing(query, limit=1_000_000))

    def months(self) -> dict[str, int]:
        """Return how many of each month."""
        return dict(sorted(Counter(f"{a.date:%Y-%m}" if a.date else "" for a in self.held.values()).items()))

    def sources(self) -> dict[str, int]:
        """Return how many of each source."""
        return dict(Counter(a.source for a in self.held.values() if a.source))

    def size(self) -> int:
        """Return how much they take."""
        return 1_234_567

    def status(self) -> Count:
        """Return how many there are."""
        return Count(len(self.held), 10 * len(self.held), self.pending)


class FixedSettings:
    """Settings that remember what they were told."""

    def __init__(self) -> None:
        self.applied: list[dict[str, object]] = []
        self.saved = 0
        self.values: dict[str, Any] = {
            "llm": "none",
            "llm_url": "",
            "llm_model": "",
            "llm_key": "",
            "evidence": 6,
            "answer_tokens": 140,
        }

    def shown(self) -> dict[str, Any]:
        """Every setting, the key masked."""
        return self.values | {"llm_key": "***" if self.values["llm_key"] else ""}

    def model(self) -> str:
        """Who answers."""
        return "Scripted model"

    def apply(self, sent: Mapping[str, object]) -> None:
        """Refuse no sentences at all, take the rest."""
        if sent["evidence"] == 0:
            raise ConfigError("evidence is 0: it goes from 1 to 50")
        self.applied.append(dict(sent))
        self.values |= sent

    def save(self) -> str:
        """Keep nothing; fail for the wrong address."""
        if "wrong" in str(self.values["llm_url"]):
            raise ConfigError("config.toml: cannot be written: No space left on device")
        self.saved += 1
        return "Saved in /home/ada/.config/article-qa/config.toml."

    def probe(self, sent: Mapping[str, object]) -> str:
        """Work, unless the address is a wrong one."""
        if "wrong" in str(sent["llm_url"]):
            raise LLMUnavailableError("nothing answers there")
        return "It works: scripted answered “ready” in 0.1 s."


class ScriptedAsker:
    """Answers by keyword. `pace_s` is slept before each event; `closed` is set when a stream is closed early."""

    def __init__(self, *, pace_s: float = 0.0, articles: Sequence[Article] = ARTICLES) -> None:
        self.library = Shelf(articles)
        self.pace_s = pace_s
        self.closed = Flag()
        self.search_on = Flag()  # the "glimpse" question waits for it before its evidence
        self.go_on = Flag()  # the "hold" question waits for it after its evidence
        self.histories: list[tuple[Turn, ...]] = []
        self.withins: list[Filter | None] = []
        self.narrows: list[bool] = []

    def glimpse(self, question: str, history: Sequence[Turn] = (), **_: Any) -> tuple[Evidence, ...]:  # noqa: ANN401, ARG002
        """One sentence, of the question that waits before its search."""
        if "glimpse" not in question:
            return ()
        return (evidence(1, DOHA, INVESTED, score=0.5),)

    def stream(
        self, question: str, history: Sequence[Turn] = (), *, within: Filter | None = None, narrow: bool = True
    ) -> Iterator[Event]:
        """Yield the scripted events."""
        self.narrows.append(narrow)
        self.histories.append(tuple(history))
        self.withins.append(within)
        if "glimpse" in question:
            self.search_on.wait(20)
        try:
            for event in self._script(question, narrow=narrow):
                time.sleep(self.pace_s)
                yield event
        except GeneratorExit:
            self.closed.set()
            raise

    def _script(self, question: str, *, narrow: bool) -> Iterator[Event]:
        words = question.lower()
        if "last week" in words:
            return week(question, narrow=narrow)
        if "hold" in words:
            return met(question, lambda: self.go_on.wait(20))
        for word, script in SCRIPTS.items():
            if word in words:
                return script(question)
        return met(question)


def hit(article: Article, text: str, asked: str = "", **stages: float) -> Hit:
    """A passage of `article` that holds `text` alone."""
    start = article.text.index(text)
    passage = Passage(f"{article.id} {start}", article.id, 0, 0, start, start + len(text), text)
    return Hit(passage, article.title, article.date, 1.0, stages, asked)


HITS = (
    hit(BRIDGE, "The repair costs $6.4 million, the city said.", bm25=4.5, dense=0.61, rrf=0.0325, rerank=6.25),
    hit(DOHA, INVESTED, "how much? Bridge repair", hop=2.0),
)


def done(question: str, claims: Sequence[Claim] = (), found: Sequence[Evidence] = (), **fields: Any) -> AnswerDone:  # noqa: ANN401
    """The last event."""
    timings = {"retrieve": 40.0, "evidence": 120.0, "first_token": 900.0, "total": 4321.0}
    given = {"completion": "as the model wrote it", "timings_ms": timings, "models": {"llm": "scripted"}} | fields
    return AnswerDone(Answer(question, tuple(claims), tuple(found), **given))


FOUND = (evidence(1, DOHA, MET, score=3), evidence(2, DOHA, SAFETY, score=2), evidence(3, DOHA, LEAD))


def met(question: str, pause: Callable[[], object] = lambda: None) -> Iterator[Event]:
    """Two supported sentences around a withdrawn one."""
    first = Claim("Deepak Mittal met Sher Mohammad Abbas Stanekzai.", (citation(FOUND[0]),))
    withdrawn = Claim("They met in Kabul.", (), (Rejection(2, "name not in the cited sentence: Kabul"),))
    last = Claim("They spoke about the security of Indians.", (citation(FOUND[1]), citation(FOUND[0])))
    yield EvidenceFound(question, FOUND, (), 40)
    pause()
    for text in ("Deepak", "Deepak Mittal met Sher Mohammad", "Deepak Mittal met Sher Mohammad Abbas Stanekzai [1"):
        yield DraftGrown(text)
    yield ClaimChecked(first)
    yield DraftGrown("They met in Kab")
    yield ClaimChecked(withdrawn)
    yield ClaimChecked(last)
    yield done(question, (first, withdrawn, last), FOUND)


def cost(question: str) -> Iterator[Event]:
    """A follow-up that was read with the conversation, from another article."""
    found = evidence(1, BRIDGE, "The repair costs $6.4 million, the city said.")
    claim = Claim("It costs $6.4 million.", (citation(found),), words=(9, 21))
    yield EvidenceFound("How much does the bridge cost?", (found,), (), 40)
    yield ClaimChecked(claim)
    yield done(question, (claim,), (found,), standalone="How much does the bridge cost?")


STEPS = ("which bridge costs millions?", "What does the <b>bridge</b> cost?")


def toll(question: str) -> Iterator[Event]:
    """One sentence that two articles support, and one of either alone, looked up in two steps."""
    here = evidence(1, BRIDGE, "The repair costs $6.4 million, the city said.")
    there = evidence(2, DOHA, INVESTED)
    both = Claim("Millions are spent.", (citation(here), citation(there)))
    alone = Claim("The repair costs $6.4 million.", (citation(here),))
    yield EvidenceFound(question, (here, there), (), 40)
    yield ClaimChecked(both)
    yield ClaimChecked(alone)
    yield done(question, (both, alone), (here, there), steps=STEPS)


def differ(question: str) -> Iterator[Event]:
    """An answer from one of two articles that give different values; the later one corrects."""
    there, here = evidence(1, DOHA, INVESTED), evidence(2, BRIDGE, "The repair costs $6.4 million, the city said.")
    claim = Claim("It costs $6.4 million.", (citation(here),))
    stated = Disagreement((citation(there), citation(here)), ("$ 3 billion", "$6.4 million"), correction=1)
    yield EvidenceFound(question, (there, here), HITS, 40)
    yield ClaimChecked(claim)
    yield done(question, (claim,), (there, here), disagreement=stated, retrieved=HITS)


def week(question: str, *, narrow: bool) -> Iterator[Event]:
    """Last week nothing was written of it; without the week there is an answer."""
    if narrow:
        yield EvidenceFound(question, (), (), 40, narrowed="last week")
        yield done(question, abstained="nothing_found", completion=None)
        return
    yield from cost(question)


def evil(question: str) -> Iterator[Event]:
    """Markup and template code in the draft, the claim, the quote and the article."""
    found = evidence(1, EVIL, EVIL_QUOTE)
    claim = Claim('It says <b onclick="x">so</b> and ${window.evil = 7}.', (citation(found),))
    yield EvidenceFound(question, (found,), (), 40)
    yield DraftGrown("It says <b>so ${window.evil = 8} <img src=http://evil.example/d.png>")
    yield ClaimChecked(claim)
    yield done(question, (claim,), (found,))


def unsupported(question: str) -> Iterator[Event]:
    """One sentence, withdrawn."""
    rejected = Claim("They ate lamb in Doha.", (), (Rejection(1, "word not in the cited sentence: lamb"),))
    yield EvidenceFound(question, FOUND, (), 40)
    yield DraftGrown("They ate")
    yield ClaimChecked(rejected)
    yield done(question, (rejected,), FOUND)


def not_stated(question: str) -> Iterator[Event]:
    """The model refused."""
    yield EvidenceFound(question, FOUND, (), 40)
    yield done(question, (), FOUND, abstained="not_stated")


def nothing_found(question: str) -> Iterator[Event]:
    """No evidence at all."""
    yield EvidenceFound(question, (), (), 40)
    yield done(question, abstained="nothing_found", completion=None)


def unavailable(question: str) -> Iterator[Event]:
    """The model died."""
    yield EvidenceFound(question, FOUND, (), 40)
    yield done(question, (), FOUND, abstained="llm_unavailable", detail="The model's process ended.")


def broken(question: str) -> Iterator[Event]:
    """An error that a user can be told about."""
    yield EvidenceFound(question, FOUND, (), 40)
    raise LibraryError("the library is locked by another program; close it and ask again")


def crash(question: str) -> Iterator[Event]:
    """An error that nobody foresaw."""
    yield EvidenceFound(question, FOUND, (), 40)
    raise ZeroDivisionError


SCRIPTS: Mapping[str, Callable[[str], Iterator[Event]]] = {
    "evil": evil,
    "spent": toll,
    "differ": differ,
    "cost": cost,
    "eat": unsupported,
    "weather": not_stated,
    "xyzzy": nothing_found,
    "offline": unavailable,
    "broken": broken,
    "crash": crash,
}
