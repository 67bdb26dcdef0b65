"""Makes the user's own store, which is searched together with the shipped one."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from rm_local import paths
from rm_local.errors import ReadOnlyStoreError
from rm_local.files import create_part_file_to_be_renamed, sync_dir
from rm_local.folders import explain_write_error
from rm_local.store import Store, StoreEntrySource


def create_own_store_if_missing(path: Path) -> None:
    """Make the user's own store at `path`, empty, with the embedder of the shipped store.

    So one vector of a query serves both. It appears at once and complete; if another process makes
    it first, nothing is done.

    Raises:
        ReadOnlyStoreError: The data folder cannot be written to.
        StoreError: The shipped store cannot be read, or the disk fails.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with create_part_file_to_be_renamed(path) as part:
            part.unlink()
            _create_empty_store_like_shipped(part)
            with suppress(FileExistsError):
                _link_or_rename_raising_if_exists(part, path)
            sync_dir(path.parent)
    except OSError as error:
        raise ReadOnlyStoreError(
            f"Your own store cannot be made: {explain_write_error(error, path.parent)}.",
            f"{paths.SET_HOME} Or name a store of yours: --store FILE.",
        ) from error


def _create_empty_store_like_shipped(part: Path) -> None:
    """Create an empty store with the embedder and the known words of the shipped one.

    The shipped entries train its dictionary.
    """
    with StoreEntrySource.open(paths.shipped_store()) as shipped:
        blocks = map(shipped.read_block_entries, range(min(shipped.blocks, 1)))
        sample = [each.subproblem + each.subroutine for block in blocks for each in block]
        embedder, known_words = shipped.embedder, shipped.known_words
    Store.create(part, embedder=embedder, dictionary_sample=sample, known_words=known_words).close()


def _link_or_rename_raising_if_exists(part: Path, path: Path) -> None:
    """Give the file `part` the name `path`.

    Raises:
        FileExistsError: A file has that name.
    """
    try:
        os.link(part, path)
    except FileExistsError:
        raise
    except OSError:  # the file system has no hard links
        if path.exists():
            raise FileExistsError(path) from None
        os.rename(part, path)
