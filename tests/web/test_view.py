from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted import BRIDGE, DOHA, EVIL, FOUND, INVESTED, MET, SAFETY, ScriptedAsker, citation, evidence

from index.types import Article, Filter
from qa.types import AnswerDone, Claim, DraftGrown, EvidenceFound, Turn
from qa.web import reading, view
from qa.web.view import Exchange


def exchanged(question: str, number: int = 1, *, upto: int | None = None) -> Exchange:
    """The exchange after the first `upto` scripted events."""
    exchange = Exchange(number, question)
    for event in list(ScriptedAsker().stream(question))[:upto]:
        exchange = exchange.after(event)
    return exchange


def joined(blocks: list[list[view.Json]], mark: str | None = None) -> str:
    return "".join(part["text"] for block in blocks for part in block if mark is None or part["mark"] == mark)


def headings(exchange: Exchange) -> list[str]:
    return [part["heading"] for part in view.exchange_view(exchange)["lists"]]


# --- folding events ----------------------------------------------------------------------------------------------


def test_the_status_line_follows_the_events() -> None:
    lines = [view.exchange_view(exchanged("who met?", upto=n))["status"] for n in range(9)]
    assert lines == [
        "Waiting for its turn",
        "Reading the closest sentences",
        "Writing",
        "Writing",
        "Writing",
        "Checking against the articles",
        "Writing",
        "Checking against the articles",
        "Checking against the articles",
    ]
    assert view.exchange_view(exchanged("who met?"))["status"] == "Answered from 2 sentences in 1 article · 4.3 s"


def test_a_finished_draft_is_being_checked() -> None:
    exchange = exchanged("who met?", upto=1)
    assert exchange.after(DraftGrown("He met “him.”")).stage == "checking"
    assert exchange.after(DraftGrown("He met Mr. X at 3.5")).stage == "writing"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("He met him [1].", "He met him."),
        ("He met him [1, 3][2]", "He met him"),
        ("He met him [", "He met him"),
        ("He met him [12", "He met him"),
        ("He said [sic] that", "He said [sic] that"),
    ],
)
def test_a_draft_shows_no_prompt_labels(written: str, shown: str) -> None:
    assert exchanged("who met?", upto=1).after(DraftGrown(written)).draft == shown


def test_nothing_unchecked_or_withdrawn_is_among_the_claims() -> None:
    running = view.exchange_view(exchanged("who met?", upto=7))
    assert [claim["text"] for claim in running["claims"]] == ["Deepak Mittal met Sher Mohammad Abbas Stanekzai."]
    done = view.exchange_view(exchanged("who met?"))
    assert [claim["text"] for claim in done["claims"]] == [
        "Deepak Mittal met Sher Mohammad Abbas Stanekzai.",
        "They spoke about the security of Indians.",
    ]
    assert done["withdrawn"] == [{"text": "They met in Kabul.", "reasons": ["name not in the cited sentence: Kabul"]}]


def test_the_words_that_answer_are_a_part_of_their_own() -> None:
    [told] = view.exchange_view(exchanged("how much does it cost?"))["claims"]
    assert told["parts"] == ["It costs ", "$6.4 million", "."]
    untold = view.exchange_view(exchanged("who met?"))["claims"][0]
    assert untold["parts"] == [untold["text"], "", ""]


def test_marks_are_the_answers_own_numbers_and_do_not_change_while_it_grows() -> None:
    exchange = exchanged("who met?", number=7)
    answer = exchange.so_far
    shown = [[mark["n"] for mark in claim["marks"]] for claim in view.exchange_view(exchange)["claims"]]
    assert shown == [list(answer.marks(claim)) for claim in answer.shown] == [[1], [1, 2]]
    early = view.exchange_view(exchanged("who met?", number=7, upto=5))["claims"]
    assert early == view.exchange_view(exchange)["claims"][:1]
    assert early[0]["marks"][0]["href"] == "#cite-7-1"


@given(st.lists(st.text(alphabet="a [1].", max_size=6), max_size=5))
def test_drafts_leave_no_trace_in_the_result(drafts: list[str]) -> None:
    events = list(ScriptedAsker().stream("who met?"))
    plain = Exchange(1, "who met?").after(events[-1])
    exchange = Exchange(1, "who met?").after(events[0])
    for event in [*map(DraftGrown, drafts), *events[1:]]:
        exchange = exchange.after(event)
    assert view.exchange_view(exchange) == view.exchange_view(plain)


def test_the_found_sentences_are_there_before_the_model_speaks_best_first() -> None:
    near = [
        evidence(1, DOHA, SAFETY, score=1),
        evidence(2, DOHA, MET, score=2),
        evidence(3, DOHA, INVESTED, neighbour=True),
    ]
    exchange = Exchange(1, "who?").after(EvidenceFound("who?", tuple(near), (), 3))
    (found,) = view.exchange_view(exchange)["lists"]
    assert found["heading"] == "Closest sentences"
    assert [(item["quote"], item["href"]) for item in found["items"]] == [(MET, "#near-1-2"), (SAFETY, "#near-1-1")]


def test_found_sentences_turn_into_citations_and_what_was_not_cited_is_folded() -> None:
    cited, rest = view.exchange_view(exchanged("who met?"))["lists"]
    assert (cited["heading"], [item["quote"] for item in cited["items"]]) == ("Cited sentences", [MET, SAFETY])
    assert (rest["heading"], rest["fold"]) == ("1 more sentence read, not cited", True)
    assert not {i["quote"] for i in cited["items"]} & {i["quote"] for i in rest["items"]}


@pytest.mark.parametrize(
    ("question", "says", "lists"),
    [
        ("what did he eat?", "The articles do not say.", ["Closest, but does not say it"]),
        ("how is the weather?", "The articles do not say.", ["Closest, but does not say it"]),
        ("xyzzy", "Nothing was found.", []),
        ("offline", "The language model gave no answer.", ["Closest sentences"]),
    ],
)
def test_an_abstention_says_its_kind_and_lists_no_source_as_used(question: str, says: str, lists: list[str]) -> None:
    exchange = exchanged(question)
    shown = view.exchange_view(exchange)
    assert shown["message"]["text"] == says
    assert headings(exchange) == lists
    assert shown["claims"] == []
    assert '"#cite-' not in json.dumps(shown)
    assert shown["status"] == "No answer · 4.3 s"


def test_an_abstention_says_that_only_a_part_was_asked() -> None:
    for question, says in (
        ("xyzzy", "None of the articles that were asked"),
        ("what did he eat?", "What the model wrote"),
    ):
        why = view.exchange_view(replace(exchanged(question), narrowed="From 1 May 2024"))["message"]["why"]
        assert why.startswith(says)
        assert why.endswith("Only a part of the library was asked.")


def test_the_words_of_the_question_that_narrow_it_are_shown() -> None:
    event = EvidenceFound("q", (), (), 40, narrowed="last week")
    assert view.exchange_view(Exchange(1, "q").after(event))["time"]["label"] == "Only articles of “last week”"
    chosen = Exchange(1, "q", narrowed="The Sarn Herald").after(event)
    assert chosen.asked_of == "The Sarn Herald, “last week”"


def test_a_dead_model_is_explained() -> None:
    assert view.exchange_view(exchanged("offline"))["message"]["why"].endswith("The model's process ended.")


def test_without_a_model_the_answer_is_called_a_quotation() -> None:
    done = exchanged("who met?").so_far
    exchange = Exchange(1, "who met?").after(AnswerDone(replace(done, completion=None)))
    assert view.exchange_view(exchange)["status"] == "Quoted: 2 sentences in 1 article · 4.3 s"


def test_stop_keeps_what_was_checked_and_drops_the_draft() -> None:
    stopped = exchanged("who met?", upto=6).stopped()
    shown = view.exchange_view(stopped)
    assert (shown["running"], shown["draft"], shown["message"]["text"]) == (False, "", "Stopped.")
    assert [claim["text"] for claim in shown["claims"]] == ["Deepak Mittal met Sher Mohammad Abbas Stanekzai."]
    assert exchanged("who met?").stopped() == exchanged("who met?")


def test_a_failure_says_why() -> None:
    failed = exchanged("who met?", upto=1).failed("no room on the disk")
    assert view.exchange_view(failed)["message"] == {
        "kind": "failed",
        "text": "This question could not be answered.",
        "why": "no room on the disk",
    }
    assert headings(failed) == ["Closest sentences"]


def test_a_question_read_with_the_conversation_is_shown_as_it_was_searched() -> None:
    assert view.exchange_view(exchanged("how much does it cost?"))["searched"] == "How much does the bridge cost?"
    assert view.exchange_view(exchanged("who met?"))["searched"] == ""


def test_history_is_what_was_asked_and_shown() -> None:
    conversation = (
        exchanged("who met?"),
        exchanged("what did he eat?", 2),
        exchanged("and?", 3, upto=2).stopped(),
        Exchange(4, "now"),
    )
    assert view.history(conversation) == (
        Turn("user", "who met?"),
        Turn("assistant", "Deepak Mittal met Sher Mohammad Abbas Stanekzai. They spoke about the security of Indians."),
        Turn("user", "what did he eat?"),
    )


# --- the reader --------------------------------------------------------------------------------------------------


@given(st.data(), st.text(alphabet="ab. \n\r\té\u00a0\U0001f54a", max_size=60))
def test_blocks_are_the_text_and_the_hit_is_the_range(data: st.DataObject, text: str) -> None:
    cut = st.integers(0, len(text))
    ranges = []
    for mark in ("hit", "other", "other"):
        start, end = sorted((data.draw(cut), data.draw(cut)))
        ranges.append((start, end, mark))
    blocks = reading.blocks(text, ranges)
    assert re.sub(r"\s", "", joined(blocks)) == re.sub(r"\s", "", text)
    start, end, _ = ranges[0]
    quote = text[start:end]
    assert re.sub(r"\s", "", joined(blocks, "hit")) == re.sub(r"\s", "", quote)
    if "\n" not in quote and quote.strip():
        assert joined(blocks, "hit") == quote
    assert all(part["text"] for block in blocks for part in block)


def test_the_reader_highlights_exactly_the_cited_characters_and_the_others_lightly() -> None:
    shown = reading.reader_view(DOHA, exchanged("who met?"), "cite", 1)
    assert joined(shown["blocks"], "hit") == MET
    assert joined(shown["blocks"], "other") == SAFETY
    assert (shown["place"], shown["previous"], shown["next"]) == ("Citation 1 of 2", "", "#cite-1-2")
    assert (shown["title"], shown["kicker"]) == (DOHA.title, "1 September 2021 · 2021-09-01-india-taliban-doha.txt")
    assert shown["titled"]  # the text begins with the title: it is not shown twice


def test_repeated_words_are_highlighted_where_they_were_cited() -> None:
    text = "Same words. Same words. Same words."
    article = Article("a", "A", text)
    found = evidence(1, article, "Same words.")
    second = replace(found, start=12, end=23)
    done = exchanged("who met?").so_far
    claim = Claim("Same words.", (citation(second),))
    exchange = Exchange(1, "?").after(AnswerDone(replace(done, claims=(claim,), evidence=(second,))))
    (block,) = reading.reader_view(article, exchange, "cite", 1)["blocks"]
    assert [(p["text"], p["mark"]) for p in block] == [
        ("Same words. ", ""),
        ("Same words.", "hit"),
        (" Same words.", ""),
    ]


@pytest.mark.parametrize("change", ["X" + DOHA.text, DOHA.text.replace("Mittal", "Mitral"), DOHA.text[:50]])
def test_a_changed_article_is_shown_without_a_highlight(change: str) -> None:
    shown = reading.reader_view(replace(DOHA, text=change), exchanged("who met?"), "cite", 1)
    assert "changed" in shown["note"]
    assert shown["quote"] == MET
    assert joined(shown["blocks"], "") == joined(shown["blocks"]) != ""


def test_a_removed_article_leaves_the_quote() -> None:
    shown = reading.reader_view(None, exchanged("who met?"), "cite", 2)
    assert "no longer in the library" in shown["note"]
    assert (shown["quote"], shown["blocks"]) == (SAFETY, [])


def test_an_unknown_mark_is_an_error() -> None:
    with pytest.raises(KeyError):
        reading.reader_view(DOHA, exchanged("who met?"), "cite", 3)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://herald.example/bridge", "https://herald.example/bridge"),
        ("javascript:alert(1)", ""),
        (" javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("http://[broken", ""),
        (None, ""),
    ],
)
def test_only_web_addresses_become_links(url: str | None, shown: str) -> None:
    assert reading.article_view(replace(BRIDGE, url=url))["url"] == shown


def test_examples_are_offered_only_where_their_article_is_there() -> None:
    assert view.examples_for(lambda name: name in DOHA.id) == ["Who did Mittal meet?"]
    assert view.examples_for(lambda _name: False) == []


def test_every_view_can_be_sent_even_with_broken_characters() -> None:
    exchange = exchanged("evil \udfff")
    for shown in (
        view.talk_view((exchange,)),
        reading.reader_view(EVIL, exchange, "cite", 1),
        view.narrow_view(Filter(), {}, {EVIL.source or "": 1}),
    ):
        sent = view.packed(shown)
        assert sent.encode("ascii")
        assert "<" not in sent
        assert json.loads(sent) == shown


def test_only_the_newest_exchange_is_sent_while_it_grows() -> None:
    conversation = (exchanged("who met?"), exchanged("how much does it cost?", 2))
    whole, newest = view.talk_view(conversation), view.talk_view(conversation, last=True)
    assert whole["numbers"] == newest["numbers"] == [1, 2]
    assert [e["number"] for e in whole["exchanges"]] == [1, 2]
    assert newest["exchanges"] == whole["exchanges"][1:]


def test_the_hint_knows_whether_something_can_be_opened() -> None:
    texts = [reading.hint_view(c)["text"] for c in ((), (exchanged("weather"),), (exchanged("xyzzy"),))]
    assert len(set(texts)) == 3
    assert FOUND[0].text not in "".join(texts)
