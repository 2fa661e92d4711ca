"""What models.toml says, as values."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from index.errors import WeightsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Part:
    """One stretch of a file, as a member of a wheel of the package index."""

    wheel: str  # a pinned requirement, "name==version"
    member: str  # path inside the wheel
    size: int  # bytes
    sha256: str  # hex


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of a model."""

    name: str  # path inside the model's folder, "/" between folders
    size: int  # bytes
    sha256: str  # hex
    hub: str | None  # what follows the hub's host; None: no hub file with this digest is known
    package: tuple[Part, ...]  # joined in order they are the file; empty: in no package


@dataclass(frozen=True, slots=True)
class Model:
    """A model as a set of pinned files."""

    name: str
    use: str
    origin: str  # the published model that the files were made from
    licence: str  # SPDX
    default: bool  # the default configuration needs it
    sources: tuple[str, ...]  # tried in this order for every file: "local", "hub", "package"
    files: tuple[ModelFile, ...]

    @property
    def folder(self) -> str:
        """Name of the model's folder; other digests give another one, so no old file can be taken for a new one."""
        pins = "\n".join(f"{file.sha256}  {file.name}" for file in self.files)
        return f"{self.name}-{hashlib.sha256(pins.encode()).hexdigest()[:12]}"

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(file.size for file in self.files)


def read_models(text: str) -> dict[str, Model]:
    """Return the models of a TOML text, in its order. Raises TypeError where a field is missing or unknown."""
    return {raw["name"]: _model(**raw) for raw in tomllib.loads(text)["model"]}


def _model(*, file: list[dict[str, Any]], sources: list[str], **rest: Any) -> Model:  # noqa: ANN401
    return Model(**rest, sources=tuple(sources), files=tuple(_file(**raw) for raw in file))


def _file(
    *, name: str, size: int, sha256: str, hub: str | None = None, package: Sequence[dict[str, Any]] = ()
) -> ModelFile:
    whole = {"size": size, "sha256": sha256}  # a file in one part is that part
    return ModelFile(name, size, sha256, hub, tuple(Part(**{**whole, **raw}) for raw in package))


MODELS: Mapping[str, Model] = read_models(Path(__file__).with_name("models.toml").read_text(encoding="utf-8"))
DEFAULT: tuple[str, ...] = tuple(model.name for model in MODELS.values() if model.default)


def get_model(name: str) -> Model:
    """Return the model of that name. Raises WeightsError if there is none."""
    if name not in MODELS:
        raise WeightsError(f"no model is called {name!r}: the models are {', '.join(MODELS)}")
    return MODELS[name]
