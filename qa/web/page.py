"""The Gradio page: its parts, and which event of the browser goes to which handler; served with strict headers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, cast

import gradio as gr
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qa.web import reading
from qa.web.handlers import MAX_QUESTION, NEW, Asks, Handlers
from qa.web.panes import Parts, newest_report
from qa.web.view import packed

ASSETS = Path(__file__).parent / "assets"
MAX_FILE = "200mb"  # of one upload: a JSONL file may hold a whole library
WAITING = 24  # questions that can stand in the line at once; each of them holds a thread for moments only

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
                reader = _panel("reader", packed(reading.hint_view(())), before="panels.js")
        outbox = _panel("outbox")

        page.load(on.load, [conversation], [masthead, talk, reader, desk, narrow], **quiet)
        begun = [box, conversation, talk, ask, stop, desk, narrow]
        starts = (
            box.submit(on.begin, [box, conversation, desk], begun, **every),
            ask.click(on.begin, [box, conversation, desk], begun, **every),
            talk.example(on.example, [conversation, desk], begun, **quiet),
            talk.again(on.again, [conversation, desk], begun, **quiet),
            talk.timed(on.turn_time, [conversation, desk], begun, **quiet),
        )
        answers = [
            start.then(
                on.answer,
                [conversation, desk],
                [conversation, talk, reader, ask, stop],
                concurrency_id="answer",
                concurrency_limit=WAITING,
                trigger_mode="multiple",  # else it is lost where the one before, of an empty question, is still on its way
                show_progress="hidden",
                api_visibility="private",
            )
            for start in starts
        ]
        stop.click(on.stop, [conversation, desk], [conversation, talk, ask, stop], cancels=answers, **quiet)
        masthead.fresh(
            on.fresh,
            [conversation, desk],
            [box, conversation, talk, reader, ask, stop, desk, narrow],
            cancels=answers,
            **quiet,
        )
        talk.edit(on.edit, [conversation, desk], [box, desk, narrow], **quiet)
        talk.judge(on.judge, [conversation], talk, **quiet)
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
        reader.fetch(panes.fetch, [conversation], reader, **every)
        reader.reread(panes.reread, [conversation], reader, **every)
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
