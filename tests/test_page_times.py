"""The articles and questions of the page's benchmark; the benchmark itself is run by hand."""

from __future__ import annotations

from evals.bench.page_times import SAMPLE_QUESTIONS, generated, questions_for


def test_generated_articles_are_the_same_each_time_and_all_different() -> None:
    articles = list(generated(200))
    assert [a.sha256 for a in articles] == [a.sha256 for a in generated(200)]
    assert len({a.id for a in articles}) == len({a.text for a in articles}) == 200
    assert all(a.text.startswith(a.title) and a.date for a in articles)


def test_no_question_is_asked_twice() -> None:
    assert len(set(SAMPLE_QUESTIONS)) == len(SAMPLE_QUESTIONS)
    questions = questions_for(list(generated(2000)), 6)
    assert len(set(questions)) == 6
