"""Date phrases of questions, seen from Wednesday, 15 May 2024."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.dates import FOREVER, event, from_event, periods, years

TODAY = date(2024, 5, 15)


@pytest.mark.parametrize(
    ("question", "since", "until", "phrase"),
    [
        ("What happened in June 2021?", "2021-06-01", "2021-06-30", "in June 2021"),
        ("What happened in June?", "2023-06-01", "2023-06-30", "in June"),  # the last June there was
        ("What happened in April?", "2024-04-01", "2024-04-30", "in April"),
        ("Who resigned in 2022?", "2022-01-01", "2022-12-31", "in 2022"),
        ("Who resigned on 5 May 2023?", "2023-05-05", "2023-05-05", "on 5 May 2023"),
        ("Who resigned on May 5th, 2023?", "2023-05-05", "2023-05-05", "on May 5th, 2023"),
        ("What was said on 2023-05-05?", "2023-05-05", "2023-05-05", "on 2023-05-05"),
        ("the report of 14 March", "2024-03-14", "2024-03-14", "of 14 March"),
        ("What has been built since March 2023?", "2023-03-01", None, "since March 2023"),
        ("What was said after 3 April 2024?", "2024-04-04", None, "after 3 April 2024"),
        ("Who led before 2020?", None, "2019-12-31", "before 2020"),
        ("as of June 2022, how many?", None, "2022-06-30", "as of June 2022"),
        ("from May to July 2022", "2022-05-01", "2022-07-31", "from May to July 2022"),
        ("from November 2021 to July 2022", "2021-11-01", "2022-07-31", "from November 2021 to July 2022"),
        ("from November to March 2022", "2021-11-01", "2022-03-31", "from November to March 2022"),
        ("between 2019 and 2021, who led?", "2019-01-01", "2021-12-31", "between 2019 and 2021"),
        ("What happened last week?", "2024-05-06", "2024-05-12", "last week"),
        ("What happened this week?", "2024-05-13", "2024-05-15", "this week"),
        ("What happened last month?", "2024-04-01", "2024-04-30", "last month"),
        ("news of this year", "2024-01-01", "2024-05-15", "this year"),
        ("What happened yesterday?", "2024-05-14", "2024-05-14", "yesterday"),
        ("in the last three days", "2024-05-12", "2024-05-15", "in the last three days"),
        ("over the past 2 months", "2024-03-15", "2024-05-15", "over the past 2 months"),
    ],
)
def test_a_phrase_is_a_range(question: str, since: str | None, until: str | None, phrase: str) -> None:
    [found] = periods(question, TODAY)
    wanted = tuple(day and date.fromisoformat(day) for day in (since, until))
    assert (found.since, found.until, found.phrase) == (*wanted, phrase)


@pytest.mark.parametrize(
    "question",
    [
        "who did Mittal meet?",
        "May I ask who won the 2020 election?",
        "How many of the 2024 cars were recalled?",
        "What did April Jones say?",
        "Who paid $2,021 million?",
        "What happened on 31 June 2021?",
        "who may have said it?",
        "the last three ministers",
        "What happened after 9999-12-31?",
        "What happened before 0001-01-01?",
    ],
)
def test_what_names_no_time_is_no_period(question: str) -> None:
    assert periods(question, TODAY) == []


@given(st.text(max_size=60), st.dates(date(2, 1, 1), date(9998, 12, 31)))
def test_any_question_has_a_sound_range_or_none(question: str, today: date) -> None:
    for found in periods(question, today):
        assert found.phrase in question
        assert (found.since or date.min) <= (found.until or date.max)


def test_every_period_is_told() -> None:
    found = periods(
        "Did the report of 3 May 2023 agree with what was said from June 2023 to July 2023 and in 2024?", TODAY
    )
    assert [one.phrase for one in found] == ["of 3 May 2023", "from June 2023 to July 2023", "in 2024"]


def test_last_week_is_relative_and_a_named_month_is_not() -> None:
    assert [one.relative for one in periods("What was said last week about June 2021?", TODAY)] == [True]
    assert [one.relative for one in periods("What was said last week about events in June 2021?", TODAY)] == [
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("What has changed since the election of Ada Brink?", ("since", "the election of Ada Brink")),
        ("After his resignation, who led Velm?", ("after", "his resignation")),
        ("Since the flood what has been built?", ("since", "the flood")),
        ("What happened since 5 May?", None),
        ("who won the election?", None),
    ],
)
def test_time_can_be_counted_from_an_event(question: str, found: tuple[str, str] | None) -> None:
    assert event(question) == found


def test_an_event_opens_a_period_as_a_date_does() -> None:
    day = date(2024, 5, 3)
    assert (from_event("since", day).since, from_event("since", day).until) == (day, None)
    assert from_event("after", day).since == date(2024, 5, 4)
    assert (from_event("before", day).since, from_event("before", day).until) == (None, date(2024, 5, 2))
    assert from_event("until", day).until == day


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("from 1991 to 2005", [(1991, 2005)]),
        ("From 5 May 2001 until June 3rd, 2004", [(2001, 2004)]),
        ("between 1919 and 1939", [(1919, 1939)]),
        ("in 1982 and 1988", [(1982, 1982), (1988, 1988)]),
        ("2003–04, 1984/85", [(2003, 2004), (1984, 1985)]),
        ("Ada Brink ( 2014– )", [(2014, FOREVER)]),
        ("since May 2014, 3 people", [(2014, FOREVER)]),
        ("1949-present", [(1949, FOREVER)]),
        ("1990 to 3 million", [(1990, 1990)]),
        ("founded 1998 - 20 people", [(1998, 1998)]),
        ("2014-06-13", [(2014, 2014)]),
        ("1,200 to 1,300 and $2000 and 19845", []),
    ],
)
def test_years_are_ranges(text: str, found: list[tuple[int, int]]) -> None:
    assert years(text) == found


@given(
    st.text()
    | st.from_regex(r"(from |between |since )?(19|20)\d\d( to |-|–| and |/)?((19|20)\d\d|\d\d)?", fullmatch=True)
)
def test_any_text_has_sound_years(text: str) -> None:
    assert all(1000 <= first <= last <= FOREVER for first, last in years(text))
