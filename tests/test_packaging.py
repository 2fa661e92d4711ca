"""What a newcomer gets: the wheel's files, the dependencies, the constraints, `make`, and a README that says what is so."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from dataclasses import dataclass, fields
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from test_layers import IMPORTS, OURS

from qa.cli import _parser
from qa.config import SECRET, Config

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
BASE = [Requirement(text) for text in PROJECT["dependencies"]]
EXTRAS = {name: [Requirement(text) for text in texts] for name, texts in PROJECT["optional-dependencies"].items()}
README = (ROOT / "README.md").read_text(encoding="utf-8")

# ---------------------------------------------------------------------------------------------------------- the wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """A wheel built from a copy, so that no build folder of the checkout gets into it."""
    source = tmp_path_factory.mktemp("source")
    for name in OURS[:3]:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("app.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    build = "import sys; from setuptools import build_meta; print(build_meta.build_wheel(sys.argv[1]))"
    out = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-c", build, str(out)], cwd=source, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return zipfile.ZipFile(out / done.stdout.split()[-1])


def test_the_wheel_holds_every_file_of_our_packages_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    files = {
        file.relative_to(ROOT).as_posix()
        for package in OURS[:3]
        for file in (ROOT / package).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert {"qa/prompts/answer.md", "index/weights/models.toml", "evals/gold/questions.jsonl"} <= files
    assert {name for name in wheel.namelist() if ".dist-info/" not in name} == files | {"app.py"}


def test_the_wheel_has_the_command_and_the_licence(wheel: zipfile.ZipFile) -> None:
    told = {
        name.partition(".dist-info/")[2]: wheel.read(name).decode() for name in wheel.namelist() if ".dist-info" in name
    }
    assert "article-qa = qa.cli:main" in told["entry_points.txt"].splitlines()
    assert "END OF TERMS AND CONDITIONS" in told["licenses/LICENSE"]


# --------------------------------------------------------------------------------------------------------- what is needed


def distributions(modules: set[str]) -> set[str]:
    known = packages_distributions()
    return {canonicalize_name(known[name][0]) for name in modules}


def third_party(*, of: set[str] | None = None, but: frozenset[str] = frozenset()) -> set[str]:
    return {
        one.top
        for one in IMPORTS
        if one.top not in OURS and one.top not in sys.stdlib_module_names and one.importer not in but
        if of is None or one.importer in of
    }


def names(requirements: list[Requirement]) -> set[str]:
    return {canonicalize_name(one.name) for one in requirements}


def test_a_plain_install_needs_exactly_what_the_code_imports() -> None:
    # The benchmark of the page drives a browser: a tool of development, which comes with the dev extra. So does what trains.
    optional = third_party(of={"qa.llamaindex"}) | {"sentence_transformers", "playwright"}
    optional |= {"gguf", "onnx", "torch", "transformers"}
    needed = distributions(third_party(but=frozenset({"qa.llamaindex"})) - optional)
    assert needed | {"lxml-html-clean"} == names(BASE)  # trafilatura imports it; see pyproject.toml


def test_torch_comes_with_its_extra_only() -> None:
    assert {name for name, needed in EXTRAS.items() if "torch" in names(needed)} == {"sentence-transformers"}
    assert "torch" not in names(BASE)


def pinned() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9A-Za-z.]*", pin) for pin in pins)  # no URL, no local build
    return {canonicalize_name(name): version for name, version in (pin.split("==") for pin in pins)}


@pytest.mark.parametrize("wanted", [*BASE, *(one for extra in EXTRAS.values() for one in extra)], ids=str)
def test_the_constraints_pin_what_the_project_asks_for(wanted: Requirement) -> None:
    if wanted.name == PROJECT["name"]:
        assert wanted.extras <= EXTRAS.keys()
        return
    exact = next((str(one.version) for one in wanted.specifier if one.operator == "=="), None)
    assert wanted.specifier.contains(pinned().get(canonicalize_name(wanted.name)) or exact or "0")


# ----------------------------------------------------------------------------------------------------------------- make

# Stands in for .venv/bin/python: writes down what it was asked to do, and the question exactly as it came.
PYTHON = """#!/bin/sh
echo "$2 $3 $4" >> calls
case "$2 $3 $4" in
    "qa.cli models fetch") echo "model: $MODEL_FOLDER" ;;
    "qa.cli add samples") mkdir -p "$ARTICLE_QA_LIBRARY" ;;
    "qa.cli ask --") printf '%s' "$5" > asked; echo "$ARTICLE_QA_LIBRARY" > library; [ $# = 5 ] ;;
esac
"""


@dataclass
class Checkout:
    folder: Path

    def make(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("ARTICLE_QA_", "MAKE", "Q"))}
        return subprocess.run(
            ["make", *arguments],
            cwd=self.folder,
            env={**kept, "MODEL_FOLDER": str(self.folder / "model"), **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def calls(self) -> list[str]:
        """What was done since the last look."""
        log = self.folder / "calls"
        done = [line for line in log.read_text().splitlines() if "=" not in line] if log.exists() else []
        log.unlink(missing_ok=True)
        return ["install" if "pip" in line else line.removeprefix("qa.cli ").split()[0] for line in done]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    folder = tmp_path / "checkout"
    for name, text in {
        "pyproject.toml": "",
        "constraints.txt": "",
        "index/weights/models.toml": "",
        "samples/one.txt": "One.",
        "model/model.gguf": "",
        ".venv/bin/python": PYTHON,
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / ".venv/bin/python").chmod(0o755)
    shutil.copy(ROOT / "Makefile", folder)
    return Checkout(folder)


@pytest.mark.parametrize(
    "question",
    [
        "who did Mittal meet?",
        "what's the mayor's name?",
        'who said "no comment"?',
        "was it $3 billion, $$3, $HOME or $(HOME)?",
        "$(shell touch made-by-make) and `touch made-by-shell`; touch made-too",
        "100% # of \\n it & more | or < less >",
        "--json",
        "wer war's? 誰 é",
    ],
)
def test_make_ask_hands_the_question_on_as_it_was_typed(checkout: Checkout, question: str) -> None:
    done = checkout.make("ask", f"Q={question}")
    assert done.returncode == 0, done.stderr
    assert (checkout.folder / "asked").read_text() == question
    assert list(checkout.folder.glob("made-*")) == []


def test_make_ask_does_everything_once_and_then_only_asks(checkout: Checkout) -> None:
    checkout.make("ask", "Q=who?")
    assert checkout.calls() == ["install", "models", "add", "ask"]
    checkout.make("ask", "Q=when?")
    assert checkout.calls() == ["ask"]
    assert (checkout.folder / "library").read_text().strip() == str(checkout.folder / ".library")


def test_make_ask_without_a_question_says_how(checkout: Checkout) -> None:
    done = checkout.make("ask")
    assert done.returncode == 2
    assert 'make ask Q="' in done.stderr
    assert "ask" not in checkout.calls()


def test_a_changed_or_new_sample_is_added_again(checkout: Checkout) -> None:
    checkout.make("samples")
    checkout.calls()
    stamp = (checkout.folder / ".library/samples.stamp").stat().st_mtime
    os.utime(checkout.folder / "samples/one.txt", (stamp + 5, stamp + 5))
    checkout.make("samples")
    assert checkout.calls() == ["add"]


def test_models_that_have_gone_are_fetched_again(checkout: Checkout) -> None:
    checkout.make("setup")
    checkout.calls()
    (checkout.folder / "model").rename(checkout.folder / "elsewhere")
    checkout.make("setup")
    assert checkout.calls() == ["models"]


def test_another_cache_is_filled_too(checkout: Checkout) -> None:
    checkout.make("setup")
    checkout.calls()
    for _ in range(2):
        checkout.make("setup", ARTICLE_QA_CACHE="other")
    assert checkout.calls() == ["models"]


def test_new_pins_and_a_moved_checkout_are_installed(checkout: Checkout) -> None:
    checkout.make("setup")
    checkout.calls()
    stamp = (checkout.folder / ".venv/base.stamp").stat().st_mtime
    os.utime(checkout.folder / "constraints.txt", (stamp + 5, stamp + 5))
    checkout.make("setup")
    assert checkout.calls()[0] == "install"
    os.utime(checkout.folder / "constraints.txt", (stamp - 5, stamp - 5))
    checkout.folder = checkout.folder.rename(checkout.folder.with_name("moved"))
    checkout.make("setup")
    assert checkout.calls()[0] == "install"


@pytest.mark.parametrize(("there", "expected"), [(False, ["add", "ask"]), (True, ["ask"])], ids=["new", "own"])
def test_the_samples_go_into_a_new_library_and_never_into_the_users_own(
    checkout: Checkout, tmp_path: Path, *, there: bool, expected: list[str]
) -> None:
    library = tmp_path / "my library"
    if there:
        library.mkdir()
        (library / "catalogue.sqlite3").touch()
    checkout.make("ask", "Q=who?", ARTICLE_QA_LIBRARY=str(library))
    assert checkout.calls()[2:] == expected
    assert (checkout.folder / "library").read_text().strip() == str(library)


def test_make_says_what_it_needs_where_python_is_too_old(checkout: Checkout) -> None:
    shutil.rmtree(checkout.folder / ".venv")
    old = checkout.folder / "old-python"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    done = checkout.make("setup", f"PYTHON={old} no-such-python")
    assert done.returncode == 2
    assert "needs Python 3.11, 3.12 or 3.13" in done.stderr
    assert not (checkout.folder / ".venv").exists()


# --------------------------------------------------------------------------------------------------------------- README


def test_the_readme_names_every_setting_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| `([^`]*)` \|", README, re.MULTILINE))
    defaults = Config()
    shown = {
        one.name: str(value).lower() if isinstance(value := getattr(defaults, one.name), bool) else str(value)
        for one in fields(Config)
        if one.name not in {"library", SECRET, "llm_url", "llm_model"}
    }
    assert {name: text for name, text in rows.items() if name in shown} == shown


def test_the_commands_of_the_readme_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z-]+)", README)) <= targets
    usage = _parser().format_help()
    told = set(re.findall(r"^(?:\S+=\S* )*article-qa ([a-z]+)", README, re.MULTILINE))
    assert {"add", "list", "show", "remove", "status", "ask"} <= told
    assert all(f"\n    {command} " in usage for command in told)
