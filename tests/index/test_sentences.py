"""Article -> Sentences: the right cuts on news text, and no character lost on any text."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.sentences import MAX_CHARS, split
from index.types import Article, Sentence


def cut(text: str) -> list[str]:
    return [sentence.text for sentence in split(Article("a", "A", text))]


# Each is cut where one string ends, and nowhere else.
NEWS = {
    "titles": ["Dr. Smith met Mr. J. K. Rowling and Mrs. Oduya.", "Prof. Lind did not come."],
    "ranks": ["Lt. Col. James Baker spoke to Gen. Petraeus.", "Sgt. Pepper listened."],
    "politicians": ["Sen. Ted Cruz, R-Texas, and Rep. Nancy Pelosi, D-Calif., argued.", "Neither won."],
    "name initials": ["John F. Kennedy spoke.", "J.P. Morgan paid.", "W. E. B. Du Bois wrote it down."],
    "U.S. inside": ["The U.S. economy grew by 3.5 percent.", "Growth slowed in May."],
    "U.S. at the end": ["They moved to the U.S.", "The family settled in Ohio."],
    "U.S. before a name": ["The U.S. Senate and U.N. Secretary-General Ban Ki-moon agreed.", "It was late."],
    "U.S. before an added starter": ["They moved to the U.S.", "Both of them found work."],
    "capital": ["He flew from Washington, D.C. on Monday.", "Nobody met him."],
    "time inside": ["It began at 9 a.m. on Tuesday.", "By 5 p.m. it was over."],
    "time before a starter": ["The meeting ended at 10 p.m.", "Both ministers left at once."],
    "time before a name": ["He was taken in at 11 p.m.", "Faulds asked for a lawyer."],
    "time with minutes before a name": ["The bomb went off at 7.30 a.m.", "Police sealed off the area."],
    "time before a day": ["It opens at 8 a.m. Monday.", "It closes at 5 p.m. Sundays only."],
    "time with its zone": ["It starts at 3 p.m. Greenwich Mean Time.", "In Harnholm it is at 8 p.m. Moscow time."],
    "time as an adjective": ["She watched the 10 p.m. Newsnight with him.", "It was about ferries."],
    "decimals and money": ["Shares fell 2.5 percent to $3.20.", "Analysts had expected $3.40."],
    "number sign": ["She was No. 1 in the world.", "He was No. 2."],
    "the word no": ["He was asked and said no.", "Faulds said yes."],
    "figures and volumes": ["See Fig. 3 and vol. 2 of the report.", "It names Mt. Vernon."],
    "months": ["He was born on Jan. 5, 1970.", "She was born in Sept. 1980."],
    "companies": ["Apple Inc. said on Tuesday it would sue.", "Samsung Co. Ltd. said nothing."],
    "company at the end": ["He works for Apple Inc.", "She works for its rival."],
    "exclamation mark in a name": ["Yahoo! said it would sell.", "The board agreed."],
    "web address": ["The form is at www.example.com.", "For help, call the office."],
    "bill": ["The H.R. 1234 bill passed.", "It goes to the Senate."],
    "law case": ["The vote was 5 vs. 4.", "Roe v. Wade was cited."],
    "Latin": ["It rained, e.g. in Oslo, i.e. in Norway.", "It was cold, dark, etc.", "Smith et al. agreed."],
    "degree": ["She has a Ph.D.", "Her thesis won a prize."],
    "a plain word before a saint": ["It stands beside the bank.", "St. Brannoc's Hospital opened in 1931."],
    "plain words before names": ["It was the crime of the century.", "Faulds read the story.", "Oduya had cancer."],
    "dots between words": ["He waited... and waited.", "Then he left."],
    "one dots character": ["Wait…", "What was that?", "Nobody knew."],
    "curly quotation of three": ["“We lost. We will be back. Count on it,” he said.", "The crowd left."],
    "straight quotation of three": ['"We lost. We will be back. Count on it," he said.', "The crowd left."],
    "quotation inside a quotation": ["\"They said 'no.' We said 'yes.'\"", "She smiled."],
    "closing quote": ["“He can’t do what no one can.”", "The minister left."],
    "question inside": ['"Why?" he asked.', '"Because," she said.'],
    "quotation in two parts": ["“Never!” she cried.", "“Not once.”", "He nodded."],
    "brackets": ["The law (passed in 1999.) was repealed.", "It had failed."],
    "a line of its own in brackets": ["The rest is known.", "(This report is fiction.)"],
    "ship": ["The R.V. Anselm Tide put to sea at 9.15 a.m. on Monday.", "She is due in May."],
    "marks in a row": ["What happened?!", "Nobody knows!!", "Really."],
    "number first": ["Prices rose by 4%.", "3 firms failed."],
    "places": ["The ship left St. Petersburg.", "It sank off Ft. Lauderdale."],
}


@pytest.mark.parametrize("sentences", NEWS.values(), ids=NEWS)
def test_news_is_cut_where_a_reader_would(sentences: list[str]) -> None:
    assert cut(" ".join(sentences)) == sentences


LINES = {
    "heading": ("Storm over Corrie Bay\n\nThe storm came at night. It left.", 3),
    "heading in title case": ("U.S. And China Agree\n\nThey met in May.", 2),
    "list": ("Three aims:\n\n- to map the floor,\n- to take water. And mud,\n- to look.", 5),
    "numbered list": ("1. Wash the pot.\n2. Fill it.\n3. Wait.", 3),
    "Windows line ends": ("One came.\r\nTwo left.\r\n\r\nThree stayed.", 3),
    "old line ends": ("One came.\rTwo left.", 2),
    "next-line and line-separator": ("One came\x85Two left\u2028Three stayed", 3),
    "verse": ("Roses are red\nViolets are blue", 2),
}


@pytest.mark.parametrize(("text", "number"), LINES.values(), ids=LINES)
def test_a_line_that_ends_ends_a_sentence(text: str, number: int) -> None:
    assert len(cut(text)) == number


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_hard_wrapped_lines_are_joined_with_exact_offsets(end: str) -> None:
    lines = [
        "The research vessel has left Harnholm to map the floor of the",
        "Skarn Basin. She is due back on 10 November, after two months",
        "at sea. The voyage costs 5.8 million euros, most of it given.",
    ]
    text = end.join(lines)
    found = cut(text)
    assert [" ".join(sentence.split()) for sentence in found] == [
        "The research vessel has left Harnholm to map the floor of the Skarn Basin.",
        "She is due back on 10 November, after two months at sea.",
        "The voyage costs 5.8 million euros, most of it given.",
    ]
    assert all(sentence in text for sentence in found)


def test_a_quotation_that_never_ends_does_not_swallow_the_article() -> None:
    text = "“We lost. " + "Nobody came to the harbour that night. " * 30
    assert len(cut(text)) > 25


def test_what_has_no_end_is_cut_at_spaces() -> None:
    pieces = cut("word " * 1_000)
    assert all(MAX_CHARS // 2 <= len(piece) <= MAX_CHARS for piece in pieces[:-1])
    assert " ".join(pieces).split() == ["word"] * 1_000


def test_what_has_no_space_is_cut_too() -> None:
    assert "".join(cut("x" * 2_500)) == "x" * 2_500


@pytest.mark.parametrize("text", ["", " ", "\n\n \t\u00a0\n"])
def test_nothing_to_read_gives_no_sentence(text: str) -> None:
    assert cut(text) == []


# ------------------------------------------------------------------------------------------------------ any text

PARTS = st.sampled_from(
    [
        *"aB .!?\"'“”’()[]:;,-—…0\n\r\t\u00a0\u2028é日",
        *(
            "U.S.",
            "p.m.",
            "at 9 p.m. ",
            "Mr. ",
            "No. ",
            "St. ",
            "The ",
            "he ",
            "J. ",
            "word ",
            "\r\n",
            "...",
            "Yahoo! ",
        ),
        *("x" * 600, "word " * 130, "“Oh. ", "- ", "1. ", "👩‍👩‍👧 ", "e\u0301"),
    ]
)


def lawful(text: str, sentences: tuple[Sentence, ...]) -> None:
    assert [sentence.index for sentence in sentences] == list(range(len(sentences)))
    for sentence in sentences:
        assert text[sentence.start : sentence.end] == sentence.text
        assert sentence.text == sentence.text.strip() != ""
        assert len(sentence.text) <= MAX_CHARS
    assert all(before.end <= after.start for before, after in pairwise(sentences))
    gaps = [0, *(edge for sentence in sentences for edge in (sentence.start, sentence.end)), len(text)]
    assert all(text[start:end].strip() == "" for start, end in zip(gaps[::2], gaps[1::2], strict=True))


@given(st.lists(PARTS, max_size=60).map("".join))
@settings(max_examples=300, deadline=None)
def test_every_visible_character_is_in_one_sentence(text: str) -> None:
    lawful(text, split(Article("a", "A", text)))


@given(st.text(max_size=200))
@settings(deadline=None)
def test_so_it_is_in_any_script(text: str) -> None:
    lawful(text, split(Article("a", "A", text)))


HOSTILE = {
    "dots": "." * 20_000,
    "dots and spaces": ". " * 10_000,
    "U.S.": "U.S. " * 4_000,
    "times": "at 9 p.m. Faulds " * 4_000,
    "initials": "J. " * 10_000,
    "brackets": "(" * 3_000 + ")" * 3_000,
    "straight quotes": '"' * 3_001,
    "open quotes": "“A. " * 3_000,
    "closing quotes": "”" * 3_000,
    "small letters after stops": "yes. no! " * 4_000,
    "dates before nothing": "No. 1 " * 4_000,
    "line ends": "a\n" * 20_000,
    "blank": " " * 100_000 + "a",
    "wrapped": ("x" * 30 + " " + "y" * 29 + "\n") * 3_000,
    "one word": "x" * 200_000,
    "stops without a space": "a.B" * 10_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_takes_no_longer(text: str) -> None:
    started = time.process_time()
    sentences = split(Article("a", "A", text))
    assert time.process_time() - started < 5.0  # all took less than half a second; a quadratic rule takes minutes
    lawful(text, sentences)
