"""Sorts and compresses the rows of a group of clusters, ready to be written into the tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from rm_local.arrays import Ids
from rm_local.store.build.assign import SourceStripe
from rm_local.store.build.columns import EncodedColumns, concat_columns
from rm_local.store.codec.code_frames import RankingCodePacker, compute_row_checksum
from rm_local.store.codec.text_blocks import TextCodec, extract_row_subproblem
from rm_local.store.format import BLOCK_ROWS, CHUNK_SIZE
from rm_local.store.index.rare_words import UnknownWordFinder
from rm_local.store.sqlite.tables import EntryMetadata
from rm_local.store.sqlite.vec0 import Chunk


@dataclass(frozen=True)
class PackedClusterGroup:
    """The rows of a group of clusters, encoded for the tables of the store.

    The entries have the ids `first` to `first + rows - 1`.
    """

    first: int
    rows: int
    chunks: list[Chunk]
    labels: list[int]
    crcs: list[int]
    codes: list[bytes]
    head: list[bytes]
    """Texts of the first entries, which complete the last text block of the previous group."""
    blocks: list[bytes]
    """Compressed blocks of the other entries' texts; the last block may have fewer rows."""
    words: list[tuple[int, str]]
    """Ids of the entries with rare words, and these words, separated by spaces."""


@dataclass(frozen=True)
class ClusterGroupPacker:
    """Encoder of the spilled rows of a group of clusters for the tables of the store.

    It holds the parameters common to all groups, and can be pickled for other processes.
    """

    stripes: Sequence[SourceStripe]
    groups: int
    labels: Mapping[EntryMetadata, int]
    """Number of each label in the new store's table `label`."""
    dictionary: bytes
    code_dictionary: bytes
    known: frozenset[str]
    level: int
    """zstandard level for the texts of the store."""

    def pack_group(self, group: int, first: int) -> PackedClusterGroup | None:
        """Read, sort and encode the spilled rows of group `group`; None for an empty group.

        They are sorted by cluster, then by place in the source, and get the ids from `first` on.
        """
        parts = [
            part
            for stripe in self.stripes
            for part in self._read_rows_with_store_labels(stripe, group)
        ]
        if not parts:
            return None
        rows = concat_columns(parts)
        ordered = rows.select_rows(np.lexsort((rows.places, rows.clusters)))
        del rows, parts
        ids = np.arange(first, first + len(ordered), dtype=np.int64)
        codes = RankingCodePacker(ordered.steps.shape[1], self.code_dictionary).pack_rows(
            ordered.steps
        )
        head = -(first - 1) % BLOCK_ROWS
        return PackedClusterGroup(
            first,
            len(ordered),
            list(_build_chunks(ordered, ids)),
            ordered.labels.tolist(),
            _compute_crcs(ordered, ids, codes),
            codes,
            ordered.texts[:head],
            self._pack_text_blocks(ordered.texts[head:]),
            self._find_unknown_words_by_entry(ordered.texts, first),
        )

    def _read_rows_with_store_labels(
        self, stripe: SourceStripe, group: int
    ) -> Iterator[EncodedColumns]:
        """Yield the rows of a group that a stripe has spilled, with the store's label numbers."""
        spill = stripe.open_spill(self.groups)
        numbers = np.array([self.labels[label] for label in spill.labels], np.int32)
        for part in spill.read_group(group):
            yield EncodedColumns(
                part.places,
                part.clusters,
                numbers[part.labels],
                part.bits,
                part.steps,
                part.texts,
            )

    def _pack_text_blocks(self, texts: list[bytes]) -> list[bytes]:
        """Compress entries' joined texts into blocks of BLOCK_ROWS; the last may have fewer."""
        codec = TextCodec(self.dictionary, self.level)
        starts = range(0, len(texts), BLOCK_ROWS)
        return [codec.pack_rows(texts[start : start + BLOCK_ROWS]) for start in starts]

    def _find_unknown_words_by_entry(self, texts: list[bytes], first: int) -> list[tuple[int, str]]:
        """Return id and rare words, separated by spaces, of the entries with any.

        `texts` are the joined texts of the entries from id `first` on.
        """
        rare = UnknownWordFinder(self.known)
        return [
            (id, " ".join(found))
            for id, text in enumerate(texts, first)
            if (found := rare.find_unknown_words(extract_row_subproblem(text)))
        ]


def _build_chunks(ordered: EncodedColumns, ids: Ids) -> Iterator[Chunk]:
    """Yield the chunks of the table `code` for rows sorted by cluster, which get these `ids`."""
    for start, end in _find_chunk_bounds(ordered.clusters):
        used = slice(start, end)
        validity = np.packbits(np.arange(CHUNK_SIZE) < end - start, bitorder="little")
        yield Chunk(
            int(ordered.clusters[start]),
            validity.tobytes(),
            _pad_to_chunk(ids[used]),
            _pad_to_chunk(ordered.bits[used]),
            _pad_to_chunk(ordered.labels[used].astype("<i8")),
        )


def _compute_crcs(ordered: EncodedColumns, ids: Ids, codes: list[bytes]) -> list[int]:
    """Return the checksum of each row: of id, label, cluster, sign bits and compressed code."""
    bits, width = ordered.bits.tobytes(), ordered.bits.shape[1]
    columns = zip(ids.tolist(), ordered.labels.tolist(), ordered.clusters.tolist(), strict=True)
    return [
        compute_row_checksum(id, label, cluster, bits[place : place + width], code)
        for (id, label, cluster), place, code in zip(
            columns, range(0, len(bits), width), codes, strict=True
        )
    ]


def _find_chunk_bounds(clusters: NDArray[np.int32]) -> Iterator[tuple[int, int]]:
    """Yield the first row of each chunk and the row after its last: up to CHUNK_SIZE of a cluster.

    `clusters` are the rows' clusters, ascending.
    """
    edges = np.flatnonzero(np.diff(clusters)) + 1
    bounds = [0, *edges.tolist(), len(clusters)]
    for first, end in pairwise(bounds):
        for start in range(first, end, CHUNK_SIZE):
            yield start, min(start + CHUNK_SIZE, end)


def _pad_to_chunk(values: NDArray[np.generic]) -> bytes:
    """Return the bytes of a column, padded with zeros to the length of CHUNK_SIZE rows."""
    data = values.tobytes()
    return data.ljust(len(data) // len(values) * CHUNK_SIZE, b"\0")
