"""Reads entries by id: their texts, from blocks or single rows, and their metadata."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from rm_local.records import Entry
from rm_local.store.codec.text_blocks import TextCodec, split_row_into_texts
from rm_local.store.format import BLOCK_ROWS, DamagedError
from rm_local.store.sqlite import tables

if TYPE_CHECKING:
    import apsw


def locate_block_row(id: int) -> tuple[int, int]:
    """Return the number of the block with the texts of entry `id`, and the row in the block."""
    return divmod(id - 1, BLOCK_ROWS)


def read_entries(
    connection: apsw.Connection, codec: TextCodec, bulk: int, ids: Collection[int]
) -> dict[int, Entry]:
    """Return the existing entries among `ids`, by id.

    The texts of ids up to `bulk` are in blocks of several entries, others in rows of their own.

    Raises:
        DamagedError: The text of an entry is missing or damaged.
    """
    labels = tables.read_entry_metadata(connection, ids)
    single = tables.read_text_frames(connection, "text", [id for id in labels if id > bulk])
    blocks = {
        blk: codec.unpack_rows(frame, BLOCK_ROWS)
        for blk, frame in tables.read_text_frames(
            connection, "block", {locate_block_row(id)[0] for id in labels if id <= bulk}
        ).items()
    }
    found = {}
    for id, label in labels.items():
        try:
            if id <= bulk:
                blk, slot = locate_block_row(id)
                row = blocks[blk][slot]
            else:
                (row,) = codec.unpack_rows(single[id], 1)
        except (KeyError, IndexError) as error:
            raise DamagedError(f"entry {id} has no text") from error
        found[id] = Entry(*split_row_into_texts(row), *label, id)
    return found
