"""The protocol of a source of entries for a bulk build."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from rm_local.arrays import Floats
from rm_local.records import Entry

EntryBatch = tuple[Sequence[Entry], Floats]
"""Entries, and an array (n, d) of the vectors of their subproblems, in the same order."""


class EntrySource(Protocol):
    """A source of entries and vectors for a bulk build, divided into blocks.

    Blocks can be read in any order, and are the same each time. A source can be pickled for several
    processes.
    """

    @property
    def rows(self) -> int:
        """Number of entries in the source."""

    @property
    def fingerprint(self) -> str:
        """Text that identifies the content; a build is resumed only with the same one."""

    @property
    def block_rows(self) -> int:
        """Number of entries in a block; the last one may have fewer. Thousands are fastest."""

    def read_block(self, number: int) -> EntryBatch:
        """Return entries and vectors of block `number`, counted from 0."""
