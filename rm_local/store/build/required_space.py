"""Estimates the disk space for a build before it starts."""

from __future__ import annotations

from pathlib import Path

from rm_local.disk_space import require_free
from rm_local.errors import StoreError
from rm_local.store.build.columns import LEVEL
from rm_local.store.build.train import TrainedParams

FIXED = 32 << 20
"""Bytes for centroids, dictionaries, journal and partly filled pages, independent of the rows."""

CHUNK_FILL, PAGE_FILL = 0.85, 0.95
"""Average used shares of a chunk and of a page."""

WORD_BYTES = 8
"""Bytes of the rare-word index per row."""


def estimate_build_bytes(rows: int, dimension: int, text_bytes: float, raw_bytes: float) -> int:
    """Estimate the maximum bytes on disk during a build of `rows` rows.

    The spilled file of a group is removed after the group is written, so only the larger of the
    spilled and the written form counts.
    """
    spilled = rows * (dimension / 8 + dimension + 20 + raw_bytes / (1 + LEVEL))
    codes = (dimension / 8 + 16) / CHUNK_FILL
    stored = rows * (codes + (0.8 * dimension + 19 + text_bytes) / PAGE_FILL + WORD_BYTES)
    return FIXED + round(max(spilled, stored))


def check_build_space(folder: Path, rows: int, trained: TrainedParams) -> None:
    """Check that the disk has space for the build. Existing files in `folder` count as free.

    Raises:
        StoreError: The disk is too small.
    """
    dimension = trained.clusters.centroids.shape[1]
    needed = estimate_build_bytes(rows, dimension, trained.text_bytes, trained.raw_bytes)
    held = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    require_free(folder.parent, needed, "The build", already_used=held, error=StoreError)
