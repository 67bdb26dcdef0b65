"""Moves the texts of added entries from single rows into blocks, which compress better."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rm_local.store.codec.text_blocks import TextCodec
from rm_local.store.format import BLOCK_ROWS, DamagedError
from rm_local.store.index import pending
from rm_local.store.maintain.purge_deleted import record_cleared_tombstones
from rm_local.store.maintain.task import ConnectionWithCodecs
from rm_local.store.sqlite import tables
from rm_local.store.sqlite.meta import read_meta_number, write_meta_value

if TYPE_CHECKING:
    import apsw

STEP_BLOCKS = 32
"""Maximum number of text blocks that one step fills."""


class PackTextsTask:
    """Maintenance task that moves entries' texts from single rows into blocks of BLOCK_ROWS.

    It raises `bulk` in `meta`, the last id with its texts in a block. The entries lose their rows
    in `code_rowids`; deleted ones get a tombstone (a row in `tomb`). Only full blocks are made, so
    up to 15 entries stay in single rows.
    """

    name = "entries not in blocks"

    def __init__(self, tools: ConnectionWithCodecs) -> None:
        self._connection, self._codec = tools.connection, tools.codec

    def count_remaining_work(self) -> int:
        """Return the number of entries to move into blocks, including deleted ones."""
        bulk, end = _find_last_packed_and_packable_ids(self._connection)
        return max(0, end - bulk)

    def run_step(self, until: float) -> dict[str, int]:
        """Fill at most STEP_BLOCKS blocks; return the number of moved entries, by description.

        Empty if no full block can be made.
        """
        bulk, end = _find_last_packed_and_packable_ids(self._connection)
        end = min(end, (bulk // BLOCK_ROWS + STEP_BLOCKS) * BLOCK_ROWS)
        if end <= bulk:
            return {}
        texts = _read_joined_texts_deleted_as_empty(self._connection, self._codec, bulk, end)
        gone = [(id,) for id, text in enumerate(texts, bulk + 1) if not text]
        self._complete_and_append_text_blocks(bulk, texts)
        for table, key in (("text", "id"), ("code_rowids", "rowid")):
            self._connection.execute(
                f"DELETE FROM {table} WHERE {key} BETWEEN ? AND ?", (bulk + 1, end)
            )
        self._connection.executemany("INSERT INTO tomb(id) VALUES(?)", gone)
        record_cleared_tombstones(self._connection, len(gone))
        write_meta_value(self._connection, "bulk", end)
        return {"entries put into blocks": end - bulk}

    def _complete_and_append_text_blocks(self, bulk: int, texts: list[bytes]) -> None:
        """Write the texts of the entries from `bulk` + 1 on; complete the last present block first.

        Raises:
            DamagedError: That block does not have the rows expected.
        """
        first, held = divmod(bulk, BLOCK_ROWS)
        if held:
            frame = tables.read_text_frames(self._connection, "block", [first]).get(first, b"")
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


def _find_last_packed_and_packable_ids(connection: apsw.Connection) -> tuple[int, int]:
    """Return the last id with texts in a block, and the last one that can be in a full block.

    Pending entries stay in single rows, so the second id is below all of theirs.
    """
    first_fresh = pending.find_oldest_pending_id(connection)
    last = tables.read_last_given_id(connection) if first_fresh is None else first_fresh - 1
    return read_meta_number(connection, "bulk"), last // BLOCK_ROWS * BLOCK_ROWS


def _read_joined_texts_deleted_as_empty(
    connection: apsw.Connection, codec: TextCodec, bulk: int, end: int
) -> list[bytes]:
    """Return the joined texts of entries `bulk` + 1 to `end`, empty for deleted entries.

    Raises:
        DamagedError: An entry has no text, or a text no entry.
    """
    ids = range(bulk + 1, end + 1)
    frames = tables.read_text_frames(connection, "text", ids)
    if frames.keys() != tables.find_existing_ids(connection, ids):
        raise DamagedError(f"entries {bulk + 1} to {end} and their texts do not agree")
    return [codec.unpack_rows(frames[id], 1)[0] if id in frames else b"" for id in ids]
