"""The protocol of a source of entries for a bulk build."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from rm_local.arrays import Floats
from rm_local.records import Entry

EntryBatch = tuple[Sequence[Entry], Floats]
"""Entries, and the vectors of their subproblems, (n, d), in the same order."""


class EntrySource(Protocol):
    """Entries in blocks that can be read in any order and are the same each time.

    It can be pickled, so that several processes read it at once.
    """

    @property
    def rows(self) -> int:
        """Number of entries."""

    @property
    def fingerprint(self) -> str:
        """Identifies the content, so that a build is resumed only with the same source."""

    @property
    def block_rows(self) -> int:
        """Rows in a block; the last one may have fewer. Thousands are fastest."""

    def read_block(self, number: int) -> EntryBatch:
        """Read one block, counted from 0."""
