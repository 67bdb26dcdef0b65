"""Recognizes files of other programs by their first bytes."""

from __future__ import annotations

_FOREIGN_FORMATS = {
    "a web page": (b"<!doctype html", b"<html"),
    "a pointer of Git LFS": (b"version https://git-lfs",),
    "a ZIP archive": (b"PK\x03\x04", b"PK\x05\x06"),
    "compressed by gzip": (b"\x1f\x8b",),
    "compressed by xz": (b"\xfd7zXZ\x00",),
    "compressed by bzip2": (b"BZh",),
    "compressed by zstandard": (b"\x28\xb5\x2f\xfd",),
    "a 7-Zip archive": (b"7z\xbc\xaf\x27\x1c",),
    "a PDF": (b"%pdf-",),
    "a SQLite database": (b"SQLite format 3\x00",),
}
"""First bytes by format; those of texts in lower case."""
FORMAT_BYTES = 64
"""Number of first bytes that are enough to recognize one of these formats."""


def describe_foreign_format_or_empty(start: bytes) -> str:
    """Name the format that a file has by its first bytes, with an article: "a web page".

    Empty for other formats. Named are those that people take for a model or for text, such as an
    error page that was saved, the pointer that Git LFS leaves, or a compressed file.
    """
    lower = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for name, signs in _FOREIGN_FORMATS.items():
        if lower.startswith(signs) or start.startswith(signs):
            return name
    return ""
