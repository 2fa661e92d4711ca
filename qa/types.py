"""The values that flow from a question to an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from index.types import Passage

Status = Literal["answered", "abstained"]
Reason = Literal["nothing_found", "not_stated", "unsupported", "llm_unavailable"]


@dataclass(frozen=True, slots=True)
class Turn:
    """One earlier turn of the conversation. It helps to read the question and is never evidence."""

    role: Literal["user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that was found, with what each stage thought of it."""

    passage: Passage
    title: str
    date: date | None
    score: float  # of the last stage that ran; higher is better; comparable within one question only
    stages: Mapping[str, float] = field(default_factory=dict)  # "bm25", "dense", "rrf", "rerank", "hop", ... -> score
    asked: str = ""  # what it was found and read for, where that is more than the question: see qa.retrieve
    clause: str = ""  # the clause of the question that it was read for, where the question has several


@dataclass(frozen=True, slots=True)
class Evidence:
    """One sentence that was shown to the model under a number."""

    label: int  # 1-based, the number in the prompt
    article_id: str
    title: str
    date: date | None
    sentence: int  # 0-based index within the article
    start: int  # characters into the article's text, inclusive
    end: int  # exclusive
    text: str  # always article.text[start:end]
    score: float  # higher is better; comparable within one question only
    neighbour: bool = False  # shown to make another sentence readable, not because it was found itself
    file: str | None = None  # the file the article was read from
    context: str = ""  # the article's sentences just before it: where "he" and "the envoy" are named; never quoted

    def cited(self, support: float = 1.0) -> Citation:
        """Return a citation of the whole sentence; `support` is 1 where it proves itself."""
        return Citation(
            article_id=self.article_id,
            title=self.title,
            date=self.date,
            sentence=self.sentence,
            start=self.start,
            end=self.end,
            quote=self.text,
            support=support,
            label=self.label,
            file=self.file,
        )


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the model is sent. `system` is the same for every question, so that its reading can be cached."""

    system: str
    user: str
    labels: Mapping[int, Evidence]
    begin: str = ""  # what the answer must begin with; only the embedded model's server goes on from it


@dataclass(frozen=True, slots=True)
class Reading:
    """What the reader makes of one sentence of the evidence (`qa.reader`)."""

    says: float  # logit of "the sentence says what is asked", about -6 to 5
    start: int  # of the most likely answer, characters of the sentence
    end: int  # exclusive


@dataclass(frozen=True, slots=True)
class Draft:
    """One sentence as the model wrote it, marks taken off."""

    text: str
    labels: tuple[int, ...]  # as written, in order, unknown ones included


@dataclass(frozen=True, slots=True)
class Rejection:
    """A mark or a sentence that the gate refused."""

    label: int | None  # the refused mark, or None where the whole sentence was refused
    reason: str  # "unknown mark", "number not in the cited sentence: 2.9", ...


@dataclass(frozen=True, slots=True)
class Citation:
    """A range of a stored article that supports a claim: `article.text[start:end] == quote`, always."""

    article_id: str
    title: str
    date: date | None
    sentence: int
    start: int
    end: int
    quote: str
    support: float  # in [0, 1]
    label: int  # the number it had in the prompt
    file: str | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """One sentence of the answer. Without citations it was withdrawn and is never shown as fact."""

    text: str
    citations: tuple[Citation, ...]
    rejected: tuple[Rejection, ...] = ()
    words: tuple[int, int] | None = None  # the range of `text` that answers, for the eye; None where that is not told

    @property
    def parted(self) -> tuple[str, str, str]:
        """The text before the words that answer, these, and the text after them; all of it first where they are not told."""
        start, end = self.words or (len(self.text), len(self.text))
        return self.text[:start], self.text[start:end], self.text[end:]


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Sentences of different articles that give different values for the same asked thing."""

    statements: tuple[Citation, ...]  # two or more, by their articles' dates, those without a date first
    values: tuple[str, ...]  # what each says, as written there: "1.5 million", "900,000"
    correction: int | None = None  # position of the statement that says it corrects another


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of one question."""

    question: str
    claims: tuple[Claim, ...] = ()  # in order, withdrawn ones included
    evidence: tuple[Evidence, ...] = ()  # in the order of their labels
    retrieved: tuple[Hit, ...] = ()  # best first
    abstained: Reason | None = None  # why nothing is shown as fact; see `reason`
    standalone: str | None = None  # the question as it was searched, where that differs
    steps: tuple[str, ...] = ()  # the questions that were looked up one after the other, where it took more than one
    # The model's raw words, those of a second reading or of a step after an empty line and numbered on; None without a model.
    completion: str | None = None
    detail: str | None = None  # for a person: what went wrong with the model
    disagreement: Disagreement | None = None  # where the articles give different values for what was asked
    answerability: float | None = None  # in [0, 1]: how likely it is that the articles answer it; None if not judged
    leaning: float | None = None  # log-odds of an answer by the first word of a taught model; None without one
    closer: float | None = None  # the same where it was shown the answering sentence alone; None if it was not asked
    timings_ms: Mapping[str, float] = field(default_factory=dict)  # "retrieve", "rerank", "first_token", "total"
    models: Mapping[str, str] = field(default_factory=dict)  # "llm", "embedder", "reranker" -> name

    @property
    def shown(self) -> tuple[Claim, ...]:
        """The claims that passed the gate."""
        return tuple(claim for claim in self.claims if claim.citations)

    @property
    def status(self) -> Status:
        """Return "answered" if at least one claim is supported, else "abstained"; derived, so that it cannot disagree."""
        return "answered" if self.shown else "abstained"

    @property
    def reason(self) -> Reason | None:
        """Why it abstained; None for an answer."""
        if self.status == "answered":
            return None
        return self.abstained or ("unsupported" if self.claims else "not_stated")

    @property
    def text(self) -> str:
        """The shown sentences joined by spaces, without marks; empty for an abstention."""
        return " ".join(claim.text for claim in self.shown)

    @property
    def citations(self) -> tuple[Citation, ...]:
        """Every cited sentence once, in order of first appearance: the first is shown as [1], and so on."""
        seen: dict[tuple[str, int, int], Citation] = {}
        for claim in self.shown:
            for citation in claim.citations:
                seen.setdefault((citation.article_id, citation.start, citation.end), citation)
        return tuple(seen.values())

    def marks(self, claim: Claim) -> tuple[int, ...]:
        """The numbers shown after `claim`: 1-based positions in `citations`, ascending."""
        ranges = [(c.article_id, c.start, c.end) for c in self.citations]
        return tuple(sorted(ranges.index((c.article_id, c.start, c.end)) + 1 for c in claim.citations))

    def to_json(self) -> dict[str, Any]:
        """The object of the eval contract (docs/design.md), ready for `json.dumps`; `id` is added by the caller."""
        return {
            "question": self.question,
            "standalone": self.standalone,
            "steps": list(self.steps),
            "status": self.status,
            "reason": self.reason,
            "detail": self.detail,
            "answerability": self.answerability and round(self.answerability, 4),
            "leaning": self.leaning and round(self.leaning, 3),
            "closer": self.closer and round(self.closer, 3),
            "answer": self.text,
            "claims": [
                {
                    "text": claim.text,
                    "citations": [_citation_json(c) for c in claim.citations],
                    "rejected": [{"label": r.label, "reason": r.reason} for r in claim.rejected],
                    "words": list(claim.words) if claim.words else None,
                }
                for claim in self.claims
            ],
            "disagreement": self.disagreement
            and {
                "statements": [
                    {**_citation_json(c), "value": value}
                    for c, value in zip(self.disagreement.statements, self.disagreement.values, strict=True)
                ],
                "correction": self.disagreement.correction,
            },
            "evidence": [
                {
                    "label": e.label,
                    "article_id": e.article_id,
                    "title": e.title,
                    "date": e.date and e.date.isoformat(),
                    "start": e.start,
                    "end": e.end,
                    "text": e.text,
                    "score": round(e.score, 4),
                }
                for e in self.evidence
            ],
            "retrieved": [
                {
                    "article_id": h.passage.article_id,
                    "start": h.passage.start,
                    "end": h.passage.end,
                    "text": h.passage.text,
                    "score": round(h.score, 4),
                    "stages": {name: round(score, 4) for name, score in h.stages.items()},
                }
                for h in self.retrieved
            ],
            "completion": self.completion,
            "timings_ms": {name: round(ms, 1) for name, ms in self.timings_ms.items()},
            "models": dict(self.models),
        }


def _citation_json(c: Citation) -> dict[str, Any]:
    return {
        "article_id": c.article_id,
        "title": c.title,
        "date": c.date and c.date.isoformat(),
        "sentence": c.sentence,
        "start": c.start,
        "end": c.end,
        "quote": c.quote,
        "support": round(c.support, 4),
    }


# What `Asker.stream` yields, in this order: one EvidenceFound, then DraftGrown and ClaimChecked as the model writes, then one
# AnswerDone. Anything that shows progress folds these; the last one alone is the result. What a second reading was shown
# comes with it.


@dataclass(frozen=True, slots=True)
class EvidenceFound:
    """The numbered evidence, before the model has written a word."""

    standalone: str
    evidence: tuple[Evidence, ...]
    retrieved: tuple[Hit, ...]
    elapsed_ms: float
    timings_ms: Mapping[str, float] = field(default_factory=dict)  # "retrieve", "rerank", "evidence"
    narrowed: str | None = None  # "last week": the words of the question that narrowed the search to a time
    overview: bool = False  # the evidence tells of a topic on the whole, and is all that was asked for


@dataclass(frozen=True, slots=True)
class DraftGrown:
    """The sentence being written, not checked yet: it must be shown as such or not at all."""

    text: str


@dataclass(frozen=True, slots=True)
class ClaimChecked:
    """A finished sentence with the gate's verdict; without citations it was withdrawn."""

    claim: Claim


@dataclass(frozen=True, slots=True)
class AnswerDone:
    """The result. It equals what `Asker.ask` returns for the same question."""

    answer: Answer


Event = EvidenceFound | DraftGrown | ClaimChecked | AnswerDone
