"""What the gate has measured, kept in the cache: vectors of the probe sentences, spreads of stores.

Both can be measured again, so that a cache that cannot be read or written costs a second a run and
nothing else.
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
from rm_local.errors import HomeMissing
from rm_local.files import write_bytes_atomically
from rm_local.store import EmbedderId, StoreInfo, StoreSpread


def read_probe_vectors(embedder: EmbedderId) -> Floats | None:
    """The vectors of `PROBES`, (n, d), by this embedder; None when they are not kept."""
    with suppress(OSError, HomeMissing, ValueError, EOFError):
        vectors = np.load(_probe_file(embedder), allow_pickle=False)
        if vectors.shape == (len(PROBES), embedder.dimension) and vectors.dtype == np.float32:
            return np.asarray(vectors)
    return None


def write_probe_vectors(embedder: EmbedderId, vectors: Floats) -> None:
    """Keep the vectors of `PROBES`, (n, d), if that is possible."""
    data = BytesIO()
    np.save(data, np.asarray(vectors, np.float32), allow_pickle=False)
    with suppress(OSError, HomeMissing):
        _write(_probe_file(embedder), data.getvalue())


def read_spread(store: StoreInfo) -> StoreSpread | None:
    """The spread of this store; None when it is not kept, or is of other entries by now."""
    with suppress(OSError, HomeMissing):
        found = StoreSpread.from_json(_spread_file(store).read_bytes())
        return found if found and found.is_current(store.entries) else None
    return None


def write_spread(store: StoreInfo, spread: StoreSpread) -> None:
    """Keep the spread of this store, if that is possible."""
    with suppress(OSError, HomeMissing):
        _write(_spread_file(store), spread.as_json().encode())


def _probe_file(embedder: EmbedderId) -> Path:
    return paths.cache_dir() / "gate" / f"probes-{_digest(embedder.sha256, PROBES_SHA256)}.npy"


def _spread_file(store: StoreInfo) -> Path:
    """Named for the store's place, its embedder and the sentences."""
    name = _digest(str(store.path.resolve()), store.embedder.sha256, PROBES_SHA256)
    return paths.cache_dir() / "gate" / f"spread-{name}.json"


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes_atomically(path, data)


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]
