"""Texts -> vectors: the int8 file agrees with the reference, and a text's vector is its own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from index import embed
from index.catalogue import Vectors
from index.embed import Embedder
from index.passages import embedded_text, passages
from index.sentences import split
from index.types import Article


@pytest.fixture(scope="session")
def texts(samples: tuple[Article, ...]) -> list[str]:
    """What is embedded for the passages of samples/: the set on which makers of one family are compared."""
    return [
        embedded_text(article.title, article.date.isoformat() if article.date else None, passage.text)
        for article in samples
        for passage in passages(article, split(article))
    ]


@pytest.fixture(scope="session")
def vectors(embedder: Embedder, texts: list[str]) -> Vectors:
    return embedder.documents(texts)


@pytest.fixture(scope="session")
def reference() -> Embedder:
    """The same model by sentence-transformers, in full precision."""
    return embed.embedder("all-minilm-l6-v2")


def test_int8_agrees_with_sentence_transformers(vectors: Vectors, texts: list[str], reference: Embedder) -> None:
    cosines = (vectors * reference.documents(texts)).sum(axis=1)
    assert len(texts) >= 30
    assert cosines.min() >= 0.998


def test_their_queries_agree_too(embedder: Embedder, reference: Embedder) -> None:
    for question in (
        "who did Mittal meet?",
        "how much has India invested in Afghanistan?",
        "when did the bridge close",
    ):
        assert float(embedder.query(question) @ reference.query(question)) >= 0.99  # a few tokens: int8 is coarser
        np.testing.assert_allclose(reference.query(question), reference.documents([question])[0], atol=1e-6)


def test_makers_of_one_family_say_so(embedder: Embedder, reference: Embedder) -> None:
    assert embedder.family == reference.family == embed.family(embed.DEFAULT) == embed.family("all-minilm-l6-v2")
    assert embedder.name != reference.name
    other = embed.embedder("bge-small-en-int8")
    assert other.family == embed.family("bge-small-en-int8") != embedder.family


def test_vectors_are_units(vectors: Vectors, texts: list[str], reference: Embedder) -> None:
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(texts), 384)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(reference.documents(texts[:2]), axis=1), 1.0, atol=1e-5)


def test_a_vector_does_not_depend_on_its_neighbours(embedder: Embedder, vectors: Vectors, texts: list[str]) -> None:
    again = embedder.documents([*texts[:3], "x", "A long stranger. " * 200])
    np.testing.assert_array_equal(again[:3], vectors[:3])
    np.testing.assert_array_equal(embedder.documents([texts[1]])[0], vectors[1])


def test_several_threads_get_the_same(embedder: Embedder, vectors: Vectors, texts: list[str]) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda at: embedder.documents(texts[at : at + 2]), range(0, 8, 2)))
    np.testing.assert_array_equal(np.concatenate(found), vectors[:8])


def test_a_query_is_a_document_where_the_model_has_no_prefix(embedder: Embedder) -> None:
    np.testing.assert_array_equal(embedder.query("a ferry"), embedder.documents(["a ferry"])[0])
    other = embed.embedder("bge-small-en-int8")
    np.testing.assert_array_equal(other.query("a ferry"), other.documents([embed.BGE_QUERY_PREFIX + "a ferry"])[0])


def test_meaning_is_nearer_than_words(embedder: Embedder) -> None:
    [on_topic, off_topic] = embedder.documents(["The vessel put to sea on Monday.", "The bank raised its rates."])
    question = embedder.query("When did the ship leave?")
    assert question @ on_topic > question @ off_topic + 0.3


@pytest.mark.parametrize("text", ["", " ", "\n", "日本語", "👩‍👩‍👧", "\u200b", "\x01", "a" * 5_000, "word " * 20_000])
def test_any_text_has_a_vector(embedder: Embedder, text: str) -> None:
    assert np.linalg.norm(embedder.documents([text])[0]) == pytest.approx(1.0, abs=1e-5)


def test_a_question_with_half_a_surrogate_pair_has_a_vector(embedder: Embedder, reference: Embedder) -> None:
    for one in (embedder, reference):
        np.testing.assert_array_equal(one.query("ferry \ud800"), one.query("ferry ?"))


def test_no_text_has_none(embedder: Embedder, reference: Embedder) -> None:
    assert len(embedder.documents([])) == len(reference.documents([])) == 0


def test_256_word_pieces_are_read_and_no_more(embedder: Embedder) -> None:
    # Each letter is a piece; two of the 256 mark the ends. The pinned tokenizer file by itself would stop at 128.
    base = "a " * 253
    [short, longer, cut] = embedder.documents([base[: 2 * 200], base + "b", base + "b and what is not read"])
    assert short @ longer < 0.9999
    np.testing.assert_array_equal(longer, cut)
