"""Checks input files and streams before they are read, and copies streams to files."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from rm_local.disk_space import count_free_bytes
from rm_local.errors import StoreError, UsageError
from rm_local.store.exchange.compressed_input import (
    CHUNK,
    STDIN,
    get_input_name,
    get_standard_input,
    has_compressed_suffix,
    is_stream,
    open_decompressed_input,
)

KEPT_FREE = 64 << 20
"""Bytes that a copy of an input leaves free on the disk, for other programs."""


def needs_copy_for_random_access(path: Path) -> bool:
    """Return whether the input, a stream or compressed, must be copied for random access."""
    return is_stream(path) or has_compressed_suffix(path)


def check_inputs_are_readable(paths: Sequence[Path]) -> None:
    """Check that all inputs can be read, as far as this can be known before reading them.

    Raises:
        UsageError: An input is missing, closed, a terminal, or a stream named twice.
    """
    seen: dict[object, Path] = {}
    for path in paths:
        identity = _get_input_identity(path)
        if not is_stream(path):
            continue
        if _is_terminal(path):
            raise UsageError(
                f"Nothing is piped into {get_input_name(path)}: it is a terminal.",
                "Pipe something into it, or name a file.",
            )
        if identity in seen:
            names = " and ".join(
                dict.fromkeys((get_input_name(seen[identity]), get_input_name(path)))
            )
            raise UsageError(
                f"{names}: one stream is named twice, and can be read only once.",
                "Name it once, or name files.",
            )
        seen[identity] = path


def copy_and_hash_decompressed(
    path: Path, target: Path, read_head: Callable[[BinaryIO], tuple[bytes, int]]
) -> str:
    """Decompress `path` into the file `target`; return the SHA-256 of the written bytes.

    `read_head` reads the beginning from the open input, and returns it with the number of bytes
    that the whole copy has at most: what follows in the input is not read. After an error `target`
    does not exist.

    Raises:
        UsageError: The input cannot be read.
        StoreError: The disk is too full.
    """
    digest, name = hashlib.sha256(), get_input_name(path)
    try:
        with open_decompressed_input(path) as source, target.open("wb") as copy:
            data, left = read_head(source)
            check_space_for_input_copy(target.parent, left, name)
            data = data[:left]
            while data:
                check_space_for_input_copy(target.parent, len(data), name)
                copy.write(data)
                digest.update(data)
                left -= len(data)
                data = source.read(min(CHUNK, left)) if left else b""
    except BaseException as error:
        target.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise _make_disk_full_error(target.parent, name) from error
        raise
    return digest.hexdigest()


def check_space_for_input_copy(folder: Path, size: int, name: str) -> None:
    """Check that the disk of `folder` has space for `size` more bytes of a copy of an input.

    `name` is the name of the input for the message.

    Raises:
        StoreError: There is too little space, with KEPT_FREE bytes left free.
    """
    if count_free_bytes(folder) < size + KEPT_FREE:
        raise _make_disk_full_error(folder, name)


def _make_disk_full_error(folder: Path, name: str) -> StoreError:
    return StoreError(
        f"The disk of {folder} has no room for a copy of {name}, which can be read only once.",
        "Free some space, or save it as an uncompressed file and name that.",
    )


def _get_input_identity(path: Path) -> object:
    """Return a value that is equal for two paths of the same file or stream.

    Raises:
        UsageError: The file is missing or inaccessible.
    """
    try:
        status = os.fstat(sys.stdin.fileno()) if path == STDIN else path.stat()
    except (AttributeError, ValueError):
        return STDIN  # it has no open descriptor
    except OSError as error:
        if path == STDIN:
            return STDIN
        raise UsageError(f"{path} cannot be read: {error.strerror}.", "Check the name.") from None
    return status.st_dev, status.st_ino


def _is_terminal(path: Path) -> bool:
    """Return whether the stream `path` (`-`: standard input) is a terminal."""
    if path == STDIN:
        return get_standard_input().isatty()
    if not stat.S_ISCHR(path.stat().st_mode):
        return False
    flags = os.O_RDONLY | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        handle = os.open(path, flags)
    except OSError:
        return False  # reading it says why
    try:
        return os.isatty(handle)
    finally:
        os.close(handle)
