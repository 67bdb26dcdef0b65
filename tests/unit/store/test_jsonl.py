"""Entries are read from JSON Lines, and whatever is wrong with a file is named by its line."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard

from rm_local.errors import UsageError
from rm_local.records import Entry
from rm_local.store.exchange import jsonl
from rm_local.store.exchange.compressed_input import open_decompressed_input
from rm_local.store.exchange.jsonl import parse_line, read_lines

LINE = b'{"subproblem": "How to add?", "subroutine": "I should add."}'
FULL = Entry("How to add é?", "I should\u2028add.\r", "math", "hand", "school", "me, CC0")


def read_entries(path: Path) -> Iterator[tuple[int, Entry]]:
    """The entries of a file, each with the number of its line."""
    with open_decompressed_input(path) as file:
        for number, line in read_lines(file, str(path)):
            if entry := parse_line(line, str(path), number):
                yield number, entry


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where each test puts its lines."""
    return tmp_path / "entries.jsonl"


def as_line(entry: Entry) -> bytes:
    """The entry's line, as JSON spells it without escapes."""
    fields = ("subproblem", "subroutine", "domain", "source", "level", "provenance")
    row = {name: getattr(entry, name) for name in fields}
    return json.dumps(row, ensure_ascii=False).encode() + b"\n"


def test_an_entry_has_all_its_fields(path: Path) -> None:
    """Line ends of Unicode within a text end no line."""
    path.write_bytes(as_line(FULL))
    assert list(read_entries(path)) == [(1, FULL)]


def test_lines_are_numbered_as_they_stand(path: Path) -> None:
    """Blank ones count; a mark at the start and carriage returns do not hurt."""
    path.write_bytes(b"\xef\xbb\xbf" + LINE + b"\r\n\n  \n" + LINE)
    assert [number for number, _ in read_entries(path)] == [1, 4]


def test_unknown_keys_of_a_line_are_ignored(path: Path) -> None:
    """Other keys, and null for a text that may be missing."""
    path.write_bytes(LINE[:-1] + b', "votes": [1], "domain": null}')
    ((_, entry),) = read_entries(path)
    assert entry == Entry("How to add?", "I should add.")


@pytest.mark.slow
@pytest.mark.parametrize("pack", [zstandard.compress, gzip.compress], ids=["zst", "gz"])
def test_packed_files_are_read_frame_by_frame(
    tmp_path: Path, pack: object, request: pytest.FixtureRequest
) -> None:
    """Several frames one after another, as `cat` makes of packed files; cut short is an error."""
    assert callable(pack)
    path = tmp_path / f"entries.jsonl.{request.node.callspec.id}"
    path.write_bytes(pack(LINE + b"\n") + pack((LINE + b"\n") * 50_000))
    assert len(list(read_entries(path))) == 50_001
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UsageError, match=r"entries\.jsonl\..* cannot be unpacked"):
        list(read_entries(path))
    path.write_bytes(b"no such thing")
    with pytest.raises(UsageError, match="cannot be unpacked"):
        list(read_entries(path))


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b'{"subproblem": "a"', "not JSON"),
        (b"[1, 2]", "not a JSON object"),
        (b'{"subproblem": "a"}', "no subroutine"),
        (b'{"subroutine": "a"}', "no subproblem"),
        (b'{"subproblem": " ", "subroutine": "a"}', "no subproblem"),
        (b'{"subproblem": "a", "subroutine": null}', "no subroutine"),
        (b'{"subproblem": 4, "subroutine": "a"}', "its subproblem is not text"),
        (LINE[:-1] + b', "level": 3}', "its level is not text"),
        (b'{"subproblem": "\xff", "subroutine": "a"}', "byte 17 is not UTF-8"),
        (b"[" * 100_000, "too deeply"),
        (b'{"subproblem": "a", "subroutine": "' + b"b" * (1 << 20) + b'"}', "1,048,577 bytes"),
    ],
)
def test_a_bad_line_is_named(path: Path, line: bytes, fault: str) -> None:
    """File, line and fault, and how a line should look."""
    path.write_bytes(LINE + b"\n" + line + b"\n")
    with pytest.raises(UsageError, match=r"entries\.jsonl, line 2: .*" + fault) as caught:
        list(read_entries(path))
    assert '"subproblem"' in caught.value.remedy


def test_an_endless_line_is_not_read_to_its_end(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of another kind may have no line ends at all."""
    monkeypatch.setattr(jsonl, "MAX_LINE_BYTES", 100)
    path.write_bytes(b"x" * 1000)
    with pytest.raises(UsageError, match="line 1: it is longer than 100 bytes"):
        list(read_entries(path))


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """None there, or a folder."""
    for name in ("no.jsonl", "."):
        with pytest.raises(UsageError, match="cannot be read"):
            list(read_entries(tmp_path / name))
