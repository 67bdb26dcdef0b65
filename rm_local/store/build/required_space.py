"""Estimates the disk space that a build needs, before it starts."""

from __future__ import annotations

from pathlib import Path

from rm_local.disk_space import require_free
from rm_local.errors import StoreError
from rm_local.store.build.columns import LEVEL
from rm_local.store.build.train import TrainedParams

FIXED = 32 << 20
"""Bytes for centroids, dictionaries, journal and partly filled pages, for any number of rows."""

CHUNK_FILL, PAGE_FILL = 0.85, 0.95
"""Used shares of a chunk and of a page, on average."""

WORD_BYTES = 8
"""Bytes of the rare-word index for each row."""


def estimate_bytes(rows: int, dimension: int, text_bytes: float, raw_bytes: float) -> int:
    """Estimate the most bytes that a build of `rows` takes at any moment.

    The spilled file of a group is removed when the group is written, so the larger one counts.
    """
    spilled = rows * (dimension / 8 + dimension + 20 + raw_bytes / (1 + LEVEL))
    codes = (dimension / 8 + 16) / CHUNK_FILL
    stored = rows * (codes + (0.8 * dimension + 19 + text_bytes) / PAGE_FILL + WORD_BYTES)
    return FIXED + round(max(spilled, stored))


def check_build_space(folder: Path, rows: int, trained: TrainedParams) -> None:
    """Raise StoreError when the disk is too small; files already in `folder` count as available."""
    dimension = trained.clusters.centroids.shape[1]
    needed = estimate_bytes(rows, dimension, trained.text_bytes, trained.raw_bytes)
    held = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    require_free(folder.parent, needed, "The build", already_used=held, error=StoreError)
