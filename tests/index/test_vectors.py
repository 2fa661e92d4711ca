"""Chroma is derived: it finds what an exact scan finds, and whatever becomes of its folder it is made again."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path

import chromadb
import numpy as np
import pytest
from filelock import FileLock
from hypothesis import given, settings
from hypothesis import strategies as st
from making import DIMENSIONS, article, fill, put, short_articles, units

from index import vectors as module
from index.catalogue import Catalogue, Vectors
from index.embed import Embedder
from index.errors import LibraryError
from index.passages import embedded_text
from index.types import Article
from index.vectors import ChromaVectors, Dense, ExactVectors


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    with closing(Catalogue(tmp_path / "catalogue.sqlite3")) as made:
        yield made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "chroma"


@pytest.fixture
def filled(catalogue: Catalogue) -> Catalogue:
    """20 passages with vectors."""
    for one in short_articles(20):
        put(catalogue, one)
    fill(catalogue)
    return catalogue


def opened(folder: Path, catalogue: Catalogue) -> ChromaVectors:
    made = ChromaVectors.open(folder, catalogue)
    assert made is not None
    return made


def sound(chroma: ChromaVectors, catalogue: Catalogue) -> bool:
    """True if the collection holds exactly the catalogue's vectors, and each is its own nearest neighbour."""
    keys, vectors = catalogue.vectors()
    found = [chroma.search(vector, 1)[0] for vector in vectors]
    return chroma.count() == len(keys) and all(
        key == best and score == pytest.approx(1.0, abs=1e-3) for key, (best, score) in zip(keys, found, strict=True)
    )


def made_anew(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Count how often a folder is made anew from now on."""
    times: list[str] = []
    old = ChromaVectors._start_anew

    def counted(self: ChromaVectors) -> None:
        times.append("anew")
        old(self)

    monkeypatch.setattr(ChromaVectors, "_start_anew", counted)
    return times


def state(folder: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads(folder.with_name("chroma.json").read_text(encoding="utf-8"))
    return found


# --------------------------------------------------------------------------------------------------------- search


def test_the_exact_scan_is_a_sort_by_cosine(filled: Catalogue) -> None:
    keys, vectors = filled.vectors()
    query = units(1, seed=9)[0]
    cosines = [float(np.dot(vector, query)) for vector in vectors]
    expected = sorted(zip(keys, cosines, strict=True), key=lambda pair: (-pair[1], pair[0]))
    found = ExactVectors(filled).search(query, 7)
    assert [key for key, _ in found] == [key for key, _ in expected[:7]]
    np.testing.assert_allclose([score for _, score in found], [score for _, score in expected[:7]], atol=1e-6)


def test_chroma_finds_what_the_exact_scan_finds(catalogue: Catalogue, folder: Path) -> None:
    for one in short_articles(400):
        put(catalogue, one)
    fill(catalogue)
    exact = ExactVectors(catalogue)
    with closing(opened(folder, catalogue)) as chroma:
        for query in units(200, seed=5):
            assert chroma.search(query, 1)[0][0] == exact.search(query, 1)[0][0]
            wanted = exact.search(query, 10)
            found = chroma.search(query, 10)
            assert len({key for key, _ in found} & {key for key, _ in wanted}) >= 9
            scores = dict(wanted)
            assert all(score == pytest.approx(scores.get(key, score), abs=1e-5) for key, score in found)


def test_it_does_so_for_real_texts(
    catalogue: Catalogue, folder: Path, samples: tuple[Article, ...], embedder: Embedder
) -> None:
    for one in samples:
        put(catalogue, one)
    batch = catalogue.pending(1_000)
    made = embedder.documents([embedded_text(title, day, text) for _, title, day, text in batch])
    catalogue.put_vectors([key for key, *_ in batch], made, maker=embedder.name, family=embedder.family)
    exact = ExactVectors(catalogue)
    with closing(opened(folder, catalogue)) as chroma:
        for sentence in (sentence for one in samples for sentence in catalogue.sentences(one.id)[:3]):
            query = embedder.query(sentence.text)
            assert [key for key, _ in chroma.search(query, 8)] == [key for key, _ in exact.search(query, 8)]


def test_more_is_asked_for_than_there_is(filled: Catalogue, folder: Path) -> None:
    with closing(opened(folder, filled)) as chroma:
        assert len(chroma.search(units(1)[0], 500)) == 20
    assert len(ExactVectors(filled).search(units(1)[0], 500)) == 20


def test_nothing_is_found_among_nothing(catalogue: Catalogue, folder: Path) -> None:
    with closing(opened(folder, catalogue)) as chroma:
        assert chroma.search(units(1)[0], 5) == []
    assert ExactVectors(catalogue).search(units(1)[0], 5) == []


def test_one_vector_is_enough(catalogue: Catalogue, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(catalogue, article("a", "One."))
    fill(catalogue)
    opened(folder, catalogue).close()
    times = made_anew(monkeypatch)
    with closing(opened(folder, catalogue)) as chroma:
        assert sound(chroma, catalogue)
    assert times == []


def test_the_exact_scan_sees_every_change(filled: Catalogue) -> None:
    exact = ExactVectors(filled)
    assert len(exact.search(units(1)[0], 100)) == 20
    filled.remove("short-3")
    assert len(exact.search(units(1)[0], 100)) == 19
    put(filled, article("new", "New."))
    fill(filled, seed=7)
    assert exact.search(units(1, seed=7)[0], 1)[0][1] == pytest.approx(1.0, abs=1e-5)


# --------------------------------------------------------------------------------------------------- kept in step


def test_changes_are_carried_over(filled: Catalogue, folder: Path) -> None:
    with closing(opened(folder, filled)) as chroma:
        filled.remove("short-3")
        put(filled, replace(short_articles(1)[0], text="Another text."))
        fill(filled, seed=1)
        before = chroma.current
        chroma.sync()
        assert (before, chroma.current) == (False, True)
        assert sound(chroma, filled)
        assert chroma.count() == 19


def test_a_folder_in_step_is_not_touched(filled: Catalogue, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened(folder, filled).close()
    assert ChromaVectors.in_step(folder, filled)
    times = made_anew(monkeypatch)
    with closing(opened(folder, filled)) as chroma:
        assert sound(chroma, filled)
    assert times == []
    filled.remove("short-0")
    assert not ChromaVectors.in_step(folder, filled)


def test_a_folder_that_has_gone_is_not_in_step(filled: Catalogue, folder: Path) -> None:
    opened(folder, filled).close()
    shutil.rmtree(folder)
    assert not ChromaVectors.in_step(folder, filled)
    with closing(opened(folder, filled)) as chroma:
        assert sound(chroma, filled)


def test_the_date_is_a_number_for_filters(catalogue: Catalogue, folder: Path) -> None:
    put(catalogue, article("dated", "One.", day=date(2024, 5, 9)))
    put(catalogue, article("old", "Two.", day=date(987, 1, 2)))
    put(catalogue, article("undated", "Three."))
    fill(catalogue)
    with closing(opened(folder, catalogue)) as chroma:
        assert chroma._collection is not None
        held = chroma._collection.get(include=["metadatas"])["metadatas"] or []
        assert sorted(str(one["date"]) for one in held) == ["0", "20240509", "9870102"]
        later = chroma._collection.get(where={"date": {"$gte": 20240101}})
        assert [name.split(":")[1] for name in later["ids"]] == ["0-0"]


def test_the_collection_can_be_read_without_us(catalogue: Catalogue, folder: Path) -> None:
    """As llama-index's ChromaVectorStore does: the passage as document, and where it stands as metadata."""
    put(catalogue, one := article("read", "One is here. Two is there.", day=date(2024, 5, 9)))
    fill(catalogue)
    with closing(opened(folder, catalogue)) as chroma:
        assert chroma._collection is not None
        held = chroma._collection.get(include=["metadatas", "documents"])
    [document], [metadata] = held["documents"] or [], held["metadatas"] or []
    assert {name: metadata[name] for name in ("article_id", "title", "date")} == {
        "article_id": one.id,
        "title": one.title,
        "date": 20240509,
    }
    start, end = metadata["start"], metadata["end"]
    assert isinstance(start, int)
    assert isinstance(end, int)
    assert document == one.text[start:end] == one.text


def test_vectors_made_anew_replace_the_old_under_the_same_ids(filled: Catalogue, folder: Path) -> None:
    """What `rebuild` does in another process while this one has Chroma open: the ids stay, the vectors do not."""
    with closing(opened(folder, filled)) as chroma:
        filled.drop_vectors("hashes")
        fill(filled, seed=99)
        chroma.sync()
        assert sound(chroma, filled)
    with closing(opened(folder, filled)) as chroma:
        assert sound(chroma, filled)


def test_another_catalogue_with_the_same_counts_is_not_taken_for_this(tmp_path: Path, filled: Catalogue) -> None:
    folder = tmp_path / "chroma"
    opened(folder, filled).close()
    with closing(Catalogue(tmp_path / "second.sqlite3")) as second:
        for one in short_articles(20, start=100):
            put(second, one)
        fill(second, seed=4)
        assert second.vectors_version()[1] == filled.vectors_version()[1]
        assert not ChromaVectors.in_step(folder, second)


def test_much_churn_makes_it_anew(filled: Catalogue, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "UPSERT_BATCH", 10)
    times = made_anew(monkeypatch)
    with closing(opened(folder, filled)) as chroma:
        for turn in range(2):
            for one in short_articles(6):
                put(filled, replace(one, text=f"Turn {turn}."))
            fill(filled, seed=turn + 1)
            chroma.sync()
        assert times == ["anew"]  # when it was first made; 12 have been deleted since
        put(filled, article("more", "More."))
        fill(filled, seed=9)
        chroma.sync()
        assert times == ["anew", "anew"]
        assert sound(chroma, filled)
        assert state(folder)["churn"] == 0


def test_churn_is_remembered_over_openings(filled: Catalogue, folder: Path) -> None:
    for name in ("short-1", "short-2"):
        filled.remove(name)
        with closing(opened(folder, filled)):
            pass
    assert state(folder)["churn"] == 1  # the first opening made the folder


def test_an_article_removed_in_the_middle_of_a_sync(
    filled: Catalogue, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Catalogue.vectors

    def meanwhile(self: Catalogue, keys: list[int] | None = None) -> tuple[list[int], Vectors]:
        if keys is not None:
            self.remove("short-5")
        return asked(self, keys)

    monkeypatch.setattr(Catalogue, "vectors", meanwhile)
    with closing(opened(folder, filled)) as chroma:
        monkeypatch.undo()
        before = chroma.current
        chroma.sync()
        assert (before, chroma.current) == (False, True)
        assert sound(chroma, filled)
        assert chroma.count() == 19


def test_a_filling_can_be_ended_early(filled: Catalogue, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "UPSERT_BATCH", 5)
    stop = threading.Event()
    asked = Catalogue.headings

    def then_stop(self: Catalogue, keys: list[int]) -> dict[int, tuple[str, date | None]]:
        stop.set()
        return asked(self, keys)

    monkeypatch.setattr(Catalogue, "headings", then_stop)
    chroma = ChromaVectors.open(folder, filled, stop=stop)
    assert chroma is not None
    assert (chroma.count(), chroma.current) == (5, False)
    chroma.close()
    assert not ChromaVectors.in_step(folder, filled)
    with closing(opened(folder, filled)) as again:
        assert sound(again, filled)


# ------------------------------------------------------------------------------------------------ what can go wrong


def test_a_folder_left_while_it_was_written_is_made_anew(
    filled: Catalogue, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(folder, filled).close()
    folder.with_name("chroma.json").write_text(json.dumps({**state(folder), "clean": False}), encoding="utf-8")
    times = made_anew(monkeypatch)
    with closing(opened(folder, filled)) as chroma:
        assert sound(chroma, filled)
    assert times == ["anew"]


WRONG = ["", "{", "[]", "null", '"clean"', '{"clean": true}', '{"clean": 1, "origin": "", "version": 1, "churn": 0}']


@pytest.mark.parametrize(
    "text",
    [
        *WRONG,
        '{"clean": true, "origin": "", "version": "x", "churn": 0}',
        '{"clean": true, "churn": null}',
        "[" * 100_000,
    ],
)
def test_a_state_that_makes_no_sense_means_anew(filled: Catalogue, folder: Path, text: str) -> None:
    opened(folder, filled).close()
    folder.with_name("chroma.json").write_text(text, encoding="utf-8")
    assert not ChromaVectors.in_step(folder, filled)
    with closing(opened(folder, filled)) as chroma:
        assert sound(chroma, filled)
    assert ChromaVectors.in_step(folder, filled)


@given(st.binary(max_size=60))
@settings(deadline=None)
def test_no_state_file_raises(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "any-state.json"
    file.write_bytes(content)
    assert module._read_state(file).clean is False


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "half": lambda data: data[: len(data) // 2],
    "zeros": lambda data: bytes(len(data)),
    "garbage": lambda data: b"\xa5" * len(data),
}


@pytest.mark.parametrize("damage", ["empty", "half", "zeros", "garbage", "gone"])
def test_a_broken_database_of_chroma_is_made_anew(filled: Catalogue, folder: Path, damage: str) -> None:
    opened(folder, filled).close()
    file = folder / "chroma.sqlite3"
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes(DAMAGE[damage](file.read_bytes()))
    with closing(opened(folder, filled)) as chroma:
        assert sound(chroma, filled)


OPEN = """
import sys
from contextlib import closing
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from index.catalogue import Catalogue
from index.vectors import ChromaVectors
folder = Path(sys.argv[1])
with closing(Catalogue(folder / "catalogue.sqlite3")) as catalogue:
    chroma = ChromaVectors.open(folder / "chroma", catalogue)
    keys, vectors = catalogue.vectors()
    found = sum(chroma.search(vector, 1)[0][0] == key for key, vector in zip(keys, vectors))
    print(found, chroma.count(), len(keys))
    chroma.close()
"""


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of 1,200 vectors: more than Chroma keeps in its log, so that its graph is on disk."""
    folder = tmp_path_factory.mktemp("large")
    with closing(Catalogue(folder / "catalogue.sqlite3")) as catalogue:
        for one in (
            article(f"long-{n}", " ".join(f"Sentence {i} of {n} ends." for i in range(4_700))) for n in range(6)
        ):
            put(catalogue, one)
        assert fill(catalogue) >= 1_100
        opened(folder / "chroma", catalogue).close()
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("data_level0.bin", "half"),
        ("data_level0.bin", "garbage"),  # crashes
        ("header.bin", "half"),  # crashes
        ("header.bin", "gone"),
        ("index_metadata.pickle", "half"),
        ("link_lists.bin", "zeros"),  # crashes
    ],
)
def test_a_broken_graph_is_made_anew(large: Path, tmp_path: Path, name: str, damage: str) -> None:
    shutil.copytree(large, tmp_path / "copy")
    [file] = (tmp_path / "copy" / "chroma").rglob(name)
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes(DAMAGE[damage](file.read_bytes()))
    command = [sys.executable, "-c", OPEN, str(tmp_path / "copy"), str(Path(__file__).parent)]
    # Some damage crashes native code. That can happen once: the folder was marked before it was opened.
    first = subprocess.run(command, check=False, capture_output=True, timeout=120)
    last = first if first.returncode == 0 else subprocess.run(command, check=False, capture_output=True, timeout=120)
    assert first.returncode in {0, -11, -6}, first.stderr
    found, count, keys = (int(number) for number in last.stdout.split())
    assert count == keys >= 1_100
    assert found >= 0.99 * keys


def test_what_chroma_raises_later_makes_it_anew_too(
    filled: Catalogue, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(opened(folder, filled)) as chroma:
        put(filled, article("new", "New."))
        fill(filled, seed=2)
        monkeypatch.setattr(chroma, "_collection", None)
        monkeypatch.setattr(
            chroma, "_open", lambda *_: _raise(RuntimeError("Failed to apply logs to the hnsw segment"))
        )
        chroma.sync()
        assert sound(chroma, filled)
        assert chroma.count() == 21


def _raise(error: Exception) -> None:
    raise error


def test_where_no_index_can_be_made_the_folder_is_named(
    filled: Catalogue, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chromadb, "PersistentClient", lambda *_, **__: _raise(ValueError("no such thing")))
    with pytest.raises(LibraryError, match=r"chroma: Chroma cannot make its index there: no such thing"):
        ChromaVectors.open(folder, filled)
    monkeypatch.undo()
    with closing(opened(folder, filled)) as chroma:  # the lock was let go
        assert sound(chroma, filled)


# ---------------------------------------------------------------------------------------------- the one that chooses


@pytest.fixture
def dense(filled: Catalogue, folder: Path) -> Iterator[Dense]:
    with closing(Dense(folder, filled)) as made:
        yield made


def asked_of_exact(dense: Dense, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    times: list[int] = []
    old = dense._exact.search

    def counted(query: Vectors, k: int, keys: Sequence[int] | None = None) -> module.Scored:
        times.append(k)
        return old(query, k, keys)

    monkeypatch.setattr(dense._exact, "search", counted)
    return times


def test_chroma_answers_once_it_is_open(dense: Dense, filled: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    exact = asked_of_exact(dense, monkeypatch)
    query = units(1, seed=0)[0]
    assert dense.backend == "exact"
    before = dense.search(query, 5)
    assert dense.open_chroma()
    assert dense.backend == "chroma"
    assert [key for key, _ in dense.search(query, 5)] == [key for key, _ in before]
    assert exact == [5]


def test_out_of_step_the_exact_scan_answers(dense: Dense, filled: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    exact = asked_of_exact(dense, monkeypatch)
    dense.open_chroma()
    filled.remove("short-0")
    put(filled, article("new", "New."))
    fill(filled, seed=6)
    assert dense.search(units(1, seed=6)[0], 1)[0][1] == pytest.approx(1.0, abs=1e-5)
    assert exact == [1]
    dense.open_chroma()
    assert dense.search(units(1, seed=6)[0], 1)[0][1] == pytest.approx(1.0, abs=1e-3)
    assert exact == [1]


def test_while_another_owns_the_folder_the_exact_scan_answers(dense: Dense, folder: Path) -> None:
    with FileLock(folder.with_name("chroma.lock")):
        assert not dense.open_chroma()
        assert dense.backend == "exact"
        assert dense.search(units(1)[0], 1)[0][1] == pytest.approx(1.0, abs=1e-5)
    assert not folder.exists()
    assert dense.open_chroma()


def test_what_another_thread_opened_can_be_opened_again_after_closing(filled: Catalogue, folder: Path) -> None:
    first = Dense(folder, filled)
    thread = threading.Thread(target=first.open_chroma)
    thread.start()
    thread.join()
    assert first.backend == "chroma"
    first.close()
    with closing(Dense(folder, filled)) as second:
        assert second.open_chroma()


def test_a_search_that_fails_is_answered_exactly_and_mended(
    dense: Dense, filled: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    dense.open_chroma()
    monkeypatch.setattr(ChromaVectors, "search", lambda *_: _raise(RuntimeError("hnsw segment reader")))
    keys, vectors = filled.vectors()
    assert dense.search(vectors[3], 1)[0][0] == keys[3]
    monkeypatch.undo()
    assert dense.backend == "exact"
    times = made_anew(monkeypatch)
    assert dense.open_chroma()
    assert times == ["anew"]
    assert dense.search(vectors[3], 1)[0][0] == keys[3]


def test_a_folder_deleted_under_it(dense: Dense, filled: Catalogue, folder: Path) -> None:
    dense.open_chroma()
    shutil.rmtree(folder)
    keys, vectors = filled.vectors()
    assert dense.search(vectors[3], 1)[0][0] == keys[3]
    put(filled, article("new", "New."))
    fill(filled, seed=6)
    dense.open_chroma()
    assert dense.search(units(1, seed=6)[0], 1)[0][1] == pytest.approx(1.0, abs=1e-3)


def test_after_closing_nothing_is_opened(filled: Catalogue, folder: Path) -> None:
    dense = Dense(folder, filled)
    dense.close()
    assert not dense.open_chroma()
    assert not folder.exists()


def test_the_vectors_are_of_one_length(filled: Catalogue) -> None:
    assert filled.vectors()[1].shape == (20, DIMENSIONS)
