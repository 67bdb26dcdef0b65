"""Files of other programs are recognized, so that a message can say what a user has given."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sqlite3
import zipfile
from pathlib import Path

import pytest
import zstandard

from rm_local.errors import InvalidModelError, UsageError
from rm_local.file_formats import describe_foreign_format_or_empty
from rm_local.gguf.header import read_header
from rm_local.store.exchange.jsonl import parse_line


def zip_file() -> bytes:
    """A ZIP archive with one file."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a", "b")
    return packed.getvalue()


def database() -> bytes:
    """An SQLite database with one table."""
    with sqlite3.connect(":memory:") as connection:
        connection.execute("CREATE TABLE a (b)")
        return connection.serialize()


TEXT = b'{"subproblem": "How?", "subroutine": "I do."}\n'
FORMATS = {
    "a web page": b"\xef\xbb\xbf \n<!DOCTYPE html>\n<title>404</title>",
    "a pointer of Git LFS": b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 9\n",
    "a ZIP archive": zip_file(),
    "compressed by gzip": gzip.compress(TEXT, mtime=0),
    "compressed by xz": lzma.compress(TEXT),
    "compressed by bzip2": bz2.compress(TEXT),
    "compressed by zstandard": zstandard.compress(TEXT),
    "a SQLite database": database(),
}


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_is_named_wherever_a_model_or_entries_are_wanted(
    tmp_path: Path, name: str
) -> None:
    """By its contents, whatever the file is called."""
    path = tmp_path / "file.gguf"
    path.write_bytes(FORMATS[name])

    assert describe_foreign_format_or_empty(FORMATS[name]) == name
    with pytest.raises(InvalidModelError, match=f"is not a GGUF file but {name}"):
        read_header(path)
    with pytest.raises(UsageError, match=f"line 1: it is {name}"):
        parse_line(FORMATS[name].strip(b"\xef\xbb\xbf \n").split(b"\n")[0], "a.jsonl", 1)


@pytest.mark.parametrize("data", [b"", b"B", TEXT, b"hello", b"GGUF\3\0\0\0", b"\xff\xfe\0"])
def test_other_contents_have_no_name(data: bytes) -> None:
    """Neither texts nor models nor unknown bytes."""
    assert describe_foreign_format_or_empty(data) == ""
