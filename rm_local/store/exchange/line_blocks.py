"""Reads entries of indexed JSON Lines files block by block, in any process."""

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
    """Consecutive lines of one file."""

    name: str
    """Name of the file in messages."""
    line: int
    """Number of the first line, counted from 1."""
    crc: int
    """CRC-32 of the lines' bytes."""
    file: str
    """Path of the file, or of the copy with the lines in a zstandard frame."""
    start: int
    size: int
    """Bytes of the span in `file`; `start` is its offset in bytes."""
    copied: bool

    def read_entries(self) -> Iterator[Entry]:
        """Read the entries of the lines.

        Raises:
            UsageError: The file has changed since it was indexed.
        """
        # Not `splitlines`, which also splits at a carriage return.
        for number, line in enumerate(self._read_bytes().split(b"\n"), self.line):
            entry = parse_line(line, self.name, number)
            if entry:
                yield entry

    def _read_bytes(self) -> bytes:
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
class LineBlocks:
    """The entries of indexed files in blocks, which can be read in any order. Can be pickled."""

    rows: int
    sha256: str
    """SHA-256 of all lines, uncompressed."""
    blocks: tuple[tuple[LineSpan, ...], ...]
    block_rows: int
    """Entries in a block; the last one may have fewer."""

    def read_entries(self, number: int) -> list[Entry]:
        """Read the entries of block `number`, counted from 0.

        Raises:
            UsageError: A file has changed since it was indexed.
        """
        return [entry for span in self.blocks[number] for entry in span.read_entries()]
