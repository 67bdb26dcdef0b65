"""Packs the texts of added entries, with one frame each, into blocks as in a bulk build."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rm_local.store.codec.text_blocks import TextCodec
from rm_local.store.format import BLOCK_ROWS, DamagedError
from rm_local.store.index import pending
from rm_local.store.maintain.purge_deleted import record_cleared_tombstones
from rm_local.store.maintain.task import StoreTools
from rm_local.store.sqlite import tables
from rm_local.store.sqlite.meta import read_number, write_meta_value

if TYPE_CHECKING:
    import apsw

STEP_BLOCKS = 32
"""Maximum blocks of one step."""


class PackTexts:
    """Task that packs texts into blocks and raises `bulk`, the last id with texts in blocks.

    The packed entries lose their rows in `code_rowids`; deleted ones get a tombstone (a row in
    `tomb`). Only full blocks are made; up to 15 entries stay as they are.
    """

    name = "entries not in blocks"

    def __init__(self, tools: StoreTools) -> None:
        self._connection, self._codec = tools.connection, tools.codec

    def count_remaining_work(self) -> int:
        """Count the entries to pack, including deleted ones."""
        bulk, end = _find_packable_range(self._connection)
        return max(0, end - bulk)

    def run_step(self, until: float) -> dict[str, int]:
        """Pack STEP_BLOCKS blocks."""
        bulk, end = _find_packable_range(self._connection)
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
        record_cleared_tombstones(self._connection, len(gone))
        write_meta_value(self._connection, "bulk", end)
        return {"entries put into blocks": end - bulk}

    def _write_blocks(self, bulk: int, texts: list[bytes]) -> None:
        """Write blocks of `texts`; complete the last existing block first."""
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


def _find_packable_range(connection: apsw.Connection) -> tuple[int, int]:
    """Find the last entry in blocks, and the last one for a full block, before pending ones."""
    first_fresh = pending.find_oldest_pending_id(connection)
    last = tables.read_last_given_id(connection) if first_fresh is None else first_fresh - 1
    return read_number(connection, "bulk"), last // BLOCK_ROWS * BLOCK_ROWS


def _read_texts(connection: apsw.Connection, codec: TextCodec, bulk: int, end: int) -> list[bytes]:
    """Read the text rows of entries `bulk` + 1 to `end`; empty for deleted entries."""
    ids = range(bulk + 1, end + 1)
    frames = tables.read_frames(connection, "text", ids)
    if frames.keys() != tables.find_existing_ids(connection, ids):
        raise DamagedError(f"entries {bulk + 1} to {end} and their texts do not agree")
    return [codec.unpack_rows(frames[id], 1)[0] if id in frames else b"" for id in ids]
