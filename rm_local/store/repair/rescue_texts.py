"""Texts into the new store, as far as they can be read, and the index of their rare words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rm_local.arrays import Flags, Ids
from rm_local.progress import DoneCallback
from rm_local.store.codec.text_blocks import TextCodec, split_row
from rm_local.store.format import BLOCK_ROWS, DamagedError
from rm_local.store.index.rare_words import RareWords
from rm_local.store.repair.store_constants import Settled
from rm_local.store.repair.tolerant_reader import Rescue
from rm_local.store.sqlite.vec0 import TEXTS

if TYPE_CHECKING:
    import apsw

STEP = 4096
"""Entries read together, a multiple of BLOCK_ROWS."""

BLOCKS = "SELECT blk, z FROM block WHERE blk IN (SELECT value FROM json_each(?))"
SINGLE = "SELECT id, z FROM text WHERE id IN (SELECT value FROM json_each(?))"


@dataclass(frozen=True)
class EntryEvidence:
    """What the damaged store has of each entry, by the entry's number."""

    text: Flags
    """Its text, which the new store has."""
    kept: Flags
    """Its vector, which the new store has; only of those with a text."""
    trace: Flags
    """Anything that says that there was such an entry."""

    @classmethod
    def none(cls, highest: int) -> EntryEvidence:
        """Nothing yet of entries up to `highest`."""
        text, kept, trace = np.zeros((3, highest + 1), dtype=bool)
        return cls(text, kept, trace)

    @property
    def lost(self) -> Ids:
        """Numbers of the entries that were there and are not kept."""
        return np.flatnonzero((self.text | self.trace) & ~self.kept)


class TextRescuer:
    """Copies frames that are whole as they are; a damaged block becomes one of deleted rows."""

    def __init__(
        self, rescue: Rescue, new: apsw.Connection, settled: Settled, found: EntryEvidence
    ) -> None:
        self._rescue, self._new, self._settled, self._found = rescue, new, settled, found
        self._codec = TextCodec(settled.dictionaries[TEXTS])
        self._rare = RareWords(settled.known_words)
        buried = rescue.each("SELECT id FROM tomb")
        self._buried = np.fromiter((row[0] for row in buried), np.int64)
        self._tombs_are_whole = not rescue.stopped

    def copy(self, tell: DoneCallback) -> None:
        """All of them; `tell` hears of the last entry that is done."""
        bulk, highest = self._settled.bulk, self._settled.highest
        blocks = range(self._settled.first_block, -(-bulk // BLOCK_ROWS))
        for start in range(blocks.start, blocks.stop, STEP // BLOCK_ROWS):
            part = range(start, min(start + STEP // BLOCK_ROWS, blocks.stop))
            self._copy_blocks(part)
            tell(min(part.stop * BLOCK_ROWS, bulk))
        for start in range(bulk + 1, highest + 1, STEP):
            end = min(start + STEP, highest + 1)
            self._copy_single(range(start, end))
            tell(end - 1)

    def _copy_blocks(self, numbers: range) -> None:
        found = self._rescue.among(BLOCKS, numbers)
        frames = []
        for number in numbers:
            first = number * BLOCK_ROWS + 1
            rows = min(BLOCK_ROWS, self._settled.bulk - first + 1)
            frame, texts = self._unpacked(found.get(number), BLOCK_ROWS)
            if len(texts) != rows:
                self._miss(first, rows)
                texts = [b""] * rows
                frame = self._codec.pack_rows(texts)
            frames.append((number, frame))
            self._note(first, texts)
        self._new.executemany("INSERT INTO block(blk, z) VALUES(?, ?)", frames)

    def _copy_single(self, ids: range) -> None:
        kept = []
        for id, row in sorted(self._rescue.among(SINGLE, ids).items()):
            frame, texts = self._unpacked(row, 1)
            self._found.trace[id] = True
            if texts and texts[0]:
                kept.append((id, frame))
                self._note(id, texts)
        self._new.executemany("INSERT INTO text(id, z) VALUES(?, ?)", kept)

    def _unpacked(self, row: tuple[Any, ...] | None, rows: int) -> tuple[bytes, list[bytes]]:
        """A frame and its rows; none where it is missing or damaged."""
        if row is None or not isinstance(row[0], bytes):
            return b"", []
        try:
            return row[0], self._codec.unpack_rows(row[0], rows)
        except DamagedError:
            return b"", []

    def _miss(self, first: int, rows: int) -> None:
        """The entries of a block are lost, but those that were deleted before."""
        ids = np.arange(first, first + rows)
        if self._tombs_are_whole:
            self._found.trace[ids[~np.isin(ids, self._buried)]] = True

    def _note(self, first: int, texts: Sequence[bytes]) -> None:
        """The new store has these texts, from entry `first` on; empty ones are of no entry."""
        words = []
        for id, text in enumerate(texts, first):
            if text and id < len(self._found.text):
                self._found.text[id] = True
                if rare := self._rare.find_rare_words(split_row(text)[0]):
                    words.append((id, " ".join(rare)))
        self._new.executemany("INSERT INTO words(rowid, rare) VALUES(?, ?)", words)
