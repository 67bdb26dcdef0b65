"""Stores that want tidying, and what must stay the same when they get it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from rm_local.records import Entry
from rm_local.store.build.pipeline import build_store
from rm_local.store.format import EmbedderId
from rm_local.store.maintain.task import ConnectionWithCodecs, MaintenanceTask
from rm_local.store.request import EntryFilter, SearchRequest
from rm_local.store.sqlite import connection as sqlite, tables
from rm_local.store.store import Store
from tests.support.stores import MadeSource, entries, topics, vectors

MADE = EmbedderId("made", 64, "0" * 64)
BULK, ADDED, FRESH = 2505, 1000, 20
EXACT = 100.0
"""Effort at which a search asks as many clusters, and ranks as many entries, as there are."""
QUERIES = np.concatenate([vectors(6, dimension=64, seed=5), topics(6, dimension=64, count=3)])


def worn_store(path: Path) -> Path:
    """A bulk build with an open last block, whose one large topic was added later, and deletions.

    The last of those added are fresh.

    Of the first block all rows are deleted, so are others of the build and of those added.
    """
    build_store(path, MadeSource(BULK), embedder=MADE, clusters=5)
    with Store.open(path, write=True) as store:
        new, unit = entries(ADDED), topics(ADDED, dimension=64, count=3, seed=3)
        store.add_entries(new[:-FRESH], unit[:-FRESH])
        store.add_entries(new[-FRESH:], unit[-FRESH:])
        store.delete_entries(
            [*range(1, 600), 900, 1800, 2504, BULK + 1, *range(BULK + 100, BULK + 140)]
        )
    return path


def grown_store(path: Path, count: int = 3000) -> Path:
    """A store without clusters, all of whose entries were added."""
    with Store.create(path, embedder=MADE) as store:
        store.add_entries(entries(count), topics(count, dimension=64, count=20, seed=3))
        store.delete_entries(range(10, 40))
    return path


def copied(path: Path, folder: Path) -> Path:
    """A copy of a store in another folder."""
    return Path(shutil.copy(path, folder / path.name))


def held(path: Path) -> list[Entry]:
    """All entries with their ids, after a check that nothing is wrong with the store."""
    with Store.open(path) as store:
        assert store.verify() == []
        return sorted(
            store.sample_entries(store.count_entries(), seed=0), key=lambda entry: entry.id
        )


def answers(path: Path) -> list[list[tuple[int, float]]]:
    """Ids and similarities that exact searches find, with and without a word and a domain."""
    with pytest.MonkeyPatch.context() as patch, Store.open(path) as store:
        patch.setattr("rm_local.store.index.search.SLACK", 100.0)
        return [
            [
                (hit.entry.id, round(hit.similarity, 5))
                for hit in store.search(
                    SearchRequest(
                        query, text, k=30, breadth=EXACT, filter=EntryFilter(domain=domain)
                    )
                )
            ]
            for query in QUERIES
            for text, domain in (("", None), ("the zorb700", None), ("", "math"))
        ]


def worked(
    path: Path, kind: Callable[[ConnectionWithCodecs], MaintenanceTask]
) -> Iterator[dict[str, int]]:
    """What each step of one kind of work did, until nothing is left."""
    with sqlite.open_connection_close_on_error(path, "write") as connection:
        work = kind(ConnectionWithCodecs.from_connection(connection))
        while True:
            with tables.write_transaction(connection):
                found = work.run_step(0)
            if not found:
                break
            yield found
        assert work.count_remaining_work() == 0
        connection.close()


def value(path: Path, statement: str) -> int:
    """What a statement gives for the store."""
    with sqlite.open_connection_close_on_error(path, "read") as connection:
        found = connection.execute(statement).get
        connection.close()
    return int(found)
