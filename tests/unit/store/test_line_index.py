"""Files are read once from end to end; then every block of entries can be had by itself."""

from __future__ import annotations

import gzip
import io
import json
import pickle
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from rm_local.errors import UsageError
from rm_local.progress import Progress
from rm_local.store.exchange.line_blocks import JsonlEntryBlocks
from rm_local.store.exchange.line_index import check_and_index_lines

BLOCK = 4


def lines(first: int, count: int) -> bytes:
    """So many entries, a blank line after each third."""
    return b"".join(
        json.dumps({"subproblem": f"How {n}?", "subroutine": "I do."}).encode()
        + (b"\n\n" if n % 3 == 0 else b"\n")
        for n in range(first, first + count)
    )


def numbers(found: JsonlEntryBlocks) -> list[list[int]]:
    """Which entries each block holds."""
    return [
        [int(entry.subproblem[4:-1]) for entry in found.read_block_entries(block)]
        for block in range(len(found.blocks))
    ]


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """The folder of the index."""
    return tmp_path / "work"


@pytest.fixture
def inputs(tmp_path: Path) -> list[Path]:
    """A plain file, a packed one, and one without a last line end."""
    paths = [tmp_path / name for name in ("a.jsonl", "b.jsonl.gz", "c.jsonl")]
    paths[0].write_bytes(lines(0, 6))
    paths[1].write_bytes(gzip.compress(lines(6, 5)))
    paths[2].write_bytes(lines(11, 3).rstrip())
    return paths


def test_blocks_run_on_from_file_to_file(inputs: list[Path], work: Path) -> None:
    """All but the last are full, in this process and in another."""
    found = check_and_index_lines(inputs, work, block_rows=BLOCK)
    assert found.rows == 14
    expected = [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11], [12, 13]]
    assert numbers(found) == numbers(pickle.loads(pickle.dumps(found))) == expected


def test_blank_lines_are_no_block(tmp_path: Path, work: Path) -> None:
    """After a last block that is full."""
    (tmp_path / "a.jsonl").write_bytes(lines(1, 4) + b"\n\n")
    assert numbers(check_and_index_lines([tmp_path / "a.jsonl"], work, block_rows=BLOCK)) == [
        [1, 2, 3, 4]
    ]


@pytest.mark.parametrize("line", [b"\n", b" \t\n", b"\xef\xbb\xbf\n", b" " * 9999 + b"\n"])
@pytest.mark.parametrize("before", [0, 3])
def test_blank_lines_without_an_end_are_refused(
    work: Path, monkeypatch: pytest.MonkeyPatch, line: bytes, before: int
) -> None:
    """Before and after entries; the stream is not read to its end, and nothing stays."""
    monkeypatch.setattr("rm_local.store.exchange.line_index.MOST_BLANK_BYTES", 1 << 16)
    stream = io.BytesIO(lines(1, before) + line * ((1 << 22) // len(line)))
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=stream))
    with pytest.raises(UsageError, match="blank lines"):
        check_and_index_lines([Path("-")], work)
    assert stream.tell() < 1 << 20
    assert not work.exists()


@pytest.mark.parametrize("most", [1, 50, 120])
def test_long_blocks_are_held_in_parts(
    inputs: list[Path], work: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """The blocks are the same, however few bytes of them are held at once."""
    monkeypatch.setattr("rm_local.store.exchange.line_index.SPAN_BYTES", most)
    found = check_and_index_lines(inputs, work, block_rows=BLOCK)
    assert numbers(found) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11], [12, 13]]
    assert len(found.blocks[0]) > 1


def test_the_same_files_are_read_once(inputs: list[Path], work: Path) -> None:
    """A later run finds the index; other lines, or another order, are read again."""
    seen: list[Progress] = []
    first = check_and_index_lines(inputs, work, seen.append, BLOCK)
    assert (seen[-1].done, seen[-1].total) == (14, 14)
    seen.clear()
    assert check_and_index_lines(inputs, work, seen.append, BLOCK) == first
    assert not seen
    inputs[0].write_bytes(lines(1, 6))
    other = check_and_index_lines(inputs, work, block_rows=BLOCK)
    assert other.sha256 != first.sha256
    assert check_and_index_lines(inputs[::-1], work, block_rows=BLOCK).sha256 not in (
        first.sha256,
        other.sha256,
    )


def test_standard_input_is_copied(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read again each time, and is the same when it holds the same."""
    found = []
    for _ in range(2):
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(lines(0, 6))))
        found.append(check_and_index_lines([Path("-")], work, block_rows=BLOCK))
    assert found[0] == found[1]
    assert numbers(found[0]) == [[0, 1, 2, 3], [4, 5]]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_bad_line_leaves_nothing(inputs: list[Path], work: Path, place: int) -> None:
    """Whichever file it is in, that file and its line are named."""
    packed = inputs[place].suffix == ".gz"
    bad = lines(0, 2) + b"{}\n"
    inputs[place].write_bytes(gzip.compress(bad) if packed else bad)
    with pytest.raises(UsageError, match=rf"{inputs[place].name}, line 4: it has no subproblem"):
        check_and_index_lines(inputs, work, block_rows=BLOCK)
    assert not work.exists()


def test_no_entries_are_refused(tmp_path: Path, work: Path) -> None:
    """An empty file, or one of blank lines."""
    for content in (b"", b"\n \n"):
        (tmp_path / "a.jsonl").write_bytes(content)
        with pytest.raises(UsageError, match=r"a\.jsonl: no entries"):
            check_and_index_lines([tmp_path / "a.jsonl"], work)
        assert not work.exists()


@pytest.mark.parametrize("change", ["edited", "cut", "gone", "copy"])
def test_a_file_that_changed_since_is_found(inputs: list[Path], work: Path, change: str) -> None:
    """No entry is ever read from other bytes than those that were checked."""
    found = check_and_index_lines(inputs, work, block_rows=BLOCK)
    file = work / "lines.zst" if change == "copy" else inputs[0]
    data = file.read_bytes()
    if change == "gone":
        file.unlink()
    else:
        file.write_bytes(data[:-9] if change == "cut" else data.replace(data[20:30], b"x" * 10))
    with pytest.raises(UsageError, match="has changed"):
        numbers(found)


def test_the_time_left_follows_from_the_share_of_bytes(
    tmp_path: Path, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where all inputs are plain files; how many entries there are is known at the end alone."""
    paths: Sequence[Path] = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    for place, path in enumerate(paths):
        path.write_bytes(lines(8 * place, 8))
    # A second passes between two looks at the clock, so between two signs of progress.
    monkeypatch.setattr("rm_local.progress.time.monotonic", map(float, range(100)).__next__)
    seen: list[Progress] = []
    check_and_index_lines(paths, work, seen.append, BLOCK)
    assert [now.done for now in seen] == [0, 4, 8, 12, 16, 16]
    assert [now.total for now in seen] == [None] * 5 + [16]
    timed = [(passed, now.seconds_left) for passed, now in enumerate(seen, 1)]
    shares = [passed / (passed + left) for passed, left in timed if left is not None]
    assert shares == sorted(shares)
    assert (len(shares), shares[-1]) == (5, 1.0)
    assert 0.2 < shares[0] < 0.3
