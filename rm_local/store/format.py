"""The store's file format: names, numbers and tables. The reasons are in docs/design/format.md."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path

APPLICATION_ID = 0x524D5331
"""The application id of a store in the SQLite header, `RMS1`; other SQLite files have another."""

VERSION = 3
"""Version of the format, in user_version of the SQLite header and in `meta`."""

PAGE_SIZE = 4096
CHUNK_SIZE = 160
"""Rows of a chunk (sqlite-vec's unit of storage). A chunk belongs to one cluster and is allocated
whole. The sign bits of 160 rows fill two pages, the ids of three chunks one page."""

BLOCK_ROWS = 16
"""Entries of a text block, whose texts are compressed together as one zstandard frame. Entry `id`
is row (id - 1) % 16 of block (id - 1) // 16."""

NO_CLUSTER = -1
"""Cluster number of a pending entry: one in the table `fresh`, not yet assigned to a cluster."""

SCHEMA = """
CREATE TABLE meta(key TEXT PRIMARY KEY NOT NULL, value, crc INTEGER NOT NULL);
CREATE TABLE centroid(blk INTEGER PRIMARY KEY, v BLOB NOT NULL, crc INTEGER NOT NULL);
CREATE TABLE zdict(id INTEGER PRIMARY KEY, d BLOB NOT NULL, crc INTEGER NOT NULL);
CREATE TABLE label(id INTEGER PRIMARY KEY, domain TEXT NOT NULL, source TEXT NOT NULL,
    level TEXT NOT NULL, provenance TEXT NOT NULL, crc INTEGER NOT NULL,
    UNIQUE(domain, source, level, provenance));
CREATE VIRTUAL TABLE code USING vec0(id INTEGER PRIMARY KEY, cid INTEGER PARTITION KEY,
    label INTEGER, e bit[{dimension}], chunk_size={chunk_size});
CREATE INDEX code_part ON code_chunks(partition00);
CREATE TABLE ref(id INTEGER PRIMARY KEY, label INTEGER NOT NULL, crc INTEGER NOT NULL,
    v BLOB NOT NULL);
CREATE TABLE block(blk INTEGER PRIMARY KEY, z BLOB NOT NULL);
CREATE TABLE text(id INTEGER PRIMARY KEY, z BLOB NOT NULL);
CREATE TABLE fresh(id INTEGER PRIMARY KEY, bits BLOB NOT NULL, rare TEXT NOT NULL);
CREATE TABLE tomb(id INTEGER PRIMARY KEY);
CREATE TABLE tally(id INTEGER PRIMARY KEY, shown INTEGER NOT NULL, helped INTEGER NOT NULL);
CREATE VIRTUAL TABLE words USING fts5(rare, content='', contentless_delete=1, detail=none,
    tokenize='unicode61 remove_diacritics 2');
PRAGMA application_id={application_id};
PRAGMA user_version={version};
"""


class DamagedError(Exception):
    """The bytes of a store are damaged. Callers of `Store` get CorruptStoreError instead."""


def compute_checksum(*values: str | int | float | bytes | None) -> int:
    """Return a CRC-32 of a table row's values that depends on their order, types and lengths."""
    found = 0
    for value in values:
        data = value if isinstance(value, bytes) else repr(value).encode("utf-8", "replace")
        found = zlib.crc32(data, zlib.crc32(f"{type(value).__name__}{len(data)}:".encode(), found))
    return found


@dataclass(frozen=True, slots=True)
class EmbedderId:
    """Identity of an embedder: name, dimension of its vectors, hash of its weights.

    A store records that of its vectors, because vectors of two embedders cannot be compared.
    """

    id: str
    dimension: int
    sha256: str
    """SHA-256 of the embedder's published weights file."""

    def __str__(self) -> str:
        return f"{self.id} ({self.dimension} dimensions, sha256 {self.sha256[:12]})"


@dataclass(frozen=True, slots=True)
class StoreInfo:
    """Facts about an open store for users: path, embedder, numbers of entries and clusters."""

    path: Path
    version: int
    embedder: EmbedderId
    entries: int
    domains: tuple[str, ...]
    """Distinct domains that entries have or had, in alphabetical order, without the empty one."""
    size: int
    """Size of the store's file in bytes."""
    clusters: int
    """Number of clusters; 0 in a store that is small or not yet clustered."""
    probes: int
    """Maximum number of clusters scanned by a search at breadth 1."""
    candidates: int
    """Number of entries ranked by their codes in a search at breadth 1."""
    sqlite_vec: str
    """Version of sqlite-vec that created the store's file."""
    writable: bool
    """Whether the store is open for writing."""


def format_schema(dimension: int) -> str:
    """Return the SQL that creates the tables of a store for vectors of `dimension` components."""
    return SCHEMA.format(
        dimension=dimension,
        chunk_size=CHUNK_SIZE,
        application_id=APPLICATION_ID,
        version=VERSION,
    )
