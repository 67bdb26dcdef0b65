"""Entries as JSON Lines: one object a line. Everything about such a file that can be wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from rm_local.errors import UsageError
from rm_local.records import Entry
from rm_local.store.codec.text_blocks import MAX_TEXT_BYTES, join_texts

LONGEST = 8 * MAX_TEXT_BYTES
"""Bytes of a line: six for each byte of the texts, as `\\u00e9` takes, and room for the rest."""
BOM = b"\xef\xbb\xbf"
EXAMPLE = '{"subproblem": "How to ...?", "subroutine": "I should ...", "domain": "math"}'


def format_entry(entry: Entry, *, with_id: bool = False) -> bytes:
    """Format one entry as a line of JSON, in UTF-8, which `entry_of` reads."""
    fields: dict[str, Any] = {
        "subproblem": entry.subproblem,
        "subroutine": entry.subroutine,
        "domain": entry.domain,
        "source": entry.source,
        "level": entry.level,
        "provenance": entry.provenance,
    }
    if with_id:
        fields = {"id": entry.id} | fields
    try:
        return json.dumps(fields, ensure_ascii=False).encode() + b"\n"
    except UnicodeEncodeError:
        # Half a surrogate pair has no UTF-8, but it has an escape.
        return json.dumps(fields).encode() + b"\n"


def lines(file: BinaryIO, name: str) -> Iterator[tuple[int, bytes]]:
    """Each line with its end and its number, from 1. UsageError: one is far too long."""
    number = 1
    while line := file.readline(LONGEST + 1):
        if len(line) > LONGEST:
            raise _bad(name, number, f"it is longer than {LONGEST:,} bytes")
        yield number, line
        number += 1


def entry_of(line: bytes, name: str, number: int) -> Entry | None:
    """The entry of a line; None for a blank one. UsageError: it holds none.

    `name` and `number` are the file's and the line's, for the error.
    """
    text = line.removeprefix(BOM) if number == 1 else line
    if not text.strip():
        return None
    try:
        return _entry(json.loads(text.decode("utf-8")))
    except UnicodeDecodeError as error:
        fault = f"byte {error.start + 1} is not UTF-8"
    except json.JSONDecodeError as error:
        fault = f"it is not JSON: {error.msg} at character {error.pos + 1}"
    except RecursionError:
        fault = "it is not JSON of an entry: it is nested too deeply"
    except ValueError as error:
        fault = str(error)
    raise _bad(name, number, fault)


def _entry(read: Any) -> Entry:
    """ValueError: `read` is no entry."""
    if not isinstance(read, dict):
        raise ValueError("it is no JSON object")
    entry = Entry(
        subproblem=_text(read, "subproblem"),
        subroutine=_text(read, "subroutine"),
        domain=_text(read, "domain"),
        source=_text(read, "source"),
        level=_text(read, "level"),
        provenance=_text(read, "provenance"),
    )
    if not entry.subproblem.strip():
        raise ValueError("it has no subproblem")
    if not entry.subroutine.strip():
        raise ValueError("it has no subroutine")
    join_texts(entry.subproblem, entry.subroutine)
    return entry


def _text(read: dict[str, Any], key: str) -> str:
    """Empty where there is none, or null."""
    value = read.get(key)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"its {key} is no text")
    return value or ""


def _bad(name: str, number: int, fault: str) -> UsageError:
    return UsageError(f"{name}, line {number}: {fault}.", f"A line looks like this: {EXAMPLE}")
