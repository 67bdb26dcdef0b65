"""Entries of files into a store, with vectors by the store's own embedder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rm_local.embed import static
from rm_local.embed.minilm import MINILM
from rm_local.embed.sources import check_vectors
from rm_local.errors import StoreEmbedder, UsageError
from rm_local.memory.bulk.intake import Taken, take_in
from rm_local.memory.bulk.jsonl import read_entries
from rm_local.memory.format import EmbedderId
from rm_local.memory.store import Store
from rm_local.records import Entry

Vectors = NDArray[np.float32]
Tell = Callable[[str, int, int | None], None]
"""Told stage, entries done, and entries in all where that is known."""

TOLD_ROWS = 10_000


def import_files(
    path: Path, files: Sequence[Path], embeddings: Path | None, tell: Tell, taken: Taken
) -> None:
    """Add the entries of `files`, JSON Lines, to the store at `path`; `taken` counts them.

    Nothing is written before all files are read and found good. `embeddings` is a .npy file with
    the vectors of their subproblems, in order. What `taken` counts is in the store for good.
    UsageError: a file will not do; StoreEmbedder: the store's embedder is not here; and what
    `Store.open` raises.
    """
    with Store.open(path, write=True) as store:
        id = store.info().embedder
        embed = _embedder(path, id) if embeddings is None else None
        total = _checked(files, tell)
        if embeddings is not None:
            check_vectors(embeddings, total, id.dimension, lambda *done: tell("check", *done))
            embed = _Given(embeddings)
        assert embed
        take_in(store, _entries(files), embed, taken, lambda done: tell("import", done, total))


def _checked(files: Sequence[Path], tell: Tell) -> int:
    """How many entries there are. UsageError: a line holds none, or there is no entry at all."""
    count = 0
    for count, _ in enumerate(_entries(files), 1):
        if count % TOLD_ROWS == 0:
            tell("read", count, None)
    if not count:
        raise UsageError(f"{', '.join(map(str, files))}: no entries.", "Give files with some.")
    tell("read", count, count)
    return count


def _entries(files: Sequence[Path]) -> Iterator[Entry]:
    return (entry for file in files for _, entry in read_entries(file))


def _embedder(path: Path, id: EmbedderId) -> Callable[[int, Sequence[Entry]], Vectors]:
    """StoreEmbedder: there is none here that made the store's vectors."""
    if id == MINILM:
        return _embedded
    if id == static.shipped().id:
        return _summed
    raise StoreEmbedder(
        f"The store {path} was made with {id}, which is not here.",
        "Make vectors of the subproblems with it, and give them: --embeddings FILE.npy.",
    )


def _embedded(_: int, entries: Sequence[Entry]) -> Vectors:
    from rm_local.embed.bulk import embed_bulk

    return embed_bulk([entry.subproblem for entry in entries])


def _summed(_: int, entries: Sequence[Entry]) -> Vectors:
    return static.shipped().embed([entry.subproblem for entry in entries])


@dataclass(frozen=True)
class _Given:
    """Vectors from a file."""

    path: Path

    def __call__(self, first: int, entries: Sequence[Entry]) -> Vectors:
        rows = np.load(self.path, mmap_mode="r")[first : first + len(entries)]
        return np.asarray(rows, dtype=np.float32)
