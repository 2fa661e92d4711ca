"""The embedded model as a process: the tiny model, as its life is that of the large one."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from index import weights
from index.errors import WeightsError
from qa import prompt
from qa.backends import embedded
from qa.backends.embedded import EmbeddedLLM
from qa.config import Config
from qa.llm import ADAPTER, Chunk, open_llm
from qa.types import Prompt

pytestmark = pytest.mark.model

TINY = "smollm2-135m-instruct-q4_1"
PROMPT = Prompt("Answer in one word.", "What is the capital of France?", {})


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own that holds the tiny model, so that its saved prompt states are ours alone."""
    real = weights.path(TINY)
    shutil.copytree(real, tmp_path / real.name, copy_function=os.link)
    monkeypatch.setenv("ARTICLE_QA_CACHE", str(tmp_path))
    return tmp_path


Start = Callable[[], EmbeddedLLM]


@pytest.fixture
def start(cache: Path) -> Iterator[Start]:
    opened: list[EmbeddedLLM] = []

    def make() -> EmbeddedLLM:
        llm = EmbeddedLLM(TINY, system=PROMPT.system, threads=2, timeout_s=60)
        opened.append(llm)
        return llm

    yield make
    for llm in opened:
        llm.close()


def said(llm: EmbeddedLLM) -> str:
    chunks = list(llm.stream(PROMPT, max_tokens=8))
    assert max(chunks[0].instead, key=chunks[0].instead.__getitem__) == chunks[0].text  # what was written was likeliest
    assert all(log <= 0 for log in chunks[0].instead.values())
    assert not any(chunk.instead for chunk in chunks[1:])
    assert chunks[-1].finish in ("stop", "length")
    assert all(chunk.finish is None for chunk in chunks[:-1])
    return "".join(chunk.text for chunk in chunks)


def pid_of(llm: EmbeddedLLM) -> int:
    assert llm._child is not None
    return llm._child.pid


def gone(pid: int, *, within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.05)
    return False


def saved(cache: Path) -> list[Path]:
    return sorted((cache / "prompts").iterdir())


def test_one_life(start: Start, cache: Path, capfd: pytest.CaptureFixture[str]) -> None:
    llm = start()
    first = said(llm)
    assert first.strip() != ""
    pid = pid_of(llm)
    assert said(llm) == first  # temperature 0
    assert pid_of(llm) == pid

    # On loopback only, at a port of its own, closed to others.
    assert llm._client is not None
    base = llm._client._client.base_url
    assert base.host == "127.0.0.1"
    assert base.port not in (None, 8080, 80)
    body = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1}
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        refused = httpx.post(f"{base}chat/completions", json=body, headers=headers)
        assert refused.status_code == httpx.codes.UNAUTHORIZED

    # It goes on from what its answer begins with.
    begin = first.split()[0]
    chunks = llm.stream(replace(PROMPT, begin=begin), max_tokens=8)
    assert (begin + "".join(chunk.text for chunk in chunks)).startswith(first)

    # A killed child is started anew for the next question.
    os.kill(pid, signal.SIGKILL)
    assert gone(pid, within_s=5)
    assert said(llm) == first
    assert pid_of(llm) != pid

    # A stream closed early frees the model for the next one.
    stream = llm.stream(PROMPT, max_tokens=2000)
    assert isinstance(next(stream), Chunk)
    stream.close()
    assert said(llm) == first

    pid = pid_of(llm)
    llm.close()
    assert gone(pid, within_s=5)
    llm.close()  # twice does no harm
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_the_state_of_the_prompt_is_saved_once_and_read_again(start: Start, cache: Path) -> None:
    first = said(start())
    [state] = saved(cache)
    before = (state.name, state.stat().st_mtime_ns, state.stat().st_size)
    assert before[2] > 100_000
    assert said(start()) == first
    [state] = saved(cache)
    assert (state.name, state.stat().st_mtime_ns, state.stat().st_size) == before


def test_another_adapter_is_another_state(start: Start, cache: Path) -> None:
    first = said(start())
    for alpha in (1.0, 2.0):
        llm = EmbeddedLLM(TINY, system=PROMPT.system, threads=2, timeout_s=60, adapter=adapter(cache, alpha))
        try:
            assert said(llm) != first  # noise in all layers
            assert llm.name == f"{TINY} with {alpha}.lora.gguf"
        finally:
            llm.close()
    assert len(saved(cache)) == 3


def adapter(folder: Path, alpha: float) -> Path:
    """An adapter of noise for the tiny model."""
    from gguf import GGUFWriter

    rng = np.random.default_rng(0)
    file = folder / f"{alpha}.lora.gguf"
    writer = GGUFWriter(str(file), "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", alpha)
    for layer in range(30):
        for part in "ab":
            shape = (4, 576) if part == "a" else (576, 4)
            writer.add_tensor(f"blk.{layer}.attn_q.weight.lora_{part}", rng.normal(size=shape).astype(np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


@pytest.mark.parametrize(
    ("config", "taught"), [(Config(), True), (Config(llm_adapter=False), False), (Config(llm="tiny"), False)]
)
def test_only_the_default_model_has_the_adapter_and_its_prompt(
    config: Config, monkeypatch: pytest.MonkeyPatch, *, taught: bool
) -> None:
    made: dict[str, Any] = {}
    monkeypatch.setattr(embedded, "EmbeddedLLM", lambda model, **given: made.update(given, model=model))
    open_llm(config)
    assert made["system"] == prompt.system(mark_first=taught)
    assert made["adapter"] == (ADAPTER if taught else None)


def cut_short(state: Path) -> None:
    state.write_bytes(state.read_bytes()[: state.stat().st_size // 2])


def garbage(state: Path) -> None:
    state.write_bytes(b"not a state" * 1000)


def emptied(state: Path) -> None:
    state.write_bytes(b"")


def garbage_inside(state: Path) -> None:
    whole = bytearray(state.read_bytes())
    whole[200:400] = b"\xff" * 200
    state.write_bytes(whole)


@pytest.mark.parametrize("harm", [cut_short, garbage, emptied, garbage_inside])
def test_a_damaged_state_does_no_harm_and_is_made_anew(harm: Callable[[Path], None], start: Start, cache: Path) -> None:
    first = said(start())
    [state] = saved(cache)
    size = state.stat().st_size
    harm(state)
    assert said(start()) == first
    [state] = saved(cache)
    assert state.stat().st_size == size


def test_a_cache_that_cannot_be_written_costs_only_time(start: Start, cache: Path) -> None:
    (cache / "prompts").write_text("in the way", encoding="utf-8")
    assert said(start()).strip() != ""


PARENT = """
import os, sys
from qa.backends.embedded import EmbeddedLLM
from qa.types import Prompt
llm = EmbeddedLLM(sys.argv[1], system="a", threads=1, timeout_s=60)
next(llm.stream(Prompt("a", "b", {}), max_tokens=500))
print(llm._child.pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_child_ends_with_its_parent_whatever_ends_that(number: signal.Signals, cache: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, TINY],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        assert parent.stderr is not None
        pid = int(parent.stdout.readline())
        assert not gone(pid, within_s=0.1)
        parent.send_signal(number)
        parent.wait(5)
        assert gone(pid, within_s=5)
        assert parent.stderr.read() == ""


def test_closing_while_it_still_starts_leaves_no_process(start: Start) -> None:
    llm = start()
    llm.start()
    deadline = time.monotonic() + 10
    while llm._child is None and time.monotonic() < deadline:
        time.sleep(0.01)
    pid = pid_of(llm)
    llm.close()
    assert gone(pid, within_s=5)


def test_a_model_that_is_not_here_is_told_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARTICLE_QA_CACHE", str(tmp_path))
    with pytest.raises(WeightsError, match="article-qa models fetch"):
        EmbeddedLLM(TINY, system="a", threads=2, timeout_s=60)
