from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from qa import parse as parsing
from qa.parse import DraftParser, is_refusal, leading_marks, marks, parse, renumbered
from qa.types import Draft

LETTERS = "abNS .!?[]【】1234567890,-\n\"'"
PIECES = [
    "A b c",
    "x",
    "A",
    ".",
    " ",
    "\n",
    "- ",
    "Mr.",
    "!",
    "?",
    "“",
    "”",
    "[1]",
    "[1, 2]",
    "[1-3]",
    "【2】",
    "[",
    "]",
    "3",
]
PIECES += ["NOT STATED", "not stated", "a.m.", "U.S.", "[sic]", "1. "]
COMPLETIONS = st.text(LETTERS, max_size=40) | st.lists(st.sampled_from(PIECES), max_size=16).map("".join)


def streamed(chunks: list[str]) -> tuple[Draft, ...]:
    parser = DraftParser()
    found = [draft for chunk in chunks for draft in parser.feed(chunk)]
    return (*found, *parser.finish())


def cut(text: str, places: list[int]) -> list[str]:
    at = [0, *sorted(min(place, len(text)) for place in places), len(text)]
    return [text[a:b] for a, b in pairwise(at)]


def said(text: str) -> list[tuple[str, tuple[int, ...]]]:
    return [(draft.text, draft.labels) for draft in parse(text)]


# --- stream law -------------------------------------------------------------------------------------------------------


@settings(max_examples=400)
@given(COMPLETIONS, st.lists(st.integers(0, 60), max_size=6))
@example("[1] A b. [2] C d.", [4])
@example("A.\n[1]\nB", [3, 6])
@example("A  \n B", [3])
def test_any_split_gives_the_same_drafts(text: str, places: list[int]) -> None:
    assert "".join(cut(text, places)) == text
    assert streamed(cut(text, places)) == parse(text)
    assert streamed(list(text)) == parse(text)


@settings(max_examples=300)
@given(COMPLETIONS, st.lists(st.integers(0, 60), max_size=6))
def test_any_split_gives_the_same_drafts_where_overlong_ones_are_cut(text: str, places: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parsing, "MAX_SENTENCE_CHARS", 9)
        assert streamed(cut(text, places)) == streamed(list(text)) == parse(text)


@given(COMPLETIONS, st.lists(st.integers(0, 60), max_size=6))
def test_a_draft_never_grows_a_mark_and_the_last_one_is_what_was_growing(text: str, places: list[int]) -> None:
    parser = DraftParser()
    for chunk in cut(text, places):
        list(parser.feed(chunk))
        assert "[1]" not in parser.growing
        assert "【2】" not in parser.growing
    last = parser.growing
    assert [draft.text for draft in parser.finish()] == ([last] if any(c.isalnum() for c in last) else [])


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("[2]", (2,)), ("", ()), ("NOT STATED", ()), ("[3] Bo left. [1]", (3, 1)), ("[1-3]", (1, 2, 3))],
)
def test_marks_are_read_also_without_words(text: str, wanted: tuple[int, ...]) -> None:
    assert marks(text) == wanted


@pytest.mark.parametrize(
    "text", ["[1 and 2] Bo left.", "[sentence 2] Bo left.", "[Sentences 1, 2] Bo", "([1]) Bo", "[[1]] Bo"]
)
def test_whatever_the_mark_it_does_not_come_and_go(text: str) -> None:
    parser = DraftParser()
    for character in text:
        list(parser.feed(character))
        assert not set(parser.presentable.replace("[]", "")) - set("Bo left.()")


@given(COMPLETIONS)
@example("[[A b cA b cA b cNOT STATED")
@example("[1[A b cA b cA b cNOT STATED")
def test_a_mark_that_has_only_begun_is_not_presented(text: str) -> None:
    parser = DraftParser()
    for character in text:
        list(parser.feed(character))
        assert not parser.presentable.endswith(("[", "【", "[1", "【2"))
        assert parser.growing.startswith(parser.presentable)


@given(
    st.lists(st.sampled_from(["Anna met Bo", "It rained for 3 days", "He paid $3.5 million"]), min_size=1, max_size=4),
    st.data(),
)
def test_every_sentence_keeps_its_own_marks_wherever_they_stand(sentences: list[str], data: st.DataObject) -> None:
    written, wanted = [], []
    for number, words in enumerate(sentences, start=1):
        style = data.draw(
            st.sampled_from(["{} [{}].", "{}. [{}]", "{}.[{}]", "{} [{}]!", "{}.\n[{}]", "{}【{}】.", "- {}. [{}]"])
        )
        written.append(style.format(words, number))
        wanted.append(((words + ("!" if "!" in style else ".")), (number,)))
    joined = (
        data.draw(st.sampled_from(["\n", "\n\n"]))
        if any("- " in w for w in written)
        else data.draw(st.sampled_from([" ", "\n"]))
    )
    assert said(joined.join(written)) == wanted


# --- marks ------------------------------------------------------------------------------------------------------------

MARKS = {
    "He resigned. [1]": (1,),
    "He resigned [1].": (1,),
    "He resigned.[1]": (1,),
    "He resigned [1]. [1]": (1,),
    "He resigned. [1][2]": (1, 2),
    "He resigned. [1] [2]": (1, 2),
    "He resigned [2, 1].": (2, 1),
    "He resigned [1; 2].": (1, 2),
    "He resigned [1 and 2].": (1, 2),
    "He resigned [1 & 4].": (1, 4),
    "He resigned. [1-3]": (1, 2, 3),
    "He resigned. [1–3]": (1, 2, 3),
    "He resigned. [5, 1-3]": (5, 1, 2, 3),
    "He resigned. [1-90]": (1, 90),
    "He resigned. [3-1]": (3, 1),
    "He resigned. 【1】": (1,),
    "He resigned. ［１］": (1,),
    "He resigned. [^1]": (1,),
    "He resigned. [ 1 ]": (1,),
    "He resigned. [Sentence 2]": (2,),
    "He resigned. [sentences 2, 3]": (2, 3),
    "He resigned.\n[1]": (1,),
    "He resigned.\n\n[1]\n": (1,),
    "[1] He resigned.": (1,),
    "[1]\nHe resigned.": (1,),
    "[1][2] He resigned.": (1, 2),
    "- He resigned. [1]": (1,),
    "* He resigned. [1]": (1,),
    "1. He resigned. [2]": (2,),
    "2) He resigned. [2]": (2,),
    "He resigned. [12]": (12,),
    "He resigned.": (),
}


@pytest.mark.parametrize("text", MARKS, ids=repr)
def test_marks(text: str) -> None:
    assert said(text) == [("He resigned.", MARKS[text])]


@pytest.mark.parametrize(
    "text",
    [
        "He said [sic] so.",
        "In [2021] he left.",
        "He met [Mittal] there.",
        "He is [1 of 2.",
        "A [] b.",
        "See (1).",
        "At [1.5] a.",
    ],
)
def test_other_brackets_are_words(text: str) -> None:
    assert said(text) == [(text, ())]


def test_a_mark_inside_a_sentence_leaves_no_gap() -> None:
    assert said("He met Bo [1], who left [2].") == [("He met Bo, who left.", (1, 2))]


SENTENCES = {
    "He left. She stayed.": ["He left.", "She stayed."],
    "He left! She stayed? Yes.": ["He left!", "She stayed?", "Yes."],
    "“He left.” She stayed.": ["“He left.”", "She stayed."],
    "He left.\nshe stayed": ["He left.", "she stayed"],
    "He left. she stayed.": ["He left. she stayed."],
    "Mr. Smith met Dr. Jones.": ["Mr. Smith met Dr. Jones."],
    "Sen. A. B. Smith of the U.S. Senate left.": ["Sen. A. B. Smith of the U.S. Senate left."],
    "It began at 5 a.m. Friday.": ["It began at 5 a.m. Friday."],
    "It fell on Jan. 6 at No. 10.": ["It fell on Jan. 6 at No. 10."],
    "He paid $3.5 million. Then 2.9 more.": ["He paid $3.5 million.", "Then 2.9 more."],
    "- One [1]\n- Two [2]": ["One", "Two"],
    "1. One.\n2. Two.": ["One.", "Two."],
    "The men are:\n* Bo\n* Al": ["The men are:", "Bo", "Al"],
    "He left… She stayed.": ["He left…", "She stayed."],
    "Он ушёл. Она осталась.": ["Он ушёл.", "Она осталась."],
    "他走了。": ["他走了。"],
    "He left..": ["He left."],
    "": [],
    " \n . [1] ": [],
}


@pytest.mark.parametrize("text", SENTENCES, ids=repr)
def test_sentences(text: str) -> None:
    assert [draft.text for draft in parse(text)] == SENTENCES[text]


@pytest.mark.parametrize("end", ["([2]).", "( [2] )."])
def test_a_mark_in_round_brackets_is_a_mark(end: str) -> None:
    assert said(f"The mayor resigned on Friday {end}") == [("The mayor resigned on Friday.", (2,))]


def test_marks_before_their_sentences_stay_with_them() -> None:
    listed = [("He resigned.", (1,)), ("She stayed.", (2,)), ("It rained.", (3, 4))]
    assert said("[1] He resigned. [2] She stayed. [3][4] It rained.") == listed
    assert said("[1] He resigned.\n[2] She stayed.\n[3, 4] It rained.") == listed


def test_a_sentence_without_end_is_cut_at_the_bound() -> None:
    drafts = parse("x" * (2 * parsing.MAX_SENTENCE_CHARS + 5))
    assert [len(draft.text) for draft in drafts] == [parsing.MAX_SENTENCE_CHARS] * 2 + [5]


# --- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "NOT STATED",
        "NOT STATED.",
        " not stated\n",
        "**NOT STATED**",
        '"Not stated."',
        "[NOT STATED]",
        "NOT STATED [1]",
        "NOT_STATED",
        "NOT\nSTATED",
        "- NOT STATED",
        "Not stated in the sentences.",
        "The answer is: NOT STATED",
        "Answer: NOT STATED",
    ],
)
def test_a_refusal_however_dressed(text: str) -> None:
    assert is_refusal(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "NOT",
        "NOT STATE",
        "It is not stated who won.",
        "The sentences do not say.",
        "not statedly",
        "NOT UNSTATED",
        "I do not know.",
    ],
)
def test_no_guess_from_wording(text: str) -> None:
    assert not is_refusal(text)


@given(COMPLETIONS, st.lists(st.integers(0, 60), max_size=6))
def test_whether_it_refuses_does_not_depend_on_the_split(text: str, places: list[int]) -> None:
    refusals = [is_refusal(draft.text) for draft in streamed(cut(text, places))]
    assert refusals == [is_refusal(draft.text) for draft in parse(text)]


# --- time -------------------------------------------------------------------------------------------------------------

HOSTILE = {
    "blanks": " ",
    "line ends": "\n",
    "open brackets": "[",
    "open and blank": "[ ",
    "marks": "[1]",
    "marks apart": "x [1] ",
    "an open list": "1,",
    "dots": ".",
    "quotes": ".'",
    "abbreviations": "Mr. A ",
    "small letters": "a. b ",
    "digits": "1",
    "dots apart": ". ",
    "unfinished marks": "[1 ",
    "prose": "word of many ",
    "words": "x",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_time_is_linear(name: str) -> None:
    """A megabyte of anything takes a few seconds at the very most: at half that length quadratic work would take hours."""
    text = ("[" + HOSTILE[name] * 300_000)[:300_000]
    start = time.process_time()
    parse(text)
    assert time.process_time() - start < 10


@pytest.mark.parametrize("name", ["blanks", "line ends", "an open list", "marks"])
def test_time_is_linear_in_small_chunks(name: str) -> None:
    text = ("A" + HOSTILE[name] * 12_000)[:12_000]
    parser = DraftParser()
    start = time.process_time()
    for at in range(0, len(text), 4):
        list(parser.feed(text[at : at + 4]))
    assert time.process_time() - start < 5


@given(COMPLETIONS, st.integers(0, 40))
@example("[\n0]", 1)  # cut at the line's end, so it is no mark
def test_numbering_on_moves_the_marks_and_nothing_else(text: str, after: int) -> None:
    moved = renumbered(text, lambda number: number + after)
    assert renumbered(text, lambda number: number) == text
    assert [one.text for one in parse(moved)] == [one.text for one in parse(text)]


def test_marks_are_numbered_on_in_all_their_forms() -> None:
    assert (
        renumbered("[1] In 2021 【2, 3】 and [1-3]; [sic].", lambda number: number + 6)
        == "[7] In 2021 【8, 9】 and [7-9]; [sic]."
    )


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("[1]", (1,)),
        (" [12] He resigned. [3]", (12,)),
        ("[1][2]", (1, 2)),
        ("[2] 【1, 4】\n[2]", (2, 1, 4)),
        ("[1][", ()),
        ("[1] [2", ()),
        ("[", ()),
        ("", ()),
        ("He resigned. [1]", ()),
        ("**NOT STATED** [1]", ()),
        ("[sic] [1]", ()),
    ],
)
def test_the_marks_that_a_text_begins_with(text: str, numbers: tuple[int, ...]) -> None:
    assert leading_marks(text) == numbers


@given(COMPLETIONS)
def test_no_mark_leads_that_is_not_there(text: str) -> None:
    found = leading_marks(text)
    assert found == marks(text)[: len(found)]
    if found:
        assert all(draft.text != text.strip() for draft in parse(text))
