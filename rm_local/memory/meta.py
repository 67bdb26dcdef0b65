"""The store's `meta` table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rm_local.memory.codes import Floats
from rm_local.memory.format import VERSION, DamagedError, EmbedderId, checksum

if TYPE_CHECKING:
    import apsw

Value = str | int | float | bytes

CANDIDATES = 800
"""Holds 99.7 % of the true ten nearest (STORE 2.1)."""


@dataclass(frozen=True)
class Meta:
    """What a store fixes when it is made."""

    embedder: EmbedderId
    step: float
    """Of the ranking codes."""
    mean: Floats | None = None
    """(d,); None = zero."""
    rotation: Floats | None = None
    """(d, d); None = identity."""
    bulk: int = 0
    """Rows written by a bulk build: entries 1 to `bulk` have their texts in blocks."""
    probes: int = 0
    """Clusters that a search asks at its default effort; 0 = the store has no clusters."""
    candidates: int = CANDIDATES
    """Rows that the bits pass on to the ranking at the default effort."""
    limit: int = 0
    """Bits by which a candidate may differ from a query, as a first guess that saves time; 0 = as
    many as there are."""
    sqlite_vec: str = ""
    """Version of sqlite-vec that made the file; what is written is the one that is loaded."""


def write_meta(connection: apsw.Connection, meta: Meta, known_words: bytes) -> None:
    """Fill the `meta` table of a new store; `known_words` is read when the first text is."""
    rows: dict[str, Value] = {
        "version": VERSION,
        "embedder_id": meta.embedder.id,
        "embedder_dimension": meta.embedder.dimension,
        "embedder_sha256": meta.embedder.sha256,
        "step": meta.step,
        "mean": _blob(meta.mean),
        "rotation": _blob(meta.rotation),
        "bulk": meta.bulk,
        "probes": meta.probes,
        "candidates": meta.candidates,
        "limit": meta.limit,
        "known_words": known_words,
        "entries": 0,
        "last": 0,
        "clusters": 0,
        "sqlite_vec": connection.execute("SELECT vec_version()").get,
    }
    for key, value in rows.items():
        put(connection, key, value)


def put(connection: apsw.Connection, key: str, value: Value) -> None:
    """Write one value, with its checksum, in the running transaction."""
    connection.execute(
        "INSERT OR REPLACE INTO meta(key, value, crc) VALUES(?, ?, ?)",
        (key, value, checksum(key, value)),
    )


def read(connection: apsw.Connection, key: str) -> Value:
    """One value. DamagedError: it is not there, or not as it was written."""
    found = _checked(connection.execute("SELECT key, value, crc FROM meta WHERE key = ?", (key,)))
    if key not in found:
        raise DamagedError(f"meta: there is no {key!r}")
    return found[key]


def number(connection: apsw.Connection, key: str) -> int:
    """A whole number. Raises as `read`."""
    return int(read(connection, key))


def known_words(connection: apsw.Connection) -> bytes:
    """The packed words that the store's embedder knows. Raises as `read`."""
    return bytes(read(connection, "known_words"))  # type: ignore[arg-type]


def read_meta(connection: apsw.Connection) -> Meta:
    """What the `meta` table holds. DamagedError: a value is missing, damaged or impossible."""
    rows = _checked(
        connection.execute("SELECT key, value, crc FROM meta WHERE key <> 'known_words'")
    )
    try:
        dimension = int(rows["embedder_dimension"])
        int(rows["entries"]), int(rows["last"]), int(rows["clusters"])
        return Meta(
            EmbedderId(str(rows["embedder_id"]), dimension, str(rows["embedder_sha256"])),
            float(rows["step"]),
            _array(rows["mean"], dimension),
            _array(rows["rotation"], dimension, dimension),
            bulk=int(rows["bulk"]),
            probes=int(rows["probes"]),
            candidates=int(rows["candidates"]),
            limit=int(rows["limit"]),
            sqlite_vec=str(rows["sqlite_vec"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedError(f"meta: {error!r}") from error


def _checked(found: Iterable[tuple[Any, ...]]) -> dict[str, Value]:
    rows: dict[str, Value] = {}
    for key, value, crc in found:
        if checksum(key, value) != crc:
            raise DamagedError(f"meta: {key!r} is not as it was written")
        rows[key] = value
    return rows


def _blob(array: Floats | None) -> bytes:
    return b"" if array is None else np.asarray(array, dtype="<f4").tobytes()


def _array(blob: Value, *shape: int) -> Floats | None:
    if not isinstance(blob, bytes):
        raise TypeError("an array is no blob")
    return np.frombuffer(blob, dtype="<f4").reshape(shape) if blob else None
