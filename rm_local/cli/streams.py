"""Standard streams that any command can write to: closed, full, without a reader, in any encoding.

Standard output that cannot be written ends the command once, and later output is discarded.
Standard error only accompanies the work: what it cannot take is discarded.
"""

from __future__ import annotations

import codecs
import errno
import io
import os
import select
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, TextIO

import click

from rm_local.cli.lazy_group import ReportedError
from rm_local.errors import RmLocalError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

FAILED = RmLocalError.exit_code
_HANDLER, _ASCII = "rm_local_replace", "rm_local_ascii"
_TOLERANT = ("replace", "backslashreplace", "namereplace", "xmlcharrefreplace", "ignore")
"""Error handlers of Python's that can encode every character."""


class _DiscardAfterFailureFile(io.FileIO):
    """The file of a standard stream; after the first failed write it discards what is written.

    `required`: a failed write ends the command. `follows`: it has the reader of standard output,
    so that the command ends when this reader leaves.
    """

    def __init__(self, descriptor: int, *, required: bool, follows: bool = False) -> None:
        super().__init__(descriptor, "wb", closefd=False)
        self.failed = False
        self._required = required
        self._follows = follows

    def write(self, data: ReadableBuffer, /) -> int:
        """Write bytes, waiting for a reader that is slow; return how many were written.

        Raises:
            ReportedError: Standard output cannot be written.
            click.exceptions.Exit: The reader of standard output left.
        """
        if self.failed:
            return memoryview(data).nbytes
        try:
            while (written := super().write(data)) is None:  # another program made it non-blocking
                select.select([], [self.fileno()], [])
            return written
        except OSError as error:
            self._discard_later_output()
            self._raise_if_failure_ends_command(error)
        return memoryview(data).nbytes

    def _discard_later_output(self) -> None:
        """Connect the descriptor to the null device, for libraries that write to it, too."""
        self.failed = True
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, self.fileno())
        os.close(null)

    def _raise_if_failure_ends_command(self, error: OSError) -> None:
        """End the command if this stream is required or standard output's reader left.

        Raises:
            ReportedError: Standard output cannot be written.
            click.exceptions.Exit: The reader of standard output left.
        """
        if error.errno == errno.EPIPE and (self._required or self._follows):
            raise click.exceptions.Exit(FAILED)
        if not self._required:
            return
        reason = error.strerror or str(error)
        remedy = "Free some space, or send the output to another place."
        raise ReportedError(f"Standard output cannot be written: {reason}.", remedy, FAILED)


class _WaitingStdinFile(io.RawIOBase):
    """Standard input; a read waits for data, even if another program made it non-blocking.

    Python's own file takes a moment without data for the end of a non-blocking pipe.
    """

    def readable(self) -> bool:
        """Return True: this file is for reading."""
        return True

    def fileno(self) -> int:
        """Return the descriptor of standard input."""
        return 0

    def isatty(self) -> bool:
        """Return whether standard input is a terminal."""
        return os.isatty(0)

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Read bytes into `buffer`; return their number, 0 at the end of the input."""
        while True:
            try:
                return os.readv(0, [buffer])
            except BlockingIOError:
                select.select([0], [], [])


def replace_standard_streams() -> None:
    """Replace `sys.stdout` and `sys.stderr` by streams that no output makes crash.

    Closed standard descriptors are opened on the null device, so that no other file gets their
    numbers. `sys.stdin` stays None if it was closed; otherwise, unless it is a terminal, its
    replacement waits for a slow writer.
    """
    _open_null_on_closed_descriptors()
    codecs.register_error(_HANDLER, _keep_bytes_or_replace_unencodable)
    codecs.register(_find_codec_of_ascii_alias)
    together = are_streams_same_file(sys.stdout, sys.stderr)
    sys.stdin = _make_waiting_stdin_unless_terminal(sys.stdin)
    sys.stdout = _make_safe_stream(sys.stdout, _DiscardAfterFailureFile(1, required=True))
    sys.stderr = _make_safe_stream(
        sys.stderr, _DiscardAfterFailureFile(2, required=False, follows=together)
    )


def open_drawing_stream() -> TextIO:
    """Open a stream for drawing on the terminal that is standard output.

    Characters that the terminal's encoding lacks are replaced. A terminal that is gone is no error:
    the system sends a signal then.
    """
    return _make_safe_stream(sys.stdout, _DiscardAfterFailureFile(os.dup(1), required=False))


def has_stdout_write_failed() -> bool:
    """Return whether a write to standard output failed since `replace_standard_streams`."""
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return isinstance(raw, _DiscardAfterFailureFile) and raw.failed


def are_streams_same_file(one: TextIO | None, other: TextIO | None) -> bool:
    """Return whether two streams are one file, pipe or terminal, as with `2>&1` in a shell."""
    if one is None or other is None:
        return False
    with suppress(OSError, ValueError):  # closed, or without a descriptor
        return os.path.sameopenfile(one.fileno(), other.fileno())
    return False


def _open_null_on_closed_descriptors() -> None:
    """Open the null device on each of the descriptors 0 to 2 that is closed."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            # the lowest free number, which is this one
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)


def _make_waiting_stdin_unless_terminal(stream: TextIO | None) -> TextIO | None:
    """Make a text stream that reads standard input as `stream` does, but waits for data.

    A terminal, a stream that is no TextIOWrapper, and any stream on Windows is returned itself.
    """
    if sys.platform == "win32" or not isinstance(stream, io.TextIOWrapper) or stream.isatty():
        return stream
    file = io.BufferedReader(_WaitingStdinFile())
    return io.TextIOWrapper(file, encoding=stream.encoding, errors=stream.errors)


def _make_safe_stream(stream: TextIO | None, file: _DiscardAfterFailureFile) -> TextIO:
    """Make a text stream that writes to `file` in the encoding of `stream`.

    It replaces characters that cannot be encoded. A Windows terminal, or a stream that is no
    TextIOWrapper, is returned itself. Without a stream, all text is discarded.
    """
    if stream is None:
        return open(os.devnull, "w", encoding="utf-8")
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    if sys.platform == "win32" and stream.isatty():
        stream.reconfigure(errors="replace")
        return stream
    named = file.fileno() == 1 and stream.errors in _TOLERANT  # by PYTHONIOENCODING
    is_ascii = codecs.lookup(stream.encoding).name == "ascii"
    return io.TextIOWrapper(
        io.BufferedWriter(file),
        encoding=_ASCII if is_ascii else stream.encoding,
        errors=stream.errors if named else _HANDLER,
        line_buffering=file.fileno() == 2 or stream.isatty(),
    )


def _keep_bytes_or_replace_unencodable(error: UnicodeError) -> tuple[str | bytes, int]:
    """Error handler: a byte of a file's name stays that byte, any other character becomes `?`."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    bad = error.object[error.start : error.end]
    if not any("\udc80" <= char <= "\udcff" for char in bad) or _is_utf_16_32_or_7(error.encoding):
        return "?" * len(bad), error.end
    data = (ord(char) - 0xDC00 if "\udc80" <= char <= "\udcff" else ord("?") for char in bad)
    return bytes(data), error.end


def _is_utf_16_32_or_7(encoding: str) -> bool:
    """Return whether an encoding is UTF-16, UTF-32 or UTF-7.

    A single byte cannot be inserted into a text in such an encoding.
    """
    return encoding.lower().replace("_", "-").startswith(("utf-16", "utf-32", "utf-7"))


def _find_codec_of_ascii_alias(name: str) -> codecs.CodecInfo | None:
    """Search function for `codecs`: ASCII under the name `_ASCII`; None for any other name.

    click writes UTF-8 to a stream whose encoding is named `ascii`.
    """
    if name != _ASCII:
        return None
    ascii = codecs.lookup("ascii")
    return codecs.CodecInfo(
        name=_ASCII,
        encode=ascii.encode,
        decode=ascii.decode,
        incrementalencoder=ascii.incrementalencoder,
        incrementaldecoder=ascii.incrementaldecoder,
        streamreader=ascii.streamreader,
        streamwriter=ascii.streamwriter,
    )
