"""How likely it is that the articles answer a question: one number, and a dial in the configuration (`answerable`).

First rules say what cannot be an answer (`qa.kinds.fits`); what is left is a logistic function of three signs. BIAS, SENTENCE and
PASSAGE were fitted on 371 questions of squad2, qed and clapnq that are in no reported figure, with the best sentence of each;
WRITTEN and the dial were chosen on 39 of them with the embedded model's answers and on the questions over the samples.
`python -m evals.calibrate` fits the first three from any runs. AUROC, rules and all, on questions left out of the fit (10 parts):
.74; on squad2 .73, on qed .61, on clapnq .86. What did not help there: the gap to the next sentence or passage, the
sentence's score without its title, the share of the question's words that it says, the cosine of the two, their likeness word
by word, the score without each word in turn, the small model's own probability of refusing (.58 on 39), and asking it
whether the sentence answers (.68 on 55, and nothing on top of the rest).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

from qa import facts, kinds
from qa.types import Citation, Evidence, EvidenceFound

BIAS = -1.34
SENTENCE = 0.16  # for each logit of the sentence that is to answer, as the cross-encoder reads it with the question
PASSAGE = 0.155  # for each logit of the best passage
WRITTEN = 1.75  # where the model wrote the answer and the gate let it pass, or a rule tells yes from no
NEAR = 2.0  # logits behind the best sentence at which none is taken instead of it

_PLAYS_A_PART = re.compile(r"\b(?:question|answer|assistant|system|user)\s*:|<\s*[|/]|\[/?INST\]|```", re.IGNORECASE)
_TEMPLATE = re.compile(r"<\s*[|｜]|[|｜]\s*>|\[/?INST\]|<(?:start|end)_of_turn>|</s>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Alone:
    """A sentence of the evidence that answers the question as it stands."""

    sentence: Evidence
    verdict: Literal["Yes", "No"] | None  # what it says to a yes/no question
    probability: float | None  # in [0, 1]; None where no cross-encoder has read it


@dataclass(frozen=True, slots=True)
class Answerability:
    """Judges the answers to one question."""

    found: EvidenceFound

    def written(self, citations: tuple[Citation, ...]) -> float | None:
        """Return the probability in [0, 1] for an answer with these citations; None where no cross-encoder has read them."""
        quoted, labels = " ".join(c.quote for c in citations), {c.label for c in citations}
        cited = [e for e in self.found.evidence if e.label in labels]
        if not kinds.fits(self.found.standalone, quoted, " ".join(map(around, cited))):
            return 0.0
        return self._probability(max((e.score for e in cited), default=None), WRITTEN)

    def alone(self) -> Alone | None:
        """Return the sentence that answers by itself, with its probability; None if no sentence does by the rules.

        That is the best one by the cross-encoder, or one close behind it, that passes `kinds.fits`; for a yes/no question, that
        tells which by `kinds.verdict`. An order, or words that play a part of a conversation, answer nothing.
        """
        ranked = sorted((e for e in self.found.evidence if not e.neighbour), key=lambda e: -e.score)
        yes_or_no = kinds.kind(self.found.standalone) == "yes-no"
        for one in ranked:
            if one.score < ranked[0].score - NEAR:
                break
            if facts.obeys("", one.text) or _PLAYS_A_PART.search(one.text) or staged(one):
                continue
            if not kinds.fits(self.found.standalone, one.text, around(one)):
                continue
            verdict = kinds.verdict(self.found.standalone, one.text, around(one)) if yes_or_no else None
            if verdict or not yes_or_no:
                return Alone(one, verdict, self._probability(one.score, WRITTEN if verdict else 0.0))
        return None

    def _probability(self, sentence: float | None, bonus: float) -> float | None:
        passages = [hit.stages["rerank"] for hit in self.found.retrieved if "rerank" in hit.stages]
        if sentence is None or not passages:
            return None
        logit = BIAS + SENTENCE * sentence + PASSAGE * max(passages) + bonus
        return 1 / (1 + math.exp(-logit))


def staged(sentence: Evidence) -> bool:
    """True if the sentence stands in, or right after, what a chat template would read as a turn: it was put there for a model."""
    return bool(_TEMPLATE.search(f"{sentence.context} {sentence.text}"))


def around(sentence: Evidence) -> str:
    """What the rules may read besides a sentence: the title, the sentences before it, and the article's day."""
    day = f"{sentence.date:%A} {sentence.date.day} {sentence.date:%B %Y}" if sentence.date else ""
    return f"{sentence.title} {sentence.context} {day}"
