"""Tallies of entries into a store where the same entries have other ids."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from rm_local.store.rewrite.fingerprints import of_all, print_of, prints
from rm_local.store.rewrite.store_source import StoreSource
from rm_local.store.sqlite import connection as sqlite, tables

STEP = 4096
"""Tallied entries that are read together."""


def carry_tallies(old: StoreSource, new: StoreSource) -> None:
    """Give the entries of `new` the tallies that they have in `old`; twice is as good as once.

    `new` is read as a whole where there is any tally. Raises as `Store.open`.
    """
    counts = defaultdict(list)
    tallied = old.tallies()
    for first in range(0, len(tallied), STEP):
        part = tallied[first : first + STEP]
        for entry, (_, *counted) in zip(old.get([row[0] for row in part]), part, strict=True):
            counts[print_of(entry, of_all)].append(counted)
    if not counts:
        return
    found = prints(new, of_all, lambda _: None)
    places = np.flatnonzero(np.isin(found, np.array([*counts], np.uint64)))
    # Of several equal entries the first gets the first one's.
    carried = [
        (id, *counts[each].pop())
        for id, each in zip(new.ids(places), found[places].tolist(), strict=True)
        if counts[each]
    ]
    with sqlite.translate_errors(new.path), sqlite.open_connection(new.path, "write") as connection:
        with tables.write_transaction(connection):
            connection.executemany(
                "INSERT OR REPLACE INTO tally(id, shown, helped) VALUES(?, ?, ?)", carried
            )
        connection.close()
