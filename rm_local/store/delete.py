"""Deletes entries from all tables of a store, in the current transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import TYPE_CHECKING

from rm_local.store.codec.text_blocks import TextCodec
from rm_local.store.format import BLOCK_ROWS, DamagedError
from rm_local.store.index import pending
from rm_local.store.sqlite import tables
from rm_local.store.sqlite.entry_texts import locate_block_row

if TYPE_CHECKING:
    import apsw


def delete_existing_entries(
    connection: apsw.Connection, codec: TextCodec, bulk: int, ids: Collection[int]
) -> None:
    """Delete the entries with these ids, all of which exist, in the current transaction.

    Ids up to `bulk` have their texts in blocks; each of these leaves a tombstone: its id in the
    table `tomb`.
    """
    chosen = tables.format_json_array(ids)
    for table, key in (("ref", "id"), ("words", "rowid"), ("tally", "id")):
        connection.execute(
            f"DELETE FROM {table} WHERE {key} IN (SELECT value FROM json_each(?))", (chosen,)
        )
    dropped = pending.delete_pending(connection, ids)
    single = [(id,) for id in ids if id > bulk]
    clustered = [(id,) for (id,) in single if id not in dropped]
    connection.executemany("DELETE FROM code WHERE id = ?", clustered)
    connection.executemany("DELETE FROM text WHERE id = ?", single)
    _clear_texts_and_add_tombstones(connection, codec, [id for id in ids if id <= bulk])
    tables.adjust_entry_count(connection, -len(ids))


def _clear_texts_and_add_tombstones(
    connection: apsw.Connection, codec: TextCodec, ids: Collection[int]
) -> None:
    """Empty the texts of entries in their blocks, and insert the entries' ids into `tomb`.

    The sign bits of these entries stay in the file; searches skip them.

    Raises:
        DamagedError: A block is missing or cannot be decoded.
    """
    slots = defaultdict(list)
    for blk, slot in map(locate_block_row, ids):
        slots[blk].append(slot)
    for blk, frame in tables.read_text_frames(connection, "block", slots).items():
        texts = codec.unpack_rows(frame, BLOCK_ROWS)
        for slot in slots.pop(blk):
            texts[slot] = b""
        connection.execute("UPDATE block SET z = ? WHERE blk = ?", (codec.pack_rows(texts), blk))
    if slots:
        raise DamagedError(f"block {min(slots)} is missing")
    connection.executemany("INSERT INTO tomb(id) VALUES(?)", ((id,) for id in ids))
