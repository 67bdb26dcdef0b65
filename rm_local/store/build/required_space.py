"""How much disk a build needs, told before it starts."""

from __future__ import annotations

from pathlib import Path

from rm_local.disk_space import require_free
from rm_local.errors import StoreError
from rm_local.store.build.columns import LEVEL
from rm_local.store.build.train import Trained

FIXED = 32 << 20
"""Bytes for centres, dictionary, journal and half-filled pages, whatever the number of rows."""

CHUNK_FILL, PAGE_FILL = 0.85, 0.95
"""Shares of a chunk and of a page that hold something (STORE 3.1, 5.5)."""

WORD_BYTES = 8
"""Of the index of rare words, for each row."""


def bytes_needed(rows: int, dimension: int, text_bytes: float, raw_bytes: float) -> int:
    """The most bytes that a build of `rows` takes at any moment, about.

    The spilled file of a group goes when the group is written, so it is the larger of the two.
    """
    spilled = rows * (dimension / 8 + dimension + 20 + raw_bytes / (1 + LEVEL))
    codes = (dimension / 8 + 16) / CHUNK_FILL
    stored = rows * (codes + (0.8 * dimension + 19 + text_bytes) / PAGE_FILL + WORD_BYTES)
    return FIXED + round(max(spilled, stored))


def check_room(folder: Path, rows: int, trained: Trained) -> None:
    """StoreError: the disk of `folder` has not enough room; what is in it already counts."""
    dimension = trained.clusters.centroids.shape[1]
    needed = bytes_needed(rows, dimension, trained.text_bytes, trained.raw_bytes)
    held = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    require_free(folder.parent, needed, "The build", already_used=held, error=StoreError)
