"""`python -m evals.judge`: a language model marks answers, and its agreement with people stands beside every mark.

It first marks answers that people have rated (`mtrag-human-ratings`), and says how far the two agree. Only then, with `--run`,
does it mark the answers of a run. A judge that agrees with people no better than chance is of no use, however sure it sounds.

Exit status: 0 done; 1 a failure; 2 a wrong call or file; 130 stopped.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evals import data, stats
from evals.arms import instructions
from evals.run import exit_status, positive, say
from evals.rundir import RunFolder, encode
from index.errors import ConfigError, InputError, LLMError
from index.sentences import split
from index.types import Article
from index.words import content_words
from qa.types import Prompt

if TYPE_CHECKING:
    from evals.metrics import Prediction
    from qa.llm import LLM

ASPECTS = {
    "faithfulness": "faithfulness",
    "gold": "completeness",
}  # what is marked -> what people rated that is nearest to it
LEAST = 20  # rated answers below which nothing can be said about the agreement
GOOD = 3.5  # of 4: people hold an answer good from here on
_TEXT_CHARS = 1_600  # of the texts that are shown to the judge: some 400 tokens, 10 s on two cores
_MARK = re.compile(r"\W*(?:(?:mark|score|rating)\W+)?([1-4])(?:\s*/\s*4)?\W*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Item:
    """One answer to be marked."""

    id: str
    question: str
    answer: str
    texts: Sequence[str]  # what it rests on; for "gold": the reference answers


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far the judge's marks agree with people, over the answers that it could mark."""

    n: int
    failed: int  # answers that it gave no mark for
    spearman: float | None  # with the mean of the people's ratings
    spearman_ci95: tuple[float, float] | None
    auroc: float | None  # of the mark, for telling answers that people hold good from the others
    kappa: float | None  # of "3 or more", with "people hold it good"
    people: float | None  # Spearman of one rater with the mean of the others, on the same answers

    def lines(self) -> list[str]:
        """The figures, for a person."""
        low_high = " ({:.2f} to {:.2f})".format(*self.spearman_ci95) if self.spearman_ci95 else ""
        return [
            f"agreement with people on {self.n} rated answers ({self.failed} not marked):",
            f"  Spearman {_told(self.spearman)}{low_high}; one person with the others {_told(self.people)}",
            f"  AUROC {_told(self.auroc)}, Cohen's kappa {_told(self.kappa)}",
        ]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    args = _parser().parse_args(argv)
    return exit_status(lambda: _main(args), out=args.out)


def mark_of(said: str) -> int | None:
    """The mark if the judge wrote one and nothing else; None for anything else, which is a failure and no mark."""
    found = _MARK.fullmatch(said.strip())
    return int(found[1]) if found else None


def prompt_of(item: Item, aspect: str) -> Prompt:
    """What the judge is sent."""
    heading = "Texts" if aspect == "faithfulness" else "Reference answer"
    texts = "\n".join(nearest(item.texts, f"{item.question} {item.answer}", _TEXT_CHARS))
    user = f"{heading}:\n{texts}\n\nQuestion: {item.question}\nAnswer: {item.answer}\n\nNumber:"
    return Prompt(instructions(f"judge-{aspect}"), user, {})


def nearest(texts: Sequence[str], to: str, chars: int) -> list[str]:
    """The sentences that share most words with `to`, within `chars`, in the order of the texts; all of them if they fit."""
    wanted = set(content_words(to))
    sentences = [one.text for at, text in enumerate(texts) for one in split(Article(str(at), "text", text))]
    ranked = sorted(range(len(sentences)), key=lambda at: -len(wanted & set(content_words(sentences[at]))))
    chosen, left = [], chars
    for at in ranked:
        if len(sentences[at]) <= left:
            chosen.append(at)
            left -= len(sentences[at])
    return [sentences[at] for at in sorted(chosen)]


def rated(path: Path, aspect: str) -> dict[str, tuple[Item, tuple[float, ...]]]:
    """The rated answers of a judgments file by id, each with its raters' marks.

    Raises:
        InputError: the file is not one of these.
    """
    found = {}
    for number, row in data.rows(path):
        try:
            ratings = tuple(float(one) for one in row["ratings"][ASPECTS[aspect]])
            texts = row["contexts"] if aspect == "faithfulness" else [row["reference"]]
            item = Item(str(row["id"]), str(row["question"]), str(row["response"]), [str(one) for one in texts])
        except (KeyError, TypeError, ValueError) as exc:
            raise InputError(f"{path} line {number}: no rated answer ({exc!r})") from exc
        if ratings and item.answer.strip():
            found[item.id] = (item, ratings)
    return found


def sample(found: Mapping[str, tuple[Item, tuple[float, ...]]], n: int, seed: int) -> list[str]:
    """`n` ids, half of them of answers that people did not hold good, as far as there are: most answers are good."""
    drawn = list(found)
    random.Random(seed).shuffle(drawn)
    poor = [one for one in drawn if _mean(found[one][1]) < GOOD]
    good = [one for one in drawn if _mean(found[one][1]) >= GOOD]
    few = min(len(poor), n // 2)
    chosen = {*poor[:few], *good[: n - few]}
    return [one for one in found if one in chosen]


def agreement(marks: Mapping[str, int | None], ratings: Mapping[str, Sequence[float]]) -> Agreement:
    """Compare marks with people's ratings of the same answers."""
    told = [(float(mark), ratings[name]) for name, mark in marks.items() if mark is not None]
    mine, people = [mark for mark, _ in told], [_mean(of) for _, of in told]
    good = [one >= GOOD for one in people]
    several = [of for _, of in told if len(of) > 1]
    return Agreement(
        n=len(told),
        failed=len(marks) - len(told),
        spearman=stats.spearman(mine, people),
        spearman_ci95=_interval(mine, people),
        auroc=stats.auroc(mine, good),
        kappa=stats.kappa([mark >= 3 for mark in mine], good),
        people=stats.spearman([of[0] for of in several], [_mean(of[1:]) for of in several]),
    )


def mark_all(
    items: Sequence[Item], llm: LLM, folder: RunFolder, aspect: str, say: Callable[[str], None]
) -> dict[str, int | None]:
    """Mark what is not marked in `folder` yet; returns every item's mark, None where the judge wrote none."""
    for number, item in enumerate(items, 1):
        if item.id in folder.done:
            continue
        said = "".join(chunk.text for chunk in llm.stream(prompt_of(item, aspect), max_tokens=8))
        folder.append({"id": item.id, "reason": None, "mark": mark_of(said), "wrote": said})
        say(f"[{number}/{len(items)}] {item.id}  {said.strip()}")
    return {item.id: folder.done[item.id]["mark"] for item in items}


def items_of(predictions: Sequence[Prediction], aspect: str, gold: Mapping[str, Sequence[str]]) -> list[Item]:
    """The answers of a run that can be marked: those that are answered, and for "gold" have a gold answer."""
    items = []
    for one in predictions:
        texts = [row["text"] for row in one["evidence"]] if aspect == "faithfulness" else gold.get(one["id"], ())
        if one["status"] == "answered" and texts:
            items.append(Item(one["id"], one["standalone"] or one["question"], one["answer"], texts))
    return items


def _main(args: argparse.Namespace) -> int:
    from qa.config import Config
    from qa.llm import open_llm

    config = Config.load(llm=args.llm, llm_adapter=False)
    if args.n < LEAST:
        raise InputError(f"--n is {args.n}: below {LEAST} rated answers nothing can be said about the agreement")
    if args.run and args.aspect == "gold" and not args.questions:
        raise InputError("--aspect gold wants --questions: the file with the gold answers of the run")
    found = rated(args.ratings, args.aspect)
    chosen = sample(found, args.n, args.seed)
    if len(chosen) < LEAST:
        raise InputError(f"{args.ratings}: it has {len(chosen)} rated answers: at least {LEAST} are needed")
    llm = open_llm(config)
    if llm is None:
        raise ConfigError("a judge is a language model, and llm is 'none'; choose one with --llm")
    digest = hashlib.sha256(instructions(f"judge-{args.aspect}").encode()).hexdigest()
    identity = {"judge": llm.name, "aspect": args.aspect, "prompt": digest, "text_chars": _TEXT_CHARS}
    try:
        with RunFolder(args.out / "rated", {**identity, "ratings": data.digest_file(args.ratings)}) as folder:
            marks = mark_all([found[one][0] for one in chosen], llm, folder, args.aspect, say)
        agreed = agreement(marks, {one: found[one][1] for one in chosen})
        if agreed.n < LEAST:
            raise LLMError(
                f"{llm.name} marked {agreed.n} of {len(chosen)} answers: too few to believe any of its marks"
            )
        report: dict[str, Any] = {**identity, "agreement": _as_json(agreed)}
        if args.run:
            report |= _judged(args, llm, identity)
    finally:
        llm.close()
    (args.out / "judge.json").write_bytes(encode(report, indent=2) + b"\n")
    for line in [f"{llm.name}, {args.aspect}", *agreed.lines(), *_mark_lines(report)]:
        print(line)
    return 0


def _judged(args: argparse.Namespace, llm: LLM, identity: Mapping[str, Any]) -> dict[str, Any]:
    questions = data.read_questions(args.questions) if args.questions else []
    gold = {one.id: one.answers for one in questions if one.answerable}
    path = args.run / "predictions.jsonl"
    predictions = [row for _, row in data.rows(path, torn=True)]
    items = items_of(predictions, args.aspect, gold)[: args.limit]
    of = {**identity, "run": data.digest_file(path)}
    if args.aspect == "gold":
        of["questions"] = data.digest_file(args.questions)
    with RunFolder(args.out / "marked", of) as folder:
        marks = mark_all(items, llm, folder, args.aspect, say)
    told = [mark for mark in marks.values() if mark is not None]
    share = stats.rate([mark >= 3 for mark in told])
    return {
        "marks": marks,
        "three_or_more": {"value": share.value, "n": share.n, "ci95": share.ci95},
        "not_marked": len(marks) - len(told),
    }


def _mark_lines(report: Mapping[str, Any]) -> Iterator[str]:
    if "marks" in report:
        share = report["three_or_more"]
        low_high = " ({:.2f} to {:.2f})".format(*share["ci95"]) if share["ci95"] else ""
        yield f"marked 3 or more: {_told(share['value'])}{low_high} of {share['n']} answers ({report['not_marked']} not marked)"
        for name, mark in report["marks"].items():
            yield f"  {mark or '-'}  {name}"


def _as_json(agreed: Agreement) -> dict[str, Any]:
    return {name: getattr(agreed, name) for name in Agreement.__slots__}


def _interval(left: Sequence[float], right: Sequence[float]) -> tuple[float, float] | None:
    """Of Spearman's correlation, by drawing pairs anew; draws in which it is not defined are left out."""
    if stats.spearman(left, right) is None:
        return None
    draw = random.Random(0)
    found = []
    for _ in range(1_000):
        at = [draw.randrange(len(left)) for _ in left]
        value = stats.spearman([left[i] for i in at], [right[i] for i in at])
        if value is not None:
            found.append(value)
    found.sort()
    return (found[len(found) * 25 // 1000], found[len(found) * 975 // 1000]) if found else None


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _told(value: float | None) -> str:
    return "not defined" if value is None else f"{value:.2f}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m evals.judge",
        description="Let a language model mark answers, after measuring it against people.",
    )
    add = parser.add_argument
    add("--ratings", type=Path, required=True, metavar="FILE", help="mtrag-human-ratings/judgments.jsonl")
    add(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="where its marks are kept; used again, it goes on from there",
    )
    add("--aspect", choices=list(ASPECTS), default="faithfulness", help="what is marked (faithfulness)")
    add("--n", type=positive, default=25, metavar="N", help=f"rated answers to mark first, {LEAST} or more (25)")
    add("--seed", type=int, default=0, metavar="S", help="draws them (0)")
    add("--llm", metavar="NAME", help="the judge (default: the language model as configured)")
    add("--run", type=Path, metavar="RUN", help="then mark the answers of this run folder, such as RUNS/squad2/answers")
    add("--questions", type=Path, metavar="Q.jsonl", help="the run's questions, for --aspect gold")
    add("--limit", type=positive, metavar="N", help="at most the first N answers of the run")
    return parser


if __name__ == "__main__":
    sys.exit(main())
