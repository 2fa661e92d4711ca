from __future__ import annotations

import pytest

from qa.premise import unmentioned

TEXTS = [
    "The envoy, Deepak Mittal, met with Sher Mohammad Abbas Stanekzai in Doha on Tuesday.",
    "The U.S.-led forces left Nepal. The Normans were the Duchy of Normandy.",
    "It was sent to the Ministry of Foreign Affairs.",
]


@pytest.mark.parametrize(
    ("question", "missing"),
    [
        ("Who did Mittal meet?", []),
        ("who did mittal meet?", []),
        ("Who met Biden?", ["Biden"]),
        ("Who did Stanikzai meet?", []),  # another spelling
        ("What happened in Nepalese schools?", []),  # a form of the name
        ("What did America do?", []),  # "U.S."
        ("What was sent to the MFA?", []),  # its initials
        ("What was sent to the FBI?", ["FBI"]),
        ("Who is the CEO of Nepal?", ["CEO"]),
        ("What did the MFA say on TV?", ["TV"]),
        ("What did the Canadian Parliament say?", ["Canadian", "Parliament"]),
        ("Which minister met a Norwegian envoy?", []),  # a man from Bergen need not be called so
        ("Which minister met Mr Christian?", ["Christian"]),
        ("Biden met whom?", []),  # a first word's capital says nothing
        ("What happened on Friday in June?", []),  # told in other ways
        ("Who Did Joe Biden Meet In Doha?", []),  # capitals everywhere say nothing
        ("who was it? (asked after: Who met Biden? Nobody.)", []),  # the turn before is not this question
    ],
)
def test_a_name_that_nothing_mentions_is_reported(question: str, missing: list[str]) -> None:
    assert unmentioned(question, TEXTS) == missing


@pytest.mark.parametrize("text", ["Kestovar's chief executive is Ada Holm.", "The boss of Kestovar is Ada Holm."])
def test_an_office_may_be_written_out(text: str) -> None:
    assert unmentioned("Who is the CEO of Kestovar?", [text]) == []


@pytest.mark.parametrize("text", ["The US left.", "America left.", "The United States left.", "The U.S. left."])
def test_initials_may_have_points(text: str) -> None:
    for name in ("U.S.", "US"):
        assert unmentioned(f"When did the {name} leave?", [text]) == []
        assert unmentioned(f"When did the {name} leave?", ["They left."]) == [name.rstrip(".")]


def test_without_texts_every_name_is_missing() -> None:
    assert unmentioned("Who met Deepak Mittal?", []) == ["Deepak", "Mittal"]
