"""The import rules of docs/design.md: data flows one way, pure modules stay pure, heavy libraries wait until they are used."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = ("index", "qa", "evals", "app")

# Pure modules: the standard library and the values named here, at import and later; third-party ones only inside a function.
PURE: dict[str, set[str]] = {
    "index.errors": set(),
    "index.types": set(),
    "index.words": set(),
    "index.passages": {"index.types"},
    "index.sentences": {"index.types", "nupunkt"},
    "qa.types": {"index.types"},
    "qa.abstain": {"qa.facts", "qa.kinds", "qa.parse", "qa.types", "qa.wording"},
    "qa.aspects": {"index.words"},
    "qa.chat": {"index.words", "qa.types", "qa.wording"},
    "qa.compare": {
        "index.words",
        "qa.abstain",
        "qa.aspects",
        "qa.facts",
        "qa.kinds",
        "qa.senses",
        "qa.types",
        "qa.values",
    },
    "qa.dates": {"qa.facts"},
    "qa.disagree": {"qa.abstain", "qa.aspects", "qa.facts", "qa.senses", "qa.types", "qa.values"},
    "qa.explain": {"index.types", "qa.kinds", "qa.types", "qa.wording"},
    "qa.facts": {"index.words", "snowballstemmer"},
    "qa.identity": {"index.words", "qa.abstain", "qa.aspects", "qa.facts", "qa.kinds", "qa.types"},
    "qa.kinds": {"qa.dates", "qa.facts", "qa.senses"},
    "qa.overview": {"index.types", "qa.abstain", "qa.facts", "qa.kinds", "qa.types"},
    "qa.parse": {"qa.types"},
    "qa.prompt": {"qa.kinds", "qa.types"},
    "qa.record": {"qa.types"},
    "qa.senses": {"qa.facts"},
    "qa.steps": {"qa.compare", "qa.facts", "qa.kinds"},
    "qa.turns": set(),
    "qa.values": {"qa.facts"},
    "qa.export": {"qa.record", "qa.types"},
    "qa.why": {"qa.types"},
    "qa.wording": set(),
    "qa.web.line": set(),
    "qa.web.view": {"index.types", "qa.export", "qa.record", "qa.types", "qa.why"},
    "qa.web.reading": {"index.types", "qa.export", "qa.web.view"},
    "qa.web.panels": {"index.types", "qa.export", "qa.record", "qa.web.view"},
    "evals.types": {"qa.types"},
    "evals.metrics": {"evals.types"},
}
# Frameworks, each in the files that know it and in no other.
AT_HOME: dict[str, set[str]] = {
    "chromadb": {"index.vectors"},
    "gguf": {"evals.train_adapter"},
    "gradio": {"qa.web.handlers", "qa.web.page", "qa.web.panes"},
    "jinja2": {"evals.report"},
    "llama_index": {"evals.stock", "qa.llamaindex"},
    "nupunkt": {"index.sentences"},
    "onnx": {"evals.train_reader"},
    "onnxruntime": {"evals.train_reader", "index.onnx"},
    "sentence_transformers": {"index.embed"},
    "sqlite3": {"index.catalogue", "qa.conversations"},
    "starlette": {"qa.web.page"},
    "tokenizers": {"index.onnx"},
    "torch": {"evals.train_adapter", "evals.train_reader"},
    "trafilatura": {"index.loaders.html"},
    "transformers": {"evals.train_adapter"},
    "xllamacpp": {"qa.backends.llama_server"},
    "yaml": {"index.loaders.text"},
}
# What takes long to load, or may not be installed: nothing that a command imports at its start may load one of these.
HEAVY = (
    "chromadb",
    "gradio",
    "llama_index",
    "nupunkt",
    "onnxruntime",
    "sentence_transformers",
    "tokenizers",
    "torch",
    "trafilatura",
    "transformers",
    "xllamacpp",
)


@dataclass(frozen=True)
class Import:
    importer: str  # our module, dotted
    name: str  # what is imported, dotted, as far as it is a module
    lazy: bool  # inside a function
    typing: bool  # only for the type checker

    @property
    def top(self) -> str:
        return self.name.partition(".")[0]


def our_modules() -> dict[str, Path]:
    files = [ROOT / "app.py", *(file for package in OURS[:3] for file in sorted((ROOT / package).rglob("*.py")))]
    return {".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file for file in files}


MODULES = our_modules()


def imports_of(importer: str, source: str) -> Iterator[Import]:
    def visit(node: ast.AST, *, lazy: bool, typing: bool) -> Iterator[Import]:
        match node:
            case ast.Import(names=names):
                for one in names:
                    yield Import(importer, one.name, lazy, typing)
            case ast.ImportFrom(module=module, names=names, level=level):
                assert level == 0, f"{importer} imports relatively"
                for (
                    one
                ) in names:  # `from qa import chat` imports a module, `from qa.chat import standalone` a name of one
                    whole = f"{module}.{one.name}"
                    yield Import(importer, whole if whole in MODULES else str(module), lazy, typing)
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                for child in node.body:
                    yield from visit(child, lazy=lazy, typing=True)
                for child in node.orelse:
                    yield from visit(child, lazy=lazy, typing=typing)
            case _:
                inside = lazy or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
                for below in ast.iter_child_nodes(node):
                    yield from visit(below, lazy=inside, typing=typing)

    yield from visit(ast.parse(source), lazy=False, typing=False)


IMPORTS = [one for name, file in MODULES.items() for one in imports_of(name, file.read_text(encoding="utf-8"))]


def below(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def test_the_reader_of_imports_sees_every_kind() -> None:
    source = """
from __future__ import annotations
import json
from qa import chat
from qa.chat import standalone
if TYPE_CHECKING:
    import gradio
def late():
    class Inner:
        from chromadb.config import Settings
"""
    assert [(one.name, one.lazy, one.typing) for one in imports_of("x", source)] == [
        ("__future__", False, False),
        ("json", False, False),
        ("qa.chat", False, False),
        ("qa.chat", False, False),
        ("gradio", False, True),
        ("chromadb.config", True, False),
    ]


@pytest.mark.parametrize(
    ("package", "forbidden", "except_for"),
    [
        ("index", ("qa", "evals", "app"), set()),
        ("qa", ("evals", "app"), {("qa.cli", "app")}),  # `article-qa serve` starts the page
        (
            "qa.web",
            ("qa.answer", "qa.settings", "qa.cli", "qa.backends", "qa.llm", "index.library", "index.catalogue"),
            set(),
        ),
        # What asks a model for the chances of "yes" and "no" runs it by itself: `qa.llm` gives no chances.
        ("evals", ("app", "qa.web", "qa.cli", "qa.backends"), {("evals.support", "qa.backends.child")}),
        ("app", ("evals", "qa.cli", "index.catalogue"), set()),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_imports_point_one_way(package: str, forbidden: tuple[str, ...], except_for: set[tuple[str, str]]) -> None:
    wrong = [
        f"{one.importer} imports {one.name}"
        for one in IMPORTS
        if below(one.importer, package)
        and any(below(one.name, other) for other in forbidden)
        and (one.importer, one.name) not in except_for
    ]
    assert not wrong


def test_only_app_and_the_page_itself_know_the_page() -> None:
    users = {one.importer for one in IMPORTS if below(one.name, "qa.web") and not below(one.importer, "qa.web")}
    assert users == {"app"}


def test_no_module_knows_the_tests() -> None:
    assert [one for one in IMPORTS if one.top in ("tests", "pytest", "hypothesis")] == []


@pytest.mark.parametrize("module", PURE)
def test_pure_modules_import_values_and_the_standard_library_alone(module: str) -> None:
    assert module in MODULES, f"{module} has moved: mend PURE"
    mine = [one for one in IMPORTS if one.importer == module]
    outside = {one.name for one in mine if one.top not in sys.stdlib_module_names}
    assert outside <= PURE[module]
    at_import = {one.name for one in mine if one.top not in OURS and not one.lazy and not one.typing}
    assert at_import <= sys.stdlib_module_names | {"collections.abc", "importlib.resources", "urllib.parse"}


@pytest.mark.parametrize("framework", AT_HOME)
def test_each_framework_is_known_to_its_own_files_only(framework: str) -> None:
    assert {one.importer for one in IMPORTS if one.top == framework} == AT_HOME[framework]


def test_modules_do_not_import_each_other_in_circles() -> None:
    graph = {
        name: {
            one.name for one in IMPORTS if one.importer == name and one.name in MODULES and not (one.lazy or one.typing)
        }
        for name in MODULES
    }
    order = list(TopologicalSorter(graph).static_order())  # raises CycleError, which names the circle
    assert order.index("index.types") < order.index("index.library") < order.index("qa.answer") < order.index("app")


@pytest.mark.parametrize(
    "module", ["qa.cli", "qa.answer", "index.library", "index.weights", "qa.web.view", "evals.run", "app"]
)
def test_importing_loads_nothing_heavy(module: str) -> None:
    program = f"import sys, {module}; print(*(name for name in {HEAVY!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
