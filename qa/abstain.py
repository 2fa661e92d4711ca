"""How likely it is that the articles answer a question: one number, and a dial in the configuration (`answerable`).

A logistic function of three signs. Its weights were fitted on 263 questions of squad2, qed and clapnq that are in no reported
figure, the last one on 39 of them that the embedded model had answered (`python -m evals.calibrate` fits them from any runs).
AUROC on questions left out of the fit (10 parts): .73, that is .70 on squad2, .61 on qed and .93 on clapnq. What did not help
there: the gap to the next sentence, the share of the question's words that the sentence says, the cosine of the two, their
likeness word by word, and the small model's own probability of refusing (AUROC .58 on 39).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from qa import facts, kinds
from qa.types import Citation, Evidence, EvidenceFound

BIAS = -1.56
SENTENCE = 0.212  # for each logit of the sentence that is to answer, as the cross-encoder reads it with the question
PASSAGE = 0.122  # for each logit of the best passage
WRITTEN = 1.75  # where the model wrote the answer and the gate let it pass

_PLAYS_A_PART = re.compile(r"\b(?:question|answer|assistant|system|user)\s*:|<\s*[|/]|\[/?INST\]|```", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Answerability:
    """Judges the answers to one question."""

    found: EvidenceFound

    @property
    def best(self) -> Evidence | None:
        """The sentence that fits the question best by itself."""
        return max(self.found.evidence, key=lambda e: (e.score, not e.neighbour), default=None)

    def written(self, citations: tuple[Citation, ...]) -> float | None:
        """Return the probability in [0, 1] for an answer with these citations; None where no cross-encoder has read them."""
        quoted, labels = " ".join(c.quote for c in citations), {c.label for c in citations}
        cited = [e for e in self.found.evidence if e.label in labels]
        if not kinds.fits(self.found.standalone, quoted, " ".join(map(_around, cited))):
            return 0.0
        return self._probability(max((e.score for e in cited), default=None), WRITTEN)

    def alone(self) -> float | None:
        """Return the probability in [0, 1] that the best sentence answers; None where no cross-encoder has read it.

        It is 0 where a rule says that it does not (`kinds.fits`), and for an order or words that play a part of the conversation.
        """
        best = self.best
        if best is None or facts.obeys("", best.text) or _PLAYS_A_PART.search(best.text):
            return 0.0
        if not kinds.fits(self.found.standalone, best.text, _around(best)):
            return 0.0
        return self._probability(best.score, 0.0)

    def _probability(self, sentence: float | None, bonus: float) -> float | None:
        passages = [hit.stages["rerank"] for hit in self.found.retrieved if "rerank" in hit.stages]
        if sentence is None or not passages:
            return None
        logit = BIAS + SENTENCE * sentence + PASSAGE * max(passages) + bonus
        return 1 / (1 + math.exp(-logit))


def _around(sentence: Evidence) -> str:
    day = f"{sentence.date:%A} {sentence.date.day} {sentence.date:%B %Y}" if sentence.date else ""
    return f"{sentence.title} {sentence.context} {day}"
