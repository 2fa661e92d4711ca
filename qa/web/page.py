"""The Gradio page: wires the events of the browser to an Asker and to the view models. The only file that knows Gradio."""

from __future__ import annotations

import itertools
import logging
import os
import secrets
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Protocol, cast

import gradio as gr
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from index.errors import ArticleQAError
from index.types import Filter
from qa import export
from qa.conversations import VERDICTS
from qa.record import kept
from qa.types import DraftGrown, Event, Turn
from qa.web import view
from qa.web.panes import Library, Panes, Parts, newest_report
from qa.web.view import Conversation, Exchange, Json, packed

ASSETS = Path(__file__).parent / "assets"
LOG = logging.getLogger(__name__)
MAX_QUESTION = 2000  # characters; far more than any question, far less than a prompt can hold
MAX_FILE = "200mb"  # of one upload: a JSONL file may hold a whole library
WAITING = 24  # questions that can stand in the line at once; each of them holds a thread for moments only
Sent = Any  # a packed view, or gr.skip() where the component stays as it is
SMALL = 1000  # articles: up to here a library is searched for the articles of the examples
TURN_S = 0.5  # how often a waiting question looks whether it is still wanted
REDRAW_S = 0.06  # a sentence in the making is redrawn at most this often

# Nothing is loaded from anywhere else. Gradio compiles the scripts of its components in the browser, hence 'unsafe-eval'.
CSP = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data: blob:",
        "style-src 'self' 'unsafe-inline'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "connect-src 'self'",
        "font-src 'self' data:",
        "frame-ancestors 'self'",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
    )
)
HEADERS = (
    (b"content-security-policy", CSP.encode()),
    (b"referrer-policy", b"no-referrer"),  # the link to an article's source tells nobody about this page
    (b"x-content-type-options", b"nosniff"),
)


class Asks(Protocol):
    """What the page needs of `qa.answer.Asker`."""

    @property
    def library(self) -> Library:
        """The articles that are asked."""

    def stream(self, question: str, history: Sequence[Turn] = (), *, within: Filter | None = None) -> Iterator[Event]:
        """Yield one EvidenceFound, then what is written and checked, then one AnswerDone."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What a window knows beside its conversation."""

    talk: str = ""  # names the conversation where it is kept
    within: Filter = view.EVERYTHING  # the articles that the next question is asked of
    editing: str = ""  # key of the exchange in whose place the next question comes


NEW = Desk()


class SecurityHeaders:
    """ASGI middleware that adds `HEADERS` to every answer of the server."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on, with the headers added where a response starts."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *HEADERS]
            await send(message)

        await self.app(scope, receive, send_with_headers)


class Handlers:
    """What the page does on each event: small functions from (event, conversation) to values of the components."""

    def __init__(self, asker: Asks, parts: Parts) -> None:
        self.asker = asker
        self.parts = parts
        self.panes = Panes(asker.library, parts, self._open)
        self._openings = itertools.count(1)

    def load(self, conversation: Conversation) -> tuple[Sent, Sent, Sent, Desk, Sent]:
        """A browser has opened the page: masthead, conversation, reader, desk, narrowing."""
        desk = Desk(secrets.token_hex(8))
        return self.masthead(), self._talk(conversation), self._resting(conversation), desk, self._narrow(desk)

    def masthead(self) -> Sent:
        """How many articles there are, and who answers."""
        return packed(view.masthead_view(self.asker.library.status().articles, self.parts.settings.model()))

    # ---------------------------------------------------------------------------------------------------- asking

    def begin(
        self, question: str, conversation: Conversation, desk: Desk = NEW
    ) -> tuple[Any, Conversation, Sent, Any, Any, Desk, Sent]:
        """Take the question at once, so that it is on the page while it waits for the model."""
        question = question.strip()
        if not question or _running(conversation):
            return gr.skip(), conversation, gr.skip(), gr.skip(), gr.skip(), desk, gr.skip()
        number = conversation[-1].number + 1 if conversation else 1
        replaces = desk.editing if conversation and conversation[-1].key == desk.editing else ""
        exchange = Exchange(
            number,
            question[:MAX_QUESTION],
            key=secrets.token_hex(8),
            within=desk.within,
            narrowed=view.in_words(desk.within, self._titles(desk.within)),
            replaces=replaces,
        )
        conversation = (*(conversation[:-1] if replaces else conversation), exchange)
        talk = packed(view.talk_view(conversation, last=True))
        narrow = self._narrow(replace(desk, editing="")) if desk.editing else gr.skip()
        desk = replace(desk, editing="")
        return "", conversation, talk, gr.update(visible=False), gr.update(visible=True), desk, narrow

    def answer(
        self, conversation: Conversation, desk: Desk = NEW
    ) -> Generator[tuple[Conversation, Sent, Sent, Any, Any], None, None]:
        """Answer the exchange that waits; yield after each event that changes the page.

        Stop, and closing the tab, close this generator, which closes the asker's and so stops the model.
        """
        if not _running(conversation):
            return
        past, exchange = conversation[:-1], conversation[-1]

        def show(exchange: Exchange, reader: Sent) -> tuple[Conversation, Sent, Sent, Any, Any]:
            now, done = (*past, exchange), not exchange.running
            talk = packed(view.talk_view(now, last=True))
            return now, talk, reader, gr.update(visible=done), gr.update(visible=not done)

        line, key = self.parts.line, exchange.key
        line.join(key)
        try:
            while ahead := line.ahead(key):
                if ahead != exchange.ahead:
                    exchange = exchange.waiting(ahead)
                    yield show(exchange, gr.skip())
                else:  # only here can a closed window end the waiting
                    yield gr.skip(), gr.skip(), gr.skip(), gr.skip(), gr.skip()
                line.wait(TURN_S)
            exchange = exchange.searching()
            yield show(exchange, gr.skip())
            drawn = 0.0
            with closing(
                cast("Any", self.asker.stream(exchange.question, view.history(past), within=exchange.within or None))
            ) as events:
                for event in events:
                    exchange = exchange.after(event)
                    if isinstance(event, DraftGrown) and time.monotonic() - drawn < REDRAW_S:
                        continue
                    drawn = time.monotonic()
                    if exchange.running:
                        yield show(exchange, gr.skip())
            self._keep(desk, exchange)
        except ArticleQAError as error:
            LOG.warning("question not answered: %s", error)
            exchange = exchange.failed(str(error))
        finally:
            line.leave(key)
        yield show(exchange, self._proof((*past, exchange), exchange.number) if exchange.answer else gr.skip())

    def _keep(self, desk: Desk, exchange: Exchange) -> None:
        """Store a finished answer. One that cannot be stored is shown all the same."""
        if exchange.answer is None or not desk.talk:
            return
        item = kept(exchange.key, exchange.answer, within=exchange.narrowed)
        try:
            self.parts.kept.keep(desk.talk, item, instead_of=exchange.replaces)
        except ArticleQAError as error:
            LOG.warning("answer not kept: %s", error)

    def stop(self, conversation: Conversation) -> tuple[Conversation, Sent, Any, Any]:
        """The Stop button: keep what was checked, drop what was not."""
        return self._ended(tuple(e.stopped() for e in conversation))

    def crashed(self, conversation: Conversation) -> tuple[Conversation, Sent, Any, Any]:
        """The answer ended with an error that nobody foresaw; Gradio has logged it."""
        return self._ended(tuple(e.failed("An unexpected error; the server's log has more.") for e in conversation))

    def _ended(self, conversation: Conversation) -> tuple[Conversation, Sent, Any, Any]:
        return conversation, self._talk(conversation), gr.update(visible=True), gr.update(visible=False)

    def example(
        self, conversation: Conversation, desk: Desk, event: gr.EventData
    ) -> tuple[Any, Conversation, Sent, Any, Any, Desk, Sent]:
        """An example was chosen: the same as typing it."""
        text = getattr(event, "text", None)
        return self.begin(text if isinstance(text, str) else "", conversation, desk)

    def again(self, conversation: Conversation, desk: Desk) -> tuple[Any, Conversation, Sent, Any, Any, Desk, Sent]:
        """Ask the newest question once more, in its own place, of the articles that are chosen now."""
        if not conversation or _running(conversation):
            return gr.skip(), conversation, gr.skip(), gr.skip(), gr.skip(), desk, gr.skip()
        newest = conversation[-1]
        _, *begun = self.begin(newest.question, conversation, replace(desk, editing=newest.key))
        return gr.skip(), *begun  # what was typed meanwhile stays in the box

    def edit(self, conversation: Conversation, desk: Desk) -> tuple[Any, Desk, Sent]:
        """Put the newest question into the box; asked, it takes its own place."""
        if not conversation or _running(conversation):
            return gr.skip(), desk, gr.skip()
        desk = replace(desk, editing=conversation[-1].key)
        return conversation[-1].question, desk, self._narrow(desk)

    # ------------------------------------------------------------------------------------------- which articles

    def narrow(self, desk: Desk, event: gr.EventData) -> tuple[Desk, Sent]:
        """A date or a source was chosen. What the browser sends is checked like any input from outside."""
        within = desk.within
        part, value = _text(event, "part"), _text(event, "value")
        if part in {"since", "until"}:
            within = _bounded(within, part, _day(value))
        elif part == "source" and value in self.asker.library.sources():
            within = replace(within, sources=within.sources | {value})
        elif part == "article" and self.asker.library.get(value) is not None:
            within = replace(within, articles=frozenset({value}))
        desk = replace(desk, within=within)
        return desk, self._narrow(desk)

    def widen(self, desk: Desk, event: gr.EventData) -> tuple[Desk, Sent]:
        """A chip was taken off."""
        within = desk.within
        part, value = _text(event, "part"), _text(event, "value")
        if part in {"since", "until"}:
            within = _bounded(within, part, None)
        elif part == "source":
            within = replace(within, sources=within.sources - {value})
        elif part == "article":
            within = replace(within, articles=frozenset())
        desk = replace(desk, within=within, editing="" if part == "editing" else desk.editing)
        return desk, self._narrow(desk)

    def _narrow(self, desk: Desk) -> Sent:
        titles, sources = self._titles(desk.within), self.asker.library.sources()
        return packed(
            view.narrow_view(desk.within, titles, sources, editing="Editing the last question" if desk.editing else "")
        )

    def _titles(self, within: Filter) -> dict[str, str]:
        articles = (self.asker.library.get(name) for name in within.articles)
        return {article.id: article.title for article in articles if article}

    # --------------------------------------------------------------------------------------------------- keeping

    def fresh(self, desk: Desk = NEW) -> tuple[str, Conversation, Sent, Sent, Any, Any, Desk, Sent]:
        """A new conversation; the old one stays where it is kept."""
        desk = replace(desk, talk=secrets.token_hex(8), editing="")
        shown = gr.update(visible=True), gr.update(visible=False)
        return "", (), self._talk(()), self._resting(()), *shown, desk, self._narrow(desk)

    def reopen(
        self, conversation: Conversation, desk: Desk, event: gr.EventData
    ) -> tuple[Conversation, Sent, Sent, Any, Any, Desk, Sent]:
        """Open a kept conversation in place of this one."""
        name = getattr(event, "id", None)
        items = self.parts.kept.get(name) if isinstance(name, str) else ()
        if not isinstance(name, str) or not items:
            talks = self.panes.talks(conversation, desk.talk)
            return conversation, gr.skip(), talks, gr.skip(), gr.skip(), desk, gr.skip()
        conversation, desk = view.reopened(items), replace(desk, talk=name, editing="")
        shown = gr.update(visible=True), gr.update(visible=False)
        talk = packed(view.talk_view(conversation))
        return conversation, talk, self._resting(conversation), *shown, desk, self._narrow(desk)

    def talks(self, conversation: Conversation, desk: Desk) -> Sent:
        """List the kept conversations."""
        return self.panes.talks(conversation, desk.talk)

    def forget(self, conversation: Conversation, desk: Desk, event: gr.EventData) -> Sent:
        """Delete a kept conversation; the browser has asked whether it is meant."""
        name = getattr(event, "id", None)
        if isinstance(name, str):
            self.parts.kept.remove(name)
        return self.panes.talks(conversation, desk.talk)

    def judge(self, conversation: Conversation, event: gr.EventData) -> tuple[Conversation, Sent]:
        """Store what the reader thinks of an answer."""
        turn, verdict, comment = getattr(event, "turn", None), _text(event, "verdict"), _text(event, "comment")
        found = next((e for e in conversation if e.number == turn and e.answer), None)
        if (
            found is None
            or verdict not in VERDICTS
            or not self.parts.kept.judge(found.key, verdict, comment[:MAX_QUESTION])
        ):
            return conversation, gr.skip()
        judged = replace(found, verdict=verdict, comment=comment[:MAX_QUESTION])
        conversation = tuple(judged if e is found else e for e in conversation)
        return conversation, packed(view.talk_view(conversation))

    def export(self, conversation: Conversation, desk: Desk, event: gr.EventData) -> Sent:
        """Hand an answer, this conversation or a kept one to the browser, as a file or for the clipboard."""
        form, turn, name = (getattr(event, field, None) for field in ("form", "turn", "id"))
        if isinstance(name, str):
            items = self.parts.kept.get(name)
        else:
            wanted = [e for e in conversation if e.answer and turn in (e.number, 0)]
            stored = {item.key: item for item in self.parts.kept.get(desk.talk)}
            items = tuple(stored[e.key] if e.key in stored else kept(e.key, e.answer) for e in wanted if e.answer)
        if not items:
            return gr.skip()
        articles = (self.asker.library.get(name) for name in {c.article_id for i in items for c in i.answer.citations})
        links = {article.id: article.url for article in articles if article and article.url}
        base: Json = {"at": next(self._openings)}
        if form == "clipboard":
            return packed({**base, "copy": "\n".join(export.plain(item.answer, links) for item in items)})
        if not isinstance(form, str) or form not in export.FORMATS:
            return gr.skip()
        ending, kind, write = export.FORMATS[form]
        return packed({**base, "name": export.file_name(items, ending), "type": kind, "text": write(items, links)})

    # --------------------------------------------------------------------------------------------------- reading

    def cite(self, conversation: Conversation, event: gr.EventData) -> Sent:
        """Open the article of a mark. What the browser sends is checked like any input from outside."""
        kind, turn, number = (getattr(event, name, None) for name in ("kind", "turn", "number"))
        exchange = next((e for e in conversation if e.number == turn), None)
        if exchange is None or kind not in view.KINDS:
            return gr.skip()
        spot = next((s for s in exchange.spots(cast("view.Kind", kind)) if s.number == number), None)
        if spot is None:
            return gr.skip()
        article = self.asker.library.get(spot.article_id)
        return self._open(view.reader_view(article, exchange, cast("view.Kind", kind), spot.number), conversation)

    def pick(self, conversation: Conversation, event: gr.EventData) -> Sent:
        """Open an article from the list."""
        article_id = getattr(event, "id", None)
        article = self.asker.library.get(article_id) if isinstance(article_id, str) else None
        if article is None:
            return self.panes.table(conversation)
        return self._open(view.article_view(article), conversation)

    def shut(self, conversation: Conversation) -> Sent:
        """Close what was opened from a list."""
        return self._resting(conversation)

    def _talk(self, conversation: Conversation) -> Sent:
        library = self.asker.library
        small = (
            library.status().articles <= SMALL
        )  # the examples are for who tries the samples: no search through 100,000
        examples = view.examples_for(lambda name: library.count(name) > 0) if small and not conversation else []
        return packed(view.talk_view(conversation, examples=examples))

    def _open(self, reader: Json, conversation: Conversation) -> str:
        turn = conversation[-1].number if conversation else 0
        return packed(view.opened(reader, turn=turn, at=next(self._openings)))

    def _proof(self, conversation: Conversation, turn: int) -> Sent:
        """The newest answer's first proof, opened without being asked; a hint where nothing is cited."""
        cited = conversation[-1].spots("cite") if conversation else ()
        if cited:
            article = self.asker.library.get(cited[0].article_id)
            reader = view.reader_view(article, conversation[-1], "cite", cited[0].number)
        else:
            reader = view.hint_view(conversation)
        return packed(view.opened(reader, turn=turn, at=next(self._openings), auto=True))

    def _resting(self, conversation: Conversation) -> Sent:
        return self._proof(conversation, turn=-1)  # of no turn: it takes the place of whatever is open


def _text(event: gr.EventData, name: str) -> str:
    """A text that the browser has sent, "" where it has sent none or something else."""
    value = getattr(event, name, None)
    return value if isinstance(value, str) else ""


def _bounded(within: Filter, part: str, value: date | None) -> Filter:
    return replace(within, since=value) if part == "since" else replace(within, until=value)


def _day(value: str) -> date | None:
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


def _running(conversation: Conversation) -> bool:
    return bool(conversation) and conversation[-1].running


def _script(*names: str) -> str:
    return "\n".join((ASSETS / name).read_text("utf-8") for name in ("dom.js", *filter(None, names)))


def _panel(name: str, value: str = "", *, before: str = "") -> Any:  # noqa: ANN401  # Gradio makes its events by their names
    """A part of the page that its script fills from `value`. The template is fixed: see assets/dom.js for the reason."""
    return gr.HTML(
        value,
        html_template=f'<div class="{name}"></div>',
        js_on_load=_script(before, f"{name}.js"),
        apply_default_css=False,
        elem_id=name,
    )


def build(asker: Asks, parts: Parts) -> gr.Blocks:
    """The page over `asker`, not yet served. One question is answered at a time; the others wait in `parts.line`."""
    on = Handlers(asker, parts)
    quiet: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
    every: dict[str, Any] = {**quiet, "trigger_mode": "multiple"}  # no Enter is lost while another is on its way
    latest: dict[str, Any] = {**quiet, "trigger_mode": "always_last"}
    page = gr.Blocks(title="Article QA", analytics_enabled=False, fill_width=True, fill_height=True)
    with page:
        conversation, desk = gr.State(cast("Any", ())), gr.State(cast("Any", NEW))
        masthead = _panel("masthead")
        with gr.Row(elem_id="columns"):
            with gr.Column(elem_id="left", min_width=0):
                talk = _panel("talk")
                narrow = _panel("narrow")
                box, ask, stop = _composer()
            with gr.Column(elem_id="right", min_width=0):
                reader = _panel("reader", packed(view.hint_view(())), before="panels.js")
        outbox = _panel("outbox")

        page.load(on.load, [conversation], [masthead, talk, reader, desk, narrow], **quiet)
        begun = [box, conversation, talk, ask, stop, desk, narrow]
        answers = []
        for start in (
            box.submit(on.begin, [box, conversation, desk], begun, **every),
            ask.click(on.begin, [box, conversation, desk], begun, **every),
            talk.example(on.example, [conversation, desk], begun, **quiet),
            talk.again(on.again, [conversation, desk], begun, **quiet),
        ):
            answered = start.then(
                on.answer,
                [conversation, desk],
                [conversation, talk, reader, ask, stop],
                concurrency_id="answer",
                concurrency_limit=WAITING,
                trigger_mode="multiple",  # else it is lost where the one before, of an empty question, is still on its way
                show_progress="hidden",
                api_visibility="private",
            )
            answered.failure(on.crashed, [conversation], [conversation, talk, ask, stop], **quiet)
            answers.append(answered)
        stop.click(on.stop, [conversation], [conversation, talk, ask, stop], cancels=answers, **quiet)
        masthead.fresh(
            on.fresh, [desk], [box, conversation, talk, reader, ask, stop, desk, narrow], cancels=answers, **quiet
        )
        talk.edit(on.edit, [conversation, desk], [box, desk, narrow], **quiet)
        talk.judge(on.judge, [conversation], [conversation, talk], **quiet)
        for panel in (talk, reader):
            panel.cite(on.cite, [conversation], reader, **latest)
            panel.export(on.export, [conversation, desk], outbox, **quiet)
        reader.only(on.narrow, [desk], [desk, narrow], **quiet)
        narrow.narrow(on.narrow, [desk], [desk, narrow], **quiet)
        narrow.widen(on.widen, [desk], [desk, narrow], **quiet)
        reader.pick(on.pick, [conversation], reader, **latest)
        reader.shut(on.shut, [conversation], reader, **latest)

        panes = on.panes
        masthead.library(panes.table, [conversation], reader, **quiet)
        masthead.statistics(panes.statistics, [conversation], reader, **quiet)
        masthead.settings(panes.settings, [conversation], reader, **quiet)
        masthead.talks(on.talks, [conversation, desk], reader, **quiet)
        reader.find(panes.find, [conversation], reader, **latest)
        reader.refresh(panes.refresh, [conversation], reader, **quiet).then(on.masthead, None, masthead, **quiet)
        reader.dropped(panes.dropped, [conversation], reader, **every)
        reader.clear(panes.clear, [conversation], reader, **quiet)
        reader.remove(panes.remove, [conversation], reader, **quiet).then(on.masthead, None, masthead, **quiet)
        reader.reopen(
            on.reopen,
            [conversation, desk],
            [conversation, talk, reader, ask, stop, desk, narrow],
            cancels=answers,
            **quiet,
        )
        reader.forget(on.forget, [conversation, desk], reader, **quiet)
        reader.apply(panes.apply, [conversation], reader, **quiet).then(on.masthead, None, masthead, **quiet)
        reader.probe(panes.probe, [conversation], reader, **quiet)
    return page


def _composer() -> tuple[gr.Textbox, gr.Button, gr.Button]:
    with gr.Row(elem_id="composer"):
        box = gr.Textbox(
            label="Your question",
            placeholder="Who, when, how much, why …",
            lines=1,
            max_lines=4,
            max_length=MAX_QUESTION,
            autofocus=True,
            elem_id="question",
            scale=1,
        )
        ask = gr.Button("Ask", variant="primary", elem_id="ask", min_width=0, scale=0)
        stop = gr.Button("Stop", variant="stop", visible=False, elem_id="stop", min_width=0, scale=0)
    return box, ask, stop


def _reach_ourselves_directly(host: str) -> None:
    """Except this machine from a proxy of the environment: Gradio calls its own server once when it starts."""
    for name in ("NO_PROXY", "no_proxy"):
        known = [part for part in os.environ.get(name, "").split(",") if part]
        os.environ[name] = ",".join(dict.fromkeys([*known, "localhost", "127.0.0.1", "::1", host]))


def launch(page: gr.Blocks, *, host: str, port: int, runs: Path | None = None) -> str:
    """Serve `page` in threads of this process and return its address. `page.close()` ends it.

    The newest report of the evals below `runs` is served beside it.

    Nothing leaves the machine: no share link, no analytics, no run history in the browser, fonts from the package.
    """
    _reach_ourselves_directly(host)
    page.queue(default_concurrency_limit=1, max_size=64)
    app, url, _ = page.launch(
        server_name=host,
        server_port=port,
        prevent_thread_lock=True,
        inbrowser=False,
        share=False,
        quiet=True,
        run_history=False,
        enable_monitoring=False,
        show_error=False,
        ssr_mode=False,
        footer_links=[],
        max_file_size=MAX_FILE,
        theme=gr.themes.Base(
            font=[gr.themes.LocalFont("Source Sans Pro"), "system-ui", "sans-serif"], font_mono=["monospace"]
        ),
        head="<style>" + (ASSETS / "style.css").read_text("utf-8") + "</style>",
        app_kwargs={"middleware": [Middleware(SecurityHeaders)]},
    )

    async def report(_request: Request) -> Response:
        found = newest_report(runs)
        return FileResponse(found, media_type="text/html") if found else PlainTextResponse("no report", 404)

    app.router.routes.insert(0, Route("/eval-report", report))  # Gradio's own routes take every path
    return url
