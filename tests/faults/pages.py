"""What the bytes of a store are: which table's page, and which part of it."""

from __future__ import annotations

from pathlib import Path

import apsw

from rm_local.memory.format import PAGE_SIZE

FIXED = ((24, 28, "change counter"), (92, 96, "change counter"), (96, 100, "SQLite's version"))
"""Parts of the header that may be anything."""


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
        """The table or index, with `unused` where no cell lies."""
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
        """Whether it lies behind the list of cells and before the first cell."""
        page = self._data[number * PAGE_SIZE : (number + 1) * PAGE_SIZE]
        head = 100 if number == 0 else 0
        size = 12 if page[head] in (2, 5) else 8
        cells = int.from_bytes(page[head + 3 : head + 5], "big")
        first = int.from_bytes(page[head + 5 : head + 7], "big") or 65536
        return head + size + 2 * cells <= offset < first
