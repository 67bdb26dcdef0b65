"""Finds the words of a text that the embedder does not know, and the entries with these words."""

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
"""Weight in a hit's score of the share of rare words, relative to the cosine
(docs/design/search.md)."""

RARE_ROWS = 32
RARE_SHARE = 1000
"""A word is rare if at most RARE_ROWS entries, or one in RARE_SHARE, contain it."""

FOLDED = bytes(ord(c.lower()) if c.isalnum() else 32 for c in map(chr, range(128))).ljust(256)
"""Table for `bytes.translate` that splits ASCII text as the word index does: letters to lower case,
everything except letters and digits to spaces."""

MOST_WORDS = 64
"""Maximum number of a query's distinct rare words that are searched for."""

PENDING_WORDS = (
    "SELECT group_concat(id || ' ' || rare || ' ', char(10)) FROM fresh WHERE rare <> ''"
)


def fuse_scores(similarity: Scores, lexical: Scores) -> Scores:
    """Return the score of hits: cosine + LEXICAL_WEIGHT * share of rare words. Also for arrays."""
    return similarity + LEXICAL_WEIGHT * lexical


class UnknownWordFinder:
    """Finder of the words in a text that the embedder does not know (not in the set `known`)."""

    def __init__(self, known: AbstractSet[str]) -> None:
        self._known = known
        self._split: Callable[[str], list[str]] | None = None

    def find_unknown_words(self, text: str) -> list[str]:
        """Return the distinct words of `text` that the embedder does not know, in lower case.

        Single letters and words that do not begin with a letter are left out.
        """
        unknown = dict.fromkeys(filterfalse(self._known.__contains__, self.split_words(text)))
        return [token for token in unknown if len(token) > 1 and token[0].isalpha()]

    def select_words_in_text(self, words: Sequence[str], text: str) -> tuple[str, ...]:
        """Return those of the rare words `words` that `text` contains, in their order."""
        present = set(self.split_words(text))
        return tuple(word for word in words if word in present)

    def split_words(self, text: str) -> list[str]:
        """Split `text` into words in lower case without accents, as FTS5's word index does."""
        if text.isascii():
            # Same result as the tokenizer in a tenth of the time.
            return text.encode().translate(FOLDED).decode().split()
        if self._split is None:
            self._split = _make_tokenizer()
        return self._split(text)


def _make_tokenizer() -> Callable[[str], list[str]]:
    """Return a function that splits a text into words with FTS5's tokenizer, as the word index."""
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


class PendingWordLookup:
    """Lookup of pending entries by a rare word, because the word index does not have them yet.

    The rare words of all pending entries are read into memory at once.
    """

    def __init__(self, connection: apsw.Connection, rare: UnknownWordFinder) -> None:
        self._rare = rare
        listed = connection.execute(PENDING_WORDS).get or ""
        if not listed.isascii():
            listed = "\n".join(f"{self._retokenize_words(line)} " for line in listed.split("\n"))
        self._listed = listed

    def find_ids_with_word(self, word: str) -> list[int]:
        """Return the ids of the pending entries whose subproblem contains the rare word `word`.

        Raises:
            DamagedError: The list of words cannot be parsed.
        """
        wanted = f" {self._retokenize_words(word)} "
        if wanted not in self._listed:
            return []
        lines = self._listed.split("\n")
        try:
            return [int(line.partition(" ")[0]) for line in lines if wanted in line]
        except ValueError as error:
            raise DamagedError(f"words of pending entries: {error}") from error

    def _retokenize_words(self, words: str) -> str:
        """Split rare words a second time with FTS5's tokenizer, as at an insert into the index."""
        return words if words.isascii() else " ".join(self._rare.split_words(words))


@dataclass(frozen=True, slots=True)
class LexicalMatches:
    """The entries that contain rare words of a query."""

    shares: dict[int, float]
    """Share, 0 to 1, of the query's rare words in entries, by entry id."""
    words: tuple[str, ...]
    """The words that count for it, in the order of the query."""


def find_lexical_matches(
    connection: apsw.Connection, text: str, rows: int, rare: UnknownWordFinder
) -> LexicalMatches:
    """Find the entries that contain rare words of `text`.

    Entries without any of the words are left out. Words in few of the store's `rows` entries weigh
    more, words in none or too many do not count. The total is at least the weight of a word in a
    single entry, so that one moderately rare word does not reach a share of 1.
    """
    most = max(RARE_ROWS, rows // RARE_SHARE)
    weights: dict[int, float] = {}
    found = 0.0
    counted = []
    if not (words := rare.find_unknown_words(text)[:MOST_WORDS]):
        return LexicalMatches({}, ())
    pending = PendingWordLookup(connection, rare)
    for word in words:
        # The limit avoids reading a common word's posting list, millions long in a large store.
        found_rows = connection.execute(
            "SELECT rowid FROM words WHERE words MATCH ? LIMIT ?", (f'"{word}"', most + 1)
        )
        ids = [row[0] for row in found_rows] + pending.find_ids_with_word(word)
        if not 0 < len(ids) <= most:
            continue
        counted.append(word)
        weight = _compute_idf(rows, len(ids))
        found += weight
        for each in ids:
            weights[each] = weights.get(each, 0.0) + weight
    total = max(found, _compute_idf(rows, 1))
    shares = {each: weight / total for each, weight in weights.items()}
    return LexicalMatches(shares, tuple(counted))


def _compute_idf(rows: int, holders: int) -> float:
    """Return the inverse document frequency of a word in `holders` of `rows` entries."""
    return log(1 + rows / holders)
