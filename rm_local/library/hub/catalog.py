"""The shipped catalog of public models, ordered by the memory that they need."""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources

from rm_local.errors import UsageError

CLASSES = (2, 4, 8, 12, 16, 24, 32)
"""Usual memory sizes of machines in GB; larger models are in the class LARGEST_MEMORY."""

LARGEST_MEMORY = 48
"""Memory class, in GB, of models that need more than the largest of CLASSES."""
TOKENS = 16384
"""Context length in tokens for which the memory of catalog entries is estimated."""

COMPUTE = 0.4
"""Approximate GB that llama.cpp's compute buffers take, in addition to weights and cache."""


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """A model in the catalog that can be downloaded from the hub."""

    name: str
    repo: str
    quant: str
    """Quantization to download, such as `Q4_K_M`."""
    gb: float
    """Size of the files in 1e9 bytes."""
    parameters: float
    """Number of parameters in 1e9."""
    cache: tuple[int, int, int]
    """Numbers of attention layers, of key-value heads, and of values per head; for the KV cache."""
    licence: str
    """Licence of the model, as an SPDX expression."""
    good_at: str
    """What the model does well, in a few words for the user."""
    thinks: bool = True
    """Whether the model thinks before it answers."""

    @property
    def estimated_memory_gb(self) -> float:
        """Approximate memory in GB with a context of TOKENS and a 16-bit cache."""
        layers, heads, width = self.cache
        return self.gb + COMPUTE + TOKENS * layers * heads * width * 2 * 2 / 1e9

    @property
    def memory_class(self) -> int:
        """The smallest of CLASSES, in GB, that suffices for the model; or LARGEST_MEMORY."""
        return next((size for size in CLASSES if self.estimated_memory_gb <= size), LARGEST_MEMORY)


@dataclass(frozen=True, slots=True)
class Catalog:
    """The entries of the shipped catalog, and the date on which their data were gathered."""

    gathered: date
    entries: tuple[CatalogEntry, ...]


@cache
def load_catalog() -> Catalog:
    """Load the shipped catalog; the model that needs the least memory comes first."""
    text = resources.files("rm_local.library.hub").joinpath("catalog.toml").read_text("utf-8")
    data = tomllib.loads(text)
    entries = [CatalogEntry(**{**each, "cache": tuple(each["cache"])}) for each in data["model"]]
    return Catalog(
        data["gathered"], tuple(sorted(entries, key=lambda entry: entry.estimated_memory_gb))
    )


def find_catalog_entry(name: str) -> CatalogEntry:
    """Find the entry of the model `name` in the catalog, ignoring case.

    Raises:
        UsageError: There is no such entry; the remedy has the nearest names.
    """
    entries = {entry.name: entry for entry in load_catalog().entries}
    if found := entries.get(name.lower()):
        return found
    near = difflib.get_close_matches(name.lower(), entries, n=3, cutoff=0.5)
    hint = f"Did you mean {', '.join(near)}? " if near else ""
    raise UsageError(
        f"The catalog has no model {name!r}.",
        f"{hint}See `rm-local models catalog`, or give ORG/REPO.",
    )
