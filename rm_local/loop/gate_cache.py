"""Caches the gate's measurements: vectors of the probe sentences, and spreads of stores.

These can be measured again: an unreadable or unwritable cache costs only a second per run.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import numpy as np

from rm_local import paths
from rm_local.arrays import Floats
from rm_local.embed import PROBES, PROBES_SHA256
from rm_local.errors import HomeNotFoundError
from rm_local.files import write_bytes_atomically
from rm_local.store import EmbedderId, StoreInfo, StoreSpread


def read_probe_vectors(embedder: EmbedderId) -> Floats | None:
    """Read the vectors of `PROBES` by this embedder, an array (n, d); None if not cached."""
    with suppress(OSError, HomeNotFoundError, ValueError, EOFError):
        vectors = np.load(_probe_file(embedder), allow_pickle=False)
        if vectors.shape == (len(PROBES), embedder.dimension) and vectors.dtype == np.float32:
            return np.asarray(vectors)
    return None


def write_probe_vectors(embedder: EmbedderId, vectors: Floats) -> None:
    """Cache `vectors`, the array (n, d) of the vectors of `PROBES`, if the cache is writable."""
    data = BytesIO()
    np.save(data, np.asarray(vectors, np.float32), allow_pickle=False)
    with suppress(OSError, HomeNotFoundError):
        _write_file(_probe_file(embedder), data.getvalue())


def read_spread(store: StoreInfo) -> StoreSpread | None:
    """Read the cached spread of this store; None without one, or if entries have changed since."""
    with suppress(OSError, HomeNotFoundError):
        found = StoreSpread.from_json(_spread_file(store).read_bytes())
        return found if found and found.is_current(store.entries) else None
    return None


def write_spread(store: StoreInfo, spread: StoreSpread) -> None:
    """Cache the spread of this store, if the cache is writable."""
    with suppress(OSError, HomeNotFoundError):
        _write_file(_spread_file(store), spread.as_json().encode())


def _probe_file(embedder: EmbedderId) -> Path:
    return (
        paths.cache_dir() / "gate" / f"probes-{_hash_file_key(embedder.sha256, PROBES_SHA256)}.npy"
    )


def _spread_file(store: StoreInfo) -> Path:
    """Return the cache file of a spread, named by store path, embedder and probe sentences."""
    name = _hash_file_key(str(store.path.resolve()), store.embedder.sha256, PROBES_SHA256)
    return paths.cache_dir() / "gate" / f"spread-{name}.json"


def _write_file(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes_atomically(path, data)


def _hash_file_key(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]
