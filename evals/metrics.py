"""The measures of one prediction against one question. Pure: numbers in, numbers out; what is undefined is None.

A prediction is a line of `predictions.jsonl` as `json.loads` gives it. Ranges are characters of an article's text, the
end exclusive. Two rules say when a range holds a gold sentence:

- a citation and a gold sentence match if they overlap by at least half of the shorter of the two;
- evidence and passages hold a gold sentence if at least half of its characters are in them. Evidence sentences count
  together, because another splitter may have cut the gold sentence in two; passages count one by one.

Gold evidence that names an article and no range is held by anything from that article.
"""

from __future__ import annotations

import math
import string
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evals.types import Question, Span

Prediction = Mapping[str, Any]

REFERENCE_WORDS = 20  # gold strings that are all longer are whole answers, which nobody repeats word for word

# Answers


def normalise(text: str) -> str:
    """SQuAD's normal form: lower case, no punctuation, no "a", "an" or "the", single spaces.

    Equal to the official script's on ASCII; punctuation of other scripts ("’", "–") goes as well.
    """
    lowered = text.lower()
    kept = "".join(c for c in lowered if c not in string.punctuation and not unicodedata.category(c).startswith("P"))
    return " ".join(word for word in kept.split() if word not in {"a", "an", "the"})


def exact_match(answer: str, question: Question) -> bool | None:
    """The answer is a gold string in normal form; for "all", all of them in the file's order. None without short gold."""
    return normalise(answer) in _gold_forms(question) if has_short_gold(question) else None


def contains_gold(answer: str, question: Question) -> bool | None:
    """A gold string (for "all": every one) is a run of whole words of the answer, in normal form. None without short gold.

    A gold yes or no must be its first word: "no" stands in many a sentence that says something else.
    """
    if not has_short_gold(question):
        return None
    words = normalise(answer).split()
    golds = [normalise(gold) for gold in question.answers]
    found = (words[:1] == [gold] if gold in ("yes", "no") else _contains(words, gold.split()) for gold in golds)
    return all(found) if question.match == "all" else any(found)


def has_short_gold(question: Question) -> bool:
    """True if an answer can be compared word for word: some gold string has at most REFERENCE_WORDS words."""
    return any(len(gold.split()) <= REFERENCE_WORDS for gold in question.answers)


def token_f1(answer: str, question: Question) -> float | None:
    """The best word overlap (`f1`) with a gold string; for "all", with all of them together. None without gold."""
    if not question.answers:
        return None
    return max(f1(normalise(answer).split(), gold.split()) for gold in _gold_forms(question))


def f1(left: Sequence[str], right: Sequence[str]) -> float:
    """Harmonic mean of precision and recall of two bags of words, in [0, 1]; two empty bags are equal."""
    if not left or not right:
        return float(not left and not right)
    common = (Counter(left) & Counter(right)).total()
    return 2 * common / (len(left) + len(right))


def _gold_forms(question: Question) -> set[str]:
    if question.match == "all":
        return {normalise(" ".join(question.answers))}
    return {normalise(gold) for gold in question.answers}


def _contains(words: Sequence[str], wanted: Sequence[str]) -> bool:
    if not wanted:  # a gold string like "A" has no word left: only an answer of the same kind can give it
        return not words
    return any(words[at : at + len(wanted)] == wanted for at in range(len(words) - len(wanted) + 1))


# Ranges


def overlap(left: Span, right: Span) -> int:
    """How many characters two ranges share; 0 for different articles."""
    if left.article_id != right.article_id:
        return 0
    return max(0, min(left.end, right.end) - max(left.start, right.start))


def matches(citation: Span, gold: Span) -> bool:
    """The two ranges overlap by at least half of the shorter one."""
    return overlap(citation, gold) * 2 >= min(citation.length, gold.length) > 0


def holds(shown: Sequence[Span], gold: Span) -> bool:
    """At least half of the gold sentence is in the shown ranges together; any range of the article if gold has none."""
    inside = [span for span in shown if span.article_id == gold.article_id]
    if not gold.length:
        return bool(inside)
    covered, upto = 0, gold.start
    for span in sorted(inside, key=lambda one: one.start):
        end = min(span.end, gold.end)
        covered += max(0, end - max(span.start, upto))
        upto = max(upto, end)
    return covered * 2 >= gold.length


# Retrieval


def first_ranks(passages: Sequence[Span], gold: Sequence[Span]) -> tuple[int | None, ...]:
    """For each gold sentence the 1-based rank of the first passage that holds it, or None."""
    return tuple(next((rank for rank, one in enumerate(passages, 1) if holds([one], g)), None) for g in gold)


def recall_at(ranks: Sequence[int | None], k: int) -> float | None:
    """The share of gold sentences that the first `k` passages hold: 0 or 1 where there is one. None without gold.

    Counted over gold sentences and not over relevant passages (as ir_measures does), because passages overlap: two of
    them holding the same sentence prove no more than one.
    """
    return sum(rank is not None and rank <= k for rank in ranks) / len(ranks) if ranks else None


def reciprocal_rank(ranks: Sequence[int | None], k: int) -> float | None:
    """1 / rank of the first passage that holds a gold sentence, 0 if none of the first `k` does. None without gold."""
    if not ranks:
        return None
    best = min((rank for rank in ranks if rank is not None), default=None)
    return 1 / best if best is not None and best <= k else 0.0


def ndcg(ranks: Sequence[int | None], k: int) -> float | None:
    """Discounted gain at `k`, over the ideal one: 1 for a passage holding a gold sentence that none before it holds.

    The ideal list has those passages and one more for every gold sentence that was never found, all at the top. So 1
    means: all gold sentences found, no useless passage in between; one passage may hold several. None without gold.
    """
    if not ranks:
        return None
    gains = {rank for rank in ranks if rank is not None}
    ideal = len(gains) + sum(rank is None for rank in ranks)
    found = math.fsum(_discount(rank) for rank in sorted(gains) if rank <= k)
    return found / math.fsum(_discount(rank) for rank in range(1, min(ideal, k) + 1))


def _discount(rank: int) -> float:
    return 1 / math.log2(rank + 1)


# One prediction


@dataclass(frozen=True, slots=True)
class Score:
    """What one prediction is worth. None: not defined for this question."""

    answerable: bool
    kind: str | None
    answered: bool | None  # None for a retrieval-only run, and where the model failed: neither answer nor abstention
    exact_match: float | None = None
    contains_gold: float | None = None
    token_f1: float | None = None
    words_exact_match: float | None = None  # the same of the answer's words (`answering_words`)
    words_f1: float | None = None
    verbatim: tuple[bool, ...] = ()  # per citation of a shown claim: the quote is the article's text at that range
    dangling: int = 0  # citations of a range that was not among the evidence
    unknown_marks: int = 0  # marks the model wrote that no evidence has; the gate refused them
    citations_per_claim: tuple[int, ...] = ()  # per shown claim
    withdrawn: tuple[bool, ...] = ()  # per claim: the gate left it without a citation
    quote_chars: tuple[int, ...] = ()  # per citation
    citation_precision: float | None = None
    citation_recall: float | None = None
    evidence_recall: float | None = None  # share of gold sentences among the shown evidence
    evidence_any: float | None = None
    evidence_all: float | None = None
    ranks: tuple[int | None, ...] = ()  # per gold sentence: rank of the first passage that holds it
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    upheld: tuple[
        bool | None, ...
    ] = ()  # per shown claim: the gate's rules hold it against what it cites; None: not tried
    confidence: float | None = (
        None  # that the answer is right, in [0, 1]; of an abstention only where the system gives one
    )

    @property
    def right(self) -> bool | None:
        """The gold answer is given, or what is not answerable is withheld. None where a program cannot tell.

        Whether it can tell depends on the question alone and not on how it ended, so that all systems share a denominator.
        """
        if self.answered is None:
            return None
        if not self.answerable:
            return not self.answered
        return None if self.contains_gold is None else bool(self.contains_gold)


def score(question: Question, prediction: Prediction, texts: Mapping[str, str]) -> Score:
    """Measure one prediction. `texts` has the text of each article by id, as its file has it."""
    gold = question.gold if question.answerable else ()
    evidence = spans(prediction["evidence"])
    ranks = first_ranks(spans(prediction["retrieved"]), gold)
    held = [holds(evidence, one) for one in gold]
    found: dict[str, Any] = {
        "answerable": question.answerable,
        "kind": question.kind,
        "evidence_recall": sum(held) / len(held) if held else None,
        "evidence_any": float(any(held)) if held else None,
        "evidence_all": float(all(held)) if held else None,
        "ranks": ranks,
        "timings_ms": prediction["timings_ms"],
    }
    if prediction["status"] is None or prediction["reason"] == "llm_unavailable":
        return Score(answered=None, **found)
    answered = prediction["status"] == "answered"
    if question.answerable:
        found |= _answer_scores(question, prediction["answer"] if answered else None)
        found |= _words_scores(question, answering_words(prediction) if answered else None)
    if question.answerable and answered:
        found |= _citation_scores(question, prediction)
    return Score(answered=answered, confidence=confidence(prediction), **found, **_claim_scores(prediction, texts))


def spans(rows: Sequence[Mapping[str, Any]]) -> list[Span]:
    """The ranges of citations, evidence or passages as a prediction has them."""
    return [Span(row["article_id"], row["start"], row["end"]) for row in rows]


def cited(prediction: Prediction) -> list[Mapping[str, Any]]:
    """Every citation of the claims that are shown, in order, repeats included."""
    return [citation for claim in prediction["claims"] for citation in claim["citations"]]


def is_shown(claim: Mapping[str, Any]) -> bool:
    """A claim is shown if the gate left it a citation. Baselines without a gate say so of each claim themselves."""
    return bool(claim.get("shown", bool(claim["citations"])))


def answering_words(prediction: Prediction) -> str:
    """The words that stand out in the shown sentences as those that answer; of a sentence where none do, all of it.

    What was found on the way, where it took several steps, is not the answer.
    """
    shown = [claim for claim in prediction["claims"] if is_shown(claim)]
    if prediction.get("steps"):
        shown = [claim for claim in shown if claim.get("words")] or shown[-1:]
    return " ".join(claim["text"][slice(*(claim.get("words") or (0, None)))] for claim in shown)


def confidence(prediction: Prediction) -> float | None:
    """The probability that the system gives itself (`answerability`), else its best citation's support; None without both."""
    own = prediction.get("answerability")
    if own is not None:
        return float(own)
    return max((citation["support"] for citation in cited(prediction)), default=None)


def _answer_scores(question: Question, answer: str | None) -> dict[str, float | None]:
    """The three answer measures; an abstention (None) from an answerable question has none of the gold: 0."""
    if answer is None:
        short = 0.0 if has_short_gold(question) else None
        return {"exact_match": short, "contains_gold": short, "token_f1": 0.0 if question.answers else None}
    exact, contains = exact_match(answer, question), contains_gold(answer, question)
    return {
        "exact_match": None if exact is None else float(exact),
        "contains_gold": None if contains is None else float(contains),
        "token_f1": token_f1(answer, question),
    }


def _words_scores(question: Question, words: str | None) -> dict[str, float | None]:
    scores = _answer_scores(question, words)
    return {"words_exact_match": scores["exact_match"], "words_f1": scores["token_f1"]}


def _citation_scores(question: Question, prediction: Prediction) -> dict[str, float | None]:
    gold = [span for span in question.gold if span.length]
    ranges = list(dict.fromkeys(spans(cited(prediction))))
    if not gold:
        return {}
    right = [any(matches(one, g) for g in gold) for one in ranges]
    covered = [any(matches(one, g) for one in ranges) for g in gold]
    return {
        "citation_precision": sum(right) / len(right) if right else None,
        "citation_recall": sum(covered) / len(covered),
    }


def _claim_scores(prediction: Prediction, texts: Mapping[str, str]) -> dict[str, Any]:
    citations = cited(prediction)
    shown = [claim for claim in prediction["claims"] if is_shown(claim)]
    evidence = set(spans(prediction["evidence"]))
    labels = {row["label"] for row in prediction["evidence"]}
    marks = [mark["label"] for claim in prediction["claims"] for mark in claim["rejected"]]
    return {
        "verbatim": tuple(_is_verbatim(citation, texts) for citation in citations),
        "dangling": sum(span not in evidence for span in spans(citations)),
        "unknown_marks": sum(mark is not None and mark not in labels for mark in marks),
        "citations_per_claim": tuple(len(claim["citations"]) for claim in shown),
        "withdrawn": tuple(not is_shown(claim) for claim in prediction["claims"]),
        "upheld": tuple(claim.get("upheld", bool(claim["citations"])) for claim in shown),
        "quote_chars": tuple(len(citation["quote"]) for citation in citations),
    }


def _is_verbatim(citation: Mapping[str, Any], texts: Mapping[str, str]) -> bool:
    text, start, end = texts.get(citation["article_id"]), citation["start"], citation["end"]
    return text is not None and 0 <= start < end <= len(text) and text[start:end] == citation["quote"]
