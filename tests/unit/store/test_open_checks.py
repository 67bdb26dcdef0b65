"""Layouts of sqlite-vec's tables: the known ones are read, another one is refused."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest
import sqlite_vec

from rm_local.errors import StoreVersionError
from rm_local.store.sqlite.open_checks import LAYOUTS, PRESENT
from rm_local.store.store import Store
from tests.support.stores import toy_store


def test_the_loaded_sqlite_vec_declares_a_known_layout() -> None:
    """The version that is installed is in the table, with what it really declares."""
    connection = apsw.Connection(":memory:")
    connection.enable_load_extension(True)
    connection.load_extension(sqlite_vec.loadable_path())
    connection.execute(
        "CREATE VIRTUAL TABLE code USING vec0(id INTEGER PRIMARY KEY, cid INTEGER PARTITION KEY,"
        " label INTEGER, e bit[64], chunk_size=256)"
    )
    found = {
        name: sql.partition("(")[2].removesuffix(")").strip()
        for name, sql in connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name GLOB 'code_*'"
        )
    }
    version = connection.execute("SELECT vec_version()").get
    (declared,) = [columns for versions, columns in LAYOUTS.items() if version in versions]
    assert declared == found


def test_what_a_bulk_build_writes_is_known() -> None:
    """Stores that are made now can be opened."""
    assert PRESENT in LAYOUTS.values()


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE code_chunks ADD COLUMN checksum INTEGER",
        "ALTER TABLE code_rowids RENAME COLUMN chunk_offset TO slot",
        "CREATE TABLE code_diskann_nodes00(id)",
    ],
)
def test_an_unknown_layout_is_refused(tmp_path: Path, change: str) -> None:
    """The message names the versions whose stores can be read."""
    path = toy_store(tmp_path / "toy.rms")
    connection = apsw.Connection(str(path))
    connection.execute(change)
    connection.close()
    with pytest.raises(StoreVersionError, match="layout") as caught:
        Store.open(path)
    assert "0.1.9 or 0.1.10-alpha.4" in caught.value.remedy
