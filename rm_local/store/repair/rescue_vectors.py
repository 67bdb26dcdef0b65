"""Copies vectors of a damaged store to the new one; derives lost sign bits from ranking codes."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rm_local.arrays import Floats
from rm_local.progress import DoneCallback
from rm_local.store.codec.code_frames import (
    RankingCodePacker,
    compute_code_checksum,
    compute_row_checksum,
)
from rm_local.store.codec.quantize import Quantizer
from rm_local.store.format import CHUNK_SIZE, NO_CLUSTER, DamagedError
from rm_local.store.index.kmeans import find_nearest_centroids
from rm_local.store.repair.labels import LabelCopier
from rm_local.store.repair.rebuild_centroids import CentroidRebuilder
from rm_local.store.repair.rescue_texts import STEP, EntryEvidence
from rm_local.store.repair.tolerant_reader import TolerantReader

if TYPE_CHECKING:
    import apsw

CHUNK_STEP = 64
"""Number of chunks of the damaged store that are read at once."""

LOW = 0xFFFF_FFFF
"""Mask for the lowest 32 bits of a row's checksum, which cover the whole row."""

CHUNKS = """
    SELECT chunk_id, partition00, validity, rowids, data, vectors
    FROM code_chunks NOT INDEXED
    JOIN code_metadatachunks00 AS m ON m._rowid_ = chunk_id
    JOIN code_vector_chunks00 AS v ON v._rowid_ = chunk_id
    WHERE chunk_id IN (SELECT value FROM json_each(?))
"""
FRESH = "SELECT id, bits FROM fresh WHERE id IN (SELECT value FROM json_each(?))"
REFS = "SELECT id, label, crc, v FROM ref WHERE id IN (SELECT value FROM json_each(?))"


@dataclass(frozen=True, slots=True)
class UncheckedRow:
    """Sign bits and place of an entry as read from a damaged store, not yet compared with its
    checksum."""

    id: int
    cluster: int
    labels: Collection[int]
    """Numbers that the entry's label may have if the one in the table `ref` is damaged."""
    bits: bytes


class VectorRescuer:
    """Copier of a damaged store's vectors to the new store, for entries whose texts were copied."""

    def __init__(
        self,
        reader: TolerantReader,
        new: apsw.Connection,
        tools: tuple[Quantizer, RankingCodePacker],
        labels: LabelCopier,
        bulk: int,
        found: EntryEvidence,
    ) -> None:
        self._reader, self._new, self._labels = reader, new, labels
        self._quantizer, self._packer = tools
        self._bulk, self._found = bulk, found
        self.derived = 0
        """Number of entries whose sign bits were derived from their ranking codes."""

    def list_readable_chunk_numbers(self) -> list[int]:
        """Return the numbers of all readable chunks of the damaged store, ascending."""
        return self._reader.list_readable_column_values("code_chunks", "chunk_id")

    def copy_intact_vectors(
        self, chunks: list[int], centroids: CentroidRebuilder, on_done: DoneCallback
    ) -> None:
        """Copy the intact rows in the chunks with these numbers to the new store.

        Vectors of clusters with a lost centroid are also added to `centroids`. `on_done` gets the
        number of entries copied so far.
        """
        for start in range(0, len(chunks), CHUNK_STEP):
            read = self._reader.read_rows_by_id(CHUNKS, chunks[start : start + CHUNK_STEP])
            slots = [
                slot for number in sorted(read) for slot in self._unpack_used_slots(*read[number])
            ]
            slots = [slot for slot in slots if 0 <= slot.cluster < max(1, len(centroids.lost))]
            refs = self._reader.read_rows_by_id(REFS, [slot.id for slot in slots])
            rows = list(self._select_and_mark_intact_rows(slots, refs))
            self._write_and_mark_rows(rows)
            lost = [row for row in rows if centroids.lost[row[1] : row[1] + 1].any()]
            if lost:
                vectors = self._decode_vectors([row[4] for row in lost])
                centroids.add_rows_of_lost_centroids(np.array([row[1] for row in lost]), vectors)
            on_done(int(self._found.kept.sum()))

    def copy_pending_into_clusters(self, centroids: Floats) -> None:
        """Copy the intact vectors of pending entries to the new store.

        They get the clusters of the nearest of `centroids`, so they are no longer pending.
        """
        found = self._reader.read_rows_by_id(
            FRESH, self._reader.list_readable_column_values("fresh", "id")
        )
        slots = [
            UncheckedRow(id, NO_CLUSTER, self._labels.whole, bits)
            for id, (bits,) in sorted(found.items())
            if 0 < id < len(self._found.kept) and isinstance(bits, bytes)
        ]
        rows = list(
            self._select_and_mark_intact_rows(
                slots, self._reader.read_rows_by_id(REFS, [slot.id for slot in slots])
            )
        )
        if rows:
            clusters = self._find_nearest_clusters([row[4] for row in rows], centroids)
            self._write_and_mark_rows(
                [(row[0], at, *row[2:]) for row, at in zip(rows, clusters, strict=True)]
            )

    def copy_with_derived_bits(self, centroids: Floats, on_done: DoneCallback) -> None:
        """Write the entries not yet copied whose ranking code is intact, with bits derived from it.

        Each gets the cluster of the nearest of `centroids`. `on_done` gets the number of entries
        copied so far.
        """
        ids = np.flatnonzero(self._found.text & ~self._found.kept)
        for start in range(0, len(ids), STEP):
            refs = self._reader.read_rows_by_id(REFS, ids[start : start + STEP].tolist())
            whole = list(self._select_intact_codes(refs))
            if not whole:
                continue
            self._found.trace[[id for id, *_ in whole]] = True
            codes = [code for _, _, code in whole]
            clusters = self._find_nearest_clusters(codes, centroids)
            bits = [
                each.tobytes()
                for each in self._quantizer.encode_sign_bits(self._decode_vectors(codes))
            ]
            self._write_and_mark_rows(
                [
                    (id, cluster, self._labels.map_label_or_note_lost(id, label), each, code)
                    for (id, label, code), cluster, each in zip(whole, clusters, bits, strict=True)
                ]
            )
            self.derived += len(whole)
            on_done(int(self._found.kept.sum()))

    def _unpack_used_slots(self, cluster: Any, *columns: Any) -> Iterator[UncheckedRow]:
        """Yield the rows in the used slots of a chunk of `cluster`; none if it is unreadable.

        `columns` are its validity, ids, labels and sign bits, as in `Chunk`.
        """
        width = self._quantizer.dimension // 8
        sizes = (CHUNK_SIZE // 8, CHUNK_SIZE * 8, CHUNK_SIZE * 8, CHUNK_SIZE * width)
        if not isinstance(cluster, int) or not all(
            isinstance(column, bytes) and len(column) == size
            for column, size in zip(columns, sizes, strict=True)
        ):
            return
        validity, rowids, data, bits = columns
        ids, labels = np.frombuffer(rowids, "<i8").tolist(), np.frombuffer(data, "<i8").tolist()
        used = np.unpackbits(np.frombuffer(validity, np.uint8), bitorder="little")
        for at in np.flatnonzero(used).tolist():
            if 0 < ids[at] < len(self._found.kept):
                here = slice(at * width, (at + 1) * width)
                yield UncheckedRow(ids[at], cluster, (labels[at],), bits[here])

    def _decode_vectors(self, codes: list[bytes]) -> Floats:
        """Decode intact ranking codes to vectors of length 1: an array (n, d)."""
        return self._quantizer.decode_to_unit_vectors(self._packer.unpack_rows(codes))

    def _find_nearest_clusters(self, codes: list[bytes], centroids: Floats) -> list[int]:
        """Return for each ranking code the number of the nearest centroid; 0 without centroids."""
        if not len(centroids):
            return [0] * len(codes)
        found: list[int] = find_nearest_centroids(self._decode_vectors(codes), centroids).tolist()
        return found

    def _select_and_mark_intact_rows(
        self, slots: list[UncheckedRow], refs: dict[int, tuple[Any, ...]]
    ) -> Iterator[tuple[int, int, int, bytes, bytes]]:
        """Yield id, cluster, label, bits and code of the rows that match their checksum, and mark
        them as copied.

        `refs` has label, checksum and code of `ref` by id. Rows without a copied text, or copied
        before, are skipped.
        """
        for slot in slots:
            self._found.trace[slot.id] |= slot.id > self._bulk or slot.id in refs
            if not self._found.text[slot.id] or self._found.kept[slot.id] or slot.id not in refs:
                continue
            label, crc, code = refs[slot.id]
            if not isinstance(crc, int) or not isinstance(code, bytes):
                continue
            # The label may be the damaged part.
            for each in dict.fromkeys((label, *slot.labels)):
                if isinstance(each, int) and crc & LOW == LOW & compute_row_checksum(
                    slot.id, each, slot.cluster, slot.bits, code
                ):
                    self._found.kept[slot.id] = True
                    yield (
                        slot.id,
                        slot.cluster,
                        self._labels.map_label_or_note_lost(slot.id, each),
                        slot.bits,
                        code,
                    )
                    break

    def _select_intact_codes(
        self, refs: dict[int, tuple[Any, ...]]
    ) -> Iterator[tuple[int, Any, bytes]]:
        """Yield id, label number and ranking code of those rows of `ref` with an intact code.

        `refs` has label, checksum and code by id.
        """
        for id, (label, crc, code) in sorted(refs.items()):
            if not isinstance(crc, int) or not isinstance(code, bytes):
                continue
            try:
                self._packer.unpack_rows([code])
            except DamagedError:
                continue
            if compute_code_checksum(id, code) == crc >> 32:
                yield id, label, code

    def _write_and_mark_rows(self, rows: list[tuple[int, int, int, bytes, bytes]]) -> None:
        """Insert rows of id, cluster, label, bits and code into the new store; mark the entries."""
        self._found.kept[[row[0] for row in rows]] = True
        self._new.executemany(
            "INSERT INTO ref(id, label, crc, v) VALUES(?, ?, ?, ?)",
            (
                (id, label, compute_row_checksum(id, label, cluster, bits, code), code)
                for id, cluster, label, bits, code in rows
            ),
        )
        self._new.executemany(
            "INSERT INTO code(id, cid, label, e) VALUES(?, ?, ?, vec_bit(?))",
            ((id, cluster, label, bits) for id, cluster, label, bits, _ in rows),
        )
        # Entries of a bulk build have no such rows.
        self._new.execute("DELETE FROM code_rowids WHERE rowid <= ?", (self._bulk,))
