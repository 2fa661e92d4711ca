"""Every benchmark of a folder in one table: `python -m evals.suite retrieval|answers --benchmarks DIR --out RUNS`.

`retrieval` measures the search. With `--ablation` each part of it is also measured alone and left out, and compared with the
default question by question. `answers` measures the answers, the baselines beside them, and compares with a saved run.

Each benchmark and arm is a run of its own under `--out`, with its report; a suite that was stopped goes on from there.

Exit status: 0 done; 1 a failure, also if the model failed on any question; 2 a wrong call or file; 130 stopped.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evals import data, report, stats
from evals.arms import BASELINES, PRODUCT, Workshop, check
from evals.folders import Folder, folders
from evals.machine import machine, versions
from evals.metrics import ndcg, recall_at, reciprocal_rank
from evals.run import Benchmark, exit_status, fill, measured, positive, run, say
from evals.rundir import encode
from evals.summary import as_json
from qa.config import Config

if TYPE_CHECKING:
    from evals.types import Figure
    from qa.rerank import Reranker

# What the retrieval is made of. Each arm is the default configuration with these settings.
DEFAULT = "default"
ARMS: dict[str, dict[str, Any]] = {
    DEFAULT: {},
    "bm25-alone": {"dense": False, "reranker": False},
    "dense-alone": {"bm25": False, "reranker": False},
    "fused-alone": {"reranker": False},
    "without-bm25": {"bm25": False},
    "without-dense": {"dense": False},
    "without-scopes": {"scopes": False},
    "without-clauses": {"clauses": False},
    "without-hops": {"hops": False},
}
MEASURES = ("recall@1", "recall@5", "recall@10", "mrr@10", "ndcg@10", "all@10", "evidence", "all_evidence")
COMPARED = ("recall@1", "recall@5", "mrr@10", "ndcg@10", "all@10", "evidence", "all_evidence")
STAGES = ("retrieve", "rerank", "evidence")


@dataclass(frozen=True, slots=True)
class Arm:
    """One configuration on one benchmark."""

    values: Mapping[
        str, Sequence[float | None]
    ]  # measure -> a value for each question with evidence, None if undefined
    p50_ms: Mapping[str, float | None]  # stage -> median
    others: Mapping[str, float]  # measures by the benchmark's own rule

    def figure(self, measure: str) -> Figure:
        """The mean of a measure with its 95% interval."""
        return stats.mean(self.values[measure])


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    args = _parser().parse_args(argv)
    work = {"retrieval": _retrieval, "answers": _answers}[args.what]
    return exit_status(lambda: work(args), out=args.out)


def arm_of(cases: Sequence[report.Case]) -> Arm:
    """What a finished run is worth, over its questions with evidence."""
    scores = [case.score for case in cases]
    values: dict[str, list[float | None]] = {
        f"recall@{k}": [recall_at(one.ranks, k) for one in scores] for k in (1, 5, 10)
    }
    values["mrr@10"] = [reciprocal_rank(one.ranks, 10) for one in scores]
    values["ndcg@10"] = [ndcg(one.ranks, 10) for one in scores]
    values["all@10"] = [float(all(rank is not None and rank <= 10 for rank in one.ranks)) for one in scores]
    values["evidence"] = [one.evidence_recall for one in scores]
    values["all_evidence"] = [one.evidence_all for one in scores]
    p50 = {stage: stats.quantile([one.timings_ms.get(stage) for one in scores], 0.5).value for stage in STAGES}
    return Arm(values, p50, multihop_rag(cases))


def multihop_rag(cases: Sequence[report.Case]) -> dict[str, float]:
    """Hits@4, Hits@10, MAP@10 and MRR@10 in the way of MultiHop-RAG's script (Tang and Yang, COLM 2024).

    A passage is right if it holds any fact, white space aside: one right passage makes a hit. Each fact counts once for the
    average precision, at the first passage that holds it. Empty without facts.
    """
    rows = []
    for case in cases:
        facts = ["".join(span.text.split()) for span in case.question.gold if span.text]
        if not facts:
            continue
        texts = ["".join(hit["text"].split()) for hit in case.prediction["retrieved"][:10]]
        right = [rank for rank, text in enumerate(texts, 1) if any(fact in text for fact in facts)]
        seen: set[str] = set()
        precision = 0.0
        for rank in right:
            new = {fact for fact in facts if fact in texts[rank - 1]} - seen
            seen |= new
            precision += len(new) / rank
        first = right[0] if right else 11
        rows.append(
            (float(first <= 4), float(first <= 10), precision / min(len(facts), 10), 1 / first if right else 0.0)
        )
    names = ("hits@4", "hits@10", "map@10", "mrr@10")
    return {name: sum(column) / len(rows) for name, column in zip(names, zip(*rows, strict=True), strict=False)}


def compared(default: Arm, other: Arm, measure: str) -> tuple[float, float] | None:
    """How much better the default is on the same questions, and p by a paired test; None where nothing is defined."""
    pairs = zip(default.values[measure], other.values[measure], strict=True)
    differences = [a - b for a, b in pairs if a is not None and b is not None]
    return (sum(differences) / len(differences), stats.paired_p(differences)) if differences else None


class _Remembering:
    """A cross-encoder that reads each pair once: the arms of an ablation share most of what they read."""

    def __init__(self) -> None:
        from qa.rerank import CrossEncoder

        self._inner: Reranker = CrossEncoder()
        self.name = self._inner.name
        self._known: dict[tuple[str, str], float] = {}

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """See `Reranker`."""
        new = [text for text in dict.fromkeys(texts) if (question, text) not in self._known]
        scored = self._inner.scores(question, new) if new else []
        self._known |= {(question, text): value for text, value in zip(new, scored, strict=True)}
        return [self._known[question, text] for text in texts]


def _retrieval(args: argparse.Namespace) -> int:
    names = list(ARMS) if args.ablation else [DEFAULT]
    base = Config.load(llm="none")
    found: dict[str, dict[str, Arm]] = {}
    for folder in folders(args.benchmarks, args.only):
        if arms := _benchmark(folder, names, base, args):
            found[folder.name] = arms
            print(_row(folder.name, arms[DEFAULT]), file=sys.stderr, flush=True)
    text = "\n".join(_tables(found))
    args.out.mkdir(parents=True, exist_ok=True)
    figures = {"benchmarks": _as_json(found), "config": measured(base), "machine": machine(), "versions": versions()}
    (args.out / "retrieval.json").write_bytes(encode(figures, indent=2) + b"\n")
    (args.out / "retrieval.md").write_text(text + "\n", encoding="utf-8")
    print(text)
    return 0


def _answers(args: argparse.Namespace) -> int:
    from evals.answers import Plan, measure, open_library
    from qa.llm import open_llm
    from qa.rerank import CrossEncoder

    config = Config.load(llm=args.llm)
    arms = (PRODUCT, *(name for name in BASELINES if name in args.baselines))
    check(arms, config)
    plan = Plan(
        args.out,
        arms,
        seed=args.seed,
        limit=args.limit,
        minutes=args.minutes,
        against=args.against,
        libraries=args.libraries,
    )
    workshop = Workshop(config, llm=open_llm, reranker=CrossEncoder, open_library=open_library(config))
    try:
        failed = measure(folders(args.benchmarks, args.only, own_documents=True), plan, workshop)
    finally:
        workshop.close()
    print((args.out / "answers.md").read_text(encoding="utf-8"))
    print(args.out / "answers.html")
    return 1 if failed else 0


def _benchmark(folder: Folder, names: Sequence[str], base: Config, args: argparse.Namespace) -> dict[str, Arm]:
    """Measure the arms on one benchmark; empty if none of its questions names its evidence."""
    assert folder.articles is not None  # noqa: S101 (for mypy: `folders` leaves out those without)
    articles, problems = data.read_articles(folder.articles)
    for problem in problems:
        say(f"{problem.file}: {problem.reason}")
    with_evidence = [one for one in data.read_questions(folder.questions) if one.answerable and one.gold]
    questions = data.select(with_evidence, limit=args.limit, seed=args.seed)
    if not questions:
        say(f"{folder.name}: no question names its evidence")
        return {}
    benchmark = Benchmark(articles, data.read_texts(folder.articles, articles), questions)
    digests = {"articles": data.digest_articles(articles), "questions": data.digest_file(folder.questions)}
    library = args.out / folder.name / "library"
    reranker = _Remembering()
    arms = {}
    for name in names:
        config = base.with_values(library=library, **ARMS[name])

        def asker(config: Config = config) -> Any:  # noqa: ANN401  # a context manager of what is asked
            from index.library import Library
            from qa.answer import Asker

            fill(config, articles)
            made = Library(config.library, embedder=config.embedder)
            return Asker(made, config, llm=None, reranker=(lambda: reranker) if config.reranker else None)

        say(f"{folder.name}: {name}")
        result = run(
            benchmark,
            args.out / folder.name / name,
            asker,
            config=measured(config),
            digests=digests,
            retrieval_only=True,
            quiet=True,
        )
        arms[name] = arm_of(result.cases)
    return arms


def _tables(found: Mapping[str, Mapping[str, Arm]]) -> list[str]:
    """The figures as Markdown: the default on every benchmark, then what each other arm loses against it."""
    head = ["benchmark", "n", *MEASURES, *(f"{stage} ms" for stage in STAGES)]
    lines = [" | ".join(head), " | ".join("---" for _ in head)]
    lines += [_row(name, arms[DEFAULT]) for name, arms in found.items()]
    for name, arms in found.items():
        own = arms[DEFAULT].others
        if own and name.startswith("multihop-rag"):
            figures = ", ".join(f"{measure} {value:.3f}" for measure, value in own.items())
            lines += ["", f"{name} by its own rule: {figures}"]
    for name, arms in found.items():
        if len(arms) == 1:
            continue
        head = [f"{name}: arm", *COMPARED]
        lines += ["", " | ".join(head), " | ".join("---" for _ in head)]
        lines += [_ablation_row(arm, arms[DEFAULT], values) for arm, values in arms.items()]
    return lines


def _row(name: str, arm: Arm) -> str:
    cells = [_interval(arm.figure(measure)) for measure in MEASURES]
    times = ["-" if (ms := arm.p50_ms[stage]) is None else f"{ms:.0f}" for stage in STAGES]
    return " | ".join([name, str(len(arm.values[MEASURES[0]])), *cells, *times])


def _ablation_row(name: str, default: Arm, arm: Arm) -> str:
    cells = []
    for measure in COMPARED:
        cell = _interval(arm.figure(measure))
        if arm is not default and (against := compared(default, arm, measure)):
            cell += f" p={against[1]:.3f}"
        cells.append(cell)
    return " | ".join([name, *cells])


def _interval(figure: Figure) -> str:
    if figure.value is None:
        return "-"
    return f"{figure.value:.3f}" + (f" ({figure.ci95[0]:.2f} to {figure.ci95[1]:.2f})" if figure.ci95 else "")


def _as_json(found: Mapping[str, Mapping[str, Arm]]) -> dict[str, Any]:
    return {
        name: {
            arm: {
                "metrics": {measure: as_json(values.figure(measure)) for measure in MEASURES},
                "p50_ms": values.p50_ms,
                "own_rule": values.others,
                "against_default": {
                    measure: dict(zip(("difference", "p"), against, strict=True))
                    for measure in COMPARED
                    if arm != DEFAULT and (against := compared(arms[DEFAULT], values, measure))
                },
            }
            for arm, values in arms.items()
        }
        for name, arms in found.items()
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m evals.suite", description="Measure every benchmark of a folder.")
    what = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    _retrieval_options(what.add_parser("retrieval", help="the search alone"))
    _answers_options(what.add_parser("answers", help="the answers, and baselines beside them"))
    return parser


def _common_options(parser: argparse.ArgumentParser, out: str) -> None:
    add = parser.add_argument
    add("--benchmarks", type=Path, required=True, metavar="DIR", help="folder of folders with articles and questions")
    add("--out", type=Path, default=Path(out), metavar="DIR", help=f"where the runs go ({out})")
    add("--only", nargs="+", default=[], metavar="NAME", help="these benchmarks only")
    add("--limit", type=positive, metavar="N", help="at most N questions of each; drawn at random with the seed")


def _retrieval_options(parser: argparse.ArgumentParser) -> None:
    _common_options(parser, "runs/retrieval")
    parser.add_argument("--seed", type=int, metavar="S", help="draws the questions of --limit (without: the first N)")
    parser.add_argument("--ablation", action="store_true", help="also measure each part alone and left out")


def _answers_options(parser: argparse.ArgumentParser) -> None:
    _common_options(parser, "runs/answers")
    add = parser.add_argument
    add("--seed", type=int, default=0, metavar="S", help="draws the questions and their order (0)")
    add(
        "--minutes",
        type=_minutes,
        metavar="M",
        help="end within M minutes; the same command then asks further questions",
    )
    add("--llm", metavar="NAME", help='the language model, "none" for evidence only (default: as configured)')
    add("--against", type=Path, metavar="RUNS", help="compare with a saved run, question by question")
    add(
        "--libraries",
        type=Path,
        metavar="RUNS",
        help="use and make the libraries of this --out, of `retrieval` or `answers`, not of one's own: it saves their making",
    )
    add(
        "--baselines",
        nargs="+",
        choices=BASELINES,
        default=[],
        metavar="NAME",
        help=f"also measure {', '.join(BASELINES)}; with --minutes the product has about half of the time",
    )


def _minutes(text: str) -> float:
    value = float(text)
    if not 0 < value < 1e6:  # also no "nan"
        raise argparse.ArgumentTypeError(f"{text} is no number of minutes")
    return value


if __name__ == "__main__":
    sys.exit(main())
