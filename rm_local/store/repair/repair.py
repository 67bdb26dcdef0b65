"""Repairs a damaged store: replaces it by a new file with its readable entries, under their ids."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rm_local.disk_space import require_free_bytes
from rm_local.errors import CorruptStoreError, StoreError
from rm_local.files import rename_and_sync_parent, sync_file
from rm_local.progress import ProgressCallback, ignore_progress
from rm_local.store.build.required_space import FIXED
from rm_local.store.repair.salvage import RepairResult, salvage_store
from rm_local.store.repair.store_constants import ANOTHER_COPY
from rm_local.store.repair.tolerant_reader import TolerantReader
from rm_local.store.sqlite import connection as sqlite, wal
from rm_local.store.sqlite.open_checks import check_header, is_store_writable
from rm_local.store.verify.verify import verify_store


def repair_store(path: Path, report: ProgressCallback = ignore_progress) -> RepairResult | None:
    """Verify the store at `path`, and replace a damaged one by a new store of its readable entries.

    Return what was found, repaired and lost; None if the store is intact. Entries keep their ids.
    The damaged file is kept as `path`.damaged. After any stop the file is the damaged or the
    repaired store. Memory: five bytes for each id ever given, the centroids twice, and 4,096
    entries.

    Raises:
        StoreNotFoundError, StoreVersionError: As for `Store.open`.
        CorruptStoreError: No entry can be read, a value needed for reading them is lost, or the new
            store has faults too.
        StoreError: The store is read-only, another program writes to it, the disk is too full, or
            `path`.damaged exists already.
    """
    path = Path(os.path.realpath(path))
    check_header(path)
    found = _find_faults(path, report)
    if not found:
        return None
    if not is_store_writable(path):
        raise sqlite.make_read_only_error(path)
    part = path.with_name(path.name + ".repair")
    with sqlite.translate_sqlite_errors(path), _lock_damaged_store_for_reading(path) as reader:
        aside = _get_aside_path_and_remove_leftover(path)
        _check_repair_space(path)
        # Left by a stopped repair.
        _remove_part(part)
        try:
            repaired = salvage_store(reader, path, part, found, aside, report)
            _sync_and_verify_store(part, report)
            shutil.copymode(path, part)
            if os.name != "nt":
                _keep_aside_and_replace(part, path, aside)
        except BaseException:
            _remove_part(part)
            raise
    if os.name == "nt":
        # Windows cannot replace an open file.
        _keep_aside_and_replace(part, path, aside)
    return repaired


def _find_faults(path: Path, report: ProgressCallback) -> list[str]:
    """Return the faults of a store as sentences; empty if it is intact."""
    try:
        return verify_store(path, report)
    except CorruptStoreError as error:
        return [error.message]


@contextmanager
def _lock_damaged_store_for_reading(path: Path) -> Iterator[TolerantReader]:
    """Lock other writers out of the damaged store during the body, which gets a reader of it.

    Raises:
        StoreError: Another program has the store open, or writes to it.
    """
    with sqlite.open_connection_close_on_error(path, "rescue") as connection:
        wal.leave_wal_or_raise(connection, path)
        connection.execute("BEGIN IMMEDIATE")
        yield TolerantReader(connection)
        connection.execute("ROLLBACK")
        connection.close()


def _get_aside_path_and_remove_leftover(path: Path) -> Path:
    """Return the path under which the damaged store is kept, `path`.damaged.

    A second name of the store, left by a stopped repair, is removed.

    Raises:
        StoreError: There is another file with this path.
    """
    aside = path.with_name(path.name + ".damaged")
    if aside.exists():
        if not aside.samefile(path):
            raise StoreError(
                f"{aside} exists already; nothing was changed.",
                "Move it away, or remove it if nothing in it is wanted.",
            )
        # A repair was stopped after it linked the damaged store and before it replaced it.
        aside.unlink()
    return aside


def _check_repair_space(path: Path) -> None:
    """Check that the disk has space for a second store as large as the one at `path`.

    Raises:
        StoreError: There is too little space.
    """
    require_free_bytes(
        path.parent,
        path.stat().st_size * 11 // 10 + FIXED,
        "The repair",
        error=StoreError,
        remedy="Free some space, or copy the store to another disk and repair the copy.",
    )


def _sync_and_verify_store(part: Path, report: ProgressCallback) -> None:
    """Sync the new store `part` to the disk and verify it.

    Raises:
        CorruptStoreError: It has faults.
    """
    sync_file(part)
    if left := verify_store(part, report):
        raise CorruptStoreError(f"The store cannot be repaired: {left[0]}", ANOTHER_COPY)


def _remove_part(part: Path) -> None:
    """Remove the unfinished new store `part` and its journal and log files, if they exist."""
    part.unlink(missing_ok=True)
    wal.remove_leftover_logs(part)


def _keep_aside_and_replace(part: Path, path: Path, aside: Path) -> None:
    """Keep the damaged store `path` as `aside`, then replace it by `part` atomically.

    `aside` is a hard link, or a copy where the file system has none.
    """
    try:
        os.link(path, aside)
    except OSError:
        # The file system has no hard links.
        shutil.copy2(path, aside)
    rename_and_sync_parent(part, path)
