"""Files fetched from the hub into its cache: resumed when cut, checked, and only then named."""

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

from rm_local.disk_space import require_free
from rm_local.errors import DownloadCut, DownloadError
from rm_local.files import replace_file
from rm_local.library.hub.cache import Place, size_of
from rm_local.library.hub.hub_client import Hub, HubFile, Part, Repo
from rm_local.library.hub.hub_errors import GOES_ON, RangeRefused
from rm_local.library.hub.selector import HubModel
from rm_local.progress import DoneCallback, ProgressCallback, ProgressMeter

PAUSES = (1.0, 2.0, 4.0)
"""Seconds before each new try of a transfer that was cut; then it is given up."""
PROGRESS = 1 << 20
"""Bytes after which a cut counts as the first again."""

BLOCK = 1 << 20
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True, slots=True)
class DownloadedFile:
    """A file that is in the cache now."""

    file: HubFile
    path: Path
    fetched: int
    """Bytes that came over the network for it; 0 when it was there already."""


def cache_places(cache: Path, repo: Repo, model: HubModel) -> list[Place]:
    """Where each of the model's files lies or will lie."""
    return [Place.of(cache, repo.name, repo.commit, file.name, file.hash) for file in model.files]


def missing_bytes(places: list[Place], model: HubModel) -> int:
    """Bytes that are still to come."""
    return sum(
        0 if place.there(file.size) or size_of(place.blob) == file.size else _rest(place, file)
        for place, file in zip(places, model.files, strict=True)
    )


def check_download_fits(cache: Path, needed: int) -> None:
    """DownloadError when the cache's disk has less than `needed` bytes."""
    remedy = "Make room, or let HF_HUB_CACHE name a folder on another disk."
    require_free(cache, needed, "The download", error=DownloadError, remedy=remedy)


def download_file(
    hub: Hub, repo: Repo, file: HubFile, place: Place, revision: str, report: ProgressCallback
) -> DownloadedFile:
    """Bring the file into its place, whole and checked, or raise and leave nothing there.

    Raises DownloadCut when the same call would go on, DownloadError otherwise.
    """
    with _writing(place.folder), _alone(place, file):
        fetched = 0
        place.point(file.size)
        if not place.there(file.size):
            fetched = _transfer(hub, repo, file, place.partial, report)
            _check(file, place.partial, report)
            replace_file(place.partial, place.blob)
            place.point(file.size)
        place.name_revision(revision, repo.commit)
    return DownloadedFile(file, place.snapshot, fetched)


@contextmanager
def _alone(place: Place, file: HubFile) -> Iterator[None]:
    """Keep others from fetching the same file while the body runs."""
    for folder in (place.lock.parent, place.blob.parent):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(place.lock, timeout=0):
            yield
    except Timeout:
        raise DownloadError(
            f"Another program is fetching {file.name} already.",
            "Wait until it is done; then this command finds the file.",
        ) from None


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """What the disk refuses, as an error that the user can use."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise DownloadCut(
                f"The disk of {folder} is full.", f"Make room. What has come is kept. {GOES_ON}"
            ) from error
        raise DownloadError(
            f"{error.filename or folder} cannot be written: {error.strerror or error}.",
            "Let HF_HUB_CACHE name a folder that can be written to.",
        ) from error


def _rest(place: Place, file: HubFile) -> int:
    return max(0, file.size - size_of(place.partial))


def _transfer(hub: Hub, repo: Repo, file: HubFile, partial: Path, report: ProgressCallback) -> int:
    """Complete `partial`, over as many connections as it takes; the bytes that came."""
    if size_of(partial) > file.size:
        partial.unlink()
    pauses, fetched = iter(PAUSES), 0
    meter = ProgressMeter(report, "fetch", file.size, size_of(partial), unit="bytes")
    while not partial.exists() or size_of(partial) < file.size:
        before = size_of(partial)
        try:
            with hub.opened(repo, file, before) as part:
                _append(part, file, partial, meter.reach)
            cut = DownloadCut("The server ended the file too early.", GOES_ON)
        except RangeRefused as error:
            partial.unlink(missing_ok=True)
            cut = DownloadCut(error.message, error.remedy)
        except DownloadCut as error:
            cut = error
        gained = max(0, size_of(partial) - before)
        fetched += gained
        if size_of(partial) == file.size:
            break
        if gained >= PROGRESS:
            pauses = iter(PAUSES)
        if (pause := next(pauses, None)) is None:
            have = f"{size_of(partial):,} of {file.size:,} bytes of {file.name} have come."
            raise DownloadCut(f"{cut.message} {have}", cut.remedy) from cut
        time.sleep(pause)
    return fetched


def _append(part: Part, file: HubFile, partial: Path, tell: DoneCallback) -> None:
    """Write what comes behind what there is, or over it where the server begins anew."""
    if part.total not in (file.size, None):
        raise DownloadError(
            f"The hub states {file.size:,} bytes for {file.name}, the server {part.total:,}.",
            "Nothing was taken from it. Try again later.",
        )
    have = size_of(partial)
    if part.start not in (0, have):
        raise DownloadError(f"The server sends {file.name} from elsewhere than asked for.")
    with partial.open("ab" if part.start else "wb", buffering=BLOCK) as out:
        done = part.start
        for chunk in part.chunks:
            done += len(chunk)
            if done > file.size:
                break
            out.write(chunk)
            tell(done)
    if done > file.size:
        partial.unlink()
        raise DownloadError(
            f"More came for {file.name} than the {file.size:,} bytes that the hub states.",
            "What came is removed. Try again later.",
        )


def _check(file: HubFile, partial: Path, report: ProgressCallback) -> None:
    """Read what is on the disk: DownloadError, and the file removed, when its hash is another."""
    digest = hashlib.sha256()
    if len(file.hash) == 40:
        digest = hashlib.sha1(b"blob %d\0" % file.size, usedforsecurity=False)
    meter = ProgressMeter(report, "check", file.size, unit="bytes")
    with partial.open("rb") as data:
        while block := data.read(4 * BLOCK):
            digest.update(block)
            meter.reach(data.tell())
        with suppress(OSError):  # a read-only descriptor cannot be synced everywhere
            os.fsync(data.fileno())
    if digest.hexdigest() != file.hash:
        partial.unlink()
        raise DownloadError(
            f"{file.name} arrived damaged: its hash is {digest.hexdigest()}, "
            f"and the hub states {file.hash}.",
            "It is removed. Run the command again.",
        )
