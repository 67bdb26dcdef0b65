"""What the bytes of a store are for."""

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
"""Of a table's name, up to the first underscore; all others are `other`."""


def measure_pages(path: Path) -> dict[str, int]:
    """Bytes of the pages of each part. Reads the whole file. Raises as opening a store."""
    found: dict[str, int] = defaultdict(int)
    with sqlite.translate_errors(path), sqlite.open_connection(path, "read") as connection:
        tables = "SELECT name, sum(pgsize) FROM dbstat GROUP BY name"
        for name, size in connection.execute(tables):
            found[PARTS.get(str(name).split("_")[0], "other")] += int(size or 0)
        connection.close()
    return dict(sorted(found.items()))
