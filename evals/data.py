"""Reading a benchmark: its articles and its questions (evals/gold/README.md describes the files)."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import zlib
from typing import TYPE_CHECKING, Any

from evals.types import Question, Span
from index.errors import InputError
from index.loaders import Problem, load
from qa.types import Turn

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from index.types import Article


def read_articles(path: Path) -> tuple[list[Article], list[Problem]]:
    """The articles of a file or folder that `index.loaders` knows, and what could not be read.

    Raises:
        InputError: there is no such file, or it holds no article.
    """
    found = list(load(path))
    problems = [one for one in found if isinstance(one, Problem)]
    articles = [one for one in found if not isinstance(one, Problem)]
    if not articles:
        why = f"; {problems[0].file}: {problems[0].reason}" if problems else ""
        raise InputError(f"{path}: no article could be read{why}")
    return articles, problems


def read_texts(path: Path, articles: Iterable[Article]) -> dict[str, str]:
    """Each article's text by id, to check quotes against: read from a JSONL file by itself, past loader and library."""
    texts = {one.id: one.text for one in articles}
    if ".jsonl" not in path.suffixes or not path.is_file():
        return texts
    raw: dict[str, str] = {}
    for line in _read(path).split(b"\n"):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):  # the loader has named it as a Problem
            continue
        if isinstance(row, dict) and row.get("id") in texts and isinstance(row.get("text"), str):
            raw.setdefault(row["id"], row["text"])  # of two lines with one id the first counts, as for the loader
    return texts | raw


def read_questions(path: Path) -> list[Question]:
    """The questions of a .jsonl or .jsonl.gz file, in the file's order.

    `answerable` may be missing: it is then whether there are answers. All but `id` and `question` may be missing.

    Raises:
        InputError: there is no such file, a line is broken (it is named with its field), or there is no question.
    """
    questions: dict[str, Question] = {}
    for number, row in rows(path):
        where = f"{path} line {number}"
        try:
            question = _question(row)
        except InputError as exc:
            raise InputError(f"{where}: {exc}") from exc
        if question.id in questions:
            raise InputError(f"{where}: the id {question.id!r} is there twice; give each question its own")
        questions[question.id] = question
    if not questions:
        raise InputError(f"{path}: no question in it; it wants one JSON object a line")
    return list(questions.values())


def rows(path: Path, *, torn: bool = False) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a .jsonl or .jsonl.gz file, each with the number of its line. Blank lines are left out.

    `torn`: so is a last line without an end, as a run that was stopped leaves it.

    Raises:
        InputError: there is no such file, or a line is no JSON object (it is named).
    """
    lines = _read(path).split(b"\n")  # by bytes: a text may hold U+2028, which `splitlines` takes for an end
    for number, line in enumerate(lines[:-1] if torn else lines, 1):
        if not line.strip():
            continue
        where = f"{path} line {number}"
        try:
            row = json.loads(line)
        except json.JSONDecodeError as exc:
            raise InputError(f"{where}: not JSON: {exc}") from exc
        except UnicodeDecodeError as exc:
            raise InputError(f"{where}: not UTF-8: {exc}") from exc
        if not isinstance(row, dict):
            raise InputError(f"{where}: it is not a JSON object")
        yield number, row


def select(questions: Sequence[Question], *, limit: int | None, seed: int | None) -> list[Question]:
    """The first `limit` questions, or with a seed that many drawn at random, in file order; all without a limit.

    A larger limit with the same seed has every question of the smaller one, so that a run can be made longer.
    """
    if limit is None or limit >= len(questions):
        return list(questions)
    if seed is None:
        return list(questions[:limit])
    order = list(range(len(questions)))
    random.Random(seed).shuffle(order)
    return [questions[index] for index in sorted(order[:limit])]


def check_gold(questions: Iterable[Question], texts: Mapping[str, str]) -> list[str]:
    """Name the gold evidence whose article is not there (it counts as never found).

    Raises:
        InputError: a gold range does not read as the question file says: the two files do not belong together.
    """
    missing = []
    for question in questions:
        for span in question.gold:
            text = texts.get(span.article_id)
            if text is None:
                missing.append(f"question {question.id}: gold article {span.article_id!r} is not among the articles")
            elif span.end > len(text) or (span.length and span.text and text[span.start : span.end] != span.text):
                raise InputError(
                    f"question {question.id}: the gold evidence {span.text[:60]!r} is not at "
                    f"{span.start}:{span.end} of article {span.article_id!r}; do the articles and questions fit?"
                )
    return missing


def digest_articles(articles: Iterable[Article]) -> str:
    """SHA-256 over ids and contents; the order does not matter."""
    return hashlib.sha256("\n".join(sorted(one.sha256 for one in articles)).encode()).hexdigest()


def digest_file(path: Path) -> str:
    """SHA-256 of the file's bytes, unpacked first if it is a .gz."""
    return hashlib.sha256(_read(path)).hexdigest()


def _read(path: Path) -> bytes:
    try:
        raw = path.read_bytes()
        return gzip.decompress(raw) if path.suffix == ".gz" else raw
    except FileNotFoundError as exc:
        raise InputError(f"{path}: no such file") from exc
    except (OSError, EOFError, zlib.error) as exc:  # EOFError and zlib.error: a .gz cut short or damaged
        raise InputError(f"{path}: cannot be read: {exc}") from exc


def _question(row: Mapping[str, Any]) -> Question:
    answers = tuple(_strings(row, "answers"))
    answerable = row.get("answerable", bool(answers))
    if not isinstance(answerable, bool):
        raise InputError(f"answerable must be true or false, not {answerable!r}")
    match = row.get("answer_match", "any")
    if match not in ("any", "all"):
        raise InputError(f'answer_match must be "any" or "all", not {match!r}')
    kind = row.get("type")
    return Question(
        id=_string(row, "id"),
        text=_string(row, "question"),
        answerable=answerable,
        answers=answers,
        match=match,
        kind=None if kind is None else str(kind),
        gold=tuple(_gold(_objects(row, "evidence"))),
        history=tuple(_turn(turn) for turn in _objects(row, "history")),
    )


def _gold(rows: Iterable[Mapping[str, Any]]) -> Iterator[Span]:
    """Each range once; an article as a whole only where the article has no range."""
    found: dict[Span, None] = {}
    for row in rows:
        article_id, start, end = _string(row, "article_id"), row.get("start"), row.get("end")
        if start is None:
            found[Span(article_id)] = None
        elif not isinstance(start, int) or not isinstance(end, int) or not 0 <= start < end:
            raise InputError(f"evidence: {start!r}:{end!r} is not a range of characters")
        else:
            found[Span(article_id, start, end, str(row.get("sentence") or row.get("fact") or ""))] = None
    ranged = {span.article_id for span in found if span.length}
    return (span for span in found if span.length or span.article_id not in ranged)


def _turn(row: Mapping[str, Any]) -> Turn:
    role = row.get("role")
    if role not in {"user", "assistant"}:
        raise InputError(f'history: role must be "user" or "assistant", not {role!r}')
    return Turn(role, _string(row, "text"))


def _string(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"the field {name!r} is missing or not a text")
    return value


def _strings(row: Mapping[str, Any], name: str) -> list[str]:
    value = row.get(name) or []
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise InputError(f"the field {name!r} must be a list of texts")
    return value


def _objects(row: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    value = row.get(name) or []
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise InputError(f"the field {name!r} must be a list of objects")
    return value
