"""Small stores with made-up vectors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rm_local.memory.format import EmbedderId
from rm_local.memory.store import Store
from rm_local.records import Entry

TOY = EmbedderId("toy", 16, "0" * 64)


def vectors(count: int, *, dimension: int = 16, seed: int = 0) -> NDArray[np.float32]:
    """(count, dimension), rows of length 1, always the same."""
    rows = np.random.default_rng(seed).normal(size=(count, dimension))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


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
        store.add(entries(count), vectors(count))
    return path
