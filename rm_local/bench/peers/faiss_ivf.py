"""The peer faiss: an inverted file of compressed rows in memory, reranked by better codes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from rm_local.arrays import Floats, Ids
from rm_local.bench.peers.peer_protocol import (
    PeerSetting,
    VectorSource,
    choose_inverted_list_count,
    iter_vector_blocks,
    sample_rows,
)

INDEX_FILE = "index.faiss"

ROWS_PER_LIST = 64
"""Training rows for each inverted list; faiss warns below 39 and uses at most 256."""

MAX_TRAINING_ROWS = 65_536
"""Training rows that a product quantizer of faiss uses: 256 for each of 256 centroids."""


@dataclass(frozen=True)
class FaissIvfPeer:
    """Peer that builds and opens an index of faiss, `IVFn,<code>` inside `Refine(<refine>)`."""

    code: Literal["RaBitQ", "PQ48x8"]
    refine: Literal["Flat", "SQ8"]
    """Codes for reranking the candidates: float32, or 8 bits per dimension."""
    module_name: str = "faiss"
    pip_name: str = "faiss-cpu"
    breadth_name: str = "nprobe"
    depths: tuple[int, ...] = (5, 10, 20, 40, 80)

    @property
    def name(self) -> str:
        """Name of the index in the table of results."""
        ranked = "float32" if self.refine == "Flat" else "int8"
        code = "PQ" if self.code == "PQ48x8" else self.code
        return f"faiss IVF-{code}, {ranked}"

    def get_max_breadth(self, rows: int) -> int:
        """Return the number of inverted lists; scanning all of them is the widest search."""
        return choose_inverted_list_count(rows)

    def build_index(self, rows: VectorSource, dimension: int, folder: Path, threads: int) -> None:
        """Train the index on a sample, add the rows block by block, and write one file."""
        import faiss

        faiss.omp_set_num_threads(threads)
        factory = f"IVF{choose_inverted_list_count(rows.rows)},{self.code},Refine({self.refine})"
        index = faiss.index_factory(dimension, factory, faiss.METRIC_L2)
        index.train(
            sample_rows(
                rows, max(MAX_TRAINING_ROWS, ROWS_PER_LIST * choose_inverted_list_count(rows.rows))
            )
        )
        for _, block in iter_vector_blocks(rows):
            index.add(block)
        faiss.write_index(index, str(folder / INDEX_FILE))

    def open_index(self, folder: Path, dimension: int) -> FaissSearcher:
        """Read the whole index into memory."""
        import faiss

        faiss.omp_set_num_threads(1)
        return FaissSearcher(faiss.read_index(str(folder / INDEX_FILE)))


class FaissSearcher:
    """An inverted file of faiss with reranking, in memory, open for searches."""

    def __init__(self, index: Any) -> None:
        import faiss

        self._index = index
        self._lists = faiss.extract_index_ivf(faiss.downcast_index(index.base_index))

    def search(self, query: Floats, k: int, setting: PeerSetting) -> Ids:
        """Scan `breadth` inverted lists and rerank the best `depth * k` rows."""
        self._lists.nprobe = setting.breadth
        self._index.k_factor = setting.depth
        return np.asarray(self._index.search(query[np.newaxis], k)[1][0], dtype=np.int64)
