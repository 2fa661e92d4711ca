from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pytest
from fakes import BRIDGE, DOHA, STORM
from hypothesis import given
from hypothesis import strategies as st

from index.library import Library
from index.types import Article, Filter, Passage
from qa.config import Config
from qa.rerank import CrossEncoder, Reranker
from qa.retrieve import RRF_K, Retriever, fuse, timely
from qa.types import Hit


def passage(name: str) -> Passage:
    return Passage(name, "a", 0, 0, 0, 1, name)


LISTS = st.lists(st.integers(0, 9), max_size=8, unique=True).map(
    lambda names: [(passage(str(n)), 10.0 - at) for at, n in enumerate(names)]
)


class ByLength:
    """Scores a text by how short it is."""

    name = "by-length"

    def __init__(self) -> None:
        self.read: list[str] = []

    def scores(self, _question: str, texts: Sequence[str]) -> list[float]:
        self.read += texts
        return [-float(len(text)) for text in texts]


# --- fusing -----------------------------------------------------------------------------------------------------------


@given(LISTS, LISTS)
def test_a_hit_scores_the_sum_of_its_reciprocal_ranks(
    words: list[tuple[Passage, float]], dense: list[tuple[Passage, float]]
) -> None:
    hits = fuse({"bm25": words, "dense": dense})
    assert {hit.passage.id for hit in hits} == {p.id for p, _ in words + dense}
    assert len(hits) == len({hit.passage.id for hit in hits})
    for hit in hits:
        ranks = [
            [p.id for p, _ in found].index(hit.passage.id) + 1
            for found in (words, dense)
            if hit.passage in [p for p, _ in found]
        ]
        assert hit.score == hit.stages["rrf"] == pytest.approx(sum(1 / (RRF_K + rank) for rank in ranks))
        assert {
            "bm25" if hit.passage in [p for p, _ in words] else "",
            "dense" if hit.passage in [p for p, _ in dense] else "",
        } - {""} == (hit.stages.keys() - {"rrf"})
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


@given(LISTS)
def test_one_list_alone_keeps_its_order(found: list[tuple[Passage, float]]) -> None:
    assert [hit.passage for hit in fuse({"bm25": found, "dense": []})] == [p for p, _ in found]


def test_equal_hits_keep_the_order_of_the_words() -> None:
    a, b = passage("a"), passage("b")
    assert [hit.passage.id for hit in fuse({"bm25": [(a, 1), (b, 0)], "dense": [(b, 1), (a, 0)]})] == ["a", "b"]


# --- a real library ---------------------------------------------------------------------------------------------------

ASKED = {
    "who did Mittal meet?": DOHA,
    "what does the bridge repair cost?": BRIDGE,
    "how many homes lost electricity in the storm?": STORM,
    "a diplomat talked with an Islamist leader": DOHA,  # by meaning alone
}


@pytest.mark.parametrize("question", ASKED)
def test_the_article_that_answers_comes_first(question: str, library: Library, reranker: Reranker) -> None:
    retriever = Retriever(library, Config(), reranker)
    hits = retriever.reranked(question, retriever.described(retriever.fused(question)))
    assert (hits[0].passage.article_id, hits[0].title, hits[0].date) == (
        ASKED[question].id,
        ASKED[question].title,
        ASKED[question].date,
    )
    assert {"rrf", "dense", "rerank"} <= hits[0].stages.keys()
    for hit in hits:
        stored = library.get(hit.passage.article_id)
        assert stored is not None
        assert stored.text[hit.passage.start : hit.passage.end] == hit.passage.text


def test_a_hit_whose_article_has_gone_is_left_out(empty: Library) -> None:
    empty.add([BRIDGE, STORM])
    retriever = Retriever(empty, Config(), None)
    found = retriever.fused("bridge storm")
    assert {hit.passage.article_id for hit in found} == {"bridge", "storm"}
    empty.remove("bridge")
    assert {hit.passage.article_id for hit in retriever.described(found)} == {"storm"}


def test_only_the_first_are_reranked_and_the_others_keep_their_order(library: Library) -> None:
    few = Config(reranked=2)
    order = ByLength()
    retriever = Retriever(library, few, order)
    fused = retriever.described(retriever.fused("Mittal bridge storm"))
    assert len(fused) == 3
    hits = retriever.reranked("Mittal bridge storm", fused)
    assert len(order.read) == 2
    assert hits[2] == fused[2]
    assert "rerank" not in hits[2].stages
    assert [len(hit.passage.text) for hit in hits[:2]] == sorted(len(hit.passage.text) for hit in fused[:2])
    assert all(hit.score == hit.stages["rerank"] for hit in hits[:2])


def test_the_reranker_reads_title_and_date_with_the_passage(library: Library) -> None:
    order = ByLength()
    retriever = Retriever(library, Config(), order)
    retriever.reranked("bridge", retriever.described(retriever.fused("bridge")))
    [read] = [text for text in order.read if "Ostrey" in text]
    assert read.startswith("Bridge repair to cost $6.4 million (03 May 2024)\nThe repair of Ostrey Bridge")


def test_without_a_reranker_the_fused_order_stands(library: Library) -> None:
    retriever = Retriever(library, Config(), None)
    fused = retriever.described(retriever.fused("bridge"))
    assert retriever.reranked("bridge", fused) == fused


def test_no_hits_are_no_work_for_the_reranker(empty: Library) -> None:
    order = ByLength()
    retriever = Retriever(empty, Config(), order)
    assert retriever.reranked("bridge", retriever.described(retriever.fused("bridge"))) == []
    assert order.read == []


def test_at_most_the_configured_candidates_come_from_each_side(empty: Library) -> None:
    empty.add([Article(str(n), f"Title {n}", f"The bridge number {n} is open.") for n in range(9)])
    assert len(Retriever(empty, Config(candidates=4), None).fused("bridge")) == 4


# --- the cross-encoder ------------------------------------------------------------------------------------------------


def test_scores_are_logits_in_the_order_of_the_texts_and_do_not_depend_on_each_other() -> None:
    encoder = CrossEncoder()
    question = "what does the bridge repair cost?"
    texts = ["The repair of the bridge costs $6.4 million.", "Nobody was hurt by the storm.", "The bridge is red."]
    scores = encoder.scores(question, texts)
    assert scores[0] > 3
    assert scores[1] < 0
    assert scores == [encoder.scores(question, [text])[0] for text in texts]
    assert encoder.scores(question, []) == []


# --- several parts ----------------------------------------------------------------------------------------------------


def ids(hits: Sequence[Hit]) -> list[str]:
    return [hit.passage.article_id for hit in hits]


def filled(library: Library, *articles: Article) -> Library:
    library.add(articles)
    library.embed_pending()
    return library


FILLER = [
    Article(f"filler-{n}", f"Report {n}", f"Report {n} says that the council of Velm met about roads.")
    for n in range(12)
]
SONG = Article("song", "Far Roads (album)", "Far Roads is the third album of the singer Odile Brennan.")
SINGER = Article("singer", "Odile Brennan", "Odile Brennan was born in Corrie Bay and sings in Dutch.")


def test_what_the_best_passage_names_is_found_as_well(empty: Library, reranker: Reranker) -> None:
    library = filled(empty, SONG, SINGER, *FILLER)
    question = "In which town was the singer of Far Roads born?"
    found = Retriever(library, Config(), reranker).search(question)
    assert ids(found.hits)[0] == "song"
    assert "singer" in ids(found.hits)[:5]
    led = next(hit for hit in found.hits if hit.passage.article_id == "singer")
    assert "Far Roads is the third album" in led.asked or "rerank" in led.stages


def test_hops_and_scopes_can_be_switched_off(empty: Library, reranker: Reranker) -> None:
    library = filled(empty, SONG, SINGER, *FILLER)
    config = Config(hops=False, scopes=False, candidates=3)
    found = Retriever(library, config, reranker).search("Did TechPost review Far Roads in May 2024?")
    assert not any("hop" in stage or "scope" in stage for hit in found.hits for stage in hit.stages)


def test_each_source_that_is_named_gives_something(empty: Library) -> None:
    noise = [replace(one, source="TechPost") for one in FILLER]
    wanted = replace(SONG, source="The Era", text="The council of Velm has met about the roads, says a song.")
    library = filled(empty, wanted, *noise)
    question = "Do TechPost and The Era agree on the council of Velm and its roads?"
    hits = Retriever(library, Config(candidates=3, hops=False), None).search(question).hits
    assert "song" in ids(hits)[:3]
    assert any("in scope 2" in stage for hit in hits for stage in hit.stages)


LONG_QUESTION = (
    "Which singer made the album Far Roads and was born by the sea, "
    "while the harbour of Oster was closed after the ferry strike ended?"
)
STRIKE = Article("strike", "Harbour", "The harbour of Oster was closed for a day after the ferry strike ended.")


def test_each_clause_of_a_long_question_finds_something(empty: Library, reranker: Reranker) -> None:
    library = filled(empty, SONG, SINGER, STRIKE, *FILLER)
    for reading in (reranker, None):
        retriever = Retriever(library, Config(hops=False), reading)
        hits = retriever.search(LONG_QUESTION).hits
        assert {"song", "strike"} <= set(ids(hits)[:3])
        by_article = {hit.passage.article_id: hit for hit in hits}
        assert by_article["strike"].clause.startswith("the harbour of Oster")
        assert "bm25 of clause 2" in by_article["strike"].stages
    without = Retriever(library, Config(clauses=False), None).search(LONG_QUESTION)
    assert not any(hit.clause for hit in without.hits)


def test_a_question_for_all_there_are_reads_every_article_once(empty: Library, reranker: Reranker) -> None:
    """Twelve articles of two passages each: the best few passages would be of a few articles only."""
    more = "They talked of the mill, the ferry and the new school for a long time. " * 12
    towns = [Article(f"town-{n}", f"Town {n}", f"Mayor Marsh{n} of Town {n} has resigned. {more}") for n in range(12)]
    library = filled(empty, *towns, *FILLER)
    config = Config()
    found = Retriever(library, config, reranker).search("Which mayors have resigned?")
    assert found.everything
    assert {f"town-{n}" for n in range(12)} <= set(ids(found.hits)[:16])
    few = Retriever(library, config, reranker).search("Has a mayor resigned?")
    assert not few.everything


def test_an_abbreviation_finds_the_name_written_out_and_the_other_way_round(empty: Library) -> None:
    short = Article("short", "Dues", "The VHA raised its dues.")
    long = Article("long", "Piers", "A new pier was promised by the Velm Harbour Authority.")
    library = filled(empty, short, long, *FILLER)
    words = Retriever(library, Config(dense=False, hops=False), None)
    assert "short" in ids(words.search("Who raised the dues of the Velm Harbour Authority?").hits)
    both = Retriever(library, Config(hops=False), None)
    hits = both.search("Did the VHA promise a pier?").hits
    assert "other forms" in next(hit for hit in hits if hit.passage.article_id == "long").stages


def test_time_is_counted_from_the_first_report_of_an_event(empty: Library) -> None:
    elected = Article("elected", "Vote", "The election of Ada Brink was held in Velm.", date=date(2024, 3, 1))
    later = replace(FILLER[1], date=date(2024, 5, 8))
    before = replace(FILLER[2], date=date(2023, 5, 8))
    library = filled(empty, elected, later, before)
    hits = (
        Retriever(library, Config(hops=False), None)
        .search("What did the council of Velm say since the election of Ada Brink?")
        .hits
    )
    scoped = {hit.passage.article_id for hit in hits if any("in scope 1" in stage for stage in hit.stages)}
    assert scoped == {"elected", later.id}


def test_last_week_narrows_and_has_a_way_back(empty: Library) -> None:
    old = replace(FILLER[0], date=date(2024, 4, 1))
    new = replace(FILLER[1], date=date(2024, 5, 8))
    retriever = Retriever(filled(empty, old, new), Config(), None)
    question = "What did the council of Velm do last week?"
    found = retriever.search(question, today=date(2024, 5, 15))
    assert (ids(found.hits), found.narrowed) == (["filler-1"], "last week")
    first = retriever.first(question, today=date(2024, 5, 15), narrow=False)
    assert (set(ids(first.hits)), first.narrowed) == ({"filler-0", "filler-1"}, None)
    found = retriever.search(question, today=date(2025, 5, 15))
    assert (set(ids(found.hits)), found.narrowed) == ({"filler-0", "filler-1"}, None)


def test_nothing_leaves_the_filter(empty: Library, reranker: Reranker) -> None:
    library = filled(empty, SONG, SINGER, *FILLER)
    within = Filter(articles=frozenset(["song", "filler-3"]))
    found = Retriever(library, Config(), reranker).search("Who is the singer of Far Roads?", within)
    assert set(ids(found.hits)) == {"song", "filler-3"}


def hit_of(day: date | None, score: float) -> Hit:
    return Hit(passage(f"{day} {score}"), "", day, score)


def test_the_latest_report_is_lifted_where_it_is_asked_for() -> None:
    older, newer, off = hit_of(date(2024, 1, 1), 5.0), hit_of(date(2024, 6, 1), 4.0), hit_of(date(2025, 1, 1), -5.0)
    assert [hit.score for hit in timely("What is the latest figure?", [older, newer, off])] == [5.0, 6.0, -5.0]
    assert [hit.score for hit in timely("What was the figure originally?", [older, newer, off])] == [7.0, 4.0, -5.0]
    assert timely("What is the figure?", [older, newer, off]) == [older, newer, off]
    assert timely("What is it now?", [hit_of(None, 1.0), older]) == [hit_of(None, 1.0), older]
