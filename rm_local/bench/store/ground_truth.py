"""Exact float32 search over all rows of a synthetic corpus."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial

import numpy as np

from rm_local.arrays import Floats, Ids
from rm_local.bench.corpus.synthetic import SyntheticSource
from rm_local.progress import ProgressCallback, ProgressMeter, ignore_progress

K = 10
REPORTS = 64
"""Number of parts of the rows, after each of which progress is reported."""


def find_exact_neighbors(
    source: SyntheticSource,
    queries: Floats,
    processes: int,
    report: ProgressCallback = ignore_progress,
) -> Ids:
    """Find the K nearest rows of each of `queries`, an array (q, d).

    Returns the numbers of the rows, nearest first, as an array (q, K).
    """
    number = min(source.blocks, max(processes, REPORTS))
    parts = [range(first, source.blocks, number) for first in range(number)]
    nearest = partial(_search_blocks, source, queries)
    meter = ProgressMeter(report, "compare all rows", source.blocks * source.block_rows)
    found: list[tuple[Floats, Ids]] = []
    done = 0
    with _open_parallel_map(processes) as map_parts:
        for part, result in zip(parts, map_parts(nearest, parts), strict=True):
            found.append(result)
            done += len(part)
            meter.report_units_done(done * source.block_rows)
    best, ids = (np.concatenate(each, axis=1) for each in zip(*found, strict=True))
    return np.take_along_axis(ids, np.argsort(-best, axis=1, kind="stable")[:, :K], axis=1)


@contextmanager
def _open_parallel_map(processes: int) -> Iterator[Callable[..., Iterable[tuple[Floats, Ids]]]]:
    """Yield a `map` over new processes, or over this one if one is enough."""
    if processes == 1:
        yield map
        return
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        yield pool.map


def collect_subproblems(source: SyntheticSource, rows: Ids) -> dict[int, str]:
    """Return the subproblem of each row in `rows`, by the row's number; no two rows share one."""
    wanted = np.unique(rows)
    blocks = wanted // source.block_rows
    found: dict[int, str] = {}
    for number in np.unique(blocks).tolist():
        entries = source.make_block_entries(number)
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
