"""Calibrates a store: the cheapest parameters that find nearly what a thorough search finds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rm_local.arrays import Floats, Ids
from rm_local.store.index.ivf import MAX_CANDIDATES
from rm_local.store.index.search import SCANNED_ROWS, Searcher
from rm_local.store.request import SearchRequest
from rm_local.store.sqlite import connection as sqlite, tables
from rm_local.store.sqlite.meta import SearchParams, read_meta, write_value
from rm_local.store.sqlite.reader_pool import ReaderPool, read_transaction

K = 10
AGREEMENT = 0.97
"""Share of a thorough search's ten nearest that the chosen parameters find at least."""

THOROUGH = 6
"""Times as many clusters as by default are scanned."""

PROBES = (1, 1.25, 1.5, 2, 3)
"""Multiples of the default nprobe that are tried: real questions are harder than any that a sample
gives, so never fewer."""
CANDIDATES = (1, 1.25, 1.5, 2)
"""Multiples of the default candidates likewise."""

ROW_COST, CANDIDATE_COST = 0.04, 3.7
"""Microseconds for a row whose bits are compared, and for one whose code is (docs/format.md)."""


def calibrate(part: Path, questions: Floats) -> None:
    """Write the cheapest parameters that find what a thorough search finds into the store `part`.

    `questions` are points between rows of the store, (n, d), of length 1.
    """
    with sqlite.open_connection(part, "write") as connection:
        size = tables.count_entries(connection)
        meta = read_meta(connection)
        readers = ReaderPool(connection, part)
        searcher = Searcher(connection, readers, meta)
        clusters = len(searcher.centroids)
        if size > SCANNED_ROWS and clusters > 1:
            with read_transaction(connection):
                params = _cheapest(searcher, meta.search_params, questions, size / clusters)
            with tables.write_transaction(connection):
                for key, value in params.meta_values().items():
                    write_value(connection, key, value)
        readers.close()
    connection.close()


def _cheapest(
    searcher: Searcher, usual: SearchParams, questions: Floats, cluster_rows: float
) -> SearchParams:
    thorough = SearchParams(THOROUGH * usual.nprobe, MAX_CANDIDATES)
    searcher.params = thorough
    wanted = [_nearest(searcher, unit) for unit in questions]
    found: list[tuple[float, SearchParams]] = []
    for share in PROBES:
        nprobe = max(round(share * usual.nprobe), 1)
        searcher.params = SearchParams(nprobe, round(max(CANDIDATES) * usual.candidates))
        nearest = [searcher.find_candidates(SearchRequest(unit)) for unit in questions]
        for params, agreement in _params_tried(usual, nprobe, nearest, wanted):
            if agreement >= AGREEMENT:
                cost = nprobe * cluster_rows * ROW_COST + params.candidates * CANDIDATE_COST
                found.append((cost, params))
                break
    return min(found, key=lambda each: each[0])[1] if found else thorough


def _params_tried(
    usual: SearchParams, nprobe: int, nearest: list[Ids], wanted: list[set[int]]
) -> Iterator[tuple[SearchParams, float]]:
    """Parameters with ever more candidates, and the share of the wanted rows among these."""
    total = sum(map(len, wanted)) or 1
    for candidates in (round(share * usual.candidates) for share in CANDIDATES):
        held = sum(
            len(ids.intersection(found[:candidates].tolist()))
            for found, ids in zip(nearest, wanted, strict=True)
        )
        yield SearchParams(nprobe, candidates), held / total


def _nearest(searcher: Searcher, unit: Floats) -> set[int]:
    """Ids of the ten nearest."""
    return {hit.id for hit in searcher.search(SearchRequest(unit, k=K))}
