"""The benchmarks of a folder: one a subfolder with questions.jsonl, and articles.jsonl unless the questions bring their own.

Questions that bring their own documents (as RGB does: `positive`, `positive_wrong`, `negative`) become several, each over some
of its documents and nothing else:

- `noise`: the true documents among the others;
- `planted`: the true ones with the answer swapped for a false one, among the others. What the articles say is what counts as
  right here, so the false answer is the gold one: a system that knows better than its articles is measured elsewhere;
- `absent`: the others alone, less those that come near the answer. To be withheld.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evals import data
from evals.rundir import encode
from evals.types import Question
from index.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from index.types import Article

_KINDS = ("positive", "positive_wrong", "negative")


@dataclass(frozen=True, slots=True)
class Folder:
    """A benchmark on disk."""

    name: str
    articles: Path | None  # None: each question brings its own documents
    questions: Path


@dataclass(frozen=True, slots=True)
class Loaded:
    """A benchmark as it is asked."""

    name: str
    articles: Sequence[Article]
    texts: Mapping[str, str]  # by article id, as the articles' file has them
    questions: Sequence[Question]  # all of the folder, in the file's order
    digests: Mapping[str, str]
    problems: Sequence[str]  # what could not be read, in words


def folders(root: Path, only: Sequence[str] = (), *, own_documents: bool = False) -> list[Folder]:
    """The folders in `root` that have articles.jsonl and questions.jsonl, by name.

    With `own_documents` also those that have questions alone.

    Raises:
        InputError: there is none, or one of `only` is not among them.
    """
    found = []
    for one in sorted(root.iterdir() if root.is_dir() else ()):
        articles, questions = one / "articles.jsonl", one / "questions.jsonl"
        if questions.is_file() and (articles.is_file() or own_documents):
            found.append(Folder(one.name, articles if articles.is_file() else None, questions))
    if not found:
        raise InputError(f"{root}: no folder in it has articles.jsonl and questions.jsonl")
    if unknown := set(only) - {one.name for one in found}:
        raise InputError(f"{root}: no benchmark {min(unknown)!r}; there are {', '.join(one.name for one in found)}")
    return [one for one in found if not only or one.name in only]


def load(folder: Folder, work: Path) -> Loaded:
    """Read a benchmark; `work` is where articles are written that stand in the questions.

    Raises:
        InputError: a file is broken, or articles and questions do not belong together.
    """
    if folder.articles is None:
        path = work / "articles.jsonl"
        rows = list(_rows(folder.questions))
        _write_documents(path, folder, rows)
        questions = [question for row in rows for question in _questions(row)]
    else:
        path, questions = folder.articles, data.read_questions(folder.questions)
    articles, unread = data.read_articles(path)
    texts = data.read_texts(path, articles)
    problems = [f"{one.file}: {one.reason}" for one in unread] + data.check_gold(questions, texts)
    digests = {"articles": data.digest_articles(articles), "questions": data.digest_file(folder.questions)}
    return Loaded(folder.name, articles, texts, questions, digests, problems)


def in_turn(benchmarks: Sequence[Loaded], *, seed: int, limit: int | None) -> list[tuple[Loaded, Question]]:
    """Question 1 of each benchmark, question 2 of each, ...: wherever it is cut, all have had as many, as far as they go.

    Each benchmark's order is drawn with `seed`, so that a longer run has every question of a shorter one.
    """
    orders = []
    for one in benchmarks:
        drawn = list(one.questions)
        random.Random(seed).shuffle(drawn)
        orders.append(drawn[:limit])
    longest = max(map(len, orders), default=0)
    return [
        (one, order[at])
        for at in range(longest)
        for one, order in zip(benchmarks, orders, strict=True)
        if at < len(order)
    ]


def _rows(path: Path) -> Iterator[Mapping[str, Any]]:
    for number, row in data.rows(path):
        if not isinstance(row.get("id"), str) or not row.get("positive"):
            raise InputError(f"{path} line {number}: it has no articles.jsonl beside it and brings no documents")
        yield row


def _write_documents(path: Path, folder: Folder, rows: Sequence[Mapping[str, Any]]) -> None:
    documents = [
        {"id": _document(row, kind, at), "text": text}
        for row in rows
        for kind in _KINDS
        for at, text in enumerate(row.get(kind) or ())
    ]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(encode(one) + b"\n" for one in documents))
    except OSError as exc:
        raise InputError(f"{path}: cannot be written ({exc.strerror}), and {folder.name} needs it") from exc


def _document(row: Mapping[str, Any], kind: str, at: int) -> str:
    return f"{row['id']}/{kind}/{at}"


def _questions(row: Mapping[str, Any]) -> Iterator[Question]:
    def ids(kind: str, leave_out: Sequence[int] = ()) -> tuple[str, ...]:
        return tuple(_document(row, kind, at) for at in range(len(row.get(kind) or ())) if at not in leave_out)

    text, answers, fakes = str(row["question"]), tuple(row["answers"]), tuple(row.get("fake_answers") or ())
    noise = ids("negative")
    yield Question(
        f"{row['id']}/noise", text, answerable=True, answers=answers, kind="noise", within=ids("positive") + noise
    )
    if fakes and row.get("positive_wrong"):
        yield Question(
            f"{row['id']}/planted",
            text,
            answerable=True,
            answers=fakes,
            kind="planted",
            within=ids("positive_wrong") + noise,
        )
    if far := ids("negative", row.get("negative_near_answer") or ()):
        yield Question(f"{row['id']}/absent", text, answerable=False, kind="absent", within=far)
