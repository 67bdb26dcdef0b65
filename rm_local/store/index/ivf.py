"""Finds candidates by their sign bits in all rows or in the nearest clusters (inverted file)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rm_local.arrays import Bytes, Floats, Ids
from rm_local.store.codec.quantize import compute_inner_products
from rm_local.store.format import DamagedError
from rm_local.store.request import EntryFilter
from rm_local.store.sqlite.reader_pool import ReaderPool
from rm_local.store.sqlite.tables import format_where_suffix_or_empty, get_filter_values

if TYPE_CHECKING:
    import apsw


MAX_CANDIDATES = 4096
"""Maximum number of candidates of a search: sqlite-vec returns no more rows for one partition."""

ID_BITS = 48
ID_MASK = (1 << ID_BITS) - 1

CLUSTERS_AT_ONCE = 32
"""Clusters read by one SQL statement: about 1 MB. Two readers take such pieces in turn."""

FAR = 0xFFFF
"""Hamming distance given to a row that is not to be found: larger than any real one."""

ALL_CODES = f"""SELECT group_concat(CAST(distance AS INTEGER) << {ID_BITS} | id) FROM code
    WHERE e MATCH vec_bit(:bits) AND k = :k"""

# All chunks in one row: with one row per chunk, two readers would wait for the GIL in turns.
CHUNKS = """SELECT CAST(group_concat(validity, '') AS BLOB), CAST(group_concat(rowids, '') AS BLOB),
    CAST(group_concat(vectors, '') AS BLOB){labels} FROM carray(?) AS asked
    CROSS JOIN code_chunks AS c ON c.partition00 = asked.value
    LEFT JOIN code_vector_chunks00 AS v ON v._rowid_ = chunk_id{joined}"""
WITHOUT_LABELS = CHUNKS.format(labels="", joined="")
WITH_LABELS = CHUNKS.format(
    labels=", CAST(group_concat(data, '') AS BLOB)",
    joined=" LEFT JOIN code_metadatachunks00 AS m ON m._rowid_ = chunk_id",
)

PENDING = f"""SELECT group_concat(CAST(distance AS INTEGER) << {ID_BITS} | id),
        CAST(group_concat(bits, '') AS BLOB) FROM (
        SELECT id, bits, (SELECT label FROM ref WHERE ref.id = fresh.id) AS label,
            vec_distance_hamming(vec_bit(bits), vec_bit(:bits)) AS distance
        FROM fresh)
    WHERE distance <= :limit"""


@dataclass(frozen=True)
class SignBitCandidates:
    """Candidates of a search: rows with sign bits near those of the query.

    They are sorted, nearest first, only in the result of `merge_nearest`.
    """

    keys: Ids
    """Hamming distance and id of each row, `distance << ID_BITS | id`: an array (n,)."""
    bits: Bytes
    """Sign bits of the candidate rows: an array (n, d / 8)."""

    @classmethod
    def merge_nearest(cls, parts: Sequence[SignBitCandidates], wanted: int) -> SignBitCandidates:
        """Return the `wanted` nearest rows of all parts, nearest first, equal distances by id."""
        keys = np.concatenate([part.keys for part in parts])
        best = (
            np.argpartition(keys, wanted)[:wanted] if wanted < len(keys) else np.arange(len(keys))
        )
        best = best[np.argsort(keys[best])]
        return cls(keys[best], np.concatenate([part.bits for part in parts])[best])

    def extract_ids(self) -> Ids:
        """Return the ids of the candidates, in the order of `keys`: an array (n,)."""
        return self.keys & ID_MASK

    def rank_ids(self, rotated: Floats) -> Ids:
        """Return the ids, sorted by descending inner product of the rows' bits with `rotated`.

        `rotated` is the query vector, centered and rotated as the rows were before their signs were
        taken. This asymmetric distance ranks as well as comparing signs only on several times as
        many rows (RaBitQ, Gao and Long 2024).
        """
        signs = np.unpackbits(self.bits, axis=1, bitorder="little").astype(np.float32)
        return self.extract_ids()[
            np.argsort(-compute_inner_products(signs, rotated), kind="stable")
        ]


def select_clusters(similarity: Floats, nprobe: int, slack: float) -> Ids:
    """Return the numbers of at most `nprobe` clusters to scan for a query, nearest first.

    `similarity` is an array of the query's cosine with each centroid. Clusters with a Euclidean
    distance above 1 + `slack` times the smallest are dropped: an easy query needs fewer clusters
    (SPANN, Chen et al. 2021, section 3.3).
    """
    nprobe = min(nprobe, len(similarity))
    best = np.argpartition(-similarity, nprobe - 1)[:nprobe]
    best = best[np.argsort(-similarity[best], kind="stable")]
    distance = np.sqrt(np.maximum(2 - 2 * similarity[best], 0))
    return np.asarray(best[distance <= (1 + slack) * distance[0]], dtype=np.int64)


def scan_all_sign_bits(
    connection: apsw.Connection, bits: bytes, wanted: int, filter: EntryFilter
) -> Ids:
    """Return the ids of the `wanted` rows nearest by sign bits, nearest first: an array (n,).

    For a store without clusters: all rows that pass the filter are compared, pending ones included.
    """
    values = {"bits": bits, "k": min(wanted, MAX_CANDIDATES), **get_filter_values(filter)}
    keys = _parse_numbers(
        connection.execute(ALL_CODES + format_where_suffix_or_empty(filter), values).get
    )
    pending = scan_pending_within_distance(connection, bits, 8 * len(bits), filter).keys
    return np.sort(np.concatenate([keys, pending]))[:wanted] & ID_MASK


def scan_pending_within_distance(
    connection: apsw.Connection, bits: bytes, limit: int, filter: EntryFilter
) -> SignBitCandidates:
    """Find pending entries that pass the filter, within the Hamming distance `limit` of `bits`.

    Pending entries are those not yet assigned to a cluster.

    Raises:
        DamagedError: The sign bits of an entry have the wrong length.
    """
    values = {"bits": bits, "limit": limit, **get_filter_values(filter)}
    found: Any = connection.execute(
        PENDING + format_where_suffix_or_empty(filter), values
    ).fetchall()[0]
    stored = np.frombuffer(found[1] or b"", np.uint8).reshape(-1, len(bits))
    keys = _parse_numbers(found[0])
    if len(keys) != len(stored):
        raise DamagedError("bits of pending entries have the wrong length")
    return SignBitCandidates(keys, stored)


def _parse_numbers(listed: str | None) -> Ids:
    """Return integers that SQL's group_concat has joined with commas: an array (n,)."""
    return np.fromstring(listed or "", np.int64, sep=",")


def scan_clusters(
    readers: ReaderPool, bits: bytes, wanted: int, clusters: Ids, labels: Ids | None = None
) -> SignBitCandidates:
    """Find the `wanted` rows of `clusters` nearest to the query's sign bits `bits`, nearest first.

    Only rows with one of the label numbers `labels` are included; None allows all.

    Raises:
        DamagedError: A chunk cannot be read.
    """
    pieces = np.array_split(np.sort(clusters), -(-len(clusters) // CLUSTERS_AT_ONCE))
    read = partial(_read_chunk_columns, statement=WITHOUT_LABELS if labels is None else WITH_LABELS)
    nearest = partial(_find_nearest_with_ties_in_chunks, bits=bits, wanted=wanted, labels=labels)
    # On two threads, each of numpy's short calls would wait for the GIL.
    return SignBitCandidates.merge_nearest(readers.map_pieces(read, pieces, nearest), wanted)


def _read_chunk_columns(
    connection: apsw.Connection, clusters: Ids, *, statement: str
) -> list[bytes]:
    """Return the columns of the chunks of all `clusters`, each column joined to one blob.

    `statement` selects them: validity, ids and sign bits, and label numbers if it says so.
    """
    import apsw

    found: Any = connection.execute(statement, (apsw.carray(clusters),)).fetchall()
    return [each or b"" for each in found[0]]


def _find_nearest_with_ties_in_chunks(
    columns: list[bytes], *, bits: bytes, wanted: int, labels: Ids | None
) -> SignBitCandidates:
    """Find the `wanted` rows of chunks nearest to the sign bits `bits`, unordered.

    There can be more: all rows as far as the last one are included. `columns` come from
    `_read_chunk_columns`; only rows with one of the label numbers `labels` count (None: all).
    """
    validity, ids, vectors, *label_columns = columns
    rows = 8 * len(validity)
    if (len(ids), len(vectors)) != (8 * rows, len(bits) * rows):
        raise DamagedError("chunks of bits have inconsistent lengths")
    asked = np.unpackbits(np.frombuffer(validity, np.uint8), bitorder="little").view(np.bool_)
    if labels is not None:
        if len(label_columns[0]) != 8 * rows:
            raise DamagedError("chunks of labels have inconsistent lengths")
        asked &= np.isin(np.frombuffer(label_columns[0], "<i8"), labels)
    distances = _compute_hamming_distances(vectors, bits)
    distances[~asked] = FAR
    last = np.partition(distances, wanted - 1)[wanted - 1] if wanted < rows else FAR
    best = np.flatnonzero(distances <= min(last, FAR - 1))
    keys = distances[best].astype(np.int64) << ID_BITS | np.frombuffer(ids, "<i8")[best]
    return SignBitCandidates(keys, np.frombuffer(vectors, np.uint8).reshape(rows, len(bits))[best])


def _compute_hamming_distances(vectors: bytes, bits: bytes) -> NDArray[np.uint16]:
    """Return the Hamming distance of `bits` to each of n joined vectors of bits: an array (n,)."""
    word = np.uint8 if len(bits) % 8 else np.uint64
    asked = np.frombuffer(bits, word)
    columns = np.frombuffer(vectors, word).reshape(-1, len(asked)).T
    distances = np.zeros(columns.shape[1], np.uint16)
    for column, each in zip(columns, asked, strict=True):
        distances += np.bitwise_count(column ^ each)
    return distances
