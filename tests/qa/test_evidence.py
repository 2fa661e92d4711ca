from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from fakes import BRIDGE, DOHA, INVESTED, MET, STORM
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from index.library import Library
from index.types import Article
from qa.config import Config
from qa.evidence import evidence_for, wider_evidence
from qa.rerank import Reranker
from qa.retrieve import Retriever
from qa.types import Evidence, Hit


class ByWord:
    """Scores a text by the words in it, so that a test decides what is best; anything else is far behind."""

    name = "by-word"

    def __init__(self, **scores: float) -> None:
        self._scores = scores

    def scores(self, _question: str, texts: Sequence[str]) -> list[float]:
        return [max((score for word, score in self._scores.items() if word in text), default=-11.0) for text in texts]


class Listening(ByWord):
    """Remembers what it was asked."""

    def __init__(self, **scores: float) -> None:
        super().__init__(**scores)
        self.asked: dict[str, list[str]] = {}

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        self.asked.setdefault(question, []).extend(texts)
        return super().scores(question, texts)


class Led(ByWord):
    """Likes whatever it reads behind the passage that led to it."""

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        more = 0.0 if question == "?" else 7.0
        return [score + more for score in super().scores(question, texts)]


def hits_of(library: Library, *articles: Article) -> list[Hit]:
    """One hit for each article: its first passage."""
    found = []
    for article in articles:
        [(passage, _), *_] = [
            item for item in library.search_words(article.title, 20) if item[0].article_id == article.id
        ]
        found.append(Hit(passage, article.title, article.date, 1.0))
    return found


def texts(found: Sequence[Evidence]) -> list[str]:
    return [e.text for e in found]


def filled(library: Library, *articles: Article) -> list[Hit]:
    library.add(articles)
    return hits_of(library, *articles)


LEANING = Article(
    "lean",
    "Council meets",
    "Anna Berg spoke in Oslo. She resigned on Monday. The weather was fine. But he stayed. Bo Carlsen left.",
    date(2024, 5, 1),
    file="/articles/lean.txt",
)


@pytest.mark.parametrize(
    ("question", "best"),
    [
        ("who did Mittal meet?", MET),
        ("how much has India invested?", INVESTED),
        ("how much does repairing Ostrey Bridge cost?", "$6.4 million"),
    ],
)
def test_the_sentence_that_answers_is_shown_and_every_sentence_is_a_range(
    question: str, best: str, library: Library, reranker: Reranker
) -> None:
    retriever = Retriever(library, Config(), reranker)
    hits = retriever.reranked(question, retriever.described(retriever.fused(question)))
    found = evidence_for(question, hits, library, Config(), reranker)
    assert best in max(found, key=lambda e: e.score).text
    assert [e.label for e in found] == list(range(1, len(found) + 1))
    for e in found:
        article = library.get(e.article_id)
        assert article is not None
        assert article.text[e.start : e.end] == e.text == library.sentences(e.article_id)[e.sentence].text
        assert (e.title, e.date, e.file) == (article.title, article.date, article.file)
        assert e.context in " ".join(s.text for s in library.sentences(e.article_id)[: e.sentence])


def test_articles_come_best_first_and_their_sentences_in_their_own_order(empty: Library) -> None:
    hits = filled(empty, BRIDGE, STORM)
    found = evidence_for(
        "?", hits, empty, Config(), ByWord(Engineers=5.0, promised=3.0, Storm=2.0, repair=1.0, Nobody=0.5)
    )
    assert list(dict.fromkeys(e.article_id for e in found)) == ["storm", "bridge"]
    for name in ("storm", "bridge"):
        places = [e.sentence for e in found if e.article_id == name]
        assert places == sorted(places)
    assert [e.label for e in found] == list(range(1, len(found) + 1))


def test_a_second_reading_shows_the_next_best_and_nothing_twice(empty: Library) -> None:
    hits = filled(empty, BRIDGE, STORM)
    rank = ByWord(Engineers=5.0, promised=3.0, Storm=2.0, repair=1.0, Nobody=0.5)
    few = Config(evidence=2)
    first = evidence_for("?", hits, empty, few, rank)
    second = wider_evidence("?", hits, first, empty, config=few, reranker=rank)
    third = wider_evidence("?", hits, (*first, *second), empty, config=few, reranker=rank)
    assert [len(found) for found in (first, second, third)] == [2, 2, 2]
    assert [e.label for e in second] == [1, 2]
    assert {e.article_id for e in second} == {"storm"}  # its title has the word
    places = [(e.article_id, e.sentence) for e in (*first, *second, *third)]
    assert len(set(places)) == len(places)
    every = evidence_for("?", hits, empty, Config(evidence=50, evidence_gap=100.0), rank)
    assert wider_evidence("?", hits, every, empty, config=few, reranker=rank) == ()


def test_a_second_reading_goes_down_to_more_passages_and_further_behind(empty: Library) -> None:
    hits = filled(empty, BRIDGE, STORM)
    rank = ByWord(repair=9.0, Storm=0.5)
    one = Config(passages=1)
    first = evidence_for("?", hits[:1], empty, one, rank)
    assert {e.article_id for e in first} == {hits[0].passage.article_id}
    second = wider_evidence("?", hits, first, empty, config=one, reranker=rank)
    assert {e.article_id for e in second} - {e.article_id for e in first}


def test_no_hits_no_evidence(empty: Library) -> None:
    assert evidence_for("?", [], empty, Config(), None) == ()


def test_a_sentence_that_leans_back_brings_the_one_before(empty: Library) -> None:
    hits = filled(empty, LEANING)
    found = evidence_for("who resigned?", hits, empty, Config(evidence=2), ByWord(resigned=5.0, weather=4.0))
    assert [(e.text, e.neighbour) for e in found] == [
        ("Anna Berg spoke in Oslo.", True),
        ("She resigned on Monday.", False),
    ]
    assert found[1].context == "Anna Berg spoke in Oslo."


def test_a_sentence_that_stands_alone_brings_none(empty: Library) -> None:
    hits = filled(empty, LEANING)
    found = evidence_for("who left?", hits, empty, Config(evidence=1), ByWord(Carlsen=5.0))
    assert [(e.text, e.neighbour) for e in found] == [("Bo Carlsen left.", False)]
    assert found[0].context == "The weather was fine. But he stayed."


def test_the_bound_on_sentences_is_kept(empty: Library) -> None:
    hits = filled(empty, BRIDGE, STORM, LEANING)
    for most in (1, 2, 4, 50):
        assert len(evidence_for("?", hits, empty, Config(evidence=most, evidence_gap=100), None)) <= most


def test_what_is_far_behind_the_best_is_left_out(empty: Library) -> None:
    hits = filled(empty, BRIDGE)
    found = evidence_for("?", hits, empty, Config(evidence_gap=3), ByWord(costs=6.0, promised=4.0, was=3.5, who=1.0))
    assert "She did not say who pays for the rest." not in texts(found)
    assert len(found) == 3


@pytest.mark.parametrize(("best", "filled_up"), [(4.9, True), (5.0, False)])
def test_where_the_best_hardly_answers_its_article_fills_the_places_left(
    best: float, filled_up: bool, empty: Library
) -> None:
    shop = Article(
        "shop", "Draper", "Shanahan closes. Stock goes at half price from Easter. Olga bakes next door. Rain fell."
    )
    hits = filled(empty, shop, STORM)
    rank = ByWord(Shanahan=best, Stock=-9.0, Olga=-8.0)
    near = ["Shanahan closes.", "Olga bakes next door."]  # a pair can be compared
    found = texts(evidence_for("?", hits, empty, Config(), rank))
    assert found == ([one.text for one in empty.sentences("shop")] if filled_up else near)
    three = texts(evidence_for("?", hits, empty, Config(evidence=3), rank))
    assert ("Stock goes at half price from Easter." in three) is filled_up
    assert len(three) == 2 + filled_up


def test_the_token_budget_is_kept_but_the_best_sentence_always_goes_in(empty: Library) -> None:
    long = Article("long", "Long", f"The {'very ' * 300}long bridge is open. The bridge is red. It is short.")
    hits = filled(empty, long)
    found = evidence_for("?", hits, empty, Config(evidence_tokens=50), ByWord(long=5.0, red=4.0))
    assert [len(e.text) > 50 * 4.2 for e in found] == [True]
    found = evidence_for("?", hits, empty, Config(evidence_tokens=60), ByWord(red=5.0))
    assert "The bridge is red." in texts(found)
    assert sum(len(e.text) for e in found) < 400


def test_a_sentence_that_says_the_same_again_is_not_shown_twice(empty: Library) -> None:
    copy = replace(BRIDGE, id="copy", title="Bridge repair to cost $6.4 million, council says")
    hits = filled(empty, BRIDGE, copy)
    found = evidence_for("what does it cost?", hits, empty, Config(evidence=8, evidence_gap=100), ByWord(costs=5.0))
    assert sum("$6.4 million" in text for text in texts(found)) == 1


def test_a_sentence_in_two_passages_is_shown_once(empty: Library) -> None:
    many = Article(
        "many",
        "Many sentences",
        " ".join(f"The bridge number {n} in the town was opened by mayor {n} on a fine day." for n in range(30)),
    )
    empty.add([many])
    hits = [Hit(passage, many.title, None, 1.0) for passage, _ in empty.search_words("bridge", 20)]
    assert len({hit.passage.id for hit in hits}) > 1
    found = evidence_for("?", hits, empty, Config(evidence=50, evidence_tokens=10_000), None)
    assert len({(e.article_id, e.sentence) for e in found}) == len(found)


def test_an_article_removed_meanwhile_does_no_harm(empty: Library) -> None:
    hits = filled(empty, BRIDGE, STORM)
    empty.remove("bridge")
    assert {e.article_id for e in evidence_for("storm", hits, empty, Config(), None)} == {"storm"}


def test_an_article_made_shorter_meanwhile_does_no_harm(empty: Library) -> None:
    hits = filled(empty, BRIDGE, STORM)
    empty.add([replace(BRIDGE, text="The bridge is gone.")])
    found = evidence_for("bridge", hits, empty, Config(), ByWord(gone=5.0))
    for e in found:
        article = empty.get(e.article_id)
        assert article is not None
        assert article.text[e.start : e.end] == e.text


SCORES = st.dictionaries(
    st.sampled_from(["Mittal", "repair", "Storm", "Nobody", "India", "She", "promised", "Engineers"]),
    st.floats(-11, 11),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(SCORES, st.integers(1, 8), st.integers(50, 400))
def test_whatever_the_scores_the_evidence_is_bounded_numbered_and_verbatim(
    library: Library, scores: dict[str, float], most: int, tokens: int
) -> None:
    config = Config(evidence=most, evidence_tokens=tokens)
    found = evidence_for("?", hits_of(library, DOHA, BRIDGE, STORM), library, config, ByWord(**scores))
    assert 1 <= len(found) <= most
    assert [e.label for e in found] == list(range(1, len(found) + 1))
    assert len({(e.article_id, e.sentence) for e in found}) == len(found)
    assert len(found) == 1 or sum(len(e.text) for e in found) <= 4.2 * tokens
    for e in found:
        article = library.get(e.article_id)
        assert article is not None
        assert article.text[e.start : e.end] == e.text


def test_each_source_that_is_asked_about_has_its_say(empty: Library, reranker: Reranker) -> None:
    """Six sentences of one newspaper answer better than the only one of the other."""
    met = [f"The council of Velm met about the roads on day {n}." for n in range(1, 8)]
    post = Article("post", "Velm's roads", " ".join(met), source="TechPost")
    era = Article("era", "A song", "Children sang of roads.", source="The Era")
    empty.add([post, era])
    empty.embed_pending()
    question = "What do TechPost and The Era say of the council of Velm and its roads?"
    config = Config()
    for reading in (reranker, None):
        found = Retriever(empty, config, reading).search(question)
        evidence = evidence_for(question, found.hits[: found.depth], empty, config, reading)
        assert {one.article_id for one in evidence} == {"post", "era"}


def test_a_question_for_all_there_are_shows_a_sentence_of_each_article(empty: Library, reranker: Reranker) -> None:
    towns = [
        Article(f"town-{n}", f"Town {n}", f"The mayor, Marsh{n}, has resigned. The mayor said so. Marsh{n} has left.")
        for n in range(9)
    ]
    empty.add(towns)
    empty.embed_pending()
    config = Config()
    found = Retriever(empty, config, reranker).search("Which mayors have resigned?")
    wide = evidence_for(
        "Which mayors have resigned?", found.hits[: found.depth], empty, config, reranker, everything=True
    )
    assert {one.article_id for one in wide} == {town.id for town in towns}
    assert not any(one.neighbour for one in wide)
    assert len(wide) <= config.evidence * 3 // 2


def test_what_others_led_to_is_also_read_for_the_question_alone(empty: Library) -> None:
    """A short question whose best passage hardly answers: the right one was found at once, and then only read as a next step."""
    hits = filled(empty, BRIDGE, STORM)
    led = [replace(hit, asked="? Storm Ingrid strikes", score=7.0, stages={"hop": 7.0}) for hit in hits]
    for stages, alone in (({"hop": 7.0}, False), ({"hop": 7.0, "rerank": 6.0}, True)):
        reading = Listening(Engineers=5.0)
        found = evidence_for("?", [replace(hit, stages=stages) for hit in led], empty, Config(), reading)
        every = {text for asked in reading.asked.values() for text in asked}
        assert set(reading.asked["? Storm Ingrid strikes"]) == every
        assert (set(reading.asked["?"]) == every) == alone
        assert len({(e.article_id, e.sentence) for e in found}) == len(found)


def test_what_others_led_to_is_scored_for_the_question_alone(empty: Library) -> None:
    """Behind the passage that led to it every sentence reads well: it would seem to answer better than those that do."""
    bridge, storm = filled(empty, BRIDGE, STORM)
    hits = [replace(bridge, score=2.0), replace(storm, asked="? Storm Ingrid strikes", score=7.0, stages={"hop": 7.0})]
    found = evidence_for("?", hits, empty, Config(), Led(bridge=2.0, Ingrid=-3.0))
    scores = {e.article_id: max(one.score for one in found if one.article_id == e.article_id) for e in found}
    assert scores == {BRIDGE.id: 2.0, STORM.id: -3.0}


def test_the_samples_answer_a_short_question(samples: tuple[Article, ...], reranker: Reranker, tmp_path: Path) -> None:
    with Library(tmp_path) as library:
        library.add(samples)
        library.embed_pending()
        found = Retriever(library, Config(), reranker).search("how long is the crack?")
        assert any(hit.asked and "rerank" in hit.stages for hit in found.hits)
        shown = evidence_for("how long is the crack?", found.hits[: found.depth], library, Config(), reranker)
    assert any("14.5 centimetres" in one.text for one in shown)


def test_a_sentence_that_leans_on_the_one_before_is_read_after_it(empty: Library) -> None:
    """What has cost 21 million euros is told by the sentence before: the two together say more than the first alone."""
    recall = Article(
        "recall",
        "A firm",
        "In June the firm widened its recall. It has cost 21 million euros. Sales fell. The chief goes in May.",
    )
    hits = filled(empty, recall)

    class Together(ByWord):
        def scores(self, _question: str, texts: Sequence[str]) -> list[float]:
            return [
                4.0 if "recall" in text and "cost" in text else -1.0 if "recall" in text or "May" in text else -9.0
                for text in texts
            ]

    found = {e.text: e for e in evidence_for("What did the recall cost?", hits, empty, Config(), Together())}
    assert found["It has cost 21 million euros."].score == 3.0  # less what it has to add
    assert found["In June the firm widened its recall."].score == -1.0
    assert all(
        e.score < 0 for e in found.values() if e.text.startswith(("Sales", "The chief"))
    )  # short, and add nothing
    # Where the one before answers itself, it stays the best.
    knows = ByWord(**{"In June": 2.0, "It has cost": 1.0})
    best = max(evidence_for("?", hits, empty, Config(), knows), key=lambda e: e.score)
    assert best.text.startswith("In June")


def test_what_goes_on_from_the_best_sentence_is_shown_however_it_reads(empty: Library) -> None:
    text = "Faulds asked for a recount. He said that a candle had been used. Otters swam. She sang. It rained for days on end."
    hits = filled(empty, Article("vote", "A vote", text))
    assert texts(evidence_for("?", hits, empty, Config(), ByWord(recount=9.0))) == [
        "Faulds asked for a recount.",
        "He said that a candle had been used.",
    ]


def test_what_follows_a_question_stands_beside_it_before_all_others(empty: Library) -> None:
    asks, said = "How long does it keep?", "Three months in a cool room."
    others = " ".join(f"Quince number {n} was picked in October." for n in range(8))
    hits = filled(empty, Article("quince", "Quinces", f"{others} {asks} {said}"))
    found = evidence_for("?", hits, empty, Config(), ByWord(keep=9.0, Quince=8.0))
    assert [(e.text, e.neighbour) for e in found[-2:]] == [(asks, False), (said, False)]
    assert len(found) == Config().evidence


def test_a_sentence_that_came_along_and_is_one_of_the_best_is_no_neighbour(empty: Library) -> None:
    hits = filled(empty, LEANING)
    found = evidence_for("?", hits, empty, Config(), ByWord(resigned=5.0, Oslo=4.0))
    assert [(e.text, e.neighbour) for e in found[:2]] == [
        ("Anna Berg spoke in Oslo.", False),
        ("She resigned on Monday.", False),
    ]


# --- explanations: sentences that follow one another --------------------------------------------------------------------

LOCK = Article(
    "lock",
    "Why the lock leaks",
    "The upper gate is old. It was hung in 1911.\n\n"
    "Frost opened the sill. Water ran under it. Clay was washed out. The wall sank. A crack came. It grew.\n\n"
    "Boats wait at the bridge. The inn is full. Nobody minds.",
    date(2024, 5, 1),
)


def test_an_explanation_is_shown_in_runs_with_what_alone_says_little(empty: Library) -> None:
    hits = filled(empty, LOCK)
    rank = ByWord(
        **{"Frost opened the sill. Water ran under it. Clay was washed out.": 6.0, "Nobody": 1.0, "old": -1.0}
    )
    found = evidence_for("Why does the lock leak?", hits, empty, Config(evidence=3), rank)
    assert texts(found) == ["Frost opened the sill.", "Water ran under it.", "Clay was washed out."]
    assert [e.score for e in found] == [-11.0] * 3  # each by itself
    assert not any(e.neighbour for e in found)
    alone = evidence_for("When did the lock leak?", hits, empty, Config(evidence=3), rank)
    assert "Nobody minds." in texts(alone)


class WordForWord(ByWord):
    """Scores only what it knows word for word, behind the title."""

    def scores(self, _question: str, texts: Sequence[str]) -> list[float]:
        return [self._scores.get(text.partition(": ")[2], -11.0) for text in texts]


@pytest.mark.parametrize(("score", "with_it"), [(1.0, True), (6.0 - Config().evidence_gap - 0.1, False)])
def test_the_next_best_run_is_shown_whole_if_it_is_not_far_behind(score: float, with_it: bool, empty: Library) -> None:
    hits = filled(empty, LOCK)
    rank = WordForWord(
        **{"Water ran under it. Clay was washed out.": 6.0, "The inn is full. Nobody minds.": score, "It grew.": 9.0}
    )
    found = evidence_for("Why does the lock leak?", hits, empty, Config(evidence=4), rank)
    best, next_best = ["Water ran under it.", "Clay was washed out."], ["The inn is full.", "Nobody minds."]
    assert texts(found) == [*best, *(next_best if with_it else ())]


@pytest.mark.parametrize("reranked", [False, True])
def test_a_list_or_a_search_without_a_reranker_shows_no_runs(*, reranked: bool, empty: Library) -> None:
    hits = filled(empty, LOCK)
    rank = ByWord(**{"Frost opened the sill. Water ran under it.": 6.0, "Nobody": 1.0}) if reranked else None
    found = evidence_for("Why does the lock leak?", hits, empty, Config(evidence=2), rank, everything=True)
    assert not {"Frost opened the sill.", "Water ran under it."} <= set(texts(found))
