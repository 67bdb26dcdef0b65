"""Checks that the word index contains exactly the rare words of the entries' subproblems."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from rm_local.store.index.rare_words import UnknownWordFinder
from rm_local.store.sqlite.reader_pool import read_transaction

if TYPE_CHECKING:
    import apsw

STEP_EDGES = (None, *"bcdefghijklmnopqrstuvwxyz", None)
"""Bounds of the ranges of words in which the index is read; None is before or after all words."""


class WordIndexChecksum:
    """Checksum of words and the ids of their entries that does not depend on their order.

    It has two sums: of the words' CRC-32, and of the CRC-32 times the id. An added, missing or
    changed word, or another id, changes one of the sums.
    """

    def __init__(self) -> None:
        self._alone = self._times = 0

    def add_words(self, id: int, words: Sequence[str]) -> None:
        """Add words of the entry with the id `id` to the checksum."""
        found = sum(zlib.crc32(word.encode()) for word in words)
        self._alone += found
        self._times += id * found

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, WordIndexChecksum):
            return NotImplemented
        return (self._alone, self._times) == (other._alone, other._times)

    __hash__ = None  # type: ignore[assignment]


def list_rare_words_as_indexed(rare: UnknownWordFinder, text: str) -> list[str]:
    """Return the rare words of `text` as in the index: split once more by FTS5's tokenizer."""
    words = rare.find_unknown_words(text)
    joined = " ".join(words)
    return words if joined.isascii() else list(dict.fromkeys(rare.split_words(joined)))


def find_word_index_faults(connection: apsw.Connection, wanted: WordIndexChecksum) -> Iterator[str]:
    """Yield a sentence if the checksum of the word index differs from `wanted`.

    The connection needs the temporary fts5vocab table `vocabulary` of the index's instances.
    """
    found = WordIndexChecksum()
    for first, end in pairwise(STEP_EDGES):
        with read_transaction(connection):
            for word, id in connection.execute(
                "SELECT term, doc FROM temp.vocabulary WHERE term >= ? AND term < ?",
                (first or "", end or chr(0x10FFFF)),
            ):
                found.add_words(id, (word,))
    if found != wanted:
        yield "The word index has other words than the texts."


def encode_sqlite_varint(number: int) -> bytes:
    """Return a number below 2 ** 28 as a varint of SQLite: seven bits a byte, the highest first."""
    parts = [number & 0x7F]
    while number := number >> 7:
        parts.append(number & 0x7F | 0x80)
    return bytes(reversed(parts))
