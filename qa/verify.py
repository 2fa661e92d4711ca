"""The gate between the model and the reader: a draft becomes a claim with citations that support it, or is withdrawn.

Rules decide what can be decided by rule (numbers, days, names, negation); a score over words and meaning decides the rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qa import facts, kinds
from qa.types import Claim, Draft, Evidence, Rejection

Embed = Callable[[str], NDArray[np.float32]]

OPPOSITE = "says the opposite of the cited sentence"
_OTHER_SIDE = " where the cited sentence says "
CLEARLY_BETTER = 0.25  # by so much another sentence must be the better one to take the place of a mark that stands
NO_ANSWER = "a question, not an answer"
LEAST_SAID = 0.66  # share of a claim's words, names aside, that its sentence must say: names alone prove nothing
LEAST_OF_EFFECT = 0.4  # share of what is explained, names aside, that the sentence with the cause must speak of
# What a word counts that stands only in the question: nobody has said it yet. Of a large model it counts in
# full: of 23 claims of one that only the half is against, the cited sentence says 21, by a reader of both.
QUESTION_WORD = 0.5
NOT_MORE = "says no more than the question"
FRAGMENT = 3  # content words; an answer with fewer is read together with its question

# A sentence that speaks of "he" or "the envoy" borrows the name from the sentences before it; any other stands for itself.
_LEANS_BACK = re.compile(
    r"\b(?:he|she|it|they|him|her|them|his|its|their|who|both|this|these|those)\b|\bthe(?:\s+[\w.]+)?\s+[a-z]\w+",
    re.IGNORECASE,
)


# Where a claim may be parted in two that are proved by a sentence each.
_JOINT = re.compile(
    r"[,;:]\s+(?:(?:and|but|while|whereas)\s+)?|\s+(?=(?:and|but|while|whereas|because|after|before|when|who|which)\s)"
)
LENT = 1  # names, at most, that only the text around a sentence has: "he" is one, and the rest is put together
_YES_OR_NO = re.compile(
    r"(?:did|do|does|is|are|was|were|has|have|had|will|would|can|could|may|might|should|shall|must)\b", re.IGNORECASE
)
# A question; what ends inside quotation marks ('It has "Who is first?') ends with a title that asks one.
_ASKS = re.compile(r"(?:[^\"“]|[\"“][^\"”]*[\"”])*\?|[\"“][^\"”]*\?[\"”]?")
_PERSON = re.compile(r"\b(?:he|she)\b")  # of whom the small model guesses
_ROUND_MARK = re.compile(r"(?<=\s)\((\d{1,2})\)(?=[.!?]?$)")  # "... in 1994 (2)." where [2] is meant
_SAID = re.compile(r"[\"“”]")  # words in quotation marks
_THE_COUNT = re.compile(r"\b(?:the|what|which) (two|three|four|five|six|seven|eight|nine|ten)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Support:
    """How well some sentences support a text."""

    score: float  # in [0, 1]
    failures: tuple[str, ...]  # rules that it breaks, in words; any of them refuses it whatever the score


class Gate:
    """Checks drafts against the evidence of one question."""

    def __init__(
        self,
        question: str,
        evidence: Sequence[Evidence],
        *,
        floor: float,
        embed: Embed | None = None,
        large: bool = True,
    ) -> None:
        """Sentences below `floor` do not support a claim; without `embed`, meaning is judged by shared words alone.

        Of a `large` model the question's words count as said, and its own mark stands; of a small one a claim with a word that
        its sentence does not have gives way to the sentence.
        """
        self._labels: Mapping[int, Evidence] = {e.label: e for e in evidence}
        self._floor = floor
        self._embed = embed
        self._large = large
        self._question = question
        self._asked = frozenset(facts.content_stems(question))
        self._yes_or_no = bool(_YES_OR_NO.match(question))
        self._vectors: dict[str, NDArray[np.float32]] = {}
        texts = [question, *(text for e in evidence for text in (e.text, e.title, e.context))]
        self._known = frozenset(name for text in texts for name in facts.names(text))
        self._common = frozenset(word for text in texts for word in facts.small_words(text))

    def check(self, draft: Draft) -> Claim:
        """Return the claim: its own marks where they hold, better ones where they do not, no citations where nothing holds.

        A large model's mark that does not hold gives way only to one that is better by CLEARLY_BETTER.
        """
        if not draft.labels and (mark := _ROUND_MARK.search(draft.text)) and int(mark[1]) in self._labels:
            draft = Draft(draft.text[: mark.start()].rstrip() + draft.text[mark.end() :], (int(mark[1]),))
        rejected = [Rejection(label, "unknown mark") for label in draft.labels if label not in self._labels]
        given = [self._labels[label] for label in draft.labels if label in self._labels]
        if why := self._no_answer(draft.text):
            refused = [Rejection(label, why) for label in (*(e.label for e in given), None)]
            return Claim(draft.text, (), (*rejected, *refused))
        if len(given) == 1 and draft.text == given[0].text and not facts.obeys("", draft.text):
            return Claim(draft.text, (given[0].cited(),), tuple(rejected))  # it is its own proof
        alone = {e.label: self.support(draft.text, e) for e in self._labels.values()}
        chosen = self._choose(draft.text, given, alone)
        cited = {evidence.label for evidence, _ in chosen}
        rejected += [Rejection(e.label, self._reason(alone[e.label])) for e in given if e.label not in cited]
        if not chosen:
            closest = max(alone.values(), key=lambda support: (not support.failures, support.score), default=None)
            reason = self._reason(closest) if closest else "no evidence"
            return Claim(draft.text, (), (*rejected, Rejection(None, reason)))
        # A copy with a word exchanged is where the small model goes wrong unseen by the rules: the sentence says it better.
        text = draft.text
        if len(chosen) == 1 and self._gives_way(text, chosen[0][0]):
            text = chosen[0][0].text
        return Claim(text, tuple(sentence.cited(score) for sentence, score in chosen), tuple(rejected))

    def support(self, text: str, sentence: Evidence) -> Support:
        """Return how well `sentence` supports `text`, leaving aside a yes or no that `text` begins with."""
        quoted = sentence.text
        if self._large or self._yes_or_no:
            text = kinds.parted(text)[1] or text
        around, dated = _around(text, sentence), _dated(sentence)
        # A question's "the two sources" may be said again; it counts what the sentence names.
        counted = {n for word in _counted(text) & _counted(self._question) for n in facts.numbers(f"the {word}")}
        # What the reader can work out from the article's date ("Tuesday") may be said in full, but only as a date.
        allowed = facts.numbers(quoted) | counted | (facts.numbers(dated) & facts.calendar_numbers(text))
        failures = [
            *(f"number not in the cited sentence: {n:f}" for n in sorted(facts.numbers(text) - allowed)),
            *(f"unit not in the cited sentence: {unit}" for unit in sorted(facts.units(text) - facts.units(quoted))),
            *(f"name not in the cited sentence: {name}" for name in self._unnamed(text, f"{quoted} {around} {dated}")),
        ]
        if len(lent := self._lent(text, f"{quoted} {dated}")) > (0 if self._begins_with_a_name(quoted) else LENT):
            failures.append(f"names that only stand around the cited sentence: {', '.join(lent)}")
        failures += [f"{word!r} is not in the cited sentence" for word in facts.unsaid(text, quoted)]
        if opposites := facts.contrary(text, quoted):
            failures.append(f"says {opposites[0]!r}{_OTHER_SIDE}{opposites[1]!r}")
        stems = facts.content_stems(text)
        if (
            facts.negated(text) != facts.negated(quoted)
            and (facts.negated(text) or facts.denied(quoted, frozenset(stems)))
        ) or (facts.numbers(text) & (facts.denied_numbers(text) ^ facts.denied_numbers(quoted))):
            failures.append(OPPOSITE)
        # "9.6 million euros" tells no more as a fact than "how much is it expected to cost?"
        told = f"{self._question} {text}" if len(stems) < FRAGMENT else text
        if facts.hedged(quoted) and not facts.hedged(told):
            failures.append("says as a fact what the cited sentence leaves open")
        if self._invents_cause(text, quoted):
            failures.append("gives a cause that the cited sentence does not give")
        if facts.obeys(text, quoted):
            failures.append("the cited sentence is an order, not a statement")
        there = set(facts.content_stems(f"{quoted} {dated}"))
        named = self._stems_of_names(text)
        plain = [stem for stem in stems if stem not in named]
        if plain and self._said(plain, there) < LEAST_SAID:
            failures.append("says more than the cited sentence")
        near = named & set(facts.content_stems(around))
        if not (facts.numbers(text) or any(facts.among(stem, there) for stem in (*stems, *self._asked))):
            failures.append("the cited sentence itself says nothing of it")
        if len(stems) < FRAGMENT:  # "900 euros" says what the question asks about it
            stems, text = [*stems, *self._asked], f"{self._question} {text}"
        words = sum(stem in there or stem in near for stem in stems) / len(stems) if stems else 0.0
        meaning = self._cosine(text, quoted) if self._embed else words
        return Support(max(0.0, min(1.0, 0.6 * words + 0.4 * meaning)), tuple(failures))

    def _lent(self, text: str, grounds: str) -> list[str]:
        """The names of `text` of which neither the sentence nor the question has any part."""
        strange = set(self._unnamed(text, f"{grounds} {self._question}"))
        runs = facts.name_runs(text, known=self._known, common=self._common)
        return list(dict.fromkeys(" ".join(run) for run in runs if strange.issuperset(run)))

    def _begins_with_a_name(self, quoted: str) -> bool:
        """True if what the sentence is about is plainly told by itself: "Velm also served as ..."."""
        first = self._names(quoted)[:1]
        return bool(first) and facts.folded(quoted).startswith(first[0])

    def _gives_way(self, text: str, sentence: Evidence) -> bool:
        """True if the sentence is to be shown instead, word for word."""
        rearranged = not self._large and facts.rearranged(kinds.parted(text)[1], sentence.text)
        return rearranged or (not self._yes_or_no and self._reworded(text, sentence))

    def _reworded(self, text: str, sentence: Evidence) -> bool:
        """True if the words of `text`, names aside, are those of the sentence with some exchanged, or it says "he" by itself.

        Of a small model also if one of them is in neither the sentence nor what it leans on; of a few words, and of a piece
        that has none of the question's, these are taken for theirs: "Ada Holm" says that it was she who did what is asked. And
        what somebody said stays in the sentence's words: the small model puts it into another mouth.
        """
        quoted = sentence.text
        if set(_PERSON.findall(text.casefold())) - set(_PERSON.findall(quoted.casefold())):
            return True
        named = self._stems_of_names(text) | self._stems_of_names(quoted)
        said, there = ([stem for stem in facts.content_stems(one) if stem not in named] for one in (text, quoted))
        if not self._large:
            if _SAID.search(text):
                return True
            known = set(facts.content_stems(f"{quoted} {_around(text, sentence)} {_dated(sentence)}"))
            few = len(facts.content_stems(text)) < FRAGMENT or self._cut_out(text, quoted)
            asked = self._asked - self._stems_of_names(self._question) if few else frozenset()
            if not all(facts.among(stem, known) for stem in (*said, *asked)):
                return True
        return facts.reworded(said, there)

    def _cut_out(self, text: str, quoted: str) -> bool:
        """True if `text` is a piece of the sentence without a word of the question: "Ada Lind, the engineer"."""
        piece = facts.folded(text).strip(" .") in facts.folded(quoted)
        return piece and self._asked.isdisjoint(facts.content_stems(text))

    def _invents_cause(self, text: str, quoted: str) -> bool:
        """True if `text` says "because" of what the sentence gives no cause of: the small model joins what stands near."""
        effect = facts.because(text)
        if effect is None:
            return False
        effect = effect if facts.content_stems(effect) else self._question
        named = self._stems_of_names(effect)
        there = set(facts.content_stems(quoted))
        plain = [stem for stem in facts.content_stems(effect) if stem not in named]
        shared = sum(facts.among(stem, there) for stem in plain)
        return not facts.tells_why(quoted) or shared < LEAST_OF_EFFECT * len(plain)

    def _no_answer(self, text: str) -> str | None:
        """Why `text` answers nothing, whatever the articles say; None if it may be an answer."""
        if _ASKS.fullmatch(text):
            return NO_ANSWER
        return None if self._yes_or_no or facts.adds(text, self._question) else NOT_MORE

    def _choose(
        self, text: str, given: Sequence[Evidence], alone: Mapping[int, Support]
    ) -> list[tuple[Evidence, float]]:
        """The fewest sentences that support the text, the model's own choice first, each with its score."""
        likeliest = [*given, *sorted(self._labels.values(), key=lambda e: -alone[e.label].score)[:1]]
        if any(alone[e.label].failures == (OPPOSITE,) for e in likeliest):
            return []  # the articles deny it: no other sentence can prove it
        if found := self._best(given, alone):
            return [found]
        if any(_only_contrary(alone[e.label]) for e in likeliest):
            return []  # nor is a half of it proved elsewhere
        for joint in _JOINT.finditer(text):
            if halves := self._halves(text[: joint.start()], text[joint.end() :], given):
                return halves
        return []

    def _best(self, given: Sequence[Evidence], supports: Mapping[int, Support]) -> tuple[Evidence, float] | None:
        """The sentence that holds best, the model's own unless another is clearly better.

        So a large model's own may stand that fails, and then there is none: of four that gave way to another, no other was right.
        """
        holding = [e for e in self._labels.values() if self._holds(supports[e.label])]
        if not holding:
            return None
        best = max(holding, key=lambda e: supports[e.label].score)
        kept = [e for e in given if e in holding] or (given if self._large else [])
        own = max(kept, key=lambda e: supports[e.label].score, default=best)
        chosen = own if supports[own.label].score > supports[best.label].score - CLEARLY_BETTER else best
        return (chosen, supports[chosen.label].score) if chosen in holding else None

    def _halves(self, first: str, second: str, given: Sequence[Evidence]) -> list[tuple[Evidence, float]]:
        """Two sentences that prove a half each and speak of the same; none if there are none."""
        found: list[tuple[Evidence, float]] = []
        for half in (first, second):
            if len(facts.content_stems(half)) < FRAGMENT:
                return []  # too little to be proved by itself
            best = self._best(given, {e.label: self.support(half, e) for e in self._labels.values()})
            if best is None:
                return []
            found.append(best)
        (one, _), (other, _) = found
        if one == other:
            return []  # it does not prove the whole, so the halves belong together in another way
        if one.article_id != other.article_id and not self._of_one_matter(one, other):
            return []
        shared = self._names(first) if not self._names(second) else self._names(second)
        if shared and not set(shared) & set(facts.folded(f"{other.text} {other.context} {other.title}").split()):
            return []
        return sorted(found, key=lambda pair: pair[0].label)

    def _of_one_matter(self, one: Evidence, other: Evidence) -> bool:
        """True if sentences of two articles name the same, or each names something of the question: both schools, both rivers."""
        if set(self._names(one.text)) & set(self._names(other.text)):
            return True
        asked = set(self._names(self._question))
        return all(asked & set(self._names(f"{e.title}. {e.context} {e.text}")) for e in (one, other))

    def _said(self, stems: Sequence[str], there: set[str]) -> float:
        """The share of `stems` that the sentence says; a word taken over from the question counts less."""
        if_asked = 1.0 if self._large else QUESTION_WORD
        weights = [1.0 if facts.among(stem, there) else if_asked * (stem in self._asked) for stem in stems]
        return sum(weights) / len(weights)

    def _holds(self, support: Support) -> bool:
        return not support.failures and support.score >= self._floor

    def _reason(self, support: Support) -> str:
        return (
            "; ".join(support.failures)
            or f"support {support.score:.2f} is too low or another sentence proves it better"
        )

    def _unnamed(self, text: str, grounds: str) -> Iterable[str]:
        there = set(facts.folded(grounds).replace("'s", "").split()) | set(facts.content_stems(grounds))
        plain = {word.strip(".,;:!?()\"'“”-") for word in there} | _written_otherwise(text, grounds)
        for name in dict.fromkeys(self._names(text)):
            parts = [name, *name.replace("-", " ").split()]
            if not (
                name in plain
                or facts.stem(name) in there
                or all(p in plain or facts.stem(p) in there for p in parts[1:])
            ):
                yield name

    def _names(self, text: str) -> list[str]:
        return facts.names(text, known=self._known, common=self._common)

    def _stems_of_names(self, text: str) -> set[str]:
        return {part for name in self._names(text) for part in facts.content_stems(name)}

    def _cosine(self, text: str, quoted: str) -> float:
        assert self._embed is not None  # noqa: S101 (for mypy: the caller has looked)
        for one in (text, quoted):
            if one not in self._vectors:
                self._vectors[one] = self._embed(one)
        return float(self._vectors[text] @ self._vectors[quoted])


def _around(text: str, sentence: Evidence) -> str:
    """What the sentence borrows from: its title and the sentences before it, if it leans on them; "" if it does not.

    A sentence that speaks of "he" or "the envoy" borrows the name. What stands next to an order is part of the order.
    """
    leans = _LEANS_BACK.search(sentence.text) and not facts.obeys(text, sentence.context)
    return f"{sentence.title}. {sentence.context}" if leans else ""


def _dated(sentence: Evidence) -> str:
    """The days that the sentence speaks of, and that of its article, in words."""
    return facts.day_words(facts.days(sentence.text, sentence.date) | ({sentence.date} if sentence.date else set()))


def _written_otherwise(text: str, grounds: str) -> set[str]:
    """The folded names of `text` that `grounds` has as initials or written out: "EU" and "the European Union"."""
    initials = {name.casefold() for name in facts.short_forms(grounds)}
    written = set(re.findall(r"\b[A-Z]{2,6}\b", grounds))
    return initials.union(*(words for name, words in facts.short_forms(text).items() if name in written))


def opposed(reason: str) -> bool:
    """True if a claim was refused since its sentence says the opposite."""
    return OPPOSITE in reason or _OTHER_SIDE in reason


def _only_contrary(support: Support) -> bool:
    """True if nothing speaks against the sentence but that it is on the other side: "rose" where the claim has "fell"."""
    return len(support.failures) == 1 and _OTHER_SIDE in support.failures[0]


def _counted(text: str) -> set[str]:
    """The words that count what is named beside: "three" of "what are the three aims" and "which three aims"."""
    return {word.lower() for word in _THE_COUNT.findall(text)}
