"""Encoded entries during a bulk build: columns in memory, and records of a spill file."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import zstandard
from numpy.typing import NDArray

from rm_local.arrays import Bytes, Ids
from rm_local.store.codec.quantize import Steps

HEADER = struct.Struct("<4sIIQI")
"""Header of a record in a spill file: magic number, number of rows, dimension, bytes of the body,
CRC-32 of the body."""
MAGIC = b"RMSP"
LEVEL = 1
"""zstandard level for the texts of a spilled record, which is read only once, soon afterwards."""


class DamagedRecordError(Exception):
    """A record of a spill file is incomplete or damaged."""


@dataclass(frozen=True)
class EncodedColumns:
    """Encoded entries of a bulk build, one array or list for each of their parts."""

    places: Ids
    """Row number of each entry in the source of the build."""
    clusters: NDArray[np.int32]
    labels: NDArray[np.int32]
    bits: Bytes
    """Sign bits of the vectors: an array (n, d / 8)."""
    steps: Steps
    """Quantized components of the vectors: an int8 array (n, d)."""
    texts: list[bytes]
    """Subproblem and subroutine of each entry, joined by `check_and_join_texts`."""

    def __len__(self) -> int:
        return len(self.clusters)

    def select_rows(self, order: Ids) -> EncodedColumns:
        """Return the rows at the positions `order`, in this order."""
        texts = self.texts
        return EncodedColumns(
            self.places[order],
            self.clusters[order],
            self.labels[order],
            self.bits[order],
            self.steps[order],
            [texts[place] for place in order.tolist()],
        )


def concat_columns(parts: Sequence[EncodedColumns]) -> EncodedColumns:
    """Return the rows of all parts, of which there is at least one, as one `EncodedColumns`."""
    if len(parts) == 1:
        return parts[0]
    return EncodedColumns(
        np.concatenate([part.places for part in parts]),
        np.concatenate([part.clusters for part in parts]),
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.bits for part in parts]),
        np.concatenate([part.steps for part in parts]),
        [text for part in parts for text in part.texts],
    )


def pack_record(columns: EncodedColumns) -> bytes:
    """Return encoded entries as one record of a spill file: header, arrays, compressed texts."""
    lengths = np.array([len(text) for text in columns.texts], np.uint32)
    texts = zstandard.ZstdCompressor(LEVEL).compress(b"".join(columns.texts))
    arrays = (
        columns.places.astype("<i8"),
        columns.clusters.astype("<i4"),
        columns.labels.astype("<i4"),
        lengths.astype("<u4"),
        columns.bits,
        columns.steps,
    )
    body = b"".join([*(array.tobytes() for array in arrays), texts])
    rows, dimension = columns.steps.shape
    return HEADER.pack(MAGIC, rows, dimension, len(body), zlib.crc32(body)) + body


def read_record(file: BinaryIO) -> EncodedColumns | None:
    """Read the next record of a spill file; None at the end of `file`.

    Raises:
        DamagedRecordError: The record is incomplete or damaged.
    """
    head = file.read(HEADER.size)
    if not head:
        return None
    if len(head) < HEADER.size:
        raise DamagedRecordError
    magic, rows, dimension, size, check = HEADER.unpack(head)
    body = file.read(size) if magic == MAGIC else b""
    if magic != MAGIC or zlib.crc32(body) != check:
        raise DamagedRecordError
    return _unpack_body(body, rows, dimension)


def _unpack_body(body: bytes, rows: int, dimension: int) -> EncodedColumns:
    """Return the encoded entries in the body (without the header) of a record."""
    place = 0

    def read_next_column(kind: str, width: int) -> NDArray[Any]:
        nonlocal place
        found = np.frombuffer(body, kind, rows * width, place).reshape(rows, width)
        place += found.nbytes
        return found

    places = read_next_column("<i8", 1)[:, 0]
    clusters, labels, lengths = (read_next_column(kind, 1)[:, 0] for kind in ("<i4", "<i4", "<u4"))
    bits, steps = read_next_column("u1", dimension // 8), read_next_column("i1", dimension)
    ends = np.cumsum(lengths, dtype=np.int64).tolist()
    texts = zstandard.ZstdDecompressor().decompress(body[place:])
    starts = [0, *ends[:-1]]
    rows_of_text = [texts[start:end] for start, end in zip(starts, ends, strict=True)]
    return EncodedColumns(places, clusters, labels, bits, steps, rows_of_text)
