from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.aspects import MOST, names, sources

KNOWN = ["FOX News - Health", "FOX News - Lifestyle", "The Age", "CBSSports.com", "Wired", "Cnbc | World Business News"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Which singer is American, Mark King or Nick Hexum?", ["American", "Mark King", "Nick Hexum"]),
        ("Who wrote the Bank of the Northern Isles report?", ["Bank of the Northern Isles"]),
        ('Who sang "the long road" in Oslo?', ["the long road", "Oslo"]),
        ("who did mittal meet?", []),
        ("Did The Dandy Warhols form in 1994?", ["Dandy Warhols"]),
        ("Mittal met Mittal.", ["Mittal"]),
        ("", []),
    ],
)
def test_names_are_runs_of_capitals_and_quoted_words(text: str, found: list[str]) -> None:
    assert names(text) == found


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("What did FOX News say?", [{"FOX News - Health", "FOX News - Lifestyle"}]),
        ("Did CBSSports and The Age agree?", [{"The Age"}, {"CBSSports.com"}]),
        ("What did CNBC report?", [{"Cnbc | World Business News"}]),
        ("Who wired the money?", []),
        ("At what age did he retire?", []),
        ("The Agency said so?", []),
    ],
)
def test_a_source_is_known_by_the_name_it_goes_by(question: str, found: list[set[str]]) -> None:
    assert sources(question, KNOWN) == found


@given(st.text(max_size=80), st.lists(st.text(max_size=12), max_size=12))
def test_any_text_will_do(text: str, known: list[str]) -> None:
    assert all(name and len(name) > 1 for name in names(text))
    assert len(sources(text, known)) <= MOST
