"""Checks the sign bits and the ranking code of each entry, and sqlite-vec's tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rm_local.arrays import Flags
from rm_local.progress import DoneCallback
from rm_local.store.codec.code_frames import compute_code_checksum, compute_row_checksum
from rm_local.store.format import CHUNK_SIZE, NO_CLUSTER
from rm_local.store.sqlite import meta, tables
from rm_local.store.sqlite.reader_pool import read_transaction

if TYPE_CHECKING:
    import apsw

STEP = 64
"""Number of chunks of sign bits that are checked at once."""

CHUNKS = """
    SELECT chunk_id, size, sequence_id, partition00, validity, rowids, data, vectors
    FROM code_chunks
    LEFT JOIN code_metadatachunks00 AS m ON m._rowid_ = chunk_id AND m.rowid = chunk_id
    LEFT JOIN code_vector_chunks00 AS v ON v._rowid_ = chunk_id AND v.rowid = chunk_id
    WHERE chunk_id > ? ORDER BY chunk_id LIMIT ?
"""

FRESH = """
    SELECT fresh.id, bits, label, crc, v FROM fresh LEFT JOIN ref ON ref.id = fresh.id
    ORDER BY fresh.id
"""


@dataclass(frozen=True, slots=True)
class SignBitsSlot:
    """Sign bits and label of an entry in sqlite-vec's tables, and their place there."""

    cluster: int
    label: int
    bits: bytes
    chunk: int
    offset: int
    """Number, from 0, of the row's slot in its chunk."""


def find_vector_faults(
    connection: apsw.Connection, exists: Flags, on_done: DoneCallback
) -> Iterator[str]:
    """Yield a sentence for each fault of an entry's sign bits, ranking code or their places.

    `exists` says by id whether an entry exists. `on_done` gets the number of entries checked so
    far.
    """
    seen = np.zeros_like(exists)
    bulk = meta.read_meta_number(connection, "bulk")
    width = meta.read_meta_number(connection, "embedder_dimension") // 8
    after: int = -1 << 63
    while True:
        with read_transaction(connection):
            chunks: list[tuple[Any, ...]] = connection.execute(CHUNKS, (after, STEP)).fetchall()
            slots: list[tuple[int, SignBitsSlot]] = []
            found = list(_unpack_slots_and_yield_faults(chunks, width, slots))
            found += _find_slot_faults_and_mark_seen(connection, slots, seen, bulk)
        yield from found
        if not chunks:
            break
        after = chunks[-1][0]
        on_done(int(seen.sum()))
    with read_transaction(connection):
        found = list(_find_pending_faults_and_mark_seen(connection, width, seen))
    yield from found
    for id in np.flatnonzero(exists & ~seen).tolist():
        yield f"Entry {id} has no bits."


def _unpack_slots_and_yield_faults(
    chunks: list[tuple[Any, ...]], width: int, into: list[tuple[int, SignBitsSlot]]
) -> Iterator[str]:
    """Append ids and rows of the used slots of `chunks` to `into`; yield a fault if unreadable.

    `chunks` are rows of the statement CHUNKS; `width` is the number of bytes of an entry's bits.
    """
    sizes = (CHUNK_SIZE // 8, CHUNK_SIZE * 8, CHUNK_SIZE * 8, CHUNK_SIZE * width)
    for number, size, sequence, cluster, *columns in chunks:
        fit = all(
            isinstance(column, bytes) and len(column) == wanted
            for column, wanted in zip(columns, sizes, strict=True)
        )
        if not fit or (size, sequence) != (CHUNK_SIZE, None):
            yield f"Cluster {cluster} has a chunk, {number}, that cannot be read."
            continue
        validity, ids, labels, bits = columns
        used = np.unpackbits(np.frombuffer(validity, np.uint8), bitorder="little")
        numbers, names = np.frombuffer(ids, "<i8").tolist(), np.frombuffer(labels, "<i8").tolist()
        into += [
            (
                numbers[at],
                SignBitsSlot(cluster, names[at], bits[at * width : (at + 1) * width], number, at),
            )
            for at in np.flatnonzero(used).tolist()
        ]


def _find_slot_faults_and_mark_seen(
    connection: apsw.Connection, slots: list[tuple[int, SignBitsSlot]], seen: Flags, bulk: int
) -> Iterator[str]:
    """Yield the faults of rows in sqlite-vec's tables, `slots` with their ids; mark ids as seen."""
    ids = tables.format_json_array([id for id, _ in slots])
    chosen = "IN (SELECT value FROM json_each(?))"
    execute = connection.execute
    refs = {
        row[0]: row[1:]
        for row in execute(f"SELECT id, label, crc, v FROM ref WHERE id {chosen}", (ids,))
    }
    tombs = {row[0] for row in execute(f"SELECT id FROM tomb WHERE id {chosen}", (ids,))}
    places = {
        row[0]: row[1:]
        for row in execute(
            f"SELECT rowid, id, chunk_id, chunk_offset FROM code_rowids WHERE rowid {chosen}",
            (ids,),
        )
    }
    for id, slot in slots:
        if id not in refs:
            if id not in tombs:
                yield f"Cluster {slot.cluster} has bits of entry {id}, which does not exist."
            continue
        if fault := _mark_seen_and_describe_repeat(id, seen):
            yield fault
        if fault := _describe_row_fault_or_empty(id, slot, *refs[id]):
            yield fault
        if id > bulk and places.get(id) != (None, slot.chunk, slot.offset):
            yield f"Entry {id}: sqlite-vec does not find its bits."


def _find_pending_faults_and_mark_seen(
    connection: apsw.Connection, width: int, seen: Flags
) -> Iterator[str]:
    """Yield the faults of pending entries (without a cluster), and mark their ids as seen.

    `width` is the number of bytes of an entry's sign bits.
    """
    for id, bits, label, crc, code in connection.execute(FRESH):
        if code is None:
            yield f"There are pending bits of entry {id}, which does not exist."
            continue
        if fault := _mark_seen_and_describe_repeat(id, seen):
            yield fault
        if not isinstance(bits, bytes) or len(bits) != width:
            yield f"Entry {id}: its pending bits cannot be read."
        elif fault := _describe_row_fault_or_empty(
            id, SignBitsSlot(NO_CLUSTER, label, bits, 0, 0), label, crc, code
        ):
            yield fault


def _mark_seen_and_describe_repeat(id: int, seen: Flags) -> str:
    """Mark the id in `seen`; return a sentence if it was marked before, otherwise "".

    An id out of range is ignored.
    """
    if not 0 < id < len(seen):
        return ""
    again = bool(seen[id])
    seen[id] = True
    return f"Entry {id}: its vector is stored twice." if again else ""


def _describe_row_fault_or_empty(
    id: int, slot: SignBitsSlot, label: int, crc: int, code: bytes
) -> str:
    """Compare a row with its label, checksum and code in `ref`; return the fault as a sentence.

    It is empty for an intact row.
    """
    if (
        slot.label == label
        and compute_row_checksum(id, label, slot.cluster, slot.bits, code) == crc
    ):
        return ""
    whole = compute_code_checksum(id, code) == crc >> 32
    return f"Entry {id}: its {'bits or label are' if whole else 'vector is'} damaged."
