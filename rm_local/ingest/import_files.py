"""Adds entries of files to a store, with vectors that are given or of the store's own embedder."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rm_local import paths
from rm_local.arrays import Floats
from rm_local.embed import (
    MINILM,
    TextEmbedder,
    embed_in_steps,
    load_shipped_static,
    open_text_embedder,
)
from rm_local.errors import EmbedderMismatchError, HomeNotFoundError, StoreError
from rm_local.ingest.own_store import create_own_store_if_missing
from rm_local.ingest.vector_file import VectorFile, check_vector_file
from rm_local.progress import ProgressCallback, ProgressMeter
from rm_local.records import Entry
from rm_local.store import (
    EmbedderId,
    ImportCounts,
    Store,
    check_and_index_lines,
    check_inputs_are_readable,
    import_new_entries,
)
from rm_local.temporary_folder import make_temporary_folder


def import_new_entries_from_files(
    path: Path,
    files: Sequence[Path],
    embeddings: Path | None,
    report: ProgressCallback,
    result: ImportCounts,
    notify: Callable[[str], None] = lambda _: None,
) -> None:
    """Add the new entries of `files`, JSON Lines, to the store at `path`.

    All files are read and checked before the first write; a pipe is copied during this. Only then
    the user's own store is made if it is missing, with the embedder of the shipped store.
    `embeddings` is a .npy file with the vectors of the subproblems, in order; None: the store's
    embedder computes them. `notify` gets a sentence if the extra `bulk` is not installed. `result`
    counts the entries that are added durably, and those that the store already had, also if an
    error ends the import.

    Raises:
        UsageError: A file is invalid.
        StoreError: The disk has no space for the copy; or as for `Store.open`.
        EmbedderMismatchError: The store's embedder is not available here.
    """
    check_inputs_are_readable([*files, *filter(None, [embeddings])])
    with _make_temporary_work_folder() as folder, ExitStack() as opened:
        store = None
        if paths.is_own_store(path) and not os.path.lexists(path):
            with Store.open(paths.shipped_store()) as shipped:
                id = shipped.read_info().embedder
        else:
            store = opened.enter_context(Store.open(path, write=True))
            id = store.read_info().embedder
        if embeddings is None:
            _check_embedder_is_available(path, id)
        lines = check_and_index_lines(files, folder / "input", report)
        given = None
        if embeddings:
            size = lines.rows, id.dimension
            given = VectorFile.from_path_or_copy(embeddings, folder, *size)
            check_vector_file(given, *size, report)
        if store is None:
            create_own_store_if_missing(path)
            store = opened.enter_context(Store.open(path, write=True))
        blocks = map(lines.read_block_entries, range(len(lines.blocks)))
        entries = (entry for block in blocks for entry in block)
        meter = ProgressMeter(report, "import", lines.rows)
        with _open_embedder_or_vector_reader(id, given, meter, lines.rows, notify) as embed:
            import_new_entries(store, entries, embed, result, meter.report_units_done)


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


def _check_embedder_is_available(path: Path, id: EmbedderId) -> None:
    """Check that texts can be embedded with `id`, the embedder of the store `path`.

    Raises:
        EmbedderMismatchError: It is not available here.
    """
    if id not in (MINILM, load_shipped_static().id):
        raise EmbedderMismatchError(
            f"The store {path} was made with {id}, which is not available here.",
            "Embed the subproblems with it, and give their vectors: --embeddings FILE.npy.",
        )


@contextmanager
def _open_embedder_or_vector_reader(
    id: EmbedderId,
    given: VectorFile | None,
    meter: ProgressMeter,
    count: int,
    notify: Callable[[str], None],
) -> Iterator[Callable[[int, Sequence[Entry]], Floats]]:
    """Give the `with` body the function that embeds entries, or reads their `given` vectors.

    `count` is the number of all entries. `notify` gets a sentence if the extra `bulk` is missing.
    """
    if given:
        yield _NpyVectorReader(given.path)
    elif id == MINILM:
        with open_text_embedder(None, count, notify=notify) as embedder:
            yield _SubproblemEmbedder(embedder, meter)
    else:
        yield _SubproblemEmbedder(load_shipped_static(), meter)


@dataclass(frozen=True)
class _SubproblemEmbedder:
    """Embeds the subproblems of entries, and reports how many are embedded."""

    embedder: TextEmbedder
    meter: ProgressMeter

    def __call__(self, first: int, entries: Sequence[Entry]) -> Floats:
        texts = [entry.subproblem for entry in entries]
        return embed_in_steps(
            self.embedder, texts, lambda done: self.meter.report_units_done(first + done)
        )


@dataclass(frozen=True)
class _NpyVectorReader:
    """Function that returns the vectors of entries from a .npy file, in place of an embedder.

    It takes the position of the first entry in the file, and the entries.
    """

    path: Path

    def __call__(self, first: int, entries: Sequence[Entry]) -> Floats:
        rows = np.load(self.path, mmap_mode="r")[first : first + len(entries)]
        return np.asarray(rows, dtype=np.float32)
