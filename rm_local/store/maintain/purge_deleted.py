"""Bits of deleted entries out of the way of searches, and chunks without rows out of the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rm_local.arrays import Ids
from rm_local.store.maintain.chunks import drop, used_places
from rm_local.store.maintain.task import Tools, raise_by
from rm_local.store.sqlite.meta import read_number_or_zero, write_value

if TYPE_CHECKING:
    import apsw


READ_CHUNKS = 2000
"""In one step: about 50 ms."""


class Scrap:
    """Goes through all chunks when there are tombstones whose bits may still be there.

    In `meta`, `scrapped` counts the tombstones whose bits are known to be gone, `scrap_goal` those
    there were when the pass under way began, and `scrap_chunk` is the chunk that it has come to.
    """

    name = "deleted entries with bits"

    def __init__(self, tools: Tools) -> None:
        self._connection = tools.connection
        self._dead: Ids = np.empty(0, np.int64)

    def left(self) -> int:
        """Deleted entries, at most."""
        return self._tombstones() - read_number_or_zero(self._connection, "scrapped")

    def step(self, until: float) -> dict[str, int]:
        """READ_CHUNKS chunks."""
        if not self.left():
            return {}
        last = read_number_or_zero(self._connection, "scrap_chunk")
        if not last:
            write_value(self._connection, "scrap_goal", self._tombstones())
        self._read_dead()
        found = self._connection.execute(
            "SELECT chunk_id, validity, rowids FROM code_chunks WHERE chunk_id > ?"
            " ORDER BY chunk_id LIMIT ?",
            (last, READ_CHUNKS),
        )
        chunks = list(found)
        cleared = dropped = 0
        for last, validity, ids in chunks:
            bits, empty = self._clear(last, validity, ids)
            cleared, dropped = cleared + bits, dropped + empty
        if len(chunks) == READ_CHUNKS:
            write_value(self._connection, "scrap_chunk", last)
        else:
            write_value(self._connection, "scrap_chunk", 0)
            write_value(
                self._connection, "scrapped", read_number_or_zero(self._connection, "scrap_goal")
            )
        return {
            "chunks of bits looked through": len(chunks),
            "deleted entries' bits cleared": cleared,
            "empty chunks removed": dropped,
        }

    def _tombstones(self) -> int:
        return int(self._connection.execute("SELECT count(*) FROM tomb").get)

    def _read_dead(self) -> None:
        """The tombstones, ascending; there are never fewer, so those in memory may do."""
        if len(self._dead) != self._tombstones():
            found = self._connection.execute("SELECT id FROM tomb ORDER BY id")
            self._dead = np.fromiter((row[0] for row in found), np.int64)

    def _clear(self, chunk: int, validity: bytes, ids: bytes) -> tuple[int, bool]:
        """How many rows of a chunk were cleared, and whether it is gone for having none left."""
        places = used_places(validity, ids)
        held = np.frombuffer(ids, "<i8")[places]
        found = np.searchsorted(self._dead, held)
        gone = self._dead[np.minimum(found, len(self._dead) - 1)] == held
        if gone.all():
            drop(self._connection, [chunk])
            return len(places), True
        if gone.any():
            used = np.zeros(len(validity) * 8, np.uint8)
            used[places[~gone]] = 1
            left = np.packbits(used, bitorder="little").tobytes()
            self._connection.execute(
                "UPDATE code_chunks SET validity = ? WHERE chunk_id = ?", (left, chunk)
            )
        return int(gone.sum()), False


def note_cleared(connection: apsw.Connection, tombstones: int) -> None:
    """Count new tombstones whose bits are gone already."""
    raise_by(connection, "scrapped", tombstones)
    raise_by(connection, "scrap_goal", tombstones)
