"""Setting a store's dial: how much a search must ask to find nearly what a thorough one finds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rm_local.store.codec.quantize import Floats
from rm_local.store.index.ivf import MOST_CANDIDATES
from rm_local.store.index.search import SCANNED_ROWS, Query, Searcher
from rm_local.store.sqlite import connection as sqlite
from rm_local.store.sqlite import tables
from rm_local.store.sqlite.meta import Dial, put, read_meta
from rm_local.store.sqlite.reader_pool import Readers, reading

K = 10
AGREEMENT = 0.97
"""Share of a thorough search's ten nearest that the set dial finds at least."""

THOROUGH = 6
"""Times as many clusters as the default dial asks."""

PROBES = (1, 1.25, 1.5, 2, 3)
"""Of the default dial's clusters, what is tried: real questions are harder than any that a sample
gives, so never fewer."""
CANDIDATES = (1, 1.25, 1.5, 2)
"""Of its candidates likewise."""

ROW_COST, CANDIDATE_COST = 0.04, 3.7
"""Microseconds for a row whose bits are compared, and for one whose code is (docs/format.md)."""

Ids = NDArray[np.int64]


def calibrate(part: Path, questions: Floats) -> None:
    """Write into the store `part` the cheapest dial that finds what a thorough search finds.

    `questions` are points between rows of the store, (n, d), of length 1.
    """
    with sqlite.opened(part, "write") as connection:
        size = tables.count(connection)
        meta = read_meta(connection)
        readers = Readers(connection, part)
        searcher = Searcher(connection, readers, meta)
        clusters = len(searcher.centroids)
        if size > SCANNED_ROWS and clusters > 1:
            with reading(connection):
                dial = _cheapest(searcher, meta.dial, questions, size / clusters)
            with tables.writing(connection):
                for key, value in dial.values().items():
                    put(connection, key, value)
        readers.close()
    connection.close()


def _cheapest(searcher: Searcher, usual: Dial, questions: Floats, cluster_rows: float) -> Dial:
    thorough = Dial(THOROUGH * usual.probes, MOST_CANDIDATES)
    searcher.dial = thorough
    wanted = [_nearest(searcher, unit) for unit in questions]
    found: list[tuple[float, Dial]] = []
    for share in PROBES:
        probes = max(round(share * usual.probes), 1)
        searcher.dial = Dial(probes, round(max(CANDIDATES) * usual.candidates))
        nearest = [searcher.near(Query(unit)) for unit in questions]
        for dial, agreement in _dials(usual, probes, nearest, wanted):
            if agreement >= AGREEMENT:
                cost = probes * cluster_rows * ROW_COST + dial.candidates * CANDIDATE_COST
                found.append((cost, dial))
                break
    return min(found, key=lambda each: each[0])[1] if found else thorough


def _dials(
    usual: Dial, probes: int, nearest: list[Ids], wanted: list[set[int]]
) -> Iterator[tuple[Dial, float]]:
    """Dials of ever more candidates, with the share of the wanted rows that they pass on."""
    total = sum(map(len, wanted)) or 1
    for candidates in (round(share * usual.candidates) for share in CANDIDATES):
        held = sum(
            len(ids.intersection(found[:candidates].tolist()))
            for found, ids in zip(nearest, wanted, strict=True)
        )
        yield Dial(probes, candidates), held / total


def _nearest(searcher: Searcher, unit: Floats) -> set[int]:
    """Ids of the ten nearest."""
    return {hit.id for hit in searcher.search(Query(unit, k=K))}
