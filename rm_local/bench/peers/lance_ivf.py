"""The peer LanceDB: an inverted file of product-quantized rows on disk, reranked by float32."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rm_local.arrays import Floats, Ids
from rm_local.bench.peers.peer_protocol import (
    PeerSetting,
    VectorSource,
    choose_inverted_list_count,
    iter_vector_blocks,
)

TABLE = "rows"
DIMENSIONS_PER_BYTE = 8
"""Dimensions per byte of a product-quantized row, as in faiss' PQ48x8 for 384 dimensions."""

ROWS_PER_LIST, ROUNDS = 64, 15
"""k-means training: rows per list, iterations. LanceDB's 256 and 50 take 13 times as long."""


@dataclass(frozen=True)
class LanceIvfPeer:
    """Peer that builds and opens an index of LanceDB, `IVF_PQ` with `refine_factor`."""

    name: str = "LanceDB IVF_PQ, float32"
    module_name: str = "lancedb"
    pip_name: str = "lancedb"
    breadth_name: str = "nprobes"
    depths: tuple[int, ...] = (5, 10, 20, 40, 80)

    def get_max_breadth(self, rows: int) -> int:
        """Return the number of inverted lists; scanning all of them is the widest search."""
        return choose_inverted_list_count(rows)

    def build_index(self, rows: VectorSource, dimension: int, folder: Path, threads: int) -> None:
        """Write the rows to a table, then index it. The environment sets the number of threads."""
        import lancedb
        import pyarrow
        from lancedb.index import IvfPq

        schema = pyarrow.schema(
            [("id", pyarrow.int64()), ("vector", pyarrow.list_(pyarrow.float32(), dimension))]
        )
        reader = pyarrow.RecordBatchReader.from_batches(
            schema, _make_batches(rows, dimension, schema)
        )
        table = lancedb.connect(folder).create_table(TABLE, reader)
        config = IvfPq(
            distance_type="l2",
            num_partitions=choose_inverted_list_count(rows.rows),
            num_sub_vectors=dimension // DIMENSIONS_PER_BYTE,
            max_iterations=ROUNDS,
            sample_rate=ROWS_PER_LIST,
        )
        table.create_index("vector", config=config)

    def open_index(self, folder: Path, dimension: int) -> LanceSearcher:
        """Open the table; LanceDB reads and caches its parts during queries."""
        import lancedb

        return LanceSearcher(lancedb.connect(folder).open_table(TABLE))


def _make_batches(rows: VectorSource, dimension: int, schema: Any) -> Iterator[Any]:
    import pyarrow

    for first, block in iter_vector_blocks(rows):
        ids = pyarrow.array(np.arange(first, first + len(block)))
        vectors = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(block.ravel()), dimension)
        yield pyarrow.RecordBatch.from_arrays([ids, vectors], schema=schema)


class LanceSearcher:
    """An indexed table of LanceDB, open for searches."""

    def __init__(self, table: Any) -> None:
        self._table = table

    def search(self, query: Floats, k: int, setting: PeerSetting) -> Ids:
        """Scan `breadth` inverted lists and rerank the best `depth * k` rows."""
        request = self._table.search(query).distance_type("l2").nprobes(setting.breadth)
        # Without the distance among the columns LanceDB warns at each query.
        request = request.refine_factor(setting.depth).limit(k).select(["id", "_distance"])
        return np.asarray(request.to_arrow()["id"].to_numpy(), dtype=np.int64)
