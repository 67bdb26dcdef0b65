"""Copies intact labels to the new store, and replaces lost ones by an empty label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rm_local.store.repair.tolerant_reader import TolerantReader
from rm_local.store.sqlite import tables

if TYPE_CHECKING:
    import apsw

NAMELESS: tables.EntryMetadata = ("", "", "", "")


class LabelCopier:
    """The labels of the new store."""

    def __init__(self, reader: TolerantReader, new: apsw.Connection) -> None:
        self._new = new
        self._numbers: dict[tables.EntryMetadata, int] = {}
        for number, label in reader.read_labels().items():
            if label not in self._numbers:
                tables.insert_label(new, number, label)
                self._numbers[label] = number
        self.whole = frozenset(self._numbers.values())
        """The numbers of the intact labels."""
        self.lost: list[int] = []
        """Number of entries with a lost label."""

    def map_label(self, id: int, number: Any) -> int:
        """Map the label `number` of entry `id` to a label of the new store."""
        if number in self.whole:
            return int(number)
        self.lost.append(id)
        if NAMELESS not in self._numbers:
            free = 1 + max(self.whole, default=0)
            tables.insert_label(self._new, free, NAMELESS)
            self._numbers[NAMELESS] = free
        return self._numbers[NAMELESS]
