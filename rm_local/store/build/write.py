"""Writes the groups of rows of a bulk build into the store's tables, each in one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rm_local.progress import ProgressMeter
from rm_local.store.build.assign import SourceStripe
from rm_local.store.build.pack import ClusterGroupPacker, PackedClusterGroup
from rm_local.store.build.process_pool import TaskPool
from rm_local.store.build.spec import BuildSpec
from rm_local.store.build.train import TrainedParams
from rm_local.store.codec.text_blocks import TextCodec
from rm_local.store.format import BLOCK_ROWS, DamagedError
from rm_local.store.index.centroids import write_centroids_and_cluster_count
from rm_local.store.sqlite import connection as sqlite, tables
from rm_local.store.sqlite.meta import StoreMeta, get_default_search_params, write_meta_value
from rm_local.store.sqlite.vec0 import append_chunks, create_tables_and_meta

if TYPE_CHECKING:
    import apsw

CACHE_KIB = 262_144
"""Size of SQLite's page cache in KiB while a bulk build writes."""


def move_spilled_rows_into_store(
    part: Path,
    stripes: list[SourceStripe],
    groups: int,
    trained: TrainedParams,
    spec: BuildSpec,
    known_words: frozenset[str],
    pool: TaskPool,
    meter: ProgressMeter,
) -> None:
    """Write all groups of clusters that are missing in the store file `part`; create the file.

    The spilled rows of a written group are removed. A resumed build continues after the last one.
    """
    spills = [stripe.open_spill(groups) for stripe in stripes]
    labels = sorted({label for spill in spills for label in spill.labels})
    numbered = {label: number for number, label in enumerate(labels, 1)}
    counts = sum(spill.counts for spill in spills).tolist()  # type: ignore[union-attr]
    packer = ClusterGroupPacker(
        stripes,
        groups,
        numbered,
        trained.dictionary,
        trained.code_dictionary,
        known_words,
        spec.level,
    )
    with sqlite.open_connection_close_on_error(part, "create") as connection:
        connection.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
        if not connection.execute("SELECT count(*) FROM sqlite_master").get:
            with tables.write_transaction(connection):
                _create_empty_store(connection, part, trained, spec, known_words)
                _write_labels(connection, numbered)
        done = connection.execute("SELECT value FROM meta WHERE key = 'groups'").get
        first = groups if done is None else int(done)
        firsts = [spec.first + sum(counts[:group]) for group in range(groups)]
        tasks = [(group, firsts[group]) for group in range(first, groups)]
        writer = ClusterGroupWriter(connection, trained.dictionary, spec.level)
        meter.report_units_done(tables.count_entries(connection))
        for group, packed in zip(
            range(first, groups), pool.map_ahead(packer.pack_group, tasks), strict=True
        ):
            with tables.write_transaction(connection):
                if packed:
                    writer.write_group(packed)
                write_meta_value(connection, "groups", group + 1)
            if packed:
                check_written_group(part, packed)
            for spill in spills:
                spill.remove_group(group)
            meter.report_units_done(tables.count_entries(connection))
    connection.close()


def check_written_group(part: Path, group: PackedClusterGroup) -> None:
    """Check through another connection that the rows of `group` are complete in the file `part`.

    Compares numbers of rows, sums of lengths, and 16 bits of the checksums.

    Raises:
        DamagedError: Rows are missing or incomplete.
    """
    last = group.first + group.rows - 1
    blocks = (-(-(group.first - 1) // BLOCK_ROWS), (last - 1) // BLOCK_ROWS)
    with sqlite.open_connection_close_on_error(part, "read") as connection:
        refs = connection.execute(
            "SELECT count(*), sum(crc & 65535), sum(length(v)) FROM ref WHERE id BETWEEN ? AND ?",
            (group.first, last),
        ).fetchone()
        texts = connection.execute(
            "SELECT count(*), coalesce(sum(length(z)), 0) FROM block WHERE blk BETWEEN ? AND ?",
            blocks,
        ).fetchone()
    connection.close()
    if refs != (group.rows, sum(crc & 65535 for crc in group.crcs), sum(map(len, group.codes))):
        raise DamagedError(
            f"the codes of entries {group.first} to {last} were not written completely"
        )
    if texts != (len(group.blocks), sum(map(len, group.blocks))):
        raise DamagedError(
            f"the texts of entries {group.first} to {last} were not written completely"
        )


def _create_empty_store(
    connection: apsw.Connection,
    part: Path,
    trained: TrainedParams,
    spec: BuildSpec,
    known_words: frozenset[str],
) -> None:
    """Create tables, `meta`, dictionaries and centroids of a store without entries.

    `groups` in `meta` counts the groups written later; the end of the build removes it.
    """
    params = get_default_search_params(len(trained.clusters.centroids))
    meta = StoreMeta(
        spec.embedder, trained.step, trained.mean, trained.rotation, search_params=params
    )
    create_tables_and_meta(
        connection, part, meta, known_words, trained.dictionary, trained.code_dictionary
    )
    write_centroids_and_cluster_count(connection, trained.clusters)
    write_meta_value(connection, "groups", 0)


def _write_labels(connection: apsw.Connection, numbered: dict[tables.EntryMetadata, int]) -> None:
    for label, number in numbered.items():
        tables.insert_label(connection, number, label)


class ClusterGroupWriter:
    """Writer of packed groups of rows into a store's tables, in the caller's transaction."""

    def __init__(self, connection: apsw.Connection, dictionary: bytes, level: int) -> None:
        self._connection = connection
        self._codec = TextCodec(dictionary, level)

    def write_group(self, group: PackedClusterGroup) -> None:
        """Insert the rows of a group into all tables, and update the counts in `meta`."""
        append_chunks(self._connection, group.chunks)
        self._connection.executemany(
            "INSERT INTO ref(id, label, crc, v) VALUES(?, ?, ?, ?)", _iter_ref_table_rows(group)
        )
        self._complete_last_block_and_write_texts(group)
        self._connection.executemany("INSERT INTO words(rowid, rare) VALUES(?, ?)", group.words)
        tables.adjust_entry_count(self._connection, group.rows)
        for key in ("last", "bulk"):
            write_meta_value(self._connection, key, group.first + group.rows - 1)

    def _complete_last_block_and_write_texts(self, group: PackedClusterGroup) -> None:
        """Write the group's texts; first complete the last text block of the previous group."""
        number, open_rows = divmod(group.first - 1, BLOCK_ROWS)
        if open_rows:
            (frame,) = tables.read_text_frames(self._connection, "block", [number]).values()
            texts = self._codec.unpack_rows(frame, BLOCK_ROWS) + group.head
            self._connection.execute(
                "UPDATE block SET z = ? WHERE blk = ?", (self._codec.pack_rows(texts), number)
            )
            number += 1
        self._connection.executemany(
            "INSERT INTO block(blk, z) VALUES(?, ?)", enumerate(group.blocks, number)
        )


def _iter_ref_table_rows(group: PackedClusterGroup) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of the table `ref`: id, label number, checksum and ranking code."""
    ids = range(group.first, group.first + group.rows)
    return zip(ids, group.labels, group.crcs, group.codes, strict=True)
