"""A store written anew, without what was deleted, in the place of the old one."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path

from rm_local.errors import StoreError
from rm_local.files import replace_file
from rm_local.progress import ProgressCallback, ignore_progress
from rm_local.store.build.pipeline import build_store
from rm_local.store.format import BLOCK_ROWS
from rm_local.store.rewrite.carry_counts import carry_tallies
from rm_local.store.rewrite.store_source import StoreSource, state
from rm_local.store.sqlite import connection as sqlite, tables, wal
from rm_local.store.store import Store
from rm_local.work_folder import remove_work_folder

LEVEL = 12
"""Of zstandard: what is compressed once and read for long may take its time (STORE 4)."""


def compact_store(
    path: Path, *, level: int = LEVEL, report: ProgressCallback = ignore_progress
) -> None:
    """Build the store at `path` anew beside it, then put it in its place.

    Clusters, rotation and dictionaries are those for its present entries. Ids go on from the
    highest ever given, so that an old one names nothing; tallies go with their entries. Meanwhile
    the store can be read, but not written to. After any stop the store is the old one or the new
    one, and the same call goes on.
    Raises as `Store.open` and `build`; StoreError: it holds no entry, another program writes, or
    one has it open that was there when it was last written to.
    """
    path = path.resolve()
    _settle(path)
    with StoreSource.of(path) as held:
        if not held.rows:
            raise StoreError(f"The store {path} holds no entry.", "There is nothing to compact.")
        with _unwritten(path, held) as last:
            beside = _beside(path, f"{held.fingerprint}, level {level}")
            if not beside.exists() or _folder(beside).exists():
                build_store(
                    beside,
                    held,
                    embedder=held.embedder,
                    known_words=held.known_words,
                    level=level,
                    first=-(-last // BLOCK_ROWS) * BLOCK_ROWS + 1,
                    report=report,
                )
            with StoreSource.of(beside) as new:
                carry_tallies(held, new)
            shutil.copymode(path, beside)
            if os.name != "nt":
                replace_file(beside, path)
    if os.name == "nt":
        # Windows renames over no file that is open.
        replace_file(beside, path)


def _settle(path: Path) -> None:
    Store.open(path, write=True).close()
    with sqlite.translate_errors(path), sqlite.open_connection(path, "write") as connection:
        wal.require_single_file(connection, path)
        connection.close()


@contextmanager
def _unwritten(path: Path, held: StoreSource) -> Iterator[int]:
    """Keeps all other writers out; gives the highest id. StoreError: one of them was quicker."""
    with sqlite.translate_errors(path), sqlite.open_connection(path, "write") as connection:
        connection.execute("BEGIN IMMEDIATE")
        if wal.uses_wal(connection) or state(connection) != held.fingerprint:
            raise StoreError(f"The store {path} was changed meanwhile.", "Start again.")
        yield tables.read_last_id(connection)
        connection.execute("ROLLBACK")
        connection.close()


def _beside(path: Path, called: str) -> Path:
    """Where the new store grows; what an earlier call made of another state is removed."""
    stem = f"{path.name}.compact-"
    beside = path.with_name(stem + blake2b(called.encode(), digest_size=6).hexdigest())
    ours = re.compile(re.escape(stem) + r"[0-9a-f]{12}(\.build)?")
    for other in path.parent.iterdir():
        if other in (beside, _folder(beside)) or not ours.fullmatch(other.name):
            continue
        if other.is_dir():
            remove_work_folder(other)
        else:
            other.unlink()
    return beside


def _folder(beside: Path) -> Path:
    return beside.with_name(beside.name + ".build")
