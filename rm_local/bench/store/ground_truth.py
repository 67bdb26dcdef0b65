"""Exact float32 search over all rows of a synthetic corpus."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np

from rm_local.arrays import Floats, Ids
from rm_local.bench.corpus.synthetic import SyntheticSource

K = 10


def find_exact_neighbors(source: SyntheticSource, queries: Floats, processes: int) -> Ids:
    """Find the K = 10 nearest rows of each of `queries`, an array (q, d), in several processes.

    Returns the numbers of the rows, nearest first, as an array (q, K).
    """
    parts = [range(first, source.blocks, processes) for first in range(processes)]
    nearest = partial(_search_blocks, source, queries)
    if processes == 1:
        found = [nearest(parts[0])]
    else:
        with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
            found = list(pool.map(nearest, parts))
    best, ids = (np.concatenate(each, axis=1) for each in zip(*found, strict=True))
    return np.take_along_axis(ids, np.argsort(-best, axis=1, kind="stable")[:, :K], axis=1)


def collect_subproblems(source: SyntheticSource, rows: Ids) -> dict[int, str]:
    """Return the subproblem of each row in `rows`, by the row's number; no two rows share one."""
    wanted = np.unique(rows)
    blocks = wanted // source.block_rows
    found: dict[int, str] = {}
    for number in np.unique(blocks).tolist():
        entries = source.make_entries(number)
        for row in wanted[blocks == number].tolist():
            found[row] = entries[row % source.block_rows].subproblem
    return found


def _search_blocks(
    source: SyntheticSource, queries: Floats, blocks: Sequence[int]
) -> tuple[Floats, Ids]:
    """Search the rows of `blocks`; return similarities and numbers of each query's K nearest."""
    best = np.full((len(queries), K), -np.inf, np.float32)
    ids = np.zeros((len(queries), K), np.int64)
    for number in blocks:
        scores = queries @ source.make_vectors(number).T
        # Few rows of a block are among the best, so most queries need no sorting.
        for query in np.flatnonzero((scores > best[:, -1:]).any(axis=1)).tolist():
            better = np.flatnonzero(scores[query] > best[query, -1])
            merged = np.concatenate([best[query], scores[query, better]])
            rows = np.concatenate([ids[query], number * source.block_rows + better])
            top = np.argsort(-merged, kind="stable")[:K]
            best[query], ids[query] = merged[top], rows[top]
    return best, ids
