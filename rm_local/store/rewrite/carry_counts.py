"""Copies usage counts of entries to another store with the same entries under other ids."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from rm_local.store.rewrite.fingerprints import (
    compute_fingerprints_in_id_order,
    encode_entry_without_id,
    fingerprint_entry,
)
from rm_local.store.rewrite.store_source import StoreEntrySource
from rm_local.store.sqlite import connection as sqlite, tables

STEP = 4096
"""Number of entries with usage counts that are read at once."""


def copy_usage_counts_to_equal_entries(old: StoreEntrySource, new: StoreEntrySource) -> None:
    """Write the usage counts of the entries of `old` to the equal entries of the store `new`.

    Entries are equal if texts and metadata are. All of `new` is read, unless there are no counts.
    Repeating this is harmless.

    Raises:
        StoreError: As for `Store.open`.
    """
    counts = defaultdict(list)
    tallied = old.read_usage_counts()
    for first in range(0, len(tallied), STEP):
        part = tallied[first : first + STEP]
        for entry, (_, *counted) in zip(old.get([row[0] for row in part]), part, strict=True):
            counts[fingerprint_entry(entry, encode_entry_without_id)].append(counted)
    if not counts:
        return
    found = compute_fingerprints_in_id_order(new, encode_entry_without_id, lambda _: None)
    places = np.flatnonzero(np.isin(found, np.array([*counts], np.uint64)))
    # The first of several equal entries gets the counts of the first.
    carried = [
        (id, *counts[each].pop())
        for id, each in zip(new.find_ids_at(places), found[places].tolist(), strict=True)
        if counts[each]
    ]
    with (
        sqlite.translate_sqlite_errors(new.path),
        sqlite.open_connection_close_on_error(new.path, "write") as connection,
    ):
        with tables.write_transaction(connection):
            connection.executemany(
                "INSERT OR REPLACE INTO tally(id, shown, helped) VALUES(?, ?, ?)", carried
            )
        connection.close()
