"""Adds entries of files to a store, with vectors that are given or of the store's own embedder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rm_local import paths
from rm_local.arrays import Floats
from rm_local.embed import MINILM, load_shipped_static
from rm_local.errors import EmbedderMismatchError, HomeNotFoundError, StoreError
from rm_local.ingest.vector_sources import VectorFile, check_vector_file
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
from rm_local.temporary_folder import make_temporary_folder


def import_from_files(
    path: Path,
    files: Sequence[Path],
    embeddings: Path | None,
    report: ProgressCallback,
    result: ImportResult,
) -> None:
    """Add the new entries of `files`, JSON Lines, to the store at `path`.

    All files are read and checked before the first write; a pipe is copied during this.
    `embeddings` is a .npy file with the vectors of the subproblems, in order; None: the store's
    embedder computes them. `result` counts the entries that are added durably, and those that the
    store already had, also if an error ends the import.

    Raises:
        UsageError: A file is invalid.
        StoreError: The disk has no space for the copy; or as for `Store.open`.
        EmbedderMismatchError: The store's embedder is not available here.
    """
    check_inputs([*files, *filter(None, [embeddings])])
    with Store.open(path, write=True) as store, _make_temporary_work_folder() as folder:
        id = store.read_info().embedder
        embed = _choose_embed_function(path, id) if embeddings is None else None
        lines = index_lines(files, folder / "input", report)
        if embeddings is not None:
            given = VectorFile.from_path_or_copy(embeddings, folder)
            check_vector_file(given, lines.rows, id.dimension, report)
            embed = _NpyVectorReader(given.path)
        assert embed
        blocks = map(lines.read_entries, range(len(lines.blocks)))
        entries = (entry for block in blocks for entry in block)
        import_entries(
            store, entries, embed, result, ProgressMeter(report, "import", lines.rows).reach
        )


@contextmanager
def _make_temporary_work_folder() -> Iterator[Path]:
    """Yield a temporary folder for an import's line index and copies of pipes.

    Raises:
        StoreError: The disk failed during the body of the `with` statement.
    """
    try:
        parent = paths.cache_dir() / "import"
    except HomeNotFoundError:
        parent = None
    with make_temporary_folder(parent) as folder:
        try:
            yield folder
        except BrokenPipeError:
            raise
        except OSError as error:
            raise StoreError(
                f"The import stopped: {error.strerror or error}. It uses {folder.parent}.",
                "Make room there, then give the same command again.",
            ) from error


def _choose_embed_function(path: Path, id: EmbedderId) -> Callable[[int, Sequence[Entry]], Floats]:
    """Return the function that embeds entries with the embedder `id` of the store `path`.

    It takes the position of the first entry, which it ignores, and the entries.

    Raises:
        EmbedderMismatchError: The store's embedder is not available here.
    """
    if id == MINILM:
        return _embed_with_minilm
    if id == load_shipped_static().id:
        return _embed_with_static
    raise EmbedderMismatchError(
        f"The store {path} was made with {id}, which is not available here.",
        "Embed the subproblems with it, and give their vectors: --embeddings FILE.npy.",
    )


def _embed_with_minilm(_: int, entries: Sequence[Entry]) -> Floats:
    from rm_local.embed import embed_with_minilm

    return embed_with_minilm([entry.subproblem for entry in entries])


def _embed_with_static(_: int, entries: Sequence[Entry]) -> Floats:
    return load_shipped_static().embed([entry.subproblem for entry in entries])


@dataclass(frozen=True)
class _NpyVectorReader:
    """Function that returns the vectors of entries from a .npy file, in place of an embedder.

    It takes the position of the first entry in the file, and the entries.
    """

    path: Path

    def __call__(self, first: int, entries: Sequence[Entry]) -> Floats:
        rows = np.load(self.path, mmap_mode="r")[first : first + len(entries)]
        return np.asarray(rows, dtype=np.float32)
