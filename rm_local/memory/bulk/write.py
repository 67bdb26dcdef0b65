"""Rows of a bulk build into the store's tables, a group of clusters in each transaction."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rm_local.memory import connection as sqlite
from rm_local.memory import rows
from rm_local.memory.bulk.source import Meter, Report
from rm_local.memory.bulk.spill import Columns, Spill, joined
from rm_local.memory.bulk.train import BULK_LEVEL, Trained
from rm_local.memory.codes import row_crc, scale_for
from rm_local.memory.format import BLOCK_ROWS, CHUNK_SIZE, EmbedderId
from rm_local.memory.layout import lay_out
from rm_local.memory.lexical import rare_words
from rm_local.memory.meta import CANDIDATES, Meta
from rm_local.memory.texts import Codec, split_row

if TYPE_CHECKING:
    import apsw

    from rm_local.memory.clusters import Clusters

Ids = NDArray[np.int64]

CACHE_KIB = 262_144
"""SQLite's page cache while groups are written."""


def write_centroids(connection: apsw.Connection, clusters: Clusters) -> None:
    """Fill `centroid`, a row for each super-cluster."""
    for number, (start, end) in enumerate(pairwise(clusters.starts.tolist())):
        blob = clusters.centres[start:end].astype("<f2").tobytes()
        connection.execute("INSERT INTO centroid(blk, v) VALUES(?, ?)", (number, blob))


def write_groups(
    part: Path,
    spill: Spill,
    trained: Trained,
    embedder: EmbedderId,
    known_words: frozenset[str],
    report: Report,
) -> None:
    """Write all groups that are not in the file yet, each for good before its rows are dropped."""
    with sqlite.opened(part, "create") as connection:
        connection.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
        if not connection.execute("SELECT count(*) FROM sqlite_master").get:
            with rows.writing(connection):
                _begin(connection, part, spill, trained, embedder, known_words)
        done = connection.execute("SELECT value FROM meta WHERE key = 'groups'").get
        first = spill.groups if done is None else done
        writer = Writer(connection, trained.dictionary, known_words)
        meter = Meter(report, "write", spill.rows, rows.last(connection))
        for group in range(first, spill.groups):
            with rows.writing(connection):
                if parts := list(spill.read(group)):
                    writer.write(joined(parts))
                connection.execute("UPDATE meta SET value = value + 1 WHERE key = 'groups'")
            spill.drop(group)
            meter.reach(rows.last(connection))
    connection.close()


def _begin(
    connection: apsw.Connection,
    part: Path,
    spill: Spill,
    trained: Trained,
    embedder: EmbedderId,
    known_words: frozenset[str],
) -> None:
    """Tables without entries; `groups` in `meta` counts the groups that are written."""
    probes, candidates = default_dial(spill.rows, len(trained.clusters.centres))
    meta = Meta(
        embedder,
        scale_for(embedder.dimension),
        trained.mean,
        trained.rotation,
        probes=probes,
        candidates=candidates,
    )
    lay_out(connection, part, meta, known_words, trained.dictionary)
    write_centroids(connection, trained.clusters)
    connection.execute("INSERT INTO meta(key, value) VALUES('groups', 0)")
    connection.executemany(
        "INSERT INTO label(domain, source, level, provenance, id) VALUES(?, ?, ?, ?, ?)",
        ((*label, number) for label, number in spill.labels.items()),
    )


class Writer:
    """Writes groups, in the order of their clusters, behind what the tables already hold."""

    def __init__(
        self, connection: apsw.Connection, dictionary: bytes, known_words: frozenset[str]
    ) -> None:
        self._connection = connection
        self._codec = Codec(dictionary, BULK_LEVEL)
        self._known = known_words

    def write(self, group: Columns) -> None:
        """Add the rows of a group, in one transaction of the caller's.

        Their ids go on from the last, in the order of their clusters.
        """
        ordered = group.chosen(np.argsort(group.clusters, kind="stable"))
        first = rows.last(self._connection) + 1
        ids = np.arange(first, first + len(ordered), dtype=np.int64)
        self._codes(ordered, ids)
        self._refs(ordered, ids)
        self._blocks(ordered.texts, first)
        self._words(ordered.texts, first)
        rows.grow(self._connection, len(ordered))
        self._connection.execute(
            "UPDATE meta SET value = ? WHERE key IN ('last', 'bulk')", (int(ids[-1]),)
        )

    def _codes(self, ordered: Columns, ids: Ids) -> None:
        """The chunks of `code`, as sqlite-vec itself would have filled them."""
        found = self._connection.execute("SELECT coalesce(max(chunk_id), 0) FROM code_chunks")
        chunk = int(found.get)
        for start, end in _runs(ordered.clusters):
            chunk += 1
            used = slice(start, end)
            validity = np.packbits(np.arange(CHUNK_SIZE) < end - start, bitorder="little")
            self._connection.execute(
                "INSERT INTO code_chunks(chunk_id, size, partition00, validity, rowids)"
                " VALUES(?, ?, ?, ?, ?)",
                (
                    chunk,
                    CHUNK_SIZE,
                    int(ordered.clusters[start]),
                    validity.tobytes(),
                    _filled(ids[used]),
                ),
            )
            # sqlite-vec finds these blobs by the hidden rowid and by the column of that name.
            self._connection.execute(
                "INSERT INTO code_vector_chunks00(_rowid_, rowid, vectors) VALUES(?1, ?1, ?2)",
                (chunk, _filled(ordered.bits[used])),
            )
            self._connection.execute(
                "INSERT INTO code_metadatachunks00(_rowid_, rowid, data) VALUES(?1, ?1, ?2)",
                (chunk, _filled(ordered.labels[used].astype("<i8"))),
            )

    def _refs(self, ordered: Columns, ids: Ids) -> None:
        columns = zip(
            ids.tolist(),
            ordered.labels.tolist(),
            ordered.clusters.tolist(),
            map(bytes, ordered.bits),
            map(bytes, ordered.codes),
            strict=True,
        )
        self._connection.executemany(
            "INSERT INTO ref(id, label, crc, v) VALUES(?, ?, ?, ?)",
            (
                (id, label, row_crc(id, label, cluster, bits, code), code)
                for id, label, cluster, bits, code in columns
            ),
        )

    def _blocks(self, texts: list[bytes], first: int) -> None:
        """The texts from entry `first` on; a block that the last group left open is filled up."""
        number, open_rows = divmod(first - 1, BLOCK_ROWS)
        if open_rows:
            (frame,) = rows.frames(self._connection, "block", [number]).values()
            texts = self._codec.unpack(frame, BLOCK_ROWS) + texts
        self._connection.executemany(
            "INSERT OR REPLACE INTO block(blk, z) VALUES(?, ?)",
            (
                (number + start // BLOCK_ROWS, self._codec.pack(texts[start : start + BLOCK_ROWS]))
                for start in range(0, len(texts), BLOCK_ROWS)
            ),
        )

    def _words(self, texts: list[bytes], first: int) -> None:
        self._connection.executemany(
            "INSERT INTO words(rowid, rare) VALUES(?, ?)",
            (
                (id, " ".join(rare))
                for id, text in enumerate(texts, first)
                if (rare := rare_words(self._connection, split_row(text)[0], self._known))
            ),
        )


def _runs(clusters: NDArray[np.int32]) -> Iterator[tuple[int, int]]:
    """Start and end of each chunk: rows of one cluster, CHUNK_SIZE at most; `clusters` ascend."""
    edges = np.flatnonzero(np.diff(clusters)) + 1
    bounds = [0, *edges.tolist(), len(clusters)]
    for first, end in pairwise(bounds):
        for start in range(first, end, CHUNK_SIZE):
            yield start, min(start + CHUNK_SIZE, end)


def _filled(values: NDArray[np.generic]) -> bytes:
    """The bytes of a chunk's column: these values, then zeros for the rows not used."""
    data = values.tobytes()
    return data.ljust(len(data) // len(values) * CHUNK_SIZE, b"\0")


def default_dial(entries: int, clusters: int) -> tuple[int, int]:
    """Clusters that a search asks, and rows that it ranks, unless it is told otherwise.

    Through 74 of 2,048 and 148 of 32,768 clusters (STORE 3.1 needs 64 and 128 to 160).
    """
    probes = min(clusters, round(11 * clusters**0.25))
    return probes, CANDIDATES if entries <= 10_000_000 else 3 * CANDIDATES // 2
