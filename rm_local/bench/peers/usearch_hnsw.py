"""The peer usearch: a graph (HNSW) over float16 rows, in memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rm_local.arrays import Floats, Ids
from rm_local.bench.peers.peer_protocol import PeerSetting, VectorSource, iter_vector_blocks

INDEX_FILE = "index.usearch"
MAX_BREADTH = 4096


@dataclass(frozen=True)
class UsearchHnswPeer:
    """Peer that builds and opens an HNSW index of usearch, of degree 16 and build effort 128.

    float16, not int8: mapping -1..1 to int8 leaves 6 bits to embeddings of 384 dimensions, which
    limited recall to 0.943 in sqlite-vec, and a graph has no better codes to rerank by.
    """

    name: str = "usearch HNSW, float16"
    module_name: str = "usearch"
    pip_name: str = "usearch"
    breadth_name: str = "ef"
    depths: tuple[int, ...] = (0,)

    def get_max_breadth(self, rows: int) -> int:
        """Return the largest useful `ef`: the number of rows, at most 4,096."""
        return min(rows, MAX_BREADTH)

    def build_index(self, rows: VectorSource, dimension: int, folder: Path, threads: int) -> None:
        """Add the rows to a graph block by block, and write it to one file."""
        from usearch.index import Index

        index = Index(ndim=dimension, metric="ip", dtype="f16")
        for first, block in iter_vector_blocks(rows):
            keys = np.arange(first, first + len(block), dtype=np.uint64)
            index.add(keys, block, threads=threads)
        index.save(str(folder / INDEX_FILE))

    def open_index(self, folder: Path, dimension: int) -> UsearchSearcher:
        """Read the whole graph into memory."""
        from usearch.index import Index

        index = Index(ndim=dimension, metric="ip", dtype="f16")
        index.load(str(folder / INDEX_FILE))
        return UsearchSearcher(index)


class UsearchSearcher:
    """An HNSW graph of usearch in memory, open for searches."""

    def __init__(self, index: Any) -> None:
        self._index = index

    def search(self, query: Floats, k: int, setting: PeerSetting) -> Ids:
        """Return the nearest rows; the walk through the graph keeps the best `breadth` nodes."""
        self._index.expansion_search = setting.breadth
        return np.asarray(self._index.search(query, k, threads=1).keys, dtype=np.int64)
