"""Question -> Hits: words and meaning, fused by rank, read by the cross-encoder, and one step further along the names found."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import chain, zip_longest

from index.library import Library
from index.passages import embedded_text
from index.types import Filter, Passage
from index.words import content_words
from qa import aspects, dates, facts
from qa.config import Config
from qa.rerank import Reranker
from qa.turns import in_turn
from qa.types import Hit

RRF_K = 60  # Cormack, Clarke, Büttcher: Reciprocal Rank Fusion (SIGIR 2009)
IN_SCOPE = 10  # passages from each source or time that the question names, and for each of its clauses
FOR_ALL = 300  # passages from each of words and meaning, found exactly, where a question wants all there are
READ_FOR_ALL = 16  # of them that the cross-encoder reads, no two from one article before each has had its turn
OTHER_FORMS_FROM = 10  # passages of each list in which initials are looked up
MOST_SCOPES = 6

HOP_FROM = 3  # best passages whose names are followed
HOP_NAMES = 8  # of each
HOP_FOUND = 4  # passages by word, and as many by meaning, for each of them
HEAD = 5  # passages that stay in front of what was found by following names
HEAD_OF_SEVERAL = 3  # the same where the question plainly needs more than one passage
MOST_HOPS = 5  # passages that follow the head before the rest of the first search
READ_AT_ONCE = 4  # passages that the cross-encoder reads before it looks whether more are needed
ANSWERS = 4.0  # logit from which a passage is taken to answer
READ_HOPS = 9  # passages that names led to and that the cross-encoder reads
SURE = 3.0  # logit of the best passage below which it hardly answers alone (a quarter of squad2's, three of musique's)
RIVALS = 4.0  # logits within which two reports are taken to answer the same
TIMELY = 2.0  # logits for the latest of them where the latest is asked for
BRIDGE_CHARS = 200  # of the passage a name was found in, that are read along with what it led to

_SECOND = (" in scope 2", " of clause 2")  # stages that tell that the question was searched in several ways
_NEWEST = re.compile(
    r"\b(?:latest|newest|most recent|recently|now|nowadays|currently|current|so far|to date|at present|these days|still"
    r"|in the end|eventually)\b",
    re.IGNORECASE,
)
# Not "first" alone: it mostly counts ("the first woman", "first opened").
_OLDEST = re.compile(
    r"\b(?:earliest|originally|initially|at first|first (?:reported|estimated|announced|count|figure|report|estimate))\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class First:
    """What was found before anything was read."""

    question: str  # as it was searched
    hits: tuple[Hit, ...]  # best first by reciprocal rank
    within: Filter | None  # where it was looked for
    narrowed: str | None = None  # the words of the question that made `within` narrower
    everything: bool = False  # the question wants all there are: "list ...", "all who ..."


@dataclass(frozen=True, slots=True)
class Found:
    """What a search has found."""

    hits: tuple[Hit, ...]  # best first
    depth: int  # how many of them are worth reading sentence by sentence
    narrowed: str | None = None  # "last week": the words of the question that narrowed the search to a time
    everything: bool = False  # the question wants all there are: its evidence may be wider


class Retriever:
    """Finds passages in one library."""

    def __init__(self, library: Library, config: Config, reranker: Reranker | None) -> None:
        self._library = library
        self._config = config
        self._reranker = reranker

    def search(self, question: str, within: Filter | None = None, *, today: date | None = None) -> Found:
        """Return what is found for `question`, seen from `today`, in the articles that `within` lets through."""
        return self.read(self.first(question, within, today=today))

    def first(
        self,
        question: str,
        within: Filter | None = None,
        *,
        today: date | None = None,
        narrow: bool = True,
        everything: bool = False,
    ) -> First:
        """Return the passages before anything is read; with `everything` there shall be some of each article.

        "last week" narrows to the articles of last week, unless that would leave nothing or `narrow` is false. A word
        that no article has is searched, and later read, in the articles' own spelling.
        """
        question = self._library.respelled(question)
        everything = everything or aspects.asks_for_all(question)
        told = dates.periods(question, today or date.today()) if self._config.scopes else []  # noqa: DTZ011 (the reader's own day)
        for period in told[:1]:
            then = (within or Filter()).also(Filter(since=period.since, until=period.until))
            if (
                narrow
                and period.relative
                and then
                and (hits := self.described(self.fused(question, then, everything=everything)))
            ):
                return First(question, tuple(hits), then, period.phrase, everything)
        closed = [
            Filter(since=one.since, until=one.until) for one in told if one.since and one.until and not one.relative
        ]
        scopes = (
            [*self._sources(question), *closed, *self._since_event(question, within)] if self._config.scopes else []
        )
        clauses = aspects.clauses(question) if self._config.clauses else []
        hits = self.fused(question, within, scopes=scopes, clauses=clauses, everything=everything)
        return First(question, tuple(self.described(hits)), within, everything=everything)

    def read(self, first: First) -> Found:
        """Return the passages in the order in which they answer, with those that their names lead to."""
        question = first.question
        if first.everything:
            found = self._each_article(question, first.hits)
            return Found(tuple(found), READ_FOR_ALL, first.narrowed, everything=True)
        ranked = self.reranked(question, first.hits)
        depth = self._config.passages
        if not (self._config.hops and ranked):
            return Found(tuple(ranked), depth, first.narrowed)
        several = self._needs_several(question, ranked[0])
        head = HEAD_OF_SEVERAL if several else HEAD
        known = {hit.passage.id for hit in ranked[:head]}
        led = _unique(self._led(question, ranked[:HOP_FROM], first.within), known)
        if several and self._reranker is not None:
            led = self._read(led[:READ_HOPS])
            depth = HEAD_OF_SEVERAL + MOST_HOPS - 2
        # What the question alone found as well keeps what it is worth to that: it is read in both ways.
        direct = {hit.passage.id: hit.stages["rerank"] for hit in ranked if "rerank" in hit.stages}
        led = [
            replace(hit, stages={**hit.stages, "rerank": direct[hit.passage.id]}) if hit.passage.id in direct else hit
            for hit in led[:MOST_HOPS]
        ]
        front = [*ranked[:head], *led]
        rest = _unique(ranked[head:], {hit.passage.id for hit in front})
        return Found((*front, *rest), depth, first.narrowed)

    def fused(
        self,
        question: str,
        within: Filter | None = None,
        *,
        scopes: Sequence[Filter] = (),
        clauses: Sequence[str] = (),
        everything: bool = False,
    ) -> list[Hit]:
        """Return the passages found by word or by meaning, best first by reciprocal rank; equal ones by BM25's order.

        With `everything` many more of each are found.

        Each of `scopes` is searched by itself as well: a question over two newspapers finds something in both. And so is each
        of `clauses`, in the sources that it names.
        """
        lists = self._lists(question, FOR_ALL if everything else self._config.candidates, within)
        lists |= self._spelt_otherwise(question, lists, within)
        narrower = [one for scope in scopes[:MOST_SCOPES] if (one := (within or Filter()).also(scope))]
        for number, scope in enumerate(narrower, start=1):
            found = self._lists(question, IN_SCOPE, scope)
            lists |= {f"{name} in scope {number}": passages for name, passages in found.items()}
        by_clause = []
        for number, clause in enumerate(clauses, start=1):
            named = frozenset().union(*(one.sources or () for one in self._sources(clause)))
            there = (within or Filter()).also(Filter(sources=named)) if named else within
            found = self._lists(clause, IN_SCOPE, there)
            hits = fuse({f"{name} of clause {number}": passages for name, passages in found.items()})
            by_clause.append([replace(hit, clause=clause) for hit in hits])
        return joined(fuse(lists), by_clause)

    def described(self, hits: Iterable[Hit]) -> list[Hit]:
        """Return the hits with their articles' titles and dates; those whose article has gone meanwhile are left out."""
        found = list(hits)
        articles = {name: self._library.heading(name) for name in {hit.passage.article_id for hit in found}}
        pairs = ((hit, articles[hit.passage.article_id]) for hit in found)
        return [replace(hit, title=head[0], date=head[1]) for hit, head in pairs if head is not None]

    def reranked(self, question: str, hits: Sequence[Hit]) -> list[Hit]:
        """Return the first `reranked` hits in the cross-encoder's order, the others after them as they were.

        If one of the first four plainly answers, no more are read: on squad2, qed, clapnq and hotpotqa reading ten found the
        evidence no more often, and it takes the reader's time.

        Where several sources, times or clauses were searched, its order counts as much as theirs: it judges each passage
        against the whole question, of which a passage answers one part.
        """
        if self._reranker is None or not hits:
            return list(hits)
        scored: list[Hit] = []
        for begins, ends in ((0, READ_AT_ONCE), (READ_AT_ONCE, self._config.reranked)):
            if any(hit.score >= ANSWERS for hit in scored):
                break
            scored += self._scored(question, hits[begins : min(ends, self._config.reranked)])
        tail = hits[len(scored) :]
        best = sorted(timely(question, scored), key=lambda hit: -hit.score)
        if any(stage.endswith(_SECOND) for hit in scored for stage in hit.stages):
            place = {hit.passage.id: at for at, hit in enumerate(scored)}
            ranks = {hit.passage.id: (at, place[hit.passage.id]) for at, hit in enumerate(best)}
            mixed = (replace(hit, score=sum(1 / (RRF_K + at) for at in ranks[hit.passage.id])) for hit in best)
            best = sorted(mixed, key=lambda hit: -hit.score)
        return best + list(tail)

    def _each_article(self, question: str, hits: Sequence[Hit]) -> list[Hit]:
        """Return the hits read for a question that wants all there are: the best passage of every article comes first."""
        turns = in_turn(hits, lambda hit: hit.passage.article_id)
        if self._reranker is None:
            return turns
        front = self._scored(question, turns[:READ_FOR_ALL])
        return sorted(front, key=lambda hit: -hit.score) + turns[READ_FOR_ALL:]

    def _scored(self, question: str, hits: Sequence[Hit]) -> list[Hit]:
        """The hits with the cross-encoder's score of each for `question`, or for the clause of it that found them."""
        scores = self._scores([hit.clause or question for hit in hits], hits)
        return [
            replace(hit, score=score, stages={**hit.stages, "rerank": score})
            for hit, score in zip(hits, scores, strict=True)
        ]

    def _scores(self, asked: Sequence[str], hits: Sequence[Hit]) -> list[float]:
        """The cross-encoder's score of each hit for what is asked of it; those of one question are read side by side."""
        assert self._reranker is not None  # noqa: S101 (for mypy: the callers have looked)
        scores: dict[int, float] = {}
        for question in dict.fromkeys(asked):
            places = [at for at, one in enumerate(asked) if one == question]
            read = self._reranker.scores(question, [_text(hits[at]) for at in places])
            scores |= dict(zip(places, read, strict=True))
        return [scores[at] for at in range(len(hits))]

    def _spelt_otherwise(
        self, question: str, lists: Mapping[str, Sequence[tuple[Passage, float]]], within: Filter | None
    ) -> dict[str, list[tuple[Passage, float]]]:
        """What is found for the question with its initials written out, or its long names as initials."""
        texts = (passage.text for found in lists.values() for passage, _ in found[:OTHER_FORMS_FROM])
        forms = aspects.other_forms(question, texts) if self._config.bm25 else []
        if not forms:
            return {}
        phrases = " ".join(f'"{form}"' for form in forms)
        found = self._library.search_words(f"{question} {phrases}", self._config.candidates, within)
        written = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, forms))})(?!\w)")
        return {"other forms": [one for one in found if written.search(one[0].text)][:IN_SCOPE]}

    def _lists(self, question: str, k: int, within: Filter | None) -> dict[str, list[tuple[Passage, float]]]:
        lists = {}
        if self._config.bm25:
            lists["bm25"] = self._library.search_words(question, k, within)
        if self._config.dense:
            lists["dense"] = self._library.search_meaning(question, k, within, exact=k >= FOR_ALL)
        return lists

    def _sources(self, question: str) -> list[Filter]:
        return [Filter(sources=one) for one in aspects.sources(question, self._library.sources())]

    def _since_event(self, question: str, within: Filter | None) -> list[Filter]:
        """The time that is counted from an event ("since the election of Ada Brink"): from the first report of it."""
        told = dates.event(question)
        if told is None:
            return []
        word, event = told
        wanted = {facts.stem(one.lower()) for one in content_words(event)}
        found = self.described(
            [Hit(one, "", None, score) for one, score in self._library.search_words(event, IN_SCOPE, within)]
        )
        days = [
            hit.date
            for hit in found
            if hit.date and wanted <= {facts.stem(one) for one in _words(f"{hit.title} {hit.passage.text}")}
        ]
        if not days:
            return []
        try:
            period = dates.from_event(word, min(days))
        except OverflowError:  # before the first day that a calendar has
            return []
        return [Filter(since=period.since, until=period.until)]

    def _needs_several(self, question: str, best: Hit) -> bool:
        """True if the best passage hardly answers, or lacks one of the names that the question asks about."""
        if best.stages.get("rerank", SURE) < SURE:
            return True
        there = _words(f"{best.title} {best.passage.text}")
        return any(not _words(name) <= there for name in aspects.names(question))

    def _led(self, question: str, best: Sequence[Hit], within: Filter | None) -> list[Hit]:
        """What the names in the best passages lead to, those of the first before those of the second, one in turn."""
        asked = _words(question)
        rows = []
        for hit in best:
            read = f"{hit.title}. {hit.passage.text}"
            new = [name for name in aspects.names(read) if not _words(name) <= asked][:HOP_NAMES]
            open_ = " ".join(word for word in content_words(question) if word.lower() not in _words(read))
            lists = {}
            if self._config.bm25:
                phrases = " ".join(f'"{name}"' for name in new)
                lists["hop"] = self._library.search_words(f"{open_} {phrases}", HOP_FOUND, within)
            if self._config.dense:
                meant = f"{open_} {hit.passage.text[: BRIDGE_CHARS + 100]}"
                lists["dense hop"] = self._library.search_meaning(meant, HOP_FOUND, within)
            bridge = f"{question} {hit.title}. {hit.passage.text[:BRIDGE_CHARS]}"
            found = chain.from_iterable(
                [Hit(passage, "", None, score, {stage: score}, bridge) for passage, score in one]
                for stage, one in lists.items()
            )
            rows.append([one for one in found if one.passage.id != hit.passage.id])
        return self.described(one for turn in zip_longest(*rows) for one in turn if one is not None)

    def _read(self, hits: Sequence[Hit]) -> list[Hit]:
        """Return the hits in the cross-encoder's order, each read with the passage that led to it."""
        scores = self._scores([hit.asked for hit in hits], hits)
        read = [replace(hit, score=score) for hit, score in zip(hits, scores, strict=True)]
        return sorted(read, key=lambda hit: -hit.score)


def fuse(lists: Mapping[str, Sequence[tuple[Passage, float]]]) -> list[Hit]:
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


def joined(whole: Sequence[Hit], by_clause: Iterable[Sequence[Hit]]) -> list[Hit]:
    """Return what was found for a whole question together with what was found for each clause of it, best first.

    A passage is scored by the whole and by the clause that it answers best, not by all of them: it need not answer more than
    one.
    """
    found = {hit.passage.id: hit for hit in whole}
    best: dict[str, Hit] = {}
    for hit in chain.from_iterable(by_clause):
        if hit.passage.id not in best or hit.score > best[hit.passage.id].score:
            best[hit.passage.id] = hit
    for name, hit in best.items():
        before = found.get(name, replace(hit, score=0.0, stages={}))
        score = before.score + hit.score
        stages = {**hit.stages, **before.stages, "rrf": score}
        found[name] = replace(before, score=score, stages=stages, clause=hit.clause)
    return sorted(found.values(), key=lambda hit: -hit.score)


def timely(question: str, hits: Sequence[Hit]) -> list[Hit]:
    """Return the hits with the later ones lifted where the question asks for the latest, the earlier ones where for the first.

    Only reports that answer about as well as the best one compete; the last of them gets `TIMELY`, the first nothing.
    """
    asked = _NEWEST.search(question) or _OLDEST.search(question)
    best = max((hit.score for hit in hits), default=0.0)
    days = sorted(
        {hit.date for hit in hits if hit.date and hit.score > best - RIVALS}, reverse=not _NEWEST.search(question)
    )
    if not asked or len(days) < 2:
        return list(hits)
    lift = {day: TIMELY * at / (len(days) - 1) for at, day in enumerate(days)}
    return [
        replace(hit, score=hit.score + more, stages={**hit.stages, "time": more})
        if hit.date and (more := lift.get(hit.date, 0.0))
        else hit
        for hit in hits
    ]


def _unique(hits: Iterable[Hit], known: Iterable[str]) -> list[Hit]:
    """The hits whose passage is not `known`, each passage once."""
    seen = set(known)
    left = []
    for hit in hits:
        if hit.passage.id not in seen:
            seen.add(hit.passage.id)
            left.append(hit)
    return left


def _text(hit: Hit) -> str:
    return embedded_text(hit.title, f"{hit.date:%d %B %Y}" if hit.date else None, hit.passage.text)


def _words(text: str) -> set[str]:
    return {word.lower() for word in re.findall(r"[^\W_]+", text)}
