"""LanceDB: an inverted file of product-quantised rows on disk, refined by float32 rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rm_local.arrays import Floats, Ids
from rm_local.bench.peers.peer_protocol import PeerSetting, Vectors, blocks, lists

TABLE = "rows"
BYTES_PER_DIMENSION = 8
"""Dimensions that one byte of a product-quantised row stands for: as faiss' PQ48x8 at 384."""

ROWS_PER_LIST, ROUNDS = 64, 15
"""Of the training. LanceDB's own, 256 and 50, are 13 times the work, in nearly all of its build."""


@dataclass(frozen=True)
class LanceIvf:
    """`IVF_PQ` with `refine_factor`."""

    name: str = "LanceDB IVF_PQ, float32"
    package: str = "lancedb"
    install: str = "lancedb"
    breadth: str = "nprobes"
    depths: tuple[int, ...] = (5, 10, 20, 40, 80)

    def widest(self, rows: int) -> int:
        """All lists."""
        return lists(rows)

    def build(self, rows: Vectors, dimension: int, folder: Path, threads: int) -> None:
        """Write the rows, then index them. Threads are those of the process' environment."""
        import lancedb
        import pyarrow
        from lancedb.index import IvfPq

        schema = pyarrow.schema(
            [("id", pyarrow.int64()), ("vector", pyarrow.list_(pyarrow.float32(), dimension))]
        )
        reader = pyarrow.RecordBatchReader.from_batches(schema, _batches(rows, dimension, schema))
        table = lancedb.connect(folder).create_table(TABLE, reader)
        config = IvfPq(
            distance_type="l2",
            num_partitions=lists(rows.rows),
            num_sub_vectors=dimension // BYTES_PER_DIMENSION,
            max_iterations=ROUNDS,
            sample_rate=ROWS_PER_LIST,
        )
        table.create_index("vector", config=config)

    def open(self, folder: Path, dimension: int) -> LanceSearcher:
        """Open the table; LanceDB reads and caches what queries touch."""
        import lancedb

        return LanceSearcher(lancedb.connect(folder).open_table(TABLE))


def _batches(rows: Vectors, dimension: int, schema: Any) -> Iterator[Any]:
    import pyarrow

    for first, block in blocks(rows):
        ids = pyarrow.array(np.arange(first, first + len(block)))
        vectors = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(block.ravel()), dimension)
        yield pyarrow.RecordBatch.from_arrays([ids, vectors], schema=schema)


class LanceSearcher:
    """An indexed table."""

    def __init__(self, table: Any) -> None:
        self._table = table

    def search(self, query: Floats, k: int, dial: PeerSetting) -> Ids:
        """Probe `breadth` lists and rank the best `depth * k` again."""
        asked = self._table.search(query).distance_type("l2").nprobes(dial.breadth)
        # LanceDB warns of a choice of columns without the distance, at each query.
        asked = asked.refine_factor(dial.depth).limit(k).select(["id", "_distance"])
        return np.asarray(asked.to_arrow()["id"].to_numpy(), dtype=np.int64)
