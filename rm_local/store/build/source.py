"""Where the entries of a bulk build come from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from rm_local.arrays import Floats
from rm_local.records import Entry

EntryBatch = tuple[Sequence[Entry], Floats]
"""Entries, and the vectors of their subproblems, (n, d), in the same order."""


class EntrySource(Protocol):
    """Entries that can be read from any block on, the same each time.

    It can be pickled: several processes read it side by side.
    """

    @property
    def rows(self) -> int:
        """How many there are."""

    @property
    def fingerprint(self) -> str:
        """Tells this source from another, so that a build goes on only with its own."""

    @property
    def block_rows(self) -> int:
        """Rows in a block; the last one may have fewer. Thousands pay best."""

    def block(self, number: int) -> EntryBatch:
        """The rows of one block, counted from 0, as are blocks."""
