"""Numbers and days in a sentence, as they are written and as they can be compared."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from qa import values

MAY_2 = date(2024, 5, 2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It cost $3.5bn.", [("3500000000", "dollar", "exact", "$3.5bn")]),
        ("More than 3 billion dollars were paid.", [("3000000000", "dollar", "least", "3 billion dollars")]),
        ("They paid 3 million US dollars.", [("3000000", "dollar", "exact", "3 million US dollars")]),
        ("Nearly two hundred and fifty people came.", [("250", "", "about", "two hundred and fifty")]),
        ("Up to 40 trucks and 12 boats came.", [("40", "", "most", "40"), ("12", "", "exact", "12")]),
        ("It rose by 12 percent to 48 per cent.", [("48", "percent", "exact", "48 per cent")]),
        ("A man aged 40 and a 12-year-old boy came on 4 May 2021.", []),
        ("In 2019 one of the men sold a house.", []),
        ("Between 10 and 20 came, or 30 to 40.", []),
    ],
)
def test_numbers_that_stand_for_a_whole(text: str, expected: list[tuple[str, str, str, str]]) -> None:
    assert [(f"{a.value:f}", a.unit, a.bound, a.written) for a in values.amounts(text)] == expected
    assert all(text[a.start : a.end] == a.written for a in values.amounts(text))


@pytest.mark.parametrize("text", ["They met on Frıday.", "It opened on 4 Aprıl 2021.", "In 4 Auguſt 2021 it rained."])
def test_letters_that_only_look_like_a_days_name_do_no_harm(text: str) -> None:
    assert all(1 <= (day.month or 1) <= 12 for day in values.days(text, date(2021, 4, 9)))


def test_a_value_that_is_rounded_has_fewer_digits() -> None:
    def amount(text: str) -> values.Amount:
        (only,) = values.amounts(text)
        return only

    assert values.same_amount(amount("3 billion"), amount("3.2 billion"))
    assert not values.same_amount(amount("3 billion"), amount("4 billion"))
    assert not values.same_amount(amount("1,200"), amount("1,900"))
    assert not values.same_amount(amount("12 men"), amount("10 men"))
    assert not values.same_amount(amount("at least 1,200"), amount("1,900"))
    assert values.same_amount(amount("up to 40"), amount("35"))
    assert amount("3 billion").value == Decimal(3_000_000_000)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It opened on 14 June 2024.", [(2024, 6, 14, "14 June 2024")]),
        ("It opened on June 14th.", [(None, 6, 14, "June 14th")]),
        ("It opened in May.", [(None, 5, None, "May")]),
        ("It may open.", []),
        ("It opened on 9 Auguſt 1746.", [(1746, 8, 9, "9 Auguſt 1746")]),  # re takes "ſ" for an "s"
        ("It opened in 1911.", [(1911, None, None, "1911")]),
        ("It opened on Tuesday.", [(2024, 4, 30, "Tuesday")]),
        ("It will open on Tuesday.", [(2024, 5, 7, "Tuesday")]),
        ("It has opened, the mayor said on Tuesday.", []),
        ("2,000 people came.", []),
    ],
)
def test_days_as_they_are_written(text: str, expected: list[tuple[int | None, int | None, int | None, str]]) -> None:
    assert [(d.year, d.month, d.day, d.written) for d in values.days(text, MAY_2)] == expected
    assert all(text[d.start : d.end] == d.written for d in values.days(text, MAY_2))
