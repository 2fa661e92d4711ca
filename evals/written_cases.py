"""Cases of documents and questions that were written to teach the adapter, and the reader (`evals/taught/*.txt`).

SQuAD's questions are made by people who see the paragraph and use its words. Those here are asked in other words, in haste, for
yes or no by a step of thought, for opinions, lists and whole topics; and what the documents do not tell is asked as closely as
can be.

A file has an article as `article-qa add` reads it (` date YYYY-MM-DD `, then its title on a line of its own, an empty line and
prose), a line `=====`, and the questions: `? ` and the question, then for each sentence that answers it a line `= ` and a piece
of that sentence, the best one first, or a line `-` where the article does not say (`- ` with a piece of the sentence that may be
taken for one that does). `! ` and the short answer may follow, and to a question for yes or no `! Yes` or `! No`, unless neither
is right.

`python -m evals.written_cases DIR` writes the documents that are held out from the training as `articles.jsonl` and
`questions.jsonl`, to be asked by `evals.run`.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from evals import reader_cases as reader
from evals.adapter_cases import (
    LEFT_OUT,
    Asked,
    Case,
    Look,
    likeness,
    look_at,
    read_of,
    searching,
    shown,
    without,
)
from evals.run import exit_status, say
from evals.rundir import encode
from index.errors import InputError
from index.loaders.reading import decode
from index.loaders.text import split_head
from index.sentences import split
from index.types import Article, Sentence
from index.words import rough_stems
from qa import kinds
from qa.abstain import Verdict
from qa.answer import Asker
from qa.prompt import defused
from qa.reader import put
from qa.types import Evidence

VERDICTS: tuple[Verdict, ...] = ("Yes", "No")
TAUGHT = Path(__file__).parent / "taught"
HELD_OUT = "-12"  # the end of the names of documents that nothing is trained on: the last one of each kind
QUESTIONS = "\n=====\n"
MOST_BESIDE = 4  # other questions of the document on the same sentences
SECOND_OTHER = 0.3  # of the cases have two questions that their sentences do not answer, not one
MOST_NAMED = 4  # sentences; to yes or no one is enough
MOST_READ = 3  # sentences that answer one question, of which the reader learns
LIKEST = 4  # sentences that share most with a question, of which one or two are read as ones that do not answer it
BESIDE = 0.5  # of the questions also have one read that stands next to those that answer


@dataclass(frozen=True, slots=True)
class Written:
    """A question to a document."""

    text: str
    places: tuple[tuple[int, int], ...]  # characters within each sentence that answers, the best first; () if none does
    answer: str = ""
    verdict: Verdict | None = None  # what the sentences say to a question for yes or no; None where they say neither
    nearest: tuple[int, int] | None = None  # characters within a sentence that may be taken for one that answers

    def labels(self, article_id: str, evidence: Sequence[Evidence]) -> tuple[int, ...]:
        """The numbers of the sentences shown that answer, the best first."""
        found = (
            e.label
            for start, end in self.places
            for e in evidence
            if e.article_id == article_id and e.start <= start and end <= e.end
        )
        return tuple(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class Document:
    """An article with the questions to it."""

    article: Article
    questions: tuple[Written, ...]

    @property
    def held_out(self) -> bool:
        """True if nothing may be trained on it."""
        return self.article.id.endswith(HELD_OUT)


def read_documents(folder: Path) -> list[Document]:
    """Return the documents of a folder's text files, by name.

    Raises:
        InputError: there is none, or a file's line cannot be read; the message names both.
    """
    files = sorted(folder.glob("*.txt"))
    if not files:
        raise InputError(f"{folder}: no *.txt there")
    return [_read(file) for file in files]


def cases(documents: Sequence[Document], folder: Path, *, seed: int) -> Iterator[Case]:
    """Yield a case for each question whose search finds anything, in random order; their library is made in `folder`."""
    random_ = random.Random(seed)
    with searching([one.article for one in documents], folder) as asker:
        searches = [(document, question) for document in documents for question in document.questions]
        for document, question in random_.sample(searches, len(searches)):
            made = _case(asker, document, question, random_)
            if made is not None:
                yield made


def settled(documents: Sequence[Document]) -> Iterator[Look]:
    """Yield looks at the best sentence to each question for yes or no: what it says there, and where it says neither.

    Where none answers, the look is at the one that might be taken for it, if the document tells which.
    """
    for document in documents:
        sentences = split(document.article)
        for question in document.questions:
            if kinds.kind(question.text) != "yes-no":
                continue
            places = question.places or ((question.nearest,) if question.nearest else ())
            way, label = ("written, settled", 1) if question.places else ("written, open", 0)
            for at, _ in islice(_holding(places, sentences), 1):
                asked = Asked(way, defused(question.text), label, verdict=question.verdict)
                yield look_at(document.article, sentences[at], asked)


def _case(asker: Asker, document: Document, searched: Written, random_: random.Random) -> Case | None:
    name = document.article.id
    evidence = asker.retrieve(searched.text).evidence
    if labels := searched.labels(name, evidence):
        others = [e for e in evidence if e.label not in labels]
        if random_.random() < LEFT_OUT:
            evidence = without([e for e in evidence if e.label in labels], evidence)
        elif others and random_.random() < LEFT_OUT:
            evidence = without([random_.choice(others)], evidence)
    if not evidence:
        return None
    rest = [one for one in document.questions if one is not searched]
    beside = random_.sample(rest, min(MOST_BESIDE, len(rest)))
    asked = _likest([_asked(one, name, evidence) for one in (searched, *beside)], evidence, random_)
    random_.shuffle(asked)
    return Case(name, shown(evidence), evidence, tuple(asked))


def _likest(asked: Sequence[Asked], evidence: Sequence[Evidence], random_: random.Random) -> list[Asked]:
    """Those that the sentences answer, and of the others the one or two that share most words with them.

    Of all, four in five would be refused: few of a document's questions are answered by the sentences shown to another one.
    """
    there = rough_stems(read_of(evidence))
    others = sorted((one for one in asked if not one.label), key=lambda one: -likeness(one.question, there))
    return [one for one in asked if one.label] + others[: 2 if random_.random() < SECOND_OTHER else 1]


def reader_cases(documents: Sequence[Document], *, seed: int) -> list[reader.Case]:
    """Return what the reader can learn from the documents: sentences that answer, and those that look like it and do not.

    Each is read behind up to two before it, of which none answers where it does not. The reader is shown one sentence, and the
    question as the product asks it.
    """
    random_ = random.Random(seed)
    return [case for document in documents for case in _read_with(document, random_)]


def _read_with(document: Document, random_: random.Random) -> Iterator[reader.Case]:
    title, text, sentences = document.article.title, document.article.text, split(document.article)
    spans = [(one.start, one.end) for one in sentences]
    stems = [rough_stems(one.text) for one in sentences]
    rarity = reader.rarity(stems)

    def start(at: int, clear_of: Collection[int] = ()) -> int:
        first, _ = reader.window(spans, at, random_)
        return spans[max((one + 1 for one in clear_of if first <= one < at), default=first)][0]

    for question in document.questions:
        asked = put(question.text)
        answering = _answering(question, sentences)
        if question.places and not answering:
            continue
        for at, place in list(answering.items())[:MOST_READ]:
            begin, end = start(at), sentences[at].end
            told = place.start - begin, place.end - begin
            yield reader.Case("written", title, asked, text[begin:end], told, place.exact)
        for at in _like(question, answering, stems, rarity, random_):
            way = "written, beside" if answering else "written, not told"
            yield reader.Case(way, title, asked, text[start(at, answering) : sentences[at].end], None)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a sentence answers, in characters of the article."""

    start: int
    end: int
    exact: bool  # False: that is a piece of the sentence, with the answer or without


def _answering(question: Written, sentences: Sequence[Sentence]) -> dict[int, _Place]:
    """The places in each sentence that answers, the best sentence first."""
    found: dict[int, _Place] = {}
    for at, (start, end) in _holding(question.places, sentences):
        found.setdefault(at, _exactly(question.answer, sentences[at]) or _Place(start, end, exact=False))
    return found


def _holding(places: Sequence[tuple[int, int]], sentences: Sequence[Sentence]) -> Iterator[tuple[int, tuple[int, int]]]:
    """Yield each place that stands within one sentence, with the number of that sentence."""
    for start, end in places:
        for at, one in enumerate(sentences):
            if one.start <= start and end <= one.end:
                yield at, (start, end)


def _exactly(answer: str, sentence: Sentence) -> _Place | None:
    """Where the sentence has the short answer; None if it has none, or several times."""
    if not answer or sentence.text.count(answer) != 1:
        return None
    start = sentence.start + sentence.text.index(answer)
    return _Place(start, start + len(answer), exact=True)


def _like(
    question: Written,
    answering: Collection[int],
    stems: Sequence[Collection[str]],
    rarity: Mapping[str, float],
    random_: random.Random,
) -> list[int]:
    """Sentences that do not answer: two that are like a question which none answers, else one, and at times one next to those."""
    wanted = rough_stems(question.text)
    others = [at for at in range(len(stems)) if at not in answering]
    shares = {at: sum(rarity[word] for word in sorted(wanted.intersection(stems[at]))) for at in others}
    likest = sorted(others, key=lambda at: -shares[at])[:LIKEST]
    if not answering:
        return random_.sample(likest, min(2, len(likest)))
    chosen = [random_.choice(likest)] if likest else []
    beside = [at for at in (min(answering) - 1, max(answering) + 1) if at in others and at not in chosen]
    return [*chosen, random_.choice(beside)] if beside and random_.random() < BESIDE else chosen


def _asked(one: Written, article_id: str, evidence: Sequence[Evidence]) -> Asked:
    labels = one.labels(article_id, evidence)
    if not labels:
        return Asked("written, not shown" if one.places else "written, not told", defused(one.text), 0)
    named = 1 if kinds.kind(one.text) == "yes-no" else MOST_NAMED
    return Asked("written", defused(one.text), labels[0], one.answer, tuple(sorted(labels[1:named])), one.verdict)


def _read(file: Path) -> Document:
    head, there, tail = decode(file.read_bytes()).partition(QUESTIONS)
    if not there:
        raise InputError(f"{file}: no line =====; the questions stand below it")
    given, rest = split_head(head)
    title, _, text = rest.lstrip("\n").partition("\n")
    article = Article(file.stem, title.strip(), text.strip(), given.date)
    if not (article.title and article.text):
        raise InputError(f"{file}: no title, or no text below it")
    questions: list[Written] = []
    for line in tail.splitlines():
        if line.startswith("? "):
            questions.append(Written(line[2:].strip(), ()))
        elif line.startswith(("= ", "! ", "- ")) and questions:
            questions[-1] = _more(questions[-1], line[2:].strip(), line[0], file, article.text)
        elif line.strip() not in ("", "-"):
            raise InputError(f"{file}: a line begins with '? ', '= ', '! ' or '-', and this does not: {line!r}")
    return Document(article, tuple(questions))


def _more(question: Written, piece: str, mark: str, file: Path, text: str) -> Written:
    if mark == "!":
        told = next((one for one in VERDICTS if one == piece), None)
        return replace(question, answer=piece) if told is None else replace(question, verdict=told)
    if text.count(piece) != 1:
        raise InputError(f"{file}: the text has this {text.count(piece)} times, and should have it once: {piece!r}")
    start = text.index(piece)
    place = start, start + len(piece)
    return replace(question, nearest=place) if mark == "-" else replace(question, places=(*question.places, place))


def gold(documents: Sequence[Document]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the rows of `articles.jsonl` and of `questions.jsonl`, as `evals/gold/README.md` describes them."""
    articles, questions = [], []
    for document in documents:
        a = document.article
        articles.append({"id": a.id, "title": a.title, "date": a.date and a.date.isoformat(), "text": a.text})
        for number, one in enumerate(document.questions, start=1):
            spans = [
                {"article_id": a.id, "sentence": a.text[start:end], "start": start, "end": end}
                for start, end in one.places
            ]
            answers = [told for told in (one.answer, one.verdict) if told]
            row = {"id": f"{a.id}-{number}", "question": one.text, "answers": answers}
            questions.append({**row, "answerable": bool(spans), "type": kinds.kind(one.text), "evidence": spans})
    return articles, questions


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m evals.written_cases", description="Write what is held out as gold."
    )
    parser.add_argument("out", type=Path, metavar="DIR", help="folder to write articles.jsonl and questions.jsonl to")
    parser.add_argument("--written", type=Path, default=TAUGHT, metavar="DIR", help="documents (default: %(default)s)")
    args = parser.parse_args(argv)
    return exit_status(lambda: _write(args), out=None)


def _write(args: argparse.Namespace) -> int:
    args.out.mkdir(parents=True, exist_ok=True)
    kept = [one for one in read_documents(args.written) if one.held_out]
    for name, rows in zip(("articles", "questions"), gold(kept), strict=True):
        (args.out / f"{name}.jsonl").write_bytes(b"".join(encode(row) + b"\n" for row in rows))
        say(f"{args.out / name}.jsonl: {len(rows)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
