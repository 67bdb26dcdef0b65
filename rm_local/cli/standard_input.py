"""Reads texts from standard input: a question, or what is attached to one."""

from __future__ import annotations

import os
import select
import stat
import sys
from typing import BinaryIO

import click

from rm_local.errors import UsageError

MAX_TEXT = 16 << 20
"""Maximum size in bytes of a question or text read from standard input."""
FIRST_BYTE_S = 3.0
"""Seconds that a pipe has for its first byte before it counts as unused. Under ssh, cron and other
programs standard input is often an open pipe into which nobody ever writes."""
_CHUNK = 1 << 16


def read_stdin_attachment_or_empty(wanted: bool | None) -> str:
    """Read the text that is piped or redirected into a command that has its question already.

    `wanted`: True reads to the end, however long that takes; False reads nothing. None reads a
    regular file of which nobody has read yet (a shell loop reads its list from there), and a pipe
    or socket that has a first byte, or its end, within FIRST_BYTE_S; terminals, devices and closed
    inputs are left alone. Empty without such a text, or if it is only white space. Line breaks at
    both ends are removed. With None, a warning is printed if a pipe stays empty.

    Raises:
        UsageError: The text is too long, binary or in another encoding, or it cannot be read.
    """
    if wanted is False or (sys.stdin is None and not wanted):
        return ""
    if wanted is None and not _wait_until_stdin_ready_or_warn():
        return ""
    text = read_stdin_text("attached text")
    return text.strip("\r\n") if text.strip() else ""


def read_stdin_text(name: str) -> str:
    """Read standard input to its end; return its text, without a byte order mark.

    An empty input gives "". `name` describes the text in errors.

    Raises:
        UsageError: It is longer than MAX_TEXT, binary, or in another encoding, or standard input
            is closed or cannot be read.
    """
    from rm_local.text import describe_other_format_or_empty

    if sys.stdin is None:
        raise UsageError(f"There is no {name}: standard input is closed.", "Redirect a file.")
    try:
        data = _read_to_one_byte_past_limit(sys.stdin.buffer)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"Standard input cannot be read: {reason}.", "Redirect a file.") from None
    if len(data) > MAX_TEXT:
        remedy = "Shorten it." if name != "attached text" else "Attach a part of it."
        raise UsageError(f"The {name} is longer than {MAX_TEXT:,} bytes.", remedy)
    if encoding := describe_other_format_or_empty(data):
        raise UsageError(f"The {name} is not UTF-8 text: {encoding}.", "Give UTF-8.")
    if b"\0" in data:
        raise UsageError(
            f"The {name} on standard input is binary data.", "Give a text, such as UTF-8."
        )
    return data.decode("utf-8-sig", "replace")


def _read_to_one_byte_past_limit(stream: BinaryIO) -> bytes:
    """Read a stream to its end, but at most one byte more than MAX_TEXT."""
    data = bytearray()
    while len(data) <= MAX_TEXT and (chunk := stream.read(min(_CHUNK, MAX_TEXT + 1 - len(data)))):
        data += chunk
    return bytes(data)


def _wait_until_stdin_ready_or_warn() -> bool:
    """Wait up to FIRST_BYTE_S for a text on standard input; return whether there is one.

    The answer comes at once for a regular file (True if nothing of it has been read), and for
    terminals and devices (False). The end of a pipe also counts as a text. Print a warning if a
    pipe stays empty.
    """
    try:
        number = sys.stdin.fileno()
        kind = os.fstat(number).st_mode
        if stat.S_ISREG(kind):
            return os.lseek(number, 0, os.SEEK_CUR) == 0
    except (OSError, ValueError):  # closed, or replaced by an object without a descriptor
        return not getattr(sys.stdin, "closed", True) and not sys.stdin.isatty()
    if not (stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind)):
        return False
    if sys.platform == "win32":  # its pipes cannot be waited for
        return True
    ready, _, _ = select.select([number], [], [], FIRST_BYTE_S)
    if not ready:
        click.echo(
            "warning: Nothing came from standard input, so the question is asked alone. "
            "--stdin waits for it, --no-stdin does not look.",
            err=True,
        )
    return bool(ready)
