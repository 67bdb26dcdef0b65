"""Measures the bytes of each part of a store."""

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
"""Parts by the table's name up to its first underscore. Other tables count as `other`."""


def measure_part_sizes(path: Path) -> dict[str, int]:
    """Measure the bytes of each part's pages; reads the whole file.

    Raises:
        StoreError: As for `Store.open`.
    """
    found: dict[str, int] = defaultdict(int)
    with sqlite.translate_errors(path), sqlite.open_connection(path, "read") as connection:
        tables = "SELECT name, sum(pgsize) FROM dbstat GROUP BY name"
        for name, size in connection.execute(tables):
            found[PARTS.get(str(name).split("_")[0], "other")] += int(size or 0)
        connection.close()
    return dict(sorted(found.items()))
