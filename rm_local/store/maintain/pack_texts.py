"""Packs texts of added entries, which have a frame each, into blocks like a bulk build's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rm_local.store.codec.text_blocks import TextCodec
from rm_local.store.format import BLOCK_ROWS, DamagedError
from rm_local.store.index import pending
from rm_local.store.maintain.purge_deleted import count_cleared_tombstones
from rm_local.store.maintain.task import StoreTools
from rm_local.store.sqlite import tables
from rm_local.store.sqlite.meta import read_number, write_meta_value

if TYPE_CHECKING:
    import apsw

STEP_BLOCKS = 32
"""Blocks in one step."""


class PackTexts:
    """Packs texts and raises `bulk`, so that these entries are like those of a bulk build.

    Their rows in `code_rowids` are removed, and deleted ones get a tombstone. Only full blocks are
    made; up to 15 entries stay as they are.
    """

    name = "entries not in blocks"

    def __init__(self, tools: StoreTools) -> None:
        self._connection, self._codec = tools.connection, tools.codec

    def count_remaining_work(self) -> int:
        """Count the entries to pack, including deleted ones."""
        bulk, end = _find_bounds(self._connection)
        return max(0, end - bulk)

    def run_step(self, until: float) -> dict[str, int]:
        """Pack STEP_BLOCKS blocks."""
        bulk, end = _find_bounds(self._connection)
        end = min(end, (bulk // BLOCK_ROWS + STEP_BLOCKS) * BLOCK_ROWS)
        if end <= bulk:
            return {}
        texts = _read_texts(self._connection, self._codec, bulk, end)
        gone = [(id,) for id, text in enumerate(texts, bulk + 1) if not text]
        self._write_blocks(bulk, texts)
        for table, key in (("text", "id"), ("code_rowids", "rowid")):
            self._connection.execute(
                f"DELETE FROM {table} WHERE {key} BETWEEN ? AND ?", (bulk + 1, end)
            )
        self._connection.executemany("INSERT INTO tomb(id) VALUES(?)", gone)
        count_cleared_tombstones(self._connection, len(gone))
        write_meta_value(self._connection, "bulk", end)
        return {"entries put into blocks": end - bulk}

    def _write_blocks(self, bulk: int, texts: list[bytes]) -> None:
        """Write blocks of `texts`; the incomplete last block of the bulk build is completed."""
        first, held = divmod(bulk, BLOCK_ROWS)
        if held:
            frame = tables.read_frames(self._connection, "block", [first]).get(first, b"")
            texts = self._codec.unpack_rows(frame, BLOCK_ROWS) + texts
            if len(texts) % BLOCK_ROWS:
                raise DamagedError(f"block {first} does not have {held} rows")
        self._connection.executemany(
            "INSERT OR REPLACE INTO block(blk, z) VALUES(?, ?)",
            (
                (
                    first + place // BLOCK_ROWS,
                    self._codec.pack_rows(texts[place : place + BLOCK_ROWS]),
                )
                for place in range(0, len(texts), BLOCK_ROWS)
            ),
        )


def _find_bounds(connection: apsw.Connection) -> tuple[int, int]:
    """Find the last entry in blocks, and the last that can be in a full block: no pending one."""
    first_fresh = pending.find_oldest_pending(connection)
    last = tables.read_last_id(connection) if first_fresh is None else first_fresh - 1
    return read_number(connection, "bulk"), last // BLOCK_ROWS * BLOCK_ROWS


def _read_texts(connection: apsw.Connection, codec: TextCodec, bulk: int, end: int) -> list[bytes]:
    """Read the text rows of the entries after `bulk` up to `end`; empty for deleted ones."""
    ids = range(bulk + 1, end + 1)
    frames = tables.read_frames(connection, "text", ids)
    if frames.keys() != tables.find_existing_ids(connection, ids):
        raise DamagedError(f"entries {bulk + 1} to {end} and their texts do not agree")
    return [codec.unpack_rows(frames[id], 1)[0] if id in frames else b"" for id in ids]
