"""The first reading of JSON Lines files: every line checked, and the place of each block kept."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import BinaryIO

import zstandard

from rm_local.errors import UsageError
from rm_local.files import write_atomically, write_bytes_atomically
from rm_local.progress import ProgressCallback, ProgressMeter, ignore_progress
from rm_local.store.exchange.compressed_input import input_name, is_packed, is_stream, open_input
from rm_local.store.exchange.inputs import check_free, needs_copy
from rm_local.store.exchange.jsonl import entry_of, lines
from rm_local.store.exchange.line_blocks import LineBlocks, Piece
from rm_local.work_folder import MARKER, open_work_folder

BLOCK_ROWS = 4096
LEVEL = 1
"""Of zstandard in the copy: it is read once or twice, soon."""
INDEX, COPY, VECTORS_FILE = "index.json", "lines.zst", "vectors.npy"


def index_lines(
    inputs: Sequence[Path],
    folder: Path,
    report: ProgressCallback = ignore_progress,
    block_rows: int = BLOCK_ROWS,
) -> LineBlocks:
    """Read all lines of `inputs`, in order; `-` is standard input.

    What cannot be read from any place on, a packed file or a stream, is copied into `folder`; the
    index is kept there too, so that it is made once. UsageError: an input cannot be read, a line
    holds no entry, or there is none; StoreError: the disk has no room for the copy; then `folder`
    holds nothing of it.
    """
    seen = [_state(path) for path in inputs]
    found = _kept(folder, seen)
    if found and found.block_rows == block_rows:
        return found
    open_work_folder(folder)
    with _copy(folder) as copy:
        cutter, meter = _Cutter(folder, copy, block_rows), ProgressMeter(report, "read")
        for number, path in enumerate(inputs):
            _read(path, cutter, _Share(seen, number), meter)
        if not cutter.rows:
            names = ", ".join(map(input_name, inputs))
            raise UsageError(f"{names}: no entries.", "Give files with some.")
    result = cutter.lines(folder / COPY)
    meter.total = result.rows
    meter.reach(result.rows)
    kept = {"inputs": seen, **asdict(result)}
    write_bytes_atomically(folder / INDEX, json.dumps(kept).encode())
    return result


def discard_index(folder: Path) -> None:
    """Take away what was read into the folder, and the folder if it holds nothing else."""
    for name in (INDEX, COPY, VECTORS_FILE, MARKER):
        (folder / name).unlink(missing_ok=True)
    if not any(folder.iterdir()):
        folder.rmdir()


State = list[str | int]
"""Path, size and time of the last change; the path alone for a stream."""


def _state(path: Path) -> State:
    if is_stream(path):
        return [str(path)]
    status = path.stat()
    return [str(path.absolute()), status.st_size, status.st_mtime_ns]


def _kept(folder: Path, seen: list[State]) -> LineBlocks | None:
    """The index that an earlier run made of the same files."""
    try:
        read = json.loads((folder / INDEX).read_text("utf-8"))
        if read["inputs"] != seen or any(len(state) == 1 for state in seen):
            return None
        blocks = tuple(tuple(Piece(**piece) for piece in block) for block in read["blocks"])
        return LineBlocks(read["rows"], read["sha256"], blocks, read["block_rows"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


@contextmanager
def _copy(folder: Path) -> Iterator[BinaryIO]:
    """The copy, empty, under its name once the body is done; else it is gone, and the folder."""
    try:
        with write_atomically(folder / COPY) as file:
            yield file
    except BaseException:
        discard_index(folder)
        raise


@dataclass(frozen=True)
class _Share:
    """How much of all inputs is read when one of them is, up to some byte."""

    seen: list[State]
    number: int

    def at(self, place: int, path: Path) -> float | None:
        sizes = [int(state[1]) for state in self.seen if len(state) == 3]
        if len(sizes) < len(self.seen) or is_packed(path):
            return None
        return (sum(sizes[: self.number]) + place) / max(1, sum(sizes))


class _Cutter:
    """Cuts lines into blocks, and copies those that lie where they cannot be found again."""

    def __init__(self, folder: Path, copy: BinaryIO, block_rows: int) -> None:
        self.rows = 0
        self.place = 0
        """Bytes of the present input that are in pieces."""
        self._folder, self._copy, self._block_rows = folder, copy, block_rows
        self._digest = hashlib.sha256()
        self._blocks: list[list[Piece]] = [[]]
        self._held: list[bytes] = []
        self._name, self._copied, self._line = "", False, 1

    def begin(self, name: str, copied: bool) -> None:
        """What comes next is another input's."""
        self._name, self._copied, self._line, self.place = name, copied, 1, 0

    def take(self, line: bytes, is_entry: bool) -> bool:
        """Whether the line ends a block."""
        self._held.append(line)
        self.rows += is_entry
        full = is_entry and self.rows % self._block_rows == 0
        if full:
            self.cut()
            self._blocks.append([])
        return full

    def cut(self) -> None:
        """End a piece."""
        data = b"".join(self._held)
        if not data:
            return
        self._digest.update(data)
        start, size, file = self.place, len(data), self._name
        if self._copied:
            start, file = self._copy.tell(), ""
            packed = zstandard.compress(data, LEVEL)
            check_free(self._folder, len(packed), self._name)
            size = self._copy.write(packed)
        piece = Piece(self._name, self._line, zlib.crc32(data), file, start, size, self._copied)
        self._blocks[-1].append(piece)
        self.place += len(data)
        self._line += len(self._held)
        self._held.clear()

    def lines(self, copy: Path) -> LineBlocks:
        """All that was taken; `copy` is where the copy lies at last."""
        # What follows the last full block may be blank lines alone.
        blocks = self._blocks[: -(-self.rows // self._block_rows)]
        placed = tuple(tuple(_placed(piece, copy) for piece in block) for block in blocks)
        return LineBlocks(self.rows, self._digest.hexdigest(), placed, self._block_rows)


def _placed(piece: Piece, copy: Path) -> Piece:
    return replace(piece, file=str((copy if piece.copied else Path(piece.file)).resolve()))


def _read(path: Path, cutter: _Cutter, share: _Share, meter: ProgressMeter) -> None:
    """All lines of one input. UsageError."""
    name = input_name(path)
    cutter.begin(name, needs_copy(path))
    with open_input(path) as file:
        for number, line in lines(file, name):
            if cutter.take(line, entry_of(line, name, number) is not None):
                meter.reach(cutter.rows, share.at(cutter.place, path))
        cutter.cut()
