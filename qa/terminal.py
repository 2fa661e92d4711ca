"""An Answer as text for a terminal."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from pathlib import Path

from qa import disagree
from qa.types import Answer, Claim, Hit, Reason
from qa.why import reasons, scores

REASONS: dict[Reason, str] = {
    "nothing_found": "Nothing in the articles comes near the question.",
    "not_stated": "The articles do not say.",
    "unsupported": "The articles do not say: what the model wrote is not supported by the sentences it was shown.",
    "llm_unavailable": "The language model could not be reached; these sentences were found.",
}

# An article could otherwise move the cursor, set the window's title or turn the direction of writing.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """Return `text` with control characters as "�"; line ends and tabs stay."""
    return _CONTROLS.sub("�", text)


def answer(result: Answer, *, width: int = 100) -> str:
    """Return the answer with its marks and its cited sentences with title, date and file; or why there is none."""
    if result.status == "answered":
        said = " ".join(marked(result, claim) for claim in result.shown)
        blocks = [textwrap.fill(said, width)]
        if result.disagreement:
            blocks.append(textwrap.fill(disagree.note(result.disagreement), width))
            cited = [c.quote for c in result.citations]
            blocks += [
                _source(" - ", c.quote, f"{c.title} ({c.date or 'no date'})", c.file or c.article_id, width=width)
                for c in result.disagreement.statements
                if c.quote not in cited
            ]
        blocks += [
            _source(f"[{n}]", c.quote, f"{c.title} ({c.date or 'no date'})", c.file or c.article_id, width=width)
            for n, c in enumerate(result.citations, start=1)
        ]
        withdrawn = [claim for claim in result.claims if not claim.citations]
        if withdrawn:
            blocks.append(f"({len(withdrawn)} sentence(s) of the model withdrawn: the articles do not support them.)")
    else:
        blocks = [REASONS[result.reason or "not_stated"]]
        closest = sorted(result.evidence, key=lambda e: (e.neighbour, -e.score))[:2]
        if closest and result.reason != "llm_unavailable":
            blocks.append("Closest, but not an answer:")
        blocks += [
            _source(" - ", e.text, f"{e.title} ({e.date or 'no date'})", e.file or e.article_id, width=width)
            for e in closest
        ]
    if result.detail:
        blocks.append(f"({result.detail})")
    return printable("\n\n".join(blocks))


def marked(result: Answer, claim: Claim) -> str:
    """Return the claim's text followed by its marks, as in "He resigned. [1]"."""
    return " ".join([claim.text, "".join(f"[{n}]" for n in result.marks(claim))])


def hits(found: Sequence[Hit], *, width: int = 100) -> str:
    """Return passages with the score of every stage, and why they were found."""
    blocks = []
    for rank, hit in enumerate(found, start=1):
        stages = "  ".join(f"{name} {score}" for name, score in scores(hit))
        head = f"{rank:>2}. {hit.title} ({hit.date or 'no date'}) {hit.passage.article_id}"
        if hit.asked:
            stages += f"  (led to by: {textwrap.shorten(hit.asked, width, placeholder=' …')})"
        body = textwrap.shorten(hit.passage.text, 3 * width, placeholder=" …")
        said = f"\n    {', '.join(reasons(hit))}".rstrip()
        blocks.append(f"{head}\n    {stages}{said}\n{textwrap.indent(textwrap.fill(body, width - 4), '    ')}")
    return printable("\n\n".join(blocks)) or "Nothing found."


def _source(mark: str, quote: str, title: str, file: str, *, width: int) -> str:
    indent = " " * (len(mark) + 1)
    body = textwrap.fill(f"“{' '.join(quote.split())}”", width, initial_indent=f"{mark} ", subsequent_indent=indent)
    return f"{body}\n{indent}{title}\n{indent}{_near(file)}"


def _near(file: str) -> str:
    """A path from here if it lies below, else as it is."""
    path = Path(file)
    return str(path.relative_to(Path.cwd())) if path.is_absolute() and path.is_relative_to(Path.cwd()) else file
