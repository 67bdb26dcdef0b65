"""Entries of JSON Lines files, block by block, from any process."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import zstandard

from rm_local.errors import UsageError
from rm_local.records import Entry
from rm_local.store.exchange.jsonl import entry_of


@dataclass(frozen=True, slots=True)
class Piece:
    """Lines that follow one another in one file."""

    name: str
    """Of the file that they came from."""
    line: int
    """Number of the first, from 1."""
    crc: int
    """CRC-32 of their bytes."""
    file: str
    """Where they lie: that file, or the copy, as a zstandard frame."""
    start: int
    size: int
    """Bytes in `file`, as is `start`."""
    copied: bool

    def entries(self) -> Iterator[Entry]:
        """UsageError: the file is not what it was."""
        # Not splitlines, which also ends a line at a carriage return.
        for number, line in enumerate(self._bytes().split(b"\n"), self.line):
            entry = entry_of(line, self.name, number)
            if entry:
                yield entry

    def _bytes(self) -> bytes:
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
                "Start again; if a build says so again, remove its folder .input first.",
            )
        return data


@dataclass(frozen=True)
class LineBlocks:
    """Entries that can be read from any block on; it can be pickled."""

    rows: int
    sha256: str
    """Of all lines, unpacked."""
    blocks: tuple[tuple[Piece, ...], ...]
    block_rows: int
    """Entries in a block; the last one holds what is left."""

    def entries(self, number: int) -> list[Entry]:
        """Those of one block, from 0. UsageError: a file has changed since the index was made."""
        return [entry for piece in self.blocks[number] for entry in piece.entries()]
