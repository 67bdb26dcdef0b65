"""Opening a file or a stream to read its bytes, unpacked where they are packed."""

from __future__ import annotations

import gzip
import io
import stat
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import BinaryIO, cast

import zstandard

from rm_local.errors import UsageError

STDIN = Path("-")
PACKED = (".zst", ".gz")
_GZIP, _ZSTANDARD, _SKIPPABLE = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\x2a\x4d\x18"
"""What packed bytes begin with; a skippable frame has these behind its first byte."""
CHUNK = 1 << 18
WINDOW = 1 << 31
"""The largest that zstandard's own program makes (`--long=31`)."""


def input_name(path: Path) -> str:
    """What messages call it."""
    return "standard input" if path == STDIN else str(path)


def is_stream(path: Path) -> bool:
    """Whether its bytes come only once: standard input, a pipe, a descriptor, a device."""
    # The same descriptor has another file in another process, so it counts even if it has one.
    special = path.parts[:2] in (("/", "dev"), ("/", "proc"))
    if path == STDIN or (special and (path.name == "stdin" or path.parent.name == "fd")):
        return True
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def is_packed(path: Path) -> bool:
    """Whether `opened` unpacks this file, so that no place in it can be gone to directly."""
    return path.suffix.lower() in PACKED


@contextmanager
def open_input(path: Path) -> Iterator[BinaryIO]:
    """The bytes of `path` from the first on; `-` is standard input, which stays open.

    A file is unpacked by its name, a stream by its first bytes. UsageError, also while they are
    read: it is not there, cannot be read, or is packed and cut short or damaged.
    """
    name = input_name(path)
    try:
        file = standard_input() if path == STDIN else path.open("rb")
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}.", "Check the name.") from None
    try:
        with nullcontext() if path == STDIN else file:
            yield _unpacked(path, file)
    except (EOFError, zlib.error, gzip.BadGzipFile, zstandard.ZstdError) as error:
        raise UsageError(
            f"{name} cannot be unpacked: {error or 'it is cut short'}.", "Get it again."
        ) from None


def standard_input() -> BinaryIO:
    """Its bytes. UsageError: it is closed."""
    if sys.stdin is None:
        raise UsageError("Standard input is closed.", "Pipe something into it, or name a file.")
    return sys.stdin.buffer


def _unpacked(path: Path, file: BinaryIO) -> BinaryIO:
    suffix = path.suffix.lower()
    if is_stream(path):
        head = file.read(4)
        suffix, file = _suffix_of(head), io.BufferedReader(_Begun(head, file), CHUNK)
    match suffix:
        case ".gz":
            return cast(BinaryIO, gzip.open(file))
        case ".zst":
            return io.BufferedReader(_Frames(file), CHUNK)
        case _:
            return file


def _suffix_of(head: bytes) -> str:
    """What the name of a file would end in whose first four bytes these are."""
    if head.startswith(_GZIP):
        return ".gz"
    skippable = head[1:] == _SKIPPABLE and head[0] >> 4 == 5
    return ".zst" if head == _ZSTANDARD or skippable else ""


class _Begun(io.RawIOBase):
    """A stream of which the first bytes have been read already."""

    def __init__(self, head: bytes, file: BinaryIO) -> None:
        self._head, self._file = head, file

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill some of `buffer`; 0 at the end."""
        # What has come by now, as a slow pipe may not fill the buffer for long.
        read = getattr(self._file, "read1", self._file.read)
        data = self._head[: len(buffer)] or read(len(buffer))
        self._head = self._head[len(buffer) :]
        buffer[: len(data)] = data
        return len(data)


class _Frames(io.RawIOBase):
    """All frames of a zstandard file, one after another.

    zstandard's own reader takes a frame that is cut short for one that ends there.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._unpacker = zstandard.ZstdDecompressor(max_window_size=WINDOW)
        self._frame: zstandard.ZstdDecompressionObj | None = None
        self._packed = b""
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill some of `buffer`; 0 at the end. EOFError: the file is cut short."""
        while not self._ready:
            self._packed = self._packed or self._file.read(CHUNK)
            if not self._packed:
                if self._frame:
                    raise EOFError
                return 0
            self._unpack()
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def _unpack(self) -> None:
        self._frame = self._frame or self._unpacker.decompressobj()
        self._ready = memoryview(self._frame.decompress(self._packed))
        self._packed = b""
        if self._frame.eof:
            self._packed, self._frame = self._frame.unused_data, None
