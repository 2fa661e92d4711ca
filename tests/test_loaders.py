"""Files -> Articles: the text is exactly the article's, the head is read, nothing raises for a bad file."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.errors import InputError
from index.loaders import LOADERS, Problem, load, reading
from index.types import Article

HEADER = " date 2021-09-01 \n\n\n\n"
STANDFIRST = "The tide gauge at Hollow Bay was moved in March, says the harbour office."
BODY = f"{STANDFIRST}\n\nIt had stood there since 1931.\n"


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


def one(path: Path) -> Article:
    [found] = load(path)
    assert isinstance(found, Article), found
    return found


def problem(path: Path) -> str:
    [found] = load(path)
    assert isinstance(found, Problem), found
    assert found.file == str(path)
    return found.reason


def rows(*values: object) -> str:
    return "".join(json.dumps(value) + "\n" for value in values)


# Plain text


def test_the_first_text_format(tmp_path: Path) -> None:
    found = one(write(tmp_path, "samples/tide.txt", HEADER + BODY))
    assert found == Article(
        id="samples/tide.txt",
        title=STANDFIRST,
        text=BODY,
        date=date(2021, 9, 1),
        file=str(tmp_path / "samples" / "tide.txt"),
    )


@pytest.mark.parametrize(
    "header",
    [
        "date 2021-09-01\n",
        "\tDate:2021-09-01  \r\n\r\n",
        "\ufeff DATE : 2021-09-01\n \n\t\n",
        "\n\n date 2021-09-01 \r\r",
    ],
)
def test_spellings_of_the_date_line(tmp_path: Path, header: str) -> None:
    found = one(write(tmp_path, "a.txt", header + BODY))
    assert (found.date, found.text) == (date(2021, 9, 1), BODY)


@pytest.mark.parametrize(
    "line", ["Date of birth unknown.", "update 2021-09-01", "date2021-09-01", "date 2021-09-01 in Oslo"]
)
def test_what_is_no_date_line_stays_in_the_text(tmp_path: Path, line: str) -> None:
    found = one(write(tmp_path, "a.txt", f"{line}\n\n{BODY}"))
    assert (found.date, found.text) == (None, f"{line}\n\n{BODY}")


def test_only_the_first_date_line_is_taken_off(tmp_path: Path) -> None:
    assert one(write(tmp_path, "a.txt", HEADER + " date 1999-01-01 \n" + BODY)).text == " date 1999-01-01 \n" + BODY


@pytest.mark.parametrize(
    "day", ["2021-13-40", "2021-02-29", "2021-9-1", "21-09-01", "0001-01-01", "0999-12-31", "3000-01-01", "9999-12-31"]
)
def test_an_impossible_date_is_a_problem(tmp_path: Path, day: str) -> None:
    assert f"'date': '{day}'" in problem(write(tmp_path, "a.txt", f" date {day} \n\n{BODY}"))


@pytest.mark.parametrize("day", [date(1000, 1, 1), date(2999, 12, 31)])
def test_the_first_and_the_last_day(tmp_path: Path, day: date) -> None:
    assert one(write(tmp_path, "a.txt", f" date {day} \n\n{BODY}")).date == day


def test_a_day_that_stands_for_none_is_a_problem_in_every_format(tmp_path: Path) -> None:
    row = rows({"text": "T", "date": "0001-01-01T00:00:00Z"})
    assert "'0001-01-01T00:00:00Z' is no day of the form YYYY-MM-DD of the years 1000 to 2999" in problem(
        write(tmp_path, "a.jsonl", row)
    )
    assert "'date': '0001-01-01'" in problem(write(tmp_path, "a.md", f"---\ndate: 0001-01-01\n---\n{BODY}"))


def test_line_ends_become_newlines_and_nothing_else_changes(tmp_path: Path) -> None:
    body = "  Indented.\r\n\r\nTrailing  \rNext\u2028same\x0bline\u00a0.\r\n\n\n"
    assert (
        one(write(tmp_path, "a.txt", HEADER + body)).text
        == "  Indented.\n\nTrailing  \nNext\u2028same\x0bline\u00a0.\n\n\n"
    )


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Short. Then more of it.", "Short."),
        ("Mr. Ames met Gen. Orr in the U.S. on Monday. They spoke.", "Mr. Ames met Gen. Orr in the U.S. on Monday."),
        ("It cost 3.5 million.\nA wrapped\nline.", "It cost 3.5 million."),
        ("He said: “It is over.” Then he left.", "He said: “It is over.”"),
        ("No full stop here\n\nSecond paragraph.", "No full stop here"),
        ("水位は上がった。船は出た。", "水位は上がった。"),
        ("word " * 40, ("word " * 32).rstrip() + "…"),
        ("x" * 400, "x" * 159 + "…"),
        ("A\ttab and a \x07 bell", "A tab and a bell"),
    ],
)
def test_the_title_is_the_first_sentence_cut_at_a_word(tmp_path: Path, text: str, title: str) -> None:
    found = one(write(tmp_path, "a.txt", text))
    assert found.title == title
    assert found.text == text


def test_a_text_without_words_is_called_by_its_id(tmp_path: Path) -> None:
    assert one(write(tmp_path, "f/a.txt", "\x01")).title == "f/a.txt"


# Front matter


FRONT = """---
title: "Tides: a history"
date: 2021-09-01T10:00:00Z
source: Hollow Bay Post
url: https://example.org/tides
---

"""


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.markdown", "A.MD"])
def test_front_matter_is_read_and_taken_off(tmp_path: Path, name: str) -> None:
    found = one(write(tmp_path, name, FRONT + BODY))
    assert found == Article(
        id="https://example.org/tides",
        title="Tides: a history",
        text=BODY,
        date=date(2021, 9, 1),
        source="Hollow Bay Post",
        url="https://example.org/tides",
        file=str(tmp_path / name),
    )


def test_front_matter_values_stay_as_written(tmp_path: Path) -> None:
    found = one(write(tmp_path, "a.md", f"---\nid: 007\ntitle: No\nurl: null\nsource:\nmood: [x]\n---\n{BODY}"))
    assert (found.id, found.title, found.url, found.source) == ("007", "No", None, None)


@pytest.mark.parametrize(
    "day", ["2021-09-01", "'2021-09-01'", "2021-09-01 10:00:00 +02:00", "2021-09-01t23:59:59.9-05:00"]
)
def test_dates_of_front_matter(tmp_path: Path, day: str) -> None:
    assert one(write(tmp_path, "a.md", f"---\ndate: {day}\n---\n{BODY}")).date == date(2021, 9, 1)


@pytest.mark.parametrize(
    ("head", "named"),
    [
        ("title: Tides: a history", "line 2: mapping values are not allowed"),
        ("id: x\ntitle: [", "line 4"),
        ("date: last June", "front matter, field 'date': 'last June'"),
        ("date: 2021-13-40", "field 'date': '2021-13-40'"),
        ("title: {a: b}", "field 'title' must be a string"),
        ('title: "\\U00110000"', "front matter"),
        ("a: " + "[" * 5000, "front matter"),
    ],
)
def test_broken_front_matter_is_a_problem_that_names_the_place(tmp_path: Path, head: str, named: str) -> None:
    assert named in problem(write(tmp_path, "a.md", f"---\n{head}\n---\n{BODY}"))


@pytest.mark.parametrize(
    "text", ["---\n\nProse after a rule.\n", "---\nProse between rules\n---\nand after\n", "----\na: b\n---\n"]
)
def test_a_rule_is_not_front_matter(tmp_path: Path, text: str) -> None:
    assert one(write(tmp_path, "a.md", text)).text == text


# Markdown


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Intro.\n\n# The *Tide* of `x` #\n\nBody.", "The Tide of x"),
        ("```\n# a comment\n```\n# Real [title](http://x.org)\n", "Real title"),
        ("# Learning C#\n", "Learning C#"),
        ("#hashtag first. Then\n\n## Second level\n", "hashtag first."),
        ("> **Quoted** opening.\n", "Quoted opening."),
    ],
)
def test_the_title_of_markdown(tmp_path: Path, text: str, title: str) -> None:
    found = one(write(tmp_path, "a.md", text))
    assert (found.title, found.text) == (title, text)


# JSONL


def test_jsonl_text_is_stored_exactly(tmp_path: Path) -> None:
    text = " date 2021-09-01 \r\n\r\n---\n \ufeffodd\u2028 text \x07\n"
    row = {"id": "q1", "title": "Odd", "date": "2020-02-29", "source": "s", "url": "u", "text": text, "extra": {"a": 1}}
    path = write(tmp_path, "a.jsonl", rows(row))
    assert one(path) == Article("q1", "Odd", text, date(2020, 2, 29), "s", "u", str(path))


def test_what_a_line_leaves_out(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "a.jsonl",
        b"\xef\xbb\xbf" + rows({"text": BODY}, {"url": "https://x.org", "text": BODY, "title": ""}).encode(),
    )
    first, second = load(path)
    assert isinstance(first, Article)
    assert isinstance(second, Article)
    assert first.id == f"sha256-{hashlib.sha256(BODY.encode()).hexdigest()[:16]}"
    assert (first.title, first.date, first.source, first.url) == (STANDFIRST, None, None, None)
    assert (second.id, second.title) == ("https://x.org", STANDFIRST)


def test_numbers_as_ids(tmp_path: Path) -> None:
    assert one(write(tmp_path, "a.jsonl", rows({"id": 7, "text": "T"}))).id == "7"


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("{", "is not JSON"),
        ("[1]", "field 'text'"),
        ('{"id": "x"}', "field 'text'"),
        ('{"text": " \\n "}', "field 'text'"),
        ('{"text": ["T"]}', "field 'text'"),
        ('{"text": "T", "title": 3}', "field 'title' must be a string"),
        ('{"text": "T", "id": true}', "field 'id' must be a string"),
        ('{"text": "T", "date": "yesterday"}', "field 'date'"),
        ('{"text": "T", "date": 1630454400}', "field 'date' must be a string"),
        ('{"text": "a\\ud800b"}', "field 'text': character 1"),
        ('{"text": "T", "title": "\\udfff"}', "field 'title': character 0"),
        ('{"text": "a\\u0000b"}', "NUL"),
        ('{"text": ' + "[" * 100_000, "nested too deeply"),
        ('{"text": "T", "id": "first"}', "field 'id': 'first' is already on line 1"),
        (b'{"text": "caf\xe9"}', "byte 13 is not UTF-8"),
    ],
)
def test_a_broken_line_is_a_problem_and_the_rest_goes_in(tmp_path: Path, line: str | bytes, named: str) -> None:
    bad = line if isinstance(line, bytes) else line.encode()
    before, after = rows({"id": "first", "text": "T"}).encode(), rows({"id": "last", "text": "T"}).encode()
    path = write(tmp_path, "a.jsonl", before + b"\n" + bad + b"\n" + after)
    first, found, last = load(path)
    assert isinstance(first, Article)
    assert isinstance(last, Article)
    assert (first.id, last.id) == ("first", "last")
    assert str(found).startswith(f"{path}: line 3: ")
    assert named in str(found)


def test_compressed_jsonl(tmp_path: Path) -> None:
    data = gzip.compress(rows({"id": "a", "text": "T"}, {"id": "b", "text": "T"}).encode())
    assert [item.id for item in load(write(tmp_path, "a.jsonl.gz", data)) if isinstance(item, Article)] == ["a", "b"]


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-9], lambda data: b"no" + data[2:], lambda data: data[:20] + b"\xff" * 9]
)
def test_damaged_compression_is_a_problem(tmp_path: Path, damage: object) -> None:
    assert callable(damage)
    data = damage(gzip.compress(rows({"id": "a", "text": os.urandom(99).hex()}).encode()))
    *_, last = load(write(tmp_path, "a.jsonl.gz", data))
    assert "the compressed file breaks off or is damaged" in str(last)


def test_a_line_over_the_limit_is_skipped_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("index.loaders.jsonl.MAX_BYTES", 100)
    long, short = {"id": "long", "text": "x" * 350}, {"id": "short", "text": "T"}
    bad, good = load(write(tmp_path, "a.jsonl", rows(long, short)))
    assert "line 1: is longer than" in str(bad)
    assert isinstance(good, Article)
    assert good.id == "short"


# Encodings and files that are no articles


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    text = "“Café” – naïve…\n"
    assert one(write(tmp_path, "a.txt", text.encode(encoding))).text == text


def test_utf_16_of_the_other_end(tmp_path: Path) -> None:
    assert one(write(tmp_path, "a.txt", b"\xfe\xff" + "Tide 水".encode("utf-16-be"))).text == "Tide 水"


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b"", "has no text"),
        (HEADER.encode(), "has no text"),
        (FRONT.encode(), "has no text"),
        (b"a\0b", "NUL"),
        ("Tide".encode("utf-16-le"), "NUL"),
        (b"caf\xe9 \x81", "save it as UTF-8"),
        (b"\x89PNG\r\n\x1a\n\xff", "save it as UTF-8"),
        (b"\xff\xfea", "marked as UTF-16-LE"),
        (b"\xff\xfe\x00\xd8", "marked as UTF-16-LE"),
        (b"\xef\xbb\xbf\xff", "marked as UTF-8 but byte 3"),
    ],
)
def test_what_is_no_text_is_a_problem(tmp_path: Path, data: bytes, named: str) -> None:
    assert named in problem(write(tmp_path, "a.txt", data))


def test_a_file_over_the_limit_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, "a.txt", "x" * 101)
    monkeypatch.setattr(reading, "MAX_BYTES", 101)
    assert one(path).text == "x" * 101
    monkeypatch.setattr(reading, "MAX_BYTES", 100)
    assert "is longer than" in problem(path)


# Folders


def test_a_folder_is_read_in_order_and_ids_start_at_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("b.txt", "a/z.md", "a/é.txt", "c.jsonl", "photo.png", ".git/x.txt", ".hidden.txt"):
        write(tmp_path / "lib", name, rows({"id": "j", "text": "T"}) if name == "c.jsonl" else BODY)
    wanted = ["lib/a/z.md", "lib/a/é.txt", "lib/b.txt", "j"]
    assert [item.id for item in load(tmp_path / "lib") if isinstance(item, Article)] == wanted
    assert len(list(load(tmp_path / "lib"))) == 4
    monkeypatch.chdir(tmp_path / "lib" / "a")
    assert [item.id for item in load(Path("..")) if isinstance(item, Article)] == wanted
    assert one(Path("z.md")).id == "a/z.md"


def test_a_decomposed_name_gives_the_same_id(tmp_path: Path) -> None:
    assert one(write(tmp_path, "f/cafe\u0301.txt", BODY)).id == "f/caf\u00e9.txt"


def test_nothing_at_the_path_raises_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        load(tmp_path / "nothing")


def test_an_unknown_kind_that_was_named_is_a_problem(tmp_path: Path) -> None:
    assert ".jsonl.gz" in problem(write(tmp_path, "photo.png", b"x"))


def test_the_same_id_in_two_files_is_a_problem_for_the_second(tmp_path: Path) -> None:
    write(tmp_path, "a.md", FRONT + BODY)
    write(tmp_path, "b.md", FRONT + BODY)
    first, second = load(tmp_path)
    assert isinstance(first, Article)
    assert isinstance(second, Problem)
    assert second.file == str(tmp_path / "b.md")
    assert f"already that of an article in {tmp_path / 'a.md'}" in second.reason


def test_links_are_followed_but_no_circle(tmp_path: Path) -> None:
    write(tmp_path, "elsewhere/x.txt", BODY)
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "again").symlink_to(tmp_path / "lib")
    (tmp_path / "lib" / "itself.txt").symlink_to("itself.txt")
    (tmp_path / "lib" / "other").symlink_to(tmp_path / "elsewhere")
    again, itself, other = load(tmp_path / "lib")
    assert again == Problem(str(tmp_path / "lib" / "again"), "is a link back to a folder above it")
    assert str(itself).startswith(f"{tmp_path / 'lib' / 'itself.txt'}: cannot be read: ")
    assert isinstance(other, Article)
    assert other.id == "lib/other/x.txt"
    assert "cannot be read" in problem(tmp_path / "lib" / "itself.txt")


def test_a_file_that_cannot_be_opened_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, "a.txt", BODY)

    def denied(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", denied)
    assert problem(path) == "cannot be read: Permission denied"


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.txt")
    assert "not a file" in problem(tmp_path / "a.txt")


def test_a_name_that_is_not_utf_8_is_a_problem(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.txt")).write_text(BODY)
    [found] = load(tmp_path)
    assert str(found).startswith(f"{tmp_path}/caf\ufffd.txt: has a name that is not UTF-8")


def test_control_characters_leave_titles_and_ids(tmp_path: Path) -> None:
    found = one(write(tmp_path, "a.jsonl", rows({"id": "a\nb", "title": " A\u0085\ttitle\x1b[31m ", "text": "T"})))
    assert (found.id, found.title) == ("a b", "A title [31m")


@pytest.mark.parametrize("ending", ["txt", "md", "html"])
def test_control_characters_of_a_file_name_leave_its_id(tmp_path: Path, ending: str) -> None:
    text = "<html><body><article><p>A sentence that is long enough to be an article of its own.</p></article></body></html>"
    found = one(write(tmp_path, f"a\nb\x1b[31m\x85.{ending}", text))
    assert found.id == f"{tmp_path.name}/a b [31m .{ending}"


# Properties

bodies = st.text(alphabet=st.sampled_from("aé水.!? \n\t\u00a0\u2028-:#date0129"), min_size=1).filter(
    lambda body: bool(body.split("\n", 1)[0].strip())  # leading blank lines belong to the head
)


@given(body=bodies, blank=st.lists(st.sampled_from(["\n", " \n", "\r\n"]), max_size=3))
def test_any_body_after_a_date_line_is_the_text(
    tmp_path_factory: pytest.TempPathFactory, body: str, blank: list[str]
) -> None:
    path = write(tmp_path_factory.getbasetemp(), "body.txt", " date 2021-09-01 \n" + "".join(blank) + body)
    found = one(path)
    assert (found.text, found.date) == (body, date(2021, 9, 1))


@given(body=bodies)
def test_any_body_after_front_matter_is_the_text(tmp_path_factory: pytest.TempPathFactory, body: str) -> None:
    found = one(write(tmp_path_factory.getbasetemp(), "body.md", FRONT + body))
    assert (found.text, found.title) == (body, "Tides: a history")


@given(text=st.text(min_size=1).filter(lambda text: bool(text.strip()) and "\0" not in text))
def test_any_jsonl_text_comes_back(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    found = one(write(tmp_path_factory.getbasetemp(), "body.jsonl", rows({"text": text})))
    assert found.text == text
    assert found.title.strip()
    assert len(found.title) <= 160


heads = st.text(alphabet="-\n:[]{}&*!|>'\"%@`\\xU0 \t#,?<=~adte")


@settings(deadline=None)  # the first web page loads what reads web pages
@given(
    data=st.one_of(
        st.binary(),
        heads.map(lambda head: f"---\n{head}\n---\nBody".encode()),
        heads.map(lambda head: f"date {head}\nBody".encode()),
        st.text(alphabet='{}[]":,\\ud80text\n').map(str.encode),
    ),
    ending=st.sampled_from(sorted(LOADERS)),
)
def test_no_file_makes_load_raise(tmp_path_factory: pytest.TempPathFactory, data: bytes, ending: str) -> None:
    path = write(tmp_path_factory.getbasetemp(), f"any{ending}", data)
    for item in load(path):
        if isinstance(item, Article):
            assert item.text.strip()
            assert item.title.strip()
            item.text.encode()
        else:
            assert item.reason
