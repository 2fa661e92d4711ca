"""Pages from files and from the web: a server on the loopback stands for the world."""

from __future__ import annotations

import contextlib
import gzip
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path

import pages
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pages import FIRST, PAGE, SECOND, Site
from trafilatura.settings import Document

from index.errors import InputError
from index.intake import Intake
from index.library import Library
from index.loaders import Problem, html, load, url
from index.types import Arrival, Article
from qa.cli import main


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")  # nothing of this machine's own network goes to a proxy
    with pages.site() as made:
        yield made


def problem(address: str) -> str:
    [found] = url.load(address)
    assert isinstance(found, Problem), found
    assert found.file == address
    return found.reason


# --- files -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["bridge.html", "bridge.HTM"])
def test_a_page_becomes_its_article_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(PAGE, "utf-8")
    [found] = load(tmp_path / name)
    assert isinstance(found, Article)
    assert found == Article(
        id=f"{tmp_path.name}/{name}",
        title="Bridge repair to cost more",
        text=f"Bridge repair to cost more\n\n{FIRST}\n\n{SECOND}\n\n- The first pier\n- The second pier",
        date=date(2024, 5, 3),  # the day it was published, not the day it was changed
        source="The Sarn Herald",
        url="https://herald.example/bridge",
        file=str(tmp_path / name),
    )


@pytest.mark.parametrize(
    ("said", "encoding"),
    [
        ("utf-8", "utf-8"),
        ("windows-1251", "cp1251"),
        ("shift_jis", "shift_jis"),
        ("ISO-8859-1", "cp1252"),
        ("x-no", "utf-8"),
    ],
)
def test_the_encoding_that_a_page_names_is_used(said: str, encoding: str) -> None:
    word = {"cp1251": "Мост", "shift_jis": "橋", "cp1252": "Brücke – “neu”"}.get(encoding, "Brücke 橋")
    assert word in html.decoded(f'<html><head><META CHARSET="{said}">{word}'.encode(encoding))
    assert html.decoded(word.encode(encoding), said) == word  # the server says it


@pytest.mark.parametrize(
    "said",
    [
        "punycode",
        "Puny-Code",
        "idna",
        "unicode_escape",
        "raw_unicode_escape",
        "undefined",
        "utf-7",
        "U7",
        "zlib",
        "rot13",
    ],
)
def test_what_is_no_encoding_of_the_web_is_passed_over(said: str) -> None:
    page = f'<html><head><meta charset="{said}">' + r"a \ud800 \x41 +2AA- b-c-"
    assert html.decoded(page.encode()) == page
    assert html.decoded(page.encode(), said) == page


def test_a_name_that_is_none_is_passed_over() -> None:
    assert html.decoded("Brücke".encode(), "a\0b") == html.decoded("Brücke".encode(), "ü\ud800") == "Brücke"


@pytest.mark.parametrize("day", ["0001-01-01", "0999-12-31", "3000-01-01", "last June", ""])
def test_a_day_that_stands_for_none_is_none(monkeypatch: pytest.MonkeyPatch, day: str) -> None:
    found = Document(text=FIRST)
    found.date = day  # as if the page said so: the reader of pages passes most of these over by itself
    monkeypatch.setattr("trafilatura.bare_extraction", lambda *_, **__: found)
    assert html.page(PAGE)[0].date is None
    found.date = "1000-01-01"
    assert html.page(PAGE)[0].date == date(1000, 1, 1)


@pytest.mark.parametrize("markup", ["<html><body><script>x()</script></body></html>", "", "<p>", "\0"])
def test_a_page_without_an_article_says_what_to_do(tmp_path: Path, markup: str) -> None:
    (tmp_path / "a.html").write_text(markup, "utf-8")
    [found] = load(tmp_path / "a.html")
    assert isinstance(found, Problem)
    assert "save its text" in found.reason


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=30)
@given(st.text(alphabet="<>/=\"'p aiv!-&#;x\0\ud800\n[]", max_size=200))
def test_no_markup_makes_it_raise_anything_else(text: str) -> None:
    for markup in (
        text,
        f"<html><body><article><p>{text}</p><p>Enough words to be an article.</p></article></body></html>",
    ):
        try:
            _, found = html.page(markup)
        except InputError:
            continue
        assert found.strip()
        assert "\0" not in found


# --- addresses ---------------------------------------------------------------------------------------------------


def test_a_page_is_fetched_and_named_by_its_address(site: Site) -> None:
    address = site.put("/news?id=1", PAGE)
    [found] = url.load(f"{address}#comments")
    assert isinstance(found, Article)
    assert (found.id, found.url, found.file) == (address, address, address)  # whatever the page says it is
    assert (found.title, found.date, found.source) == (
        "Bridge repair to cost more",
        date(2024, 5, 3),
        "The Sarn Herald",
    )
    assert FIRST in found.text
    assert "newsletter" not in found.text
    assert site.asked == ["/news?id=1"]  # no picture, no script, nothing else


def test_a_plain_text_is_taken_as_it_is(site: Site) -> None:
    [found] = url.load(site.put("/a.txt", "A first sentence.\r\nMore – words.", "text/plain; charset=utf-8"))
    assert isinstance(found, Article)
    assert (found.text, found.title, found.source) == (
        "A first sentence.\nMore – words.",
        "A first sentence.",
        "127.0.0.1",
    )


def test_a_page_that_has_moved_is_followed(site: Site) -> None:
    there = site.put("/new", PAGE)
    [found] = url.load(site.put("/old", "", status=301, Location="/new"))
    assert isinstance(found, Article)
    assert found.id == there


@pytest.mark.parametrize("location", ["//[", "http://[bad", "//x]y/", "http://a:b/", "http://a:99999/", "\x01", "\xff"])
def test_a_page_that_leads_to_no_address_is_a_problem(site: Site, location: str) -> None:
    assert re.search(
        "cannot be fetched: |is no web address: |answers 404 ",
        problem(site.put("/a", "", status=302, Location=location)),
    )


def test_a_page_is_asked_for_as_it_is_and_not_unpacked(site: Site) -> None:
    bomb = gzip.compress(b" " * (html.MAX_PAGE + 1))
    assert "comes packed (gzip), unasked" in problem(site.put("/bomb", bomb, Content_Encoding="gzip"))
    assert "comes packed (br), unasked" in problem(site.put("/br", b"x", Content_Encoding="br"))
    assert isinstance(next(url.load(site.put("/plain", PAGE, Content_Encoding="identity"))), Article)
    assert "longer than 5 MB" in problem(site.put("/long", b" " * (html.MAX_PAGE + 1)))


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("ftp://example.org/x", "begins with http"),
        ("file:///etc/passwd", "begins with http"),
        ("https://", "begins with http"),
        ("http://[::1", "is no web address"),
        ("http://a.example:99999999/", "is no web address"),
        ("http://me:secret@a.example/", "holds a name or a password"),
        ("javascript:alert(1)", "begins with http"),
        ("", "begins with http"),
        ("http://127.0.0.1:1/", "cannot be fetched"),
    ],
)
def test_what_is_no_page_is_said_to_be_so(address: str, says: str) -> None:
    assert says in problem(address)


def test_what_a_server_refuses_is_told_with_a_way_out(site: Site) -> None:
    assert "404 Not Found: look whether the address is right" in problem(f"{site.url}/nothing")
    assert "403 Forbidden: it wants a login" in problem(site.put("/secret", "", status=403))
    assert "503 Service Unavailable: try again later" in problem(site.put("/down", "", status=503))
    assert "is of the kind application/pdf" in problem(site.put("/a.pdf", b"%PDF", "application/pdf"))
    assert "no article was found on it" in problem(site.put("/empty", "<html><body></body></html>"))
    assert "cannot be fetched" in problem(site.put("/broken", b"cut short", Content_Length="99"))
    assert "leads on more than 5 times" in problem(site.put("/circle", "", status=302, Location="/circle"))
    assert site.asked.count("/circle") == 6
    assert "begins with http" in problem(site.put("/away", "", status=302, Location="file:///etc/passwd"))


def test_a_page_that_does_not_come_is_given_up(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    address = site.put("/slow", PAGE)
    site.slow_s = 0.5
    monkeypatch.setattr(url, "_STEP", 0.05)
    assert "does not answer" in problem(address)


@pytest.mark.parametrize(
    "start",
    [
        b"",  # a status line that does not end
        b"HTTP/1.1 200 OK\r\nX-Drip: ",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=",  # bytes come, but none of the page
    ],
)
def test_a_page_that_comes_letter_by_letter_is_given_up(start: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(url, "TIMEOUT_S", 0.4)
    gone = threading.Event()

    def drip(server: socket.socket) -> None:
        client, _ = server.accept()
        with client:
            client.recv(10_000)
            client.sendall(start)
            with contextlib.suppress(OSError):
                for _ in range(400):
                    client.sendall(b"H")
                    time.sleep(0.02)
                return
        gone.set()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=drip, args=(server,))
        thread.start()
        begun = time.monotonic()
        assert "did not come within" in problem(f"http://127.0.0.1:{server.getsockname()[1]}/")
        assert time.monotonic() - begun < 3
        assert gone.wait(5)  # the connection is ended as well
        thread.join(5)


@pytest.fixture
def world(site: Site, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Names of hosts and what a name server says of them; who connects comes to the site, whatever the address."""
    monkeypatch.delenv("HTTP_PROXY")
    known: dict[str, tuple[str, ...]] = {}
    real = socket.getaddrinfo

    def asked(host: str, port: int | None, family: int = 0, kind: int = 0, proto: int = 0) -> Sequence[object]:
        name = host if host[:1].isdigit() else host.encode("idna").decode()  # as the real one does
        if name not in known:
            return real(host, port, family, kind, proto)
        records = known[name] if port is None else ("127.0.0.1",)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port or 0)) for one in records]

    def put(name: str, *records: str) -> str:
        known[name] = records
        return f"http://{name}:{site.url.rpartition(':')[2]}"

    monkeypatch.setattr(socket, "getaddrinfo", asked)
    return put


def test_the_world_does_not_lead_into_this_machine(site: Site, world: Callable[..., str]) -> None:
    secret = site.put("/secret", PAGE)
    start = world("news.test", "8.8.8.8")
    site.put("/innocent", "", status=302, Location=secret)
    assert "leads to 127.0.0.1, an address of this machine" in problem(f"{start}/innocent")
    assert site.asked == ["/innocent"]
    site.put("/on", "", status=302, Location=f"{world('other.test', '9.9.9.9')}/page")
    site.put("/page", PAGE)
    assert isinstance(next(url.load(f"{start}/on")), Article)  # from one of the world to another


def test_the_name_that_is_looked_up_is_the_one_that_is_asked(site: Site, world: Callable[..., str]) -> None:
    site.put("/secret", PAGE)
    world("fass.test", "8.8.8.8")  # what the older rules for names make of it
    world("xn--fa-hia.test", "127.0.0.1")
    there = site.url.replace("127.0.0.1", "fa\u00df.test") + "/secret"
    site.put("/innocent", "", status=302, Location="//" + there.partition("//")[2].encode().decode("latin-1"))
    assert "leads to xn--fa-hia.test, an address of this machine" in problem(
        world("news.test", "8.8.8.8") + "/innocent"
    )
    assert site.asked == ["/innocent"]


def test_a_host_that_is_also_in_the_world_does_not_lead_inside(site: Site, world: Callable[..., str]) -> None:
    site.put("/innocent", "", status=302, Location=site.put("/secret", PAGE))
    assert "leads to 127.0.0.1" in problem(world("both.test", "127.0.0.1", "8.8.8.8") + "/innocent")
    assert "leads to 127.0.0.1" in problem(world("both.test", "8.8.8.8", "127.0.0.1") + "/innocent")
    assert isinstance(next(url.load(world("home.test", "127.0.0.1", "10.0.0.1") + "/innocent")), Article)


def test_from_inside_to_the_world_there_is_no_way_back(site: Site, world: Callable[..., str]) -> None:
    site.put("/back", "", status=302, Location=site.put("/secret", PAGE))
    start = site.put("/out", "", status=302, Location=world("news.test", "8.8.8.8") + "/back")
    assert "leads to 127.0.0.1" in problem(start)
    assert site.asked == ["/out", "/back"]


@pytest.mark.parametrize(
    ("host", "within"),
    [
        ("127.0.0.1", True),
        ("localhost", True),
        ("::1", True),
        ("10.1.2.3", True),
        ("192.168.0.9", True),
        ("169.254.169.254", True),
        ("0.0.0.0", True),  # noqa: S104
        ("::ffff:127.0.0.1", True),
        ("::127.0.0.1", True),
        ("64:ff9b::7f00:1", True),
        ("64:ff9b:1::808:808", True),
        ("2002:7f00:1::", True),
        ("fe80::1%25lo", True),
        ("fec0::1", True),
        ("224.0.0.1", True),
        ("ff0e::1", True),
        ("8.8.8.8", False),
        ("::ffff:8.8.8.8", False),
        ("64:ff9b::808:808", False),
        ("2a00:1450:4001:80b::200e", False),
        ("no-such-host.invalid", None),
    ],
)
def test_which_hosts_are_within(host: str, within: bool | None) -> None:
    assert url._places(host) == (set() if within is None else {within})


# --- into the library, and again ---------------------------------------------------------------------------------


@pytest.fixture
def intake(empty: Library) -> Iterator[Intake]:
    made = Intake(empty.add)
    yield made
    made.close()


def settled(intake: Intake) -> Arrival:
    until = time.monotonic() + 20
    while intake.busy and time.monotonic() < until:
        time.sleep(0.01)
    return intake.arrivals()[-1]


def test_addresses_come_into_the_library_each_with_a_word(site: Site, intake: Intake, empty: Library) -> None:
    address = site.put("/bridge", PAGE)
    intake.fetch([address, f"{site.url}/no\n"])
    assert "404" in settled(intake).said
    first, last = intake.arrivals()
    assert (first.name, first.state, first.said) == (address, "done", "added")
    assert (last.name, last.state) == (f"{site.url}/no", "failed")
    [listed] = empty.listing()
    assert listed.file == address
    assert empty.size() >= (empty.folder / "catalogue.sqlite3").stat().st_size > 0
    article = empty.get(address)
    assert article is not None
    intake.reread(article)
    assert settled(intake).said == "already there"
    site.put("/bridge", PAGE.replace("Two piers", "Three piers"))
    intake.reread(article)
    assert settled(intake).said == "replaced"
    changed = empty.get(address)
    assert changed is not None
    assert "Three piers" in changed.text


def test_a_file_is_read_again_under_the_id_that_it_has(tmp_path: Path, intake: Intake, empty: Library) -> None:
    folder = tmp_path / "texts" / "2024"
    folder.mkdir(parents=True)
    (folder / "a.txt").write_text("One sentence.", "utf-8")
    (folder / "b.jsonl").write_text('{"id": "x", "text": "One."}\n{"id": "y", "text": "Two."}\n', "utf-8")
    empty.add(item for item in load(tmp_path / "texts") if isinstance(item, Article))
    assert sorted(one.id for one in empty.listing()) == ["texts/2024/a.txt", "x", "y"]
    (folder / "a.txt").write_text("Another sentence.", "utf-8")
    (folder / "b.jsonl").write_text('broken\n{"id": "y", "text": "Three."}\n', "utf-8")
    said = {}
    for name in ("texts/2024/a.txt", "x", "y"):
        article = empty.get(name)
        assert article is not None
        intake.reread(article)
        said[name] = settled(intake)
    assert said["texts/2024/a.txt"].said == "replaced"
    assert (said["x"].state, "has no line with the id 'x' any more" in said["x"].said) == ("failed", True)
    assert said["y"].said.startswith("replaced; line 1: is not JSON")
    assert {a.id: a.text for a in empty.articles()} == {
        "texts/2024/a.txt": "Another sentence.",
        "x": "One.",
        "y": "Three.",
    }
    (folder / "a.txt").unlink()
    intake.reread(next(a for a in empty.articles() if a.id.endswith("a.txt")))
    assert settled(intake).state == "failed"
    assert settled(intake).said == "is not there any more: the article stays as it was"
    assert str(tmp_path) not in "".join(one.name + one.said for one in intake.arrivals())


def test_what_was_handed_over_cannot_be_read_again(intake: Intake) -> None:
    with pytest.raises(InputError, match="no file to read again"):
        intake.reread(Article("a", "A", "Text."))


def test_the_command_adds_an_address(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ARTICLE_QA_LIBRARY", str(tmp_path / "library"))
    assert main(["add", "--background", site.put("/bridge", PAGE), f"{site.url}/none"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("1 added, 0 updated, 0 unchanged, 1 not readable")
    assert f"{site.url}/none: the server answers 404" in err
