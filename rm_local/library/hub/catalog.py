"""Public models that are good to reason with, by the memory that they need. Data, no network."""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources

from rm_local.errors import UsageError

CLASSES = (2, 4, 8, 12, 16, 24, 32)
"""GB of memory that machines have; whatever needs more is of the last class, 48 and more."""

LARGEST_MEMORY = 48
TOKENS = 16384
"""The context that the memory is reckoned for."""

COMPUTE = 0.4
"""GB for llama.cpp's buffers, about."""


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """One model of the catalog."""

    name: str
    repo: str
    quant: str
    gb: float
    """1e9 bytes of its files."""
    parameters: float
    """In 1e9."""
    cache: tuple[int, int, int]
    """Layers with attention, heads of keys and values, values a head."""
    licence: str
    """An SPDX expression."""
    good_at: str

    @property
    def memory(self) -> float:
        """GB that it needs with a context of TOKENS, its cache in 16 bits; about."""
        layers, heads, width = self.cache
        return self.gb + COMPUTE + TOKENS * layers * heads * width * 2 * 2 / 1e9

    @property
    def memory_class(self) -> int:
        """The smallest of CLASSES that it fits in, or LARGEST."""
        return next((size for size in CLASSES if self.memory <= size), LARGEST_MEMORY)


@dataclass(frozen=True, slots=True)
class Catalog:
    """All of them, and the day on which the facts were gathered."""

    gathered: date
    entries: tuple[CatalogEntry, ...]


@cache
def load_catalog() -> Catalog:
    """The catalog that comes along, the smallest memory first."""
    text = resources.files("rm_local.library.hub").joinpath("catalog.toml").read_text("utf-8")
    held = tomllib.loads(text)
    entries = [CatalogEntry(**{**each, "cache": tuple(each["cache"])}) for each in held["model"]]
    return Catalog(held["gathered"], tuple(sorted(entries, key=lambda entry: entry.memory)))


def find_catalog_entry(name: str) -> CatalogEntry:
    """The entry of that name, in any case. UsageError with the nearest names when there is none."""
    entries = {entry.name: entry for entry in load_catalog().entries}
    if found := entries.get(name.lower()):
        return found
    near = difflib.get_close_matches(name.lower(), entries, n=3, cutoff=0.5)
    hint = f"Did you mean {', '.join(near)}? " if near else ""
    raise UsageError(
        f"The catalog has no model {name!r}.",
        f"{hint}See `rm-local models catalog`, or give ORG/REPO.",
    )
