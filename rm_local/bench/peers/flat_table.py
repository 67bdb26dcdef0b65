"""A bare sqlite-vec table without clusters, as its users make one: to compare the store with."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rm_local.arrays import Bytes, Floats, Ids
from rm_local.store import MAX_CANDIDATES, open_connection

Kind = Literal["float32", "bits"]
"""`float32`: all rows compared exactly. `bits`: by their signs, the best again by int8 codes."""

SCALE = 24**0.5
"""The component that int8 127 stands for, times sqrt(d): 0.25 at 384 dimensions (STORE 1.1)."""

TABLES: dict[Kind, str] = {
    "float32": "CREATE VIRTUAL TABLE flat USING vec0(id INTEGER PRIMARY KEY, v float[{d}])",
    "bits": """CREATE VIRTUAL TABLE flat USING vec0(id INTEGER PRIMARY KEY, e bit[{d}]);
        CREATE TABLE ref(id INTEGER PRIMARY KEY, v BLOB NOT NULL)""",
}
NEAREST = "SELECT id FROM flat WHERE v MATCH ? AND k = ?"
RANKED = """SELECT id FROM ref
    WHERE id IN (SELECT id FROM flat WHERE e MATCH vec_bit(?) AND k = ?)
    ORDER BY vec_distance_l2(vec_int8(v), vec_int8(?)) LIMIT ?"""


def make_flat(path: Path, kind: Kind, dimension: int, blocks: Iterable[tuple[int, Floats]]) -> None:
    """Write rows of length 1, blocks of (n, d) each with the number of its first row."""
    with open_connection(path, "create") as connection, connection:
        connection.execute(TABLES[kind].format(d=dimension))
        for first, block in blocks:
            ids = range(first, first + len(block))
            if kind == "float32":
                rows = zip(ids, map(bytes, block), strict=True)
                connection.executemany("INSERT INTO flat(id, v) VALUES (?, ?)", rows)
                continue
            bits = zip(ids, map(bytes, _bits(block)), strict=True)
            connection.executemany("INSERT INTO flat(id, e) VALUES (?, vec_bit(?))", bits)
            codes = zip(ids, map(bytes, _int8(block)), strict=True)
            connection.executemany("INSERT INTO ref(id, v) VALUES (?, ?)", codes)
    connection.close()


def _bits(rows: Floats) -> Bytes:
    """The signs, (n, d / 8), as sqlite-vec's own vec_quantize_binary makes them."""
    return np.packbits(rows > 0, axis=1, bitorder="little")


def _int8(rows: Floats) -> NDArray[np.int8]:
    """Rows of length 1 in d signed bytes, (n, d), clipped at the scale."""
    steps = np.rint(rows * (127 / SCALE * rows.shape[1] ** 0.5))
    return np.asarray(np.clip(steps, -127, 127), dtype=np.int8)


class Flat:
    """A table that `make_flat` wrote, open for queries."""

    def __init__(self, path: Path, kind: Kind) -> None:
        self._kind = kind
        with open_connection(path, "read") as connection:
            self._connection = connection

    def search(self, query: Floats, k: int, candidates: int) -> Ids:
        """Numbers of the `k` rows nearest to `query`, (d,); of `candidates` by bits, if of bits."""
        if self._kind == "float32":
            found = self._connection.execute(NEAREST, (bytes(query), k))
        else:
            row = query[np.newaxis]
            bits, code = bytes(_bits(row)), bytes(_int8(row))
            held = min(max(candidates, k), MAX_CANDIDATES)
            found = self._connection.execute(RANKED, (bits, held, code, k))
        return np.array([row[0] for row in found], dtype=np.int64)
