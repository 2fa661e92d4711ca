"""The client against a small server of our own on loopback."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import stamina

from index.errors import ConfigError, LLMRejectedError, LLMUnavailableError
from qa.backends.openai_compatible import ATTEMPTS, OpenAICompatibleLLM
from qa.llm import Chunk
from qa.types import Prompt

KEY = "sk-very-secret-1234567890"
PROMPT = Prompt("Answer briefly.", "Who?", {})


class Server:
    """Answers the n-th request with the n-th of `plan`, the last one for ever, and notes what it was sent."""

    def __init__(self, *plan: Callable[[BaseHTTPRequestHandler], None]) -> None:
        self.requests: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self.hung_up = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.requests.append((self.path, dict(self.headers), body))
                try:
                    plan[min(len(outer.requests), len(plan)) - 1](self)
                except OSError:
                    outer.hung_up.set()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._http.server_port}/v1"

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


Serve = Callable[..., tuple[Server, OpenAICompatibleLLM]]


@pytest.fixture
def serve() -> Iterator[Serve]:
    opened: list[Server | OpenAICompatibleLLM] = []

    def start(
        *plan: Callable[[BaseHTTPRequestHandler], None],
        timeout_s: float = 10,
        key: str = KEY,
        extra: dict[str, Any] | None = None,
    ) -> tuple[Server, OpenAICompatibleLLM]:
        server = Server(*plan)
        llm = OpenAICompatibleLLM(url=server.url, model="m", key=key, timeout_s=timeout_s, extra=extra)
        opened.extend([llm, server])
        return server, llm

    with stamina.set_testing(True, attempts=ATTEMPTS, cap=True):  # no waiting between the attempts
        yield start
    for one in opened:
        one.close()


def event(text: str | None = None, finish: str | None = None) -> str:
    delta = {} if text is None else {"content": text}
    return "data: " + json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}) + "\n\n"


def events(*parts: str, status: int = 200) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", "text/event-stream")
        handler.end_headers()
        for part in parts:
            handler.wfile.write(part.encode())
            handler.wfile.flush()

    return answer


def status(code: int, text: str = "no") -> Callable[[BaseHTTPRequestHandler], None]:
    return events(text, status=code)


GOOD = events(event(""), event("He "), event("left. [1]"), event(finish="stop"), "data: [DONE]\n\n")


def said(llm: OpenAICompatibleLLM) -> list[Chunk]:
    return list(llm.stream(PROMPT, max_tokens=9))


# --- good answers -----------------------------------------------------------------------------------------------------


def test_a_stream_is_yielded_as_it_comes_and_ends_with_how_it_ended(serve: Serve) -> None:
    _, llm = serve(GOOD)
    assert said(llm) == [Chunk("He "), Chunk("left. [1]"), Chunk("", "stop")]


def test_what_the_server_is_sent(serve: Serve) -> None:
    server, llm = serve(GOOD, extra={"cache_prompt": True})
    said(llm)
    [(path, headers, body)] = server.requests
    assert path == "/v1/chat/completions"
    assert headers["Authorization"] == f"Bearer {KEY}"
    assert body == {
        "model": "m",
        "messages": [{"role": "system", "content": "Answer briefly."}, {"role": "user", "content": "Who?"}],
        "temperature": 0,
        "max_tokens": 9,
        "stream": True,
        "cache_prompt": True,
    }


def test_what_the_answer_begins_with_is_sent_as_begun(serve: Serve) -> None:
    server, llm = serve(GOOD)
    list(llm.stream(replace(PROMPT, begin="["), max_tokens=2))
    [(_, _, body)] = server.requests
    assert body["messages"][2:] == [{"role": "assistant", "content": "["}]


def test_without_a_key_none_is_sent(serve: Serve) -> None:
    server, llm = serve(GOOD, key="")
    said(llm)
    assert "Authorization" not in server.requests[0][1]


def test_what_the_first_token_might_have_been_comes_with_it(serve: Serve) -> None:
    def likely(text: str, **alternatives: float) -> str:
        top = [{"token": token, "logprob": log, "bytes": []} for token, log in alternatives.items()]
        tokens = {"content": [{"token": text, "logprob": -0.1, "top_logprobs": top}]}
        return "data: " + json.dumps({"choices": [{"delta": {"content": text}, "logprobs": tokens}]}) + "\n\n"

    parts = (event(""), likely("He", He=-0.25, NOT=-3), likely(" left.", He=-1), event(finish="stop"))
    _, llm = serve(events(*parts), extra={"logprobs": True})
    assert said(llm) == [Chunk("He", instead={"He": -0.25, "NOT": -3.0}), Chunk(" left."), Chunk("", "stop")]


@pytest.mark.parametrize(
    "told", ["3", '["a"]', '{"content": [3]}', '{"content": [{"top_logprobs": [{"token": "A"}]}]}']
)
def test_a_server_that_tells_odd_ones_unasked(told: str, serve: Serve) -> None:
    _, llm = serve(
        events(f'data: {{"choices": [{{"delta": {{"content": "A"}}, "logprobs": {told}}}]}}\n\n', event(finish="stop"))
    )
    assert said(llm) == [Chunk("A"), Chunk("", "stop")]


@pytest.mark.parametrize("told", ["null", '{"content": null}', '{"content": []}', '{"content": [{"token": "A"}]}'])
def test_a_server_that_tells_no_alternatives(told: str, serve: Serve) -> None:
    _, llm = serve(
        events(f'data: {{"choices": [{{"delta": {{"content": "A"}}, "logprobs": {told}}}]}}\n\n', event(finish="stop")),
        extra={"logprobs": True},
    )
    assert said(llm) == [Chunk("A"), Chunk("", "stop")]


def test_a_cut_at_the_length_is_told(serve: Serve) -> None:
    _, llm = serve(events(event("He "), event("le", finish="length"), "data: [DONE]\n\n"))
    assert said(llm) == [Chunk("He "), Chunk("le"), Chunk("", "length")]


ODD = {
    "no [DONE]": (event("A"), event(finish="stop")),
    "comments and other fields": (": ping\n\n", "event: x\nid: 3\n" + event("A"), event(finish="stop")),
    "line ends of two characters": (event("A").replace("\n", "\r\n"), event(finish="stop").replace("\n", "\r\n")),
    "a chunk without choices": ('data: {"choices": [], "usage": {}}\n\n', event("A"), event(finish="stop")),
    "choices null": ('data: {"choices": null}\n\n', event("A"), event(finish="stop")),
    "content null": (
        'data: {"choices": [{"delta": {"role": "assistant", "content": null}}]}\n\n',
        event("A"),
        event(finish="stop"),
    ),
    "delta null": ('data: {"choices": [{"delta": null}]}\n\n', event("A"), event(finish="stop")),
    "no blank after data:": (event("A").replace("data: ", "data:"), event(finish="stop")),
    "the end with the last words": (event("A", finish="stop"),),
}


@pytest.mark.parametrize("kind", ODD)
def test_dialects_of_the_protocol(kind: str, serve: Serve) -> None:
    _, llm = serve(events(*ODD[kind]))
    assert said(llm) == [Chunk("A"), Chunk("", "stop")]


def test_a_character_parted_between_packets_is_whole(serve: Serve) -> None:
    raw = json.dumps({"choices": [{"delta": {"content": "É€"}, "finish_reason": "stop"}]}, ensure_ascii=False).encode()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        for byte in b"data: " + raw + b"\n\n":
            handler.wfile.write(bytes([byte]))
            handler.wfile.flush()

    _, llm = serve(answer)
    assert said(llm) == [Chunk("É€"), Chunk("", "stop")]


# --- failures ---------------------------------------------------------------------------------------------------------


def test_a_stream_without_an_end_is_an_error_after_its_words(serve: Serve) -> None:
    _, llm = serve(events(event("He ")))
    stream = llm.stream(PROMPT, max_tokens=9)
    assert next(stream) == Chunk("He ")
    with pytest.raises(LLMUnavailableError, match="cut off"):
        next(stream)


@pytest.mark.parametrize(
    "parts", [("data: [DONE]\n\n",), (), ("<html>Hello</html>",), ('{"choices": [{"message": {"content": "A"}}]}',)]
)
def test_what_is_no_stream_is_an_error(parts: tuple[str, ...], serve: Serve) -> None:
    _, llm = serve(events(*parts))
    with pytest.raises(LLMUnavailableError, match="cut off"):
        said(llm)


@pytest.mark.parametrize("code", [400, 401, 403, 404, 422, 302])
def test_a_refused_request_is_asked_once(code: int, serve: Serve) -> None:
    server, llm = serve(status(code, "bad model"))
    with pytest.raises(LLMRejectedError, match=rf"m: HTTP {code}: bad model"):
        said(llm)
    assert len(server.requests) == 1


@pytest.mark.parametrize("code", [408, 429, 500, 502, 503])
def test_a_busy_server_is_asked_again(code: int, serve: Serve) -> None:
    server, llm = serve(status(code), status(code), GOOD)
    assert "".join(chunk.text for chunk in said(llm)) == "He left. [1]"
    assert len(server.requests) == 3


def test_a_server_that_stays_busy_is_given_up(serve: Serve) -> None:
    server, llm = serve(status(503, "overloaded"))
    with pytest.raises(LLMUnavailableError, match="HTTP 503: overloaded"):
        said(llm)
    assert len(server.requests) == ATTEMPTS


BROKEN = {
    "broken JSON": "data: {oops\n\n",
    "a number": "data: 3\n\n",
    "a list": "data: []\n\n",
    "null": "data: null\n\n",
    "a choice that is none": 'data: {"choices": [3]}\n\n',
    "choices that are none": 'data: {"choices": 3}\n\n',
    "choices as an object": 'data: {"choices": {"a": 1}}\n\n',
    "a delta that is none": 'data: {"choices": [{"delta": 3}]}\n\n',
}


@pytest.mark.parametrize("kind", BROKEN)
def test_broken_events_are_an_error_of_ours(kind: str, serve: Serve) -> None:
    _, llm = serve(events(event("He "), BROKEN[kind], event(finish="stop")))
    with pytest.raises(LLMUnavailableError, match="m: sent what is no part of an answer"):
        said(llm)


@pytest.mark.parametrize("error", ['{"message": "out of memory"}', '"out of memory"'])
def test_an_error_in_the_middle_of_a_stream(error: str, serve: Serve) -> None:
    server, llm = serve(events(event("He "), f'data: {{"error": {error}}}\n\n', event(finish="stop")))
    with pytest.raises(LLMUnavailableError, match="out of memory"):
        said(llm)
    assert len(server.requests) == 1  # words were shown already: asking again would show them twice


def test_a_server_that_stalls_in_the_middle_is_given_up(serve: Serve) -> None:
    gate = threading.Event()

    def stall(handler: BaseHTTPRequestHandler) -> None:
        events(event("He "))(handler)
        gate.wait(20)

    _, llm = serve(stall, timeout_s=0.3)
    stream = llm.stream(PROMPT, max_tokens=9)
    assert next(stream) == Chunk("He ")
    start = time.monotonic()
    with pytest.raises(LLMUnavailableError, match="ReadTimeout"):
        next(stream)
    assert time.monotonic() - start < 5
    gate.set()


def test_a_server_that_hangs_up_in_the_middle(serve: Serve) -> None:
    def hang_up(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(event("He ").encode())
        handler.close_connection = True

    _, llm = serve(hang_up)
    with pytest.raises(LLMUnavailableError, match="cut off"):
        said(llm)


def test_a_server_that_hangs_up_before_it_answers_is_asked_again(serve: Serve) -> None:
    def hang_up(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True

    server, llm = serve(hang_up, GOOD)
    assert len(said(llm)) == 3
    assert len(server.requests) == 2


def test_an_encoding_that_is_a_lie(serve: Serve) -> None:
    def lie(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Encoding", "gzip")
        handler.end_headers()
        handler.wfile.write(b"this is not gzip")

    _, llm = serve(lie)
    with pytest.raises(LLMUnavailableError, match="cut off"):
        said(llm)


def test_nobody_there() -> None:
    with stamina.set_testing(True, attempts=1):
        llm = OpenAICompatibleLLM(url="http://127.0.0.1:9/v1", model="m", key=KEY, timeout_s=1)
        with pytest.raises(
            LLMUnavailableError, match=r"m at http://127\.0\.0\.1:9/v1/chat/completions does not answer"
        ):
            said(llm)
        llm.close()


def test_closing_the_stream_hangs_up(serve: Serve) -> None:
    server: Server

    def talk(handler: BaseHTTPRequestHandler) -> None:
        events()(handler)
        while True:
            handler.wfile.write(event("more ").encode())
            time.sleep(0.01)

    server, llm = serve(talk)
    stream = llm.stream(PROMPT, max_tokens=9)
    assert next(stream) == Chunk("more ")
    stream.close()
    assert server.hung_up.wait(5)


# --- the key ----------------------------------------------------------------------------------------------------------


def test_a_key_that_the_server_repeats_is_not_passed_on(serve: Serve) -> None:
    _, llm = serve(status(401, f"Incorrect API key provided: {KEY}"))
    with pytest.raises(LLMRejectedError, match=r"HTTP 401: Incorrect API key provided: \*\*\*$"):
        said(llm)
    _, llm = serve(events(f'data: {{"error": "bad key {KEY}"}}\n\n'))
    with pytest.raises(LLMUnavailableError, match=r"bad key \*\*\*$"):
        said(llm)


def test_the_key_is_in_no_text_of_the_client(serve: Serve) -> None:
    _, llm = serve(GOOD)
    assert KEY not in repr(llm) + str(llm)


def test_the_line_end_of_a_key_is_taken_off(serve: Serve) -> None:
    server, llm = serve(GOOD, key=f" {KEY}\r\n")
    said(llm)
    assert server.requests[0][1]["Authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("key", [f"{KEY}\nX-Evil: 1", f"{KEY}é", f"{KEY}\x00"])
def test_a_key_that_cannot_be_sent_is_refused_and_not_repeated(key: str) -> None:
    with pytest.raises(ConfigError, match="copy it again") as caught:
        OpenAICompatibleLLM(url="http://127.0.0.1:9/v1", model="m", key=key, timeout_s=1)
    assert KEY not in str(caught.value)


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="cannot be used"):
        OpenAICompatibleLLM(url="http://[::1/v1", model="m", key="", timeout_s=1)
