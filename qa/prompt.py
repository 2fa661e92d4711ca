"""Evidence and a question -> the prompt: same input, same bytes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from itertools import groupby

from qa import kinds
from qa.types import Evidence, Prompt

PROBE_TOKENS = 12  # enough to answer a probe

# Article text is data. What would read as one of our marks, or as a turn of the conversation to a chat template, is written
# in other characters; the stored text and every citation keep the originals.
_FAKE_MARK = re.compile(
    r"[\[【［]\s*(\^?\s*\w{0,12}\s*\d{1,3}(?:\s*(?:[,;&–-]|and)\s*\d{1,3})*)\s*[\]】］]", re.IGNORECASE
)
_TEMPLATE_WORD = re.compile(
    r"<(?=\s*[|｜/<]|(?:s|bos|eos|system|user|assistant|model|(?:start|end)_of_turn)>)|(?<=[|｜])\s*>|\[(?=/?INST\])",
    re.IGNORECASE,
)
_INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\U000e0000-\U000e007f]")


@cache
def system(*, mark_first: bool = False) -> str:
    """Return the stable first part of every prompt; with `mark_first` a sentence's number is to stand before it."""
    name = "mark-first.md" if mark_first else "answer.md"
    return (files("qa") / "prompts" / name).read_text(encoding="utf-8").strip()


def render(question: str, evidence: Sequence[Evidence], *, mark_first: bool = False) -> Prompt:
    """Return the prompt: instructions, then the numbered sentences under their article's title and date, then the question.

    Some kinds of questions are asked with a line of their own, at the end, so that the first part stays the same for all.
    """
    groups = [
        "\n".join([_heading(evidence_of), *(f"[{e.label}] {defused(e.text)}" for e in evidence_of)])
        for evidence_of in (list(group) for _, group in groupby(evidence, key=lambda e: e.article_id))
    ]
    hint = kinds.HINTS.get(kinds.kind(question), "")
    user = "\n\n".join([*groups, f"Question: {defused(question)}\n{hint}\nAnswer:".replace("\n\n", "\n")])
    return Prompt(system(mark_first=mark_first), user, {e.label: e for e in evidence})


def probe(*, mark_first: bool = False) -> Prompt:
    """Return a question that every model can answer, to see whether one does."""
    user = "The weather\n[1] It rained all day.\n\nQuestion: When did it rain?\nAnswer:"
    return Prompt(system(mark_first=mark_first), user, {})


def _heading(evidence: Sequence[Evidence]) -> str:
    first = evidence[0]
    title = defused(first.title if len(first.title) <= 90 else first.title[:90].rsplit(" ", 1)[0] + " …")
    return f"{title} ({first.date:%A}, {first.date.day} {first.date:%B %Y})" if first.date else title


def defused(text: str) -> str:
    """Return `text` on one line, with nothing in it that reads as a mark, a chat turn or hidden characters."""
    visible = " ".join(_INVISIBLE.sub("", text).split())
    return _TEMPLATE_WORD.sub("‹", _FAKE_MARK.sub(r"(\1)", visible))
