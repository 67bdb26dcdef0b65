"""Estimates the disk space that a bulk build needs, and checks that it is free."""

from __future__ import annotations

from pathlib import Path

from rm_local.disk_space import require_free_bytes
from rm_local.errors import StoreError
from rm_local.store.build.columns import LEVEL
from rm_local.store.build.train import TrainedParams

FIXED = 32 << 20
"""Bytes on disk that do not depend on the number of entries: centroids, dictionaries, journal,
partly filled pages."""

CHUNK_FILL, PAGE_FILL = 0.85, 0.95
"""Average share of a chunk's slots, and of a page's bytes, that is in use."""

WORD_BYTES = 8
"""Bytes on disk of the word index for one entry, on average."""


def estimate_build_bytes(rows: int, dimension: int, text_bytes: float, raw_bytes: float) -> int:
    """Estimate the maximum bytes on disk during a build of `rows` entries.

    `text_bytes` and `raw_bytes` are the average bytes of an entry's texts, compressed and
    uncompressed. Spilled rows are removed when they are written into the store, so only the larger
    of the two forms counts.
    """
    spilled = rows * (dimension / 8 + dimension + 20 + raw_bytes / (1 + LEVEL))
    codes = (dimension / 8 + 16) / CHUNK_FILL
    stored = rows * (codes + (0.8 * dimension + 19 + text_bytes) / PAGE_FILL + WORD_BYTES)
    return FIXED + round(max(spilled, stored))


def check_build_space(folder: Path, rows: int, trained: TrainedParams) -> None:
    """Check that the disk of `folder` has space for a build of `rows` entries.

    The present files in `folder` belong to the build, so their size counts as free.

    Raises:
        StoreError: The disk is too small.
    """
    dimension = trained.clusters.centroids.shape[1]
    needed = estimate_build_bytes(rows, dimension, trained.text_bytes, trained.raw_bytes)
    held = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    require_free_bytes(folder.parent, needed, "The build", already_used=held, error=StoreError)
