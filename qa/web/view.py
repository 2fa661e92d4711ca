"""Pure view models: the events of a conversation, and the stored articles, folded into what the page shows.

Everything here is plain data in and JSON-ready data out. All words of the page stand here; the browser's part (assets/)
only makes elements of them, with `textContent`, so that nothing an article or a model wrote is ever read as HTML.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal, get_args

from index.types import Article, Filter
from qa import why
from qa.export import day, differing, sides
from qa.record import Kept
from qa.types import (
    Answer,
    AnswerDone,
    Citation,
    Claim,
    ClaimChecked,
    DraftGrown,
    Event,
    Evidence,
    EvidenceFound,
    Hit,
    Turn,
)

Json = dict[str, Any]
# What can be opened in the reader: a sentence that an answer cites, one that was only found, one of the statements that do
# not agree, a passage of the search.
Kind = Literal["cite", "near", "says", "found"]
Stage = Literal["waiting", "searching", "reading", "writing", "checking", "done", "stopped", "failed"]

EVERYTHING = Filter()
KINDS: tuple[str, ...] = get_args(Kind)
RUNNING: frozenset[str] = frozenset({"waiting", "searching", "reading", "writing", "checking"})
SOURCES = 100  # offered to choose from, the largest first
NEAREST = 6  # sentences listed as the closest ones: as many as the model reads
PASSAGES = 20  # listed under "How it was found"
PASSAGE = 400  # characters shown of each

STAGES: Mapping[str, str] = {
    "waiting": "Waiting for its turn",
    "searching": "Searching the articles",
    "reading": "Reading the closest sentences",
    "writing": "Writing",
    "checking": "Checking against the articles",
    "stopped": "Stopped",
    "failed": "Failed",
}
# reason -> what is said, and what it means
ABSTENTIONS: Mapping[str, tuple[str, str]] = {
    "not_stated": ("The articles do not say.", "None of the sentences that were read answers this question."),
    "unsupported": (
        "The articles do not say.",
        "What the model wrote is not supported by the sentences that were read, so none of it is shown as an answer.",
    ),
    "nothing_found": ("Nothing was found.", "No article in the library has anything on this question."),
    "llm_unavailable": (
        "The language model gave no answer.",
        "The search did its part: these are the sentences closest to the question.",
    ),
}
# kind of a mark -> what it is called in the reader
PLACES: Mapping[Kind, str] = {
    "cite": "Citation",
    "near": "Found sentence",
    "says": "Statement",
    "found": "Passage",
}
# part of the search -> how its time is told
TIMES: Mapping[str, str] = {"retrieve": "searched in", "rerank": "read in", "evidence": "all evidence after"}
# start of an article's file name or id -> questions it is good for; shown only where that article is in the library
EXAMPLES: tuple[tuple[str, str], ...] = (
    ("2021-09-01-india-taliban-doha", "Who did Mittal meet?"),
    ("2024-05-03-ostrey-bridge-correction", "How much does the repair of the Ostrey Bridge cost?"),
    ("2024-04-23-kestovar-recall-numbers", "How many cars does Kestovar have to recall?"),
    ("2024-11-19-anselm-tide-returns", "What was found in the Skarn Basin?"),
)

_MARKS = re.compile(r"\s*\[[\d,;\s–-]+\]|\s*\[[\d,;\s–-]*$")  # "[2]", "[1, 3]", and an unfinished "[1" at the end
_FINISHED = re.compile(r"[.!?][\"'”’)\]]*\s*$")


@dataclass(frozen=True, slots=True)
class Spot:
    """A sentence that can be opened in the reader: a range of an article, and the words that must stand there."""

    number: int  # as shown: the mark of a citation, or the label of a found sentence
    article_id: str
    title: str
    date: date | None
    start: int  # characters into the article's text, inclusive
    end: int  # exclusive
    quote: str

    def matches(self, article: Article) -> bool:
        """True where the stored text still has exactly these words in this place."""
        return 0 <= self.start < self.end and article.text[self.start : self.end] == self.quote


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question and what is known of its answer so far. It grows by `after` and is never changed in place."""

    number: int  # 1-based within the conversation; part of every anchor, so that old marks stay true
    question: str
    stage: Stage = "waiting"
    evidence: tuple[Evidence, ...] = ()
    standalone: str | None = None
    claims: tuple[Claim, ...] = ()
    draft: str = ""  # the sentence being written, not checked
    answer: Answer | None = None  # set when done
    problem: str | None = None  # for a person: why it failed
    key: str = ""  # names the answer in the kept conversations
    within: Filter = EVERYTHING  # the articles that are asked
    narrowed: str = ""  # the same in words
    phrase: str = ""  # "last week": words of the question that narrow it to a time
    widened: bool = False  # they were told not to
    retrieved: tuple[Hit, ...] = ()  # the passages of the search, best first
    replaces: str = ""  # key of the answer in whose place this one is kept
    ahead: int = 0  # questions that are answered before this one
    verdict: str = ""  # of the reader: "up", "down" or ""
    comment: str = ""

    @property
    def running(self) -> bool:
        """True until the answer is done, stopped or failed."""
        return self.stage in RUNNING

    @property
    def so_far(self) -> Answer:
        """The answer, or what it would be if the model said no more: the one place that numbers citations."""
        return self.answer or Answer(self.question, claims=self.claims, evidence=self.evidence)

    @property
    def asked_of(self) -> str:
        """Which part of the library was asked, in words; "" for all of it."""
        told = f"“{self.phrase}”" if self.phrase and not self.widened else None
        return ", ".join(filter(None, (self.narrowed, told)))

    def after(self, event: Event) -> Exchange:
        """The exchange with one more event of `Asker.stream` taken in."""
        match event:
            case EvidenceFound():
                return replace(
                    self,
                    stage="reading",
                    evidence=event.evidence,
                    standalone=event.standalone,
                    phrase=event.narrowed or self.phrase,
                    retrieved=event.retrieved,
                )
            case DraftGrown():
                draft = _MARKS.sub("", event.text).strip()  # labels of the prompt, not the numbers shown here
                return replace(self, stage="checking" if _FINISHED.search(draft) else "writing", draft=draft)
            case ClaimChecked():
                return replace(self, stage="checking", claims=(*self.claims, event.claim), draft="")
            case AnswerDone():
                answer = event.answer
                return replace(
                    self,
                    stage="done",
                    answer=answer,
                    claims=answer.claims,
                    evidence=answer.evidence,
                    retrieved=answer.retrieved,
                    draft="",
                )

    def glimpsed(self, evidence: tuple[Evidence, ...]) -> Exchange:
        """The exchange with what lies near at first sight; the search puts better in its place."""
        return replace(self, evidence=evidence)

    def waiting(self, ahead: int) -> Exchange:
        """The exchange while so many others are before it."""
        return replace(self, stage="waiting", ahead=ahead)

    def searching(self) -> Exchange:
        """The exchange when its turn has come."""
        return replace(self, stage="searching", ahead=0)

    def stopped(self) -> Exchange:
        """The exchange as it stands when the reader has pressed Stop; a finished one is left as it is."""
        return replace(self, stage="stopped", draft="") if self.running else self

    def failed(self, problem: str) -> Exchange:
        """The exchange as it stands after an error; a finished one is left as it is."""
        return replace(self, stage="failed", draft="", problem=problem) if self.running else self

    def spots(self, kind: Kind) -> tuple[Spot, ...]:
        """What can be opened: the cited sentences by their marks, or the found ones, best first."""
        if kind == "cite":
            return tuple(_cited(n, citation) for n, citation in enumerate(self.so_far.citations, start=1))
        if kind == "says":
            return tuple(_cited(side.number, side.citation) for side in sides(self.so_far.disagreement))
        if kind == "found":
            return tuple(_found(rank, hit) for rank, hit in enumerate(self.retrieved[:PASSAGES], start=1))
        found = sorted((e for e in self.evidence if not e.neighbour), key=lambda e: (-e.score, e.label))
        return tuple(Spot(e.label, e.article_id, e.title, e.date, e.start, e.end, e.text) for e in found[:NEAREST])


def _cited(number: int, citation: Citation) -> Spot:
    c = citation
    return Spot(number, c.article_id, c.title, c.date, c.start, c.end, c.quote)


def _found(rank: int, hit: Hit) -> Spot:
    p = hit.passage
    return Spot(rank, p.article_id, hit.title, hit.date, p.start, p.end, p.text)


Conversation = tuple[Exchange, ...]


def reopened(items: Sequence[Kept]) -> Conversation:
    """A kept conversation as it was on the page."""
    return tuple(
        Exchange(
            number,
            item.answer.question,
            stage="done",
            evidence=item.answer.evidence,
            standalone=item.answer.standalone,
            claims=item.answer.claims,
            answer=item.answer,
            key=item.key,
            narrowed=item.within,
            verdict=item.verdict,
            comment=item.comment,
        )
        for number, item in enumerate(items, start=1)
    )


def history(conversation: Conversation) -> tuple[Turn, ...]:
    """The finished exchanges as the turns that help to read the next question."""
    turns: list[Turn] = []
    for exchange in conversation:
        if exchange.answer is None:
            continue
        turns.append(Turn("user", exchange.question))
        if exchange.answer.text:  # an abstention said nothing about the articles
            turns.append(Turn("assistant", exchange.answer.text))
    return tuple(turns)


def packed(view: Json) -> str:
    """The view as the text that is sent to the browser.

    As text, because Gradio sends what a generator yields as differences, and those of nested lists come out wrong while an
    answer grows (6.31: `gradio.utils.diff` moves a nested deletion twice): for a moment a wrong sentence would stand under
    an answer. In ASCII, because half a character from broken JSON could not be sent otherwise; without "<", because Gradio
    looks for script tags in texts.
    """
    return json.dumps(view, separators=(",", ":")).replace("<", "\\u003c")


def count(number: int, noun: str) -> str:
    """Such as "1 article", "14 articles" or "2,000 articles"."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def joined(*parts: str | None) -> str:
    """Return the parts that are there, with a dot between them."""
    return " · ".join(part for part in parts if part)


# --- the conversation ------------------------------------------------------------------------------------------------


def talk_view(conversation: Conversation, *, examples: Sequence[str] = (), last: bool = False) -> Json:
    """The left column: every exchange, or the welcome with its examples where nothing was asked yet.

    With `last` only the newest exchange is described: the others are on the page already and have not changed.
    """
    return {
        "numbers": [e.number for e in conversation],
        "exchanges": [exchange_view(e) for e in (conversation[-1:] if last else conversation)],
        "examples": list(examples),
    }


def exchange_view(exchange: Exchange) -> Json:
    """One question with its state, its answer and the sentences under it."""
    answer = exchange.so_far
    abstained = exchange.answer is not None and exchange.answer.status == "abstained"
    cited = exchange.spots("cite")
    return {
        "number": exchange.number,
        "key": exchange.key,
        "question": exchange.question,
        "running": exchange.running,
        "status": _status(exchange),
        "searched": _searched(exchange),
        "steps": list(answer.steps),
        "narrowed": exchange.narrowed,
        "time": _time(exchange),
        "claims": [
            {
                "text": claim.text,
                "parts": list(claim.parted),
                "marks": [_link(exchange, "cite", cited[n - 1]) for n in answer.marks(claim)],
                **_support(claim),
            }
            for claim in answer.shown
        ],
        "trust": _trust(answer) if exchange.answer else "",
        "differ": _differ(exchange),
        "draft": exchange.draft,
        "message": _message(exchange) if abstained or exchange.stage in {"stopped", "failed"} else None,
        "lists": list(_lists(exchange, cited, abstained=abstained)),
        "withdrawn": _withdrawn(answer),
        "tools": _tools(exchange),
        "found": _how_found(exchange),
    }


def _status(exchange: Exchange) -> str:
    """The plain line above an answer: what is going on, or what came out and how long it took."""
    answer = exchange.answer
    if answer is None:
        before = f"{count(exchange.ahead, 'question')} before it" if exchange.ahead else None
        return joined(STAGES[exchange.stage], before)
    ms = answer.timings_ms.get("total")
    took = f"{ms / 1000:.1f} s" if ms is not None else None
    if answer.status == "abstained":
        return joined("No answer", took)
    articles = len({c.article_id for c in answer.citations})
    basis = f"{count(len(answer.citations), 'sentence')} in {count(articles, 'article')}"
    return joined(f"Quoted: {basis}" if answer.completion is None else f"Answered from {basis}", took)


def _searched(exchange: Exchange) -> str:
    """The question as it was searched, where the conversation had to be read to understand it."""
    standalone = (exchange.standalone or "").strip()
    return standalone if standalone and standalone != exchange.question.strip() else ""


def _time(exchange: Exchange) -> Json | None:
    """The chip for the time that the question itself names; null where it names none."""
    if not exchange.phrase:
        return None
    words = f"“{exchange.phrase}”"
    return {
        "label": f"Not narrowed to {words}" if exchange.widened else f"Only articles of {words}",
        "change": f"Narrow it to {words} again" if exchange.widened else f"Take off {words} and ask again",
        "widened": exchange.widened,
        "open": not exchange.running,
    }


def _message(exchange: Exchange) -> Json:
    """What is said in place of an answer."""
    if exchange.stage == "failed":
        return {"kind": "failed", "text": "This question could not be answered.", "why": exchange.problem or ""}
    if exchange.answer is None:
        why = "The sentences above were checked; there may have been more." if exchange.so_far.shown else ""
        return {"kind": "stopped", "text": "Stopped.", "why": why or "No sentence had been checked yet."}
    reason = exchange.answer.reason or "not_stated"
    text, why = ABSTENTIONS[reason]
    if exchange.asked_of and reason == "nothing_found":
        why = "None of the articles that were asked has anything on this question."
    part = "Only a part of the library was asked." if exchange.asked_of and reason != "llm_unavailable" else None
    return {"kind": reason, "text": text, "why": " ".join(filter(None, (why, exchange.answer.detail, part)))}


def _lists(exchange: Exchange, cited: Sequence[Spot], *, abstained: bool) -> Iterator[Json]:
    """The sentences under an answer. What was cited and what was only found never stand in one list."""
    found = exchange.spots("near")
    if cited and not exchange.running:
        yield _list(exchange, "cite", "Cited sentences", cited)
        ranges = {(s.article_id, s.start, s.end) for s in cited}
        rest = [s for s in found if (s.article_id, s.start, s.end) not in ranges]
        if rest:
            yield {
                **_list(exchange, "near", f"{count(len(rest), 'more sentence')} read, not cited", rest),
                "fold": True,
            }
        return
    heading = "Closest at first sight" if exchange.stage in {"waiting", "searching"} else "Closest sentences"
    if abstained and exchange.so_far.reason != "llm_unavailable":
        heading = "Closest, but does not say it"
    if found:
        yield _list(exchange, "near", heading, found)


def _list(exchange: Exchange, kind: Kind, heading: str, spots: Iterable[Spot]) -> Json:
    items = [_link(exchange, kind, s) | {"quote": s.quote, "source": joined(day(s.date), s.title)} for s in spots]
    return {"kind": kind, "heading": heading, "fold": False, "items": items}


def _differ(exchange: Exchange) -> Json | None:
    """The statements that do not agree, to stand side by side; null where none are known."""
    stated = sides(exchange.so_far.disagreement)
    if not stated:
        return None
    cited = {(c.article_id, c.start, c.end): n for n, c in enumerate(exchange.so_far.citations, start=1)}
    spots = {spot.number: spot for spot in exchange.spots("says")}
    items = []
    for side in stated:
        spot = spots[side.number]
        mark = cited.get((spot.article_id, spot.start, spot.end))
        title = "" if spot.quote.startswith(spot.title.rstrip("…")) else spot.title  # it is the title that says it
        items.append(
            _link(exchange, "says", spot)
            | {"value": side.value, "quote": spot.quote, "title": title, "day": day(spot.date) or "No date"}
            | {"notes": list(side.notes), "mark": f"cited as [{mark}]" if mark else ""}
        )
    return {"heading": differing(stated), "items": items}


def _how_found(exchange: Exchange) -> Json | None:
    """The passages of the search with what each stage thought of them; null where they are not known any more."""
    if exchange.running or not exchange.retrieved:
        return None
    items = []
    for spot, hit in zip(exchange.spots("found"), exchange.retrieved, strict=False):
        text = spot.quote if len(spot.quote) <= PASSAGE else f"{spot.quote[:PASSAGE].rsplit(' ', 1)[0]} …"
        items.append(
            _link(exchange, "found", spot)
            | {"title": spot.title, "day": day(spot.date), "text": text, "why": ", ".join(why.reasons(hit))}
            | {"scores": [{"name": name, "value": value} for name, value in why.scores(hit)]}
        )
    left = len(exchange.retrieved) - len(items)
    timings = exchange.answer.timings_ms if exchange.answer else {}
    took = [f"{word} {timings[name]:,.0f} ms" for name, word in TIMES.items() if name in timings]
    return {
        "heading": "How it was found",
        "about": joined(count(len(exchange.retrieved), "passage"), *took),
        "items": items,
        "more": f"{count(left, 'more passage')}, further down." if left else "",
    }


def _link(exchange: Exchange, kind: Kind, spot: Spot) -> Json:
    what = f"Citation {spot.number}" if kind == "cite" else PLACES[kind]
    return {
        "n": spot.number,
        "href": f"#{kind}-{exchange.number}-{spot.number}",
        "label": f"{what}: {joined(spot.title, day(spot.date))}",
    }


def _support(claim: Claim) -> Json:
    """How a shown sentence is supported, for the eye and for the ear."""
    articles = len({c.article_id for c in claim.citations})
    if articles > 1:
        return {"support": "several", "badge": count(articles, "article"), "state": f"Supported by {articles} articles"}
    return {"support": "one", "badge": "", "state": "Supported"}


def _trust(answer: Answer) -> str:
    """The answer's sentences counted by state; "" where there is none."""
    several = sum(len({c.article_id for c in claim.citations}) > 1 for claim in answer.shown)
    withdrawn = len(answer.claims) - len(answer.shown)
    if not answer.shown:
        return ""
    return joined(
        f"{count(len(answer.shown), 'sentence')} supported",
        f"{several} of them by several articles" if several else None,
        f"{withdrawn} withdrawn" if withdrawn else None,
    )


def _tools(exchange: Exchange) -> Json | None:
    """What can be done with an answer: null while it is being written."""
    if exchange.running:
        return None
    return {
        "turn": exchange.number,
        "kept": bool(exchange.answer and exchange.key),
        "verdict": exchange.verdict,
        "comment": exchange.comment,
    }


def _withdrawn(answer: Answer) -> list[Json]:
    """The sentences that the gate refused, with its reasons: to be unfolded, never read as fact."""
    return [
        {"text": claim.text, "reasons": [r.reason for r in claim.rejected] or ["no sentence supports it"]}
        for claim in answer.claims
        if not claim.citations
    ]


# --- what is asked of which articles ----------------------------------------------------------------------------------


def narrowing(within: Filter, titles: Mapping[str, str]) -> list[Json]:
    """The parts of a filter as chips that can be taken off; `titles` is article id -> title."""
    chips = [
        {"part": "article", "value": name, "label": f"Only “{titles.get(name, name)}”"}
        for name in sorted(within.articles)
    ]
    chips += [{"part": "source", "value": name, "label": name} for name in sorted(within.sources)]
    if within.since:
        chips.append({"part": "since", "value": "", "label": f"From {day(within.since)}"})
    if within.until:
        chips.append({"part": "until", "value": "", "label": f"Until {day(within.until)}"})
    return chips


def narrow_view(within: Filter, titles: Mapping[str, str], sources: Mapping[str, int], *, editing: str = "") -> Json:
    """The line above the question: the chips, and what can be chosen."""
    return {
        "chips": narrowing(within, titles),
        "since": within.since.isoformat() if within.since else "",
        "until": within.until.isoformat() if within.until else "",
        "sources": [
            {"name": name, "label": f"{name} ({number:,})"} for name, number in list(sources.items())[:SOURCES]
        ],
        "editing": editing,
    }


def in_words(within: Filter, titles: Mapping[str, str]) -> str:
    """The filter as it is shown beside an answer; "" where nothing is narrowed."""
    return ", ".join(chip["label"] for chip in narrowing(within, titles))


# --- the masthead ----------------------------------------------------------------------------------------------------


def masthead_view(articles: int, model: str) -> Json:
    """The line on top: how many articles are asked, and who answers."""
    return {"articles": count(articles, "article"), "model": model}


def examples_for(there: Callable[[str], bool]) -> list[str]:
    """The example questions whose article is in the library; `there` knows whether an article id holds a name."""
    return [question for name, question in EXAMPLES if there(name)]
