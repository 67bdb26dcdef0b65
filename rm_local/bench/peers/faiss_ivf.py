"""faiss: inverted files of compressed rows, in memory, ranked again by better codes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from rm_local.arrays import Floats, Ids
from rm_local.bench.peers.peer_protocol import PeerSetting, Vectors, blocks, lists, sample

INDEX_FILE = "index.faiss"

ROWS_PER_LIST = 64
"""Rows of the training sample for each list; faiss warns below 39 and uses at most 256."""

MOST_TRAINED = 65_536
"""faiss trains a product quantiser on no more (256 for each of its 256 centres)."""


@dataclass(frozen=True)
class FaissIvf:
    """`IVFn,<code>` with `Refine(<refine>)` around it."""

    code: Literal["RaBitQ", "PQ48x8"]
    refine: Literal["Flat", "SQ8"]
    """What the candidates are ranked by: float32, or 8 bits a dimension."""
    package: str = "faiss"
    install: str = "faiss-cpu"
    breadth: str = "nprobe"
    depths: tuple[int, ...] = (5, 10, 20, 40, 80)

    @property
    def name(self) -> str:
        """As in the table."""
        ranked = "float32" if self.refine == "Flat" else "int8"
        code = "PQ" if self.code == "PQ48x8" else self.code
        return f"faiss IVF-{code}, {ranked}"

    def widest(self, rows: int) -> int:
        """All lists."""
        return lists(rows)

    def build(self, rows: Vectors, dimension: int, folder: Path, threads: int) -> None:
        """Train on a sample, add block after block, write one file."""
        import faiss

        faiss.omp_set_num_threads(threads)
        factory = f"IVF{lists(rows.rows)},{self.code},Refine({self.refine})"
        index = faiss.index_factory(dimension, factory, faiss.METRIC_L2)
        index.train(sample(rows, max(MOST_TRAINED, ROWS_PER_LIST * lists(rows.rows))))
        for _, block in blocks(rows):
            index.add(block)
        faiss.write_index(index, str(folder / INDEX_FILE))

    def open(self, folder: Path, dimension: int) -> FaissSearcher:
        """Read the whole index into memory."""
        import faiss

        faiss.omp_set_num_threads(1)
        return FaissSearcher(faiss.read_index(str(folder / INDEX_FILE)))


class FaissSearcher:
    """A refined inverted file in memory."""

    def __init__(self, index: Any) -> None:
        import faiss

        self._index = index
        self._lists = faiss.extract_index_ivf(faiss.downcast_index(index.base_index))

    def search(self, query: Floats, k: int, dial: PeerSetting) -> Ids:
        """Probe `breadth` lists and rank the best `depth * k` again."""
        self._lists.nprobe = dial.breadth
        self._index.k_factor = dial.depth
        return np.asarray(self._index.search(query[np.newaxis], k)[1][0], dtype=np.int64)
