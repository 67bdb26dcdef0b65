"""Reads entries from JSON Lines files block by block, at positions that an index recorded."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import zstandard

from rm_local.errors import UsageError
from rm_local.records import Entry
from rm_local.store.exchange.jsonl import parse_line


@dataclass(frozen=True, slots=True)
class LineSpan:
    """Position of consecutive lines of a JSON Lines file, from which their entries can be read."""

    name: str
    """Name of the input file in messages."""
    line: int
    """Number of the first line in the input file, counted from 1."""
    crc: int
    """CRC-32 of the lines' bytes, uncompressed."""
    file: str
    """Path of the input file, or of a copy that has these lines as a zstandard frame."""
    start: int
    """Offset in bytes of the lines, or of their frame, in `file`."""
    size: int
    """Number of bytes of the lines, or of their frame, in `file`."""
    copied: bool
    """Whether `file` is a copy of the lines, compressed by zstandard."""

    def read_entries(self) -> Iterator[Entry]:
        """Yield the entries of the lines; blank lines have none.

        Raises:
            UsageError: The file has changed since it was indexed.
        """
        # Not `splitlines`, which also splits at a carriage return.
        for number, line in enumerate(self._read_bytes().split(b"\n"), self.line):
            entry = parse_line(line, self.name, number)
            if entry:
                yield entry

    def _read_bytes(self) -> bytes:
        """Return the bytes of the lines, decompressed.

        Raises:
            UsageError: The file is missing, or has changed since it was indexed.
        """
        try:
            with open(self.file, "rb") as file:
                file.seek(self.start)
                data = file.read(self.size)
            data = zstandard.decompress(data) if self.copied else data
        except (OSError, zstandard.ZstdError):
            data = b""
        if zlib.crc32(data) != self.crc:
            raise UsageError(
                f"{self.name} has changed since it was first read.",
                "Start again; if a build repeats this, remove its folder .input first.",
            )
        return data


@dataclass(frozen=True)
class JsonlEntryBlocks:
    """All entries of some JSON Lines files, divided into blocks that can be read in any order.

    It holds the positions of the lines, not the entries, and can be pickled for other processes.
    """

    rows: int
    """Number of entries in all blocks."""
    sha256: str
    """SHA-256 of all lines of the files, uncompressed."""
    blocks: tuple[tuple[LineSpan, ...], ...]
    """Positions in the files of the lines of each block."""
    block_rows: int
    """Number of entries in a block; the last one may have fewer."""

    def read_block_entries(self, number: int) -> list[Entry]:
        """Read the entries of block `number`, counted from 0.

        Raises:
            UsageError: A file has changed since it was indexed.
        """
        return [entry for span in self.blocks[number] for entry in span.read_entries()]
