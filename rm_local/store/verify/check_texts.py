"""Checks each entry's texts and label, and computes a checksum of the words to be indexed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from rm_local.progress import DoneCallback
from rm_local.store.codec.text_blocks import TextCodec, split_row_into_texts, unpack_words
from rm_local.store.format import BLOCK_ROWS, DamagedError
from rm_local.store.index.rare_words import UnknownWordFinder
from rm_local.store.sqlite import meta
from rm_local.store.sqlite.entry_texts import locate_block_row
from rm_local.store.sqlite.reader_pool import read_transaction
from rm_local.store.sqlite.vec0 import TEXTS, read_compression_dictionary
from rm_local.store.verify.word_index import (
    WordIndexChecksum,
    encode_sqlite_varint,
    list_rare_words_as_indexed,
)

if TYPE_CHECKING:
    import apsw

STEP = 4096
"""Number of entries whose texts are checked at once; a multiple of BLOCK_ROWS."""


class TextAndLabelChecker:
    """Checker of the texts, labels and word counts of all entries of a store.

    Afterwards it knows which entries exist, and the checksum that the word index must have.
    """

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._codec = TextCodec(read_compression_dictionary(connection, TEXTS))
        self._bulk = meta.read_meta_number(connection, "bulk")
        self._rare = UnknownWordFinder(unpack_words(meta.read_packed_known_words(connection)))
        self._labels = {row[0] for row in connection.execute("SELECT id FROM label")}
        self.exists = np.zeros(meta.read_meta_number(connection, "last") + 1, dtype=bool)
        """Whether an entry exists, by id; complete after `find_faults_and_collect_words`."""
        self.words = WordIndexChecksum()

    def find_faults_and_collect_words(self, on_done: DoneCallback) -> Iterator[str]:
        """Yield a sentence for each text, label or word count that is missing, damaged or surplus.

        Meanwhile `exists` and `words` are filled; they are complete once all faults are taken.
        `on_done` gets the highest id checked so far.
        """
        for first in range(1, len(self.exists), STEP):
            with read_transaction(self._connection):
                found = list(self._find_range_faults_and_collect_words(first, first + STEP - 1))
            yield from found
            on_done(min(first + STEP - 1, len(self.exists) - 1))

    def _find_range_faults_and_collect_words(self, first: int, last: int) -> Iterator[str]:
        """Yield the faults of the entries with ids from `first` to `last`.

        Meanwhile add them to `exists`, and their indexed words to `words`.
        """
        bounds = (first, min(last, len(self.exists) - 1))
        execute = self._connection.execute
        refs = dict(execute("SELECT id, label FROM ref WHERE id BETWEEN ? AND ?", bounds))
        sizes = dict(execute("SELECT id, sz FROM words_docsize WHERE id BETWEEN ? AND ?", bounds))
        fresh = dict(execute("SELECT id, rare FROM fresh WHERE id BETWEEN ? AND ?", bounds))
        self.exists[list(refs)] = True
        found: dict[int, bytes] = {}
        yield from self._unpack_texts_and_yield_faults(bounds, found)
        for id, row in found.items():
            if row and id not in refs:
                yield f"Entry {id} has a text and no vector."
        for id, label in refs.items():
            if label not in self._labels:
                yield f"Entry {id}: its label is missing."
            if not found.get(id):
                yield f"Entry {id} has no text."
                continue
            try:
                text = split_row_into_texts(found[id])[0]
            except DamagedError as error:
                yield f"Entry {id}: {error}."
                continue
            words = list_rare_words_as_indexed(self._rare, text)
            if id in fresh:
                if fresh[id] != " ".join(self._rare.find_unknown_words(text)):
                    yield f"Entry {id}: its pending row has other words than its text."
                words = []
            self.words.add_words(id, words)
            if sizes.pop(id, b"") != (encode_sqlite_varint(len(words)) if words else b""):
                yield f"Entry {id}: the word index counts other words."
        for id in sizes:
            yield f"Entry {id}: the word index has words of it, but it does not exist."

    def _unpack_texts_and_yield_faults(
        self, bounds: tuple[int, int], into: dict[int, bytes]
    ) -> Iterator[str]:
        """Decompress the texts of entries in `bounds`, first and last id, and yield faults.

        The joined texts are added to `into` by id, empty for deleted entries.
        """
        execute, (first, last) = self._connection.execute, bounds
        blocks = (locate_block_row(first)[0], locate_block_row(min(last, self._bulk))[0])
        for blk, frame in execute("SELECT blk, z FROM block WHERE blk BETWEEN ? AND ?", blocks):
            start = blk * BLOCK_ROWS + 1
            try:
                texts = self._codec.unpack_rows(frame, BLOCK_ROWS)
            except DamagedError as error:
                yield f"Entries {start} to {start + BLOCK_ROWS - 1}: {error}."
                continue
            if len(texts) != min(BLOCK_ROWS, self._bulk - start + 1):
                yield f"Entries {start} to {start + BLOCK_ROWS - 1}: a text is missing."
            into.update(enumerate(texts, start))
        for id, frame in execute("SELECT id, z FROM text WHERE id BETWEEN ? AND ?", bounds):
            try:
                (into[id],) = self._codec.unpack_rows(frame, 1)
            except DamagedError as error:
                yield f"Entry {id}: {error}."
