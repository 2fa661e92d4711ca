"""Question -> Answer, the whole way: search, read, write, check."""

from __future__ import annotations

import logging
import math
import re
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date
from itertools import chain
from time import perf_counter
from types import TracebackType
from typing import Self

from index.errors import InputError, LLMError
from index.library import Library
from index.types import Filter
from qa import aspects, chat, compare, explain, facts, identity, kinds, overview, premise, wording
from qa.abstain import Alone, Answerability, Read, leaning, says_something, staged, yes_against_no
from qa.config import Config
from qa.disagree import disagreement
from qa.evidence import evidence_for, overview_evidence, wider_evidence
from qa.llm import LLM, Chunk, Finish, open_llm
from qa.parse import REFUSAL, DraftParser, is_refusal, leading_marks, marks, renumbered
from qa.prompt import defused, render
from qa.reader import Reader, SentenceReader
from qa.rerank import CrossEncoder, Encoder, Reranker
from qa.retrieve import First, Found, Retriever
from qa.steps import Steps, in_steps
from qa.types import (
    Answer,
    AnswerDone,
    Citation,
    Claim,
    ClaimChecked,
    Draft,
    DraftGrown,
    Event,
    Evidence,
    EvidenceFound,
    Prompt,
    Reason,
    Rejection,
    Turn,
)
from qa.verify import NO_ANSWER, Gate, opposed

# Log-odds of the taught model's first word below which it is not asked which sentence it would name if it might not refuse. Above
# it, of 159 refused although a sentence shown answers, that one does in 120, and the reader's best in 111.
HOPELESS = -3.0
SURE = 0.9  # probability of an answer of one look-up from which a question is not parted in two
MOST_LINK_CHARS = 80  # of what the first look-up names
READ_FOR_NAMES = 30  # passages in which somebody who is asked about may be introduced
MOST_NAMED = 3  # sentences that take the place of a large model's one
MOST_OF_IT = 0.7  # of a shown sentence; more words than that stand out from nothing
FOR_A_WRITER = 3  # times the sentences of an overview that a model is given which writes it in its own words
GOOD = 0.0  # logit of a sentence that was not shown, as the reader reads it, from which it is worth a second reading
MAX_QUESTION_CHARS = 2_000  # a longer one would push the evidence out of the model's window

BESIDE = "says hardly anything of what is asked"
_ASKS_WHO = re.compile(r"\W*(?:who|whom|whose)\b", re.IGNORECASE)
_TEXTS = r"(?:articles?|sentences?|texts?|passages?|sources?|excerpts?)"
# What a model says of the articles and not from them: that they do not tell.
_THEY_DO_NOT_SAY = re.compile(
    rf"(?:they|it|(?:the|these|those)(?: \w+)? {_TEXTS}) (?:do(?:es)? not|do(?:es)?n['’]t|only) (?:say|tell|state|mention|give)"
    rf"|(?:no|neither|none of (?:the|these)) {_TEXTS} (?:says?|tells?|states?|mentions?|gives?)\b"
    r"|there is no (?:mention|information)\b",
    re.IGNORECASE,
)
_A_NOTE = re.compile(r"(?:note|sources?)\s*:", re.IGNORECASE)
_DENIED = re.compile(
    r"\b(?:not|no|never|nobody|without|\w+n[’']t)\s+(?:(?:to|be|have|been|yet|any|the|a|an)\s+){0,3}$", re.IGNORECASE
)
_NAME_RUN = re.compile(r"[A-Z][\w’'.-]*(?: [A-Z][\w’'-]*)*")
_PRONOUN = re.compile(r"he|she|they|him|her|them|his|their|it|its", re.IGNORECASE)

_log = logging.getLogger(__name__)


class Asker:
    """Answers questions from one library. Thread safe; the embedded model answers one question at a time."""

    def __init__(
        self, library: Library, config: Config, *, llm: LLM | None, reranker: Callable[[], Reranker] | None
    ) -> None:
        """Use `open`, unless a test brings its own parts; `reranker` is called once, at the first question."""
        self.library = library
        self.config = config
        self.llm = llm
        self._make_reranker = reranker
        self._reranker: Reranker | None = None
        self._reader: Reader | None = None
        self._loading = threading.Lock()

    @classmethod
    def open(cls, config: Config) -> Asker:
        """Open the configured library and model. The model loads in the background, so that evidence comes first."""
        llm = open_llm(config)
        if llm is not None:
            llm.start()
        library = Library(config.library, embedder=config.embedder)
        return cls(library, config, llm=llm, reranker=CrossEncoder if config.reranker else None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the model and close the library."""
        if self.llm is not None:
            self.llm.close()
        self.library.close()

    def reconfigure(self, config: Config) -> None:
        """Use other settings from the next question on. The library stays, and so does the model if it is the same.

        Call it between two answers: one that is being written by a model that is closed ends without it. Raises what
        `open_llm` raises, and then nothing has changed.
        """
        same = all(
            getattr(config, name) == getattr(self.config, name) for name in Config.__slots__ if name.startswith("llm")
        )
        if not same:
            llm, old = open_llm(config), self.llm
            if llm is not None:
                llm.start()
            self.llm = llm
            if old is not None:
                old.close()
        self.config = config

    def ask(
        self, question: str, history: Sequence[Turn] = (), *, within: Filter | None = None, today: date | None = None
    ) -> Answer:
        """Return the answer: the last event of `stream`."""
        *_, done = self.stream(question, history, within=within, today=today)
        if not isinstance(done, AnswerDone):
            raise TypeError(f"the stream ended with {type(done).__name__}")
        return done.answer

    def retrieve(
        self, question: str, history: Sequence[Turn] = (), *, within: Filter | None = None, today: date | None = None
    ) -> EvidenceFound:
        """Return the evidence without asking the model."""
        return self._find(question, history, within, today)

    def glimpse(
        self, question: str, history: Sequence[Turn] = (), *, within: Filter | None = None, narrow: bool = True
    ) -> tuple[Evidence, ...]:
        """Return the sentences that fit by their words alone, before anything is read: at once, and less to the point."""
        asked = wording.read_as(_standalone(question, history))
        first = Retriever(self.library, self.config, None).first(asked, within, narrow=narrow)
        return evidence_for(first.question, first.hits[: self.config.passages], self.library, self.config, None)

    def stream(
        self,
        question: str,
        history: Sequence[Turn] = (),
        *,
        within: Filter | None = None,
        today: date | None = None,
        narrow: bool = True,
    ) -> Iterator[Event]:
        """Yield the evidence, then the answer as it is written and checked, then the result. Closing it stops the model.

        Only the articles that `within` lets through are searched; `today` is what "last week" is counted from;
        with `narrow` false such words of the question narrow nothing.

        Raises InputError for an empty or overlong question; what goes wrong with the model is a typed abstention instead.
        """
        clock = _Clock()
        found = self._find(question, history, within, today, narrow=narrow)
        yield found
        writing = _Writing(
            question=question,
            found=found,
            models={
                "llm": self.llm.name if self.llm else "none",
                "embedder": self.config.embedder,
                "reranker": self._reranker.name if self._reranker else "none",
            },
            clock=clock,
            on_the_whole=lambda: self._on_the_whole(found.standalone, within, today, narrow=narrow),
            look_up=lambda asked: self._find(asked, (), within, today, narrow=narrow),
        )
        if not found.evidence:
            yield writing.done(abstained="nothing_found")
        elif unmentioned := self._unmentioned(found):
            yield writing.done(
                abstained="not_stated", detail=f"nothing that was found mentions {', '.join(unmentioned)}"
            )
        elif not self._large and (settled := _settled(found)):
            for claim in settled:
                yield ClaimChecked(claim)
            yield writing.done(claims=settled)
        elif self.llm is None:
            said = [e for e in found.evidence if says_something(e)]
            if not said:
                yield writing.done(abstained="not_stated")
                return
            judge = Answerability(found, self._read())
            alone = judge.alone()
            best = alone.sentence if alone else max(said, key=lambda e: (e.score, not e.neighbour))
            claim = _pointed(Claim(best.text, (best.cited(),)), judge)
            claim = _correction(found, [claim]) or claim
            yield ClaimChecked(claim)
            yield writing.done(claims=[claim], answerability=alone.probability if alone else 0.0)
        else:
            yield from self._written(self.llm, writing)

    def _unmentioned(self, found: EvidenceFound) -> list[str]:
        """The names in the question that nothing found mentions."""
        return premise.unmentioned(found.standalone, self._mentions(found))

    def _mentions(self, found: EvidenceFound) -> Iterator[str]:
        """The texts of which one has to mention what the question names, its newspapers among them."""
        yield from (f"{hit.title} {hit.passage.text}" for hit in found.retrieved[: self.config.passages])
        yield from chain.from_iterable(aspects.sources(found.standalone, self.library.sources()))

    @property
    def _large(self) -> bool:
        """False for a small model: what it says in its own words is wrong too often."""
        hosted = self.config.llm == "server" or (self.llm is not None and self.llm.hosted)
        return hosted and self.config.llm_large

    def _written(self, llm: LLM, writing: _Writing) -> Iterator[Event]:
        found, shown = writing.found, len(writing.found.evidence)
        ways = in_steps(found.standalone) if self.config.taught and not self._large else []
        reading = self._reading(llm, writing, Answerability(found, self._read(), large=self._large))
        made = (yield from self._in_steps(llm, writing, reading, ways)) if ways else (yield from reading)
        if made.given_up and not self._large and (claims := writing.adding(writing.on_the_whole())):
            made = replace(made, claims=(*made.claims, *claims), given_up=False, answerability=None)
            for claim in claims:
                yield ClaimChecked(claim)
        if made.given_up and (more := self._more(found)):
            numbered_on = (replace(e, label=e.label + shown) for e in more.found.evidence)
            writing.found = replace(found, evidence=(*found.evidence, *numbered_on))
            second = yield from self._reading(llm, writing, more, after=shown)
            made = made.and_then(second)
        if made.given_up and (reserve := made.reserve):
            made = replace(made, claims=(*made.claims, reserve), given_up=False)
            yield ClaimChecked(reserve)
        if not made.given_up and not writing.steps and (right := _correction(writing.found, made.claims)):
            made = replace(made, claims=(*made.claims, right))
            yield ClaimChecked(right)
        yield writing.done(
            claims=made.claims,
            abstained=made.abstained,
            completion=made.completion,
            detail=made.detail,
            answerability=made.answerability,
            leaning=made.leaning,
            closer=made.closer,
        )

    def _in_steps(
        self, llm: LLM, writing: _Writing, reading: Generator[Event, None, _Reading], ways: Sequence[Steps]
    ) -> Generator[Event, None, _Reading]:
        """Yield the answer of one look-up if it is SURE, else that of two if they have one; returns the whole."""
        made = _drained(reading)
        told = None
        if made.given_up or (made.finished and (made.answerability or 0.0) < SURE):
            told = yield from self._step_by_step(llm, writing, ways, deeper=True)
        if told is None:
            yield from map(ClaimChecked, made.claims)
            return made
        told = [writing.joining(step) for step in told]
        writing.steps = tuple(step.found.standalone for step in told)
        shown = dict.fromkeys(chain.from_iterable(step.claims for step in told))
        said = {claim.text for claim in shown}
        claims = (*(_given_way(claim) for claim in made.claims if claim.text not in said), *shown)
        yield from map(ClaimChecked, claims)
        return replace(
            made,
            claims=claims,
            given_up=False,
            completion="\n\n".join([made.completion, *(step.completion for step in told)]),
            answerability=math.prod(step.answerability for step in told),
        )

    def _step_by_step(
        self, llm: LLM, writing: _Writing, ways: Sequence[Steps], *, deeper: bool
    ) -> Generator[Event, None, list[_Step] | None]:
        """Look up what is asked first, then what is asked of that; returns both, or None if that leads to no answer.

        The next way is tried only where nothing was found first. With `deeper` what is asked then may again be parted. What was
        found first is yielded as a draft meanwhile.
        """
        for way in ways:
            first = self._step(llm, writing, way.first)
            if first is None or (link := first.names(way.first)) is None:
                continue
            yield DraftGrown(" ".join(claim.text for claim in first.claims))
            then = way.then(link)
            rest = None
            if deeper and (further := in_steps(then)):
                rest = yield from self._step_by_step(llm, writing, further, deeper=False)
            if rest is None and (step := self._step(llm, writing, then)) and not step.says_no_more_than(first):
                rest = [step]
            likely = math.prod(step.answerability for step in (first, *(rest or ())))
            return [first.without_words(), *rest] if rest and likely >= self.config.answerable else None
        return None

    def _step(self, llm: LLM, writing: _Writing, asked: str) -> _Step | None:
        """What one look-up says; None if it says nothing."""
        found = writing.look_up(asked)
        if not found.evidence or found.overview or self._unmentioned(found):
            return None
        if settled := _settled(found):
            return _Step(found, tuple(settled), 1.0, "")
        made = _drained(self._reading(llm, writing, Answerability(found, self._read())))
        claims = tuple(claim for claim in made.claims if claim.citations)
        if right := _correction(found, claims):
            claims = (*claims, right)
        return _Step(found, claims, made.answerability or 0.0, made.completion) if claims else None

    def _reading(
        self, llm: LLM, writing: _Writing, judge: Answerability, *, after: int = 0
    ) -> Generator[Event, None, _Reading]:
        """Yield what the model writes to the evidence that is judged, checked; returns the whole.

        The numbers of its sentences come after so many others.
        """
        large = self._large
        taught = self.config.taught and not large
        found = judge.found

        def number(label: int) -> int:
            return label + after

        def told(checked: Iterable[Claim]) -> Iterator[Event]:
            for claim in checked:
                claims.append(_renumbered(claim, number))
                yield ClaimChecked(claims[-1])

        claims: list[Claim] = []
        desk = _Desk(
            found,
            Gate(
                found.standalone,
                found.evidence,
                floor=self.config.support,
                embed=self.library.embedder.query,
                large=large,
            ),
            judge,
            answerable=self.config.answerable,
            large=large,
            taught=taught,
        )
        if taught:
            _can_be_asked(judge, llm)
        if explain.wanted(found.standalone) and not aspects.asks_for_all(found.standalone):
            judge.together = explain.together(found.evidence, self._text_of)
        ear = _Ear(desk, taught=taught)
        detail = None
        try:
            prompt = render(found.standalone, found.evidence, mark_first=taught)
            with closing(llm.stream(prompt, max_tokens=self.config.answer_tokens)) as chunks:
                for chunk in chunks:
                    writing.first_token()
                    if chunk.instead and taught:  # of another model it tells nothing
                        judge.leaning = leaning(chunk.instead)
                    yield from told(desk.checked(ear.hear(chunk)))
                    if ear.named:
                        break  # what it would write now stands in the sentence, or would give way to it
                    if growing := ear.growing:
                        yield DraftGrown(growing)
        except LLMError as exc:
            detail = str(exc) or type(exc).__name__
            judge.look = judge.tell = None
        text, finish = ear.text, ear.finish
        if judge.together and ear.waiting:
            yield DraftGrown(ear.growing)  # the looks at what stands beside it take a while
        rest = ear.rest()
        stopped = detail is not None or finish == "length"  # in the middle of this sentence
        yield from told(desk.checked(ear.waiting))
        yield from told(map(_cut_off, rest) if stopped else desk.checked(rest))
        refused = (is_refusal(text) and not claims) or (large and desk.refused)
        reason: Reason = "not_stated" if refused or desk.hardly or not claims else "unsupported"
        if detail is not None:
            reason = "llm_unavailable"
        given_up = finish == "stop" and not any(claim.citations for claim in claims)
        named = _named_all_the_same(llm, prompt, judge.leaning) if given_up and refused and taught else ""
        wrote = f"{text} {named}"
        best = desk.second(wrote) if given_up and not (refused and large) else None
        if best is not None and not desk.hesitates:
            yield from told(desk.whole(best))
            given_up, best = False, None
        if finish == "stop" and not given_up:
            yield from told(desk.further(claims))
        return _Reading(
            tuple(claims),
            given_up,
            finish == "stop",
            reason,
            renumbered(text, number),
            detail,
            desk.answerability,
            judge.leaning,
            judge.closer,
            best and _renumbered(best, number),
        )

    def _text_of(self, article_id: str) -> str:
        article = self.library.get(article_id)
        return article.text if article else ""

    def _more(self, found: EvidenceFound) -> Answerability | None:
        """What a question that was given up is read with once more; None where the reader finds nothing good in it."""
        read = self._read()
        if read is None or aspects.asks_for_all(found.standalone):
            return None
        more = wider_evidence(
            found.standalone,
            found.retrieved,
            found.evidence,
            self.library,
            config=self.config,
            reranker=self._loaded_reranker(),
        )
        judge = Answerability(replace(found, evidence=more), read, large=self._large)
        good = any(reading.says >= GOOD for reading in judge.readings(more))
        return judge if good else None

    def _find(
        self,
        question: str,
        history: Sequence[Turn],
        within: Filter | None,
        today: date | None,
        *,
        narrow: bool = True,
    ) -> EvidenceFound:
        standalone = _standalone(question, history)
        clock = _Clock()
        reranker = self._loaded_reranker()
        retriever = Retriever(self.library, self.config, reranker)
        timings: dict[str, float] = {}

        def searched(asked: str, *, everything: bool) -> tuple[First, Found]:
            first = retriever.first(asked, within, today=today, narrow=narrow, everything=everything)
            timings["retrieve"] = clock.ms
            found = retriever.read(first)
            timings["rerank"] = clock.ms - timings["retrieve"]
            return first, found

        if about := overview.wanted(standalone):
            _, found = searched(about.topic, everything=True)
            times = FOR_A_WRITER if self._large else 1
            if evidence := overview_evidence(about.without(found.narrowed), found.hits, self.library, times=times):
                timings["evidence"] = clock.ms
                return EvidenceFound(standalone, evidence, found.hits, clock.ms, timings, found.narrowed, overview=True)
        first, found = searched(wording.read_as(standalone), everything=aspects.asks_for_all(standalone))
        evidence = evidence_for(
            first.question,
            found.hits[: found.depth],
            self.library,
            self.config,
            reranker,
            everything=found.everything,
            others=found.hits[found.depth : READ_FOR_NAMES],
        )
        timings["evidence"] = clock.ms
        return EvidenceFound(standalone, evidence, found.hits, clock.ms, timings, found.narrowed)

    def _on_the_whole(
        self, question: str, within: Filter | None, today: date | None, *, narrow: bool
    ) -> list[Evidence]:
        """What the articles tell of its topics on the whole; empty if it has none, or one of them is in no article."""
        retriever = Retriever(self.library, self.config, self._loaded_reranker())
        told: list[Evidence] = []
        for about in overview.topics(question):
            first = retriever.first(about.topic, within, today=today, narrow=narrow, everything=True)
            found = overview_evidence(about, retriever.read(first).hits, self.library)
            if not found:
                return []
            told += found
        return told

    def _loaded_reranker(self) -> Reranker | None:
        with self._loading:
            if self._reranker is None and self._make_reranker is not None:
                self._reranker = self._make_reranker()
            return self._reranker

    def _read(self) -> Read | None:
        """What reads the evidence; None where the reranker shows nothing to start from."""
        with self._loading:
            encoder: object = self._reranker
            if self._reader is None and isinstance(encoder, Encoder):
                self._reader = SentenceReader(encoder)
            return None if self._reader is None else self._reader.read


def _standalone(question: str, history: Sequence[Turn]) -> str:
    """Return the question as it is searched. Raises InputError for an empty or overlong one."""
    # Half a surrogate pair can come with JSON or a terminal that is not UTF-8, and nothing below can read it.
    asked = " ".join(question.encode("utf-8", "replace").decode("utf-8").split())
    if not asked:
        raise InputError("the question is empty: write what you want to know")
    if len(asked) > MAX_QUESTION_CHARS:
        raise InputError(f"the question has {len(asked)} characters: at most {MAX_QUESTION_CHARS} can be read")
    return chat.standalone(asked, history)


@dataclass(frozen=True, slots=True)
class _Reading:
    """What came of showing the model some evidence."""

    claims: tuple[Claim, ...]
    given_up: bool  # the model came to its end, and nothing may be shown
    finished: bool  # the model came to its end
    abstained: Reason  # if so, why
    completion: str
    detail: str | None
    answerability: float | None
    leaning: float | None
    closer: float | None
    reserve: Claim | None  # what may be shown where a second reading finds nothing either

    def and_then(self, other: _Reading) -> _Reading:
        """Both in one; what the second found counts, unless that is nothing either."""
        counts = other if any(claim.citations for claim in other.claims) else self
        judged = [one for one in (self.answerability, other.answerability) if one is not None]
        return replace(
            counts,
            claims=(*self.claims, *other.claims),
            completion=f"{self.completion}\n\n{other.completion}",
            reserve=self.reserve or other.reserve,
            answerability=max(judged, default=None),
        )


@dataclass(frozen=True, slots=True)
class _Step:
    """What one look-up of several says."""

    found: EvidenceFound
    claims: tuple[Claim, ...]  # that are shown, with the numbers of its own evidence
    answerability: float
    completion: str

    def names(self, asked: str) -> str | None:
        """Return the words that answer `asked`, so that a question can be asked of them; None if there are none but its own.

        They are an article's: what gives an order, or would read as a mark or a turn, gets into no question.
        """
        told = next((claim for claim in self.claims if claim.words), None)
        if told is None or told.words is None:
            return None
        start, end = told.words
        name = next((run for run in _NAME_RUN.finditer(told.text) if run.start() <= start and end <= run.end()), None)
        said = " ".join(told.text[start : name.end() if name else end].split()).strip(' ,.;:“”"')
        if facts.obeys("", said) or said != defused(said) or len(said) > MOST_LINK_CHARS:
            return None
        new = set(facts.content_stems(said)).difference(facts.content_stems(asked))
        return said if new or facts.numbers(said) else None

    def says_no_more_than(self, other: _Step) -> bool:
        """True if each of its sentences is one that the other cites."""
        mine, others = (
            {(one.article_id, one.sentence) for claim in step.claims for one in claim.citations}
            for step in (self, other)
        )
        return mine <= others

    def without_words(self) -> _Step:
        """The same with no words that stand out: what was found on the way is not the answer."""
        return replace(self, claims=tuple(replace(claim, words=None) for claim in self.claims))


class _Clock:
    """Milliseconds since it was made."""

    def __init__(self) -> None:
        self._start = perf_counter()

    @property
    def ms(self) -> float:
        return (perf_counter() - self._start) * 1000


class _Writing:
    """What is known of an answer while it is being written."""

    def __init__(
        self,
        *,
        question: str,
        found: EvidenceFound,
        models: dict[str, str],
        clock: _Clock,
        on_the_whole: Callable[[], list[Evidence]],
        look_up: Callable[[str], EvidenceFound],
    ) -> None:
        """`on_the_whole` finds what is told of the question's topic, `look_up` what is found for another question on the way."""
        self.found = found
        self.on_the_whole = on_the_whole
        self.look_up = look_up
        self.steps: tuple[str, ...] = ()
        self._question = question
        self._timings = dict(found.timings_ms)
        self._models = models
        self._clock = clock

    def first_token(self) -> None:
        self._timings.setdefault("first_token", self._clock.ms)

    def joining(self, step: _Step) -> _Step:
        """Return a step with other numbers: those of its sentences that were not shown become evidence, numbered on."""
        joined = self._numbered_on(step.found.evidence)
        labels = {e.label: there.label for e, there in zip(step.found.evidence, joined, strict=True)}

        def number(label: int) -> int:
            return labels.get(label, label)  # a mark that names no sentence stays as it was written

        return replace(
            step,
            claims=tuple(_renumbered(claim, number) for claim in step.claims),
            completion=renumbered(step.completion, number),
        )

    def adding(self, told: Sequence[Evidence]) -> list[Claim]:
        """Return the sentences as claims; those that were not shown become evidence, numbered on."""
        return list(dict.fromkeys(map(_word_for_word, self._numbered_on(filter(says_something, told)))))

    def _numbered_on(self, sentences: Iterable[Evidence]) -> list[Evidence]:
        """The sentences with their numbers in the evidence, which those that were not shown now belong to."""
        shown = {(e.article_id, e.sentence): e for e in self.found.evidence}
        found = [shown.setdefault((e.article_id, e.sentence), replace(e, label=len(shown) + 1)) for e in sentences]
        self.found = replace(self.found, evidence=tuple(shown.values()))
        return found

    def done(
        self,
        *,
        claims: Sequence[Claim] = (),
        abstained: Reason | None = None,
        completion: str | None = None,
        detail: str | None = None,
        answerability: float | None = None,
        leaning: float | None = None,
        closer: float | None = None,
    ) -> AnswerDone:
        standalone = self.found.standalone
        return AnswerDone(
            Answer(
                question=self._question,
                claims=tuple(claims),
                evidence=self.found.evidence,
                retrieved=self.found.retrieved,
                abstained=abstained,
                standalone=standalone if standalone != self._question else None,
                steps=self.steps,
                completion=completion,
                detail=detail,
                disagreement=disagreement([standalone, *self.steps][-1], self.found.evidence, claims),
                answerability=answerability,
                leaning=leaning,
                closer=closer,
                timings_ms={**self._timings, "total": self._clock.ms},
                models=self._models,
            )
        )


class _Ear:
    """What is heard of a model: its words, and the drafts that they make."""

    def __init__(self, desk: _Desk, *, taught: bool) -> None:
        """The drafts of a `taught` model wait for its end: it is asked again to check them, and does one thing at a time."""
        self.text = ""
        self.finish: Finish | None = None
        self.named = False  # a taught model has told which sentences answer
        self.waiting: list[Draft] = []
        self._parser = DraftParser()
        self._desk = desk
        self._taught = taught

    def hear(self, chunk: Chunk) -> list[Draft]:
        """Return the drafts that `chunk` has finished and that can be checked at once."""
        self.text, self.finish = self.text + chunk.text, chunk.finish
        if self._taught and (named := self._desk.named(self.text)) is not None:
            self._parser, self.named, self.waiting, self.finish = DraftParser(), True, named, "stop"
            return []
        drafts = list(self._parser.feed(chunk.text))
        if not self._taught:
            return drafts
        self.waiting += drafts
        return []

    @property
    def growing(self) -> str:
        """The words that are not checked yet, for the eye; "" while they may become a refusal."""
        words = " ".join([*(draft.text for draft in self.waiting), self._parser.presentable]).strip()
        return "" if REFUSAL.startswith(words.upper()[: len(REFUSAL)]) else words

    def rest(self) -> list[Draft]:
        """Return what is left at the end."""
        return list(self._parser.finish())


class _Desk:
    """Where drafts become claims: each through the gate, the first that passes also against the dial for answerability."""

    def __init__(
        self, found: EvidenceFound, gate: Gate, judge: Answerability, *, answerable: float, large: bool, taught: bool
    ) -> None:
        """Below `answerable` nothing is shown.

        The choice of a model that is not `large` may give way if it was not `taught`, and so may the wording of any.
        """
        self._found = found
        self._large = large
        self._taught = taught
        self._kind = kinds.kind(found.standalone)
        self._gate = gate
        self._least = answerable
        self._judge = judge
        self._passed = False
        self._told: set[str] = set()
        self._shown_labels: set[int] = set()  # of what is cited so far
        self._verdict = ""  # the yes or no of a large model that its words were refused with, or that stood by itself
        self.refused = False  # the answer began with the refusal, or with other words for it by a large model
        self._alone: set[int] = set()  # labels of sentences that answer
        self._beside: set[int] = set()  # of those that are shown because they go with one
        self._begun = False  # the answer to a yes/no question has begun with yes or no, where that is sure
        self.hesitates = False  # only that a question was typed in haste lets its best sentence pass
        self.hardly = False  # a proven sentence was withdrawn because the articles hardly answer the question
        self.answerability: float | None = None

    def checked(self, drafts: Iterable[Draft]) -> Iterator[Claim]:
        for draft in drafts:
            if is_refusal(draft.text):
                self.refused = self.refused or not self._shown_labels
            elif self._beside.isdisjoint(draft.labels):
                for claim in self._proven(draft):
                    yield from self.whole(self._pointed(claim))

    def whole(self, claim: Claim) -> Iterator[Claim]:
        """Yield the claim with the sentences before and after it that belong to what it explains, if that is wanted."""
        cited = self._cited(claim)
        if len(cited) != 1 or self._beside:
            yield claim
            return
        before, after = self._judge.whole(cited[0])
        self._beside = {e.label for e in (*before, *after)} - self._alone
        self._alone.add(cited[0].label)
        yield from (_word_for_word(e) for e in before if e.label in self._beside)
        yield claim
        yield from (_word_for_word(e) for e in after if e.label in self._beside)

    def named(self, wrote: str) -> list[Draft] | None:
        """The sentences with the numbers that `wrote` begins with, in their own words; None while it may name more.

        In the place of a question ("And magnesium?"), or of what only opens ("Do this:"), stands the sentence after it. What
        says nothing whatever is asked, such as an order, is left out.
        """
        numbers = leading_marks(wrote)
        shown = {e.label: e for e in self._found.evidence}
        named = dict.fromkeys(self._after_opening(shown[number]) for number in numbers if number in shown)
        return [Draft(e.text, (e.label,)) for e in named if says_something(e)] if numbers else None

    def _after_opening(self, sentence: Evidence) -> Evidence:
        if not kinds.opens_or_asks(sentence.text):
            return sentence
        return self._at(sentence.article_id, sentence.sentence + 1) or sentence

    def _cited(self, claim: Claim) -> list[Evidence]:
        """The sentences of the evidence that a claim cites."""
        labels = {citation.label for citation in claim.citations}
        return [e for e in self._found.evidence if e.label in labels]

    def _at(self, article_id: str, number: int) -> Evidence | None:
        """The sentence of the evidence with this number in its article."""
        return next((e for e in self._found.evidence if (e.article_id, e.sentence) == (article_id, number)), None)

    def second(self, wrote: str) -> Claim | None:
        """A question that was given up is read once more: its best sentence is the answer, if it plainly is one.

        The small model refuses, or garbles, what it has in front of it, or `wrote` a number and no words; the sentence itself
        needs no proof, and the best is the one that a taught model named. (The refusal of a large model is taken at its
        word.) A yes/no question is answered so by a model that was not taught only where a rule tells which.
        """
        if self._taught:
            self._judge.named = next(iter(marks(wrote)), None)
        found = self._judge.alone()
        if found is None or found.probability is None:
            return None
        self.answerability = max(self.answerability or 0.0, found.probability)
        if found.probability < self._least:
            return None
        meant = self._taught and is_refusal(wrote) and found.verdict is None
        agrees = self._judge.closer is not None and self._judge.closer >= 0
        self.hesitates = meant and not agrees and self._judge.unhurried(found.probability) < self._least
        sentence, text = found.sentence, kinds.plain(defused(found.sentence.text))
        verdict = self._judge.verdict(sentence) if self._kind == "yes-no" else None
        told = f"{verdict}: {text}" if verdict else self._in_full(text, sentence.text, sentence.date)
        claim = self._pointed(self._with_its_name(Claim(told, (sentence.cited(),))))
        return _correction(self._found, [claim]) or claim

    def further(self, claims: Sequence[Claim]) -> list[Claim]:
        """What a taught model leaves out where a question wants all there are: it names one sentence, and mostly ends there."""
        if not self._taught or not aspects.asks_for_all(self._found.standalone):
            return []
        told = {citation.label for claim in claims for citation in claim.citations}
        return [self._pointed(_word_for_word(e)) for e in self._judge.also(told)]

    def _proven(self, draft: Draft) -> list[Claim]:
        try:
            return self._check(draft)
        except Exception:  # noqa: BLE001  # a rule that trips over one sentence of a model must not take the others with it
            _log.exception("a sentence of the answer could not be checked")
            why = Rejection(None, "could not be checked: an error of ours, which the log has")
            return [Claim(draft.text, (), (why,))]

    def _check(self, draft: Draft) -> list[Claim]:
        """The draft as a claim; where a large model's words are refused, after it the sentences that it names."""
        if kinds.bare(draft.text):
            self._verdict = "Yes" if "yes" in draft.text.casefold() else "No"
            claim = Claim(draft.text, (), (Rejection(None, "says only yes or no"),))
        else:
            claim = self._gate.check(draft)
        if claim.citations:
            return [self._judged(claim)]
        return [claim, *map(self._judged, self._named_by(draft, claim) if self._large else ())]

    def _judged(self, claim: Claim) -> Claim:
        """A claim that its sentences support as it is shown, or withdrawn for another reason than that."""
        likely = None
        if better := self._outdone(claim):
            claim, likely = self._instead(claim, better.sentence), better.probability
        text = self._wording(claim)
        said = text in self._told or self._told.issuperset(_whole(citation) for citation in claim.citations)
        why = self._aside(claim) or self._withheld(claim, likely) or self._misled(text, claim)
        if why or said:
            return Claim(claim.text, (), (*claim.rejected, Rejection(None, why or "said already")))
        self._told.add(text)
        self._shown_labels.update(citation.label for citation in claim.citations)
        return self._with_its_name(replace(claim, text=self._begins(text, claim)))

    def _outdone(self, claim: Claim) -> Alone | None:
        """The sentence that answers far better than those that a small model's first claim cites; None if there is none.

        It names the sports grounds where the question is how much land the school owns, and proves it well.
        """
        if self._large or self._passed or self._kind == "yes-no" or (self._kind == "several" and not self._taught):
            return None
        if self._taught and self._judge.together:
            return None  # of an explanation the reader, which reads one sentence, knows little
        if self._taught and self._judge.may_answer(claim.citations):
            # It knows better than the reader (right sentence: .93 and .89 on squad2), and so it is asked.
            return self._judge.seen_better(claim.citations)
        return self._judge.outdone(claim.citations)

    def _named_by(self, draft: Draft, refused: Claim) -> list[Claim]:
        """The sentences that a large model names, word for word, but those that are shown already or may not answer.

        It names the right one where a rule is against its wording: of 84 such claims the sentence says 69 in full.
        Nothing is shown for what is a question, or tells of the articles themselves ("They do not say why").
        """
        said, told = kinds.parted(draft.text)
        silent = _THEY_DO_NOT_SAY.match(told) is not None
        self.refused = self.refused or (silent and not self._shown_labels)
        asks = any(one.reason == NO_ANSWER for one in refused.rejected)
        named = [e for e in self._judge.that_may_answer(draft.labels) if e.label not in self._shown_labels]
        if silent or asks or self.refused or _A_NOTE.match(told):
            named = []
        if not kinds.bare(draft.text):  # such a word is that of what comes next
            denied = any(opposed(one.reason) for one in refused.rejected if one.label in draft.labels)
            self._verdict = said if named and not denied else ""
        return [_word_for_word(e) for e in named[:MOST_NAMED]]

    def _instead(self, claim: Claim, sentence: Evidence) -> Claim:
        given = (Rejection(citation.label, "another sentence answers far better") for citation in claim.citations)
        return Claim(sentence.text, (sentence.cited(),), (*claim.rejected, *given))

    def _wording(self, claim: Claim) -> str:
        """What is shown of the claim: a sentence of the articles without marks of its own, past weekdays in full."""
        cited = claim.citations[0]
        if self._kind == "yes-no" and not self._large:
            # It says the question again as a statement: "sold its plant" of a sentence that says "closed its plant".
            return " ".join(_whole(one) for one in claim.citations)
        word_for_word = claim.text == cited.quote or self._leaves_out_the_answer(claim)
        text = _whole(cited) if word_for_word else claim.text
        return self._in_full(text, cited.quote, cited.date) if len(claim.citations) == 1 else text

    def _leaves_out_the_answer(self, claim: Claim) -> bool:
        """True if a small model's claim has nothing of what the reader takes for the answer in the one sentence it cites."""
        if self._large or len(claim.citations) > 1 or self._kind in ("several", "yes-no"):
            return False
        answer = self._judge.said(claim.citations[0])
        wanted, told = facts.content_stems(answer), facts.content_stems(claim.text)
        if any(stem == other or facts.alike(stem, other) for stem in wanted for other in told):
            return False
        numbers = facts.numbers(answer)
        return bool(wanted or numbers) and numbers.isdisjoint(facts.numbers(claim.text))

    def _withheld(self, claim: Claim, likely: float | None = None) -> str | None:
        """Why a claim is withheld although its sentences support it; None if it is not.

        `likely` is the probability that the articles answer, if it is not that of a claim which the model wrote.
        """
        if any(staged(e) for e in self._cited(claim)):
            return "the cited sentence stands in a made-up turn of a conversation"
        if likely is None and not self._passed:
            likely = self._judge.written(claim.citations)
        if likely is not None:
            self.answerability = max(self.answerability or 0.0, likely)
            if likely < self._least:
                self.hardly = True
                return f"answerability {likely:.2f} is too low: the articles hardly answer the question"
        self._passed = True
        return None

    def _aside(self, claim: Claim) -> str | None:
        """Why a small model's further sentence is withheld: it goes on with what is not asked. None for its first one."""
        further = self._passed and not self._large and self._kind == "several"
        return BESIDE if further and self._judge.far_behind(claim.citations) else None

    def _with_its_name(self, claim: Claim) -> Claim:
        """The claim with the sentence before it where "who" is answered with "she": the name stands there."""
        if self._large or len(claim.citations) > 1 or not _ASKS_WHO.match(kinds.without_turn(self._found.standalone)):
            return claim
        [cited] = claim.citations
        if not claim.text.endswith(_whole(cited)) or not _PRONOUN.fullmatch(self._judge.said(cited).strip()):
            return claim
        before = self._at(cited.article_id, cited.sentence - 1)
        if before is None or not facts.names(before.text) or not says_something(before):
            return claim
        return replace(claim, text=f"{_shown(before.text)} {claim.text}", citations=(before.cited(), cited))

    def _pointed(self, claim: Claim) -> Claim:
        """The claim of a small model with the words that answer, where they stand in the one sentence that it cites."""
        return claim if self._large else _pointed(claim, self._judge)

    def _misled(self, text: str, claim: Claim) -> str | None:
        """Why a small model's answer to a yes/no question begins wrongly; None if it does not.

        A large one knows better than the rule (`Answerability.verdict`).
        """
        if self._large or self._begun or self._kind != "yes-no" or not kinds.begins(text):
            return None
        told = kinds.verdict(self._found.standalone, claim.citations[0].quote)
        if told is None or text.casefold().startswith(told.casefold()):
            return None
        return f"begins with yes or no where the cited sentence says {told.lower()}"

    def _begins(self, text: str, claim: Claim) -> str:
        """The text, which begins the answer to a yes/no question with yes or no where the model or a rule beside it can tell."""
        if self._begun or self._kind != "yes-no":
            return text
        self._begun = True
        said: str | None
        if self._taught:
            cited = self._cited(claim)
            said = self._judge.verdict(cited[0]) if len(cited) == 1 else None
        elif self._large:  # it knows whether it can tell
            said = None if kinds.parted(text)[0] else self._verdict
        else:
            said = None if kinds.begins(text) else kinds.verdict(self._found.standalone, text)
        return f"{said}: {text}" if said and not re.match(rf"{said}\b", text) else text

    def _in_full(self, text: str, quoted: str, published: date | None) -> str:
        return kinds.in_full(text, quoted, published) if self._kind == "when" else text


def _settled(found: EvidenceFound) -> list[Claim]:
    """What rules alone can answer, and better than a small model: which of two is more, who or what a name is, an overview."""
    if found.overview:
        return [_word_for_word(e) for e in found.evidence if says_something(e)]
    compared = compare.settled(found.standalone, found.evidence)
    told = [compared] if compared else identity.introduced(found.standalone, found.evidence)
    return [claim if len(claim.citations) > 1 else replace(claim, text=_shown(claim.text)) for claim in told]


def _can_be_asked(judge: Answerability, llm: LLM) -> None:
    """Let a taught model be asked about one sentence of what is judged by itself."""
    question = judge.found.standalone
    judge.look = lambda sentences: _closer_look(llm, question, sentences)
    judge.tell = lambda sentence: _yes_against_no(llm, question, sentence)


def _closer_look(llm: LLM, question: str, sentences: Sequence[Evidence]) -> float | None:
    """What a taught model leans to where it is shown nothing but these sentences; None if it does not tell."""
    instead = _first_token(llm, _alone(question, sentences))
    return leaning(instead) if instead else None


def _yes_against_no(llm: LLM, question: str, sentence: Evidence) -> float | None:
    """The log-odds of yes against no right after it has named the one sentence that it is shown; None if it does not tell."""
    return yes_against_no(_first_token(llm, replace(_alone(question, [sentence]), begin="[1]")))


def _alone(question: str, sentences: Sequence[Evidence]) -> Prompt:
    """What a taught model is asked where it is shown nothing but these sentences."""
    return render(question, [replace(e, label=at) for at, e in enumerate(sentences, start=1)], mark_first=True)


def _first_token(llm: LLM, prompt: Prompt) -> Mapping[str, float]:
    """What the next token may be, with the natural logarithm of each probability; empty if the model does not tell."""
    try:
        with closing(llm.stream(prompt, max_tokens=1)) as chunks:
            told = [chunk.instead for chunk in chunks if chunk.instead]
    except LLMError:
        return {}
    return told[0] if told else {}


def _named_all_the_same(llm: LLM, prompt: Prompt, leans: float | None) -> str:
    """The mark that a taught model writes where it may not refuse; "" if it does not tell, or leans to nothing at all."""
    if leans is None or leans <= HOPELESS:
        return ""
    try:
        with closing(llm.stream(replace(prompt, begin="["), max_tokens=2)) as chunks:
            found = re.match(r"\d+", "".join(chunk.text for chunk in chunks).lstrip("["))
    except LLMError:
        return ""
    return f"[{found[0]}]" if found else ""


def _cut_off(draft: Draft) -> Claim:
    return Claim(draft.text, (), (Rejection(None, "cut off before its end"),))


def _renumbered(claim: Claim, number: Callable[[int], int]) -> Claim:
    """The claim where its sentences have other numbers."""
    citations = tuple(replace(one, label=number(one.label)) for one in claim.citations)
    rejected = tuple(replace(one, label=one.label and number(one.label)) for one in claim.rejected)
    return replace(claim, citations=citations, rejected=rejected)


def _given_way(claim: Claim) -> Claim:
    """The claim of one look-up where two have the answer."""
    given = (Rejection(one.label, "says only a part of what is asked") for one in claim.citations)
    return replace(claim, citations=(), rejected=(*claim.rejected, *given), words=None)


def _drained(reading: Generator[Event, None, _Reading]) -> _Reading:
    """The whole of a reading, while nothing of it is shown."""
    while True:
        try:
            next(reading)
        except StopIteration as end:
            made: _Reading = end.value
            return made


def _pointed(claim: Claim, judge: Answerability) -> Claim:
    """The claim with the words that answer, if it cites one sentence; none where yes or no is asked."""
    if len(claim.citations) != 1 or kinds.kind(judge.found.standalone) == "yes-no":
        return claim
    said = judge.where(claim.citations[0])
    return claim if said is None else replace(claim, words=_words(claim, said))


def _words(claim: Claim, said: tuple[int, int]) -> tuple[int, int] | None:
    """Where the claim has the words that stand in this range of its one cited sentence; None if it has not, or little else."""
    [cited] = claim.citations
    words = _shown(cited.quote[slice(*said)])
    if not words or _PRONOUN.fullmatch(words) or len(words) > MOST_OF_IT * len(claim.text):
        return None
    there = said[0] + len(claim.text) - len(cited.quote)  # exact where nothing was left out or told in full
    places = [match.start() for match in re.finditer(re.escape(words), claim.text)]
    at = min(places, key=lambda place: abs(place - there), default=None)
    return None if at is None else _widened(claim.text, at, at + len(words))


def _widened(text: str, start: int, end: int) -> tuple[int, int]:
    """The range with the whole words that it begins and ends in, and with what denies them: "not to be scrapped"."""
    while start > 0 and text[start - 1 : start + 1].isalnum():
        start -= 1
    while end < len(text) and text[end - 1 : end + 1].isalnum():
        end += 1
    denied = _DENIED.search(text, 0, start)
    return (denied.start() if denied else start), end


def _whole(cited: Citation) -> str:
    """A cited sentence as it is shown where it is a claim word for word."""
    return _shown(cited.quote)


def _word_for_word(sentence: Evidence) -> Claim:
    return Claim(_shown(sentence.text), (sentence.cited(),))


def _shown(sentence: str) -> str:
    return kinds.plain(defused(sentence))


def _correction(found: EvidenceFound, claims: Sequence[Claim]) -> Claim | None:
    """The sentence that corrects what `claims` say, word for word; None if there is none, or they cite it."""
    differ = disagreement(found.standalone, found.evidence, claims)
    if differ is None or differ.correction is None:
        return None
    right = differ.statements[differ.correction]
    if any(right.label == citation.label for claim in claims for citation in claim.citations):
        return None
    return Claim(_whole(right), (replace(right, support=1.0),))
