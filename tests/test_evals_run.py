"""A whole evaluation with a scripted asker and real files: what is written, how it goes on, and what it refuses."""

from __future__ import annotations

import contextlib
import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals import data, run
from evals.machine import machine, versions
from evals.report import histogram
from evals.run import Benchmark
from evals.rundir import RunFolder, encode
from evals.types import Question, Span
from index.errors import InputError, LibraryError, LLMUnavailableError
from index.library import Library
from index.types import Article, Passage
from qa.types import Answer, Citation, Claim, Evidence, EvidenceFound, Hit, Rejection, Turn

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from qa.config import Config

EVIL = '<script>alert("&")</script>'
TEXT = f"Ann met Bo in Doha. They ate rice. {EVIL} was said."
ARTICLES = [
    {"id": "meet", "title": "A meeting", "date": "2021-09-01", "source": None, "url": None, "text": TEXT},
    {
        "id": "rain",
        "title": "Rain",
        "date": None,
        "source": None,
        "url": None,
        "text": "It rained é on Monday.\n\nAll day.",
    },
]
QUESTIONS = [
    {
        "id": "who",
        "question": "Who met Ann?",
        "answers": ["Bo"],
        "answerable": True,
        "type": "who",
        "evidence": [{"article_id": "meet", "sentence": "Ann met Bo in Doha.", "start": 0, "end": 19}],
    },
    {
        "id": "what",
        "question": "And what did they eat?",
        "answers": ["rice"],
        "answerable": True,
        "type": "what",
        "evidence": [{"article_id": "meet", "sentence": "They ate rice.", "start": 20, "end": 34}],
        "history": [{"role": "user", "text": "Who met Ann?"}, {"role": "assistant", "text": "Bo."}],
    },
    {"id": "why", "question": f"Why {EVIL}?", "answers": [], "answerable": False, "type": "why", "evidence": []},
]


def shown(label: int, start: int, end: int) -> Evidence:
    return Evidence(label, "meet", "A meeting", None, label - 1, start, end, TEXT[start:end], 0.5)


SHOWN = (shown(1, 0, 19), shown(2, 20, 34), shown(3, 35, len(TEXT)))
HITS = (Hit(Passage("p", "meet", 0, 2, 0, len(TEXT), TEXT), "A meeting", None, 1.5, {"bm25": 1.5}),)


def answers(question: str, said: str, *labels: int, **changes: Any) -> Answer:  # noqa: ANN401
    cites = tuple(
        Citation(e.article_id, e.title, e.date, e.sentence, e.start, e.end, e.text, 0.9, e.label)
        for e in SHOWN
        if e.label in labels
    )
    claim = Claim(said, cites, () if cites else (Rejection(None, "nothing supports it"),))
    timings = {"retrieve": 20.0, "rerank": 30.0, "first_token": 400.0, "total": 900.0}
    models = {"llm": "scripted", "embedder": "none"}
    return Answer(
        question, (claim,), SHOWN, HITS, completion=f"{said} [1]", timings_ms=timings, models=models, **changes
    )


REPLIES = {
    "Who met Ann?": answers("Who met Ann?", "Bo met Ann.", 1),
    "And what did they eat?": answers(
        "And what did they eat?", "They ate fish.", 3, standalone="What did Ann and Bo eat?"
    ),
    f"Why {EVIL}?": answers(f"Why {EVIL}?", f"Because {EVIL}."),
}


class Scripted:
    """Gives the reply to each question; one that it has none for is a KeyError, an exception among them is raised."""

    def __init__(self, **replies: Answer | BaseException) -> None:
        by_id = {row["id"]: str(row["question"]) for row in QUESTIONS}
        self.replies: dict[str, Answer | BaseException] = {
            **REPLIES,
            **{by_id[key]: one for key, one in replies.items()},
        }
        self.asked: list[str] = []
        self.histories: list[tuple[Turn, ...]] = []

    def ask(self, question: str, history: Sequence[Turn] = ()) -> Answer:
        self.asked.append(question)
        self.histories.append(tuple(history))
        reply = self.replies[question]
        if isinstance(reply, BaseException):
            raise reply
        return reply

    def retrieve(self, question: str, history: Sequence[Turn] = ()) -> EvidenceFound:
        self.asked.append(question)
        self.histories.append(tuple(history))
        return EvidenceFound(question, SHOWN[:2], HITS, 50.0)

    @contextlib.contextmanager
    def open(self) -> Iterator[Scripted]:
        yield self


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return rows(tmp_path / "articles.jsonl", ARTICLES), rows(tmp_path / "questions.jsonl", QUESTIONS)


def rows(path: Path, values: Sequence[object]) -> Path:
    path.write_bytes(b"".join(encode(value) + b"\n" for value in values))
    return path


def benchmark(limit: int | None = None) -> Benchmark:
    articles = [Article(str(row["id"]), str(row["title"]), str(row["text"])) for row in ARTICLES]
    questions = [
        Question(
            str(row["id"]),
            str(row["question"]),
            answerable=bool(row["answerable"]),
            answers=tuple(str(one) for one in row["answers"]),  # type: ignore[attr-defined]
            kind=str(row["type"]),
            gold=tuple(Span(one["article_id"], one["start"], one["end"]) for one in row["evidence"]),  # type: ignore[attr-defined]
        )
        for row in QUESTIONS[:limit]
    ]
    return Benchmark(articles, {one.id: one.text for one in articles}, questions)


def measure(out: Path, asker: Scripted, limit: int | None = None, **changes: Any) -> run.Result:  # noqa: ANN401
    settings: dict[str, Any] = {
        "config": {"llm": "scripted", "passages": 4},
        "digests": {"articles": "a", "questions": "q"},
    }
    return run.run(benchmark(limit), out, asker.open, **(settings | changes))


def lines(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "predictions.jsonl").read_bytes().splitlines()]


# What is written


def test_predictions_are_the_answers_objects_with_their_ids(tmp_path: Path) -> None:
    measure(tmp_path, Scripted())
    expected = []
    for row in QUESTIONS:
        answer = REPLIES[str(row["question"])]
        told = answer.to_json()
        for shown, one in zip(told["evidence"], answer.evidence, strict=True):
            shown |= {"neighbour": one.neighbour, "context": one.context}
        expected.append({"id": row["id"], **told})
    assert lines(tmp_path) == json.loads(json.dumps(expected))


def test_metrics_have_value_n_and_interval_and_say_what_was_measured(tmp_path: Path) -> None:
    measure(tmp_path, Scripted())
    found = json.loads((tmp_path / "metrics.json").read_bytes())
    assert found["metrics"]["contains_gold"] == {"value": 0.5, "n": 2, "ci95": [0.094531, 0.905469], "undefined": 0}
    assert found["metrics"]["verbatim_rate"]["value"] == 1
    assert found["metrics"]["dangling_marks"] == {"value": 0, "n": 2, "ci95": None, "undefined": 0}
    assert found["metrics"]["total_ms_p90"]["value"] == 900
    assert found["slices"]["who"]["contains_gold"]["value"] == 1
    assert found["confusion"]["unanswerable_abstained"] == 1
    assert found["questions"] == {"selected": 3, "measured": 3, "asked_now": 3}
    assert found["models"] == {"llm": "scripted", "embedder": "none"}
    assert found["config"]["config"]["passages"] == 4
    assert found["versions"] == versions()
    assert found["machine"] == machine()
    assert found["failed"] == 0


def test_the_machine_is_named() -> None:
    found = machine()
    assert 1 <= found["cpus_usable"] <= found["cpus"]
    assert found["memory_bytes"] is None or found["memory_bytes"] > 2**28
    assert found["cpu"].strip()


def test_retrieval_only_searches_and_has_no_answer_figures(tmp_path: Path) -> None:
    asker = Scripted(who=KeyError("asked"), what=KeyError("asked"), why=KeyError("asked"))
    result = measure(tmp_path, asker, retrieval_only=True)
    first = lines(tmp_path)[0]
    assert {name: first[name] for name in ("status", "reason", "answer", "claims")} == dict.fromkeys(
        ("status", "reason", "answer", "claims")
    )
    assert first["timings_ms"] == {"evidence": 50.0}
    assert [one["start"] for one in first["evidence"]] == [0, 20]
    assert result.figures["metrics"]["all_evidence"]["value"] == 1
    assert result.figures["metrics"]["recall@1"]["value"] == 1
    assert "contains_gold" not in result.figures["metrics"]
    assert result.figures["confusion"] is None


@pytest.mark.parametrize("retrieval_only", [False, True])
def test_the_page_is_self_contained_and_article_text_is_never_markup(tmp_path: Path, retrieval_only: bool) -> None:
    measure(tmp_path, Scripted(), retrieval_only=retrieval_only)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert not [mark for mark in ("http://", "https://", "src=", "href=", "url(", "@import") if mark in page]
    assert page.count("<svg") == 2


def test_the_page_lists_failures_with_their_evidence(tmp_path: Path) -> None:
    measure(tmp_path, Scripted(why=answers(f"Why {EVIL}?", f"Because {EVIL}.", 3)))
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    failures = page.partition("<h2>Failures (2)</h2>")[2]
    assert "answered the unanswerable" in failures
    assert "Why &lt;script&gt;alert(&#34;&amp;&#34;)&lt;/script&gt;?" in failures
    assert "gold answer not given, no citation on gold evidence" in failures
    assert '<span class="gold">They ate rice.</span>' in failures
    assert "<span>Ann met Bo in Doha.</span>" in failures
    assert "What did Ann and Bo eat?" in failures
    assert "They ate fish. [1]" in failures
    assert "Who met Ann?" not in failures


def test_a_lone_surrogate_in_an_answer_survives(tmp_path: Path) -> None:
    measure(tmp_path, Scripted(who=answers("Who met Ann?", "B\ud800o", 1)))
    assert lines(tmp_path)[0]["answer"] == "B\ud800o"


# How it goes on


def test_a_stopped_run_goes_on_where_it_was(tmp_path: Path) -> None:
    measure(tmp_path / "whole", Scripted())
    stopped = Scripted(why=KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        measure(tmp_path / "stopped", stopped)
    assert [row["id"] for row in lines(tmp_path / "stopped")] == ["who", "what"]
    again = Scripted()
    measure(tmp_path / "stopped", again)
    assert again.asked == [f"Why {EVIL}?"]
    assert lines(tmp_path / "stopped") == lines(tmp_path / "whole")


def test_a_finished_run_opens_nothing_and_has_the_same_figures(tmp_path: Path) -> None:
    first = measure(tmp_path, Scripted())

    def never() -> contextlib.AbstractContextManager[run.Asks]:
        raise AssertionError

    second = run.run(
        benchmark(),
        tmp_path,
        never,
        config=first.figures["config"]["config"],
        digests={"articles": "a", "questions": "q"},
    )
    assert second.figures["metrics"] == first.figures["metrics"]
    assert second.figures["confusion"] == first.figures["confusion"]


@pytest.mark.parametrize("cut", [1, 30, -1])
def test_a_torn_last_line_is_dropped_and_asked_again(tmp_path: Path, cut: int) -> None:
    measure(tmp_path, Scripted())
    path = tmp_path / "predictions.jsonl"
    whole = path.read_bytes()
    *before, last = whole.splitlines(keepends=True)
    path.write_bytes(b"".join(before) + last[:cut])
    again = Scripted()
    measure(tmp_path, again)
    assert again.asked == [f"Why {EVIL}?"]
    assert path.read_bytes() == whole


def test_a_damaged_line_in_the_middle_is_named(tmp_path: Path) -> None:
    measure(tmp_path, Scripted())
    path = tmp_path / "predictions.jsonl"
    first, *rest = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first[:30] + b"\n" + b"".join(rest))
    with pytest.raises(InputError, match="line 1 is damaged"):
        measure(tmp_path, Scripted())


def test_a_longer_run_asks_only_the_new_questions_and_a_shorter_one_measures_only_its_own(tmp_path: Path) -> None:
    measure(tmp_path, Scripted(), limit=1)
    longer = Scripted()
    measure(tmp_path, longer)
    assert len(longer.asked) == 2
    assert measure(tmp_path, Scripted(), limit=1).figures["metrics"]["contains_gold"]["n"] == 1


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"config": {"llm": "other", "passages": 4}}, r"config\.llm\)"),
        ({"config": {"llm": "scripted", "passages": 5}}, r"config\.passages"),
        ({"digests": {"articles": "a", "questions": "other"}}, r"questions\)"),
        ({"retrieval_only": True}, "retrieval_only"),
    ],
)
def test_another_configuration_wants_another_folder(tmp_path: Path, changes: dict[str, Any], named: str) -> None:
    measure(tmp_path, Scripted())
    before = (tmp_path / "predictions.jsonl").read_bytes()
    with pytest.raises(InputError, match=rf"{named}.*choose another --out"):
        measure(tmp_path, Scripted(), **changes)
    assert (tmp_path / "predictions.jsonl").read_bytes() == before


def test_two_runs_cannot_share_a_folder(tmp_path: Path) -> None:
    with RunFolder(tmp_path, {}), pytest.raises(InputError, match="another run is writing here"):
        RunFolder(tmp_path, {})
    with RunFolder(tmp_path, {}) as after:
        assert after.done == {}


@pytest.mark.parametrize(
    "failure",
    [LLMUnavailableError("gone"), answers("Who met Ann?", "", abstained="llm_unavailable", detail="gone")],
    ids=["raised", "told"],
)
def test_a_failed_model_is_counted_not_scored_and_asked_again(
    tmp_path: Path, failure: Answer | Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    result = measure(tmp_path, Scripted(who=failure))
    assert result.failures == {"who": "gone"}
    assert "[1/3] who  failed: gone" in capsys.readouterr().err
    assert result.figures["failed"] == 1
    assert result.figures["metrics"]["contains_gold"]["n"] == 1
    again = Scripted()
    assert measure(tmp_path, again).failures == {}
    assert again.asked == ["Who met Ann?"]


def test_what_nobody_foresaw_fails_one_question_and_is_told_with_its_trace(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = measure(tmp_path, Scripted(who=ZeroDivisionError("a rule")))
    assert result.failures == {"who": "ZeroDivisionError('a rule')"}
    assert result.figures["metrics"]["contains_gold"]["n"] == 1
    told = capsys.readouterr().err
    assert "Traceback" in told
    assert "[1/3] who  failed: ZeroDivisionError('a rule')" in told


def test_what_all_questions_would_meet_ends_the_run(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="disk"):
        measure(tmp_path, Scripted(who=LibraryError("the disk is full")))


# What is read


def test_files_are_read_as_written_packed_or_not(files: tuple[Path, Path]) -> None:
    packed = [path.with_name(f"{path.name}.gz") for path in files]
    for path, pack in zip(files, packed, strict=True):
        pack.write_bytes(gzip.compress(path.read_bytes()))
    for articles, questions in (files, packed):
        found, problems = data.read_articles(articles)
        assert problems == []
        assert [(one.id, one.text) for one in found] == [(row["id"], row["text"]) for row in ARTICLES]
        assert data.read_texts(articles, found) == {row["id"]: row["text"] for row in ARTICLES}
        read = data.read_questions(questions)
        assert [one.id for one in read] == ["who", "what", "why"]
        assert read[1].history == (Turn("user", "Who met Ann?"), Turn("assistant", "Bo."))
        assert data.check_gold(read, data.read_texts(articles, found)) == []
    assert data.digest_file(files[1]) == data.digest_file(packed[1])
    assert data.digest_articles(found) == data.digest_articles(found[::-1])
    assert data.digest_articles(found) != data.digest_articles(found[:1])


def test_quotes_are_checked_against_the_file_and_not_what_the_loader_made_of_it(files: tuple[Path, Path]) -> None:
    mangled = [Article("meet", "A meeting", TEXT.upper()), Article("rain", "Rain", "dry")]
    assert data.read_texts(files[0], mangled) == {row["id"]: row["text"] for row in ARTICLES}


def test_a_folder_of_text_files_is_read_and_its_broken_file_named(tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text(" date 2021-09-01 \n\nAnn met Bo.\n\nThey ate.\n", encoding="utf-8")
    (tmp_path / "two.txt").write_bytes(b"\xff\xfe\x00\x00\x00")
    found, problems = data.read_articles(tmp_path)
    assert [str(one.date) for one in found] == ["2021-09-01"]
    assert [Path(one.file).name for one in problems] == ["two.txt"]
    assert data.read_texts(tmp_path, found) == {found[0].id: found[0].text}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"{", "not JSON"),
        (b'{"id": "\xff"}', "not UTF-8"),
        (b"[]", "not a JSON object"),
        (b'{"question": "?"}', "'id' is missing"),
        (b'{"id": "x"}', "'question' is missing"),
        (b'{"id": "who", "question": "?"}', "twice"),
        (b'{"id": "x", "question": "?", "answers": "Bo"}', "'answers' must be a list of texts"),
        (b'{"id": "x", "question": "?", "answerable": "no"}', "answerable must be true or false"),
        (b'{"id": "x", "question": "?", "answer_match": "some"}', "answer_match"),
        (b'{"id": "x", "question": "?", "evidence": [{"start": 1}]}', "'article_id' is missing"),
        (
            b'{"id": "x", "question": "?", "evidence": [{"article_id": "a", "start": 5, "end": 5}]}',
            "5:5 is not a range",
        ),
        (b'{"id": "x", "question": "?", "history": [{"role": "system", "text": "x"}]}', "role"),
    ],
)
def test_a_broken_question_is_named_with_its_line(files: tuple[Path, Path], row: bytes, reason: str) -> None:
    with files[1].open("ab") as file:
        file.write(row + b"\n")
    with pytest.raises(InputError, match=f"questions.jsonl line 4: .*{reason}"):
        data.read_questions(files[1])


def test_what_a_question_may_leave_out(tmp_path: Path) -> None:
    path = rows(tmp_path / "q.jsonl", [{"id": "x", "question": "?", "answers": ["a"]}, {"id": "y", "question": "?"}])
    assert data.read_questions(path) == [
        Question("x", "?", answerable=True, answers=("a",)),
        Question("y", "?", answerable=False),
    ]


@pytest.mark.parametrize("name", ["questions.jsonl", "typed.jsonl"])
def test_our_gold_stands_in_our_samples(name: str, samples: tuple[Article, ...]) -> None:
    """Sentence by sentence; what can be answered has an answer, and no other question has one."""
    gold = data.read_questions(Path(run.__file__).parent / "gold" / name)
    texts = {article.id: article.text for article in samples}
    assert data.check_gold(gold, texts) == []
    assert all(bool(one.answers) == bool(one.gold) == one.answerable for one in gold)
    assert len({one.id for one in gold}) == len(gold) > 40


def test_gold_ranges_come_once_and_outdo_their_article(tmp_path: Path) -> None:
    evidence = [
        {"article_id": "a", "start": 0, "end": 5},
        {"article_id": "a", "start": 0, "end": 5, "sentence": "twice"},
        {"article_id": "a", "fact": "said nowhere in these words"},
        {"article_id": "b"},
    ]
    path = rows(tmp_path / "q.jsonl", [{"id": "x", "question": "?", "answers": ["a"], "evidence": evidence}])
    assert data.read_questions(path)[0].gold == (Span("a", 0, 5), Span("b"))


def test_gold_that_does_not_fit_the_articles_is_refused_and_missing_articles_are_named() -> None:
    asked = Question("x", "?", answerable=True, gold=(Span("meet", 0, 7, "Ann met"), Span("gone", 0, 3)))
    assert data.check_gold([asked], {"meet": TEXT}) == ["question x: gold article 'gone' is not among the articles"]
    with pytest.raises(InputError, match="question x: the gold evidence 'Ann met' is not at 0:7"):
        data.check_gold([asked], {"meet": "Bob met Ann."})
    with pytest.raises(InputError, match="question x"):
        data.check_gold([asked], {"meet": "Ann"})


@given(st.integers(1, 30), st.integers(1, 30), st.none() | st.integers(0, 5))
def test_a_larger_sample_has_every_question_of_the_smaller(small: int, large: int, seed: int | None) -> None:
    questions = [Question(str(n), "?", answerable=True) for n in range(20)]
    some = data.select(questions, limit=min(small, large), seed=seed)
    more = data.select(questions, limit=max(small, large), seed=seed)
    assert len(some) == min(small, large, 20)
    assert set(some) <= set(more)
    assert some == [one for one in questions if one in some]  # in file order
    if seed is None:
        assert some == questions[: len(some)]


def test_different_seeds_draw_different_questions() -> None:
    questions = [Question(str(n), "?", answerable=True) for n in range(100)]
    assert data.select(questions, limit=10, seed=1) != data.select(questions, limit=10, seed=2)


@given(st.lists(st.floats(0, 1e6), max_size=50))
def test_every_value_is_in_one_column_of_a_histogram(values: list[float]) -> None:
    bins = histogram(values)
    assert sum(one.count for one in bins) == len(values)
    assert all(0 <= one.height <= 1 for one in bins)


# The command


@pytest.fixture
def command(files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "no-config"))
    for name in ("ARTICLE_QA_CONFIG", "ARTICLE_QA_LLM", "ARTICLE_QA_LLM_URL"):
        monkeypatch.delenv(name, raising=False)
    return ["--articles", str(files[0]), "--questions", str(files[1]), "--out", str(tmp_path / "out")]


def scripted(monkeypatch: pytest.MonkeyPatch, asker: Scripted) -> list[Config]:
    """Put the fake in the place of library and models; returns the configurations that it was opened with."""
    configs: list[Config] = []

    def opened(config: Config, articles: Sequence[Article]) -> contextlib.AbstractContextManager[Scripted]:
        configs.append(config)
        return asker.open()

    monkeypatch.setattr(run, "opened", opened)
    return configs


def test_the_command_asks_all_and_prints_progress_and_a_table(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asker = Scripted()
    configs = scripted(monkeypatch, asker)
    assert run.main([*command, "--llm", "none"]) == 0
    printed = capsys.readouterr()
    assert "[1/3] who  answered: right" in printed.err
    assert "[2/3] what  answered: gold answer not given" in printed.err
    assert "[3/3] why  abstained (unsupported): right" in printed.err
    assert "contains_gold                0.500  0.095 to 0.905" in printed.out
    assert asker.histories[1] == (Turn("user", "Who met Ann?"), Turn("assistant", "Bo."))
    assert configs[0].llm == "none"
    assert configs[0].library == Path(command[-1]) / "library"


def test_the_command_limits_and_takes_a_library(
    command: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asker = Scripted()
    configs = scripted(monkeypatch, asker)
    assert run.main([*command, "--limit", "2", "--library", str(tmp_path / "lib"), "--retrieval-only"]) == 0
    assert asker.asked == ["Who met Ann?", "And what did they eat?"]
    assert configs[0].library == tmp_path / "lib"
    assert configs[0].llm == "none"


def test_a_failure_is_status_1(command: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    scripted(monkeypatch, Scripted(who=LLMUnavailableError("gone")))
    assert run.main(command) == 1


def test_a_stop_says_how_to_go_on(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scripted(monkeypatch, Scripted(what=KeyboardInterrupt()))
    assert run.main(command) == 130
    assert "the same command goes on from" in capsys.readouterr().err


def test_a_library_with_other_articles_is_refused_and_left_as_it_was(command: list[str], tmp_path: Path) -> None:
    with Library(tmp_path / "own") as own:
        own.add([Article("mine", "Mine", "It is mine.")])
    assert run.main([*command, "--library", str(tmp_path / "own"), "--retrieval-only"]) == 2
    with Library(tmp_path / "own") as own:
        assert [one.id for one in own.articles()] == ["mine"]


@pytest.mark.parametrize("wrong", [["--limit", "0"], ["--limit", "x"], ["--nonsense"], []])
def test_a_wrong_call_is_status_2(command: list[str], wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        run.main([*command, *wrong] if wrong else command[2:])
    assert stopped.value.code == 2


@pytest.mark.parametrize("missing", [1, 3])
def test_a_missing_file_is_status_2(command: list[str], missing: int, capsys: pytest.CaptureFixture[str]) -> None:
    command[missing] += ".gone"
    assert run.main(command) == 2
    assert command[missing] in capsys.readouterr().err


def test_an_unknown_model_is_status_2(command: list[str]) -> None:
    assert run.main([*command, "--llm", "nonsense"]) == 2
