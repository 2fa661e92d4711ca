"""The model files: which there are, where they lie, how they get here. Only `fetch` opens a connection."""

from index.weights.cache import cache_dir, installed, path, size, verify
from index.weights.fetcher import fetch
from index.weights.models import DEFAULT, MODELS, Model, ModelFile

__all__ = ["DEFAULT", "MODELS", "Model", "ModelFile", "cache_dir", "fetch", "installed", "path", "size", "verify"]
