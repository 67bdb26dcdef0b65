"""Compacts a store: rebuilds it without deleted entries and replaces the file."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path

from rm_local.errors import StoreError
from rm_local.files import rename_and_sync_parent
from rm_local.progress import ProgressCallback, ignore_progress
from rm_local.store.build.pipeline import build_store
from rm_local.store.format import BLOCK_ROWS
from rm_local.store.rewrite.carry_counts import copy_usage_counts_to_equal_entries
from rm_local.store.rewrite.store_source import StoreEntrySource, read_store_fingerprint
from rm_local.store.sqlite import connection as sqlite, tables, wal
from rm_local.store.store import Store
from rm_local.work_folder import remove_if_work_folder

LEVEL = 12
"""Default zstandard level for texts: higher than in a build, because a compacted store is read
often."""


def compact_store(
    path: Path, *, level: int = LEVEL, report: ProgressCallback = ignore_progress
) -> None:
    """Build a new store from the existing entries of the store at `path`, then replace the file.

    Clusters, rotation and dictionaries are trained on the present entries. New ids start above the
    highest ever given, so that no old id is reused; usage counts are carried over. Meanwhile the
    store can be read, but not written. After any stop the file is the old or the new store, and
    the same call resumes.

    Raises:
        StoreError: The store has no entries, another program writes to it or still uses its log; or
            as for `Store.open` and `build_store`.
    """
    path = Path(os.path.realpath(path))
    _merge_wal_or_raise(path)
    with StoreEntrySource.open(path) as held:
        if not held.rows:
            raise StoreError(f"The store {path} has no entries.", "Add some before you compact it.")
        with _lock_unchanged_yield_last_id(path, held) as last:
            new_path = _choose_path_and_remove_stale(path, f"{held.fingerprint}, level {level}")
            if not new_path.exists() or _get_build_folder(new_path).exists():
                build_store(
                    new_path,
                    held,
                    embedder=held.embedder,
                    known_words=held.known_words,
                    level=level,
                    first=-(-last // BLOCK_ROWS) * BLOCK_ROWS + 1,
                    report=report,
                )
            with StoreEntrySource.open(new_path) as new_store:
                copy_usage_counts_to_equal_entries(held, new_store)
            shutil.copymode(path, new_path)
            if os.name != "nt":
                rename_and_sync_parent(new_path, path)
    if os.name == "nt":
        # Windows cannot replace an open file.
        rename_and_sync_parent(new_path, path)


def _merge_wal_or_raise(path: Path) -> None:
    """Copy the store's write-ahead log into its file and remove the log.

    Raises:
        StoreError: Another program still uses the log.
    """
    Store.open(path, write=True).close()
    with (
        sqlite.translate_sqlite_errors(path),
        sqlite.open_connection_close_on_error(path, "write") as connection,
    ):
        wal.leave_wal_or_raise(connection, path)
        connection.close()


@contextmanager
def _lock_unchanged_yield_last_id(path: Path, held: StoreEntrySource) -> Iterator[int]:
    """Lock writers out of the store at `path` during the body; yield its highest id ever given.

    Raises:
        StoreError: The store has changed since `held` was opened.
    """
    with (
        sqlite.translate_sqlite_errors(path),
        sqlite.open_connection_close_on_error(path, "write") as connection,
    ):
        connection.execute("BEGIN IMMEDIATE")
        if wal.uses_wal(connection) or read_store_fingerprint(connection) != held.fingerprint:
            raise StoreError(f"The store {path} was changed meanwhile.", "Start again.")
        yield tables.read_last_given_id(connection)
        connection.execute("ROLLBACK")
        connection.close()


def _choose_path_and_remove_stale(path: Path, build_key: str) -> Path:
    """Return the temporary path of the new store, next to `path`, which depends on `build_key`.

    Files and folders left by calls with another `build_key` are removed.
    """
    stem = f"{path.name}.compact-"
    new_path = path.with_name(stem + blake2b(os.fsencode(build_key), digest_size=6).hexdigest())
    ours = re.compile(re.escape(stem) + r"[0-9a-f]{12}(\.build)?")
    for other in path.parent.iterdir():
        if other in (new_path, _get_build_folder(new_path)) or not ours.fullmatch(other.name):
            continue
        if other.is_dir():
            remove_if_work_folder(other)
        else:
            other.unlink()
    return new_path


def _get_build_folder(new_path: Path) -> Path:
    """Return the folder that `build_store` uses for a store at `new_path`."""
    return new_path.with_name(new_path.name + ".build")
