"""`python -m evals.run`: ask every question of a benchmark, then write its figures and a report.

Exit status: 0 done; 1 a failure (also if any question failed); 2 a wrong call or input file; 130 stopped.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from evals import data, report, summary
from evals.machine import machine, versions
from evals.metrics import Prediction, Score, score
from evals.rundir import RunFolder, encode, prediction_of
from index.errors import ArticleQAError, ConfigError, InputError, LLMError
from qa.types import Answer, EvidenceFound, Turn

if TYPE_CHECKING:
    from evals.types import Question
    from index.library import Library
    from index.types import Article
    from qa.config import Config


class Asks(Protocol):
    """What is measured: `qa.answer.Asker`, or a fake of it."""

    def ask(self, question: str, history: Sequence[Turn] = ()) -> Answer:
        """Answer one question. Raises LLMError where the model gives nothing usable."""

    def retrieve(self, question: str, history: Sequence[Turn] = ()) -> EvidenceFound:
        """Find the evidence only."""


_NOT_MEASURED = ("library", "llm_key")  # where the library lies changes no figure; a secret belongs in no file

Open = Callable[[], AbstractContextManager[Asks]]


@dataclasses.dataclass(frozen=True, slots=True)
class Benchmark:
    """What is asked of what."""

    articles: Sequence[Article]
    texts: Mapping[str, str]  # by article id, as the articles' file has them
    questions: Sequence[Question]  # those of this run, in file order


@dataclasses.dataclass(frozen=True, slots=True)
class Result:
    """The finished run."""

    figures: Mapping[str, Any]  # the content of metrics.json
    failures: Mapping[str, str]  # question id -> what went wrong
    cases: Sequence[report.Case]  # each measured question with its prediction and scores


def run(
    benchmark: Benchmark,
    out: Path,
    open_asker: Open,
    *,
    config: Mapping[str, Any],
    digests: Mapping[str, str],
    retrieval_only: bool = False,
    quiet: bool = False,
) -> Result:
    """Ask what is not answered in `out` yet, then write metrics.json and report.html there.

    `config` and `digests` say what makes this run comparable with another; `open_asker` is called only if there is
    something left to ask. A `quiet` run does not print a line for each question.

    Raises:
        InputError: `out` holds another run, or is in use.
    """
    identity = {"retrieval_only": retrieval_only, **digests, "config": config}
    with RunFolder(out, identity) as folder:
        todo = [one for one in benchmark.questions if one.id not in folder.done]
        seconds = {"setup": 0.0, "asking": 0.0}
        failures: dict[str, str] = {}
        if todo:
            if len(todo) < len(benchmark.questions):
                say(f"{out}: {len(benchmark.questions) - len(todo)} questions are done, {len(todo)} are left")
            begun = time.perf_counter()
            with open_asker() as asker:
                seconds["setup"] = time.perf_counter() - begun
                failures = _ask_all(todo, asker, folder, benchmark.texts, retrieval_only=retrieval_only, quiet=quiet)
            seconds["asking"] = time.perf_counter() - begun - seconds["setup"]
        return conclude(folder, benchmark, identity, failures=failures, asked_now=len(todo), seconds=seconds)


def conclude(
    folder: RunFolder,
    benchmark: Benchmark,
    identity: Mapping[str, Any],
    *,
    failures: Mapping[str, str],
    asked_now: int,
    seconds: Mapping[str, float],
) -> Result:
    """Measure what has been answered so far and write metrics.json and report.html."""
    done = [(one, folder.done[one.id]) for one in benchmark.questions if one.id in folder.done]
    scores = [score(question, prediction, benchmark.texts) for question, prediction in done]
    failed = {**failures, **{q.id: p["detail"] or p["reason"] for q, p in done if p["reason"] == "llm_unavailable"}}
    figures = {
        **_figures(scores),
        "questions": {"selected": len(benchmark.questions), "measured": len(done), "asked_now": asked_now},
        "failed": len(failed),
        "failures": failed,
        "models": _models(prediction for _, prediction in done),
        "config": identity,
        "versions": versions(),
        "machine": machine(),
        "seconds": {name: round(taken, 1) for name, taken in seconds.items()},
    }
    folder.write("metrics.json", encode(figures, indent=2) + b"\n")
    cases = [report.Case(*pair, one) for pair, one in zip(done, scores, strict=True)]
    folder.write("report.html", report.render(figures, cases, benchmark.texts, title=folder.folder.name))
    return Result(figures, failed, cases)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    args = _parser().parse_args(argv)
    return exit_status(lambda: _main(args), out=args.out)


def exit_status(work: Callable[[], int], *, out: Path | None) -> int:
    """Do the `work` of a command that writes to `out`; an error is told and becomes the exit status. None: nothing is kept."""
    try:
        return work()
    except (InputError, ConfigError) as exc:
        say(f"error: {exc}")
        return 2
    except ArticleQAError as exc:
        say(f"error: {exc}")
        return 1
    except KeyboardInterrupt:
        say("stopped" if out is None else f"stopped; the same command goes on from {out}")
        return 130


def _main(args: argparse.Namespace) -> int:
    from qa.config import Config

    articles, problems = data.read_articles(args.articles)
    for problem in problems:
        say(f"{problem.file}: {problem.reason}")
    texts = data.read_texts(args.articles, articles)
    questions = data.select(data.read_questions(args.questions), limit=args.limit, seed=args.seed)
    for missing in data.check_gold(questions, texts):
        say(missing)
    library = args.library or args.out / "library"
    config = Config.load(library=library, llm="none" if args.retrieval_only else args.llm)
    result = run(
        Benchmark(articles, texts, questions),
        args.out,
        lambda: opened(config, articles),
        config=measured(config),
        digests={"articles": data.digest_articles(articles), "questions": data.digest_file(args.questions)},
        retrieval_only=args.retrieval_only,
    )
    print(table(result.figures["metrics"]))
    print(f"\n{args.out / 'report.html'}")
    for question_id, why in result.failures.items():
        say(f"failed: {question_id}: {why}")
    return 1 if result.failures else 0


def table(metrics: Mapping[str, Mapping[str, Any]]) -> str:
    """The figures as aligned lines: name, value, 95% interval, n and how many were undefined."""
    lines = [f"{'measure':<24}{'value':>10}  {'95% interval':<20}{'n':>5}"]
    for name, figure in metrics.items():
        low_high = "" if figure["ci95"] is None else " to ".join(map(report.number, figure["ci95"]))
        undefined = f"  ({figure['undefined']} undefined)" if figure["undefined"] else ""
        lines.append(f"{name:<24}{report.number(figure['value']):>10}  {low_high:<20}{figure['n']:>5}{undefined}")
    return "\n".join(lines)


def _ask_all(
    todo: Sequence[Question],
    asker: Asks,
    folder: RunFolder,
    texts: Mapping[str, str],
    *,
    retrieval_only: bool,
    quiet: bool,
) -> dict[str, str]:
    """Ask each question and keep each answer at once; returns what failed, by question id."""
    failures = {}
    for number, question in enumerate(todo, 1):
        begun = time.perf_counter()
        try:
            prediction = _predict(question, asker, retrieval_only=retrieval_only)
        except Exception as exc:  # noqa: BLE001  # one question must not end a night's run
            failures[question.id] = why_failed(exc)
            outcome = f"failed: {failures[question.id]}"
        else:
            folder.append(prediction)
            outcome = _outcome(prediction, score(question, prediction, texts))
        if not quiet:
            say(f"[{number}/{len(todo)}] {question.id}  {outcome}  {time.perf_counter() - begun:.1f} s")
    return failures


def why_failed(error: Exception) -> str:
    """Return what went wrong with one question, which is counted, not scored, and asked again by the next call.

    Raises the error if all questions would meet it. One that nobody foresaw is printed with where it arose.
    """
    if isinstance(error, LLMError | InputError):
        return str(error)
    if isinstance(error, ArticleQAError):
        raise error
    traceback.print_exception(error)
    return repr(error)


def _predict(question: Question, asker: Asks, *, retrieval_only: bool) -> Prediction:
    if not retrieval_only:
        return prediction_of(question.id, asker.ask(question.text, question.history))
    found = asker.retrieve(question.text, question.history)
    answer = Answer(
        question.text,
        evidence=found.evidence,
        retrieved=found.retrieved,
        standalone=found.standalone if found.standalone != question.text else None,
        timings_ms={"evidence": found.elapsed_ms, **found.timings_ms},
    )
    nothing = dict.fromkeys(("status", "reason", "answer", "claims"))
    return {**prediction_of(question.id, answer), **nothing}


def _outcome(prediction: Prediction, scored: Score) -> str:
    status, reason = prediction["status"], prediction["reason"]
    if status is None:
        ranks = [rank for rank in scored.ranks if rank is not None]
        found = f"gold in passage {min(ranks)}" if ranks else "gold not found" if scored.ranks else "no gold evidence"
        return ", ".join([found, *summary.faults(scored)])
    if reason == "llm_unavailable":
        return f"failed: {prediction['detail'] or reason}"
    return f"{status}{f' ({reason})' if reason else ''}: {', '.join(summary.faults(scored)) or 'right'}"


def _figures(scores: Sequence[Score]) -> dict[str, Any]:
    plain = {name: summary.as_json(figure) for name, figure in summary.summarise(scores).items()}
    slices = {
        kind: {name: summary.as_json(figure) for name, figure in figures.items()}
        for kind, figures in summary.slices(scores).items()
    }
    asked = any(one.answered is not None for one in scores)
    return {"metrics": plain, "slices": slices, "confusion": summary.confusion(scores) if asked else None}


def _models(predictions: Iterable[Prediction]) -> dict[str, str]:
    """The models that the answers name, by use; several of one use are joined by commas."""
    found: dict[str, dict[str, None]] = {}
    for prediction in predictions:
        for use, name in prediction["models"].items():
            found.setdefault(use, {})[name] = None
    return {use: ", ".join(names) for use, names in found.items()}


def measured(config: Config) -> dict[str, Any]:
    """The settings that change figures, as a run remembers them, and which adapter the model has."""
    from qa.llm import ADAPTER

    adapter = {"adapter": data.digest_file(ADAPTER)} if config.taught else {}
    return {name: value for name, value in config.shown().items() if name not in _NOT_MEASURED} | adapter


def opened(config: Config, articles: Sequence[Article]) -> AbstractContextManager[Asks]:
    """Bring the library up to the articles, then open what answers from it."""
    from qa.answer import Asker

    fill(config, articles)
    return Asker.open(config)


def fill(config: Config, articles: Sequence[Article]) -> None:
    """Bring the configured library up to the articles. Raises InputError if it holds others."""
    from tqdm import tqdm

    from index.library import Library

    with Library(config.library, embedder=config.embedder) as library:
        _check_strangers(library, articles)  # before anything is added to what may be someone's own library
        library.add(articles)
        _check_strangers(library, articles)  # an article may be given another id there
        with tqdm(desc="vectors", unit=" passages", file=sys.stderr, delay=1) as bar:

            def progress(done: int, total: int) -> None:
                bar.total = total
                bar.update(done - bar.n)

            library.embed_pending(progress)


def _check_strangers(library: Library, articles: Sequence[Article]) -> None:
    """Raise InputError if the library holds articles that the benchmark does not have."""
    strangers = {one.id for one in library.articles()} - {one.id for one in articles}
    if strangers:
        raise InputError(
            f"{library.folder}: it holds {len(strangers)} articles that are not in this benchmark (such as "
            f"{min(strangers)!r}), which would change the figures; choose another --library"
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m evals.run", description="Ask every question of a benchmark and measure the answers."
    )
    add = parser.add_argument
    add(
        "--articles", type=Path, required=True, metavar="A.jsonl", help="articles: JSONL, also .gz, or a file or folder"
    )
    add("--questions", type=Path, required=True, metavar="Q.jsonl", help="questions: JSONL, also .gz")
    add(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder of the run; used again, the run goes on from there",
    )
    add("--limit", type=positive, metavar="N", help="only the first N questions; with --seed, N drawn at random")
    add("--seed", type=int, metavar="S", help="draws the questions of --limit")
    add("--llm", metavar="NAME", help='the language model, "none" for evidence only (default: as configured)')
    add("--retrieval-only", action="store_true", help="measure the search alone: nothing is answered")
    add("--library", type=Path, metavar="DIR", help="folder of the library, kept and used again (default: OUT/library)")
    return parser


def positive(text: str) -> int:
    """A whole number of 1 or more, as an option has it."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return value


def say(line: str) -> None:
    """Tell how it goes, on the error output."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
