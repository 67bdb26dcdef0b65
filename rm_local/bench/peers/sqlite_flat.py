"""The peer sqlite-vec without the store: exact float32 search, or sign bits reranked by int8."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rm_local.arrays import Floats, Ids
from rm_local.bench.peers.flat_table import FlatKind, FlatTable, create_flat_table_database
from rm_local.bench.peers.peer_protocol import PeerSetting, VectorSource, iter_vector_blocks
from rm_local.store import MAX_CANDIDATES

TABLE_FILE = "flat.db"


@dataclass(frozen=True)
class SqliteFlatPeer:
    """Peer that builds and opens a vec0 table of sqlite-vec, without partitions."""

    kind: FlatKind
    module_name: str = "sqlite_vec"
    pip_name: str = "sqlite-vec"
    depths: tuple[int, ...] = (0,)

    @property
    def name(self) -> str:
        """Name of the index in the table of results."""
        return "sqlite-vec, float32" if self.kind == "float32" else "sqlite-vec, bits and int8"

    @property
    def breadth_name(self) -> str:
        """sqlite-vec's word for the number of candidates by sign bits; empty for exact search."""
        return "" if self.kind == "float32" else "k"

    def get_max_breadth(self, rows: int) -> int:
        """Return the number of rows, at most the limit of sqlite-vec."""
        return min(rows, MAX_CANDIDATES)

    def build_index(self, rows: VectorSource, dimension: int, folder: Path, threads: int) -> None:
        """Insert all rows in one transaction; SQLite writes with one thread."""
        create_flat_table_database(
            folder / TABLE_FILE, self.kind, dimension, iter_vector_blocks(rows)
        )

    def open_index(self, folder: Path, dimension: int) -> FlatSearcher:
        """Open the table with a cache of 32 MB, like the store."""
        return FlatSearcher(FlatTable(folder / TABLE_FILE, self.kind))


class FlatSearcher:
    """A table of sqlite-vec, open for searches."""

    def __init__(self, flat: FlatTable) -> None:
        self._flat = flat

    def search(self, query: Floats, k: int, setting: PeerSetting) -> Ids:
        """Rerank the best `breadth` rows by sign bits, or compare all rows exactly."""
        return self._flat.search(query, k, setting.breadth)
