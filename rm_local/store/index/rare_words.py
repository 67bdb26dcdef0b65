"""Finding entries by the query's rare words, those that the embedder has never seen."""

from __future__ import annotations

from collections.abc import Callable, Set as AbstractSet
from itertools import filterfalse
from math import log
from typing import TYPE_CHECKING, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from rm_local.store.format import DamagedError

if TYPE_CHECKING:
    import apsw

Scores = TypeVar("Scores", float, NDArray[np.float64])

LEXICAL_WEIGHT = 0.3
"""What holding all rare words is worth beside a cosine; docs/format.md says how it was chosen."""

RARE_ROWS = 32
RARE_SHARE = 1000
"""A word is rare when at most 32 rows, or one in a thousand, hold it."""

FOLDED = bytes(ord(c.lower()) if c.isalnum() else 32 for c in map(chr, range(128))).ljust(256)
"""What each ASCII character is to the index: itself in lower case, or the end of a word."""

MOST_WORDS = 64
"""Distinct words of a query that are looked up."""

PENDING_WORDS = (
    "SELECT group_concat(id || ' ' || rare || ' ', char(10)) FROM fresh WHERE rare <> ''"
)


def fuse_scores(similarity: Scores, lexical: Scores) -> Scores:
    """The fused score by which hits are ordered, of one hit or of arrays of them."""
    return similarity + LEXICAL_WEIGHT * lexical


class RareWords:
    """Finds the words of a text that an embedder does not know whole."""

    def __init__(self, known: AbstractSet[str]) -> None:
        self._known = known
        self._split: Callable[[str], list[str]] | None = None

    def find_rare_words(self, text: str) -> list[str]:
        """The words of `text` that are not known, split as the index splits them, each once.

        Left out, too, are single letters and what begins with a digit.
        """
        unknown = dict.fromkeys(filterfalse(self._known.__contains__, self.split_words(text)))
        return [token for token in unknown if len(token) > 1 and token[0].isalpha()]

    def split_words(self, text: str) -> list[str]:
        """The words of `text`, split and folded as the index does."""
        if text.isascii():
            # As the tokenizer would, at a tenth of the time.
            return text.encode().translate(FOLDED).decode().split()
        if self._split is None:
            self._split = _make_tokenizer()
        return self._split(text)


def _make_tokenizer() -> Callable[[str], list[str]]:
    """The index's own, from a connection of its own."""
    import apsw

    split = apsw.Connection(":memory:").fts5_tokenizer("unicode61", ["remove_diacritics", "2"])

    def tokenize_text(text: str) -> list[str]:
        found = split(
            text.encode("utf-8", "replace"),
            apsw.FTS5_TOKENIZE_QUERY,
            None,
            include_offsets=False,
            include_colocated=False,
        )
        return cast("list[str]", found)

    return tokenize_text


class PendingWords:
    """The rare words of entries that the index does not have yet: they are few, and read whole."""

    def __init__(self, connection: apsw.Connection, rare: RareWords) -> None:
        self._rare = rare
        listed = connection.execute(PENDING_WORDS).get or ""
        if not listed.isascii():
            listed = "\n".join(f"{self._split_again(line)} " for line in listed.split("\n"))
        self._listed = listed

    def find_holders(self, word: str) -> list[int]:
        """Ids of the entries that hold `word`. DamagedError: they cannot be read."""
        wanted = f" {self._split_again(word)} "
        if wanted not in self._listed:
            return []
        lines = self._listed.split("\n")
        try:
            return [int(line.partition(" ")[0]) for line in lines if wanted in line]
        except ValueError as error:
            raise DamagedError(f"words of fresh entries: {error}") from error

    def _split_again(self, words: str) -> str:
        """Words as the index's tokenizer would split them once more."""
        return words if words.isascii() else " ".join(self._rare.split_words(words))


def compute_lexical_shares(
    connection: apsw.Connection, text: str, rows: int, rare: RareWords
) -> dict[int, float]:
    """For each entry that holds a rare word of `text`: the share of them that it holds, 0 to 1.

    Words weigh by how few of the `rows` entries hold them. A query whose rare words weigh less
    than one word that a single entry holds is measured against that word, so that a moderately
    rare word alone is no proof. Words that no entry holds are left out of the account.
    """
    most = max(RARE_ROWS, rows // RARE_SHARE)
    held: dict[int, float] = {}
    found = 0.0
    if not (words := rare.find_rare_words(text)[:MOST_WORDS]):
        return {}
    pending = PendingWords(connection, rare)
    for word in words:
        # The limit keeps a common word's posting list, millions long in a large store, unread.
        found_rows = connection.execute(
            "SELECT rowid FROM words WHERE words MATCH ? LIMIT ?", (f'"{word}"', most + 1)
        )
        ids = [row[0] for row in found_rows] + pending.find_holders(word)
        if not 0 < len(ids) <= most:
            continue
        weight = _weigh_word(rows, len(ids))
        found += weight
        for each in ids:
            held[each] = held.get(each, 0.0) + weight
    total = max(found, _weigh_word(rows, 1))
    return {each: weight / total for each, weight in held.items()}


def _weigh_word(rows: int, holders: int) -> float:
    return log(1 + rows / holders)
