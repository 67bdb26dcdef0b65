"""Rows from one cluster to others: their chunks, and their checksums, which name the cluster."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rm_local.arrays import Floats, Ids
from rm_local.store.codec.code_frames import row_crc
from rm_local.store.format import DamagedError
from rm_local.store.maintain.chunks import Held, held, rewrite
from rm_local.store.maintain.task import Tools
from rm_local.store.sqlite.tables import json_array

STEP = 4096
"""Rows whose codes are in memory together, while a whole cluster may be larger."""


@dataclass(frozen=True)
class Cluster:
    """A cluster's entries; deleted ones whose bits are still there are left out."""

    tools: Tools
    number: int
    rows: Held

    @classmethod
    def read(cls, tools: Tools, number: int) -> Cluster:
        """It as it is now. DamagedError: a chunk cannot be read."""
        rows = held(tools.connection, number, tools.dimension)
        there = tools.connection.execute(
            "SELECT id FROM ref WHERE id IN (SELECT value FROM json_each(?))",
            (json_array(rows.ids.tolist()),),
        )
        kept = np.isin(rows.ids, np.fromiter((row[0] for row in there), np.int64))
        return cls(tools, number, rows.chosen(kept))

    def vectors(self, places: Ids) -> Floats:
        """The vectors of the rows at `places`, (n, d). DamagedError: a checksum is wrong."""
        ids = self.rows.ids[places].tolist()
        codes = self._checked(places, self.number)
        return self.tools.floats(codes[id][0] for id in ids)

    def part(self, clusters: Ids) -> None:
        """Give each row the cluster, (n,), and put it there, rows of a cluster ordered by id.

        The clusters other than this one must have no rows yet. DamagedError: a checksum is wrong.
        """
        for start in range(0, len(self.rows), STEP):
            places = np.arange(start, min(start + STEP, len(self.rows)))
            moved = places[clusters[places] != self.number]
            for cluster in np.unique(clusters[moved]).tolist():
                self._write_checksums(moved[clusters[moved] == cluster], cluster)
        order = np.lexsort((self.rows.ids, clusters))
        sorted_rows, numbers = self.rows.chosen(order), clusters[order]
        parts = [
            (number, sorted_rows.chosen(numbers == number))
            for number in np.unique(numbers).tolist()
        ]
        rewrite(self.tools.connection, self.number, parts)

    def _write_checksums(self, places: Ids, cluster: int) -> None:
        found = self._checked(places, cluster)
        self.tools.connection.executemany(
            "UPDATE ref SET crc = ? WHERE id = ?", ((crc, id) for id, (_, crc) in found.items())
        )

    def _checked(self, places: Ids, cluster: int) -> dict[int, tuple[bytes, int]]:
        """Codes by id, and the checksums that the rows have in `cluster`.

        The old ones are compared first: a new one would make a damaged row look well.
        """
        found = {
            id: (label, crc, code)
            for id, label, crc, code in self.tools.connection.execute(
                "SELECT id, label, crc, v FROM ref WHERE id IN (SELECT value FROM json_each(?))",
                (json_array(self.rows.ids[places].tolist()),),
            )
        }
        checked = {}
        for place in places.tolist():
            id, bits = int(self.rows.ids[place]), self.rows.bits[place].tobytes()
            label, crc, code = found[id]
            if label != self.rows.labels[place] or crc != row_crc(
                id, label, self.number, bits, code
            ):
                raise DamagedError(f"entry {id}: its vector is damaged")
            checked[id] = code, row_crc(id, label, cluster, bits, code)
        return checked
