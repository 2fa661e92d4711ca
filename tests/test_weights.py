"""The model files: pinned, fetched from the first source that has them, never half there."""

from __future__ import annotations

import hashlib
import os
import random
import re
import signal
import subprocess
import sys
import tarfile
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from index import weights
from index.errors import WeightsError, WeightsUnavailableError
from index.weights import cache, models

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CONTENT = random.Random(7).randbytes(3_000_000)
SMALL = b'{"kind": "tokenizer"}'
CUT = 1_800_000  # where the file's two parts meet

MANIFEST = f"""
[[model]]
name = "toy"
use = "tests"
origin = "nowhere"
licence = "MIT"
default = false
sources = ["local", "hub", "package"]
  [[model.file]]
  name = "model.bin"
  size = {len(CONTENT)}
  sha256 = "{hashlib.sha256(CONTENT).hexdigest()}"
  hub = "org/toy/resolve/main/model.bin"
    [[model.file.package]]
    wheel = "toy-one==1.0"
    member = "toy_one/data/one.bin"
    size = {CUT}
    sha256 = "{hashlib.sha256(CONTENT[:CUT]).hexdigest()}"
    [[model.file.package]]
    wheel = "toy-two==1.0"
    member = "toy_two/data/two.bin"
    size = {len(CONTENT) - CUT}
    sha256 = "{hashlib.sha256(CONTENT[CUT:]).hexdigest()}"
  [[model.file]]
  name = "sub/tokenizer.json"
  size = {len(SMALL)}
  sha256 = "{hashlib.sha256(SMALL).hexdigest()}"
  hub = "org/toy/resolve/main/tokenizer.json"
  package = [{{ wheel = "toy-two==1.0", member = "toy_two/tokenizer.json" }}]
"""
TOY = models.read_models(MANIFEST)["toy"]
BIG, SMALL_URL = "/org/toy/resolve/main/model.bin", "/org/toy/resolve/main/tokenizer.json"


class Hub(ThreadingHTTPServer):
    """A publisher's hub on loopback that knows ranges and can be told to fail."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), HubHandler)
        self.content = {BIG: CONTENT, SMALL_URL: SMALL}
        self.requests: list[tuple[str, str | None]] = []  # path, range
        self.stop_after: int | None = None  # bytes sent before the connection is cut, or held while `held` is set
        self.always = False  # every time, not once
        self.hold = False
        self.held = threading.Event()
        self.go_on = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class HubHandler(BaseHTTPRequestHandler):
    server: Hub

    def do_GET(self) -> None:
        hub, wanted = self.server, self.headers.get("Range")
        hub.requests.append((self.path, wanted))
        content = hub.content.get(self.path)
        if content is None:
            return self.send_error(404)
        start = int(cast("re.Match[str]", re.fullmatch(r"bytes=(\d+)-", wanted))[1]) if wanted else 0
        self.send_response(206 if wanted else 200)
        if wanted:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        stop = hub.stop_after
        if not hub.always:
            hub.stop_after = None
        if stop is None:
            self.wfile.write(content[start:])
            return None
        self.wfile.write(content[start : start + stop])
        if hub.hold:
            hub.held.set()
            hub.go_on.wait(30)
        self.close_connection = True
        return None

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    server = Hub()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    yield server
    server.go_on.set()
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the toy model known, with no source that answers; return its folder in an empty cache."""
    monkeypatch.setitem(cast("dict[str, models.Model]", models.MODELS), "toy", TOY)
    for name in [name for name in os.environ if name.startswith("PIP_") or name.upper().endswith("_PROXY")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ARTICLE_QA_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("ARTICLE_QA_MODELS", raising=False)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # the discard port: refused at once
    (tmp_path / "wheels").mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    return tmp_path / "cache" / TOY.folder


def add_wheel(tmp_path: Path, name: str, members: Mapping[str, bytes | str]) -> Path:
    """Put a wheel where pip finds it. Importing its package would fail loudly."""
    path = tmp_path / "wheels" / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    members = {
        f"{name}/__init__.py": "raise SystemExit('a model package must never be imported')\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
        **members,
    }
    with zipfile.ZipFile(path, "w") as archive:
        for member, data in members.items():
            archive.writestr(member, data)
    return path


def add_wheels(tmp_path: Path) -> tuple[Path, Path]:
    two = {"toy_two/data/two.bin": CONTENT[CUT:], "toy_two/tokenizer.json": SMALL}
    one = {"toy_one/data/one.bin": CONTENT[:CUT]}
    return add_wheel(tmp_path, "toy_one", one), add_wheel(tmp_path, "toy_two", two)


def add_local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes = CONTENT) -> None:
    folder = tmp_path / "own" / TOY.folder
    (folder / "sub").mkdir(parents=True)
    (folder / "model.bin").write_bytes(content)
    (folder / "sub" / "tokenizer.json").write_bytes(SMALL)
    monkeypatch.setenv("ARTICLE_QA_MODELS", str(tmp_path / "own"))


def files_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def assert_complete(folder: Path) -> None:
    assert (folder / "model.bin").read_bytes() == CONTENT
    assert (folder / "sub" / "tokenizer.json").read_bytes() == SMALL
    assert files_in(folder) == {"model.bin", "sub/tokenizer.json", "verified.json"}
    assert weights.path("toy") == folder


def start_fetch(tmp_path: Path) -> subprocess.Popen[bytes]:
    """Fetch the toy model in a process of its own."""
    (tmp_path / "models.toml").write_text(MANIFEST)
    code = (
        "import sys, pathlib; from index.weights import fetch, models\n"
        "models.MODELS.update(models.read_models(pathlib.Path(sys.argv[1]).read_text())); print(fetch('toy'))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "models.toml")]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=Path(__file__).parents[1])


# What models.toml says

DESIGN_DIGESTS = {
    ("qwen2.5-coder-1.5b-instruct-q4_k_m", "model.gguf"): (
        "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046"
    ),
    ("smollm2-135m-instruct-q4_1", "model.gguf"): "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    ("all-minilm-l6-v2", "model.safetensors"): "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    ("all-minilm-l6-v2-int8", "model.onnx"): "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
    ("bge-small-en-int8", "model.onnx"): "68807e3ff2abb83cdd708d8243fd398246e397bfee2ba611c2bad728e27df743",
    ("ms-marco-minilm-l12-int8", "model.onnx"): "1225ccd6afd0f1b43a1b08bf67cd1cb68c05aafb443e9d8450015b8b3837ffd1",
}


def test_the_pinned_digests_are_those_of_the_design() -> None:
    found = {(m.name, f.name): f.sha256 for m in weights.MODELS.values() for f in m.files}
    assert {key: found.get(key) for key in DESIGN_DIGESTS} == DESIGN_DIGESTS
    assert set(weights.MODELS) - {"toy"} == {name for name, _ in DESIGN_DIGESTS}


def test_the_default_models_are_one_language_model_one_embedder_one_reranker() -> None:
    wanted = ("qwen2.5-coder-1.5b-instruct-q4_k_m", "all-minilm-l6-v2-int8", "ms-marco-minilm-l12-int8")
    assert wanted == weights.DEFAULT
    assert weights.size("qwen2.5-coder-1.5b-instruct-q4_k_m") == 1_117_320_768


@pytest.mark.parametrize("name", [name for name, _ in DESIGN_DIGESTS])
def test_every_file_is_pinned_and_has_a_package_that_adds_up(name: str) -> None:
    model = weights.MODELS[name]
    assert model.licence in {"Apache-2.0", "MIT"}
    assert model.sources == ("local", "hub", "package")
    for file in model.files:
        assert re.fullmatch("[0-9a-f]{64}", file.sha256)
        assert sum(part.size for part in file.package) == file.size
        assert all(re.fullmatch(r"[a-z0-9-]+==[0-9.]+", part.wheel) for part in file.package)
        assert all(re.fullmatch("[0-9a-f]{64}", part.sha256) for part in file.package)
        if len(file.package) == 1:
            assert file.package[0].sha256 == file.sha256


# Which source is used


def test_a_local_folder_comes_first(tmp_path: Path, toy: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    add_local(tmp_path, monkeypatch)
    assert weights.fetch("toy") == toy
    assert_complete(toy)
    assert hub.requests == []


def test_the_hub_comes_before_the_package_index(tmp_path: Path, toy: Path, hub: Hub) -> None:
    add_wheels(tmp_path)
    weights.fetch("toy")
    assert_complete(toy)
    assert hub.requests == [(BIG, None), (SMALL_URL, None)]


def test_the_package_index_serves_where_no_hub_answers(tmp_path: Path, toy: Path) -> None:
    add_wheels(tmp_path)
    weights.fetch("toy")
    assert_complete(toy)


def test_a_complete_model_is_not_fetched_again(toy: Path, hub: Hub) -> None:
    weights.fetch("toy")
    hub.requests.clear()
    weights.fetch("toy")
    assert hub.requests == []


def test_a_package_that_is_only_a_source_archive_is_not_built(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    (tmp_path / "toy_one-1.0").mkdir()
    (tmp_path / "toy_one-1.0" / "backend.py").write_text(f"open({str(ran)!r}, 'w')")
    (tmp_path / "toy_one-1.0" / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    )
    (tmp_path / "toy_one-1.0" / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: toy_one\nVersion: 1.0\n")
    with tarfile.open(tmp_path / "wheels" / "toy_one-1.0.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "toy_one-1.0", "toy_one-1.0")
    with pytest.raises(WeightsUnavailableError, match=r"toy-one==1.0"):
        weights.fetch("toy")
    assert not ran.exists()


# Wrong bytes, and none


def test_wrong_bytes_are_reported_and_the_next_source_is_taken(
    tmp_path: Path, toy: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    add_local(tmp_path, monkeypatch, CONTENT[:-1] + b"?")
    hub.content[BIG] = b"?" + CONTENT[1:]
    add_wheels(tmp_path)
    weights.fetch("toy")
    assert_complete(toy)
    assert [record.getMessage().partition(" has")[0] for record in caplog.records] == [
        "toy, model.bin: the local",
        "toy, model.bin: the hub",
    ]


@pytest.mark.parametrize("wrong", [b"", CONTENT[:-1], CONTENT[:-1] + b"?", CONTENT + b"?"])
def test_nothing_is_kept_of_wrong_bytes(tmp_path: Path, toy: Path, hub: Hub, wrong: bytes) -> None:
    hub.content[BIG] = wrong
    with pytest.raises(WeightsError, match=r"has another SHA-256|longer than") as caught:
        weights.fetch("toy")
    assert not isinstance(caught.value, WeightsUnavailableError)
    assert files_in(toy) == set()


@pytest.mark.parametrize("wrong", [{}, {"toy_one/data/one.bin": b"?" * CUT}, {"toy_one/data/one.bin": b"short"}])
def test_nothing_is_kept_of_a_wrong_wheel(tmp_path: Path, toy: Path, wrong: dict[str, bytes]) -> None:
    add_wheel(tmp_path, "toy_one", wrong)
    with pytest.raises(WeightsError, match=r"toy-one==1.0"):
        weights.fetch("toy")
    assert files_in(toy) == set()


def test_without_a_source_the_error_says_what_was_tried_and_what_to_do() -> None:
    with pytest.raises(WeightsUnavailableError) as caught:
        weights.fetch("toy")
    said = str(caught.value)
    for words in (
        "toy: model.bin could not be fetched",
        "local: ARTICLE_QA_MODELS is not set",
        "hub: http://127.0.0.1:9/org/toy",
        "package: pip download toy-one==1.0: ERROR: No matching distribution",
        "article-qa models fetch toy",
        f"{TOY.folder}/model.bin",
    ):
        assert words in said


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("ARTICLE_QA_CACHE", str(tmp_path / "file"))
    with pytest.raises(WeightsError, match="ARTICLE_QA_CACHE"):
        weights.fetch("toy")


# Cut short, and at once


def test_a_broken_transfer_goes_on_where_it_stopped(toy: Path, hub: Hub) -> None:
    hub.stop_after = 2_000_000
    weights.fetch("toy")
    assert_complete(toy)
    (path, whole), (again, rest) = hub.requests[:2]
    assert (path, whole, again) == (BIG, None, BIG)
    assert rest is not None
    assert int(rest[6:-1]) > 1_000_000


def test_a_hub_that_always_breaks_off_is_left_and_its_bytes_are_kept(toy: Path, hub: Hub) -> None:
    hub.stop_after, hub.always = 400_000, True
    with pytest.raises(WeightsUnavailableError, match="broke off 5 times"):
        weights.fetch("toy")
    kept = (toy / "model.bin.part").read_bytes()
    assert CONTENT.startswith(kept)
    assert len(kept) > 1_000_000
    hub.stop_after = None
    weights.fetch("toy")
    assert_complete(toy)
    assert hub.requests[5] == (BIG, f"bytes={len(kept)}-")


def test_a_killed_fetch_is_continued_by_the_next(tmp_path: Path, toy: Path, hub: Hub) -> None:
    hub.stop_after, hub.hold = 2_500_000, True
    process = start_fetch(tmp_path)
    assert hub.held.wait(30)
    part = toy / "model.bin.part"
    while part.stat().st_size < 1_000_000:  # sent is not yet written
        assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.communicate()
    kept = part.stat().st_size
    assert not weights.installed("toy")
    weights.fetch("toy")
    assert_complete(toy)
    assert hub.requests[1] == (BIG, f"bytes={kept}-")


def test_without_any_source_the_bytes_that_are_here_stay(toy: Path) -> None:
    toy.mkdir(parents=True)
    (toy / "model.bin.part").write_bytes(CONTENT[:1000])
    with pytest.raises(WeightsUnavailableError):
        weights.fetch("toy")
    assert (toy / "model.bin.part").read_bytes() == CONTENT[:1000]


def test_kept_bytes_that_are_wrong_are_fetched_again(toy: Path, hub: Hub) -> None:
    toy.mkdir(parents=True)
    (toy / "model.bin.part").write_bytes(b"?" * 1000)
    weights.fetch("toy")
    assert_complete(toy)
    assert hub.requests[:2] == [(BIG, "bytes=1000-"), (BIG, None)]


def test_parts_that_are_here_are_not_fetched_again(tmp_path: Path, toy: Path) -> None:
    one, two = add_wheels(tmp_path)
    two.rename(tmp_path / two.name)
    with pytest.raises(WeightsUnavailableError, match=r"toy-two==1.0"):
        weights.fetch("toy")
    assert files_in(toy) == {"model.bin.part"}
    one.unlink()
    (tmp_path / two.name).rename(two)
    weights.fetch("toy")
    assert_complete(toy)


def test_two_processes_fetch_a_model_once(tmp_path: Path, toy: Path, hub: Hub) -> None:
    hub.stop_after, hub.hold = 2_000_000, True
    first = start_fetch(tmp_path)
    assert hub.held.wait(30)
    second = start_fetch(tmp_path)
    assert second.stderr is not None
    assert b"waiting" in second.stderr.readline()
    hub.go_on.set()
    for process in (first, second):
        out, _ = process.communicate(timeout=30)
        assert out.decode().strip() == str(toy)
    assert_complete(toy)
    assert [path for path, _ in hub.requests] == [BIG, BIG, SMALL_URL]  # cut once, gone on once


# What lies in the cache


def test_path_before_fetch_says_how_to_fetch() -> None:
    with pytest.raises(WeightsError, match="article-qa models fetch toy"):
        weights.path("toy")
    assert not weights.installed("toy")
    assert weights.verify("toy") == [("model.bin", False), ("sub/tokenizer.json", False)]


def test_an_unknown_model_is_named_with_the_known_ones() -> None:
    with pytest.raises(WeightsError, match=r"'nope'.*ms-marco-minilm-l12-int8"):
        weights.path("nope")


def test_a_changed_file_is_noticed_and_mended(toy: Path, hub: Hub) -> None:
    weights.fetch("toy")
    (toy / "model.bin").write_bytes(CONTENT[:-1] + b"?")
    os.utime(toy / "model.bin", ns=(1, 1))
    with pytest.raises(WeightsError, match=r"model.bin is damaged"):
        weights.path("toy")
    weights.fetch("toy")
    assert_complete(toy)


def test_verify_sees_what_size_and_time_hide(toy: Path, hub: Hub) -> None:
    weights.fetch("toy")
    before = (toy / "model.bin").stat()
    (toy / "model.bin").write_bytes(CONTENT[:-1] + b"?")
    os.utime(toy / "model.bin", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert weights.verify("toy") == [("model.bin", False), ("sub/tokenizer.json", True)]
    with pytest.raises(WeightsError, match="damaged"):
        weights.path("toy")


def test_path_hashes_only_what_changed(toy: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    weights.fetch("toy")
    hashed: list[str] = []
    real = cache.sha256_of

    def spy(file: Path) -> str:
        hashed.append(file.name)
        return real(file)

    monkeypatch.setattr(cache, "sha256_of", spy)
    weights.path("toy")
    assert hashed == []
    os.utime(toy / "model.bin", ns=(1, 1))
    weights.path("toy")
    weights.path("toy")
    assert hashed == ["model.bin"]


def test_files_that_were_put_there_by_hand_are_hashed_before_use(toy: Path) -> None:
    (toy / "sub").mkdir(parents=True)
    (toy / "model.bin").write_bytes(CONTENT)
    (toy / "sub" / "tokenizer.json").write_bytes(SMALL[:-1] + b"?")
    with pytest.raises(WeightsError, match=r"tokenizer.json is damaged"):
        weights.path("toy")
    (toy / "sub" / "tokenizer.json").write_bytes(SMALL)
    assert_complete(toy)


def test_a_marker_that_was_cut_short_costs_only_a_hash(toy: Path, hub: Hub) -> None:
    weights.fetch("toy")
    (toy / "verified.json").write_text('{"model.bin": {"si')
    assert_complete(toy)


@pytest.mark.parametrize(("progress", "shown"), [(None, False), (False, False), (True, True)])
def test_the_bar_is_shown_when_asked(
    hub: Hub, capfd: pytest.CaptureFixture[str], *, progress: bool | None, shown: bool
) -> None:
    weights.fetch("toy", progress=progress)
    err = capfd.readouterr().err
    assert ("toy: 100%" in err) is shown
    assert bool(err) is shown
