"""Reads, rewrites and removes the chunks of clusters in sqlite-vec's shadow tables of `code`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rm_local.arrays import Bytes, Flags, Ids
from rm_local.store.format import CHUNK_SIZE, DamagedError
from rm_local.store.sqlite.meta import read_meta_number
from rm_local.store.sqlite.vec0 import Chunk, append_chunks

if TYPE_CHECKING:
    import apsw


CLUSTER = """
    SELECT validity, rowids, data, vectors FROM code_chunks
    JOIN code_metadatachunks00 AS m ON m.rowid = chunk_id
    JOIN code_vector_chunks00 AS v ON v.rowid = chunk_id
    WHERE partition00 = ? ORDER BY chunk_id
"""


@dataclass(frozen=True)
class ClusterRows:
    """Ids, label numbers and sign bits of rows of one cluster, from the table `code`."""

    ids: Ids
    labels: Ids
    bits: Bytes
    """Sign bits of the rows: an array (n, d / 8)."""

    def __len__(self) -> int:
        return len(self.ids)

    def select_rows(self, which: Flags | Ids) -> ClusterRows:
        """Return the rows at the positions `which`, or, for flags, the rows where it is true."""
        return ClusterRows(self.ids[which], self.labels[which], self.bits[which])


def read_cluster_rows_with_deleted(
    connection: apsw.Connection, cluster: int, dimension: int
) -> ClusterRows:
    """Return all rows of a cluster, including those of deleted entries not yet removed from it.

    Raises:
        DamagedError: The columns of a chunk have inconsistent lengths.
    """
    ids, labels = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    bits = [np.empty((0, dimension // 8), np.uint8)]
    for validity, numbers, names, vectors in connection.execute(CLUSTER, (cluster,)):
        places = find_used_slots(validity, numbers)
        if len(names) != len(numbers) or len(vectors) != len(validity) * dimension:
            raise DamagedError(f"cluster {cluster} has a chunk that cannot be read")
        ids.append(np.frombuffer(numbers, "<i8")[places])
        labels.append(np.frombuffer(names, "<i8")[places])
        bits.append(np.frombuffer(vectors, np.uint8).reshape(-1, dimension // 8)[places])
    return ClusterRows(np.concatenate(ids), np.concatenate(labels), np.concatenate(bits))


def find_used_slots(validity: bytes, ids: bytes) -> Ids:
    """Return the positions, ascending, of the slots of a chunk that contain a row.

    `validity` and `ids` are columns of the chunk, as in `Chunk`.

    Raises:
        DamagedError: They have inconsistent lengths.
    """
    if len(ids) != len(validity) * 64:
        raise DamagedError("a chunk's ids cannot be read")
    return np.flatnonzero(np.unpackbits(np.frombuffer(validity, np.uint8), bitorder="little"))


def replace_cluster_chunks(
    connection: apsw.Connection, cluster: int, parts: Sequence[tuple[int, ClusterRows]]
) -> None:
    """Remove all chunks of `cluster`; write those of `parts`, pairs of cluster number and rows."""
    old = connection.execute("SELECT chunk_id FROM code_chunks WHERE partition00 = ?", (cluster,))
    remove_chunks(connection, [row[0] for row in old])
    filled = [each for part in parts for each in _divide_into_chunks_with_ids(*part)]
    last = connection.execute("SELECT coalesce(max(chunk_id), 0) FROM code_chunks").get
    append_chunks(connection, [chunk for chunk, _ in filled])
    bulk = read_meta_number(connection, "bulk")
    # sqlite-vec finds a row to delete here; entries up to `bulk` have no row.
    connection.executemany(
        "UPDATE code_rowids SET chunk_id = ?, chunk_offset = ? WHERE rowid = ?",
        (
            (chunk, place, id)
            for chunk, (_, ids) in enumerate(filled, last + 1)
            for place, id in enumerate(ids)
            if id > bulk
        ),
    )


def remove_chunks(connection: apsw.Connection, chunks: Sequence[int]) -> None:
    """Remove the chunks with these numbers from sqlite-vec's shadow tables of `code`."""
    for table, key in (
        ("code_chunks", "chunk_id"),
        ("code_vector_chunks00", "rowid"),
        ("code_metadatachunks00", "rowid"),
    ):
        connection.executemany(
            f"DELETE FROM {table} WHERE {key} = ?", ((chunk,) for chunk in chunks)
        )


def _divide_into_chunks_with_ids(
    cluster: int, rows: ClusterRows
) -> Iterator[tuple[Chunk, list[int]]]:
    """Divide rows of `cluster` into chunks, all full except the last; yield each with its ids."""
    for start in range(0, len(rows), CHUNK_SIZE):
        part = rows.select_rows(np.arange(start, min(start + CHUNK_SIZE, len(rows))))
        used = np.arange(CHUNK_SIZE) < len(part)
        columns = (part.ids.astype("<i8"), part.bits, part.labels.astype("<i8"))
        ids, bits, labels = (
            each.tobytes().ljust(each.nbytes // len(part) * CHUNK_SIZE, b"\0") for each in columns
        )
        validity = np.packbits(used, bitorder="little").tobytes()
        yield Chunk(cluster, validity, ids, bits, labels), part.ids.tolist()
