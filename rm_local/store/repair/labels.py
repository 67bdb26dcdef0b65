"""Copies labels (entries' metadata) of a damaged store to the new one, where they are intact."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rm_local.store.repair.tolerant_reader import TolerantReader
from rm_local.store.sqlite import tables

if TYPE_CHECKING:
    import apsw

NAMELESS: tables.EntryMetadata = ("", "", "", "")


class LabelCopier:
    """Copier of the intact rows of the table `label` (entries' metadata) to the new store.

    It also finds the new label of each entry; that of an entry with a lost one is empty.
    """

    def __init__(self, reader: TolerantReader, new: apsw.Connection) -> None:
        self._new = new
        self._numbers: dict[tables.EntryMetadata, int] = {}
        for number, label in reader.read_intact_labels().items():
            if label not in self._numbers:
                tables.insert_label(new, number, label)
                self._numbers[label] = number
        self.whole = frozenset(self._numbers.values())
        """The numbers of the intact labels, which they keep in the new store."""
        self.lost_ids: list[int] = []
        """Ids of the entries whose label is lost."""

    def map_label_or_note_lost(self, id: int, number: Any) -> int:
        """Return the label number in the new store of entry `id`, which had the label `number`.

        That of an intact label is the same. Otherwise the entry is noted as one with a lost label,
        and gets the number of the label with empty metadata.
        """
        if number in self.whole:
            return int(number)
        self.lost_ids.append(id)
        if NAMELESS not in self._numbers:
            free = 1 + max(self.whole, default=0)
            tables.insert_label(self._new, free, NAMELESS)
            self._numbers[NAMELESS] = free
        return self._numbers[NAMELESS]
