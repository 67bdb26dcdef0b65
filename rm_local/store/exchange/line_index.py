"""Indexes JSON Lines files: checks every line, and records where each block of entries is."""

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
from rm_local.store.exchange.compressed_input import (
    get_input_name,
    has_compressed_suffix,
    is_stream,
    open_decompressed_input,
)
from rm_local.store.exchange.inputs import check_space_for_input_copy, needs_copy_for_random_access
from rm_local.store.exchange.jsonl import parse_line, read_lines
from rm_local.store.exchange.line_blocks import JsonlEntryBlocks, LineSpan
from rm_local.work_folder import MARKER, make_or_reuse_work_folder

BLOCK_ROWS = 4096
LEVEL = 1
"""zstandard level of copied lines: low, because the copy is read only once or twice."""
SPAN_BYTES = 32 << 20
"""Maximum bytes of lines that are held in memory at once, except a single longer line."""
MOST_BLANK_BYTES = 4 << 20
"""Maximum bytes of blank lines in a row: a stream of nothing else may have no end."""
INDEX, COPY, VECTORS_FILE = "index.json", "lines.zst", "vectors.npy"


def check_and_index_lines(
    inputs: Sequence[Path],
    folder: Path,
    report: ProgressCallback = ignore_progress,
    block_rows: int = BLOCK_ROWS,
) -> JsonlEntryBlocks:
    """Check all lines of `inputs` and divide their entries into blocks of `block_rows`.

    `-` is standard input. Compressed files and streams are copied into `folder`. The index is saved
    there, too, and reused by a later call with unchanged files. After an error index and copy are
    removed.

    Raises:
        UsageError: An input cannot be read, a line is not an entry, or there are no entries.
        StoreError: The disk is too full for the copy.
    """
    seen = [_get_input_file_state(path) for path in inputs]
    found = _load_index_if_unchanged(folder, seen)
    if found and found.block_rows == block_rows:
        return found
    make_or_reuse_work_folder(folder)
    with _create_copy_or_discard_index(folder) as copy:
        cutter, meter = _LineBlockBuilder(folder, copy, block_rows), ProgressMeter(report, "read")
        for number, path in enumerate(inputs):
            _index_input(path, cutter, _ReadShareEstimator(seen, number), meter)
        if not cutter.rows:
            names = ", ".join(map(get_input_name, inputs))
            raise UsageError(f"{names}: no entries.", "Name files that contain entries.")
    result = cutter.make_blocks(folder / COPY)
    meter.total = result.rows
    meter.report_units_done(result.rows)
    kept = {"inputs": seen, **asdict(result)}
    write_bytes_atomically(folder / INDEX, json.dumps(kept).encode())
    return result


def remove_index_and_folder_if_empty(folder: Path) -> None:
    """Remove the files of an index (positions, copies) from `folder`, and then the empty folder."""
    for name in (INDEX, COPY, VECTORS_FILE, MARKER):
        (folder / name).unlink(missing_ok=True)
    if not any(folder.iterdir()):
        folder.rmdir()


State = list[str | int]
"""Path, size in bytes and modification time in ns of an input file; only the path of a stream."""


def _get_input_file_state(path: Path) -> State:
    """Return absolute path, size and modification time of a file, or only the path of a stream."""
    if is_stream(path):
        return [str(path)]
    status = path.stat()
    return [str(path.absolute()), status.st_size, status.st_mtime_ns]


def _load_index_if_unchanged(folder: Path, seen: list[State]) -> JsonlEntryBlocks | None:
    """Load the index saved in `folder` if it is of inputs in the same states, `seen`.

    None if it is missing, damaged, or of other inputs, or if an input is a stream.
    """
    try:
        read = json.loads((folder / INDEX).read_text("utf-8"))
        if read["inputs"] != seen or any(len(state) == 1 for state in seen):
            return None
        blocks = tuple(tuple(LineSpan(**span) for span in block) for block in read["blocks"])
        return JsonlEntryBlocks(read["rows"], read["sha256"], blocks, read["block_rows"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


@contextmanager
def _create_copy_or_discard_index(folder: Path) -> Iterator[BinaryIO]:
    """Open an empty file in `folder` for copied lines, kept after the body.

    After an error in the body the whole index is discarded.
    """
    try:
        with write_atomically(folder / COPY) as file:
            yield file
    except BaseException:
        remove_index_and_folder_if_empty(folder)
        raise


@dataclass(frozen=True)
class _ReadShareEstimator:
    """Estimator of the share of all inputs' bytes that has been read, for progress reports."""

    seen: list[State]
    """State (path, size, modification time) of each input, in order of reading."""
    number: int
    """Position of the current input in `seen`."""

    def estimate_share(self, place: int, path: Path) -> float | None:
        """Return the share, 0 to 1, when `place` bytes of the current input `path` are read.

        None if the sizes do not say: an input is a stream, or the current one is compressed.
        """
        sizes = [int(state[1]) for state in self.seen if len(state) == 3]
        if len(sizes) < len(self.seen) or has_compressed_suffix(path):
            return None
        return (sum(sizes[: self.number]) + place) / max(1, sum(sizes))


class _LineBlockBuilder:
    """Builder of `JsonlEntryBlocks` from the lines of several inputs, one after another.

    Lines of inputs that cannot be read again are written to `copy`.
    """

    def __init__(self, folder: Path, copy: BinaryIO, block_rows: int) -> None:
        self.rows = 0
        """Number of entries in the lines added so far."""
        self.place = 0
        """Number of bytes of the current input in finished spans of lines."""
        self._folder, self._copy, self._block_rows = folder, copy, block_rows
        self._digest = hashlib.sha256()
        self._blocks: list[list[LineSpan]] = [[]]
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._name, self._copied, self._line = "", False, 1

    def begin_input(self, name: str, copied: bool) -> None:
        """Start the next input; if `copied`, its lines are written to the copy."""
        self._name, self._copied, self._line, self.place = name, copied, 1, 0

    def add_line_and_end_block_if_full(self, line: bytes, is_entry: bool) -> bool:
        """Add a line of the current input; return whether a block of entries ends with it."""
        self._held.append(line)
        self._held_bytes += len(line)
        self.rows += is_entry
        full = is_entry and self.rows % self._block_rows == 0
        if full or self._held_bytes >= SPAN_BYTES:
            self.end_span()
        if full:
            self._blocks.append([])
        return full

    def end_span(self) -> None:
        """Add the lines since the last span to the current block as one `LineSpan`, if any."""
        data = b"".join(self._held)
        if not data:
            return
        self._digest.update(data)
        start, size, file = self.place, len(data), self._name
        if self._copied:
            start, file = self._copy.tell(), ""
            packed = zstandard.compress(data, LEVEL)
            check_space_for_input_copy(self._folder, len(packed), self._name)
            size = self._copy.write(packed)
        span = LineSpan(self._name, self._line, zlib.crc32(data), file, start, size, self._copied)
        self._blocks[-1].append(span)
        self.place += len(data)
        self._line += len(self._held)
        self._held.clear()
        self._held_bytes = 0

    def make_blocks(self, final_copy: Path) -> JsonlEntryBlocks:
        """Return the blocks of all added lines; copied lines will be in the file `final_copy`."""
        # There may be only blank lines after the last full block.
        blocks = self._blocks[: -(-self.rows // self._block_rows)]
        placed = tuple(
            tuple(_resolve_span_path(span, final_copy) for span in block) for block in blocks
        )
        return JsonlEntryBlocks(self.rows, self._digest.hexdigest(), placed, self._block_rows)


def _resolve_span_path(span: LineSpan, copy: Path) -> LineSpan:
    """Return `span` with the absolute path of its file: `copy` if its lines were copied."""
    return replace(span, file=str((copy if span.copied else Path(span.file)).resolve()))


def _index_input(
    path: Path, cutter: _LineBlockBuilder, share: _ReadShareEstimator, meter: ProgressMeter
) -> None:
    """Check all lines of the input `path` and add them to `cutter`.

    Raises:
        UsageError: The input cannot be read, a line is not an entry, or many lines are blank.
    """
    name, blank = get_input_name(path), 0
    cutter.begin_input(name, needs_copy_for_random_access(path))
    with open_decompressed_input(path) as file:
        for number, line in read_lines(file, name):
            is_entry = parse_line(line, name, number) is not None
            blank = 0 if is_entry else blank + len(line)
            if blank > MOST_BLANK_BYTES:
                raise UsageError(
                    f"{name}, line {number}: the last {MOST_BLANK_BYTES >> 20} MB are blank lines.",
                    "Remove them, or check what writes them.",
                )
            if cutter.add_line_and_end_block_if_full(line, is_entry):
                meter.report_units_done(cutter.rows, share.estimate_share(cutter.place, path))
        cutter.end_span()
