"""Finds entries by the rare words of a query, unknown to the embedder."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set as AbstractSet
from dataclasses import dataclass
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
"""A word is rare if at most 32 rows, or one row in a thousand, contain it."""

FOLDED = bytes(ord(c.lower()) if c.isalnum() else 32 for c in map(chr, range(128))).ljust(256)
"""Table that maps ASCII bytes like the index: to lower case, or to a space between words."""

MOST_WORDS = 64
"""Maximum number of distinct words of a query searched for."""

PENDING_WORDS = (
    "SELECT group_concat(id || ' ' || rare || ' ', char(10)) FROM fresh WHERE rare <> ''"
)


def fuse_scores(similarity: Scores, lexical: Scores) -> Scores:
    """Combine cosine and lexical share into the score of hits; for scalars or arrays."""
    return similarity + LEXICAL_WEIGHT * lexical


class RareWords:
    """Finder of the words of a text that are not single tokens of the embedder."""

    def __init__(self, known: AbstractSet[str]) -> None:
        self._known = known
        self._split: Callable[[str], list[str]] | None = None

    def find_rare_words(self, text: str) -> list[str]:
        """Return the distinct words of `text` unknown to the embedder, split as in the index.

        Single letters and words that begin with a digit are dropped.
        """
        unknown = dict.fromkeys(filterfalse(self._known.__contains__, self.split_words(text)))
        return [token for token in unknown if len(token) > 1 and token[0].isalpha()]

    def select_present(self, words: Sequence[str], text: str) -> tuple[str, ...]:
        """Return those of the rare words `words` that `text` contains, in their order."""
        present = set(self.split_words(text))
        return tuple(word for word in words if word in present)

    def split_words(self, text: str) -> list[str]:
        """Split `text` into lower-case words without accents, like the index."""
        if text.isascii():
            # Same result as the tokenizer in a tenth of the time.
            return text.encode().translate(FOLDED).decode().split()
        if self._split is None:
            self._split = _make_tokenizer()
        return self._split(text)


def _make_tokenizer() -> Callable[[str], list[str]]:
    """Return the tokenizer of the word index, on its own connection."""
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
    """All rare words of pending entries, read because they are not in the index yet."""

    def __init__(self, connection: apsw.Connection, rare: RareWords) -> None:
        self._rare = rare
        listed = connection.execute(PENDING_WORDS).get or ""
        if not listed.isascii():
            listed = "\n".join(f"{self._split_again(line)} " for line in listed.split("\n"))
        self._listed = listed

    def find_holders(self, word: str) -> list[int]:
        """Return the ids of the entries that contain `word`.

        Raises:
            DamagedError: The list of words cannot be parsed.
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
        """Split words again with the index's tokenizer, like an insert into the index."""
        return words if words.isascii() else " ".join(self._rare.split_words(words))


@dataclass(frozen=True, slots=True)
class LexicalMatches:
    """The entries that contain rare words of a query."""

    shares: dict[int, float]
    """Share, 0 to 1, of the query's rare words in entries, by entry id."""
    words: tuple[str, ...]
    """The words that count for it, in the order of the query."""


def find_lexical_matches(
    connection: apsw.Connection, text: str, rows: int, rare: RareWords
) -> LexicalMatches:
    """Find the entries that contain rare words of `text`.

    A word in fewer of the `rows` entries has a higher weight. The total is at least the weight of a
    word in a single entry, so that one moderately rare word does not reach a full share. Words in
    no entry do not count.
    """
    most = max(RARE_ROWS, rows // RARE_SHARE)
    weights: dict[int, float] = {}
    found = 0.0
    counted = []
    if not (words := rare.find_rare_words(text)[:MOST_WORDS]):
        return LexicalMatches({}, ())
    pending = PendingWords(connection, rare)
    for word in words:
        # The limit avoids reading a common word's posting list, millions long in a large store.
        found_rows = connection.execute(
            "SELECT rowid FROM words WHERE words MATCH ? LIMIT ?", (f'"{word}"', most + 1)
        )
        ids = [row[0] for row in found_rows] + pending.find_holders(word)
        if not 0 < len(ids) <= most:
            continue
        counted.append(word)
        weight = _weigh_word(rows, len(ids))
        found += weight
        for each in ids:
            weights[each] = weights.get(each, 0.0) + weight
    total = max(found, _weigh_word(rows, 1))
    shares = {each: weight / total for each, weight in weights.items()}
    return LexicalMatches(shares, tuple(counted))


def _weigh_word(rows: int, holders: int) -> float:
    return log(1 + rows / holders)
