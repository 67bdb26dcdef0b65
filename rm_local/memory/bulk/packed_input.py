"""Opening a file to read its bytes, unpacked where its name ends in .zst or .gz."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import zstandard

from rm_local.errors import UsageError

PACKED = (".zst", ".gz")
CHUNK = 1 << 18
WINDOW = 1 << 31
"""The largest that zstandard's own program makes (`--long=31`)."""


def is_packed(path: Path) -> bool:
    """Whether `opened` unpacks it, so that no place in it can be gone to directly."""
    return path.suffix.lower() in PACKED


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The bytes of `path` from the first on.

    UsageError, also while they are read: it is not there, cannot be read, or is packed and cut
    short or damaged.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.", "Check the name.") from None
    try:
        with file:
            yield _unpacked(path, file)
    except (EOFError, zlib.error, gzip.BadGzipFile, zstandard.ZstdError) as error:
        raise UsageError(
            f"{path} cannot be unpacked: {error or 'it is cut short'}.", "Get it anew."
        ) from None


def _unpacked(path: Path, file: BinaryIO) -> BinaryIO:
    match path.suffix.lower():
        case ".gz":
            return cast(BinaryIO, gzip.open(file))
        case ".zst":
            return io.BufferedReader(_Frames(file), CHUNK)
        case _:
            return file


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
