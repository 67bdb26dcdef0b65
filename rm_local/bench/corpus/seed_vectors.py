"""Embeddings of real sentences (anchors), the centres of random synthetic vectors.

Made once for a corpus and kept next to its sentences, in `anchors/`. `vectors.npy`, an array
(n, d), and `queries.npy`, an array (held out, d), have float32 rows of length 1; `near.npy`, an
int32 array (n, 32), has the nearest other anchors of each anchor, nearest first.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rm_local.arrays import Floats
from rm_local.embed import TextEmbedder, embed_in_steps
from rm_local.errors import RmLocalError
from rm_local.files import rename_and_sync_parent
from rm_local.progress import ProgressCallback, ProgressMeter

NEIGHBORS = 32
COMPARED_AT_ONCE = 256
FOLDER = "anchors"


@dataclass(frozen=True)
class AnchorEmbeddings:
    """Embeddings of real sentences (the anchors), and the nearest other anchors of each.

    The arrays are memory-mapped, so that processes share them in the page cache.
    """

    vectors: Floats
    """An array (n, d) with rows of length 1."""
    near: NDArray[np.int32]
    """An array (n, NEIGHBORS): the numbers of the nearest other anchors, nearest first."""
    queries: Floats
    """An array (held out, d): embeddings of sentences outside the anchors."""


@lru_cache(maxsize=2)
def open_anchor_embeddings(folder: Path) -> AnchorEmbeddings:
    """Open the anchors of the corpus in `folder`.

    Raises:
        RmLocalError: The anchors have not been made, or are damaged.
    """
    place = folder / FOLDER
    try:
        vectors, near, queries = (
            np.load(place / f"{name}.npy", mmap_mode="r") for name in ("vectors", "near", "queries")
        )
    except FileNotFoundError:
        raise RmLocalError(f"{folder} has no embeddings yet.", "Make them first.") from None
    except (OSError, ValueError, EOFError) as error:
        raise RmLocalError(f"{place} cannot be read: {error}.", f"Remove {place}.") from None
    return AnchorEmbeddings(vectors, near, queries)


def write_anchor_files_if_missing(
    folder: Path,
    anchors: Sequence[str],
    held_out: Sequence[str],
    embedder: TextEmbedder,
    report: ProgressCallback,
) -> None:
    """Embed `anchors` and `held_out`, sentences, and write the files for `open_anchor_embeddings`.

    Does nothing if the files exist in the corpus `folder`. An interrupted call leaves none.
    """
    place = folder / FOLDER
    if place.exists():
        return
    part = place.with_name(f"{FOLDER}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    meter = ProgressMeter(report, "embed", len(held_out) + len(anchors))
    vectors = embed_in_steps(embedder, [*held_out, *anchors], meter.report_units_done)
    np.save(part / "queries.npy", vectors[: len(held_out)])
    np.save(part / "vectors.npy", vectors[len(held_out) :])
    np.save(part / "near.npy", find_neighbors(vectors[len(held_out) :], NEIGHBORS, report))
    rename_and_sync_parent(part, place)


def find_neighbors(vectors: Floats, count: int, report: ProgressCallback) -> NDArray[np.int32]:
    """Return an array (n, count): the numbers of each row's nearest other rows, nearest first."""
    found = np.empty((len(vectors), count), np.int32)
    meter = ProgressMeter(report, "compare", len(vectors))
    for start in range(0, len(vectors), COMPARED_AT_ONCE):
        scores = vectors[start : start + COMPARED_AT_ONCE] @ vectors.T
        own = np.arange(len(scores))
        scores[own, start + own] = -np.inf
        best = np.argpartition(scores, -count, axis=1)[:, -count:]
        order = np.argsort(-np.take_along_axis(scores, best, 1), axis=1, kind="stable")
        found[start : start + len(scores)] = np.take_along_axis(best, order, 1)
        meter.report_units_done(start + len(scores))
    return found
