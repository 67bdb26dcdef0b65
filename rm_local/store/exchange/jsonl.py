"""Formats and parses entries as JSON Lines, one object per line, and reports invalid lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from rm_local.errors import UsageError
from rm_local.records import Entry
from rm_local.store.codec.text_blocks import MAX_TEXT_BYTES, check_and_join_texts
from rm_local.text import describe_other_format_or_empty

MAX_LINE_BYTES = 8 * MAX_TEXT_BYTES
"""Maximum bytes of a line: six for each byte of an entry's texts, as in `\\u00e9`, and more for the
other fields."""
_DECODER = json.JSONDecoder(parse_int=float)
"""Accepts integers of any length, which only fields that are ignored may contain."""
BOM = b"\xef\xbb\xbf"
EXAMPLE = '{"subproblem": "How to ...?", "subroutine": "I should ...", "domain": "math"}'


def format_entry_as_json_line(entry: Entry, *, with_id: bool = False, store: str = "") -> bytes:
    """Return the entry as a line of JSON in UTF-8, for `parse_line`.

    `with_id` adds its id, and then `store`, the name of its store, if there is one.
    """
    fields: dict[str, Any] = {
        "subproblem": entry.subproblem,
        "subroutine": entry.subroutine,
        "domain": entry.domain,
        "source": entry.source,
        "level": entry.level,
        "provenance": entry.provenance,
    }
    if with_id:
        fields = {"id": entry.id, **({"store": store} if store else {})} | fields
    try:
        return json.dumps(fields, ensure_ascii=False).encode() + b"\n"
    except UnicodeEncodeError:
        # A lone surrogate cannot be written in UTF-8, but as an escape.
        return json.dumps(fields).encode() + b"\n"


def read_lines(file: BinaryIO, name: str) -> Iterator[tuple[int, bytes]]:
    """Yield the number, counted from 1, and the bytes of each line of `file`.

    Raises:
        UsageError: A line is longer than MAX_LINE_BYTES. The message has the file's `name`.
    """
    number = 1
    while line := file.readline(MAX_LINE_BYTES + 1):
        if len(line) > MAX_LINE_BYTES:
            raise _make_line_error(name, number, f"it is longer than {MAX_LINE_BYTES:,} bytes")
        yield number, line
        number += 1


def parse_line(line: bytes, name: str, number: int) -> Entry | None:
    """Parse a line of JSON Lines as an entry; None for a blank line.

    Raises:
        UsageError: The line is not an entry. The message has the file's `name` and the `number`.
    """
    text = line.removeprefix(BOM)  # also within a file: several were joined
    if not text.strip():
        return None
    try:
        return _parse_entry(_DECODER.decode(text.decode("utf-8")))
    except UnicodeDecodeError as error:
        fault = describe_other_format_or_empty(line) or f"byte {error.start + 1} is not UTF-8"
    except json.JSONDecodeError as error:
        fault = f"it is not JSON: {error.msg} at character {error.pos + 1}"
        fault = describe_other_format_or_empty(line) or fault
    except RecursionError:
        fault = "it is not an entry: its JSON is nested too deeply"
    except ValueError as error:
        fault = str(error)
    raise _make_line_error(name, number, fault)


def _parse_entry(read: Any) -> Entry:
    """Return the entry described by a parsed JSON value.

    Raises:
        ValueError: The value is not an entry.
    """
    if not isinstance(read, dict):
        raise ValueError("it is not a JSON object")
    entry = Entry(
        subproblem=_get_text_or_empty(read, "subproblem"),
        subroutine=_get_text_or_empty(read, "subroutine"),
        domain=_get_text_or_empty(read, "domain"),
        source=_get_text_or_empty(read, "source"),
        level=_get_text_or_empty(read, "level"),
        provenance=_get_text_or_empty(read, "provenance"),
    )
    if not entry.subproblem.strip():
        raise ValueError("it has no subproblem")
    if not entry.subroutine.strip():
        raise ValueError("it has no subroutine")
    check_and_join_texts(entry.subproblem, entry.subroutine)
    return entry


def _get_text_or_empty(read: dict[str, Any], key: str) -> str:
    """Return the text under `key` of a JSON object; empty if it is missing or null.

    Raises:
        ValueError: The value is not text.
    """
    value = read.get(key)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"its {key} is not text")
    return value or ""


def _make_line_error(name: str, number: int, fault: str) -> UsageError:
    return UsageError(f"{name}, line {number}: {fault}.", f"A line looks like this: {EXAMPLE}")
