"""All that can be read of a damaged store, into a new one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rm_local.errors import StoreInvalid
from rm_local.progress import ProgressCallback, ProgressMeter
from rm_local.store.codec.code_frames import CodePacker
from rm_local.store.codec.quantize import Quantizer
from rm_local.store.codec.text_blocks import TextCodec
from rm_local.store.delete import delete_entries
from rm_local.store.format import BLOCK_ROWS
from rm_local.store.repair.labels import Labels
from rm_local.store.repair.rebuild_centroids import CentroidRebuilder
from rm_local.store.repair.rescue_texts import STEP, EntryEvidence, TextRescuer
from rm_local.store.repair.rescue_vectors import VectorRescuer
from rm_local.store.repair.store_constants import ANOTHER_COPY, Settled, put_search_params
from rm_local.store.repair.tolerant_reader import Rescue
from rm_local.store.sqlite import connection as sqlite
from rm_local.store.sqlite.meta import SPREAD, Meta, read_meta, write_value
from rm_local.store.sqlite.vec0 import CODES, TEXTS, create_schema

if TYPE_CHECKING:
    import apsw

NAMED = 20
"""Ids that a sentence names."""


@dataclass(frozen=True)
class Repaired:
    """What became of a damaged store."""

    aside: Path
    """Where the damaged one is now."""
    entries: int
    """Of the store now."""
    found: list[str]
    """What was damaged, as are `mended` and `lost` in sentences."""
    mended: list[str]
    lost: list[str]
    lost_ids: list[int]
    """Entries that could not be read, ascending, as far as their numbers are known."""


def salvage(
    rescue: Rescue, path: Path, part: Path, found: list[str], aside: Path, report: ProgressCallback
) -> Repaired:
    """Write the new store `part`. StoreInvalid: no entry of the damaged one can be read."""
    settled = Settled.of(rescue)
    with _new(part, path, settled) as new:
        salvaging = _Salvage(rescue, new, settled, report)
        salvaging.copy()
        if not salvaging.entries and len(salvaging.met.lost):
            raise StoreInvalid(f"No entry of the store {path} can be read.", ANOTHER_COPY)
        return Repaired(
            aside,
            salvaging.entries,
            found,
            salvaging.mended,
            salvaging.lost,
            salvaging.met.lost.tolist(),
        )


@contextmanager
def _new(part: Path, path: Path, settled: Settled) -> Iterator[apsw.Connection]:
    """An empty store with what the damaged one fixes for all entries, in one transaction."""
    with sqlite.translate_errors(part), sqlite.open_connection(part, "create") as new:
        # A file that is thrown away when this is stopped needs no journal.
        new.execute("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF")
        new.execute("BEGIN IMMEDIATE")
        dictionaries = settled.dictionaries
        meta = Meta(settled.embedder, float(settled.needed["step"]))
        create_schema(
            new, path, meta, settled.known_words, dictionaries[TEXTS], dictionaries[CODES]
        )
        for key in ("mean", "rotation"):
            write_value(new, key, settled.needed[key])
        yield new
        new.execute("COMMIT")
        new.execute("INSERT INTO words(words) VALUES('optimize')")
        new.close()


class _Salvage:
    def __init__(
        self, rescue: Rescue, new: apsw.Connection, settled: Settled, report: ProgressCallback
    ) -> None:
        self._rescue, self._new, self._settled = rescue, new, settled
        self.met = EntryEvidence.none(settled.highest)
        self.mended = ["The word index, counts and chunks of bits were made again from entries."]
        self.lost = list(settled.notes)
        self._report = report

    @property
    def entries(self) -> int:
        """How many are kept."""
        return int(self.met.kept.sum())

    def copy(self) -> None:
        """Texts, vectors, and then what depends on which of them there are."""
        texts = TextRescuer(self._rescue, self._new, self._settled, self.met)
        texts.copy(self._meter("texts").reach)
        clusters = self._copy_vectors()
        self._drop_lost()
        self._copy_tallies()
        self._put_numbers(clusters)

    def _copy_vectors(self) -> int:
        """The number of clusters."""
        meta, settled = read_meta(self._new), self._settled
        dimension = settled.dimension
        labels = Labels(self._rescue, self._new)
        vectors = VectorRescuer(
            self._rescue,
            self._new,
            (
                Quantizer(dimension, meta.step, meta.mean, meta.rotation),
                CodePacker(dimension, settled.dictionaries[CODES]),
            ),
            labels,
            settled.bulk,
            self.met,
        )
        clusters = settled.clusters
        if clusters is None:
            clusters = (self._rescue.one("SELECT sum(length(v)) FROM centroid") or 0) // (
                2 * dimension
            )
        centroids = CentroidRebuilder(self._rescue, dimension, clusters)
        meter = self._meter("vectors")
        vectors.copy(vectors.chunks(), centroids, meter.reach)
        vectors.settle(centroids.rebuilt())
        vectors.derive(centroids.rebuilt(), meter.reach)
        centroids.write(self._new)
        if vectors.derived:
            self.mended.append(f"Bits of {vectors.derived:,} entries were made from their codes.")
        if centroids.lost.any():
            self.mended.append(
                f"Centres of {int(centroids.lost.sum()):,} clusters were made from their entries."
            )
        if labels.lost:
            told = _named(sorted(labels.lost))
            self.lost.append(f"Domain, source, level and provenance of {told}.")
        return clusters

    def _meter(self, stage: str) -> ProgressMeter:
        return ProgressMeter(self._report, stage, self._settled.highest)

    def _drop_lost(self) -> None:
        """Entries with a text alone leave; all numbers in blocks without entry get a tombstone."""
        settled, codec = self._settled, TextCodec(self._settled.dictionaries[TEXTS])
        halves = np.flatnonzero(self.met.text & ~self.met.kept).tolist()
        for start in range(0, len(halves), STEP):
            delete_entries(self._new, codec, settled.bulk, halves[start : start + STEP])
        first = settled.first_block * BLOCK_ROWS + 1
        gone = np.flatnonzero(~self.met.kept[: settled.bulk + 1]).tolist()
        self._new.executemany(
            "INSERT OR IGNORE INTO tomb(id) VALUES(?)", ((id,) for id in gone if id >= first)
        )
        if lost := self.met.lost.tolist():
            self.lost.append(f"{_named(lost)}, whose text or vector is damaged.")
        before = self._rescue.number("entries")
        unknown = (before or 0) - self.entries - len(lost)
        if unknown > 0:
            self.lost.append(f"{unknown:,} more entries, of which nothing can be read.")

    def _copy_tallies(self) -> None:
        for id, shown, helped in self._rescue.each("SELECT id, shown, helped FROM tally"):
            whole = isinstance(shown, int) and isinstance(helped, int)
            if whole and 0 < id < len(self.met.kept) and self.met.kept[id]:
                self._new.execute(
                    "INSERT OR IGNORE INTO tally VALUES(?, ?, ?)", (id, shown, helped)
                )
        if self._rescue.stopped:
            self.lost.append("Tallies, in part: how often entries were shown and helped.")

    def _put_numbers(self, clusters: int) -> None:
        settled, new = self._settled, self._new
        tombs = new.execute("SELECT count(*) FROM tomb").get
        kept = {"entries": self.entries, "last": settled.last, "bulk": settled.bulk}
        for key, value in {**kept, "clusters": clusters, "scrapped": tombs}.items():
            write_value(new, key, value)
        for key in ("generation", "recompressed"):
            if (number := self._rescue.number(key)) is not None:
                write_value(new, key, number)
        put_search_params(self._rescue, new, clusters, self.mended)
        spread = self._rescue.value(SPREAD)
        if spread is not None:
            write_value(new, SPREAD, spread)
        elif self._rescue.one("SELECT 1 FROM meta NOT INDEXED WHERE key = ?", (SPREAD,)):
            self.mended.append(f"{SPREAD!r} in meta was left out: it is measured when it is used.")


def _named(ids: list[int]) -> str:
    """So many entries, and the first of their ids."""
    more = ", ..." if len(ids) > NAMED else ""
    plural = "entry" if len(ids) == 1 else "entries"
    return f"{len(ids):,} {plural} ({', '.join(map(str, ids[:NAMED]))}{more})"
