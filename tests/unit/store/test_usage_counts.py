"""Counting how often entries were shown and helped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from rm_local.store.sqlite import connection as sqlite, tables
from rm_local.store.sqlite.usage_counts import UsageCount, read_usage_counts, record_usage
from rm_local.store.store import Store
from tests.support.stores import toy_store


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[apsw.Connection]:
    """To a store of twelve."""
    with sqlite.open_connection_close_on_error(toy_store(tmp_path / "toy.rms"), "write") as opened:
        yield opened
    opened.close()


def test_each_id_is_counted_once_per_call(connection: apsw.Connection) -> None:
    """Each id once a call; entries never shown have no tally."""
    with tables.write_transaction(connection):
        record_usage(connection, shown=[1, 2, 2], helped=[2])
        record_usage(connection, shown=[2, 3])
    assert read_usage_counts(connection, [1, 2, 3, 4]) == {
        1: UsageCount(1, 0),
        2: UsageCount(2, 1),
        3: UsageCount(1, 0),
    }


def test_deleted_entries_are_not_counted(connection: apsw.Connection, tmp_path: Path) -> None:
    """They are not counted, and a deleted entry's tally goes with it."""
    with tables.write_transaction(connection):
        record_usage(connection, shown=[1, 2, 99])
    with Store.open(tmp_path / "toy.rms", write=True) as store:
        store.delete_entries([1])
    with tables.write_transaction(connection):
        record_usage(connection, shown=[1])
    assert read_usage_counts(connection, [1, 2, 99]) == {2: UsageCount(1, 0)}
