"""How likely it is that the articles answer a question: one number, and a dial in the configuration (`answerable`).

It is a logistic function of the best passage's score, of what the reader (`qa.reader`) makes of the sentence, and of the first
word of the taught model, which it names a sentence or refuses with (`leaning`, HEARD). Rules say what cannot be an answer
(`qa.kinds.fits`): of a model that was not taught they withhold what it cites, beside the taught one they are a weight.
`python -m evals.calibrate` fits the weights from any runs. HEARD and CLOSER are the mean of two fits, each with the sentence
that the model names, answerable and other questions weighing the same, qed's less: one on 1,021 questions of squad2, clapnq and
qed with the adapter and the reader of the fourth training, one on 263 of them with those of the fifth. The biases are higher by
.6 than that: by .4 for the refused share that is wanted, by .2 as the two adapters since then refuse more of the same questions.
AUROC of the whole on those 263: squad2 .90, clapnq .96, qed .74 (with the adapter of now, on 210 others: .93, .92, .75); on
143 questions to new articles, which no weight was fitted to, .96. The dial stands at .5; for a model that was not taught
(READ) .57 is better, and UNREAD is for where there is no reader.

Where that leaves it open (`Weights.unsure`: a quarter to a third of the questions), the taught model is shown the sentence by
itself, and its first word there counts as well (`closer`, CLOSER). To ask it more often, within 2 or 3 logits or always, gave
nothing more on the same questions. For yes or no it is asked always. Asking the same in small letters, and showing what
stands before the sentence too, gave nothing on top (204 questions of squad2, the adapter before).

An explanation (`qa.explain`) is judged as the sentence that was named with those next to it, by what the model leans to among all
and where it sees these alone (EXPLAINED). The weights were chosen on 171 such questions, 76 of them to articles that were written
for it: 25 of 120 are refused and 8 of 51 without an answer answered, 31 and 9 by the weights for one sentence.

What did not help, with a model that was not taught: the cross-encoder's score of the sentence beside its reading, the reading
of the other sentences, the gap to the next one, the share of the question's words, whether question and sentence are copies
with words exchanged, whether the model cites the sentence that the reader likes best, the model's mark on the sentence where
its own wording failed, the cosine of the two, its own probability of refusing (.58 on 39), asking it whether the sentence
answers (.68 on 55), and its inner states at that question (a linear probe on layer 16 of 28, fitted on the other articles of
squad2: .70 on 408). With the taught one: how sure it is of the sentence that it names, whether that is the reader's, what is
asked for (a name, a reason), and the passage's score cut off above: by itself squad2 is then parted better (12% refused and
.75 withheld), but clapnq worse, where the score is what tells.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Literal

from qa import facts, kinds, wording
from qa.parse import REFUSAL
from qa.types import Citation, Evidence, EvidenceFound, Reading

Read = Callable[[str, Sequence[Evidence]], Sequence[Reading]]  # as `qa.reader` reads
Look = Callable[[Sequence[Evidence]], float | None]  # what a taught model leans to, shown these sentences alone
Tell = Callable[[Evidence], float | None]  # its log-odds of yes against no, shown this sentence alone
Verdict = Literal["Yes", "No"]


@dataclass(frozen=True, slots=True)
class Weights:
    """Of the logistic function."""

    bias: float
    sentence: float  # for each logit of the sentence that is to answer, as the cross-encoder reads it with the question
    passage: float  # for each logit of the best passage
    says: float  # for each logit of that sentence's reading
    written: float  # where the model wrote the answer and the gate let it pass, or a rule tells yes from no
    leaning: float = 0.0  # for each of the log-odds of the model's first word
    unfit: float = -math.inf  # where a rule says that the sentence does not answer (`qa.kinds.fits`)
    closer: float = 0.0  # for each of the log-odds of its first word where it is shown that sentence alone
    hasty: float = 0.0  # where the question is typed as into a search box
    unsure: float = 1.0  # logits on either side of even odds, within which the model is asked for a closer look


@dataclass(frozen=True, slots=True)
class Beside:
    """Of the logistic regression that a sentence next to one that answers belongs to the explanation."""

    bias: float
    goes_on: float  # it stands after, not before
    between: float  # for each sentence between
    closer: float  # for each of the log-odds of the model's first word where it is shown that sentence alone


# Fitted to 36 and 45 explanations of new articles, and moved until .8 of what it adds is gold: .83 of all cited are then. With
# the adapter of now, which leans to more, 32 of 48 added ones are gold at this bias, 34 of 63 at .5 (67 explanations).
BELONGS = Beside(bias=0.25, goes_on=1.1, between=-0.95, closer=0.45)
READ = Weights(bias=-0.34, sentence=0.0, passage=0.14, says=0.45, written=0.6)
# Where the model tells. Of the sentences that it leaned to and a rule was against about half did answer (15 of 27).
HEARD = Weights(bias=-0.68, sentence=0.0, passage=0.14, says=0.27, written=0.0, leaning=0.4, unfit=-0.83, hasty=0.7)
# The same where the model has also told what it leans to when it sees that sentence alone.
CLOSER = Weights(
    bias=-0.71, sentence=0.0, passage=0.15, says=0.22, written=0.0, leaning=0.29, unfit=-0.93, closer=0.14, hasty=0.61
)
# The same two for an explanation, which is judged with the sentences next to it. The reader counts for nothing there: it likes
# the sentence on what happened best, whether or not it is told why.
EXPLAINED = Weights(
    bias=-0.2, sentence=0.0, passage=0.1, says=0.0, written=0.0, leaning=0.45, unfit=0.0, hasty=0.8, unsure=1.5
)
EXPLAINED_CLOSER = Weights(
    bias=-0.2, sentence=0.0, passage=0.1, says=0.0, written=0.0, leaning=0.27, unfit=0.0, closer=0.25, hasty=0.8
)
# The same two for yes or no. There it always takes the closer look, which counts most: the model was taught with sentences that
# leave such a question open. The second is fitted to 202 such questions, of which 56 are (AUROC .94; .93 by the look alone).
ASKED_FOR_YES = replace(HEARD, hasty=0.0, unsure=math.inf)
YES_OR_NO = Weights(bias=-1.3, sentence=0.0, passage=0.0, says=0.0, written=0.0, leaning=0.27, unfit=0.0, closer=0.6)
PLAINLY = 1.5  # log-odds at that look from which no rule counts against the sentence: of 21 such ones 18 answered
# What a large model chooses to answer is answerable in .93 of the cases (313 of 335 questions of squad2, clapnq, qed and to new
# articles), and no sign above tells in which: AUROC .39 of the passage's score, .48 of the reading, .49 of both and the rules.
ITS_CHOICE = 0.93
FLOOR = 1.0  # of the best passage's score beside what the model tells: lower, it speaks of short questions, not of what is there
UNREAD = Weights(bias=-1.34, sentence=0.16, passage=0.155, says=0.0, written=1.75)  # where there is no reader
SCORE_BESIDE_READING = 0.5  # gold sentence first: squad2 .89 (.84 by the score alone), qed .80 (.78), clapnq .77 (.79)
NEAR = 4.0  # logits behind the best sentence at which none is taken instead of it; at 2 "Nobody was killed" was too far
LOOKS_BETTER = (
    1.0  # log-odds by which a taught model leans more to another sentence, that this takes its own one's place
)
# Log-odds of yes against no from which a taught model is believed: it leans to yes. Of 65 that it tells so among the questions
# that YES_OR_NO is fitted to, 61 are right; of 110 others 106.
SURE_OF_YES, SURE_OF_NO = 2.0, -1.0
SETTLES = 2.5  # log-odds of its first word from which it is asked for that; what it leans to less settles little
MOST_LOOKED = 4  # further sentences of a list that a taught model is asked about; each costs about a second
MOST_LEANING = 8.0  # where the first words that a server tells of end
FAR_BETTER = 2.5  # by so much, in logits of `_standings`, another sentence takes the place of what a small model cites

_PLAYS_A_PART = re.compile(r"\b(?:question|answer|assistant|system|user)\s*:|<\s*[|/]|\[/?INST\]|```", re.IGNORECASE)
_TEMPLATE = re.compile(r"<\s*[|｜]|[|｜]\s*>|\[/?INST\]|<(?:start|end)_of_turn>|</s>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Alone:
    """A sentence of the evidence that answers the question as it stands."""

    sentence: Evidence
    verdict: Verdict | None  # what it says to a yes/no question by a rule
    probability: float | None  # in [0, 1]; None where no cross-encoder has read it


class Answerability:
    """Judges the answers to one question. `read` reads a sentence of the evidence, once, when it is first asked for.

    What a `large` model chooses to answer is judged by that alone (ITS_CHOICE).
    """

    def __init__(self, found: EvidenceFound, read: Read | None = None, *, large: bool = False) -> None:
        self.found = found
        self._large = large
        self._yes_or_no = kinds.kind(found.standalone) == "yes-no"
        self.leaning: float | None = None  # of a taught model, as soon as it has begun to answer
        self.named: int | None = None  # the label that a taught model began with
        self.look: Look | None = None  # a closer one, where the model can be asked for it
        self.closer: float | None = None  # what it leaned to at the last one
        self.tell: Tell | None = None  # yes from no, where the model can be asked for it
        self.together: Mapping[int, tuple[Evidence, ...]] = {}  # `qa.explain.together`, for an explanation
        self._read = read
        self._readings: dict[int, Reading] = {}
        self._looks: dict[tuple[int, ...], float | None] = {}

    def readings(self, sentences: Sequence[Evidence]) -> list[Reading]:
        """Return what the reader makes of these sentences of the evidence; empty where there is no reader."""
        if self._read is None:
            return []
        new = [e for e in sentences if e.label not in self._readings]
        if new:
            read = self._read(wording.read_as(self.found.standalone), new)
            self._readings.update({e.label: reading for e, reading in zip(new, read, strict=True)})
        return [self._readings[e.label] for e in sentences]

    def written(self, citations: tuple[Citation, ...]) -> float | None:
        """Return the probability in [0, 1] for an answer with these citations.

        None where no cross-encoder has read them, unless a large model wrote it.
        """
        if self._large:
            return ITS_CHOICE
        cited = self._cited(citations)
        if any(kinds.opens_or_asks(e.text) or kinds.asks_it_too(self.found.standalone, e.text) for e in cited):
            return 0.0
        told = self._with_beside(cited)
        fits = self._fits(*told)
        likely = self._probability(told, written=True, fits=fits)
        return likely if fits or likely is not None else 0.0

    def may_answer(self, citations: tuple[Citation, ...]) -> bool:
        """Return False if the rules say of any cited sentence that it answers nothing whatever is asked."""
        return all(says_something(e) for e in self._cited(citations))

    def outdone(self, citations: tuple[Citation, ...]) -> Alone | None:
        """Return the sentence that answers by itself, and by FAR_BETTER better than any of these; None if there is none."""
        cited = self._cited(citations)
        found = self.alone()
        if found is None or found.sentence in cited or not cited:
            return None
        best, *others = self._standings([found.sentence, *cited])
        return found if best - max(others) >= FAR_BETTER else None

    def seen_better(self, citations: tuple[Citation, ...]) -> Alone | None:
        """Return the sentence that outdoes these also in the eyes of a taught model, shown each alone; None if there is none.

        Of 53 questions of qed, clapnq and our own the reader outdoes what the model named in 4; in 2 the model agrees, rightly.
        """
        found, before = self.outdone(citations), self.closer
        if found is not None and self.look is not None:
            own = self._looked(self._cited(citations))
            other = self._looked([found.sentence])
            if own is not None and other is not None and other > max(0.0, own + LOOKS_BETTER):
                self.closer = other
                return found
        self.closer = before
        return None

    def also(self, told: Collection[int]) -> Iterator[Evidence]:
        """Yield what answers beside the sentences with the labels `told`, for a question that wants all there are.

        Those are the likeliest that a taught model leans to where it sees them alone; none where it cannot be asked.
        """
        left = [e for e in self.found.evidence if e.label not in told and says_something(e) and not e.neighbour]
        ranked = sorted(zip(self._standings(left), left, strict=True), key=lambda pair: pair[0], reverse=True)
        for _, one in ranked[:MOST_LOOKED] if self.look is not None else ():
            if not self.far_behind((one.cited(),)) and (self._looked([one]) or 0.0) > 0.0:
                yield one

    def far_behind(self, citations: tuple[Citation, ...]) -> bool:
        """Return True if each of these is read as by NEAR worse an answer than the best sentence of the evidence."""
        best = max(self._standings([e for e in self.found.evidence if says_something(e)]), default=0.0)
        return best - max(self._standings(self._cited(citations)), default=0.0) > NEAR

    def where(self, citation: Citation) -> tuple[int, int] | None:
        """Return the range of a cited sentence that the reader takes for the answer; None where there is no reader."""
        return next(((reading.start, reading.end) for reading in self.readings(self._cited((citation,)))), None)

    def said(self, citation: Citation) -> str:
        """Return the words that stand there; "" where there is no reader."""
        place = self.where(citation)
        return citation.quote[slice(*place)] if place else ""

    def unhurried(self, probability: float) -> float:
        """Return what `probability` would be if the question were written out, where it was typed as into a search box."""
        odds = probability / max(1 - probability, 1e-9)
        return odds / (odds + (math.exp(self._weights()[0].hasty) if kinds.hasty(self.found.standalone) else 1.0))

    def _cited(self, citations: tuple[Citation, ...]) -> list[Evidence]:
        labels = {c.label for c in citations}
        return [e for e in self.found.evidence if e.label in labels]

    def alone(self) -> Alone | None:
        """Return the sentence that answers by itself, with its probability; None if no sentence does by the rules.

        That is the one that a taught model has named, else the best one by the cross-encoder, or one close behind it, that passes
        `kinds.fits`, and tells yes from no by `kinds.verdict` where that is asked. An order, words that play a part of a
        conversation, and what says no more than another question answer nothing.
        """
        if not self._yes_or_no:
            return next((self._judged(one, None) for one in self._likeliest()), None)
        if self.leaning is not None and self.named is not None:
            return next((self._judged(one, None) for one in self._likeliest() if one.label == self.named), None)
        told = ((one, kinds.verdict(self.found.standalone, one.text, around(one))) for one in self._likeliest())
        return next((self._judged(one, verdict) for one, verdict in told if verdict), None)

    def verdict(self, one: Evidence) -> Verdict | None:
        """Return what a sentence that answers says to a yes/no question; None where that is not sure.

        A taught model tells it, where it can be asked; a rule (`kinds.verdict`) where there is none. Of 731 questions of
        evals/taught the rule tells 71 right and 11 wrong; of 641 that ask the opposite of the same sentences, 23 and 55.
        """
        if self.tell is None or self.leaning is None:
            return kinds.verdict(self.found.standalone, one.text, around(one))
        if self.leaning < SETTLES:
            return None
        odds = self.tell(one)
        if odds is None or SURE_OF_NO < odds < SURE_OF_YES:
            return None
        return "Yes" if odds > 0 else "No"

    def _judged(self, one: Evidence, verdict: Verdict | None) -> Alone:
        told = self._with_beside([one])
        return Alone(one, verdict, self._probability(told, written=verdict is not None, fits=self._fits(*told)))

    def _likeliest(self) -> Iterator[Evidence]:
        """The sentences that may answer, best first. No other is read where the one that the model named will do."""
        weighed = self.leaning is not None  # and so is the rule against a sentence
        telling = self._telling()
        yield from (e for e in telling if e.label == self.named and (weighed or self._fits(e)))
        own = [e for e in self.found.evidence if not e.neighbour]
        least = max((e.score for e in own), default=0.0) - NEAR
        near = [e for e in telling if not e.neighbour and e.score >= least and self._fits(e)]
        ranked = sorted(zip(self._standings(near), near, strict=True), key=lambda pair: pair[0], reverse=True)
        yield from (one for _, one in ranked)

    def _telling(self) -> list[Evidence]:
        """The sentences that say more than the question, and do not ask it too."""
        asked = self.found.standalone
        saying = (e for e in self.found.evidence if says_something(e) and not kinds.asks_it_too(asked, e.text))
        return [e for e in saying if self._yes_or_no or facts.adds(e.text, asked)]

    def that_may_answer(self, labels: Sequence[int]) -> list[Evidence]:
        """Return the sentences with these labels that may answer, in that order."""
        telling = {e.label: e for e in self._telling()}
        return [telling[label] for label in dict.fromkeys(labels) if label in telling]

    def _fits(self, *told: Evidence) -> bool:
        return kinds.fits(self.found.standalone, " ".join(e.text for e in told), " ".join(map(around, told)))

    def _with_beside(self, told: Sequence[Evidence]) -> list[Evidence]:
        """The sentences, and where an explanation is wanted those right before and after them: they are judged as one."""
        beside = [
            e
            for one in told
            for e in self.together.get(one.label, ())
            if abs(e.sentence - one.sentence) == 1 and says_something(e)
        ]
        return sorted({e.label: e for e in (*told, *beside)}.values(), key=lambda e: e.label)

    def whole(self, one: Evidence) -> tuple[list[Evidence], list[Evidence]]:
        """Return what belongs before and after a sentence that answers, where an explanation is wanted.

        Those are the sentences next to it, one after the other up to the first that does not belong; none where the model cannot
        be asked.
        """
        run = list(self.together.get(one.label, ()))
        if self.look is None or one not in run:
            return [], []
        at = run.index(one)
        before = takewhile(lambda step: self._belongs(*step, goes_on=False), enumerate(reversed(run[:at])))
        after = takewhile(lambda step: self._belongs(*step, goes_on=True), enumerate(run[at + 1 :]))
        return [e for _, e in before][::-1], [e for _, e in after]

    def _belongs(self, between: int, one: Evidence, *, goes_on: bool) -> bool:
        odds = BELONGS.bias + BELONGS.goes_on * goes_on + BELONGS.between * between
        if not says_something(one) or odds + BELONGS.closer * MOST_LEANING <= 0:
            return False  # whatever the model would say
        closer = self._looked([one])
        return closer is not None and odds + BELONGS.closer * closer > 0

    def _standings(self, sentences: Sequence[Evidence]) -> list[float]:
        scores = [e.score for e in sentences]
        readings = self.readings(sentences)
        if not readings:
            return scores
        return [reading.says + SCORE_BESIDE_READING * score for reading, score in zip(readings, scores, strict=True)]

    def _probability(self, answering: Sequence[Evidence], *, written: bool, fits: bool) -> float | None:
        passages = [hit.stages["rerank"] for hit in self.found.retrieved if "rerank" in hit.stages]
        if not answering or not passages:
            return None
        score, passage = max(e.score for e in answering), max(passages)
        hasty = kinds.hasty(self.found.standalone)
        says = max((reading.says for reading in self.readings(answering)), default=None)

        def logit(weights: Weights, closer: float = 0.0) -> float:
            best = passage if weights.leaning == 0 else max(passage, FLOOR)
            made = weights.bias + weights.sentence * score + weights.passage * best + weights.says * (says or 0.0)
            made += weights.written * written + weights.leaning * (self.leaning or 0.0) + weights.closer * closer
            return made + weights.hasty * hasty + (0.0 if fits or closer > PLAINLY else weights.unfit)

        heard, looked = self._weights()
        judged = logit(UNREAD if says is None else READ if self.leaning is None else heard)
        if says is not None and self.leaning is not None and abs(judged) < heard.unsure and self.look is not None:
            self.closer = self._looked(answering)
            judged = judged if self.closer is None else logit(looked, self.closer)
        return 1 / (1 + math.exp(-judged))

    def _weights(self) -> tuple[Weights, Weights]:
        """Those for what a taught model leans to among all, and for where it has seen the sentence alone as well."""
        if self._yes_or_no:
            return ASKED_FOR_YES, YES_OR_NO
        return (EXPLAINED, EXPLAINED_CLOSER) if self.together else (HEARD, CLOSER)

    def _looked(self, sentences: Sequence[Evidence]) -> float | None:
        """What the model leans to where it is shown nothing but these; None if it cannot be asked, or does not tell."""
        labels = tuple(e.label for e in sentences)
        if labels not in self._looks:
            self._looks[labels] = self.look(sentences) if self.look is not None else None
        return self._looks[labels]


def leaning(instead: Mapping[str, float]) -> float:
    """Return the log-odds, within MOST_LEANING, that a model's first token begins an answer and not the refusal.

    `instead` has what the token might have been, with the natural logarithm of each probability.
    """
    refuses = sum(math.exp(log) for token, log in instead.items() if _begins_refusal(token))
    return _log_odds(1 - refuses, refuses)


def yes_against_no(instead: Mapping[str, float]) -> float | None:
    """Return the log-odds, within MOST_LEANING, of yes against no as a model's next token; None if it is likelier neither.

    `instead` is as for `leaning`.
    """
    yes, no = (math.exp(instead.get(f" {word}", -math.inf)) for word in ("Yes", "No"))
    if yes + no <= 0.5:
        return None
    return _log_odds(yes, no)


def _log_odds(one: float, other: float) -> float:
    """The log-odds of one probability against another, within MOST_LEANING."""
    odds = math.log(max(one, 1e-9)) - math.log(max(other, 1e-9))
    return max(-MOST_LEANING, min(MOST_LEANING, odds))


def _begins_refusal(token: str) -> bool:
    return bool(token.strip()) and REFUSAL.startswith(token.strip().upper())


def says_something(one: Evidence) -> bool:
    """False for an order, for what plays a part of a conversation, and for what only opens or asks."""
    return not (
        facts.obeys("", one.text) or _PLAYS_A_PART.search(one.text) or staged(one) or kinds.opens_or_asks(one.text)
    )


def staged(sentence: Evidence) -> bool:
    """True if the sentence stands in, or right after, what a chat template would read as a turn: it was put there for a model."""
    return bool(_TEMPLATE.search(f"{sentence.context} {sentence.text}"))


def around(sentence: Evidence) -> str:
    """What the rules may read besides a sentence: the title, the sentences before it, and the article's day."""
    day = f"{sentence.date:%A} {sentence.date.day} {sentence.date:%B %Y}" if sentence.date else ""
    return f"{sentence.title} {sentence.context} {day}"
