"""Answers with their proofs as Markdown, HTML or JSON: pure functions from what was kept to the text of a file.

Each cited sentence becomes a footnote with its quote, article, date and link. What an article or a model wrote is escaped: in
the file, too, it is text and never markup.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from urllib.parse import urlsplit

from qa.record import Kept
from qa.types import Answer, Citation, Disagreement

Links = Mapping[str, str]  # article id -> its web address, for the articles that have one

NO_ANSWER: Mapping[str, str] = {
    "nothing_found": "Nothing was found on this question.",
    "not_stated": "The articles do not say.",
    "unsupported": "The articles do not say: what the model wrote was not supported by them.",
    "llm_unavailable": "The language model gave no answer.",
}
_LISTED = re.compile(r"^(\d*)([-+.)])(?= )")  # what makes a line of Markdown a list: "- ", "+ ", "1. ", "1) "
_STYLE = (
    "body{font:1.05rem/1.6 Georgia,serif;max-width:40rem;margin:2rem auto;padding:0 1rem;color:#1f1d1a;background:#fffdf9}"
    "h1,h2{line-height:1.3}sup a{text-decoration:none}a{color:#0d5563}.note,footer{color:#625c53;font-size:.9rem}"
    "blockquote{margin:.2rem 0;padding:0;font-style:normal}li{margin-bottom:.7rem}"
    ".sides{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(14rem,100%),1fr));gap:1.2rem}small{color:#8a4b08}"
    "@media(prefers-color-scheme:dark){body{color:#e9e5dc;background:#1c1e22}a{color:#86cbd8}.note,footer{color:#a9a399}small{color:#eab676}}"
)


@dataclass(frozen=True, slots=True)
class Side:
    """One of the statements that do not agree, as it stands beside the others."""

    number: int  # 1-based, by date
    value: str
    citation: Citation
    notes: tuple[str, ...]  # "later", "a correction"


def sides(differ: Disagreement | None) -> tuple[Side, ...]:
    """Return the statements in their order; the ones of the last day are marked "later", or "latest" of more than two."""
    if differ is None:
        return ()
    days = sorted(c.date for c in differ.statements if c.date)
    last = days[-1] if days and days[0] < days[-1] else None
    word = "later" if len(differ.statements) == 2 else "latest"
    return tuple(
        Side(
            number,
            value,
            c,
            (
                *([word] if last and c.date == last else ()),
                *(["a correction"] if number - 1 == differ.correction else ()),
            ),
        )
        for number, (c, value) in enumerate(zip(differ.statements, differ.values, strict=True), start=1)
    )


def differing(stated: Sequence[Side]) -> str:
    """Return what stands above the statements: a correction may tell both values itself."""
    several = len({side.citation.article_id for side in stated}) > 1
    return "Here the articles do not agree" if several else "Here one article gives different values"


def sources(answer: Answer) -> set[str]:
    """Return the ids of the articles that a saved answer names."""
    stated = answer.disagreement.statements if answer.disagreement else ()
    return {c.article_id for c in (*answer.citations, *stated)}


def markdown(items: Sequence[Kept], links: Links) -> str:
    """Return the answers as Markdown with footnotes; the numbers are those of the page, after the number of the question."""
    many = len(items) > 1
    return "\n".join(
        _markdown(item, links, prefix=f"{number}-" if many else "") for number, item in enumerate(items, start=1)
    )


def _markdown(item: Kept, links: Links, *, prefix: str) -> str:
    answer = item.answer
    lines = [f"## {_md(answer.question)}", "", _md(_about(item)), ""]
    if answer.status == "answered":
        words = [_md(claim.text) + "".join(f"[^{prefix}{n}]" for n in answer.marks(claim)) for claim in answer.shown]
        lines += [_LISTED.sub(r"\1\\\2", " ".join(words)), ""]
    else:
        lines += [f"*{_md(no_answer(answer))}*", ""]
    if stated := sides(answer.disagreement):
        lines += [f"**{differing(stated)}**", ""]
        for side in stated:
            noted = f" *({', '.join(side.notes)})*" if side.notes else ""
            lines.append(f"- **{_md(side.value)}**{noted}: {_md_source(side.citation, links)}")
        lines.append("")
    for number, citation in enumerate(answer.citations, start=1):
        lines.append(f"[^{prefix}{number}]: {_md_source(citation, links)}")
    return "\n".join(lines).rstrip() + "\n"


def _md_source(citation: Citation, links: Links) -> str:
    url = web_address(links.get(citation.article_id))
    where = f"[{_md(citation.title)}](<{url}>)" if url else _md(citation.title)
    return f"“{_md(citation.quote)}” — {', '.join(filter(None, (where, day(citation.date))))}"


def html(items: Sequence[Kept], links: Links) -> str:
    """Return the answers as one page that needs nothing else."""
    title = items[0].answer.question if items else "Article QA"
    parts = [_html(item, links, turn=turn) for turn, item in enumerate(items, start=1)]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{_ht(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body>\n</html>\n"
    )


def _html(item: Kept, links: Links, *, turn: int) -> str:
    answer = item.answer
    lines = ["<article>", f"<h2>{_ht(answer.question)}</h2>", f'<p class="note">{_ht(_about(item))}</p>']
    if answer.status == "answered":
        words = [
            _ht(claim.text) + "".join(f'<sup><a href="#c{turn}-{n}">[{n}]</a></sup>' for n in answer.marks(claim))
            for claim in answer.shown
        ]
        lines += [f"<p>{' '.join(words)}</p>", "<ol>"]
        lines += [_footnote(c, links, name=f"c{turn}-{n}") for n, c in enumerate(answer.citations, start=1)]
        lines.append("</ol>")
    else:
        lines.append(f"<p><em>{_ht(no_answer(answer))}</em></p>")
    if stated := sides(answer.disagreement):
        lines += [
            f"<h3>{differing(stated)}</h3>",
            '<div class="sides">',
            *(_side(side, links) for side in stated),
            "</div>",
        ]
    return "\n".join([*lines, "</article>"])


def _side(side: Side, links: Links) -> str:
    noted = f" <small>{_ht(', '.join(side.notes))}</small>" if side.notes else ""
    return f"<section><p><strong>{_ht(side.value)}</strong>{noted}</p>{_ht_source(side.citation, links)}</section>"


def _footnote(citation: Citation, links: Links, *, name: str) -> str:
    return f'<li id="{name}">{_ht_source(citation, links)}</li>'


def _ht_source(citation: Citation, links: Links) -> str:
    url = web_address(links.get(citation.article_id))
    title = f'<a href="{_ht(url)}" rel="noreferrer">{_ht(citation.title)}</a>' if url else _ht(citation.title)
    about = ", ".join(filter(None, (title, day(citation.date))))
    return f"<blockquote>“{_ht(citation.quote)}”</blockquote><footer>{about}</footer>"


def as_json(items: Sequence[Kept], links: Links) -> str:
    """Return the answers as a list of the objects of the eval contract, each with its key, its time and its links."""
    rows = []
    for item in items:
        extra = {
            "id": item.key,
            "asked_at": item.asked_at.isoformat(),
            "within": item.within,
            "links": {name: url for name in sorted(sources(item.answer)) if (url := web_address(links.get(name)))},
            "verdict": item.verdict,
            "comment": item.comment,
        }
        rows.append({**item.answer.to_json(), **extra})
    return json.dumps(rows, indent=2) + "\n"


FORMATS: Mapping[str, tuple[str, str, Callable[[Sequence[Kept], Links], str]]] = {
    "markdown": ("md", "text/markdown", markdown),
    "html": ("html", "text/html", html),
    "json": ("json", "application/json", as_json),
}


def plain(answer: Answer, links: Links) -> str:
    """Return an answer for the clipboard: its sentences with [1], then the numbered quotes."""
    if answer.status == "abstained":
        return "\n\n".join([answer.question, no_answer(answer), *_plain_sides(answer)]) + "\n"
    words = [claim.text + "".join(f"[{n}]" for n in answer.marks(claim)) for claim in answer.shown]
    notes = []
    for number, c in enumerate(answer.citations, start=1):
        about = ", ".join(filter(None, (c.title, day(c.date), web_address(links.get(c.article_id)))))
        notes.append(f"[{number}] “{c.quote}” — {about}")
    blocks = [" ".join(words), *_plain_sides(answer), "\n".join(notes)]
    return "\n\n".join(blocks) + "\n"


def _plain_sides(answer: Answer) -> Iterator[str]:
    if stated := sides(answer.disagreement):
        rows = []
        for side in stated:
            about = ", ".join(filter(None, (side.citation.title, day(side.citation.date), *side.notes)))
            rows.append(f"- {side.value}: “{side.citation.quote}” — {about}")
        yield "\n".join([differing(stated), *rows])


def file_name(items: Sequence[Kept], ending: str) -> str:
    """Return a name for the file: the first words of the question, in letters that any system takes."""
    question = items[0].answer.question.casefold() if items else ""
    words = re.findall(r"[a-z0-9]+", question.encode("ascii", "ignore").decode())
    return f"{'-'.join(words)[:60].strip('-') or 'answer'}.{ending}"


def no_answer(answer: Answer) -> str:
    """Return what is said in place of an answer."""
    return NO_ANSWER[answer.reason or "not_stated"]


def day(value: date | None) -> str:
    """Such as "1 September 2021"; "" without a date."""
    return f"{value.day} {value:%B %Y}" if value else ""


def web_address(url: str | None) -> str:
    """The address if a browser may follow it, else "": never `javascript:`, never a broken one."""
    try:
        return url if url and urlsplit(url).scheme in {"http", "https"} and not re.search(r"[\s<>\\]", url) else ""
    except ValueError:  # such as an unclosed "[" of an IPv6 host
        return ""


def _about(item: Kept) -> str:
    answer, model, by = item.answer, item.answer.models.get("llm", ""), ""
    if answer.completion is not None and model not in {"", "none"}:
        # A sentence that was taken over as it stands supports itself wholly: the model refused, or an article corrects it.
        own = any(c.support < 1 for claim in answer.shown for c in claim.citations)
        by = f", written by {model}" if own else f", with the model {model}"
    narrowed = f", narrowed to {item.within}" if item.within else ""
    return f"Asked on {day(item.asked_at.date())}{by}{narrowed}."


def _md(text: str) -> str:
    """Escape what Markdown would read as its own; line ends become spaces, so that a sentence stays in its paragraph."""
    return re.sub(r"([\\`*_{}\[\]<>#|~$&!])", r"\\\1", " ".join(_whole(text).split()))


def _ht(text: str) -> str:
    return escape(_whole(text), quote=True)


def _whole(text: str) -> str:
    """The text without halves of characters, which no file in UTF-8 can hold."""
    return text.encode("utf-8", "replace").decode()
