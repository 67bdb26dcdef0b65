"""sqlite-vec by itself: every row compared, as exact float32 or as bits ranked again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rm_local.arrays import Floats, Ids
from rm_local.bench.peers.flat_table import Flat, Kind, make_flat
from rm_local.bench.peers.peer_protocol import PeerSetting, Vectors, blocks
from rm_local.store import MAX_CANDIDATES

TABLE_FILE = "flat.db"


@dataclass(frozen=True)
class SqliteFlat:
    """A vec0 table without partitions."""

    kind: Kind
    package: str = "sqlite_vec"
    install: str = "sqlite-vec"
    depths: tuple[int, ...] = (0,)

    @property
    def name(self) -> str:
        """As in the table."""
        return "sqlite-vec, float32" if self.kind == "float32" else "sqlite-vec, bits and int8"

    @property
    def breadth(self) -> str:
        """Rows that the bits choose; exact search has none to choose."""
        return "" if self.kind == "float32" else "k"

    def widest(self, rows: int) -> int:
        """sqlite-vec's own limit."""
        return min(rows, MAX_CANDIDATES)

    def build(self, rows: Vectors, dimension: int, folder: Path, threads: int) -> None:
        """Insert all rows in one transaction; SQLite writes with one thread."""
        make_flat(folder / TABLE_FILE, self.kind, dimension, blocks(rows))

    def open(self, folder: Path, dimension: int) -> FlatSearcher:
        """Open the table with the cache that the store has, 32 MB."""
        return FlatSearcher(Flat(folder / TABLE_FILE, self.kind))


class FlatSearcher:
    """A table open for queries."""

    def __init__(self, flat: Flat) -> None:
        self._flat = flat

    def search(self, query: Floats, k: int, dial: PeerSetting) -> Ids:
        """Rank the best `breadth` by bits, or all rows."""
        return self._flat.search(query, k, dial.breadth)
