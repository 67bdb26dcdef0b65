"""Builds a store from files of entries, whose vectors are given or computed by an embedder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rm_local.embed import (
    MINILM,
    PROBES,
    PROBES_SHA256,
    STATIC_CHOICE,
    EmbedderChoice,
    embed_to_file_unless_exists,
    load_shipped_static,
    open_text_embedder,
)
from rm_local.errors import StoreError, UsageError
from rm_local.ingest.vector_file import VectorFile, check_vector_file
from rm_local.ingest.vector_sources import (
    EntrySourceWithNpyVectors,
    EntrySourceWithStaticVectors,
    SubproblemSequence,
)
from rm_local.progress import ProgressCallback, ignore_progress
from rm_local.store import (
    EntrySource,
    JsonlEntryBlocks,
    Store,
    build_store,
    check_and_index_lines,
    check_inputs_are_readable,
    measure_unrelated_similarity_spread,
    remove_index_and_folder_if_empty,
)
from rm_local.work_folder import is_work_folder, remove_if_work_folder


def get_work_folder(out: Path) -> Path:
    """Return the folder for the temporary files (line index, vectors) of a build of `out`."""
    return out.with_name(out.name + ".input")


def build_from_files(
    inputs: Sequence[Path],
    out: Path,
    chosen: EmbedderChoice,
    embeddings: Path | None = None,
    report: ProgressCallback = ignore_progress,
    notify: Callable[[str], None] = lambda _: None,
) -> None:
    """Build the store `out` from all entries of the JSON Lines files `inputs`.

    `embeddings` is a .npy file with their vectors by the chosen embedder; None: they are embedded
    now. `notify` gets a sentence if the extra `bulk` is not installed. The same call continues an
    interrupted build.

    Raises:
        UsageError: An input is invalid.
        StoreError: `out` exists, another build is running, or the disk is full.
        ModelNotFoundError, InvalidModelError: The embedder is missing or damaged.
    """
    if not out.name:
        raise UsageError(f"{out} is a folder.", "Name the file of the new store.")
    folder = get_work_folder(out)
    if out.exists() and not is_work_folder(folder):
        raise StoreError(f"{out} exists already.", "Choose another name, or remove it first.")
    if not out.absolute().parent.is_dir():
        raise UsageError(f"There is no folder {out.parent} to build in.", "Create it first.")
    with _translate_disk_errors(out):
        # Without a `.build` folder the store is complete, and only this folder is left to remove.
        if not out.exists() or out.with_name(out.name + ".build").exists():
            check_inputs_are_readable([*inputs, *filter(None, [embeddings])])
            lines = check_and_index_lines(inputs, folder, report)
            try:
                source = _prepare_entry_source(lines, folder, chosen, embeddings, report, notify)
            except (UsageError, StoreError):
                remove_index_and_folder_if_empty(folder)
                raise
            build_store(
                out,
                source,
                embedder=chosen.id,
                known_words=chosen.known_words,
                report=report,
            )
            _measure_and_save_spread_if_embeddable(out, chosen, given=embeddings is not None)
        remove_if_work_folder(folder)


@contextmanager
def _translate_disk_errors(out: Path) -> Iterator[None]:
    """Translate an OSError of the body, which builds the store `out`, into StoreError."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"The build of {out} stopped: {error.strerror or error}.",
            "Fix that, then start it again; it continues where it stopped.",
        ) from error


def _measure_and_save_spread_if_embeddable(
    out: Path, chosen: EmbedderChoice, *, given: bool
) -> None:
    """Search the new store `out` with unrelated sentences, and save the spread of their cosines.

    The spread is their median and deviation (`UnrelatedSimilaritySpread`). Without rm-static or
    MiniLM to embed the sentences as in the store, and with given vectors of MiniLM (`given`),
    nothing is done; it is then measured at the first question.
    """
    if chosen.name == STATIC_CHOICE:
        probes = load_shipped_static().embed(PROBES)
    elif chosen.id == MINILM and not given:
        with open_text_embedder(None, len(PROBES)) as embedder:
            probes = embedder.embed(PROBES)
    else:
        return
    with Store.open(out, write=True) as store:
        store.write_spread(measure_unrelated_similarity_spread(store, probes), PROBES_SHA256)


def _prepare_entry_source(
    lines: JsonlEntryBlocks,
    folder: Path,
    chosen: EmbedderChoice,
    embeddings: Path | None,
    report: ProgressCallback,
    notify: Callable[[str], None],
) -> EntrySource:
    """Return the entries of `lines` with their vectors, as a source for `build_store`.

    Vectors come from the file `embeddings`, from rm-static during the build, or from a file in
    `folder` into which all subproblems are embedded now, if that was not completed before.

    Raises:
        UsageError: `embeddings` is unreadable or does not fit the entries.
        StoreError: The disk is full.
    """
    if embeddings:
        size = lines.rows, chosen.id.dimension
        given = VectorFile.from_path_or_copy(embeddings, folder, *size)
        check_vector_file(given, *size, report)
        return EntrySourceWithNpyVectors(lines, given.path, f"{chosen.id} {given.state}")
    if chosen.name == STATIC_CHOICE:
        return EntrySourceWithStaticVectors(lines)
    # The name identifies lines and model, so that no others use these vectors.
    path = folder / f"{lines.sha256[:16]}-{chosen.id.sha256[:16]}-{chosen.id.dimension}.npy"
    if not path.exists():
        with open_text_embedder(
            chosen.bulk_model_or_none_for_minilm,
            lines.rows,
            dimension=chosen.id.dimension,
            notify=notify,
        ) as embedder:
            embed_to_file_unless_exists(embedder, SubproblemSequence(lines), path, report=report)
    return EntrySourceWithNpyVectors(lines, path.absolute(), str(chosen.id))
