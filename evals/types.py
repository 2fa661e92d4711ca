"""The values that flow through an evaluation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from qa.types import Turn


@dataclass(frozen=True, slots=True)
class Span:
    """A range of characters of an article. An empty one stands for the article as a whole."""

    article_id: str
    start: int = 0  # characters into the article's text, inclusive
    end: int = 0  # exclusive
    text: str = field(default="", compare=False)  # gold only: the words as the benchmark gives them

    @property
    def length(self) -> int:
        """Its characters; 0 for an article as a whole."""
        return max(0, self.end - self.start)


@dataclass(frozen=True, slots=True)
class Question:
    """One question of a benchmark with what its authors hold to be right."""

    id: str
    text: str
    answerable: bool  # False: the gold behaviour is to abstain
    answers: tuple[str, ...] = ()  # gold strings; none where no short answer is given
    match: Literal["any", "all"] = "any"  # "all": an answer has to give every gold string
    kind: str | None = None  # the file's `type`, by which results are sliced
    gold: tuple[Span, ...] = ()  # gold evidence, each once, in the file's order
    history: tuple[Turn, ...] = ()  # earlier turns, oldest first
    within: tuple[str, ...] = ()  # ids of the only articles to be searched; none: all of them


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value. Undefined is None and never 0."""

    value: float | None
    n: int  # how many values went into it
    ci95: tuple[float, float] | None = None  # None where no interval can be given: a count, or too few values
    undefined: int = 0  # how many questions (or citations) had no such value, and went into nothing
