"""Downloads files from the hub into its cache; resumes after an interruption, checks hashes."""

from __future__ import annotations

import errno
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from rm_local.disk_space import require_free_bytes
from rm_local.errors import DownloadError, DownloadInterruptedError
from rm_local.files import rename_and_sync_parent
from rm_local.library.hub.cache import HubCachePaths, measure_size_or_zero
from rm_local.library.hub.hub_client import HubClient, HubFile, Repo, RunningTransfer
from rm_local.library.hub.hub_errors import RESUME_HINT, RangeRefusedError
from rm_local.library.hub.selector import HubModel
from rm_local.progress import DoneCallback, ProgressCallback, ProgressMeter

PAUSES = (1.0, 2.0, 4.0)
"""Seconds before each retry of an interrupted transfer."""
RESET_BYTES = 1 << 20
"""Bytes that a connection has to transfer for the count of retries to start again."""

BLOCK = 1 << 20
"""Bytes of the buffer between network and file."""
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True, slots=True)
class DownloadedFile:
    """The result of a download: the file's description by the hub, and its path in the cache."""

    file: HubFile
    path: Path
    fetched: int
    """Number of transferred bytes; 0 if the file was in the cache already."""


def build_cache_paths(cache: Path, repo: Repo, model: HubModel) -> list[HubCachePaths]:
    """List the cache paths of each of the model's files, whether the files exist or not."""
    return [
        HubCachePaths.compute_cache_paths(cache, repo.name, repo.commit, file.name, file.hash)
        for file in model.files
    ]


def count_missing_bytes(entries: list[HubCachePaths], model: HubModel) -> int:
    """Count the bytes of the model's files that still have to be downloaded."""
    return sum(
        0
        if entry.is_snapshot_complete(file.size) or measure_size_or_zero(entry.blob) == file.size
        else _count_remaining_bytes(entry, file)
        for entry, file in zip(entries, model.files, strict=True)
    )


def require_download_space(cache: Path, needed: int) -> None:
    """Check that the cache's disk has `needed` bytes free.

    Raises:
        DownloadError: Fewer bytes are free.
    """
    remedy = "Make room, or let HF_HUB_CACHE name a folder on another disk."
    require_free_bytes(cache, needed, "The download", error=DownloadError, remedy=remedy)


def download_file_unless_cached(
    hub: HubClient,
    repo: Repo,
    file: HubFile,
    entry: HubCachePaths,
    revision: str,
    report: ProgressCallback,
) -> DownloadedFile:
    """Download a file of the hub to the paths `entry`, unless it is there already.

    The file gets its final name only after its length and hash were checked. `report` is called
    with the progress.

    Raises:
        DownloadInterruptedError: The transfer ended early; the same call would resume it.
        DownloadError: Anything else went wrong.
    """
    with _translate_disk_errors(entry.folder), _hold_download_lock_or_raise(entry, file):
        fetched = 0
        entry.link_or_move_blob_if_complete(file.size)
        if not entry.is_snapshot_complete(file.size):
            fetched = _fetch_remaining_bytes_with_retries(hub, repo, file, entry.partial, report)
            _check_hash_or_remove_file(file, entry.partial, report)
            rename_and_sync_parent(entry.partial, entry.blob)
            entry.link_or_move_blob_if_complete(file.size)
        entry.record_revision(revision, repo.commit)
    return DownloadedFile(file, entry.snapshot, fetched)


@contextmanager
def _hold_download_lock_or_raise(entry: HubCachePaths, file: HubFile) -> Iterator[None]:
    """Keep other processes from downloading the same file during the `with` body.

    Raises:
        DownloadError: Another process is already downloading the file.
    """
    for folder in (entry.lock.parent, entry.blob.parent):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(entry.lock, timeout=0):
            yield
    except Timeout:
        raise DownloadError(
            f"Another program is already downloading {file.name}.",
            "Wait until it is done, then run this command again.",
        ) from None


@contextmanager
def _translate_disk_errors(folder: Path) -> Iterator[None]:
    """Translate an OSError of the `with` body into a DownloadError with a remedy."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise DownloadInterruptedError(
                f"The disk of {folder} is full.",
                f"Make room. The part downloaded so far is kept. {RESUME_HINT}",
            ) from error
        raise DownloadError(
            f"{error.filename or folder} cannot be written: {error.strerror or error}.",
            "Let HF_HUB_CACHE name a folder that can be written to.",
        ) from error


def _count_remaining_bytes(entry: HubCachePaths, file: HubFile) -> int:
    """Count the bytes of the file that its partial download does not contain yet."""
    return max(0, file.size - measure_size_or_zero(entry.partial))


def _fetch_remaining_bytes_with_retries(
    hub: HubClient, repo: Repo, file: HubFile, partial: Path, report: ProgressCallback
) -> int:
    """Download the missing end of the file `partial`; return the number of bytes transferred.

    An interrupted transfer is retried after each of PAUSES.

    Raises:
        DownloadInterruptedError: The last retry failed, too; `partial` is kept.
    """
    if measure_size_or_zero(partial) > file.size:
        partial.unlink()
    pauses, fetched = iter(PAUSES), 0
    meter = ProgressMeter(report, "fetch", file.size, measure_size_or_zero(partial), unit="bytes")
    while not partial.exists() or measure_size_or_zero(partial) < file.size:
        before = measure_size_or_zero(partial)
        try:
            with hub.open_file_transfer(repo, file, before) as received:
                _append_or_overwrite_bytes(received, file, partial, meter.report_units_done)
            cut = DownloadInterruptedError("The server ended the file too early.", RESUME_HINT)
        except RangeRefusedError as error:
            partial.unlink(missing_ok=True)
            cut = DownloadInterruptedError(error.message, error.remedy)
        except DownloadInterruptedError as error:
            cut = error
        gained = max(0, measure_size_or_zero(partial) - before)
        fetched += gained
        if measure_size_or_zero(partial) == file.size:
            break
        if gained >= RESET_BYTES:
            pauses = iter(PAUSES)
        if (pause := next(pauses, None)) is None:
            arrived = measure_size_or_zero(partial)
            have = f"{arrived:,} of {file.size:,} bytes of {file.name} have arrived."
            raise DownloadInterruptedError(f"{cut.message} {have}", cut.remedy) from cut
        time.sleep(pause)
    return fetched


def _append_or_overwrite_bytes(
    received: RunningTransfer, file: HubFile, partial: Path, report_done: DoneCallback
) -> None:
    """Append the received bytes to the file `partial`, or overwrite it if they begin at 0.

    Raises:
        DownloadError: The server sends another part or another length than the hub has stated.
    """
    if received.total not in (file.size, None):
        raise DownloadError(
            f"The hub states {file.size:,} bytes for {file.name}, the server {received.total:,}.",
            "Nothing was saved. Try again later.",
        )
    have = measure_size_or_zero(partial)
    if received.start not in (0, have):
        raise DownloadError(
            f"The server sends another part of {file.name} than requested.", "Try again later."
        )
    with partial.open("ab" if received.start else "wb", buffering=BLOCK) as out:
        done = received.start
        for chunk in received.chunks:
            done += len(chunk)
            if done > file.size:
                break
            out.write(chunk)
            report_done(done)
    if done > file.size:
        partial.unlink()
        raise DownloadError(
            f"The server sends more of {file.name} than the {file.size:,} bytes of the hub's list.",
            "The file was removed. Try again later.",
        )


def _check_hash_or_remove_file(file: HubFile, partial: Path, report: ProgressCallback) -> None:
    """Check that the downloaded file has the hash that the hub states; otherwise remove the file.

    Raises:
        DownloadError: The hashes differ.
    """
    digest = hashlib.sha256()
    if len(file.hash) == 40:
        digest = hashlib.sha1(b"blob %d\0" % file.size, usedforsecurity=False)
    meter = ProgressMeter(report, "check", file.size, unit="bytes")
    with partial.open("rb") as data:
        while block := data.read(4 * BLOCK):
            digest.update(block)
            meter.report_units_done(data.tell())
        with suppress(OSError):  # a read-only descriptor cannot be synced everywhere
            os.fsync(data.fileno())
    if digest.hexdigest() != file.hash:
        partial.unlink()
        raise DownloadError(
            f"{file.name} arrived damaged: its hash is {digest.hexdigest()}, "
            f"and the hub states {file.hash}.",
            "The file was removed. Run the command again.",
        )
