"""A damaged store written anew from what can be read of it, under the same ids."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rm_local.disk_space import require_free
from rm_local.errors import StoreError, StoreInvalid
from rm_local.files import replace_file, sync_file
from rm_local.progress import ProgressCallback, ignore_progress
from rm_local.store.build.required_space import FIXED
from rm_local.store.repair.salvage import Repaired, salvage
from rm_local.store.repair.store_constants import ANOTHER_COPY
from rm_local.store.repair.tolerant_reader import Rescue
from rm_local.store.sqlite import connection as sqlite, wal
from rm_local.store.sqlite.open_checks import check_header, is_writable
from rm_local.store.verify.verify import faults


def repair_store(path: Path, report: ProgressCallback = ignore_progress) -> Repaired | None:
    """Mend the store at `path`; None: it is well, and nothing was done.

    Entries that can be read keep their ids. The damaged file stays as `path`.damaged. After any
    stop the store is the damaged one or the repaired one. Memory: five bytes for each id ever
    given, the cluster centres twice, and a step of 4,096 entries.
    StoreInvalid: no entry can be read, as something is lost that all are read with. StoreError:
    another program writes to the store, the disk has not enough room, or there is a `path`.damaged
    already.
    Raises as `Store.open`, too.
    """
    path = path.resolve()
    check_header(path)
    found = _faults(path, report)
    if not found:
        return None
    if not is_writable(path):
        raise sqlite.read_only_error(path)
    part = path.with_name(path.name + ".repair")
    with sqlite.translate_errors(path), _unwritten(path) as rescue:
        aside = _aside(path)
        _check_room(path)
        # What a stopped repair left behind.
        _remove(part)
        try:
            repaired = salvage(rescue, path, part, found, aside, report)
            _check(part, report)
            shutil.copymode(path, part)
            if os.name != "nt":
                _swap(part, path, aside)
        except BaseException:
            _remove(part)
            raise
    if os.name == "nt":
        # Windows renames over no file that is open.
        _swap(part, path, aside)
    return repaired


def _faults(path: Path, report: ProgressCallback) -> list[str]:
    try:
        return faults(path, report)
    except StoreInvalid as error:
        return [error.message]


@contextmanager
def _unwritten(path: Path) -> Iterator[Rescue]:
    """Reads the damaged store and keeps all writers out."""
    with sqlite.open_connection(path, "rescue") as connection:
        wal.require_single_file(connection, path)
        connection.execute("BEGIN IMMEDIATE")
        yield Rescue(connection)
        connection.execute("ROLLBACK")
        connection.close()


def _aside(path: Path) -> Path:
    """Where the damaged store goes. StoreError: something else is there."""
    aside = path.with_name(path.name + ".damaged")
    if aside.exists():
        if not aside.samefile(path):
            raise StoreError(
                f"{aside} exists already; nothing was changed.",
                "Move it away, or remove it if nothing in it is wanted.",
            )
        # A repair was stopped between giving the store its second name and taking its first.
        aside.unlink()
    return aside


def _check_room(path: Path) -> None:
    require_free(
        path.parent,
        path.stat().st_size * 11 // 10 + FIXED,
        "The repair",
        error=StoreError,
        remedy="Make room, or copy the store to another disk and repair the copy.",
    )


def _check(part: Path, report: ProgressCallback) -> None:
    """Have the new store on the disk. StoreInvalid: it is not well."""
    sync_file(part)
    if left := faults(part, report):
        raise StoreInvalid(f"The store cannot be made well: {left[0]}", ANOTHER_COPY)


def _remove(part: Path) -> None:
    part.unlink(missing_ok=True)
    wal.remove_leftovers(part)


def _swap(part: Path, path: Path, aside: Path) -> None:
    """The new store under its name at once: the damaged one has a second name by then."""
    try:
        os.link(path, aside)
    except OSError:
        # This disk knows no second names.
        shutil.copy2(path, aside)
    replace_file(part, path)
