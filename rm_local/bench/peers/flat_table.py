"""A plain sqlite-vec table without clusters, for comparison with the store."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rm_local.arrays import Bytes, Floats, Ids
from rm_local.store import MAX_CANDIDATES, open_connection_close_on_error

FlatKind = Literal["float32", "bits"]
"""Kind of table: `float32` for exact search; `bits` for search by sign bits, reranked by int8."""

SCALE = 24**0.5
"""sqrt(d) times the component that int8 127 represents, which is 0.25 at d = 384 dimensions."""

TABLES: dict[FlatKind, str] = {
    "float32": "CREATE VIRTUAL TABLE flat USING vec0(id INTEGER PRIMARY KEY, v float[{d}])",
    "bits": """CREATE VIRTUAL TABLE flat USING vec0(id INTEGER PRIMARY KEY, e bit[{d}]);
        CREATE TABLE ref(id INTEGER PRIMARY KEY, v BLOB NOT NULL)""",
}
NEAREST = "SELECT id FROM flat WHERE v MATCH ? AND k = ?"
RANKED = """SELECT id FROM ref
    WHERE id IN (SELECT id FROM flat WHERE e MATCH vec_bit(?) AND k = ?)
    ORDER BY vec_distance_l2(vec_int8(v), vec_int8(?)) LIMIT ?"""


def create_flat_table_database(
    path: Path, kind: FlatKind, dimension: int, blocks: Iterable[tuple[int, Floats]]
) -> None:
    """Create the database at `path` and write all blocks to its table.

    A block is the number of its first row and an array (n, dimension) of rows of length 1.
    """
    with open_connection_close_on_error(path, "create") as connection, connection:
        connection.execute(TABLES[kind].format(d=dimension))
        for first, block in blocks:
            ids = range(first, first + len(block))
            if kind == "float32":
                rows = zip(ids, map(bytes, block), strict=True)
                connection.executemany("INSERT INTO flat(id, v) VALUES (?, ?)", rows)
                continue
            bits = zip(ids, map(bytes, _pack_signs(block)), strict=True)
            connection.executemany("INSERT INTO flat(id, e) VALUES (?, vec_bit(?))", bits)
            codes = zip(ids, map(bytes, _quantize_unit_vectors_to_int8(block)), strict=True)
            connection.executemany("INSERT INTO ref(id, v) VALUES (?, ?)", codes)
    connection.close()


def _pack_signs(rows: Floats) -> Bytes:
    """Pack the signs of an array (n, d) into bytes (n, d / 8), like vec_quantize_binary."""
    return np.packbits(rows > 0, axis=1, bitorder="little")


def _quantize_unit_vectors_to_int8(rows: Floats) -> NDArray[np.int8]:
    """Quantize rows of length 1 to an int8 array (n, d), clipped at SCALE."""
    steps = np.rint(rows * (127 / SCALE * rows.shape[1] ** 0.5))
    return np.asarray(np.clip(steps, -127, 127), dtype=np.int8)


class FlatTable:
    """A table written by `create_flat_table_database`, open for searches."""

    def __init__(self, path: Path, kind: FlatKind) -> None:
        self._kind = kind
        with open_connection_close_on_error(path, "read") as connection:
            self._connection = connection

    def search(self, query: Floats, k: int, candidates: int) -> Ids:
        """Return the numbers of the `k` rows nearest to `query`, nearest first.

        A table of bits reranks the best `candidates` rows; a float32 table ignores the number.
        """
        if self._kind == "float32":
            found = self._connection.execute(NEAREST, (bytes(query), k))
        else:
            row = query[np.newaxis]
            bits, code = bytes(_pack_signs(row)), bytes(_quantize_unit_vectors_to_int8(row))
            candidates = min(max(candidates, k), MAX_CANDIDATES)
            found = self._connection.execute(RANKED, (bits, candidates, code, k))
        return np.array([row[0] for row in found], dtype=np.int64)
