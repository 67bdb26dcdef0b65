"""Reads and writes the store's table `meta`: keys, values and checksums."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rm_local.arrays import Floats
from rm_local.store.format import VERSION, DamagedError, EmbedderId, compute_checksum

if TYPE_CHECKING:
    import apsw

Value = str | int | float | bytes

PARAM_KEYS = ("probes", "candidates")
"""Keys of the search parameters in `meta`, in the order of the fields of `SearchParams`."""
SPREAD = "spread"
"""Key in `meta` of the store's similarity scale (`UnrelatedSimilaritySpread`): the SHA-256 of the
probe sentences, a space, a JSON object. A store opens even if it is damaged: it can be measured
again."""


@dataclass(frozen=True)
class SearchParams:
    """Numbers of scanned clusters and ranked candidates in a search at breadth 1."""

    nprobe: int = 0
    """Number of clusters that a search at breadth 1 scans; 0 in a store without clusters."""
    candidates: int = 800
    """Number of rows found by sign bits and then ranked by their codes; 800 contain 99.7 % of the
    ten nearest."""

    def to_meta_values(self) -> dict[str, int]:
        """Return the search parameters by their keys in the table `meta`, PARAM_KEYS."""
        return dict(zip(PARAM_KEYS, (self.nprobe, self.candidates), strict=True))


def get_default_search_params(clusters: int) -> SearchParams:
    """Return the search parameters of a store with this number of clusters before calibration.

    175 clusters of about 500 rows, and 200 candidates, or 354 with 64,002 clusters: in a larger
    store more rows have nearly the same bits (docs/measurements/store.md). Without clusters all
    rows are scanned for 800 candidates.
    """
    candidates = max(200, round(56 * clusters ** (1 / 6)))
    return SearchParams(min(clusters, 175), candidates) if clusters else SearchParams()


@dataclass(frozen=True)
class StoreMeta:
    """Properties of a store from its table `meta`: embedder, quantization, search parameters."""

    embedder: EmbedderId
    step: float
    """Quantization step of the ranking codes: component per int8 unit."""
    mean: Floats | None = None
    """Vector (d,) subtracted before signs are taken, `Quantizer.mean`; None: zero."""
    rotation: Floats | None = None
    """Matrix (d, d) applied before signs are taken, `Quantizer.rotation`; None: identity."""
    bulk: int = 0
    """Highest id of an entry with its texts in a block; those of higher ids are in single rows."""
    search_params: SearchParams = SearchParams()
    sqlite_vec: str = ""
    """Version of sqlite-vec that created the store's file; ignored by `write_initial_meta`."""


def write_initial_meta(connection: apsw.Connection, meta: StoreMeta, known_words: bytes) -> None:
    """Fill the table `meta` of a new, empty store.

    `known_words` are the words known to the embedder, packed by `pack_words`.
    """
    # Values that each addition writes come first, so that they share one page.
    rows: dict[str, Value] = {
        "entries": 0,
        "last": 0,
        "version": VERSION,
        "embedder_id": meta.embedder.id,
        "embedder_dimension": meta.embedder.dimension,
        "embedder_sha256": meta.embedder.sha256,
        "step": meta.step,
        "mean": _encode_array(meta.mean),
        "rotation": _encode_array(meta.rotation),
        "bulk": meta.bulk,
        **meta.search_params.to_meta_values(),
        "known_words": known_words,
        "clusters": 0,
        "sqlite_vec": connection.execute("SELECT vec_version()").get,
    }
    for key, value in rows.items():
        write_meta_value(connection, key, value)


def write_meta_value(connection: apsw.Connection, key: str, value: Value) -> None:
    """Insert or replace the value of `key` in `meta`, with its checksum."""
    connection.execute(
        "INSERT INTO meta(key, value, crc) VALUES(?, ?, ?)"
        " ON CONFLICT(key) DO UPDATE SET value = excluded.value, crc = excluded.crc",
        (key, value, compute_checksum(key, value)),
    )


def read_meta_value(connection: apsw.Connection, key: str) -> Value:
    """Return the value of `key` in `meta`.

    Raises:
        DamagedError: The value is missing or damaged.
    """
    found = _verify_checksums_and_collect_rows(
        connection.execute("SELECT key, value, crc FROM meta WHERE key = ?", (key,))
    )
    if key not in found:
        raise DamagedError(f"meta: {key!r} is missing")
    return found[key]


def read_meta_number(connection: apsw.Connection, key: str) -> int:
    """Return the integer under `key` in `meta`.

    Raises:
        DamagedError: The value is missing or damaged.
    """
    return int(read_meta_value(connection, key))


def read_two_meta_numbers(connection: apsw.Connection, keys: tuple[str, str]) -> dict[str, int]:
    """Return two integers of `meta` by their keys, read in one query.

    Raises:
        DamagedError: A value is missing or damaged.
    """
    found = connection.execute("SELECT key, value, crc FROM meta WHERE key IN (?, ?)", keys)
    values = _verify_checksums_and_collect_rows(found)
    if len(values) < len(keys):
        raise DamagedError(f"meta: {keys[0]!r} or {keys[1]!r} is missing")
    return {key: int(values[key]) for key in keys}


def read_meta_number_or_zero(connection: apsw.Connection, key: str) -> int:
    """Return the integer under `key` in `meta`; 0 if the key is missing.

    Raises:
        DamagedError: The value is damaged.
    """
    if connection.execute("SELECT 1 FROM meta WHERE key = ?", (key,)).get is None:
        return 0
    return read_meta_number(connection, key)


def read_intact_meta_text_or_none(connection: apsw.Connection, key: str) -> str | None:
    """Return the text under `key` in `meta`; None if it is missing, damaged or not text."""
    try:
        value = read_meta_value(connection, key)
    except (DamagedError, UnicodeDecodeError):
        return None
    return value if isinstance(value, str) else None


def read_packed_known_words(connection: apsw.Connection) -> bytes:
    """Return the words known to the store's embedder, packed for `unpack_words`.

    Raises:
        DamagedError: The value is missing or damaged.
    """
    return bytes(read_meta_value(connection, "known_words"))  # type: ignore[arg-type]


def read_meta(connection: apsw.Connection) -> StoreMeta:
    """Read and check the values of `meta`, except `known_words` and SPREAD.

    Raises:
        DamagedError: A value is missing, damaged or impossible.
    """
    others = "SELECT key, value, crc FROM meta WHERE key NOT IN ('known_words', ?)"
    rows = _verify_checksums_and_collect_rows(connection.execute(others, (SPREAD,)))
    try:
        dimension = int(rows["embedder_dimension"])
        int(rows["entries"]), int(rows["last"]), int(rows["clusters"])
        return StoreMeta(
            EmbedderId(str(rows["embedder_id"]), dimension, str(rows["embedder_sha256"])),
            float(rows["step"]),
            _decode_array(rows["mean"], dimension),
            _decode_array(rows["rotation"], dimension, dimension),
            bulk=int(rows["bulk"]),
            search_params=SearchParams(*(int(rows[key]) for key in PARAM_KEYS)),
            sqlite_vec=str(rows["sqlite_vec"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedError(f"meta: {error!r}") from error


def _verify_checksums_and_collect_rows(found: Iterable[tuple[Any, ...]]) -> dict[str, Value]:
    """Return values by key, from rows of key, value and checksum.

    Raises:
        DamagedError: A checksum is wrong.
    """
    rows: dict[str, Value] = {}
    for key, value, crc in found:
        if compute_checksum(key, value) != crc:
            raise DamagedError(f"meta: {key!r} is damaged")
        rows[key] = value
    return rows


def _encode_array(array: Floats | None) -> bytes:
    """Return an array as little-endian float32; empty for None."""
    return b"" if array is None else np.asarray(array, dtype="<f4").tobytes()


def _decode_array(blob: Value, *shape: int) -> Floats | None:
    """Return the array of this shape from `_encode_array`; None if `blob` is empty."""
    if not isinstance(blob, bytes):
        raise TypeError("an array is not a blob")
    return np.frombuffer(blob, dtype="<f4").reshape(shape) if blob else None
