"""Removes the sign bits of deleted entries, which slow down searches, and then empty chunks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rm_local.arrays import Ids
from rm_local.store.maintain.chunks import find_used_slots, remove_chunks
from rm_local.store.maintain.task import ConnectionWithCodecs, increase_meta_number
from rm_local.store.sqlite.meta import read_meta_number_or_zero, write_meta_value

if TYPE_CHECKING:
    import apsw


READ_CHUNKS = 2000
"""Number of chunks that one step searches for deleted entries, in about 50 ms."""


class PurgeDeletedBitsTask:
    """Maintenance task that scans all chunks for sign bits of deleted entries and removes these.

    A tombstone is the row of a deleted entry in `tomb`. In `meta`, `scrapped` is the number of
    tombstones whose bits are removed, `scrap_goal` the number of all tombstones at the start of the
    current scan, and `scrap_chunk` the last scanned chunk.
    """

    name = "deleted entries with bits"

    def __init__(self, tools: ConnectionWithCodecs) -> None:
        self._connection = tools.connection
        self._tombstones: Ids = np.empty(0, np.int64)

    def count_remaining_work(self) -> int:
        """Return the number of deleted entries whose sign bits can still be in the file."""
        return self._count_tombstones() - read_meta_number_or_zero(self._connection, "scrapped")

    def run_step(self, until: float) -> dict[str, int]:
        """Scan the next READ_CHUNKS chunks; return the amounts of work, by description.

        Empty if no deleted entry can have sign bits.
        """
        if not self.count_remaining_work():
            return {}
        last = read_meta_number_or_zero(self._connection, "scrap_chunk")
        if not last:
            write_meta_value(self._connection, "scrap_goal", self._count_tombstones())
        self._refresh_tombstones()
        found = self._connection.execute(
            "SELECT chunk_id, validity, rowids FROM code_chunks WHERE chunk_id > ?"
            " ORDER BY chunk_id LIMIT ?",
            (last, READ_CHUNKS),
        )
        chunks = list(found)
        cleared = dropped = 0
        for last, validity, ids in chunks:
            bits, empty = self._clear_deleted_or_remove_chunk(last, validity, ids)
            cleared, dropped = cleared + bits, dropped + empty
        if len(chunks) == READ_CHUNKS:
            write_meta_value(self._connection, "scrap_chunk", last)
        else:
            write_meta_value(self._connection, "scrap_chunk", 0)
            write_meta_value(
                self._connection,
                "scrapped",
                read_meta_number_or_zero(self._connection, "scrap_goal"),
            )
        return {
            "chunks of bits looked through": len(chunks),
            "deleted entries' bits cleared": cleared,
            "empty chunks removed": dropped,
        }

    def _count_tombstones(self) -> int:
        return int(self._connection.execute("SELECT count(*) FROM tomb").get)

    def _refresh_tombstones(self) -> None:
        """Read the ids of all tombstones, ascending, into memory if their number has changed."""
        if len(self._tombstones) != self._count_tombstones():
            found = self._connection.execute("SELECT id FROM tomb ORDER BY id")
            self._tombstones = np.fromiter((row[0] for row in found), np.int64)

    def _clear_deleted_or_remove_chunk(
        self, chunk: int, validity: bytes, ids: bytes
    ) -> tuple[int, bool]:
        """Mark the slots of deleted entries in a chunk as unused; remove the chunk if all are.

        Return the number of these slots, and whether the chunk was removed.
        """
        places = find_used_slots(validity, ids)
        held = np.frombuffer(ids, "<i8")[places]
        found = np.searchsorted(self._tombstones, held)
        gone = self._tombstones[np.minimum(found, len(self._tombstones) - 1)] == held
        if gone.all():
            remove_chunks(self._connection, [chunk])
            return len(places), True
        if gone.any():
            used = np.zeros(len(validity) * 8, np.uint8)
            used[places[~gone]] = 1
            left = np.packbits(used, bitorder="little").tobytes()
            self._connection.execute(
                "UPDATE code_chunks SET validity = ? WHERE chunk_id = ?", (left, chunk)
            )
        return int(gone.sum()), False


def record_cleared_tombstones(connection: apsw.Connection, tombstones: int) -> None:
    """Add `tombstones` to the numbers in `meta` that `PurgeDeletedBitsTask` uses.

    It is the number of new tombstones whose sign bits are already removed, so that they cause no
    scan.
    """
    increase_meta_number(connection, "scrapped", tombstones)
    increase_meta_number(connection, "scrap_goal", tombstones)
