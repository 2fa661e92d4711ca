"""Does a cited passage support a claim? `python -m evals.support` measures every candidate scorer against people's judgments.

A judgments file has a JSON object a line: `id`, `question_id`, `question`, `claim`, `passages` (each with `text`) and `support`
(`Complete`, `Partial` or `Incomplete`). A `system` says who wrote the claim. It is no feature: systems have different shares of
supported claims, so their names alone tell the labels apart to some degree, and so does whatever gives a system away. That is
why each scorer is also measured among the claims of one system.

Exit status: 0 done; 1 a failure; 2 a wrong call or file; 130 stopped.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from evals import data
from evals.classify import Apart, Floats, Learner, apart, folds, logistic, scored_apart, stumps
from evals.machine import machine, versions
from evals.run import exit_status
from evals.rundir import RunFolder
from index.errors import InputError, LLMUnavailableError
from index.sentences import split
from index.types import Article
from qa import facts, verify
from qa.backends.child import Child
from qa.types import Evidence
from qa.verify import Gate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from types import TracebackType

    from index.embed import Embedder, Vectors
    from qa.rerank import Reranker

LABELS = ("Complete", "Partial", "Incomplete")
READ_SENTENCES = 4  # the nearest by cosine, which the cross-encoder reads with the claim
ASKED_SENTENCES = 3  # of the passages that the language model is shown
ASKED_CHARS = 400  # of each of them
CONTEXT_TOKENS = 2_048  # for a claim, a text and the order
MODEL = "qwen2.5-coder-1.5b-instruct-q4_k_m"
ASK = "You check citations. Reply with one word: Yes if the text supports the whole claim, No if it does not."
LEAST_PART = 2  # content words: a smaller part of a claim means nothing by itself

_PARTS = re.compile(r"[,;:]|\b(?:and|but|which|while|because)\b")
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Judgment:
    """A claim, what it cites, and what a person says about the two."""

    id: str
    group: str  # judgments of one question are left out of training together
    question: str
    claim: str
    passages: tuple[str, ...]
    sentences: tuple[str, ...]  # of all passages, in order
    label: str  # one of LABELS
    system: str = ""  # who wrote the claim, to compare within; never a feature


def read_judgments(path: Path) -> list[Judgment]:
    """The judgments of a .jsonl file, in its order.

    Raises:
        InputError: there is no such file, a line is broken (it is named), or there is no judgment.
    """
    found = []
    for number, row in data.rows(path):
        try:
            found.append(_judgment(row))
        except (ValueError, KeyError, TypeError) as exc:
            raise InputError(f"{path} line {number}: not a judgment ({exc!r})") from exc
    if not found:
        raise InputError(f"{path}: no judgment")
    return found


def _judgment(row: dict[str, Any]) -> Judgment:
    if row["support"] not in LABELS:
        raise ValueError(f"support is {row['support']!r}, not one of {', '.join(LABELS)}")
    passages = tuple(str(passage["text"]) for passage in row["passages"])
    sentences = [s.text for at, text in enumerate(passages) for s in split(Article(str(at), "", text))]
    if not sentences:
        raise ValueError("no passage has a sentence")
    return Judgment(
        str(row["id"]),
        str(row["question_id"]),
        str(row["question"]),
        str(row["claim"]),
        passages,
        tuple(sentences),
        row["support"],
        str(row.get("system", "")),
    )


# --- what can be seen without a model ----------------------------------------------------------------------------------


def word_features(one: Judgment, rarity: Mapping[str, float]) -> dict[str, float]:
    """Features of shared words, each higher where more is shared; `rarity` is a weight for each stem."""
    claim = facts.content_stems(one.claim)
    whole = " ".join(one.passages)
    there = set(facts.content_stems(whole))
    by_sentence = [set(facts.content_stems(sentence)) for sentence in one.sentences]
    words, others = _stems(one.claim), _stems(whole)
    numbers, names = facts.numbers(one.claim), set(facts.names(one.claim))
    spelled = set(_WORD.findall(facts.folded(whole)))
    return {
        "words": _covered(claim, there),
        "words, best sentence": max(_covered(claim, stems) for stems in by_sentence),
        "rare words": _covered(claim, there, rarity),
        "rare words, best sentence": max(_covered(claim, stems, rarity) for stems in by_sentence),
        "words not in the question": _covered(
            [stem for stem in claim if stem not in set(facts.content_stems(one.question))], there
        ),
        "pairs of words": _shared_runs(words, others, 2),
        "runs of three words": _shared_runs(words, others, 3),
        "longest common subsequence": _subsequence(words, others) / (len(words) or 1),
        "numbers": len(numbers & facts.numbers(whole)) / len(numbers) if numbers else 1.0,
        "names": len(names & spelled) / len(names) if names else 1.0,
        "question's words in the passages": _covered(facts.content_stems(one.question), there),
        "length of the claim": float(len(claim)),
        "length of the passages": float(len(others)),
        "passages": float(len(one.passages)),
    }


def rarities(judgments: Iterable[Judgment]) -> dict[str, float]:
    """For each stem of the passages, the log of how few of them have it; no label is looked at."""
    stems = [set(facts.content_stems(passage)) for one in judgments for passage in one.passages]
    counts = Counter(stem for some in stems for stem in some)
    return {stem: math.log((len(stems) + 1) / (count + 1)) for stem, count in counts.items()}


def _covered(stems: Sequence[str], there: set[str], rarity: Mapping[str, float] | None = None) -> float:
    """The share of `stems` that is there; a stem that no passage has is as rare as can be."""
    most = max(rarity.values(), default=1.0) if rarity else 1.0
    weights = [rarity.get(stem, most) if rarity else 1.0 for stem in stems]
    total = sum(weights)
    return sum(w for stem, w in zip(stems, weights, strict=True) if stem in there) / total if total else 0.0


def _stems(text: str) -> list[str]:
    return [facts.stem(word) for word in _WORD.findall(text)]


def _shared_runs(words: Sequence[str], others: Sequence[str], length: int) -> float:
    mine, theirs = (
        {tuple(run) for run in zip(*(w[at:] for at in range(length)), strict=False)} for w in (words, others)
    )
    return len(mine & theirs) / len(mine) if mine else 0.0


def _subsequence(words: Sequence[str], others: Sequence[str]) -> int:
    """The length of the longest sequence of words that both have in this order, with anything between them."""
    before = [0] * (len(others) + 1)
    for word in words:
        now = [0]
        for at, other in enumerate(others):
            now.append(before[at] + 1 if word == other else max(before[at + 1], now[-1]))
        before = now
    return before[-1]


# --- what models see ---------------------------------------------------------------------------------------------------


class Meaning:
    """The models, with the vectors they have made."""

    def __init__(self, embedder: Embedder, reranker: Reranker) -> None:
        """`embedder` makes a vector once for each text."""
        self.reranker = reranker
        self._embedder = embedder
        self._vectors: dict[str, Vectors] = {}

    def vector(self, text: str) -> Vectors:
        """Return the text's unit vector, float32 (dim,)."""
        if text not in self._vectors:
            self._vectors[text] = self._embedder.query(text)
        return self._vectors[text]

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """Return a row for each text, float32 (n, dim)."""
        return np.stack([self.vector(text) for text in texts])


def model_features(one: Judgment, meaning: Meaning) -> dict[str, float]:
    """Features by embeddings and by the cross-encoder, each higher where the meaning is nearer."""
    reranker = meaning.reranker
    claim, *parts = meaning.vectors([one.claim, *parts_of(one.claim)])
    question = meaning.vector(one.question)
    sentences, passages = meaning.vectors(one.sentences), meaning.vectors(one.passages)
    nearest = np.sort(sentences @ claim)[::-1]
    likeliest = np.argsort(-(sentences @ claim), kind="stable")[:READ_SENTENCES]
    read = np.sort(reranker.scores(one.claim, [one.sentences[at] for at in likeliest]))[::-1]
    return {
        "cosine, best sentence": float(nearest[0]),
        "cosine, mean of the best three": float(nearest[:3].mean()),
        "cosine, best passage": float((passages @ claim).max()),
        "cosine, mean of the claim's parts": float(np.mean([(sentences @ part).max() for part in parts])),
        "cosine, worst of the claim's parts": float(min((sentences @ part).max() for part in parts)),
        "cosine of question and passage": float((passages @ question).max()),
        "cosine of question and claim": float(claim @ question),
        "cross-encoder, best sentence": float(read[0]),
        "cross-encoder, mean of the best three": float(read[:3].mean()),
        "cross-encoder, best passage": max(reranker.scores(one.claim, one.passages)),
    }


def parts_of(claim: str) -> list[str]:
    """The parts of a claim between commas and joining words, those with too few content words left out; else the claim."""
    parts = [part.strip() for part in _PARTS.split(claim)]
    return [part for part in parts if len(facts.content_stems(part)) >= LEAST_PART] or [claim]


def gate_features(one: Judgment, meaning: Meaning) -> dict[str, float]:
    """What the gate of Article QA says of the claim and the best single sentence: its score, and how many rules are broken."""
    evidence = [
        Evidence(at, "passages", "", None, at, 0, len(text), text, 0.0)
        for at, text in enumerate(one.sentences, start=1)
    ]
    gate = Gate(one.question, evidence, floor=0.0, embed=meaning.vector, large=False)
    supports = [gate.support(one.claim, sentence) for sentence in evidence]
    return {
        "the gate's score": max(support.score for support in supports),
        "the gate's rules": -float(min(len(support.failures) for support in supports)),
    }


def features_of(
    judgments: Sequence[Judgment], meaning: Meaning, kept: RunFolder | None = None
) -> list[dict[str, float]]:
    """The features of each judgment. With `kept`, a folder that is gone on with: reading one takes the models about a second."""
    rarity = rarities(judgments)
    known: dict[str, dict[str, float]] = _kept(kept)
    found = []
    for at, one in enumerate(judgments, start=1):
        if one.id not in known:
            known[one.id] = {**gate_features(one, meaning), **model_features(one, meaning)}
            _keep(kept, one.id, known[one.id])
            if at % 50 == 0:
                print(f"{at} of {len(judgments)} judgments read", file=sys.stderr, flush=True)
        found.append({**word_features(one, rarity), **known[one.id]})
    return found


# --- the language model asked yes or no --------------------------------------------------------------------------------


class YesNo:
    """The embedded model in a child process of its own, asked whether a text supports a claim."""

    def __init__(self, model: str = MODEL, *, threads: int = 2) -> None:
        """Start the process. Raises WeightsError if the model is not there, LLMUnavailableError if the process ends."""
        import httpx

        from index import weights

        file = weights.path(model) / "model.gguf"
        self._child = Child(file, name=model, context=CONTEXT_TOKENS, threads=threads, slots=weights.cache_dir())
        self._client = httpx.Client(base_url=self._child.url, headers=self._child.headers, timeout=120)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()
        self._child.stop()

    def score(self, claim: str, text: str) -> float:
        """The log-odds of "yes" against "no" as the first word of the reply. Raises LLMUnavailableError if there is none."""
        import httpx

        user = f"Text: {text}\n\nClaim: {' '.join(claim.split())}\n\nDoes the text support the claim?"
        asked = {
            "messages": [{"role": "system", "content": ASK}, {"role": "user", "content": user}],
            "max_tokens": 1,
            "temperature": 0,
            "logprobs": True,
            "top_logprobs": 20,
            "cache_prompt": True,
        }
        try:
            reply = self._client.post("/v1/chat/completions", json=asked)
            reply.raise_for_status()
        except httpx.HTTPError as exc:
            raise LLMUnavailableError(f"the model gave no reply ({exc!r})") from exc
        return log_odds(reply.json()["choices"][0]["logprobs"]["content"][0]["top_logprobs"])


def log_odds(tokens: Iterable[Mapping[str, Any]]) -> float:
    """The log-odds of "yes" against "no" in any spelling, by the likeliest tokens with their `logprob`."""
    chance = {"yes": 1e-9, "no": 1e-9}
    for one in tokens:
        word = str(one["token"]).strip().casefold()
        if word in chance:
            chance[word] += math.exp(one["logprob"])
    return math.log(chance["yes"]) - math.log(chance["no"])


def best_sentences(one: Judgment) -> str:
    """The few sentences of the passages that share most with the claim, in their order."""
    claim = set(facts.content_stems(one.claim))
    shared = [
        len(claim & set(stems)) / (3 + math.sqrt(len(stems))) for stems in map(facts.content_stems, one.sentences)
    ]
    best = sorted(sorted(range(len(shared)), key=lambda at: -shared[at])[:ASKED_SENTENCES])
    return " ".join(" ".join(one.sentences[at].split())[:ASKED_CHARS] for at in best)


# --- the measures ------------------------------------------------------------------------------------------------------

# Chosen after a look at all judgments, so what is learnt from them is told a little too well.
MEANT = ("cosine of question and passage", "cosine, best passage", "cross-encoder, best passage")
LENGTHS = ("length of the claim", "length of the passages", "passages")


@dataclass(frozen=True, slots=True)
class Row:
    """A scorer with its figures, Partial left out and Partial counted as not supported."""

    scorer: str
    trained: bool  # on the other folds
    without_partial: Apart
    partial_is_no: Apart


def measured(judgments: Sequence[Judgment], features: Sequence[Mapping[str, float]]) -> list[Row]:
    """Every feature alone, then what is learnt from some of them; best first within each kind."""
    plain = list(features[0])
    single = [_row(name, judgments, np.array([one[name] for one in features])) for name in plain]
    words = [name for name in plain if name in word_features(judgments[0], {}) and name not in LENGTHS]
    sets = {
        "words": words,
        "three of meaning": list(MEANT),
        "words and meaning": [name for name in plain if name not in LENGTHS],
        "all": plain,
    }
    learnt = []
    for title, names in sets.items():
        table = np.array([[one[name] for name in names] for one in features])
        for way, learn in (("logistic", logistic), ("boosted stumps", stumps)):
            learnt.append(_row(f"{title}, {way}", judgments, table, learn))
    table = np.array([[one[name] for name in plain] for one in features])
    labels = np.array([one.label == "Complete" for one in judgments])
    bounds = [
        _row("no scorer: logistic of all, fitted to these very judgments", judgments, logistic(table, labels)(table)),
        _row("no scorer: the share of supported claims of its system", judgments, _shares(judgments)),
        _row("no scorer: the other judgments on its question", judgments, _others(judgments)),
    ]
    return [*sorted(single, key=_order), *sorted(learnt, key=_order), *bounds]


def _others(judgments: Sequence[Judgment]) -> Floats:
    """For each judgment the share of Complete among the others on its question: how much lies with question and judge."""
    labels = np.array([one.label == "Complete" for one in judgments])
    found = []
    for at, one in enumerate(judgments):
        others = [labels[i] for i, other in enumerate(judgments) if other.group == one.group and i != at]
        found.append(float(np.mean(others)) if others else float(labels.mean()))
    return np.array(found)


def _shares(judgments: Sequence[Judgment]) -> Floats:
    """For each judgment the share of its system's claims that are supported, in this very file: what the name tells at most."""
    found: dict[str, list[bool]] = {}
    for one in judgments:
        found.setdefault(one.system, []).append(one.label == "Complete")
    return np.array([float(np.mean(found[one.system])) for one in judgments])


def _order(row: Row) -> float:
    return -(row.without_partial.auroc.value or 0.0)


def _row(name: str, judgments: Sequence[Judgment], given: Floats, learn: Learner | None = None) -> Row:
    """Measure a column of scores, or what `learn` makes of a table of features."""
    found = []
    for kept in (np.array([one.label != "Partial" for one in judgments]), np.ones(len(judgments), dtype=np.bool_)):
        labels = np.array([one.label == "Complete" for one in judgments])[kept]
        groups = [one.group for one, keep in zip(judgments, kept, strict=True) if keep]
        systems = [one.system for one, keep in zip(judgments, kept, strict=True) if keep]
        scores = given[kept] if learn is None else scored_apart(learn, given[kept], labels, folds(groups))
        found.append(apart(labels, scores, groups, systems))
    return Row(name, learn is not None, *found)


def asked_rows(
    judgments: Sequence[Judgment], features: Sequence[Mapping[str, float]], answers: Mapping[str, float]
) -> list[Row]:
    """What the language model says of the judgments it was asked about, and some features on the same ones."""
    pairs = [(one, mine) for one, mine in zip(judgments, features, strict=True) if one.id in answers]
    some = [one for one, _ in pairs]
    said = _row("language model, yes or no", some, np.array([answers[one.id] for one in some]))
    beside = ("the gate's score", "words", *MEANT)
    return [said, *(_row(name, some, np.array([mine[name] for _, mine in pairs])) for name in beside)]


def sample(judgments: Sequence[Judgment], count: int, *, seed: int = 0) -> list[Judgment]:
    """About `count` judgments drawn at random, as many Complete as Incomplete ones; no Partial ones."""
    draws = np.random.default_rng(seed)
    chosen: list[Judgment] = []
    for label in ("Complete", "Incomplete"):
        some = [one for one in judgments if one.label == label]
        chosen += [some[at] for at in draws.permutation(len(some))[: count // 2]]
    return chosen


def ask(
    judgments: Sequence[Judgment], kept: RunFolder | None = None, *, minutes: float = 8.0, model: str = MODEL
) -> dict[str, float]:
    """The language model's log-odds by judgment, as many as fit into the time; with `kept`, a folder that is gone on with."""
    answers: dict[str, float] = _kept(kept)
    ends = time.monotonic() + 60 * minutes
    # Complete and Incomplete by turns, so that a sample cut short by the time stays even.
    by_turns = sorted(judgments, key=lambda one: [o.label for o in judgments[: judgments.index(one)]].count(one.label))
    left = [one for one in by_turns if one.id not in answers]
    if not left:
        return answers
    with YesNo(model) as llm:
        for one in left:
            if time.monotonic() > ends:
                break
            answers[one.id] = llm.score(one.claim, best_sentences(one))
            _keep(kept, one.id, answers[one.id])
    return answers


def made_of(judgments: Path, **models: str) -> dict[str, Any]:
    """What kept features and answers depend on: the judgments, the models, and the rules as they are written."""
    sources = {Path(one).name: data.digest_file(Path(one)) for one in (__file__, verify.__file__, facts.__file__)}
    return {"judgments": data.digest_file(judgments), "models": models, "sources": sources}


def _kept(folder: RunFolder | None) -> dict[str, Any]:
    return {} if folder is None else {name: row["value"] for name, row in folder.done.items()}


def _keep(folder: RunFolder | None, name: str, value: Any) -> None:  # noqa: ANN401  # JSON of any kind
    if folder is not None:
        folder.append({"id": name, "reason": None, "value": value})


# --- the command -------------------------------------------------------------------------------------------------------


def table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table."""
    lines = [
        "| scorer | AUROC | within systems | balanced accuracy | AUROC, Partial as no | balanced accuracy, Partial as no |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        shown = [
            f"{figure.value:.3f}" + (f" ({figure.ci95[0]:.3f} to {figure.ci95[1]:.3f})" if figure.ci95 else "")
            if figure.value is not None
            else "undefined"
            for figure in (
                row.without_partial.auroc,
                row.without_partial.within,
                row.without_partial.balanced,
                row.partial_is_no.auroc,
                row.partial_is_no.balanced,
            )
        ]
        lines.append(f"| {row.scorer}{' (trained)' if row.trained else ''} | {' | '.join(shown)} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    options = _parser().parse_args(arguments)
    return exit_status(lambda: _measure(options), out=options.out)


def _measure(options: argparse.Namespace) -> int:
    from index.embed import embedder
    from qa.rerank import CrossEncoder

    judgments = read_judgments(options.judgments)[: options.limit]
    out: Path | None = options.out
    embed, reader = embedder(), CrossEncoder()
    with ExitStack() as stack:

        def kept(name: str, **models: str) -> RunFolder | None:
            if out is None:
                return None
            return stack.enter_context(RunFolder(out / name, made_of(options.judgments, **models)))

        read = kept("features", embedder=embed.name, reranker=reader.name)
        features = features_of(judgments, Meaning(embed, reader), read)
        sections = {"every judgment": measured(judgments, features)}
        if options.ask:
            answers = ask(sample(judgments, options.ask), kept("asked", llm=MODEL), minutes=options.minutes)
            sections["the judgments that the language model was asked about"] = asked_rows(judgments, features, answers)
    counts = Counter(one.label for one in judgments)
    head = ", ".join(f"{counts[label]} {label}" for label in LABELS)
    text = f"{len(judgments)} judgments of {len({one.group for one in judgments})} questions: {head}\n"
    for title, rows in sections.items():
        text += f"\n## {title[0].upper()}{title[1:]} (n = {rows[0].without_partial.auroc.n} without Partial)\n\n{table(rows)}\n"
    print(text)
    if out is not None:
        (out / "support.md").write_text(text, encoding="utf-8")
        whole = {
            "judgments": dict(counts),
            "rows": {title: [asdict(row) for row in rows] for title, rows in sections.items()},
            "versions": versions(),
            "machine": machine(),
        }
        (out / "support.json").write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m evals.support", description="Measure what tells supported claims from others."
    )
    add = parser.add_argument
    add("--judgments", type=Path, required=True, metavar="FILE", help="judgments, JSONL")
    add("--out", type=Path, metavar="DIR", help="folder for support.md, support.json and what the models said")
    add("--limit", type=int, metavar="N", help="only the first N judgments")
    add("--ask", type=int, default=0, metavar="N", help="ask the language model about N judgments (some 5 s each)")
    add("--minutes", type=float, default=8.0, metavar="M", help="of asking the language model at most")
    return parser


if __name__ == "__main__":
    sys.exit(main())
