"""Finding entries by the query's rare words, those that the embedder has never seen."""

from __future__ import annotations

from collections.abc import Container
from math import log
from typing import TYPE_CHECKING, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import apsw

Scores = TypeVar("Scores", float, NDArray[np.float64])

WEIGHT = 0.3
"""What holding all rare words is worth beside a cosine; docs/format.md says how it was chosen."""

RARE_ROWS = 32
RARE_SHARE = 1000
"""A word is rare when at most 32 rows, or one in a thousand, hold it."""

MOST_WORDS = 64
"""Distinct words of a query that are looked up."""


def score(similarity: Scores, lexical: Scores) -> Scores:
    """The fused score by which hits are ordered, of one hit or of arrays of them."""
    return similarity + WEIGHT * lexical


def rare_words(connection: apsw.Connection, text: str, known: Container[str]) -> list[str]:
    """The words of `text` that are not `known`, split as the index splits them, each once.

    Left out, too, are single letters and what begins with a digit.
    """
    import apsw

    split = connection.fts5_tokenizer("unicode61", ["remove_diacritics", "2"])
    tokens = cast(
        "list[str]",
        split(
            text.encode("utf-8", "replace"),
            apsw.FTS5_TOKENIZE_QUERY,
            None,
            include_offsets=False,
            include_colocated=False,
        ),
    )
    words = dict.fromkeys(
        token for token in tokens if len(token) > 1 and token[0].isalpha() and token not in known
    )
    return list(words)


def lexical_shares(
    connection: apsw.Connection, text: str, rows: int, known: Container[str]
) -> dict[int, float]:
    """For each entry that holds a rare word of `text`: the share of them that it holds, 0 to 1.

    Words weigh by how few of the `rows` entries hold them. A query whose rare words weigh less
    than one word that a single entry holds is measured against that word, so that a moderately
    rare word alone is no proof. Words that no entry holds are left out of the account.
    """
    most = max(RARE_ROWS, rows // RARE_SHARE)
    held: dict[int, float] = {}
    found = 0.0
    for word in rare_words(connection, text, known)[:MOST_WORDS]:
        # The limit keeps a common word's posting list, millions long in a large store, unread.
        found_rows = connection.execute(
            "SELECT rowid FROM words WHERE words MATCH ? LIMIT ?", (f'"{word}"', most + 1)
        )
        ids = [row[0] for row in found_rows]
        if not 0 < len(ids) <= most:
            continue
        weight = _weight(rows, len(ids))
        found += weight
        for each in ids:
            held[each] = held.get(each, 0.0) + weight
    total = max(found, _weight(rows, 1))
    return {each: weight / total for each, weight in held.items()}


def _weight(rows: int, holders: int) -> float:
    return log(1 + rows / holders)
