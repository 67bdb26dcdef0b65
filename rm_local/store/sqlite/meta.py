"""Reads and writes the store's `meta` table."""

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
"""Keys of the search parameters, in the order of the fields of `SearchParams`."""
SPREAD = "spread"
"""Key of the store's spread. The value is the SHA-256 of the probe sentences, a space, a JSON
object. A damaged value is ignored at opening, because the spread can be measured again."""


@dataclass(frozen=True)
class SearchParams:
    """Numbers of scanned clusters and ranked candidates of a search at breadth 1."""

    nprobe: int = 0
    """Number of scanned clusters; 0 in a store without clusters."""
    candidates: int = 800
    """Number of rows found by sign bits for ranking; 800 contain 99.7 % of the ten nearest."""

    def to_meta_values(self) -> dict[str, int]:
        """Return the values for `meta` by key, in the order of PARAM_KEYS."""
        return dict(zip(PARAM_KEYS, (self.nprobe, self.candidates), strict=True))


def get_default_search_params(clusters: int) -> SearchParams:
    """Return the search parameters of a store without calibration.

    175 clusters of about 500 rows, and 200 candidates, or 354 with 64,002 clusters: in a larger
    store more rows have nearly the same bits (docs/measurements/store.md).
    """
    candidates = max(200, round(56 * clusters ** (1 / 6)))
    return SearchParams(min(clusters, 175), candidates) if clusters else SearchParams()


@dataclass(frozen=True)
class Meta:
    """Properties of a store from its table `meta`."""

    embedder: EmbedderId
    step: float
    """Step of the ranking codes."""
    mean: Floats | None = None
    """The vector `Quantizer.mean`; None = zero."""
    rotation: Floats | None = None
    """The matrix `Quantizer.rotation`; None = identity."""
    bulk: int = 0
    """The last id with texts in blocks: entries 1 to `bulk`."""
    search_params: SearchParams = SearchParams()
    sqlite_vec: str = ""
    """Version of sqlite-vec at the creation; `write_meta` stores the loaded one."""


def write_meta(connection: apsw.Connection, meta: Meta, known_words: bytes) -> None:
    """Fill the `meta` table of a new store. `known_words` are the embedder's words, packed."""
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
    """Write a value and its checksum in the current transaction."""
    connection.execute(
        "INSERT INTO meta(key, value, crc) VALUES(?, ?, ?)"
        " ON CONFLICT(key) DO UPDATE SET value = excluded.value, crc = excluded.crc",
        (key, value, compute_checksum(key, value)),
    )


def read_meta_value(connection: apsw.Connection, key: str) -> Value:
    """Read the value of a key.

    Raises:
        DamagedError: The value is missing or damaged.
    """
    found = _check_and_collect_rows(
        connection.execute("SELECT key, value, crc FROM meta WHERE key = ?", (key,))
    )
    if key not in found:
        raise DamagedError(f"meta: {key!r} is missing")
    return found[key]


def read_number(connection: apsw.Connection, key: str) -> int:
    """Read an integer.

    Raises:
        DamagedError: The value is missing or damaged.
    """
    return int(read_meta_value(connection, key))


def read_numbers(connection: apsw.Connection, keys: tuple[str, str]) -> dict[str, int]:
    """Read two integers in one query, by key.

    Raises:
        DamagedError: A value is missing or damaged.
    """
    found = connection.execute("SELECT key, value, crc FROM meta WHERE key IN (?, ?)", keys)
    values = _check_and_collect_rows(found)
    if len(values) < len(keys):
        raise DamagedError(f"meta: {keys[0]!r} or {keys[1]!r} is missing")
    return {key: int(values[key]) for key in keys}


def read_number_or_zero(connection: apsw.Connection, key: str) -> int:
    """Read an integer; 0 if there is none.

    Raises:
        DamagedError: The value is damaged.
    """
    if connection.execute("SELECT 1 FROM meta WHERE key = ?", (key,)).get is None:
        return 0
    return read_number(connection, key)


def read_text_or_none(connection: apsw.Connection, key: str) -> str | None:
    """Read an optional text; None if it is missing or damaged."""
    try:
        value = read_meta_value(connection, key)
    except (DamagedError, UnicodeDecodeError):
        return None
    return value if isinstance(value, str) else None


def read_known_words(connection: apsw.Connection) -> bytes:
    """Read the packed words known to the store's embedder.

    Raises:
        DamagedError: The value is missing or damaged.
    """
    return bytes(read_meta_value(connection, "known_words"))  # type: ignore[arg-type]


def read_meta(connection: apsw.Connection) -> Meta:
    """Read the `meta` table, except `known_words` and SPREAD.

    Raises:
        DamagedError: A value is missing, damaged or impossible.
    """
    others = "SELECT key, value, crc FROM meta WHERE key NOT IN ('known_words', ?)"
    rows = _check_and_collect_rows(connection.execute(others, (SPREAD,)))
    try:
        dimension = int(rows["embedder_dimension"])
        int(rows["entries"]), int(rows["last"]), int(rows["clusters"])
        return Meta(
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


def _check_and_collect_rows(found: Iterable[tuple[Any, ...]]) -> dict[str, Value]:
    rows: dict[str, Value] = {}
    for key, value, crc in found:
        if compute_checksum(key, value) != crc:
            raise DamagedError(f"meta: {key!r} is damaged")
        rows[key] = value
    return rows


def _encode_array(array: Floats | None) -> bytes:
    return b"" if array is None else np.asarray(array, dtype="<f4").tobytes()


def _decode_array(blob: Value, *shape: int) -> Floats | None:
    if not isinstance(blob, bytes):
        raise TypeError("an array is not a blob")
    return np.frombuffer(blob, dtype="<f4").reshape(shape) if blob else None
