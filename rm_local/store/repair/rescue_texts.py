"""Copies readable texts of a damaged store to the new store, and indexes their rare words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rm_local.arrays import Flags, Ids
from rm_local.progress import DoneCallback
from rm_local.store.codec.text_blocks import TextCodec, split_row_into_texts
from rm_local.store.format import BLOCK_ROWS, DamagedError
from rm_local.store.index.rare_words import UnknownWordFinder
from rm_local.store.repair.store_constants import StoreConstants
from rm_local.store.repair.tolerant_reader import TolerantReader
from rm_local.store.sqlite.vec0 import TEXTS

if TYPE_CHECKING:
    import apsw

STEP = 4096
"""Number of entries whose texts or codes are read at once; a multiple of BLOCK_ROWS."""

BLOCKS = "SELECT blk, z FROM block WHERE blk IN (SELECT value FROM json_each(?))"
SINGLE = "SELECT id, z FROM text WHERE id IN (SELECT value FROM json_each(?))"


@dataclass(frozen=True)
class EntryEvidence:
    """Flags, by entry id, of what was found in a damaged store and copied to the new one."""

    text: Flags
    """Whether the texts of the entry with this id were copied."""
    kept: Flags
    """Whether both texts and vector of the entry with this id were copied."""
    trace: Flags
    """Whether anything in the damaged store shows that an entry with this id existed."""

    @classmethod
    def make_empty(cls, highest: int) -> EntryEvidence:
        """Return flags for ids up to `highest`, all False."""
        text, kept, trace = np.zeros((3, highest + 1), dtype=bool)
        return cls(text, kept, trace)

    @property
    def lost_ids(self) -> Ids:
        """Ids of the entries that existed but were not copied completely, ascending."""
        return np.flatnonzero((self.text | self.trace) & ~self.kept)


class TextRescuer:
    """Copier of a damaged store's texts to the new store, which also indexes their rare words.

    Intact frames are copied unchanged; a damaged block is replaced by one of deleted entries. The
    entries are marked in an `EntryEvidence`.
    """

    def __init__(
        self,
        reader: TolerantReader,
        new: apsw.Connection,
        constants: StoreConstants,
        found: EntryEvidence,
    ) -> None:
        self._reader, self._new, self._constants, self._found = reader, new, constants, found
        self._codec = TextCodec(constants.dictionaries[TEXTS])
        self._rare = UnknownWordFinder(constants.known_words)
        buried = reader.iter_rows_until_damage("SELECT id FROM tomb")
        self._buried = np.fromiter((row[0] for row in buried), np.int64)
        self._tombs_are_whole = not reader.stopped

    def copy_and_index_texts(self, on_done: DoneCallback) -> None:
        """Copy all readable texts; `on_done` gets the id up to which they are copied."""
        bulk, highest = self._constants.bulk, self._constants.highest
        blocks = range(self._constants.first_block, -(-bulk // BLOCK_ROWS))
        for start in range(blocks.start, blocks.stop, STEP // BLOCK_ROWS):
            part = range(start, min(start + STEP // BLOCK_ROWS, blocks.stop))
            self._copy_or_replace_blocks(part)
            on_done(min(part.stop * BLOCK_ROWS, bulk))
        for start in range(bulk + 1, highest + 1, STEP):
            end = min(start + STEP, highest + 1)
            self._copy_and_index_single_texts(range(start, end))
            on_done(end - 1)

    def _copy_or_replace_blocks(self, numbers: range) -> None:
        """Copy text blocks; replace damaged ones by blocks of deleted entries."""
        found = self._reader.read_rows_by_id(BLOCKS, numbers)
        frames = []
        for number in numbers:
            first = number * BLOCK_ROWS + 1
            rows = min(BLOCK_ROWS, self._constants.bulk - first + 1)
            frame, texts = self._unpack_frame_or_empty(found.get(number), BLOCK_ROWS)
            if len(texts) != rows:
                self._mark_existing_entries_of_lost_block(first, rows)
                texts = [b""] * rows
                frame = self._codec.pack_rows(texts)
            frames.append((number, frame))
            self._mark_and_index_texts(first, texts)
        self._new.executemany("INSERT INTO block(blk, z) VALUES(?, ?)", frames)

    def _copy_and_index_single_texts(self, ids: range) -> None:
        """Copy the readable texts of entries `ids`, which are not in blocks."""
        kept = []
        for id, row in sorted(self._reader.read_rows_by_id(SINGLE, ids).items()):
            frame, texts = self._unpack_frame_or_empty(row, 1)
            self._found.trace[id] = True
            if texts and texts[0]:
                kept.append((id, frame))
                self._mark_and_index_texts(id, texts)
        self._new.executemany("INSERT INTO text(id, z) VALUES(?, ?)", kept)

    def _unpack_frame_or_empty(
        self, row: tuple[Any, ...] | None, rows: int
    ) -> tuple[bytes, list[bytes]]:
        """Return the compressed frame in `row` and its at most `rows` decompressed texts.

        Both are empty if the frame is missing or damaged.
        """
        if row is None or not isinstance(row[0], bytes):
            return b"", []
        try:
            return row[0], self._codec.unpack_rows(row[0], rows)
        except DamagedError:
            return b"", []

    def _mark_existing_entries_of_lost_block(self, first: int, rows: int) -> None:
        """Mark the `rows` entries from `first` on, of a damaged block, as existing.

        Deleted entries are left out; without a complete list of these none is marked.
        """
        ids = np.arange(first, first + rows)
        if self._tombs_are_whole:
            self._found.trace[ids[~np.isin(ids, self._buried)]] = True

    def _mark_and_index_texts(self, first: int, texts: Sequence[bytes]) -> None:
        """Mark the texts of the entries from `first` on as copied, and index their rare words.

        Empty texts, of deleted entries, are skipped.
        """
        words = []
        for id, text in enumerate(texts, first):
            if text and id < len(self._found.text):
                self._found.text[id] = True
                if rare := self._rare.find_unknown_words(split_row_into_texts(text)[0]):
                    words.append((id, " ".join(rare)))
        self._new.executemany("INSERT INTO words(rowid, rare) VALUES(?, ?)", words)
