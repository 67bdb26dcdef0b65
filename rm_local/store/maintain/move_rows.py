"""Moves entries between clusters: rewrites the chunks with their sign bits, and their checksums."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rm_local.arrays import Floats, Ids
from rm_local.store.codec.code_frames import compute_row_checksum
from rm_local.store.format import DamagedError
from rm_local.store.maintain.chunks import (
    ClusterRows,
    read_cluster_rows_with_deleted,
    replace_cluster_chunks,
)
from rm_local.store.maintain.task import ConnectionWithCodecs
from rm_local.store.sqlite.tables import format_json_array

STEP = 4096
"""Number of rows whose ranking codes are in memory at once; a cluster may be larger."""


@dataclass(frozen=True)
class Cluster:
    """A cluster's rows, without those of deleted entries, with the tools to read and move them."""

    tools: ConnectionWithCodecs
    number: int
    rows: ClusterRows

    @classmethod
    def read_without_deleted(cls, tools: ConnectionWithCodecs, number: int) -> Cluster:
        """Read the rows of existing entries in the cluster `number`.

        Raises:
            DamagedError: A chunk cannot be read.
        """
        rows = read_cluster_rows_with_deleted(tools.connection, number, tools.dimension)
        there = tools.connection.execute(
            "SELECT id FROM ref WHERE id IN (SELECT value FROM json_each(?))",
            (format_json_array(rows.ids.tolist()),),
        )
        kept = np.isin(rows.ids, np.fromiter((row[0] for row in there), np.int64))
        return cls(tools, number, rows.select_rows(kept))

    def read_vectors(self, places: Ids) -> Floats:
        """Return the vectors of the rows at the positions `places`: an array (n, d) of length 1.

        Raises:
            DamagedError: A checksum is wrong.
        """
        ids = self.rows.ids[places].tolist()
        codes = self._read_checked_codes_and_new_checksums(places, self.number)
        return self.tools.decode_vectors(codes[id][0] for id in ids)

    def move_rows_to_empty_clusters(self, clusters: Ids) -> None:
        """Move each row to the cluster whose number `clusters` has at the row's position.

        Rows are sorted by id in each cluster. All clusters except this one must be empty before.

        Raises:
            DamagedError: A checksum is wrong.
        """
        for start in range(0, len(self.rows), STEP):
            places = np.arange(start, min(start + STEP, len(self.rows)))
            moved = places[clusters[places] != self.number]
            for cluster in np.unique(clusters[moved]).tolist():
                self._check_and_update_checksums(moved[clusters[moved] == cluster], cluster)
        order = np.lexsort((self.rows.ids, clusters))
        sorted_rows, numbers = self.rows.select_rows(order), clusters[order]
        parts = [
            (number, sorted_rows.select_rows(numbers == number))
            for number in np.unique(numbers).tolist()
        ]
        replace_cluster_chunks(self.tools.connection, self.number, parts)

    def _check_and_update_checksums(self, places: Ids, cluster: int) -> None:
        """Check the rows at `places`, and write the checksums that they get in `cluster`.

        Raises:
            DamagedError: A present checksum is wrong.
        """
        found = self._read_checked_codes_and_new_checksums(places, cluster)
        self.tools.connection.executemany(
            "UPDATE ref SET crc = ? WHERE id = ?", ((crc, id) for id, (_, crc) in found.items())
        )

    def _read_checked_codes_and_new_checksums(
        self, places: Ids, cluster: int
    ) -> dict[int, tuple[bytes, int]]:
        """Return ranking code and new checksum of the rows at `places`, by id.

        The new checksum is that of the row in `cluster`. The present one is compared first, because
        a new one would make a damaged row look intact.

        Raises:
            DamagedError: A checksum is wrong.
        """
        found = {
            id: (label, crc, code)
            for id, label, crc, code in self.tools.connection.execute(
                "SELECT id, label, crc, v FROM ref WHERE id IN (SELECT value FROM json_each(?))",
                (format_json_array(self.rows.ids[places].tolist()),),
            )
        }
        checked = {}
        for place in places.tolist():
            id, bits = int(self.rows.ids[place]), self.rows.bits[place].tobytes()
            label, crc, code = found[id]
            if label != self.rows.labels[place] or crc != compute_row_checksum(
                id, label, self.number, bits, code
            ):
                raise DamagedError(f"entry {id}: its vector is damaged")
            checked[id] = code, compute_row_checksum(id, label, cluster, bits, code)
        return checked
