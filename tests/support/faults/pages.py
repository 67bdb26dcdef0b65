"""What the bytes of a store are: which table's page, and which part of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import apsw
import numpy as np

from rm_local.store.format import CHUNK_SIZE, PAGE_SIZE

FIXED = ((24, 28, "change counter"), (92, 96, "change counter"), (96, 100, "SQLite's version"))
"""Parts of the header that may be anything."""

Row = tuple[Any, ...]

TABLES = """
    SELECT name FROM sqlite_master
    WHERE type = 'table' AND rootpage > 0 ORDER BY name
"""


def difference(whole: Path, damaged: Path) -> str:
    """Which table's rows are others in a damaged store that can be read; what of vec0's, if it is.

    `outside all rows` proves that no statement can see the change.
    """
    both = [
        apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY) for path in (whole, damaged)
    ]
    try:
        for (name,) in both[0].execute(TABLES):
            here, there = (each.execute(f'SELECT * FROM "{name}"').fetchall() for each in both)
            if here != there:
                chunks = name.startswith("code_")
                return f"{name}: {_slots(both[0], here, there) if chunks else 'a row'}"
        return "outside all rows"
    finally:
        for each in both:
            each.close()


def _slots(connection: apsw.Connection, here: list[Row], there: list[Row]) -> str:
    """Whether only slots of vec0's chunks are others that no entry has."""
    entries = {row[0] for row in connection.execute("SELECT id FROM ref")}
    chunks: list[Row] = connection.execute(
        "SELECT chunk_id, validity, rowids FROM code_chunks"
    ).fetchall()
    held = {chunk: (validity, np.frombuffer(ids, "<i8")) for chunk, validity, ids in chunks}
    for one, other in zip(here, there, strict=True):
        for left, right in zip(one, other, strict=True):
            if left == right:
                continue
            if not isinstance(left, bytes) or one[0] not in held or len(left) < CHUNK_SIZE:
                return "a row"
            validity, ids = held[one[0]]
            place = next(
                i for i, pair in enumerate(zip(left, right, strict=True)) if len({*pair}) > 1
            )
            slot = place // (len(left) // CHUNK_SIZE)
            if not validity[slot // 8] >> slot % 8 & 1:
                return "unused slot"
            return "slot of an entry" if int(ids[slot]) in entries else "slot of a deleted entry"
    return "a row"


class Pages:
    """Says of each place of one SQLite file what it belongs to."""

    def __init__(self, path: Path) -> None:
        self._data = path.read_bytes()
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        self._owner = {
            row[0]: row[1:]
            for row in connection.execute("SELECT pageno, name, pagetype FROM dbstat")
        }
        connection.close()

    def kind(self, place: int) -> str:
        """The table or index, with `unused` where there is no cell."""
        if place < 100:
            named = [name for start, end, name in FIXED if start <= place < end]
            return named[0] if named else "header"
        number, offset = divmod(place, PAGE_SIZE)
        if number + 1 not in self._owner:
            return "free page"
        name, kind = self._owner[number + 1]
        if kind != "overflow" and self._unused(number, offset):
            return f"{name}, between cells"
        return f"{name}"

    def _unused(self, number: int, offset: int) -> bool:
        """Whether it is after the list of cells and before the first cell."""
        page = self._data[number * PAGE_SIZE : (number + 1) * PAGE_SIZE]
        head = 100 if number == 0 else 0
        size = 12 if page[head] in (2, 5) else 8
        cells = int.from_bytes(page[head + 3 : head + 5], "big")
        first = int.from_bytes(page[head + 5 : head + 7], "big") or 65536
        return head + size + 2 * cells <= offset < first
