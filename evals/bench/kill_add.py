"""`kill -9` during `article-qa add`: at the end the library must equal one that was built without a kill.

    python -m evals.bench.kill_add --articles 300 --kills 10

The command is killed at random instants, spread over its three phases (storing articles, making vectors, filling Chroma), and
started again each time. Then articles, sentences, passages, words and vectors (bit by bit) are compared, and every vector must
be its own nearest neighbour in Chroma. Exit status 1 if anything differs.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, timedelta
from operator import attrgetter
from pathlib import Path

from index.catalogue import Catalogue, Status
from index.vectors import ChromaVectors

POLL_S = 0.01
LONGEST_S = 1_800.0  # for one uninterrupted run
PHASES = ("storing", "embedding", "indexing")


@dataclass
class Report:
    """What a run found."""

    kills: list[str] = field(default_factory=list)  # one line each
    rows: dict[str, tuple[int, int]] = field(default_factory=dict)  # table -> rows without and with kills
    wrong: list[str] = field(default_factory=list)  # empty: the libraries are equal


# ------------------------------------------------------------------------------------------------------- articles

_WHO = [
    "The harbour office",
    "Mayor Ilse Brandt",
    "A school in Marrin",
    "Dr. J. K. Oduya",
    "The ferry company",
    "The R.V. Petrel",
]
_DID = ["closed", "measured", "repainted", "sold", "reopened", "photographed", "counted", "lost", "promised", "flooded"]
_WHAT = [
    "the old bridge",
    "41 lanterns",
    "the fish market",
    "a tide gauge",
    "No. 7 pier",
    "the U.S. consulate",
    "its archive",
]
_WHERE = [
    "in Corrie Bay",
    "near Harnholm",
    "beside the bank",
    "off St. Brannoc's Point",
    "on the Skarn road",
    "at the quay",
]
_WHEN = [
    "at 9.15 a.m. on Monday",
    "in May",
    "after two years",
    "before the storm",
    "at about 11 p.m.",
    "on 3 June 2024",
]
_SAID = [
    "“It was time. We had waited,” said the captain.",
    "Nobody was hurt.",
    "It cost $3.5 million.",
    "Why? Nobody knew.",
]


_ASKED = ["bridge", "harbour", "captain", '"u.s"', "brannoc", '"3.5"', "counted", "report"]


def text_of(chance: random.Random) -> str:
    """Return an article of 5 to 25 sentences in paragraphs: from one passage to four."""
    sentences = [
        " ".join(chance.choice(part) for part in (_WHO, _DID, _WHAT, _WHERE, _WHEN)).rstrip(".") + "."
        if chance.random() < 0.8
        else chance.choice(_SAID)
        for _ in range(chance.randint(5, 25))
    ]
    paragraphs = [" ".join(sentences[at : at + 4]) for at in range(0, len(sentences), 4)]
    return "\n\n".join(paragraphs)


def write_articles(folder: Path, count: int, *, seed: int) -> None:
    """Write two of three articles as text files, and the rest into one JSONL file."""
    chance = random.Random(seed)
    rows = []
    for number in range(count):
        day = date(2020, 1, 1) + timedelta(days=chance.randrange(2_000))
        text = text_of(chance)
        if number % 3:
            file = folder / str(day.year) / f"{number:04}.txt"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f" date {day} \n\n\n\n{text}\n", encoding="utf-8")
        else:
            rows.append({"id": f"wire-{number}", "title": f"Report {number}", "date": str(day), "text": text})
    folder.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (folder / "wire.jsonl").write_text(lines, encoding="utf-8")


# ---------------------------------------------------------------------------------------------------------- the run


def progress(library: Path) -> Status:
    """Read from outside, as any other process may; its connection is closed again before the kill."""
    file = library / "catalogue.sqlite3"
    if not file.exists():
        return Status(0, 0, 0, 0, 0)
    with closing(Catalogue(file)) as catalogue:
        return catalogue.status()


def add(library: Path, articles: Path, log: Path) -> subprocess.Popen[bytes]:
    """Start the command."""
    with log.open("ab") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "qa.cli", "--library", str(library), "add", "--quiet", str(articles)],
            stdout=out,
            stderr=out,
        )


def finish(library: Path, articles: Path, log: Path) -> None:
    """Run the command to its end. Raises RuntimeError with what it said if it failed."""
    status = add(library, articles, log).wait(LONGEST_S)
    if status != 0:
        raise RuntimeError(f"article-qa add ended with {status}: {log.read_text(encoding='utf-8')[-2000:]}")


def kill_at(
    library: Path, articles: Path, log: Path, *, instant: float, late_s: float, whole: Status, indexing_s: float
) -> str | None:
    """Start the command, kill it at `instant` and return a line that says where it was; None if it had ended before.

    0.5 is half of the articles stored, 1.5 half of the vectors made, 2.5 half of the time of the third phase gone. Where the
    kill before came to that already, it is `late_s` after the start.
    """
    started = time.monotonic()

    def reached() -> bool:
        now = progress(library)
        stored = now.articles / whole.articles
        made = now.vectors / whole.vectors if stored >= 1 else 0.0
        indexed = (time.monotonic() - started) / indexing_s if made >= 1 else 0.0
        return stored + made + min(indexed, 1.0) >= instant

    before = reached()
    process = add(library, articles, log)
    started = time.monotonic()
    try:
        if before:
            time.sleep(late_s)
        while process.poll() is None and not reached() and time.monotonic() - started < LONGEST_S:
            time.sleep(POLL_S)
        time.sleep(instant % POLL_S)  # not always just after a transaction
        if process.poll() is not None:
            return None
        os.kill(process.pid, signal.SIGKILL)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
    now = progress(library)
    state = library / "chroma.json"
    chroma = state.read_text(encoding="utf-8") if state.exists() else "-"
    return (
        f"{PHASES[min(int(instant), 2)]:<10} after {time.monotonic() - started:5.2f} s   {now.articles:>5} articles"
        f" {now.passages:>6} passages {now.vectors:>6} vectors   chroma: {chroma}"
    )


# ------------------------------------------------------------------------------------------------------- comparison


def contents(library: Path) -> dict[str, Sequence[object]]:
    """Return everything that must be equal, with ids that do not depend on the order of writing."""
    with closing(Catalogue(library / "catalogue.sqlite3")) as catalogue:
        articles = catalogue.articles()
        names = catalogue.vector_keys()
        passages = catalogue.passages(list(names.values()))
        keys, vectors = catalogue.vectors()
        found = [
            (word, passages[key].id, round(score, 6)) for word in _ASKED for key, score in catalogue.match(word, 10_000)
        ]
        return {
            "articles": [(one, one.sha256, catalogue.digest(one.id)) for one in articles],
            "sentences": [sentence for one in articles for sentence in catalogue.sentences(one.id)],
            "passages": sorted(passages.values(), key=attrgetter("id")),
            "found by words": sorted(found),
            "vectors": sorted((passages[key].id, vector.tobytes()) for key, vector in zip(keys, vectors, strict=True)),
            "without a vector": list(catalogue.pending(10)),
            "damage": list(catalogue.check()),
        }


def differences(plain: Path, killed: Path, report: Report) -> None:
    """Compare the two libraries into `report`."""
    one, two = contents(plain), contents(killed)
    for name in one:
        report.rows[name] = len(one[name]), len(two[name])
        if one[name] != two[name]:
            report.wrong.append(f"{name}: not the same")
    report.wrong += [str(line) for line in [*two["damage"], *two["without a vector"]]]
    held, found = zip(nearest_of_all(plain), nearest_of_all(killed), strict=True)
    report.rows["in chroma"], report.rows["find themselves"] = held, found
    if {*held, *found} != {len(one["vectors"])}:
        report.wrong.append(f"Chroma holds or finds other than the {len(one['vectors'])} vectors")


def nearest_of_all(library: Path) -> tuple[int, int]:
    """Return how many vectors Chroma holds as it was left, and how many of the catalogue's are their own nearest there."""
    with closing(Catalogue(library / "catalogue.sqlite3")) as catalogue:
        # The command itself must have brought it in step: nothing is mended here.
        in_step = ChromaVectors.in_step(library / "chroma", catalogue)
        chroma = ChromaVectors.open(library / "chroma", catalogue) if in_step else None
        if chroma is None:
            return 0, 0
        with closing(chroma):
            scores = [
                chroma.search(vector, 1)[0][1] for vector in catalogue.vectors()[1]
            ]  # equal texts find each other
            return chroma.count(), sum(score > 1 - 1e-4 for score in scores)


def run(folder: Path, *, articles: int, kills: int, seed: int) -> Report:
    """Build one library without and one with `kills` kills below `folder`, and compare them."""
    chance = random.Random(seed)
    news, log = folder / "news", folder / "log.txt"
    write_articles(news, articles, seed=seed)
    finish(folder / "plain", news, log)
    whole = progress(folder / "plain")
    (folder / "plain" / "chroma.json").unlink()
    started = time.monotonic()
    finish(folder / "plain", news, log)  # nothing but the third phase
    indexing_s = time.monotonic() - started
    report = Report()
    # One kill in each third of the whole at least, the rest anywhere.
    instants = sorted(
        [third + chance.random() for third in range(min(kills, 3))] + [3 * chance.random() for _ in range(kills - 3)]
    )
    for instant in instants:
        line = None
        while line is None:
            late_s = indexing_s * chance.random()
            line = kill_at(
                folder / "killed", news, log, instant=instant, late_s=late_s, whole=whole, indexing_s=indexing_s
            )
            instant = 2 + (instant - 2) * 0.7 if instant > 2 else instant  # noqa: PLW2901 (ended before: earlier next time)
        report.kills.append(line)
    finish(folder / "killed", news, log)
    differences(folder / "plain", folder / "killed", report)
    return report


def main(argv: Sequence[str] | None = None) -> int:
    """Run it, print a table, and return 1 if the libraries differ."""
    parser = argparse.ArgumentParser(
        prog="python -m evals.bench.kill_add", description=(__doc__ or "").split("\n", maxsplit=1)[0]
    )
    parser.add_argument("--articles", type=int, default=300)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(argv)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="kill-add-") as folder:
        report = run(Path(folder), articles=args.articles, kills=args.kills, seed=args.seed)
    for number, line in enumerate(report.kills, start=1):
        print(f"kill {number:>2}  {line}")
    print(f"\n{'':<18}{'no kill':>10}{'killed':>10}")
    for name, (one, two) in report.rows.items():
        print(f"{name:<18}{one:>10,}{two:>10,}")
    for line in report.wrong:
        print(f"WRONG: {line}")
    verdict = "the libraries differ" if report.wrong else "the libraries are equal, the vectors bit by bit"
    print(f"\n{len(report.kills)} kills, {time.monotonic() - started:.0f} s: {verdict}")
    return 1 if report.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
