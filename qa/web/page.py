"""The Gradio page: wires the events of the browser to an Asker and to the view models. The only file that knows Gradio."""

from __future__ import annotations

import itertools
import logging
import os
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol, cast

import gradio as gr
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from index.errors import ArticleQAError
from index.types import Article
from qa.types import DraftGrown, Event, Turn
from qa.web import view
from qa.web.view import Conversation, Exchange, Json, packed

ASSETS = Path(__file__).parent / "assets"
LOG = logging.getLogger(__name__)
MAX_QUESTION = 2000  # characters; far more than any question, far less than a prompt can hold
Sent = Any  # a packed view, or gr.skip() where the component stays as it is
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


class Library(Protocol):
    """What the page needs of `index.library.Library`."""

    def get(self, article_id: str) -> Article | None:
        """Return an article as stored now, or None."""

    def articles(self) -> Sequence[Article]:
        """Return every article."""


class Asks(Protocol):
    """What the page needs of `qa.answer.Asker`."""

    @property
    def library(self) -> Library:
        """The articles that are asked."""

    def stream(self, question: str, history: Sequence[Turn] = ()) -> Iterator[Event]:
        """Yield one EvidenceFound, then what is written and checked, then one AnswerDone."""


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

    def __init__(self, asker: Asks, model: str) -> None:
        self.asker = asker
        self.model = model
        self._openings = itertools.count(1)

    def load(self, conversation: Conversation) -> tuple[Sent, Sent, Sent]:
        """A browser has opened the page: masthead, conversation, reader."""
        articles = self.asker.library.articles()
        talk = view.talk_view(conversation, examples=view.examples_for(articles))
        return packed(view.masthead_view(len(articles), self.model)), packed(talk), self._resting(conversation)

    def begin(self, question: str, conversation: Conversation) -> tuple[Any, Conversation, Sent, Any, Any]:
        """Take the question at once, so that it is on the page while it waits for the model."""
        question = question.strip()
        if not question or _running(conversation):
            return gr.skip(), conversation, gr.skip(), gr.skip(), gr.skip()
        exchange = Exchange(len(conversation) + 1, question[:MAX_QUESTION])
        conversation = (*conversation, exchange)
        talk = packed(view.talk_view(conversation, last=True))
        return "", conversation, talk, gr.update(visible=False), gr.update(visible=True)

    def answer(self, conversation: Conversation) -> Generator[tuple[Conversation, Sent, Sent, Any, Any], None, None]:
        """Answer the exchange that waits; yield after each event that changes the page.

        Stop, and closing the tab, close this generator, which closes the asker's and so stops the model.
        """
        if not _running(conversation):
            return
        past, exchange = conversation[:-1], conversation[-1].searching()

        def show(exchange: Exchange, reader: Sent) -> tuple[Conversation, Sent, Sent, Any, Any]:
            now, done = (*past, exchange), not exchange.running
            talk = packed(view.talk_view(now, last=True))
            return now, talk, reader, gr.update(visible=done), gr.update(visible=not done)

        yield show(exchange, gr.skip())
        drawn = 0.0
        try:
            with closing(cast("Any", self.asker.stream(exchange.question, view.history(past)))) as events:
                for event in events:
                    exchange = exchange.after(event)
                    if isinstance(event, DraftGrown) and time.monotonic() - drawn < REDRAW_S:
                        continue
                    drawn = time.monotonic()
                    if exchange.running:
                        yield show(exchange, gr.skip())
        except ArticleQAError as error:
            LOG.warning("question not answered: %s", error)
            exchange = exchange.failed(str(error))
        yield show(exchange, self._proof((*past, exchange), exchange.number) if exchange.answer else gr.skip())

    def stop(self, conversation: Conversation) -> tuple[Conversation, Sent, Any, Any]:
        """The Stop button: keep what was checked, drop what was not."""
        return self._ended(tuple(e.stopped() for e in conversation))

    def crashed(self, conversation: Conversation) -> tuple[Conversation, Sent, Any, Any]:
        """The answer ended with an error that nobody foresaw; Gradio has logged it."""
        return self._ended(tuple(e.failed("An unexpected error; the server's log has more.") for e in conversation))

    def _ended(self, conversation: Conversation) -> tuple[Conversation, Sent, Any, Any]:
        return conversation, self._talk(conversation), gr.update(visible=True), gr.update(visible=False)

    def fresh(self) -> tuple[str, Conversation, Sent, Sent, Any, Any]:
        """A new conversation; the old one is forgotten."""
        return "", (), self._talk(()), self._resting(()), gr.update(visible=True), gr.update(visible=False)

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

    def library(self, conversation: Conversation) -> Sent:
        """List the library in the reader."""
        return self._open(view.library_view(self.asker.library.articles()), conversation)

    def pick(self, conversation: Conversation, event: gr.EventData) -> Sent:
        """Open an article from the list."""
        article_id = getattr(event, "id", None)
        article = self.asker.library.get(article_id) if isinstance(article_id, str) else None
        if article is None:
            return self.library(conversation)
        return self._open(view.article_view(article), conversation)

    def shut(self, conversation: Conversation) -> Sent:
        """Close what was opened from the list."""
        return self._resting(conversation)

    def example(self, conversation: Conversation, event: gr.EventData) -> tuple[Any, Conversation, Sent, Any, Any]:
        """An example was chosen: the same as typing it."""
        text = getattr(event, "text", None)
        return self.begin(text if isinstance(text, str) else "", conversation)

    def _talk(self, conversation: Conversation) -> Sent:
        examples = [] if conversation else view.examples_for(self.asker.library.articles())
        return packed(view.talk_view(conversation, examples=examples))

    def _open(self, reader: Json, conversation: Conversation) -> Sent:
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


def _running(conversation: Conversation) -> bool:
    return bool(conversation) and conversation[-1].running


def _script(name: str) -> str:
    return (ASSETS / "dom.js").read_text("utf-8") + (ASSETS / name).read_text("utf-8")


def _panel(name: str, value: str = "") -> Any:  # noqa: ANN401  # Gradio makes its events by their names
    """A part of the page that its script fills from `value`. The template is fixed: see assets/dom.js for the reason."""
    return gr.HTML(
        value,
        html_template=f'<div class="{name}"></div>',
        js_on_load=_script(f"{name}.js"),
        apply_default_css=False,
        elem_id=name,
    )


def build(asker: Asks, *, model: str = "") -> gr.Blocks:
    """The page over `asker`, not yet served. `model` is the name shown on top. One question is answered at a time."""
    on = Handlers(asker, model)
    quiet: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
    page = gr.Blocks(title="Article QA", analytics_enabled=False, fill_width=True, fill_height=True)
    with page:
        conversation = gr.State(cast("Any", ()))
        masthead = _panel("masthead")
        with gr.Row(elem_id="columns"):
            with gr.Column(elem_id="left", min_width=0):
                talk = _panel("talk")
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
            with gr.Column(elem_id="right", min_width=0):
                reader = _panel("reader", packed(view.hint_view(())))

        page.load(on.load, [conversation], [masthead, talk, reader], **quiet)
        begun = [box, conversation, talk, ask, stop]
        every: dict[str, Any] = {**quiet, "trigger_mode": "multiple"}  # no Enter is lost while another is on its way
        answers = []
        for start in (
            box.submit(on.begin, [box, conversation], begun, **every),
            ask.click(on.begin, [box, conversation], begun, **every),
            talk.example(on.example, [conversation], begun, **quiet),
        ):
            answered = start.then(
                on.answer,
                [conversation],
                [conversation, talk, reader, ask, stop],
                concurrency_id="answer",
                concurrency_limit=1,
                trigger_mode="multiple",  # else it is lost where the one before, of an empty question, is still on its way
                show_progress="hidden",
                api_visibility="private",
            )
            answered.failure(on.crashed, [conversation], [conversation, talk, ask, stop], **quiet)
            answers.append(answered)
        stop.click(on.stop, [conversation], [conversation, talk, ask, stop], cancels=answers, **quiet)
        masthead.fresh(on.fresh, None, [box, conversation, talk, reader, ask, stop], cancels=answers, **quiet)
        masthead.library(on.library, [conversation], reader, **quiet)
        latest: dict[str, Any] = {**quiet, "trigger_mode": "always_last"}
        talk.cite(on.cite, [conversation], reader, **latest)
        reader.cite(on.cite, [conversation], reader, **latest)
        reader.pick(on.pick, [conversation], reader, **latest)
        reader.shut(on.shut, [conversation], reader, **latest)
    return page


def _reach_ourselves_directly(host: str) -> None:
    """Except this machine from a proxy of the environment: Gradio calls its own server once when it starts."""
    for name in ("NO_PROXY", "no_proxy"):
        known = [part for part in os.environ.get(name, "").split(",") if part]
        os.environ[name] = ",".join(dict.fromkeys([*known, "localhost", "127.0.0.1", "::1", host]))


def launch(page: gr.Blocks, *, host: str, port: int) -> str:
    """Serve `page` in threads of this process and return its address. `page.close()` ends it.

    Nothing leaves the machine: no share link, no analytics, no run history in the browser, fonts from the package.
    """
    _reach_ourselves_directly(host)
    page.queue(default_concurrency_limit=1, max_size=64)
    _, url, _ = page.launch(
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
        max_file_size="1mb",  # nothing is uploaded here
        theme=gr.themes.Base(
            font=[gr.themes.LocalFont("Source Sans Pro"), "system-ui", "sans-serif"], font_mono=["monospace"]
        ),
        head="<style>" + (ASSETS / "style.css").read_text("utf-8") + "</style>",
        app_kwargs={"middleware": [Middleware(SecurityHeaders)]},
    )
    return url
