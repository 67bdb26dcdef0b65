"""Standard streams of one call of a command: open, closed, full, and in several encodings."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Literal, TextIO

from tests.support.command_values import Invocation, Stream
from tests.support.watchdog import HANG_SECONDS

_SIGNALS = (signal.SIGALRM, signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class HungError(BaseException):
    """A call took longer than HANG_SECONDS."""


def _interrupt(*_: object) -> None:
    raise HungError


class CommandStreams:
    """Streams of one call: the descriptors 0 to 2 lead to files of the folder `root` meanwhile."""

    def __init__(self, root: Path, invocation: Invocation) -> None:
        self._invocation = invocation
        self._files = [root / name for name in ("in", "out", "err")]
        self._files[0].write_bytes(invocation.stdin or b"")
        self._files[2].write_bytes(b"")

    def call(self, arguments: list[str]) -> object:
        """Call the program in this process; return its exit code."""
        from rm_local.cli.main import main

        asked = self._invocation
        before = sys.stdin, sys.stdout, sys.stderr, sys.argv
        kept = [os.dup(number) for number in range(3)]
        handlers = {each: signal.getsignal(each) for each in _SIGNALS}
        try:
            for number, path in enumerate(self._files):
                _redirect(number, path, ("open", asked.stdout, asked.stderr)[number])
            sys.stdin = _open_stream(0, "open" if asked.stdin is not None else "closed")
            sys.stdout = _open_stream(1, asked.stdout)
            sys.stderr = _open_stream(2, asked.stderr)
            sys.argv = ["rm-local", *arguments]
            signal.signal(signal.SIGALRM, _interrupt)
            signal.setitimer(signal.ITIMER_REAL, HANG_SECONDS)
            main()
            return 0
        except SystemExit as end:
            return end.code or 0
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            for each, handler in handlers.items():
                signal.signal(each, handler)
            for stream in (sys.stdout, sys.stderr):
                with suppress(OSError, ValueError):
                    stream and stream.flush()
            sys.stdin, sys.stdout, sys.stderr, sys.argv = before
            for number, descriptor in enumerate(kept):
                os.dup2(descriptor, number)
                os.close(descriptor)

    def read_errors(self) -> str:
        """What was written to standard error; empty if that was closed or full."""
        return self._files[2].read_text("utf-8", "replace")


def _redirect(number: int, path: Path, kind: object) -> None:
    """Let a descriptor lead to a file; that of a closed stream leads nowhere."""
    name = {"closed": os.devnull, "full": "/dev/full"}.get(str(kind), str(path))
    flags = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_TRUNC | os.O_CREAT
    descriptor = os.open(name, flags, 0o600)
    os.dup2(descriptor, number)
    os.close(descriptor)


def _open_stream(number: int, kind: Stream) -> TextIO | None:
    """Open the text stream of a descriptor as Python does; None for a closed one."""
    if kind == "closed":
        return None
    encoding = kind if kind in ("ascii", "cp1252") else "utf-8"
    errors = ("surrogateescape", "strict", "backslashreplace")[number]
    mode: Literal["r", "w"] = "r" if number == 0 else "w"
    return open(number, mode, encoding=encoding, errors=errors, closefd=False)
