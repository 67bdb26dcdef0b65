"""Labels into the new store, under their numbers; one without names stands for what is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rm_local.store.repair.tolerant_reader import Rescue
from rm_local.store.sqlite import tables

if TYPE_CHECKING:
    import apsw

NAMELESS: tables.Label = ("", "", "", "")


class Labels:
    """The labels that are whole."""

    def __init__(self, rescue: Rescue, new: apsw.Connection) -> None:
        self._new = new
        self._numbers: dict[tables.Label, int] = {}
        for number, label in rescue.labels().items():
            if label not in self._numbers:
                tables.insert_label(new, number, label)
                self._numbers[label] = number
        self.whole = frozenset(self._numbers.values())
        """Their numbers."""
        self.lost: list[int] = []
        """Entries that have lost theirs."""

    def kept(self, id: int, number: Any) -> int:
        """The number, in the new store, of the label that entry `id` had under `number`."""
        if number in self.whole:
            return int(number)
        self.lost.append(id)
        if NAMELESS not in self._numbers:
            free = 1 + max(self.whole, default=0)
            tables.insert_label(self._new, free, NAMELESS)
            self._numbers[NAMELESS] = free
        return self._numbers[NAMELESS]
