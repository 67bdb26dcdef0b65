"""Entries of files into a store, with vectors by the store's own embedder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rm_local import paths
from rm_local.arrays import Floats
from rm_local.embed import MINILM, load_shipped_static
from rm_local.errors import HomeMissing, StoreEmbedder, StoreError
from rm_local.ingest.vector_sources import VectorFile, check_vectors
from rm_local.progress import ProgressCallback, ProgressMeter
from rm_local.records import Entry
from rm_local.store import (
    EmbedderId,
    ImportResult,
    Store,
    check_inputs,
    import_entries,
    index_lines,
)
from rm_local.temporary_folder import temporary_folder


def import_from_files(
    path: Path,
    files: Sequence[Path],
    embeddings: Path | None,
    report: ProgressCallback,
    taken: ImportResult,
) -> None:
    """Add the entries of `files`, JSON Lines, to the store at `path`; `taken` counts them.

    Nothing is written before all files are read and found good. What can be read only once is
    copied meanwhile. `embeddings` is a .npy file with the vectors of their subproblems, in order.
    What `taken` counts is in the store for good. UsageError: a file will not do; StoreError: the
    disk has no room for the copy; StoreEmbedder: the store's embedder is not here; and what
    `Store.open` raises.
    """
    check_inputs([*files, *filter(None, [embeddings])])
    with Store.open(path, write=True) as store, _work_folder() as folder:
        id = store.read_info().embedder
        embed = _embedder(path, id) if embeddings is None else None
        lines = index_lines(files, folder / "input", report)
        if embeddings is not None:
            given = VectorFile.of(embeddings, folder)
            check_vectors(given, lines.rows, id.dimension, report)
            embed = _Given(given.path)
        assert embed
        entries = (each for number in range(len(lines.blocks)) for each in lines.entries(number))
        import_entries(
            store, entries, embed, taken, ProgressMeter(report, "import", lines.rows).reach
        )


@contextmanager
def _work_folder() -> Iterator[Path]:
    """Where an import keeps the index of its lines, and copies."""
    try:
        parent = paths.cache_dir() / "import"
    except HomeMissing:
        parent = None
    with temporary_folder(parent) as folder:
        try:
            yield folder
        except BrokenPipeError:
            raise
        except OSError as error:
            raise StoreError(
                f"The import stopped: {error.strerror or error}; it works in {folder.parent}.",
                "Make room there, then give the same command again.",
            ) from error


def _embedder(path: Path, id: EmbedderId) -> Callable[[int, Sequence[Entry]], Floats]:
    """StoreEmbedder: there is none here that made the store's vectors."""
    if id == MINILM:
        return _embedded
    if id == load_shipped_static().id:
        return _summed
    raise StoreEmbedder(
        f"The store {path} was made with {id}, which is not here.",
        "Make vectors of the subproblems with it, and give them: --embeddings FILE.npy.",
    )


def _embedded(_: int, entries: Sequence[Entry]) -> Floats:
    from rm_local.embed import embed_bulk

    return embed_bulk([entry.subproblem for entry in entries])


def _summed(_: int, entries: Sequence[Entry]) -> Floats:
    return load_shipped_static().embed([entry.subproblem for entry in entries])


@dataclass(frozen=True)
class _Given:
    """Vectors from a file."""

    path: Path

    def __call__(self, first: int, entries: Sequence[Entry]) -> Floats:
        rows = np.load(self.path, mmap_mode="r")[first : first + len(entries)]
        return np.asarray(rows, dtype=np.float32)
