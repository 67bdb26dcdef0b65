"""Finds entries by the rare words of a query, which the embedder does not know."""

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
"""Weight of the lexical share relative to a cosine; docs/design/search.md has the reasons."""

RARE_ROWS = 32
RARE_SHARE = 1000
"""A word is rare if at most 32 rows, or one in a thousand, contain it."""

FOLDED = bytes(ord(c.lower()) if c.isalnum() else 32 for c in map(chr, range(128))).ljust(256)
"""Maps an ASCII byte as the index does: to lower case, or to a space between words."""

MOST_WORDS = 64
"""Maximum distinct words of a query that are looked up."""

PENDING_WORDS = (
    "SELECT group_concat(id || ' ' || rare || ' ', char(10)) FROM fresh WHERE rare <> ''"
)


def fuse_scores(similarity: Scores, lexical: Scores) -> Scores:
    """Combine cosine and lexical share into the score that orders hits; scalars or arrays."""
    return similarity + LEXICAL_WEIGHT * lexical


class RareWords:
    """Finds the words of a text that an embedder does not know as whole words."""

    def __init__(self, known: AbstractSet[str]) -> None:
        self._known = known
        self._split: Callable[[str], list[str]] | None = None

    def find_rare_words(self, text: str) -> list[str]:
        """Return the distinct unknown words of `text`, split as the index splits them.

        Single letters and words that begin with a digit are dropped.
        """
        unknown = dict.fromkeys(filterfalse(self._known.__contains__, self.split_words(text)))
        return [token for token in unknown if len(token) > 1 and token[0].isalpha()]

    def split_words(self, text: str) -> list[str]:
        """Split `text` into folded words, as the index does."""
        if text.isascii():
            # Same result as the tokenizer in a tenth of the time.
            return text.encode().translate(FOLDED).decode().split()
        if self._split is None:
            self._split = _make_tokenizer()
        return self._split(text)


def _make_tokenizer() -> Callable[[str], list[str]]:
    """Return the tokenizer that the word index uses, on a connection of its own."""
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
    """Rare words of pending entries, which are not in the index yet; few, so all are read."""

    def __init__(self, connection: apsw.Connection, rare: RareWords) -> None:
        self._rare = rare
        listed = connection.execute(PENDING_WORDS).get or ""
        if not listed.isascii():
            listed = "\n".join(f"{self._split_again(line)} " for line in listed.split("\n"))
        self._listed = listed

    def find_holders(self, word: str) -> list[int]:
        """Return the ids of the entries that contain `word`.

        Raises:
            DamagedError: the list cannot be parsed.
        """
        wanted = f" {self._split_again(word)} "
        if wanted not in self._listed:
            return []
        lines = self._listed.split("\n")
        try:
            return [int(line.partition(" ")[0]) for line in lines if wanted in line]
        except ValueError as error:
            raise DamagedError(f"words of pending entries: {error}") from error

    def _split_again(self, words: str) -> str:
        """Split words again with the index's tokenizer, as an insert into the index would."""
        return words if words.isascii() else " ".join(self._rare.split_words(words))


def compute_lexical_shares(
    connection: apsw.Connection, text: str, rows: int, rare: RareWords
) -> dict[int, float]:
    """Compute, by entry id, the share of the rare words of `text` that an entry contains, 0 to 1.

    A word weighs more the fewer of the `rows` entries contain it. The total is at least the weight
    of a word that a single entry contains, so that one moderately rare word does not reach a full
    share. Words that no entry contains do not count.
    """
    most = max(RARE_ROWS, rows // RARE_SHARE)
    weights: dict[int, float] = {}
    found = 0.0
    if not (words := rare.find_rare_words(text)[:MOST_WORDS]):
        return {}
    pending = PendingWords(connection, rare)
    for word in words:
        # The limit avoids reading a common word's posting list, millions long in a large store.
        found_rows = connection.execute(
            "SELECT rowid FROM words WHERE words MATCH ? LIMIT ?", (f'"{word}"', most + 1)
        )
        ids = [row[0] for row in found_rows] + pending.find_holders(word)
        if not 0 < len(ids) <= most:
            continue
        weight = _weigh_word(rows, len(ids))
        found += weight
        for each in ids:
            weights[each] = weights.get(each, 0.0) + weight
    total = max(found, _weigh_word(rows, 1))
    return {each: weight / total for each, weight in weights.items()}


def _weigh_word(rows: int, holders: int) -> float:
    return log(1 + rows / holders)
