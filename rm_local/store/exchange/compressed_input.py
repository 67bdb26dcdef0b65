"""Opens files and streams for reading, and decompresses gzip and zstandard."""

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
"""First bytes of data compressed by gzip or zstandard, and bytes 2 to 4 of a skippable zstandard
frame."""
CHUNK = 1 << 18
WINDOW = 1 << 31
"""Maximum window in bytes of zstandard input, as that of the zstd program with `--long=31`."""


def get_input_name(path: Path) -> str:
    """Return the name of an input for messages: its path, or "standard input" for `-`."""
    return "standard input" if path == STDIN else str(path)


def is_stream(path: Path) -> bool:
    """Return whether `path` can be read only once: standard input (`-`), a pipe or a device."""
    # A descriptor of a regular file counts, too: in another process it is another file.
    special = path.parts[:2] in (("/", "dev"), ("/", "proc"))
    if path == STDIN or (special and (path.name == "stdin" or path.parent.name == "fd")):
        return True
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def has_compressed_suffix(path: Path) -> bool:
    """Return whether a file's name ends with .zst or .gz: `open_decompressed_input` unpacks it."""
    return path.suffix.lower() in PACKED


@contextmanager
def open_decompressed_input(path: Path) -> Iterator[BinaryIO]:
    """Open `path` for reading its decompressed bytes; close it after the body.

    `-` is standard input, which stays open. Compression is recognized by the name of a file, or by
    the first bytes of a stream.

    Raises:
        UsageError: The input is missing or unreadable; in the body: compressed data is damaged.
    """
    name = get_input_name(path)
    try:
        file = get_standard_input() if path == STDIN else path.open("rb")
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}.", "Check the name.") from None
    try:
        with nullcontext() if path == STDIN else file:
            yield _wrap_decompressor_if_compressed(path, file)
    except (EOFError, zlib.error, gzip.BadGzipFile, zstandard.ZstdError) as error:
        raise UsageError(
            f"{name} cannot be unpacked: {error or 'it is cut short'}.", "Get it again."
        ) from None


def get_standard_input() -> BinaryIO:
    """Return standard input as a binary file.

    Raises:
        UsageError: Standard input is closed.
    """
    if sys.stdin is None:
        raise UsageError("Standard input is closed.", "Pipe something into it, or name a file.")
    return sys.stdin.buffer


def _wrap_decompressor_if_compressed(path: Path, file: BinaryIO) -> BinaryIO:
    """Return a stream of the decompressed bytes of `file`.

    For an uncompressed file this is `file` itself; for an uncompressed stream it is a new one over
    `file`, of which the first bytes are read here.
    """
    suffix = path.suffix.lower()
    if is_stream(path):
        head = file.read(4)
        suffix, file = (
            _detect_compression_suffix(head),
            io.BufferedReader(_PrefixedStream(head, file), CHUNK),
        )
    match suffix:
        case ".gz":
            return cast(BinaryIO, gzip.open(file))
        case ".zst":
            return io.BufferedReader(_ZstdFrameReader(file), CHUNK)
        case _:
            return file


def _detect_compression_suffix(head: bytes) -> str:
    """Return ".gz" or ".zst" for the first four bytes of data compressed so, otherwise ""."""
    if head.startswith(_GZIP):
        return ".gz"
    skippable = head[1:] == _SKIPPABLE and head[0] >> 4 == 5
    return ".zst" if head == _ZSTANDARD or skippable else ""


class _PrefixedStream(io.RawIOBase):
    """A stream of the bytes `head`, already read from `file`, and then of the rest of `file`."""

    def __init__(self, head: bytes, file: BinaryIO) -> None:
        self._head, self._file = head, file

    def readable(self) -> bool:
        """Return True: this stream is for reading."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read bytes into `buffer`; return their number, 0 at the end of the stream."""
        # Not `read`: on a slow pipe it would wait until the buffer is full.
        read = getattr(self._file, "read1", self._file.read)
        data = self._head[: len(buffer)] or read(len(buffer))
        self._head = self._head[len(buffer) :]
        buffer[: len(data)] = data
        return len(data)


class _ZstdFrameReader(io.RawIOBase):
    """A stream of the decompressed bytes of `file`, which has any number of zstandard frames.

    Unlike zstandard's own reader it reports a truncated frame.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._unpacker = zstandard.ZstdDecompressor(max_window_size=WINDOW)
        self._frame: zstandard.ZstdDecompressionObj | None = None
        self._packed = b""
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        """Return True: this stream is for reading."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read decompressed bytes into `buffer`; return their number, 0 at the end of the file.

        Raises:
            EOFError: The file is truncated.
        """
        while not self._ready:
            self._packed = self._packed or self._file.read(CHUNK)
            if not self._packed:
                if self._frame:
                    raise EOFError
                return 0
            self._decompress_chunk()
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def _decompress_chunk(self) -> None:
        self._frame = self._frame or self._unpacker.decompressobj()
        self._ready = memoryview(self._frame.decompress(self._packed))
        self._packed = b""
        if self._frame.eof:
            self._packed, self._frame = self._frame.unused_data, None
