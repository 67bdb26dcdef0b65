"""A disk that is full at any moment: `python -m tests.campaigns.full_disk [--rows N]`, as root.

On a small tmpfs of its own, with more and more of it taken: each build, add, replace and delete
either comes through or is a StoreError with a remedy; the store is then as before, `verify` finds
nothing, and once there is room the same call comes through.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import product
from pathlib import Path
from unittest.mock import patch

from rm_local.errors import CorruptStoreError, StoreError
from rm_local.store.build.pipeline import build_store
from rm_local.store.store import Store
from tests.support.faults.stores import DIMENSION, MADE, fingerprint, made_store
from tests.support.stores import MadeSource, entries, vectors

MEGABYTES = 64
COUNT = 400


@contextmanager
def small_disk() -> Iterator[Path]:
    """A tmpfs of MEGABYTES, mounted while the body runs."""
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        size = f"size={MEGABYTES}m"
        subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", folder], check=True)
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", folder], check=True)


@contextmanager
def left(folder: Path, kilobytes: int) -> Iterator[None]:
    """Only so much is free in `folder` while the body runs."""
    ballast = folder / "ballast"
    with ballast.open("wb") as file:
        file.write(bytes(max(0, shutil.disk_usage(folder).free - kilobytes * 1024)))
    try:
        yield
    finally:
        ballast.unlink()


def add(store: Store) -> None:
    """Add entries."""
    store.add_entries(entries(COUNT), vectors(COUNT, dimension=DIMENSION, seed=1))


def settle(store: Store) -> None:
    """Add one entry more than may be fresh."""
    with patch("rm_local.store.index.pending.MAX_PENDING", 0):
        store.add_entries(entries(1), vectors(1, dimension=DIMENSION))


def replace(store: Store) -> None:
    """Replace an entry of the bulk build."""
    store.replace_entry(77, entries(1)[0], vectors(1, dimension=DIMENSION)[0])


def delete(store: Store) -> None:
    """Delete entries of a bulk build, one added since, and one that is fresh."""
    store.delete_entries([*range(100, 900), 3010, 3190])


def describe_error(error: StoreError, path: Path) -> str:
    """What the error says; it has a remedy, and does not speak of damage."""
    if isinstance(error, CorruptStoreError) or not error.remedy:
        raise AssertionError(str(error))
    return str(error).replace(str(path), "S")


def edit(folder: Path, what: Callable[[Store], None], logged: bool) -> tuple[int, set[str]]:
    """`what` with more and more room until it comes through: how often it failed, and how.

    `logged`: the store had room for a log when it was first written to.
    """
    path, kilobytes, fails = folder / "made.rms", 0, 0
    said: set[str] = set()
    shutil.copy(folder / "whole.rms", path)
    with Store.open(path) as store:
        before = fingerprint(store)
    while True:
        # At its usual length from the start, the log would hold all of these edits.
        short = patch("rm_local.store.sqlite.wal.LOG_BYTES", 1)
        with short, Store.open(path, write=True) as store:
            if logged:
                store.record_usage([1])
            with left(folder, kilobytes):
                try:
                    what(store)
                    break
                except StoreError as error:
                    said.add(describe_error(error, path))
                    fails += 1
                    assert fingerprint(store) == before
        with Store.open(path) as store:
            assert fingerprint(store) == before
            assert store.verify() == []
        kilobytes += 24
    with Store.open(path) as store:
        assert store.verify() == []
        assert fingerprint(store) != before
    path.unlink()
    return fails, said


def build_in_full(folder: Path, rows: int) -> tuple[int, set[str]]:
    """A build with more and more room, continued each time: how often it failed, and how."""
    path, kilobytes, fails = folder / "built.rms", 0, 0
    said: set[str] = set()
    while True:
        # The look ahead would stop it each time before the disk is full.
        with left(folder, kilobytes), patch("rm_local.store.build.pipeline.check_build_space"):
            try:
                build_store(path, MadeSource(rows), embedder=MADE, clusters=15)
                break
            except StoreError as error:
                said.add(describe_error(error, path))
                fails += 1
        assert not path.exists()
        kilobytes += 64
    with Store.open(path) as store, Store.open(folder / "plain.rms") as plain:
        assert store.verify() == []
        assert fingerprint(store) == fingerprint(plain)
    return fails, said


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=3000, help="3,000 or more")
    rows = parser.parse_args().rows
    if rows < 3000:
        parser.error("--rows must be 3,000 or more: `delete` names entries that are added later")
    with small_disk() as folder:
        made_store(folder / "whole.rms", rows)
        for what, logged in product((add, settle, replace, delete), (False, True)):
            fails, said = edit(folder, what, logged)
            how = "through the log" if logged else "through the journal"
            print(
                f"{what.__name__} {how}: {fails} times full, each time as before; then done",
                flush=True,
            )
            print(*(f"    {each}" for each in sorted(said)), sep="\n")
        with suppress(FileNotFoundError):
            (folder / "whole.rms").unlink()
        build_store(folder / "plain.rms", MadeSource(rows), embedder=MADE, clusters=15)
        fails, said = build_in_full(folder, rows)
        print(f"build: {fails} times full; then done, and equal to one never stopped")
        print(*(f"    {each}" for each in sorted(said)), sep="\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
