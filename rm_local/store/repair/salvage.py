"""Copies all readable entries of a damaged store to a new store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rm_local.errors import CorruptStoreError
from rm_local.progress import ProgressCallback, ProgressMeter
from rm_local.store.codec.code_frames import RankingCodePacker
from rm_local.store.codec.quantize import Quantizer
from rm_local.store.codec.text_blocks import TextCodec
from rm_local.store.delete import delete_existing_entries
from rm_local.store.format import BLOCK_ROWS
from rm_local.store.repair.labels import LabelCopier
from rm_local.store.repair.rebuild_centroids import CentroidRebuilder
from rm_local.store.repair.rescue_texts import STEP, EntryEvidence, TextRescuer
from rm_local.store.repair.rescue_vectors import VectorRescuer
from rm_local.store.repair.store_constants import (
    ANOTHER_COPY,
    StoreConstants,
    copy_search_params_or_defaults,
)
from rm_local.store.repair.tolerant_reader import TolerantReader
from rm_local.store.sqlite import connection as sqlite
from rm_local.store.sqlite.meta import SPREAD, StoreMeta, read_meta, write_meta_value
from rm_local.store.sqlite.vec0 import CODES, TEXTS, create_tables_and_meta
from rm_local.units import format_count

if TYPE_CHECKING:
    import apsw

MAX_NAMED = 20
"""Maximum number of ids that are listed in a sentence about lost entries."""


@dataclass(frozen=True)
class RepairResult:
    """Report of a repaired store: the damage found, what was restored, what is lost."""

    aside: Path
    """Path under which the damaged file is kept after the repair."""
    entries: int
    """Number of entries in the repaired store."""
    found: list[str]
    """Sentences about the damage that the verification before the repair found."""
    mended: list[str]
    """Sentences about parts that were rebuilt, or derived from others."""
    lost: list[str]
    """Sentences about entries and other data that could not be read."""
    lost_ids: list[int]
    """Ids of lost entries as far as they are known, ascending."""


def salvage_store(
    reader: TolerantReader,
    path: Path,
    part: Path,
    found: list[str],
    aside: Path,
    report: ProgressCallback,
) -> RepairResult:
    """Write the new store `part` with the readable entries of the damaged store `path`.

    `found` are the damage's descriptions and `aside` the later path of the damaged store, both for
    the result.

    Raises:
        CorruptStoreError: No entry can be read.
    """
    constants = StoreConstants.read_or_recompute(reader)
    with _create_new_store_in_transaction(part, path, constants) as new:
        salvager = _Salvager(reader, new, constants, report)
        salvager.copy_all()
        if not salvager.copied_entry_count and len(salvager.evidence.lost_ids):
            raise CorruptStoreError(f"No entry of the store {path} can be read.", ANOTHER_COPY)
        return RepairResult(
            aside,
            salvager.copied_entry_count,
            found,
            salvager.fixed,
            salvager.lost,
            salvager.evidence.lost_ids.tolist(),
        )


@contextmanager
def _create_new_store_in_transaction(
    part: Path, path: Path, constants: StoreConstants
) -> Iterator[apsw.Connection]:
    """Create the new store `part` with the constants of the damaged one, for writing by the body.

    The body runs in a transaction, without a journal.
    """
    with (
        sqlite.translate_sqlite_errors(part),
        sqlite.open_connection_close_on_error(part, "create") as new,
    ):
        # A stopped repair removes the file, so it needs no journal.
        new.execute("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF")
        new.execute("BEGIN IMMEDIATE")
        dictionaries = constants.dictionaries
        meta = StoreMeta(constants.embedder, float(constants.needed["step"]))
        create_tables_and_meta(
            new, path, meta, constants.known_words, dictionaries[TEXTS], dictionaries[CODES]
        )
        for key in ("mean", "rotation"):
            write_meta_value(new, key, constants.needed[key])
        yield new
        new.execute("COMMIT")
        new.execute("INSERT INTO words(words) VALUES('optimize')")
        new.close()


class _Salvager:
    """Copier of everything readable in a damaged store to the new one, with notes about losses."""

    def __init__(
        self,
        reader: TolerantReader,
        new: apsw.Connection,
        constants: StoreConstants,
        report: ProgressCallback,
    ) -> None:
        self._reader, self._new, self._constants = reader, new, constants
        self.evidence = EntryEvidence.make_empty(constants.highest)
        self.fixed = ["The word index, counts and chunks of bits were rebuilt from entries."]
        self.lost = list(constants.notes)
        self._report = report

    @property
    def copied_entry_count(self) -> int:
        """Number of entries copied completely, with texts and vector."""
        return int(self.evidence.kept.sum())

    def copy_all(self) -> None:
        """Copy texts, vectors, usage counts and the values of `meta` to the new store."""
        texts = TextRescuer(self._reader, self._new, self._constants, self.evidence)
        texts.copy_and_index_texts(self._make_meter("texts").report_units_done)
        clusters = self._copy_vectors_and_count_clusters()
        self._delete_and_note_lost_entries()
        self._copy_usage_counts()
        self._write_or_copy_meta_values(clusters)

    def _copy_vectors_and_count_clusters(self) -> int:
        """Copy all vectors and centroids; return the number of clusters."""
        meta, constants = read_meta(self._new), self._constants
        dimension = constants.dimension
        labels = LabelCopier(self._reader, self._new)
        vectors = VectorRescuer(
            self._reader,
            self._new,
            (
                Quantizer(dimension, meta.step, meta.mean, meta.rotation),
                RankingCodePacker(dimension, constants.dictionaries[CODES]),
            ),
            labels,
            constants.bulk,
            self.evidence,
        )
        clusters = constants.clusters
        if clusters is None:
            clusters = (
                self._reader.read_scalar_or_none("SELECT sum(length(v)) FROM centroid") or 0
            ) // (2 * dimension)
        centroids = CentroidRebuilder(self._reader, dimension, clusters)
        meter = self._make_meter("vectors")
        vectors.copy_intact_vectors(
            vectors.list_readable_chunk_numbers(), centroids, meter.report_units_done
        )
        vectors.copy_pending_into_clusters(centroids.combine_intact_and_computed_centroids())
        vectors.copy_with_derived_bits(
            centroids.combine_intact_and_computed_centroids(), meter.report_units_done
        )
        centroids.write_centroids(self._new)
        if vectors.derived:
            self.fixed.append(f"Bits of {vectors.derived:,} entries were derived from their codes.")
        if centroids.lost.any():
            self.fixed.append(
                f"Centroids of {int(centroids.lost.sum()):,} clusters were computed from entries."
            )
        if labels.lost_ids:
            names = _format_entry_count_and_first_ids(sorted(labels.lost_ids))
            self.lost.append(f"Domain, source, level and provenance of {names}.")
        return clusters

    def _make_meter(self, stage: str) -> ProgressMeter:
        return ProgressMeter(self._report, stage, self._constants.highest)

    def _delete_and_note_lost_entries(self) -> None:
        """Delete entries without a vector from the new store, and note what is lost.

        Each missing id whose text would be in a block gets a tombstone (a row in `tomb`).
        """
        constants, codec = self._constants, TextCodec(self._constants.dictionaries[TEXTS])
        halves = np.flatnonzero(self.evidence.text & ~self.evidence.kept).tolist()
        for start in range(0, len(halves), STEP):
            delete_existing_entries(self._new, codec, constants.bulk, halves[start : start + STEP])
        first = constants.first_block * BLOCK_ROWS + 1
        gone = np.flatnonzero(~self.evidence.kept[: constants.bulk + 1]).tolist()
        self._new.executemany(
            "INSERT OR IGNORE INTO tomb(id) VALUES(?)", ((id,) for id in gone if id >= first)
        )
        if lost := self.evidence.lost_ids.tolist():
            self.lost.append(
                f"{_format_entry_count_and_first_ids(lost)}, whose text or vector is damaged."
            )
        before = self._reader.read_meta_number("entries")
        unknown = (before or 0) - self.copied_entry_count - len(lost)
        if unknown > 0:
            self.lost.append(f"{unknown:,} more entries, which cannot be read at all.")

    def _copy_usage_counts(self) -> None:
        """Copy the readable usage counts of copied entries; note if some are lost."""
        for id, shown, helped in self._reader.iter_rows_until_damage(
            "SELECT id, shown, helped FROM tally"
        ):
            whole = isinstance(shown, int) and isinstance(helped, int)
            if whole and 0 < id < len(self.evidence.kept) and self.evidence.kept[id]:
                self._new.execute(
                    "INSERT OR IGNORE INTO tally VALUES(?, ?, ?)", (id, shown, helped)
                )
        if self._reader.stopped:
            self.lost.append("Some usage counts: how often entries were shown and helped.")

    def _write_or_copy_meta_values(self, clusters: int) -> None:
        """Write counts, state of maintenance, search parameters and spread to the new `meta`."""
        constants, new = self._constants, self._new
        tombs = new.execute("SELECT count(*) FROM tomb").get
        kept = {"entries": self.copied_entry_count, "last": constants.last, "bulk": constants.bulk}
        for key, value in {**kept, "clusters": clusters, "scrapped": tombs}.items():
            write_meta_value(new, key, value)
        for key in ("generation", "recompressed"):
            if (number := self._reader.read_meta_number(key)) is not None:
                write_meta_value(new, key, number)
        copy_search_params_or_defaults(self._reader, new, clusters, self.fixed)
        spread = self._reader.read_meta_value(SPREAD)
        if spread is not None:
            write_meta_value(new, SPREAD, spread)
        elif self._reader.read_scalar_or_none(
            "SELECT 1 FROM meta NOT INDEXED WHERE key = ?", (SPREAD,)
        ):
            self.fixed.append(f"{SPREAD!r} in meta was left out: it is measured again when used.")


def _format_entry_count_and_first_ids(ids: list[int]) -> str:
    """Return the number of entries with these ids and the first ids, as "2 entries (3, 7)"."""
    more = ", ..." if len(ids) > MAX_NAMED else ""
    count = format_count(len(ids), "entry", "entries")
    return f"{count} ({', '.join(map(str, ids[:MAX_NAMED]))}{more})"
