"""The library: articles in, found by word at once and by meaning soon, kept when files share a name, closed quickly."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from filelock import FileLock
from making import HashEmbedder, article, short_articles, words_of

from index import embed
from index.catalogue import Catalogue, Vectors
from index.errors import InputError, LibraryError, StaleLibraryError, WeightsError
from index.library import EMBED_BATCH, Added, Library
from index.types import Article, Filter

FERRY = article("ferry", "The ferry left at noon.", title="Ferries", day=date(2024, 5, 1))
STORM = article("storm", "A storm has killed three people.", title="Weather")


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> HashEmbedder:
    """An embedder by the name "hashes"."""
    made = HashEmbedder()
    monkeypatch.setitem(embed.EMBEDDERS, "hashes", lambda: made)
    monkeypatch.setitem(embed.EMBEDDERS, "others", lambda: HashEmbedder("others"))
    return made


@pytest.fixture
def library(tmp_path: Path, hashes: HashEmbedder) -> Iterator[Library]:
    with Library(tmp_path / "library", embedder="hashes") as made:
        yield made


def until(true: Callable[[], bool], *, within_s: float = 20.0) -> bool:
    """Wait until `true()` holds."""
    ends = time.monotonic() + within_s
    while not true() and time.monotonic() < ends:
        time.sleep(0.02)
    return true()


# ------------------------------------------------------------------------------------------------------- articles


def test_what_was_done_is_counted(library: Library) -> None:
    assert library.add([FERRY, STORM]) == Added(added=2)
    assert library.add([FERRY, replace(STORM, text="A storm has killed five people."), *short_articles(1)]) == Added(
        added=1, updated=1, unchanged=1
    )
    assert library.status().articles == 3


def test_an_unchanged_article_keeps_its_vectors(library: Library, hashes: HashEmbedder) -> None:
    library.add([FERRY])
    assert library.embed_pending() == 1
    library.add([replace(FERRY)])
    assert library.embed_pending() == 0
    assert hashes.asked == ["Ferries (2024-05-01)\nThe ferry left at noon."]


@pytest.mark.parametrize(
    "change",
    [{"title": "Boats"}, {"date": None}, {"source": "Wire"}, {"url": "https://e.example"}, {"text": "The ferry sank."}],
    ids=["title", "date", "source", "url", "text"],
)
def test_whatever_is_shown_is_updated(library: Library, change: dict[str, object]) -> None:
    changed = replace(FERRY, **change)  # type: ignore[arg-type]
    library.add([FERRY])
    assert library.add([changed]) == Added(updated=1)
    assert library.get("ferry") == changed


def test_found_by_words_before_there_are_vectors(library: Library, hashes: HashEmbedder) -> None:
    library.add([FERRY, STORM])
    assert words_of(library.search_words("when did the ferry leave?", 5)) == ["ferry"]
    assert library.search_meaning("ferry", 5) == []
    assert hashes.asked == []
    [(passage, score)] = library.search_words("noon", 5)
    assert passage.text == FERRY.text[passage.start : passage.end] == "The ferry left at noon."
    assert score > 0


SPRING = Filter(since=date(2024, 3, 1), until=date(2024, 5, 1))
NARROW: dict[str, tuple[Filter, list[str]]] = {
    "nothing": (Filter(), ["b-2024", "a-2023", "undated", "b-2022"]),
    "from a day on": (Filter(since=date(2023, 5, 1)), ["b-2024", "a-2023"]),
    "up to a day": (Filter(until=date(2023, 5, 1)), ["a-2023", "b-2022"]),
    "a range": (SPRING, ["b-2024"]),
    "a range without articles": (Filter(since=date(2025, 1, 1)), []),
    "a source": (Filter(sources=frozenset(["B"])), ["b-2024", "b-2022"]),
    "an article": (Filter(articles=frozenset(["undated", "gone"])), ["undated"]),
    "several": (Filter(sources=frozenset(["A", "B"]), until=date(2023, 12, 31)), ["a-2023", "b-2022"]),
    "a quotation mark": (Filter(sources=frozenset(["'; DROP TABLE articles; --"])), []),
}


@pytest.mark.parametrize("chroma", [False, True])
@pytest.mark.parametrize("kind", NARROW)
def test_a_filter_lets_through_what_it_says(kind: str, *, chroma: bool, library: Library) -> None:
    within, wanted = NARROW[kind]
    library.add(
        replace(article(name, f"The ferry left. It is {name}.", day=day), source=source)
        for name, day, source in (
            ("b-2024", date(2024, 5, 1), "B"),
            ("a-2023", date(2023, 5, 1), "A"),
            ("undated", None, None),
            ("b-2022", date(2022, 5, 1), "B"),
        )
    )
    library.embed_pending()
    if chroma:
        assert library.sync()
    for found in (library.search_words("ferry", 9, within), library.search_meaning("ferry", 9, within)):
        assert sorted(passage.article_id for passage, _ in found) == sorted(wanted)


def test_a_selective_filter_is_exact(library: Library) -> None:
    """One article in 300: an approximate search of the whole would mostly return others."""
    library.add(short_articles(300))
    library.embed_pending()
    library.sync()
    for name in ("short-7", "short-299"):
        [(passage, _)] = library.search_meaning("text number 3", 5, Filter(articles=frozenset([name])))
        assert passage.article_id == name


@pytest.mark.parametrize(
    ("asked", "searched"),
    [
        ("who met Stanikzai?", "who met stanekzai?"),  # another spelling
        ("who met Stanékzai's man?", "who met Stanékzai's man?"),  # accents and endings are nothing new
        ("which ambassdor?", "which ambassador?"),  # a slip
        ("who is stan?", "who is stan?"),  # too short to guess
        ("Stoltenberg", "Stoltenberg"),  # somebody else
        ("when did the ferry leave?", "when did the ferry leave?"),
        ("", ""),
    ],
)
def test_a_word_that_no_article_has_takes_the_nearest_spelling(asked: str, searched: str, library: Library) -> None:
    library.add([FERRY, STORM, article("envoy", "The ambassador met Sher Mohammad Abbas Stanekzai.")])
    assert library.respelled(asked) == searched


def test_sources_are_counted(library: Library) -> None:
    library.add(replace(one, source="Wire" if at else "Post") for at, one in enumerate(short_articles(3)))
    library.add([STORM])
    assert library.sources() == {"Wire": 2, "Post": 1}


def test_found_by_meaning_after(library: Library) -> None:
    library.add([FERRY, STORM])
    library.embed_pending()
    [(best, score), (_, less)] = library.search_meaning("Weather\nA storm has killed three people.", 5)
    assert best.article_id == "storm"
    assert 1.0 >= round(score, 5) > less


def test_what_was_removed_is_not_found(library: Library) -> None:
    library.add([FERRY, STORM])
    library.embed_pending()
    library.sync()
    assert library.remove("ferry")
    assert not library.remove("ferry")
    assert library.search_words("ferry noon", 5) == []
    assert words_of(library.search_meaning("ferry noon", 5)) == ["storm"]
    library.sync()
    assert words_of(library.search_meaning("ferry noon", 5)) == ["storm"]
    assert (library.get("ferry"), library.sentences("ferry"), library.file_of("ferry")) == (None, (), None)


@pytest.mark.parametrize("k", [0, -1])
def test_nothing_asked_for_is_nothing_found(library: Library, k: int) -> None:
    library.add([FERRY])
    library.embed_pending()
    library.sync()
    assert library.search_words("ferry", k) == library.search_meaning("ferry", k) == []


@pytest.mark.parametrize("question", ["", "?!", '"', "NEAR(", "ferry AND NOT", "\0", "\ud800 x"])
def test_any_question_can_be_asked(library: Library, question: str) -> None:
    library.add([FERRY])
    assert words_of(library.search_words(question, 5)) in ([], ["ferry"])


@pytest.mark.parametrize(
    "bad",
    [
        replace(FERRY, text="One\0two."),
        replace(FERRY, title="A\0"),
        replace(FERRY, text="\ud83d"),
        replace(FERRY, source="\udfff"),
    ],
)
def test_what_cannot_be_stored_is_refused_and_the_rest_stays(library: Library, bad: Article) -> None:
    library.add([STORM])
    with pytest.raises(InputError, match="'ferry'"):
        library.add([bad])
    assert [one.id for one in library.articles()] == ["storm"]
    assert library.check() == []


def test_the_samples_go_in_whole(tmp_path: Path, samples: tuple[Article, ...]) -> None:
    with Library(tmp_path / "library") as library:  # with the real embedder
        assert library.add(samples) == Added(added=len(samples))
        assert library.embed_pending() == library.status().passages
        assert library.sync()
        assert library.vector_backend == "chroma"
        assert words_of(library.search_words("who did Mittal meet?", 1)) == [
            "samples/2021-09-01-india-taliban-doha.txt"
        ]
        assert words_of(library.search_meaning("Which Indian diplomat saw the Taliban?", 1)) == [
            "samples/2021-09-01-india-taliban-doha.txt"
        ]
        assert library.check() == []


# ------------------------------------------------------------------------------------------------------------ files


def from_file(folder: Path, text: str) -> Article:
    """The article that the loader makes of `folder`/news/a.txt when `news` is added."""
    file = folder / "news" / "a.txt"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return article("news/a.txt", text, file=file)


def test_files_that_share_a_short_path_are_both_kept(library: Library, tmp_path: Path) -> None:
    one, two = from_file(tmp_path / "one", "The ferry left."), from_file(tmp_path / "two", "A storm came.")
    assert library.add([one]) == Added(added=1)
    assert library.add([two]) == Added(added=1)
    assert {found.id: found.text for found in library.articles()} == {
        "news/a.txt": one.text,
        "two/news/a.txt": two.text,
    }
    assert library.add([two, one]) == Added(unchanged=2)
    assert library.add([replace(two, text="It went.")]) == Added(updated=1)
    assert library.status().articles == 2


def test_a_longer_name_is_kept_when_the_shorter_becomes_free(library: Library, tmp_path: Path) -> None:
    one, two = from_file(tmp_path / "one", "The ferry left."), from_file(tmp_path / "two", "A storm came.")
    library.add([one, two])
    Path(str(one.file)).unlink()
    assert library.add([two]) == Added(unchanged=1)
    assert {found.text for found in library.articles()} == {one.text, two.text}


def test_a_folder_that_was_moved_is_not_added_twice(library: Library, tmp_path: Path) -> None:
    library.add([from_file(tmp_path / "one", "The ferry left.")])
    (tmp_path / "one").rename(tmp_path / "moved")
    moved = from_file(tmp_path / "moved", "The ferry left.")
    assert library.add([moved]) == Added(unchanged=1)
    assert library.file_of("news/a.txt") == moved.file


@pytest.mark.parametrize(
    ("name", "file"),
    [("l", "/data/x.jsonl"), ("x.jsonl", "/data/x.jsonl.gz"), ("ws/a.txt", "/data/news/a.txt"), ("", "/data/a.txt")],
)
def test_an_id_that_was_given_is_never_changed(library: Library, name: str, file: str) -> None:
    library.add([article(name, "Text.", file=Path(file))])
    assert [one.id for one in library.articles()] == [name]


def test_windows_paths(library: Library) -> None:
    windows = replace(article("news/a.txt", "The ferry left."), file=r"C:\Users\Ann\news\a.txt")
    assert library.add([windows]) == Added(added=1)
    assert library.add([windows]) == Added(unchanged=1)
    assert [one.id for one in library.articles()] == ["news/a.txt"]


def test_two_that_share_a_short_path_and_come_at_once(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process stores its article between our look and our writing: neither is lost."""
    one, two = from_file(tmp_path / "one", "The ferry left."), from_file(tmp_path / "two", "A storm came.")
    looked = Catalogue.digest
    left = [one]

    def meanwhile(self: Catalogue, article_id: str) -> tuple[str, str | None] | None:
        found = looked(self, article_id)
        if left:
            with Library(library.folder, embedder="hashes") as other:
                other.add([left.pop()])
        return found

    monkeypatch.setattr(Catalogue, "digest", meanwhile)
    assert library.add([two]) == Added(added=1)
    assert {found.text for found in library.articles()} == {one.text, two.text}


# ---------------------------------------------------------------------------------------------------------- vectors


def test_embedding_goes_on_where_it_was(tmp_path: Path, hashes: HashEmbedder, monkeypatch: pytest.MonkeyPatch) -> None:
    count = EMBED_BATCH * 2 + 5
    steps: list[tuple[int, int]] = []

    def interrupt(done: int, total: int) -> None:
        steps.append((done, total))
        raise KeyboardInterrupt

    with Library(tmp_path, embedder="hashes") as library:
        library.add(short_articles(count))
        with pytest.raises(KeyboardInterrupt):
            library.embed_pending(interrupt)
        assert library.status().vectors == EMBED_BATCH
    with Library(tmp_path, embedder="hashes") as library:
        assert library.embed_pending(lambda done, total: steps.append((done, total))) == EMBED_BATCH + 5
        assert library.status().pending == 0
    assert len(hashes.asked) == len(set(hashes.asked)) == count
    assert steps == [(EMBED_BATCH, count), (EMBED_BATCH, EMBED_BATCH + 5), (EMBED_BATCH + 5, EMBED_BATCH + 5)]


def test_no_embedder_is_loaded_where_none_is_needed(
    tmp_path: Path, hashes: HashEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Library(tmp_path, embedder="hashes") as library:
        library.add([FERRY, STORM])
        library.embed_pending()
        library.sync()
    (tmp_path / "chroma.json").unlink()

    def fail() -> embed.Embedder:
        raise WeightsError("not here")

    monkeypatch.setitem(embed.EMBEDDERS, "hashes", fail)
    with Library(tmp_path, embedder="hashes") as library:
        library.add([FERRY])
        assert library.embed_pending() == 0
        assert library.sync()  # Chroma is made anew from the stored vectors
        assert library.vector_backend == "chroma"
        assert library.remove("storm")
        assert words_of(library.search_words("ferry", 5)) == ["ferry"]
        with pytest.raises(WeightsError):
            library.search_meaning("ferry", 5)


def test_vectors_of_another_family_are_not_mixed_in(tmp_path: Path, hashes: HashEmbedder) -> None:
    with Library(tmp_path, embedder="hashes") as library:
        library.add([FERRY])
        library.embed_pending()
    with pytest.raises(StaleLibraryError, match=r"made by hashes, and others cannot .* article-qa rebuild"):
        Library(tmp_path, embedder="others")
    Library.forget_vectors(tmp_path, embedder="others")
    with pytest.raises(StaleLibraryError, match="made by others"):
        Library(tmp_path, embedder="hashes")
    with Library(tmp_path, embedder="others") as library:
        assert library.status().pending == 1
        assert library.embed_pending() == 1
        assert library.articles() == [FERRY]


def test_a_process_with_the_old_embedder_stops_when_the_vectors_are_made_anew(library: Library) -> None:
    library.add([FERRY, STORM])
    library.embed_pending()
    Library.forget_vectors(library.folder, embedder="others")
    with pytest.raises(StaleLibraryError):
        library.embed_pending()
    with Library(library.folder, embedder="others") as other:
        assert other.embed_pending() == 2
    with pytest.raises(StaleLibraryError):
        library.search_meaning("ferry", 5)
    assert words_of(library.search_words("ferry", 5)) == ["ferry"]


def test_a_rebuild_in_the_middle_of_a_batch_wins(library: Library, hashes: HashEmbedder) -> None:
    documents = hashes.documents

    def meanwhile(texts: Sequence[str]) -> Vectors:
        Library.forget_vectors(library.folder, embedder="others")
        return documents(texts)

    hashes.documents = meanwhile  # type: ignore[method-assign]
    library.add([FERRY])
    with pytest.raises(StaleLibraryError):
        library.embed_pending()
    assert library.status().vectors == 0


def test_sync_mends_a_deleted_folder(library: Library) -> None:
    library.add([FERRY])
    library.embed_pending()
    library.sync()
    library.close()
    for file in sorted((library.folder / "chroma").rglob("*"), reverse=True):
        file.unlink() if file.is_file() else file.rmdir()
    with Library(library.folder, embedder="hashes") as again:
        assert again.sync()
        assert again.vector_backend == "chroma"
        assert words_of(again.search_meaning("ferry", 5)) == ["ferry"]


def test_a_second_library_on_the_folder_searches_exactly(library: Library) -> None:
    library.add([FERRY])
    library.embed_pending()
    library.sync()
    with Library(library.folder, embedder="hashes") as second:
        second.add([STORM])
        second.embed_pending()
        assert not second.sync()
        assert words_of(second.search_meaning("storm people", 1)) == ["storm"]
    assert words_of(library.search_meaning("storm people", 1)) == ["storm"]  # out of step, so exactly
    assert library.sync()
    assert words_of(library.search_meaning("storm people", 1)) == ["storm"]


# ------------------------------------------------------------------------------------------------- in the background


def test_the_background_makes_vectors_and_opens_chroma(library: Library) -> None:
    library.start()
    library.add([FERRY, STORM])
    assert until(lambda: library.status().pending == 0 and library.vector_backend == "chroma")
    assert words_of(library.search_meaning("storm people", 1)) == ["storm"]
    library.close()
    with Library(library.folder, embedder="hashes") as again:  # what the thread had opened was let go
        again.add(short_articles(1))
        again.embed_pending()
        assert again.sync()


def test_closing_during_embedding_is_quick(library: Library, hashes: HashEmbedder) -> None:
    documents = hashes.documents

    def slow(texts: Sequence[str]) -> Vectors:
        time.sleep(0.5)
        return documents(texts)

    hashes.documents = slow  # type: ignore[method-assign]
    library.add(short_articles(EMBED_BATCH * 20))
    library.start()
    assert until(lambda: library.status().vectors > 0)
    started = time.monotonic()
    library.close()
    assert time.monotonic() - started < 3.0  # all of it would take 10 s
    with Library(library.folder, embedder="hashes") as again:
        now = again.status()
        assert 0 < now.vectors < now.passages == EMBED_BATCH * 20
        assert now.vectors % EMBED_BATCH == 0


def test_closing_does_not_wait_for_another_process_that_embeds(library: Library) -> None:
    library.add([FERRY])
    with FileLock(library.folder / "embed.lock", thread_local=False):
        library.start()
        time.sleep(0.3)
        started = time.monotonic()
        library.close()
        assert time.monotonic() - started < 3.0


def test_a_model_that_is_missing_is_told_once_and_words_still_work(
    library: Library, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> embed.Embedder:
        raise WeightsError("the model is not here yet: run `article-qa models fetch`")

    monkeypatch.setitem(embed.EMBEDDERS, "hashes", fail)
    library.add([FERRY])
    library.start()
    assert until(lambda: "models fetch" in caplog.text)
    assert words_of(library.search_words("ferry", 5)) == ["ferry"]
    started = time.monotonic()
    library.close()
    assert time.monotonic() - started < 3.0
    assert len(caplog.records) == 1


def test_questions_are_answered_while_articles_come_and_go(library: Library) -> None:
    library.add(short_articles(20))
    library.start()
    stop = threading.Event()
    errors: list[BaseException] = []

    def change() -> None:
        try:
            for turn in range(40):
                library.add([article(f"turn-{turn}", f"Turn {turn} of the wheel.")])
                if turn > 4:
                    library.remove(f"turn-{turn - 4}")
        except BaseException as exc:  # noqa: BLE001 (whatever it is, the test must see it)
            errors.append(exc)
        finally:
            stop.set()

    thread = threading.Thread(target=change)
    thread.start()
    asked = 0
    while not stop.is_set() or asked < 20:
        for passage, _ in [*library.search_words("wheel text", 5), *library.search_meaning("turn wheel", 5)]:
            whole = library.get(passage.article_id)
            assert whole is None or whole.text[passage.start : passage.end] == passage.text
        asked += 1
    thread.join()
    assert errors == []
    assert until(lambda: library.status().pending == 0)
    assert library.status().articles == 20 + 5 + 4 - 4
    assert library.check() == []


# --------------------------------------------------------------------------------------------- folders, processes


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(LibraryError, match=r"cannot be made .* ARTICLE_QA_LIBRARY"):
            Library(folder)


def test_no_rebuild_of_what_is_no_library(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="unable to open"):
        Library.forget_vectors(tmp_path / "nowhere", embedder="hashes")


def test_closed_is_closed(library: Library) -> None:
    library.add([FERRY])
    library.close()
    library.close()
    with pytest.raises(LibraryError, match="closed"):
        library.search_words("ferry", 5)
    with pytest.raises(LibraryError, match="closed"):
        library.add([FERRY])


ADD = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from making import HashEmbedder, short_articles
from index import embed
from index.library import Library
embed.EMBEDDERS["hashes"] = HashEmbedder
with Library(Path(sys.argv[1]), embedder="hashes") as library:
    library.add(short_articles(60, start=int(sys.argv[3])))
    library.embed_pending()
    library.sync()
"""


def test_processes_that_add_at_once_make_one_library(tmp_path: Path, hashes: HashEmbedder) -> None:
    here = str(Path(__file__).parent)
    others = [subprocess.Popen([sys.executable, "-c", ADD, str(tmp_path), here, str(start)]) for start in (0, 40, 80)]
    assert [other.wait(120) for other in others] == [0, 0, 0]
    with Library(tmp_path, embedder="hashes") as library:
        now = library.status()
        assert (now.articles, now.passages, now.vectors) == (140, 140, 140)
        assert library.check() == []
        assert library.sync()
        for number in (0, 59, 139):
            best = library.search_meaning(f"A title\nThis is text number {number}.", 1)
            assert words_of(best) == [f"short-{number}"]
