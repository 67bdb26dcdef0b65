"""Caches what the gate measures: vectors of the probe sentences, and spreads of stores.

Errors of the cache are ignored: measuring again costs about a second per run.
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
from rm_local.store import EmbedderId, StoreInfo, UnrelatedSimilaritySpread, is_store_writable


def read_cached_probe_vectors(embedder: EmbedderId) -> Floats | None:
    """Read the cached vectors of `PROBES` by this embedder, an array (n, d); None if not cached."""
    with suppress(OSError, HomeNotFoundError, ValueError, EOFError):
        vectors = np.load(_get_probe_cache_path(embedder), allow_pickle=False)
        if vectors.shape == (len(PROBES), embedder.dimension) and vectors.dtype == np.float32:
            return np.asarray(vectors)
    return None


def try_cache_probe_vectors(embedder: EmbedderId, vectors: Floats) -> None:
    """Cache the vectors of `PROBES` by this embedder, an array (n, d), if the cache is writable."""
    data = BytesIO()
    np.save(data, np.asarray(vectors, np.float32), allow_pickle=False)
    with suppress(OSError, HomeNotFoundError):
        _write_cache_file(_get_probe_cache_path(embedder), data.getvalue())


def read_cached_spread(store: StoreInfo) -> UnrelatedSimilaritySpread | None:
    """Read the cached spread of a store; None if there is none, or the store has changed since."""
    with suppress(OSError, HomeNotFoundError):
        found = UnrelatedSimilaritySpread.from_json(_get_spread_cache_path(store).read_bytes())
        return found if found and found.is_current(store.entries) else None
    return None


def try_cache_spread(store: StoreInfo, spread: UnrelatedSimilaritySpread) -> None:
    """Cache the spread of a store, if the cache is writable."""
    with suppress(OSError, HomeNotFoundError):
        _write_cache_file(_get_spread_cache_path(store), spread.as_json().encode())


def _get_probe_cache_path(embedder: EmbedderId) -> Path:
    """Return the path of the cached probe vectors, named by embedder and probe sentences."""
    return (
        paths.cache_dir()
        / "gate"
        / f"probes-{_hash_texts_for_file_name(embedder.sha256, PROBES_SHA256)}.npy"
    )


def _get_spread_cache_path(store: StoreInfo) -> Path:
    """Return the path of a cached spread, named by the store's file, embedder and probe sentences.

    A store that replaces another at the same path is another file, as after an upgrade.
    """
    path = store.path.resolve()
    file = path.stat()
    # A store that changes in place keeps its spread while its size hardly changes.
    state = () if is_store_writable(path) else (file.st_mtime_ns,)
    identity = map(str, (path, file.st_dev, file.st_ino, *state))
    name = _hash_texts_for_file_name(*identity, store.embedder.sha256, PROBES_SHA256)
    return paths.cache_dir() / "gate" / f"spread-{name}.json"


def _write_cache_file(path: Path, data: bytes) -> None:
    """Write `data` to `path` atomically, creating its folder if needed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes_atomically(path, data)


def _hash_texts_for_file_name(*texts: str) -> str:
    """Return 16 hexadecimal digits of a hash of the texts, for a file name."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]
