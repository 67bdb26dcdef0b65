"""The lines of a session's file (docs/reference/events.md)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rm_local.errors import RmLocalError, UsageError

VERSION = 1
SUFFIX = ".jsonl"
HEADER = "session"
ASKED = "asked"
REOPENED = "reopened"


def encode(kind: str, fields: dict[str, Any]) -> bytes:
    """One line; `event` comes first, so that a reader can pass over a kind unparsed."""
    return json.dumps({"event": kind, **fields}).encode() + b"\n"


def begins(line: bytes, kind: str) -> bool:
    """Whether the line is of this kind, told without parsing it."""
    return line.startswith(b'{"event": "%b"' % kind.encode())


def decode(line: bytes) -> dict[str, Any] | None:
    """The line's fields; None when it is cut short, garbled or of no kind."""
    try:
        fields = json.loads(line)
    except ValueError:
        return None
    known = isinstance(fields, dict) and isinstance(fields.get("event"), str)
    return fields if known else None


def opened(path: Path) -> tuple[dict[str, Any], Iterator[bytes]]:
    """The header of a session's file, and its further lines.

    Raises UsageError when the file is no session or of a later version, RmLocalError when it
    cannot be read.
    """
    lines = _lines(path)
    header = decode(next(lines, b""))
    if header is None or header["event"] != HEADER or not isinstance(header.get("version"), int):
        raise UsageError(f"{path} is not a saved session.", "`rm-local sessions` lists them.")
    if header["version"] > VERSION:
        raise UsageError(f"{path} was saved by a later rm-local.", "Update rm-local to read it.")
    return header, lines


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            yield from file
    except OSError as error:
        reason = error.strerror or "it cannot be read"
        raise RmLocalError(
            f"{path}: {reason}.", "`rm-local sessions` lists what is saved."
        ) from None
