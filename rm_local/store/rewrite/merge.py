"""Merges the entries of several stores into a new one, without repeated entries."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from rm_local.errors import StoreError
from rm_local.progress import ProgressCallback, ignore_progress
from rm_local.store.build.pipeline import build_store
from rm_local.store.rewrite.store_source import StoreEntrySource
from rm_local.store.rewrite.union_source import make_store_union_source
from rm_local.work_folder import remove_if_work_folder


def merge_stores_and_count_omitted(
    paths: Sequence[Path],
    out: Path,
    *,
    report: ProgressCallback = ignore_progress,
) -> int:
    """Build the store `out` from the entries of all stores at `paths`.

    Of entries with the same subproblem and subroutine the first is kept, with its metadata. Return
    the number of omitted entries. After any stop the same call resumes.

    Raises:
        UsageError, EmbedderMismatchError: As for `make_store_union_source`.
        StoreError: As for `make_store_union_source`, `build_store` and `Store.open`.
    """
    folder = out.with_name(out.name + ".merge")
    if out.exists() and not out.with_name(out.name + ".build").exists():
        remove_if_work_folder(folder)
        raise StoreError(f"{out} exists already.", "Choose another name, or remove it first.")
    with ExitStack() as opened:
        stores = [opened.enter_context(StoreEntrySource.open(path)) for path in paths]
        try:
            joined = make_store_union_source(stores, folder, report)
        except OSError as error:
            raise StoreError(
                f"{folder} cannot be written: {error.strerror or error}.",
                "Fix that, then start it again.",
            ) from error
        first = stores[0]
        build_store(
            out, joined, embedder=first.embedder, known_words=first.known_words, report=report
        )
    remove_if_work_folder(folder)
    return joined.omitted_count
