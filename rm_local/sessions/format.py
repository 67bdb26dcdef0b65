"""Encodes and decodes the lines of a session file; docs/reference/events.md describes them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rm_local.errors import RmLocalError, UsageError
from rm_local.file_kinds import FILE, describe_existing_path_type

VERSION = 1
SUFFIX = ".jsonl"
HEADER = "session"
ASKED = "asked"
REOPENED = "reopened"
_LIST = "`rm-local sessions` lists what is saved."


def encode_line(kind: str, fields: dict[str, Any]) -> bytes:
    """Encode a line of a session file: the JSON object of `fields`, with `kind` as its `event`.

    `event` is the first field, so that `has_kind` need not parse the line.
    """
    return json.dumps({"event": kind, **fields}).encode() + b"\n"


def has_kind(line: bytes, kind: str) -> bool:
    """Return whether a line by `encode_line` is of this kind, without parsing it."""
    return line.startswith(b'{"event": "%b"' % kind.encode())


def decode_line(line: bytes) -> dict[str, Any] | None:
    """Return the fields of a line; None if it is not a JSON object with the field `event`."""
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        return None
    known = isinstance(fields, dict) and isinstance(fields.get("event"), str)
    return fields if known else None


def read_session_header_and_lines(path: Path) -> tuple[dict[str, Any], Iterator[bytes]]:
    """Open a session file; return the fields of its header, and an iterator over the other lines.

    Raises:
        UsageError: The file is not a session, or is of a later version.
        RmLocalError: The file cannot be read.
    """
    lines = _read_lines(path)
    header = decode_line(next(lines, b""))
    if header is None or header["event"] != HEADER or not isinstance(header.get("version"), int):
        raise UsageError(f"{path} is not a saved session.", "`rm-local sessions` lists them.")
    if header["version"] > VERSION:
        raise UsageError(f"{path} was saved by a later rm-local.", "Update rm-local to read it.")
    return header, lines


def _read_lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of the file.

    Raises:
        RmLocalError: The file cannot be read.
    """
    try:
        if (kind := describe_existing_path_type(path)) != FILE:
            raise RmLocalError(f"{path} is {kind}, not a file.", _LIST)
        with path.open("rb") as file:
            yield from file
    except OSError as error:
        reason = error.strerror or "it cannot be read"
        raise RmLocalError(f"{path}: {reason}.", _LIST) from None
