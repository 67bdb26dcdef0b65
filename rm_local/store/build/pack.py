"""A group's rows, sorted and packed: all that a store needs of them but to be written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from rm_local.arrays import Ids
from rm_local.store.build.assign import Stripe
from rm_local.store.build.columns import Columns, joined
from rm_local.store.codec.code_frames import CodePacker, row_crc
from rm_local.store.codec.text_blocks import TextCodec, extract_subproblem
from rm_local.store.format import BLOCK_ROWS, CHUNK_SIZE
from rm_local.store.index.rare_words import RareWords
from rm_local.store.sqlite.tables import Label
from rm_local.store.sqlite.vec0 import Chunk


@dataclass(frozen=True)
class Prepared:
    """The rows `first` to `first + rows - 1` of the store to come."""

    first: int
    rows: int
    chunks: list[Chunk]
    labels: list[int]
    crcs: list[int]
    codes: list[bytes]
    head: list[bytes]
    """Texts that fill up the block which the group before left open."""
    blocks: list[bytes]
    """Frames of the blocks from the next one on; the last may have fewer rows."""
    words: list[tuple[int, str]]
    """Ids with their rare words."""


@dataclass(frozen=True)
class Preparer:
    """What all groups have in common; goes to other processes."""

    stripes: Sequence[Stripe]
    groups: int
    labels: Mapping[Label, int]
    """Number of each label in the store."""
    dictionary: bytes
    code_dictionary: bytes
    known: frozenset[str]
    level: int
    """Of zstandard, for the texts."""

    def prepare(self, group: int, first: int) -> Prepared | None:
        """The rows of one group, the first of which gets the id `first`; None if it has none."""
        parts = [part for stripe in self.stripes for part in self._read(stripe, group)]
        if not parts:
            return None
        rows = joined(parts)
        ordered = rows.chosen(np.lexsort((rows.places, rows.clusters)))
        del rows, parts
        ids = np.arange(first, first + len(ordered), dtype=np.int64)
        codes = CodePacker(ordered.steps.shape[1], self.code_dictionary).pack_rows(ordered.steps)
        head = -(first - 1) % BLOCK_ROWS
        return Prepared(
            first,
            len(ordered),
            list(_chunks(ordered, ids)),
            ordered.labels.tolist(),
            _crcs(ordered, ids, codes),
            codes,
            ordered.texts[:head],
            self._blocks(ordered.texts[head:]),
            self._words(ordered.texts, first),
        )

    def _read(self, stripe: Stripe, group: int) -> Iterator[Columns]:
        """With the labels' numbers in the store."""
        spill = stripe.spill(self.groups)
        numbers = np.array([self.labels[label] for label in spill.labels], np.int32)
        for part in spill.read(group):
            yield Columns(
                part.places,
                part.clusters,
                numbers[part.labels],
                part.bits,
                part.steps,
                part.texts,
            )

    def _blocks(self, texts: list[bytes]) -> list[bytes]:
        codec = TextCodec(self.dictionary, self.level)
        starts = range(0, len(texts), BLOCK_ROWS)
        return [codec.pack_rows(texts[start : start + BLOCK_ROWS]) for start in starts]

    def _words(self, texts: list[bytes], first: int) -> list[tuple[int, str]]:
        rare = RareWords(self.known)
        return [
            (id, " ".join(found))
            for id, text in enumerate(texts, first)
            if (found := rare.find_rare_words(extract_subproblem(text)))
        ]


def _chunks(ordered: Columns, ids: Ids) -> Iterator[Chunk]:
    for start, end in _runs(ordered.clusters):
        used = slice(start, end)
        validity = np.packbits(np.arange(CHUNK_SIZE) < end - start, bitorder="little")
        yield Chunk(
            int(ordered.clusters[start]),
            validity.tobytes(),
            _filled(ids[used]),
            _filled(ordered.bits[used]),
            _filled(ordered.labels[used].astype("<i8")),
        )


def _crcs(ordered: Columns, ids: Ids, codes: list[bytes]) -> list[int]:
    bits, width = ordered.bits.tobytes(), ordered.bits.shape[1]
    columns = zip(ids.tolist(), ordered.labels.tolist(), ordered.clusters.tolist(), strict=True)
    return [
        row_crc(id, label, cluster, bits[place : place + width], code)
        for (id, label, cluster), place, code in zip(
            columns, range(0, len(bits), width), codes, strict=True
        )
    ]


def _runs(clusters: NDArray[np.int32]) -> Iterator[tuple[int, int]]:
    """Start and end of each chunk: rows of one cluster, CHUNK_SIZE at most; `clusters` ascend."""
    edges = np.flatnonzero(np.diff(clusters)) + 1
    bounds = [0, *edges.tolist(), len(clusters)]
    for first, end in pairwise(bounds):
        for start in range(first, end, CHUNK_SIZE):
            yield start, min(start + CHUNK_SIZE, end)


def _filled(values: NDArray[np.generic]) -> bytes:
    """The bytes of a chunk's column: these values, then zeros for the rows not used."""
    data = values.tobytes()
    return data.ljust(len(data) // len(values) * CHUNK_SIZE, b"\0")
