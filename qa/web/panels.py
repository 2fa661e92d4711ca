"""Pure view models of what else opens beside the conversation: the library, kept conversations, statistics, settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from statistics import median
from typing import Any

from index.types import Arrival, Listed
from qa.export import day
from qa.record import Heading, Timing
from qa.web.view import Json, count

ROWS = 50  # articles on a page of the table
ORDERS = {"title": "Title", "date": "Date", "source": "Source", "size": "Size"}
MONTHS = 36  # shown as bars; earlier ones are counted together
STATES = {"waiting": "Waiting", "reading": "Reading", "done": "Done", "failed": "Not added"}
STATUSES = {"answered": "Answered", "abstained": "The articles do not say"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which part of the library's table is looked at. Made from what a browser sends, so it holds only what is allowed."""

    query: str = ""
    order: str = "date"
    down: bool = True
    page: int = 0  # 0-based

    @classmethod
    def of(cls, sent: Mapping[str, object]) -> Wanted:
        """Take what is right and leave the rest at its default."""
        query, order, down, page = (sent.get(name) for name in ("query", "order", "down", "page"))
        return cls(
            query[:200] if isinstance(query, str) else "",
            order if isinstance(order, str) and order in ORDERS else "date",
            down if isinstance(down, bool) else True,
            page if isinstance(page, int) and 0 <= page < 1_000_000 else 0,
        )


@dataclass(frozen=True, slots=True)
class Shelf:
    """What the table of the library is made of."""

    rows: Sequence[Listed]
    found: int  # articles that the query finds, on all pages
    articles: int
    sentences: int
    pending: int  # passages that have no vector yet
    arrivals: Sequence[Arrival] = ()
    left_s: float | None = None  # until the vectors are made, as far as can be told
    bytes: int = 0  # that the library takes on disk


def library_view(
    shelf: Shelf,
    wanted: Wanted,
    *,
    endings: Sequence[str],
    fetches: bool = True,
    note: str = "",
    refresh: bool = False,
) -> Json:
    """The library as a table with a place to drop files on.

    Args:
        shelf: what is there.
        wanted: which part of it is shown.
        endings: of the files that can be read, such as ".txt".
        fetches: false where the page can be reached from other machines: whoever opens it could read what this one reaches.
            Then no article is read again from its file either.
        note: what has just been done, in words.
        refresh: true where nobody has asked for it: it takes no focus, and no place of another view.
    """
    pages = max(1, -(-shelf.found // ROWS))
    return {
        "kind": "library",
        "heading": count(shelf.articles, "article"),
        "counts": _counts(shelf),
        "accepts": list(endings),
        "kinds": f"Files that can be read: {', '.join(endings)}",
        "fetches": fetches,
        "why": ""
        if fetches
        else "Web addresses cannot be added here, because this page can be opened from other machines.",
        "query": wanted.query,
        "order": wanted.order,
        "down": wanted.down,
        "page": wanted.page,
        "pages": pages,
        "place": f"Page {wanted.page + 1:,} of {pages:,}" if pages > 1 else "",
        "columns": [{"name": name, "label": label} for name, label in ORDERS.items()],
        "rows": [_row(one) for one in shelf.rows],
        "hint": _hint(shelf, wanted),
        "files": [_file(one) for one in shelf.arrivals],
        "progress": _progress(shelf.arrivals),
        "note": note,
        "busy": shelf.pending > 0 or any(one.state in {"waiting", "reading"} for one in shelf.arrivals),
        "refresh": refresh,
    }


def _counts(shelf: Shelf) -> str:
    base = f"{count(shelf.articles, 'article')}, {count(shelf.sentences, 'sentence')}"
    base += f", {_size(shelf.bytes)} on disk" if shelf.bytes else ""
    if not shelf.pending:
        return f"{base}. All can be found by word and by meaning." if shelf.articles else ""
    left = f", {_about(shelf.left_s)} to go" if shelf.left_s is not None else ""
    return f"{base}. All can be found by word; {count(shelf.pending, 'passage')} not yet by meaning{left}."


def _size(number: int) -> str:
    """Such as "0.4 MB", "37 MB" or "1.2 GB"."""
    mb = number / 1e6
    return f"{mb / 1000:,.1f} GB" if mb >= 1000 else f"{mb:,.0f} MB" if mb >= 10 else f"{max(mb, 0.1):.1f} MB"


def _about(seconds: float) -> str:
    """Such as "about 2 minutes": no more exact than it is known."""
    if seconds < 60:
        return "less than a minute"
    if seconds < 5400:
        return f"about {count(round(seconds / 60), 'minute')}"
    return f"about {count(round(seconds / 3600), 'hour')}"


def _row(one: Listed) -> Json:
    return {
        "id": one.id,
        "title": one.title,
        "date": one.date.isoformat() if one.date else "",
        "source": one.source or "",
        "size": f"{one.size:,}",
        "state": f"{count(one.pending, 'passage')} to come" if one.pending else "Ready",
        "ready": not one.pending,
    }


def _hint(shelf: Shelf, wanted: Wanted) -> str:
    if not shelf.articles:
        return (
            "The library is empty. Drop files or a folder above, or add a folder in a terminal: article-qa add FOLDER"
        )
    return f"No article has “{wanted.query}” in its title, source, date or name." if not shelf.found else ""


def _file(one: Arrival) -> Json:
    said = one.said or (f"{count(one.articles, 'article')} so far" if one.articles else "")
    return {"number": one.number, "name": one.name, "state": one.state, "label": STATES[one.state], "said": said}


def _progress(arrivals: Sequence[Arrival]) -> str:
    if not arrivals:
        return ""
    done = sum(one.state in {"done", "failed"} for one in arrivals)
    failed = sum(one.state == "failed" for one in arrivals)
    return f"{done:,} of {count(len(arrivals), 'file')} read" + (f", {failed:,} not added" if failed else "")


def seconds_left(samples: Sequence[tuple[float, int]]) -> float | None:
    """How long the missing vectors will take at the speed seen so far; None as long as none was seen.

    Args:
        samples: (time in seconds, passages without a vector), oldest first, since the number last grew.
    """
    if len(samples) < 2:
        return None
    (first, before), (last, now) = samples[0], samples[-1]
    if last - first < 2 or before <= now:
        return None
    return now * (last - first) / (before - now)


# --- conversations ---------------------------------------------------------------------------------------------------


def talks_view(headings: Sequence[Heading], current: str) -> Json:
    """The kept conversations by title, the one used last first."""
    return {
        "kind": "talks",
        "heading": count(len(headings), "conversation"),
        "hint": "" if headings else "Nothing is kept yet. A conversation is kept in the library with its first answer.",
        "items": [
            {
                "id": one.id,
                "title": one.title,
                "about": f"{_moment(one.changed_at)} · {count(one.answers, 'answer')}",
                "current": one.id == current,
            }
            for one in headings
        ],
    }


def _moment(at: datetime) -> str:
    here = at.astimezone()
    return f"{day(here.date())}, {here:%H:%M}"


# --- statistics ------------------------------------------------------------------------------------------------------


def statistics_view(
    months: Mapping[str, int], timings: Sequence[Timing], *, report: str = "", candidates: str = ""
) -> Json:
    """What is in the library and how it has answered, as bars and figures.

    Args:
        months: articles by month, earliest first, those without a date under "".
        timings: every kept answer.
        report: address of the newest report of the evals, "" if there is none.
        candidates: the file with what readers judged, "" if there is none.
    """
    dated = [(month, number) for month, number in months.items() if month]
    early = sum(number for _, number in dated[:-MONTHS])
    bars = [("Earlier", early)] if early else []
    bars += [(f"{date.fromisoformat(f'{month}-01'):%b %Y}", number) for month, number in dated[-MONTHS:]]
    if months.get(""):
        bars.append(("No date", months[""]))
    judged = {name: sum(one.verdict == name for one in timings) for name in ("up", "down")}
    statuses = [(label, sum(one.status == name for one in timings)) for name, label in STATUSES.items()]
    return {
        "kind": "statistics",
        "heading": "Statistics",
        "charts": [
            {"heading": "Articles by month", "bars": _bars(bars), "hint": "" if bars else "The library is empty."},
            {
                "heading": "Kept answers",
                "bars": _bars(statuses) if timings else [],
                "hint": "" if timings else "No answer is kept yet.",
            },
        ],
        "figures": [
            _figure("Time to the first evidence", [one.evidence_ms for one in timings]),
            _figure("Time to the model's first word", [one.first_token_ms for one in timings]),
            _figure("Time to the whole answer", [one.total_ms for one in timings]),
            {"label": "Judged good / not good", "value": f"{judged['up']} / {judged['down']}", "n": ""},
        ],
        "report": report,
        "candidates": candidates,
    }


def _bars(rows: Sequence[tuple[str, int]]) -> list[Json]:
    most = max((number for _, number in rows), default=0) or 1
    return [
        {"label": label, "value": f"{number:,}", "percent": round(100 * number / most, 1)} for label, number in rows
    ]


def _figure(label: str, values: Sequence[float | None]) -> Json:
    known = sorted(value for value in values if value is not None)
    if not known:
        return {"label": label, "value": "not known yet", "n": ""}
    most = known[min(len(known) - 1, int(0.9 * len(known)))]
    return {
        "label": label,
        "value": f"{_seconds(median(known))}, nine of ten within {_seconds(most)}",
        "n": f"median of {count(len(known), 'answer')}",
    }


def _seconds(ms: float) -> str:
    return f"{ms / 1000:.2f} s" if ms < 1000 else f"{ms / 1000:.1f} s"


# --- settings --------------------------------------------------------------------------------------------------------


def settings_view(shown: Mapping[str, Any], *, changeable: bool, said: str = "", well: bool = True) -> Json:
    """The settings that can be changed here, and all that are in effect.

    Args:
        shown: `Config.shown()`: every setting, secrets masked.
        changeable: false where the page can be reached from other machines: whoever opens it could turn the model elsewhere.
            Then folders and the server's address are left out, too.
        said: the outcome of what was just tried.
        well: whether it was a good one.
    """
    if not changeable:  # where things lie, and where a server is, is nobody else's matter
        shown = {name: value for name, value in shown.items() if not _place(name, str(value))}
    return {
        "kind": "settings",
        "heading": "Settings",
        "changeable": changeable,
        "why": ""
        if changeable
        else "They can be read here and not changed, because this page can be opened from other machines.",
        "llm": shown["llm"],
        "url": shown.get("llm_url", ""),
        "model": shown["llm_model"],
        "has_key": bool(shown["llm_key"]),
        "evidence": shown["evidence"],
        "answer_tokens": shown["answer_tokens"],
        "choices": [
            {"name": "embedded", "label": "The model that comes along, on this machine"},
            {"name": "server", "label": "A server that speaks the OpenAI protocol"},
            {"name": "none", "label": "None: quote the best sentence"},
        ],
        "keeps": "“Use these” holds until the page’s program ends. “Use and save” also "
        "writes the configuration file; a key is never written.",
        "said": said,
        "well": well,
        "rows": [{"name": name, "value": str(value)} for name, value in shown.items()],
    }


def _place(name: str, value: str) -> bool:
    """True for a setting that tells of this machine or its network; an embedder may be a name or a folder."""
    return name in {"library", "llm_url"} or (name == "embedder" and any(one in value for one in "/\\~"))
