"""The trained reader, on its real weights: what it says, where it points, and that its file is what was trained."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.evidence import short_title
from qa.reader import ANSWER_TOKENS, SentenceReader, best_span, lead, leads
from qa.rerank import CrossEncoder
from qa.types import Evidence, Reading

RECALL = "Toyota recalled 2.9 million vehicles on Tuesday because of a faulty airbag."


def sentence(text: str, *, title: str = "Cars are called back", context: str = "") -> Evidence:
    return Evidence(1, "cars", title, None, 0, 0, len(text), text, 1.0, context=context)


@pytest.fixture(scope="module")
def reader() -> SentenceReader:
    return SentenceReader(CrossEncoder())


def one(reader: SentenceReader, question: str, text: str, **more: str) -> Reading:
    (reading,) = reader.read(question, [sentence(text, **more)])
    return reading


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Who recalled 2.9 million vehicles?", "Toyota"),
        ("how many vehicles were recalled", "2.9 million"),
        ("Why did Toyota recall the vehicles?", "faulty airbag"),
    ],
)
def test_it_finds_the_answer(reader: SentenceReader, question: str, answer: str) -> None:
    reading = one(reader, question, RECALL)
    assert reading.says > 1
    assert answer in RECALL[reading.start : reading.end]


@pytest.mark.parametrize(
    "question",
    [
        "Who recalled 29 million vehicles?",
        "Why did Honda recall the vehicles?",
        "When did Toyota's chief executive resign?",
    ],
)
def test_it_tells_a_question_that_only_looks_like_it(reader: SentenceReader, question: str) -> None:
    assert one(reader, question, RECALL).says < 0


def test_it_reads_what_stands_before(reader: SentenceReader) -> None:
    question, text = "When was Ada Brink born?", "She was born in Holm in 1931."
    with_it = one(reader, question, text, title="Lives", context="Ada Brink built mills.")
    without = one(reader, question, text, title="Lives", context="Otto Brandt built mills.")
    assert with_it.says > without.says + 1
    assert text[with_it.start : with_it.end] == "1931"


def test_a_reading_does_not_depend_on_the_others(reader: SentenceReader) -> None:
    question = "Who recalled the vehicles?"
    others = [sentence("The weather was fine."), sentence(RECALL), sentence("Shares of Honda rose.")]
    assert reader.read(question, others)[1] == one(reader, question, RECALL)
    assert reader.read(question, []) == []


@pytest.mark.parametrize("text", ["x", "½ \ud800 é\u2028!", "word " * 400, "日本で2.9百万台。"])
@pytest.mark.parametrize("context", ["", "Before. " * 80])
def test_any_text_gives_a_place_inside_the_sentence(reader: SentenceReader, text: str, context: str) -> None:
    reading = one(reader, "Who?", text, context=context)
    assert np.isfinite(reading.says)
    assert 0 <= reading.start <= reading.end <= len(text)


def test_a_sentence_without_a_word_has_no_answer(reader: SentenceReader) -> None:
    reading = one(reader, "Who recalled the vehicles?", "\u200b")
    assert (reading.start, reading.end) == (0, 0)


def test_a_long_question_leaves_the_sentence_room(reader: SentenceReader) -> None:
    assert one(reader, "who recalled vehicles " * 90, RECALL).end > 0


def test_a_sentence_is_read_with_and_without_what_stands_before() -> None:
    assert leads("A title", "Before.") == ["A title: Before. ", "A title: ", "Before. "]
    assert leads("A title", "") == ["A title: ", ""]
    first, name, told = leads("word " * 100, "Before. " * 100)
    assert first == name + told
    assert len(first) < 400
    assert name == lead("word " * 100) == f"{short_title('word ' * 100)}: "


def test_a_reading_is_the_mean_of_what_is_made_of_it_each_way(
    reader: SentenceReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    def says() -> float:
        return one(reader, "When was Ada Brink born?", "She was born in 1931.", title="Lives", context="Ada ran.").says

    whole, each = says(), []
    for before in leads("Lives", "Ada ran."):
        monkeypatch.setattr("qa.reader.leads", lambda *_, before=before: [before])
        each.append(says())
    assert len(set(each)) == 3
    assert whole == pytest.approx(sum(each) / 3)


logits = st.lists(st.tuples(st.floats(-9, 9), st.floats(-9, 9)), min_size=1, max_size=40)


@given(logits)
def test_no_span_within_the_bounds_is_better(pairs: list[tuple[float, float]]) -> None:
    starts, ends = (np.array(one, dtype=np.float32) for one in zip(*pairs, strict=True))
    first, last = best_span(starts, ends)
    assert 0 <= first <= last < len(pairs)
    assert last - first < ANSWER_TOKENS
    allowed = (starts[i] + ends[j] for i in range(len(pairs)) for j in range(i, min(len(pairs), i + ANSWER_TOKENS)))
    assert starts[first] + ends[last] == max(allowed)
