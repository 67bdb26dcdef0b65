"""The store's `meta` table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rm_local.memory.codes import Floats
from rm_local.memory.format import VERSION, DamagedError, EmbedderId

if TYPE_CHECKING:
    import apsw

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
    sqlite_vec: str = ""
    """Version of sqlite-vec that made the file; what is written is the one that is loaded."""


def write_meta(connection: apsw.Connection, meta: Meta, known_words: bytes) -> None:
    """Fill the `meta` table of a new store; `known_words` is read when the first text is."""
    rows: dict[str, str | int | float | bytes] = {
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
        "known_words": known_words,
        "entries": 0,
        "last": 0,
        "sqlite_vec": connection.execute("SELECT vec_version()").get,
    }
    connection.executemany("INSERT INTO meta(key, value) VALUES(?, ?)", rows.items())


def read_meta(connection: apsw.Connection) -> Meta:
    """What the `meta` table holds. DamagedError: a key is missing or has an impossible value."""
    rows = {
        row[0]: row[1]
        for row in connection.execute("SELECT key, value FROM meta WHERE key <> 'known_words'")
    }
    try:
        dimension = int(rows["embedder_dimension"])
        int(rows["entries"]), int(rows["last"])
        return Meta(
            EmbedderId(str(rows["embedder_id"]), dimension, str(rows["embedder_sha256"])),
            float(rows["step"]),
            _array(rows["mean"], (dimension,)),
            _array(rows["rotation"], (dimension, dimension)),
            bulk=int(rows["bulk"]),
            probes=int(rows["probes"]),
            candidates=int(rows["candidates"]),
            sqlite_vec=str(rows["sqlite_vec"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedError(f"meta: {error!r}") from error


def _blob(array: Floats | None) -> bytes:
    return b"" if array is None else np.asarray(array, dtype="<f4").tobytes()


def _array(blob: bytes, shape: tuple[int, ...]) -> Floats | None:
    return np.frombuffer(blob, dtype="<f4").reshape(shape) if blob else None
