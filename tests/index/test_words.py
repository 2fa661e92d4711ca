"""A question -> an FTS5 expression: its words and phrases, and never an operator."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.words import MAX_TERMS, content_words, expression


@pytest.fixture(scope="module")
def fts() -> Iterator[sqlite3.Connection]:
    """A word index like the library's, with one row that holds only the word `bystander`."""
    db = sqlite3.connect(":memory:")
    db.execute("CREATE VIRTUAL TABLE words USING fts5 (body, tokenize = 'porter unicode61 remove_diacritics 2')")
    db.execute("INSERT INTO words VALUES ('bystander')")
    yield db
    db.close()


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("who did Mittal meet?", '"mittal" OR "meet"'),
        ("Where is Mittal's envoy?", '"mittal" OR "envoy"'),
        ("Where is Mittal’s envoy?", '"mittal" OR "envoy"'),
        ("the U.S. budget", '"u.s" OR "budget"'),
        ("grew 3.5 percent", '"grew" OR "3.5" OR "percent"'),
        ('what is the "Skarn Basin"?', '"skarn basin" OR "skarn" OR "basin"'),
        ("“put to sea”", '"put to sea" OR "put" OR "sea"'),
        ("AT&T and COVID-19", '"at&t" OR "covid-19"'),
        ("ferry Ferry FERRY", '"ferry"'),
        ("who is it?", '"who" OR "is" OR "it"'),  # nothing but function words is still asked for
        ("cafe\u0301", '"café"'),
        ("", None),
        ("?! -- ()", None),
        ('"', None),
    ],
)
def test_what_is_looked_for(question: str, expected: str | None) -> None:
    assert expression(question) == expected


def test_content_words_are_as_written() -> None:
    assert content_words("Who did Deepak Mittal's envoy meet in Doha?") == ["Deepak", "Mittal", "envoy", "meet", "Doha"]


OPERATORS = st.sampled_from(
    [
        *(
            '"',
            "'",
            "*",
            "^",
            "-",
            "+",
            "(",
            ")",
            ":",
            "{",
            "}",
            ",",
            "\\",
            "\0",
            "\ud800",
            "’",
            "“",
            "”",
            "«",
            "»",
            " ",
        ),
        *(
            "NEAR",
            "NEAR(",
            "AND",
            "OR",
            "NOT",
            "body",
            "body:",
            "rowid",
            "a",
            "é",
            "日本",
            "²",
            "ª",
            "हिन्दी",
            "e\u0301",
            "_",
        ),
    ]
)


@given(st.one_of(st.lists(OPERATORS, max_size=25).map("".join), st.text(max_size=80)))
@settings(deadline=None, max_examples=400)
def test_no_question_is_an_operator(fts: sqlite3.Connection, question: str) -> None:
    asked = expression(question)
    if asked is not None:
        # SQLite accepts it, and it finds no row that has none of its words: nothing in it excludes or widens.
        found = fts.execute("SELECT body FROM words WHERE words MATCH ?", (asked,)).fetchall()
        assert found == []


@pytest.mark.parametrize("question", ["bystander -bystander", "NOT bystander", "body : bystander", "rain* bystander)"])
def test_a_word_among_operators_is_found(fts: sqlite3.Connection, question: str) -> None:
    assert fts.execute("SELECT body FROM words WHERE words MATCH ?", (expression(question),)).fetchall()


def test_a_pasted_article_is_no_burden(fts: sqlite3.Connection) -> None:
    asked = expression(" ".join(f"word{n}" for n in range(50_000)))
    assert asked is not None
    assert asked.count(" OR ") == MAX_TERMS - 1
    assert fts.execute("SELECT body FROM words WHERE words MATCH ?", (asked,)).fetchall() == []
