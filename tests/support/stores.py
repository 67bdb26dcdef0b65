"""Small stores with made-up vectors."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rm_local.records import Entry
from rm_local.store.build.source import EntryBatch
from rm_local.store.format import EmbedderId
from rm_local.store.store import Store

TOY = EmbedderId("toy", 16, "0" * 64)


def vectors(count: int, *, dimension: int = 16, seed: int = 0) -> NDArray[np.float32]:
    """(count, dimension), rows of length 1, always the same."""
    return normalize_rows(np.random.default_rng(seed).normal(size=(count, dimension)))


def entries(count: int) -> list[Entry]:
    """Entries in two domains and three sources."""
    return [
        Entry(
            f"How to find the zorb{place} of two numbers?",
            f"I should first add {place} to both, then multiply them.",
            domain=("math", "code")[place % 2],
            source=f"test/{place % 3}",
        )
        for place in range(count)
    ]


def toy_store(path: Path, count: int = 12) -> Path:
    """A closed store at `path` with `count` entries; entry i has vector i - 1."""
    with Store.create(path, embedder=TOY) as store:
        store.add_entries(entries(count), vectors(count))
    return path


def topics(
    rows: int, *, dimension: int = 384, count: int = 100, spread: float = 0.8, seed: int = 0
) -> NDArray[np.float32]:
    """(rows, dimension), of length 1, each around one of `count` topics: `spread` away from it."""
    rng = np.random.default_rng(seed)
    centres = vectors(count, dimension=dimension, seed=seed + 1)
    noise = rng.normal(size=(rows, dimension)) * spread / dimension**0.5
    return normalize_rows(centres[rng.integers(0, count, rows)] + noise)


def normalize_rows(rows: NDArray[np.floating]) -> NDArray[np.float32]:
    """`rows`, (n, d), each made to length 1."""
    scaled: NDArray[np.floating] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return scaled.astype(np.float32)


@dataclass(frozen=True)
class MadeSource:
    """Distinct entries around topics, for a bulk build; each knows its place by its text."""

    rows: int
    dimension: int = 64
    block_rows: int = 500

    @property
    def fingerprint(self) -> str:
        """Of what they are made from."""
        return f"made {self.dimension}"

    @cached_property
    def vectors(self) -> NDArray[np.float32]:
        """(rows, dimension)."""
        return topics(self.rows, dimension=self.dimension, count=max(4, self.rows // 100))

    @cached_property
    def entries(self) -> list[Entry]:
        """In the order of `vectors`."""
        return entries(self.rows)

    def read_block(self, number: int) -> EntryBatch:
        """Rows from `number * block_rows` on."""
        part = slice(number * self.block_rows, (number + 1) * self.block_rows)
        return self.entries[part], self.vectors[part]
