"""Damaging a store without its knowledge, and looking at what is left."""

from __future__ import annotations

from pathlib import Path

import apsw

from rm_local.store.store import Store
from tests.support.faults.stores import ADDED, fingerprint

ROWS = 2500
LAST = ROWS + ADDED + 1


def change(path: Path, sql: str) -> None:
    """Run statements on the file without the store's knowledge."""
    database = apsw.Connection(str(path))
    database.execute(sql)
    database.close()


def contents(path: Path) -> str:
    """A hash of all entries, vectors and answers."""
    with Store.open(path) as store:
        assert store.verify() == []
        return fingerprint(store)
