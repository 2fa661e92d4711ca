"""The catalogue: whole articles or none, words found at once, several threads and processes, migrations."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from making import article, fill, put, short_articles, units

from index import words
from index.catalogue import MIGRATIONS, Catalogue
from index.errors import LibraryError, StaleLibraryError
from index.passages import passages
from index.sentences import split
from index.types import Article

FERRY = article("ferry", "The ferry left at noon. It was late.", title="Ferries", day=date(2024, 5, 1))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "catalogue.sqlite3"


@pytest.fixture
def catalogue(file: Path) -> Iterator[Catalogue]:
    with closing(Catalogue(file)) as made:
        yield made


def find(catalogue: Catalogue, question: str) -> list[str]:
    """The ids of the articles that are found, best first."""
    expression = words.expression(question)
    hits = catalogue.match(expression, 10) if expression else []
    there = catalogue.passages([key for key, _ in hits])
    return [there[key].article_id for key, _ in hits]


def rows(file: Path, table: str) -> int:
    with closing(sqlite3.connect(file)) as db:
        return int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608


# ------------------------------------------------------------------------------------------------------- articles


def test_an_article_comes_back_as_it_was(catalogue: Catalogue) -> None:
    given = Article(
        "a", "Ä title", "Line one.\n\n“Zwei”, 日本. 👩‍👩‍👧!", date(2024, 2, 29), "Wire", "https://a.example", "/a/b.txt"
    )
    put(catalogue, given)
    assert catalogue.get("a") == given
    assert catalogue.sentences("a") == split(given)
    key = catalogue.pending(1)[0][0]
    assert catalogue.passages([key])[key] == passages(given, split(given))[0]
    assert catalogue.heading("a") == ("Ä title", date(2024, 2, 29))
    assert catalogue.digest("a") == (given.sha256, "/a/b.txt")
    assert catalogue.check() == []


def test_what_is_not_there_is_nothing(catalogue: Catalogue) -> None:
    assert (catalogue.get("x"), catalogue.heading("x"), catalogue.digest("x")) == (None, None, None)
    assert (catalogue.sentences("x"), catalogue.passages([1, 2]), catalogue.remove("x")) == ((), {}, False)


def test_articles_come_newest_first_and_undated_last(catalogue: Catalogue) -> None:
    for name, day in (("b", date(2023, 1, 1)), ("d", None), ("a", date(2024, 1, 1)), ("c", None)):
        put(catalogue, article(name, "Text.", day=day))
    assert [one.id for one in catalogue.articles()] == ["a", "b", "c", "d"]


def test_a_new_text_takes_the_place_of_the_old(catalogue: Catalogue, file: Path) -> None:
    put(catalogue, FERRY)
    fill(catalogue)
    put(catalogue, replace(FERRY, text="The zeppelin rose."))
    assert find(catalogue, "ferry late") == ["ferry"]  # by its title, "Ferries"
    assert find(catalogue, "late") == []
    assert find(catalogue, "zeppelin") == ["ferry"]
    now = catalogue.status()
    assert (now.articles, now.sentences, now.passages, now.vectors, now.pending) == (1, 1, 1, 0, 1)
    assert rows(file, "words") == 1


def test_a_put_that_breaks_off_leaves_the_old_text_whole(catalogue: Catalogue) -> None:
    put(catalogue, FERRY)
    fill(catalogue)
    new = replace(FERRY, text="The zeppelin rose. It flew. It landed.")
    sentences = split(new)
    whole = passages(new, sentences, target=2)
    twice = (*whole[:2], replace(whole[2], id=whole[0].id))  # the third breaks the rule that ids are unique
    with pytest.raises(sqlite3.IntegrityError):
        catalogue.put(new, sentences, twice, known=catalogue.digest("ferry"))
    assert catalogue.get("ferry") == FERRY
    assert catalogue.sentences("ferry") == split(FERRY)
    assert (find(catalogue, "noon"), find(catalogue, "zeppelin")) == (["ferry"], [])
    assert catalogue.status().vectors == 1
    assert catalogue.check() == []


def test_a_put_that_comes_too_late_changes_nothing(catalogue: Catalogue) -> None:
    sentences = split(FERRY)
    put(catalogue, FERRY)
    other = replace(FERRY, text="The zeppelin rose.")
    assert not catalogue.put(other, split(other), passages(other, split(other)), known=None)
    assert not catalogue.put(other, split(other), passages(other, split(other)), known=("0" * 64, None))
    assert catalogue.get("ferry") == FERRY
    assert catalogue.put(FERRY, sentences, passages(FERRY, sentences), known=(FERRY.sha256, None))


def test_a_removed_article_leaves_nothing_behind(catalogue: Catalogue, file: Path) -> None:
    put(catalogue, FERRY)
    put(catalogue, article("other", "The zeppelin rose."))
    fill(catalogue)
    assert catalogue.remove("ferry")
    assert find(catalogue, "ferry noon late") == []
    assert [rows(file, table) for table in ("articles", "sentences", "passages", "vectors", "words")] == [1] * 5
    assert catalogue.check() == []


# ---------------------------------------------------------------------------------------------------------- words


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("The café in Malmö closed.", "cafe malmo"),
        ("The cafe in Malmo closed.", "café Malmö"),
        ("She was running late.", "did she run?"),
        ("Two ferries sank.", "ferry"),
        ("The U.S. agreed.", "u.s."),
        ("It grew by 3.5 percent.", "3.5"),
        ("Der Präsident sprach.", "PRÄSIDENT"),
        ("Mittal’s envoy came.", "Mittal's"),
    ],
)
def test_words_are_found_in_other_forms(catalogue: Catalogue, text: str, question: str) -> None:
    put(catalogue, article("a", text, title="-"))
    put(catalogue, article("b", "Something else.", title="-"))
    assert find(catalogue, question) == ["a"]


def test_a_phrase_ranks_above_its_words(catalogue: Catalogue) -> None:
    put(catalogue, article("apart", "The basin at Skarn is deep. The Skarn basin", title="-"))
    put(catalogue, article("together", "The Basin Skarn is a ship of note.", title="-"))
    assert find(catalogue, '"basin skarn"')[0] == "together"


def test_the_title_counts(catalogue: Catalogue) -> None:
    put(catalogue, article("body", "A ferry left.", title="News"))
    put(catalogue, article("title", "A ship left.", title="Ferry"))
    assert find(catalogue, "ferry") == ["title", "body"]


# -------------------------------------------------------------------------------------------------------- vectors


def test_vectors_come_back_bit_by_bit(catalogue: Catalogue) -> None:
    for one in short_articles(5):
        put(catalogue, one)
    keys = [key for key, *_ in catalogue.pending(10)]
    vectors = units(5, seed=3)
    catalogue.put_vectors(keys[:3], vectors[:3], maker="m", family="f")
    assert [key for key, *_ in catalogue.pending(10)] == keys[3:]
    catalogue.put_vectors(keys[3:], vectors[3:], maker="m", family="f")
    found_keys, found = catalogue.vectors()
    assert found_keys == keys
    np.testing.assert_array_equal(found, vectors)
    some, two = catalogue.vectors([keys[4], keys[1]])
    assert some == [keys[1], keys[4]]
    np.testing.assert_array_equal(two, vectors[[1, 4]])


def test_vectors_of_what_has_gone_are_dropped(catalogue: Catalogue) -> None:
    put(catalogue, FERRY)
    [(key, *_)] = catalogue.pending(10)
    catalogue.remove("ferry")
    catalogue.put_vectors([key], units(1), maker="m", family="f")
    assert catalogue.vectors()[0] == []


def test_vectors_of_another_family_are_refused(catalogue: Catalogue) -> None:
    put(catalogue, FERRY)
    fill(catalogue, family="one")
    put(catalogue, article("other", "Text."))
    with pytest.raises(StaleLibraryError, match="made by one now, not by two"):
        fill(catalogue, family="two")
    assert catalogue.status().vectors == 1
    catalogue.drop_vectors("two")
    assert fill(catalogue, family="two") == 2


def test_every_change_of_the_vectors_can_be_seen(catalogue: Catalogue, file: Path) -> None:
    seen = [catalogue.vectors_version()]

    def changed() -> bool:
        seen.append(catalogue.vectors_version())
        return seen[-1] not in seen[:-1]

    put(catalogue, FERRY)
    before_any = changed()
    fill(catalogue)
    assert changed()
    put(catalogue, replace(FERRY, text="Other."))
    assert changed()
    catalogue.drop_vectors("f")
    assert changed()
    assert seen[-1][0] != seen[-2][0]  # a passage's id may stand for another vector from now on
    catalogue.remove("ferry")
    assert changed()
    assert not before_any  # a new article has no vectors yet
    with closing(Catalogue(file.with_name("new.sqlite3"))) as new:
        assert new.vectors_version()[0] != seen[-1][0]


# ------------------------------------------------------------------------------------- threads, processes, closing


def test_threads_write_and_read_at_once(catalogue: Catalogue) -> None:
    def work(number: int) -> int:
        for one in short_articles(8, start=number * 8):
            put(catalogue, one)
            assert catalogue.get(one.id) == one
            assert one.id in find(catalogue, f'"number {one.id.removeprefix("short-")}"')
        return number

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(work, range(6))) == 15
    assert catalogue.status().articles == 48
    assert catalogue.check() == []


def test_threads_that_come_and_go_leave_no_connection(catalogue: Catalogue) -> None:
    for _ in range(40):
        thread = threading.Thread(target=catalogue.status)
        thread.start()
        thread.join()
    assert len(catalogue._idle) == 1


OTHER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from making import put, short_articles
from index.catalogue import Catalogue
catalogue = Catalogue(Path(sys.argv[1]))
for one in short_articles(30, start=int(sys.argv[3])):
    put(catalogue, one)
catalogue.close()
"""


def test_processes_that_start_at_once_lose_nothing(file: Path) -> None:
    here = str(Path(__file__).parent)
    others = [subprocess.Popen([sys.executable, "-c", OTHER, str(file), here, str(start)]) for start in (0, 20, 40, 60)]
    assert [other.wait(60) for other in others] == [0] * 4
    with closing(Catalogue(file)) as catalogue:
        assert {one.id for one in catalogue.articles()} == {f"short-{n}" for n in range(90)}
        assert catalogue.check() == []


def test_what_another_process_adds_is_found(catalogue: Catalogue, file: Path) -> None:
    assert find(catalogue, '"number 7"') == []
    subprocess.run([sys.executable, "-c", OTHER, str(file), str(Path(__file__).parent), "0"], check=True, timeout=60)
    assert find(catalogue, '"number 7"')[0] == "short-7"


def test_after_closing_nothing_opens_the_file_again(file: Path) -> None:
    catalogue = Catalogue(file)
    put(catalogue, FERRY)
    catalogue.close()
    catalogue.close()
    assert not file.with_name("catalogue.sqlite3-wal").exists()  # all is in the one file
    for ask in (catalogue.status, catalogue.articles, lambda: catalogue.remove("ferry")):
        with pytest.raises(LibraryError, match="has been closed"):
            ask()


def test_closing_waits_for_what_is_being_written(file: Path) -> None:
    catalogue = Catalogue(file)
    writing, go_on = threading.Event(), threading.Event()

    def write() -> None:
        with catalogue._write() as db:
            db.execute("INSERT INTO meta VALUES ('slow', 'yes')")
            writing.set()
            go_on.wait(10)

    writer = threading.Thread(target=write)
    writer.start()
    assert writing.wait(10)
    closer = threading.Thread(target=catalogue.close)
    closer.start()
    closer.join(0.2)
    assert closer.is_alive()
    go_on.set()
    writer.join(10)
    closer.join(10)
    with closing(Catalogue(file)) as again:
        assert again.setting("slow") == "yes"


# ----------------------------------------------------------------------------------------------- files that are not


def test_a_newer_format_is_refused_and_left_alone(file: Path) -> None:
    Catalogue(file).close()
    with closing(sqlite3.connect(file)) as db:
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    with pytest.raises(StaleLibraryError, match=r"catalogue\.sqlite3: made by a newer version .* upgrade"):
        Catalogue(file)
    with closing(sqlite3.connect(file)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS) + 1,)


@pytest.mark.parametrize("content", [b"not a database at all " * 100, b"SQLite format 3\0" + b"\xff" * 4096])
def test_what_is_no_database_is_named(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(LibraryError, match=r"catalogue\.sqlite3: not a library that can be read .* another folder"):
        Catalogue(file)
    assert file.read_bytes() == content


def test_a_folder_in_its_place_is_named(file: Path) -> None:
    file.mkdir()
    with pytest.raises(LibraryError, match=r"catalogue\.sqlite3: unable to open"):
        Catalogue(file)


def test_a_file_damaged_in_the_middle_is_told(file: Path) -> None:
    with closing(Catalogue(file)) as catalogue:
        for one in short_articles(200):
            put(catalogue, one)
        catalogue._rows("PRAGMA wal_checkpoint(TRUNCATE)")
        data = bytearray(file.read_bytes())
        data[4096 * 4 :] = b"\x5a" * (len(data) - 4096 * 4)
    file.write_bytes(bytes(data))
    with closing(Catalogue(file)) as catalogue, pytest.raises(LibraryError, match=r"catalogue\.sqlite3: not a library"):
        catalogue.articles()


def test_a_migration_is_done_whole_or_not_at_all(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(Catalogue(file)) as catalogue:
        put(catalogue, FERRY)
    broken = "ALTER TABLE articles ADD COLUMN words INTEGER; INSERT INTO no_such_table VALUES (1)"
    monkeypatch.setattr("index.catalogue.MIGRATIONS", (*MIGRATIONS, broken))
    with pytest.raises(LibraryError, match="no_such_table"):
        Catalogue(file)
    good = "ALTER TABLE articles ADD COLUMN words INTEGER; UPDATE articles SET words = 8"
    monkeypatch.setattr("index.catalogue.MIGRATIONS", (*MIGRATIONS, good))
    with closing(Catalogue(file)) as catalogue:
        assert catalogue._rows("SELECT id, words FROM articles") == [("ferry", 8)]
        assert catalogue._rows("PRAGMA user_version") == [(len(MIGRATIONS) + 1,)]


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        ("UPDATE sentences SET stop = 999 WHERE number = 1", "ferry: sentences leave the text"),
        ("UPDATE passages SET start = stop", "ferry: passages leave the text"),
        ("DELETE FROM words", "the word index has 0 passages of 1"),
    ],
)
def test_check_finds_what_is_wrong(catalogue: Catalogue, harm: str, told: str) -> None:
    put(catalogue, FERRY)
    assert catalogue.check() == []
    with catalogue._write() as db:
        db.execute(harm)
    assert catalogue.check() == [told]
