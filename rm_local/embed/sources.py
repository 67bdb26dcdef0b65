"""Vectors from files, as a bulk build or an import reads them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rm_local.errors import UsageError

CHECKED_ROWS = 4096
"""Vectors that are looked at together."""


def check_vectors(
    path: Path, rows: int, dimension: int, report: Callable[[int, int], None] = lambda *_: None
) -> None:
    """UsageError: the .npy file is not one vector of `dimension` for each of `rows` entries.

    Reads all of it, as a row without direction would stop the build late.
    """
    vectors = _mapped(path)
    if vectors.shape != (rows, dimension):
        raise UsageError(
            f"{path} has the shape {vectors.shape}, not ({rows}, {dimension}): "
            f"{rows:,} entries, and an embedder of {dimension} dimensions.",
            "Give the vectors of these entries, in their order, by this embedder.",
        )
    for start in range(0, rows, CHECKED_ROWS):
        block = np.asarray(vectors[start : start + CHECKED_ROWS], dtype=np.float32)
        lengths = np.einsum("ij,ij->i", block, block)
        wrong = np.flatnonzero(~np.isfinite(lengths) | (lengths == 0))
        if len(wrong):
            raise UsageError(
                f"{path}, row {start + wrong[0]}: the vector is zero or not finite.",
                "Embed that entry again; rows are counted from 0.",
            )
        report(min(start + CHECKED_ROWS, rows), rows)


def _mapped(path: Path) -> NDArray[np.floating]:
    try:
        vectors = np.load(path, mmap_mode="r", allow_pickle=False)
        if not isinstance(vectors, np.ndarray) or vectors.dtype.kind != "f":
            raise ValueError("it holds no array of floating-point numbers")
    except (OSError, ValueError, EOFError) as error:
        raise UsageError(
            f"{path} cannot be read as a .npy file: {error}.", "Write it with numpy.save."
        ) from None
    return vectors
