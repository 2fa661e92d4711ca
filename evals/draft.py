"""`python -m evals.draft`: gold questions from one's own articles, written by the model, looked through by a person.

    python -m evals.draft --articles FILES --out drafts.jsonl [--n N]     the model drafts questions
    python -m evals.draft --review drafts.jsonl                           a person accepts, mends or refuses each
    python -m evals.draft --accept drafts.jsonl --articles FILES --out questions.jsonl

The last writes what was accepted in the form of evals/gold/README.md. Instead of reviewing in the terminal, `"accepted": true`
can be set in the file with an editor. What readers of the page judged (`gold-candidates.jsonl` in the library's folder) goes
the same way: `--review LIBRARY/gold-candidates.jsonl --out mine.jsonl`, for the page writes that file anew.

Exit status: 0 done; 1 a failure; 2 a wrong call or file; 130 stopped.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evals import data
from evals.arms import instructions
from evals.metrics import normalise
from evals.run import exit_status, positive, say
from evals.rundir import encode
from index.errors import ConfigError, InputError
from index.sentences import split
from index.words import content_words
from qa.prompt import defused
from qa.types import Prompt

if TYPE_CHECKING:
    from index.types import Article, Sentence
    from qa.llm import LLM

Row = dict[str, Any]

CANDIDATES = "gold-candidates.jsonl"  # what the page calls its file
_PLACE = ("start", "sentence")  # either tells which sentence of an article is meant
ANSWER_WORDS = 12  # a longer answer cannot be compared word for word
_SENTENCE_CHARS = range(50, 301)  # of a sentence that a question can be asked about
_TELLING = re.compile(r"\d|(?<=[a-z,;:’'\")] )[A-Z][a-z]+")  # a number, or a name inside the sentence
_QUESTION = re.compile(r"^\W*Q(?:uestion)?\s*:\s*(.+?)\s*$", re.IGNORECASE | re.MULTILINE)
_ANSWER = re.compile(r"^\W*A(?:nswer)?\s*:\s*(.+?)\s*$", re.IGNORECASE | re.MULTILINE)
_GOLD = ("id", "question", "answers", "answerable", "type", "evidence", "history", "answer_match")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = _parser()
    args = parser.parse_args(argv)
    if not args.review and not args.out:
        parser.error("--out is wanted: the file to write")
    if not args.review and not (args.articles or args.library):
        parser.error("--articles or --library is wanted: where the articles are")
    work = _review if args.review else _accept if args.accept else _draft
    return exit_status(lambda: work(args), out=args.out or args.review[0])


# Drafting


def pick(articles: Sequence[Article], n: int, seed: int) -> list[tuple[Article, Sentence]]:
    """Up to `n` sentences that tell something, one of each article in turn, drawn with `seed`."""
    draw = random.Random(seed)
    told = []
    for article in articles:
        sentences = [one for one in split(article) if len(one.text) in _SENTENCE_CHARS and _TELLING.search(one.text)]
        draw.shuffle(sentences)
        told.append((article, sentences))
    draw.shuffle(told)
    longest = max((len(sentences) for _, sentences in told), default=0)
    return [(article, sentences[at]) for at in range(longest) for article, sentences in told if at < len(sentences)][:n]


def drafted(said: str, article: Article, sentence: Sentence) -> Row | str:
    """The draft that the model wrote about a sentence, or why it cannot be used."""
    question, answer = _QUESTION.search(said), _ANSWER.search(said)
    if question is None or answer is None:
        return "no question and answer in what the model wrote"
    asked, given = question[1], answer[1].strip(" .\"“”'")
    # Whole words, and whole numbers: "5 million" is no part of "2.5 million".
    whole = rf"(?<!\w)(?<!\d[.,]){re.escape(given)}(?!\w)(?![.,]\d)"
    place = re.search(whole, sentence.text, re.IGNORECASE) if given else None
    if place is None:
        return "the answer does not stand in the sentence"
    if why := _unusable(asked, given, f"{article.title} {sentence.text}"):
        return why
    return {
        "id": f"draft-{hashlib.sha256(f'{article.id} {sentence.start} {asked}'.encode()).hexdigest()[:10]}",
        "question": asked,
        "answers": [place[0]],
        "answerable": True,
        "type": "draft",
        "evidence": [
            {"article_id": article.id, "sentence": sentence.text, "start": sentence.start, "end": sentence.end}
        ],
        "status": "draft",
        "accepted": None,
    }


def _unusable(asked: str, given: str, about: str) -> str | None:
    """Why this question with this answer would measure nothing; None if it may."""
    if len(normalise(given).split()) > ANSWER_WORDS:
        return "the answer is too long"
    if not asked.endswith("?") or len(asked.split()) < 3:
        return "it is no question"
    if f" {normalise(given)} " in f" {normalise(asked)} ":
        return "the question tells the answer"
    if set(content_words(asked)) <= set(content_words(given)):
        return "the answer says the question again"
    if not set(content_words(asked)) & set(content_words(about)):
        return "the question is about something else"
    return None


def prompt_of(article: Article, sentence: Sentence) -> Prompt:
    """What the model is sent to draft a question."""
    day = f" ({article.date:%A}, {article.date.day} {article.date:%B %Y})" if article.date else ""
    user = f"Article: {defused(article.title)}{day}\nSentence: {defused(sentence.text)}"
    return Prompt(instructions("draft"), user, {})


def _draft(args: argparse.Namespace) -> int:
    from qa.config import Config
    from qa.llm import open_llm

    articles = _articles(args)
    kept = _rows(args.out) if args.out.exists() else []
    # By its start or, where a person wrote the evidence without one, by its words.
    asked_of = {(e.get("article_id"), e.get(part)) for row in kept for e in row["evidence"] for part in _PLACE}
    llm = open_llm(Config.load(llm=args.llm, llm_adapter=False))
    if llm is None:
        raise ConfigError("drafting wants a language model, and llm is 'none'; choose one with --llm")
    refused: Counter[str] = Counter()
    new = 0
    try:
        for article, sentence in pick(articles, sum(len(one.text) for one in articles), args.seed):
            if new == args.n:
                break
            if {(article.id, sentence.start), (article.id, sentence.text)} & asked_of:
                continue
            found = drafted(_written(llm, article, sentence), article, sentence)
            if isinstance(found, str):
                refused[found] += 1
                if refused.total() >= 5 * args.n:
                    say("too many drafts cannot be used: the model is too small for this, or the articles too short")
                    break
                continue
            kept.append(found)
            _write(args.out, kept)  # each at once: a stopped call loses nothing
            new += 1
            say(f"[{new}/{args.n}] {found['question']}  ({found['answers'][0]})")
    finally:
        llm.close()
    for why, times in refused.most_common():
        say(f"left out: {times} × {why}")
    print(f"{new} drafts in {args.out}: look through them with --review {args.out}")
    return 0


def _written(llm: LLM, article: Article, sentence: Sentence) -> str:
    return "".join(chunk.text for chunk in llm.stream(prompt_of(article, sentence), max_tokens=80))


# Looking through


def review(rows: list[Row], save: Callable[[], None], ask: Callable[[str], str], tell: Callable[[str], None]) -> None:
    """Go through the rows that nobody has decided on. `save` is called after each decision; "e" or an end of input ends it."""
    todo = [row for row in rows if not isinstance(row.get("accepted"), bool)]
    for number, row in enumerate(todo, 1):
        while not isinstance(row.get("accepted"), bool):
            tell(f"\n[{number}/{len(todo)}] {_shown(row)}")
            try:
                key, _, said = ask(
                    "y accept, n refuse, q NEW QUESTION, a ANSWER; ANSWER, u unanswerable, s skip, e end: "
                ).partition(" ")
            except EOFError:
                return
            if key == "e":
                return
            if key == "s":
                break
            if problem := _decide(row, key, said.strip()):
                tell(problem)
            else:
                save()


def _decide(row: Row, key: str, said: str) -> str | None:
    """Do what a person typed; returns what is wrong with it, if anything is."""
    match key:
        case "y" if row["answerable"] and not row["answers"]:
            return "it has no answer yet: a, a space, and the short answers, parted by semicolons"
        case "y" | "n":
            row["accepted"] = key == "y"
        case "q" if said:
            row["question"] = said
        case "a" if said:
            row["answers"] = [one.strip() for one in said.split(";") if one.strip()]
            row["answerable"] = True
        case "u":
            row.update(answerable=False, answers=[], evidence=[])
        case _:
            return "one of y, n, q, a, u, s, e; after q and a a space and the text"
    return None


def _shown(row: Row) -> str:
    lines = [*(f"  before: {turn['role']}: {turn['text']}" for turn in row.get("history", ())), str(row["question"])]
    lines.append(f"  answers: {'; '.join(row['answers']) or '(none)'}" if row["answerable"] else "  to be withheld")
    lines += [f"  because: {one.get('sentence', one['article_id'])}" for one in row["evidence"]]
    if row.get("shown"):
        lines.append(f"  the page said: {row['shown']}")
    if row.get("comment"):
        lines.append(f"  the reader said: {row['comment']}")
    return "\n".join(lines)


def _review(args: argparse.Namespace) -> int:
    out = args.out or args.review[0]
    if not args.out and (len(args.review) > 1 or out.name == CANDIDATES):
        raise InputError(f"{out}: the page writes it anew, or there are several; name a file of your own with --out")
    rows = _rows(out) if out.exists() else []
    known = {row["id"] for row in rows}
    for path in args.review:
        rows += [row for row in _rows(path) if row["id"] not in known]
        known |= {row["id"] for row in rows}
    review(rows, lambda: _write(out, rows), input, print)
    _write(out, rows)
    decided = Counter(row.get("accepted") for row in rows)
    print(f"{out}: {decided[True]} accepted, {decided[False]} refused, {decided[None]} left")
    return 0


# Accepting


def accepted(rows: Sequence[Row], texts: Mapping[str, str]) -> Iterator[Row]:
    """The accepted rows as gold questions. Evidence without offsets gets them, where its sentence occurs once.

    Raises:
        InputError: a row has no answer although it should, or its evidence is not in the articles.
    """
    for row in rows:
        if row.get("accepted") is not True:
            continue
        if row["answerable"] and not row["answers"]:
            raise InputError(f"question {row['id']}: it is accepted and answerable, but its `answers` are empty")
        yield {name: row[name] for name in _GOLD if row.get(name) not in (None, [])} | {
            "answers": row["answers"],
            "answerable": row["answerable"],
            "evidence": [_placed(row["id"], one, texts) for one in row["evidence"]],
        }


def _placed(name: str, evidence: Mapping[str, Any], texts: Mapping[str, str]) -> Row:
    text = texts.get(evidence["article_id"])
    if text is None:
        raise InputError(f"question {name}: article {evidence['article_id']!r} is not among the articles")
    start, sentence = evidence.get("start"), evidence.get("sentence", "")
    if start is None:
        if not sentence or text.count(sentence) != 1:
            raise InputError(f"question {name}: {sentence[:60]!r} is not there once in {evidence['article_id']!r}")
        start = text.index(sentence)
    end = start + len(sentence)
    if text[start:end] != sentence:
        raise InputError(f"question {name}: {sentence[:60]!r} is not at {start}:{end} of {evidence['article_id']!r}")
    return {"article_id": evidence["article_id"], "sentence": sentence, "start": start, "end": end}


def _accept(args: argparse.Namespace) -> int:
    texts = {one.id: one.text for one in _articles(args)}
    there = _rows(args.out) if args.out.exists() else []
    known = {row["id"] for row in there}
    rows = [row for path in args.accept for row in _rows(path) if row["id"] not in known]
    new = list({row["id"]: row for row in accepted(rows, texts)}.values())
    _write(args.out, [*there, *new])
    print(f"{args.out}: {len(new)} questions added, {len(there) + len(new)} in all")
    return 0


def _articles(args: argparse.Namespace) -> list[Article]:
    if args.library:
        from index.library import Library
        from qa.config import Config

        if not (args.library / "catalogue.sqlite3").is_file():  # opening it would make an empty one
            raise InputError(f"{args.library}: there is no library")
        with Library(args.library, embedder=Config.load().embedder) as library:
            found = library.articles()
        if not found:
            raise InputError(f"{args.library}: there is no article in this library")
        return sorted(found, key=lambda one: one.id)
    articles = []
    for path in args.articles:
        some, problems = data.read_articles(path)
        for problem in problems:
            say(f"{problem.file}: {problem.reason}")
        articles += some
    return articles


def _rows(path: Path) -> list[Row]:
    """The rows of a file of drafts or candidates. Raises InputError for what is neither."""
    rows: list[Row] = []
    for number, row in data.rows(path):
        if not isinstance(row.get("id"), str) or not isinstance(row.get("question"), str):
            raise InputError(f"{path} line {number}: it has no `id` and `question`")
        defaults = {"answers": [], "answerable": bool(row.get("answers")), "evidence": []}
        rows.append({**defaults, **row})
    return rows


def _write(path: Path, rows: Sequence[Row]) -> None:
    """The whole file at once: it is the old one or the new one, never half of it."""
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(b"".join(encode(row) + b"\n" for row in rows))
        part.replace(path)
    except OSError as exc:
        raise InputError(f"{path}: cannot be written ({exc.strerror})") from exc


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m evals.draft", description="Gold questions from your own articles.")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--review", type=Path, nargs="+", metavar="FILE", help="look through drafts in the terminal")
    what.add_argument(
        "--accept", type=Path, nargs="+", metavar="FILE", help="write what was accepted as gold questions"
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--articles", type=Path, nargs="+", metavar="FILE", help="articles: anything that `add` reads")
    where.add_argument("--library", type=Path, metavar="DIR", help="the articles of a library")
    add = parser.add_argument
    add("--out", type=Path, metavar="FILE", help="the file to write; what is in it stays")
    add("--n", type=positive, default=20, metavar="N", help="drafts to write (20)")
    add("--seed", type=int, default=0, metavar="S", help="draws the sentences (0)")
    add("--llm", metavar="NAME", help="the language model that drafts (default: as configured)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
