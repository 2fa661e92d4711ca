"""`kill -9` during `article-qa add`, small: the figure for 300 articles is evals/bench/kill_add.py."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from evals.bench.kill_add import Report, differences, run
from index.catalogue import Catalogue


@pytest.mark.slow
def test_a_killed_add_makes_the_same_library(tmp_path: Path) -> None:
    report = run(tmp_path, articles=30, kills=3, seed=7)
    assert len(report.kills) == 3
    assert report.wrong == []
    assert report.rows["articles"] == (30, 30)
    assert report.rows["vectors"] == report.rows["passages"] == report.rows["find themselves"]
    assert report.rows["found by words"][0] > 100

    # The comparison itself can fail: one vector, one sentence.
    with closing(Catalogue(tmp_path / "killed" / "catalogue.sqlite3")) as catalogue, catalogue._write() as db:
        db.execute("UPDATE vectors SET vector = zeroblob(length(vector)) WHERE passage = 7")
        db.execute("DELETE FROM sentences WHERE article = 3 AND number = 3")
    again = Report()
    differences(tmp_path / "plain", tmp_path / "killed", again)
    assert again.wrong[:2] == ["sentences: not the same", "vectors: not the same"]
    assert again.rows["find themselves"][1] == report.rows["vectors"][1] - 1
