"""A page of a newspaper, and a server on the loopback that stands for the world."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FIRST = "The repair of the bridge costs $6.4 million, the city said on Friday, and not 4 million as it was planned."
SECOND = "Two piers are worn & have to be replaced before the winter, says the engineer Ada Brink."
PAGE = f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Bridge repair | The Sarn Herald</title>
<meta property="og:title" content="Bridge repair to cost more"><meta property="og:site_name" content="The Sarn Herald">
<meta property="article:published_time" content="2024-05-03T10:00:00+02:00">
<meta property="article:modified_time" content="2024-06-30T10:00:00+02:00">
<link rel="canonical" href="https://herald.example/bridge"></head><body>
<nav><a href="/">Home</a> <a href="/sport">All the sport of the day</a></nav>
<article><h1>Bridge repair to cost more</h1><p>{FIRST.replace("costs $6.4", "costs <b>$6.4</b>")}</p>
<script>document.write("scripted words")</script><p>{SECOND.replace("&", "&amp;")}</p>
<ul><li>The first pier</li><li>The second pier</li></ul></article>
<aside>Subscribe to our newsletter and never miss a story!</aside><footer>Copyright 2026 <a href="/x">Cookies</a></footer>
</body></html>"""


@dataclass
class Site:
    """What the server answers: path -> (status, headers, body)."""

    url: str = ""
    pages: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    slow_s: float = 0.0

    def put(self, path: str, body: str | bytes, kind: str = "text/html", status: int = 200, **headers: str) -> str:
        data = body if isinstance(body, bytes) else body.encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.pages[path] = (status, {"Content-Type": kind, **named}, data)
        return self.url + path


@contextmanager
def site() -> Iterator[Site]:
    """A server at a free port."""
    made = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append(self.path)
            time.sleep(made.slow_s)
            status, headers, data = made.pages.get(self.path, (404, {"Content-Type": "text/html"}, b"not here"))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
