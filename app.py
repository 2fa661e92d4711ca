"""Builds the page and serves it; decides nothing. `python app.py --port 7860`, or `article-qa serve`."""

from __future__ import annotations

import argparse
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from ipaddress import ip_address
from pathlib import Path

from index.errors import ArticleQAError, InputError
from index.intake import Intake
from qa.answer import Asker
from qa.config import Config
from qa.conversations import Conversations
from qa.settings import Settings

HOST, PORT = "127.0.0.1", 7860
RUNS = Path("runs")  # where `evals.run` is told to write: the page shows its newest report


def serve(config: Config, *, host: str = HOST, port: int = PORT, file: Path | None = None) -> None:
    """Serve the page until Ctrl-C or SIGTERM; prints one line with the address when it is ready.

    `file` is the configuration file that was named, where settings are saved; by default the user's own.

    Raises InputError if the port is taken, and what `Asker.open` raises if the library or a model cannot be used.
    """
    from qa.web import page, panes  # Gradio takes seconds to import: not before it is needed

    ended = threading.Event()
    _check_port(host, port)  # before a model is loaded for nothing
    with ExitStack() as stack:
        asker = stack.enter_context(Asker.open(config))
        stack.callback(warm(asker).join)
        asker.library.start()  # vectors that are still missing are made while questions are answered
        intake = Intake(asker.library.add)
        stack.callback(intake.close)
        parts = panes.Parts(
            Conversations(config.library), intake, Settings(asker, file), changeable=_is_loopback(host), runs=RUNS
        )
        blocks = page.build(asker, parts)
        url = page.launch(blocks, host=host, port=port, runs=RUNS)
        stack.callback(blocks.close, verbose=False)
        signal.signal(signal.SIGTERM, lambda *_: ended.set())
        print(f"Article QA: {url} (Ctrl-C ends it)", flush=True)
        with suppress(KeyboardInterrupt):
            ended.wait()


def warm(asker: Asker) -> threading.Thread:
    """Load what finds the evidence, in the background, so that the first question need not wait for it."""

    def search() -> None:
        with suppress(ArticleQAError):  # it is told when somebody asks
            asker.retrieve("What is this about?")

    thread = threading.Thread(target=search, name="warm")
    thread.start()
    return thread


def _is_loopback(host: str) -> bool:
    """True where only this machine can reach the page."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _check_port(host: str, port: int) -> None:
    try:
        socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except (OSError, OverflowError) as error:
        raise InputError(f"port {port} on {host} cannot be used: choose another with --port ({error})") from error


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve the configured library; return the exit status."""
    parser = argparse.ArgumentParser(prog="app.py", description="Serve the page of Article QA.")
    parser.add_argument("--host", default=HOST, help="address to listen on (default: %(default)s, this machine only)")
    parser.add_argument("--port", type=int, default=PORT, help="default: %(default)s")
    given = parser.parse_args(arguments)
    try:
        serve(Config.load(), host=given.host, port=given.port)
    except ArticleQAError as error:
        print(f"article-qa: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
