"""Web addresses: a page is fetched because somebody has asked for just this one, and becomes an article like a file's."""

from __future__ import annotations

import re
import socket
import threading
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from time import monotonic
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

import httpx

from index.errors import InputError
from index.loaders import html
from index.loaders.reading import Given, Problem, article, title_from

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from httpcore import NetworkStream

    from index.types import Article

TIMEOUT_S = 30.0  # for the whole page
_STEP = httpx.Timeout(10.0)  # seconds for the next bytes
MAX_REDIRECTS = 5
PAGES = frozenset({"text/html", "application/xhtml+xml"})
TEXTS = frozenset({"text/plain", "text/markdown"})
_HOLDS_IPV4 = (ip_network("::/96"), ip_network("64:ff9b::/96"))  # the last 32 bits say where it leads
_LOCAL_NAT64 = ip_network("64:ff9b:1::/48")
_WEB = re.compile(r"https?://", re.IGNORECASE)
_HEADERS = {
    "User-Agent": "article-qa/0.1 (one page, asked for by its reader)",
    "Accept-Encoding": "identity",  # what is packed may be a thousand times as long as what came
    "Accept": "text/html, application/xhtml+xml, text/plain;q=0.8, text/markdown;q=0.8",
}


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a server gave."""

    url: str  # after redirects, without the part behind "#"
    kind: str  # such as "text/html"
    charset: str | None
    data: bytes


def is_web(text: str) -> bool:
    """True for an address that `load` can fetch."""
    return _WEB.match(text) is not None


def load(address: str) -> Iterator[Article | Problem]:
    """Yield the article at a web address, or a Problem that says why there is none. Nothing else is fetched."""
    try:
        yield _article(fetch(address))
    except InputError as exc:
        yield Problem(address, str(exc))


def _article(got: Fetched) -> Article:
    if got.kind in PAGES:
        head, text = html.page(html.decoded(got.data, got.charset), got.url)
    else:
        text = html.decoded(got.data, got.charset).replace("\r\n", "\n").replace("\r", "\n")
        head = Given(title=title_from(text), source=urlsplit(got.url).hostname, url=got.url)
    return article(got.url, head, text, other_id=got.url)


def fetch(address: str) -> Fetched:
    """Return what is at `address`. Raises InputError with what to do, for anything that is no page of text.

    A server in the world must not lead to a service of this machine or its network: such a redirect is refused.
    """
    until = monotonic() + TIMEOUT_S
    done: Future[Fetched] = Future()
    open_streams: list[NetworkStream] = []

    def work() -> None:
        try:
            done.set_result(_follow(address.strip(), until, open_streams))
        except BaseException as exc:  # noqa: BLE001  # raised again below, for the one who waits
            done.set_exception(exc)

    # The client limits each wait for bytes, not their number: a header can come for days, letter by letter.
    thread = threading.Thread(target=work, name="fetch", daemon=True)
    thread.start()
    thread.join(TIMEOUT_S)
    if thread.is_alive():
        for stream in open_streams:
            with suppress(OSError):  # it is closed already
                stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)  # so that the thread ends as well
        raise _late()
    return done.result()


def _follow(url: str, until: float, open_streams: list[NetworkStream]) -> Fetched:
    inside = _places(_host(url)) == {True}
    for _ in range(MAX_REDIRECTS + 1):
        # No proxy knows the way to this machine's own network.
        with httpx.Client(timeout=_STEP, trust_env=not inside, headers=_HEADERS) as client:
            got = _one(client, url, until, open_streams)
        if isinstance(got, Fetched):
            return got
        url = got
        places = _places(_host(url))
        if True in places and not inside:
            raise InputError(f"leads to {_host(url)}, an address of this machine or its network: that is not followed")
        inside = inside and places == {True}  # who has been in the world does not come back
    raise InputError(f"leads on more than {MAX_REDIRECTS} times: give the address where it ends")


def _one(client: httpx.Client, url: str, until: float, open_streams: list[NetworkStream]) -> Fetched | str:
    """One request: the page, or the address that it leads to. Its connections are put into `open_streams`."""

    def trace(event: str, info: Mapping[str, object]) -> None:
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            open_streams.append(info["return_value"])  # type: ignore[arg-type]
            if monotonic() > until:  # nobody waits any more
                raise _late()

    try:
        with client.stream("GET", url, extensions={"trace": trace}) as reply:
            if reply.is_redirect:
                return urljoin(url, str(reply.headers.get("location", "")))
            if reply.is_error:
                raise InputError(_refused(reply.status_code, reply.reason_phrase))
            kind = reply.headers.get("content-type", "text/html").partition(";")[0].strip().lower()
            if kind not in PAGES | TEXTS:
                raise InputError(f"is of the kind {kind[:80]}: only web pages and plain texts are read from an address")
            packed = reply.headers.get("content-encoding", "identity").strip().lower()
            if packed not in {"", "identity"}:
                raise InputError(f"comes packed ({packed[:40]}), unasked: save it in a browser and add the file")
            data = bytearray()
            for chunk in reply.iter_raw():
                data += chunk
                if len(data) > html.MAX_PAGE:
                    raise InputError(f"is longer than {html.MAX_PAGE // 1_000_000} MB: save it as a file and add that")
                if monotonic() > until:
                    raise _late()
            return Fetched(url.partition("#")[0], kind, reply.charset_encoding, bytes(data))
    except httpx.TimeoutException as exc:
        raise InputError("does not answer: try again later, or save the page in a browser and add the file") from exc
    except (httpx.RequestError, httpx.InvalidURL, ValueError) as exc:  # ValueError: it leads to no address
        raise InputError(f"cannot be fetched: {exc or type(exc).__name__}") from exc


def _late() -> InputError:
    return InputError(f"did not come within {TIMEOUT_S:.0f} seconds: try again later")


def _refused(status: int, reason: str) -> str:
    said = f"the server answers {status} {reason}".rstrip()
    if status in {401, 403, 429, 451}:
        return f"{said}: it wants a login or refuses programs; open it in a browser, save the page and add the file"
    return f"{said}: look whether the address is right" if status < 500 else f"{said}: try again later"


def _host(url: str) -> str:
    """The host of an address that may be fetched, as the client asks for it. Raises InputError for any other."""
    try:
        parts, asked = urlsplit(url), httpx.URL(url)
        host, known = asked.raw_host.decode("ascii").strip("[]"), parts.port != 0
    except (ValueError, httpx.InvalidURL) as exc:
        raise InputError(f"is no web address: {exc}") from exc
    if not is_web(url) or not host or not known:
        raise InputError("is no web address: it begins with http:// or https://")
    if parts.username is not None or parts.password is not None or asked.userinfo:
        raise InputError("holds a name or a password: it would be kept in the library, so it is not fetched")
    return host


def _places(host: str) -> set[bool]:
    """Where a host lies: {True} within, {False} in the world, both if it has addresses of both kinds; {} if nobody knows."""
    try:
        return {_is_within(host)}
    except ValueError:
        pass
    try:
        found = socket.getaddrinfo(host, None, proto=socket.IPPROTO_TCP)
    except (OSError, UnicodeError):  # only a proxy knows it, or nobody: the request will tell
        return set()
    return {_is_within(str(address[0])) for *_, address in found}


def _is_within(text: str) -> bool:
    """True for an address of this machine or of a network that the world cannot reach. Raises ValueError if it is none."""
    address: IPv4Address | IPv6Address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address):
        if address in _LOCAL_NAT64 or address.is_site_local:
            return True
        if any(address in net for net in _HOLDS_IPV4):
            address = IPv4Address(int(address) & 0xFFFFFFFF)
        else:
            address = address.ipv4_mapped or address.sixtofour or address
    return address.is_multicast or not address.is_global
