"""Pure view models of the reader: an article, and the sentence in it that a mark points to."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from pathlib import PurePath

from index.types import Article
from qa.export import day, web_address
from qa.web.view import PLACES, Conversation, Exchange, Json, Kind, joined


def hint_view(conversation: Conversation) -> Json:
    """The reader while nothing is open: how to open something."""
    if conversation and not conversation[-1].spots("cite"):
        text = "Nothing is cited. Choose one of the sentences found to read it in its article."
        if not conversation[-1].spots("near"):
            text = "Nothing is cited, and nothing was found that could be read here."
    else:
        text = "Choose a mark such as [1] and its article opens here, at the cited sentence."
    return {"kind": "empty", "text": text}


def article_view(article: Article) -> Json:
    """The reader with an article from the list: nothing is highlighted."""
    return {**_article(article), "blocks": blocks(article.text, ())}


def reader_view(article: Article | None, exchange: Exchange, kind: Kind, number: int) -> Json:
    """The reader with the article of one mark.

    The sentence is highlighted only where the stored article still has its words in its place; otherwise the page says
    that the article has changed, or is gone, and shows what was quoted.

    Args:
        article: what the library holds now under the mark's article id; None if it is gone.
        exchange: the exchange that the mark belongs to.
        kind: which of its lists.
        number: the number shown.

    Raises:
        KeyError: the exchange has no such mark.
    """
    spots = {spot.number: spot for spot in exchange.spots(kind)}
    spot = spots[number]
    order = list(spots)
    at = order.index(number)
    base: Json = {
        "href": f"#{kind}-{exchange.number}-{number}",
        "place": f"{PLACES[kind]} {at + 1} of {len(order)}",
        "previous": f"#{kind}-{exchange.number}-{order[at - 1]}" if at else "",
        "next": f"#{kind}-{exchange.number}-{order[at + 1]}" if at + 1 < len(order) else "",
        "note": "",
        "quote": "",
        "blocks": [],
    }
    if article is None:
        note = "This article is no longer in the library. The sentence was:"
        gone = {"kind": "article", "title": spot.title, "day": "", "kicker": day(spot.date), "url": "", "titled": False}
        return {**base, **gone, "note": note, "quote": spot.quote}
    view = {**base, **_article(article)}
    if not spot.matches(article):
        view["note"] = (
            "The article has changed since this answer was given, so nothing is highlighted. The sentence was:"
        )
        view["quote"] = spot.quote
        view["blocks"] = blocks(article.text, ())
        return view
    others = [s for s in spots.values() if s.article_id == article.id and s != spot and s.matches(article)]
    view["blocks"] = blocks(article.text, [(spot.start, spot.end, "hit"), *((s.start, s.end, "other") for s in others)])
    return view


def opened(view: Json, *, turn: int, at: int, auto: bool = False) -> Json:
    """A reader view with what the browser needs to know about its opening.

    Args:
        view: any of the reader's views.
        turn: the newest exchange when it was opened.
        at: a number that differs from one opening to the next: opening the same mark again must scroll again.
        auto: opened by the page itself. It does not take the place of what a person has opened in the same turn, nor the
            keyboard focus.
    """
    return {**view, "auto": auto, "turn": turn, "at": at}


def _article(article: Article) -> Json:
    first = next((text for _, text in _paragraphs(article.text)), "")
    web = web_address(article.file)  # where it was fetched: shown as its link
    file = PurePath(article.file).name if article.file and not web else None
    return {
        "kind": "article",
        "id": article.id,
        "title": article.title,
        "day": day(article.date),
        "kicker": joined(day(article.date), article.source, file),
        "url": web_address(article.url),
        "titled": first.lstrip("# ").strip() == article.title.strip(),  # the text itself begins with the title
    }


def _paragraphs(text: str) -> Iterator[tuple[int, str]]:
    """Each run of lines between blank lines, with the place where it starts. Nothing but blank lines is left out."""
    for match in re.finditer(r"[^\n]*\S[^\n]*(?:\n[^\n]*\S[^\n]*)*", text):
        yield match.start(), match.group()


def blocks(text: str, ranges: Sequence[tuple[int, int, str]]) -> list[list[Json]]:
    """The article as paragraphs of parts, each part with its words and how it is marked ("", "hit" or "other").

    All parts joined are the text less the blank lines between paragraphs; the parts marked "hit" joined are exactly
    the characters of the "hit" range. Where ranges overlap the one given first wins.
    """
    result: list[list[Json]] = []
    for offset, paragraph in _paragraphs(text):
        end = offset + len(paragraph)
        cuts = {offset, end}
        for start, stop, _ in ranges:
            cuts |= {c for c in (start, stop) if offset < c < end}
        ordered = sorted(cuts)
        parts: list[Json] = []
        for a, b in itertools.pairwise(ordered):
            mark = next((m for start, stop, m in ranges if start <= a and b <= stop), "")
            parts.append({"text": text[a:b], "mark": mark})
        result.append(parts)
    return result
