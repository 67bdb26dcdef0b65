"""Measures how many bytes of a store's file each kind of data takes."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from rm_local.store.sqlite import connection as sqlite

PARTS = {
    "code": "bits",
    "fresh": "bits",
    "ref": "codes",
    "block": "texts",
    "text": "texts",
    "words": "words",
}
"""Kind of data in a table, by the table's name up to its first underscore; otherwise `other`."""


def measure_bytes_by_kind(path: Path) -> dict[str, int]:
    """Return the bytes of the pages of each kind of data: `bits`, `codes`, `texts`, `words`, ...

    The whole file is read.

    Raises:
        StoreError: As for `Store.open`.
    """
    found: dict[str, int] = defaultdict(int)
    with (
        sqlite.translate_sqlite_errors(path),
        sqlite.open_connection_close_on_error(path, "read") as connection,
    ):
        tables = "SELECT name, sum(pgsize) FROM dbstat GROUP BY name"
        for name, size in connection.execute(tables):
            found[PARTS.get(str(name).split("_")[0], "other")] += int(size or 0)
        connection.close()
    return dict(sorted(found.items()))
