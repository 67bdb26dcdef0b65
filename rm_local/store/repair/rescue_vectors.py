"""Vectors into the new store: as they are where the row's checksum holds, else from the code."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rm_local.arrays import Floats
from rm_local.progress import DoneCallback
from rm_local.store.codec.code_frames import CodePacker, code_check, row_crc
from rm_local.store.codec.quantize import Quantizer
from rm_local.store.format import CHUNK_SIZE, NO_CLUSTER, DamagedError
from rm_local.store.index.kmeans import find_nearest_centroids
from rm_local.store.repair.labels import Labels
from rm_local.store.repair.rebuild_centroids import CentroidRebuilder
from rm_local.store.repair.rescue_texts import STEP, EntryEvidence
from rm_local.store.repair.tolerant_reader import Rescue

if TYPE_CHECKING:
    import apsw

CHUNK_STEP = 64
"""Chunks read together."""

LOW = 0xFFFF_FFFF
"""The part of a row's checksum that is over all of it."""

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
class Slot:
    """A row of sqlite-vec's, or one that was fresh."""

    id: int
    cluster: int
    labels: Collection[int]
    """Those that it may have, besides the one that `ref` names."""
    bits: bytes


class VectorRescuer:
    """Copies the vectors of entries that have a text."""

    def __init__(
        self,
        rescue: Rescue,
        new: apsw.Connection,
        tools: tuple[Quantizer, CodePacker],
        labels: Labels,
        bulk: int,
        found: EntryEvidence,
    ) -> None:
        self._rescue, self._new, self._labels = rescue, new, labels
        self._quantizer, self._packer = tools
        self._bulk, self._found = bulk, found
        self.derived = 0
        """Entries whose bits were made again."""

    def chunks(self) -> list[int]:
        """Numbers of all chunks."""
        return self._rescue.numbers("code_chunks", "chunk_id")

    def copy(self, chunks: list[int], centroids: CentroidRebuilder, tell: DoneCallback) -> None:
        """Copy intact rows chunk by chunk, and add them to lost centroids of their clusters."""
        for start in range(0, len(chunks), CHUNK_STEP):
            read = self._rescue.among(CHUNKS, chunks[start : start + CHUNK_STEP])
            slots = [slot for number in sorted(read) for slot in self._slots(*read[number])]
            slots = [slot for slot in slots if 0 <= slot.cluster < max(1, len(centroids.lost))]
            refs = self._rescue.among(REFS, [slot.id for slot in slots])
            rows = list(self._whole(slots, refs))
            self._write(rows)
            lost = [row for row in rows if centroids.lost[row[1] : row[1] + 1].any()]
            if lost:
                vectors = self._floats([row[4] for row in lost])
                centroids.add_rows(np.array([row[1] for row in lost]), vectors)
            tell(int(self._found.kept.sum()))

    def settle(self, centroids: Floats) -> None:
        """Rows that were fresh and are whole, in the nearest of `centroids`, (c, d)."""
        found = self._rescue.among(FRESH, self._rescue.numbers("fresh", "id"))
        slots = [
            Slot(id, NO_CLUSTER, self._labels.whole, bits)
            for id, (bits,) in sorted(found.items())
            if 0 < id < len(self._found.kept) and isinstance(bits, bytes)
        ]
        rows = list(self._whole(slots, self._rescue.among(REFS, [slot.id for slot in slots])))
        if rows:
            clusters = self._nearest([row[4] for row in rows], centroids)
            self._write([(row[0], at, *row[2:]) for row, at in zip(rows, clusters, strict=True)])

    def derive(self, centroids: Floats, tell: DoneCallback) -> None:
        """Rows of the other entries whose code is whole, in the nearest of `centroids`, (c, d)."""
        ids = np.flatnonzero(self._found.text & ~self._found.kept)
        for start in range(0, len(ids), STEP):
            refs = self._rescue.among(REFS, ids[start : start + STEP].tolist())
            whole = list(self._codes(refs))
            if not whole:
                continue
            self._found.trace[[id for id, *_ in whole]] = True
            codes = [code for _, _, code in whole]
            clusters = self._nearest(codes, centroids)
            bits = [each.tobytes() for each in self._quantizer.encode_bits(self._floats(codes))]
            self._write(
                [
                    (id, cluster, self._labels.kept(id, label), each, code)
                    for (id, label, code), cluster, each in zip(whole, clusters, bits, strict=True)
                ]
            )
            self.derived += len(whole)
            tell(int(self._found.kept.sum()))

    def _slots(self, cluster: Any, *columns: Any) -> Iterator[Slot]:
        """Used places of a chunk; none where it cannot be read."""
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
                yield Slot(ids[at], cluster, (labels[at],), bits[here])

    def _floats(self, codes: list[bytes]) -> Floats:
        """The vectors of whole codes, (n, d)."""
        return self._quantizer.from_int8(self._packer.unpack_rows(codes))

    def _nearest(self, codes: list[bytes], centroids: Floats) -> list[int]:
        """The cluster of each whole code; 0 where there are none."""
        if not len(centroids):
            return [0] * len(codes)
        found: list[int] = find_nearest_centroids(self._floats(codes), centroids).tolist()
        return found

    def _whole(
        self, slots: list[Slot], refs: dict[int, tuple[Any, ...]]
    ) -> Iterator[tuple[int, int, int, bytes, bytes]]:
        """Id, cluster, label, bits and code of rows that fit their checksum, each id once."""
        for slot in slots:
            self._found.trace[slot.id] |= slot.id > self._bulk or slot.id in refs
            if not self._found.text[slot.id] or self._found.kept[slot.id] or slot.id not in refs:
                continue
            label, crc, code = refs[slot.id]
            if not isinstance(crc, int) or not isinstance(code, bytes):
                continue
            # The label may be the damaged part.
            for each in dict.fromkeys((label, *slot.labels)):
                if isinstance(each, int) and crc & LOW == LOW & row_crc(
                    slot.id, each, slot.cluster, slot.bits, code
                ):
                    self._found.kept[slot.id] = True
                    yield (
                        slot.id,
                        slot.cluster,
                        self._labels.kept(slot.id, each),
                        slot.bits,
                        code,
                    )
                    break

    def _codes(self, refs: dict[int, tuple[Any, ...]]) -> Iterator[tuple[int, Any, bytes]]:
        """Id, label and code of rows whose code is whole."""
        for id, (label, crc, code) in sorted(refs.items()):
            if not isinstance(crc, int) or not isinstance(code, bytes):
                continue
            try:
                self._packer.unpack_rows([code])
            except DamagedError:
                continue
            if code_check(id, code) == crc >> 32:
                yield id, label, code

    def _write(self, rows: list[tuple[int, int, int, bytes, bytes]]) -> None:
        self._found.kept[[row[0] for row in rows]] = True
        self._new.executemany(
            "INSERT INTO ref(id, label, crc, v) VALUES(?, ?, ?, ?)",
            (
                (id, label, row_crc(id, label, cluster, bits, code), code)
                for id, cluster, label, bits, code in rows
            ),
        )
        self._new.executemany(
            "INSERT INTO code(id, cid, label, e) VALUES(?, ?, ?, vec_bit(?))",
            ((id, cluster, label, bits) for id, cluster, label, bits, _ in rows),
        )
        # What comes from a bulk build has no such rows.
        self._new.execute("DELETE FROM code_rowids WHERE rowid <= ?", (self._bulk,))
