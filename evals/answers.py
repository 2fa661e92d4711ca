"""`python -m evals.suite answers`: questions of every benchmark in turn, by the product and the baselines, and one report.

OUT/NAME/ARM is a run folder like that of `evals.run`, so that a stopped suite goes on with the same command, and a later call
with more minutes asks further questions. OUT gets answers.json, answers.md and answers.html.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from evals import answers_page, data, summary
from evals.arms import COST, PRODUCT, Arm, Workshop, made_of
from evals.compare import Key
from evals.folders import Folder, Loaded, in_turn, load
from evals.metrics import Score, score
from evals.report import Case
from evals.run import Benchmark, conclude, fill, measured, say, why_failed
from evals.rundir import RunFolder, differing
from index.errors import InputError, LLMUnavailableError

if TYPE_CHECKING:
    from pathlib import Path

    from evals.types import Question
    from index.library import Library
    from qa.config import Config

MOST_FAILURES = 5  # one after the other: then the model is gone, and asking on would only burn the time

Turns = Sequence[tuple[Loaded, "Question"]]
Clock = Callable[[], float]


@dataclass(slots=True)
class _Run:
    """One arm on one benchmark."""

    folder: RunFolder
    identity: Mapping[str, Any]
    arm: Arm | None = None
    failures: dict[str, str] = field(default_factory=dict)
    asked_now: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done."""

    out: Path
    arms: Sequence[str]  # the product first
    seed: int
    limit: int | None = None  # questions of each benchmark
    minutes: float | None = None  # of this call; None: until all is asked
    against: Path | None = None
    libraries: Path | None = None  # where NAME/library is looked for and made; None: in `out`


def measure(found: Sequence[Folder], plan: Plan, workshop: Workshop, *, clock: Clock = time.monotonic) -> int:
    """Ask, measure and write the report. Returns the number of questions that the model failed on.

    Raises:
        InputError: a file is wrong, or a run folder holds something else.
        LLMError: the model is gone; what was answered is kept.
    """
    begun = clock()
    benchmarks = [load(one, plan.out / one.name) for one in found]
    for one in benchmarks:
        for problem in one.problems:
            say(f"{one.name}: {problem}")
    config = measured(workshop.config)
    earlier = _saved(plan.against, benchmarks, config) if plan.against else None
    turns = in_turn(benchmarks, seed=plan.seed, limit=plan.limit)
    with ExitStack() as stack:
        runs = {(one.name, arm): _opened(stack, one, arm, plan.out, config) for one in benchmarks for arm in plan.arms}
        end = None if plan.minutes is None else begun + plan.minutes * 60
        for at, arm in enumerate(plan.arms):
            until = None if end is None else clock() + (end - clock()) * _share(plan.arms[at:])
            _ask(arm, turns, runs, workshop, plan, clock=clock, until=until)
        chosen = {one.name: [question for of, question in turns if of is one] for one in benchmarks}
        cases: dict[str, dict[str, Sequence[Case]]] = {arm: {} for arm in plan.arms}
        models: dict[str, str] = {}
        failures: dict[str, dict[str, str]] = {}
        for one in benchmarks:
            for arm in plan.arms:
                run = runs[one.name, arm]
                result = conclude(
                    run.folder,
                    Benchmark(one.articles, one.texts, chosen[one.name]),
                    run.identity,
                    failures=run.failures,
                    asked_now=run.asked_now,
                    seconds={"asking": run.seconds},
                )
                cases[arm][one.name] = result.cases
                models |= result.figures["models"] if arm == PRODUCT else {}
                failures.setdefault(arm, {}).update(
                    {f"{one.name}: {name}": why for name, why in result.failures.items()}
                )
        answers_page.write(
            answers_page.Material(
                benchmarks={one.name: one.texts for one in benchmarks},
                selected={one.name: len(chosen[one.name]) for one in benchmarks},
                cases=cases,
                failures=failures,
                models=models,
                config={**config, "seed": plan.seed, "limit": plan.limit},
                earlier=earlier,
            ),
            plan.out,
        )
    return sum(map(len, failures.values()))


def open_library(config: Config) -> Callable[[Loaded, Path], Library]:
    """Return what brings a benchmark's library up to its articles and opens it."""

    def opened(benchmark: Loaded, folder: Path) -> Library:
        from index.library import Library

        fill(config.with_values(library=folder), benchmark.articles)
        return Library(folder, embedder=config.embedder)

    return opened


def _share(arms: Sequence[str]) -> float:
    """The first one's part of the time that is left for all of them."""
    return COST[arms[0]] / sum(COST[one] for one in arms)


def _opened(stack: ExitStack, one: Loaded, arm: str, out: Path, config: Mapping[str, Any]) -> _Run:
    identity = {"retrieval_only": False, **one.digests, "config": config, "arm": arm, **made_of(arm)}
    return _Run(stack.enter_context(RunFolder(out / one.name / arm, identity)), identity)


def _ask(
    arm: str,
    turns: Turns,
    runs: Mapping[tuple[str, str], _Run],
    workshop: Workshop,
    plan: Plan,
    *,
    clock: Clock,
    until: float | None,
) -> None:
    """Ask one arm what it has not answered yet; a baseline only what the product has answered, so that they can be paired."""
    todo = [(one, question) for one, question in turns if question.id not in runs[one.name, arm].folder.done]
    if arm != PRODUCT:
        todo = [(one, question) for one, question in todo if question.id in runs[one.name, PRODUCT].folder.done]
    asked, taken, in_a_row = 0, 0.0, 0
    for one, question in todo:
        run = runs[one.name, arm]
        each = taken / asked if asked else 0.0
        if run.arm is None and not _late(clock, each, until):  # making a library may take minutes
            library = (plan.libraries or plan.out) / one.name / "library"
            run.arm = workshop.arm(arm, one, library, runs[one.name, PRODUCT].folder.done)
        if _late(clock, each, until):
            say(f"{arm}: the time is up, {len(todo) - asked} questions are left")
            break
        begun = clock()
        outcome, why = _asked(run, question, one.texts)
        seconds = clock() - begun
        asked, taken = asked + 1, taken + seconds
        run.asked_now += 1
        run.seconds += seconds
        in_a_row = in_a_row + 1 if why is not None else 0
        say(f"[{arm} {asked}/{len(todo)}] {one.name} {question.id}  {outcome}  {seconds:.1f} s")
        if in_a_row == MOST_FAILURES:
            raise LLMUnavailableError(f"{MOST_FAILURES} questions in a row failed: {why}; mend that, and go on")


def _late(clock: Clock, seconds: float, until: float | None) -> bool:
    """True if something that takes `seconds` would not be done in time."""
    return until is not None and clock() + seconds > until


def _asked(run: _Run, question: Question, texts: Mapping[str, str]) -> tuple[str, str | None]:
    """Ask and keep one answer; returns what became of it in words, and why it failed if it did."""
    assert run.arm is not None  # noqa: S101 (for mypy: the caller has made it)
    try:
        prediction = run.arm.ask(question)
    except Exception as exc:  # noqa: BLE001  # one question must not end a night's run
        why = run.failures[question.id] = why_failed(exc)
        return f"failed: {why}", why
    run.folder.append(prediction)
    if prediction["reason"] == "llm_unavailable":
        why = str(prediction["detail"] or prediction["reason"])
        return f"failed: {why}", why
    faults = summary.faults(score(question, prediction, texts))
    return f"{prediction['status']}: {', '.join(faults) or 'right'}", None


def _saved(folder: Path, benchmarks: Sequence[Loaded], config: Mapping[str, Any]) -> answers_page.Earlier:
    """The scores of a saved run, of this suite or of `evals.run`, on the questions of these benchmarks.

    Raises:
        InputError: it has none of them.
    """
    scores: dict[Key, Score] = {}
    changed: dict[str, None] = {}
    for one in benchmarks:
        questions = {question.id: question for question in one.questions}
        for path in (folder / one.name / PRODUCT, folder / one.name):
            if not (path / "predictions.jsonl").is_file():
                continue
            for _, row in data.rows(path / "predictions.jsonl", torn=True):
                if row.get("id") in questions and row.get("reason") != "llm_unavailable":
                    scores[one.name, row["id"]] = score(questions[row["id"]], row, one.texts)
            changed |= dict.fromkeys(_differences(path / "run.json", one, config))
            break
    if not scores:
        names = ", ".join(one.name for one in benchmarks)
        raise InputError(f"{folder}: it holds no answers to {names}; --against wants the --out of an earlier run")
    return answers_page.Earlier(folder.name, scores, tuple(changed))


def _differences(path: Path, one: Loaded, config: Mapping[str, Any]) -> list[str]:
    """What else than the program has changed since the saved run: settings, and files of the benchmark."""
    if not path.is_file():
        return []
    found = json.loads(path.read_bytes())
    files = [f"{one.name}/{name}" for name in differing({key: found.get(key) for key in one.digests}, one.digests)]
    return [*differing(found.get("config"), config), *files]
