"""The store that the commands here work on, and what makes two stores the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from rm_local.store.build.pipeline import build_store
from rm_local.store.format import EmbedderId
from rm_local.store.request import EntryFilter, SearchRequest
from rm_local.store.store import Store
from tests.support.stores import MadeSource, entries, vectors

DIMENSION = 64
MADE = EmbedderId("made", DIMENSION, "0" * 64)
ADDED, FRESH = 200, 40
"""Entries added since the build, and the last of them, added a few at a time."""


def made_store(path: Path, rows: int) -> None:
    """A bulk build in clusters, with rows added, deleted and replaced since; some are fresh."""
    build_store(path, MadeSource(rows), embedder=MADE, clusters=max(4, rows // 200))
    with Store.open(path, write=True) as store:
        new, unit = entries(ADDED), vectors(ADDED, dimension=DIMENSION, seed=3)
        store.add_entries(new[:-FRESH], unit[:-FRESH])
        for start in range(ADDED - FRESH, ADDED, 10):
            store.add_entries(new[start : start + 10], unit[start : start + 10])
        store.delete_entries([5, 6, rows // 2, rows + 3, rows + ADDED - 4])
        store.replace_entry(40, entries(1)[0], vectors(1, dimension=DIMENSION)[0])


def ids_of(store: Store) -> list[int]:
    """Ids of all entries, ascending."""
    with store._open_transaction() as connection:
        return [row[0] for row in connection.execute("SELECT id FROM ref ORDER BY id")]


def answers(store: Store, searches: int = 20) -> Iterator[object]:
    """What `searches` searches of each kind give: ids with similarity and lexical share."""
    queries = vectors(searches, dimension=DIMENSION, seed=99)
    for place, query in enumerate(queries):
        for text, domain, source in (
            ("", None, None),
            (f"how is the zorb{17 * place} found", None, None),
            ("", "code", "test/1"),
        ):
            asked = SearchRequest(query, text, k=5, filter=EntryFilter(domain, source))
            hits = store.search(asked)
            yield [(hit.entry.id, round(hit.similarity, 6), round(hit.lexical, 6)) for hit in hits]
            yield [str(hit.entry) for hit in hits]


def all_of(store: Store) -> Iterator[object]:
    """Every entry, every vector, what the store says of itself, and the answers."""
    ids = ids_of(store)
    yield ids
    for start in range(0, len(ids), 4096):
        part = ids[start : start + 4096]
        yield [str(entry) for entry in store.get(part)]
        yield np.asarray(store.read_vectors(part)).tobytes().hex()
    yield [str(entry) for entry in store.sample_entries(50, seed=1)]
    info = store.read_info()
    yield [info.entries, info.domains, info.clusters, info.probes, info.candidates]
    yield from answers(store)


def fingerprint(store: Store) -> str:
    """A hash of `all_of` a store; two stores with the same one hold and answer the same."""
    found = hashlib.sha256()
    for part in all_of(store):
        found.update(json.dumps(part).encode())
    return found.hexdigest()
