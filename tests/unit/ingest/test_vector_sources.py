"""Sources of a bulk build: entries of files, with vectors given or made."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from rm_local.errors import UsageError
from rm_local.ingest.vector_sources import (
    NpyVectorSource,
    SubproblemSequence,
    VectorFile,
    check_vector_file,
)
from rm_local.store.exchange.line_blocks import LineBlocks
from rm_local.store.exchange.line_index import index_lines
from tests.support.stores import entries, vectors

ROWS = 10


@pytest.fixture
def found(tmp_path: Path) -> LineBlocks:
    """Ten entries in blocks of four."""
    path = tmp_path / "a.jsonl"
    rows = [{"subproblem": e.subproblem, "subroutine": e.subroutine} for e in entries(ROWS)]
    path.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    return index_lines([path], tmp_path / "work", block_rows=4)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_given_vectors_go_with_their_entries(found: LineBlocks, tmp_path: Path, kind: type) -> None:
    """Row by row, in other processes too, as float32 whatever they were."""
    np.save(tmp_path / "v.npy", vectors(ROWS).astype(kind))
    source = pickle.loads(pickle.dumps(NpyVectorSource(found, tmp_path / "v.npy", "toy")))
    blocks = [source.read_block(number) for number in range(3)]
    assert [entry.subproblem for part, _ in blocks for entry in part] == [
        *SubproblemSequence(found)
    ]
    rows = np.concatenate([part for _, part in blocks])
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows, vectors(ROWS), atol=1e-3)
    assert (source.rows, source.block_rows) == (ROWS, 4)


@pytest.mark.parametrize("part", [slice(0, 4), slice(3, 9), slice(8, 20), slice(5, 5)])
def test_subproblems_are_read_as_they_are_asked_for(found: LineBlocks, part: slice) -> None:
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
        check_vector_file(VectorFile.from_path_or_copy(tmp_path / "v.npy", tmp_path), ROWS, 16)


@pytest.mark.parametrize("kept", [-10, 40, 0])
def test_a_truncated_file_of_vectors_is_refused(tmp_path: Path, kept: int) -> None:
    """Wherever it is cut; or not there at all."""
    path = tmp_path / "v.npy"
    np.save(path, vectors(ROWS))
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(UsageError, match=r"v\.npy cannot be read"):
        check_vector_file(VectorFile.from_path_or_copy(path, tmp_path), ROWS, 16)
    path.unlink()
    with pytest.raises(UsageError, match=r"v\.npy cannot be read"):
        check_vector_file(VectorFile.from_path_or_copy(path, tmp_path), ROWS, 16)
