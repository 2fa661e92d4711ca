"""Files handed over by a reader: read in the background, each with a word on what became of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.intake import Intake, safe_name
from index.library import Library
from index.types import Arrival, Article


@pytest.fixture
def drop(tmp_path: Path) -> Callable[[str, str], tuple[str, Path]]:
    def make(name: str, text: str) -> tuple[str, Path]:
        place = tmp_path / f"upload-{time.monotonic_ns()}"
        place.write_text(text, encoding="utf-8")
        return name, place

    return make


@pytest.fixture
def intake(empty: Library) -> Iterator[Intake]:
    made = Intake(empty.add)
    yield made
    made.close()


def settled(intake: Intake) -> dict[str, Arrival]:
    until = time.monotonic() + 20
    while intake.busy and time.monotonic() < until:
        time.sleep(0.01)
    return {one.name: one for one in intake.arrivals()}


def test_each_file_is_added_and_what_cannot_be_read_is_said(
    intake: Intake, empty: Library, drop: Callable[[str, str], tuple[str, Path]]
) -> None:
    files = [
        drop("a.txt", " date 2021-09-01 \n\nThe first sentence here is a lead.\n\nMore text."),
        drop("news/2021/b.md", "# A heading\n\nSome words."),
        drop(
            "two.jsonl",
            '{"id": "x", "title": "X", "text": "One."}\n{"id": "y", "title": "Y", "text": "Two."}\nbroken\n',
        ),
        drop("picture.png", "x"),
        drop("empty.txt", ""),
    ]
    intake.take(files)
    seen = settled(intake)
    assert seen["a.txt"].state == "done"
    assert seen["a.txt"].said == "added"
    assert seen["news/2021/b.md"].said == "added"
    assert seen["two.jsonl"].said.startswith("2 added; line 3")
    assert (seen["picture.png"].state, seen["picture.png"].articles) == ("failed", 0)
    assert "is of a kind that is not read; these are: .txt" in seen["picture.png"].said
    assert seen["empty.txt"].state == "failed"
    assert sorted(a.id for a in empty.articles()) == ["added/a.txt", "news/2021/b.md", "x", "y"]
    assert all(a.file is None for a in empty.articles())
    assert not any(path.exists() for _, path in files)
    assert not any("article-qa-" in one.said or str(files[0][1].parent) in one.said for one in seen.values())


def test_a_file_that_comes_again_replaces_its_article_or_changes_nothing(
    intake: Intake, empty: Library, drop: Callable[[str, str], tuple[str, Path]]
) -> None:
    for text, said in (("One.", "added"), ("One.", "already there"), ("Two.", "replaced")):
        intake.take([drop("a.txt", text)])
        settled(intake)
        assert intake.arrivals()[-1].said == said
    assert [a.text for a in empty.articles()] == ["Two."]
    intake.clear()
    assert intake.arrivals() == ()


def test_an_error_that_nobody_foresaw_does_not_end_the_thread(
    drop: Callable[[str, str], tuple[str, Path]], empty: Library
) -> None:
    def add(articles: object) -> object:
        if len(made.arrivals()) == 1:
            raise ZeroDivisionError
        return empty.add(articles)  # type: ignore[arg-type]

    made = Intake(add)  # type: ignore[arg-type]
    made.take([drop("a.txt", "One.")])
    assert settled(made)["a.txt"].state == "failed"
    made.take([drop("b.txt", "Two.")])
    assert settled(made)["b.txt"].state == "done"
    made.close()


def test_the_end_does_not_wait_for_a_page_that_never_comes(empty: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("index.intake.CLOSE_S", 0.2)
    begun, over = threading.Event(), threading.Event()

    def never(_: str) -> Iterator[Article]:
        begun.set()
        over.wait(20)
        yield Article("late", "Late", "Text.")

    monkeypatch.setattr("index.loaders.url.load", never)
    made = Intake(empty.add)
    made.fetch(["http://a.example/"])
    assert begun.wait(10)
    start = time.monotonic()
    made.close()
    assert time.monotonic() - start < 5
    over.set()
    made.close()  # now the thread has ended, and what came too late was not added
    assert empty.listing() == []


@pytest.mark.parametrize(
    ("given_name", "safe"),
    [
        ("../../etc/passwd", "etc/passwd"),
        ("/etc/passwd", "etc/passwd"),
        ("C:\\news\\a.txt", "C:/news/a.txt"),
        ("a/./.ssh/../b.txt", "a/ssh/b.txt"),
        ("a\0b\n.txt", "ab.txt"),
        ("", "unnamed"),
        ("...", "unnamed"),
        ("half \ud800.txt", "half ?.txt"),
    ],
)
def test_a_name_from_outside_is_made_safe(given_name: str, safe: str) -> None:
    assert safe_name(given_name) == safe


@given(st.text())
def test_no_name_leads_out_of_its_folder(name: str) -> None:
    made = safe_name(name)
    assert not Path(made).is_absolute()
    assert all(part not in {"", ".", ".."} and len(part.encode()) <= 255 for part in made.split("/"))


def test_the_listing_is_searched_sorted_and_paged(library: Library) -> None:
    titles = [one.title for one in library.listing(order="title", down=False)]
    assert titles == sorted(titles, key=str.casefold)
    assert len(titles) == library.count() == 3
    assert [one.title for one in library.listing(order="title", down=True)] == titles[::-1]
    assert [one.title for one in library.listing(order="title", down=False, at=1, limit=1)] == titles[1:2]
    sizes = [one.size for one in library.listing(order="size")]
    assert sizes == sorted(sizes, reverse=True) == sorted((len(a.text) for a in library.articles()), reverse=True)
    word = titles[0].split()[0]
    assert titles[0] in [one.title for one in library.listing(word.upper())]
    assert library.listing("100%_no such") == []
    assert library.count("100%_no such") == 0
    assert all(one.pending == 0 for one in library.listing())
    assert sum(library.months().values()) == 3


def test_a_listed_article_says_how_many_vectors_it_waits_for(
    intake: Intake, empty: Library, drop: Callable[[str, str], tuple[str, Path]]
) -> None:
    intake.take([drop("a.txt", "One sentence.")])
    settled(intake)
    assert [one.pending for one in empty.listing()] == [1]
    empty.embed_pending()
    assert [one.pending for one in empty.listing()] == [0]
