"""usearch: a graph (HNSW) over float16 rows, in memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rm_local.arrays import Floats, Ids
from rm_local.bench.peers.peer_protocol import PeerSetting, Vectors, blocks

INDEX_FILE = "index.usearch"
WIDEST = 4096


@dataclass(frozen=True)
class UsearchHnsw:
    """The library's own degree (16) and build effort (128).

    float16, not int8: a map of -1..1 to int8 leaves embeddings of 384 dimensions 6 bits, which held
    a recall of 0.943 in sqlite-vec (STORE 1.1), and a graph has nothing better to rank by.
    """

    name: str = "usearch HNSW, float16"
    package: str = "usearch"
    install: str = "usearch"
    breadth: str = "ef"
    depths: tuple[int, ...] = (0,)

    def widest(self, rows: int) -> int:
        """All rows, or 4,096 of them."""
        return min(rows, WIDEST)

    def build(self, rows: Vectors, dimension: int, folder: Path, threads: int) -> None:
        """Add block after block, write one file."""
        from usearch.index import Index

        index = Index(ndim=dimension, metric="ip", dtype="f16")
        for first, block in blocks(rows):
            keys = np.arange(first, first + len(block), dtype=np.uint64)
            index.add(keys, block, threads=threads)
        index.save(str(folder / INDEX_FILE))

    def open(self, folder: Path, dimension: int) -> UsearchSearcher:
        """Read the whole graph into memory."""
        from usearch.index import Index

        index = Index(ndim=dimension, metric="ip", dtype="f16")
        index.load(str(folder / INDEX_FILE))
        return UsearchSearcher(index)


class UsearchSearcher:
    """A graph in memory."""

    def __init__(self, index: Any) -> None:
        self._index = index

    def search(self, query: Floats, k: int, dial: PeerSetting) -> Ids:
        """Keep the best `breadth` nodes while walking the graph."""
        self._index.expansion_search = dial.breadth
        return np.asarray(self._index.search(query, k, threads=1).keys, dtype=np.int64)
