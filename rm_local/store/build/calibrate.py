"""Calibrates a store: finds the cheapest search parameters that miss few of the nearest entries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import TypeVar

from rm_local.arrays import Floats, Ids
from rm_local.store.index.ivf import MAX_CANDIDATES
from rm_local.store.index.search import SCANNED_ROWS, Searcher
from rm_local.store.request import SearchRequest
from rm_local.store.sqlite import connection as sqlite, tables
from rm_local.store.sqlite.meta import SearchParams, read_meta, write_meta_value
from rm_local.store.sqlite.reader_pool import ReaderPool, read_transaction

Found = TypeVar("Found")
K = 10
AGREEMENT = 0.97
"""Share of the K nearest entries of a thorough search that the chosen parameters have to find."""

THOROUGH = 6
"""Factor on the default number of scanned clusters in the thorough search, the reference."""

PROBES = (1, 1.25, 1.5, 2, 3)
"""Multiples of the default number of scanned clusters that are tried. All are at least 1, because
real questions are harder than queries made from a sample."""
CANDIDATES = (1, 1.25, 1.5, 2)
"""Multiples of the default number of candidates that are tried."""

ROW_COST, CANDIDATE_COST = 0.04, 3.7
"""Microseconds for comparing one row's sign bits with a query, and one candidate's ranking code
(docs/design/search.md)."""


def calibrate_and_save_search_params(
    part: Path, questions: Floats, on_share: Callable[[float], None] = lambda _: None
) -> None:
    """Find the cheapest sufficient search parameters, and write them into the store file `part`.

    They are tried with the queries `questions`, an array (n, d) of unit vectors. A store that is
    small or has one cluster keeps its parameters. `on_share` gets the completed share, 0 to 1.
    """
    with sqlite.open_connection_close_on_error(part, "write") as connection:
        size = tables.count_entries(connection)
        meta = read_meta(connection)
        readers = ReaderPool(connection, part)
        searcher = Searcher(connection, readers, meta)
        clusters = len(searcher.centroids)
        if size > SCANNED_ROWS and clusters > 1:
            with read_transaction(connection):
                params = _try_params_and_choose_cheapest(
                    searcher, meta.search_params, questions, size / clusters, on_share
                )
            with tables.write_transaction(connection):
                for key, value in params.to_meta_values().items():
                    write_meta_value(connection, key, value)
        readers.close_second_connection()
    connection.close()
    on_share(1.0)


def _try_params_and_choose_cheapest(
    searcher: Searcher,
    usual: SearchParams,
    questions: Floats,
    cluster_rows: float,
    on_share: Callable[[float], None],
) -> SearchParams:
    """Return the cheapest tried parameters that find the share AGREEMENT of the nearest entries.

    If none do, return those of the thorough search. `usual` are the defaults, `cluster_rows` the
    average rows of a cluster. The parameters are tried by setting `searcher.params`, which keeps
    the last ones.
    """
    thorough = SearchParams(THOROUGH * usual.nprobe, MAX_CANDIDATES)
    searcher.params = thorough
    searches, total = count(1), len(questions) * (1 + len(PROBES))

    def report_search_done_and_return(found: Found) -> Found:
        on_share(next(searches) / total)
        return found

    wanted = [
        report_search_done_and_return(_search_ids_of_k_nearest(searcher, unit))
        for unit in questions
    ]
    found: list[tuple[float, SearchParams]] = []
    for share in PROBES:
        nprobe = max(round(share * usual.nprobe), 1)
        searcher.params = SearchParams(nprobe, round(max(CANDIDATES) * usual.candidates))
        nearest = [
            report_search_done_and_return(searcher.find_candidates(SearchRequest(unit)))
            for unit in questions
        ]
        for params, agreement in _measure_agreement_by_candidate_count(
            usual, nprobe, nearest, wanted
        ):
            if agreement >= AGREEMENT:
                cost = nprobe * cluster_rows * ROW_COST + params.candidates * CANDIDATE_COST
                found.append((cost, params))
                break
    return min(found, key=lambda each: each[0])[1] if found else thorough


def _measure_agreement_by_candidate_count(
    usual: SearchParams, nprobe: int, nearest: list[Ids], wanted: list[set[int]]
) -> Iterator[tuple[SearchParams, float]]:
    """Yield parameters with increasing numbers of candidates, each with its share of found entries.

    For each query `nearest` has the ids of candidates, nearest first, and `wanted` the ids to find.
    """
    total = sum(map(len, wanted)) or 1
    for candidates in (round(share * usual.candidates) for share in CANDIDATES):
        held = sum(
            len(ids.intersection(found[:candidates].tolist()))
            for found, ids in zip(nearest, wanted, strict=True)
        )
        yield SearchParams(nprobe, candidates), held / total


def _search_ids_of_k_nearest(searcher: Searcher, unit: Floats) -> set[int]:
    """Return the ids of the K entries that `searcher`, as it is set, finds nearest to `unit`."""
    return {hit.id for hit in searcher.search(SearchRequest(unit, k=K))}
