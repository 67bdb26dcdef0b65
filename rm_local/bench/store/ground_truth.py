"""Exact search: the rows that are truly nearest, by float32 over all of a made-up corpus."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np

from rm_local.arrays import Floats, Ids
from rm_local.bench.corpus.synthetic import SyntheticSource

K = 10


def exact(source: SyntheticSource, queries: Floats, processes: int) -> Ids:
    """(q, K): for each of `queries`, (q, d), the numbers of its nearest rows, nearest first."""
    parts = [range(first, source.blocks, processes) for first in range(processes)]
    nearest = partial(_nearest, source, queries)
    if processes == 1:
        found = [nearest(parts[0])]
    else:
        with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
            found = list(pool.map(nearest, parts))
    best, ids = (np.concatenate(each, axis=1) for each in zip(*found, strict=True))
    return np.take_along_axis(ids, np.argsort(-best, axis=1, kind="stable")[:, :K], axis=1)


def subproblems(source: SyntheticSource, rows: Ids) -> dict[int, str]:
    """The subproblem of each of these rows, which no other row has."""
    wanted = np.unique(rows)
    blocks = wanted // source.block_rows
    found: dict[int, str] = {}
    for number in np.unique(blocks).tolist():
        entries = source.entries(number)
        for row in wanted[blocks == number].tolist():
            found[row] = entries[row % source.block_rows].subproblem
    return found


def _nearest(source: SyntheticSource, queries: Floats, blocks: Sequence[int]) -> tuple[Floats, Ids]:
    """Similarities and numbers, (q, K), of the nearest rows among those of `blocks`."""
    best = np.full((len(queries), K), -np.inf, np.float32)
    ids = np.zeros((len(queries), K), np.int64)
    for number in blocks:
        scores = queries @ source.vectors(number).T
        # Few rows of a block are among the best: only their queries are looked at again.
        for query in np.flatnonzero((scores > best[:, -1:]).any(axis=1)).tolist():
            better = np.flatnonzero(scores[query] > best[query, -1])
            held = np.concatenate([best[query], scores[query, better]])
            rows = np.concatenate([ids[query], number * source.block_rows + better])
            top = np.argsort(-held, kind="stable")[:K]
            best[query], ids[query] = held[top], rows[top]
    return best, ids
