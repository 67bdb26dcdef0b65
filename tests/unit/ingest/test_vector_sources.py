"""Sources of a bulk build: entries of files, with vectors given or made."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import pickle
from contextlib import suppress
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from rm_local.errors import UsageError
from rm_local.ingest.vector_file import VectorFile, check_vector_file
from rm_local.ingest.vector_sources import EntrySourceWithNpyVectors, SubproblemSequence
from rm_local.store import VECTORS_FILE
from rm_local.store.exchange.line_blocks import JsonlEntryBlocks
from rm_local.store.exchange.line_index import check_and_index_lines
from tests.support.stores import entries, vectors

ROWS = 10


def check(path: Path) -> None:
    """Check a file of vectors as a build of ROWS entries does."""
    check_vector_file(VectorFile.from_path_or_copy(path, path.parent, ROWS, 16), ROWS, 16)


@pytest.fixture
def found(tmp_path: Path) -> JsonlEntryBlocks:
    """Ten entries in blocks of four."""
    path = tmp_path / "a.jsonl"
    rows = [{"subproblem": e.subproblem, "subroutine": e.subroutine} for e in entries(ROWS)]
    path.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    return check_and_index_lines([path], tmp_path / "work", block_rows=4)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_given_vectors_go_with_their_entries(
    found: JsonlEntryBlocks, tmp_path: Path, kind: type
) -> None:
    """Row by row, in other processes too, as float32 whatever they were."""
    np.save(tmp_path / "v.npy", vectors(ROWS).astype(kind))
    source = pickle.loads(pickle.dumps(EntrySourceWithNpyVectors(found, tmp_path / "v.npy", "toy")))
    blocks = [source.read_block(number) for number in range(3)]
    assert [entry.subproblem for part, _ in blocks for entry in part] == [
        *SubproblemSequence(found)
    ]
    rows = np.concatenate([part for _, part in blocks])
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows, vectors(ROWS), atol=1e-3)
    assert (source.rows, source.block_rows) == (ROWS, 4)


@pytest.mark.parametrize("part", [slice(0, 4), slice(3, 9), slice(8, 20), slice(5, 5)])
def test_subproblems_are_read_as_they_are_asked_for(found: JsonlEntryBlocks, part: slice) -> None:
    """Slices across blocks, and after the end."""
    assert SubproblemSequence(found)[part] == [e.subproblem for e in entries(ROWS)][part]


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        (vectors(9), r"shape \(9, 16\)"),
        (vectors(ROWS, dimension=8), r"shape \(10, 8\)"),
        (vectors(ROWS)[0], "shape"),
        (np.where(np.arange(ROWS)[:, None] == 7, np.nan, vectors(ROWS)), "row 7"),
        (np.where(np.arange(ROWS)[:, None] == 3, 0, vectors(ROWS)), "row 3"),
        (np.ones((ROWS, 16), np.int8), "floating-point"),
        (np.full((ROWS, 16), None), "not a .npy file"),
    ],
)
def test_vectors_that_do_not_fit_are_refused(tmp_path: Path, wrong: np.ndarray, fault: str) -> None:
    """Too few, too short, of another shape or kind, not finite, zero: named before any build."""
    np.save(tmp_path / "v.npy", wrong)
    with pytest.raises(UsageError, match=fault):
        check(tmp_path / "v.npy")


@pytest.mark.parametrize("kept", [-10, 40, 0])
def test_a_truncated_file_of_vectors_is_refused(tmp_path: Path, kept: int) -> None:
    """Wherever it is cut; or not there at all."""
    path = tmp_path / "v.npy"
    np.save(path, vectors(ROWS))
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(UsageError, match=r"v\.npy cannot be read"):
        check(path)
    path.unlink()
    with pytest.raises(UsageError, match=r"v\.npy cannot be read"):
        check(path)


def stated(shape: object, descr: object = "<f4", version: int = 1) -> bytes:
    """The beginning of a .npy file that states this shape and type."""
    text = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    size = len(text).to_bytes(2 if version == 1 else 4, "little")
    return b"\x93NUMPY" + bytes([version, 0]) + size + text


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\x93NUMPY",
        b"\x93NUMPY\x02\x00\xff\xff\xff\xff{",
        b"\x93NUMPY\x01\x00\xff\xff" + b"(" * 65535,
        b"\x93NUMPY\x07\x00\x10\x00",
        stated((1 << 60, 16)),
        stated((-ROWS, 16)),
        stated((ROWS, 16), [("a", "<f4")]),
        stated((ROWS, 16), "|O"),
        stated((ROWS, 16), "<i4", version=2),
    ],
    ids=map(str, range(10)),
)
def test_no_more_is_read_than_a_header(tmp_path: Path, head: bytes) -> None:
    """A stream without an end is refused by its first bytes, and no part of it is on the disk."""
    fifo, read = tmp_path / "v.npy", []
    os.mkfifo(fifo)

    def write_until_closed() -> None:
        with suppress(BrokenPipeError), fifo.open("wb", buffering=0) as pipe:
            pipe.write(head)
            while True:
                read.append(pipe.write(bytes(1 << 16)))

    writer = Thread(target=write_until_closed, daemon=True)
    writer.start()
    with pytest.raises(UsageError):
        check(fifo)
    writer.join()
    assert sum(read) < 1 << 18  # what a pipe and a buffer hold
    assert not (tmp_path / VECTORS_FILE).exists()


@pytest.mark.parametrize("more", [b"", b"and more", bytes(1 << 20)])
def test_a_stream_is_copied_as_far_as_its_header_states(tmp_path: Path, more: bytes) -> None:
    """What follows is no part of the array."""
    np.save(tmp_path / "whole.npy", vectors(ROWS))
    whole = (tmp_path / "whole.npy").read_bytes()
    (tmp_path / "v.npy.gz").write_bytes(gzip.compress(whole + more))
    copied = VectorFile.from_path_or_copy(tmp_path / "v.npy.gz", tmp_path, ROWS, 16)
    assert copied.path.read_bytes() == whole
    assert copied.state == hashlib.sha256(whole).hexdigest()
