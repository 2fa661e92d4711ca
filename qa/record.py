"""Answers as JSON objects and back: what a conversation keeps of an answer, so that it can be read and checked again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from qa.types import Answer, Citation, Claim, Disagreement, Evidence, Rejection

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kept:
    """One question with its answer, as it is stored and exported."""

    key: str  # names it within the library, whatever conversation it is shown in
    answer: Answer
    asked_at: datetime  # with its time zone
    within: str = ""  # how the question was narrowed, in words; "" if it was not
    verdict: str = ""  # "up", "down", or "" as long as nobody has said anything
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Heading:
    """A kept conversation in a list."""

    id: str
    title: str  # its first question
    changed_at: datetime
    answers: int


@dataclass(frozen=True, slots=True)
class Timing:
    """What is known of one kept answer without reading it."""

    status: str
    evidence_ms: float | None
    first_token_ms: float | None
    total_ms: float | None
    verdict: str


def kept(key: str, answer: Answer, *, within: str = "") -> Kept:
    """Return `answer` as it is kept. The passages that the search found are left out: they can be found again."""
    return Kept(key, replace(answer, retrieved=()), datetime.now(UTC), within)


def to_record(answer: Answer) -> Json:
    """Return every field of `answer` but `retrieved`, ready for `json.dumps`."""
    record = asdict(replace(answer, retrieved=()))
    del record["retrieved"]
    stated = record["disagreement"]["statements"] if record["disagreement"] else ()
    for item in [*record["evidence"], *(c for claim in record["claims"] for c in claim["citations"]), *stated]:
        item["date"] = item["date"] and item["date"].isoformat()
    return record


def from_record(record: Mapping[str, Any]) -> Answer:
    """Return the answer that `to_record` was given. Raises KeyError, TypeError or ValueError for anything else."""
    fields = dict(record)
    fields["claims"] = tuple(_claim(claim) for claim in record["claims"])
    fields["steps"] = tuple(record.get("steps", ()))  # answers of an earlier version have none
    fields["evidence"] = tuple(Evidence(**_dated(e)) for e in record["evidence"])
    if (differ := record.get("disagreement")) is not None:
        stated = tuple(Citation(**_dated(c)) for c in differ["statements"])
        fields["disagreement"] = Disagreement(stated, tuple(differ["values"]), differ["correction"])
    return Answer(**fields)


def _claim(record: Mapping[str, Any]) -> Claim:
    return Claim(
        record["text"],
        tuple(Citation(**_dated(c)) for c in record["citations"]),
        tuple(Rejection(**r) for r in record["rejected"]),
        tuple(words) if (words := record.get("words")) else None,  # answers of an earlier version have none
    )


def _dated(record: Mapping[str, Any]) -> Json:
    return {**record, "date": date.fromisoformat(record["date"]) if record["date"] else None}


def candidate(item: Kept, earlier: Iterable[Answer]) -> Json:
    """Return a judged answer in the form of a gold question (evals/gold/README.md), to be looked through before it counts.

    `answers` stays empty: the short spellings that a program can compare are for a person to write. Of an approved answer the
    cited sentences are the evidence; an approved abstention is not answerable; of a rejected answer nothing is known yet but
    that another one was wanted.
    """
    answer, approved = item.answer, item.verdict == "up"
    history = []
    for one in earlier:
        history.append({"role": "user", "text": one.question})
        if one.text:
            history.append({"role": "assistant", "text": one.text})
    return {
        "id": f"reader-{item.key}",
        "question": answer.question,
        "answers": [],
        "answerable": not (approved and answer.status == "abstained"),
        "type": "approved" if approved else "rejected",
        "evidence": [
            {"article_id": c.article_id, "sentence": c.quote, "start": c.start, "end": c.end} for c in answer.citations
        ]
        if approved
        else [],
        "history": history,
        "shown": answer.text,
        "status": answer.status,
        "within": item.within,
        "comment": item.comment,
    }
